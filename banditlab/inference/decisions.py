"""The decision table of a sequential comparison, and the ranking that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from banditlab.core.results.metrics import abridged
from banditlab.core.validation import invalid

from .families import DECISIONS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DIGITS = "{:.4g}".format


def implied_order(pairs: NDArray[np.int64], signs: NDArray[np.int64], n_policies: int) -> NDArray[np.bool_]:
    """Return which policy's mean (row) is larger than which (column), by decisions and what follows from them.

    Where decisions contradict each other, going round a circle, nothing is concluded.

    Examples
    --------
    >>> implied_order(np.array([[0, 1], [2, 1]]), np.array([1, -1]), 3).astype(int).tolist()
    [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    """
    larger = np.zeros((n_policies, n_policies), dtype=bool)
    larger[pairs[signs > 0, 0], pairs[signs > 0, 1]] = True
    larger[pairs[signs < 0, 1], pairs[signs < 0, 0]] = True
    for k in range(n_policies):  # Warshall: paths that pass through the first k policies
        larger |= larger[:, k, None] & larger[None, k]
    order: NDArray[np.bool_] = larger & ~larger.T
    return order


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is known about a family of comparisons. Its repr is the table; `plot` draws it.

    Attributes
    ----------
    environments, policies : tuple of str
        Labels.
    pairs : int64 array of shape (comparisons, 2)
        Positions of the first and the second policy.
    signs : int64 array of shape (environments, comparisons)
        1 where the first's mean is declared larger, -1 smaller, 0 undecided.
    implied : bool array of shape (environments, comparisons)
        Where that follows from other decisions: a over b and b over c put a over c.
    few_runs_rule : bool array of shape (environments, comparisons)
        Where the 1% of runs that differ most carry over a third of the sum of squared differences, given at least 50
        runs. The level then relies on symmetric differences, or on far more runs; see `AdaStop`.
    identical : bool array of shape (environments, comparisons)
        Where the two policies had the same value in every run.
    differences : float64 array of shape (environments, comparisons)
        Mean of first minus second over the runs played when it was decided, or until now.
    n_runs : int64 array of shape (environments, comparisons)
        How many runs that was.
    means, played : arrays of shape (environments, policies)
        Each policy's mean, and over how many runs: policies stop when everything about them is decided.
    groups, max_groups : int
        How many looks there were, and how many there can be.
    level : float
        Family-wise error of the whole table, under the conditions of `AdaStop`.
    metric : str
        What is compared.
    smaller_is_better : bool
        Which direction is good.
    seed : int
        Seed of the permutations; for `banditlab.compare` also that of the runs.
    horizon : int or None
        Rounds per run, if known.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> players = [arms.RoundRobin(), arms.UCB1()]
    >>> found = bl.compare(players, arms.Bernoulli([0.2, 0.8]), horizon=100, seed=0)
    >>> found.policies, found.pairs.tolist(), found.signs.tolist()  # the first's regret is larger
    (('RoundRobin', 'UCB1'), [[0, 1]], [[1]])
    >>> found.settled, found.ranking().index.tolist()
    (True, ['UCB1', 'RoundRobin'])
    """

    environments: tuple[str, ...]
    policies: tuple[str, ...]
    pairs: NDArray[np.int64]
    signs: NDArray[np.int64]
    implied: NDArray[np.bool_]
    few_runs_rule: NDArray[np.bool_]
    identical: NDArray[np.bool_]
    differences: NDArray[np.float64]
    n_runs: NDArray[np.int64]
    means: NDArray[np.float64]
    played: NDArray[np.int64]
    groups: int
    max_groups: int
    level: float
    metric: str
    smaller_is_better: bool
    seed: int
    horizon: int | None

    @property
    def settled(self) -> bool:
        """Whether every comparison is decided."""
        return bool(np.all(self.signs != 0))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per comparison: environment, first, second, decision, difference, n_runs, note.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.RoundRobin(), arms.UCB1()]
        >>> table = bl.compare(players, arms.Bernoulli([0.2, 0.8]), horizon=100, seed=0).to_pandas()
        >>> table[["first", "second", "decision"]].values.tolist()
        [['RoundRobin', 'UCB1', 'larger']]
        """
        import pandas as pd

        n = len(self.pairs)
        return pd.DataFrame(
            {
                "environment": np.repeat(self.environments, n),
                "first": np.tile([self.policies[i] for i, _ in self.pairs], len(self.environments)),
                "second": np.tile([self.policies[j] for _, j in self.pairs], len(self.environments)),
                "decision": [DECISIONS[int(sign)] for sign in self.signs.ravel()],
                "difference": self.differences.ravel(),
                "n_runs": self.n_runs.ravel(),
                "note": self._notes(),
            }
        )

    def _notes(self) -> list[str]:
        flags = {"implied by others": self.implied, "few runs rule": self.few_runs_rule, "identical": self.identical}
        rows = zip(*(flag.ravel() for flag in flags.values()), strict=True)
        return [", ".join(word for word, flag in zip(flags, row, strict=True) if flag) for row in rows]

    def ranking(self, environment: str | None = None) -> pd.DataFrame:
        """Return one row per policy, the best first, with the ranks that the decisions leave possible.

        A policy ranks after those declared better and before those declared worse, directly or through others. If all
        decisions are right, direction included, all true ranks are among those left. The level bounds how often
        policies that do not differ are told apart; it does not bound how often policies that do differ are put in the
        wrong order. That is rare where differences are symmetric about their mean, but not where a few runs dominate
        them. Decisions that contradict each other in a circle leave all ranks of the circle possible.

        Parameters
        ----------
        environment : str, optional
            Needed when there are several.

        Returns
        -------
        pandas.DataFrame
            Indexed by policy: rank_low and rank_high (1 is the best), mean, n_runs.

        Raises
        ------
        InvalidArgument
            For an environment that is not there.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.RoundRobin(), arms.UCB1()]
        >>> found = bl.compare(players, arms.Bernoulli([0.2, 0.8]), horizon=100, seed=0)
        >>> found.ranking()[["rank_low", "rank_high"]].T.to_dict("list")
        {'UCB1': [1, 1], 'RoundRobin': [2, 2]}
        """
        import pandas as pd

        e = self.position(environment)
        beaten = self.better(environment)
        low, high = 1 + beaten.sum(axis=0), len(self.policies) - beaten.sum(axis=1)
        good = self.means[e] if self.smaller_is_better else -self.means[e]
        order = np.lexsort((good, low + high))
        table = {"rank_low": low, "rank_high": high, "mean": self.means[e], "n_runs": self.played[e]}
        return pd.DataFrame(table, index=pd.Index(self.policies, name="policy")).iloc[order]

    def better(self, environment: str | None = None) -> NDArray[np.bool_]:
        """Return which policy (row) is better than which (column) by the decisions on an environment.

        Parameters
        ----------
        environment : str, optional
            One of `environments`; needed when there are several.

        Returns
        -------
        bool array of shape (policies, policies)
            Includes what follows from decisions: a better than b and b better than c make a better than c.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.RoundRobin(), arms.UCB1()]
        >>> found = bl.compare(players, arms.Bernoulli([0.2, 0.8]), horizon=100, seed=0)
        >>> found.better().tolist()  # UCB1 than RoundRobin
        [[False, False], [True, False]]
        """
        larger = implied_order(self.pairs, self.signs[self.position(environment)], len(self.policies))
        return larger.T if self.smaller_is_better else larger

    def position(self, environment: str | None = None) -> int:
        """Return the position of an environment, which must be named when there are several.

        Parameters
        ----------
        environment : str, optional
            One of `environments`.
        """
        if environment is None and len(self.environments) == 1:
            return 0
        if not isinstance(environment, str) or environment not in self.environments:
            which = ", since there are several" if environment is None else ""
            raise invalid("environment", environment, f"one of {abridged(self.environments)}{which}")
        return self.environments.index(environment)

    def _headline(self) -> str:
        undecided = int((self.signs == 0).sum())
        state = "settled" if undecided == 0 else f"{undecided} of {self.signs.size} comparisons undecided"
        return (
            f"{self.metric}: {state} after {self.groups} of {self.max_groups} groups of runs, "
            f"family-wise error at most {self.level:g} if differences are symmetric or runs are many"
        )

    def _legend(self) -> str:
        return (
            f"A decision is whether the first policy's {self.metric} is larger or smaller than the second's, and the "
            "difference is how much; rank 1 is the best."
        )

    def _caution(self) -> str:
        """Return advice on comparisons that a few runs dominate; empty if there are none."""
        count = int(self.few_runs_rule.sum())
        if count == 0:
            return ""
        return (
            f"Caution: in {count} of {self.signs.size} comparisons 1% of the runs carry over a third of the squared "
            "differences. Unless differences are symmetric, wrong decisions can be far more frequent than the "
            "level; play larger groups."
        )

    def _texts(self) -> list[str]:
        return [text for text in (self._headline(), self._legend(), self._caution()) if text]

    def _tables(self) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
        """Yield each environment, its comparisons and its ranking."""
        table = self.to_pandas()
        for name in self.environments:
            yield name, table[table.environment == name].drop(columns="environment"), self.ranking(name)

    def __repr__(self) -> str:
        """Return the decision table and the ranking of each environment."""
        parts = self._texts()
        for name, table, ranking in self._tables():
            parts += [name, table.to_string(index=False, float_format=DIGITS), ranking.to_string(float_format=DIGITS)]
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        from html import escape

        parts = [f"<p>{escape(text)}</p>" for text in self._texts()]
        for name, table, ranking in self._tables():
            parts += [f"<p><b>{escape(name)}</b></p>", table.to_html(index=False, float_format=DIGITS)]
            parts += [ranking.to_html(float_format=DIGITS)]
        return "\n".join(parts)

    def plot(self, environment: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw the table of an environment: each policy (row) against each other (column), the best policies first.

        Parameters
        ----------
        environment : str, optional
            One of `environments`; needed when there are several.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default new Axes. See `banditlab.plotting.plot_comparison`.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.RoundRobin(), arms.UCB1()]
        >>> found = bl.compare(players, arms.Bernoulli([0.2, 0.8]), horizon=100, seed=0)
        >>> [text.get_text() for text in found.plot().get_yticklabels()]
        ['UCB1  (1)', 'RoundRobin  (2)']
        """
        from banditlab import plotting

        return plotting.plot_comparison(self, environment, ax=ax)
