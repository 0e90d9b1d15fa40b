"""What every policy on sums of items promises, tried on the registry; the others are in `test_sets_contract`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms
from banditlab import semibandits as sb
from banditlab.core.family import registered
from banditlab.core.playing import jobs
from banditlab.errors import BanditlabError, IncompatiblePolicy, InvalidArgument, InvalidType, OutOfTurn
from banditlab.semibandits import protocol
from tests.arms.naive import environment_rng
from tests.values import arrays, check_repr, check_same_future, check_state_amid_a_round, check_twins, columns, same

from . import naive, naive_sets
from .players import POLICIES, VARIANTS, outcomes

pytestmark = pytest.mark.filterwarnings("ignore::banditlab.errors.AssumptionWarning")  # parameters of any value

ITEMS = arms.Bernoulli([0.3, 0.6, 0.5, 0.8])
FREE, SAFE = sb.MSets(2), sb.SafeUpToM(2, budget=0.4)


def actions_for(name: str) -> Any:
    return SAFE if name == "PASCombUCB" else FREE


WORLDS = {name: sb.SemiBandit(ITEMS, actions_for(name)) for name in POLICIES}
PLAYERS = {name: cls() for name, cls in POLICIES.items()}
WITH_VARIANTS = [*VARIANTS, sb.PASCombUCB(), sb.PASCombUCB(delta=0.5, variance_bound=0.3, paper_code=True)]
METRICS = ("regret", "reward", "alpha_regret", "pulls")
OF_SAFETY = (*METRICS, "violations", "any_violation")
HORIZON, SEED = 90, 5
OPTIONS: dict[str, Any] = {"horizon": HORIZON, "seed": SEED, "n_jobs": 1, "progress": False}

every_policy = pytest.mark.parametrize("name", POLICIES)
every_variant = pytest.mark.parametrize("policy", WITH_VARIANTS, ids=repr)
FIELDS = [(cls, f.name) for cls in POLICIES.values() for f in dataclasses.fields(cls)]
every_field = pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{cls.__name__}.{f}" for cls, f in FIELDS])


def run(policy: Any, n_runs: int, environment: Any = None, **options: Any) -> bl.Results:
    world = WORLDS[type(policy).__name__] if environment is None else environment
    return bl.run(world, policy, n_runs=n_runs, **(OPTIONS | {"metrics": metrics_of(world)} | options))


def metrics_of(world: Any) -> tuple[str, ...]:
    return OF_SAFETY if getattr(world, "actions", None) is SAFE else METRICS


# -------------------------------------------------------------------------------- the same numbers everywhere


@every_variant
def test_compiled_equals_plain_python_bit_for_bit(policy: Any) -> None:
    for metrics in (metrics_of(WORLDS[type(policy).__name__]), ("regret",)):
        compiled = run(policy, 3, horizon=60, metrics=metrics)
        same(columns(compiled), columns(run(policy, 3, horizon=60, metrics=metrics, backend="python")))


@pytest.fixture(scope="module")
def together() -> dict[str, bl.Results]:
    return {name: run(policy, 7) for name, policy in PLAYERS.items()}


@pytest.fixture(scope="module")
def scattered() -> Iterator[dict[str, bl.Results]]:
    """The same in chunks of two runs, few rounds a kernel call, in two threads, beside another policy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "CHUNK", 2)
        patch.setattr(protocol.SemiBanditProtocol, "first_call", 47)
        patch.setattr("banditlab.core.machines.SECONDS_A_CALL", 0.0)  # ever shorter, down to a round
        yield {
            name: bl.run(
                world,
                [other_than(name), PLAYERS[name]],
                n_runs=7,
                **(OPTIONS | {"metrics": metrics_of(world), "n_jobs": 2}),
            )
            for name, world in WORLDS.items()
        }


def other_than(name: str) -> Any:
    return sb.PASCombUCB(delta=0.3) if name == "PASCombUCB" else sb.CombUCB1(alpha=0.9)


