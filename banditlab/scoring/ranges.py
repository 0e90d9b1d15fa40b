"""The smallest and the largest payment of a rule, where no formula gives them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from .simplex import Floats, climb, finest_grid

# Reports that are tried before the best of them are improved.
_GRID = 2000

Rows = Callable[[Floats], Floats]


def searched_ranges(rows_of: Rows, n_states: int) -> tuple[Floats, Floats]:
    """Return the smallest and the largest payment in each state: the best of a grid of reports, then local search.

    `rows_of` takes reports, one per row, and returns what they are paid in each state.
    """
    grid = np.vstack([np.eye(n_states), finest_grid(n_states, _GRID)])
    rows = rows_of(grid)
    ends = []
    for sign in (-1.0, 1.0):
        best = np.argmax(sign * rows, axis=0)
        found = [sign * rows[best[w], w] for w in range(n_states)]
        for w in np.flatnonzero(np.isfinite(found)):
            _, found[w] = climb(functools.partial(_signed, rows_of, sign, int(w)), grid[best[w]][None, :])
        ends.append(sign * np.array(found))
    return ends[0], ends[1]


def _signed(rows_of: Rows, sign: float, state: int, report: Floats) -> float:
    return float(sign * rows_of(report)[0, state])
