"""Indices past the end of an array, in a user's own code: they are found before it is compiled."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar, dueling, semibandits
from banditlab.core.compiling import rehearsal
from banditlab.core.errors import CellFailedWarning, InvalidComponent
from banditlab.core.sampling import uniform

WORLD = arms.Bernoulli([0.2, 0.5, 0.8])
OPTIONS = {"horizon": 50, "n_runs": 4, "seed": 0, "progress": False}


def greedy(past=0, bonus=1.0):
    """Return a policy that reads `past` entries too far."""

    @arms.policy
    class Greedy:
        def state(self, space):
            return {"counts": space.per_arm(), "means": space.per_arm()}

        def index(self, state, arm, lane, t, rng):
            return state.means[arm + past, lane] + bonus

        def update(self, state, arm, lane, reward, t):
            state.counts[arm, lane] += 1.0
            state.means[arm, lane] += (reward - state.means[arm, lane]) / state.counts[arm, lane]

    return Greedy()


def test_of_a_policy():
    with pytest.raises(InvalidComponent) as raised:
        bl.run(WORLD, greedy(past=1), **OPTIONS)
    told = str(raised.value)
    assert told.startswith("Greedy() on Bernoulli([0.2, 0.5, 0.8]) looks past the end of an array: ")
    place = (
        r"test_rehearsal\.py, line \d+: return state\.means\[arm \+ past, lane\] \+ bonus \(index 3 is out of bounds"
    )
    assert re.search(place, told)
    assert told.endswith("allowed: indices below its size")


def test_of_a_choice():
    """Compiled code could not say which it was."""
    wrong = 3 + time.time_ns() % 10**6  # so that no cache on disk has it

    @arms.policy
    class Next:
        def select(self, state, lane, t, rng):
            return wrong if t == 3 else 0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=rf"Next\(\) chose an arm that does not exist \({wrong}\); allowed"):
        bl.run(WORLD, Next(), **OPTIONS)


def test_of_an_environment():
    @arms.environment
    class Shifted(arms.Stationary):
        means: object = bl.field(doc="one mean per arm")

        def reward(self, arm, u, t):
            return self.means[arm + 1]

    with pytest.raises(InvalidComponent, match=r"^Shifted\(.* looks past the end .*self\.means\[arm \+ 1\]"):
        bl.run(Shifted([0.1, 0.2]), arms.UCB1(), **OPTIONS)


def test_of_duels():
    @dueling.policy
    class Next:
        def state(self, space):
            return {"wins": space.per_arm()}

        def select(self, state, lane, t, rng):
            return 0, 1

        def update(self, state, first, second, lane, won, t):
            state.wins[second + 1, lane] += 1.0

    world = dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]])
    with pytest.raises(InvalidComponent, match="looks past the end of an array"):
        bl.run(world, Next(), **OPTIONS)


def test_other_cells_of_a_sweep_go_on():
    with pytest.warns(CellFailedWarning, match=r"1 of 2 .* first \(greedy, past=2\) with .*looks past the end"):
        found = bl.sweep(WORLD, greedy, {"past": [0, 2]}, **OPTIONS)
    assert len(found.finished) == 1


def test_numbers_are_the_same_and_it_is_done_once(monkeypatch):
    seen = []
    play = rehearsal.rehearse
    monkeypatch.setattr("banditlab.core.playing.engine.rehearse", lambda job: seen.append(play(job)))
    strides = []
    monkeypatch.setattr(
        rehearsal._Stage,
        "strides",
        lambda self, *of, usual=rehearsal._Stage.strides: strides.append(of) or usual(self, *of),
    )
    policy = greedy(bonus=time.time())  # so that no cache on disk has it
    first, again = (bl.run(WORLD, policy, **OPTIONS) for _ in range(2))
    plain = bl.run(WORLD, policy, backend="python", **OPTIONS)
    np.testing.assert_array_equal(first.values(), plain.values())
    np.testing.assert_array_equal(first.values(), again.values())
    assert len(seen) == 2
    assert len(strides) == 3  # the first rounds, a short game, and the first rounds beside other runs
    bl.run(WORLD, arms.UCB1(), **OPTIONS)
    assert len(strides) == 3


def test_what_only_plain_python_cannot_do_is_no_error():
    @arms.policy
    class Divides:
        def index(self, state, arm, lane, t, rng):
            return 1.0 / (t - 1)  # infinite in compiled code

        def update(self, state, arm, lane, reward, t):
            pass

    assert bl.run(WORLD, Divides(), **OPTIONS).n_runs == 4


def test_a_rehearsal_is_short(monkeypatch):
    rounds = []

    def watched(self, first, last, n_lanes, usual, play=rehearsal._Stage.strides):
        for t, until in play(self, first, last, n_lanes, usual):
            rounds.append((t, until))
            yield t, until

    monkeypatch.setattr(rehearsal._Stage, "strides", watched)
    monkeypatch.setattr(rehearsal, "missing_kernels", lambda job: True)
    bl.run(WORLD, greedy(bonus=0.125), **(OPTIONS | {"horizon": 10_000}))
    assert rounds == [(t, t) for t in range(1, 10)] * 3  # the first, a short game, and the first beside other runs
    rounds.clear()
    monkeypatch.setattr(rehearsal, "SECONDS", 0.0)
    bl.run(WORLD, greedy(bonus=0.375), **OPTIONS)
    assert rounds == [(1, 1)]  # which takes longer than it may, so that no second is played


def with_history(past=0, least=0):
    """Return a policy that keeps one number per round, as far as `past` entries beyond, and some more besides."""

    @arms.policy
    class History:
        def state(self, space):
            return {"rewards": space.array(space.horizon), "besides": space.array(max(0, space.horizon - least))}

        def select(self, state, lane, t, rng):
            return t % 3

        def update(self, state, arm, lane, reward, t):
            state.rewards[t - 1 + past, lane] = reward
            if least > 0:
                state.besides[t // 10, lane] += reward

    return History()


IN_NO_FILE = """
class Mixed:
    def state(self, space):
        return {{"none": space.per_lane(), "sums": space.per_arm()}}

    def index(self, state, arm, lane, t, rng):
        return {index}

    def update(self, state, arm, lane, reward, t):
        {update}
