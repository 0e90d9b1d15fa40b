"""Bounds against closed forms worked by hand, K_inf against brute force, and the rate of growth of regret."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from banditlab import arms, dueling
from banditlab.arms import divergences, theory
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.results import resampling
from banditlab.core.results.results import Cell, Results

LOG_1000 = math.log(1000.0)


# ------------------------------------------------------------------------------------ bounds, by hand


def test_constant_of_bernoulli_by_hand():
    env = arms.Bernoulli([0.25, 0.5, 0.5])
    # kl(1/4, 1/2) = 1/4 log 1/2 + 3/4 log 3/2; the gap is 1/4, and ties for the best arm cost nothing
    kl = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert theory.lower_bound_constant(env) == pytest.approx(0.25 / kl, rel=1e-14)
    assert theory.lower_bound(env, 1000) == pytest.approx(0.25 / kl * LOG_1000, rel=1e-14)


def test_constant_of_nine_coins_is_the_one_that_smpybandits_prints():
    """Its log of an experiment says "a [Lai & Robbins] complexity constant C(mu) = 7.52"."""
    assert round(theory.lower_bound_constant(arms.Bernoulli(np.arange(1, 10) / 10)), 2) == 7.52


def test_constant_of_gaussians_by_hand():
    env = arms.Gaussian([0.0, 1.0, 3.0], std=[1.0, 2.0, 5.0])
    # 2 std_a^2 / gap_a: 2/3 + 8/2
    assert theory.lower_bound_constant(env) == pytest.approx(2.0 / 3.0 + 4.0, rel=1e-14)


def test_constant_of_exponentials_and_poissons_by_hand():
    exponential = 1.0 / (0.5 - 1.0 + math.log(2.0))
    assert theory.lower_bound_constant(arms.Exponential([1.0, 2.0])) == pytest.approx(exponential, rel=1e-14)
    poisson = 1.0 / (2.0 - 1.0 - math.log(2.0))
    assert theory.lower_bound_constant(arms.Poisson([1.0, 2.0])) == pytest.approx(poisson, rel=1e-14)
    assert theory.lower_bound_constant(arms.Poisson([0.0, 3.0])) == pytest.approx(1.0, rel=1e-14)


def test_an_arm_that_one_reward_unmasks_costs_nothing():
    # the best arm always gives 1: no Bernoulli distribution of mean above 1 can be confused with another
    assert theory.lower_bound_constant(arms.Bernoulli([0.3, 1.0])) == 0.0


def test_equal_arms_have_no_regret():
    env = arms.Bernoulli([0.5, 0.5])
    assert theory.lower_bound_constant(env) == 0.0
    for bound in (theory.lower_bound, theory.ucb1_bound, theory.ucbv_bound, theory.klucb_bound):
        assert bound(env, 1000) == 0.0


def test_minimax_lower_bound_by_hand():
    assert theory.minimax_lower_bound(2, 200) == pytest.approx(1.0)  # sqrt(400) / 20
    assert theory.minimax_lower_bound(100, 25) == pytest.approx(1.25)  # T / 20, since T < K
    assert theory.minimax_lower_bound(2, 1) == pytest.approx(0.05)


def test_ucb1_bound_by_hand():
    env = arms.Bernoulli([0.1, 0.5, 0.9])
    expected = 8 * LOG_1000 * (1 / 0.8 + 1 / 0.4) + (1 + math.pi**2 / 3) * 1.2
    assert theory.ucb1_bound(env, 1000) == pytest.approx(expected, rel=1e-14)
    assert theory.ucb1_bound(env, 1) == pytest.approx((1 + math.pi**2 / 3) * 1.2, rel=1e-14)


def test_ucbv_bound_by_hand():
    env = arms.Bernoulli([0.1, 0.5, 0.9])
    expected = 10 * (0.09 / 0.8 + 2 + 0.25 / 0.4 + 2) * LOG_1000
    assert theory.ucbv_bound(env, 1000) == pytest.approx(expected, rel=1e-13)
    wide = arms.Categorical([0.0, 4.0], [[0.5, 0.5], [0.0, 1.0]])  # variance 4, gap 2, rewards in [0, 4]
    assert theory.ucbv_bound(wide, 1000, b=4.0) == pytest.approx(10 * (4 / 2 + 8) * LOG_1000, rel=1e-13)


@pytest.mark.parametrize("bound", [theory.ucb1_bound, theory.moss_bound, theory.klucb_bound])
def test_bounds_of_other_families_environments_are_refused(bound):
    with pytest.raises(
        InvalidArgument, match=r"environment is PreferenceMatrix.*; allowed: one of arms, whose rewards"
    ):
        bound(dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]]), 100)


def test_moss_bound_by_hand():
    assert theory.moss_bound(arms.Beta([1.0, 2.0, 3.0, 4.0], [1.0] * 4), 2500) == pytest.approx(4900.0)


def test_thompson_sampling_bound_by_hand():
    env = arms.Bernoulli([0.2, 0.4, 0.6, 0.8])
    assert theory.thompson_sampling_bound(env, 800) == pytest.approx(40.0 * math.sqrt(math.log(4.0)))
    assert theory.thompson_sampling_bound(env, 800, entropy=0.25) == pytest.approx(20.0)
    assert theory.thompson_sampling_bound(env, 800, entropy=0.0) == 0.0


@pytest.mark.parametrize("means", [[0.2, 0.8], [0.5, 0.55], [0.0, 1.0], [0.01, 0.02, 0.9], [0.98, 1.0]])
@pytest.mark.parametrize("horizon", [10, 10_000, 10**12])
def test_klucb_bound_against_direct_minimisation(means, horizon):
    best, f = max(means), 1.0 + horizon * math.log(horizon) ** 2
    total = 0.0
    for mean in means:
        gap = best - mean
        if gap == 0.0:
            continue

        def pulls(point, mean=mean, gap=gap):
            first, second = gap * point[0], gap * point[1]
            if min(point) <= 0.0 or sum(point) >= 1.0:
                return math.inf
            kl = divergences.kl_bernoulli(mean + first, best - second)
            return math.log(f) / kl + 0.5 / first**2 + 2.0 / second**2

        starts = [(0.05, 0.05), (0.2, 0.2), (0.3, 0.4), (0.1, 0.7)]
        options = {"xatol": 1e-10, "fatol": 1e-10}
        total += gap * min(
            optimize.minimize(pulls, start, method="Nelder-Mead", options=options).fun for start in starts
        )
    found = theory.klucb_bound(arms.Bernoulli(means), horizon)
    assert found >= total * (1.0 - 1e-9)  # no grid point lies below the infimum
    assert found == pytest.approx(total, rel=1e-6)


def test_klucb_bound_of_small_gaps_is_inverse_to_the_gap():
    """Around 1/2 the divergence is 2 (p - q)^2, so that the bound times the gap has a limit: it is never below it."""
    found = [2.0**-k * theory.klucb_bound(arms.Bernoulli([0.5, 0.5 + 2.0**-k]), 1000) for k in (15, 25, 35, 45)]
    assert found == pytest.approx([found[0]] * 4, rel=1e-8)


def test_klucb_bound_approaches_the_lower_bound():
    env = arms.Bernoulli([0.2, 0.8])
    ratios = [theory.klucb_bound(env, 10**k) / theory.lower_bound(env, 10**k) for k in (3, 30, 300)]
    assert ratios == sorted(ratios, reverse=True)
    assert all(ratio > 1.0 for ratio in ratios)
    # log T + 2 log log T over log T, and epsilons of order (log T)^(-1/3): 1 at infinity
    assert ratios[-1] < 2.5


def test_bounds_hold_for_the_policies_they_are_of():
    import banditlab as bl

    env = arms.Bernoulli([0.3, 0.5, 0.8])
    result = bl.run(env, [arms.UCB1(), arms.UCBV(), arms.MOSS()], horizon=2000, n_runs=200, seed=1, n_jobs=1)
    final = result.values()[:, :, -1]
    upper = final.mean(axis=1) + 4.0 * final.std(axis=1) / math.sqrt(200)
    assert upper[0] < theory.ucb1_bound(env, 2000)
    assert upper[1] < theory.ucbv_bound(env, 2000)
    assert upper[2] < theory.moss_bound(env, 2000)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: theory.lower_bound_constant(arms.FromScipy([stats.norm()])), InvalidArgument, "FromScipy"),
        (lambda: theory.lower_bound_constant(arms.Adversarial([[0.0, 1.0]])), InvalidArgument, "Adversarial"),
        (lambda: theory.lower_bound(arms.FromScipy([stats.norm()]), 10), InvalidArgument, "known constant"),
        (lambda: theory.lower_bound([0.1, 0.9], 10), InvalidType, "environment is [0.1, 0.9]"),
        (lambda: theory.lower_bound(arms.UCB1(), 10), InvalidType, "environment is UCB1()"),
        (lambda: theory.lower_bound(arms.Bernoulli([0.1]), 0), InvalidArgument, "horizon is 0"),
        (lambda: theory.lower_bound(arms.Bernoulli([0.1]), True), InvalidType, "horizon is True"),
        (lambda: theory.lower_bound(arms.Bernoulli([0.1]), "10"), InvalidType, "horizon is '10'"),
        (lambda: theory.minimax_lower_bound(1, 10), InvalidArgument, "n_arms is 1; allowed: an integer of at least 2"),
        (lambda: theory.minimax_lower_bound(2, 1.5), InvalidArgument, "horizon is 1.5"),
        (lambda: theory.ucb1_bound(arms.Gaussian([0.0, 1.0]), 10), InvalidArgument, "rewards in [0, 1]"),
        (lambda: theory.moss_bound(arms.Exponential([1.0, 2.0]), 10), InvalidArgument, "rewards in [0, 1]"),
        (lambda: theory.klucb_bound(arms.Poisson([1.0]), 10), InvalidArgument, "rewards in [0, 1]"),
        (lambda: theory.ucb1_bound(arms.Adversarial([[0.0, 1.0]]), 10), InvalidArgument, "fixed means"),
        (lambda: theory.ucbv_bound(arms.Bernoulli([0.1]), 1), InvalidArgument, "horizon is 1; allowed"),
        (lambda: theory.moss_bound(arms.Bernoulli([0.1]), 10**301), InvalidArgument, "horizon is 1000"),
        (lambda: theory.minimax_lower_bound(10**8, 10**300), InvalidArgument, "n_arms is 100000000; allowed"),
        (lambda: theory.ucbv_bound(arms.Bernoulli([0.1]), 10, b=0.0), InvalidArgument, "b is 0.0"),
        (lambda: theory.ucbv_bound(arms.Bernoulli([0.1]), 10, b=0.5), InvalidArgument, "rewards in [0, 0.5]"),
        (lambda: theory.thompson_sampling_bound(arms.Bernoulli([0.1, 0.2]), 9, 0.7), InvalidArgument, "entropy is 0.7"),
        (lambda: theory.thompson_sampling_bound(arms.Bernoulli([0.1, 0.2]), 9, -1), InvalidArgument, "entropy is -1"),
    ],
)
def test_bad_arguments(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
    assert "allowed: " in str(caught.value)


# ------------------------------------------------------------------------------------ K_inf, by brute force


def kl_by_quadrature(first, second, low, high, accuracy=1e-11):
    """Return the divergence of two scipy distributions with densities on (low, high)."""
    value, _ = integrate.quad(
        lambda x: first.pdf(x) * (first.logpdf(x) - second.logpdf(x)),
        low,
        high,
        epsabs=accuracy,
        epsrel=accuracy,
        limit=400,
    )
    return value


@pytest.mark.parametrize(("mean", "target"), [(0.1, 0.5), (0.5, 0.9), (0.45, 0.5), (0.0, 0.3), (0.5, 1.0)])
def test_kinf_of_bernoulli(mean, target):
    def kl(q):
        p, r = np.array([1.0 - mean, mean]), np.array([1.0 - q, q])
        return float(sum(a * math.log(a / b) if b > 0 else math.inf for a, b in zip(p, r, strict=True) if a > 0))

    expected = min(kl(q) for q in np.linspace(target, 1.0, 2001))
    assert arms.Bernoulli([mean]).kinf(0, target) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("mean", "std", "target"), [(0.0, 1.0, 0.5), (-2.0, 0.3, -1.9)])
def test_kinf_of_gaussian(mean, std, target):
    first = stats.norm(mean, std)
    span = (mean - 12 * std, mean + 12 * std)
    expected = kl_by_quadrature(first, stats.norm(target, std), *span)
    assert arms.Gaussian([mean], std=std).kinf(0, target) == pytest.approx(expected, rel=1e-8)
    assert kl_by_quadrature(first, stats.norm(target + 0.01, std), *span) > expected  # the boundary is the nearest


@pytest.mark.parametrize(("mean", "target"), [(1.0, 2.0), (0.3, 0.31), (5.0, 50.0)])
def test_kinf_of_exponential(mean, target):
    first = stats.expon(scale=mean)
    expected = kl_by_quadrature(first, stats.expon(scale=target), 0.0, 60.0 * mean)
    assert arms.Exponential([mean]).kinf(0, target) == pytest.approx(expected, rel=1e-7)
    assert kl_by_quadrature(first, stats.expon(scale=1.01 * target), 0.0, 60.0 * mean) > expected


@pytest.mark.parametrize(("mean", "target"), [(1.0, 2.0), (0.0, 0.7), (20.0, 21.0)])
def test_kinf_of_poisson(mean, target):
    k = np.arange(0, 200)
    p, q = stats.poisson(mean).pmf(k), stats.poisson(target)
    inside = p > 0
    expected = float((p[inside] * (np.log(p[inside]) - q.logpmf(k[inside]))).sum())
    assert arms.Poisson([mean]).kinf(0, target) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "target"), [(1.0, 1.0, 0.6), (0.3, 0.7, 0.5), (2.0, 5.0, 0.9), (40.0, 60.0, 0.42), (5.0, 1.2, 0.95)]
)
def test_kinf_of_beta_against_minimisation_over_both_shapes(a, b, target):
    def divergence(c, d):
        return kl_by_quadrature(stats.beta(a, b), stats.beta(c, d), 0.0, 1.0, accuracy=1e-8)

    # the formula of the divergence first, so that the minimisation may use it
    for c, d in ((a + 1.0, b), (2.0 * a, 3.0 * b)):
        assert divergences.kl_beta(a, b, c, d) == pytest.approx(divergence(c, d), rel=1e-6)
    # directly: over both log-shapes, with the mean constraint
    best = optimize.minimize(
        lambda x: divergences.kl_beta(a, b, math.exp(x[0]), math.exp(x[1])),
        x0=[math.log(a) + math.log(target / (1 - target)) - math.log(a / b), math.log(b)],
        constraints={"type": "ineq", "fun": lambda x: x[0] - x[1] - math.log(target / (1.0 - target))},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    found = arms.Beta([a], [b]).kinf(0, target)
    assert found == pytest.approx(best.fun, rel=1e-6)
    # and no pair of shapes on a grid that meets the constraint does better
    shapes = np.exp(np.linspace(-3, 6, 120))
    c, d = (m.ravel() for m in np.meshgrid(shapes, shapes))
    allowed = c / (c + d) >= target
    assert min(divergences.kl_beta(a, b, x, y) for x, y in zip(c[allowed], d[allowed], strict=True)) >= found


@pytest.mark.parametrize(
    ("location", "std", "low", "high", "target"),
    [(0.5, 0.3, 0.0, 1.0, 0.6), (0.2, 1.0, 0.0, 1.0, 0.7), (-1.0, 0.5, 0.0, 1.0, 0.5), (2.0, 0.5, -1.0, 1.0, 0.95)],
)
def test_kinf_of_truncated_gaussian_by_quadrature(location, std, low, high, target):
    env = arms.TruncatedGaussian([location], std=std, low=low, high=high)

    def truncated(at):
        return stats.truncnorm((low - at) / std, (high - at) / std, loc=at, scale=std)

    def mean(at):
        return integrate.quad(lambda x: x * truncated(at).pdf(x), low, high, epsabs=1e-12)[0]

    assert env.means[0] == pytest.approx(mean(location), rel=1e-8)
    at = optimize.brentq(lambda v: mean(v) - target, location, location + 60.0 * std, xtol=1e-11)
    expected = kl_by_quadrature(truncated(location), truncated(at), low, high)
    assert env.kinf(0, target) == pytest.approx(expected, rel=1e-6)
    further = kl_by_quadrature(truncated(location), truncated(at + 0.05 * std), low, high)
    assert further > expected  # the mean grows with the location, and the divergence beyond it


FINITE = [
    ([0.0, 1.0, 5.0], [0.5, 0.5, 0.0], 1.0),
    ([0.0, 0.5, 1.0], [0.2, 0.5, 0.3], 0.7),
    ([0.0, 0.5, 1.0], [0.6, 0.4, 0.0], 0.95),
    ([-2.0, 0.0, 1.0, 3.0], [0.4, 0.3, 0.2, 0.1], 0.5),
    ([0.0, 1.0], [0.9, 0.1], 0.3),
    ([0.0, 0.2, 0.21, 1.0], [0.0, 0.5, 0.5, 0.0], 0.206),
]


@pytest.mark.parametrize(("values", "probabilities", "target"), FINITE)
def test_kinf_of_categorical_against_the_primal_problem(values, probabilities, target):
    import cvxpy as cp

    x, p = np.array(values), np.array(probabilities)
    q = cp.Variable(len(x), nonneg=True)  # the largest value is among x, so that no other point is of use
    problem = cp.Problem(cp.Minimize(cp.sum(cp.kl_div(p, q))), [cp.sum(q) == 1.0, x @ q >= target])
    problem.solve(solver=cp.CLARABEL)
    found = arms.Categorical(values, [probabilities]).kinf(0, target)
    assert found == pytest.approx(problem.value, rel=1e-5, abs=1e-8)


def test_kinf_of_categorical_of_two_values_is_bernoullis():
    for mean, target in ((0.1, 0.5), (0.0, 0.3), (0.5, 0.99)):
        env = arms.Categorical([0.0, 1.0], [[1.0 - mean, mean]])
        assert env.kinf(0, target) == pytest.approx(divergences.kl_bernoulli(mean, target), rel=1e-10)


def test_kinf_of_empirical_is_that_of_its_frequencies():
    env = arms.Empirical.from_rewards([[0.0, 0.0, 1.0, 2.0], [0.0, 4.0]])
    same = arms.Categorical([0.0, 1.0, 2.0, 4.0], [[0.5, 0.25, 0.25, 0.0]])
    assert env.kinf(0, 2.0) == pytest.approx(same.kinf(0, 2.0), rel=1e-12)


@pytest.mark.parametrize(
    "env",
    [
        arms.Bernoulli([0.5]),
        arms.Gaussian([0.5]),
        arms.Beta([1.0], [1.0]),
        arms.Exponential([0.5]),
        arms.Poisson([0.5]),
        arms.TruncatedGaussian([0.5]),
        arms.Categorical([0.0, 1.0], [[0.5, 0.5]]),
    ],
)
def test_kinf_is_zero_up_to_the_mean_and_grows_beyond(env):
    assert env.kinf(0, 0.5) == pytest.approx(0.0, abs=1e-15)
    if not isinstance(env, arms.Bernoulli):  # whose kl is that of both sides
        assert env.kinf(0, 0.2) == pytest.approx(0.0, abs=1e-15)
    grown = [env.kinf(0, target) for target in (0.501, 0.6, 0.8, 0.95)]
    assert grown == sorted(grown)
    assert grown[0] > 0.0


# --------------------------------------------------------------------------------------- regret_slope


ROUNDS = np.unique(np.geomspace(1, 10_000, 40).round().astype(np.int64))


def synthetic(tables, rounds=ROUNDS, environments=("env",)):
    cells = {(e, f"p{k}"): Cell({"regret": t}, 1.0, None) for e in environments for k, t in enumerate(tables)}
    return Results(cells, rounds, {"n_runs": len(tables[0]), "horizon": int(rounds[-1]), "seed": 0})


def noisy_power(exponent, n_runs, seed, spread=0.4):
    """Return runs whose mean is 3 t^exponent: each a random multiple, with further noise a checkpoint."""
    rng = np.random.default_rng(seed)
    multiple = rng.gamma(1.0 / spread**2, spread**2, (n_runs, 1))
    # noise that grows along the run, so that the slope of the mean varies from sample to sample
    drift = 1.0 + 0.1 * np.cumsum(rng.normal(size=(n_runs, len(ROUNDS))), axis=1) / math.sqrt(len(ROUNDS))
    return 3.0 * multiple * drift * ROUNDS.astype(float) ** exponent


@pytest.mark.parametrize("exponent", [0.5, 1.0, 0.25, 0.0])
def test_slope_of_an_exact_power(exponent):
    table = np.tile(3.0 * ROUNDS.astype(float) ** exponent, (5, 1))
    found = theory.regret_slope(synthetic([table]), "p0", n_resamples=10)
    assert found.slope == pytest.approx(exponent, abs=1e-12)
    assert found.intercept == pytest.approx(math.log(3.0), abs=1e-11)
    assert found.low == pytest.approx(exponent, abs=1e-12)
    assert found.high == pytest.approx(exponent, abs=1e-12)
    assert (found.first, found.last, found.n_checkpoints) == (1, 10_000, len(ROUNDS))
    assert (found.n_runs, found.n_resamples, found.level) == (5, 0, 0.95)  # so few are not resampled


def test_slope_and_interval_against_a_plain_bootstrap():
    table = noisy_power(0.5, 30, seed=3)
    inside = (ROUNDS >= 50) & (ROUNDS <= 5000)
    x = np.log(ROUNDS[inside])
    fit = lambda rows: np.polyfit(x, np.log(table[rows][:, inside].mean(axis=0)), 1)[0]  # noqa: E731
    rng = np.random.default_rng(0)
    slopes = [fit(rng.integers(30, size=30)) for _ in range(400)]  # the same resamples
    found = theory.regret_slope(synthetic([table]), "p0", first=50, last=5000, n_resamples=400, level=0.9, seed=0)
    assert found.slope == pytest.approx(fit(np.arange(30)), rel=1e-10)
    tail = stats.norm.cdf(math.sqrt(30 / 29) * stats.t.ppf(0.05, 29))  # Hesterberg's, a little less than 5%
    assert found.low == pytest.approx(np.quantile(slopes, tail, method="weibull"), rel=1e-10)
    assert found.high == pytest.approx(np.quantile(slopes, 1.0 - tail, method="weibull"), rel=1e-10)
    assert (found.first, found.last) == (ROUNDS[inside][0], ROUNDS[inside][-1])


@pytest.mark.parametrize("n_runs", [3, 7, 8, 60])
def test_interval_covers_the_true_slope_as_often_as_it_says(n_runs):
    n, hits = 200, 0
    for seed in range(n):
        found = theory.regret_slope(synthetic([noisy_power(0.5, n_runs, seed)]), "p0", n_resamples=200, level=0.9)
        hits += found.low <= 0.5 <= found.high
    # 4 standard errors of a binomial, and 2 points for the interval being an approximation
    assert abs(hits / n - 0.9) < 4.0 * math.sqrt(0.9 * 0.1 / n) + 0.02


def test_all_policies_by_default_and_each_as_if_alone():
    result = synthetic([noisy_power(0.5, 20, 1), noisy_power(0.9, 20, 2)])
    both = theory.regret_slope(result, n_resamples=50)
    assert list(both) == ["p0", "p1"]
    assert both["p0"] == theory.regret_slope(result, "p0", n_resamples=50)
    assert both["p1"] == theory.regret_slope(result, "p1", n_resamples=50)
    assert theory.regret_slope(result, "p0", n_resamples=50, seed=1) != both["p0"]


def test_blocks_of_resamples_do_not_matter(monkeypatch):
    result = synthetic([noisy_power(0.5, 20, 1)])
    whole = theory.regret_slope(result, "p0", n_resamples=50)
    monkeypatch.setattr(resampling, "COUNTS_A_BLOCK", 140)  # seven resamples at a time
    blocks = theory.regret_slope(result, "p0", n_resamples=50)
    assert dataclasses.astuple(blocks) == pytest.approx(dataclasses.astuple(whole), rel=1e-13)  # sums in another order


def test_one_of_several_environments():
    result = synthetic([noisy_power(0.5, 20, 1)], environments=("a", "b"))
    assert theory.regret_slope(result, "p0", environment="b").slope == pytest.approx(0.5, abs=0.05)
    with pytest.raises(InvalidArgument, match="environment is None"):
        theory.regret_slope(result, "p0")


def test_slope_of_a_simulation():
    import banditlab as bl

    result = bl.run(
        arms.Bernoulli([0.2, 0.8]), [arms.Uniform(), arms.UCB1()], horizon=4000, n_runs=50, seed=0, n_jobs=1
    )
    found = theory.regret_slope(result, first=100)
    assert found["Uniform"].low < 1.0 < found["Uniform"].high
    assert found["UCB1"].high < 0.6


ZERO_FIRST = np.tile(np.arange(3.0), (4, 1))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"policy": "p9"}, InvalidArgument, "policy is 'p9'; allowed: one of ['p0']"),
        ({"metric": "reward"}, InvalidArgument, "metric is 'reward'"),
        ({"first": 0}, InvalidArgument, "first is 0"),
        ({"first": 2.5}, InvalidArgument, "first is 2.5"),
        ({"last": "10"}, InvalidType, "last is '10'"),
        ({"first": 20_000}, InvalidArgument, "0 checkpoints"),
        ({"first": 10_000}, InvalidArgument, "1 checkpoint "),
        ({"first": 100, "last": 10}, InvalidArgument, "first is 100 and last is 10"),
        ({"n_resamples": 1}, InvalidArgument, "n_resamples is 1"),
        ({"level": 1.0}, InvalidArgument, "level is 1.0"),
        ({"seed": -1}, InvalidArgument, "seed is -1"),
        ({"environment": "x"}, InvalidArgument, "environment is 'x'"),
    ],
)
def test_bad_arguments_of_regret_slope(arguments, error, words):
    result = synthetic([noisy_power(0.5, 4, 1)])
    with pytest.raises(error) as caught:
        theory.regret_slope(result, **arguments)
    assert words in str(caught.value)
    assert "allowed: " in str(caught.value)


def test_data_without_a_slope():
    with pytest.raises(InvalidArgument, match=r"results\.n_runs is 1; allowed: at least 2 runs"):
        theory.regret_slope(synthetic([noisy_power(0.5, 1, 1)]))
    rounds = np.array([1, 10, 100])
    with pytest.raises(InvalidArgument, match="the mean regret of p0 at round 1 is 0; allowed: a positive number"):
        theory.regret_slope(synthetic([ZERO_FIRST], rounds))
    assert theory.regret_slope(synthetic([ZERO_FIRST], rounds), "p0", first=2).n_checkpoints == 2
    rare = np.tile([1.0, 2.0, 3.0], (8, 1))
    rare[1:, 0] = 0.0  # a resample without run 0 has no regret at round 1
    with pytest.raises(InvalidArgument, match="resampled mean regret of p0 at round 1 is 0"):
        theory.regret_slope(synthetic([rare], rounds))
    with pytest.raises(InvalidType, match="results is 3; allowed"):
        theory.regret_slope(3)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-12])
def test_lower_bound_constants_keep_their_digits_at_small_gaps(gap):
    # kl is to first order gap^2 / (2 variance), so that the constant is 2 variance / gap
    for environment, variance in (
        (arms.Bernoulli([0.3, 0.3 + gap]), 0.21),
        (arms.Poisson([2.0, 2.0 + gap]), 2.0),
        (arms.Gaussian([1.0, 1.0 + gap], std=3.0), 9.0),
        (arms.Exponential([2.0, 2.0 + gap]), 4.0),
    ):
        real_gap = float(environment.gaps[0])
        assert environment.lower_bound_constant() == pytest.approx(2 * variance / real_gap, rel=3 * gap + 1e-6)
