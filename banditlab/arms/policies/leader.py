"""The arm with the largest index, found from few indices, for indices that grow as a concave function of time.

Until its arm is played again, such an index lies below its tangent at any moment. So arms whose tangents do not reach
the largest index need no index of their own, and neither does a leader while it is known to lie above a height that no
other arm's tangent reaches. Each policy has its own way to know that of the leader, whose index changes in every round;
and its own definition of time, a number that grows with the round.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Space, State
from banditlab.core.dispatch import device, device_call

NEVER = -1.0
"""Marks a leader that has to be found anew, in place of the time until which it remains, which is at least 0."""


def leader_arrays(space: Space) -> dict[str, Any]:
    """Return each arm's tangent, intercept + slope * time, and each lane's leader, its height and until when.

    An infinite intercept marks an arm whose index is not known.
    """
    return {
        "intercepts": space.per_arm(math.inf),
        "slopes": space.per_arm(),
        "leader": space.per_lane(dtype=np.int64),
        "until": space.per_lane(NEVER),
        "height": space.per_lane(),
    }


@device
def tangent(state: State, arm: int, lane: int, time: float) -> float:
    """Return an upper bound on an arm's index."""
    return state.intercepts[arm, lane] + state.slopes[arm, lane] * time


@device
def keep_tangent(state: State, arm: int, lane: int, time: float, index: float, slope: float) -> None:
    """Note an arm's index and its slope at a time; the index is what rounding can make of it, or more."""
    state.intercepts[arm, lane] = index - slope * time
    state.slopes[arm, lane] = slope


@device
def played(state: State, arm: int, lane: int) -> None:
    """Forget the tangent of the arm played, and the leader if it was another arm: some policy around this one."""
    state.intercepts[arm, lane] = math.inf
    state.slopes[arm, lane] = 0.0
    if arm != state.leader[lane]:
        state.until[lane] = NEVER


@device_call
def likeliest(state: State, n_arms: int, lane: int, time: float) -> tuple[int, float]:
    """Return the first arm with the highest tangent, and the highest tangent of the others."""
    likely = 0
    highest, rival = -math.inf, -math.inf
    for a in range(n_arms):
        bound = tangent(state, a, lane, time)
        rival = max(rival, min(highest, bound))
        likely = a if bound > highest else likely
        highest = max(highest, bound)
    return likely, rival


@device_call
def highest_of_others(state: State, n_arms: int, lane: int, time: float, arm: int) -> float:
    """Return the highest tangent of the arms but one."""
    rival = -math.inf
    for a in range(n_arms):
        if a != arm:
            rival = max(rival, tangent(state, a, lane, time))
    return rival


@device_call
def lead(state: State, n_arms: int, lane: int, leader: int, index: float, rival: float) -> bool:
    """Note the leader, a height halfway between its index and the others' highest tangent, and when that is reached.

    Return whether there is room for a height. The index may be a guess if the leader is checked afterwards.
    """
    below = max(rival, 0.0)
    height = 0.5 * (below + index)
    state.leader[lane] = leader
    state.until[lane] = NEVER
    if not (below < height and height < index):
        return False
    until = math.inf
    for a in range(n_arms):
        if a != leader and state.slopes[a, lane] > 0.0:
            until = min(until, (height - state.intercepts[a, lane]) / state.slopes[a, lane])
    state.height[lane] = height
    state.until[lane] = until
    return True
