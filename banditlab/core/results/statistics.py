"""Statistics of runs in constant memory: moments, extremes and quantile sketches, merged block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..brief import brief
from ..devices.reduced import Reduced
from ..playing.jobs import Gatherer, Job

QUANTILES = {"q01": 0.01, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "q99": 0.99}
"""The quantiles that are kept: their probabilities, by name."""
PROBABILITIES = tuple(QUANTILES.values())

BLOCK = 128
"""Runs that are merged at a time, whatever chunks they came in, so that the result does not depend on chunks."""

EXACT = 1024
"""Up to this many runs are kept as they are, with exact quantiles; beyond, runs go into sketches."""

SKETCH = 1000
"""Centroids of a t-digest. Of 20 normal samples of 10^5 the largest error in rank was 0.0003."""

SPARE = 60
"""Sketches hold values divided by 2 to this power: weighted sums of the largest numbers would overflow."""


def gathering_bytes(n_runs: int) -> int:
    """Return the bytes of a metric at a checkpoint while runs come: these, and a sketch's centroids and buffers."""
    return 8 * n_runs if n_runs <= EXACT else 8 * (EXACT + BLOCK) + 16 * SKETCH + 4096


@dataclass(frozen=True)
class Statistics:
    """What is known about one metric when its runs are not kept: one entry per checkpoint.

    Attributes
    ----------
    n_runs : int
        Runs.
    mean, std : float64 arrays
        Mean, and standard deviation (n - 1; NaN for a single run).
    minimum, maximum : float64 arrays
        Extremes.
    quantiles : float64 array
        One row for each of `QUANTILES`. Exact for up to 1,024 runs. For more, the share of runs below them is off by at
        most about 0.0005 (t-digests of 1,000 centroids; Dunning and Ertl 2019, arXiv:1902.04023), and they may lie
        between two values that occur; if many runs have the same value, a quantile can be off that value by a rounding
        error, with all of these runs on one side. NaN where a run's value is NaN, and beyond 1,024 runs where one is
        infinite.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> options = {"horizon": 100, "n_runs": 50, "seed": 0, "checkpoints": [10, 100]}
    >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), arms.RoundRobin(), **options)
    >>> (known,) = result.statistics("regret")
    >>> known.n_runs, known.mean.round(6).tolist(), known.quantiles.shape
    (50, [3.0, 30.0], (7, 2))
    """

    n_runs: int
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    quantiles: NDArray[np.float64]

    __repr__ = brief

    def interval(self, level: float, *, event: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the mean's confidence interval: Student's t, or Wilson's for shares of runs.

        Parameters
        ----------
        level : float
            Confidence level, in (0, 1).
        event : bool, default False
            Whether the metric is 1 where something has happened, and 0 elsewhere. Student's interval of a share is
            empty if all runs are alike, and can otherwise leave [0, 1].

        Returns
        -------
        low, high : float64 arrays, one entry per checkpoint
            NaN for a single run, except for shares.
        """
        if event:
            return wilson(self.mean, self.n_runs, level)
        half = self.margin(level)
        return self.mean - half, self.mean + half

    def margin(self, level: float) -> NDArray[np.float64]:
        """Return half the width of the mean's confidence interval, by Student's t; NaN for a single run.

        Parameters
        ----------
        level : float
            Confidence level, in (0, 1).

        Returns
        -------
        float64 array, one entry per checkpoint
        """
        from scipy.special import stdtrit

        quantile = stdtrit(self.n_runs - 1, 0.5 + level / 2.0) if self.n_runs > 1 else np.nan
        return np.asarray(quantile * self.std / np.sqrt(self.n_runs))

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return everything by name, as tables show it."""
        found = {"mean": self.mean, "std": self.std, "min": self.minimum, "max": self.maximum}
        return found | dict(zip(QUANTILES, self.quantiles, strict=True))

    @classmethod
    def of_runs(cls, values: NDArray[np.float64]) -> Statistics:
        """Return the statistics of runs: one row per run, one column per checkpoint."""
        n = len(values)
        rows = np.ascontiguousarray(values.T)  # numpy adds a row's numbers pairwise, those of a column one by one
        std = np.full(len(rows), np.nan)
        if n > 1:
            near_one, exponents = scaled(rows, 1)
            std = np.ldexp(near_one.std(axis=1, ddof=1), exponents)
        quantiles = np.asarray(np.quantile(rows, PROBABILITIES, axis=1))
        minimum, maximum = rows.min(axis=1), rows.max(axis=1)
        return cls(n, *_exact_if_alike(rows.mean(axis=1), std, minimum, maximum), minimum, maximum, quantiles)

    @classmethod
    def from_columns(cls, n_runs: int, columns: dict[str, NDArray[np.float64]]) -> Statistics:
        """Return the statistics that `columns` was called on."""
        rows = np.stack([columns[name] for name in QUANTILES])
        return cls(n_runs, columns["mean"], columns["std"], columns["min"], columns["max"], rows)


def wilson(share: Any, n: float, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Wilson's score interval of a probability, or of each one in an array.

    It has positive width where the share is 0 or 1, where a bootstrap interval has none. For numbers in [0, 1] other
    than 0 and 1 (ties counted half, shares of several strata) it is valid for their mean, but wide: no variance is
    larger than p (1 - p). SciPy's version takes whole numbers of successes.

    Examples
    --------
    >>> low, high = wilson([0.5, 1.0], 20, 0.95)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.299, 0.839], [0.701, 1.0])
    """
    from scipy import special

    p = np.asarray(share, dtype=np.float64)
    z2 = float(special.ndtri(0.5 + 0.5 * level)) ** 2
    middle = (p + 0.5 * z2 / n) / (1.0 + z2 / n)
    half = np.sqrt(z2 * (p * (1.0 - p) + 0.25 * z2 / n) / n) / (1.0 + z2 / n)
    # p itself is inside up to rounding, which can leave out a share of 0 or 1
    return np.maximum(0.0, np.minimum(p, middle - half)), np.minimum(1.0, np.maximum(p, middle + half))


def _exact_if_alike(
    mean: NDArray[np.float64], std: NDArray[np.float64], minimum: NDArray[np.float64], maximum: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means and deviations, exact where all runs are alike: rounding would add something, say 1e-15 to 0."""
    alike = (minimum == maximum) & np.isfinite(minimum)
    return np.where(alike, minimum, mean), np.where(alike & ~np.isnan(std), 0.0, std)


