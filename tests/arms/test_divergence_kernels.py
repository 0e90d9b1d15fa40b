"""The Bernoulli divergence and its upper confidence bound, against mpmath and against bisection in long doubles."""

import math

import mpmath
import numba
import numpy as np
import pytest

from banditlab.arms import divergence_kernels as kernels

FEWER = 20 if numba.config.DISABLE_JIT else 1

pytestmark = pytest.mark.usefixtures("silent")


@numba.njit(error_model="numpy")
def bounds(p, budget, out):
    for i in range(p.shape[0]):
        out[i] = kernels.upper_bound(p[i], budget[i], kernels.negative_entropy(p[i]))


@numba.njit(error_model="numpy")
def divergences(p, q, out):
    for i in range(p.shape[0]):
        out[i] = kernels.divergence(p[i], q[i], kernels.negative_entropy(p[i]))


def upper_bounds(p, budget):
    out = np.empty(len(p))
    bounds(np.asarray(p, dtype=float), np.asarray(budget, dtype=float), out)
    return out


def upper_bound(p, budget):
    return float(upper_bounds([p], [budget])[0])


def exact_kl(p, q):
    """Return kl(p, q) without cancellation, in long doubles: both logarithms from the difference q - p."""
    d = q - p
    left = np.where(p > 0, -p * np.log1p(d / np.where(p > 0, p, 1)), 0)
    return left + np.where(p < 1, -(1 - p) * np.log1p(-d / np.where(p < 1, 1 - p, 1)), 0)


def by_bisection(p, budget):
    p, budget = np.asarray(p, np.longdouble), np.asarray(budget, np.longdouble)
    low, high = p.copy(), np.ones_like(p)
    for _ in range(70):
        middle = (low + high) / 2
        inside = exact_kl(p, middle) <= budget
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low