@every_policy
def test_run_is_the_same_whatever_chunk_threads_and_company(
    name: str, together: dict[str, bl.Results], scattered: dict[str, bl.Results]
) -> None:
    got = scattered[name]
    same(columns(together[name]), {metric: got.values(metric)[1] for metric in got.metrics})


@every_policy
def test_regret_alone_is_the_regret_beside_other_metrics(name: str, together: dict[str, bl.Results]) -> None:
    alone = run(PLAYERS[name], 7, metrics="regret")
    np.testing.assert_array_equal(alone.values("regret")[0], columns(together[name])["regret"])


@every_policy
def test_metrics_agree_with_one_another(name: str) -> None:
    world = WORLDS[name]
    result = run(PLAYERS[name], 5, checkpoints=list(range(1, HORIZON + 1)))
    got, rounds = columns(result), result.checkpoints
    pulls = np.stack([got[f"pulls[{i}]"] for i in range(4)])
    each = np.diff(pulls, axis=2, prepend=0.0)
    assert set(np.unique(each)) <= {0.0, 1.0}
    assert (each.sum(axis=0) >= 1.0).all()
    assert (each.sum(axis=0) <= 2.0).all()
    np.testing.assert_allclose(
        got["regret"], world.best_value * rounds - np.tensordot(world.means, pulls, 1), rtol=1e-12, atol=1e-10
    )
    np.testing.assert_array_equal(got["alpha_regret"], got["regret"])  # alpha is 1
    assert (got["reward"] <= pulls.sum(axis=0)).all()
    if world.actions is not SAFE:
        return
    # violations: the variances of the items of each round, against the budget
    unsafe = np.tensordot(world.variances, each, 1) >= world.budget
    np.testing.assert_array_equal(got["violations"], np.cumsum(unsafe, axis=1))
    np.testing.assert_array_equal(got["any_violation"], got["violations"] > 0.0)


@every_policy
def test_statistics_and_stores(name: str, tmp_path: Path, together: dict[str, bl.Results]) -> None:
    kept = run(PLAYERS[name], 7, store=tmp_path / "cells", metrics="regret")
    again = run(PLAYERS[name], 7, store=tmp_path / "cells", metrics="regret")
    np.testing.assert_array_equal(kept.values(), again.values())
    np.testing.assert_array_equal(kept.values()[0], columns(together[name])["regret"])


# ----------------------------------------------------------------------------------------------------- edges


@every_variant
def test_one_item_and_one_round(policy: Any) -> None:
    name = type(policy).__name__
    actions = sb.SafeUpToM(1, 0.4) if name == "PASCombUCB" else sb.MSets(1)
    alone = sb.SemiBandit(arms.Bernoulli([0.4]), actions)
    for horizon in (1, 20):
        got = columns(run(policy, 2, alone, horizon=horizon))
        assert (got["pulls[0]"][:, -1] == horizon).all()
        assert (got["regret"] == 0.0).all()


@every_policy
def test_fewer_rounds_than_items_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="horizon is 3; allowed: at least 4"):
        run(PLAYERS[name], 1, horizon=3)


@every_policy
def test_environments_of_other_families_are_refused(name: str) -> None:
    with pytest.raises(IncompatiblePolicy, match=f"{name}.* plays environments of semibandits"):
        run(PLAYERS[name], 1, arms.Bernoulli([0.2, 0.5]))


@pytest.mark.parametrize("name", [n for n, cls in POLICIES.items() if getattr(cls, "rewards", "any") == "unit"])
def test_outcomes_outside_the_unit_interval_are_refused(name: str) -> None:
    world = sb.SemiBandit(arms.Gaussian([0.1, 0.2]), sb.SafeUpToM(2, 3.0) if name == "PASCombUCB" else sb.MSets(1))
    with pytest.raises(IncompatiblePolicy, match=r"learns from rewards in \[0, 1\]"):
        run(PLAYERS[name], 1, world)


@every_policy
def test_full_bandit_feedback_is_refused(name: str) -> None:
    coverage = sb.Coverage([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], actions_for(name))
    with pytest.raises(IncompatiblePolicy, match="it learns from all outcomes, and this environment reveals"):
        run(PLAYERS[name], 1, coverage)


