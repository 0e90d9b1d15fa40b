"""Beliefs: points of the simplex, how they are checked, and grids of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import array, integer, invalid, vector

Floats = NDArray[np.float64]

SUM_TOLERANCE = 1e-9

ROUNDED = 0.01 + SUM_TOLERANCE
"""How far from 1 the sums of rounded probabilities may be, for a message to say how they are divided by them."""

MOST_BELIEFS = 10_000_000
"""Most beliefs of a grid: more would fill the memory."""

MOST_STATES = 10_000
"""Most states of a scoring rule: some computations store a number for each pair of them."""


def beliefs(name: str, value: Any, n_states: int | None = None) -> Floats:
    """Check for a matrix whose rows are beliefs: one row per belief, one column per state, rows sum to one."""
    rows: Floats = array(2, 0.0, 1.0)(name, value)
    sums = rows.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1.0) > SUM_TOLERANCE)
    if wrong.size:
        raise InvalidArgument(
            f"{name}[{wrong[0]}] sums to {sums[wrong[0]]:.12g}; allowed: 1, within {SUM_TOLERANCE:g}{remedy(sums)}"
        )
    if n_states is not None and rows.shape[1] != n_states:
        raise InvalidArgument(f"{name} has {rows.shape[1]} columns; allowed: {n_states}, one per state")
    return rows


def belief(name: str, value: Any, n_states: int | None = None) -> Floats:
    """Check for one belief: a flat array of probabilities, one per state, that sum to one."""
    entries: Floats = vector(0.0, 1.0)(name, value)
    total = entries.sum()
    if abs(total - 1.0) > SUM_TOLERANCE:
        told = f"probabilities that sum to 1, within {SUM_TOLERANCE:g}{remedy(total)}; these sum to {total:.12g}"
        raise invalid(name, value, told)
    if n_states is not None and len(entries) != n_states:
        raise invalid(name, value, f"{n_states} probabilities, one per state")
    return entries


def remedy(sums: Floats, axes: tuple[int, ...] = (-1,)) -> str:
    """Return the end of a message on probabilities that do not add up to 1, if they were rounded: how they will."""
    if np.abs(sums - 1.0).max() > ROUNDED:
        return ""
    axis = axes[0] if len(axes) == 1 else axes
    return f", as in P / P.sum({axis}, keepdims=True) for a rounded array P of float64"


def n_axes(name: str, value: Any) -> int:
    """Return the number of axes of an argument that may be one belief, or several, or a number."""
    try:
        return np.ndim(value)
    except ValueError as error:
        raise invalid(name, value, "rows of the same length") from error


def binary(probabilities: ArrayLike) -> Floats:
    """Return beliefs about an event: state 1 is that it happens, state 0 that it does not.

    Parameters
    ----------
    probabilities : sequence of float
        The event's probability in each belief.

    Returns
    -------
    float64 array, (n, 2)
        Rows (1 - p, p).

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.binary([0.25, 1.0]).tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    """
    p = vector(0.0, 1.0)("probabilities", probabilities)
    return np.column_stack([1.0 - p, p])


def simplex_grid(n_states: int, steps: int) -> Floats:
    """Return every belief whose entries are multiples of 1/steps, in lexicographic order.

    Parameters
    ----------
    n_states : int
        Entries of a belief, at least 2.
    steps : int
        At least 1; 1 gives the vertices.

    Returns
    -------
    float64 array, (C(steps + n_states - 1, n_states - 1), n_states)

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.simplex_grid(3, 1).tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    n_states = integer(2, limit=MOST_STATES)("n_states", n_states)
    steps = integer(1, limit=MOST_BELIEFS)("steps", steps)
    if math.comb(steps + n_states - 1, n_states - 1) > MOST_BELIEFS:
        raise invalid("steps", steps, f"fewer, as the grid for {n_states} states has more than {MOST_BELIEFS} beliefs")
    # stars and bars: the bars' places among the stars are the cumulative counts
    places = np.array(list(itertools.combinations(range(steps + n_states - 1), n_states - 1)))
    edges = np.column_stack([np.full(len(places), -1), places, np.full(len(places), steps + n_states - 1)])
    return np.asarray((np.diff(edges, axis=1) - 1) / steps)


def finest_grid(n_states: int, most: int) -> Floats:
    """Return the finest simplex grid of at most `most` points, or the vertices if even these are more."""
    steps = 1
    while math.comb(steps + n_states, n_states - 1) <= most:
        steps += 1
    return simplex_grid(n_states, steps)


def climb(objective: Callable[[Floats], float], start: Floats) -> tuple[Floats, float]:
    """Climb from rows of beliefs to a local maximum of a function of them, never ending lower than it began.

    Quasi-Newton steps on free non-negative numbers whose rows are divided by their sums: the only constraints left are
    bounds. The function may have kinks, in which case the end need not be a local maximum.
    """
    from scipy.optimize import minimize

    def normal(x: Floats) -> Floats:
        rows = np.maximum(x.reshape(start.shape), 0.0)
        sums = rows.sum(axis=1, keepdims=True)
        return np.asarray(np.where(sums > 0.0, rows / np.where(sums > 0.0, sums, 1.0), start))

    def loss(x: Floats) -> float:
        return float(np.clip(-objective(normal(x)), -1e150, 1e150))

    found = minimize(loss, start.ravel(), method="L-BFGS-B", bounds=[(0.0, 1.0)] * start.size)
    end = normal(found.x)
    before, after = objective(start), objective(end)
    return (end, after) if after > before else (start, before)
