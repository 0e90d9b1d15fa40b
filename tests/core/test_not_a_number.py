"""Rewards and states that are no numbers, met while playing, are told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, dueling
from banditlab.errors import NotANumberWarning

OPTIONS: dict[str, Any] = {"horizon": 300, "n_runs": 20, "seed": 0, "progress": False}


@arms.environment
class Gaps:
    """Pays what is no number for a few luck numbers, in no place that is tried beforehand."""

    n_arms: int = 2

    def reward(self, arm, u, t):
        return math.nan if 0.611 < u < 0.62 else u

    def gap(self, arm, t):
        return 0.0


@arms.policy
class Unset:
    """Remembers what is not known yet as NaN."""

    def state(self, space):
        return {"last": space.per_arm(math.nan), "sums": space.per_lane()}

    def select(self, state, lane, t, rng):
        return 0 if math.isnan(state.last[1, lane]) and t > 1 else 1

    def update(self, state, arm, lane, reward, t):
        state.last[arm, lane] = reward
        state.sums[lane] += reward


@dueling.policy
class Ratio:
    """Divides nothing by nothing."""

    def state(self, space):
        return {"shares": space.array(space.n_arms), "seen": space.per_lane()}

    def select(self, state, lane, t, rng):
        return 0, 1

    def update(self, state, first, second, lane, won, t):
        state.shares[first, lane] = np.float64(0.0) / state.seen[lane] if t >= 250 else 0.5


@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize("policy", [arms.UCB1(), arms.GaussianThompsonSampling()], ids=repr)
def test_rewards_that_are_no_numbers_are_told(policy: Any, backend: str) -> None:
    with pytest.warns(
        NotANumberWarning, match=r"has NaN in state\.sums: rewards, or what it computes of them, were no"
    ):
        bl.run(Gaps(), policy, backend=backend, **OPTIONS)


def test_a_policy_that_divides_nothing_by_nothing_is_told() -> None:
    with pytest.warns(NotANumberWarning, match=r"Ratio\(\) has NaN in state\.shares"):
        bl.run(dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]]), Ratio(), **OPTIONS)


def test_what_is_nan_from_the_start_is_not_told() -> None:
    assert bl.run(arms.Bernoulli([0.2, 0.5]), Unset(), **OPTIONS).values().shape[1] == 20
