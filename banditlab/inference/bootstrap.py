"""Bootstrap confidence bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import integer, open_probability

RUNS_A_BLOCK = 20_000_000  # weights drawn at a time: 160 MB


def mean_band(
    values: NDArray[np.float64], *, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a percentile bootstrap confidence band of the mean over runs, at each checkpoint.

    Runs are resampled as wholes, so that the band respects the dependence between checkpoints. A resample is a
    vector of multinomial counts, and all resampled means are one matrix product: `scipy.stats.bootstrap` would
    copy the runs once a resample.

    Parameters
    ----------
    values : float64 array
        One row a run, one column a checkpoint.
    level : float, default 0.95
        Confidence level, in (0, 1); pointwise at each checkpoint.
    n_resamples : int, default 1000
        Bootstrap resamples.
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    low, high : float64 arrays
        One entry a checkpoint; both equal the mean for a single run.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = mean_band(np.arange(100.0)[:, None])
    >>> bool(low[0] < 49.5 < high[0])
    True
    """
    open_probability("level", level)
    integer(10)("n_resamples", n_resamples)
    if values.ndim != 2 or len(values) == 0:
        raise InvalidArgument(f"values has shape {values.shape}; allowed: (runs, checkpoints), at least one run")
    n = len(values)
    generator = np.random.default_rng(seed)
    share = np.full(n, 1.0 / n)
    means = np.empty((n_resamples, values.shape[1]))
    step = max(1, RUNS_A_BLOCK // n)
    for first in range(0, n_resamples, step):
        count = min(step, n_resamples - first)
        means[first : first + count] = generator.multinomial(n, share, size=count) @ values / n
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return low, high
