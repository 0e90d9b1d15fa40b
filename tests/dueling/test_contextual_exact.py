"""Contextual policies choose what slow versions of them choose, round by round, up to what solvers can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from banditlab import dueling
from banditlab.core import sampling
from banditlab.core.components import make_state
from banditlab.dueling.contextual import generics
from banditlab.dueling.contextual.policies import layered
from banditlab.dueling.contextual.spaces import ContextualProblem, ContextualSpace

from .naive_contextual import reference

POLICIES = [
    dueling.VACDB(),
    dueling.VACDB(delta=0.1, kappa=0.25, layers=3, alpha=0.2),
    dueling.VACDB.as_released(scale=2.0),
    dueling.VACDB(radius=0.02, alpha=0.4, kappa=0.2),
    dueling.VACDB(delta=1.0, kappa=300.0, lipschitz=0.001, alpha=0.2, ridge=1e-4),  # V by residuals, in all layers
    dueling.VACDB(delta=1.0, kappa=1000.0, lipschitz=0.001, alpha=0.2, ridge=1e-4),
    dueling.StaD(),
    dueling.StaD.as_released(scale=1.0),
    dueling.StaD(radius=0.3, alpha=0.3, kappa=0.2),
    dueling.StaD(radius=0.05, scaled=False, layers=2),
    dueling.MaxInP(),
    dueling.MaxInP.as_released(),
    dueling.MaxInP(radius=0.2, exploration=5),
    dueling.MaxPairUCB(),
    dueling.MaxPairUCB.as_released(scale=4.0),
    dueling.MaxFirstUCBNext(radius=0.5, kappa=0.3),
    dueling.CoLSTIM(),
    dueling.CoLSTIM.as_released(),
    dueling.CoLSTIM(radius=0.3, exploration=4, threshold=0.2),
]

INSTANCES: dict[str, tuple[Any, Any]] = {
    "generic": ([1.0, -2.0, 0.5], np.random.default_rng(0).normal(size=(5, 3))),
    "two-arms": ([2.0, 1.0], [[1.0, 0.0], [0.0, 1.0]]),
    "one-feature": ([1.5], [[0.0], [0.4], [1.0], [-0.7]]),
    "identical-arms": ([1.0, 1.0], [[1.0, 0.5], [1.0, 0.5], [0.2, 0.1]]),
    "collinear": ([1.0, 0.0, -1.0], [[1.0, 1.0, 2.0], [2.0, 2.0, 4.0], [-0.5, -0.5, -1.0]]),
    "no-signal": ([0.0, 0.0], np.random.default_rng(1).normal(size=(4, 2))),
    "drawn": ([1.0, -1.0], (4, 2)),
}
HORIZON = 40


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("instance", INSTANCES)
def test_plays_what_a_slow_version_plays(policy: Any, instance: str) -> None:
    theta, arms = INSTANCES[instance]
    drawn = isinstance(arms, tuple)
    K, d = arms if drawn else np.shape(arms)
    luck = np.random.default_rng(7)
    params = policy.params(ContextualProblem(K, HORIZON, d))
    state = make_state(policy, ContextualSpace(K, 1, HORIZON, d, fixed=not drawn))
    slow = reference(policy, K, d, HORIZON)
    rng = sampling.seeded(3, sampling.POLICY_STREAM, 0, 1)
    with np.errstate(over="ignore"):
        for t in range(1, HORIZON + 1):
            x = luck.normal(size=arms) if drawn else np.asarray(arms, float)
            features = np.ascontiguousarray(x[:, :, None])
            before = rng.copy()
            pair = generics.select(params, state, features, 0, t, rng)
            allowed = slow.choices(x, t, before)
            assert not slow.unsure  # on these instances all comparisons are clear
            assert pair in allowed or pair[::-1] in allowed, (t, pair, allowed)
            won = bool(luck.random() < expit((x[pair[0]] - x[pair[1]]) @ np.asarray(theta)))
            slow.learn(x, pair, won, t)
            generics.update(params, state, features, pair[0], pair[1], 0, won, t)


def test_radius_has_the_variance_of_the_residuals_where_layers_are_deep_enough_and_else_their_number() -> None:
    """V is small beside the logarithms, so that choices hardly tell one from the other."""
    used = set()
    for lipschitz in (1e-4, 0.002, 0.01):
        policy = dueling.VACDB(delta=0.5, kappa=0.2, lipschitz=lipschitz, alpha=0.2)
        params = policy.params(ContextualProblem(5, 400, 3))
        state = make_state(policy, ContextualSpace(5, 1, 400, 3, fixed=True))
        slow: Any = reference(policy, 5, 3, 400)
        rng, luck = sampling.seeded(3, sampling.POLICY_STREAM, 0, 1), np.random.default_rng(1)
        x = luck.normal(size=(5, 3))
        features = np.ascontiguousarray(x[:, :, None])
        with np.errstate(over="ignore"):
            for t in range(1, 401):
                i, j = generics.select(params, state, features, 0, t, rng)
                if not state.explores[0]:
                    break
                layer = int(state.level[0]) + 1
                z, won = x[i] - x[j], bool(luck.random() < expit((x[i] - x[j]) @ [1.0, -2.0, 0.5]))
                norm = np.sqrt(z @ np.linalg.inv(slow.sigma(layer)) @ z)
                slow.samples[layer].append((z, float(won), 2.0**-layer / norm))
                slow.last[layer] = t
                generics.update(params, state, features, i, j, 0, won, t)
        for layer in range(1, slow.L + 1):
            theta, t = slow.estimate(layer), slow.last[layer]
            if t > 0:
                deep = 2.0**layer >= 64.0 * lipschitz / 0.2 * np.sqrt(np.log(4 * (t + 1) ** 2 * slow.L / 0.5))
                used.add(bool(deep))
                layered.fit(state, layer - 1, 0, layered.ridge(params, layer - 1))
                assert layered.radius(params, state, layer - 1, 0) == pytest.approx(slow.beta(layer, theta), rel=1e-8)
    assert used == {True, False}
