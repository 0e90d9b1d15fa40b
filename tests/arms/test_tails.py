"""CVaR of arms: closed forms against quadrature, high precision, simulation and the axioms; the metric made of them."""

import math

import mpmath
import numpy as np
import pytest
from scipy import integrate, stats

import banditlab as bl
from banditlab import arms, cvar, field
from banditlab.arms import tails
from banditlab.core.validation import vector
from banditlab.errors import InvalidArgument

from .rewards import N, rewards, uniforms

TAUS = (1e-9, 0.003, 0.05, 0.3, 0.5, 0.8, 0.999, 1.0)
ENVIRONMENTS = [
    arms.Bernoulli([0.0, 0.003, 0.5, 1.0]),
    arms.Gaussian([0.0, -3.0, 5.0], std=[1.0, 0.1, 20.0]),
    arms.Beta([1.0, 0.5, 3.0, 40.0, 0.05, 2.0], [1.0, 0.5, 1.0, 300.0, 0.05, 0.04]),
    arms.Exponential([1.0, 0.01, 300.0]),
    arms.Poisson([0.0, 0.2, 3.5, 1000.0]),
    arms.TruncatedGaussian([0.5, 0.0, 3.0, -4.0], std=0.8),
    arms.TruncatedGaussian([0.0, 29.0], std=1.0, low=-1.0, high=2.5),
    arms.TruncatedGaussian([0.5, 40.0], std=100.0),
    arms.Categorical([5.0, -1.0, 0.5], [[0.2, 0.5, 0.3], [0.0, 0.0, 1.0], [1e-4, 0.0, 1 - 1e-4]]),
    arms.Empirical.from_rewards([[0.5, 0.5, 2.0, -1.0], [3.0], [0.0, 1.0]]),
]
SCIPY = arms.FromScipy(
    [
        stats.lognorm(0.5), stats.t(5), stats.uniform(-1, 2), stats.gamma(0.3), stats.binom(10, 0.2),
        stats.rv_discrete(values=([0.0, 0.3, 2.0], [0.5, 0.25, 0.25]))(loc=1),
    ]
)  # fmt: skip
MIXTURE = arms.TruncatedGaussianMixture.random(n_arms=3, n_modes=4, seed=2)
ALL = [*ENVIRONMENTS, SCIPY, MIXTURE]


def named(environments):
    return [pytest.param(env, id=env.label[:50]) for env in environments]


def scale_of(env, arm):
    return abs(float(env.means[arm])) + math.sqrt(env.variance(arm))


@pytest.mark.parametrize("tau", TAUS)
@pytest.mark.parametrize("env", named(ENVIRONMENTS))
def test_closed_forms_are_what_quadrature_gives(env, tau):
    closed, numeric = env.cvars(tau), arms.Stationary.cvars(env, tau)
    for arm in range(env.n_arms):
        assert closed[arm] == pytest.approx(numeric[arm], abs=2e-11 * scale_of(env, arm))


@pytest.mark.parametrize("tau", [1e-6, 0.01, 0.3, 0.9])
def test_mixtures_are_what_quadrature_of_the_distribution_function_gives(tau):
    for arm in range(MIXTURE.n_arms):
        distribution = MIXTURE.distribution(arm)
        b = float(distribution.ppf(tau))
        x = np.linspace(0.0, b, 4001)
        shortfall = integrate.simpson(distribution.cdf(x), x=x)
        assert MIXTURE.cvars(tau)[arm] == pytest.approx(b - shortfall / tau, abs=1e-11)


@pytest.mark.parametrize("env", named(ALL))
def test_simulated_rewards_have_it(env):
    """b - E[(b - X)^+] / tau, at the quantile b, is CVaR: an unbiased estimate, with 4 standard errors."""
    u = uniforms(seed=7)
    for arm in range(env.n_arms):
        x = rewards(env, arm, u)
        for tau in (0.05, 0.3, 0.8):
            b = float(env.distribution(arm).ppf(tau))
            sample = b - np.maximum(b - x, 0.0) / tau
            allowed = 4.0 * sample.std() / math.sqrt(N) + 1e-12 * scale_of(env, arm)
            assert abs(sample.mean() - env.cvars(tau)[arm]) <= allowed


