"""Combinatorial semi-bandits: actions are sets of items, and each item of an action is seen."""

from . import generics
from .action_sets import ActionSet, MSets, UpToM
from .environments import Combinatorial, CorrelatedGaussian, SemiBandit
from .explicit import Explicit
from .family import action_set, environment, policy
from .graphs import Matchings, Paths, SpanningTrees
from .kmax import KMax
from .knapsack import Knapsack
from .objectives import Coverage, Influence
from .offline import Greedy, GreedyPlusMax, OfflineAlgorithm, offline_algorithm
from .policies import (
    BGCTS,
    CETC,
    CUCB,
    ESCB2,
    OG,
    BetaCTS,
    CombUCB1,
    GaussianCTS,
    KMaxCUCB,
    KMaxSemiBandit,
    PASCombUCB,
    SuperArmUCB,
)
from .programs import LinearSet
from .safe import SafeUpToM

__all__ = [
    "BGCTS",
    "CETC",
    "CUCB",
    "ESCB2",
    "OG",
    "ActionSet",
    "BetaCTS",
    "CombUCB1",
    "Combinatorial",
    "CorrelatedGaussian",
    "Coverage",
    "Explicit",
    "GaussianCTS",
    "Greedy",
    "GreedyPlusMax",
    "Influence",
    "KMax",
    "KMaxCUCB",
    "KMaxSemiBandit",
    "Knapsack",
    "LinearSet",
    "MSets",
    "Matchings",
    "OfflineAlgorithm",
    "PASCombUCB",
    "Paths",
    "SafeUpToM",
    "SemiBandit",
    "SpanningTrees",
    "SuperArmUCB",
    "UpToM",
    "action_set",
    "environment",
    "generics",
    "offline_algorithm",
    "policy",
]
