r"""CVaR of reward distributions: closed forms for the families of `arms`, quadrature for all others.

Rewards are gains and the tail is the lower one, as everywhere in banditlab: with b a tau-quantile of X,

.. math::
    \mathrm{CVaR}_\tau(X) = \max_b \{ b - E[(b - X)^+] / \tau \}
    = \big( E[X; X \le b] + b (\tau - P(X \le b)) \big) / \tau

so that tau = 1 gives the mean. As b is a maximiser, an error in the quantile hardly matters: formulas keep a P(X <= b)
that could be left out, as it equals tau, for that reason.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.finite_cvar import cvar
from banditlab.core.validation import invalid, positive_probability

SMALLEST = 1e-300
"""Smaller levels are refused: numbers nearer to 0 lose digits."""

LARGEST_EXPONENT = 700.0
"""Probabilities below exp(-700) are left out: they are near the smallest that floats hold."""

MOST_VALUES = 10_000_000
"""Most values of a discrete distribution that are summed."""

SHORT = 8.0
"""Standard deviations to which 64 nodes integrate a Gaussian's density to rounding, wherever its centre is."""

Vector = NDArray[np.float64]


def checked_level(name: str, value: Any) -> float:
    """Check for a level."""
    tau: float = positive_probability(name, value)
    if tau < SMALLEST:
        raise invalid(name, value, f"at least {SMALLEST:g}")
    return tau


def bernoulli(means: Vector, tau: float) -> Vector:
    """Return (tau - (1 - p))^+ / tau: the share of the tail that zeros leave to ones."""
    return np.maximum(tau - (1.0 - means), 0.0) / tau


def gaussian(means: Vector, stds: Vector, tau: float) -> Vector:
    """Return mu - sigma phi(z) / tau, where z is the standard normal quantile at tau."""
    from scipy import special

    z = float(special.ndtri(tau))
    # a single exponential: the density and tau can each underflow
    return means - stds * math.exp(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi) - math.log(tau))


def beta(a: Vector, b: Vector, tau: float) -> Vector:
    """Return (m I_q(a + 1, b) + q (tau - I_q(a, b))) / tau: I is the incomplete beta function, q its inverse at tau."""
    from scipy import special

    # for tiny shapes only the ratio matters, and SciPy before 1.17 loses it
    scale = np.where(np.maximum(a, b) < 1e-100, 1e200, 1.0)
    a, b = a * scale, b * scale
    q = special.betaincinv(a, b, tau)
    below = a / (a + b) * special.betainc(a + 1.0, b, q)
    return np.clip(below / tau + q * (1.0 - special.betainc(a, b, q) / tau), 0.0, 1.0)


def exponential(means: Vector, tau: float) -> Vector:
    """Return m P(2, q) / tau: P is the incomplete gamma function, q = -log(1 - tau) the quantile in units of m."""
    from scipy import special

    quantile = -math.log1p(-tau) if tau < 1.0 else math.inf
    if quantile < 1e-100:  # P(2, q) is q^2 / 2, and underflows
        return means * (0.5 * quantile * (quantile / tau))
    return means * (float(special.gammainc(2.0, quantile)) / tau)


def poisson(means: Vector, tau: float) -> Vector:
    """Return (m F(q - 1) + q (tau - F(q))) / tau: F is the distribution function, q its quantile at tau."""
    from scipy import special

    if tau == 1.0:
        return means.copy()
    found = np.zeros_like(means)
    some = means > 0.0
    m = means[some]
    q = np.maximum(np.ceil(special.pdtrik(tau, m)), 0.0)
    q = np.where((q > 0.0) & (special.pdtr(q - 1.0, m) >= tau), q - 1.0, q)
    before = np.where(q > 0.0, special.pdtr(np.maximum(q - 1.0, 0.0), m), 0.0)
    found[some] = m * (before / tau) + q * (1.0 - special.pdtr(q, m) / tau)
    return found


@functools.cache
def legendre(n: int) -> tuple[Vector, Vector]:
    """Return nodes in [-1, 1] and weights of Gaussian quadrature, which take a millisecond to find."""
    return np.polynomial.legendre.leggauss(n)


