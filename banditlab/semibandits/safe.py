"""The action set of safe bandits: sums of variances strictly below a budget."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import OptionalFloatArray
from banditlab.core.validation import invalid, number, optional, positive_integer, shown, vector

from .action_sets import Action, ActionSet, by_kernel, choose_largest_positive, enough_items, in_range, top_scratch
from .family import action_set
from .search import heaviest_within, search_scratch


def _budget(name: str, value: Any) -> float:
    """Check for a positive, finite number; an infinite one would be no constraint."""
    if not isinstance(value, numbers.Real) or value is True or value is False:
        raise InvalidType(f"{name} is {shown(value)}; allowed: a positive, finite number")
    budget = number(name, value) if isinstance(value, numbers.Integral) else float(value)
    if budget == np.inf:
        raise invalid(name, value, "a positive, finite number (semibandits.UpToM is the set without a budget)")
    if not 0.0 < budget < np.inf:
        raise invalid(name, value, "a positive, finite number")
    return budget


@action_set
class SafeUpToM(ActionSet):
    r"""Sets of one to m items whose variances sum to less than a budget, strictly.

    .. math:: \{ A : 1 \le |A| \le m, \; \sum_{i \in A} \sigma_i^2 < \bar\sigma^2 \}

    Parameters
    ----------
    m : int
        The largest number of items to play, at least 1; K in the paper.
    budget : float
        :math:`\bar\sigma^2`; positive and finite.
    variances : sequence of float, optional
        :math:`\sigma_i^2` of each item, at least 0. In an environment they are by default the true ones; a policy that
        does not know them puts its bounds in their place.

    Notes
    -----
    Exact by branch and bound (see `semibandits.search`): microseconds where the budget does not bind, some tens of
    microseconds for fifty items and m = 10, exponential in the worst case. Items of weight 0 or less are left out,
    unless there are no others. An item may be in no safe action.

    References
    ----------
    Hou, Tan, Zhong (2023), Probably anytime-safe stochastic combinatorial semi-bandits, ICML, arXiv:2301.13393.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> safe = semibandits.SafeUpToM(2, budget=0.3, variances=[0.2, 0.15, 0.1])
    >>> safe.maximise([0.9, 0.8, 0.1])
    (0,)
    >>> list(safe.enumerate(3))
    [(0,), (1,), (2,), (1, 2)]
    >>> safe.contains((0, 2))  # sums of variances are below the budget, strictly
    False
    """

    m: int = field(check=positive_integer, doc="largest number of items to play")
    budget: float = field(check=_budget, doc="what the variances must sum to less than")
    variances: OptionalFloatArray = field(
        default=None, check=optional(vector(0.0)), doc="variance of each item; default the environment's"
    )

    def with_variances(self, variances: ArrayLike) -> Self:
        """Return the set with known variances, so that it is known which actions are safe.

        Parameters
        ----------
        variances : sequence of float
            One per item, at least 0.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> open_set = semibandits.SafeUpToM(2, budget=0.3)
        >>> open_set.known, open_set.with_variances([0.2, 0.15, 0.1]).contains((1, 2))
        (False, True)
        """
        fields: dict[str, Any] = {"variances": variances}
        return dataclasses.replace(self, **fields)

    @property
    def known(self) -> bool:
        """Whether it is known which actions are safe."""
        return self.variances is not None

    @property
    def known_variances(self) -> NDArray[np.float64]:
        """The variances; raises where they are not known.

        Raises
        ------
        InvalidType
            Where they are not known.
        """
        if self.variances is None:
            raise InvalidType(
                "SafeUpToM.variances is None; allowed: one variance per item (with_variances), to know what is safe"
            )
        return self.variances

    def contains(self, action: Action) -> bool:
        """Say whether an action is safe and has one to m items.

        Parameters
        ----------
        action : tuple of int
            Different items, in ascending order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> safe = semibandits.SafeUpToM(2, budget=0.3, variances=[0.2, 0.15, 0.1])
        >>> safe.contains((1, 2)), safe.contains((0, 1))
        (True, False)
        """
        variances = self.known_variances
        fits = in_range(action, len(variances)) and len(action) <= self.m
        return bool(fits and sum(variances[item] for item in action) < self.budget)  # as in `Knapsack.contains`

    def max_size(self, n_items: int) -> int:
        """Return m, which no action exceeds: the budget may leave smaller ones only."""
        return self.m

    def check(self, n_items: int) -> None:
        """Raise if there are fewer than m items, not one variance per item or, where they are known, no safe action."""
        enough_items(self, n_items)
        if self.variances is None:
            return
        if len(self.variances) != n_items:
            raise InvalidArgument(
                f"SafeUpToM.variances has {len(self.variances)} entries; allowed: one per item, of which there are "
                f"{n_items}"
            )
        if not (self.variances < self.budget).any():
            raise InvalidArgument(
                f"SafeUpToM.budget is {self.budget:g}, and the smallest variance {self.variances.min():g}; allowed: a "
                "budget above the smallest variance (else no action is safe)"
            )

    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Return what the kernel finds."""
        self.check(len(self.known_variances))
        return by_kernel(self, weights)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the variances as a column."""
        return {} if self.variances is None else {"costs": np.ascontiguousarray(self.variances[:, None])}

    def scratch(self, space: Space) -> dict[str, Any]:
        """Return the arrays that the search works on, one for all lanes, and those for the largest weights of lanes."""
        return search_scratch(space) | top_scratch(space, self.m)

    def best(self: Params, work: State, weights: Any, lane: int, chosen: Any) -> int:
        """Search among actions that are safe by the variances known."""
        return heaviest_within(work, weights, lane, self.costs, 0, self.budget, True, self.m, chosen)

    def best_within(self: Params, work: State, weights: Any, costs: Any, lane: int, chosen: Any) -> int:
        """Search among actions whose costs, such as bounds on variances, sum to less than the budget."""
        return heaviest_within(work, weights, lane, costs, lane, self.budget, True, self.m, chosen)

    def best_within_lanes(
        self: Params, work: State, weights: Any, costs: Any, wanted: Any, chosen: Any, size: Any
    ) -> None:
        """Take the largest weights in all lanes; search where they cost too much."""
        choose_largest_positive(work, weights, self.m, chosen, size)
        for w in range(size.shape[0]):
            if wanted[w]:
                cost = 0.0
                for k in range(size[w]):
                    cost += costs[chosen[k, w], w]
                if not (cost < self.budget):
                    size[w] = heaviest_within(work, weights, w, costs, w, self.budget, True, self.m, chosen)
