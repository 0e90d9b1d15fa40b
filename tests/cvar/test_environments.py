"""TabularMDP: what it refuses, what follows from it, the instances, and Gymnasium's tables."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import banditlab as bl
from banditlab import cvar
from banditlab.cvar.mdp.model import lattice_unit
from banditlab.errors import BanditlabError, InvalidArgument, InvalidComponent, InvalidType

from .tiny import INSTANCES, laws

P = np.full((2, 3, 2), 0.5)
R = np.zeros((2, 3))


def mdp(transitions=P, rewards=R, horizon=2, initial_state=0, **options):
    return cvar.TabularMDP(transitions, rewards, horizon, initial_state, **options)


def changed(array, where, value):
    array = np.array(array, dtype=float)
    array[where] = value
    return array


BAD = {
    "row": (
        lambda: mdp(changed(P, (1, 2, 0), 0.6)),
        "TabularMDP.transitions[1][2] sums to 1.1; allowed: 1, as a distribution over next states, within 1e-09",
    ),
    "row of a step": (
        lambda: mdp(changed(np.stack([P, P]), (1, 0, 2, 1), 0.4)),
        "TabularMDP.transitions[1][0][2] sums to 0.9; allowed: 1, as a distribution over next states, within 1e-09",
    ),
    "negative": (
        lambda: mdp(changed(P, (0, 0), [-0.5, 1.5])),
        "TabularMDP.transitions[0][0][0] is -0.5; allowed: finite numbers of at least 0",
    ),
    "nan": (
        lambda: mdp(rewards=changed(R, (1, 1), np.nan)),
        "TabularMDP.rewards[1][1] is nan; allowed: finite numbers",
    ),
    "infinite": (
        lambda: mdp(rewards=changed(R, (0, 2), np.inf)),
        "TabularMDP.rewards[0][2] is inf; allowed: finite numbers",
    ),
    "words": (
        lambda: mdp("lake"),
        "TabularMDP.transitions is 'lake'; allowed: probabilities, shape (S, A, S), or (H, S, A, S) with another "
        "matrix at each step",
    ),
    "not square": (
        lambda: mdp(np.full((2, 3, 4), 0.25)),
        "TabularMDP.transitions has shape (2, 3, 4); allowed: probabilities, shape (S, A, S), or (H, S, A, S) with "
        "another matrix at each step",
    ),
    "shape of rewards": (
        lambda: mdp(rewards=np.zeros((3, 2))),
        "TabularMDP.rewards has shape (3, 2); allowed: (2, 3) or (2, 3, 2)",
    ),
    "rewards by step alone": (
        lambda: mdp(rewards=np.zeros((2, 2, 3))),
        "TabularMDP.rewards has shape (2, 2, 3); allowed: (2, 3) or (2, 3, 2)",
    ),
    "table": (
        lambda: mdp(horizon=10**12),
        "TabularMDP.horizon is 1000000000000; allowed: at most 250000000, as plans are by step and state",
    ),
    "finest grid": (
        lambda: cvar.TabularMDP(P, np.ones((2, 3)), 2).rounded(5e-324),
        "eta is 5e-324; allowed: a grid on which rewards are at most 9.0072e+15 steps",
    ),
    "steps": (
        lambda: mdp(np.stack([P] * 3)),
        "TabularMDP.transitions has 3 steps; allowed: the horizon, 2",
    ),
    "initial state": (lambda: mdp(initial_state=2), "TabularMDP.initial_state is 2; allowed: 0 to 1"),
    "no such state": (
        lambda: mdp(initial_state=-1),
        "TabularMDP.initial_state is -1; allowed: an integer of at least 0",
    ),
    "horizon": (lambda: mdp(horizon=0), "TabularMDP.horizon is 0; allowed: an integer of at least 1"),
    "probabilities without values": (
        lambda: mdp(reward_probabilities=np.ones((2, 3, 1))),
        "TabularMDP.rewards has shape (2, 3); allowed: (M,), as there are reward_probabilities",
    ),
    "odds": (
        lambda: mdp(rewards=[0.0, 1.0], reward_probabilities=np.full((2, 3, 2), 0.4)),
        "TabularMDP.reward_probabilities[0][0] sums to 0.8; allowed: 1, as a distribution over the rewards, "
        "within 1e-09",
    ),
    "shape of odds": (
        lambda: mdp(rewards=[0.0, 1.0], reward_probabilities=np.full((2, 2, 2), 0.5)),
        "TabularMDP.reward_probabilities has shape (2, 2, 2); allowed: (2, 3, 2) or (2, 2, 3, 2)",
    ),
    "values alone": (
        lambda: mdp(rewards=[0.0, 1.0]),
        "TabularMDP.rewards has shape (2,); allowed: (2, 3) or (2, 3, 2)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_nonsense_is_refused(name):
    make, message = BAD[name]
    with pytest.raises(BanditlabError) as told:
        make()
    assert str(told.value) == message


def test_rounded_rows_are_refused_with_a_way_out():
    rounded = np.random.default_rng(0).dirichlet(np.ones(2), (2, 3)).astype(np.float32) * np.float32(1.000001)
    message = r"as a distribution over .*, within 1e-09, as in P / P\.sum\(-1, keepdims=True\) for a rounded array P of"
    with pytest.raises(InvalidArgument, match=message):
        mdp(rounded)
    with pytest.raises(InvalidArgument, match=message):
        mdp(rewards=[0.0, 1.0], reward_probabilities=rounded)
    exact = rounded.astype(np.float64)
    exact = exact / exact.sum(-1, keepdims=True)
    assert mdp(exact, rewards=[0.0, 1.0], reward_probabilities=exact).n_states == 2


def test_rewards_by_next_state_need_no_steps_where_transitions_have_them():
    rng = np.random.default_rng(0)
    for steps, n, k in ((4, 3, 2), (3, 3, 2), (2, 3, 3)):
        transitions, rewards = rng.dirichlet(np.ones(n), (steps, n, k)), rng.random((n, k, n)).round(1)
        short = cvar.TabularMDP(transitions, rewards, steps)
        long = cvar.TabularMDP(transitions, np.stack([rewards] * steps), steps)
        assert cvar.plan_static_cvar(short, tau=0.3).value == cvar.plan_static_cvar(long, tau=0.3).value
    transitions, rewards = rng.dirichlet(np.ones(2), (2, 2, 2)), rng.random((2, 2, 2))
    steps_first = cvar.TabularMDP(transitions, rewards, 2)
    assert steps_first.deterministic_rewards
    np.testing.assert_array_equal(steps_first.model.atoms[steps_first.model.index[:, :, :, 0, 0]], rewards)


def test_masked_entries_are_no_rewards():
    with pytest.raises(BanditlabError, match=r"TabularMDP\.rewards is masked_array.*; allowed: no masked entries"):
        mdp(rewards=np.ma.masked_less([[1, 2, 3], [4, 5, 6]], 2))


@pytest.mark.parametrize("name", INSTANCES)
def test_range_of_returns(name):
    instance = INSTANCES[name]
    every = laws(instance)
    low, high = instance.return_range
    assert low == pytest.approx(min(min(law) for law in every), abs=1e-9)
    assert high == pytest.approx(max(max(law) for law in every), abs=1e-9)


@pytest.mark.parametrize("name", INSTANCES)
def test_normalised_keeps_ranks_and_has_returns_up_to_one(name):
    instance = INSTANCES[name]
    unit = instance.normalised()
    assert unit.rewards.min() >= 0.0
    assert unit.return_range[1] == pytest.approx(1.0)
    paid = instance.model.atoms[instance.model.occurring().any(axis=0)]
    shift, scale = instance.horizon * paid.min(), (instance.return_range[1] - instance.horizon * paid.min())
    for tau in (0.2, 0.7):
        value = cvar.plan_static_cvar(instance, tau).value
        assert cvar.plan_static_cvar(unit, tau).value == pytest.approx((value - shift) / scale, abs=1e-9)


@pytest.mark.parametrize("name", INSTANCES)
def test_object(name):
    instance = INSTANCES[name]
    for twin in (pickle.loads(pickle.dumps(instance)), copy.deepcopy(instance)):
        assert twin == instance
        assert repr(twin) == repr(instance)
        assert cvar.plan_mean(twin).value == cvar.plan_mean(instance).value
    with pytest.raises(ValueError, match="read-only"):
        instance.transitions[...] = 0.0


def test_what_kind_it_is():
    assert INSTANCES["rewards 0"].stationary
    assert not INSTANCES["by step"].stationary
    assert INSTANCES["by step"].deterministic_rewards
    assert not INSTANCES["on the next state"].deterministic_rewards
    assert not INSTANCES["random rewards"].deterministic_rewards


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([0.0], 1.0),
        ([0.1, 0.25, 0.4], 0.05),
        ([-3.0, 6.0], 3.0),
        ([1 / 3, 0.5], 1 / 6),
        ([0.1, np.pi], None),
        ([0.1, 1e9], 0.1),
        ([0.1234567, 1e9], None),
        ([1e-5, 1e9], None),
        ([1e-13, 3e-13], None),
    ],
    ids=str,
)
def test_lattice_unit(values, unit):
    found = lattice_unit(np.array(values))
    assert found == (None if unit is None else pytest.approx(unit))


def test_environment_must_be_an_mdp():
    with pytest.raises(InvalidComponent, match=r"Lake is not a cvar.TabularMDP; allowed: class Lake"):

        @cvar.mdp_environment
        class Lake:
            pass


# ---------------------------------------------------------------------------------------------------- instances


def test_random_mdp():
    for outcomes in (1, 3):
        instance = cvar.random_mdp(5, 3, 4, seed=2, n_outcomes=outcomes)
        assert 0.0 <= instance.return_range[0] <= instance.return_range[1] <= 1.0
        assert instance == cvar.random_mdp(5, 3, 4, seed=2, n_outcomes=outcomes)
        assert instance != cvar.random_mdp(5, 3, 4, seed=3, n_outcomes=outcomes)


def test_lower_bound_chain():
    chain = cvar.lower_bound_chain(n=3, n_actions=3, tau=0.2, gap=0.1, best=1, horizon=6)
    x1, x2, x3 = 3, 4, 5
    assert chain.transitions[0, 0, [1, x1, x2, x3]] == pytest.approx([0.2, 0.4, 0.2, 0.2])
    assert chain.transitions[1, 2, [2, x1]] == pytest.approx([0.2, 0.8])
    assert chain.transitions[2, 1, [x2, x3]] == pytest.approx([0.9, 0.1])
    assert chain.transitions[2, 0, [x2, x3]] == pytest.approx([0.8, 0.2])
    assert chain.rewards[:, 0].tolist() == [0.0, 0.0, 0.0, 1.0, 0.8, 0.2]
    assert cvar.plan_iterated_cvar(chain, 0.2).policy.action(2, 2) == 1


def test_layered_mdp():
    layered = cvar.layered_mdp(4, 3, risk=0.1)
    assert layered.n_states == 10
    for s in range(7):
        layer = (s + 2) // 3
        assert layered.transitions[s][:, 1 + 3 * layer : 4 + 3 * layer].sum(axis=1) == pytest.approx(np.ones(3))
    cautious, mean = cvar.plan_iterated_cvar(layered, 0.1), cvar.plan_mean(layered)
    assert cautious.value == pytest.approx(cvar.iterated_cvar(layered, cautious.policy, 0.1))
    assert cvar.iterated_cvar(layered, mean.policy, 0.1) < cautious.value
    assert mean.value > cautious.returns.mean


def test_cliff_gridworld():
    cliff = cvar.cliff_gridworld()
    mean, cautious = cvar.plan_mean(cliff), cvar.plan_static_cvar(cliff, 0.1)
    lost = -(cliff.horizon + 20.0)
    assert mean.returns.values[0] == lost
    fallen = [plan.returns.probabilities[plan.returns.values == lost].sum() for plan in (mean, cautious)]
    assert fallen[0] > 2 * fallen[1]
    assert mean.returns.mean > cautious.returns.mean
    assert cautious.returns.cvar(0.1) > mean.returns.cvar(0.1)
    still = cvar.plan_mean(cvar.cliff_gridworld(gust=0.0))
    assert still.value == -9.0  # up, seven to the right, down


def test_linear_mixture():
    instance, features = cvar.linear_mixture(4, 3, 5, 2, seed=0)
    rows = features.reshape(-1, 2)
    theta = np.linalg.lstsq(rows, instance.transitions.ravel())[0]
    assert rows @ theta == pytest.approx(instance.transitions.ravel())
    assert theta.sum() == pytest.approx(1.0)


HUGE = {
    "random": (lambda: cvar.random_mdp(10**5, 2, 2), r"n_states, .* make arrays of 100000 x 2 x 100000 numbers"),
    "rewards": (lambda: cvar.random_mdp(2, 2, 2, reward_levels=10**9), r"numbers; allowed: at most 500,000,000"),
    "chain": (lambda: cvar.lower_bound_chain(10**5), r"n and n_actions make arrays of"),
    "layered": (lambda: cvar.layered_mdp(10**5), r"horizon and n_actions make arrays of"),
    "cliff": (lambda: cvar.cliff_gridworld(1000, 1000), r"rows and columns make arrays of 1000000 x 4 x 1000000"),
    "mixture": (lambda: cvar.linear_mixture(10, 10, 2, 10**7), r"make arrays of 10 x 10 x 10 x 10000000 numbers"),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_no_machine_holds_is_refused(name):
    make, message = HUGE[name]
    with pytest.raises(BanditlabError, match=message):
        make()


# ---------------------------------------------------------------------------------------------------- Gymnasium

GAMES = {
    "FrozenLake": ("FrozenLake-v1", {}, None),
    "large lake": ("FrozenLake-v1", {"map_name": "8x8"}, None),
    "CliffWalking": ("CliffWalking-v1", {}, None),
    "Taxi": ("Taxi-v4", {}, 314),
}


@pytest.mark.parametrize("name", GAMES)
def test_from_gymnasium_is_the_environments_own_table(name):
    gymnasium = pytest.importorskip("gymnasium")
    game, options, start = GAMES[name]
    env = gymnasium.make(game, **options)
    instance = cvar.TabularMDP.from_gymnasium(env, horizon=30, initial_state=start)
    table = env.unwrapped.P
    final = {x for s in table for a in table[s] for p, x, _, done in table[s][a] if done and p > 0.0}
    assert 0 < len(final) < instance.n_states
    rewards = instance.rewards
    for s in table:
        for a in table[s]:
            wanted = np.zeros(instance.n_states)
            if s in final:
                wanted[s] = 1.0
                assert np.ravel(rewards[s, a] if rewards.ndim == 2 else rewards[s, a, s]) == 0.0
            else:
                for p, x, r, _ in table[s][a]:
                    wanted[x] += p
                    assert (rewards[s, a] if rewards.ndim == 2 else rewards[s, a, x]) == r
            assert np.abs(instance.transitions[s, a] - wanted).max() < 1e-12
    if start is None:
        assert instance.initial_state == int(np.argmax(env.unwrapped.initial_state_distrib))
    else:
        with pytest.raises(BanditlabError, match=r"initial_state is None, and env starts in any of 300 states"):
            cvar.TabularMDP.from_gymnasium(env, horizon=30)


@pytest.mark.parametrize(
    ("game", "horizon", "published"),
    [
        ("FrozenLake-v1", 10_000, 14 / 17),  # 0.8235, the chance of the frisbee if nobody waits for the end
        ("FrozenLake-v1", 100, 0.7441903),  # 0.74, with the limit of 100 steps
        ("CliffWalking-v1", 200, -13.0),  # Sutton, Barto 2018, Example 6.6: the path along the cliff
    ],
)
def test_best_mean_returns_of_games_are_the_known_ones(game, horizon, published):
    pytest.importorskip("gymnasium")
    instance = cvar.TabularMDP.from_gymnasium(game, horizon=horizon)
    assert cvar.plan_mean(instance).value == pytest.approx(published, abs=1e-7)


def test_from_gymnasium_by_name_with_its_own_horizon():
    pytest.importorskip("gymnasium")
    lake = cvar.TabularMDP.from_gymnasium("FrozenLake-v1")
    assert (lake.horizon, lake.n_states, lake.n_actions) == (100, 16, 4)
    assert lake.return_range == (0.0, 1.0)
    plan = cvar.plan_mean(lake)
    assert plan.value == pytest.approx(plan.returns.mean)
    assert 0.7 < plan.value < 0.8  # what is known of FrozenLake in 100 steps
    with pytest.raises(BanditlabError, match=r"horizon is None, and env has no limit of its own"):
        cvar.TabularMDP.from_gymnasium("CliffWalking-v1")


class Table:
    """What is asked of an environment."""

    def __init__(self, P, start=(1.0, 0.0)):
        self.P, self.initial_state_distrib = P, start


BAD_TABLES = {
    "no table": (lambda: cvar.TabularMDP.from_gymnasium(3), r"env is 3, without a table P; allowed: a toy-text"),
    "two rewards": (
        lambda: cvar.TabularMDP.from_gymnasium(Table({0: {0: [(0.5, 0, 1.0, False), (0.5, 0, 2.0, False)]}}, [1.0]), 3),
        r"env pays 1 or 2 for action 0 from state 0 to 0; allowed: one reward",
    ),
    "state": (
        lambda: cvar.TabularMDP.from_gymnasium(Table({0: {0: [(1.0, 5, 1.0, False)]}}, [1.0]), 3),
        r"env has a table P whose entry 0, 0 is \[\(1.0, 5, 1.0, False\)\]; allowed: \(probability, next state",
    ),
    "reward": (
        lambda: cvar.TabularMDP.from_gymnasium(Table({0: {0: [(1.0, 0, np.nan, False)]}}, [1.0]), 3),
        r"env has a table P whose entry 0, 0 is .*; allowed: \(probability, next state",
    ),
    "names": (
        lambda: cvar.TabularMDP.from_gymnasium(Table({"start": {}}, [1.0]), 3),
        r"env has a table P whose entry 0 is None; allowed: .* for states and actions counted from 0",
    ),
    "actions": (
        lambda: cvar.TabularMDP.from_gymnasium(Table({0: {0: [(1.0, 1, 0.0, False)]}, 1: {}}), 3),
        r"env has a table P whose entry 1 is \{\}; allowed",
    ),
    "final or not": (
        lambda: cvar.TabularMDP.from_gymnasium(
            Table({0: {0: [(0.5, 1, 0.0, True), (0.5, 1, 0.0, False)]}, 1: {0: [(1.0, 1, 0.0, False)]}}), 3
        ),
        r"env ends in state 1 or passes through it; allowed: states that are final or not",
    ),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_tables_that_are_none_are_refused(name):
    call, message = BAD_TABLES[name]
    with pytest.raises(BanditlabError, match=message):
        call()


def test_names_that_gymnasium_does_not_know_are_refused():
    pytest.importorskip("gymnasium")
    with pytest.raises(BanditlabError, match=r"env is 'Nowhere-v0'; allowed: an environment that Gymnasium knows"):
        cvar.TabularMDP.from_gymnasium("Nowhere-v0")


def test_gymnasium_is_optional(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(InvalidType, match=r"Gymnasium is not installed; allowed: .* pip install gymnasium"):
        cvar.TabularMDP.from_gymnasium("FrozenLake-v1")


def test_an_mdp_is_described_in_provenance():
    result = bl.run(
        cvar.layered_mdp(2, 2), cvar.MaxWP(), horizon=2, n_runs=1, seed=0, metrics="return", backend="python"
    )
    (told,) = result.provenance["environments"].values()
    assert told["type"] == "banditlab.cvar.TabularMDP"
    assert told["horizon"] == 2
