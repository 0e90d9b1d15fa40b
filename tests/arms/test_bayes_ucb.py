"""BayesUCB computes few quantiles, and plays what computing all of them would play."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.arms.policies.bayes import BetaPosterior
from banditlab.core.components import Problem, Space, make_state
from banditlab.core.special import beta_upper_quantile


@arms.policy
class EveryQuantile(BetaPosterior):
    """Computes the quantiles of all arms in every round."""

    a: float = 1.0
    b: float = 1.0
    scale: float = 1.0

    def index(self, state, arm, lane, t, rng):
        return beta_upper_quantile(1.0 / (t * self.scale), state.alphas[arm, lane], state.betas[arm, lane])[0]


HORIZON = 3000
MEANS: dict[str, Any] = {
    "spread": np.linspace(0.1, 0.9, 10),
    "equal": [0.5] * 5,
    "small": [0.02, 0.03],
    "certain": [1.0, 0.0, 1.0],
}


@pytest.mark.parametrize(
    ("policy", "eager"),
    [
        (arms.BayesUCB(), EveryQuantile()),
        (arms.BayesUCB(c=5.0), EveryQuantile(scale=float(np.log(HORIZON)) ** 5.0)),
        (arms.BayesUCB(c=100.0), EveryQuantile(scale=float(np.log(HORIZON)) ** 100.0)),  # quantiles that round to 1
        (arms.BayesUCB(a=1.5, b=40.0), EveryQuantile(a=1.5, b=40.0)),
    ],
    ids=["default", "c", "large c", "prior"],
)
@pytest.mark.parametrize("means", MEANS)
def test_plays_what_computing_every_quantile_plays(policy: Any, eager: Any, means: str) -> None:
    world = arms.Bernoulli(MEANS[means])
    lazy, every = (
        bl.run(
            world, each, horizon=HORIZON, n_runs=20, seed=3, metrics="pulls", progress=False,
            checkpoints=list(range(1, HORIZON + 1)),
        )
        for each in (policy, eager)
    )  # fmt: skip
    for metric in every.metrics:
        np.testing.assert_array_equal(lazy.values(metric), every.values(metric))


def test_arms_that_others_had_played_are_seen() -> None:
    """A policy around this one may play another arm than it chose."""
    n_arms, means, luck = 5, [0.2, 0.6, 0.5, 0.55, 0.4], np.random.default_rng(0)
    lazy, every = arms.BayesUCB(), EveryQuantile()
    problem, space = Problem(n_arms, None), Space(n_arms, 1, None)
    seen, all_of_it = make_state(lazy, space), make_state(every, space)
    for t in range(1, 1500):
        chosen = arms.BayesUCB.select(lazy.params(problem), seen, 0, t, None)
        indices = [EveryQuantile.index(every.params(problem), all_of_it, a, 0, t, None) for a in range(n_arms)]
        assert chosen == np.argmax(indices)
        played = int(luck.integers(n_arms)) if t % 3 == 0 else chosen
        reward = float(luck.random() < means[played])
        arms.BayesUCB.update(lazy.params(problem), seen, played, 0, reward, t)
        EveryQuantile.update(every.params(problem), all_of_it, played, 0, reward, t)
