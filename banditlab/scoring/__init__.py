"""Scoring rules and the mechanisms that buy information."""

from .errors import NotImplementable
from .family import environment, policy
from .principal_agent import PrincipalAgent

__all__ = ["NotImplementable", "PrincipalAgent", "environment", "policy"]
