"""Policies that buy information, one module a lineage."""

from .baselines import ExploreThenCommit, FixedRule, Oracle
from .osra import OSRA

__all__ = ["OSRA", "ExploreThenCommit", "FixedRule", "Oracle"]