def scaled(values: NDArray[np.float64], axis: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return values over powers of two, with the exponents: squares of huge numbers overflow, of tiny ones vanish.

    Along the axis, the largest in size is then between 1/2 and 1, and no other digit changes.
    """
    _, exponents = np.frexp(np.abs(values).max(axis=axis))
    return np.ldexp(values, -np.expand_dims(exponents, axis)), exponents


class Moments(Gatherer):
    """Merges runs into statistics, block by block in their order, and forgets them."""

    in_order = True

    def __init__(self, job: Job) -> None:
        shape = (len(job.columns), len(job.checkpoints))
        self._columns = job.columns
        self._next = job.first_run
        self._end = job.first_run + job.n_runs
        self._waiting: dict[int, NDArray[np.float64] | Reduced] = {}
        self._block: list[NDArray[np.float64]] = []
        self.n_runs = 0
        self._mean = np.zeros(shape)
        self._root = np.zeros(shape)  # of the sum of squared deviations from the mean
        self._minimum = np.full(shape, np.inf)
        self._maximum = np.full(shape, -np.inf)
        self._kept: list[NDArray[np.float64]] = []
        self._sketches: list[list[Any]] = []

    def add(self, first_run: int, values: NDArray[np.float64] | Reduced) -> None:
        """Merge the runs, or keep them until the runs before them have come."""
        self._waiting[first_run] = values
        while self._next in self._waiting:
            ready = self._waiting.pop(self._next)
            self._next += len(ready)
            if isinstance(ready, Reduced):
                self._merge_reduced(ready)
                continue
            self._block.append(ready)
            if sum(map(len, self._block)) >= BLOCK or self._next == self._end:
                self._flush(self._next == self._end)

    def _flush(self, everything: bool) -> None:
        together = np.concatenate(self._block)
        while len(together) >= BLOCK or (everything and len(together)):
            self._merge(together[:BLOCK])
            together = together[BLOCK:]
        self._block = [together] if len(together) else []

    def _merge(self, block: NDArray[np.float64]) -> None:
        """Merge a block of runs."""
        with np.errstate(invalid="ignore"):  # metrics can be NaN (for what has not happened), or infinite
            mean = block.mean(axis=0)
            near_one, exponents = scaled(block - mean, 0)
            root = np.ldexp(np.sqrt((near_one**2).sum(axis=0)), exponents)
            self._merge_moments(len(block), mean, root, block.min(axis=0), block.max(axis=0))
        self._kept.append(block)
        if sum(map(len, self._kept)) > EXACT:
            self._sketch()

    def _merge_reduced(self, chunk: Reduced) -> None:
        """Merge what a device reports of a chunk."""
        self._merge_moments(chunk.n_runs, chunk.mean, np.sqrt(chunk.squares), chunk.minimum, chunk.maximum)
        self._kept.append(chunk.ordered)
        self._sketch()

    def _merge_moments(
        self,
        m: int,
        mean: NDArray[np.float64],
        root: NDArray[np.float64],
        minimum: NDArray[np.float64],
        maximum: NDArray[np.float64],
    ) -> None:
        """Merge means, extremes, and roots of sums of squares (as Chan, Golub and LeVeque 1983 merge the sums)."""
        n = self.n_runs
        with np.errstate(invalid="ignore"):
            delta = mean - self._mean
            between = delta * math.sqrt(n * m / (n + m))
            nothing = np.isnan(self._root + root + between)  # hypot takes infinity and NaN for infinity
            self._root = np.where(nothing, np.nan, np.hypot(np.hypot(self._root, root), between))
            self._mean += delta * (m / (n + m))
            self._minimum = np.minimum(self._minimum, minimum)
            self._maximum = np.maximum(self._maximum, maximum)
        self.n_runs = n + m

    def _sketch(self) -> None:
        """Move the runs kept so far into the sketches."""
        from fastdigest import TDigest

        columns, checkpoints = self._mean.shape
        if not self._sketches:
            self._sketches = [[TDigest(SKETCH) for _ in range(checkpoints)] for _ in range(columns)]
        finite, values = self._finite(), np.ldexp(np.concatenate(self._kept), -SPARE)
        for k, row in enumerate(self._sketches):
            for c, sketch in enumerate(row):
                if finite[k, c]:
                    sketch.batch_update(values[:, k, c].tolist())
        self._kept = []

    def _finite(self) -> NDArray[np.bool_]:
        """Return where all runs' values are finite: sketches would refuse others."""
        return np.isfinite(self._minimum) & np.isfinite(self._maximum)

    def statistics(self) -> dict[str, Statistics]:
        """Return the statistics of each metric for the runs merged so far; runs after a gap are left out."""
        if self._block:
            self._flush(True)
        if self._sketches and self._kept:
            self._sketch()
        with np.errstate(invalid="ignore"):
            std = self._root / math.sqrt(self.n_runs - 1) if self.n_runs > 1 else np.nan * self._mean
        found: dict[str, Statistics] = {}
        for k, name in enumerate(self._columns):
            extremes = self._minimum[k], self._maximum[k]
            moments = _exact_if_alike(self._mean[k], std[k], *extremes)
            found[name] = Statistics(self.n_runs, *moments, *extremes, self._quantiles(k))
        return found

    def _quantiles(self, column: int) -> NDArray[np.float64]:
        if not self._sketches:
            runs = np.ascontiguousarray(np.concatenate(self._kept)[:, column].T)
            return np.asarray(np.quantile(runs, PROBABILITIES, axis=1))
        found = np.full((len(PROBABILITIES), len(self._sketches[column])), np.nan)
        finite = self._finite()
        for c, sketch in enumerate(self._sketches[column]):
            if finite[column, c]:
                found[:, c] = np.ldexp(sketch.quantile_vec(PROBABILITIES), SPARE)
        # a sketch averages, and an average of equal numbers can be off by rounding
        return np.clip(found, self._minimum[column], self._maximum[column])
