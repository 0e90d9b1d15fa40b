"""Environments whose rewards take finitely many values, sampled by inversion from a table."""

from __future__ import annotations

import functools
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.components import Params, Problem, field
from banditlab.core.dispatch import device
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray
from banditlab.core.validation import as_list, invalid, matrix, same_length, shown, vector

from . import divergences, tails
from .family import environment
from .stationary import Stationary
from .support import Support


def finite_table(rows: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> dict[str, Any]:
    """Return the kernel's table from one row of (values, cumulative probabilities) per arm.

    Shorter rows are padded; from the last value with positive probability on, the cumulative probability is exactly 1,
    so that rounding in the sums never leaves a gap.
    """
    width = max(len(values) for values, _ in rows)
    table = np.zeros((len(rows), width))
    cumulative = np.ones((len(rows), width))
    for row, (values, sums) in enumerate(rows):
        n = len(values)
        table[row, :n], table[row, n:] = values, values[-1]
        top = int(np.argmax(sums >= sums[-1]))
        cumulative[row, :top] = sums[:top]
    return {"table": table, "cumulative": cumulative}


@device
def tabulated(table: Any, cumulative: Any, arm: int, u: float) -> float:
    """Return the first value whose cumulative probability exceeds u, by bisection."""
    low = 0
    high = table.shape[1] - 1
    while low < high:
        middle = (low + high) // 2
        if u < cumulative[arm, middle]:
            high = middle
        else:
            low = middle + 1
    return table[arm, low]


class FiniteSupport(Stationary):
    """Base of environments whose `derive` makes a table of values and cumulative probabilities."""

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return the quantile at u."""
        return tabulated(self.table, self.cumulative, arm, u)


def finite_laws(environment: FiniteSupport) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return each arm's distinct values, increasing, and their probabilities, some of which may be 0."""
    made = environment.derive(Problem(environment.n_arms, None))
    found = []
    for table, cumulative in zip(made["table"], made["cumulative"], strict=True):
        values, place = np.unique(table, return_inverse=True)
        found.append((values, np.bincount(place, np.diff(cumulative, prepend=0.0)).astype(float)))
    return found


def _finite_variance(values: NDArray[np.float64], probabilities: NDArray[np.float64]) -> float:
    """Return a variance as a sum of squares: a difference of moments can be pure rounding, or negative."""
    possible = probabilities > 0.0
    x, p = values[possible], probabilities[possible]
    with np.errstate(over="ignore"):  # infinite where squares are
        return float(p @ (x - p @ x) ** 2)


def probability_rows(name: str, value: Any) -> NDArray[np.float64]:
    """Check for a matrix whose rows are probabilities."""
    rows: NDArray[np.float64] = matrix(0.0, 1.0)(name, value)
    sums = rows.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1.0) > 1e-9)
    if wrong.size:
        row = int(wrong[0])
        raise InvalidArgument(f"{name}[{row}] sums to {sums[row]:.12g}; allowed: 1, within 1e-9")
    return rows


@environment
class Categorical(FiniteSupport):
    r"""Rewards from a finite set of values.

    Parameters
    ----------
    values : sequence of float
        The possible rewards, the same for every arm.
    probabilities : sequence of sequences of float
        One row per arm, one column per value; rows sum to one.

    Notes
    -----
    Lower bound: :math:`K_{\inf}` over all distributions on :math:`(-\infty, m]`, m the largest of `values`, which
    equals that of Burnetas and Katehakis (1996) for a model of known support; it is computed by its dual
    (`divergences.kinf_finite`).

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Categorical([0, 1, 5], [[0.5, 0.5, 0.0], [0.8, 0.0, 0.2]]).means.tolist()
    [0.5, 1.0]
    """

    values: FloatArray = field(check=vector(), doc="the possible rewards")
    probabilities: FloatArray = field(check=probability_rows, doc="one row per arm, one column per value")

    def validate(self) -> None:
        """Check that there is a probability for each value."""
        if self.probabilities.shape[1] != len(self.values):
            raise InvalidArgument(
                f"Categorical.probabilities has {self.probabilities.shape[1]} columns; "
                f"allowed: {len(self.values)}, one for each of values"
            )

    @property
    def means(self) -> NDArray[np.float64]:
        """Means, one per arm."""
        return self.probabilities @ self.values

    def _summed(self) -> NDArray[np.float64]:
        return np.asarray(self.probabilities @ np.abs(self.values))

    @property
    def support(self) -> Support:
        """From the smallest value to the largest."""
        binary = bool(np.isin(self.values, (0.0, 1.0)).all())
        return Support(float(self.values.min()), float(self.values.max()), binary)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the gaps and the table."""
        order = np.argsort(self.values)
        rows = [(self.values[order], np.cumsum(p[order])) for p in self.probabilities]
        return {"gaps": self.gaps} | finite_table(rows)

    def cvars(self, tau: float) -> NDArray[np.float64]:
        """Return the CVaR of each arm's rewards, summed over the values."""
        return tails.finite(self.values, self.probabilities, tails.checked_level("tau", tau))

    def variance(self, arm: int) -> float:
        """Return the variance of an arm's rewards, summed over the values."""
        return _finite_variance(self.values, self.probabilities[arm])

    def kinf(self, arm: int, target: float) -> float:
        """Return K_inf over the distributions on (-inf, max(values)] (`divergences.kinf_finite`)."""
        return divergences.kinf_finite(self.values, self.probabilities[arm], target, float(self.values.max()))

    def distribution(self, arm: int) -> Any:
        """Return the arm's distribution, as a scipy-like object."""
        return _finite_distribution(self.values, self.probabilities[arm])


