r"""How far estimates of utilities can be off: the matrix Sigma, its inverse, and the norms of all differences of arms.

A layer is one estimate with its own :math:`\Sigma = \Sigma_1 + \sum_s w_s^2 z_s z_s^\top`; policies without layers have
one. The inverse is updated by the Sherman-Morrison formula, in d^2 steps per duel. Where arms never change, so are the
norms :math:`\lVert x_i - x_j \rVert^2_{\Sigma^{-1}}` of all pairs, with three operations per pair, whatever d is. Each
step rounds, so after every `REFRESH` duels of a layer its inverse and norms are computed anew from Sigma, which is a
sum and loses nothing. Only one triangle is computed, so that the inverse is symmetric to the bit.

Cholesky's method is written out because it runs inside kernels: a call of LAPACK there would allocate, and its last
bits differ between libraries.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import State
from banditlab.core.dispatch import device_call

from .spaces import ContextualProblem, ContextualSpace

REFRESH = 64
ROUNDING = 1e-15
"""Share of a diagonal entry that rounding may leave of a pivot: less is no more than noise, and may be negative."""


def ellipsoid_state(space: ContextualSpace, ridges: list[float]) -> dict[str, Any]:
    """Return the arrays of one layer per ridge r: Sigma_1 = r I."""
    d, layers = space.dimension, len(ridges)
    gram, inverse = space.array(layers, d, d), space.array(layers, d, d)
    for layer, ridge in enumerate(ridges):
        for k in range(d):
            gram[layer, k, k] = ridge
            inverse[layer, k, k] = 1.0 / ridge
    return {
        "gram": gram,
        "inverse": inverse,
        "steps": space.array(layers, dtype=np.int64),
        "squared": space.array(space.n_pairs),
    }


def constant_radius(factor: float | None, problem: ContextualProblem, horizon: int) -> float:
    """Return c sqrt(d ln T) for the factor c (T at least 2); 0 if there is none."""
    return 0.0 if factor is None else factor * math.sqrt(problem.dimension * math.log(max(horizon, 2)))


@device_call
def cholesky(matrix: Any) -> None:
    """Replace the lower triangle of a positive definite matrix by its Cholesky factor.

    Pivots are at least `ROUNDING` of the diagonal: where features are so large that a penalty of I is lost beside them,
    directions that no duel has told apart stay uncertain, and nothing becomes NaN.
    """
    d = matrix.shape[0]
    for a in range(d):
        least = ROUNDING * matrix[a, a]
        for b in range(a + 1):
            total = matrix[a, b]
            for k in range(b):
                total -= matrix[a, k] * matrix[b, k]
            matrix[a, b] = math.sqrt(max(total, least)) if a == b else total / matrix[b, b]


@device_call
def solve(factor: Any, vector: Any) -> None:
    """Replace a vector v by the solution x of L L' x = v."""
    d = factor.shape[0]
    for a in range(d):
        total = vector[a]
        for k in range(a):
            total -= factor[a, k] * vector[k]
        vector[a] = total / factor[a, a]
    for a in range(d - 1, -1, -1):
        total = vector[a]
        for k in range(a + 1, d):
            total -= factor[k, a] * vector[k]
        vector[a] = total / factor[a, a]


@device_call
def refresh(state: State, layer: int, lane: int) -> None:
    """Compute a layer's inverse anew."""
    d = state.gram.shape[1]
    factor = np.empty((d, d))
    for a in range(d):
        for b in range(d):
            factor[a, b] = state.gram[layer, a, b, lane]
    cholesky(factor)
    column = np.empty(d)
    for b in range(d):
        for a in range(d):
            column[a] = 1.0 if a == b else 0.0
        solve(factor, column)
        for a in range(b + 1):
            state.inverse[layer, a, b, lane] = column[a]
            state.inverse[layer, b, a, lane] = column[a]


@device_call
def measure_pairs(state: State, features: Any, layer: int, lane: int) -> None:
    """Compute the squared norms, in a layer's inverse, of the differences of all pairs of arms i < j, in that order."""
    n_arms, d = features.shape[0], features.shape[1]
    x = np.empty((n_arms, d))
    image = np.empty((n_arms, d))  # of each arm, under the inverse
    for i in range(n_arms):
        for a in range(d):
            x[i, a] = features[i, a, lane]
    for i in range(n_arms):
        for a in range(d):
            total = 0.0
            for b in range(d):
                total += state.inverse[layer, a, b, lane] * x[i, b]
            image[i, a] = total
    pair = 0
    for i in range(n_arms):
        for j in range(i + 1, n_arms):
            total = 0.0
            for a in range(d):
                total += (x[i, a] - x[j, a]) * (image[i, a] - image[j, a])
            state.squared[pair, lane] = max(total, 0.0)
            pair += 1


@device_call
def arm_norms(state: State, features: Any, layer: int, lane: int) -> Any:
    """Return the norm of every arm's features in a layer's inverse."""
    n_arms, d = features.shape[0], features.shape[1]
    inverse = np.empty((d, d))
    for a in range(d):
        for b in range(d):
            inverse[a, b] = state.inverse[layer, a, b, lane]
    norms = np.empty(n_arms)
    x = np.empty(d)
    for i in range(n_arms):
        total = 0.0
        for a in range(d):
            x[a] = features[i, a, lane]
        for a in range(d):
            for b in range(d):
                total += x[a] * inverse[a, b] * x[b]
        norms[i] = math.sqrt(max(total, 0.0))
    return norms


@device_call
def add_direction(
    state: State, features: Any, first: int, second: int, layer: int, lane: int, weight: float, fixed: bool
) -> None:
    """Add weight z z' to Sigma, z the difference of two arms; update the inverse, and the norms of fixed arms."""
    n_arms, d = features.shape[0], features.shape[1]
    z = np.empty(d)
    for a in range(d):
        z[a] = features[first, a, lane] - features[second, a, lane]
    image = np.empty(d)
    form = 0.0
    for a in range(d):
        total = 0.0
        for b in range(d):
            total += state.inverse[layer, a, b, lane] * z[b]
        image[a] = total
        form += z[a] * total
    shrink = weight / (1.0 + weight * form)
    for a in range(d):
        for b in range(a + 1):
            state.gram[layer, a, b, lane] += weight * z[a] * z[b]
            state.gram[layer, b, a, lane] = state.gram[layer, a, b, lane]
            state.inverse[layer, a, b, lane] -= shrink * image[a] * image[b]
            state.inverse[layer, b, a, lane] = state.inverse[layer, a, b, lane]
    state.steps[layer, lane] += 1
    again = state.steps[layer, lane] % REFRESH == 0
    if again:
        refresh(state, layer, lane)
    if not fixed:
        return
    if again:
        measure_pairs(state, features, layer, lane)
        return
    along = np.empty(n_arms)
    for i in range(n_arms):
        total = 0.0
        for a in range(d):
            total += features[i, a, lane] * image[a]
        along[i] = total
    pair = 0
    for i in range(n_arms):
        for j in range(i + 1, n_arms):
            part = along[i] - along[j]
            state.squared[pair, lane] = max(state.squared[pair, lane] - shrink * part * part, 0.0)
            pair += 1


@device_call
def pair_number(n_arms: int, first: int, second: int) -> int:
    """Return the number of a pair of different arms, in the order of `squared`."""
    i = min(first, second)
    j = max(first, second)
    return i * (2 * n_arms - i - 1) // 2 + j - i - 1
