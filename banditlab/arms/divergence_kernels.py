"""Bernoulli divergences inside kernels: kl(p, q), and the upper confidence bound that it defines."""

from __future__ import annotations

import math

from banditlab.core.dispatch import device
from banditlab.core.elementary import exp, log


@device
def negative_entropy(p: float) -> float:
    """Return p log p + (1-p) log(1-p), with 0 log 0 = 0."""
    inside = (p > 0.0) & (p < 1.0)
    x = p if inside else 0.5
    value = x * log(x) + (1.0 - x) * log(1.0 - x)
    return value if inside else 0.0


@device
def divergence(p: float, q: float, entropy: float) -> float:
    """Return kl(p, q) given p's negative entropy; inf where q is 0 or 1 and p is not."""
    inside = (q > 0.0) & (q < 1.0)
    x = q if inside else 0.5
    value = max(entropy - p * log(x) - (1.0 - p) * log(1.0 - x), 0.0)
    value = value if inside else math.inf
    return 0.0 if p == q else value


@device
def upper_bound(p: float, budget: float, entropy: float) -> float:
    """Return the largest q with kl(p, q) <= budget, given p's negative entropy.

    Starts from the least of three bounds (Pinsker's; 1 - q >= exp(-(budget - entropy)/(1-p)); a Bernstein-type one,
    which is close rather than above) and takes three steps of Halley's method: enough for an absolute error below 1e-15
    for every p and budget, as tests check. There is no loop and no branch, so that a loop over lanes vectorises.
    """
    b = max(budget, 0.0)
    r = 1.0 - p
    pinsker = p + math.sqrt(0.5 * b)
    near_one = 1.0 - exp(-(b - entropy) / max(r, 1e-300))
    c = b * (1.0 - 2.0 * p) / 3.0
    bernstein = p + c + math.sqrt(max(c * c + 2.0 * p * r * b, 0.0))
    q = min(min(pinsker, near_one), bernstein)
    for _ in range(3):
        s = 1.0 - q
        fine = (q > p) & (s > 0.0) & (q > 0.0)
        x = q if fine else 0.5
        y = s if fine else 0.5
        # kl(p, x) - b. Written as p log p + ... it would cancel where x is near p: with x = p (1 + g) and
        # y = r (1 + h), rounded to gw and hw, p g + r h = 0 exactly, and each bracket is small of second order.
        g = (x - p) / max(p, 1e-300)
        h = (p - x) / max(r, 1e-300)
        gw = 1.0 + g
        hw = 1.0 + h
        f = -p * (log(gw) + (g - (gw - 1.0)) / gw) - r * (log(hw) + (h - (hw - 1.0)) / max(hw, 1e-300)) - b
        slope = (x - p) / (x * y)
        curvature = p / (x * x) + r / (y * y)
        step = 2.0 * f * slope / (2.0 * slope * slope - f * curvature)
        better = x - step
        q = better if fine & (better >= p) & (better <= 1.0) else q
    q = min(max(q, p), 1.0)
    return p if b <= 0.0 else q
