"""Policies that buy information, one module per lineage."""

from .baselines import ExploreThenCommit, FixedRule, Oracle
from .hiring import HiringExploreThenCommit
from .online import OnlineBanditFeedback, OnlineFullFeedback
from .osra import OSRA

__all__ = [
    "OSRA",
    "ExploreThenCommit",
    "FixedRule",
    "HiringExploreThenCommit",
    "OnlineBanditFeedback",
    "OnlineFullFeedback",
    "Oracle",
]
