"""Divergences and moments where their formulas cancel, against the same formulas with many digits."""

import math

import mpmath
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.arms import divergences, tails, theory

DIGITS = 120
NEXT_TO_1 = 1.0 - 2.0**-53


def exact(function, *arguments):
    """Evaluate with many digits; arguments are floats, taken as they are."""
    with mpmath.workdps(DIGITS):
        return float(function(*(mpmath.mpf(a) for a in arguments)))


def kl_coins(p, q):
    return p * mpmath.log(p / q) + (1 - p) * mpmath.log((1 - p) / (1 - q))


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (0.3, NEXT_TO_1), (NEXT_TO_1, 0.3), (1e-300, 0.5), (0.5, 1e-300), (1e-12, 1.1e-12), (1.0 - 1e-12, 1.0 - 2e-12),
        *((p, p + 1e-12) for p in np.linspace(0.03, 0.93, 10).tolist()), (0.5, 0.5 - 2.0**-54), (1e-5, 0.999),
        (0.7, 1e-17), (5e-324, 0.7), (5e-324, 1e-9), (0.5, NEXT_TO_1),
    ],
)  # fmt: skip
def test_bernoulli(p, q):
    assert divergences.kl_bernoulli(p, q) == pytest.approx(exact(kl_coins, p, q), rel=1e-12, abs=0.0)


@pytest.mark.parametrize(
    ("mean", "other"),
    [
        (1.0, 1.0 + 1e-12),
        (1e-300, 1.0),
        (1.0, 1e-300),
        (1e10, 1.0),
        (3.0, 3.1),
        (1e300, 1e301),
        (1e-300, 1e300),
        (5e-324, 2.0),
    ],
)
def test_poisson(mean, other):
    expected = exact(lambda m, n: n - m + m * mpmath.log(m / n), mean, other)
    assert divergences.kl_poisson(mean, other) == pytest.approx(expected, rel=1e-12, abs=0.0)


@pytest.mark.parametrize(("std", "other"), [(1.0, 1.0 + 1e-9), (1e-9, 1.0), (1e3, 1.0), (2.0, 3.0), (1.0, 1.0 + 1e-13)])
@pytest.mark.parametrize("distance", [0.0, 1.0])
def test_gaussians_of_different_spread(std, other, distance):
    expected = exact(lambda d, s, r: mpmath.log(r / s) + ((s / r) ** 2 - 1 + (d / r) ** 2) / 2, distance, std, other)
    assert divergences.kl_gaussian(0.0, distance, std, other) == pytest.approx(expected, rel=1e-12, abs=0.0)


@pytest.mark.parametrize("kind", [float, np.float64])
def test_gaussians_so_far_apart_that_a_square_overflows(kind):
    assert divergences.kl_gaussian(kind(0.0), kind(1e-3), kind(1e-300)) == math.inf
    assert arms.Gaussian([0.0, 1e-3], std=1e-300).lower_bound_constant() == 0.0


def test_a_value_next_to_the_upper_end_of_rewards():
    target, shares = 0.3485298495570552, [0.999, 0.001]  # 1 - (x - target) / (1 - target) is 0 in floats
    next_to_it, at_it = (divergences.kinf_finite([0.0, top], shares, target, 1.0) for top in (NEXT_TO_1, 1.0))
    assert next_to_it == pytest.approx(at_it, rel=1e-9)


def test_huge_shapes_of_beta_distributions_warn_of_nothing():
    assert arms.Beta([3e33, 6e-183], [7e36, 1e150]).lower_bound_constant() == 0.0
    arms.Beta([1e-300, 1e-12, 1e-300], [100.0, 0.001, 1.0]).lower_bound_constant()


def test_arms_next_to_certain_play():
    found = bl.run(arms.Bernoulli([0.3, NEXT_TO_1]), arms.UCB1(), horizon=100, n_runs=8, seed=0)
    assert np.isfinite(found.values()).all()
    assert found.lower_bound()[-1] < 0.2  # an arm that always pays is soon told from one that pays at times


def kinf_of_betas(a, b, target):
    """Minimise KL(Beta(a, b), Beta(c, d)) over the size of (c, d) at a mean: its derivative in the size is 0."""
    with mpmath.workdps(DIGITS):
        a, b, m = mpmath.mpf(a), mpmath.mpf(b), mpmath.mpf(target)
        one, other = (mpmath.digamma(x) - mpmath.digamma(a + b) for x in (a, b))

        def slope(size):
            shift = mpmath.digamma(size)
            return (
                m * (mpmath.digamma(m * size) - shift - one)
                + (1 - m) * (mpmath.digamma((1 - m) * size) - shift - other)
            )  # fmt: skip

        size = mpmath.findroot(slope, a + b)
        c, d = m * size, (1 - m) * size
        logs = [mpmath.loggamma(x) for x in (c, d, c + d, a, b, a + b)]
        return float(logs[0] + logs[1] - logs[2] - logs[3] - logs[4] + logs[5] + (a - c) * one + (b - d) * other)


