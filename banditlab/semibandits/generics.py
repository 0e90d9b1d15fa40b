"""The kernels that combinatorial semi-bandits consist of.

Three kinds of components play together. An *environment* draws outcomes of items and says what an action is worth. An
*action set* finds the best of its actions for given weights of the items. A *policy* gives weights (`index`, that of
`arms.generics`, one item at a time) or chooses by itself (`select`), and learns from what is revealed.

Conventions, besides those of `arms.generics`: items are numbered as the arms of `arms` are, and kernels that policies
share with `arms` call them `arm`. An action is column `lane` of the int64 array `chosen`, shape (largest size, lanes):
its items in ascending order, in the first `size` rows. `weights` and `costs` have one row per item and one column per
lane. `work` is the record of arrays that the action set's optional method `scratch(space)` made.
"""

from __future__ import annotations

import math
from typing import Any

from banditlab.arms.generics import fill, update
from banditlab.core.choices import NO_ITEM_INDEX, NO_ITEMS_FOUND, are_items, checked_items, not_negative
from banditlab.core.components import Params, State
from banditlab.core.dispatch import (
    chosen_by_type,
    device,
    generic,
    implementation,
    implements,
    in_phases,
    optional_generic,
)
from banditlab.core.origin import is_ours
from banditlab.core.validation import LARGEST

# ----------------------------------------------------------------------------------------- action sets


@generic
def best(self: Params, work: State, weights: Any, lane: int, chosen: Any) -> int:
    """Write the action with the largest sum of weights into `chosen`, and return its size.

    The sum is added in ascending order of the items; of equal actions the lexicographically smallest counts.
    """
    raise AssertionError


