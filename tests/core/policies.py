"""Policies of a user's own, for tests: plain, around another, with NaN in its state, and one still to be decorated."""

from __future__ import annotations

import math

import numpy as np

import banditlab as bl
from banditlab import arms
from banditlab.arms.generics import index, update
from banditlab.core.components import make_state
from banditlab.core.validation import positive, positive_integer


@arms.policy
class Greedy:
    """The arm with the largest mean plus bonus / pulls."""

    bonus: float = bl.field(default=0.5, check=positive, doc="exploration")

    def state(self, space):
        return {"counts": space.per_arm(), "means": space.per_arm()}

    def index(self, state, arm, lane, t, rng):
        n = state.counts[arm, lane]
        return math.inf if n == 0.0 else state.means[arm, lane] + self.bonus / n

    def update(self, state, arm, lane, reward, t):
        n = state.counts[arm, lane] + 1.0
        state.counts[arm, lane] = n
        state.means[arm, lane] += (reward - state.means[arm, lane]) / n


def any_policy(name, value):
    return value


@arms.policy
class Restart:
    """Forgets everything every `period` rounds."""

    base: object = bl.field(check=any_policy, doc="the policy that plays")
    period: int = bl.field(default=100, check=positive_integer, doc="rounds between restarts")

    def state(self, space):
        return {"base": make_state(self.base, space), "clock": space.per_lane(dtype=int)}

    def index(self, state, arm, lane, t, rng):
        return index(self.base, state.base, arm, lane, t, rng)

    def update(self, state, arm, lane, reward, t):
        update(self.base, state.base, arm, lane, reward, t)
        state.clock[lane] += 1
        if state.clock[lane] == self.period:
            state.clock[lane] = 0
            for a in range(state.base.counts.shape[0]):
                state.base.counts[a, lane] = 0.0
                state.base.means[a, lane] = 0.0


@arms.policy
class Forgets:
    """Its sum of rewards is NaN from a round on."""

    after: int = bl.field(check=positive_integer, doc="the round")

    def state(self, space):
        return {"sums": space.per_lane()}

    def select(self, state, lane, t, rng):
        return 0

    def update(self, state, arm, lane, reward, t):
        state.sums[lane] = math.nan if t == self.after else state.sums[lane] + reward


class Sums:
    """A policy's state and choice, to which tests add what it learns."""

    def state(self, space):
        return {"sums": space.per_arm(), "n": space.per_lane(), "last": space.per_lane(0, np.int64)}

    def select(self, state, lane, t, rng):
        return 0


class Adds(Sums):
    def update(self, state, arm, lane, reward, t):
        state.sums[arm] += reward
