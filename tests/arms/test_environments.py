"""Every environment against the distributions it says it has, its regret against hand computation, and bad input."""

import math

import numba
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms
from banditlab.arms.generics import gap, reward
from banditlab.core import sampling
from banditlab.core.components import Problem, describe
from banditlab.core.errors import InvalidArgument, InvalidType

N = 4_000 if numba.config.DISABLE_JIT else 100_000
ALARM = 1e-5  # with fixed seeds these p-values never change; a wrong distribution gives far smaller ones


@pytest.fixture(autouse=True)
def _silent():
    with np.errstate(all="ignore"):
        yield


@numba.njit(error_model="numpy")
def _rewards(environment, arm, u, out):
    for i in range(u.shape[0]):
        out[i] = reward(environment, arm, u[i], 1)


@numba.njit(error_model="numpy")
def _uniforms(rng, out):
    for i in range(out.shape[0]):
        out[i] = sampling.open_uniform(rng, 0)


def uniforms(n=N, seed=0):
    out = np.empty(n)
    _uniforms(sampling.seeded(seed, sampling.ENVIRONMENT_STREAM, 0, 1), out)
    return out


def parameters(env):
    return env.params(Problem(env.n_arms, 1000))


def rewards(env, arm, u):
    out = np.empty(len(u))
    _rewards(parameters(env), arm, u, out)
    return out


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
    try:
        env = arms.FromScipy([distribution])
        x = rewards(env, 0, u)
    except InvalidArgument:
        return  # refusing what cannot be sampled exactly is as good
    assert (x == np.select([u < 0.5, u < 0.75], [0.0, 0.3], 2.0)).all()
    assert not env.support.binary


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


@pytest.mark.parametrize("env", CONTINUOUS + DISCRETE, ids=lambda env: env.label[:60])
def test_gaps_are_what_the_kernel_charges(env):
    expected = max(env.means) - np.asarray(env.means)
    assert (env.gaps == expected).all()
    assert [gap(parameters(env), arm, 1) for arm in range(env.n_arms)] == expected.tolist()
    assert env.gaps.min() == 0.0


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


# --------------------------------------------------------------------------------------- nonstationary


def test_adversarial_regret_against_the_best_arm_in_hindsight():
    losses = np.random.default_rng(0).random((300, 4))
    losses[:150, 1] *= 0.5
    losses[150:, 2] *= 0.1  # the best arm in hindsight changes
    env = arms.Adversarial(losses)
    result = bl.run(
        env,
        [arms.EXP3(), arms.UCB1(), arms.RoundRobin()],
        horizon=300,
        n_runs=5,
        seed=0,
        checkpoints=list(range(1, 301)),
        metrics=("regret", "reward"),
        n_jobs=1,
    )
    played = np.arange(1, 301) - result.values("reward")  # cumulative losses
    best = np.array([losses[:t].sum(axis=0).min() for t in range(1, 301)])
    assert result.values() == pytest.approx(played - best, abs=1e-10)
    by_hand = np.cumsum(losses[np.arange(300), np.arange(300) % 4]) - best
    assert result.values()[2] == pytest.approx(np.tile(by_hand, (5, 1)), abs=1e-10)


def test_adversarial_rewards_are_one_less_the_losses():
    env = arms.Adversarial([[0.0, 1.0], [0.25, 0.5]])
    params = parameters(env)
    assert [[reward(params, arm, 0.5, t) for arm in range(2)] for t in (1, 2)] == [[1.0, 0.0], [0.75, 0.5]]


def test_adversarial_table_must_reach_the_horizon():
    with pytest.raises(InvalidArgument, match="horizon is 3; allowed: at most 2"):
        bl.run(arms.Adversarial([[0.0, 1.0], [1.0, 0.0]]), arms.EXP3(), horizon=3, n_runs=1)


def test_piecewise_regret_by_hand():
    parts = [arms.Bernoulli([0.1, 0.9]), arms.Gaussian([2.0, 0.5]), arms.Bernoulli([0.3, 0.2])]
    env = arms.PiecewiseStationary(parts, change_points=[4, 7])
    result = bl.run(env, arms.RoundRobin(), horizon=10, n_runs=3, seed=0, checkpoints=list(range(1, 11)), n_jobs=1)
    # round:   1    2    3  |  4    5    6  |  7    8    9    10; arms 0, 1, 0, 1, ...
    charged = [0.8, 0.0, 0.8, 1.5, 0.0, 1.5, 0.0, 0.1, 0.0, 0.1]
    assert result.values()[0] == pytest.approx(np.tile(np.cumsum(charged), (3, 1)), abs=1e-12)


