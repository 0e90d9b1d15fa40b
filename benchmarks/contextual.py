"""VACDB as one would write it with NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

LAYERS, ALPHA, KAPPA, RADIUS, INITIAL = 5, 2.0**-5, 0.01, 0.25, 0.05
"""The constants of `VACDB.as_released(scale=1.0)`, which is what is timed."""


def vacdb(env: Any, horizon: int, n_runs: int, seed: int) -> NDArray[np.float64]:
    """Play VACDB: matrices inverted, and the layer's estimate searched from its last one, after each of its duels."""
    return np.array([_run(env, horizon, np.random.default_rng([seed, run])) for run in range(n_runs)])


def _run(env: Any, horizon: int, rng: np.random.Generator) -> float:
    x, theta = env.features.vectors, env.theta
    n_arms, d = x.shape
    differences = x[:, None, :] - x[None, :, :]
    utilities = x @ theta
    probability = expit(utilities[:, None] - utilities[None, :])
    later = RADIUS * np.sqrt(d * np.log(horizon))
    sigma = [4.0 ** -(layer + 1) * np.eye(d) for layer in range(LAYERS)]
    norms = [_norms(differences, matrix) for matrix in sigma]
    estimates, beta = np.zeros((LAYERS, d)), [INITIAL * 2.0**-layer for layer in range(LAYERS)]
    samples: list[list[tuple[Any, float, float]]] = [[] for _ in range(LAYERS)]
    lost = 0.0
    for _ in range(horizon):
        alive, layer, learns = np.ones(n_arms, bool), 0, False
        while True:
            width = 0.5 ** (layer + 1)
            both = alive[:, None] & alive[None, :]
            largest = norms[layer][both].max()
            scores = x @ estimates[layer]
            if largest <= ALPHA or (largest <= width and layer == LAYERS - 1):
                value = scores[:, None] + scores[None, :] + beta[layer] * norms[layer]
                i, j = np.unravel_index(np.where(both, value, -np.inf).argmax(), both.shape)
                break
            if largest > width:
                i, j = rng.choice(np.argwhere(both & (norms[layer] > width)))
                learns = True
                break
            alive &= scores >= scores[alive].max() - width * beta[layer]
            layer += 1
        won = float(rng.random() < probability[i, j])
        lost += utilities.max() - 0.5 * (utilities[i] + utilities[j])
        if learns:
            z, weight = differences[i, j], width / norms[layer][i, j]
            samples[layer].append((z, won, weight**2))
            sigma[layer] += weight**2 * np.outer(z, z)
            norms[layer] = _norms(differences, sigma[layer])
            estimates[layer] = _fit(samples[layer], KAPPA * 4.0 ** -(layer + 1), estimates[layer])
            beta[layer] = later
    return lost


def _norms(differences: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.einsum("ijk,ijk->ij", differences @ np.linalg.inv(matrix), differences))


def _fit(samples: list[tuple[Any, float, float]], penalty: float, start: NDArray[np.float64]) -> NDArray[np.float64]:
    z, o, weight = (np.array(column) for column in zip(*samples, strict=True))
    weight = weight / penalty  # so that the search's tolerance means the same in all layers

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = z @ theta
        value = theta @ theta + weight @ (np.logaddexp(0.0, margin) - o * margin)
        return float(value), 2.0 * theta + z.T @ (weight * (expit(margin) - o))

    return np.asarray(minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-4}).x)
