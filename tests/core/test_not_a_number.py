"""Rewards and states that are no numbers, met while playing, are told."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, clicks, dueling
from banditlab.errors import NotANumberWarning
from tests.core.policies import Forgets

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


@clicks.policy
class Clicked:
    """Knows no click any more in the end."""

    def state(self, space):
        return {"clicks": space.per_lane()}

    def select(self, state, lane, t, rng):
        return 0

    def update(self, state, arm, lane, clicked, reward, t):
        state.clicks[lane] = math.nan if t == 300 else state.clicks[lane] + clicked


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


def told_of(call: Any) -> list[str]:
    """Return what is told of states that became NaN, and from which file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert {w.filename for w in caught} <= {__file__}
    return [str(w.message) for w in caught if w.category is NotANumberWarning]


def test_processes_tell_the_one_that_called() -> None:
    many = OPTIONS | {"n_runs": 300}
    with joblib.parallel_config("loky", n_jobs=2):
        found = told_of(lambda: bl.run(arms.Bernoulli([0.2, 0.5]), Forgets(300), **many))
    assert len(found) == 1
    assert found[0].startswith("Forgets(300) has NaN in state.sums: ")


def test_a_store_tells_again(tmp_path: Path) -> None:
    world = dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]])
    first, again = (told_of(lambda: bl.run(world, Ratio(), store=tmp_path, **OPTIONS)) for _ in range(2))
    assert first == again != []
    assert told_of(lambda: bl.run(world, Ratio(), store=tmp_path, **OPTIONS | {"horizon": 100})) == []


def test_one_warning_says_how_many_there_are() -> None:
    worlds = [arms.Bernoulli([0.2, 0.5]), arms.Bernoulli([0.3, 0.5])]
    one = told_of(lambda: bl.run(worlds, [Forgets(300), arms.UCB1()], **OPTIONS))
    assert len(one) == 1
    assert one[0].endswith("means nothing (and 1 more of what was played)")
    over = {"horizon": [300, 400]}
    options = {name: value for name, value in OPTIONS.items() if name != "horizon"}
    swept = told_of(lambda: bl.sweep(worlds[0], [Forgets(300), arms.UCB1()], over, **options))
    assert swept == one


def test_instances_that_are_played_one_after_another_tell() -> None:
    worlds = [clicks.StrategicClickBandit([mean, 0.5], strategies=[0.5, 0.5]) for mean in np.linspace(0.1, 0.9, 20)]
    assert len(told_of(lambda: bl.run(bl.Instances(worlds), Clicked(), **OPTIONS))) == 1


def test_what_is_nan_from_the_start_is_not_told() -> None:
    assert bl.run(arms.Bernoulli([0.2, 0.5]), Unset(), **OPTIONS).values().shape[1] == 20
