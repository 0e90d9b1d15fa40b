"""The protocol kernel of dueling bandits: who moves when, and what is counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.choices import not_negative
from banditlab.core.components import Params, State
from banditlab.core.dispatch import borrowed, device
from banditlab.core.machines import next_checkpoint, note, plays_lanes
from banditlab.core.sampling import open_uniform
from banditlab.core.stacked import at

from .generics import choose, update


@device
def first_wins(preferences: Any, i: int, j: int, u: float) -> bool:
    """Say whether arm i beats arm j, as a function of one uniform number.

    The same number makes the same arm win whichever of the two comes first.
    """
    # no branch: the order in which arms meet differs from lane to lane, and cannot be predicted
    return (u < preferences[min(i, j), max(i, j)]) == (i <= j)


SCRATCH = {"first": np.int64, "second": np.int64, "u": np.float64}


@plays_lanes("state", "tally", "out")
def play(
    world: Params,
    policy: Params,
    state: State,
    environment_rng: Any,
    policy_rng: Any,
    first_round: int,
    last_round: int,
    tally: Any,
    checkpoints: Any,
    out: Any,
    scratch: State,
) -> None:
    """Play rounds `first_round` to `last_round` on every lane, adding to `tally` and copying it to `out`.

    `world` has the matrix of `preferences`, and `losses`: `losses[m, i, j]` is what comparing i and j adds to row m of
    `tally`. If `tally` has rows beyond these, they count the duels that each arm took part in (an arm against itself is
    one). `out` has one such table per checkpoint.
    """
    world, policy, state = borrowed(world), borrowed(policy), borrowed(state)
    environment_rng, policy_rng = borrowed(environment_rng), borrowed(policy_rng)
    n_losses, n_arms, _ = at(world, 0).losses.shape
    scratch = borrowed(scratch)
    first, second, u = scratch.first, scratch.second, scratch.u
    lanes = u.shape[0]  # not of the tally: a device knows the length of the scratch, one, when it compiles
    counting = tally.shape[0] > n_losses
    c = next_checkpoint(checkpoints, first_round)
    for t in range(first_round, last_round + 1):
        choose(policy, state, n_arms, t, policy_rng, first, second)
        for w in range(lanes):
            u[w] = open_uniform(environment_rng, w)
        for w in range(lanes):
            i = not_negative(first[w])
            j = not_negative(second[w])
            update(policy, state, i, j, w, first_wins(at(world, w).preferences, i, j, u[w]), t)
        for m in range(n_losses):  # outside: a loop of one or two turns costs more than what it does
            for w in range(lanes):
                tally[m, w] += at(world, w).losses[m, not_negative(first[w]), not_negative(second[w])]
        if counting:
            for w in range(lanes):
                i = not_negative(first[w])
                j = not_negative(second[w])
                tally[n_losses + i, w] += 1.0
                if i != j:
                    tally[n_losses + j, w] += 1.0
        if c < checkpoints.shape[0] and t == checkpoints[c]:
            note(tally, c, out)
            c += 1


def choose_arms(policy: Params, state: State, n_arms: int, t: int, rng: Any, first: Any, second: Any) -> None:
    """Choose the arms of round t: what an agent's `select` calls."""
    choose(policy, state, n_arms, t, rng, first, second)


def learn(policy: Params, state: State, first: int, second: int, won: bool, t: int) -> None:
    """Give the policy the outcome of lane 0: what an agent's `update` calls."""
    update(policy, state, first, second, 0, won, t)
