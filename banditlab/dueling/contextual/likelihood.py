r"""Logistic regression inside kernels: what duels say about the parameter.

A layer's estimate minimises

.. math:: \frac{\rho}{2} \lVert \theta \rVert^2 + \sum_s w_s^2 \left( \ln(1 + e^{z_s^\top \theta}) - o_s z_s^\top \theta
    \right).

This is our own code because it runs inside compiled lanes, for one run at a time, where no library can be called.
Newton's method starts where it last ended, and stops once a full step changes no duel's margin by more than `CLOSE`;
the error that remains is of the order of the square of that. A step that would change some margin by R > 1 is shortened
by the factor ln(1 + R) / R. Every step then descends, wherever it starts: the loss is self-concordant in the
generalised sense of Bach 2010, and this factor minimises his bound on the loss along a step.

Duels with the same features are one row. If arms never change, there are at most K (K - 1) / 2 rows per layer; if they
do, there is one row per duel, so that memory is T (d + 3) numbers per run, and the time of a step grows with the number
of duels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import State
from banditlab.core.dispatch import device_call
from banditlab.core.elementary import exp, log

from .ellipsoid import cholesky, pair_number, solve
from .spaces import ContextualSpace

CLOSE = 1e-6
NEAR = 1e-2
"""Steps that change margins by less than this shrink to a hundredth each time, or are rounding."""
MOST_STEPS = 2000
NONE = -1


def likelihood_state(space: ContextualSpace, layers: int, horizon: int) -> dict[str, Any]:
    """Return the arrays of the samples and estimates of a policy with some layers."""
    pairs = space.n_pairs
    shared = space.fixed and pairs <= horizon
    rows = min(horizon, layers * pairs) if shared else horizon
    return {
        "theta": space.array(layers, space.dimension),
        "stale": space.array(layers, dtype=np.bool_),
        "head": space.array(layers, fill=NONE, dtype=np.int64),
        "largest": space.array(layers),
        "n_rows": space.per_lane(0, np.int64),
        "z": space.array(rows, space.dimension),
        "total": space.array(rows),
        "won": space.array(rows),
        "next_row": space.array(rows, fill=NONE, dtype=np.int64),
        "slot": space.array(pairs if shared else 0, fill=NONE, dtype=np.int64),
    }


@device_call
def add_sample(
    state: State, features: Any, first: int, second: int, layer: int, lane: int, weight: float, won: bool
) -> None:
    """Add the outcome of a duel of two different arms to a layer, with a weight."""
    i = min(first, second)
    j = max(first, second)
    shared = state.slot.shape[0] > 0
    row = NONE
    if shared:
        row = state.slot[pair_number(features.shape[0], i, j), lane]
    if row == NONE:
        row = state.n_rows[lane]
        state.n_rows[lane] = row + 1
        state.next_row[row, lane] = state.head[layer, lane]
        state.head[layer, lane] = row
        length = 0.0
        for k in range(features.shape[1]):
            z = features[i, k, lane] - features[j, k, lane]
            state.z[row, k, lane] = z
            length += z * z
        state.largest[layer, lane] = max(state.largest[layer, lane], length)
        if shared:
            state.slot[pair_number(features.shape[0], i, j), lane] = row
    state.total[row, lane] += weight
    state.won[row, lane] += weight if won == (first == i) else 0.0
    state.stale[layer, lane] = True


@device_call
def forget_pairs(state: State, lane: int) -> None:
    """Let the next duel of each pair begin a new row, as it must in a new layer."""
    for p in range(state.slot.shape[0]):
        state.slot[p, lane] = NONE


@device_call
def _largest_change(state: State, layer: int, lane: int, step: Any) -> float:
    """Return the largest change of a duel's margin that a step of the parameter makes."""
    largest = 0.0
    row = state.head[layer, lane]
    while row != NONE:
        change = 0.0
        for k in range(step.shape[0]):
            change += state.z[row, k, lane] * step[k]
        largest = max(largest, abs(change))
        row = state.next_row[row, lane]
    return largest


