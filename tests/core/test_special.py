"""log Gamma, the incomplete beta function and its inverse, against mpmath and scipy."""

import math

import mpmath
import numba
import numpy as np
import pytest
from scipy import special as reference

from banditlab.core import special

FEWER = 20 if numba.config.DISABLE_JIT else 1

pytestmark = pytest.mark.usefixtures("silent")


@numba.njit(error_model="numpy")
def log_gammas(x, out):
    for i in range(x.shape[0]):
        out[i] = special.log_gamma(x[i])


@numba.njit(error_model="numpy")
def log_cdfs(x, a, b, out, ratios):
    for i in range(x.shape[0]):
        out[i], ratios[i] = special.log_beta_cdf(x[i], a[i], b[i], special.log_beta(a[i], b[i]))


@numba.njit(error_model="numpy")
def upper_quantiles(tail, a, b, out, slopes):
    for i in range(tail.shape[0]):
        out[i], slopes[i] = special.beta_upper_quantile(tail[i], a[i], b[i])


def cdf(x, a, b):
    return math.exp(special.log_beta_cdf(x, a, b, special.log_beta(a, b))[0])


def upper_quantile(tail, a, b):
    return special.beta_upper_quantile(tail, a, b)[0]


def exact_cdf(x, a, b):
    """Return I_x(a, b) to 30 digits, by the series that converges for all x < 1."""
    x, a, b = mpmath.mpf(x), mpmath.mpf(a), mpmath.mpf(b)
    return mpmath.betainc(a, b, 0, x, regularized=True)


def rounding(a, b):
    """Bound the relative rounding error of exp(a log x + b log y - log B(a, b)): a few ulp of its largest terms."""
    size = a + b
    return 1e-14 + 1e-15 * size * np.log(size + 2.0)


def test_log_gamma():
    rng = np.random.default_rng(1)
    x = np.concatenate([10.0 ** rng.uniform(-8, 8, 4000), rng.uniform(0.5, 3.0, 2000), rng.uniform(5, 15, 1000)])
    out = np.empty(len(x))
    log_gammas(x, out)
    with mpmath.workdps(40):
        exact = [mpmath.loggamma(mpmath.mpf(v)) for v in x.tolist()]
        error = np.array([float(abs(mpmath.mpf(v) - e)) for v, e in zip(out.tolist(), exact, strict=True)])
    # near its zeros, 1 and 2, the error is absolute
    assert (error <= 1e-14 * np.maximum(1.0, np.abs(np.array(exact, dtype=float)))).all()


def test_log_gamma_of_integers_is_log_factorial():
    for n in range(1, 30):
        assert special.log_gamma(float(n)) == pytest.approx(math.log(math.factorial(n - 1)), rel=1e-14, abs=1e-14)


def test_log_beta():
    assert special.log_beta(2.0, 3.0) == pytest.approx(-math.log(12.0), abs=2e-14)
    assert special.log_beta(0.5, 0.5) == pytest.approx(math.log(math.pi), abs=2e-14)


def test_beta_cdf_against_scipy():
    rng = np.random.default_rng(2)
    n = 5000 // FEWER
    a, b = 10.0 ** rng.uniform(-3, 5, n), 10.0 ** rng.uniform(-3, 5, n)
    mean, std = a / (a + b), np.sqrt(a * b / (a + b + 1.0)) / (a + b)
    x = np.where(rng.random(n) < 0.5, rng.random(n), np.clip(mean + 3.0 * std * rng.normal(size=n), 1e-12, 1 - 1e-12))
    out, ratios = np.empty(n), np.empty(n)
    log_cdfs(x, a, b, out, ratios)
    out = np.exp(out)
    exact, complement = reference.betainc(a, b, x), reference.betaincc(a, b, x)
    # relative to the tail that the function computes, plus the rounding of 1 - tail and of scipy's values
    lower = x < (a + 1.0) / (a + b + 2.0)
    allowed = 4.0 * rounding(a, b) * np.where(lower, exact, complement) + 1e-15
    assert (np.abs(out - exact) <= allowed).all()
    front = np.exp(a * np.log(x) + b * np.log1p(-x) - reference.betaln(a, b))
    usual = front > 1e-300
    assert (np.abs(ratios * front - out)[usual] <= (8.0 * rounding(a, b) * out)[usual]).all()


def test_beta_cdf_of_tails_too_small_for_a_number():
    # I_x(a, 1) = x^a
    found, _ = special.log_beta_cdf(1e-3, 500.0, 1.0, special.log_beta(500.0, 1.0))
    assert found == pytest.approx(500.0 * math.log(1e-3))


def test_beta_cdf_against_mpmath():
    rng = np.random.default_rng(3)
    with mpmath.workdps(40):
        for _ in range(60):
            a, b, x = float(10.0 ** rng.uniform(-2, 3)), float(10.0 ** rng.uniform(-2, 3)), float(rng.random())
            found = cdf(x, a, b)
            exact = exact_cdf(x, a, b)
            tail = exact if x < (a + 1.0) / (a + b + 2.0) else 1 - exact  # the one that the function computes
            assert abs(found - exact) <= 4.0 * rounding(a, b) * tail + 2e-16


@pytest.mark.parametrize(
    ("x", "a", "b", "expected"), [(0.3, 1.0, 1.0, 0.3), (0.5, 2.0, 2.0, 0.5), (0.25, 0.5, 0.5, 1 / 3)]
)
def test_beta_cdf_closed_forms(x, a, b, expected):
    assert cdf(x, a, b) == pytest.approx(expected, rel=1e-13)


