"""The action set that is a list of actions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, State, field
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import as_list, integer, invalid

from .action_sets import Action, ActionSet, in_range, laid_out, write_action
from .family import action_set


def _list_of_actions(name: str, value: Any) -> list[Action]:
    """Check for a list of different actions."""
    allowed = "a list of different items (integers from 0)"
    found: dict[Action, int] = {}
    for k, action in enumerate(as_list(name, value, f"a list of actions, each {allowed}")):
        at = f"{name}[{k}]"
        items = [integer(0)(f"{at}[{j}]", item) for j, item in enumerate(as_list(at, action, allowed))]
        if not items or len(set(items)) < len(items):
            raise invalid(at, action, "a list of different items, at least one")
        made = tuple(sorted(items))
        if found.setdefault(made, k) < k:
            raise invalid(at, action, f"actions that differ; it is the same as {name}[{found[made]}]")
    if not found:
        raise invalid(name, value, "at least one action")
    return list(found)


@action_set
class Explicit(ActionSet):
    """The actions of a list.

    Parameters
    ----------
    actions : list of lists of int
        The actions, each a list of different items; the order of items does not count.

    Notes
    -----
    The oracle looks at all of them; of equal ones, it chooses the first in the list.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> halves = semibandits.Explicit([[0, 1], [2, 3]])
    >>> halves.maximise([0.4, 0.4, 0.9, 0.1])
    (2, 3)
    """

    actions: Sequence[Action] = field(check=_list_of_actions, doc="the actions, each a list of different items")

    def contains(self, action: Action) -> bool:
        """Say whether an action is in the list."""
        return in_range(action) and tuple(action) in self.actions

    def max_size(self, n_items: int) -> int:
        """Return the size of the largest action."""
        return max(map(len, self.actions))

    def check(self, n_items: int) -> None:
        """Raise if an action has an item that does not exist."""
        integer(1)("number of items", n_items)
        for action in self.actions:
            if action[-1] >= n_items:
                raise InvalidArgument(f"Explicit.actions holds {list(action)}; allowed: items from 0 to {n_items - 1}")

    def enumerate(self, n_items: int) -> Iterator[Action]:
        """Yield the actions in the order of the list."""
        self.check(n_items)
        return iter(self.actions)

    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Return the first action with the largest sum."""
        return max(self.actions, key=lambda action: sum(weights[item] for item in action))

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the actions one after another, and where each begins."""
        items, starts = laid_out(self.actions)
        return {"items": items, "starts": starts}

    def best(self: Params, work: State, weights: Any, lane: int, chosen: Any) -> int:
        """Compare the sums of all actions."""
        largest = -math.inf
        row = 0
        for a in range(self.starts.shape[0] - 1):
            total = 0.0
            for p in range(self.starts[a], self.starts[a + 1]):
                total += weights[self.items[p], lane]
            if total > largest:
                largest = total
                row = a
        return write_action(self.items, self.starts, row, lane, chosen)
