"""The protocol kernel of contextual duels: who moves when, and what is counted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.choices import checked_arm
from banditlab.core.components import Params, State
from banditlab.core.dispatch import borrowed, device
from banditlab.core.machines import next_checkpoint
from banditlab.core.sampling import key, open_uniform

from .generics import estimate, select, show, update, utility, win_probability

REGRET, WEAK_REGRET, VARIANCE, ERROR = 0, 1, 2, 3
ROWS = 4
"""Rows of the output; the first three are sums over rounds."""


@device
def first_wins(environment: Params, features: Any, i: int, j: int, lane: int, u: float) -> bool:
    """Say whether arm i beats arm j, as a function of one uniform number: the same arm wins in either order."""
    if i <= j:
        return u < win_probability(environment, features, i, j, lane)
    return u >= win_probability(environment, features, j, i, lane)


def play(
    environment: Params,
    policy: Params,
    state: State,
    features: Any,
    environment_rng: Any,
    policy_rng: Any,
    first_round: int,
    last_round: int,
    every_round: bool,
    tally: Any,
    checkpoints: Any,
    out: Any,
) -> None:
    """Play rounds `first_round` to `last_round` on every lane, adding to `tally` and writing to `out` at checkpoints.

    The environment draws two uniform numbers per round, whatever is compared: one makes the arms' features, where they
    are drawn in each round (`every_round`) or once a run (round 1), the other decides the duel.
    """
    environment, policy, state = borrowed(environment), borrowed(policy), borrowed(state)
    features, tally, out = borrowed(features), borrowed(tally), borrowed(out)
    environment_rng, policy_rng = borrowed(environment_rng), borrowed(policy_rng)
    n_arms, dimension, lanes = features.shape
    theta = np.zeros((dimension, lanes))
    c = next_checkpoint(checkpoints, first_round)
    for t in range(first_round, last_round + 1):
        for w in range(lanes):
            for_features = open_uniform(environment_rng, w)
            u = open_uniform(environment_rng, w)
            if every_round or t == 1:
                show(environment, features, w, key(for_features))
            first, second = select(policy, state, features, w, t, policy_rng)
            i = checked_arm(first, n_arms)
            j = checked_arm(second, n_arms)
            update(policy, state, features, i, j, w, first_wins(environment, features, i, j, w, u), t)
            best = -math.inf
            for a in range(n_arms):
                best = max(best, utility(environment, features, a, w))
            one = utility(environment, features, i, w)
            two = utility(environment, features, j, w)
            p = win_probability(environment, features, i, j, w)
            tally[REGRET, w] += best - 0.5 * (one + two)
            tally[WEAK_REGRET, w] += best - max(one, two)
            tally[VARIANCE, w] += p * (1.0 - p)
        if c < checkpoints.shape[0] and t == checkpoints[c]:
            for w in range(lanes):
                estimate(policy, state, w, theta)
                distance = 0.0
                for k in range(dimension):
                    distance += (theta[k, w] - environment.theta[k]) * (theta[k, w] - environment.theta[k])
                tally[ERROR, w] = math.sqrt(distance)
                for m in range(ROWS):
                    out[c, m, w] = tally[m, w]
            c += 1


def choose_arms(policy: Params, state: State, features: Any, t: int, rng: Any, chosen: Any) -> None:
    """Write the arms that lane 0 compares in round t into `chosen`: what an agent's `select` calls."""
    policy, state, features, rng = borrowed(policy), borrowed(state), borrowed(features), borrowed(rng)
    first, second = select(policy, state, features, 0, t, rng)
    chosen[0] = checked_arm(first, features.shape[0])
    chosen[1] = checked_arm(second, features.shape[0])


def learn(policy: Params, state: State, features: Any, first: int, second: int, won: bool, t: int) -> None:
    """Give the policy the outcome of lane 0: what an agent's `update` calls."""
    policy, state, features = borrowed(policy), borrowed(state), borrowed(features)
    update(policy, state, features, first, second, 0, won, t)


def write_estimate(policy: Params, state: State, theta: Any) -> None:
    """Write lane 0's estimate: what an agent's `estimate` calls."""
    policy, state, theta = borrowed(policy), borrowed(state), borrowed(theta)
    estimate(policy, state, 0, theta)
