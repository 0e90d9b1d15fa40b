"""What every K-armed policy promises, tried on the whole registry: a new policy is under this contract at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import BanditlabError, InvalidArgument, InvalidComponent, InvalidType, OutOfTurn
from banditlab.core.family import registered
from banditlab.core.playing import jobs
from banditlab.core.sampling import expanded, key
from tests.values import (
    arrays,
    check_frozen,
    check_repr,
    check_same_future,
    check_state_amid_a_round,
    check_twins,
    columns,
    same,
)

from . import naive
from .players import OTHERS, VARIANTS

pytestmark = pytest.mark.filterwarnings("ignore::banditlab.errors.AssumptionWarning")  # parameters of any value

POLICIES = registered("arms", "policy")
DEFAULTS = {name: cls() for name, cls in POLICIES.items()}
FIELDS = [(cls, f.name) for cls in POLICIES.values() for f in dataclasses.fields(cls)]
METRICS = ("regret", "reward", "optimal_rate", "pulls")

every_policy = pytest.mark.parametrize("name", POLICIES)
every_variant = pytest.mark.parametrize("policy", VARIANTS, ids=repr)
every_field = pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{cls.__name__}.{f}" for cls, f in FIELDS])

COINS = arms.Bernoulli([0.3, 0.6, 0.5])
HORIZON = 60
SEED = 5

# Environments of two types only, because each pair of types is compiled. Rewards that are no dyadic fractions, and
# for policies that learn from any reward ones far outside [0, 1].
SHARES = [[0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]
UNIT = arms.Categorical([0.1, 0.7, 1.0], SHARES)
WIDE = arms.Categorical([-37.3, 0.1, 1234.56], SHARES)


def environments_for(policy: Any) -> list[Any]:
    kind = getattr(policy, "rewards", "any")
    return {"binary": [COINS], "unit": [COINS, UNIT], "any": [COINS, UNIT, WIDE]}[kind]


# -------------------------------------------------------------------------------- the same numbers everywhere


@every_variant
def test_compiled_equals_plain_python_bit_for_bit(policy: Any) -> None:
    for environment in environments_for(policy):
        for metrics in (METRICS, ("regret",)):
            options: dict[str, Any] = {"metrics": metrics, "horizon": 30, "n_runs": 2, "seed": 3, "progress": False}
            compiled = bl.run(environment, policy, n_jobs=1, **options)
            plain = bl.run(environment, policy, n_jobs=1, backend="python", **options)
            same(columns(compiled), columns(plain))


@pytest.fixture(scope="module")
def together() -> bl.Results:
    """All policies at once, seven runs."""
    return bl.run(COINS, DEFAULTS, horizon=HORIZON, n_runs=7, seed=SEED, metrics=METRICS, n_jobs=1, progress=False)


@pytest.fixture(scope="module")
def scattered() -> Iterator[bl.Results]:
    """The same policies in the opposite order, in chunks of two runs, in two threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "CHUNK", 2)
        backwards = dict(reversed(DEFAULTS.items()))
        yield bl.run(COINS, backwards, horizon=HORIZON, n_runs=7, seed=SEED, metrics=METRICS, n_jobs=2, progress=False)


@every_policy
def test_run_is_the_same_whatever_chunk_threads_and_order(
    name: str, together: bl.Results, scattered: bl.Results
) -> None:
    same(columns(together, name), columns(scattered, name))


@every_policy
def test_run_is_the_same_whatever_the_number_of_runs_and_policies(name: str, together: bl.Results) -> None:
    alone = bl.run(
        COINS, DEFAULTS[name], horizon=HORIZON, n_runs=3, seed=SEED, metrics=METRICS, n_jobs=1, progress=False
    )
    same({metric: values[:3] for metric, values in columns(together, name).items()}, columns(alone))


@every_policy
def test_regret_alone_is_the_regret_beside_other_metrics(name: str, together: bl.Results) -> None:
    alone = bl.run(COINS, DEFAULTS[name], horizon=HORIZON, n_runs=7, seed=SEED, n_jobs=1, progress=False)
    np.testing.assert_array_equal(alone.values("regret")[0], columns(together, name)["regret"])