@pytest.mark.parametrize("gap", [1e-9, 0.9e-7, 1.1e-7, 1e-6, 3e-5, 1e-4, 1e-2, 0.03])
@pytest.mark.parametrize(
    ("a", "b"), [(1.0, 1.0), (3.0, 8.0), (0.2, 0.5), (40.0, 2.0), (500.0, 800.0), (900.0, 1.0), (5.0, 2000.0)]
)
def test_kinf_of_beta_for_small_gaps(a, b, gap):
    target = a / (a + b) + gap * min(a, b) / (a + b)
    mean = float(arms.Beta([a], [b]).means[0])
    # the target is a float: how far it is from the mean is known to rounding only
    assert divergences.kinf_beta(a, b, target) == pytest.approx(
        kinf_of_betas(a, b, target), rel=max(3e-7, 1e-15 * mean / (target - mean)), abs=0.0
    )


@pytest.mark.parametrize("share", [1e-9, 1e-4, 0.2499, 0.2501, 0.9])
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.2, 30.0), (900.0, 1.0), (500.0, 800.0), (1e5, 1e5)])
def test_divergence_of_betas_however_near(a, b, share):
    for c, d in [(a * (1 + share), b), (a * (1 - share), b * (1 + share)), (a * (1 + share), b * (1 + share))]:
        with mpmath.workdps(DIGITS):
            x, y, z, w = map(mpmath.mpf, (a, b, c, d))
            psi = mpmath.digamma(x + y)
            logs = mpmath.log(mpmath.beta(z, w)) - mpmath.log(mpmath.beta(x, y))
            exact = float(logs + (x - z) * (mpmath.digamma(x) - psi) + (y - w) * (mpmath.digamma(y) - psi))
        assert divergences.kl_beta(a, b, c, d) == pytest.approx(exact, rel=2e-8, abs=0.0)


def test_divergence_of_betas_of_huge_shapes_does_not_overflow():
    """By Stirling, log B(a, b) becomes a log a + b log b - (a + b) log(a + b), and its gradient log a/(a + b)."""
    limit = 1.1 * math.log(1.1) - 2.1 * math.log(2.1) + 2.1 * math.log(2.0)
    assert divergences.kl_beta(1e200, 1e200, 1.1e200, 1e200) == pytest.approx(1e200 * limit, rel=1e-9)


def test_divergence_of_beta_is_never_negative():
    assert divergences.kl_beta(3e8, 5e8, 3e8, 5e8) == 0.0
    assert all(divergences.kl_beta(a, 2.0, a * (1.0 + 1e-12), 2.0) >= 0.0 for a in (0.1, 3.0, 1e4, 1e7))


def truncated_moments(location, scale, low, high):
    """Integrate with many digits, in pieces that are short where the density is steep."""
    with mpmath.workdps(60):
        m, s, low, high = map(mpmath.mpf, (location, scale, low, high))
        near = min(max(m, low), high)
        steep = s / max(1, abs(near - m) / s)
        ends = {low, high} | {near + sign * 10**k * steep / 10 for k in range(6) for sign in (-1, 1)}
        pieces = sorted(e for e in ends if low <= e <= high)

        def moment(power, centre):
            def weighed(x):
                return (x - centre) ** power * mpmath.exp(((near - m) ** 2 - (x - m) ** 2) / (2 * s * s))

            return mpmath.quad(weighed, pieces)

        whole = moment(0, 0)
        mean = moment(1, 0) / whole
        return float(mean), float(moment(2, mean) / whole)


@pytest.mark.parametrize(
    ("location", "scale", "low", "high"),
    [
        (0.5, 0.1, 0.0, 1.0), (-3.0, 0.1, 0.0, 1.0), (-0.5, 0.1, 0.0, 1.0), (3.9, 0.1, 0.0, 1.0), (30.0, 1.0, 0.0, 1.0),
        (0.5, 100.0, 0.0, 1.0), (3e7, 1e6, 0.0, 1.0), (0.0, 1e-9, 0.0, 1.0), (0.0, 0.1, -5.0, 8.0),
        (3.0, 1.0, 0.0, 2.0),
    ],
)  # fmt: skip
def test_moments_of_truncated_gaussians(location, scale, low, high):
    mean, variance = truncated_moments(location, scale, low, high)
    env = arms.TruncatedGaussian([location], std=scale, low=low, high=high)
    distance = min(mean - low, high - mean)  # to the nearer end, where the mass is
    assert abs(env.means[0] - mean) <= 1e-12 * distance + 2e-16 * abs(mean)
    assert env.variance(0) == pytest.approx(variance, rel=1e-11, abs=0.0)


def test_moments_of_mixtures_of_truncated_gaussians():
    mixture = arms.TruncatedGaussianMixture([[0.25, 0.75]], [[-3.0, 0.5]], [[0.1, 0.2]])
    (first, its), (second, own) = truncated_moments(-3.0, 0.1, 0.0, 1.0), truncated_moments(0.5, 0.2, 0.0, 1.0)
    mean = 0.25 * first + 0.75 * second
    assert mixture.means[0] == pytest.approx(mean, rel=1e-13)
    expected = 0.25 * (its + (first - mean) ** 2) + 0.75 * (own + (second - mean) ** 2)
    assert mixture.variance(0) == pytest.approx(expected, rel=1e-11)


