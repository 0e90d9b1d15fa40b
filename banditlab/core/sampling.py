"""Random numbers for kernels: one SFC64 generator per lane, its seeding, and samplers.

A generator is a column of a uint64 array of shape (4, lanes); a sampler takes that array and the lane. The bit stream
is that of `numpy.random.SFC64`. Lanes are seeded from slices of one `numpy.random.Philox` stream keyed by (seed,
stream), four words per run, so that run i is the same whatever runs are simulated with it.

Samplers that fill an array for many lanes at once (`fill_beta`, `fill_gamma`) give each lane exactly what the one-lane
sampler (`beta`, `gamma`) gives, from the same draws; they exist because a loop over lanes vectorises.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .aligned import aligned
from .compiling.kernels import compiled_mode, kernel
from .dispatch import device, device_call
from .elementary import exp, floor, log, normal_quantile, sine_and_cosine_of_turns
from .philox import write_blocks

VECTOR = 8
"""Lanes in a vector: those beyond the last whole vector are drawn one by one, by the method that is faster for that."""

MANY = 1 << 14
"""From this many runs at once, as on devices but never on processors, a kernel seeds them: see `core.philox`."""

ENVIRONMENT_STREAM = 0
POLICY_STREAM = 1
INSTANCE_STREAM = 2

_2_POW_MINUS_53 = 1.0 / 9007199254740992.0
_2_POW_MINUS_52 = 1.0 / 4503599627370496.0
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def seeded(seed: int, stream: int, first_run: int, n_runs: int) -> NDArray[np.uint64]:
    """Return generators for runs `first_run` to `first_run + n_runs - 1` of a seed.

    Returns
    -------
    uint64 array with four rows and one column per run.
    """
    if n_runs >= MANY and compiled_mode():
        generators = aligned((4, n_runs), np.uint64)
        kernel(write_blocks)(np.uint64(seed), np.uint64(stream), np.uint64(first_run), generators)
        return generators
    philox = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))
    philox.advance(first_run)  # one step of Philox gives four words, which is one run
    words: NDArray[np.uint64] = philox.random_raw(4 * n_runs)
    return aligned((4, n_runs), np.uint64, words.reshape(n_runs, 4).T)


def generator(seed: int, stream: int, run: int) -> np.random.Generator:
    """Return NumPy's generator for a stream of one run, for random numbers in plain Python."""
    words = seeded(seed, stream, run, 1)[:, 0]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([int(word) for word in words])))


@device
def raw(rng: Any, lane: int) -> Any:
    """Draw 64 random bits."""
    value = rng[0, lane] + rng[1, lane] + rng[3, lane]
    rng[3, lane] += np.uint64(1)
    rng[0, lane] = rng[1, lane] ^ (rng[1, lane] >> np.uint64(11))
    rng[1, lane] = rng[2, lane] + (rng[2, lane] << np.uint64(3))
    rng[2, lane] = ((rng[2, lane] << np.uint64(24)) | (rng[2, lane] >> np.uint64(40))) + value
    return value


@device
def uniform(rng: Any, lane: int) -> float:
    """Draw from the uniform distribution on [0, 1), in multiples of :math:`2^{-53}`, as NumPy does."""
    return np.float64(np.int64(raw(rng, lane) >> np.uint64(11))) * _2_POW_MINUS_53


@device
def open_uniform(rng: Any, lane: int) -> float:
    """Draw from the uniform distribution on (0, 1): the midpoints of :math:`2^{52}` equal cells."""
    return (np.float64(np.int64(raw(rng, lane) >> np.uint64(12))) + 0.5) * _2_POW_MINUS_52