def means_and_budgets(n, lowest_budget=-12.0, seed=1):
    rng = np.random.default_rng(seed)
    p = np.concatenate(
        [
            rng.random(n),
            10.0 ** rng.uniform(-15, 0, n),
            1.0 - 10.0 ** rng.uniform(-15, 0, n),
            rng.integers(0, 101, n) / 100.0,
            np.zeros(n // 10),
            np.ones(n // 10),
        ]
    )
    return p, 10.0 ** rng.uniform(lowest_budget, 3, len(p))


@pytest.mark.parametrize("lowest_budget", [-7.0, -12.0])
def test_upper_bound_is_within_1e_15_of_bisection(lowest_budget):
    p, budget = means_and_budgets(20_000 // FEWER, lowest_budget)
    error = np.abs(upper_bounds(p, budget) - by_bisection(p, budget)).astype(float)
    assert error.max() < 1e-15


def test_upper_bound_against_mpmath():
    rng = np.random.default_rng(2)
    with mpmath.workdps(40):
        for _ in range(60):
            p, budget = float(rng.random()), float(10.0 ** rng.uniform(-5, 2))
            mean, low, high = mpmath.mpf(p), mpmath.mpf(p), mpmath.mpf(1)
            for _ in range(80):
                q = (low + high) / 2
                kl = mean * mpmath.log(mean / q) + (1 - mean) * mpmath.log((1 - mean) / (1 - q))
                low, high = (q, high) if kl <= budget else (low, q)
            assert abs(upper_bound(p, budget) - low) < 1e-15


def test_mean_zero_has_a_closed_form():
    for budget in (1e-12, 1e-3, 0.5, 3.0, 30.0, 1000.0):
        assert upper_bound(0.0, budget) == pytest.approx(-math.expm1(-budget), abs=1e-15)


def test_mean_one_stays():
    for budget in (0.0, 1e-12, 0.5, 1000.0, math.inf):
        assert upper_bound(1.0, budget) == 1.0


def test_no_budget_gives_the_mean():
    p = np.concatenate([np.linspace(0.0, 1.0, 101), [1e-300, 1.0 - 2.0**-53]])
    assert (upper_bounds(p, np.zeros(len(p))) == p).all()
    assert (upper_bounds(p, np.full(len(p), -1.0)) == p).all()


def test_huge_budgets_give_one():
    p = np.concatenate([np.linspace(0.0, 1.0, 101), [1e-300, 1e-15]])
    for budget in (1e3, 1e10, 1e300, math.inf):
        assert (upper_bounds(p, np.full(len(p), budget)) == 1.0).all()


def test_upper_bound_lies_between_the_mean_and_one_and_grows():
    p, budget = means_and_budgets(5000 // FEWER, seed=3)
    first, second = upper_bounds(p, budget), upper_bounds(p, 1.001 * budget)
    assert (first >= p).all()
    assert (first <= 1.0).all()
    assert (second >= first - 4e-13).all()
    assert (second[(budget > 1e-6) & (first < 1.0 - 1e-6)] > first[(budget > 1e-6) & (first < 1.0 - 1e-6)]).all()


def test_upper_bound_spends_the_budget():
    rng = np.random.default_rng(4)
    p, budget = rng.uniform(0.01, 0.99, 2000 // FEWER), 10.0 ** rng.uniform(-4, 0.5, 2000 // FEWER)
    q = upper_bounds(p, budget)
    slope = (q - p) / (q * (1.0 - q))  # of kl in q
    assert (np.abs(exact_kl(p.astype(np.longdouble), q) - budget) <= 1e-15 * slope + 1e-15).all()


def test_divergence():
    rng = np.random.default_rng(5)
    p, q = rng.random(2000), rng.random(2000)
    out = np.empty(2000)
    divergences(p, q, out)
    with mpmath.workdps(40):
        for a, b, found in zip(p.tolist()[::10], q.tolist()[::10], out.tolist()[::10], strict=True):
            a, b = mpmath.mpf(a), mpmath.mpf(b)
            exact = a * mpmath.log(a / b) + (1 - a) * mpmath.log((1 - a) / (1 - b))
            assert abs(found - exact) < 2e-15 * (1 + exact)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (0.3, 0.3, 0.0),
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 0.0),
        (0.5, 0.0, math.inf),
        (0.5, 1.0, math.inf),
        (0.0, 1.0, math.inf),
        (1.0, 0.0, math.inf),
        (0.0, 0.5, math.log(2.0)),
        (1.0, 0.25, math.log(4.0)),
        (0.5, 0.25, 0.5 * math.log(4.0 / 3.0)),
    ],
)
def test_divergence_closed_forms(p, q, expected):
    out = np.empty(1)
    divergences(np.array([p]), np.array([q]), out)
    assert out[0] == pytest.approx(expected, rel=1e-15)


def test_divergence_is_never_negative():
    p = np.random.default_rng(6).random(10_000 // FEWER)
    out = np.empty(len(p))
    for step in (2.0**-53, 1e-12, 1e-9):
        divergences(p, np.minimum(p + step, 1.0), out)
        assert (out >= 0.0).all()


def test_negative_entropy():
    assert kernels.negative_entropy(0.0) == 0.0
    assert kernels.negative_entropy(1.0) == 0.0
    assert kernels.negative_entropy(0.5) == pytest.approx(-math.log(2.0), rel=1e-15)


def test_compiled_equals_plain_bit_for_bit():
    p, budget = means_and_budgets(200, seed=7)
    plain = [
        kernels.upper_bound(a, b, kernels.negative_entropy(a)) for a, b in zip(p.tolist(), budget.tolist(), strict=True)
    ]
    assert (upper_bounds(p, budget) == np.array(plain)).all()
    q = np.roll(p, 1)
    out = np.empty(len(p))
    divergences(p, q, out)
    plain = [kernels.divergence(a, b, kernels.negative_entropy(a)) for a, b in zip(p.tolist(), q.tolist(), strict=True)]
    assert (out == np.array(plain)).all()
