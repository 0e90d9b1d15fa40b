"""Action sets: which sets of items can be played, and the best of them for given weights."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.choices import not_negative
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import Params, Problem, Space, State, field, is_component, record
from banditlab.core.dispatch import device
from banditlab.core.errors import BanditlabError, InvalidArgument, InvalidComponent, InvalidType
from banditlab.core.origin import is_ours
from banditlab.core.validation import as_list, integer, invalid, positive_integer, shown, vector

from .family import action_set
from .generics import best

Action = tuple[int, ...]

ENUMERABLE = 1_000_000
"""Most sets that `enumerate` looks at."""

FEW = 2_000
"""Most sets of items among which `check_find` looks for the best action."""


class ActionSet(ABC):
    """Base of action sets: checks, enumeration, and the way to the oracle.

    A subclass, decorated with `semibandits.action_set`, has `contains(action)`, `max_size(n_items)` and
    `find(weights)`, which returns the items of the best action; `maximise` checks its argument and calls it. Sets that
    fix the number of items, for example because items are the edges of a graph, have `n_items`. With a kernel `best` or
    `best_lanes` (see `semibandits.generics`), simulations do without `find`.

    Examples
    --------
    >>> from banditlab import field, semibandits
    >>> @semibandits.action_set
    ... class Neighbours(semibandits.ActionSet):
    ...     def contains(self, action):
    ...         return len(action) == 2 and action[1] == action[0] + 1
    ...
    ...     def max_size(self, n_items):
    ...         return 2
    ...
    ...     def find(self, weights):
    ...         return max(self.enumerate(len(weights)), key=lambda action: sum(weights[list(action)]))
    >>> Neighbours().maximise([0.3, 0.1, 0.5, 0.4])
    (2, 3)
    """

    n_items: int | None = None

    @property
    def known(self) -> bool:
        """Whether it is known which actions the set holds."""
        return True

    @abstractmethod
    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Return the items of an action with the largest sum of weights, in any order.

        For subclasses; users call `maximise`, which checks weights and items.

        Parameters
        ----------
        weights : float64 array (n_items,)
            One finite number per item, of any sign.
        """

    @abstractmethod
    def contains(self, action: Action) -> bool:
        """Say whether the set holds an action.

        Parameters
        ----------
        action : tuple of int
            Different items, in ascending order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> pairs = semibandits.MSets(2)
        >>> pairs.contains((0, 3)), pairs.contains((0,)), pairs.contains((3, 0))
        (True, False, False)
        """

    @abstractmethod
    def max_size(self, n_items: int) -> int:
        """Return the largest number of items in an action, or a number that none exceeds.

        Parameters
        ----------
        n_items : int
            How many items there are.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> semibandits.Knapsack([3, 4, 5], capacity=7).max_size(3)
        2
        """

    def min_size(self, n_items: int) -> int:
        """Return a number of items that no action goes below; `enumerate` starts from it.

        Parameters
        ----------
        n_items : int
            How many items there are.
        """
        return 1

    def check(self, n_items: int) -> None:
        """Raise unless the set suits this many items. An item may be in no action: it is then never played."""
        integer(1)("number of items", n_items)
        if self.n_items is not None and n_items != self.n_items:
            raise invalid("number of items", n_items, f"{self.n_items}, for {self!r}")

    def maximise(self, weights: ArrayLike) -> Action:
        """Return the action with the largest sum of weights: its items in ascending order.

        Of equal actions it is one with the fewest items of weight 0 or less and, among these, the lexicographically
        smallest, unless the class says otherwise.

        Parameters
        ----------
        weights : sequence of float
            One finite number per item, of any sign.

        Returns
        -------
        tuple of int

        Examples
        --------
        >>> from banditlab import semibandits
        >>> weights = [0.4, -0.1, 0.9]
        >>> semibandits.MSets(2).maximise(weights), semibandits.UpToM(3).maximise(weights)
        ((0, 2), (0, 2))
        """
        checked = vector()("weights", weights)
        self.check(len(checked))
        given: Any = self.find(checked)  # a user's may return anything
        if not isinstance(given, str) and np.iterable(given):
            given = list(given)
        found = _whole(given)
        if found is None:
            raise InvalidType(
                f"{type(self).__name__}.find returned {shown(given)}; allowed: the items of an action, as integers"
            )
        if not in_range(found, len(checked)):
            raise InvalidArgument(
                f"{type(self).__name__}.find returned the items {list(found)}; allowed: different items from 0 to "
                f"{len(checked) - 1}, at least one"
            )
        if not is_ours(type(self).__module__) and not self.contains(found):
            raise InvalidArgument(
                f"{type(self).__name__}.find returned the items {list(found)}; allowed: an action, and contains says "
                "that it is none"
            )
        return found

    def enumerate(self, n_items: int) -> Iterator[Action]:
        """Yield every action, smaller ones first, and in lexicographic order among those of the same size.

        Parameters
        ----------
        n_items : int
            How many items there are.

        Raises
        ------
        InvalidArgument
            If more than a million sets would have to be examined.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> list(semibandits.UpToM(2).enumerate(3))
        [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
        """
        self.check(n_items)
        n_items = int(n_items)
        sizes = self._sizes(n_items)
        if _more_sets(ENUMERABLE, n_items, sizes):
            raise InvalidArgument(
                f"{self!r} has actions among more sets of items than can be listed; allowed: at most {ENUMERABLE} sets "
                "to enumerate"
            )
        return (a for size in sizes for a in itertools.combinations(range(n_items), size) if self.contains(a))

    def _sizes(self, n_items: int) -> range:
        """Return the numbers of items that an action may have."""
        given = {name: getattr(self, name)(n_items) for name in ("min_size", "max_size")}  # a user's may be anything
        for name, size in given.items():
            if not isinstance(size, int | np.integer) or size < 0:
                raise InvalidType(
                    f"{type(self).__name__}.{name}({n_items}) returned {shown(size)}; allowed: a number of items, as "
                    "an integer (n // 2 is one, n / 2 is not)"
                )
        return range(given["min_size"], min(given["max_size"], n_items) + 1)

    def check_find(self, n_items: int) -> None:
        """Raise if `find` finds less than the best of all actions; simulations call this for a user's action set.

        Twenty vectors of weights are tried, if at most 2,000 sets of items have an action's size. The environment's
        best action comes from `find`: one that finds less makes regret too small, for every policy.

        Parameters
        ----------
        n_items : int
            How many items there are.

        Raises
        ------
        InvalidComponent
            If it does, or raises an error.
        """
        sizes = self._sizes(n_items)
        if not self.known or _more_sets(FEW, n_items, sizes):
            return
        try:
            every = [list(action) for action in self.enumerate(n_items)]
        except Exception:  # noqa: BLE001 - `contains` may be written for what is found alone
            return
        listed = ", which `contains` says is an action" if type(self).enumerate is ActionSet.enumerate else ""
        rng = np.random.default_rng(0)
        for least in (0.0, -1.0) * 10:
            weights = rng.uniform(least, 1.0, n_items).round(3)
            try:
                found = list(self.maximise(weights))
            except BanditlabError:
                raise
            except Exception as error:
                told = f"raised {type(error).__name__}: {error}"
                raise InvalidComponent(
                    f"{type(self).__name__}.find({weights.tolist()}) {told}; allowed: the items of an action, whatever "
                    "the weights: they can be of any sign"
                ) from error
            best = max(every, key=lambda action: float(weights[action].sum()), default=found)
            if weights[best].sum() > weights[found].sum() + 1e-9:
                raise InvalidComponent(
                    f"{type(self).__name__}.find({weights.tolist()}) returned the items {found}, with a sum of "
                    f"{weights[found].sum():.4g}; allowed: an action with the largest, {weights[best].sum():.4g}, such "
                    f"as {best}{listed}"
                )


