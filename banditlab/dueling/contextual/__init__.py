"""Contextual duels: arms have features, and who wins depends on the difference between them."""

from . import generics
from .environments import ContextualGLM, FixedArms, GaussianArms, Logistic, UniformArms
from .family import arm_set, contextual_environment, contextual_policy, link
from .policies import VACDB, CoLSTIM, MaxFirstUCBNext, MaxInP, MaxPairUCB, StaD

__all__ = [
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
