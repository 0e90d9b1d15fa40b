"""Offline algorithms that maximise a set function by asking for its values, one query after another."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, State, field, is_component, make_state
from banditlab.core.dispatch import device, device_call, generic
from banditlab.core.errors import InvalidArgument, InvalidComponent, InvalidType
from banditlab.core.family import require_base
from banditlab.core.validation import number, positive_integer, shown

from .action_sets import Action, UpToM, an_action_set, in_range
from .family import SEMIBANDITS
from .knapsack import Knapsack
from .spaces import ActionProblem, ActionSpace

C = TypeVar("C", bound=type)


@generic
def ask(self: Params, state: State, value: float, lane: int, chosen: Any) -> int:
    """Take the answer to the last query, and write the next set to ask for into `chosen`, items ascending.

    Returns its size or, if there is nothing more to ask, minus the size of the set that was written, which is the
    output. The first call has no answer to give: its `value` means nothing. `state` has the arrays of `memory(space)`,
    as they were first made or as the last call left them.
    """
    raise AssertionError


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def offline_algorithm(cls: C) -> C:
    """Make a class an offline algorithm: a subclass of `semibandits.OfflineAlgorithm`, with the kernel `ask`.

    Raises
    ------
    InvalidComponent
        If it is not a subclass, a method is missing, or `ask` is missing or has other arguments.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> @semibandits.offline_algorithm
    ... class BestItem(semibandits.OfflineAlgorithm):
    ...     def memory(self, space):
    ...         asked, best, largest = space.per_lane(-1), space.per_lane(), space.per_lane(-1.0)
    ...         return {"asked": asked, "best": best, "largest": largest}
    ...
    ...     def delta(self, actions, n_items):
    ...         return 2.0
    ...
    ...     def n_queries(self, actions, n_items):
    ...         return n_items
    ...
    ...     def derive(self, problem):
    ...         return {"n_items": problem.n_arms}
    ...
    ...     def ask(self, state, value, lane, chosen):
    ...         if state.asked[lane] >= 0 and value > state.largest[lane]:
    ...             state.largest[lane] = value
    ...             state.best[lane] = state.asked[lane]
    ...         state.asked[lane] += 1
    ...         done = state.asked[lane] == self.n_items
    ...         chosen[0, lane] = int(state.best[lane] if done else state.asked[lane])
    ...         return -1 if done else 1
    >>> BestItem().maximise(lambda action: [0.2, 0.7, 0.4][action[0]], semibandits.UpToM(1), n_items=3)
    (1,)
    """
    require_base(cls, "semibandits.OfflineAlgorithm")
    return SEMIBANDITS.component(cls, "offline_algorithm", (ask,), (("ask",),))


class OfflineAlgorithm(ABC):
    r"""Base of offline algorithms, and what `CETC` needs to know about them.

    An algorithm is :math:`(\alpha, \delta)`-robust with N queries if, whenever all N answers are within
    :math:`\epsilon` of the values, its output is worth at least :math:`\alpha f(\mathrm{OPT}) - \delta \epsilon`. A
    subclass has `delta` and `n_queries`; `memory(space)`, which returns its arrays by name; and the kernel `ask`, with
    the arguments of `semibandits.offline.ask`.
    """

    @abstractmethod
    def memory(self, space: ActionSpace) -> dict[str, Any]:
        """Return the arrays between queries, by name; their last axis is the lane."""

    @abstractmethod
    def delta(self, actions: Any, n_items: int) -> float:
        r"""Return :math:`\delta`: by how much an error of the answers is multiplied in the worst case.

        Parameters
        ----------
        actions : action set
            Which sets of items are allowed.
        n_items : int
            The number of items, n.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> semibandits.Greedy().delta(semibandits.UpToM(3), n_items=10)
        6.0
        """

    @abstractmethod
    def n_queries(self, actions: Any, n_items: int) -> int:
        """Return N, the largest number of queries.

        Parameters
        ----------
        actions : action set
            Which sets of items are allowed.
        n_items : int
            The number of items, n.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> semibandits.Greedy().n_queries(semibandits.UpToM(3), n_items=10)
        30
        """

    def reasons_against(self, actions: Any) -> list[str]:
        """Say which action sets it is not for."""
        return []

    def maximise(self, value: Callable[[Action], float], actions: Any, n_items: int) -> Action:
        """Return the output, given a function that answers queries.

        Parameters
        ----------
        value : callable
            Returns the value of an action, a tuple of items in ascending order.
        actions : action set
            Which sets of items are allowed.
        n_items : int
            The number of items.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> env = semibandits.Coverage([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], semibandits.UpToM(2))
        >>> semibandits.Greedy().maximise(env.value, env.actions, env.n_arms)
        (0, 1)
        """
        n = positive_integer("n_items", n_items)
        if not callable(value):
            raise InvalidType(f"value is {shown(value)}; allowed: a function of an action, a tuple of items")
        an_action_set("actions", actions).check(n)
        reasons = self.reasons_against(actions)
        if reasons:
            raise InvalidArgument(f"actions is {actions!r}; allowed: another action set, as {'; '.join(reasons)}")
        machine: Any = self
        parameters = machine.params(ActionProblem(n, None, actions))
        state = make_state(_Memory(self), ActionSpace(n, 1, None, actions))
        chosen = np.zeros((actions.max_size(n), 1), np.int64)
        most = self.n_queries(actions, n)
        size, asked = ask(parameters, state, 0.0, 0, chosen), 0
        while size > 0:
            if asked == most:
                raise InvalidComponent(f"{self!r} asks more than n_queries says; allowed: {most} queries")
            action = self._written(chosen, size, n)
            size, asked = ask(parameters, state, number(f"value({action})", value(action)), 0, chosen), asked + 1
        return self._written(chosen, -size, n)

    def _written(self, chosen: NDArray[np.int64], size: int, n_items: int) -> Action:
        """Return the action that `ask` wrote, or raise if it is none."""
        action = tuple(map(int, chosen[:size, 0]))
        if size > len(chosen) or not in_range(action, n_items):
            raise InvalidComponent(
                f"{self!r} wrote {size} items, {list(action)}; allowed: one to {len(chosen)} items from 0 to "
                f"{n_items - 1}, ascending"
            )
        return action


class _Memory:
    """Something with the state of an offline algorithm alone."""

    def __init__(self, algorithm: OfflineAlgorithm) -> None:
        self.state = algorithm.memory


def an_offline_algorithm(name: str, value: object) -> Any:
    """Check for an offline algorithm."""
    if not (isinstance(value, OfflineAlgorithm) and is_component(value)):
        raise InvalidType(
            f"{name} is {shown(value)}; allowed: an offline algorithm, such as semibandits.Greedy() or GreedyPlusMax()"
        )
    return value


@device
def _put(state: State, item: int, lane: int, chosen: Any) -> int:
    """Write the base and one more item into `chosen`, ascending."""
    size = state.base_size[lane]
    k = size
    while k > 0 and state.base[k - 1, lane] > item:
        chosen[k, lane] = state.base[k - 1, lane]
        k -= 1
    chosen[k, lane] = item
    for j in range(k):
        chosen[j, lane] = state.base[j, lane]
    return size + 1


@device
def _in_base(state: State, item: int, lane: int) -> bool:
    found = False
    for k in range(state.base_size[lane]):
        found = found or state.base[k, lane] == item
    return found


def _base_memory(space: ActionSpace) -> dict[str, Any]:
    """Return the arrays of an algorithm that adds one item after the other to a base."""
    size = space.actions.max_size(space.n_arms)
    return {
        "base": space.array(size, dtype=np.int64),
        "base_size": space.per_lane(0, np.int64),
        "candidate": space.per_lane(-1, np.int64),
        "best_item": space.per_lane(-1, np.int64),
        "best_score": space.per_lane(-math.inf),
    }


@offline_algorithm
class Greedy(OfflineAlgorithm):
    r"""Adds the item that helps most, m times: for sets of up to m items.

    Notes
    -----
    For monotone submodular functions it is a :math:`(1 - 1/e)`-approximation (Nemhauser, Wolsey, Fisher 1978), and
    robust with :math:`\delta = 2m` and :math:`N = n m` queries (Nie et al. 2023; :math:`\delta` and N reconstructed).
    It asks for the value of the base with each other item; ties go to the first.

    References
    ----------
    Nie, Nadew, Zhu, Aggarwal, Quinn (2023), A framework for adapting offline algorithms to solve combinatorial
    multi-armed bandit problems with bandit feedback, ICML, arXiv:2301.13326.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.Greedy().maximise(
    ...     lambda action: len(action) - 0.1 * action[0], semibandits.UpToM(2), n_items=4
    ... )
    (0, 1)
    """

    def memory(self, space: ActionSpace) -> dict[str, Any]:
        """Return the base, the candidate asked for, and the best so far."""
        return _base_memory(space)

    def delta(self, actions: Any, n_items: int) -> float:
        """Return 2 m."""
        return 2.0 * actions.max_size(n_items)

    def n_queries(self, actions: Any, n_items: int) -> int:
        """Return n m."""
        return int(n_items * actions.max_size(n_items))

    def reasons_against(self, actions: Any) -> list[str]:
        """Ask for `UpToM`."""
        return [] if isinstance(actions, UpToM) else [f"Greedy is for sets of up to m items (UpToM), not {actions!r}"]

    def derive(self, problem: ActionProblem) -> dict[str, Any]:
        """Return the numbers of items."""
        most = problem.actions.max_size(problem.n_arms)
        return {"n_items": problem.n_arms, "most": most}

    def ask(self: Params, state: State, value: float, lane: int, chosen: Any) -> int:
        """Note the answer for a candidate; go on to the next, or add the best and start anew."""
        item = state.candidate[lane]
        if item >= 0 and value > state.best_score[lane]:
            state.best_item[lane] = item
            state.best_score[lane] = value
        item = _following(state, item + 1, self.n_items, lane)
        if item == self.n_items:
            size = _put(state, state.best_item[lane], lane, chosen)
            for k in range(size):
                state.base[k, lane] = chosen[k, lane]
            state.base_size[lane] = size
            state.best_score[lane] = -math.inf
            if size == self.most:
                return -size
            item = _following(state, 0, self.n_items, lane)
        state.candidate[lane] = item
        return _put(state, item, lane, chosen)


@device
def _following(state: State, item: int, n_items: int, lane: int) -> int:
    """Return the first item from a given one that is not in the base; n_items if there is none."""
    while item < n_items and _in_base(state, item, lane):
        item += 1
    return item


@offline_algorithm
class GreedyPlusMax(OfflineAlgorithm):
    r"""Adds items by gain per size, and returns the best set seen on the way: for knapsacks.

    While items fit, it asks for the value of the base S with each of them, and adds the one with the largest
    :math:`(f(S \cup \{e\}) - f(S)) / c_e`; ties go to the first. The output is the set of largest value among all that
    it asked for.

    Notes
    -----
    For monotone submodular functions it is a 1/2-approximation (Yaroslavtsev, Zhou, Avdiukhin 2020). Robust with
    :math:`\delta = 1/2 + \tilde K + 2 \beta` and :math:`N = \tilde K n` queries, with :math:`\tilde K` the largest
    number of items that fit together and :math:`\beta` the capacity over the smallest positive size (from Nie et al.
    2023, but :math:`\delta` and N are reconstructed, with low confidence in the former; `CETC` has `plays` to set
    another number). The value of no items is taken to be 0. Items of size 0 that help come first.

    References
    ----------
    Yaroslavtsev, Zhou, Avdiukhin (2020), "Bring your own greedy"+max, AISTATS. Nie, Nadew, Zhu, Aggarwal, Quinn (2023),
    ICML, arXiv:2301.13326.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> bag = semibandits.Knapsack([1.0, 4.0], capacity=4.0)
    >>> worth = {(0,): 0.3, (1,): 0.9}  # item 0 gains more per size, item 1 is the better set
    >>> semibandits.GreedyPlusMax().maximise(worth.get, bag, n_items=2)
    (1,)
    """

    def memory(self, space: ActionSpace) -> dict[str, Any]:
        """Return the base, what was found for the next item, and the best set."""
        size = space.actions.max_size(space.n_arms)
        return _base_memory(space) | {
            "base_value": space.per_lane(),
            "best_item_value": space.per_lane(),
            "best_set": space.array(size, dtype=np.int64),
            "best_set_size": space.per_lane(0, np.int64),
            "best_set_value": space.per_lane(-math.inf),
        }

    def delta(self, actions: Any, n_items: int) -> float:
        """Return 1/2 + K + 2 beta."""
        sizes = actions.weights[actions.weights > 0.0]
        beta = actions.capacity / float(sizes.min()) if len(sizes) else 1.0
        return 0.5 + float(actions.max_size(n_items)) + 2.0 * beta

    def n_queries(self, actions: Any, n_items: int) -> int:
        """Return K n."""
        return int(n_items * actions.max_size(n_items))

    def reasons_against(self, actions: Any) -> list[str]:
        """Ask for `Knapsack`."""
        return [] if isinstance(actions, Knapsack) else [f"GreedyPlusMax is for a Knapsack, not {actions!r}"]

    def derive(self, problem: ActionProblem) -> dict[str, Any]:
        """Return sizes and capacity."""
        actions = problem.actions
        return {"n_items": problem.n_arms, "sizes": np.array(actions.weights), "capacity": actions.capacity}

    def ask(self: Params, state: State, value: float, lane: int, chosen: Any) -> int:
        """Note the answer for a candidate; go on to the next that fits, or add the best and start anew."""
        item = state.candidate[lane]
        if item >= 0:
            if value > state.best_set_value[lane]:
                state.best_set_value[lane] = value
                state.best_set_size[lane] = _put(state, item, lane, state.best_set)
            gain = value - state.base_value[lane]
            score = gain / self.sizes[item] if self.sizes[item] > 0.0 else math.inf if gain > 0.0 else gain
            if score > state.best_score[lane]:
                state.best_score[lane] = score
                state.best_item[lane] = item
                state.best_item_value[lane] = value
        item = _following_that_fits(state, item + 1, self.sizes, self.capacity, lane)
        if item == self.n_items and state.best_score[lane] > -math.inf:
            size = _put(state, state.best_item[lane], lane, chosen)
            for k in range(size):
                state.base[k, lane] = chosen[k, lane]
            state.base_size[lane] = size
            state.base_value[lane] = state.best_item_value[lane]
            state.best_score[lane] = -math.inf
            item = _following_that_fits(state, 0, self.sizes, self.capacity, lane)
        if item == self.n_items:
            for k in range(state.best_set_size[lane]):
                chosen[k, lane] = state.best_set[k, lane]
            return -state.best_set_size[lane]
        state.candidate[lane] = item
        return _put(state, item, lane, chosen)


@device_call
def _following_that_fits(state: State, item: int, sizes: Any, capacity: float, lane: int) -> int:
    """Return the first item from a given one that is not in the base and fits beside it; else the number of items."""
    while item < sizes.shape[0]:
        if not _in_base(state, item, lane):
            total = 0.0  # added in ascending order of the items, as where the action is checked
            added = False
            for k in range(state.base_size[lane]):
                if not added and state.base[k, lane] > item:
                    total += sizes[item]
                    added = True
                total += sizes[state.base[k, lane]]
            if not added:
                total += sizes[item]
            if total <= capacity:
                return item
        item += 1
    return item
