"""Every CVaR bandit plays, arm by arm, what its naive reference plays on the same luck."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar
from tests.arms import naive as luck_of
from tests.arms.players import Instance, simulated

from . import naive_bandits as naive
from .bandits import BANDITS, VALUES, VARIANTS

QUARTERS = [0.0, 0.25, 0.5, 1.0]
GRID = [k / 64 for k in range(65)]
DIFFERENT = np.random.default_rng(5).random((3, 900))
SHARES = np.random.default_rng(4).dirichlet(np.full(65, 0.7), 3)

INSTANCES = {
    "three coins": Instance(arms.Bernoulli([0.3, 0.6, 0.5]), 200, 2, 11),
    "all equal": Instance(arms.Bernoulli([0.5, 0.5, 0.5, 0.5]), 120, 1, 13),
    "zero and one": Instance(arms.Bernoulli([0.0, 0.9, 1.0]), 120, 1, 14),
    "never a reward": Instance(arms.Bernoulli([0.0, 0.0]), 60, 1, 15),
    "always a reward": Instance(arms.Bernoulli([1.0, 1.0, 1.0]), 60, 1, 16),
    "one arm": Instance(arms.Bernoulli([0.4]), 40, 1, 17),
    "one round": Instance(arms.Bernoulli([0.4]), 1, 2, 17),
    "horizon is number of arms": Instance(arms.Bernoulli([0.5] * 6), 6, 2, 18),
    "quarters": Instance(
        arms.Categorical(QUARTERS, [[0.25, 0.25, 0.25, 0.25], [0.125, 0.5, 0.25, 0.125], [0.0, 0.25, 0.5, 0.25]]),
        200,
        2,
        19,
    ),
    "a fine grid": Instance(arms.Categorical(GRID, SHARES), 250, 1, 20),
    "hardly ever equal": Instance(arms.Empirical(DIFFERENT, np.ones_like(DIFFERENT)), 350, 1, 21),
}


def reward(environment: Any, arm: int, u: float) -> float:
    """Return the first value whose cumulative probability exceeds u."""
    if isinstance(environment, arms.Bernoulli):
        return 1.0 if u < environment.means[arm] else 0.0
    if isinstance(environment, arms.Empirical):
        return float(sorted(environment.values[arm])[int(u * environment.values.shape[1])])
    total = np.cumsum(environment.probabilities[arm])
    return float(environment.values[int(np.argmax(u < total))])


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("name", VARIANTS)
def test_plays_what_the_reference_plays(name: str, instance: str) -> None:
    policy, case = VARIANTS[name], INSTANCES[instance]
    if isinstance(policy, cvar.MCVTS):
        values = {"quarters": QUARTERS, "a fine grid": GRID}.get(instance, VALUES)
        policy = dataclasses.replace(policy, values=values)
        if instance == "hardly ever equal":
            with pytest.raises(bl.errors.IncompatiblePolicy, match="this environment gives"):
                simulated(policy, case)
            return
    got = simulated(policy, case)
    for run in range(case.n_runs):
        fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}
        player = naive.REFERENCES[type(policy).__name__](case.environment.n_arms, case.horizon, **fields)
        luck, own = luck_of.environment_rng(case.seed, run), luck_of.policy_rng(case.seed, run)
        for t, arm in enumerate(got[run].tolist(), start=1):
            allowed = player.choices(t, own)
            assert arm in allowed, f"{policy!r}, run {run}: round {t} played arm {arm}, the reference {allowed}"
            player.update(arm, reward(case.environment, arm, luck.open_uniform()), t)


def test_every_policy_has_a_reference_and_every_reference_a_policy() -> None:
    assert set(naive.REFERENCES) == set(BANDITS)
    assert {type(policy).__name__ for policy in VARIANTS.values()} == set(BANDITS)
    assert set(BANDITS) <= set(cvar.__all__)