"""


def mixed(index="0.0", update="pass"):
    """Return a policy whose code is in no file, as what one types in at Python's prompt."""
    scope = {"__name__": "__main__", "uniform": uniform}
    exec(IN_NO_FILE.format(index=index, update=update), scope)
    return arms.policy(scope["Mixed"])()


@pytest.mark.parametrize(
    "wrong",
    [
        {"update": "state.sums[0] += 1.0"},
        {"update": "i = arm; state.sums[i, :] += reward"},
        {"update": "state.sums[arm, 0] += reward"},
        {"index": "-state.sums[arm, 0]", "update": "state.sums[arm, lane] += reward"},
        {"index": "uniform(rng, 0)", "update": "state.sums[arm, lane] += 1.0"},
    ],
    ids=str,
)
def test_runs_that_are_mixed_up(wrong):
    told = r"Mixed\(\) on .* plays run 1 differently beside other runs: after 9 rounds, state"
    with pytest.raises(InvalidComponent, match=told):
        bl.run(WORLD, mixed(**wrong), **OPTIONS)


@pytest.mark.parametrize(
    "world",
    [
        WORLD,
        bl.Instances([WORLD] * 4),
        bl.Instances([arms.PiecewiseStationary([WORLD, WORLD], [k]) for k in (2, 3, 4, 5)]),
    ],
    ids=["one", "side by side", "one after the other"],
)
def test_runs_that_are_apart(world, monkeypatch):
    monkeypatch.setattr(rehearsal, "missing_kernels", lambda job: True)  # whatever the disk has
    right = {"index": "state.sums[arm, lane] + uniform(rng, lane)", "update": "state.sums[arm, lane] += reward"}
    assert bl.run(world, mixed(**right), **OPTIONS).n_runs == 4