@device
def fill_open_uniform(rng: Any, lane: int, out: Any) -> None:
    """Write into out[k] what as many calls of `open_uniform` return: one lane's generator stays in registers."""
    a, b, c, counter = rng[0, lane], rng[1, lane], rng[2, lane], rng[3, lane]
    for k in range(out.shape[0]):
        value = a + b + counter
        counter += np.uint64(1)
        a = b ^ (b >> np.uint64(11))
        b = c + (c << np.uint64(3))
        c = ((c << np.uint64(24)) | (c >> np.uint64(40))) + value
        out[k] = (np.float64(np.int64(value >> np.uint64(12))) + 0.5) * _2_POW_MINUS_52
    rng[0, lane], rng[1, lane], rng[2, lane], rng[3, lane] = a, b, c, counter


@device
def below(rng: Any, lane: int, n: int) -> int:
    """Draw an integer uniformly from 0 to n - 1 (bias below :math:`n / 2^{53}`)."""
    return int(uniform(rng, lane) * n)


@device
def exponential(rng: Any, lane: int) -> float:
    """Draw from the exponential distribution with mean 1."""
    return -log(open_uniform(rng, lane))


@device
def normal(rng: Any, lane: int) -> float:
    """Draw from the standard normal distribution, by inversion: one uniform number per draw."""
    return normal_quantile(open_uniform(rng, lane))


@device
def _gamma_accepts(d: float, x: float, v: float, u: float) -> bool:
    """Apply the acceptance test of Marsaglia and Tsang (2000), logarithm included."""
    return v > 0.0 and log(u) < 0.5 * x * x + d - d * v + d * log(v if v > 0.0 else 1.0)


@device
def _gamma_squeezed(x: float, w: float, u: float) -> bool:
    """Apply Marsaglia and Tsang's quick test, which implies the full one and saves two logarithms."""
    return (w > 0.0) & (u < 1.0 - 0.0331 * (x * x) * (x * x))


@device_call
def _gamma_by_rejection(rng: Any, lane: int, shape: float) -> float:
    """Draw from Gamma(shape, 1) for shape >= 1."""
    d = shape - 1.0 / 3.0
    if not d > 0.0:  # a policy can get here with rewards that it cannot learn from: no attempt would ever succeed
        return math.nan
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(rng, lane)
        u = open_uniform(rng, lane)
        w = 1.0 + c * x
        v = w * w * w
        if _gamma_squeezed(x, w, u) or _gamma_accepts(d, x, v, u):
            return d * v


@device
def _gamma_attempt(rng: Any, lane: int, shape: float) -> float:
    """Make the first attempt of `_gamma_by_rejection`, or return -1 if it fails; branch-free, so that it vectorises."""
    first = open_uniform(rng, lane)  # drawn next to the other: with the quantile in between it does not vectorise
    u = open_uniform(rng, lane)
    d = shape - 1.0 / 3.0
    x = normal_quantile(first)
    w = 1.0 + 1.0 / math.sqrt(9.0 * d) * x
    v = w * w * w
    possible = v > 0.0
    accepted = log(u) < 0.5 * x * x + d - d * v + d * log(v if possible else 1.0)
    return d * v if _gamma_squeezed(x, w, u) | (possible & accepted) else -1.0


@device_call
def log_gamma_variate(rng: Any, lane: int, shape: float) -> float:
    """Draw the logarithm of a Gamma(shape, 1) variate: exact where tiny shapes underflow."""
    if shape >= 1.0:
        return log(_gamma_by_rejection(rng, lane, shape))
    boost = log(open_uniform(rng, lane)) / shape
    return log(_gamma_by_rejection(rng, lane, shape + 1.0)) + boost


@device_call
def gamma(rng: Any, lane: int, shape: float) -> float:
    """Draw from the gamma distribution with a shape and scale 1 (Marsaglia and Tsang 2000)."""
    if shape >= 1.0:
        return _gamma_by_rejection(rng, lane, shape)
    return exp(log_gamma_variate(rng, lane, shape))


