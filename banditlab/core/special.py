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
    """Return I_y(a, b) over y^a (1-y)^b / B(a, b): a continued fraction, which converges fast for y < (a+1)/(a+b+2).

    Its convergents are computed forward, numerators and denominators separately, so that no step waits for a division.
    """
    x = 1.0 - y
    drift = a * x - b * y + 1.0
    before, top = 0.0, 1.0
    below_before, bottom = 1.0, a * drift / (a + 1.0)
    for m in range(1, 100000):
        left = 1.0 / (a + 2.0 * m - 1.0)
        part = m * (b - m) * y * left
        p = (a + m - 1.0) * (a + b + m - 1.0) * y * left * part
        q = m + part + (a + m) * (drift + m * (1.0 + x)) / (a + 2.0 * m + 1.0)
        before, top = top, q * top + p * before
        below_before, bottom = bottom, q * bottom + p * below_before
        here = top * below_before
        if not abs(here - before * bottom) > 1e-15 * abs(here):
            break
        if bottom > 1e100:
            before, top, below_before, bottom = before * 1e-100, top * 1e-100, below_before * 1e-100, bottom * 1e-100
    return top / bottom


@device
def log_beta_cdf(x: float, a: float, b: float, log_beta_ab: float) -> tuple[float, float]:
    """Return log I_x(a, b), and I_x(a, b) over x^a (1-x)^b / B(a, b), given log B(a, b); for 0 < x < 1.

    The lower tail does not underflow, however small it is.
    """
    log_front = a * log(x) + b * log(1.0 - x) - log_beta_ab
    if x < (a + 1.0) / (a + b + 2.0):
        ratio = beta_tail_fraction(a, b, x)
        return log_front + log(ratio), ratio
    front = exp(log_front)
    mass = 1.0 - front * beta_tail_fraction(b, a, 1.0 - x)
    return log(mass), mass / front if front > 0.0 else math.inf


@device_call
def beta_upper_quantile(tail: float, a: float, b: float) -> tuple[float, float]:
    """Return x with P(X > x) = tail for X ~ Beta(a, b), a, b >= 1, and the slope of x as a function of -log(tail).

    Works on y = 1 - x, whose distribution is Beta(b, a): solves log I_y(b, a) = log tail for log y, of which the left
    side is a concave function. Uses Newton's method while far from the solution, then three terms of the series of the
    inverse function; starts from a normal approximation (Abramowitz and Stegun 26.5.22), kept inside a bracket.
    """
    if tail >= 1.0:
        return 0.0, math.inf
    if tail <= 0.0:
        return 1.0, 0.0
    target = log(tail)
    if b == 1.0:
        x = exp(log(1.0 - tail) / a)
        return x, x * tail / (a * (1.0 - tail))
    if a == 1.0:
        y = exp(target / b)
        return 1.0 - y, y / b
    z = -normal_quantile(tail)
    r = (z * z - 3.0) / 6.0
    s = 1.0 / (2.0 * b - 1.0)
    t = 1.0 / (2.0 * a - 1.0)
    h = 2.0 / (s + t)
    w = z * math.sqrt(max(h + r, 0.0)) / h - (t - s) * (r + 5.0 / 6.0 - 2.0 / (3.0 * h))
    low = 1e-300
    high = 1.0 - 1e-16
    y = min(max(b / (b + a * exp(2.0 * w)), low), high)
    known = log_beta(a, b)
    # from here on the series' next term, of fourth order in (what is missing) / (log tail), is below rounding
    near = max(1e-4 * min(1.0, -target), 1e-15)
    slope = math.inf
    for _ in range(100):
        reached, ratio = log_beta_cdf(y, b, a, known)
        missing = target - reached
        if missing < 0.0:
            high = y
        else:
            low = y
        # derivatives of log y as a function of log I; `bend` is that of the logarithm of the density of log y
        x = 1.0 - y
        bend = b - (a - 1.0) * y / x
        first = ratio * x
        second = first * (1.0 - bend * first)
        third = second - first * (2.0 * bend * second - (a - 1.0) * y / (x * x) * first * first)
        series = first + 0.5 * missing * (second + missing * third / 3.0)
        better = y * exp(missing * (series if abs(missing) < 0.5 else first))
        inside = better >= low and better <= high
        y = better if inside else 0.5 * (low + high)
        if inside and abs(missing) <= near:
            slope = better * (first + missing * (second + 0.5 * missing * third))
            break
    return 1.0 - y, slope
