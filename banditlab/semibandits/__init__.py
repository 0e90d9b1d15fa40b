"""Combinatorial semi-bandits: actions are sets of items, and each item of an action is seen."""

from . import generics
from .action_sets import ActionSet, MSets, UpToM
from .environments import Combinatorial, CorrelatedGaussian, SemiBandit
from .family import action_set, environment, policy
from .knapsack import Explicit, Knapsack
from .linear_policies import CombUCB1
from .safe import SafeUpToM

__all__ = [
    "ActionSet",
    "CombUCB1",
    "Combinatorial",
    "CorrelatedGaussian",
    "Explicit",
    "Knapsack",
    "MSets",
    "SafeUpToM",
    "SemiBandit",
    "UpToM",
    "action_set",
    "environment",
    "generics",
    "policy",
]