@pytest.mark.parametrize("env", named(ALL))
def test_axioms(env):
    levels = np.array([env.cvars(tau) for tau in TAUS])
    assert levels[-1] == pytest.approx(np.asarray(env.means), rel=1e-14)
    assert (np.diff(levels, axis=0) >= -1e-13 * np.abs(levels[1:])).all()
    for arm in range(env.n_arms):
        # between the smallest reward and the quantile
        low, quantiles = env.support.low, env.distribution(arm).ppf(TAUS[:-1])
        assert (levels[:-1, arm] <= quantiles + 1e-13 * scale_of(env, arm)).all()
        assert levels[:, arm].min() >= low


def test_translation_and_scale():
    for tau in (0.01, 0.4, 1.0):
        base = arms.Gaussian([0.0], std=1.0).cvars(tau)[0]
        assert arms.Gaussian([7.0], std=3.0).cvars(tau)[0] == pytest.approx(7.0 + 3.0 * base, rel=1e-14)
        base = arms.Exponential([1.0]).cvars(tau)[0]
        assert arms.Exponential([250.0]).cvars(tau)[0] == pytest.approx(250.0 * base, rel=1e-14)
        base = arms.TruncatedGaussian([0.7], std=0.2).cvars(tau)[0]
        moved = arms.TruncatedGaussian([2.4], std=0.4, low=1.0, high=3.0).cvars(tau)[0]
        assert moved == pytest.approx(1.0 + 2.0 * base, rel=1e-13)
        base = SCIPY.cvars(tau)[0]
        moved = arms.FromScipy([stats.lognorm(0.5, loc=-4, scale=3)]).cvars(tau)[0]
        assert moved == pytest.approx(3.0 * base - 4.0, rel=1e-10)


def test_superadditive_on_sums_of_gaussians():
    for rho in (-1.0, -0.5, 0.0, 1.0):  # X + Y of standard deviations 1 and 2, with a correlation
        std = math.sqrt(max(1.0 + 4.0 + 4.0 * rho, 1e-18))
        parts = arms.Gaussian([1.0, 3.0], std=[1.0, 2.0]).cvars(0.1).sum()
        assert arms.Gaussian([4.0], std=std).cvars(0.1)[0] >= parts - 1e-12


def test_by_hand():
    assert arms.Bernoulli([0.0, 0.4, 0.9, 1.0]).cvars(0.5).tolist() == pytest.approx([0.0, 0.0, 0.8, 1.0])
    assert arms.Beta([1.0], [1.0]).cvars(0.2).tolist() == pytest.approx([0.1])  # uniform: tau / 2
    assert arms.Beta([1e-300], [1e-300]).cvars(0.6).tolist() == pytest.approx([0.1 / 0.6])  # a fair coin
    assert arms.Exponential([1.0]).cvars(0.5)[0] == pytest.approx(1.0 - math.log(2.0))
    assert arms.Poisson([math.log(2.0)]).cvars(0.75)[0] == pytest.approx(1.0 / 3.0)  # half the mass is at 0
    assert arms.Categorical([3.0, 1.0, 2.0], [[0.25, 0.5, 0.25]]).cvars(0.6)[0] == pytest.approx(0.7 / 0.6)
    assert arms.Empirical.from_rewards([[4.0, 1.0, 2.0, 3.0]]).cvars(0.5).tolist() == [1.5]


