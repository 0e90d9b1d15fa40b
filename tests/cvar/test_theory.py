"""Bounds of CVaR bandits by hand, and K_inf against convex optimisation."""

import math

import cvxpy as cp
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar
from banditlab.arms.divergences import kinf_finite, kl_bernoulli
from banditlab.cvar import theory
from banditlab.errors import InvalidArgument, InvalidType


def test_bounds_by_hand():
    assert theory.minimax_lower_bound(5, 10_000, 0.04) == pytest.approx(1000.0 / (24.0 * math.e), rel=1e-14)
    L = math.log(3 * 1000 / 0.1)
    expected = 4.0 * math.sqrt(3 * 1000 / 0.2) * L + 16.0 * 3 * L * L / 0.2
    assert theory.bernstein_ucb_bound(3, 1000, 0.2, 0.1) == pytest.approx(expected, rel=1e-14)
    assert theory.bernstein_ucb_bound(3, 1000, 0.2) == pytest.approx(theory.bernstein_ucb_bound(3, 1000, 0.2, 1e-3))
    assert theory.minimax_lower_bound(2, 10**6, 0.1) < theory.bernstein_ucb_bound(2, 10**6, 0.1)


def test_no_lower_bound_exceeds_what_can_be_lost():
    # playing at random loses at most this on any instance
    for A, T, tau in [(10**9, 7, 1e-9), (2, 10, 1e-6), (2, 1000, 1e-7), (10, 50, 1e-6), (2, 1, 0.49)]:
        assert 0.0 < theory.minimax_lower_bound(A, T, tau) < T * (1 - 1 / A)
        assert 0.0 < theory.static_lower_bound(1, A, T, tau) < T * (1 - 1 / A)
    assert theory.static_lower_bound(5, 1, 10, 0.1) == 0.0


def test_lower_bounds_of_short_horizons_follow_from_that_of_the_shortest_that_has_one():
    least = theory.minimax_lower_bound(5, 1000, 0.004)  # 1000 = (A - 1) / tau
    assert least == pytest.approx(1000.0 / (24.0 * math.e), rel=1e-14)
    for T in (1, 10, 300, 999):
        assert theory.minimax_lower_bound(5, T, 0.004) == pytest.approx(least / math.ceil(1000 / T), rel=1e-12)
    assert theory.static_lower_bound(2, 3, 400, 0.004) == pytest.approx(least / 3, rel=1e-12)


def test_the_hard_instance_has_its_gap():
    env = theory.hard_instance(0.2, 0.05, n_arms=4)
    assert env.means.tolist() == pytest.approx([0.8, 0.8, 0.8, 0.85])
    assert env.cvars(0.2) == pytest.approx(np.array([0.0, 0.0, 0.0, 0.25]), abs=1e-15)
    assert theory.hard_instance(0.2, 0.2).means[-1] == 1.0


def test_bernsteins_regret_is_below_its_bound_on_the_hard_instance():
    env = theory.hard_instance(0.25, 0.1)
    result = bl.run(env, cvar.BernsteinUCB(0.25), horizon=20_000, n_runs=40, seed=1, n_jobs=1)
    bound = np.array([theory.bernstein_ucb_bound(2, 20_000, 0.25)])
    assert (result.values()[0, :, -1] <= bound).all()


def by_convex_programme(values, p, target, tau, upper):
    """Minimise over distributions on the atoms and the upper end, and over the budget, at each of these."""
    x = np.unique(np.append(values, upper))
    mass = np.array([p[list(values).index(v)] if v in values else 0.0 for v in x])
    found = []
    for b in x:
        q = cp.Variable(len(x), nonneg=True)
        seen = mass > 0
        kl = cp.sum(cp.multiply(mass[seen], np.log(mass[seen]) - cp.log(q[np.flatnonzero(seen)])))
        problem = cp.Problem(cp.Minimize(kl), [cp.sum(q) == 1, b - np.maximum(b - x, 0.0) @ q / tau >= target])
        problem.solve(solver=cp.CLARABEL)
        if problem.status in ("optimal", "optimal_inaccurate"):
            found.append(float(problem.value))
    return min(found, default=math.inf)


