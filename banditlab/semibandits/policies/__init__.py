"""Policies for combinatorial semi-bandits, one module per lineage."""

from .full_bandit import CETC, OG
from .kmax import KMaxCUCB, KMaxSemiBandit, SuperArmUCB
from .linear import CUCB, ESCB2, CombUCB1
from .safe import PASCombUCB
from .sampling import BGCTS, BetaCTS, GaussianCTS

__all__ = [
    "BGCTS",
    "CETC",
    "CUCB",
    "ESCB2",
    "OG",
    "BetaCTS",
    "CombUCB1",
    "GaussianCTS",
    "KMaxCUCB",
    "KMaxSemiBandit",
    "PASCombUCB",
    "SuperArmUCB",
]