@generic
def best_lanes(self: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
    """Write every lane's best action into `chosen` and `size`: instead of `best`, where that is faster."""
    raise AssertionError


@generic
def best_within(self: Params, work: State, weights: Any, costs: Any, lane: int, chosen: Any) -> int:
    """As `best`, among the actions whose costs sum to less than the set's budget; 0 if there is none."""
    raise AssertionError


@generic
def best_within_lanes(self: Params, work: State, weights: Any, costs: Any, wanted: Any, chosen: Any, size: Any) -> None:
    """As `best_within`, for every lane w in which wanted[w] is true."""
    raise AssertionError


@device
def _lane_by_lane(actions: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
    for w in range(size.shape[0]):
        size[w] = best(actions, work, weights, w, chosen)


@device
def _all_lanes(actions: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
    best_lanes(actions, work, weights, chosen, size)


@device
def _check_found(weights: Any, chosen: Any, size: Any) -> None:
    for w in range(size.shape[0]):
        if not are_items(chosen, size[w], w, weights.shape[0]):
            raise IndexError(NO_ITEMS_FOUND)


@device
def _lane_by_lane_checked(actions: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
    _lane_by_lane(actions, work, weights, chosen, size)
    _check_found(weights, chosen, size)


@device
def _all_lanes_checked(actions: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
    _all_lanes(actions, work, weights, chosen, size)
    _check_found(weights, chosen, size)


def _way_of_finding(actions: Any) -> Any:
    """Return how the best actions are found; what a user's kernel finds is checked."""
    together = in_phases(best_lanes, actions, best)
    found = implementation(best_lanes if together else best, actions)
    if found is None or is_ours(found.__module__):
        return _all_lanes if together else _lane_by_lane
    return _all_lanes_checked if together else _lane_by_lane_checked


@chosen_by_type(_way_of_finding)
def maximise(actions: Params, work: State, weights: Any, chosen: Any, size: Any) -> None:
    """Write the best action of every lane into `chosen` and `size`."""
    raise AssertionError


# ---------------------------------------------------------------------------------------- environments


@generic
def draw(self: Params, chosen: Any, size: int, lane: int, u: float, t: int, drawn: Any) -> float:
    """Write the outcomes of an action's items into `drawn`, row by row as in `chosen`, and return the action's reward.

    Everything is a function of one uniform number in (0, 1), and an item's outcome does not depend on the action that
    holds it (it is made from number `item` of those expanded from u), so that policies can be compared on the same
    luck.
    """
    raise AssertionError


@generic
def draw_lanes(self: Params, chosen: Any, size: Any, u: Any, t: int, drawn: Any, value: Any) -> None:
    """Draw for every lane at once, and write rewards into `value`: optional, beside `draw`, where that is faster."""
    raise AssertionError


@device
def _draw_one_by_one(environment: Params, chosen: Any, size: Any, u: Any, t: int, drawn: Any, value: Any) -> None:
    for w in range(size.shape[0]):
        value[w] = draw(environment, chosen, size[w], w, u[w], t, drawn)


@device
def _draw_lanes(environment: Params, chosen: Any, size: Any, u: Any, t: int, drawn: Any, value: Any) -> None:
    draw_lanes(environment, chosen, size, u, t, drawn, value)


@chosen_by_type(lambda world: _draw_lanes if in_phases(draw_lanes, world, draw) else _draw_one_by_one)
def draw_all(environment: Params, chosen: Any, size: Any, u: Any, t: int, drawn: Any, value: Any) -> None:
    """Draw the outcomes and rewards of all lanes."""
    raise AssertionError


@generic
def mean(self: Params, chosen: Any, size: int, lane: int) -> float:
    """Return the expected reward of an action."""
    raise AssertionError


@optional_generic
def unsafe(self: Params, chosen: Any, size: int, lane: int) -> bool:
    """Say whether an action violates the environment's constraint: optional; without it, no action does."""
    return False


# -------------------------------------------------------------------------------------------- policies


@generic
def select(self: Params, state: State, actions: Params, work: State, lane: int, t: int, rng: Any, chosen: Any) -> int:
    """Write the action to play into `chosen`, items ascending, and return its size."""
    raise AssertionError


@generic
def select_lanes(
    self: Params, state: State, actions: Params, work: State, t: int, rng: Any, chosen: Any, size: Any
) -> None:
    """Write the actions of all lanes into `chosen` and `size`: instead of `select`, where that is faster."""
    raise AssertionError


@generic
def update_winner(
    self: Params, state: State, chosen: Any, size: int, lane: int, value: float, winner: int, t: int
) -> None:
    """Learn from value-index feedback: the action's reward and the item that gave it (-1 if the reward is 0)."""
    raise AssertionError


@generic
def update_value(self: Params, state: State, chosen: Any, size: int, lane: int, value: float, t: int) -> None:
    """Learn from full-bandit feedback: the action's reward alone."""
    raise AssertionError


@device
def weigh(policy: Params, state: State, t: int, rng: Any, weights: Any) -> None:
    """Write the policy's index of every item, in every lane, into `weights`.

    Infinite indices become finite ones that outweigh all others together, because infinite sums could neither be told
    apart nor subtracted.
    """
    others = 0
    for a in range(weights.shape[0]):
        fill(policy, state, not_negative(a), t, rng, weights[a])
        for w in range(weights.shape[1]):
            others += 0 if -LARGEST <= weights[a, w] <= LARGEST else 1
    if others > 0:
        for w in range(weights.shape[1]):
            _make_finite(weights, w)


@device
def _make_finite(weights: Any, lane: int) -> None:
    enough = 1.0
    for a in range(weights.shape[0]):
        x = abs(weights[a, lane])
        if math.isnan(x):
            raise IndexError(NO_ITEM_INDEX)
        if x < math.inf:
            enough = max(enough, x)
    enough = min(LARGEST, 4.0 * weights.shape[0] * enough)
    for a in range(weights.shape[0]):
        weights[a, lane] = min(enough, max(-enough, weights[a, lane]))


@device
def _choose_by_weights(
    policy: Params, state: State, actions: Params, work: State, t: int, rng: Any, weights: Any, chosen: Any, size: Any
) -> None:
    weigh(policy, state, t, rng, weights)
    maximise(actions, work, weights, chosen, size)


@device
def _choose_by_select(
    policy: Params, state: State, actions: Params, work: State, t: int, rng: Any, weights: Any, chosen: Any, size: Any
) -> None:
    for w in range(size.shape[0]):
        size[w] = checked_items(chosen, select(policy, state, actions, work, w, t, rng, chosen), w, weights.shape[0])


@device
def _choose_lanes(
    policy: Params, state: State, actions: Params, work: State, t: int, rng: Any, weights: Any, chosen: Any, size: Any
) -> None:
    select_lanes(policy, state, actions, work, t, rng, chosen, size)
    for w in range(size.shape[0]):
        checked_items(chosen, size[w], w, weights.shape[0])


def _way_of_choosing(policy: Any) -> Any:
    if in_phases(select_lanes, policy, select):
        return _choose_lanes
    return _choose_by_select if implements(select, policy) else _choose_by_weights


@chosen_by_type(_way_of_choosing)
def choose(
    policy: Params, state: State, actions: Params, work: State, t: int, rng: Any, weights: Any, chosen: Any, size: Any
) -> None:
    """Write the action that each lane plays in round t into `chosen` and `size`; `weights` is scratch."""
    raise AssertionError


@device
def _learn_items(
    policy: Params, state: State, chosen: Any, size: int, lane: int, drawn: Any, value: float, t: int
) -> None:
    for k in range(size):
        update(policy, state, not_negative(chosen[k, lane]), lane, drawn[k, lane], t)


@device
def _learn_winner(
    policy: Params, state: State, chosen: Any, size: int, lane: int, drawn: Any, value: float, t: int
) -> None:
    winner = -1
    largest = 0.0
    for k in range(size):
        if drawn[k, lane] > largest:
            largest = drawn[k, lane]
            winner = chosen[k, lane]
    update_winner(policy, state, chosen, size, lane, value, winner, t)


@device
def _learn_value(
    policy: Params, state: State, chosen: Any, size: int, lane: int, drawn: Any, value: float, t: int
) -> None:
    update_value(policy, state, chosen, size, lane, value, t)


def _way_of_learning(policy: Any) -> Any:
    if implements(update, policy):
        return _learn_items
    return _learn_winner if implements(update_winner, policy) else _learn_value


@chosen_by_type(_way_of_learning)
def learn(policy: Params, state: State, chosen: Any, size: int, lane: int, drawn: Any, value: float, t: int) -> None:
    """Give the policy what it learns from: outcomes of items, reward and winner, or the reward alone."""
    raise AssertionError
