"""Every K-armed policy plays, arm by arm, what its naive reference plays on the same luck.

The references are in `naive.py`. A policy that enters the registry without one fails here.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

import banditlab as bl
from banditlab import arms

from . import naive
from .players import OTHERS, POLICIES, VARIANTS, Instance, check_against_reference, simulated

pytestmark = pytest.mark.filterwarnings("ignore::banditlab.errors.AssumptionWarning")  # parameters of any value

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