@every_policy
def test_metrics_agree_with_one_another(name: str, together: bl.Results) -> None:
    got = columns(together, name)
    pulls = np.stack([got[f"pulls[{a}]"] for a in range(3)])
    rounds = together.checkpoints
    assert all(np.isfinite(values).all() for values in got.values())
    np.testing.assert_array_equal(pulls.sum(axis=0), np.broadcast_to(rounds, pulls.shape[1:]))
    np.testing.assert_allclose(got["regret"], np.tensordot(COINS.gaps, pulls, 1), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(got["optimal_rate"], pulls[1] / rounds)
    assert (got["reward"] <= rounds).all()
    assert (got["reward"] >= 0).all()


# -------------------------------------------------------------------------------------------------- the agent


def agent(policy: Any, seed: int = SEED, run: int = 0, horizon: int | None = HORIZON, n_arms: int = 3) -> Any:
    return bl.start(policy, n_arms=n_arms, seed=seed, run=run, horizon=horizon)


def plays(player: Any, numbers: NDArray[np.float64]) -> list[int]:
    """Let an agent play on coins that turn on given uniform numbers; return its arms."""
    played = []
    for u in numbers:
        played.append(player.select())
        player.update(played[-1], 1.0 if u < COINS.means[played[-1]] else 0.0)
    return played


LUCK = np.random.default_rng(8).random(HORIZON)


@every_policy
def test_agent_plays_the_arms_of_the_simulated_run(name: str) -> None:
    run = 2
    everywhere = list(range(1, HORIZON + 1))
    options: dict[str, Any] = {"checkpoints": everywhere, "metrics": "pulls", "n_jobs": 1, "progress": False}
    result = bl.run(COINS, DEFAULTS[name], horizon=HORIZON, n_runs=3, seed=SEED, **options)
    pulls = np.stack([result.values(f"pulls[{a}]")[0, run] for a in range(3)])
    simulated = np.argmax(np.diff(pulls, axis=1, prepend=0.0), axis=0).tolist()
    luck = naive.environment_rng(SEED, run)
    numbers = np.array([luck.open_uniform() for _ in everywhere])
    assert plays(agent(DEFAULTS[name], run=run), numbers) == simulated


@every_policy
def test_agents_state_survives_pickling_and_has_the_same_future(name: str) -> None:
    check_same_future(agent(DEFAULTS[name]), agent(DEFAULTS[name], seed=SEED + 1, run=9), plays, LUCK, 25)


@every_policy
def test_agents_state_survives_between_select_and_update(name: str) -> None:
    check_state_amid_a_round(agent(DEFAULTS[name]), lambda player, arm: player.update(arm, 1.0), plays, LUCK)


@every_policy
def test_state_of_another_policy_or_of_another_number_of_arms_is_refused(name: str) -> None:
    player = agent(DEFAULTS[name])
    stranger = agent(arms.RoundRobin() if name != "RoundRobin" else arms.Uniform())
    for state in (stranger.state, agent(DEFAULTS[name], n_arms=2).state):
        with pytest.raises(InvalidArgument, match="allowed"):
            player.state = state
    with pytest.raises(InvalidType):
        player.state = None


@every_policy
def test_bad_feedback_raises_and_leaves_the_agent_as_it_was(name: str) -> None:
    player, untouched = agent(DEFAULTS[name]), agent(DEFAULTS[name])
    with pytest.raises(OutOfTurn, match="before select"):
        player.update(0, 1.0)
    arm = player.select()
    with pytest.raises(OutOfTurn, match="twice"):
        player.select()
    for wrong in ((arm + 1) % 3, -1, 3, 0.5, "0", None, math.nan):
        with pytest.raises(BanditlabError):
            player.update(wrong, 1.0)
    kind = getattr(DEFAULTS[name], "rewards", "any")
    bad: list[Any] = [math.nan, math.inf, -math.inf, "1", None]
    bad += {"any": [], "unit": [-0.1, 1.1], "binary": [-1.0, 0.5, 2.0]}[kind]
    for reward in bad:
        with pytest.raises(BanditlabError):
            player.update(arm, reward)
    player.update(arm, 1.0)
    with pytest.raises(OutOfTurn):
        player.update(arm, 1.0)
    assert untouched.select() == arm
    untouched.update(arm, 1.0)
    assert plays(player, LUCK[1:]) == plays(untouched, LUCK[1:])


@every_policy
def test_agent_without_a_horizon_plays_or_says_that_it_needs_one(name: str) -> None:
    player, message = None, ""
    try:
        player = agent(DEFAULTS[name], horizon=None)
    except InvalidType as error:
        message = str(error)
    if player is None:
        assert "horizon is None" in message
        assert name in message
    else:
        assert plays(player, LUCK) == plays(agent(DEFAULTS[name]), LUCK)


# ----------------------------------------------------------------------------------------------------- edges


@every_variant
@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_equal_rewards_leave_no_nan_in_the_state(policy: Any, reward: float) -> None:
    player = agent(policy)
    for _ in range(HORIZON):
        arm = player.select()
        assert 0 <= arm < 3
        player.update(arm, reward)
        assert not any(np.isnan(array).any() for array in arrays(player.state["arrays"]))


@every_variant
def test_one_arm(policy: Any) -> None:
    coin = arms.Bernoulli([0.4])
    options: dict[str, Any] = {"metrics": METRICS, "n_runs": 2, "seed": SEED, "n_jobs": 1, "progress": False}
    for horizon in (1, 20):
        got = columns(bl.run(coin, policy, horizon=horizon, **options))
        assert (got["regret"] == 0.0).all()
        assert (got["optimal_rate"] == 1.0).all()
        assert (got["pulls[0]"][:, -1] == horizon).all()


@every_variant
def test_as_many_rounds_as_arms(policy: Any) -> None:
    coins = arms.Bernoulli([0.2, 0.4, 0.6, 0.8])
    result = bl.run(coins, policy, horizon=4, n_runs=3, seed=SEED, metrics=METRICS, n_jobs=1, progress=False)
    got = columns(result)
    assert all(np.isfinite(values).all() for values in got.values())
    assert (sum(got[f"pulls[{a}]"][:, -1] for a in range(4)) == 4.0).all()


@every_field
def test_extreme_values_that_a_field_allows_do_no_harm(cls: type, field: str) -> None:
    """Arms stay in range (a wrong one shows in the pulls), nothing is NaN, and plain Python raises nothing."""
    tried = 0
    for value in (0, 1e-12, 1e-3, 1, 1_000_000, 1e12):
        try:
            policy = cls(**{field: value})
        except BanditlabError:
            continue
        tried += 1
        options: dict[str, Any] = {"metrics": METRICS, "horizon": 30, "n_runs": 1, "seed": 4, "progress": False}
        result = bl.run(COINS, policy, n_jobs=1, **options)
        compiled, rounds = columns(result), result.checkpoints
        assert all(np.isfinite(values).all() for values in compiled.values()), policy
        np.testing.assert_array_equal(sum(compiled[f"pulls[{a}]"][0] for a in range(3)), rounds, err_msg=repr(policy))
        same(compiled, columns(bl.run(COINS, policy, n_jobs=1, backend="python", **options)))
    (found,) = [f for f in dataclasses.fields(cls) if f.name == field]
    assert tried >= 1 or isinstance(found.default, str)


@pytest.mark.parametrize("c", [0.01, 0.99])
def test_successive_elimination_refuses_a_radius_that_can_vanish(c: float) -> None:
    """With c K r^2 / delta = 1 the radius is 0 and the best arm is not below itself by less: every arm was dropped."""
    with pytest.raises(InvalidArgument, match=r"SuccessiveElimination\.c"):
        arms.SuccessiveElimination(c=c, delta=0.5)


@every_policy
def test_fewer_rounds_than_arms_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="horizon is 2; allowed: at least 3"):
        bl.run(COINS, DEFAULTS[name], horizon=2, n_runs=1, seed=0, progress=False)