def test_equal_segments_are_a_stationary_environment():
    part = arms.Bernoulli([0.4, 0.6])
    env = arms.PiecewiseStationary([part, part, part], change_points=[2, 350])
    policies = [arms.UCB1(), arms.ThompsonSampling()]
    settings = {"horizon": 600, "n_runs": 20, "seed": 5, "metrics": ("regret", "reward", "pulls"), "n_jobs": 1}
    pieces, whole = bl.run(env, policies, **settings), bl.run(part, policies, **settings)
    for metric in whole.metrics:
        assert (pieces.values(metric) == whole.values(metric)).all()


def test_segments_beyond_the_horizon_are_left_out():
    parts = [arms.Bernoulli([0.1, 0.9]), arms.Bernoulli([0.9, 0.1]), arms.Bernoulli([0.5, 0.5])]
    env = arms.PiecewiseStationary(parts, change_points=[11, 21])
    assert env.segments(10) == [(1, 10, parts[0])]
    assert env.segments(11) == [(1, 10, parts[0]), (11, 11, parts[1])]
    assert env.segments(100) == [(1, 10, parts[0]), (11, 20, parts[1]), (21, 100, parts[2])]


# --------------------------------------------------------------------------------------------- from logs


def test_empirical_from_counts():
    env = arms.Empirical.from_counts(impressions=[100, 200, 1], clicks=[5, 20, 1])
    assert env.means.tolist() == [0.05, 0.1, 1.0]
    assert env.support.binary
    u = some_uniforms()
    assert (rewards(env, 0, u) == (u >= 0.95)).all()


def test_empirical_from_dataframe_sorts_arms_by_name():
    frame = pd.DataFrame({"banner": ["b", "a", "b", "c"], "value": [1, 5, 3, 0], "other": ["x", None, "y", "z"]})
    env = arms.Empirical.from_dataframe(frame, arm="banner", reward="value")
    assert env.means.tolist() == [5.0, 2.0, 0.0]


def test_empirical_from_rewards_counts_repeats():
    env = arms.Empirical.from_rewards([[1.0, 1.0, 0.0], [2.0]])
    assert env.values.tolist() == [[0.0, 1.0], [2.0, 2.0]]
    assert env.counts.tolist() == [[1.0, 2.0], [1.0, 0.0]]


FRAME = pd.DataFrame({"arm": ["a", "b"], "reward": [0.5, 1.0]})


# ---------------------------------------------------------------------------------------------- bad input


