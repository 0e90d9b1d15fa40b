"""Combinatorial semi-bandits: actions are sets of items, and each item of an action is seen."""

from . import generics
from .environments import Combinatorial, CorrelatedGaussian, SemiBandit
from .family import action_set, environment, policy

__all__ = [
    "Combinatorial",
    "CorrelatedGaussian",
    "SemiBandit",
    "action_set",
    "environment",
    "generics",
    "policy",
]
