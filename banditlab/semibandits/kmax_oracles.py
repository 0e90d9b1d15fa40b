"""Oracles for k-MAX bandits: which set has the largest expected maximum, given values and probabilities.

They choose for one lane of a kernel. In the state that they are given, variable j of item i takes the value `values[i,
j]` with probability `upper[i, j]`; `order`, `program`, `slot_values` and `slot_upper` are scratch.
"""

from __future__ import annotations

import math
from typing import Any

from banditlab.core.components import State
from banditlab.core.dispatch import device, device_call

from .action_sets import write_action


@device
def _ascending(chosen: Any, size: int, lane: int) -> None:
    """Sort the items chosen."""
    for k in range(1, size):
        i = chosen[k, lane]
        j = k
        while j > 0 and chosen[j - 1, lane] > i:
            chosen[j, lane] = chosen[j - 1, lane]
            j -= 1
        chosen[j, lane] = i


@device_call
def by_program(state: State, most: int, lane: int, chosen: Any) -> int:
    """Choose the best `most` items with one value each, exactly.

    With items in descending order of their values, what the others add where the first one gives nothing is what they
    are worth by themselves: W(i, k) = max(W(i + 1, k), v_i p_i + (1 - p_i) W(i + 1, k - 1)). Where both are equal, i is
    taken.
    """
    n = state.values.shape[0]
    order, table = state.order, state.program
    for i in range(n):
        k = i
        while k > 0 and state.values[order[k - 1, lane], 0, lane] < state.values[i, 0, lane]:
            order[k, lane] = order[k - 1, lane]
            k -= 1
        order[k, lane] = i
    for k in range(most + 1):
        table[n, k, lane] = 0.0 if k == 0 else -math.inf  # exactly `most` items are to be chosen
    for i in range(n - 1, -1, -1):
        v = state.values[order[i, lane], 0, lane]
        p = state.upper[order[i, lane], 0, lane]
        table[i, 0, lane] = 0.0
        for k in range(1, most + 1):
            rest = table[i + 1, k - 1, lane]
            taken = v * p + (1.0 - p) * rest if rest > -math.inf else -math.inf
            table[i, k, lane] = max(taken, table[i + 1, k, lane])
    size = 0
    for i in range(n):
        k = most - size
        if k > 0:
            v = state.values[order[i, lane], 0, lane]
            p = state.upper[order[i, lane], 0, lane]
            rest = table[i + 1, k - 1, lane]
            if rest > -math.inf and v * p + (1.0 - p) * rest >= table[i + 1, k, lane]:
                chosen[size, lane] = order[i, lane]
                size += 1
    _ascending(chosen, size, lane)
    return size


@device
def _with_slots(state: State, filled: int, item: int, lane: int) -> int:
    """Add the variables of an item to those listed, in descending order of values, later ones after equals."""
    for j in range(state.values.shape[1]):
        v = state.values[item, j, lane]
        k = filled
        while k > 0 and state.slot_values[k - 1, lane] < v:
            state.slot_values[k, lane] = state.slot_values[k - 1, lane]
            state.slot_upper[k, lane] = state.slot_upper[k - 1, lane]
            k -= 1
        state.slot_values[k, lane] = v
        state.slot_upper[k, lane] = state.upper[item, j, lane]
        filled += 1
    return filled


@device
def _worth(state: State, filled: int, lane: int) -> float:
    """Return the expected maximum of the variables listed."""
    worth = 0.0
    for k in range(filled - 1, -1, -1):
        p = state.slot_upper[k, lane]
        worth = state.slot_values[k, lane] * p + (1.0 - p) * worth
    return worth


@device_call
def by_enumeration(state: State, items: Any, starts: Any, lane: int, chosen: Any) -> int:
    """Choose the best of all actions, the first of equals."""
    best = 0
    largest = -math.inf
    for a in range(starts.shape[0] - 1):
        filled = 0
        for p in range(starts[a], starts[a + 1]):
            filled = _with_slots(state, filled, items[p], lane)
        worth = _worth(state, filled, lane)
        if worth > largest:
            largest = worth
            best = a
    return write_action(items, starts, best, lane, chosen)


@device_call
def greedily(state: State, most: int, lane: int, chosen: Any) -> int:
    """Add the item that helps most, the first of equals, until there are enough."""
    for size in range(most):
        best = -1
        largest = -math.inf
        for i in range(state.values.shape[0]):
            present = False
            filled = 0
            for k in range(size):
                present = present or chosen[k, lane] == i
                filled = _with_slots(state, filled, chosen[k, lane], lane)
            if not present:
                filled = _with_slots(state, filled, i, lane)
                worth = _worth(state, filled, lane)
                if worth > largest:
                    largest = worth
                    best = i
        chosen[size, lane] = best
    _ascending(chosen, most, lane)
    return most
