"""Kullback-Leibler divergences and the constants K_inf of the lower bounds, as plain functions of numbers.

`kl_*` is the divergence between two members of a one-parameter family, given by their means. `kinf_*` is
the infimum of KL(nu, nu') over the nu' of a model whose mean exceeds a target: what a
uniformly good policy needs log(T) / K_inf pulls for (Burnetas and Katehakis 1996).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def _excess(x: float) -> float:
    """Return x - log(1 + x), without cancellation near 0."""
    if abs(x) > 1e-3:
        return x - math.log1p(x)
    return x * x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x / 6.0))))


def kl_bernoulli(p: float, q: float) -> float:
    """Return KL(Bernoulli(p), Bernoulli(q)), in nats; inf where q is 0 or 1 and p is not."""
    if p == q:
        return 0.0
    if q <= 0.0 or q >= 1.0:
        return math.inf
    success = p * _excess((q - p) / p) if p > 0.0 else 0.0
    failure = (1.0 - p) * _excess((p - q) / (1.0 - p)) if p < 1.0 else 0.0
    if p <= 0.0:
        return -math.log1p(-q)
    return success + failure if p < 1.0 else -math.log(q)


def kl_gaussian(mean: float, other: float, std: float, other_std: float | None = None) -> float:
    """Return KL(N(mean, std^2), N(other, other_std^2)); the standard deviations are equal by default."""
    s = std if other_std is None else other_std
    away = 0.5 * ((mean - other) / s) ** 2
    return away if s == std else math.log(s / std) + 0.5 * ((std / s) ** 2 - 1.0) + away


def kl_exponential(mean: float, other: float) -> float:
    """Return the divergence between exponential distributions of given means."""
    if 0.999 < mean / other < 1.001:
        return _excess((mean - other) / other)
    return mean / other - 1.0 - (math.log(mean) - math.log(other))


def kl_poisson(mean: float, other: float) -> float:
    """Return the divergence between Poisson distributions of given means."""
    if mean == 0.0:
        return other
    return mean * _excess((other - mean) / mean) if other > 0 else math.inf


def kl_beta(a: float, b: float, c: float, d: float) -> float:
    """Return KL(Beta(a, b), Beta(c, d))."""
    from scipy import special

    return float(
        special.betaln(c, d)
        - special.betaln(a, b)
        + (a - c) * special.digamma(a)
        + (b - d) * special.digamma(b)
        + (c - a + d - b) * special.digamma(a + b)
    )


def kinf_beta(a: float, b: float, target: float) -> float:
    """Return K_inf in the model of all beta distributions: both shapes unknown.

    The nearest distribution has mean exactly `target`, so that one number is left to minimise over:
    its concentration c + d.
    """
    from scipy import optimize

    if a / (a + b) >= target:
        return 0.0
    if target >= 1.0:
        return math.inf

    def divergence(log_size: float) -> float:
        size = math.exp(log_size)
        return kl_beta(a, b, target * size, (1.0 - target) * size)

    start = math.log(a + b)
    found = optimize.minimize_scalar(divergence, bracket=(start - 1.0, start + 1.0), options={"xtol": 1e-12})
    return max(float(found.fun), 0.0)


def kinf_finite(values: ArrayLike, probabilities: ArrayLike, target: float, upper: float) -> float:
    """Return K_inf in the model of all distributions on (-inf, upper], for a finitely supported one.

    By duality (Honda and Takemura 2010, Theorem 8): max over l in [0, 1/(upper - target)] of
    E log(1 - l (X - target)), a concave function of l.
    """
    from scipy import optimize

    x = np.asarray(values, dtype=float)
    p = np.asarray(probabilities, dtype=float)
    if float(x @ p) >= target:
        return 0.0
    if target >= upper:
        return math.inf
    top = 1.0 / (upper - target)

    def slope(scale: float) -> float:
        return float(-(p * (x - target) / (1.0 - scale * (x - target))).sum())

    inside = p > 0
    x, p = x[inside], p[inside]
    if x.max() < upper and slope(top) >= 0.0:
        best = top
    else:
        high = top * (1.0 - 1e-15)
        best = high if slope(high) >= 0.0 else float(optimize.brentq(slope, 0.0, high, xtol=1e-300, rtol=1e-14))
    return float((p * np.log1p(-best * (x - target))).sum())


def truncated_gaussian_mean(location: float, scale: float, low: float, high: float) -> float:
    """Return the mean of a Gaussian conditioned on [low, high]."""
    width = (high - low) / scale
    if width < 1.0:
        # scipy's formula cancels on a short interval; there the density is smooth, and quadrature exact to rounding
        nodes, weights = np.polynomial.legendre.leggauss(64)
        centre, half = 0.5 * (low + high), 0.5 * (high - low)
        exponent = -0.5 * ((centre - location + half * nodes) / scale) ** 2
        mass = weights * np.exp(exponent - exponent.max())
        mass /= mass.sum()
        return centre + half * float(mass @ nodes)
    from scipy import stats

    a, b = (low - location) / scale, (high - location) / scale
    return float(stats.truncnorm.stats(a, b, loc=location, scale=scale, moments="m"))


def kinf_truncated_gaussian(location: float, scale: float, low: float, high: float, target: float) -> float:
    """Return K_inf in the model of Gaussians with known scale truncated to a known interval: the location is unknown.

    An exponential family in the location: KL = (l - l') m(l) / s^2 + A(l') - A(l), where m is the mean
    and A the log-normaliser.
    """
    from scipy import optimize, stats

    mean = truncated_gaussian_mean(location, scale, low, high)
    if mean >= target:
        return 0.0
    if target >= high:
        return math.inf

    def log_normaliser(at: float) -> float:
        a, b = (low - at) / scale, (high - at) / scale
        inside = stats.norm.logsf(a) if b > 30 else _log_difference(a, b)
        return at**2 / (2 * scale**2) + float(inside)

    step = scale
    upper = location + step
    while truncated_gaussian_mean(upper, scale, low, high) < target:
        step *= 2.0
        upper = location + step
    found = float(
        optimize.brentq(lambda at: truncated_gaussian_mean(at, scale, low, high) - target, location, upper, xtol=1e-13)
    )
    return (location - found) * mean / scale**2 + log_normaliser(found) - log_normaliser(location)


def _log_difference(a: float, b: float) -> float:
    """Return log(Phi(b) - Phi(a)) without cancellation, for a < b."""
    from scipy import special

    if a > 0:
        a, b = -b, -a
    high, low = float(special.log_ndtr(b)), float(special.log_ndtr(a))
    return high + math.log1p(-math.exp(low - high))
