"""Kullback-Leibler divergences and the constants K_inf of the lower bounds, as plain functions of numbers.

`kl_*` is the divergence between two members of a one-parameter family, given by their means. `kinf_*` is the infimum of
KL(nu, nu') over the nu' of a model whose mean exceeds a target: a uniformly good policy needs log(T) / K_inf pulls of
such an arm (Burnetas and Katehakis 1996).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .tails import legendre, truncated_gaussians

__all__ = [
    "kinf_beta",
    "kinf_finite",
    "kinf_truncated_gaussian",
    "kl_bernoulli",
    "kl_beta",
    "kl_exponential",
    "kl_gaussian",
    "kl_poisson",
]


def excess_near_zero(x: Any) -> Any:
    """Return x - log(1 + x) of a number or an array, for x from -0.001 to 0.001, without cancellation."""
    return x * x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x / 6.0))))


def _excess(x: float) -> float:
    """Return x - log(1 + x), without cancellation near 0."""
    return float(x - math.log1p(x) if abs(x) > 1e-3 else excess_near_zero(x))


def _excess_of(p: float, gap: float, q: float) -> float:
    """Return q - p + p log(p / q) for positive p and q: for example, the divergence between Poisson distributions.

    Their difference `gap` is passed separately, as for numbers near 1 it has more digits than they do.
    """
    if p < 1e-300 * abs(gap):  # x could be infinite
        return gap - p * (math.log(q) - math.log(p))
    x = gap / p
    return p * (_excess(x) if x > -0.5 else x - (math.log(q) - math.log(p)))  # 1 + x has lost digits of x


def kl_bernoulli(p: float, q: float) -> float:
    r"""Return KL(Bernoulli(p), Bernoulli(q)), in nats.

    Parameters
    ----------
    p, q : float
        The means, in [0, 1].

    Returns
    -------
    float
        :math:`p \log(p / q) + (1 - p) \log((1 - p) / (1 - q))`; inf where q is 0 or 1 and p is not, NaN where one is
        NaN.

    Examples
    --------
    >>> from banditlab.arms import divergences
    >>> round(divergences.kl_bernoulli(0.2, 0.8), 6), divergences.kl_bernoulli(0.5, 1.0)
    (0.831777, inf)
    """
    if math.isnan(p) or math.isnan(q):
        return math.nan
    if p == q:
        return 0.0
    if q <= 0.0 or q >= 1.0:
        return math.inf
    if p <= 0.0:
        return -math.log1p(-q)
    return _excess_of(p, q - p, q) + _excess_of(1.0 - p, p - q, 1.0 - q) if p < 1.0 else -math.log(q)


def kl_gaussian(mean: float, other: float, std: float, other_std: float | None = None) -> float:
    r"""Return KL(N(mean, std^2), N(other, other_std^2)), in nats.

    Parameters
    ----------
    mean, other : float
        The means.
    std : float
        Standard deviation of the first; positive.
    other_std : float, optional
        That of the second; default `std`. Then the divergence is :math:`(\mu - \mu')^2 / (2 \sigma^2)`.

    Examples
    --------
    >>> from banditlab.arms import divergences
    >>> divergences.kl_gaussian(0.0, 1.0, std=0.5)
    2.0
    >>> round(divergences.kl_gaussian(0.0, 1.0, std=0.5, other_std=2.0), 6)
    1.042544
    """
    s = std if other_std is None else other_std
    z = (float(mean) - float(other)) / float(s)  # products of Python's floats become infinite silently
    away = 0.5 * z * z
    if s == std:
        return away
    return 0.5 * _excess_of(1.0, (std - s) / s * ((std + s) / s), (std / s) ** 2) + away


def kl_exponential(mean: float, other: float) -> float:
    r"""Return the divergence between exponential distributions of given means, in nats.

    Parameters
    ----------
    mean, other : float
        The means; positive.

    Returns
    -------
    float
        :math:`\mu / \mu' - 1 - \log(\mu / \mu')`.

    Examples
    --------
    >>> from banditlab.arms import divergences
    >>> round(divergences.kl_exponential(1.0, 2.0), 6), round(divergences.kl_exponential(2.0, 1.0), 6)
    (0.193147, 0.306853)
    """
    if 0.5 < mean / other < 2.0:  # near 1 logarithms cancel
        return _excess((mean - other) / other)
    return mean / other - 1.0 - (math.log(mean) - math.log(other))


def kl_poisson(mean: float, other: float) -> float:
    r"""Return the divergence between Poisson distributions of given means, in nats.

    Parameters
    ----------
    mean, other : float
        The means; at least 0.

    Returns
    -------
    float
        :math:`\mu' - \mu + \mu \log(\mu / \mu')`; inf where only :math:`\mu'` is 0.

    Examples
    --------
    >>> from banditlab.arms import divergences
    >>> round(divergences.kl_poisson(1.0, 2.0), 6), divergences.kl_poisson(0.0, 2.0)
    (0.306853, 2.0)
    """
    if mean == 0.0:
        return other
    return _excess_of(mean, other - mean, other) if other > 0 else math.inf


def kl_beta(a: float, b: float, c: float, d: float) -> float:
    """Return KL(Beta(a, b), Beta(c, d)), in nats.

    Parameters
    ----------
    a, b : float
        Shapes of the first; positive.
    c, d : float
        Shapes of the second; positive.

    Examples
    --------
    >>> from banditlab.arms import divergences
    >>> round(divergences.kl_beta(1.0, 1.0, 2.0, 1.0), 6)
    0.306853
    """
    from scipy import special

    if abs(c - a) < NEARBY * a and abs(d - b) < NEARBY * b:
        return _kl_beta_nearby(a, b, c - a, d - b)
    found = (
        special.betaln(c, d)
        - special.betaln(a, b)
        + (a - c) * special.digamma(a)
        + (b - d) * special.digamma(b)
        + (c - a + d - b) * special.digamma(a + b)
    )
    return max(float(found), 0.0)  # rounding can leave less


NEARBY = 0.25
"""How far, as a share, the shapes of a nearby beta distribution may differ."""


def _kl_beta_nearby(a: float, b: float, more_a: float, more_b: float) -> float:
    """Return KL(Beta(a, b), Beta(a + more_a, b + more_b)), whose terms cancel where both are small.

    It is computed as the remainder of a Taylor series, int_0^1 (1 - s) h' I(s) h ds with the Fisher information I(s) on
    the way, whose terms are all positive.
    """
    from scipy import special

    nodes, weights = legendre(8)  # exact to 16 digits at these shares
    s = 0.5 * (nodes + 1.0)
    more = more_a + more_b
    information = (  # for huge shapes squares overflow, and these products do not
        more_a * (more_a * special.polygamma(1, a + s * more_a))
        + more_b * (more_b * special.polygamma(1, b + s * more_b))
        - more * (more * special.polygamma(1, a + b + s * more))
    )
    return max(float(0.5 * weights @ ((1.0 - s) * information)), 0.0)


def kinf_beta(a: float, b: float, target: float) -> float:
    """Return K_inf in the model of all beta distributions: both shapes unknown.

    The nearest distribution has mean exactly `target`, so that only one number is left to minimise over: its
    concentration c + d.

    Parameters
    ----------
    a, b : float
        Shapes of the arm; positive.
    target : float
        The mean to exceed: 0 is returned if the arm's reaches it, inf if no mean can.

    Examples
    --------
    >>> from banditlab.arms import divergences
    >>> round(divergences.kinf_beta(2.0, 2.0, 0.7), 6), divergences.kinf_beta(2.0, 2.0, 0.4)
    (0.373604, 0.0)
    """
    from scipy import optimize

    if a / (a + b) >= target:
        return 0.0
    if target >= 1.0:
        return math.inf
    if target - a / (a + b) < SMALL_GAP * min(a, b) / (a + b):
        return _kinf_beta_nearby(a, b, target)

    def divergence(log_size: float) -> float:
        size = math.exp(log_size)
        return kl_beta(a, b, target * size, (1.0 - target) * size)

    start = math.log(a + b)
    with np.errstate(over="ignore", invalid="ignore"):  # huge shapes: infinite divergences, which SciPy multiplies
        found = optimize.minimize_scalar(divergence, bracket=(start - 1.0, start + 1.0), options={"xtol": 1e-12})
    return max(float(found.fun), 0.0)


SMALL_GAP = 1e-7
"""Smallest gap worth a search, as a share of the smaller of the mean and one minus the mean."""


def _kinf_beta_nearby(a: float, b: float, target: float) -> float:
    """Return K_inf for a small gap: half its square over the least variance of an unbiased estimate of the mean.

    That is the inverse Fisher information in the direction of the mean's gradient, (b, -a) / (a + b)^2.
    """
    from scipy import special

    both = special.polygamma(1, a + b)
    one, other = special.polygamma(1, a) - both, special.polygamma(1, b) - both
    along, across = b / (a + b) ** 2, -a / (a + b) ** 2
    least = (other * along**2 + 2.0 * both * along * across + one * across**2) / (one * other - both**2)
    return float(0.5 * (target - a / (a + b)) ** 2 / least)


def kinf_finite(values: ArrayLike, probabilities: ArrayLike, target: float, upper: float) -> float:
    """Return K_inf in the model of all distributions on (-inf, upper], for a finitely supported one.

    By duality (Honda and Takemura 2010; Theorem 5 as they quote it in 2015, Theorem 8 as Riou and Honda 2020 do): max
    over l in [0, 1/(upper - target)] of E log(1 - l (X - target)), a concave function of l.

    Parameters
    ----------
    values, probabilities : sequence of float
        The distribution: values up to `upper`, and the probability of each.
    target : float
        The mean to exceed: 0 is returned if the distribution's reaches it, inf from `upper` on.
    upper : float
        The largest reward of the model.

    Examples
    --------
    For rewards 0 and 1 it is the Bernoulli divergence; rewards that are always 1/2 say more:

    >>> from banditlab.arms import divergences
    >>> round(divergences.kinf_finite([0, 1], [0.5, 0.5], target=0.8, upper=1.0), 6)
    0.223144
    >>> round(divergences.kl_bernoulli(0.5, 0.8), 6)
    0.223144
    >>> round(divergences.kinf_finite([0.5], [1.0], target=0.8, upper=1.0), 6)
    0.916291
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
        with np.errstate(divide="ignore"):  # -inf at the end of the interval, if a value is next to `upper`
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
    return float(truncated_gaussians([location], scale, low, high)[1][0])


