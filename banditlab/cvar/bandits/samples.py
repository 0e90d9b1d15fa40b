"""Each arm's rewards in order, side by side, and their CVaR under weights drawn from a Dirichlet law.

Thompson sampling walks through them in every round, from the smallest reward on. The rewards of a run lie in one array,
arm after arm; equal rewards of an arm are stored once, with their number. Inserting one moves those behind it, but a
round reads a share tau of all of them anyway, and processors are good at reading memory in order.

Memory: 12 bytes per distinct reward in a run, of which there is at most one per round.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import State
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import log
from banditlab.core.sampling import fill_open_uniform, gamma
from banditlab.core.validation import between

from .spaces import SampleSpace

BLOCK = 256
"""Most weights that are drawn at once."""

upper_end = between(-math.inf, math.inf, limit=1e100)
"""Check for the upper end of rewards that may be negative."""


def empty_samples(space: SampleSpace, n_values: int) -> dict[str, Any]:
    """Return the arrays of empty samples of all arms, with room for `n_values` distinct values per lane."""
    return {
        "values": space.private(n_values),
        "copies": space.private(n_values, dtype=np.int32),
        "starts": space.private(space.n_arms + 1, dtype=np.int64),
    }


@device_call
def insert(state: State, arm: int, lane: int, value: float) -> None:
    """Add a value to an arm's sample."""
    values, copies, starts = state.values[lane], state.copies[lane], state.starts[lane]
    place, high = starts[arm], starts[arm + 1]
    while place < high:  # the first place whose value is not smaller
        middle = (place + high) // 2
        if values[middle] < value:
            place = middle + 1
        else:
            high = middle
    if place < starts[arm + 1] and values[place] == value:
        copies[place] += 1
        return
    end = starts[starts.shape[0] - 1]
    _move(values[place:end], values[place + 1 : end + 1])
    _move(copies[place:end], copies[place + 1 : end + 1])
    values[place] = value
    copies[place] = 1
    for a in range(arm + 1, starts.shape[0]):
        starts[a] += 1


@device
def _move(source: Any, target: Any) -> None:
    """Copy an array to one that begins an entry later in the same memory; as a loop over slices it vectorises."""
    for k in range(source.shape[0] - 1, -1, -1):
        target[k] = source[k]


@device_call
def drawn_cvar(
    rng: Any, lane: int, values: Any, copies: Any, first: int, last: int, top: float, atoms: int, tau: float, work: Any
) -> float:
    """Return the CVaR of values whose weights are drawn from the Dirichlet law with all parameters 1.

    There are `atoms` of them: copies[i] times values[i], for first <= i < last, increasing, then `top`, once or more.

    Dirichlet weights are exponential variates divided by their sum. Those of equal values add up to one gamma variate,
    and so do those of all atoms beyond the tail: about as many are drawn as the tail is expected to hold, and one gamma
    variate for the rest. If those drawn weigh less than tau, the weight of the rest is divided in the same way: given
    that weight, the shares in it again have a Dirichlet law, which does not depend on it.
    """
    found, level, mass = 0.0, tau, 1.0  # of the tail, what is found, and what is still to find in which mass
    i = first
    while i < last:
        share = min(level / mass, 1.0)
        wanted = int(share * atoms + 2.0 * math.sqrt(share * (1.0 - share) * atoms)) + 3
        drawn, taken = 0, 0
        if atoms - (last - i) == 1:  # no two are equal
            drawn = taken = min(wanted, last - i, BLOCK)
        while taken < wanted and i + drawn < last and drawn < BLOCK:
            taken += copies[i + drawn]
            drawn += 1
        _draw_weights(rng, lane, copies[i : i + drawn], taken, work[:drawn])
        atoms -= taken
        rest = gamma(rng, lane, float(atoms))
        total, weighted = _sums(work[:drawn], values[i : i + drawn])
        scale = mass / (total + rest)
        if scale * total >= level:
            excess = total - level / scale
            k = drawn - 1  # what is beyond the tail is little: its end is looked for from there
            while k > 0 and work[k] <= excess:
                excess -= work[k]
                k -= 1
            # summed afresh: what is beyond would leave its rounding errors, and a small tau is less than those
            total, weighted = _sums(work[:k], values[i : i + k])
            return (found + scale * weighted + (level - scale * total) * values[i + k]) / tau
        i += drawn
        found += scale * weighted
        level -= scale * total
        mass = scale * rest
    return (found + level * top) / tau


@device
def _draw_weights(rng: Any, lane: int, copies: Any, n_atoms: int, out: Any) -> None:
    """Write into out[k] a gamma variate of shape copies[k], the sum of as many exponential ones."""
    fill_open_uniform(rng, lane, out)
    for k in range(out.shape[0]):
        out[k] = -log(out[k])
    if n_atoms > out.shape[0]:
        for k in range(out.shape[0]):
            if copies[k] > 1:
                out[k] += gamma(rng, lane, float(copies[k] - 1))


@device
def _sums(weights: Any, values: Any) -> tuple[float, float]:
    """Return the sums of weights, and of weights times values, each in four parts that do not wait for one another."""
    n = weights.shape[0]
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    p, q, r, s = 0.0, 0.0, 0.0, 0.0
    for k in range(0, n - 3, 4):
        a += weights[k]
        b += weights[k + 1]
        c += weights[k + 2]
        d += weights[k + 3]
        p += weights[k] * values[k]
        q += weights[k + 1] * values[k + 1]
        r += weights[k + 2] * values[k + 2]
        s += weights[k + 3] * values[k + 3]
    for k in range(n - n % 4, n):
        a += weights[k]
        p += weights[k] * values[k]
    return (a + b) + (c + d), (p + q) + (r + s)