def test_unknown_metrics_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"metrics is 'clicks'; allowed: one of 'regret', 'reward', 'violations'"):
        run(sb.CombUCB1(), 1, metrics="clicks")


# -------------------------------------------------------------------------------------------------- the agent


def agent(name: str, seed: int = SEED, run: int = 0, horizon: int | None = HORIZON) -> Any:
    return bl.start(
        dataclasses.replace(PLAYERS[name], actions=actions_for(name)), n_arms=4, seed=seed, run=run, horizon=horizon
    )


def plays(player: Any, numbers: NDArray[np.float64]) -> list[naive.Action]:
    """Let an agent play on given uniform numbers, as the environment makes outcomes of them."""
    played = []
    for u in numbers.tolist():
        action = player.select()
        played.append(action)
        player.update(action, outcomes(ITEMS, action, u))
    return played


LUCK = np.random.default_rng(8).random(HORIZON)


@every_policy
def test_agent_plays_the_actions_of_the_simulated_run(name: str) -> None:
    one = 2
    result = run(PLAYERS[name], 3, metrics="pulls", checkpoints=list(range(1, HORIZON + 1)))
    pulls = np.stack([result.values(f"pulls[{i}]")[0, one] for i in range(4)])
    each = np.diff(pulls, axis=1, prepend=0.0)
    luck = environment_rng(SEED, one)
    played = plays(agent(name, run=one), np.array([luck.open_uniform() for _ in range(HORIZON)]))
    assert played == [tuple(np.flatnonzero(each[:, t]).tolist()) for t in range(HORIZON)]


@every_policy
def test_agents_state_survives_pickling_and_has_the_same_future(name: str) -> None:
    check_same_future(agent(name), agent(name, seed=SEED + 1, run=9), plays, LUCK, 51)


@every_policy
def test_agents_state_survives_between_select_and_update(name: str) -> None:
    check_state_amid_a_round(agent(name), lambda player, items: player.update(items, [1.0] * len(items)), plays, LUCK)


def test_bad_feedback_raises_and_leaves_the_agent_as_it_was() -> None:
    player, untouched = agent("CUCB"), agent("CUCB")
    with pytest.raises(OutOfTurn, match="before select"):
        player.update((0, 1), [1.0, 1.0])
    action = player.select()
    with pytest.raises(OutOfTurn, match="twice"):
        player.select()
    wrong_actions = [(1, 2), (0,), 0, "01", None, (0, 9), (0, 0.5), (1, 0)]
    for wrong in wrong_actions:
        with pytest.raises(BanditlabError, match="action"):
            player.update(wrong, [1.0, 1.0])
    for feedback, message in [
        ({}, "outcomes is None; .* learns from outcomes"),
        ({"outcomes": [1.0, 1.0], "value": 2.0}, "value is 2.0; .* allowed: value is not to be given"),
        ({"outcomes": [1.0]}, r"outcomes is \[1.0\]; allowed: 2 numbers, one per item"),
        ({"outcomes": [1.0, 1.5]}, r"outcomes\[1\] is 1.5; allowed: from 0 to 1"),
        ({"outcomes": [1.0, math.nan]}, r"outcomes\[1\] is nan; allowed: a finite number"),
        ({"outcomes": 1.0}, "outcomes is 1.0; allowed: a sequence of numbers"),
        ({"outcomes": {0: 1.0, 1: 0.0}}, "outcomes is .*; allowed: a sequence of numbers"),
        ({"outcomes": np.array(1.0)}, "outcomes is .*; allowed: a sequence of numbers"),
    ]:
        with pytest.raises(BanditlabError, match=message):
            player.update(action, **feedback)
    for each in (player, untouched):
        assert (each.select() if each is untouched else action) == action
        each.update(action, [1.0, 0.0])
    assert plays(player, LUCK[1:]) == plays(untouched, LUCK[1:])


@pytest.mark.parametrize("pending", [(), (1, 0), (0, 0), (0, 1, 2)], ids=str)
def test_a_state_whose_action_is_none_is_refused(pending: Any) -> None:
    player = agent("CUCB")
    player.select()
    with pytest.raises(BanditlabError, match=r"state\['pending'\] is .*; allowed: one to 2 items, in ascending order"):
        player.state = player.state | {"pending": pending}