def test_ucbvs_bound_of_nearly_uniform_arms():
    # so wide before truncation that rewards are uniform on [0, 1]: variance 1/12
    env = arms.TruncatedGaussian([0.5, 2e7], std=1e6)
    gap = float(env.gaps.max())
    expected = 10.0 * (1.0 / 12.0 / gap + 2.0) * math.log(100)
    assert theory.ucbv_bound(env, 100) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("location", "scale", "gap"), [(0.5, 0.1, 1e-7), (-3.0, 0.1, 1e-9), (-2.0, 0.1, 1e-8), (0.2, 3.0, 1e-9)]
)
def test_kinf_of_truncated_gaussians_for_small_gaps(location, scale, gap):
    mean, variance = truncated_moments(location, scale, 0.0, 1.0)
    # an exponential family in location / scale^2, of which the mean's derivative is the variance
    found = divergences.kinf_truncated_gaussian(location, scale, 0.0, 1.0, mean + gap)
    known = gap / max(2e-16, 2e-16 * mean)  # digits of the gap itself, as the mean is rounded
    assert found == pytest.approx(gap**2 / (2.0 * variance), rel=max(10.0 / known, 2.0 * gap / variance**0.5), abs=0.0)


def kinf_of_truncated_gaussians(location, scale, target):
    """Find by bisection the location whose mean on [0, 1] is the target; the divergence is in closed form."""
    with mpmath.workdps(60):
        s = mpmath.mpf(scale)

        def log_mass_and_mean(m):
            a, b = -m / s, (1 - m) / s
            ends = (a, b) if a + b > 0 else (-b, -a)  # on the side where the tails are small
            mass = (mpmath.erfc(ends[0] / mpmath.sqrt(2)) - mpmath.erfc(ends[1] / mpmath.sqrt(2))) / 2
            return mpmath.log(mass), m + s * (mpmath.npdf(a) - mpmath.npdf(b)) / mass

        first = mpmath.mpf(location)
        mass, mean = log_mass_and_mean(first)
        low, high = first, first + s
        while log_mass_and_mean(high)[1] < target:
            high = first + 2 * (high - first)
        for _ in range(150):
            middle = (low + high) / 2
            low, high = (middle, high) if log_mass_and_mean(middle)[1] < target else (low, middle)
        return float((mean * (first - low) + (low**2 - first**2) / 2) / s**2 + log_mass_and_mean(low)[0] - mass)


@pytest.mark.parametrize(
    ("location", "scale", "target"),
    [
        (0.5, 0.1, 0.9), (0.5, 0.1, 0.999), (-0.3, 0.05, 0.6), (-0.4, 0.01, 0.5), (-1.0, 0.035, 0.73),
        (0.2, 3.0, 0.9), (-20.0, 3.0, 0.7), (1.2, 11.0, 0.9), (-0.6, 0.02, 0.999), (0.5, 0.01, 0.99),
    ],
)  # fmt: skip
def test_kinf_of_truncated_gaussians_for_large_gaps(location, scale, target):
    expected = kinf_of_truncated_gaussians(location, scale, target)
    found = divergences.kinf_truncated_gaussian(location, scale, 0.0, 1.0, target)
    assert found == pytest.approx(expected, rel=1e-11, abs=0.0)


@pytest.mark.parametrize("ratio", [1.0 + 1e-9, 1.0011, 0.998, 1.01, 1.3, 0.6, 0.4, 3.0, 1e-9, 1e9])
@pytest.mark.parametrize("other", [1e-100, 1.0, 1e10, 1e100])
def test_exponential(ratio, other):
    expected = exact(lambda m, n: m / n - 1 - mpmath.log(m / n), ratio * other, other)
    assert divergences.kl_exponential(ratio * other, other) == pytest.approx(expected, rel=1e-12, abs=0.0)


@pytest.mark.parametrize(("mean", "other"), [(1e-300, 1e100), (1e100, 1e-200)])
def test_exponentials_far_apart(mean, other):
    expected = exact(lambda m, n: m / n - 1 - mpmath.log(m / n), mean, other)
    assert divergences.kl_exponential(mean, other) == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_variances_of_extreme_shapes():
    assert arms.Beta([1e200], [1e200]).variance(0) == pytest.approx(0.125e-200)
    assert arms.Beta([1e-200], [1e-200]).variance(0) == pytest.approx(0.25)


def test_heavy_part_holds_the_mass():
    for location, scale in [(0.5, 0.1), (-3.0, 0.1), (30.0, 2.0), (0.5, 50.0)]:
        left, right = tails.heavy_part(location, scale, 0.0, 1.0)
        (whole,), _ = tails.truncated_gaussians([location], scale, 0.0, 1.0)
        (within,), _ = tails.truncated_gaussians([location], scale, left, right)
        assert within == pytest.approx(whole, abs=1e-14)


def test_what_is_no_number_has_no_divergence():
    assert math.isnan(divergences.kl_bernoulli(math.nan, 0.5))
    assert math.isnan(divergences.kl_bernoulli(0.5, math.nan))
