"""The kernels that stochastic and adversarial K-armed bandits consist of.

A policy implements `update` and `index` or `select`; an environment implements `reward` and `gap`. Other families that
play K-armed environments use the same kernels.

Conventions: `state` is the NamedTuple of arrays that the policy's `state` method made, with the lane as their last
axis; `t` is the round, from 1; `rng` is the policy's generator (see `core.sampling`).
"""

from __future__ import annotations

import math
from typing import Any

from banditlab.core.choices import NO_ARM_INDEX, checked_arm, not_negative
from banditlab.core.components import Params, State
from banditlab.core.dispatch import chosen_by_type, device, generic, implements, in_phases


@generic
def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
    """Return an arm's index; the arm with the largest index is played, the first of them in case of ties."""
    raise AssertionError


@generic
def index_lanes(self: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
    """Write an arm's index into `out` for every lane at once.

    Optional, in addition to `index`, for policies whose loop over lanes is faster in phases; it must give each lane
    what `index` gives, from the same draws.
    """
    raise AssertionError


@generic
def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
    """Return the arm to play."""
    raise AssertionError


@generic
def explore(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> int:
    """Return the arm to play, given the one with the largest index: optional, for policies that sometimes deviate."""
    raise AssertionError


@generic
def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
    """Learn from the reward of the arm played."""
    raise AssertionError


@generic
def reward(self: Params, arm: int, u: float, t: int) -> float:
    """Return the reward of an arm in round t, as a function of one uniform number in (0, 1).

    One number per round, whatever the arm, is what makes policies comparable on the same luck. An environment that
    needs more randomness expands `u` with `core.sampling.expanded`.
    """
    raise AssertionError


@generic
def reward_lanes(self: Params, arm: Any, u: Any, t: int, out: Any) -> None:
    """Write into out[w] the reward of arm[w] for u[w], for every lane w at once.

    Optional, in addition to `reward`, for environments whose loop over lanes is faster in phases; it must give each
    lane what `reward` gives.
    """
    raise AssertionError


@generic
def gap(self: Params, arm: int, t: int) -> float:
    """Return the pseudo-regret of playing an arm in round t."""
    raise AssertionError


@device
def _fill_by_index(policy: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
    for w in range(out.shape[0]):
        out[w] = index(policy, state, arm, w, t, rng)


@device
def _fill_by_index_lanes(policy: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
    index_lanes(policy, state, arm, t, rng, out)


@chosen_by_type(lambda policy: _fill_by_index_lanes if in_phases(index_lanes, policy, index) else _fill_by_index)
def fill(policy: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
    """Write an arm's index into `out` for every lane."""
    raise AssertionError


@device
def _rewards_one_by_one(environment: Params, arm: Any, u: Any, t: int, out: Any) -> None:
    for w in range(out.shape[0]):
        out[w] = reward(environment, arm[w], u[w], t)


@device
def _rewards_of_lanes(environment: Params, arm: Any, u: Any, t: int, out: Any) -> None:
    reward_lanes(environment, arm, u, t, out)


@chosen_by_type(lambda world: _rewards_of_lanes if in_phases(reward_lanes, world, reward) else _rewards_one_by_one)
def fill_rewards(environment: Params, arm: Any, u: Any, t: int, out: Any) -> None:
    """Write into out[w] the reward of arm[w] for u[w], for every lane w."""
    raise AssertionError


@device
def _then_explore(policy: Params, state: State, n_arms: int, t: int, rng: Any, arm: Any) -> None:
    for w in range(arm.shape[0]):
        arm[w] = checked_arm(explore(policy, state, arm[w], w, t, rng), n_arms)


@device
def _then_keep(policy: Params, state: State, n_arms: int, t: int, rng: Any, arm: Any) -> None:
    return None


@chosen_by_type(lambda policy: _then_explore if implements(explore, policy) else _then_keep)
def _deviate(policy: Params, state: State, n_arms: int, t: int, rng: Any, arm: Any) -> None:
    """Let the policy deviate from the arm with the largest index."""
    raise AssertionError


@device
def _check_first(indices: Any) -> None:
    """Raise for an index that is NaN in the first round, such as 0/0: it would lose every comparison from then on."""
    for w in range(indices.shape[0]):
        if math.isnan(indices[w]):
            raise IndexError(NO_ARM_INDEX)


@device
def _choose_by_index(
    policy: Params, state: State, n_arms: int, t: int, rng: Any, best: Any, arm: Any, work: Any
) -> None:
    # Arms outside, lanes inside, and the indices (which may draw random numbers) apart from the comparison: each of
    # these loops over lanes vectorises, a single loop for both would not.
    for w in range(arm.shape[0]):
        best[w] = -math.inf
        arm[w] = 0
    for a in range(n_arms):
        fill(policy, state, not_negative(a), t, rng, work)
        if t == 1:
            _check_first(work)
        for w in range(arm.shape[0]):
            # read before the comparison: "best[w] if not better" would be a store under a mask, which is slower
            found, largest, first = work[w], best[w], arm[w]
            better = found > largest
            best[w] = found if better else largest
            arm[w] = a if better else first
    _deviate(policy, state, n_arms, t, rng, arm)


@device
def _choose_by_select(
    policy: Params, state: State, n_arms: int, t: int, rng: Any, best: Any, arm: Any, work: Any
) -> None:
    for w in range(arm.shape[0]):
        arm[w] = checked_arm(select(policy, state, w, t, rng), n_arms)


@chosen_by_type(lambda policy: _choose_by_index if implements(index, policy) else _choose_by_select)
def choose(policy: Params, state: State, n_arms: int, t: int, rng: Any, best: Any, arm: Any, work: Any) -> None:
    """Write the arm that each lane plays in round t into `arm`; `best` and `work` are scratch of the same length."""
    raise AssertionError
