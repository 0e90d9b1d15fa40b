"""What a device tells of a chunk of runs instead of every run's metrics: moments, extremes and a thinned sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = 64
"""One of so many runs, in the order of their values, stands for them in the sketches of quantiles."""


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
        Every `STEP`-th run's value in ascending order, from the middle of the first `STEP`: one table (metric,
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
        """Reduce metrics, one table (metric, checkpoint) a run, where they lie: NumPy's or CuPy's array."""
        n = len(values)
        mean = values.mean(axis=0)
        squares = ((values - mean) ** 2).sum(axis=0)
        extremes = values.min(axis=0), values.max(axis=0)
        values = values.copy()
        values.sort(axis=0)
        ordered = values[min(STEP // 2, n - 1) :: STEP].copy()
        return cls(n, *(_here(part) for part in (mean, squares, *extremes, ordered)))

    def __len__(self) -> int:
        """Return the number of runs."""
        return self.n_runs


def _here(array: Any) -> NDArray[np.float64]:
    return array if isinstance(array, np.ndarray) else array.get()
