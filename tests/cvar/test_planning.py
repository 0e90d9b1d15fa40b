"""Planners against every policy there is, on tiny MDPs, and against one another on larger ones."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import cvar
from banditlab.cvar.mdp import sums
from banditlab.errors import InvalidArgument, InvalidType

from .tiny import INSTANCES, LEVELS, iterated_value, laws, markov_policies

every_instance = pytest.mark.parametrize("name", INSTANCES)
FEW = [name for name, mdp in INSTANCES.items() if mdp.n_actions ** (mdp.horizon * mdp.n_states) <= 64]


@every_instance
def test_static_cvar_is_the_best_of_all_histories(name):
    mdp = INSTANCES[name]
    every = laws(mdp)
    for tau in LEVELS:
        best = max(cvar.cvar(list(law), tau, list(law.values())) for law in every)
        plan = cvar.plan_static_cvar(mdp, tau)
        assert plan.value == pytest.approx(best, abs=1e-9)
        assert plan.error == 0.0
        # the return's law is propagated forwards: it does not know what the sweep found
        assert plan.returns.cvar(tau) == pytest.approx(best, abs=1e-9)
        assert plan.returns.probabilities.sum() == pytest.approx(1.0, abs=1e-12)


@every_instance
def test_of_equal_static_cvar_the_mean_is_the_largest(name):
    mdp = INSTANCES[name]
    every = [(np.array(list(law)), np.array(list(law.values()))) for law in laws(mdp)]
    for tau in LEVELS:
        plan = cvar.plan_static_cvar(mdp, tau)
        equal = [x @ p for x, p in every if cvar.cvar(x, tau, p) >= plan.value - 1e-10]
        assert plan.returns.mean == pytest.approx(max(equal), abs=1e-9)


@every_instance
def test_mean_and_worst_path_are_the_best_of_all_histories(name):
    mdp = INSTANCES[name]
    every = laws(mdp)
    mean, worst = cvar.plan_mean(mdp), cvar.plan_worst_path(mdp)
    assert mean.value == pytest.approx(max(sum(x * p for x, p in law.items()) for law in every), abs=1e-9)
    assert worst.value == pytest.approx(max(min(law) for law in every), abs=1e-9)
    assert mean.returns.mean == pytest.approx(mean.value, abs=1e-12)
    assert worst.returns.cvar(0.0) == pytest.approx(worst.value, abs=1e-12)
    assert cvar.plan_static_cvar(mdp, 1.0).value == pytest.approx(mean.value, abs=1e-9)


@pytest.mark.parametrize("name", FEW)
def test_iterated_cvar_is_the_best_of_all_policies(name):
    mdp = INSTANCES[name]
    for tau in LEVELS:
        best = max(iterated_value(mdp, actions, tau) for actions in markov_policies(mdp))
        plan = cvar.plan_iterated_cvar(mdp, tau)
        assert plan.value == pytest.approx(best, abs=1e-9)
        assert cvar.iterated_cvar(mdp, plan.policy, tau) == pytest.approx(best, abs=1e-12)


def test_some_instances_are_compared_with_every_policy():
    assert len(FEW) > 10


@pytest.mark.parametrize("name", ["rewards 0", "real rewards 1", "by step, on the next state", "random rewards"])
def test_law_of_a_policys_return(name):
    """Against the sum over all paths, for policies that nobody planned."""
    mdp = INSTANCES[name]
    generator = np.random.default_rng(0)
    from .tiny import steps_of

    for _ in range(5):
        actions = generator.integers(mdp.n_actions, size=(mdp.horizon, mdp.n_states))

        def paths(h, s, paid, chance, actions=actions):
            if h == mdp.horizon:
                yield paid, chance
                return
            for p, r, x in steps_of(mdp, h, s, actions[h, s]):
                yield from paths(h + 1, x, paid + r, chance * p)

        values, chances = zip(*paths(0, mdp.initial_state, 0.0, 1.0), strict=True)
        policy = cvar.TabularPolicy.markov(mdp, actions)
        law = cvar.evaluate(mdp, policy)
        assert len(law.values) <= len(values)
        for tau in (0.0, *LEVELS):
            assert law.cvar(tau) == pytest.approx(cvar.cvar(values, tau, chances), abs=1e-9)
            assert cvar.iterated_cvar(mdp, policy, tau) == pytest.approx(iterated_value(mdp, actions, tau), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("eta", [0.003, 0.02, 0.11])
def test_rounding_errs_by_no_more_than_is_said(seed, eta):
    mdp = cvar.random_mdp(5, 3, 4, seed=seed, n_outcomes=1 + seed % 2)
    for tau in (0.05, 0.3):
        exact = cvar.plan_static_cvar(mdp, tau).value
        rounded = cvar.plan_static_cvar(mdp, tau, eta=eta)
        achieved = rounded.returns.cvar(tau)
        assert rounded.error == 4 * eta
        assert exact - 1e-12 <= rounded.value <= exact + rounded.error
        assert rounded.value - rounded.error - 1e-12 <= achieved <= exact + 1e-12
        assert rounded.value == pytest.approx(cvar.plan_static_cvar(mdp.rounded(eta), tau).value, abs=1e-9)


def test_the_smallest_level_is_the_worst_path():
    mdp = INSTANCES["rewards 0"]
    assert cvar.plan_static_cvar(mdp, 5e-324).value == cvar.plan_worst_path(mdp).value


def test_what_rows_lack_does_not_add_up():
    """Rows may miss one by a billionth; after thousands of steps a law has still all its mass."""
    off = cvar.TabularMDP([[[0.5, 0.5 + 9e-10]]] * 2, [[0.0], [1.0]], 3000)
    assert cvar.plan_mean(off).value == pytest.approx(1499.5, abs=1e-4)
    assert cvar.plan_mean(off).returns.probabilities.sum() == pytest.approx(1.0, abs=1e-9)


def test_criteria_are_ordered():
    for seed in range(3):
        mdp = cvar.random_mdp(6, 3, 5, seed=seed)
        worst, mean = cvar.plan_worst_path(mdp).value, cvar.plan_mean(mdp).value
        static = [cvar.plan_static_cvar(mdp, tau).value for tau in LEVELS]
        iterated = [cvar.plan_iterated_cvar(mdp, tau).value for tau in LEVELS]
        assert worst - 1e-12 <= iterated[0]
        assert (np.diff(static) >= -1e-12).all()
        assert (np.diff(iterated) >= -1e-12).all()
        assert all(i <= s + 1e-12 for i, s in zip(iterated, static, strict=True))
        assert static[-1] == pytest.approx(mean, abs=1e-12)
        assert iterated[-1] == pytest.approx(mean, abs=1e-12)


def test_policy_is_followed_by_hand_as_it_was_evaluated():
    """A simulation, one reward after another, has the law that was propagated (4 standard errors)."""
    mdp = cvar.random_mdp(4, 3, 4, seed=1, n_outcomes=2)
    plan = cvar.plan_static_cvar(mdp, 0.3)
    generator = np.random.default_rng(5)
    got = []
    for _ in range(4000):
        s, memory, total = mdp.initial_state, plan.policy.first, 0.0
        for h in range(mdp.horizon):
            a = plan.policy.action(h, s, memory)
            r = generator.choice(mdp.rewards, p=mdp.reward_probabilities[s, a])
            s = generator.choice(mdp.n_states, p=mdp.transitions[s, a])
            memory = plan.policy.next_memory(h, memory, r)
            total += r
        got.append(total)
    for b in np.quantile(got, [0.1, 0.3, 0.6]):
        short = np.maximum(b - np.array(got), 0.0)
        assert abs(short.mean() - plan.returns.shortfall(b)) < 4 * short.std() / len(got) ** 0.5


def test_budgets_are_what_the_return_is_still_to_reach():
    mdp = INSTANCES["three states"]
    plan = cvar.plan_static_cvar(mdp, 0.35)
    start = plan.policy.budgets[0, plan.policy.first]
    assert start == pytest.approx(plan.returns.quantile(0.35))


@pytest.mark.parametrize("penalty", [0.0, 1e3, 1e6, 1e9])
def test_a_penalty_that_no_good_policy_pays_changes_nothing(penalty):
    # sums of rewards differ by less than the rounding of sums with the penalty: none of the former are one for it
    generator = np.random.default_rng(0)
    transitions, rewards = generator.dirichlet(np.ones(4), (4, 1)), generator.random((4, 1))
    plain = cvar.TabularMDP(transitions, rewards, 9)
    with_it = cvar.TabularMDP(
        np.concatenate([transitions, transitions], axis=1),
        np.concatenate([rewards, np.full((4, 1), -penalty - 1.0)], axis=1),
        9,
    )
    expected = cvar.plan_mean(plain).returns
    found = cvar.plan_mean(with_it).returns
    assert found.values == pytest.approx(expected.values, abs=1e-12)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-12)
    plan = cvar.plan_static_cvar(with_it, 0.1)
    # budgets count rewards from the smallest: nine of them, each rounded at the penalty's size
    assert plan.value == pytest.approx(expected.cvar(0.1), abs=9 * 9 * 2.0**-52 * max(penalty, 1.0) + 1e-9)
    assert plan.returns.cvar(0.1) == pytest.approx(expected.cvar(0.1), abs=1e-9)


def test_no_unit_of_rewards_is_favoured():
    mdp = cvar.random_mdp(4, 3, 4, seed=0)
    small = cvar.TabularMDP(mdp.transitions, mdp.rewards * 2.0**-43, 4)
    for tau in (0.05, 0.5):
        plan = cvar.plan_static_cvar(mdp, tau)
        scaled = cvar.plan_static_cvar(small, tau)
        assert scaled.value == pytest.approx(plan.value * 2.0**-43, rel=1e-12)
        assert scaled.returns.cvar(tau) == pytest.approx(scaled.value, rel=1e-12)


def test_many_close_numbers_are_no_group():
    numbers = np.concatenate([np.arange(100) * 0.9, [200.0, 200.5, 201.5]])
    starts = numbers[sums.groups(numbers, 1.0)]
    assert len(starts) > 80
    assert starts[-2:].tolist() == [200.0, 201.5]
    assert sums.groups(np.array([1.0, 1.0, 2.0]), 0.0).tolist() == [True, False, True]


def test_too_many_budgets_are_refused(monkeypatch):
    monkeypatch.setattr(sums, "MAX_BUDGETS", 50)
    mdp = cvar.TabularMDP(np.full((3, 4, 3), 1 / 3), np.random.default_rng(0).normal(size=(3, 4)), 4)
    with pytest.raises(InvalidArgument, match=r"different sums; allowed: fewer|eta is None, and more than 50 budgets"):
        cvar.plan_static_cvar(mdp, 0.5)
    with pytest.raises(InvalidArgument, match=r"eta is 0.001; allowed: a grid of at most 50 budgets"):
        cvar.plan_static_cvar(mdp, 0.5, eta=0.001)
    assert cvar.plan_static_cvar(mdp, 0.5, eta=0.5).error == 2.0


BAD = {
    "no MDP": (lambda m: cvar.plan_mean("lake"), InvalidType, r"mdp is 'lake'; allowed: a cvar.TabularMDP"),
    "level zero": (
        lambda m: cvar.plan_static_cvar(m, 0.0),
        InvalidArgument,
        r"tau is 0.0; allowed: a number in \(0, 1",
    ),
    "level above": (lambda m: cvar.plan_iterated_cvar(m, 1.1), InvalidArgument, r"tau is 1.1; allowed"),
    "no grid": (lambda m: cvar.plan_static_cvar(m, 0.5, eta=0.0), InvalidArgument, r"eta is 0.0; allowed"),
    "memory": (
        lambda m: cvar.iterated_cvar(m, cvar.plan_static_cvar(m, 0.5).policy, 0.5),
        InvalidArgument,
        r"policy has a memory; allowed",
    ),
    "other MDP": (
        lambda m: cvar.evaluate(m, cvar.plan_mean(INSTANCES["one step"]).policy),
        InvalidArgument,
        r"policy is for 1 steps, 1 states and 2 rewards; allowed: one for this MDP's 3, 2",
    ),
    "no policy": (
        lambda m: cvar.evaluate(m, cvar.plan_mean(m)),
        InvalidType,
        r"policy is Plan\('mean'.*; allowed: a cvar.TabularPolicy, such as that of a plan",
    ),
    "no MDP to evaluate in": (
        lambda m: cvar.evaluate("lake", cvar.plan_mean(m).policy),
        InvalidType,
        r"mdp is 'lake'; allowed: a cvar.TabularMDP",
    ),
    "iterated CVaR in another MDP": (
        lambda m: cvar.iterated_cvar(INSTANCES["three states"], cvar.plan_mean(m).policy, 0.5),
        InvalidArgument,
        r"policy is for 3 steps, 2 states and .* rewards; allowed: one for this MDP's 3, 3 and",
    ),
    "no such action": (
        lambda m: cvar.iterated_cvar(
            m,
            cvar.TabularPolicy(np.full((3, 2, 1), 2), np.zeros((1, len(m.model.atoms), 1), int), 0, m.model.atoms),
            0.5,
        ),
        InvalidArgument,
        r"policy takes action 2; allowed: this MDP's, 0 to 1",
    ),
    "no such action without a memory": (
        lambda m: cvar.TabularPolicy.markov(m, [2, 0]),
        InvalidArgument,
        r"actions reach from 0 to 2; allowed: integers from 0 to 1, shape \(3, 2\) or \(2,\)",
    ),
    "shape without a memory": (
        lambda m: cvar.TabularPolicy.markov(m, [0, 1, 0]),
        InvalidArgument,
        r"actions is \[0, 1, 0\]; allowed: integers from 0 to 1, shape \(3, 2\) or \(2,\)",
    ),
    "actions": (
        lambda m: cvar.TabularPolicy([[0.5]], [[[0]]], 0, [1.0]),
        InvalidArgument,
        r"TabularPolicy.actions is \[\[0.5\]\]; allowed: integers of at least 0, shape \(H, S, N\)",
    ),
    "memory that does not follow": (
        lambda m: cvar.TabularPolicy([[[0, 0]]], [[[0, 2]]], 0, [1.0]),
        InvalidArgument,
        r"TabularPolicy.following has shape \(1, 1, 2\) and entries up to 2; allowed: integers from 0 to 1",
    ),
    "budgets of other memories": (
        lambda m: cvar.TabularPolicy([[[0, 0]]], [[[0, 1]]], 0, [1.0], [[0.5, 1.0]]),
        InvalidArgument,
        r"TabularPolicy.budgets has shape \(1, 2\); allowed: numbers, shape \(2, 2\), or None",
    ),
    "budgets in words": (
        lambda m: cvar.TabularPolicy([[[0]]], [[[0]]], 0, [1.0], [["much"], ["little"]]),
        InvalidArgument,
        r"TabularPolicy.budgets is .*; allowed: numbers, shape \(2, 1\), or None",
    ),
    "finest grid": (
        lambda m: cvar.plan_static_cvar(m, 0.5, eta=5e-324),
        InvalidArgument,
        r"eta is 5e-324; allowed: a grid of at most 200,000 budgets",
    ),
    "no such memory": (
        lambda m: cvar.plan_mean(m).policy.next_memory(0, -1, 0.25),
        InvalidArgument,
        r"memory is -1; allowed: an integer from 0 to 0",
    ),
    "reward": (
        lambda m: cvar.plan_mean(m).policy.next_memory(0, 0, np.nan),
        InvalidArgument,
        r"reward is nan; allowed: a finite number",
    ),
    "unknown reward": (
        lambda m: cvar.plan_static_cvar(m, 0.5).policy.next_memory(0, 0, 0.123),
        InvalidArgument,
        r"reward is 0.123; allowed: one of the MDP's",
    ),
    "step": (lambda m: cvar.plan_mean(m).policy.action(3, 0), InvalidArgument, r"h is 3; allowed: .* 0 to 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_nonsense_is_refused(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call(INSTANCES["rewards 0"])


def test_plan_says_what_it_is():
    assert repr(cvar.plan_mean(INSTANCES["one step"])) == "Plan('mean', value=0.4)"
    assert repr(cvar.plan_static_cvar(INSTANCES["one step"], 0.5)) == "Plan('static CVaR', tau=0.5, value=0.4)"


def test_budgets_of_a_plan_are_what_is_still_to_be_reached():
    mdp = cvar.cliff_gridworld()
    policy = cvar.plan_static_cvar(mdp, 0.1).policy
    state, memory = mdp.initial_state, policy.first
    budget = policy.budgets[0, memory]
    assert budget == -15.0
    for h in range(mdp.horizon):
        action = policy.action(h, state, memory)
        after = int(mdp.transitions[state, action].argmax())
        reward = mdp.rewards[state, action, after]
        memory, state, budget = policy.next_memory(h, memory, reward), after, budget - reward
        least = (mdp.horizon - h - 1) * mdp.rewards.min()  # the return still to come: a budget below it is reached
        assert policy.budgets[h + 1, memory] == pytest.approx(max(budget, least), abs=1e-9)


CRITERIA = {
    "static": lambda mdp: cvar.plan_static_cvar(mdp, 0.3),
    "grid": lambda mdp: cvar.plan_static_cvar(mdp, 0.3, eta=0.05),
    "iterated": lambda mdp: cvar.plan_iterated_cvar(mdp, 0.3),
    "mean": cvar.plan_mean,
}


@pytest.mark.parametrize("criterion", CRITERIA)
@every_instance
def test_simulated_returns_have_the_exact_distribution(name, criterion):
    """The share of episodes up to each possible return, and the mean (4 standard errors)."""
    plan, n = CRITERIA[criterion](INSTANCES[name]), 20_000
    got, law = plan.simulate(n, seed=3), plan.returns
    assert abs(got.mean() - law.mean) <= 4 * got.std() / n**0.5 + 1e-12
    apart = np.diff(law.values, append=np.inf).min(initial=1.0) / 2
    for k in range(0, len(law.values), max(1, len(law.values) // 20)):
        p = law.probabilities[: k + 1].sum()
        share = np.mean(got <= law.values[k] + min(apart, 1e-9))
        assert abs(share - p) <= 4 * (max(p * (1 - p), 0.0) / n) ** 0.5 + 1e-9
    nearest = np.abs(got[:, None] - law.values).min(axis=1)
    assert nearest.max() < 1e-9  # nothing else occurs


def test_simulated_returns_are_those_of_a_run():
    mdp = cvar.random_mdp(4, 3, 4, seed=1)
    plan = cvar.plan_mean(mdp)
    # with one action every learner plays what a plan plays
    one = cvar.TabularMDP(mdp.transitions[:, :1], mdp.rewards[:, :1], 4)
    result = bl.run(one, cvar.UCBVI(), horizon=50, n_runs=1, seed=7, metrics="return", checkpoints=list(range(1, 51)))
    sampled = cvar.plan_mean(one).simulate(50, seed=7)
    np.testing.assert_allclose(np.cumsum(sampled), result.values("return")[0, 0], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(plan.simulate(20, seed=7), plan.simulate(50, seed=7)[:20])
    assert (plan.simulate(50, seed=8) != plan.simulate(50, seed=7)).any()


def test_what_cannot_be_simulated():
    plan = cvar.plan_mean(INSTANCES["one step"])
    for bad in ({"n": 0}, {"n": 5, "seed": -1}):
        with pytest.raises(InvalidArgument, match="allowed: an integer"):
            plan.simulate(**bad)


def test_the_first_of_equally_good_actions_is_taken():
    mdp = cvar.TabularMDP([[[1.0]] * 3], [[0.0, 0.5, 0.5]], 2)
    for plan in CRITERIA.values():
        policy = plan(mdp).policy
        assert policy.action(0, 0, policy.first) == 1
