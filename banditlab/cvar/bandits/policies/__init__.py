"""Policies for bandits with CVaR, one module per lineage."""

from .thompson import BCVTS, MCVTS
from .ucb import UUCB, BernsteinUCB, BrownUCB, CVaRUCB

__all__ = ["BCVTS", "MCVTS", "UUCB", "BernsteinUCB", "BrownUCB", "CVaRUCB"]
