"""The protocol kernel of K-armed bandits: who moves when, and what is counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.choices import not_negative
from banditlab.core.components import Params, State
from banditlab.core.dispatch import borrowed
from banditlab.core.machines import next_checkpoint, note, plays_lanes
from banditlab.core.sampling import open_uniform
from banditlab.core.stacked import at

from .generics import choose, gap, reward, update

REGRET, REWARD, OPTIMAL, PULLS = 0, 1, 2, 3  # rows of the tally; pulls take one row per arm


SCRATCH = {"arm": np.int64, "best": np.float64, "work": np.float64, "u": np.float64}


@plays_lanes("state", "tally", "out")
def play(
    environment: Params,
    policy: Params,
    state: State,
    n_arms: int,
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

    `tally` has one row per quantity and one column per lane: the regret alone, or regret, reward, rounds in which an
    optimal arm was played, and pulls of each arm. `out` has one such table per checkpoint.
    """
    environment, policy, state = borrowed(environment), borrowed(policy), borrowed(state)
    environment_rng, policy_rng, scratch = borrowed(environment_rng), borrowed(policy_rng), borrowed(scratch)
    arm, best, work, u = scratch.arm, scratch.best, scratch.work, scratch.u
    lanes = u.shape[0]  # not taken from the tally: a device knows the length of the scratch, one, when it compiles
    everything = tally.shape[0] > 1
    c = next_checkpoint(checkpoints, first)
    for t in range(first, last + 1):
        choose(policy, state, n_arms, t, policy_rng, best, arm, work)
        for w in range(lanes):
            u[w] = open_uniform(environment_rng, w)
        if everything:
            for w in range(lanes):
                a = not_negative(arm[w])
                r = reward(at(environment, w), a, u[w], t)
                update(policy, state, a, w, r, t)
                lost = gap(at(environment, w), a, t)
                tally[REGRET, w] += lost
                tally[REWARD, w] += r
                tally[OPTIMAL, w] += 1.0 if lost <= 0.0 else 0.0
                tally[PULLS + a, w] += 1.0
        else:
            for w in range(lanes):
                a = not_negative(arm[w])
                update(policy, state, a, w, reward(at(environment, w), a, u[w], t), t)
                tally[REGRET, w] += gap(at(environment, w), a, t)
        if c < checkpoints.shape[0] and t == checkpoints[c]:
            note(tally, c, out)
            c += 1


def choose_arm(policy: Params, state: State, n_arms: int, t: int, rng: Any, best: Any, arm: Any, work: Any) -> None:
    """Choose the arm of round t: what an agent's `select` calls."""
    choose(policy, state, n_arms, t, rng, best, arm, work)


def learn(policy: Params, state: State, arm: int, r: float, t: int) -> None:
    """Give the policy the reward of lane 0: what an agent's `update` calls."""
    update(policy, state, arm, 0, r, t)


def pay(environment: Params, arm: int, rng: Any, out: Any) -> None:
    """Write into `out` the rewards of an arm that is played in every round: what an environment's `sample` returns."""
    for t in range(1, out.shape[0] + 1):
        out[t - 1] = reward(environment, arm, open_uniform(rng, 0), t)
