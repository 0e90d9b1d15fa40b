"""Policies that compute few indices in a round play what computing all of them would play."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.arms.divergence_kernels import divergence, negative_entropy, upper_bound
from banditlab.arms.policies.bayes import BetaPosterior
from banditlab.arms.policies.klucb import budget
from banditlab.arms.statistics import RunningMeans
from banditlab.core.components import Problem, Space, make_state
from banditlab.core.elementary import log
from banditlab.core.special import beta_upper_quantile


@arms.policy
class EveryQuantile(BetaPosterior):
    """Computes the quantiles of all arms in every round."""

    a: float = 1.0
    b: float = 1.0
    scale: float = 1.0

    def index(self, state, arm, lane, t, rng):
        return beta_upper_quantile(1.0 / (t * self.scale), state.alphas[arm, lane], state.betas[arm, lane])[0]


@arms.policy
class EveryBound(RunningMeans):
    """Computes the upper confidence bounds of all arms in every round."""

    c: float = 0.0

    def index(self, state, arm, lane, t, rng):
        n = state.counts[arm, lane]
        if n == 0.0:
            return math.inf
        mean = min(state.means[arm, lane], 1.0)
        return upper_bound(mean, budget(self.c, t) / n, negative_entropy(mean))


@arms.policy
class EveryMinimaxBound(RunningMeans):
    """Computes the indices of KL-UCB++ of all arms in every round."""

    share: float = 1.0

    def index(self, state, arm, lane, t, rng):
        n = state.counts[arm, lane]
        if n == 0.0:
            return math.inf
        ratio = self.share / n
        exploration = max(log(ratio * (max(log(ratio), 0.0) ** 2 + 1.0)), 0.0)
        mean = min(state.means[arm, lane], 1.0)
        return upper_bound(mean, exploration / n, negative_entropy(mean))


@arms.policy
class EveryMOSS(RunningMeans):
    """Computes the indices of MOSS of all arms in every round."""

    share: float = 1.0

    def index(self, state, arm, lane, t, rng):
        n = state.counts[arm, lane]
        return math.inf if n == 0.0 else state.means[arm, lane] + math.sqrt(max(log(self.share / n), 0.0) / n)


@arms.policy
class EveryDivergence(RunningMeans):
    """Computes the indices of IMED of all arms in every round."""

    n_arms: int = 1

    def select(self, state, lane, t, rng):
        best = 0.0
        for a in range(self.n_arms):
            if state.counts[a, lane] == 0.0:
                return a
            best = max(best, min(state.means[a, lane], 1.0))
        chosen, least = 0, math.inf
        for a in range(self.n_arms):
            n, mean = state.counts[a, lane], min(state.means[a, lane], 1.0)
            found = n * divergence(mean, best, negative_entropy(mean)) + log(n)
            if found < least:
                chosen, least = a, found
        return chosen


HORIZON = 3000
WORLDS: dict[str, Any] = {
    "spread": arms.Bernoulli(np.linspace(0.1, 0.9, 10)),
    "equal": arms.Bernoulli([0.5] * 5),
    "small": arms.Bernoulli([0.02, 0.03]),
    "certain": arms.Bernoulli([1.0, 0.0, 1.0]),
    "never": arms.Bernoulli([0.0] * 3),
    "many": arms.Bernoulli(np.linspace(0.4, 0.6, 60)),
    "one": arms.Bernoulli([0.3]),
    "beta": arms.Beta([0.5, 2.0, 30.0], [0.5, 2.0, 20.0]),
}


EAGER: list[tuple[Any, Any]] = [
    (arms.KLUCB(), lambda n_arms: EveryBound()),
    (arms.KLUCB(c=3.0), lambda n_arms: EveryBound(c=3.0)),
    (arms.KLUCB(c=1e-3), lambda n_arms: EveryBound(c=1e-3)),
    (arms.KLUCB(c=1e100), lambda n_arms: EveryBound(c=1e100)),  # bounds that are 1
    (arms.IMED(), lambda n_arms: EveryDivergence(n_arms)),
    (arms.KLUCBPlusPlus(), lambda n_arms: EveryMinimaxBound(HORIZON / n_arms)),
    (arms.MOSS(), lambda n_arms: EveryMOSS(HORIZON / n_arms)),
    (arms.BayesUCB(), lambda n_arms: EveryQuantile()),
    (arms.BayesUCB(c=5.0), lambda n_arms: EveryQuantile(scale=float(np.log(HORIZON)) ** 5.0)),
    (arms.BayesUCB(c=100.0), lambda n_arms: EveryQuantile(scale=float(np.log(HORIZON)) ** 100.0)),  # quantiles are 1
    (arms.BayesUCB(a=1.5, b=40.0), lambda n_arms: EveryQuantile(a=1.5, b=40.0)),
]


@pytest.mark.parametrize(
    ("policy", "eager", "world"),
    [
        pytest.param(policy, eager, world, id=f"{policy!r}-{world}")
        for policy, eager in EAGER
        for world in WORLDS
        if world != "beta" or getattr(policy, "rewards", "any") != "binary"
    ],
)
def test_plays_what_computing_every_index_plays(policy: Any, eager: Any, world: str) -> None:
    lazy, every = (
        bl.run(
            WORLDS[world], each, horizon=HORIZON, n_runs=20, seed=3, metrics="pulls", progress=False,
            checkpoints=list(range(1, HORIZON + 1)),
        )
        for each in (policy, eager(WORLDS[world].n_arms))
    )  # fmt: skip
    for metric in every.metrics:
        np.testing.assert_array_equal(lazy.values(metric), every.values(metric))


@pytest.mark.parametrize(
    ("lazy", "every"),
    [
        (arms.BayesUCB(), EveryQuantile()),
        (arms.KLUCB(), EveryBound()),
        (arms.IMED(), EveryDivergence(5)),
        (arms.KLUCBPlusPlus(horizon=1500), EveryMinimaxBound(300.0)),
    ],
)
def test_arms_that_others_had_played_are_seen(lazy: Any, every: Any) -> None:
    """A policy around this one may play another arm than it chose, and need not ask it in every round."""
    n_arms, means, luck = 5, [0.2, 0.6, 0.5, 0.55, 0.4], np.random.default_rng(0)
    problem, space = Problem(n_arms, None), Space(n_arms, 1, None)
    given, states = [p.params(problem) for p in (lazy, every)], [make_state(p, space) for p in (lazy, every)]

    def chosen(policy: Any, params: Any, state: Any, t: int) -> int:
        if hasattr(type(policy), "select"):
            return int(type(policy).select(params, state, 0, t, None))
        return int(np.argmax([type(policy).index(params, state, a, 0, t, None) for a in range(n_arms)]))

    for t in range(1, 1500):
        played = int(luck.integers(n_arms))
        if t % 7 > 1:
            one, other = (
                chosen(p, params, state, t) for p, params, state in zip((lazy, every), given, states, strict=True)
            )
            assert one == other
            played = played if t % 3 == 0 else one
        reward = float(luck.random() < means[played])
        for p, params, state in zip((lazy, every), given, states, strict=True):
            type(p).update(params, state, played, 0, reward, t)


@pytest.mark.parametrize(
    ("lazy", "every"),
    [(arms.BayesUCB(), EveryQuantile()), (arms.KLUCB(), EveryBound()), (arms.IMED(), EveryDivergence(2))],
    ids=repr,
)
def test_a_leader_that_was_far_ahead_is_left(lazy: Any, every: Any) -> None:
    """What its posterior has below the height was less than the smallest number there is."""
    env = arms.PiecewiseStationary(
        [arms.Bernoulli([mean, 0.45]) for mean in (0.5, 1.0, 0.0)], change_points=[2000, 10_000]
    )
    options: dict[str, Any] = {"horizon": 25_000, "n_runs": 4, "seed": 1, "metrics": "pulls", "progress": False}
    one, other = (bl.run(env, policy, **options).values("pulls[0]") for policy in (lazy, every))
    np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("error")
def test_heights_are_no_larger_than_indices_can_be() -> None:
    """A tangent can be above 1, where a divergence is no number, which runs would warn of."""
    for horizon in range(2, 40):
        bl.run(arms.Bernoulli([0.9, 0.8]), arms.KLUCB(c=30.0), horizon=horizon, n_runs=100, seed=0, progress=False)
