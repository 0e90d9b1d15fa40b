"""Slow, obvious versions of every policy of the family, written from the papers rather than from the kernels.

See `naive_base` for what they have in common.
"""

from . import naive_copeland, naive_elimination, naive_optimistic, naive_queue, naive_reductions, naive_rmed
from .naive_base import REFERENCES, Naive, Rng, environment_rng, policy_rng

__all__ = [
    "REFERENCES",
    "Naive",
    "Rng",
    "environment_rng",
    "naive_copeland",
    "naive_elimination",
    "naive_optimistic",
    "naive_queue",
    "naive_reductions",
    "naive_rmed",
    "policy_rng",
]
