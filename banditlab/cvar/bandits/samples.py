"""Rewards of each arm in order, side by side, and the CVaR that a Dirichlet law on them gives at random.

What Thompson sampling walks through in every round, from the smallest reward on. The rewards of a run lie in one array,
arm after arm, and equal ones of an arm once, with how many there were. To insert one moves those behind it; a round
reads a share tau of all of them anyway, and memory that is read in order is what processors are good at.

Memory: 12 bytes a different reward, at most one a round, in a run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import State
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import log
from banditlab.core.sampling import gamma, open_uniform

from .protocol import SampleSpace

BLOCK = 256
"""Weights that are drawn at once, at most."""


def empty_samples(space: SampleSpace, n_values: int) -> dict[str, Any]:
    """Return the arrays of empty samples of all arms, in which there is room for some different values a lane."""
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
    for i in range(end, place, -1):
        values[i] = values[i - 1]
    for i in range(end, place, -1):
        copies[i] = copies[i - 1]
    values[place] = value
    copies[place] = 1
    for a in range(arm + 1, starts.shape[0]):
        starts[a] += 1


@device_call
def drawn_cvar(
    rng: Any, lane: int, values: Any, copies: Any, first: int, last: int, top: float, atoms: int, tau: float, work: Any
) -> float:
    """Return the CVaR of values whose weights are drawn from the Dirichlet law with all parameters 1.

    There are so many atoms: copies[i] times values[i], for first <= i < last, increasing, then `top`, once or more.

    Dirichlet weights are exponential variates divided by their sum. Those of equal values add up to one gamma variate,
    and so do those of all atoms beyond the tail: about as many are drawn as the tail is expected to hold, and a gamma
    variate for the rest. If they weigh less than tau, the rest's weight is shared out in the same manner: given that
    weight, the shares in it have a Dirichlet law again, and do not depend on it.
    """
    found, level, mass = 0.0, tau, 1.0  # of the tail, what is found, and what is still to find in which mass
    i = first
    while i < last:
        share = min(level / mass, 1.0)
        wanted = share * atoms + 2.0 * math.sqrt(share * (1.0 - share) * atoms) + 2.0
        drawn, taken = 0, 0
        while i + drawn < last and drawn < BLOCK and taken < wanted:
            taken += copies[i + drawn]
            drawn += 1
        _draw_weights(rng, lane, copies[i : i + drawn], taken, work[:drawn])
        total = 0.0
        for k in range(drawn):
            total += work[k]
        atoms -= taken
        rest = gamma(rng, lane, float(atoms))
        scale = mass / (total + rest)
        k = 0
        if scale * total >= level:
            needed = level / scale
            partial = 0.0
            while k < drawn - 1 and work[k] < needed:
                needed -= work[k]
                partial += work[k] * values[i + k]
                k += 1
            return (found + scale * (partial + needed * values[i + k])) / tau
        partial = 0.0
        for k in range(drawn):
            partial += work[k] * values[i + k]
        found += scale * partial
        level -= scale * total
        mass = scale * rest
        i += drawn
    return (found + level * top) / tau


@device
def _draw_weights(rng: Any, lane: int, copies: Any, n_atoms: int, out: Any) -> None:
    """Write into out[k] a gamma variate of shape copies[k], the sum of as many exponential ones."""
    for k in range(out.shape[0]):
        out[k] = open_uniform(rng, lane)
    for k in range(out.shape[0]):
        out[k] = -log(out[k])
    if n_atoms > out.shape[0]:
        for k in range(out.shape[0]):
            if copies[k] > 1:
                out[k] += gamma(rng, lane, float(copies[k] - 1))