@every_policy
def test_rewards_that_it_cannot_learn_from_are_refused(name: str) -> None:
    policy = DEFAULTS[name]
    kind = getattr(policy, "rewards", "any")
    assert kind in ("any", "unit", "binary")
    for environment, needs in ((UNIT, ("any", "unit")), (WIDE, ("any",))):
        if kind not in needs:
            with pytest.raises(bl.errors.IncompatiblePolicy, match=name):
                bl.run(environment, policy, horizon=10, n_runs=1, seed=0, progress=False)


# ----------------------------------------------------------------------------------------------- the object


@every_variant
def test_policy_pickles_copies_and_compares(policy: Any) -> None:
    check_twins(policy, VARIANTS)


@every_variant
def test_repr_is_the_constructor_call_with_the_non_default_arguments_only(policy: Any) -> None:
    check_repr(policy, vars(arms))


@every_policy
def test_policy_is_frozen(name: str) -> None:
    check_frozen(DEFAULTS[name])


@every_field
@pytest.mark.parametrize("value", [math.nan, "nonsense", b"1", [1.0], {}, 1j, True, math.inf], ids=repr)
def test_field_refuses_nonsense(cls: type, field: str, value: Any) -> None:
    with pytest.raises(BanditlabError, match=f"{cls.__name__}.{field} is .*; allowed: "):
        cls(**{field: value})