@device
def fill_gamma(rng: Any, shapes: Any, arm: int, out: Any) -> None:
    """Write a draw from Gamma(shapes[arm, w], 1) into out[w] for every lane w; all shapes are at least 1."""
    whole = out.shape[0] - out.shape[0] % VECTOR
    for w in range(whole):
        out[w] = _gamma_attempt(rng, w, shapes[arm, w])
    for w in range(whole):
        if out[w] < 0.0:
            out[w] = _gamma_by_rejection(rng, w, shapes[arm, w])
    for w in range(whole, out.shape[0]):
        out[w] = _gamma_by_rejection(rng, w, shapes[arm, w])


@device
def _beta_attempt(rng: Any, lane: int, a: float, b: float, squeeze: bool) -> float:
    """Draw from Beta(a, b) for a, b >= 1, or return -1 where rejected.

    Draws two gamma variates at once, after Marsaglia and Tsang: one Box-Muller pair of normals x, y, and one uniform
    number for the joint acceptance test, whose probability is the product of the two. With `squeeze`, the product of
    their quick tests comes first and saves three logarithms when one lane is drawn alone; without it there is no
    branch, and the loop over lanes vectorises. The quick test is a thousandth stricter than it must be, so that
    whatever it accepts the full test accepts too, however that rounds.
    """
    u = open_uniform(rng, lane)
    radius = math.sqrt(-2.0 * log(open_uniform(rng, lane)))
    d = max(a, 1.0) - 1.0 / 3.0
    e = max(b, 1.0) - 1.0 / 3.0
    sine, cosine = sine_and_cosine_of_turns(u)
    x = radius * cosine
    y = radius * sine
    p = 1.0 + x / math.sqrt(9.0 * d)
    q = 1.0 + y / math.sqrt(9.0 * e)
    possible = (p > 0.0) & (q > 0.0) & (a >= 1.0) & (b >= 1.0)
    v = p * p * p
    w = q * q * q
    last = open_uniform(rng, lane)
    if squeeze:
        quick = max(1.0 - 0.0331 * (x * x) * (x * x), 0.0) * max(1.0 - 0.0331 * (y * y) * (y * y), 0.0)
        if possible and last < 0.999 * quick:
            return d * v / (d * v + e * w)
    first = 0.5 * x * x + d * (1.0 - v + 3.0 * log(p if possible else 1.0))
    second = 0.5 * y * y + e * (1.0 - w + 3.0 * log(q if possible else 1.0))
    accepted = possible & (log(last) < first + second)
    return d * v / (d * v + e * w) if accepted else -1.0


@device_call
def _beta_after_rejection(rng: Any, lane: int, a: float, b: float) -> float:
    if 1.0 <= a < math.inf and 1.0 <= b < math.inf:
        while True:
            value = _beta_attempt(rng, lane, a, b, True)
            if value >= 0.0:
                return value
    difference = log_gamma_variate(rng, lane, b) - log_gamma_variate(rng, lane, a)
    return 1.0 / (1.0 + exp(difference))


@device
def beta(rng: Any, lane: int, a: float, b: float) -> float:
    """Draw from the beta distribution with shapes a and b, both positive."""
    value = _beta_attempt(rng, lane, a, b, True)
    return value if value >= 0.0 else _beta_after_rejection(rng, lane, a, b)


@device
def fill_beta(rng: Any, a: Any, b: Any, arm: int, out: Any) -> None:
    """Write a draw from Beta(a[arm, w], b[arm, w]) into out[w] for every lane w."""
    whole = out.shape[0] - out.shape[0] % VECTOR
    for w in range(whole):
        out[w] = _beta_attempt(rng, w, a[arm, w], b[arm, w], False)
    for w in range(whole):
        if out[w] < 0.0:
            out[w] = _beta_after_rejection(rng, w, a[arm, w], b[arm, w])
    for w in range(whole, out.shape[0]):
        out[w] = beta(rng, w, a[arm, w], b[arm, w])


