"""Every K-armed policy plays, arm by arm, what its naive reference plays on the same luck.

The references are in `naive.py`. A policy that enters the registry without one fails here.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms
from banditlab.core.family import registered

from . import naive

POLICIES = registered("arms", "policy")

# Besides its defaults, each policy is tried with these fields. All of a class share one compiled kernel.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "BayesUCB": [{"c": 5.0}, {"c": 1.0, "a": 2.5, "b": 1.5}],
    "DecayingEpsilonGreedy": [{"c": 0.5, "d": 0.6}],
    "DiscountedUCB": [{"gamma": 0.9}, {"gamma": 1.0, "xi": 0.3}, {"changes": 9, "b": 2.0}, {"changes": 5000}],
    "EXP3": [{"gamma": 0.05}, {"gamma": 1.0}],
    "EXP3IX": [{"eta": 0.3}],
    "EpsilonGreedy": [{"epsilon": 0.0}, {"epsilon": 1.0}],
    "ExploreThenCommit": [{"m": 1}, {"m": 7}, {"m": 10_000}],
    "GaussianKLUCB": [{"std": 0.5, "c": 3.0}],
    "GaussianThompsonSampling": [{"std": 0.3}],
    "KLUCB": [{"c": 3.0}, {"c": 0.5}],
    "KLUCBPlusPlus": [{"horizon": 60}, {"horizon": 100_000}],
    "MOSS": [{"horizon": 60}, {"horizon": 100_000}],
    "MOSSAnytime": [{"alpha": 0.2}],
    "SlidingWindowUCB": [{"window": 20}, {"window": 2}, {"changes": 25, "xi": 1.0, "b": 0.5}],
    "Softmax": [{"temperature": 0.02}, {"temperature": 5.0}],
    "SuccessiveElimination": [{"delta": 0.3, "c": 1.0}],
    "ThompsonSampling": [{"a": 0.5, "b": 0.5}, {"a": 3.0, "b": 1.5}],
    "TsallisINF": [{"estimator": "reduced_variance"}],
    "UCB1": [{"alpha": 0.5}],
    "UCBV": [{"zeta": 1.0, "c": 0.0}, {"zeta": 0.5, "c": 0.1, "b": 2.0}],
    "VarTS": [{"mu": 0.5, "kappa": 0.1, "alpha": 0.5, "beta": 0.01}],
}

VARIANTS = [cls(**fields) for name, cls in POLICIES.items() for fields in [{}, *OTHERS.get(name, [])]]


@dataclasses.dataclass(frozen=True)
class Instance:
    environment: Any
    horizon: int
    n_runs: int
    seed: int


QUARTERS = [0.0, 0.25, 0.5, 1.0]

INSTANCES = {
    "three arms": Instance(arms.Bernoulli([0.3, 0.6, 0.5]), 300, 3, 11),
    "two arms": Instance(arms.Bernoulli([0.45, 0.55]), 300, 2, 12),
    "all equal": Instance(arms.Bernoulli([0.5, 0.5, 0.5, 0.5]), 250, 2, 13),
    "zero and one": Instance(arms.Bernoulli([0.0, 0.9, 1.0]), 200, 2, 14),
    "never a reward": Instance(arms.Bernoulli([0.0, 0.0]), 100, 1, 15),
    "always a reward": Instance(arms.Bernoulli([1.0, 1.0, 1.0]), 100, 1, 16),
    "one arm": Instance(arms.Bernoulli([0.4]), 40, 1, 17),
    "horizon is number of arms": Instance(arms.Bernoulli([0.5] * 6), 6, 2, 18),
    # sums of these rewards and probabilities are exact
    "quarters": Instance(
        arms.Categorical(QUARTERS, [[0.25, 0.25, 0.25, 0.25], [0.125, 0.5, 0.25, 0.125], [0.0, 0.25, 0.5, 0.25]]),
        300,
        2,
        19,
    ),
}


def quantile(environment: Any, arm: int, u: float) -> float:
    """Return an arm's reward as the environments define it: the first value whose cumulative probability exceeds u."""
    if isinstance(environment, arms.Bernoulli):
        return 1.0 if u < environment.means[arm] else 0.0
    total = 0.0
    for value, p in zip(environment.values, environment.probabilities[arm], strict=True):
        total += p
        if u < total:
            return float(value)
    raise AssertionError