def test_agents_of_full_bandits_learn_values_in_the_unit_interval() -> None:
    player = bl.start(sb.SuperArmUCB(actions=sb.MSets(2)), n_arms=3, seed=0)
    with pytest.raises(BanditlabError, match="value is 5; allowed: from 0 to 1"):
        player.update(player.select(), value=5.0)


@every_policy
def test_agent_needs_an_action_set(name: str) -> None:
    with pytest.raises(InvalidType, match=rf"{name}\.actions is None; allowed: an action set"):
        bl.start(PLAYERS[name], n_arms=3, horizon=10)
    with pytest.raises(InvalidArgument, match="m is 2; allowed: at most the number of items, which is 1"):
        bl.start(dataclasses.replace(PLAYERS[name], actions=actions_for(name)), n_arms=1, horizon=10)


def test_agent_of_an_anytime_safe_policy_needs_a_safe_set_and_a_horizon() -> None:
    with pytest.raises(InvalidArgument, match="it plays sets such as"):
        bl.start(sb.PASCombUCB(actions=FREE), n_arms=4, horizon=10)
    with pytest.raises(InvalidType, match="horizon is None; allowed: a positive integer, because PASCombUCB"):
        agent("PASCombUCB", horizon=None)


@every_policy
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_equal_outcomes_leave_no_nan_in_the_state(name: str, outcome: float) -> None:
    player = agent(name)
    for _ in range(HORIZON):
        action = player.select()
        player.update(action, [outcome] * len(action))
        assert not any(np.isnan(array).any() for array in arrays(player.state["arrays"]))


# ----------------------------------------------------------------------------------------------- the object


@every_variant
def test_policy_pickles_copies_compares_and_says_what_it_is(policy: Any) -> None:
    check_twins(policy, WITH_VARIANTS)
    check_repr(policy, vars(sb))


@every_policy
def test_own_action_set_is_in_the_label_and_is_played(name: str) -> None:
    own = sb.SafeUpToM(1, 0.9) if name == "PASCombUCB" else sb.MSets(1)
    policy = dataclasses.replace(PLAYERS[name], actions=own)
    assert policy.label == f"{name}(actions={own!r})"
    got = columns(run(policy, 2))
    assert (sum(got[f"pulls[{i}]"][:, -1] for i in range(4)) == HORIZON).all()  # one item per round


NONSENSE = [math.nan, "nonsense", b"1", [1.0], {}, 1j, math.inf, -1.0, sb.MSets, arms.UCB1()]


@every_field
@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_field_refuses_nonsense(cls: type, field: str, value: Any) -> None:
    with pytest.raises(BanditlabError, match=f"{cls.__name__}.{field} is .*; allowed: "):
        cls(**{field: value})


@every_field
def test_field_refuses_zero(cls: type, field: str) -> None:
    if field == "lam":
        assert cls(lam=0.0).label == "BGCTS(lam=0)"  # the authors' experiments
        return
    with pytest.raises(BanditlabError, match=f"{cls.__name__}.{field} is 0.0; allowed: "):
        cls(**{field: 0.0})


def test_every_policy_has_a_reference() -> None:
    assert set(registered("semibandits", "policy")) == set(naive.REFERENCES) | set(naive_sets.REFERENCES)
    for kind in ("policy", "environment", "action_set"):
        assert set(registered("semibandits", kind)) <= set(sb.__all__)


@pytest.mark.parametrize(("budget", "bound"), [(1e30, 0.25), (1e100, 1e-300)], ids=["long", "infinite"])
def test_a_budget_that_binds_nothing_takes_no_time_to_divide(budget: float, bound: float) -> None:
    policy = sb.PASCombUCB(variance_bound=bound)
    world = sb.SemiBandit(arms.Bernoulli([0.2, 0.7, 0.4]), sb.SafeUpToM(2, budget))
    played = bl.run(world, policy, horizon=20, n_runs=2, seed=0, backend="python")
    assert (played.values() <= 20.0).all()
