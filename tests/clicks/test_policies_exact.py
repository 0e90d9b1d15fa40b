"""Every policy for click-bandits selects, round by round, what its naive reference selects on the same luck.

The references are in `naive.py`. A policy that enters the registry without one fails here.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from banditlab import clicks
from banditlab.clicks import protocol
from banditlab.core.elementary import log

from . import naive
from .components import Hill
from .players import (
    INSTANCES,
    OTHERS,
    POLICIES,
    REWARDS,
    VARIANTS,
    WITH_REWARDS,
    Instance,
    Trace,
    bandit,
    check_against_reference,
    simulated,
    trace,
)

OF_THE_ENVIRONMENT = Instance(bandit([0.6, 0.5, 0.9], [0.8, 0.3, 0.38], Hill()), 400, 2, 26)
QUADRATIC = clicks.QuadraticUtility()


def check(policy: Any, case: Instance) -> Trace:
    got = simulated(policy, case)
    for run in range(case.n_runs):
        check_against_reference(policy, case, run, case.environment.strategies, got, run)
    return got


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("policy", VARIANTS, ids=repr)
def test_plays_what_the_reference_plays(policy: Any, instance: str) -> None:
    check(policy, INSTANCES[instance])


@pytest.mark.parametrize(("policy", "instance"), WITH_REWARDS, ids=[f"{p!r}-{name}" for p, name in WITH_REWARDS])
def test_plays_what_the_reference_plays_whatever_draws_the_rewards(policy: Any, instance: str) -> None:
    check(policy, REWARDS[instance])


@pytest.mark.parametrize("policy", [clicks.UCBS(alpha=0.05), clicks.StrategyOracle()], ids=repr)
def test_default_utility_is_that_of_the_environment(policy: Any) -> None:
    played = check(policy, OF_THE_ENVIRONMENT)
    quadratic = dataclasses.replace(
        OF_THE_ENVIRONMENT, environment=dataclasses.replace(OF_THE_ENVIRONMENT.environment, utility=QUADRATIC)
    )
    assert (simulated(policy, quadratic)[0] != played[0]).any()


def test_instances_try_what_they_are_for() -> None:
    """Arms are screened from above and from below, in some instances all of them, so that play becomes uniform."""
    eager = clicks.UCBS(alpha=0.1)
    screened = {name: simulated(eager, case)[2] for name, case in INSTANCES.items()}
    assert (screened["three arms"][:, [0, 2]] > 0).any(axis=0).all()  # one overstates itself, the other understates
    # small alpha, for which there is no guarantee, can screen honest arms; the paper's does not
    assert (simulated(clicks.UCBS(), INSTANCES["at the desired strategies"])[2] == 0).all()
    assert (screened["no arm is ever clicked"] == 0).all()  # the desired strategy could be 0, as the mean could
    for name in ("all overstate", "all understate", "one arm"):
        last = screened[name].max(axis=1)
        assert (screened[name] > 0).all()
        assert (last < INSTANCES[name].horizon - 100).all()


# ---------------------------------------------------------------------------------- a profile for each lane

PROFILES = np.random.default_rng(7).choice([0.0, 0.2, 0.44, 0.55, 0.66, 0.8, 1.0], size=(3, 8))
RUNS = np.array([5, 3, 9, 3, 4, 0, 3, 12])


@pytest.mark.parametrize("name", POLICIES)
def test_lanes_with_their_own_strategies_and_luck(name: str) -> None:
    """Lanes may play different profiles, on runs in any order, some of them on the same luck."""
    case = dataclasses.replace(INSTANCES["three arms"], horizon=250)
    policy = POLICIES[name](**({"alpha": 0.1} if hasattr(POLICIES[name], "alpha") else {}))
    got = played_profiles(policy, case, PROFILES)
    for lane, run in enumerate(RUNS):
        check_against_reference(policy, case, int(run), PROFILES[:, lane], got, lane)


def played_profiles(policy: Any, case: Instance, profiles: NDArray[np.float64]) -> Trace:
    everywhere = np.arange(1, case.horizon + 1)
    played = protocol.Profiles(profiles, RUNS, case.seed)
    tables = protocol.play_profiles(case.environment, policy, played, case.horizon, everywhere)
    return trace(tables, len(profiles))


def test_lanes_on_the_same_luck_and_profile_are_the_same_run() -> None:
    case = dataclasses.replace(INSTANCES["three arms"], horizon=250)
    selected, clicked, screened = played_profiles(clicks.UCBS(alpha=0.1), case, np.tile([[0.9], [0.55], [0.2]], 8))
    for part in (selected, clicked, screened):
        for lane in np.flatnonzero(RUNS == 3):
            np.testing.assert_array_equal(part[lane], part[1])
    assert (selected[0] != selected[1]).any()


# ------------------------------------------------------------------------------------------ completeness


def test_every_policy_has_a_reference_and_every_reference_a_policy() -> None:
    assert set(naive.REFERENCES) == set(POLICIES)
    assert set(POLICIES) <= set(clicks.__all__)
    assert set(OTHERS) <= set(POLICIES)


@pytest.mark.parametrize("name", [name for name, cls in POLICIES.items() if dataclasses.fields(cls)])
def test_policies_with_parameters_are_tried_with_other_values_than_their_defaults(name: str) -> None:
    assert name in OTHERS, f"{name} has parameters: add non-default ones to OTHERS"
    tried = {field for fields in OTHERS[name] for field in fields}
    assert tried == {f.name for f in dataclasses.fields(POLICIES[name])}


@pytest.mark.parametrize("horizon", sorted({c.horizon for c in (INSTANCES | REWARDS).values()}))
def test_references_use_the_same_logarithm(horizon: int) -> None:
    """The two logarithms may differ in their last bit; where radii are compared with averages that could decide."""
    assert log(float(horizon)) == pytest.approx(math.log(horizon), rel=3e-16)
