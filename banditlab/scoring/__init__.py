"""Scoring rules and the mechanisms that buy information."""

from .family import environment, policy

__all__ = ["environment", "policy"]
