"""Policies for contextual duels, one module per lineage."""

from .optimistic import CoLSTIM, MaxFirstUCBNext, MaxInP, MaxPairUCB
from .vacdb import VACDB, StaD

__all__ = ["VACDB", "CoLSTIM", "MaxFirstUCBNext", "MaxInP", "MaxPairUCB", "StaD"]
