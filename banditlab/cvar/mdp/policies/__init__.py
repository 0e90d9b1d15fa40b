"""Policies that learn MDPs, one module per lineage."""

from .cvar_ucbvi import CVaRUCBVI
from .iterated import UCBVI, ICVaRRM, MaxWP
from .linear import ICVaRL

__all__ = ["UCBVI", "CVaRUCBVI", "ICVaRL", "ICVaRRM", "MaxWP"]