@device
def categorical(rng: Any, lane: int, cumulative: Any) -> int:
    """Draw an index; `cumulative` holds the running sums of the probabilities, the last being 1."""
    return first_above(uniform(rng, lane), cumulative)


@device
def first_above(u: float, cumulative: Any) -> int:
    """Return the first index whose cumulative probability exceeds u."""
    index = 0
    while index < cumulative.shape[0] - 1 and u >= cumulative[index]:
        index += 1
    return index


@device_call
def _stirling_error(k: float) -> float:
    """Return log k! minus its Stirling approximation, for k >= 0 (Hormann 1993, series in 1/(k+1))."""
    if k < 9.5:
        exact = 1.0
        for i in range(2, int(k) + 1):
            exact *= i
        return log(exact) - ((k + 0.5) * log(k + 1.0) - (k + 1.0) + 0.5 * log(2.0 * math.pi))
    q = 1.0 / ((k + 1.0) * (k + 1.0))
    return (1.0 / 12.0 - (1.0 / 360.0 - q / 1260.0) * q) / (k + 1.0)


@device_call
def binomial(rng: Any, lane: int, n: int, p: float) -> int:
    """Draw the number of successes in n trials.

    By inversion when n min(p, 1-p) < 10, else by Hormann's transformed rejection BTRS (1993).
    """
    q = min(p, 1.0 - p)
    if n <= 0 or q <= 0.0:
        return n if p >= 1.0 else 0
    count = 0
    if n * q < 10.0:
        # waiting times between successes are geometric
        rate = log(1.0 - q) if q > 1e-8 else -q - 0.5 * q * q
        position = 0.0
        count = -1
        while position <= n:
            count += 1
            position += floor(log(open_uniform(rng, lane)) / rate) + 1.0
    else:
        spread = math.sqrt(n * q * (1.0 - q))
        b = 1.15 + 2.53 * spread
        a = -0.0873 + 0.0248 * b + 0.01 * q
        centre = n * q + 0.5
        accept = 0.92 - 4.2 / b
        alpha = (2.83 + 5.1 / b) * spread
        mode = math.floor((n + 1.0) * q)
        odds = q / (1.0 - q)
        while True:
            v = open_uniform(rng, lane)
            u = open_uniform(rng, lane) - 0.5
            us = 0.5 - abs(u)
            k = floor((2.0 * a / us + b) * u + centre)
            if us >= 0.07 and v <= accept:
                count = int(k)
                break
            if k < 0.0 or k > n:
                continue
            v = v * alpha / (a / (us * us) + b)
            bound = (
                (mode + 0.5) * log((mode + 1.0) / (odds * (n - mode + 1.0)))
                + (n + 1.0) * log((n - mode + 1.0) / (n - k + 1.0))
                + (k + 0.5) * log(odds * (n - k + 1.0) / (k + 1.0))
                + _stirling_error(mode)
                + _stirling_error(n - mode)
                - _stirling_error(k)
                - _stirling_error(n - k)
            )
            if log(v) <= bound:
                count = int(k)
                break
    return count if p <= 0.5 else n - count


# ------------------------------------------------------------------ randomness expanded from one number


@device
def key(u: float) -> Any:
    """Return 64 well mixed bits that depend on a uniform number alone."""
    return _mixed(np.float64(u).view(np.uint64))


