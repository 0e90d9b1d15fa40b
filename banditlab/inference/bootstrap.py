"""Bootstrap confidence bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.results import resampling
from banditlab.core.results.resampling import expanded_interval, worth_resampling
from banditlab.core.results.statistics import scaled
from banditlab.core.validation import SEED, boolean, invalid, open_probability
from banditlab.core.validation import n_resamples as checked_resamples


def mean_band(
    values: NDArray[np.float64], *, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a bootstrap confidence band of the mean over runs, at each checkpoint.

    Runs are resampled as wholes, so that the band respects the dependence between checkpoints. A resample is a vector
    of multinomial counts, and all resampled means are one matrix product: `scipy.stats.bootstrap` would copy the runs
    once per resample. The band is that of `stratified_band` with one environment: an expanded percentile interval, or
    Student's for fewer than 8 or more than 32,768 runs. (The percentile interval itself is too short for few runs: with
    10 normal ones, a 95% band covers 90%.)

    Parameters
    ----------
    values : float64 array
        One row per run, one column per checkpoint.
    level : float, default 0.95
        Confidence level, in (0, 1); pointwise at each checkpoint.
    n_resamples : int, default 1000
        Bootstrap resamples.
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    low, high : float64 arrays
        One entry per checkpoint; both equal the mean for a single run.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = mean_band(np.arange(100.0)[:, None])
    >>> bool(low[0] < 49.5 < high[0])
    True
    """
    (band,) = mean_bands([values], level=level, n_resamples=n_resamples, seed=seed)
    return band


def mean_bands(
    tables: Sequence[NDArray[np.float64]], *, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return what `mean_band` returns for each of several tables with equally many runs, all resampled alike."""
    level = open_probability("level", level)
    n_resamples = checked_resamples("n_resamples", n_resamples)
    checked = [_table(values, 2, "(runs, checkpoints), at least one run") for values in tables]
    seed = SEED("seed", seed)
    n = len(checked[0])
    if n == 1:
        return [(table[0].copy(), table[0].copy()) for table in checked]
    if not worth_resampling(n):
        return [_students_band(table[None], level) for table in checked]
    resampled = _resampled_means(checked, n_resamples, np.random.default_rng(seed))
    return [expanded_interval(means, level, n, n - 1) for means in resampled]


def stratified_band(
    values: Any, *, level: float = 0.95, n_resamples: int = 2000, independent: bool = True, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return a stratified bootstrap band of the mean over environments of the mean over runs, at each checkpoint.

    The strata are the environments: each keeps its number of runs in every resample, so that the band reflects the luck
    of runs and not the choice of environments (Agarwal et al. 2021). Strata are resampled one by one when they are
    independent. Environments of one `Results` are not: run i draws the same random numbers in each. Runs are then
    resampled as wholes across strata, which is right whatever the dependence.

    The quantiles are those of the expanded percentile interval: at :math:`\Phi(-\sqrt{n / (n - 1)} \, t)`, with
    Student's quantile t for Welch's degrees of freedom: :math:`S (n - 1)` where strata vary alike, fewer where one
    varies more than others, :math:`n - 1` where strata are dependent. This corrects the percentile interval, which is
    too short for few runs. For fewer than 8 runs per stratum it does not: strata of two, however many there are, say
    too little about how much each varies. For more than 32,768 it is not needed, and would take minutes. In both cases
    the band is Student's: the mean :math:`\pm t s / \sqrt n`.

    Parameters
    ----------
    values : array of shape (environments, runs, checkpoints)
        At least two runs.
    level : float, default 0.95
        Confidence level, in (0, 1); pointwise at each checkpoint.
    n_resamples : int, default 2000
        Bootstrap resamples.
    independent : bool, default True
        Whether environments are independent of each other.
    seed : int, default 0
        Seed of the resampling.

    Returns
    -------
    low, high : float64 arrays
        One entry per checkpoint.

    References
    ----------
    Agarwal, Schwarzer, Castro, Courville, Bellemare 2021, arXiv 2108.13264 (stratified bootstrap). Hesterberg 2015,
    The American Statistician 69(4) (expanded percentile interval). Welch 1947, Biometrika 34.

    Examples
    --------
    >>> import numpy as np
    >>> runs = np.random.default_rng(0).normal([[[1.0]], [[3.0]]], 1.0, size=(2, 50, 1))
    >>> low, high = stratified_band(runs)
    >>> bool(low[0] < 2.0 < high[0])
    True
    """
    level = open_probability("level", level)
    n_resamples = checked_resamples("n_resamples", n_resamples)
    boolean("independent", independent)
    seed = SEED("seed", seed)
    shape = "(environments, runs, checkpoints), at least two runs"
    table = _table(values, 3, shape)
    if table.shape[1] < 2:
        raise InvalidArgument(f"values has shape {table.shape}; allowed: {shape}")
    strata = table if independent else table.mean(axis=0, keepdims=True)
    if not worth_resampling(table.shape[1]):
        return _students_band(strata, level)
    generator = np.random.default_rng(seed)
    means = np.zeros((n_resamples, table.shape[2]))
    for stratum in strata:
        (resampled,) = _resampled_means([stratum], n_resamples, generator)
        means += resampled / len(strata)
    # for one stratum they are n - 1, in every column
    degrees = table.shape[1] - 1 if len(strata) == 1 else _spreads(strata)[1]
    return expanded_interval(means, level, table.shape[1], degrees)


def _table(values: Any, ndim: int, shape: str) -> NDArray[np.float64]:
    """Return values as an array with a given number of dimensions; NaN, which stands for undefined metrics, stays."""
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise invalid("values", values, f"numbers of shape {shape}") from error
    if table.ndim != ndim or table.size == 0:
        raise InvalidArgument(f"values has shape {table.shape}; allowed: {shape}")
    return table


def _students_band(strata: NDArray[np.float64], level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy import special

    error, degrees = _spreads(strata)
    half = special.stdtrit(degrees, 0.5 + 0.5 * level) * error
    centre = strata.mean(axis=(0, 1))
    return centre - half, centre + half


def _spreads(strata: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the standard error of the mean of the strata's means, at each checkpoint, and its degrees of freedom."""
    with np.errstate(invalid="ignore"):  # metrics can be infinite
        near_one, exponents = scaled(strata.reshape(-1, strata.shape[2]), 0)
        variances = near_one.reshape(strata.shape).var(axis=1, ddof=1)  # one row per stratum
    spread = variances.sum(axis=0)
    squares = (variances**2).sum(axis=0)
    degrees = np.divide(spread**2, squares, out=np.ones_like(spread), where=squares > 0) * (strata.shape[1] - 1)
    return np.ldexp(np.sqrt(spread / strata.shape[1]) / len(strata), exponents), degrees


def _resampled_means(
    tables: Sequence[NDArray[np.float64]], n_resamples: int, generator: Any
) -> Iterator[NDArray[np.float64]]:
    """Yield the means of the same resamples for each table: drawing them takes longer than most products."""
    n = len(tables[0])
    blocks = resampling.resampled_counts(n, n_resamples, generator)
    if n * n_resamples <= resampling.COUNTS_A_BLOCK:
        (counts,) = blocks
        for table in tables:  # one by one, as the means of few runs at many checkpoints are larger than the counts
            yield counts @ table / n
        return
    means = [np.empty((n_resamples, table.shape[1])) for table in tables]
    first = 0
    for counts in blocks:
        for found, table in zip(means, tables, strict=True):
            found[first : first + len(counts)] = counts @ table / n
        first += len(counts)
    yield from means