def test_gaussian_and_beta_against_high_precision():
    with mpmath.workdps(40):
        for tau in (1e-300, 1e-20, 0.1, 0.7):
            z = mpmath.findroot(
                lambda z, tau=tau: mpmath.log(mpmath.ncdf(z)) - mpmath.log(tau), float(stats.norm.ppf(tau))
            )
            assert arms.Gaussian([0.0]).cvars(tau)[0] == pytest.approx(float(-mpmath.npdf(z) / tau), rel=1e-12)
        for a, b, tau in ((2.0, 3.0, 0.1), (0.5, 4.0, 0.7), (30.0, 0.5, 1e-6)):
            q = mpmath.findroot(
                lambda x, a=a, b=b, tau=tau: mpmath.betainc(a, b, 0, x, regularized=True) - tau,
                mpmath.mpf(float(stats.beta(a, b).ppf(tau))),
            )
            exact = mpmath.betainc(a + 1, b, 0, q) / mpmath.beta(a, b) / tau
            assert arms.Beta([a], [b]).cvars(tau)[0] == pytest.approx(float(exact), rel=1e-12)


def test_levels_and_parameters_at_the_ends_of_what_floats_hold():
    for tau in (1e-300, 1e-100, 1.0 - 2.0**-53):
        for env in [*ENVIRONMENTS, MIXTURE]:
            found = env.cvars(tau)
            assert np.isfinite(found).all()
            assert (found >= env.support.low).all()
    assert arms.TruncatedGaussian([0.3], std=1e12).cvars(0.5)[0] == pytest.approx(0.25)
    assert arms.TruncatedGaussian([0.3], std=2e-12).cvars(0.5)[0] == pytest.approx(0.3)
    assert arms.Gaussian([2.0], std=1e-100).cvars(0.01)[0] == 2.0
    assert arms.Exponential([50.0]).cvars(1e-300)[0] == pytest.approx(25e-300, rel=1e-12, abs=0.0)
    assert arms.Poisson([1e9]).cvars(0.5)[0] == pytest.approx(1e9 - math.sqrt(1e9) * math.sqrt(2.0 / math.pi), rel=1e-9)


def test_heavy_tails():
    lomax = stats.pareto(1.5)  # of -X the quantile at u is -u^(-2/3): CVaR is -3 tau^(-2/3)

    class Losses(stats.rv_continuous):
        def _cdf(self, x):
            return lomax.sf(-x)

        def _ppf(self, u):
            return -lomax.isf(u)

        def _isf(self, u):
            return -lomax.ppf(u)

    losses = Losses(b=-1.0)()
    for tau in (1e-6, 0.1, 0.9):
        assert tails.of_distribution(losses, tau) == pytest.approx(-3.0 * tau ** (-2.0 / 3.0), rel=1e-9)


@arms.environment
class Triangular(arms.Stationary):
    """Rewards of a triangular distribution, known by `distribution` alone."""

    means: object = field(check=vector(0.0, 1.0), doc="one mean per arm")

    def reward(self, arm, u, t):
        return self.means[arm] + 0.5 * (math.sqrt(2.0 * u) - 1.0 if u < 0.5 else 1.0 - math.sqrt(2.0 - 2.0 * u))

    def distribution(self, arm):
        return stats.triang(0.5, loc=self.means[arm] - 0.5)


@arms.environment
class Nameless(arms.Stationary):
    """Rewards of no known distribution."""

    means: object = field(check=vector(), doc="one mean per arm")

    def reward(self, arm, u, t):
        return self.means[arm]


def test_an_environment_of_ones_own_needs_distribution():
    env = Triangular([0.5, 0.7])
    # the quantile is sqrt(u / 2) - 1/2 above the mean, up to u = 1/2
    assert env.cvars(0.3) == pytest.approx(env.means + math.sqrt(0.3 / 2.0) * 2.0 / 3.0 - 0.5, rel=1e-10)
    result = bl.run(env, arms.UCB1(), horizon=50, n_runs=2, seed=0, metrics="cvar_regret[0.3]", n_jobs=1)
    regret = bl.run(env, arms.UCB1(), horizon=50, n_runs=2, seed=0, n_jobs=1)
    assert result.values() == pytest.approx(regret.values(), rel=1e-9)  # arms differ by a shift
    with pytest.raises(InvalidArgument, match=r"environment is .*; allowed: one with a method distribution"):
        Nameless([0.5]).cvars(0.5)
    with pytest.raises(InvalidArgument, match=r"environment is .*; allowed: one with a method distribution"):
        bl.run(Nameless([0.5]), arms.UCB1(), horizon=50, n_runs=2, seed=0, metrics="cvar_regret[0.3]")