def kinf_truncated_gaussian(location: float, scale: float, low: float, high: float, target: float) -> float:
    """Return K_inf in the model of Gaussians with known scale truncated to a known interval: the location is unknown.

    An exponential family in the location: KL is the integral of (m(x) - m(l)) / s^2 over x from l to l', where m(x) is
    the mean at location x.

    Parameters
    ----------
    location, scale : float
        Mean and standard deviation of the arm's Gaussian before truncation; the scale is positive.
    low, high : float
        The interval.
    target : float
        The mean to exceed, after truncation: 0 is returned if the arm's reaches it, inf from `high` on.

    Examples
    --------
    Far from the ends it is the divergence between Gaussians:

    >>> from banditlab.arms import divergences
    >>> round(divergences.kinf_truncated_gaussian(0.0, 1.0, low=-20.0, high=20.0, target=1.0), 6)
    0.5
    >>> round(divergences.kinf_truncated_gaussian(0.0, 1.0, low=-1.0, high=1.0, target=0.5), 6)
    0.561198
    """
    from scipy import optimize

    mean = truncated_gaussian_mean(location, scale, low, high)
    if mean >= target:
        return 0.0
    if target >= high:
        return math.inf

    step = scale
    upper = location + step
    while truncated_gaussian_mean(upper, scale, low, high) < target:
        step *= 2.0
        upper = location + step

    def above(at: float) -> float:
        return truncated_gaussian_mean(at, scale, low, high) - target

    found = float(optimize.brentq(above, location, upper, xtol=1e-13 * scale))
    n_parts = math.ceil(math.log2((found - location) / scale + 1.0))
    # parts that double in length away from where it begins and from where the mean bends, at the ends of the interval
    away = scale * (2.0 ** np.arange(n_parts + 1) - 1.0)
    bends = [end + sign * away for end in (low, high) for sign in (-1.0, 1.0)]
    ends = np.unique(np.clip(np.concatenate([location + away, *bends]), location, found))
    nodes, weights = legendre(32)
    half = 0.5 * np.diff(ends)[:, None]
    _, means = truncated_gaussians(ends[:-1, None] + half * (1.0 + nodes), scale, low, high)
    return float(((means - mean) * (half * weights)).sum()) / scale**2