def _whole(items: Any) -> Action | None:
    """Return items in ascending order; None for anything but a list of whole numbers."""
    try:
        found = tuple(sorted(int(item) for item in items))
        return found if list(found) == sorted(items) else None  # there are int("1") and int(1.5), too
    except (TypeError, ValueError, OverflowError):
        return None


def _more_sets(most: int, n_items: int, sizes: range) -> bool:
    """Say whether there are more sets of items of these sizes; the sum of all can have thousands of digits."""
    return any(so_far > most for so_far in itertools.accumulate(math.comb(n_items, size) for size in sizes))


def an_action_set(name: str, value: object) -> Any:
    """Check for an action set."""
    if not (isinstance(value, ActionSet) and is_component(value)):
        raise InvalidType(f"{name} is {shown(value)}; allowed: an action set, such as semibandits.MSets(3)")
    return value


def by_kernel(actions: Any, weights: NDArray[np.float64]) -> list[int]:
    """Return the action that a set's kernel `best` chooses: for sets that have no other oracle."""
    n = len(weights)
    parameters = actions.params(Problem(n, None))
    work = record("Work", actions.scratch(Space(n, 1, None)))
    chosen = np.zeros((n, 1), np.int64)
    size = kernel(_best_of_lane, parameters)(parameters, work, np.ascontiguousarray(weights[:, None]), chosen)
    return [int(item) for item in chosen[:size, 0]]