def test_distributions_without_a_finite_tail_or_with_too_many_values_are_refused():
    with pytest.raises(InvalidArgument, match=r"allowed: at most 10,000,000 values below its quantile"):
        tails.of_distribution(stats.randint(0, 10**8), 0.5)
    with (
        np.errstate(all="ignore"),
        pytest.warns(Warning, match="."),  # quadrature notices that it does not converge
        pytest.raises(InvalidArgument, match=r"allowed: one with a finite CVaR at the level 0.5"),
    ):
        tails.of_distribution(stats.levy_l(), 0.5)


@pytest.mark.parametrize("tau", [0.0, -0.1, 1.1, math.nan, 5e-324])
@pytest.mark.parametrize("env", named(ALL))
def test_levels_outside_the_unit_interval_are_refused(env, tau):
    with pytest.raises(InvalidArgument, match=r"tau is .*; allowed: (a number in \(0, 1\]|a finite|at least 1e-300)"):
        env.cvars(tau)


# ---------------------------------------------------------------------------------------------- the metric

RISKY = arms.Gaussian([0.0, 0.1, 0.2], std=[0.1, 0.1, 3.0])
POLICIES = [arms.UCB1(), arms.EpsilonGreedy(), arms.RoundRobin()]
OPTIONS = {"horizon": 200, "n_runs": 9, "seed": 3, "n_jobs": 1}


def test_cvar_regret_counts_pulls():
    coins = arms.Bernoulli([0.3, 0.5, 0.9])
    metrics = ["cvar_regret[0.25]", "pulls", "regret", "cvar_regret[1]", "optimal_rate", "reward"]
    result = bl.run(coins, POLICIES, metrics=metrics, **OPTIONS)
    gaps = coins.cvars(0.25).max() - coins.cvars(0.25)
    assert gaps.tolist() == pytest.approx([0.6, 0.6, 0.0])
    expected = sum(gaps[a] * result.values(f"pulls[{a}]") for a in range(3))
    assert (result.values("cvar_regret[0.25]") == expected).all()
    assert result.values("cvar_regret[1]") == pytest.approx(result.values("regret"), abs=1e-9)
    alone = bl.run(coins, POLICIES, metrics="cvar_regret[0.25]", **OPTIONS)
    assert (alone.values() == expected).all()
    assert alone.metrics == ("cvar_regret[0.25]",)


def test_the_best_arm_depends_on_the_level():
    assert [int(RISKY.cvars(tau).argmax()) for tau in (0.05, 0.9, 1.0)] == [1, 1, 2]
    # a policy of large means prefers the third arm, at whatever cost in the tail
    result = bl.run(RISKY, arms.RoundRobin(), metrics=["cvar_regret[0.05]", "cvar_regret[0.9]", "regret"], **OPTIONS)
    ends = [result.values(metric)[0, 0, -1] for metric in result.metrics]
    assert ends == sorted(ends, reverse=True)


def test_chunks_threads_and_plain_python_agree_to_the_bit():
    options = OPTIONS | {"metrics": ["cvar_regret[0.07]", "regret"], "n_runs": 4, "horizon": 40}
    whole = bl.run(RISKY, arms.UCB1(), **options)
    plain = bl.run(RISKY, arms.UCB1(), backend="python", **options)
    parts = [bl.run(RISKY, arms.UCB1(), **(options | {"n_runs": 1, "first_run": k, "n_jobs": 2})) for k in range(4)]
    for metric in whole.metrics:
        assert (whole.values(metric) == plain.values(metric)).all()
        assert (whole.values(metric) == np.concatenate([p.values(metric) for p in parts], axis=1)).all()


