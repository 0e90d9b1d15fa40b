"""Duels whose winners are written down beforehand, by round and by arms; they need not follow any matrix."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core import sampling
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import Problem, Space, make_state
from banditlab.core.dispatch import borrowed
from banditlab.dueling.generics import choose, observe, update, winner

SCRIPTS: dict[str, Callable[[int, int, int], bool]] = {
    "the first arm wins": lambda i, j, t: True,
    "the second arm wins": lambda i, j, t: False,
    "the two take turns": lambda i, j, t: t % 2 == 1,
    "the smaller index wins": lambda i, j, t: i < j,
    "the larger index wins, but each ninth round": lambda i, j, t: (i > j) == (t % 9 != 0),
    "in a cycle": lambda i, j, t: (j - i) % 3 == 1,
    "the order is reversed after round 60": lambda i, j, t: (i < j) == (t <= 60),
    "arm 1 wins, other pairs turn by turn": lambda i, j, t: (t + 1) // 2 % 2 == 0 if 1 not in (i, j) else i == 1,
    "squares": lambda i, j, t: (t * t + 3 * i + 5 * j) % 7 < 4,
}
SEED = 5


def told(n_arms: int, lane: int, t: int) -> tuple[int, int] | None:
    """Return the arms of a duel that another chooses after round t: each seventh, in the last script all rounds."""
    return (t % n_arms, t // n_arms % n_arms) if t % 7 == 0 or lane == len(SCRIPTS) - 1 else None


def drive(
    policy: Any, state: Any, n_arms: int, rng: Any, outcomes: Any, others: Any, first: Any, second: Any, found: Any
) -> None:
    """Play on outcomes[round, first, second, lane]; write down who met, and who was the winner after the round."""
    state, rng = borrowed(state), borrowed(rng)
    for t in range(1, first.shape[0] + 1):
        choose(policy, state, n_arms, t, rng, first[t - 1], second[t - 1])
        for w in range(first.shape[1]):
            i, j = first[t - 1, w], second[t - 1, w]
            update(policy, state, i, j, w, outcomes[t - 1, i, j, w], t)
            k, m = others[0, t - 1, w], others[1, t - 1, w]
            if k >= 0:
                observe(policy, state, k, m, w, outcomes[t - 1, k, m, w], t)
            found[t - 1, w] = winner(policy, state, w)


Trace = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""First arms, second arms and winners after the round: round by lane."""


def played(policy: Any, outcomes: NDArray[np.bool_], others: NDArray[np.int64]) -> Trace:
    """Return what a policy plays on outcomes[round, first, second, lane]; others[:, round, lane] is told to it."""
    horizon, n_arms, _, lanes = outcomes.shape
    params = policy.params(Problem(n_arms, horizon))
    state = make_state(policy, Space(n_arms, lanes, horizon))
    rng = sampling.seeded(SEED, sampling.POLICY_STREAM, 0, lanes)
    first, second, found = (np.zeros((horizon, lanes), np.int64) for _ in range(3))
    kernel(drive, params)(params, state, n_arms, rng, outcomes, others, first, second, found)
    return first, second, found


@functools.cache
def written(n_arms: int, horizon: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return the outcomes of all scripts, one per lane, and the duels that are told after each round."""
    outcomes = np.zeros((horizon, n_arms, n_arms, len(SCRIPTS)), np.bool_)
    others = np.full((2, horizon, len(SCRIPTS)), -1)
    for lane, wins in enumerate(SCRIPTS.values()):
        for t in range(1, horizon + 1):
            outcomes[t - 1, :, :, lane] = [[wins(i, j, t) for j in range(n_arms)] for i in range(n_arms)]
            others[:, t - 1, lane] = told(n_arms, lane, t) or (-1, -1)
    return outcomes, others


def play_scripts(policy: Any, n_arms: int, horizon: int) -> Trace:
    """Return what a policy plays on all scripts."""
    return played(policy, *written(n_arms, horizon))
