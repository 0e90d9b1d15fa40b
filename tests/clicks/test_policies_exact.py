"""Every policy for click-bandits selects, round by round, what its naive reference selects on the same luck.

The references are in `naive.py`. A policy that enters the registry without one fails here.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms, clicks
from banditlab.arms.generics import reward
from banditlab.clicks import protocol
from banditlab.clicks.kernel import COUNTS
from banditlab.core.components import Problem
from banditlab.core.elementary import log
from banditlab.core.family import registered
from banditlab.errors import AssumptionWarning
from tests.arms.naive import environment_rng, policy_rng
from tests.arms.test_policies_exact import quantile

from . import naive
from .components import Hill, PlainQuadratic

POLICIES = registered("clicks", "policy")

# Besides its defaults, each policy is tried with these fields: small alpha, so that arms are screened within the
# horizons here; users' utilities without a closed form, one with desired strategies that are not monotone.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "ClickUCB": [
        {"alpha": 0.1},
        {"alpha": 0.3, "utility": clicks.QuadraticUtility(penalty=0.7)},
        {"alpha": 0.1, "utility": Hill()},
    ],
    "MeanUCB": [{"alpha": 0.1}],
    "UCBS": [
        {"alpha": 0.01},
        {"alpha": 0.1},
        {"alpha": 0.1, "utility": clicks.QuadraticUtility(penalty=0.7)},
        {"alpha": 0.02, "utility": clicks.QuadraticUtility(penalty=40.0)},
        {"alpha": 0.05, "utility": Hill()},
        {"alpha": 0.1, "utility": PlainQuadratic(penalty=2.0)},
    ],
}

VARIANTS = [cls(**fields) for name, cls in POLICIES.items() for fields in [{}, *OTHERS.get(name, [])]]


@dataclasses.dataclass(frozen=True)
class Instance:
    environment: Any
    horizon: int
    n_runs: int
    seed: int


def bandit(rewards: Any, strategies: Any, utility: Any = None) -> Any:
    """Return a bandit, of Bernoulli rewards with these means, or of those that an environment of `arms` draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)  # at mean 0, which is allowed
        if isinstance(rewards, list):
            return clicks.StrategicClickBandit(rewards, strategies, *([] if utility is None else [utility]))
        return clicks.StrategicClickBandit.with_rewards(rewards, strategies, utility)


SHARES = [[0.25, 0.25, 0.25, 0.25], [0.125, 0.5, 0.25, 0.125], [0.0, 0.25, 0.5, 0.25]]

INSTANCES = {
    "three arms": Instance(bandit([0.6, 0.5, 0.4], [0.9, 0.55, 0.2]), 400, 3, 11),
    "at the desired strategies": Instance(bandit([0.6, 0.5, 0.4], [0.66, 0.55, 0.44]), 400, 2, 12),
    "all equal": Instance(bandit([0.5] * 4, [0.55] * 4), 300, 2, 13),
    "strategies zero and one": Instance(bandit([0.6, 0.5, 0.4], [0.0, 1.0, 0.5]), 300, 2, 14),
    "no arm is ever clicked": Instance(bandit([0.6, 0.5], [0.0, 0.0]), 100, 1, 15),
    "means zero and one": Instance(bandit([0.0, 1.0, 0.5], [0.5, 0.9, 0.6]), 300, 2, 16),
    "all clicked, all rewarded": Instance(bandit([1.0, 1.0], [1.0, 1.0]), 100, 1, 17),
    "all overstate": Instance(bandit([0.2, 0.3, 0.1], [1.0, 0.9, 1.0]), 400, 3, 18),
    "all understate": Instance(bandit([0.9, 0.8], [0.1, 0.2]), 500, 3, 19),
    "one arm": Instance(bandit([0.4], [0.9]), 200, 2, 20),
    "one round": Instance(bandit([0.4], [0.9]), 1, 3, 21),
    "horizon is number of arms": Instance(bandit([0.5] * 6, [0.5] * 6), 6, 2, 22),
}
REWARDS = {
    # sums of quarters are exact, so that different rewards tie exactly
    "quarters": Instance(bandit(arms.Categorical([0.0, 0.25, 0.5, 1.0], SHARES), [0.9, 0.5, 0.3]), 400, 2, 23),
    "beta": Instance(bandit(arms.Beta([3.0, 1.0, 0.5], [2.0, 1.0, 1.0]), [0.9, 0.55, 0.3]), 400, 2, 24),
    # averages of these leave [0, 1] on both sides
    "gaussian": Instance(bandit(arms.Gaussian([0.95, 0.5, 0.05], std=0.5), [0.9, 0.8, 0.3]), 400, 2, 25),
}
OF_THE_ENVIRONMENT = Instance(bandit([0.6, 0.5, 0.9], [0.8, 0.3, 0.38], Hill()), 400, 2, 26)
QUADRATIC = clicks.QuadraticUtility()

