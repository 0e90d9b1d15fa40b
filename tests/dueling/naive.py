"""Slow, obvious versions of every policy of the family, written from the papers rather than from the kernels.

See `naive_base` for what they have in common.
"""

from . import naive_optimistic, naive_queue, naive_reductions
from .naive_base import REFERENCES, Naive, Rng, environment_rng, policy_rng

__all__ = [
    "REFERENCES",
    "Naive",
    "Rng",
    "environment_rng",
    "naive_optimistic",
    "naive_queue",
    "naive_reductions",
    "policy_rng",
]
