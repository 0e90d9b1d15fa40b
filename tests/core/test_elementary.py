"""The elementary functions against mpmath, at their edges, and compiled against plain Python."""

import math

import mpmath
import numba
import numpy as np
import pytest

from banditlab.core import elementary

FEWER = 20 if numba.config.DISABLE_JIT else 1

pytestmark = pytest.mark.usefixtures("silent")


@numba.njit(error_model="numpy")
def logs(x, out):
    for i in range(x.shape[0]):
        out[i] = elementary.log(x[i])


@numba.njit(error_model="numpy")
def exps(x, out):
    for i in range(x.shape[0]):
        out[i] = elementary.exp(x[i])


@numba.njit(error_model="numpy")
def quantiles(x, out):
    for i in range(x.shape[0]):
        out[i] = elementary.normal_quantile(x[i])


@numba.njit(error_model="numpy")
def turns(x, out, cosines):
    for i in range(x.shape[0]):
        out[i], cosines[i] = elementary.sine_and_cosine_of_turns(x[i])


def values(loop, x):
    out = np.empty(len(x))
    loop(np.asarray(x, dtype=float), out)
    return out


def ulps(found, exact):
    """Return the largest error in units of the last place of the exact value, rounded."""
    return max(abs(float((mpmath.mpf(f) - e) / np.spacing(abs(float(e))))) for f, e in zip(found, exact, strict=True))