def _best_of_lane(actions: Params, work: State, weights: Any, chosen: Any) -> int:
    """Call a set's kernel for the only lane there is."""
    return best(actions, work, weights, 0, chosen)


def in_range(action: Any, n_items: int | None = None) -> bool:
    """Say whether an action is a non-empty tuple of different items in ascending order."""
    if not isinstance(action, tuple | list | np.ndarray) or np.shape(action) == ():
        return False
    known = all(isinstance(i, int | np.integer) and (n_items is None or i < n_items) for i in action)
    return len(action) > 0 and known and action[0] >= 0 and all(a < b for a, b in itertools.pairwise(action))


def items_of(action: Any, n_items: int) -> Action:
    """Return the items of an action, given in any order, as a tuple in ascending order; raise if it is no action."""
    allowed = f"a sequence of different items, integers from 0 to {n_items - 1}"
    given = as_list("action", action, allowed)
    items = tuple(sorted(integer(0, n_items - 1)(f"action[{k}]", item) for k, item in enumerate(given)))
    if not in_range(items):
        raise invalid("action", action, f"{allowed}, at least one")
    return items


def laid_out(actions: Iterable[Action]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the items of actions one after another, and where each begins; last, where the last ends."""
    found = list(actions)
    return np.array(list(itertools.chain.from_iterable(found)), np.int64), np.cumsum([0, *map(len, found)])


@device
def write_action(items: Any, starts: Any, row: int, lane: int, chosen: Any) -> int:
    """Write action `row` of those that `laid_out` returned into `chosen`, and return its size."""
    first, size = starts[row], starts[row + 1] - starts[row]
    for k in range(size):
        chosen[k, lane] = items[first + k]
    return size


# ------------------------------------------------------------------------------------- sets of m items


def top_scratch(space: Space, m: int) -> dict[str, Any]:
    """Return the arrays for `_choose_largest`."""
    integers = {"ties": space.per_lane(0, np.int64), "belongs": space.per_lane(0, np.int64)}
    return {"top": space.array(m), "carry": space.per_lane()} | integers


@device
def _thresholds(work: State, weights: Any, m: int) -> None:
    """Write the m largest weights of every lane into the rows of `top`, in descending order.

    `ties` receives how many of them equal the last. Values only, no items: then every loop over lanes is a maximum and
    a minimum, which vectorise.
    """
    top, carry, ties = work.top, work.carry, work.ties
    for j in range(m):
        for w in range(carry.shape[0]):
            top[j, w] = -math.inf
    for i in range(weights.shape[0]):
        for w in range(carry.shape[0]):
            carry[w] = weights[i, w]
        for j in range(min(i + 1, m)):
            for w in range(carry.shape[0]):
                x, y = carry[w], top[j, w]
                top[j, w] = x if x > y else y
                carry[w] = y if x > y else x
    for w in range(carry.shape[0]):
        ties[w] = 0
    for j in range(m):
        for w in range(carry.shape[0]):
            ties[w] += 1 if top[j, w] == top[m - 1, w] else 0


@device
def _choose_largest(work: State, weights: Any, m: int, least: float, chosen: Any, size: Any) -> None:
    """Choose every lane's m largest weights, the first of equals, and of these the ones above `least`.

    Items are written in ascending order.
    """
    _thresholds(work, weights, m)
    for w in range(size.shape[0]):
        size[w] = 0
    for i in range(weights.shape[0]):
        for w in range(size.shape[0]):  # apart from the loop that writes, which does not vectorise
            x, y, due = weights[i, w], work.top[m - 1, w], work.ties[w]
            tie = (x == y) & (due > 0)
            work.ties[w] = due - 1 if tie else due
            work.belongs[w] = 1 if (x > least) & ((x > y) | tie) else 0
        for w in range(size.shape[0]):
            if work.belongs[w] > 0:
                k = not_negative(size[w])
                chosen[k, w] = i
                size[w] = k + 1


@device
def choose_largest_positive(work: State, weights: Any, m: int, chosen: Any, size: Any) -> None:
    """Choose at most the m largest positive weights of every lane, the first of equals; the largest if none is."""
    _choose_largest(work, weights, m, 0.0, chosen, size)
    for w in range(size.shape[0]):
        if size[w] == 0:
            size[w] = 1
            i = 0
            while weights[i, w] < work.top[0, w]:
                i += 1
            chosen[0, w] = i


@action_set
class MSets(ActionSet):
    """All sets of exactly m items.

    Parameters
    ----------
    m : int
        The number of items to play, at least 1.

    Notes
    -----
    The best action consists of the m items of largest weight, with ties going to the first item; they are found without
    sorting in :math:`O(L m)`.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.MSets(2).maximise([0.1, 0.9, 0.5, 0.9])
    (1, 3)
    >>> list(semibandits.MSets(2).enumerate(3))
    [(0, 1), (0, 2), (1, 2)]
    """

    m: int = field(check=positive_integer, doc="number of items to play")

    def contains(self, action: Action) -> bool:
        """Say whether an action has m items."""
        return in_range(action) and len(action) == self.m

    def max_size(self, n_items: int) -> int:
        """Return m."""
        return self.m

    def min_size(self, n_items: int) -> int:
        """Return m."""
        return self.m

    def check(self, n_items: int) -> None:
        """Raise if there are fewer than m items."""
        enough_items(self, n_items)

    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Return the m items of largest weight, the first of equals."""
        return np.argsort(-weights, kind="stable")[: self.m]

    def scratch(self, space: Space) -> dict[str, Any]:
        """Return the arrays that `best_lanes` works on."""
        return top_scratch(space, self.m)

    def best_lanes(self: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
        """Choose the m largest weights."""
        _choose_largest(work, weights, self.m, -math.inf, chosen, size)


@action_set
class UpToM(ActionSet):
    """All sets of one to m items.

    Parameters
    ----------
    m : int
        The largest number of items to play, at least 1.

    Notes
    -----
    The best action consists of the items of positive weight, at most the m largest, with ties going to the first item;
    if no weight is positive, it is the single item of largest weight.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.UpToM(3).maximise([0.1, -0.9, 0.5])
    (0, 2)
    >>> semibandits.UpToM(3).maximise([-0.1, -0.9, 0.0])
    (2,)
    """

    m: int = field(check=positive_integer, doc="largest number of items to play")

    def contains(self, action: Action) -> bool:
        """Say whether an action has one to m items."""
        return in_range(action) and len(action) <= self.m

    def max_size(self, n_items: int) -> int:
        """Return m."""
        return self.m

    def check(self, n_items: int) -> None:
        """Raise if there are fewer than m items."""
        enough_items(self, n_items)

    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Return the items of positive weight, at most m; the best one if there is none."""
        largest = np.argsort(-weights, kind="stable")[: self.m]
        positive = largest[weights[largest] > 0.0]
        return positive if len(positive) else largest[:1]

    def scratch(self, space: Space) -> dict[str, Any]:
        """Return the arrays that `best_lanes` works on."""
        return top_scratch(space, self.m)

    def best_lanes(self: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
        """Choose as `MSets`, leaving out what is not positive; where nothing is, the first of the largest."""
        choose_largest_positive(work, weights, self.m, chosen, size)


def enough_items(actions: Any, n_items: int) -> None:
    """Raise if an action set's m is larger than the number of items."""
    integer(1)("number of items", n_items)
    if actions.m > n_items:
        raise invalid(f"{type(actions).__name__}.m", actions.m, f"at most the number of items, which is {n_items}")
