"""Random orders of arms inside kernels."""

from __future__ import annotations

from typing import Any

from banditlab.core.dispatch import device
from banditlab.core.sampling import below


@device
def shuffle(order: Any, n: int, lane: int, rng: Any) -> None:
    """Put 0, ..., n - 1 into the first n rows of a lane of `order`, in random order (Fisher and Yates)."""
    for k in range(n):
        order[k, lane] = k
    for k in range(n - 1, 0, -1):
        other = below(rng, lane, k + 1)
        kept = order[k, lane]
        order[k, lane] = order[other, lane]
        order[other, lane] = kept