@arms.policy
class Recent:
    """Keeps numbers in what np.empty leaves, some of which is never written."""

    def state(self, space):
        return {"ring": np.empty((64, space.n_lanes)), "z": space.per_arm(np.nan, dtype=np.complex128)}

    def select(self, state, lane, t, rng):
        return t % 3

    def update(self, state, arm, lane, reward, t):
        state.ring[(t - 1) % 64, lane] = reward


@arms.policy
class Linear:
    """Sums with NumPy over what belongs to a lane, which lies side by side where there is one lane."""

    def state(self, space):
        return {"b": space.array(32)}

    def derive(self, problem):
        return {"x": np.random.default_rng(0).normal(size=(problem.n_arms, 32))}

    def index(self, state, arm, lane, t, rng):
        return np.dot(self.x[arm], state.b[:, lane]) + np.linalg.norm(state.b[:, lane]) + np.var(state.b[:, lane])

    def update(self, state, arm, lane, reward, t):
        for k in range(32):
            state.b[k, lane] += (reward - 0.5) * self.x[arm, k]


@pytest.mark.filterwarnings("ignore::numba.NumbaPerformanceWarning")
@pytest.mark.parametrize("policy", [Recent(), Linear()], ids=["empty", "dot"])
def test_what_is_no_mixture(policy, monkeypatch):
    monkeypatch.setattr(rehearsal, "missing_kernels", lambda job: True)
    assert bl.run(WORLD, policy, **OPTIONS).n_runs == 4


def of_items(row=0, off=0):
    """Return a semi-bandit, and a policy that counts items `row` rows on, `off` lanes beside its own."""

    @semibandits.policy
    class Items:
        def state(self, space):
            return {"sums": space.per_arm()}

        def index(self, state, arm, lane, t, rng):
            return state.sums[arm, lane]

        def update(self, state, arm, lane, reward, t):
            beside = lane - off
            state.sums[arm + row, beside] += reward

    return semibandits.SemiBandit(WORLD, semibandits.MSets(2)), Items()


def of_features(row=0, off=0):
    """Return contextual duels, and a policy that steps along features `row` rows on, `off` lanes beside its own."""

    @dueling.contextual_policy
    class Features:
        def state(self, space):
            return {"theta": space.array(space.dimension)}

        def select(self, state, features, lane, t, rng):
            return 0, 1 if state.theta[0, lane] > 0.0 else 2

        def update(self, state, features, first, second, lane, won, t):
            beside = lane - off
            for k in range(features.shape[1]):
                state.theta[k + row, beside] += features[first, k, lane] if won else -features[first, k, lane]

    return dueling.ContextualGLM([1.0, -0.5], dueling.UniformArms(3, 2)), Features()


def of_states(row=0, off=0):
    """Return an MDP, and a learner that sums rewards `row` states on, `off` lanes beside its own."""

    @cvar.mdp_policy
    class States:
        def state(self, space):
            return {"sums": space.array(space.known.n_states)}

        def plan(self, state, known, lane, t, rng):
            return True

        def act(self, state, known, lane, h, s, memory):
            return 1 if state.sums[lane, s] > 0.5 else 0

        def observe(self, state, known, lane, h, s, a, j, s_next, t):
            beside = lane - off
            state.sums[beside, s + row] += known.atoms[j]

    return cvar.random_mdp(3, 2, 3, seed=0), States()


families = pytest.mark.parametrize(
    ("family", "options"),
    [(of_items, {}), (of_features, {}), (of_states, {"metrics": "return"})],
    ids=["semi-bandits", "contextual duels", "MDPs"],
)


@families
def test_indices_of_other_families(family, options):
    world, policy = family(row=3)
    with pytest.raises(
        InvalidComponent, match=r"looks past the end of an array: .*test_rehearsal\.py, line \d+: state"
    ):
        bl.run(world, policy, **OPTIONS, **options)