def simulated(policy: Any, instance: Instance) -> NDArray[np.int64]:
    """Return the arms that the compiled simulation plays, one row a run, one column a round."""
    n_arms, horizon = instance.environment.n_arms, instance.horizon
    result = bl.run(
        instance.environment,
        policy,
        horizon=horizon,
        n_runs=instance.n_runs,
        seed=instance.seed,
        checkpoints=list(range(1, horizon + 1)),
        metrics=("pulls",),
        n_jobs=1,
        progress=False,
    )
    pulls = np.stack([result.values(f"pulls[{a}]")[0] for a in range(n_arms)])
    played = np.diff(pulls, axis=2, prepend=0.0)
    assert set(np.unique(played)) <= {0.0, 1.0}
    assert (played.sum(axis=0) == 1.0).all()
    return np.argmax(played, axis=0)


def check_against_reference(policy: Any, instance: Instance, run: int, played: NDArray[np.int64]) -> None:
    """Let the naive reference play a run, and compare arm by arm."""
    name = type(policy).__name__
    if name not in naive.REFERENCES:
        pytest.fail(f"{name} has no reference: write the class {name} in tests/arms/naive.py, from the paper")
    fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}
    player = naive.REFERENCES[name](instance.environment.n_arms, instance.horizon, **fields)
    luck, own = naive.environment_rng(instance.seed, run), naive.policy_rng(instance.seed, run)
    for t, arm in enumerate(played.tolist(), start=1):
        allowed = player.choices(t, own)
        assert arm in allowed, f"{policy!r}, run {run}: round {t} played arm {arm}, the reference {allowed}"
        player.update(arm, quantile(instance.environment, arm, luck.open_uniform()), t)


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("policy", VARIANTS, ids=repr)
def test_plays_what_the_reference_plays(policy: Any, instance: str) -> None:
    case = INSTANCES[instance]
    if getattr(policy, "rewards", "any") == "binary" and not case.environment.support.binary:
        with pytest.raises(bl.errors.IncompatiblePolicy, match="0 or 1"):
            simulated(policy, case)
        return
    got = simulated(policy, case)
    for run in range(case.n_runs):
        check_against_reference(policy, case, run, got[run])


def test_every_policy_has_a_reference_and_every_reference_a_policy() -> None:
    assert set(naive.REFERENCES) == set(POLICIES)
    assert set(POLICIES) == set(arms.policies.__all__)
    assert set(OTHERS) <= set(POLICIES)


@pytest.mark.parametrize("name", [name for name, cls in POLICIES.items() if dataclasses.fields(cls)])
def test_policies_with_parameters_are_tried_with_other_values_than_their_defaults(name: str) -> None:
    assert name in OTHERS, f"{name} has parameters: add non-default ones to OTHERS"
    tried = {field for fields in OTHERS[name] for field in fields}
    assert tried == {f.name for f in dataclasses.fields(POLICIES[name])}


@pytest.mark.parametrize("policy", [arms.VarTS(), arms.VarTS(mu=0.5, kappa=0.1, alpha=0.5, beta=0.01)], ids=repr)
def test_the_posterior_of_varts_is_that_of_all_rewards_at_once(policy: Any) -> None:
    """Choices tell little of a rate that is off by a half per cent."""
    rewards = [0.5, -1.0, 3.25, 0.5, 2.0, 7.0]
    agent = bl.start(policy, n_arms=1, seed=0)
    for reward in rewards:
        agent.update(agent.select(), reward)
    n, centre = len(rewards), naive.mean(rewards)
    kappa = policy.kappa + n
    spread = sum((x - centre) ** 2 for x in rewards) + policy.kappa * n * (centre - policy.mu) ** 2 / kappa
    expected = {
        "mus": (policy.kappa * policy.mu + n * centre) / kappa,
        "kappas": kappa,
        "alphas": policy.alpha + n / 2,
        "betas": policy.beta + spread / 2,
    }
    state = agent.state["arrays"]
    assert {name: state[name][0, 0] for name in expected} == pytest.approx(expected, rel=1e-14)


# The references' own tools, against values known in closed form.


def test_largest_plausible_mean_of_an_arm_that_always_lost() -> None:
    # kl(0, q) = -log(1 - q)
    assert naive.largest_plausible(0.0, 0.5) == pytest.approx(1.0 - math.exp(-0.5), abs=1e-15)


def test_largest_plausible_mean_lies_where_the_divergence_is_the_budget() -> None:
    q = naive.largest_plausible(0.3, 0.1)
    assert 0.3 * math.log(0.3 / q) + 0.7 * math.log(0.7 / (1 - q)) == pytest.approx(0.1, abs=1e-14)


def test_variance_does_not_depend_on_the_order_of_rewards() -> None:
    assert naive.variance([1.0, 0.0, 0.0]) == naive.variance([0.0, 0.0, 1.0]) == pytest.approx(2 / 9, abs=1e-16)
