"""Scoring rules and the mechanisms that buy information."""

from . import policies
from .errors import NotImplementable
from .family import environment, policy
from .informed import informed_rules
from .policies import *  # noqa: F403 - the policies' own __all__ is the list
from .principal_agent import PrincipalAgent

__all__ = [
    "NotImplementable",
    "PrincipalAgent",
    "environment",
    "informed_rules",
    "policies",
    "policy",
    *policies.__all__,
]
