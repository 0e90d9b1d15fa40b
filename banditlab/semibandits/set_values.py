"""Environments whose reward is any function of a set: its means are tabulated for all sets that can be played."""

from __future__ import annotations

import functools
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.arms.support import Support
from banditlab.core.components import Params, Problem
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import invalid

from .action_sets import Action, UpToM, items_of
from .environments import Combinatorial
from .knapsack import Knapsack

TABULATED = 500_000
"""Most sets whose means are tabulated."""


def binomials(n: int, m: int) -> NDArray[np.int64]:
    """Return the table of binomial coefficients (a choose b), a up to n, b up to m."""
    return np.array([[math.comb(a, b) for b in range(m + 1)] for a in range(n + 1)], dtype=np.int64)


class SetValued(Combinatorial, ABC):
    """Base of environments whose mean reward is an arbitrary function of the set played.

    A subclass has the fields `actions` and what it needs to compute `means_of(sets)`, the means of many sets of one
    size at once, and the kernel `draw`. The means of all sets as large as the largest action, and smaller, are
    tabulated; there may be at most half a million of them.
    """

    actions: Any
    n_arms: int

    @abstractmethod
    def means_of(self, sets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean of each of many sets of one size.

        Parameters
        ----------
        sets : int64 array (n_sets, size)
            One row a set: its items in ascending order.

        Returns
        -------
        float64 array (n_sets,)

        Examples
        --------
        >>> import numpy as np
        >>> from banditlab import semibandits
        >>> env = semibandits.Coverage([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], semibandits.UpToM(2))
        >>> env.means_of(np.array([[0, 1], [1, 2]])).tolist()
        [0.75, 0.5]
        """

    @property
    def support(self) -> Support:
        """Rewards in [0, 1]."""
        return Support(0.0, 1.0)

    @property
    def alpha(self) -> float:  # type: ignore[override]
        """The share of the best mean that `alpha_regret` compares with: what is guaranteed in polynomial time.

        1 - 1/e for sets of up to m items (the greedy algorithm), 1/2 for a knapsack (Greedy+Max), else 1.
        """
        if isinstance(self.actions, UpToM):
            return 1.0 - math.exp(-1.0)
        return 0.5 if isinstance(self.actions, Knapsack) else 1.0

    @property
    def largest(self) -> int:
        """How many items a set may have whose mean is tabulated: as many as the largest action."""
        return int(self.actions.max_size(self.n_arms))

    def check_sizes(self) -> None:
        """Raise unless the action set suits these items, and the table of means is not too large."""
        self.actions.check(self.n_arms)
        sizes = range(1, self.largest + 1)
        number = sum(math.comb(self.n_arms, size) for size in sizes)
        if number > TABULATED:
            raise InvalidArgument(
                f"{type(self).__name__} has {number} sets of at most {sizes[-1]} of {self.n_arms} items; allowed: "
                f"at most {TABULATED} sets, whose means are tabulated"
            )

    @functools.cached_property
    def _table(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The means by size and then by rank, and where each size begins."""
        sizes = range(1, self.largest + 1)
        starts = np.cumsum([0, 0, *(math.comb(self.n_arms, size) for size in sizes)])  # there is no set of size 0
        means = np.empty(starts[-1])
        for size in sizes:
            sets = np.array(list(itertools.combinations(range(self.n_arms), size)), dtype=np.int64)
            means[starts[size] + self._ranks(sets)] = self.means_of(sets)
        return means, starts

    def _ranks(self, sets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rank of each set among those of its size: the combinatorial number system."""
        choose = binomials(self.n_arms, sets.shape[1])
        ranks: NDArray[np.int64] = choose[sets, np.arange(1, sets.shape[1] + 1)].sum(axis=1)
        return ranks

    def value(self, action: Action) -> float:
        """Return the mean reward of any items, at most as many as the largest action has.

        Parameters
        ----------
        action : sequence of int
            Different items, in any order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> env = semibandits.Coverage([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], semibandits.UpToM(2))
        >>> env.value([0]), env.value([1, 0]), env.value([1, 2])  # what two cover together counts once
        (0.5, 0.75, 0.5)
        """
        items = items_of(action, self.n_arms)
        if len(items) > self.largest:
            told = f"at most {self.largest} items, as many as the largest of {self.actions!r} has"
            raise invalid("action", action, told)
        return float(self._values([items])[0])

    def _values(self, actions: Sequence[Action]) -> NDArray[np.float64]:
        """Return the means of some actions, looked up for all of a size at once."""
        means, starts = self._table
        sizes, values = np.array([len(action) for action in actions]), np.empty(len(actions))
        for size in np.unique(sizes):
            places = np.flatnonzero(sizes == size)
            sets = np.array([actions[k] for k in places.tolist()], dtype=np.int64)
            values[places] = means[starts[size] + self._ranks(sets)]
        return values

    @functools.cached_property
    def best_action(self) -> Action:
        """The action with the largest mean, the first of several, found by looking at all.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> env = semibandits.Coverage([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], semibandits.UpToM(2))
        >>> env.best_action, env.best_value, round(env.alpha, 3)
        ((0, 1), 0.75, 0.632)
        """
        actions = list(self.actions.enumerate(self.n_arms))
        return actions[int(self._values(actions).argmax())]

    @property
    def best_value(self) -> float:  # type: ignore[override]
        """The best action's mean, against which regret is counted."""
        return self.value(self.best_action)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the table of means, and what a set's place in it is computed from."""
        means, starts = self._table
        return {
            "best_value": self.best_value,
            "table": means,
            "starts": starts,
            "choose": binomials(self.n_arms, self.largest),
        }

    def mean(self: Params, chosen: Any, size: int, lane: int) -> float:
        """Look the set up."""
        rank = self.starts[size]
        for k in range(size):
            rank += self.choose[chosen[k, lane], k + 1]
        return self.table[rank]