@device_call
def _differentiate(
    state: State, layer: int, lane: int, ridge: float, theta: Any, z: Any, gradient: Any, hessian: Any
) -> None:
    """Write the gradient of a layer's loss at theta, and the lower triangle of its Hessian; z is scratch."""
    d = theta.shape[0]
    for a in range(d):
        gradient[a] = ridge * theta[a]
        for b in range(a):
            hessian[a, b] = 0.0
        hessian[a, a] = ridge
    row = state.head[layer, lane]
    while row != NONE:
        margin = 0.0
        for k in range(d):
            z[k] = state.z[row, k, lane]
            margin += z[k] * theta[k]
        p = 1.0 / (1.0 + exp(-margin))
        residual = state.total[row, lane] * p - state.won[row, lane]
        curvature = state.total[row, lane] * p * (1.0 - p)
        for a in range(d):
            gradient[a] += residual * z[a]
            for b in range(a + 1):
                hessian[a, b] += curvature * z[a] * z[b]
        row = state.next_row[row, lane]


@device_call
def _descend(state: State, layer: int, lane: int, step: Any, theta: Any) -> float:
    """Take a step, or the part of it that surely descends; return a bound on how much all of it changes a margin."""
    length = 0.0
    for a in range(step.shape[0]):
        length += step[a] * step[a]
    bound = math.sqrt(length * state.largest[layer, lane])
    change = _largest_change(state, layer, lane, step) if bound > 1.0 else bound
    share = log(1.0 + change) / change if change > 1.0 else 1.0
    for a in range(step.shape[0]):
        theta[a] -= share * step[a]
    return bound


@device_call
def minimiser(state: State, layer: int, lane: int, ridge: float) -> Any:
    """Return the estimate of a layer for the ridge rho; the state stays as it is."""
    d = state.theta.shape[1]
    theta = np.empty(d)
    for k in range(d):
        theta[k] = state.theta[layer, k, lane]
    if not state.stale[layer, lane]:
        return theta
    step, z, hessian = np.empty(d), np.empty(d), np.empty((d, d))
    before = math.inf
    for _ in range(MOST_STEPS):
        _differentiate(state, layer, lane, ridge, theta, z, step, hessian)
        cholesky(hessian)
        solve(hessian, step)
        bound = _descend(state, layer, lane, step, theta)
        if bound <= CLOSE or (before <= NEAR and bound > 0.5 * before):  # it converged, or rounding is all that is left
            break
        before = bound
    return theta


@device_call
def fit(state: State, layer: int, lane: int, ridge: float) -> None:
    """Bring the estimate of a layer up to date."""
    if state.stale[layer, lane]:
        theta = minimiser(state, layer, lane, ridge)
        for k in range(theta.shape[0]):
            state.theta[layer, k, lane] = theta[k]
        state.stale[layer, lane] = False


@device_call
def squared_residuals(state: State, layer: int, lane: int) -> float:
    """Return the weighted sum of squared residuals of a layer at its estimate."""
    found = 0.0
    row = state.head[layer, lane]
    while row != NONE:
        margin = 0.0
        for k in range(state.theta.shape[1]):
            margin += state.z[row, k, lane] * state.theta[layer, k, lane]
        p = 1.0 / (1.0 + exp(-margin))
        won = state.won[row, lane]
        found += won * (1.0 - p) * (1.0 - p) + (state.total[row, lane] - won) * p * p
        row = state.next_row[row, lane]
    return found


@device_call
def scores(state: State, features: Any, layer: int, lane: int) -> Any:
    """Return the estimated utility of every arm."""
    found = np.empty(features.shape[0])
    for i in range(features.shape[0]):
        total = 0.0
        for k in range(features.shape[1]):
            total += features[i, k, lane] * state.theta[layer, k, lane]
        found[i] = total
    return found
