"""Rewards of each arm in order: a search tree from which the sum of the smallest is read.

A treap (Seidel and Aragon 1996) an arm, the nodes of a run's arms in one pool. A node is a value that was seen, with
how often it was seen, and how many values there are to its left, with their sum: these are all that a walk from the
root needs, and a value that goes to the right of a node changes nothing in it. A node's priority is a hash of its
value. Different numbers have different hashes, so that the way to the place of a new node meets the node of an equal
value if there is one. And the tree has one shape whatever the order in which values came, as deep as if it had been
random, so that rewards that rise or fall for long make no deep tree.

Memory: 32 bytes a different value, at most one a round, in a run: two arrays of 16 bytes a node.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.components import State
from banditlab.core.dispatch import device, device_call
from banditlab.core.sampling import key

from .protocol import SampleSpace

VALUE, SUM_LEFT = 0, 1  # columns of `values`
LEFT, RIGHT, COUNT, COUNT_LEFT = 0, 1, 2, 3  # columns of `links`; node 0 is no node


def empty_trees(space: SampleSpace, n_values: int) -> dict[str, Any]:
    """Return the arrays of one empty tree an arm, in which there is room for some different values a lane."""
    return {
        "values": space.private(n_values + 1, 2),
        "links": space.private(n_values + 1, 4, dtype=np.int32),
        "roots": space.per_arm(dtype=np.int32),
        "used": space.per_lane(dtype=np.int32),
    }


@device_call
def insert(state: State, arm: int, lane: int, value: float) -> None:
    """Add a value to an arm's tree."""
    values, links = state.values[lane], state.links[lane]
    x = value + 0.0  # -0.0 is 0.0, and must hash like it
    priority = key(x)
    parent, side = 0, LEFT
    node = state.roots[arm, lane]
    while node != 0 and key(values[node, VALUE]) > priority:
        smaller = x < values[node, VALUE]
        if smaller:
            links[node, COUNT_LEFT] += 1
            values[node, SUM_LEFT] += x
        parent, side = node, LEFT if smaller else RIGHT
        node = links[node, side]
    if node != 0 and values[node, VALUE] == x:
        links[node, COUNT] += 1
        return
    new = state.used[lane] + 1
    state.used[lane] = new
    values[new, VALUE] = x
    links[new, COUNT] = 1
    if parent == 0:
        state.roots[arm, lane] = new
    else:
        links[parent, side] = new
    _split(values, links, node, new)


@device
def _split(values: Any, links: Any, node: int, new: int) -> None:
    """Hang what was at a new node's place under it: smaller values to its left, larger ones to its right."""
    x = values[new, VALUE]
    count, total = 0, 0.0  # of what has gone to the left
    left_end, left_side = new, LEFT  # where the next node goes that has smaller values ...
    right_end, right_side = new, RIGHT  # ... or larger ones
    while node != 0:
        if values[node, VALUE] < x:
            count += links[node, COUNT_LEFT] + links[node, COUNT]
            total += values[node, SUM_LEFT] + links[node, COUNT] * values[node, VALUE]
            links[left_end, left_side] = node
            left_end, left_side = node, RIGHT
        else:
            links[node, COUNT_LEFT] += count  # what goes from below it is subtracted once that is known
            values[node, SUM_LEFT] += total
            links[right_end, right_side] = node
            right_end, right_side = node, LEFT
        node = links[node, RIGHT if values[node, VALUE] < x else LEFT]
    links[left_end, left_side] = 0
    links[right_end, right_side] = 0
    links[new, COUNT_LEFT] = count
    values[new, SUM_LEFT] = total
    node = links[new, RIGHT]
    while node != 0:
        links[node, COUNT_LEFT] -= count
        values[node, SUM_LEFT] = values[node, SUM_LEFT] - total if links[node, COUNT_LEFT] > 0 else 0.0
        node = links[node, LEFT]


@device_call
def sum_of_smallest(state: State, arm: int, lane: int, many: float) -> float:
    """Return the sum of an arm's smallest values, the last of them in part if their number is no whole one."""
    values, links = state.values[lane], state.links[lane]
    node = state.roots[arm, lane]
    total = 0.0
    while node != 0:
        more = many - links[node, COUNT_LEFT]
        if more < 0.0:
            node = links[node, LEFT]
            continue
        total += values[node, SUM_LEFT]
        if more <= links[node, COUNT]:
            return total + more * values[node, VALUE]
        total += links[node, COUNT] * values[node, VALUE]
        many = more - links[node, COUNT]
        node = links[node, RIGHT]
    return total
