"""Every environment against the distributions it says it has, its regret against hand computation, and bad input."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms
from banditlab.arms.generics import gap
from banditlab.core import sampling
from banditlab.core.components import describe

from .rewards import ALARM, N, parameters, rewards, uniforms

pytestmark = pytest.mark.usefixtures("silent")


CONTINUOUS = [
    arms.Gaussian([0.0, -3.0, 5.0], std=[1.0, 0.1, 20.0]),
    arms.Beta([1.0, 0.5, 3.0, 40.0], [1.0, 0.5, 1.0, 300.0]),
    arms.Exponential([1.0, 0.01, 300.0]),
    arms.TruncatedGaussian([0.5, 0.0, 3.0, -4.0], std=0.8),
    arms.TruncatedGaussian([0.0, 29.0], std=1.0, low=-1.0, high=2.5),
    arms.FromScipy([stats.lognorm(0.5), stats.t(5), stats.uniform(-1, 2), stats.gamma(0.3)]),
    arms.TruncatedGaussianMixture(
        [[0.2, 0.8, 0.0], [0.5, 0.25, 0.25]], [[0.1, 0.9, 0.5], [0.9, -1.0, 3.0]], [[0.05, 0.3, 0.1], [0.1, 0.5, 50.0]]
    ),
    arms.TruncatedGaussianMixture([[1.0], [1.0]], [[-4.0], [0.0]], [[2.0], [1.0]], low=-3.0, high=2.0),
]
DISCRETE = [
    arms.Bernoulli([0.0, 0.003, 0.5, 1.0]),
    arms.Poisson([0.0, 0.2, 3.5, 1000.0]),
    arms.Categorical([5.0, -1.0, 0.5], [[0.2, 0.5, 0.3], [0.0, 0.0, 1.0], [1e-4, 0.0, 1 - 1e-4]]),
    arms.Empirical.from_rewards([[0.5, 0.5, 2.0, -1.0], [3.0], [0.0, 1.0]]),
    arms.FromScipy([stats.binom(10, 0.2), stats.geom(0.3), stats.nbinom(3, 0.01), stats.randint(-2, 5)]),
]


def cases(environments):
    return [pytest.param(env, arm, id=f"{env.label[:60]}-{arm}") for env in environments for arm in range(env.n_arms)]


# ------------------------------------------------------------------------------------------ distributions


@pytest.mark.parametrize(("env", "arm"), cases(CONTINUOUS + DISCRETE))
def test_moments(env, arm):
    x, distribution = rewards(env, arm, uniforms()), env.distribution(arm)
    mean, variance, kurtosis = (float(v) for v in distribution.stats(moments="mvk"))
    assert env.means[arm] == pytest.approx(mean, rel=1e-9, abs=1e-12)
    assert abs(x.mean() - mean) <= 4.0 * math.sqrt(variance / N) + 1e-12
    if variance > 0.0:
        error = variance * math.sqrt((kurtosis + 2.0) / N)  # of the sample variance about the true mean
        assert abs(x.var() - variance) <= 4.0 * error + 16.0 * variance / N


@pytest.mark.parametrize(("env", "arm"), cases(CONTINUOUS))
def test_continuous_rewards_fit(env, arm):
    x = rewards(env, arm, uniforms(seed=1))
    assert stats.kstest(x, env.distribution(arm).cdf).pvalue > ALARM
    assert x.min() >= env.support.low
    assert x.max() <= env.support.high


@pytest.mark.parametrize(("env", "arm"), cases(DISCRETE))
def test_discrete_rewards_fit(env, arm):
    x, distribution = rewards(env, arm, uniforms(seed=2)), env.distribution(arm)
    values, counts = np.unique(x, return_counts=True)
    expected = N * distribution.pmf(values)
    assert (expected > 0.0).all()
    common = expected >= 20.0
    wanted = np.append(expected[common], N - expected[common].sum())
    found = np.append(counts[common], N - counts[common].sum())
    if wanted[-1] < 5.0:  # the rest is too rare for chi-square, but is not to be common either
        assert found[-1] <= 25
        wanted, found = wanted[:-1], found[:-1]
    if len(wanted) > 1:
        assert stats.chi2.sf(((found - wanted) ** 2 / wanted).sum(), len(wanted) - 1) > ALARM
    assert x.min() >= env.support.low
    assert x.max() <= env.support.high


@pytest.mark.parametrize("env", CONTINUOUS + DISCRETE, ids=lambda env: env.label[:60])
def test_compiled_rewards_equal_plain_ones_bit_for_bit(env):
    u, params, kernel = uniforms(60), parameters(env), type(env).reward
    for arm in range(env.n_arms):
        plain = np.array([kernel(params, arm, v, 1) for v in u.tolist()])
        assert (rewards(env, arm, u) == plain).all()


# ------------------------------------------------------------------------------- coupling by the quantile


EDGES = np.array([2.0**-53, 1e-15, 1e-9, 0.5 - 2.0**-53, 0.5 + 2.0**-53, 1.0 - 1e-9, 1.0 - 2.0**-53])


def some_uniforms(n=3000):
    return np.concatenate([uniforms(n, seed=3), EDGES])


def test_bernoulli_is_one_exactly_below_its_mean():
    env, u = arms.Bernoulli([0.0, 0.3, 0.5, 1.0]), some_uniforms()
    for arm, mean in enumerate(env.means):
        assert (rewards(env, arm, u) == (u < mean)).all()
    below = np.nextafter(0.3, 0.0)
    assert rewards(env, 1, np.array([below, 0.3])).tolist() == [1.0, 0.0]


def test_bernoulli_arms_are_ordered_on_the_same_luck():
    env, u = arms.Bernoulli([0.2, 0.7]), some_uniforms()
    assert (rewards(env, 0, u) <= rewards(env, 1, u)).all()


def test_gaussian_is_the_quantile():
    env, u = arms.Gaussian([0.0, 10.0], std=[1.0, 2.0]), some_uniforms()
    for arm in range(2):
        expected = env.distribution(arm).ppf(u)
        assert rewards(env, arm, u) == pytest.approx(expected, rel=4e-15, abs=4e-15)


def test_exponential_is_the_quantile():
    env, u = arms.Exponential([1.0, 40.0]), some_uniforms()
    for arm in range(2):
        assert rewards(env, arm, u) == pytest.approx(env.distribution(arm).ppf(u), rel=1e-15)


def test_truncated_gaussian_is_the_quantile():
    env, u = arms.TruncatedGaussian([0.5, -1.0, 2.0], std=0.3), some_uniforms()
    for arm in range(3):
        x = rewards(env, arm, u)
        assert x == pytest.approx(env.distribution(arm).ppf(u), rel=1e-9, abs=1e-12)


def test_truncated_gaussian_mixture_is_a_mode_and_its_quantile():
    weights, locations = [[0.2, 0.0, 0.8, 0.0], [0.25, 0.25, 0.25, 0.25]], [[0.1, 0.5, 2.0, 0.3], [0.9, -1.0, 0.5, 0.5]]
    stds = [[0.05, 0.1, 0.3, 0.2], [0.1, 0.5, 2.0, 0.001]]
    env, u = arms.TruncatedGaussianMixture(weights, locations, stds), uniforms(400, seed=6)
    for arm in range(2):
        expected = []
        for v in u.tolist():
            bits = sampling.key(v)
            first, second = sampling.expanded(bits, 0), sampling.expanded(bits, 1)
            mode = next(j for j in range(4) if first < sum(weights[arm][: j + 1]))
            m, s = locations[arm][mode], stds[arm][mode]
            expected.append(stats.truncnorm.ppf(second, -m / s, (1.0 - m) / s, m, s))
        assert rewards(env, arm, u) == pytest.approx(np.array(expected), rel=1e-9, abs=1e-11)


def test_truncated_gaussian_mixtures_of_one_mode_are_truncated_gaussians():
    mixture = arms.TruncatedGaussianMixture([[1.0], [1.0]], [[0.3], [1.2]], [[0.2], [0.2]])
    one = arms.TruncatedGaussian([0.3, 1.2], std=0.2)
    assert mixture.means == pytest.approx(one.means, rel=1e-14)
    assert mixture.variance(1) == pytest.approx(one.variance(1), rel=1e-12)


def test_modes_without_weight_are_never_drawn():
    env = arms.TruncatedGaussianMixture([[0.0, 1.0 - 1e-10, 0.0]], [[0.1, 0.5, 0.9]], [[0.01, 0.01, 0.01]])
    assert np.abs(rewards(env, 0, some_uniforms()) - 0.5).max() < 0.2


def test_random_mixtures_are_drawn_as_they_say():
    env = arms.TruncatedGaussianMixture.random(n_arms=200, n_modes=10, seed=3)
    assert env == arms.TruncatedGaussianMixture.random(n_arms=200, n_modes=10, seed=3)
    assert env != arms.TruncatedGaussianMixture.random(n_arms=200, n_modes=10, seed=4)
    for x, low, high in ((env.locations, 0.25, 1.0), (env.stds, 0.0, 0.1)):
        assert stats.kstest(x.ravel(), stats.uniform(low, high - low).cdf).pvalue > 1e-4
    assert stats.kstest(env.weights[:, 0], stats.beta(1, 9).cdf).pvalue > 1e-4  # a coordinate of the uniform simplex
    assert (env.n_arms, str(env.support)) == (200, "in [0, 1]")


@pytest.mark.parametrize("mean", [0.0, 1e-12, 0.1, 3.5, 40.0, 1e4])
def test_poisson_is_the_exact_quantile(mean):
    env, u, distribution = arms.Poisson([mean, 17.0]), some_uniforms(), stats.poisson(mean)
    found, expected = rewards(env, 0, u), distribution.ppf(u)
    # in the last cell of numbers below 1 a distribution function in doubles is 1 or the number itself
    decided = np.abs(distribution.cdf(np.minimum(found, expected)) - u) > 2.0**-52
    assert (found == expected)[decided | (u < 1.0 - 1e-15)].all()
    assert distribution.sf(found - 1.0).min() > 2.0**-60


def test_categorical_is_the_exact_quantile():
    env, u = arms.Categorical([5.0, -1.0, 0.5], [[0.25, 0.5, 0.25], [0.5, 0.5, 0.0]]), some_uniforms()
    assert (rewards(env, 0, u) == np.select([u < 0.5, u < 0.75], [-1.0, 0.5], 5.0)).all()
    assert (rewards(env, 1, u) == np.where(u < 0.5, -1.0, 5.0)).all()


def test_categorical_values_without_probability_are_never_given():
    env = arms.Categorical([0.0, 1.0, 2.0], [[0.0, 1.0 - 1e-10, 0.0], [1.0, 0.0, 0.0]])  # rounding: a sum below 1
    assert (rewards(env, 0, some_uniforms()) == 1.0).all()
    assert (rewards(env, 1, some_uniforms()) == 0.0).all()


def test_empirical_is_the_exact_quantile_of_the_log():
    log, u = [3.0, -1.0, 3.0, 0.5], some_uniforms()
    env = arms.Empirical.from_rewards([log, [7.0]])
    assert (rewards(env, 0, u) == np.sort(log)[np.floor(4 * u).astype(int)]).all()
    assert (rewards(env, 1, u) == 7.0).all()


def test_empirical_values_in_any_order_give_the_quantile():
    shuffled, ordered = arms.Empirical([[2.0, 0.0, 1.0]], [[1, 2, 1]]), arms.Empirical([[0.0, 1.0, 2.0]], [[2, 1, 1]])
    u = some_uniforms()
    assert (rewards(shuffled, 0, u) == rewards(ordered, 0, u)).all()


@pytest.mark.parametrize("distribution", [stats.binom(10, 0.2), stats.nbinom(3, 0.01), stats.randint(-2, 5)])
def test_discrete_scipy_distributions_are_exact(distribution):
    u = uniforms(5000, seed=4)
    assert (rewards(arms.FromScipy([distribution]), 0, u) == distribution.ppf(u)).all()


def test_discrete_scipy_distributions_of_any_values_are_exact():
    distribution = stats.rv_discrete(values=([0.0, 0.3, 2.0], [0.5, 0.25, 0.25]))()
    u = uniforms(1000, seed=4)
    env = arms.FromScipy([distribution])
    x = rewards(env, 0, u)
    assert (x == np.select([u < 0.5, u < 0.75], [0.0, 0.3], 2.0)).all()
    assert not env.support.binary


@pytest.mark.parametrize("loc", [0.1, 0.3, -0.7, 100.1, 1e6 + 0.1])
@pytest.mark.parametrize(
    "law",
    [stats.geom(0.2), stats.binom(10, 0.2), stats.randint(0, 5), stats.rv_discrete(values=([0.5, 1.7], [0.2, 0.8]))()],
    ids=lambda d: type(d.dist).__name__,
)
def test_discrete_scipy_distributions_may_be_shifted(law, loc):
    # at values + loc scipy's cdf takes loc away again, and what rounding leaves can lie below the value
    shifted = law.dist(*law.args, **law.kwds, loc=loc)
    env, plain = arms.FromScipy([shifted]), arms.FromScipy([law])
    u = uniforms(2000, seed=4)
    assert rewards(env, 0, u) == pytest.approx(rewards(plain, 0, u) + loc, rel=1e-15)
    for tau in (0.05, 0.6, 0.9):
        assert env.cvars(tau)[0] == pytest.approx(plain.cvars(tau)[0] + loc, rel=1e-12)


@pytest.mark.parametrize(
    "distribution",
    [stats.lognorm(1.5), stats.norm(3, 0.1), stats.beta(0.2, 0.3), stats.pareto(2.5), stats.t(2)],
    ids=lambda d: d.dist.name,
)
def test_continuous_scipy_distributions_are_within_one_4096th(distribution):
    env = arms.FromScipy([distribution])
    u = np.concatenate([(np.arange(40_000) + 0.5) / 40_000, uniforms(5000, seed=5), EDGES])
    x = rewards(env, 0, np.sort(u))
    assert (np.diff(x) >= 0.0).all()
    # P(reward <= x(u)) is u: the distance to the true distribution function is the Kolmogorov distance
    assert np.abs(distribution.cdf(x) - np.sort(u)).max() <= 1.0 / 4096
    nodes = np.arange(1, 4096) / 4096.0
    assert rewards(env, 0, nodes) == pytest.approx(distribution.ppf(nodes), rel=1e-9, abs=1e-12)
    tails = 2.0 ** np.arange(-50.0, -12.0)
    assert rewards(env, 0, tails) == pytest.approx(distribution.ppf(tails), rel=1e-9)
    assert rewards(env, 0, 1.0 - tails) == pytest.approx(distribution.isf(tails), rel=1e-9)


# ------------------------------------------------------------------------------------ means, gaps, support


def test_means_by_hand():
    assert arms.Beta([1.0, 3.0], [3.0, 1.0]).means.tolist() == [0.25, 0.75]
    assert arms.Categorical([0.0, 2.0], [[0.5, 0.5], [0.25, 0.75]]).means.tolist() == [1.0, 1.5]
    assert arms.Empirical.from_rewards([[1.0, 2.0, 6.0], [5.0]]).means.tolist() == [3.0, 5.0]
    assert arms.Exponential([2.0]).means.tolist() == [2.0]


@pytest.mark.parametrize(
    "env", [e for e in CONTINUOUS + DISCRETE if hasattr(e, "kinf")], ids=lambda env: env.label[:60]
)
def test_kinf_of_a_mean_that_is_not_above_the_arm_s_is_0(env):
    for arm, mean in enumerate(env.means):
        low = env.support.low if np.isfinite(env.support.low) else mean - 1.0
        assert env.kinf(arm, mean) == pytest.approx(0.0, abs=1e-9)
        assert env.kinf(arm, 0.5 * (low + mean)) == 0.0


def test_a_gap_that_is_rounding_is_no_gap():
    same = arms.Categorical([0.1, 0.2, 0.3], [[0.1, 0.8, 0.1], [0.0, 1.0, 0.0]])
    assert np.ptp(same.means) > 0.0  # or this would test nothing
    assert same.gaps.tolist() == [0.0, 0.0]
    assert same.lower_bound_constant() == 0.0
    result = bl.run(same, arms.RoundRobin(), horizon=10, n_runs=2, seed=0, metrics=["optimal_rate", "regret"])
    assert (result.values("optimal_rate") == 1.0).all()
    assert (result.values("regret") == 0.0).all()
    assert arms.FromScipy([stats.binom(3, 0.1), stats.binom(1, 0.3)]).gaps.max() == 0.0


@pytest.mark.parametrize(
    ("env", "gaps"),
    [
        (arms.Bernoulli([1e-16, 2e-16]), [1e-16, 0.0]),
        (arms.Categorical([0.0, 1.0, 1e16], [[0.5, 0.5, 0.0], [0.1, 0.9, 0.0]]), [0.4, 0.0]),  # 1e16 is never paid
        (arms.FromScipy([stats.truncnorm(-1e16, 1e16), stats.truncnorm(-1e16, 1e16, loc=1)]), [1.0, 0.0]),
        (arms.FromScipy([stats.lognorm(s=9), stats.lognorm(s=9, scale=2)]), [math.exp(40.5), 0.0]),
        (arms.FromScipy([stats.pareto(1.5), stats.pareto(1.6)]), [0.0, 3.0 - 1.6 / 0.6]),  # of infinite variance
        (
            arms.TruncatedGaussianMixture([[0.5, 0.5]] * 2, [[-0.5, 0.5], [-0.5, 0.75]], [[0.1] * 2] * 2, -1e3, 1e3),
            [0.125, 0.0],
        ),
    ],
    ids=["small", "values never paid", "wide", "heavy", "heavy tails", "modes"],
)
def test_gaps_that_are_no_rounding(env, gaps):
    assert env.gaps.tolist() == pytest.approx(gaps, rel=1e-6)


@pytest.mark.parametrize("env", CONTINUOUS + DISCRETE, ids=lambda env: env.label[:60])
def test_gaps_are_what_the_kernel_charges(env):
    expected = max(env.means) - np.asarray(env.means)
    assert (env.gaps == expected).all()
    assert [gap(parameters(env), arm, 1) for arm in range(env.n_arms)] == expected.tolist()
    assert env.gaps.min() == 0.0
    assert env.best_arm == expected.tolist().index(0.0)


@pytest.mark.parametrize(
    ("env", "text"),
    [
        (arms.Bernoulli([0.5]), "0 or 1"),
        (arms.Beta([1.0], [1.0]), "in [0, 1]"),
        (arms.Gaussian([0.0]), "in (-inf, inf)"),
        (arms.Poisson([1.0]), "in [0, inf)"),
        (arms.Categorical([1.0, 0.0], [[0.5, 0.5]]), "0 or 1"),
        (arms.Categorical([1.0, -2.0], [[0.5, 0.5]]), "in [-2, 1]"),
        (arms.Empirical.from_counts([10], [3]), "0 or 1"),
        (arms.Empirical.from_rewards([[0.5, 4.0], [1.0]]), "in [0.5, 4]"),
        (arms.FromScipy([stats.bernoulli(0.3)]), "0 or 1"),
        (arms.FromScipy([stats.uniform(1, 2)]), "in [1, 3]"),
        (arms.TruncatedGaussian([0.0], low=-1.0, high=2.0), "in [-1, 2]"),
        (arms.PiecewiseStationary([arms.Bernoulli([0.5]), arms.Beta([1.0], [1.0])], [5]), "in [0, 1]"),
    ],
)
def test_support(env, text):
    assert str(env.support) == text


# --------------------------------------------------------------------------------------------- from logs


def test_empirical_from_counts():
    env = arms.Empirical.from_counts(impressions=[100, 200, 1], clicks=[5, 20, 1])
    assert env.means.tolist() == [0.05, 0.1, 1.0]
    assert env.support.binary
    u = some_uniforms()
    assert (rewards(env, 0, u) == (u >= 0.95)).all()


def test_clicks_of_a_dataframe_may_be_true_and_false():
    frame = pd.DataFrame({"arm": [0, 1, 1], "reward": [True, False, True]})
    assert arms.Empirical.from_dataframe(frame).means.tolist() == [1.0, 0.5]


def test_empirical_from_dataframe_sorts_arms_by_name():
    frame = pd.DataFrame({"banner": ["b", "a", "b", "c"], "value": [1, 5, 3, 0], "other": ["x", None, "y", "z"]})
    env = arms.Empirical.from_dataframe(frame, arm="banner", reward="value")
    assert env.means.tolist() == [5.0, 2.0, 0.0]


def test_empirical_from_rewards_counts_repeats():
    env = arms.Empirical.from_rewards([[1.0, 1.0, 0.0], [2.0]])
    assert env.values.tolist() == [[0.0, 1.0], [2.0, 2.0]]
    assert env.counts.tolist() == [[1.0, 2.0], [1.0, 0.0]]


# --------------------------------------------------------------------------------------- names of scipy's


def test_distributions_of_scipy_have_a_name_that_does_not_change():
    env = arms.FromScipy([stats.norm(0, 1), stats.lognorm(s=0.5, loc=1.25)])
    assert repr(env) == "FromScipy([norm(0, 1), lognorm(s=0.5, loc=1.25)])"
    assert hash(env) == hash(arms.FromScipy([stats.norm(0, 1), stats.lognorm(s=0.5, loc=1.25)]))
    assert describe(env)["distributions"] == ["norm(0, 1)", "lognorm(s=0.5, loc=1.25)"]


def test_variances_of_tables_are_sums_of_squares():
    log = arms.Empirical.from_rewards([[0.1, 0.1, 0.1], [0.5, 0.5 + 1e-9], [-1e300, 1e300]])
    assert log.variance(0) == pytest.approx(0.0, abs=1e-30)
    assert log.variance(1) == pytest.approx(2.5e-19, rel=1e-6)
    assert log.variance(2) == math.inf
    ratings = arms.Categorical([1e8, 1e8 + 1.0, 1e300], [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    assert [ratings.variance(arm) for arm in range(2)] == [0.25, 0.0]
    assert arms.Categorical([1.0 / 3.0], [[1.0]]).variance(0) == 0.0


def test_negative_zero_is_zero():
    assert arms.Gaussian([-0.0]) == arms.Gaussian([0.0])
    assert hash(arms.Gaussian([-0.0])) == hash(arms.Gaussian([0.0]))


def test_means_of_a_short_interval_are_ordered():
    means = arms.TruncatedGaussian([0.0, 0.2, 1.0], std=1e4).means
    assert means[0] < means[1] < means[2]
    # for a short interval the density is almost flat: the mean moves by (location - centre) (high - low)^2 / (12 std^2)
    np.testing.assert_allclose(means - 0.5, np.array([-0.5, -0.3, 0.5]) / (12 * 1e8), rtol=1e-6)
