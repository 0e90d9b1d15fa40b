"""The protocol kernels of combinatorial semi-bandits: who moves when, and what is counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.choices import not_negative
from banditlab.core.components import Params, State
from banditlab.core.dispatch import borrowed, device
from banditlab.core.machines import next_checkpoint, note, plays_lanes
from banditlab.core.sampling import open_uniform

from .generics import choose, draw_all, learn, mean, unsafe, weigh

REGRET, REWARD, VIOLATIONS, PULLS = 0, 1, 2, 3  # rows of the tally; pulls take one row per item


@device
def _feed(
    environment: Params,
    policy: Params,
    state: State,
    chosen: Any,
    size: Any,
    environment_rng: Any,
    t: int,
    tally: Any,
    u: Any,
    drawn: Any,
    value: Any,
) -> None:
    """Play the actions of a round: draw, teach and count; `u`, `drawn` and `value` are scratch."""
    lanes = size.shape[0]
    for w in range(lanes):
        u[w] = open_uniform(environment_rng, w)
    draw_all(environment, chosen, size, u, t, drawn, value)
    for w in range(lanes):
        learn(policy, state, chosen, size[w], w, drawn, value[w], t)
    for w in range(lanes):
        tally[REGRET, w] += environment.best_value - mean(environment, chosen, size[w], w)
    if tally.shape[0] > 1:
        for w in range(lanes):
            tally[REWARD, w] += value[w]
            tally[VIOLATIONS, w] += 1.0 if unsafe(environment, chosen, size[w], w) else 0.0
            for k in range(size[w]):
                tally[PULLS + not_negative(chosen[k, w]), w] += 1.0


SCRATCH = {"size": np.int64, "u": np.float64, "value": np.float64}


@plays_lanes("state", "work", "weights", "chosen", "drawn", "tally", "out")
def play(
    environment: Params,
    policy: Params,
    actions: Params,
    state: State,
    work: State,
    weights: Any,
    chosen: Any,
    drawn: Any,
    environment_rng: Any,
    policy_rng: Any,
    first: int,
    last: int,
    tally: Any,
    checkpoints: Any,
    out: Any,
    scratch: State,
) -> None:
    """Play rounds `first` to `last` on every lane, adding to `tally` and copying it to `out` at checkpoints.

    `tally` has one row per quantity and one column per lane: the regret alone, or regret, reward, rounds in which the
    action violated the constraint, and pulls of each item. `out` has one such table per checkpoint. `weights` (items,
    lanes), `chosen` and `drawn` (largest size, lanes) are scratch.
    """
    environment, policy, actions = borrowed(environment), borrowed(policy), borrowed(actions)
    state, work, weights, chosen = borrowed(state), borrowed(work), borrowed(weights), borrowed(chosen)
    environment_rng, policy_rng, tally = borrowed(environment_rng), borrowed(policy_rng), borrowed(tally)
    drawn, scratch = borrowed(drawn), borrowed(scratch)
    size, u, value = scratch.size, scratch.u, scratch.value
    c = next_checkpoint(checkpoints, first)
    for t in range(first, last + 1):
        choose(policy, state, actions, work, t, policy_rng, weights, chosen, size)
        _feed(environment, policy, state, chosen, size, environment_rng, t, tally, u, drawn, value)
        if c < checkpoints.shape[0] and t == checkpoints[c]:
            note(tally, c, out)
            c += 1


def weights_of_round(policy: Params, state: State, t: int, rng: Any, weights: Any) -> None:
    """Write the policy's weights in round t: what comes before an oracle in Python."""
    weigh(policy, state, t, rng, weights)


def feed_round(
    environment: Params, policy: Params, state: State, chosen: Any, size: Any, environment_rng: Any, t: int, tally: Any
) -> None:
    """Play the actions of one round: what comes after an oracle in Python."""
    lanes = size.shape[0]
    _feed(
        environment, policy, state, chosen, size, environment_rng, t, tally,
        np.zeros(lanes), np.zeros(chosen.shape), np.zeros(lanes),
    )  # fmt: skip


def choose_action(
    policy: Params, state: State, actions: Params, work: State, t: int, rng: Any, weights: Any, chosen: Any, size: Any
) -> None:
    """Choose the action of round t: what an agent's `select` calls."""
    choose(policy, state, actions, work, t, rng, weights, chosen, size)


def learn_round(policy: Params, state: State, chosen: Any, size: int, drawn: Any, value: float, t: int) -> None:
    """Give the policy the feedback of lane 0: what an agent's `update` calls."""
    learn(policy, state, chosen, size, 0, drawn, value, t)
