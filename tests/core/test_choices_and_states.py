"""Mistakes in a user's own policy that show when it plays: in what it chooses, and in what its state is made of."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.errors import InvalidComponent

ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])


@arms.policy
class Always:
    arm: int = bl.field(default=0, doc="the arm to play")

    def select(self, state, lane, t, rng):
        return self.arm

    def update(self, state, arm, lane, reward, t):
        pass


@arms.policy
class Deviates:
    def index(self, state, arm, lane, t, rng):
        return 0.0

    def explore(self, state, arm, lane, t, rng):
        return 99

    def update(self, state, arm, lane, reward, t):
        pass


def test_plain_python_is_named_where_compiled_code_cannot_say_which_arm_it_was():
    @arms.policy
    class Late:
        def select(self, state, lane, t, rng):
            return 0 if t < 400 else 7

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=r"from 0\); backend='python' says which one it was$"):
        bl.run(ENVIRONMENT, Late(), horizon=500, n_runs=2, seed=0)
    with pytest.raises(InvalidComponent, match=r"chose an arm that does not exist \(7\); .* from 0\)$"):
        bl.run(ENVIRONMENT, Late(), horizon=500, n_runs=2, seed=0, backend="python")


@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize("policy", [Always(3), Always(-1), Always(10**9), Deviates()], ids=repr)
def test_arm_that_does_not_exist(policy, backend):
    which = r" \((3|-1|10{9}|99)\)" if backend == "python" else ".*"  # compiled code holds no numbers
    told = f"chose an arm that does not exist{which}; allowed: whole numbers from 0 to n_arms - 1"
    with pytest.raises(InvalidComponent, match=told):
        bl.run(ENVIRONMENT, policy, horizon=5, n_runs=200, seed=0, backend=backend)
    with pytest.raises(InvalidComponent, match="chose an arm that does not exist"):
        bl.start(policy, n_arms=3).select()


@arms.policy
class Unguarded:
    """The mean of no rewards is 0/0."""

    def state(self, space):
        return {"counts": space.per_arm(), "sums": space.per_arm()}

    def index(self, state, arm, lane, t, rng):
        return state.sums[arm, lane] / state.counts[arm, lane]

    def update(self, state, arm, lane, reward, t):
        state.counts[arm, lane] += 1.0
        state.sums[arm, lane] += reward


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_index_that_is_no_number(backend):
    """It is never larger than another, so that its arm would never be played, and nothing would say so."""
    with pytest.raises(
        InvalidComponent, match=r"Unguarded\(\) gave an arm the index nan \(0/0, say\); allowed: numbers, also math.inf"
    ):
        bl.run(ENVIRONMENT, Unguarded(), horizon=10, n_runs=3, seed=0, backend=backend, progress=False)
    agent = bl.start(Unguarded(), n_arms=3, seed=0)
    with pytest.raises(InvalidComponent, match="the index nan"):
        agent.select()


@pytest.mark.parametrize("made", [[1.0], {"_n": np.zeros(1)}, {"lambda": np.zeros(1)}, {3: np.zeros(1)}], ids=str)
def test_state_is_a_dict_of_names(made):
    @arms.policy
    class Odd:
        def state(self, space):
            return made

        def select(self, state, lane, t, rng):
            return 0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=r"Odd.state (returned|has the name)"):
        bl.run(ENVIRONMENT, Odd(), horizon=5, n_runs=2, seed=0)


@pytest.mark.parametrize("made", [3.0, [1.0, 2.0], (1.0, 2.0), np.zeros(3), np.zeros(()), None], ids=repr)
def test_arrays_of_a_state_have_the_lane_as_last_axis(made):
    @arms.policy
    class Odd:
        def state(self, space):
            return {"good": space.array(2, 3), "odd": made}

        def select(self, state, lane, t, rng):
            return 0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(
        InvalidComponent, match=r"Odd.state\['odd'\] is .*; allowed: an array whose last axis is the lane, of length"
    ):
        bl.run(ENVIRONMENT, Odd(), horizon=5, n_runs=2, seed=0)


def test_state_of_a_nested_policy_is_made_by_make_state():
    @arms.policy
    class Around:
        base: object = bl.field(doc="another policy")

        def state(self, space):
            return {"base": self.base.state(space)}

        def index(self, state, arm, lane, t, rng):
            return 0.0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(InvalidComponent, match=r"Around.state\['base'\] is a dict; .*make_state\(base, space\)"):
        bl.run(ENVIRONMENT, Around(arms.UCB1()), horizon=5, n_runs=2, seed=0)
