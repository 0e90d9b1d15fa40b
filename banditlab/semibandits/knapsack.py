"""The action set of a knapsack: sizes that sum to at most a capacity."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.errors import InvalidArgument
from banditlab.core.typed import FloatArray
from banditlab.core.validation import positive, vector

from .action_sets import Action, ActionSet, by_kernel, in_range
from .family import action_set
from .search import heaviest_within, search_scratch

TABLE = 10_000_000
"""Most entries of the table of a dynamic program; larger knapsacks, and broken weights, go to branch and bound."""


@action_set
class Knapsack(ActionSet):
    """All sets of items, at least one, whose sizes sum to at most a capacity.

    Parameters
    ----------
    weights : sequence of float
        The size of each item, at least 0.
    capacity : float
        The capacity; positive.

    Notes
    -----
    Exact: by dynamic programming in :math:`O(L C)` for capacity C where sizes are integers (and the table has at most
    ten million entries), otherwise by branch and bound (see `semibandits.search`), whose time is exponential in the
    worst case. Items of weight 0 or less are left out, unless there are no others.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.Knapsack([3, 4, 5], capacity=7).maximise([0.5, 0.4, 0.8])
    (0, 1)
    """

    weights: FloatArray = field(check=vector(0.0), doc="size of each item, at least 0")
    capacity: float = field(check=positive, doc="capacity")

    def validate(self) -> None:
        """Check that an item fits."""
        if not (self.weights <= self.capacity).any():
            raise InvalidArgument(
                f"Knapsack.capacity is {self.capacity:g}, and the smallest item's size {self.weights.min():g}; "
                "allowed: a capacity in which an item fits (else there is no action)"
            )

    @property
    def n_items(self) -> int:  # type: ignore[override]
        """Number of items."""
        return len(self.weights)

    @property
    def integral(self) -> bool:
        """Whether a dynamic program finds the best action."""
        whole = bool((self.weights == np.floor(self.weights)).all())
        return whole and (self.n_items + 1) * (self._whole_capacity() + 1) <= TABLE

    def _whole_capacity(self) -> float:
        return math.floor(min(self.capacity, float(self.weights.sum())))

    def contains(self, action: Action) -> bool:
        """Say whether the sizes of an action sum to at most the capacity.

        Parameters
        ----------
        action : tuple of int
            Different items, in ascending order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> bag = semibandits.Knapsack([3, 4, 5], capacity=7)
        >>> bag.contains((0, 1)), bag.contains((0, 2))
        (True, False)
        """
        fits = in_range(action, self.n_items)
        # NumPy's numbers one after another, as kernels add: of Python's own, `sum` makes up for rounding since 3.12
        return bool(fits and sum(self.weights[item] for item in action) <= self.capacity)

    def max_size(self, n_items: int) -> int:
        """Return how many of the smallest items fit together."""
        # one more than exact sums say costs nothing, one less because of rounding would
        return max(1, int((np.cumsum(np.sort(self.weights)) <= self.capacity * (1 + 1e-12)).sum()))

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the sizes as whole numbers, and as a column for branch and bound."""
        integral, capacity = self.integral, self._whole_capacity()
        too_large = capacity + 1.0  # whatever the size, which may be none of 64 bits
        return {
            "integral": integral,
            "sizes": np.minimum(self.weights, too_large).astype(np.int64) if integral else np.zeros(1, np.int64),
            "whole_capacity": int(capacity) if integral else 0,
            "costs": np.ascontiguousarray(self.weights[:, None]),
        }

    def scratch(self, space: Space) -> dict[str, Any]:
        """Return the arrays that `best` works on, one for all lanes."""
        shape = (self.n_items + 1, int(self._whole_capacity()) + 1) if self.integral else (1, 1)
        return search_scratch(space) | {"table": np.zeros(shape)}

    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Return what the kernel finds."""
        return by_kernel(self, weights)

    def best(self: Params, work: State, weights: Any, lane: int, chosen: Any) -> int:
        """Fill the table from the last item to the first, and read the action off it."""
        n = weights.shape[0]
        if not self.integral:
            most = chosen.shape[0]  # that many items fit at the most
            return heaviest_within(work, weights, lane, self.costs, 0, self.capacity, False, most, chosen)
        table = work.table
        for c in range(self.whole_capacity + 1):
            table[n, c] = 0.0
        for i in range(n - 1, -1, -1):
            x = weights[i, lane]
            s = self.sizes[i]
            for c in range(self.whole_capacity + 1):
                table[i, c] = table[i + 1, c]
            if x > 0.0:
                for c in range(s, self.whole_capacity + 1):
                    table[i, c] = max(table[i, c], x + table[i + 1, c - s])
        size = 0
        left = self.whole_capacity
        for i in range(n):
            x = weights[i, lane]
            s = self.sizes[i]
            if x > 0.0 and s <= left and x + table[i + 1, left - s] >= table[i + 1, left]:
                chosen[size, lane] = i
                size += 1
                left -= s
        if size > 0:
            return size
        for i in range(n):  # no weight of an item that fits is positive
            if self.sizes[i] <= left and (size == 0 or weights[i, lane] > weights[chosen[0, lane], lane]):
                chosen[0, lane] = i
                size = 1
        return 1
