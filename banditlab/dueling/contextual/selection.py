"""Choosing arms by estimated utilities and norms of pairs; arms that are left out have the estimate -inf."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import State
from banditlab.core.dispatch import device_call

from ..policies.counts import another_tie
from .ellipsoid import pair_number


@device_call
def largest(values: Any, lane: int, rng: Any) -> int:
    """Return the index of the largest value, ties broken at random."""
    best, found, ties = -math.inf, 0, 0
    for i in range(values.shape[0]):
        if values[i] > best:
            best, found, ties = values[i], i, 1
        elif values[i] == best and ties > 0:
            ties += 1
            if another_tie(rng, lane, ties):
                found = i
    return found


@device_call
def optimistic(state: State, estimates: Any, first: int, beta: float, lane: int) -> Any:
    """Return estimated utilities plus beta times the distance from the first arm."""
    values = np.empty(estimates.shape[0])
    for j in range(estimates.shape[0]):
        norm = math.sqrt(state.squared[pair_number(estimates.shape[0], first, j), lane]) if j != first else 0.0
        values[j] = estimates[j] + beta * norm
    return values


@device_call
def best_pair(state: State, estimates: Any, beta: float, lane: int, rng: Any) -> tuple[int, int]:
    """Return the pair with the largest sum of estimated utilities plus beta times norm; an arm with itself is one."""
    n_arms = estimates.shape[0]
    best, first, second, ties = -math.inf, 0, 0, 0
    pair = 0
    for i in range(n_arms):
        for j in range(i, n_arms):
            norm = math.sqrt(state.squared[pair, lane]) if j > i else 0.0
            pair += 1 if j > i else 0
            value = estimates[i] + estimates[j] + beta * norm
            if value > best:
                best, first, second, ties = value, i, j, 1
            elif value == best and ties > 0:
                ties += 1
                if another_tie(rng, lane, ties):
                    first, second = i, j
    return first, second
