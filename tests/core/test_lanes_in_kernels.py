"""Indices into a state that lack the lane, or have it in the wrong place: refused when the class is made."""

from __future__ import annotations

import importlib
import linecache
import re

import pytest

import banditlab as bl
from banditlab import arms, cvar
from banditlab.core.compiling.mistakes import written_for_all_runs
from banditlab.core.dispatch import device
from banditlab.errors import InvalidComponent

from .policies import Adds, Sums

ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])


def for_all_runs(state, arm, lane, reward):
    state.sums[arm] = state.sums[arm] + reward


class Assigns(Sums):
    def update(self, state, arm, lane, reward, t):
        state.n[0] = t


class InARow(Sums):
    def update(self, state, arm, lane, reward, t):
        if reward > 0.5:
            state.sums[arm][0] += reward


class InATuple(Sums):
    def update(self, state, arm, lane, reward, t):
        state.n[arm, lane], (state.sums[arm], _) = t, (reward, t)


class Helped(Sums):
    def update(self, state, arm, lane, reward, t):
        for_all_runs(state, arm, lane, reward)


class InAPair(Sums):
    def update(self, state, arm, lane, reward, t):
        state.last[lane], state.n[0] = arm, t


class InALoop(Sums):
    def update(self, state, arm, lane, reward, t):
        for state.n[:] in range(3):
            pass


class ByAName(Sums):
    def update(self, state, arm, lane, reward, t):
        sums = state.sums
        sums[arm] += reward


class Nested(Sums):
    def update(self, state, arm, lane, reward, t):
        base = state.base
        base.sums[arm] += reward


@device
def bump(state, arm, lane):
    state.n[0] += 1.0


class HelpedByADevice(Sums):
    def update(self, state, arm, lane, reward, t):
        bump(state, arm, lane)


@pytest.mark.parametrize(
    ("cls", "told"),
    [
        (Adds, "state.sums[arm]"),
        (Assigns, "state.n[0]"),
        (InARow, "state.sums[arm][0]"),
        (InATuple, "state.sums[arm]"),
        (Helped, "state.sums[arm]"),
        (InAPair, "state.n[0]"),
        (InALoop, "state.n[:]"),
        (ByAName, "sums[arm]"),
        (Nested, "base.sums[arm]"),
        (HelpedByADevice, "state.n[0]"),
    ],
)
def test_writing_into_all_runs_is_refused(cls, told):
    with pytest.raises(InvalidComponent, match=re.escape(f"{cls.__name__}.update writes {told}, which all runs share")):
        arms.policy(cls)


class ByAnotherName(Sums):
    def update(self, state, arm, lane, reward, t):
        w = lane
        state.sums[arm, w] += reward
        sums = state.sums[arm]
        sums[lane] += 0.0
        state.sums[:, lane] *= 1.0
        for k in range(state.sums.shape[0]):
            state.sums[k][lane] += 0.0


class ByAnArgumentsName(Sums):
    def update(self, state, arm, lane, reward, t):
        played = arm
        arm, t = lane, (played, lane)
        state.n[arm] += 1.0
        state.sums[t] += reward
        sums = state.sums[:, arm]
        sums = sums[played : played + 1]
        sums[0] += 0.0


class WithinAFunction(Sums):
    def update(self, state, arm, lane, reward, t):
        def add(state, k):
            state[k] += reward

        add(state.sums[arm], lane)


class ByASlice(Sums):
    def update(self, state, arm, lane, reward, t):
        state.sums[:, lane][arm] += reward
        state.n[lane : lane + 1] = t
        state.last[(lane)], state.n[lane] = arm, state.sums[arm].shape[0] * 0.0


@pytest.mark.parametrize("cls", [ByAnotherName, ByAnArgumentsName, WithinAFunction, ByASlice])
def test_a_lane_by_another_name_is_a_lane(cls):
    policy = arms.policy(cls)()
    options = {"horizon": 10, "seed": 0, "backend": "python", "metrics": "reward"}
    alone = bl.run(ENVIRONMENT, policy, n_runs=1, **options).values()
    assert (bl.run(ENVIRONMENT, policy, n_runs=3, **options).values()[:, :1] == alone).all()


def test_a_class_whose_file_was_edited_since_is_not_judged_by_other_lines(tmp_path, monkeypatch):
    file = tmp_path / "edited_since.py"
    file.write_text("class Right:\n    def update(self, state, arm, lane, reward, t):\n        pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    update = importlib.import_module("edited_since").Right.update
    for text in ("\n    def other(self, state, arm):\n        state.n[0] = 1\n", '\n    """\n    (\n', ""):
        file.write_text(text)
        linecache.checkcache(str(file))
        assert written_for_all_runs(update) == ""


class Transposed(Sums):
    def update(self, state, arm, lane, reward, t):
        state.sums[lane, arm] += reward


class TransposedWhenRead(Sums):
    def update(self, state, arm, lane, reward, t):
        sums = state.sums
        state.n[lane] += sums[lane][arm]


class TransposedInAHelper(Sums):
    def update(self, state, arm, lane, reward, t):
        transposed(state, arm, lane)


@device
def transposed(state, arm, lane):
    state.sums[lane, arm] += 1.0


@pytest.mark.parametrize(
    ("cls", "told"),
    [
        (
            Transposed,
            r"Transposed.update has state.sums\[lane, arm\]; allowed: state.sums\[arm, lane\], as the lane is the last",
        ),
        (TransposedWhenRead, r"update has sums\[lane\]\[arm\]; allowed: sums\[arm, lane\]"),
        (TransposedInAHelper, r"update has state.sums\[lane, arm\]; allowed: state.sums\[arm, lane\]"),
    ],
)
def test_a_lane_in_the_wrong_place_is_refused(cls, told):
    with pytest.raises(InvalidComponent, match=told):
        arms.policy(cls)
    cvar.policy(cls)  # whose arrays may have the lane first


class Learner:
    def state(self, space):
        return {"n": space.array(5, 4)}

    def plan(self, state, known, lane, t, rng):
        return t == 1

    def act(self, state, known, lane, h, s, memory):
        return 0


class LaneLast(Learner):
    def observe(self, state, known, lane, h, s, a, j, s_next, t):
        state.n[h, s, lane] += 1.0


class NoLane(Learner):
    def observe(self, state, known, lane, h, s, a, j, s_next, t):
        state.n[h, s] += 1.0


class LaneFirst(Learner):
    def observe(self, state, known, lane, h, s, a, j, s_next, t):
        state.n[lane, h, s] += 1.0


def test_learners_of_mdps_have_the_lane_first():
    told = r"LaneLast.observe has state.n\[h, s, lane\]; allowed: state.n\[lane, h, s\], as the lane is the first axis"
    with pytest.raises(InvalidComponent, match=told):
        cvar.mdp_policy(LaneLast)
    with pytest.raises(
        InvalidComponent, match=r"NoLane.observe writes state.n\[h, s\], .* as in state.sums\[lane, arm\]"
    ):
        cvar.mdp_policy(NoLane)
    cvar.mdp_policy(LaneFirst)
