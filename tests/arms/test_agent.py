"""What an agent accepts and refuses."""

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.errors import InvalidArgument, InvalidType, OutOfTurn


def test_state_of_another_agent_is_refused():
    state = bl.start(arms.MOSS(), n_arms=3, horizon=60).state
    for other, name in (
        (bl.start(arms.MOSS(), n_arms=3, horizon=1000), "horizon"),
        (bl.start(arms.MOSS(), n_arms=4, horizon=60), "n_arms"),
        (bl.start(arms.UCB1(), n_arms=3, horizon=60), "policy"),
    ):
        with pytest.raises(InvalidArgument, match=rf"state\['{name}'\]"):
            other.state = state
    with pytest.raises(InvalidType, match="allowed: the state of another agent"):
        other.state = {"round": 3}


@pytest.mark.parametrize("kind", [bool, np.bool_, int], ids=["bool", "numpy", "int"])
def test_whether_something_happened_is_a_reward(kind):
    bought = [True, False, False, True, True, False]
    agents = [bl.start(arms.ThompsonSampling(), n_arms=3, seed=5) for _ in range(2)]
    for b in bought:
        agents[0].update(agents[0].select(), kind(b))
        agents[1].update(agents[1].select(), float(b))
    np.testing.assert_equal(agents[0].state, agents[1].state)


def test_plays_up_to_its_horizon():
    agent = bl.start(arms.SlidingWindowUCB(window=50), n_arms=2, horizon=3)
    for _ in range(3):
        agent.update(agent.select(), 0.5)
    with pytest.raises(OutOfTurn, match="in round 4; allowed: up to the horizon, 3"):
        agent.select()


class Needs:
    def state(self, space):
        return {"seen": space.array(space.horizon)}

    def select(self, state, lane, t, rng):
        return 0

    def update(self, state, arm, lane, reward, t):
        pass


@pytest.mark.parametrize(
    "own",
    [{}, {"state": lambda self, space: {}, "derive": lambda self, problem: {"half": problem.horizon / 2}}],
    ids=["state", "derive"],
)
def test_a_horizon_that_a_users_method_calculates_with_is_said_to_be_missing(own):
    policy = arms.policy(type("Hist", (Needs,), own))()
    with pytest.raises(InvalidType, match=r"^horizon is None; allowed: a positive integer, because Hist\(\) needs"):
        bl.start(policy, n_arms=2)
    bl.start(policy, n_arms=2, horizon=5)
    wrong = arms.policy(type("Wrong", (Needs,), {"state": lambda self, space: {"a": space.per_arm() + "a"}}))()
    with pytest.raises(TypeError, match="ufunc"):
        bl.start(wrong, n_arms=2)


def test_horizon_is_needed_by_those_who_need_it():
    with pytest.raises(InvalidType, match=r"horizon is None; allowed: a positive integer, because MOSS\(\) needs"):
        bl.start(arms.MOSS(), n_arms=3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_arms": 0}, InvalidArgument, "n_arms is 0; allowed: an integer of at least 1"),
        ({"n_arms": 2.5}, InvalidArgument, "n_arms is 2.5"),
        ({"seed": -1}, InvalidArgument, "seed is -1"),
        ({"run": -1}, InvalidArgument, "run is -1"),
        ({"horizon": 0}, InvalidArgument, "horizon is 0"),
        ({"policy": arms.UCB1}, InvalidType, "policy is the class UCB1; allowed: an instance"),
        ({"policy": arms.Bernoulli([0.5])}, InvalidType, "allowed: a policy"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        bl.start(**({"policy": arms.UCB1(), "n_arms": 2} | arguments))
