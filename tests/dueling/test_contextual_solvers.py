"""Estimates, inverses and norms inside kernels, against SciPy and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from banditlab.core.components import make_state
from banditlab.dueling.contextual import ellipsoid, likelihood
from banditlab.dueling.contextual.spaces import ContextualSpace

LANE = 1


class Samples:
    """What a policy would keep: nothing but samples and matrices, in lane 1 of 2."""

    def __init__(self, space: ContextualSpace, ridges: list[float]) -> None:
        self.ridges = ridges
        self.horizon = space.horizon or 1

    def state(self, space: ContextualSpace) -> dict[str, Any]:
        layers = len(self.ridges)
        return likelihood.likelihood_state(space, layers, self.horizon) | ellipsoid.ellipsoid_state(space, self.ridges)


def learned(x: Any, pairs: Any, wins: Any, weights: Any, fixed: bool, ridge: float = 1.0) -> tuple[Any, Any]:
    K, d = x.shape
    space = ContextualSpace(K, 2, len(pairs), d, fixed)
    state = make_state(Samples(space, [ridge]), space)
    features = np.repeat(x[:, :, None], 2, axis=2)
    ellipsoid.measure_pairs(state, features, 0, LANE)
    for (i, j), won, weight in zip(pairs, wins, weights, strict=True):
        ellipsoid.add_direction(state, features, i, j, 0, LANE, weight, fixed)
        likelihood.add_sample(state, features, i, j, 0, LANE, weight, won)
    return state, features


def duels(seed: int, K: int, d: int, n: int, size: float = 1.0) -> tuple[Any, list[tuple[int, int]], Any, Any]:
    rng = np.random.default_rng(seed)
    x = size * rng.normal(size=(K, d))
    pairs = [tuple(map(int, rng.choice(K, 2, replace=False))) for _ in range(n)]
    theta = rng.normal(size=d)
    wins = [bool(rng.random() < expit((x[i] - x[j]) @ theta)) for i, j in pairs]
    return x, pairs, wins, rng.uniform(0.1, 2.0, n)


def loss_and_gradient(theta: Any, x: Any, pairs: Any, wins: Any, weights: Any, ridge: float) -> tuple[float, Any]:
    z = np.array([x[i] - x[j] for i, j in pairs])
    margin = z @ theta
    o = np.array(wins, float)
    loss = 0.5 * ridge * theta @ theta + weights @ (np.logaddexp(0.0, margin) - o * margin)
    return float(loss), ridge * theta + z.T @ (weights * (expit(margin) - o))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), K=st.integers(2, 7), d=st.integers(1, 6), n=st.integers(1, 60),
    ridge=st.sampled_from([1e-6, 1e-3, 1.0]), size=st.sampled_from([0.1, 1.0, 100.0]), fixed=st.booleans(),
)  # fmt: skip
@example(seed=54, K=4, d=3, n=2, ridge=1e-6, size=10.0, fixed=False)  # takes 200 to 400 steps
@example(seed=0, K=5, d=1, n=21, ridge=1e-6, size=100.0, fixed=False)  # a step goes so far that exp overflows
def test_newton_finds_the_minimum(seed: int, K: int, d: int, n: int, ridge: float, size: float, fixed: bool) -> None:
    x, pairs, wins, weights = duels(seed, K, d, n, size)
    state, _ = learned(x, pairs, wins, weights, fixed)
    with np.errstate(over="ignore"):
        theta = likelihood.minimiser(state, 0, LANE, ridge)
    loss, gradient = loss_and_gradient(theta, x, pairs, wins, weights, ridge)
    # the gradient is a sum of n terms that rounding leaves at some 1e-16 of their size each
    assert np.abs(gradient).max() <= 1e-12 * n * size
    start = np.zeros(d)
    other = minimize(
        loss_and_gradient,
        start,
        (x, pairs, wins, weights, ridge),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-7},
    )
    assert loss <= other.fun + 1e-9 * max(1.0, abs(other.fun))


def test_newton_ends_where_rounding_does() -> None:
    """Large features, hardly a penalty: the last digits of a step are noise, and more steps would not remove it."""
    x, pairs, wins, weights = duels(123, 2, 5, 35, 100.0)
    state, _ = learned(x, pairs, wins, weights, fixed=False)
    theta = likelihood.minimiser(state, 0, LANE, 1e-6)
    assert np.abs(loss_and_gradient(theta, x, pairs, wins, weights, 1e-6)[1]).max() <= 1e-10


def test_a_warm_start_ends_where_a_cold_one_does() -> None:
    x, pairs, wins, weights = duels(3, 6, 3, 50)
    state, _ = learned(x, pairs, wins, weights, fixed=True)
    cold = likelihood.minimiser(state, 0, LANE, 0.01)
    state.theta[0, :, LANE] = [5.0, -7.0, 30.0]
    np.testing.assert_allclose(likelihood.minimiser(state, 0, LANE, 0.01), cold, atol=1e-10)
    assert (state.theta[0, :, LANE] == [5.0, -7.0, 30.0]).all()  # looking changes nothing
    likelihood.fit(state, 0, LANE, 0.01)
    np.testing.assert_allclose(state.theta[0, :, LANE], cold, atol=1e-10)
    assert not state.stale[0, LANE]
    assert (state.theta[..., 0] == 0.0).all()  # the other lane


def test_pairs_share_rows_and_give_the_same_estimate() -> None:
    x, pairs, wins, weights = duels(4, 4, 3, 200)
    shared, _ = learned(x, pairs, wins, weights, fixed=True)
    apart, _ = learned(x, pairs, wins, weights, fixed=False)
    assert shared.n_rows[LANE] == 6
    assert apart.n_rows[LANE] == 200
    assert shared.z.shape[0] == 6  # K (K - 1) / 2 rows, however many rounds
    one, two = (likelihood.minimiser(s, 0, LANE, 0.1) for s in (shared, apart))
    np.testing.assert_allclose(one, two, atol=1e-10)
    likelihood.fit(shared, 0, LANE, 0.1)
    likelihood.fit(apart, 0, LANE, 0.1)
    z = np.array([x[i] - x[j] for i, j in pairs])
    residuals = weights @ (np.array(wins, float) - expit(z @ one)) ** 2
    assert likelihood.squared_residuals(shared, 0, LANE) == pytest.approx(residuals, rel=1e-8)
    assert likelihood.squared_residuals(apart, 0, LANE) == pytest.approx(residuals, rel=1e-8)


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed", "drawn"])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 500])
def test_inverse_and_norms_are_those_of_numpy(fixed: bool, n: int) -> None:
    x, pairs, wins, weights = duels(5, 8, 5, n)
    state, features = learned(x, pairs, wins, weights, fixed, ridge=0.01)
    gram = 0.01 * np.eye(5)
    for (i, j), weight in zip(pairs, weights, strict=True):
        gram += weight * np.outer(x[i] - x[j], x[i] - x[j])
    inverse = np.linalg.inv(gram)
    got = state.inverse[0, :, :, LANE]
    np.testing.assert_allclose(state.gram[0, :, :, LANE], gram, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got, inverse, rtol=1e-9, atol=1e-9 * np.abs(inverse).max())
    assert (got == got.T).all()
    if not fixed:
        ellipsoid.measure_pairs(state, features, 0, LANE)
    upper = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    norms = [(x[i] - x[j]) @ inverse @ (x[i] - x[j]) for i, j in upper]
    np.testing.assert_allclose(state.squared[:, LANE], norms, rtol=1e-9)
    assert [ellipsoid.pair_number(8, j, i) for i, j in upper] == list(range(28))
    own = [a @ inverse @ a for a in x]
    np.testing.assert_allclose(ellipsoid.arm_norms(state, features, 0, LANE) ** 2, own, rtol=1e-9)


def test_refreshing_bounds_the_drift() -> None:
    """Between two refreshes errors of rank-one steps add up; a refresh leaves what Cholesky leaves."""
    x, pairs, wins, weights = duels(6, 4, 3, 20 * ellipsoid.REFRESH)
    state, _ = learned(x, pairs, wins, weights, fixed=True, ridge=1e-6)
    exact = np.linalg.inv(state.gram[0, :, :, LANE])
    assert state.steps[0, LANE] % ellipsoid.REFRESH == 0
    np.testing.assert_allclose(state.inverse[0, :, :, LANE], exact, rtol=1e-12, atol=1e-12 * np.abs(exact).max())


@pytest.mark.parametrize("size", [1e5, 1e7, 1e50, 1e99])
@pytest.mark.parametrize("rank", [1, 3])
def test_features_beside_which_the_penalty_is_lost_leave_no_nan(size: float, rank: int) -> None:
    """A pivot that rounding made negative had NaN for an estimate, and every comparison after it was a default."""
    rng = np.random.default_rng(7)
    x = size * rng.normal(size=(6, rank)) @ rng.normal(size=(rank, 3))
    pairs = [tuple(map(int, rng.choice(6, 2, replace=False))) for _ in range(2 * ellipsoid.REFRESH)]
    state, _ = learned(x, pairs, rng.random(len(pairs)) < 0.5, np.ones(len(pairs)), fixed=True, ridge=1e-3)
    for values in (state.inverse, state.squared, likelihood.minimiser(state, 0, LANE, 1e-4)):
        assert np.isfinite(values).all()
    assert (np.diag(state.inverse[0, :, :, LANE]) > 0.0).all()