@families
def test_runs_that_are_mixed_up_in_other_families(family, options):
    world, policy = family(off=1)
    with pytest.raises(InvalidComponent, match=r"plays run 1 differently beside other runs"):
        bl.run(world, policy, **OPTIONS, **options)
    world, policy = family()
    assert bl.run(world, policy, **OPTIONS, **options).n_runs == 4


def test_one_count_for_all_runs(monkeypatch):
    """Arrays without a lane are scratch to learners of MDPs, so that what is recorded has to show it."""
    monkeypatch.setattr(rehearsal, "missing_kernels", lambda job: True)

    @cvar.mdp_policy
    class Shared:
        def state(self, space):
            return {"episodes": np.zeros(1)}

        def plan(self, state, known, lane, t, rng):
            every_run = 0
            state.episodes[every_run] += 1.0
            return True

        def act(self, state, known, lane, h, s, memory):
            return int(state.episodes[0]) % 2

        def observe(self, state, known, lane, h, s, a, j, s_next, t):
            pass

    world = cvar.TabularMDP([[[1.0], [1.0]]], [[0.0, 1.0]], 2)
    with pytest.raises(InvalidComponent, match=r"beside other runs: after 3 episodes, what is recorded differs"):
        bl.run(world, Shared(), metrics="return", **OPTIONS)


def test_where_an_episode_takes_long_there_is_no_rehearsal():
    small, large = cvar.random_mdp(5, 2, 3, seed=0), cvar.random_mdp(40, 2, 4, seed=0)
    _, own = of_states()
    rounds = type(small).family.protocol.rehearsal
    assert [rounds(world, own) for world in (small, large)] == [3, 0]
    assert rounds(small, cvar.CVaRUCBVI(0.5)) == 0  # which has a memory


@pytest.mark.parametrize("horizon", [3, 8, 50])
@families
def test_instances_that_are_played_in_groups(family, options, horizon, monkeypatch):
    """A run's neighbours in one game can be absent from the other: then there is nothing to compare."""
    monkeypatch.setattr(rehearsal, "missing_kernels", lambda job: True)
    (first, policy), (second, _) = family(), family()
    asked = OPTIONS | {"horizon": horizon} | options
    for worlds in ([first, first, second, second], [first, second, second, second], [first] * 4):
        assert bl.run(bl.Instances(worlds), policy, **asked).n_runs == 4


def test_an_oracle_that_starts_beside_its_last_solution(monkeypatch):
    """What it finds for a run depends on the runs beside it, where there are ties."""
    monkeypatch.setattr(rehearsal, "missing_kernels", lambda job: True)

    @semibandits.action_set
    class Warm(semibandits.ActionSet):
        def max_size(self, n_items):
            return 1

        def contains(self, items):
            return len(items) == 1

        def find(self, weights):
            LAST[0] = int(np.roll(weights, -LAST[0] - 1).argmax() + LAST[0] + 1) % len(weights)
            return [LAST[0]]

    LAST = [0]
    world = semibandits.SemiBandit(arms.Bernoulli([0.5, 0.5, 0.5]), Warm())
    with pytest.raises(InvalidComponent, match=r"beside other runs: .* and actions that `find` makes of the weights"):
        bl.run(world, semibandits.CUCB(), **OPTIONS)


def test_of_the_last_round():
    with pytest.raises(InvalidComponent) as raised:
        bl.run(WORLD, with_history(past=1), **OPTIONS)
    told = str(raised.value)
    assert "looks past the end of an array in its last round, rounds being numbered from 1: " in told
    assert re.search(r"line \d+: state\.rewards\[t - 1 \+ past, lane\] = reward \(index 16 is out of bounds", told)
    assert bl.run(WORLD, with_history(), **OPTIONS).n_runs == 4


def test_policies_that_need_long_games_are_not_refused():
    """In a short one this has no place besides, which says nothing of the one that is played."""
    assert bl.run(WORLD, with_history(least=16), **OPTIONS).n_runs == 4
