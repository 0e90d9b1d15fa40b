"""What a device returns for a chunk of runs instead of every run's metrics: moments, extremes, a thinned sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = 64
"""One of this many runs, in the order of their values, represents them in the sketches of quantiles."""


@dataclass(frozen=True)
class Reduced:
    """Statistics of a chunk of runs: arrays (metric, checkpoint).

    Attributes
    ----------
    n_runs : int
        Runs.
    mean, squares : float64 array
        Mean, and sum of squared deviations from it.
    minimum, maximum : float64 array
        Extremes.
    ordered : float64 array
        Every `STEP`-th run's value in ascending order, from the middle of the first `STEP` on: one table (metric,
        checkpoint) each. A share of runs is off by at most STEP / (2 n_runs).
    """

    n_runs: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    ordered: NDArray[np.float64]

    @classmethod
    def of(cls, values: Any) -> Reduced:
        """Reduce metrics, one table (metric, checkpoint) per run, where they are: NumPy's or CuPy's array."""
        n, n_metrics, n_checkpoints = values.shape
        moments = np.empty((4, n_metrics, n_checkpoints))
        first = min(STEP // 2, n - 1)
        ordered = np.empty((len(range(first, n, STEP)), n_metrics, n_checkpoints))
        for k in range(n_metrics):  # one by one, as a device's memory holds few copies of a metric
            table = values[:, k, :]
            centre = table.mean(axis=0)
            apart = table - centre
            apart *= apart
            for row, part in enumerate((centre, apart.sum(axis=0), table.min(axis=0), table.max(axis=0))):
                moments[row, k] = _here(part)
            del apart
            for c in range(n_checkpoints):
                column = table[:, c].copy()
                _require_room(column)
                column.sort()
                ordered[:, k, c] = _here(column[first::STEP])
        mean, squares, minimum, maximum = moments
        return cls(n, mean, squares, minimum, maximum, ordered)

    def __len__(self) -> int:
        """Return the number of runs."""
        return self.n_runs


def taken(values: Any, reduced: bool) -> Any:
    """Return what is kept of metrics: their statistics, or all of them, side by side in memory."""
    return Reduced.of(values) if reduced else np.ascontiguousarray(values)


def _require_room(array: Any) -> None:
    """Raise if a device has no memory for what sorting an array takes in addition.

    CuPy gets that returned to its reserve, where sorting finds it. Before 14.1 it sorts wrongly if there is no memory,
    and only prints something (cupy/cupy#9894).
    """
    if not isinstance(array, np.ndarray):
        from .cuda import arrays

        arrays().empty(2 * array.size, array.dtype)


def _here(array: Any) -> NDArray[np.float64]:
    return array if isinstance(array, np.ndarray) else array.get()
