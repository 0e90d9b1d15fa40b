"""The kernels that dueling bandits consist of.

A policy implements `select` and `update`; `winner` and `observe` if a meta-policy is to build on it; and
`select_lanes` where all lanes at once are faster than one by one. An environment needs no kernel: its matrix of
preferences says it all.

Conventions: `state` is the NamedTuple of arrays that the policy's `state` method made, their last axis the lane; `t` is
the round, from 1; `rng` is the policy's generator (see `core.sampling`).
"""

from __future__ import annotations

from typing import Any

from banditlab.core.choices import checked_arm
from banditlab.core.components import Params, State
from banditlab.core.dispatch import chosen_by_type, device, generic, in_phases, optional_generic


@generic
def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
    """Return the two arms to compare, the same arm twice included."""
    raise AssertionError


@generic
def select_lanes(self: Params, state: State, t: int, rng: Any, first: Any, second: Any) -> None:
    """Write the arms to compare into `first` and `second` for every lane at once.

    Optional, beside `select`, for policies whose loops over lanes are faster in phases; it must give each lane what
    `select` gives, from the same draws.
    """
    raise AssertionError


@generic
def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
    """Learn from a duel: `won` says that the first arm beat the second."""
    raise AssertionError


@generic
def winner(self: Params, state: State, lane: int) -> int:
    """Return the arm that the policy currently takes for the winner: optional, for policies that build on it."""
    raise AssertionError


@optional_generic
def observe(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
    """Learn from a duel that another policy chose: optional, for policies that can learn from any duel."""
    return


@device
def _lane_by_lane(policy: Params, state: State, n_arms: int, t: int, rng: Any, first: Any, second: Any) -> None:
    for w in range(first.shape[0]):
        i, j = select(policy, state, w, t, rng)
        first[w] = checked_arm(i, n_arms)
        second[w] = checked_arm(j, n_arms)


@device
def _all_lanes(policy: Params, state: State, n_arms: int, t: int, rng: Any, first: Any, second: Any) -> None:
    select_lanes(policy, state, t, rng, first, second)
    for w in range(first.shape[0]):
        checked_arm(first[w], n_arms)
        checked_arm(second[w], n_arms)


@chosen_by_type(lambda policy: _all_lanes if in_phases(select_lanes, policy, select) else _lane_by_lane)
def choose(policy: Params, state: State, n_arms: int, t: int, rng: Any, first: Any, second: Any) -> None:
    """Write the arms that each lane compares in round t into `first` and `second`."""
    raise AssertionError