BAD = [
    (lambda: arms.Bernoulli([0.2, 1.5]), "Bernoulli.means[1] is 1.5", "numbers in [0, 1]"),
    (lambda: arms.Bernoulli([-0.1]), "Bernoulli.means[0] is -0.1", "numbers in [0, 1]"),
    (lambda: arms.Bernoulli([0.1, math.nan]), "Bernoulli.means[1] is nan", "numbers in [0, 1]"),
    (lambda: arms.Bernoulli([]), "Bernoulli.means is []", "at least 1"),
    (lambda: arms.Bernoulli(0.5), "Bernoulli.means is 0.5", "a flat sequence"),
    (lambda: arms.Bernoulli([[0.1, 0.2]]), "Bernoulli.means is [[0.1, 0.2]]", "a flat sequence"),
    (lambda: arms.Bernoulli([[0.1], [0.2, 0.3]]), "Bernoulli.means is [[0.1], [0.2, 0.3]]", "different lengths"),
    (lambda: arms.Bernoulli("0.5"), "Bernoulli.means is '0.5'", "a flat sequence"),
    (lambda: arms.Bernoulli(["a", "b"]), "Bernoulli.means is ['a', 'b']", "a flat sequence of numbers"),
    (lambda: arms.Bernoulli([True, False]), "Bernoulli.means is [True, False]", "a flat sequence"),
    (lambda: arms.Bernoulli([None]), "Bernoulli.means is [None]", "a flat sequence"),
    (lambda: arms.Bernoulli({"a": 0.5}), "Bernoulli.means is {'a': 0.5}", "a flat sequence"),
    (lambda: arms.Bernoulli([0.1 + 0j]), "Bernoulli.means is [(0.1+0j)]", "a flat sequence"),
    (lambda: arms.Gaussian([0.0, math.inf]), "Gaussian.means[1] is inf", "finite numbers"),
    (lambda: arms.Gaussian([0.0], std=0.0), "Gaussian.std is 0.0", "a number in (0, inf)"),
    (lambda: arms.Gaussian([0.0], std=math.nan), "Gaussian.std is nan", "a finite number"),
    (lambda: arms.Gaussian([0.0], std="1"), "Gaussian.std is '1'", "a real number"),
    (lambda: arms.Gaussian([0.0], std=[-1.0]), "Gaussian.std[0] is -1.0", "numbers in (0, inf)"),
    (lambda: arms.Gaussian([0.0], std=[1.0, 2.0]), "means has 1, std has 2", "one entry an arm"),
    (lambda: arms.Beta([1.0, 0.0], [1.0, 1.0]), "Beta.a[1] is 0.0", "numbers in [1e-300, inf)"),
    (lambda: arms.Beta([1.0], [-2.0]), "Beta.b[0] is -2.0", "numbers in [1e-300, inf)"),
    (lambda: arms.Beta([1.0, 1.0], [1.0]), "a has 2, b has 1", "one entry an arm"),
    (lambda: arms.Exponential([0.0]), "Exponential.means[0] is 0.0", "numbers in (0, inf)"),
    (lambda: arms.Exponential([math.nan]), "Exponential.means[0] is nan", "numbers in (0, inf)"),
    (lambda: arms.Poisson([1.0, -1.0]), "Poisson.means[1] is -1.0", "numbers in [0, 1e+09]"),
    (lambda: arms.Poisson([1e10]), "Poisson.means[0] is 10000000000.0", "numbers in [0, 1e+09]"),
    (lambda: arms.TruncatedGaussian([0.5], std=-1.0), "TruncatedGaussian.std is -1.0", "a number in (0, inf)"),
    (lambda: arms.TruncatedGaussian([0.5], low=1.0, high=1.0), "TruncatedGaussian.high is 1", "above low, which is 1"),
    (lambda: arms.TruncatedGaussian([0.5], high=math.inf), "TruncatedGaussian.high is inf", "a finite number"),
    (lambda: arms.TruncatedGaussian([0.5, 9.0], std=0.1), "TruncatedGaussian.locations[1] is 9", "within 30 standard"),
    (lambda: arms.TruncatedGaussianMixture([[0.5]], [[0.5]], [[1.0]]), "weights[0] sums to 0.5", "1, within 1e-9"),
    (lambda: arms.TruncatedGaussianMixture([[1.0]], [[0.5]], [[0.0]]), "stds[0][0] is 0.0", "numbers in (0, inf)"),
    (
        lambda: arms.TruncatedGaussianMixture([[0.5, 0.5]], [[0.5, 0.5]], [[1.0]]),
        "TruncatedGaussianMixture.stds has shape (1, 1)",
        "that of weights, (1, 2)",
    ),
    (
        lambda: arms.TruncatedGaussianMixture([[0.5, 0.5]], [[0.5, 9.0]], [[1.0, 0.1]]),
        "TruncatedGaussianMixture.locations[0][1] is 9",
        "within 30 standard",
    ),
    (
        lambda: arms.TruncatedGaussianMixture([[0.5, 0.5]], [[0.5, 0.5]], [[1.0, 1e-13]]),
        "TruncatedGaussianMixture.stds[0][1] is 1e-13",
        "between 1e-12 and 1e12",
    ),
    (lambda: arms.TruncatedGaussianMixture([[1.0]], [[0.5]], [[1.0]], low=2.0), "high is 1", "above low, which is 2"),
    (lambda: arms.TruncatedGaussianMixture.random(n_modes=0), "n_modes is 0", "an integer of at least 1"),
    (lambda: arms.Categorical([], [[]]), "Categorical.values is []", "at least 1"),
    (lambda: arms.Categorical([0, 1], [[0.5, 0.6]]), "Categorical.probabilities[0] sums to 1.1", "1, within 1e-9"),
    (lambda: arms.Categorical([0, 1], [[1.5, -0.5]]), "Categorical.probabilities[0][0] is 1.5", "numbers in [0, 1]"),
    (lambda: arms.Categorical([0, 1], [[1.0]]), "Categorical.probabilities has 1 columns", "2, one for each of values"),
    (lambda: arms.Categorical([0, 1], [0.5, 0.5]), "Categorical.probabilities is [0.5, 0.5]", "a matrix"),
    (lambda: arms.Categorical([0, 1], [[0.5, 0.5], [1]]), "Categorical.probabilities is", "different lengths"),
    (lambda: arms.Categorical([0, math.nan], [[0.5, 0.5]]), "Categorical.values[1] is nan", "finite numbers"),
    (lambda: arms.Empirical([[1.0, 2.0]], [[1.0]]), "Empirical.counts has shape (1, 1)", "that of values, (1, 2)"),
    (lambda: arms.Empirical([[1.0], [2.0]], [[1.0], [0.0]]), "Empirical.counts[1] is all zeros", "at least one reward"),
    (lambda: arms.Empirical([[1.0]], [[-1.0]]), "Empirical.counts[0][0] is -1.0", "numbers in [0, inf)"),
    (lambda: arms.Empirical.from_rewards([]), "rewards is []", "at least one arm"),
    (lambda: arms.Empirical.from_rewards([[1.0], []]), "rewards[1] is []", "at least 1"),
    (lambda: arms.Empirical.from_rewards([[1.0], [math.nan]]), "rewards[1][0] is nan", "finite numbers"),
    (lambda: arms.Empirical.from_rewards([["a"]]), "rewards[0] is ['a']", "a flat sequence"),
    (lambda: arms.Empirical.from_counts([10, 10], [5]), "impressions has 2, clicks has 1", "one entry an arm"),
    (lambda: arms.Empirical.from_counts([10], [11]), "clicks[0] is 11", "from 0 to its impressions, 10"),
    (lambda: arms.Empirical.from_counts([0], [0]), "impressions[0] is 0.0", "numbers in [1, inf)"),
    (lambda: arms.Empirical.from_counts([10.5], [1]), "impressions[0] is 10.5", "a whole number"),
    (lambda: arms.Empirical.from_counts([10], [0.5]), "clicks[0] is 0.5", "a whole number"),
    (lambda: arms.Empirical.from_dataframe(FRAME, arm="x"), "arm is 'x'", "['arm', 'reward']"),
    (lambda: arms.Empirical.from_dataframe(FRAME, reward="x"), "reward is 'x'", "['arm', 'reward']"),
    (lambda: arms.Empirical.from_dataframe(FRAME[:0]), "frame has no rows", "at least one logged reward"),
    (lambda: arms.Empirical.from_dataframe(FRAME.assign(reward=[0.5, None])), "missing value in row 1", "none"),
    (lambda: arms.Empirical.from_dataframe(FRAME.assign(arm=["a", None])), "missing value in row 1", "none"),
    (lambda: arms.Empirical.from_dataframe(FRAME.assign(reward=["x", "y"])), "rewards[0] is", "a flat sequence"),
    (lambda: arms.Empirical.from_dataframe([1, 2]), "arm is 'arm'", "a column of the DataFrame"),
    (lambda: arms.FromScipy([]), "FromScipy.distributions is []", "at least one frozen"),
    (lambda: arms.FromScipy(stats.norm()), "FromScipy.distributions is", "a list of frozen"),
    (lambda: arms.FromScipy([stats.norm]), "FromScipy.distributions[0] is", "a frozen scipy.stats distribution"),
    (lambda: arms.FromScipy([0.5]), "FromScipy.distributions[0] is 0.5", "a frozen scipy.stats distribution"),
    (lambda: arms.FromScipy([stats.norm(), stats.cauchy()]), "FromScipy.distributions[1].mean()", "a finite mean"),
    (lambda: arms.Adversarial([]), "Adversarial.losses is []", "a matrix"),
    (lambda: arms.Adversarial([[0.5, 1.5]]), "Adversarial.losses[0][1] is 1.5", "numbers in [0, 1]"),
    (lambda: arms.Adversarial([[0.5], [0.1, 0.2]]), "Adversarial.losses is", "different lengths"),
    (lambda: arms.Adversarial([0.5, 0.5]), "Adversarial.losses is [0.5, 0.5]", "a matrix"),
    (lambda: arms.PiecewiseStationary([], []), "PiecewiseStationary.environments is []", "at least one environment"),
    (lambda: arms.PiecewiseStationary(arms.Bernoulli([0.5]), []), "PiecewiseStationary.environments is", "a list"),
    (lambda: arms.PiecewiseStationary([arms.UCB1()], []), "environments[0] is UCB1()", "an environment"),
    (lambda: arms.PiecewiseStationary([arms.Adversarial([[0.5]])], []), "environments[0] is", "a stationary"),
    (
        lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5]), arms.Bernoulli([0.5, 0.6])], [5]),
        "environments[1] has 2 arms",
        "1, as PiecewiseStationary.environments[0]",
    ),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])], [5]), "change_points has 1 entries", "0, one fewer"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 2, [1]), "change_points[0] is 1", "at least 2"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 3, [9, 9]), "change_points[1] is 9", "above"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 2, 9), "change_points is 9", "a list of rounds"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 2, [2.5]), "change_points[0] is 2.5", "an integer"),
]


