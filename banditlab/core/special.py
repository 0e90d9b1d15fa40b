"""The gamma and beta functions and the beta distribution's quantile, for kernels.

`scipy.special` cannot be called from compiled code, and the C library's lgamma rounds differently from Python's;
these use the arithmetic of `core.elementary`, so that compiled code and plain Python agree to the last bit.
"""

from __future__ import annotations

import math

from .dispatch import device, device_call
from .elementary import exp, log, normal_quantile

_HALF_LOG_TWO_PI = 0.9189385332046727


@device_call
def log_gamma(x: float) -> float:
    """Return log Gamma(x) for x > 0: Stirling's series at x + n >= 10; error below 1e-14 max(1, |log Gamma(x)|)."""
    shift = 1.0
    while x < 10.0:
        shift *= x
        x += 1.0
    z = 1.0 / (x * x)
    series = (
        1.0 / 12.0
        - z
        * (
            1.0 / 360.0
            - z * (1.0 / 1260.0 - z * (1.0 / 1680.0 - z * (1.0 / 1188.0 - z * (691.0 / 360360.0 - z / 156.0))))
        )
    ) / x
    return (x - 0.5) * log(x) - x + _HALF_LOG_TWO_PI + series - log(shift)


@device
def log_beta(a: float, b: float) -> float:
    """Return log B(a, b)."""
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


@device_call
def beta_tail_fraction(a: float, b: float, y: float) -> float:
    """Return the continued fraction of the incomplete beta function I_y(a, b), by the modified Lentz method.

    I_y(a, b) = y^a (1-y)^b / (a B(a, b)) times it; converges fast for y < (a+1)/(a+b+2).
    """
    tiny = 1e-300
    c = 1.0
    d = 1.0 - (a + b) * y / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 100000):
        even = m * (b - m) * y / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        d = 1.0 + even * d
        d = 1.0 / (d if abs(d) > tiny else tiny)
        c = 1.0 + even / c
        c = c if abs(c) > tiny else tiny
        value *= d * c
        odd = -(a + m) * (a + b + m) * y / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d = 1.0 + odd * d
        d = 1.0 / (d if abs(d) > tiny else tiny)
        c = 1.0 + odd / c
        c = c if abs(c) > tiny else tiny
        factor = d * c
        value *= factor
        if abs(factor - 1.0) < 1e-15:
            break
    return value


@device_call
def beta_cdf(x: float, a: float, b: float, log_beta_ab: float) -> float:
    """Return I_x(a, b) given log B(a, b)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(a * log(x) + b * log(1.0 - x) - log_beta_ab)
    if x < (a + 1.0) / (a + b + 2.0):
        return front * beta_tail_fraction(a, b, x) / a
    return 1.0 - front * beta_tail_fraction(b, a, 1.0 - x) / b


@device_call
def beta_upper_quantile(tail: float, a: float, b: float) -> float:
    """Return x with P(X > x) = tail for X ~ Beta(a, b), a, b >= 1.

    Works on y = 1 - x, whose distribution is Beta(b, a): solves I_y(b, a) = tail by Newton's method on the
    logarithm, started from a normal approximation (Abramowitz and Stegun 26.5.22) and kept inside a bracket.
    """
    if tail >= 1.0:
        return 0.0
    if tail <= 0.0:
        return 1.0
    if b == 1.0:
        return exp(log(1.0 - tail) / a)
    if a == 1.0:
        return 1.0 - exp(log(tail) / b)
    z = -normal_quantile(tail)
    r = (z * z - 3.0) / 6.0
    s = 1.0 / (2.0 * b - 1.0)
    t = 1.0 / (2.0 * a - 1.0)
    h = 2.0 / (s + t)
    w = z * math.sqrt(max(h + r, 0.0)) / h - (t - s) * (r + 5.0 / 6.0 - 2.0 / (3.0 * h))
    y = b / (b + a * exp(2.0 * w))
    known = log_beta(a, b)
    target = log(tail)
    low = 0.0
    high = 1.0
    y = min(max(y, 1e-300), 1.0 - 1e-16)
    for _ in range(100):
        density = exp((b - 1.0) * log(y) + (a - 1.0) * log(1.0 - y) - known)
        mass = beta_cdf(y, b, a, known)
        if mass > tail:
            high = y
        else:
            low = y
        following = 0.5 * (low + high)
        if mass > 0.0 and density > 0.0:
            # Newton for log I_y(b, a) = log tail, a concave function of y
            newton = y - (log(mass) - target) * mass / density
            if newton > low and newton < high:
                following = newton
        if abs(following - y) <= 1e-15 * y:
            y = following
            break
        y = following
    return 1.0 - y