def log_arguments():
    rng = np.random.default_rng(1)
    n = 10_000 // FEWER
    return np.concatenate(
        [
            np.exp(rng.uniform(-708, 709, n)),
            5e-324 * rng.integers(1, 2**52, n // 4).astype(float),  # subnormal
            rng.uniform(0.4, 2.5, n),
            1.0 + rng.normal(size=n // 4) * 10.0 ** rng.uniform(-16, -3, n // 4),
            math.sqrt(0.5) * (1.0 + 1e-15 * np.arange(-20, 20)),  # where the exponent changes
        ]
    )


def exp_arguments():
    rng = np.random.default_rng(2)
    n = 10_000 // FEWER
    near_ties = (np.arange(-1070, 1024) + 0.5) * math.log(2.0)  # where the multiple of log 2 changes
    return np.concatenate(
        [
            rng.uniform(-745.13, 709.78, n),
            rng.uniform(-745.13, -708.0, n // 4),  # subnormal results
            rng.normal(size=n),
            rng.normal(size=n // 4) * 10.0 ** rng.uniform(-17, -3, n // 4),
            near_ties[:: 4 * FEWER],
        ]
    )


def quantile_arguments():
    rng = np.random.default_rng(3)
    n = 2000 // FEWER
    return np.concatenate(
        [
            rng.random(n),
            10.0 ** rng.uniform(-300, -1, n),
            1.0 - 10.0 ** rng.uniform(-16, -1, n // 2),
            0.5 + rng.normal(size=n // 4) * 10.0 ** rng.uniform(-15, -2, n // 4),
            np.nextafter([0.075, 0.075, 0.925, 0.925], [0.0, 1.0, 0.0, 1.0]),
            math.exp(-25.0) * np.array([1 - 1e-15, 1.0, 1 + 1e-15]),  # where the far tail begins
        ]
    )


def turn_arguments():
    rng = np.random.default_rng(4)
    return np.concatenate([rng.random(8000 // FEWER), np.arange(65) / 64.0, 10.0 ** rng.uniform(-18, -1, 500)])


def test_log_is_within_one_unit_in_the_last_place():
    x = log_arguments()
    with mpmath.workdps(40):
        assert ulps(values(logs, x).tolist(), [mpmath.log(mpmath.mpf(v)) for v in x.tolist()]) < 1.0


def test_exp_is_within_one_unit_in_the_last_place():
    x = exp_arguments()
    with mpmath.workdps(40):
        assert ulps(values(exps, x).tolist(), [mpmath.exp(mpmath.mpf(v)) for v in x.tolist()]) < 1.0


def test_normal_quantile_is_within_1e_15_relative():
    from scipy import special

    u = quantile_arguments()
    worst = 0.0
    with mpmath.workdps(40):
        root_two, root_two_pi = mpmath.sqrt(2), mpmath.sqrt(2 * mpmath.pi)
        for p, found, start in zip(u.tolist(), values(quantiles, u).tolist(), special.ndtri(u).tolist(), strict=True):
            p, z = mpmath.mpf(p), mpmath.mpf(start)
            for _ in range(3):  # Newton from a double's accuracy: 40 digits and more
                lower = mpmath.erfc(-z / root_two) / 2 - p if p < 0.5 else (1 - p) - mpmath.erfc(z / root_two) / 2
                z -= lower / (mpmath.exp(-z * z / 2) / root_two_pi)
            worst = max(worst, float(abs((found - z) / z)) if z != 0 else abs(found))
    assert worst < 1e-15


def test_sine_and_cosine_are_within_3e_16():
    u = turn_arguments()
    sines, cosines = np.empty(len(u)), np.empty(len(u))
    turns(u, sines, cosines)
    with mpmath.workdps(40):
        for v, s, c in zip(u.tolist(), sines.tolist(), cosines.tolist(), strict=True):
            angle = 2 * mpmath.pi * mpmath.mpf(v)
            assert abs(mpmath.mpf(s) - mpmath.sin(angle)) < 3e-16
            assert abs(mpmath.mpf(c) - mpmath.cos(angle)) < 3e-16


def test_quarter_turns_are_exact():
    for quarter, pair in enumerate([(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)]):
        assert tuple(elementary.sine_and_cosine_of_turns(quarter / 4.0)) == pair


@pytest.mark.parametrize(
    ("loop", "x", "expected"),
    [
        (logs, 0.0, -math.inf),
        (logs, -0.0, -math.inf),
        (logs, 1.0, 0.0),
        (logs, math.inf, math.inf),
        (logs, -1.0, math.nan),
        (logs, -math.inf, math.nan),
        (logs, math.nan, math.nan),
        (exps, 0.0, 1.0),
        (exps, -0.0, 1.0),
        (exps, math.inf, math.inf),
        (exps, -math.inf, 0.0),
        (exps, 709.782712893384, 1.7976931348622732e308),
        (exps, 709.79, math.inf),
        (exps, -745.13321910194, 5e-324),
        (exps, -745.2, 0.0),
        (exps, 1e300, math.inf),
        (exps, -1e300, 0.0),
        (exps, math.nan, math.nan),
        (quantiles, 0.5, 0.0),
        (quantiles, 0.0, -math.inf),
        (quantiles, 1.0, math.inf),
    ],
)
def test_special_values(loop, x, expected):
    found = values(loop, [x])[0]
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_normal_quantile_is_odd_and_increases():
    u = np.sort(np.random.default_rng(5).random(20_000 // FEWER))
    z = values(quantiles, u)
    assert (np.diff(z) >= 0.0).all()
    halves = np.floor(u * 2**30) / 2**30  # 1 - u is then exact
    assert (values(quantiles, 1.0 - halves) == -values(quantiles, halves)).all()


@pytest.mark.parametrize(
    ("loop", "function", "arguments"),
    [
        (logs, elementary.log, log_arguments),
        (exps, elementary.exp, exp_arguments),
        (quantiles, elementary.normal_quantile, quantile_arguments),
    ],
)
def test_compiled_equals_plain_bit_for_bit(loop, function, arguments):
    x = arguments()[::7]
    plain = np.array([function(v) for v in x.tolist()])
    assert (values(loop, x).view(np.int64) == plain.view(np.int64)).all()


def test_compiled_turns_equal_plain_bit_for_bit():
    u = turn_arguments()[::7]
    sines, cosines = np.empty(len(u)), np.empty(len(u))
    turns(u, sines, cosines)
    plain = np.array([elementary.sine_and_cosine_of_turns(v) for v in u.tolist()])
    assert (sines.view(np.int64) == plain[:, 0].copy().view(np.int64)).all()
    assert (cosines.view(np.int64) == plain[:, 1].copy().view(np.int64)).all()