def _finite_distribution(values: NDArray[np.float64], probabilities: NDArray[np.float64]) -> Any:
    from scipy import stats

    support, inverse = np.unique(values, return_inverse=True)
    weights = np.bincount(inverse, probabilities, minlength=len(support))
    return stats.rv_discrete(values=(support, weights / weights.sum()))


@environment
class Empirical(FiniteSupport):
    r"""Resamples logged rewards: arm a gives one of its logged rewards, each equally likely.

    Make one from logs with `Empirical.from_dataframe`, or from clicks with `Empirical.from_counts`.

    Parameters
    ----------
    values : sequence of sequences of float
        One row per arm: the distinct rewards seen (rows padded to equal length).
    counts : sequence of sequences of float
        How often each was seen; at least one per row is positive.

    Notes
    -----
    Lower bound: as for `Categorical`, over all distributions on :math:`(-\infty, m]`, m the largest value seen.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Empirical.from_counts(impressions=[100, 200], clicks=[5, 20]).means.tolist()
    [0.05, 0.1]
    """

    values: FloatArray = field(check=matrix(), doc="the different rewards of each arm")
    counts: FloatArray = field(check=matrix(0.0), doc="how often each was seen")

    def validate(self) -> None:
        """Check that the two have the same shape and no arm is empty."""
        if self.values.shape != self.counts.shape:
            raise InvalidArgument(
                f"Empirical.counts has shape {self.counts.shape}; allowed: that of values, {self.values.shape}"
            )
        empty = np.flatnonzero(self.counts.sum(axis=1) <= 0)
        if empty.size:
            raise InvalidArgument(f"Empirical.counts[{empty[0]}] is all zeros; allowed: at least one reward per arm")

    @classmethod
    def from_rewards(cls, rewards: list[ArrayLike]) -> Self:
        """Return the environment that resamples lists of rewards, one list per arm.

        Parameters
        ----------
        rewards : list of sequences of float
            The rewards seen of each arm, in any order; at least one reward per arm.

        Examples
        --------
        >>> from banditlab import arms
        >>> logged = arms.Empirical.from_rewards([[0.0, 1.0, 1.0], [0.5]])
        >>> logged.means.round(3).tolist()
        [0.667, 0.5]
        """
        lists = as_list("rewards", rewards, "one list of rewards an arm, at least one arm")
        if not lists:
            raise invalid("rewards", rewards, "one list of rewards an arm, at least one arm")
        check = vector()
        tables = [np.unique(check(f"rewards[{arm}]", r), return_counts=True) for arm, r in enumerate(lists)]
        width = max(len(values) for values, _ in tables)
        values, counts = np.zeros((len(tables), width)), np.zeros((len(tables), width))
        for row, (v, c) in enumerate(tables):
            values[row, : len(v)], counts[row, : len(v)], values[row, len(v) :] = v, c, v[-1]
        return cls(values, counts)

    @classmethod
    def from_dataframe(cls, frame: Any, arm: str = "arm", reward: str = "reward") -> Self:
        """Return the environment that resamples a DataFrame of logged rewards.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row a logged reward.
        arm, reward : str, default 'arm' and 'reward'
            The columns that hold the arm and its reward (a number, or whether there was a click). Arms are numbered in
            sorted order of their names.

        Examples
        --------
        >>> import pandas as pd
        >>> from banditlab import arms
        >>> log = pd.DataFrame({"arm": ["a", "b", "b"], "reward": [0.5, 0.0, 1.0]})
        >>> arms.Empirical.from_dataframe(log).means.tolist()
        [0.5, 0.5]
        """
        if not hasattr(frame, "columns"):
            raise InvalidType(f"frame is {shown(frame)}; allowed: a pandas DataFrame")
        columns = list(frame.columns)
        for name, column in (("arm", arm), ("reward", reward)):
            if column not in columns:
                raise invalid(name, column, f"a column of the DataFrame, which has {columns}")
        if len(frame) == 0:
            raise InvalidArgument("frame has no rows; allowed: at least one logged reward")
        missing = frame[[arm, reward]].isna().any(axis=1)
        if missing.any():
            raise InvalidArgument(f"frame has a missing value in row {missing.idxmax()}; allowed: none")
        try:
            values = frame[reward].astype(float)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"frame[{reward!r}] is {shown(list(frame[reward][:3]))}; allowed: numbers") from error
        return cls.from_rewards([group.to_numpy() for _, group in values.groupby(frame[arm], sort=True)])

    @classmethod
    def from_counts(cls, impressions: ArrayLike, clicks: ArrayLike) -> Self:
        """Return the environment whose rewards are clicks, with the click rates counted in logs.

        Parameters
        ----------
        impressions : sequence of int
            How often each arm was shown; at least 1.
        clicks : sequence of int
            How often each was clicked; from 0 to its impressions.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Empirical.from_counts(impressions=[100, 200], clicks=[5, 20]).means.tolist()
        [0.05, 0.1]
        """
        shows = vector(1.0)("impressions", impressions)
        hits = vector(0.0)("clicks", clicks)
        same_length("Empirical.from_counts", impressions=shows, clicks=hits)
        for name, counts in (("impressions", shows), ("clicks", hits)):
            fractional = np.flatnonzero(counts != np.floor(counts))
            if fractional.size:
                where = int(fractional[0])
                raise invalid(f"{name}[{where}]", float(counts[where]), "a whole number")
        more = np.flatnonzero(hits > shows)
        if more.size:
            where = int(more[0])
            raise invalid(f"clicks[{where}]", int(hits[where]), f"from 0 to its impressions, {int(shows[where])}")
        return cls(np.tile([0.0, 1.0], (len(shows), 1)), np.column_stack([shows - hits, hits]))

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Relative frequencies of `values`, one row per arm.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Empirical.from_counts(impressions=[100, 200], clicks=[5, 20]).probabilities.tolist()
        [[0.95, 0.05], [0.9, 0.1]]
        """
        return np.asarray(self.counts / self.counts.sum(axis=1, keepdims=True))

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean of each arm's logged rewards."""
        return np.asarray((self.values * self.counts).sum(axis=1) / self.counts.sum(axis=1))

    def _summed(self) -> NDArray[np.float64]:
        return np.asarray((np.abs(self.values) * self.counts).sum(axis=1) / self.counts.sum(axis=1))

    def _shares(self, arm: int) -> NDArray[np.float64]:
        """Return a row of `probabilities`, without making all of them: they are as large as the logs."""
        return np.asarray(self.counts[arm] / self.counts[arm].sum())

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.counts)  # not via the means, which go through the logs

    @functools.cached_property
    def support(self) -> Support:
        """From the smallest reward seen to the largest."""
        seen = self.values[self.counts > 0]
        binary = bool(np.isin(seen, (0.0, 1.0)).all())
        return Support(0.0, 1.0, True) if binary else Support(float(seen.min()), float(seen.max()))

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the gaps and the table."""
        orders = np.argsort(self.values, axis=1)
        rows = [(v[o], np.cumsum(p[o])) for v, p, o in zip(self.values, self.probabilities, orders, strict=True)]
        return {"gaps": self.gaps, "counts": None, "values": None} | finite_table(rows)

    def cvars(self, tau: float) -> NDArray[np.float64]:
        """Return the CVaR of each arm's rewards, summed over those seen."""
        return tails.finite(self.values, self.counts, tails.checked_level("tau", tau))

    def variance(self, arm: int) -> float:
        """Return the variance of an arm's rewards, summed over those seen."""
        return _finite_variance(self.values[arm], self._shares(arm))

    def kinf(self, arm: int, target: float) -> float:
        """Return K_inf over the distributions on (-inf, largest value seen] (`divergences.kinf_finite`)."""
        return divergences.kinf_finite(self.values[arm], self._shares(arm), target, self.support.high)

    def distribution(self, arm: int) -> Any:
        """Return the arm's distribution, as a scipy-like object."""
        return _finite_distribution(self.values[arm], self._shares(arm))
