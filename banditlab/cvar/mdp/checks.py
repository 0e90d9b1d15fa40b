"""Checks of the arrays that describe an MDP."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import all_entries, entry, floats

ROWS_SUM_TO_ONE_WITHIN = 1e-9

MAX_ENTRIES = 500_000_000
"""Most numbers in one array of an instance or of a plan: four gigabytes."""

ROUNDING = 1e-13
"""By how much rows that are meant to sum to one may miss it."""


def tensor(name: str, value: Any, allowed: str, ndims: tuple[int, ...], low: float = -np.inf) -> NDArray[np.float64]:
    """Return a finite float64 array with an allowed number of dimensions, as a read-only copy, or raise."""
    result = floats(name, value, allowed)
    if result.ndim not in ndims or result.size == 0:
        raise InvalidArgument(f"{name} has shape {result.shape}; allowed: {allowed}")
    interval = "finite numbers" if low == -np.inf else f"finite numbers of at least {low:g}"
    all_entries(name, result, result >= low, interval)
    result.setflags(write=False)
    return result


def rows_sum_to_one(name: str, rows: NDArray[np.float64], of: str) -> None:
    """Raise, naming the row, unless all rows on the last axis sum to one."""
    sums = rows.sum(axis=-1)
    bad = np.abs(sums - 1.0) > ROWS_SUM_TO_ONE_WITHIN
    if bad.any():
        where = tuple(np.argwhere(bad)[0])
        raise InvalidArgument(f"{name}{entry(where)} sums to {sums[where]:.10g}; allowed: 1, as {of}")


def normal_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows that sum to one: what they lack would add up over the steps of an episode."""
    sums = rows.sum(axis=-1, keepdims=True)
    return rows / sums if (np.abs(sums - 1.0) > ROUNDING).any() else rows


def check_size(name: str, n_states: int, n_actions: int, each: int = 1) -> None:
    """Raise if the transitions of an instance, or what it draws for each of them, are more than a machine holds."""
    if n_states * n_actions * n_states * each > MAX_ENTRIES:
        told = f"{n_states} x {n_actions} x {n_states}" + (f" x {each}" if each > 1 else "")
        raise InvalidArgument(f"{name} make arrays of {told} numbers; allowed: at most {MAX_ENTRIES:,}")
