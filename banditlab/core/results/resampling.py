"""Bootstrap resamples: how often each run occurs in one, and intervals from the statistics of many."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

COUNTS_A_BLOCK = 1 << 22  # 32 MiB at a time, however many runs there are

FEWEST_RUNS = 8  # for expanded percentile intervals: with 4 normal ones a 95% interval covers 87%
MOST_RUNS = 1 << 15
"""Of more runs resampling's own error is larger than what it corrects, the skewness of their mean, unless that of
single runs is above 30; and it takes minutes where Student's interval takes milliseconds."""


def worth_resampling(n_runs: int) -> bool:
    """Say whether intervals of means of so many runs are bootstrapped; otherwise they are Student's."""
    return FEWEST_RUNS <= n_runs <= MOST_RUNS


def resampled_counts(n_runs: int, n_resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Yield blocks of resamples: one row each, with how often every run is in it.

    These are multinomial counts. Runs are drawn and counted, which takes a tenth of the time of
    `Generator.multinomial`, with its binomial draw for every run: 5 ns per count, not 50. It goes row by row, as all
    counts of a block at once would not stay in a processor's cache.

    Examples
    --------
    >>> (block,) = resampled_counts(4, 3, np.random.default_rng(0))
    >>> block.shape, block.sum(axis=1).tolist()
    ((3, 4), [4.0, 4.0, 4.0])
    """
    step = max(1, COUNTS_A_BLOCK // n_runs)
    for first in range(0, n_resamples, step):
        size = min(step, n_resamples - first)
        counts = np.empty((size, n_runs))
        for row, picked in zip(counts, generator.integers(n_runs, size=(size, n_runs)), strict=True):
            row[:] = np.bincount(picked, minlength=n_runs)
        yield counts


def expanded_interval(
    resampled: NDArray[np.float64], level: float, n_runs: int, degrees: float | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expanded percentile interval from resampled statistics, one row per resample.

    Degrees of freedom are those of the statistics' error: one number for all, or one per column.
    """
    tails = expanded_tail(level, n_runs, degrees)
    if np.ndim(tails) == 0:
        low, high = _between(resampled, float(tails))
        return low, high
    ends = [_between(column, tail) for column, tail in zip(resampled.T, tails.tolist(), strict=True)]
    return np.array([low for low, _ in ends]), np.array([high for _, high in ends])


def _between(resampled: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    """Return the quantiles of resampled statistics that leave out a tail at either end."""
    # Weibull's plotting positions: on average a new draw falls below the k-th of B draws with probability k / (B + 1).
    # NumPy's default lies inside these, which costs half a per cent of coverage with some hundred resamples.
    return np.asarray(np.quantile(resampled, [tail, 1.0 - tail], axis=0, method="weibull"))


def expanded_tail(level: float, n_runs: int, degrees: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which tail of resampled means an expanded percentile interval leaves out: see `stratified_band`."""
    from scipy import special

    t = special.stdtrit(degrees, 0.5 + 0.5 * level)
    return np.asarray(special.ndtr(-math.sqrt(n_runs / (n_runs - 1)) * t))