def test_sweeps_summaries_plots_comparisons_and_files(tmp_path):
    metric = "cvar_regret[0.1]"
    result = bl.run(RISKY, POLICIES, metrics=metric, **OPTIONS)
    assert result.summary().loc["RoundRobin", "mean"] == pytest.approx(
        sum(g * n for g, n in zip(RISKY.cvars(0.1).max() - RISKY.cvars(0.1), (67, 67, 66), strict=True))
    )
    assert result.plot().get_ylabel() == "cumulative CVaR regret at level 0.1"
    assert (bl.load(result.save(tmp_path / "r.parquet")).values(metric) == result.values(metric)).all()
    found = bl.compare(POLICIES[::2], RISKY, horizon=300, metric=metric, seed=0, n_jobs=1)
    assert found.settled
    assert found.ranking().index[0] == "UCB1"
    swept = bl.sweep(RISKY, arms.UCB1(), {"horizon": [50, 100]}, n_runs=3, seed=0, metrics=metric, n_jobs=1)
    assert (swept.summary(metric)["mean"] > 0.0).all()


BAD_METRICS = {
    "cvar_regret": r"metrics is 'cvar_regret'; allowed: one of .*'cvar_regret\[0.05\]' \(with any level in brackets\)",
    "cvar_regret[low]": r"metrics is 'cvar_regret\[low\]'; allowed: 'cvar_regret\[0.05\]', with a level in \(0, 1\]",
    "cvar_regret[0.1": r"metrics is 'cvar_regret\[0.1'; allowed: one of .*'cvar_regret\[0.05\]' \(with any level",
    "cvar_regret[]": r"metrics is 'cvar_regret\[\]'; allowed: one of .*'cvar_regret\[0.05\]' \(with any level",
    "cvar_regret[0]": r"the level of 'cvar_regret\[0\]' is 0.0; allowed: a number in \(0, 1\]",
    "cvar_regret[1.5]": r"the level of 'cvar_regret\[1.5\]' is 1.5; allowed: a number in \(0, 1\]",
    "cvar_regret[nan]": r"metrics is 'cvar_regret\[nan\]'; allowed: 'cvar_regret\[0.05\]', with a level",
}


@pytest.mark.parametrize("metric", BAD_METRICS)
def test_bad_levels_are_refused(metric):
    with pytest.raises(InvalidArgument, match=BAD_METRICS[metric]):
        bl.run(RISKY, arms.UCB1(), metrics=metric, **OPTIONS)
    with pytest.raises(InvalidArgument, match=BAD_METRICS[metric]):
        bl.compare(POLICIES, RISKY, horizon=300, metric=metric)


@pytest.mark.parametrize("metric", [m for m in BAD_METRICS if "[" in m])
def test_bad_levels_are_refused_by_compare_where_policies_have_their_own(metric):
    with pytest.raises(InvalidArgument, match=BAD_METRICS[metric]):
        bl.compare([cvar.UUCB(), cvar.BCVTS()], arms.Bernoulli([0.5, 0.6]), horizon=300, metric=metric)


@pytest.mark.parametrize(
    "env",
    named([arms.Adversarial(np.zeros((200, 3))), arms.PiecewiseStationary([RISKY, RISKY], [100])]),
)
def test_arms_that_change_have_no_cvar_regret(env):
    with pytest.raises(InvalidArgument, match=r"allowed: an environment with a method cvars\(tau\); arms that change"):
        bl.run(env, arms.UCB1(), metrics="cvar_regret[0.1]", **OPTIONS)


def test_cvar_of_finite_arms_is_that_of_the_sample():
    log = [3.0, -1.0, 0.5, 0.5]
    assert arms.Empirical.from_rewards([log]).cvars(0.4)[0] == pytest.approx(cvar.cvar(log, 0.4), abs=1e-15)
