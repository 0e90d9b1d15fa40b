"""Branch and bound for the heaviest set of items within a budget: what `SafeUpToM` and `Knapsack` rest on.

The problem is max w(A) over sets A of at most m items with c(A) < b (or <= b), for costs c >= 0. For any multiplier
l >= 0, a set of k chosen items with k' more to come is worth at most

    w(chosen) + l (b - c(chosen)) + the k' largest positive w_i - l c_i of the items still to be looked at

and with l at the minimum of this bound for the empty set it is tight up to two items or so. With items in descending
order of w_i - l c_i a bound takes constant time. Where many items are alike, dominance settles what the bound leaves
open: a set that holds an item, but not one that is heavier and costs no more, is not the best.

A first search finds the optimal value; a second, in ascending order of the items, the lexicographically smallest set
that reaches it. Both are written for one lane of a kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.components import Space
from banditlab.core.dispatch import device, device_call

HALVINGS = 24
"""Steps of the search for the multiplier; any multiplier gives a valid bound."""

SLACK = 1e-12
"""Sums of weights count as equal up to this much, relative to the largest: they are added in different orders."""


def search_scratch(space: Space) -> dict[str, Any]:
    """Return the arrays that `heaviest_within` works on; lanes take turns, so that there is no lane axis."""
    n = space.n_arms
    return {
        "order": np.zeros(n + 1, np.int64),
        "items": np.zeros(n + 1, np.int64),
        "betters": np.zeros(n + 1, np.int64),  # how many items dominate one
        "taken": np.zeros(n + 1, np.int64),
        "inside": np.zeros(n + 1, np.bool_),
        "reduced": np.zeros(n + 1),
        "prefix": np.zeros(n + 1),
        "values": np.zeros(n + 1),
        "spent": np.zeros(n + 1),
    }


@device_call
def heaviest_within(
    work: Any, weights: Any, lane: int, costs: Any, column: int, budget: float, strict: bool, most: int, chosen: Any
) -> int:
    """Write the heaviest set of at most `most` items within a budget into column `lane` of `chosen`; return its size.

    `chosen` has at least `most` rows. `weights[:, lane]` and `costs[:, column]` are one number per item; costs are at
    least 0. Items of weight 0 or less are left out, unless there is no other: then the set is the single item of
    largest weight. Of equal sets, up to `SLACK`, it is the lexicographically smallest. 0 if not even one item is within
    the budget; sums of costs are compared with the budget as they are when added in ascending order of the items.
    """
    w, c, found = weights[:, lane], costs[:, column], chosen[:, lane]
    n = _affordable(work, w, c, budget, strict)
    if n == 0:
        return _least_bad(w, c, budget, strict, found)
    size = _largest(work, w, n, most, found)
    if _cost_fits(c, budget, strict, found, size):
        return size  # the budget does not bind
    slack = 0.0
    for p in range(n):
        slack += w[work.order[p]]
    slack *= SLACK
    n = _undominated(work, w, c, budget, strict, most, n, slack)
    multiplier = _multiplier(work, w, c, budget, n, most)
    _sort_by_reduced_weight(work, w, c, multiplier, n)
    value = _optimal_value(work, w, c, budget, strict, most, multiplier, n, slack)
    return _first_of_value(work, w, c, budget, strict, most, multiplier, n, value, slack, found)


@device_call
def _fits(cost: float, budget: float, strict: bool) -> bool:
    return cost < budget if strict else cost <= budget


@device_call
def _affordable(work: Any, weights: Any, costs: Any, budget: float, strict: bool) -> int:
    """List the items of positive weight that fit alone, ascending, in `order`; return how many there are."""
    n = 0
    for i in range(weights.shape[0]):
        if weights[i] > 0.0 and _fits(costs[i], budget, strict):
            work.order[n] = i
            n += 1
    return n


@device_call
def _least_bad(weights: Any, costs: Any, budget: float, strict: bool, chosen: Any) -> int:
    """Choose the single item of largest weight that fits, the first of equals."""
    size = 0
    for i in range(weights.shape[0]):
        if _fits(costs[i], budget, strict):
            if size == 0 or weights[i] > weights[chosen[0]]:
                chosen[0] = i
            size = 1
    return size


@device_call
def _largest(work: Any, weights: Any, n: int, most: int, chosen: Any) -> int:
    """Choose the (at most) `most` listed items of largest weight, the first of equals, whatever they cost."""
    size = 0
    taken = work.taken  # by descending weight
    for p in range(n):
        i = work.order[p]
        x = weights[i]
        if size < most or x > weights[taken[size - 1]]:
            k = size if size < most else most - 1
            while k > 0 and x > weights[taken[k - 1]]:
                taken[k] = taken[k - 1]
                k -= 1
            taken[k] = i
            size = size + 1 if size < most else most
    for k in range(size):  # sorted by item, by insertion
        i = taken[k]
        j = k
        while j > 0 and chosen[j - 1] > i:
            chosen[j] = chosen[j - 1]
            j -= 1
        chosen[j] = i
    return size


@device_call
def _cost_fits(costs: Any, budget: float, strict: bool, chosen: Any, size: int) -> bool:
    cost = 0.0
    for k in range(size):
        cost += costs[chosen[k]]
    return _fits(cost, budget, strict)


@device
def _dominates(weights: Any, costs: Any, slack: float, i: int, j: int) -> bool:
    """Say whether every set sought that holds item j holds item i: i is better than j, or equal and comes first."""
    x, y = weights[i], weights[j]
    return costs[i] <= costs[j] and (x > y + slack or (x == y and i < j))


@device_call
def _undominated(
    work: Any, weights: Any, costs: Any, budget: float, strict: bool, most: int, n: int, slack: float
) -> int:
    """Keep the items that can be chosen together with all that dominate them; return how many there are."""
    kept = 0
    for p in range(n):
        j = work.order[p]
        number = 1
        cost = costs[j]
        for q in range(n):
            # those dropped before are still to be seen: `taken` holds the list as it was
            i = work.taken[q] if q < p else work.order[q]
            if _dominates(weights, costs, slack, i, j):
                number += 1
                cost += costs[i]
        work.taken[p] = j
        work.betters[j] = number - 1
        if number <= most and _fits(cost, budget * (1.0 + SLACK), strict):
            work.order[kept] = j
            kept += 1
    return kept


@device_call
def _multiplier(work: Any, weights: Any, costs: Any, budget: float, n: int, most: int) -> float:
    """Return approximately the multiplier at which the bound of the empty set is smallest, by bisection of its slope.

    The slope is the budget less the cost of the `most` items with the largest positive reduced weights. At a multiplier
    l the bound is at least l times the budget, and at 0 at most the sum of the weights: there is no minimum beyond
    their ratio.
    """
    low = 0.0
    high = 0.0
    total = 0.0
    for p in range(n):
        i = work.order[p]
        total += weights[i]
        if costs[i] > 0.0:
            high = max(high, weights[i] / costs[i])
    high = min(high, total / budget)  # a single cost near 0 would make the steps of the bisection too large
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if _cost_of_largest(work, weights, costs, middle, n, most) > budget:
            low = middle
        else:
            high = middle
    return high


@device
def _cost_of_largest(work: Any, weights: Any, costs: Any, multiplier: float, n: int, most: int) -> float:
    """Return the cost of the (at most) `most` listed items with the largest positive reduced weights."""
    top, cost_of = work.reduced, work.prefix  # reduced weights by descending size, and the costs beside them
    size = 0
    for p in range(n):
        i = work.order[p]
        x = weights[i] - multiplier * costs[i]
        if x > 0.0 and (size < most or x > top[size - 1]):
            k = size if size < most else most - 1
            while k > 0 and x > top[k - 1]:
                top[k] = top[k - 1]
                cost_of[k] = cost_of[k - 1]
                k -= 1
            top[k] = x
            cost_of[k] = costs[i]
            size = size + 1 if size < most else most
    cost = 0.0
    for k in range(size):
        cost += cost_of[k]
    return cost


@device_call
def _sort_by_reduced_weight(work: Any, weights: Any, costs: Any, multiplier: float, n: int) -> None:
    """Sort `order` by descending reduced weight, fill `reduced`, and the running sums of their positive parts."""
    for p in range(n):
        i = work.order[p]
        x = weights[i] - multiplier * costs[i]
        k = p
        while k > 0 and work.reduced[k - 1] < x:
            work.reduced[k] = work.reduced[k - 1]
            work.order[k] = work.order[k - 1]
            k -= 1
        work.reduced[k] = x
        work.order[k] = i
    work.prefix[0] = 0.0
    for p in range(n):
        work.prefix[p + 1] = work.prefix[p] + max(work.reduced[p], 0.0)


@device
def _take(work: Any, k: int, p: int, weight: float, cost: float) -> None:
    """Take the item at place p after k others; `cost` is that of all of them."""
    work.taken[k] = p
    work.values[k + 1] = work.values[k] + weight
    work.spent[k + 1] = cost


@device_call
def _optimal_value(
    work: Any, weights: Any, costs: Any, budget: float, strict: bool, most: int, multiplier: float, n: int, slack: float
) -> float:
    """Return the largest sum of weights within the budget, up to the slack: depth first, by reduced weight."""
    room = budget * (1.0 + SLACK)  # costs are added in another order here than where they are compared
    work.values[0] = 0.0
    work.spent[0] = 0.0
    for p in range(n):
        work.inside[p] = False
    best = 0.0
    k = 0
    p = 0
    while True:
        ahead = min(p + most - k, n)
        bound = work.values[k] + multiplier * (room - work.spent[k]) + work.prefix[ahead] - work.prefix[p]
        if p >= n or k >= most or bound <= best + slack:
            if k == 0:
                return best
            k -= 1
            p = work.taken[k]
            work.inside[p] = False
            p += 1
            continue
        i = work.order[p]
        cost = work.spent[k] + costs[i]
        if cost <= room and _betters_inside(work, weights, costs, slack, i, p):
            _take(work, k, p, weights[i], cost)
            work.inside[p] = True
            k += 1
            if work.values[k] > best and _taken_fits(work, costs, budget, strict, k):
                best = work.values[k]
        p += 1


@device
def _betters_inside(work: Any, weights: Any, costs: Any, slack: float, i: int, p: int) -> bool:
    """Say whether all that dominate item i, the p-th, are taken: they come before it."""
    inside = True
    q = 0
    while inside and q < p and work.betters[i] > 0:
        inside = work.inside[q] or not _dominates(weights, costs, slack, work.order[q], i)
        q += 1
    return inside


@device_call
def _taken_fits(work: Any, costs: Any, budget: float, strict: bool, size: int) -> bool:
    """Say whether the items taken are within the budget, their costs added in ascending order of the items."""
    cost = 0.0
    last = -1
    for _ in range(size):
        following = costs.shape[0]
        for k in range(size):
            i = work.order[work.taken[k]]
            if last < i < following:
                following = i
        cost += costs[following]
        last = following
    return _fits(cost, budget, strict)


@device
def _needed(work: Any, weights: Any, costs: Any, slack: float, i: int, k: int) -> bool:
    """Say whether item i dominates one of the first k items taken, and so is in every set sought that holds them."""
    found = False
    for q in range(k):
        found = found or _dominates(weights, costs, slack, i, work.items[work.taken[q]])
    return found


@device
def _bound_by_item(work: Any, k: int, p: int, most: int, multiplier: float, room: float, n: int) -> float:
    """Return the bound on a set of the k items taken and of items from the p-th on, by ascending item."""
    bound = work.values[k] + multiplier * (room - work.spent[k])
    left = most - k
    for q in range(n):
        if left == 0 or work.reduced[q] <= 0.0:
            break
        if work.order[q] >= work.items[p]:
            bound += work.reduced[q]
            left -= 1
    return bound


@device_call
def _first_of_value(
    work: Any, weights: Any, costs: Any, budget: float, strict: bool, most: int, multiplier: float, n: int,
    value: float, slack: float, chosen: Any,
) -> int:  # fmt: skip
    """Choose the lexicographically smallest set that is worth `value`, up to the slack: depth first, by item."""
    room = budget * (1.0 + SLACK)
    for p in range(n):  # ascending items, beside `order`
        i = work.order[p]
        k = p
        while k > 0 and work.items[k - 1] > i:
            work.items[k] = work.items[k - 1]
            k -= 1
        work.items[k] = i
    k = 0
    p = 0
    while True:
        if k > 0 and work.values[k] >= value - slack and _fits(work.spent[k], budget, strict):
            return k
        possible = p < n and k < most
        if possible:
            possible = _bound_by_item(work, k, p, most, multiplier, room, n) >= value - 2.0 * slack
        if not possible:
            # without the item taken last, unless one taken before it must have it beside it
            needed = True
            while needed:
                if k == 0:
                    return 0  # never: the set that the first search found is worth the value
                k -= 1
                p = work.taken[k]
                needed = _needed(work, weights, costs, slack, work.items[p], k)
            p += 1
            continue
        i = work.items[p]
        cost = work.spent[k] + costs[i]
        if cost <= room:
            chosen[k] = i
            _take(work, k, p, weights[i], cost)
            k += 1
        elif _needed(work, weights, costs, slack, i, k):
            p = n  # nothing fits that holds what was taken: back
            continue
        p += 1
