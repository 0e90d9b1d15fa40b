"""How fast a mean grows, in the logarithm of what it grows with: exponents and slopes, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import banditlab as bl
from banditlab.inference.bootstrap import mean_band

RESAMPLES = 2000


def exponent(x: Sequence[float], samples: Sequence[NDArray[np.float64]]) -> tuple[float, float, float]:
    """Return the least-squares slope of log(mean sample) in log x, with its 95% percentile-bootstrap interval.

    Parameters
    ----------
    x : sequence of float
        Horizons, or whatever else the samples grow with.
    samples : sequence of float64 arrays (runs,)
        What was measured at each x; runs of different x are resampled independently.

    Notes
    -----
    NaN where a mean, or that of a resample, is not positive: growth then has no exponent.
    """
    log_x = np.log(np.asarray(x, dtype=float))
    weights = (log_x - log_x.mean()) / ((log_x - log_x.mean()) ** 2).sum()
    rng = np.random.default_rng(0)
    drawn = [s[rng.integers(len(s), size=(RESAMPLES, len(s)))].mean(axis=1) for s in samples]
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = np.log(np.stack(drawn, axis=1)) @ weights
        measured = np.log([s.mean() for s in samples]) @ weights
    if not (np.isfinite(measured) and np.isfinite(slopes).all()):
        return float("nan"), float("nan"), float("nan")
    low, high = np.quantile(slopes, [0.025, 0.975])
    return float(measured), float(low), float(high)


def mean(sample: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return a mean with its 95% percentile-bootstrap interval."""
    rng = np.random.default_rng(0)
    drawn = sample[rng.integers(len(sample), size=(RESAMPLES, len(sample)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(sample.mean()), float(low), float(high)


def growth(rounds: NDArray[np.int64], values: NDArray[np.float64], least: float = 0.0) -> tuple[float, float, float]:
    """Return the slope of log(mean value) in log t, with its 95% bootstrap interval.

    Within a run values at different rounds are not independent: whole runs are resampled.

    Parameters
    ----------
    rounds : int64 array (rounds,)
        The rounds t.
    values : float64 array (runs, rounds)
        What grows, such as regret.
    least : float
        What a mean counts as at least: a draw of runs none of which has any regret has no logarithm.
    """
    x = np.log(rounds)
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(np.log(np.maximum(values[drawn].mean(axis=1), least)) @ weights, [0.025, 0.975])
    return float(np.log(np.maximum(values.mean(axis=0), least)) @ weights), float(low), float(high)


def slope_in_log(result: bl.Results, instance: str, policy: str) -> tuple[float, float, float]:
    """Return the least-squares slope of mean regret in log t over the last decade, with its 95% bootstrap interval.

    The slope is linear in the regrets: it is the mean of the runs' own slopes, whose band is its interval.
    """
    rounds = result.checkpoints
    last_decade = rounds >= rounds[-1] / 10
    x = np.log(rounds[last_decade])
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    regret = result.values(environment=instance)[result.policies.index(policy)][:, last_decade]
    slopes = (regret @ weights)[:, None]
    low, high = mean_band(slopes)
    return float(slopes.mean()), float(low[0]), float(high[0])


def near(value: float, low: float, high: float, tolerance: float) -> bool:
    """Say whether an interval reaches within a share of a value."""
    return low <= value * (1 + tolerance) and high >= value * (1 - tolerance)