@pytest.mark.parametrize("seed", range(12))
def test_kinf_is_the_convex_programmes(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    values = np.sort(rng.choice(np.arange(10), n, replace=False)) / 10.0
    p = rng.dirichlet(np.ones(n))
    upper = float(values[-1]) if seed % 2 and n > 1 else 1.0
    tau = float(rng.choice([0.1, 0.35, 0.7, 1.0]))
    low = cvar.cvar(values, tau, p)
    target = low + float(rng.uniform(0.1, 0.9)) * (upper - low)
    found = theory.kinf_cvar(values, p, target, tau, upper)
    assert found == pytest.approx(by_convex_programme(values, p, target, tau, upper), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("seed", range(20))
def test_kinf_of_the_mean_is_that_of_arms(seed):
    rng = np.random.default_rng(seed)
    values, p = np.sort(rng.uniform(0.0, 0.9, 6)), rng.dirichlet(np.ones(6))
    target = float(rng.uniform(p @ values, 1.0))
    assert theory.kinf_cvar(values, p, target, 1.0, 1.0) == pytest.approx(kinf_finite(values, p, target, 1.0), rel=1e-9)


def test_kinf_of_coins_by_hand():
    # the CVaR of a coin of mean q at the level tau is (q - 1 + tau) / tau
    for mean, tau, target in ((0.5, 0.5, 0.5), (0.9, 0.2, 0.8), (0.1, 0.05, 0.01), (0.95, 0.5, 0.99)):
        wanted = kl_bernoulli(mean, 1.0 - tau + tau * target)
        assert theory.kinf_cvar([0.0, 1.0], [1.0 - mean, mean], target, tau) == pytest.approx(wanted, rel=1e-12)


def test_kinf_at_its_ends():
    values, p = [0.0, 0.5, 1.0], [0.25, 0.5, 0.25]
    own = cvar.cvar(values, 0.5, p)
    assert theory.kinf_cvar(values, p, own, 0.5) == 0.0
    assert theory.kinf_cvar(values, p, own + 1e-6, 0.5) < 1e-9
    assert theory.kinf_cvar(values, p, 1.0, 0.5) == math.inf
    assert theory.kinf_cvar(values, p, 0.9, 0.5, upper=1.5) < theory.kinf_cvar(values, p, 0.9, 0.5)
    targets = np.linspace(own, 0.99, 8)
    assert (np.diff([theory.kinf_cvar(values, p, c, 0.5) for c in targets]) > 0.0).all()
    assert theory.kinf_cvar([0.0, 0.3, 1.0], [0.5, 0.0, 0.5], 0.4, 0.6) == pytest.approx(
        theory.kinf_cvar([0.0, 1.0], [0.5, 0.5], 0.4, 0.6)
    )


def test_lower_bound_constant_by_hand():
    coins = arms.Bernoulli([0.6, 0.7, 0.9, 0.9])
    gaps = np.array([0.3, 0.2]) / 0.5
    kls = np.array([kl_bernoulli(m, 0.9) for m in (0.6, 0.7)])
    assert theory.lower_bound_constant(coins, 0.5) == pytest.approx((gaps / kls).sum(), rel=1e-12)
    table = arms.Categorical([1.0, 0.0], [[0.6, 0.4], [0.7, 0.3], [0.9, 0.1], [0.9, 0.1]])
    assert theory.lower_bound_constant(table, 0.5) == pytest.approx(theory.lower_bound_constant(coins, 0.5), rel=1e-12)
    log = arms.Empirical.from_rewards([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0], [0.5]])
    c = log.cvars(0.5)
    assert c == pytest.approx(np.array([1 / 3, 0.5, 0.5]))
    assert theory.lower_bound_constant(log, 0.5) == pytest.approx(
        (1 / 6) / theory.kinf_cvar([0.0, 1.0], [1 / 3, 2 / 3], 0.5, 0.5)
    )


BAD = {
    "tau": (lambda: theory.minimax_lower_bound(2, 10, 0.5), r"tau is 0.5; allowed: a number in \(0, 0.5\)"),
    "tau of MDPs": (lambda: theory.static_lower_bound(2, 2, 10, 0.5), r"tau is 0.5; allowed: a number in \(0, 0.5\)"),
    "arms": (lambda: theory.minimax_lower_bound(1, 10, 0.1), r"n_arms is 1; allowed: an integer of at least 2"),
    "delta": (lambda: theory.bernstein_ucb_bound(2, 10, 0.5, 1.0), r"delta is 1.0; allowed: a number in \(0, 1\)"),
    "epsilon": (lambda: theory.hard_instance(0.2, 0.3), r"epsilon is 0.3; allowed: a number in \(0, 0.2\]"),
    "small epsilon": (lambda: theory.hard_instance(1e-12, 1e-12), r"epsilon is 1e-12; allowed: at least 1e-10"),
    "one arm": (lambda: theory.hard_instance(0.2, 0.1, 1), r"n_arms is 1; allowed: an integer of at least 2"),
    "upper": (lambda: theory.kinf_cvar([0, 1], [0.5, 0.5], 0.5, 0.5, 0.9), r"upper is 0.9; allowed: at least the larg"),
    "order": (lambda: theory.kinf_cvar([1, 0], [0.5, 0.5], 0.5, 0.5), r"allowed: increasing numbers"),
    "level": (lambda: theory.kinf_cvar([0, 1], [0.5, 0.5], 0.5, 0.0), r"tau is 0.0; allowed: a number in \(0, 1\]"),
    "continuous": (
        lambda: theory.lower_bound_constant(arms.Beta([1.0], [1.0]), 0.5),
        r"environment is Beta.*; allowed: one whose rewards take finitely many values",
    ),
    "an upper end below": (
        lambda: theory.lower_bound_constant(arms.Bernoulli([0.5, 0.75]), 0.5, upper=0.9),
        r"upper is 0.9; allowed: at least the end of the environment's support, which is 1",
    ),
    "unbounded": (lambda: theory.lower_bound_constant(arms.Poisson([1.0]), 0.5), r"environment is Poisson.*; allowed"),
}


@pytest.mark.parametrize("name", BAD)
def test_nonsense_is_refused(name):
    call, message = BAD[name]
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_what_is_no_environment_is_refused():
    with pytest.raises(InvalidType, match=r"environment is 3; allowed: an environment"):
        theory.lower_bound_constant(3, 0.5)


def test_the_constant_for_a_larger_upper_end_by_hand():
    log = arms.Empirical.from_rewards([[0.1, 0.5, 0.5], [0.3, 0.6]])
    for tau in (0.3, 0.9, 1.0):
        found = theory.lower_bound_constant(log, tau, upper=1.0)
        assert found >= theory.lower_bound_constant(log, tau)
        cost = theory.kinf_cvar([0.1, 0.5], [1 / 3, 2 / 3], max(log.cvars(tau)), tau, 1.0)
        assert found == pytest.approx(np.ptp(log.cvars(tau)) / cost)


def test_thompson_samplings_regret_grows_with_the_constant():
    """By less than it between two horizons, as is usual before the limit, and by more than half of it."""
    table = arms.Categorical([0.0, 0.5, 1.0], [[0.3, 0.4, 0.3], [0.2, 0.3, 0.5], [0.1, 0.6, 0.3]])
    policies = [cvar.MCVTS([0.0, 0.5, 1.0], 0.4), cvar.BCVTS(0.4)]
    result = bl.run(table, policies, horizon=8000, n_runs=200, seed=0, checkpoints=[800, 8000], n_jobs=1)
    constant = theory.lower_bound_constant(table, 0.4)
    for values in result.values():
        growth = (values[:, 1] - values[:, 0]) / math.log(10.0)
        error = 4.0 * growth.std() / math.sqrt(200)
        assert 0.5 * constant - error <= growth.mean() <= constant + error
