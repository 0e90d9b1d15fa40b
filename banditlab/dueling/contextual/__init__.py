"""Contextual duels: arms have features, and who wins depends on the difference between them."""

from . import generics
from .environments import ContextualGLM, FixedArms, GaussianArms, Logistic, UniformArms
from .family import CONTEXTUAL, arm_set, contextual_environment, contextual_policy, link
from .optimistic import CoLSTIM, MaxFirstUCBNext, MaxInP, MaxPairUCB
from .vacdb import VACDB, StaD

__all__ = [
    "CONTEXTUAL",
    "VACDB",
    "CoLSTIM",
    "ContextualGLM",
    "FixedArms",
    "GaussianArms",
    "Logistic",
    "MaxFirstUCBNext",
    "MaxInP",
    "MaxPairUCB",
    "StaD",
    "UniformArms",
    "arm_set",
    "contextual_environment",
    "contextual_policy",
    "generics",
    "link",
]