Trace = tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]
"""Arms and clicks, one row a run, one column a round; and rounds of screening (0 for none), one row a run."""


def trace(tables: NDArray[np.float64], n_arms: int) -> Trace:
    """Read a trace off the kernel's tables, one for each round."""
    moved = np.diff(tables[:, COUNTS : COUNTS + 2 * n_arms], axis=0, prepend=0.0)
    selected, clicked = moved[:, :n_arms], moved[:, n_arms:]
    assert set(np.unique(moved)) <= {0.0, 1.0}
    assert (selected.sum(axis=1) == 1.0).all()
    assert (clicked <= selected).all()
    return np.argmax(selected, axis=1).T, clicked.any(axis=1).T, tables[-1, COUNTS + 2 * n_arms :].T


def simulated(policy: Any, instance: Instance) -> Trace:
    """Return what the compiled simulation plays."""
    result = bl.run(
        instance.environment,
        policy,
        horizon=instance.horizon,
        n_runs=instance.n_runs,
        seed=instance.seed,
        checkpoints=list(range(1, instance.horizon + 1)),
        metrics=("selections", "clicks", "screening_round"),
        n_jobs=1,
        progress=False,
    )
    names = [
        f"{m}[{a}]" for m in ("selections", "clicks", "screening_round") for a in range(instance.environment.n_arms)
    ]
    tables = np.nan_to_num(np.stack([result.values(name)[0] for name in names])).transpose(2, 0, 1)
    return trace(np.concatenate([np.zeros_like(tables[:, :COUNTS]), tables], axis=1), instance.environment.n_arms)


def drawn(environment: Any, arm: int, u: float) -> float:
    """Return the post-click reward at u: by hand, or (Beta, Gaussian) the package's, called as plain Python."""
    rewards = arms.Bernoulli(environment.post_click_means) if environment.rewards is None else environment.rewards
    if isinstance(rewards, arms.Bernoulli | arms.Categorical):
        return quantile(rewards, arm, u)
    with np.errstate(all="ignore"):
        return float(reward(rewards.params(Problem(rewards.n_arms, None)), arm, u, 1))


def check_against_reference(
    policy: Any, instance: Instance, run: int, strategies: NDArray[np.float64], played: Trace, row: int
) -> None:
    """Let the naive reference play a run, and compare round by round with one row of a trace."""
    name = type(policy).__name__
    if name not in naive.REFERENCES:
        pytest.fail(f"{name} has no reference: write the class {name} in tests/clicks/naive.py, from the paper")
    environment = instance.environment
    fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}
    utility = fields.pop("utility", None) or environment.utility
    wants = naive.WANTS[type(utility).__name__](
        **{f.name: getattr(utility, f.name) for f in dataclasses.fields(utility)}
    )
    means = environment.post_click_means.tolist()
    player = naive.REFERENCES[name](instance.horizon, means, strategies.tolist(), wants, **fields)
    luck, own = environment_rng(instance.seed, run), policy_rng(instance.seed, run)
    selected, clicked, screened = (part[row] for part in played)
    for t in range(1, instance.horizon + 1):
        arm = player.select(t, own)
        told = f"{policy!r}, run {run}, round {t}"
        assert selected[t - 1] == arm, f"{told}: selected arm {selected[t - 1]}, the reference {arm}"
        # the arm is clicked if u is below its click rate s; u/s, which is then uniform again, makes the reward
        u, s = luck.open_uniform(), float(strategies[arm])
        assert clicked[t - 1] == (u < s), told
        player.update(arm, u < s, drawn(environment, arm, u / s) if u < s else math.nan, t)
    assert screened.tolist() == player.screened, f"{policy!r}, run {run}"


def check(policy: Any, case: Instance) -> Trace:
    got = simulated(policy, case)
    for run in range(case.n_runs):
        check_against_reference(policy, case, run, case.environment.strategies, got, run)
    return got


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("policy", VARIANTS, ids=repr)
def test_plays_what_the_reference_plays(policy: Any, instance: str) -> None:
    check(policy, INSTANCES[instance])


# each pair of types costs its compilation: UCB-S tries all kinds of rewards, the others one beside coins
WITH_REWARDS = [(clicks.UCBS(alpha=0.1), name) for name in REWARDS]
WITH_REWARDS += [(clicks.UCBS(), "gaussian"), (clicks.ClickUCB(), "quarters"), (clicks.MeanUCB(alpha=0.1), "gaussian")]


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