def upper_tail_arguments(n):
    rng = np.random.default_rng(4)
    a = np.concatenate([10.0 ** rng.uniform(0, 5, n), 1.0 + rng.integers(0, 60, n)])
    b = np.concatenate([10.0 ** rng.uniform(0, 5, n), 1.0 + rng.integers(0, 60, n)])
    tail = np.concatenate([10.0 ** rng.uniform(-12, 0, n), rng.choice([1e-12, 1e-6, 0.01, 0.5, 0.9, 0.999], n)])
    return tail, a, b


def test_beta_upper_quantile_against_scipy():
    tail, a, b = upper_tail_arguments(3000 // FEWER)
    x, slopes = np.empty(len(tail)), np.empty(len(tail))
    upper_quantiles(tail, a, b, x, slopes)
    y = reference.betaincinv(b, a, tail)  # 1 - x
    density = np.exp((b - 1) * np.log(y) + (a - 1) * np.log1p(-y) - reference.betaln(a, b))
    # the error of x is that of the tail's mass over the density; half a unit in the last place of 1 for 1 - y; and
    # where the tail is near 1, so is the computed mass
    allowed = 2e-16 + 2e-15 * y + (8.0 * rounding(a, b) * tail + 4e-16) / density
    error = np.abs(x - (1.0 - y))
    assert (error <= allowed).all()
    assert (error[tail <= 0.5] < 1e-11).all()
    # dx = (tail / density) d(-log tail)
    assert (np.abs(slopes * density / tail - 1.0) <= 64.0 * rounding(a, b) + 4e-16 / (tail * (1.0 - y))).all()


def test_beta_upper_quantile_lies_below_its_tangents():
    """The quantile is a concave function of -log(tail): what BayesUCB leaves arms out by."""
    tail, a, b = upper_tail_arguments(3000 // FEWER)
    later = tail * 10.0 ** np.random.default_rng(6).uniform(-3, 0, len(tail))
    x, slopes, after, _ = np.empty((4, len(tail)))
    upper_quantiles(tail, a, b, x, slopes)
    upper_quantiles(later, a, b, after, _)
    assert (after >= x).all()
    assert (after <= x + slopes * (np.log(tail / later) + 1e-9) + 1e-15).all()


@pytest.mark.parametrize(("a", "b"), [(11.6, 9e4), (3.0, 2e3), (1.0 + 1e-9, 5e3), (700.0, 1e4)])
@pytest.mark.parametrize("tail", [1e-30, 1e-170, 1e-250])
def test_beta_upper_quantile_far_out(a, b, tail):
    x, slope = special.beta_upper_quantile(tail, a, b)
    with mpmath.workdps(40):
        y = 1 - mpmath.mpf(x)
        reached, front = exact_cdf(y, b, a), y ** (b - 1) * (1 - y) ** (a - 1) / mpmath.beta(a, b)
        assert abs(mpmath.log(reached / tail)) <= 8.0 * rounding(a, b) + 2e-16 / slope
        assert slope == pytest.approx(float(reached / front), rel=1e-9)


def test_beta_upper_quantile_against_mpmath():
    rng = np.random.default_rng(5)
    with mpmath.workdps(40):
        for _ in range(40):
            a, b = float(1 + 10.0 ** rng.uniform(-2, 2.5)), float(1 + 10.0 ** rng.uniform(-2, 2.5))
            tail = float(10.0 ** rng.uniform(-12, -0.1))
            x = upper_quantile(tail, a, b)
            y = 1 - mpmath.mpf(x)
            mass = exact_cdf(y, b, a)
            slope = y ** (b - 1) * (1 - y) ** (a - 1) / mpmath.beta(a, b)
            assert abs(mass - tail) <= 8.0 * rounding(a, b) * tail + 3e-16 * slope + 4e-16 * tail


def test_beta_upper_quantile_closed_forms():
    assert upper_quantile(0.25, 1.0, 1.0) == pytest.approx(0.75, rel=1e-15)
    assert upper_quantile(0.19, 2.0, 1.0) == pytest.approx(0.9, rel=1e-15)  # 1 - x^2
    assert upper_quantile(0.01, 1.0, 2.0) == pytest.approx(0.9, rel=1e-15)  # (1 - x)^2
    assert upper_quantile(0.5, 7.0, 7.0) == pytest.approx(0.5, rel=1e-14)
    assert upper_quantile(1.0, 3.0, 2.0) == 0.0
    assert upper_quantile(2.0, 3.0, 2.0) == 0.0
    assert upper_quantile(0.0, 3.0, 2.0) == 1.0


def test_beta_upper_quantile_falls_as_the_tail_grows():
    tail = 10.0 ** np.linspace(-12, -1e-3, 200)
    for a, b in ((1.0, 1.0), (1.5, 300.0), (300.0, 1.5), (1e5, 1e5), (2.0, 1e5)):
        x, slopes = np.empty(len(tail)), np.empty(len(tail))
        upper_quantiles(tail, np.full(len(tail), a), np.full(len(tail), b), x, slopes)
        assert (np.diff(x) <= 0.0).all()
        assert ((x > 0.0) & (x <= 1.0)).all()


def test_compiled_equals_plain_bit_for_bit():
    tail, a, b = upper_tail_arguments(60)
    arguments = list(zip(tail.tolist(), a.tolist(), b.tolist(), strict=True))
    out = np.empty((2, len(tail)))
    upper_quantiles(tail, a, b, *out)
    np.testing.assert_array_equal(out.T, [special.beta_upper_quantile(*each) for each in arguments])
    log_cdfs(tail, a, b, *out)
    plain = [special.log_beta_cdf(x, p, q, special.log_beta(p, q)) for x, p, q in arguments]
    np.testing.assert_array_equal(out.T, plain)
    log_gammas(a, out[0])
    assert (out[0] == np.array([special.log_gamma(v) for v in a.tolist()])).all()