@device
def _mixed(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@device
def expanded(bits: Any, k: int) -> float:
    """Return the k-th uniform number on (0, 1) expanded from a `key`, for k = 0, 1, ...: SplitMix64 as a counter.

    An environment receives one uniform number per round; where a reward needs several (a beta variate by rejection), it
    expands that one, so that it never draws more from its stream for one arm than for another.
    """
    word = _mixed(bits + _GOLDEN * np.uint64(k + 1))
    return (np.float64(np.int64(word >> np.uint64(12))) + 0.5) * _2_POW_MINUS_52


@device_call
def _expanded_log_gamma(bits: Any, first: int, shape: float) -> float:
    """Return the logarithm of a Gamma(shape, 1) variate made from expanded numbers `first`, `first + 2`, ..."""
    boost = 0.0
    k = first
    if shape < 1.0:
        boost = log(expanded(bits, k)) / shape
        shape = shape + 1.0
    d = shape - 1.0 / 3.0
    if not d > 0.0:  # a policy can get here with rewards that it cannot learn from: no attempt would ever succeed
        return math.nan
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        k += 4
        x = normal_quantile(expanded(bits, k))
        w = 1.0 + c * x
        v = w * w * w
        if _gamma_accepts(d, x, v, expanded(bits, k + 2)):
            return log(d * v) + boost


_LARGE_SHAPE = 1e6


@device
def _expanded_beta_attempt(bits: Any, k: int, a: float, b: float) -> float:
    """Return a Beta(a, b) variate made from expanded numbers k and k + 1, or -1 where they are rejected.

    Shapes of at most 1: X / (X + Y) given X + Y <= 1, with X = U^(1/a) and Y = V^(1/b) (Johnk 1964). The powers are
    kept as logarithms, since those of tiny shapes underflow; there, nearly all are accepted. Shapes above 1: rejection
    from a log-logistic variate (Cheng 1978, algorithm BB). One shape of each kind, or shapes so large that Cheng's test
    loses its digits: always -1. The code is branch-free, and the two cases share computations, so that a loop over
    lanes vectorises.
    """
    u = expanded(bits, k)
    v = expanded(bits, k + 1)
    small = (a <= 1.0) & (b <= 1.0)
    cheng = (a > 1.0) & (b > 1.0) & (max(a, b) < _LARGE_SHAPE)
    low = min(a, b)
    high = max(a, b)
    total = a + b
    slope = math.sqrt((total - 2.0) / (2.0 * a * b - total) if cheng else 1.0)
    first = log(u if small else u / (1.0 - u))
    x = first / a if small else slope * first
    z = v if small else u * u * v
    second = log(z)
    y = second / b
    power = exp(x)
    w = low * power
    r = (low + 1.0 / slope) * x - 1.3862943611198906  # log 4
    ratio = 1.0 / (1.0 + exp(y - x)) if small else (w if a == low else high) / (high + w)
    fits = power + exp(y) <= 1.0 if small else r + total * log(total / (high + w)) >= second
    return ratio if (small | cheng) & fits else -1.0


@device_call
def expanded_beta(u: float, a: float, b: float) -> float:
    """Return a Beta(a, b) variate made from one uniform number."""
    bits = key(u)
    if (a <= 1.0) == (b <= 1.0) and max(a, b) < _LARGE_SHAPE:
        k = 0
        value = -1.0
        while value < 0.0:
            value = _expanded_beta_attempt(bits, k, a, b)
            k += 2
        return value
    # even numbers make the first gamma variate, odd ones the second: they stay independent whatever is rejected
    difference = _expanded_log_gamma(bits, 1, b) - _expanded_log_gamma(bits, 0, a)
    return 1.0 / (1.0 + exp(difference))


@device
def fill_expanded_beta(u: Any, a: Any, b: Any, arm: Any, out: Any) -> None:
    """Write the Beta(a[arm[w]], b[arm[w]]) variate made from u[w] into out[w], for every lane w: as `expanded_beta`."""
    first = np.empty(out.shape)
    second = np.empty(out.shape)
    for w in range(out.shape[0]):  # separate, as a loop that looks up entries does not vectorise
        first[w] = a[arm[w]]
        second[w] = b[arm[w]]
    for w in range(out.shape[0]):
        out[w] = _expanded_beta_attempt(key(u[w]), 0, first[w], second[w])
    for w in range(out.shape[0]):
        if out[w] < 0.0:
            out[w] = expanded_beta(u[w], a[arm[w]], b[arm[w]])