def heavy_part(location: Any, scale: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """Return the part of [low, high] that holds all but e^-45 of a Gaussian's mass there."""
    least = np.minimum(np.maximum(location, low), high)  # where the density is largest
    with np.errstate(divide="ignore"):
        reach = 45.0 * scale / (np.abs(least - location) / scale)  # the slope of the log-density is steepest beyond
    return np.maximum(low, least - reach), np.minimum(high, least + reach)


def _by_quadrature(m: Any, s: Any, left: Any, right: Any) -> tuple[Any, Any, Any]:
    """Return log-masses, means and variances of Gaussians on short [left, right], where the density is smooth.

    Closed forms would be differences of nearly equal numbers.
    """
    nodes, weights = legendre(64)
    centre, half = 0.5 * (left + right), 0.5 * (right - left)
    z = ((centre - m)[..., None] + half[..., None] * nodes) / np.asarray(s)[..., None]
    top = (-0.5 * z * z).max(axis=-1)
    density = weights * np.exp(-0.5 * z * z - top[..., None])
    whole = density.sum(axis=-1)
    mean = density @ nodes / whole
    with np.errstate(divide="ignore"):
        mass = np.log(half / s) + np.log(whole) + top - 0.5 * math.log(2.0 * math.pi)
    return mass, centre + half * mean, half**2 * (density * (nodes - mean[..., None]) ** 2).sum(axis=-1) / whole


def truncated_variance(location: float, scale: float, low: float, high: float) -> float:
    """Return the variance of a Gaussian conditioned on [low, high]."""
    from scipy import stats

    left, right = heavy_part(location, scale, low, high)
    if right - left < SHORT * scale:
        return float(_by_quadrature(location, scale, left, right)[2])
    return float(stats.truncnorm.var((low - location) / scale, (high - location) / scale, location, scale))


def truncated_gaussians(locations: Any, scales: Any, low: float, highs: Any) -> tuple[Vector, Vector]:
    """Return the logarithm of each Gaussian's mass on [low, high], and its mean there; the arrays are broadcast."""
    from scipy import special

    m, s, high = np.broadcast_arrays(locations, scales, highs)
    a, b = (low - m) / s, (high - m) / s
    # all on the side where the distribution function is small
    mirrored = a > 0.0
    a, b = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = special.log_ndtr(b)
        mass = largest + np.log1p(-np.exp(special.log_ndtr(a) - largest))
        shift = np.exp(-0.5 * a * a - mass) - np.exp(-0.5 * b * b - mass)
    mean = m + s * np.where(mirrored, -shift, shift) / math.sqrt(2.0 * math.pi)
    left, right = heavy_part(m, s, low, high)
    short = right - left < SHORT * s
    if short.any():
        mass[short], mean[short], _ = _by_quadrature(m[short], s[short], left[short], right[short])
    return mass, np.clip(mean, low, high)


def mixture_quantiles(weights: Any, locations: Any, scales: Any, low: float, high: float, u: Any) -> Vector:
    """Return quantiles of mixtures of truncated Gaussians, by bisection.

    Parameters are arrays whose last axis is the mode; the others broadcast with the levels `u`.
    """
    whole, _ = truncated_gaussians(locations, scales, low, high)
    u = np.asarray(u, dtype=float)
    shape = np.broadcast_shapes(u.shape, whole.shape[:-1])
    below, above = np.full(shape, low), np.full(shape, high)
    for _ in range(64):
        middle = 0.5 * (below + above)
        mass, _ = truncated_gaussians(locations, scales, low, middle[..., None])
        reached = (weights * np.exp(mass - whole)).sum(axis=-1) >= u
        below, above = np.where(reached, below, middle), np.where(reached, middle, above)
    return above


def gaussian_mixture(weights: Any, locations: Any, scales: Any, low: float, high: float, tau: float) -> Vector:
    """Return the mean of what is below the quantile at tau, for mixtures of Gaussians conditioned on [low, high]."""
    quantiles = mixture_quantiles(weights, locations, scales, low, high, tau)
    whole, _ = truncated_gaussians(locations, scales, low, high)
    mass, means = truncated_gaussians(locations, scales, low, quantiles[:, None])
    below = weights * np.exp(mass - whole)
    return (below * means).sum(axis=1) / below.sum(axis=1)


def of_distribution(distribution: Any, tau: float) -> float:
    """Return the CVaR of a distribution that has scipy's methods: the mean of its quantiles up to the level.

    It is computed by quadrature; discrete distributions (those with `pmf`) are summed.
    """
    if tau == 1.0:
        return float(distribution.mean())
    if hasattr(distribution, "pmf"):
        quantile = float(distribution.ppf(tau))
        found = quantile - _summed_shortfall(distribution, quantile, tau) / tau
    elif tau <= 0.5:
        found = _mean_of_tail(distribution.ppf, tau, math.inf)
    else:  # from both ends, as quantile functions are steep at both
        upper = _mean_of_tail(distribution.isf, 0.5, math.log(0.5 / (1.0 - tau)))
        found = 0.5 * (_mean_of_tail(distribution.ppf, 0.5, math.inf) + upper) / tau
    if not math.isfinite(found):
        raise invalid("distribution", distribution, f"one with a finite CVaR at the level {tau:g}")
    return found


def _mean_of_tail(quantile: Any, level: float, end: float) -> float:
    """Return the integral of quantile(level e^-s) e^-s over s from 0 to `end`.

    In s, steep quantile functions are smooth: powers and logarithms of probabilities become exponentials and powers.
    """
    from scipy import integrate

    edge = float(quantile(level))
    rounding = 1e-14 * (abs(edge) + abs(float(quantile(0.5))))

    def beyond(s: float) -> float:
        return (float(quantile(level * math.exp(-s))) - edge) * math.exp(-s)

    total, start = 0.0, 0.0
    share = -math.expm1(-end)
    end = min(end, math.log(level) + LARGEST_EXPONENT)
    while start < end:
        stop = min(2.0 * start + 8.0, end)
        part = integrate.quad(beyond, start, stop, epsabs=rounding, epsrel=1e-11, limit=500)[0]
        total += part
        start = stop
        if abs(part) <= max(rounding, 1e-15 * abs(total)):
            break
    return total + edge * share


def _summed_shortfall(distribution: Any, b: float, tau: float) -> float:
    law = getattr(distribution, "dist", distribution)  # frozen or not
    points = getattr(law, "xk", None)  # for rv_discrete(values=...): any numbers
    lowest = float(distribution.support()[0])
    if points is not None:
        values = np.asarray(points, dtype=float) + (lowest - points[0])
        return float(np.maximum(b - values, 0.0) @ np.asarray(law.pk, dtype=float))
    first = max(lowest, float(distribution.ppf(tau * 2.0**-60)))  # less likely values do not count
    if not b - first <= MOST_VALUES:
        raise invalid("distribution", distribution, f"at most {MOST_VALUES:,} values below its quantile at {tau:g}")
    # between values, as `cdf` can miss one that is shifted by loc
    return float(np.sum(distribution.cdf(first + np.arange(round(b - first)) + 0.5)))


def finite(values: Any, probabilities: Any, tau: float) -> Vector:
    """Return the CVaR of finite distributions, one per row."""
    return np.asarray(cvar(values, tau, probabilities), dtype=np.float64)