@pytest.mark.parametrize(("make", "found", "allowed"), BAD, ids=[found for _, found, _ in BAD])
def test_bad_input_is_refused_at_construction(make, found, allowed):
    with pytest.raises((InvalidArgument, InvalidType)) as caught:
        make()
    message = str(caught.value)
    assert found in message
    assert allowed in message.split("allowed: ", 1)[1]


def test_a_discrete_distribution_of_too_many_values_is_refused_before_play():
    with pytest.raises(InvalidArgument, match="allowed: a discrete distribution with at most"):
        parameters(arms.FromScipy([stats.randint(0, 10**8)]))


# ----------------------------------------------------------------------------------------------- samples


@arms.environment
class Dice(arms.Stationary):
    """As many eyes as a die with so many sides shows."""

    sides: object = bl.field(doc="sides of each arm's die")

    @property
    def means(self):
        return (self.sides + 1.0) / 2.0

    def reward(self, arm, u, t):
        return 1.0 + int(u * self.sides[arm])


@arms.policy
class Always:
    """Plays one arm."""

    arm: int = 0

    def select(self, state, lane, t, rng):
        return self.arm

    def update(self, state, arm, lane, reward, t):
        pass


@pytest.mark.parametrize("env", [arms.Beta([2.0, 0.5], [3.0, 0.5]), Dice([6, 20])], ids=["beta", "dice"])
@pytest.mark.parametrize("arm", [0, 1])
def test_samples_are_the_rewards_of_a_run(env, arm):
    n = 200
    result = bl.run(env, Always(arm), horizon=n, n_runs=1, seed=5, metrics="reward", checkpoints=list(range(1, n + 1)))
    sample = env.sample(arm, n, seed=5)
    assert sample.dtype == np.float64
    np.testing.assert_array_equal(np.cumsum(sample), result.values()[0, 0])
    np.testing.assert_array_equal(env.sample(arm, 50, seed=5), sample[:50])
    assert (env.sample(arm, n, seed=6) != sample).any()


