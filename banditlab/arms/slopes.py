"""How fast regret grows: slopes of measured regret, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.results.metrics import abridged
from banditlab.core.results.resampling import expanded_interval, resampled_counts, worth_resampling
from banditlab.core.results.results import Results
from banditlab.core.sweeps.sweep_lines import slope_of
from banditlab.core.validation import SEED, count, integer, invalid, open_probability, optional, shown
from banditlab.core.validation import n_resamples as checked_resamples


@dataclass(frozen=True)
class Slope:
    r"""The exponent with which regret was seen to grow, and a bootstrap interval for it.

    Attributes
    ----------
    slope : float
        Least-squares slope of the logarithm of mean regret against :math:`\log t`: 1/2 for :math:`\sqrt T`, 1 for
        linear regret, and towards 0 as T grows for :math:`\log T`.
    low, high : float
        Ends of the interval.
    intercept : float
        The line's value at :math:`\log t = 0`.
    level : float
        Confidence level of the interval.
    first, last : int
        The first and the last checkpoint used.
    n_checkpoints, n_runs, n_resamples : int
        How many checkpoints, runs and bootstrap resamples were used; no resamples if the interval is Student's.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), arms.RoundRobin(), horizon=1000, n_runs=10, seed=0)
    >>> growth = arms.theory.regret_slope(result, "RoundRobin", first=100)
    >>> round(growth.slope, 2), growth.first, growth.last, growth.n_runs
    (1.0, 100, 1000, 10)
    """

    slope: float
    low: float
    high: float
    intercept: float
    level: float
    first: int
    last: int
    n_checkpoints: int
    n_runs: int
    n_resamples: int


@overload
def regret_slope(
    results: Results,
    policy: None = None,
    metric: str = "regret",
    first: int | None = None,
    last: int | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    environment: str | None = None,
) -> dict[str, Slope]: ...


@overload
def regret_slope(
    results: Results,
    policy: str,
    metric: str = "regret",
    first: int | None = None,
    last: int | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    environment: str | None = None,
) -> Slope: ...


def regret_slope(
    results: Results,
    policy: str | None = None,
    metric: str = "regret",
    first: int | None = None,
    last: int | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    environment: str | None = None,
) -> Slope | dict[str, Slope]:
    r"""Return the exponent with which mean regret grew, with a bootstrap interval over runs.

    It is the slope of the least-squares line through :math:`(\log t, \log \bar R_t)` over the checkpoints t from
    `first` to `last`, where :math:`\bar R_t` is the mean over runs. Checkpoints of one run are dependent, so whole runs
    are resampled: a resample gives the runs multinomial weights, the same for all policies. The interval is the
    expanded percentile interval of the resamples' slopes (see `banditlab.inference.mean_band`). For fewer than 8 runs,
    and for more than 32,768, it is Student's, for the slope as a linear function of the runs near their mean.

    Parameters
    ----------
    results : Results
        What `banditlab.run` returned, with at least 2 runs.
    policy : str, optional
        One of `results.policies`; default all of them.
    metric : str, default 'regret'
        One of `results.metrics`.
    first, last : int, optional
        The range of rounds, at least 1, both included; default all checkpoints. Leave out the rounds before the
        asymptotic regime, where the slope is different.
    n_resamples : int, default 2000
        Bootstrap resamples, at least 10.
    level : float, default 0.95
        Confidence level, in (0, 1).
    seed : int, default 0
        Seed of the resampling.
    environment : str, optional
        One of `results.environments`; needed when there are several.

    Returns
    -------
    Slope, or dict from policy to Slope when `policy` is None

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument; for fewer than 2 runs, or fewer than 2 checkpoints in the range; when the mean regret of the
        runs, or of a resample of them, is not positive at one of the checkpoints.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), arms.RoundRobin(), horizon=1000, n_runs=10, seed=0)
    >>> growth = arms.theory.regret_slope(result, "RoundRobin", first=100)
    >>> round(growth.slope, 2), growth.first, growth.last
    (1.0, 100, 1000)
    """
    if not isinstance(results, Results):
        raise InvalidType(f"results is {shown(results)}; allowed: a banditlab.Results")
    if policy is not None and policy not in results.policies:
        raise invalid("policy", policy, f"one of {abridged(results.policies)}, or None for all")
    whole: Callable[[str, Any], int | None] = optional(integer(1))
    start, end = whole("first", first), whole("last", last)
    resamples: int = checked_resamples("n_resamples", n_resamples)
    confidence: float = open_probability("level", level)
    key: int = SEED("seed", seed)
    values = results.values(metric, environment)
    n_runs = values.shape[1]
    if n_runs < 2:
        raise invalid("results.n_runs", n_runs, "at least 2 runs, to resample them")
    used = _between(results.checkpoints, start, end)
    names = results.policies if policy is None else (policy,)
    chosen = values[[results.policies.index(name) for name in names]][:, :, used]
    t = results.checkpoints[used]
    for name, table in zip(names, chosen, strict=True):
        _check_positive(name, metric, t, table.mean(axis=0), "mean")
    x = np.log(t.astype(np.float64))
    line = (x - x.mean()) / float(((x - x.mean()) ** 2).sum())  # the slope of points (x, y) is line @ y
    if not worth_resampling(n_runs):
        resamples = 0
        intervals = [_students_interval(t, table, confidence) for table in chosen]
    else:
        slopes = _resampled_slopes(names, metric, t, chosen, line, resamples, np.random.default_rng(key))
        intervals = np.transpose(expanded_interval(slopes.T, confidence, n_runs, n_runs - 1)).tolist()
    found: dict[str, Slope] = {}
    for name, table, (low, high) in zip(names, chosen, intervals, strict=True):
        y = np.log(table.mean(axis=0))
        slope = float(line @ y)
        found[name] = Slope(
            slope=slope,
            low=low,
            high=high,
            intercept=float(y.mean() - slope * x.mean()),
            level=confidence,
            first=int(t[0]),
            last=int(t[-1]),
            n_checkpoints=len(t),
            n_runs=n_runs,
            n_resamples=resamples,
        )
    return found if policy is None else found[policy]


def _between(rounds: NDArray[np.int64], first: int | None, last: int | None) -> NDArray[np.bool_]:
    """Return which checkpoints lie in a range, or raise if it holds fewer than two."""
    used = (rounds >= (rounds[0] if first is None else first)) & (rounds <= (rounds[-1] if last is None else last))
    if int(used.sum()) < 2:
        raise InvalidArgument(
            f"first is {first} and last is {last}, with {count(int(used.sum()), 'checkpoint')} between them; "
            f"allowed: a range with at least 2 of the {len(rounds)} from {rounds[0]} to {rounds[-1]}"
        )
    return used


def _check_positive(name: str, metric: str, rounds: NDArray[np.int64], means: NDArray[np.float64], what: str) -> None:
    bad = np.flatnonzero(~(means > 0.0))
    if bad.size:
        raise InvalidArgument(
            f"the {what} {metric} of {name} at round {rounds[bad[0]]} is {means[bad[0]]:g}; allowed: a positive "
            "number, to have a logarithm (a larger first leaves early rounds out)"
        )


def _students_interval(rounds: NDArray[np.int64], table: NDArray[np.float64], level: float) -> tuple[float, float]:
    slope, half = slope_of(rounds, table.mean(axis=0), list(table.T), level)
    assert half is not None  # runs were kept
    return slope - half, slope + half


def _resampled_slopes(
    names: tuple[str, ...],
    metric: str,
    rounds: NDArray[np.int64],
    values: NDArray[np.float64],
    line: NDArray[np.float64],
    n_resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the slopes of bootstrap resamples: one row per policy, one column per resample."""
    n_runs = values.shape[1]
    slopes = np.empty((len(values), n_resamples))
    begin = 0
    for counts in resampled_counts(n_runs, n_resamples, rng):
        for row, (name, table) in enumerate(zip(names, values, strict=True)):
            means = counts @ table / n_runs
            _check_positive(name, metric, rounds, means.min(axis=0), "smallest resampled mean")
            slopes[row, begin : begin + len(counts)] = np.log(means) @ line
        begin += len(counts)
    return slopes
