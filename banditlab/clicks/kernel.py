"""The protocol kernel of strategic click-bandits: who moves when, and what is counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.arms.generics import choose, reward
from banditlab.core.choices import not_negative
from banditlab.core.components import Params, State
from banditlab.core.dispatch import borrowed
from banditlab.core.machines import next_checkpoint, plays_lanes
from banditlab.core.sampling import open_uniform

from .generics import screening_round, update, utility

REGRET, COUNTS = 0, 1  # rows of the output: the regret, then selections, clicks and screening rounds, one row per arm


SCRATCH = {"arm": np.int64, "best": np.float64, "work": np.float64, "u": np.float64}


@plays_lanes("state", "strategies", "tally", "out")
def play(
    environment: Params,
    policy: Params,
    state: State,
    strategies: Any,
    environment_rng: Any,
    policy_rng: Any,
    first: int,
    last: int,
    tally: Any,
    checkpoints: Any,
    out: Any,
    scratch: State,
) -> None:
    """Play rounds `first` to `last` on every lane, adding to `tally` and writing metrics to `out` at checkpoints.

    `strategies` has one row per arm, one column per lane: lanes can play different profiles. `tally` counts selections
    and then clicks, one row per arm. `out` has one table per checkpoint, one column per lane.

    The environment draws one uniform number u per round. The arm is clicked if u < s; given that, u/s is uniform on (0,
    1), and its quantile is the post-click reward. So lanes that share their luck but differ slightly in a strategy see
    the same clicks and rewards in almost all rounds.
    """
    environment, policy, state = borrowed(environment), borrowed(policy), borrowed(state)
    environment_rng, policy_rng, scratch = borrowed(environment_rng), borrowed(policy_rng), borrowed(scratch)
    arm, best, work, u = scratch.arm, scratch.best, scratch.work, scratch.u
    n_arms, lanes = strategies.shape[0], u.shape[0]  # one on a device, which compiles with the length of scratch
    c = next_checkpoint(checkpoints, first)
    for t in range(first, last + 1):
        choose(policy, state, n_arms, t, policy_rng, best, arm, work)
        for w in range(lanes):
            u[w] = open_uniform(environment_rng, w)
        for w in range(lanes):
            a = not_negative(arm[w])
            s = strategies[a, w]
            clicked = u[w] < s
            r = reward(environment.rewards, a, u[w] / s, t) if clicked else 0.0
            update(policy, state, a, w, clicked, r, t)
            tally[a, w] += 1.0
            tally[n_arms + a, w] += 1.0 if clicked else 0.0
        if c < checkpoints.shape[0] and t == checkpoints[c]:
            for w in range(lanes):
                lost = 0.0
                for a in range(n_arms):
                    gap = environment.best_utility - utility(
                        environment.utility, strategies[a, w], environment.post_click_means[a]
                    )
                    lost += tally[a, w] * gap
                    out[c, COUNTS + a, w] = tally[a, w]
                    out[c, COUNTS + n_arms + a, w] = tally[n_arms + a, w]
                    out[c, COUNTS + 2 * n_arms + a, w] = screening_round(policy, state, a, w)
                out[c, REGRET, w] = lost
            c += 1


def learn(policy: Params, state: State, arm: int, clicked: bool, r: float, t: int) -> None:
    """Give the policy the click and reward of lane 0: what an agent's `update` calls."""
    update(policy, state, arm, 0, clicked, r, t)