def test_samples_have_the_law_of_the_arm():
    env, n = Dice([6, 20]), 60_000
    counts = np.bincount(env.sample(0, n, seed=1).astype(int), minlength=7)[1:]
    assert counts.sum() == n
    assert (abs(counts - n / 6) < 4.0 * math.sqrt(n * 5 / 36)).all()
    continuous = arms.TruncatedGaussian([0.5, 0.0], std=0.8)
    assert stats.kstest(continuous.sample(1, N), continuous.distribution(1).cdf).pvalue > ALARM


def test_samples_are_the_same_in_every_process():
    assert arms.Bernoulli([0.1, 0.9]).sample(0, 12, seed=2).tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    assert arms.Gaussian([1.0, 2.0]).sample(1, 2, seed=2**64 - 1).tolist() == [2.4354879469263904, 0.8940817215858825]


def test_samples_that_cannot_be():
    env = arms.Bernoulli([0.1, 0.9])
    for bad, told in (
        ({"arm": 2, "n": 5}, r"arm is 2; allowed: an integer from 0 to 1"),
        ({"arm": 0, "n": 0}, r"n is 0; allowed: an integer of at least 1"),
        ({"arm": 0, "n": 5, "seed": -1}, r"seed is -1; allowed: an integer from 0 to"),
    ):
        with pytest.raises(InvalidArgument, match=told):
            env.sample(**bad)


# --------------------------------------------------------------------------------------- names of scipy's


def test_distributions_of_scipy_have_a_name_that_does_not_change():
    env = arms.FromScipy([stats.norm(0, 1), stats.lognorm(s=0.5, loc=1.25)])
    assert repr(env) == "FromScipy([norm(0, 1), lognorm(s=0.5, loc=1.25)])"
    assert hash(env) == hash(arms.FromScipy([stats.norm(0, 1), stats.lognorm(s=0.5, loc=1.25)]))
    assert describe(env)["distributions"] == ["norm(0, 1)", "lognorm(s=0.5, loc=1.25)"]