# -------------------------------------------------------------------------------------------- documentation


def test_variants_cover_every_policy() -> None:
    assert {type(policy) for policy in VARIANTS} == set(POLICIES.values())
    assert len(VARIANTS) == len(POLICIES) + sum(map(len, OTHERS.values()))


@pytest.mark.parametrize("rewards", ["Unit", "", 1, None])
def test_a_word_for_rewards_that_is_none_is_refused(rewards: object) -> None:
    @arms.policy
    class Typed:
        def select(self, state: Any, lane: int, t: int, rng: Any) -> int:
            return 0

        def update(self, state, arm, lane, reward, t):
            pass

    Typed.rewards = rewards
    with pytest.raises(InvalidComponent, match=r"rewards is .*; allowed: 'any', 'unit', 'binary' or an arms.Support"):
        bl.run(arms.Gaussian([0.0, 1.0]), Typed(), horizon=5, n_runs=1, seed=0, backend="python")


@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize("chosen", [0.5, 1.9, math.nan, -1, 2])
def test_what_is_no_arm_is_refused(chosen: float, backend: str) -> None:
    @arms.policy
    class Odd:
        def select(self, state: Any, lane: int, t: int, rng: Any) -> float:
            return chosen

        def update(self, state: Any, arm: int, lane: int, reward: float, t: int) -> None:
            pass

    with pytest.raises(InvalidComponent, match=r"chose an arm that does not exist.*; allowed: whole numbers from 0"):
        bl.run(arms.Bernoulli([0.2, 0.8]), Odd(), horizon=5, n_runs=1, seed=0, backend=backend)


@pytest.mark.parametrize(
    ("scale", "lost", "binary", "told"),
    [
        (5.0, 0.0, True, r"reward\(0, .*\) is .*; allowed: rewards 0 or 1, which is its support"),
        (5.0, 0.0, False, r"reward\(0, 0.25, 1\) is 1.25; allowed: rewards in \[0, 1\]"),
        (math.nan, 0.0, False, r"reward\(0, .*\) is nan"),
        (1.0, math.nan, False, r"gap\(0, 1\) is nan; allowed: 0 and more, finite"),
        (1.0, math.inf, False, r"gap\(0, 1\) is inf; allowed: 0 and more, finite"),
        (1.0, -0.5, False, r"gap\(0, 1\) is -0.5"),
    ],
)
def test_an_environment_that_is_not_what_it_says_is_refused(scale: float, lost: float, binary: bool, told: str) -> None:
    @arms.environment
    class Odd:
        n_arms = 2
        support = arms.Support(0, 1, binary=binary)

        def reward(self, arm: int, u: float, t: int) -> float:
            return scale * u

        def gap(self, arm: int, t: int) -> float:
            return lost

    with pytest.raises(InvalidComponent, match=told):  # Thompson sampling went on for ever
        bl.run(Odd(), arms.ThompsonSampling(), horizon=100, n_runs=3, seed=0)


def test_looking_at_an_environment_warns_of_no_arithmetic_that_wraps_around() -> None:
    @arms.environment
    class Expanding:
        n_arms = 2
        support = arms.Support(0, 1)

        def reward(self, arm: int, u: float, t: int) -> float:
            return 5.0 + expanded(key(u), 0)

        def gap(self, arm: int, t: int) -> float:
            return 0.0

    with pytest.raises(InvalidComponent, match=r"reward\(0, .*\) is 5.*; allowed: rewards in \[0, 1\]"):
        bl.run(Expanding(), arms.RoundRobin(), horizon=10, n_runs=1, seed=0)
