"""What every policy for click-bandits promises, tried on the whole registry: a new one is under it at once."""

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
from banditlab import arms, clicks
from banditlab.clicks import protocol
from banditlab.core.playing import jobs
from banditlab.errors import BanditlabError, InvalidArgument, InvalidType, OutOfTurn
from tests.arms.naive import environment_rng
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

from .players import INSTANCES, OTHERS, POLICIES, REWARDS, VARIANTS, WITH_REWARDS, bandit

METRICS = ("regret", "selections", "clicks", "screened", "screening_round")
ORACLES = ("MuOracle", "StrategyOracle")
QUADRATIC = clicks.QuadraticUtility()


def eager(name: str) -> Any:
    """Return a policy that has made up its mind, and UCB-S screened some arms, within the horizon here."""
    cls = POLICIES[name]
    options: dict[str, Any] = {"alpha": 0.05, "utility": QUADRATIC}
    return cls(**{f.name: options[f.name] for f in dataclasses.fields(cls)})


PLAYERS = {name: eager(name) for name in POLICIES}
LEARNERS = [name for name in POLICIES if name not in ORACLES]
FIELDS = [(cls, f.name) for cls in POLICIES.values() for f in dataclasses.fields(cls)]

every_policy = pytest.mark.parametrize("name", POLICIES)
every_learner = pytest.mark.parametrize("name", LEARNERS)
every_variant = pytest.mark.parametrize("policy", VARIANTS, ids=repr)
every_field = pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{cls.__name__}.{f}" for cls, f in FIELDS])

BANDIT = bandit([0.3, 0.6, 0.5], [0.9, 0.2, 0.6])
HORIZON = 120
SEED = 5
OPTIONS: dict[str, Any] = {"horizon": HORIZON, "seed": SEED, "metrics": METRICS, "n_jobs": 1, "progress": False}


def run(policies: Any, n_runs: int, environment: Any = BANDIT, **options: Any) -> bl.Results:
    return bl.run(environment, policies, n_runs=n_runs, **(OPTIONS | options))


# -------------------------------------------------------------------------------- the same numbers everywhere


@every_variant
def test_compiled_equals_plain_python_bit_for_bit(policy: Any) -> None:
    for metrics in (METRICS, ("regret",)):
        compiled = run(policy, 2, horizon=60, metrics=metrics)
        same(columns(compiled), columns(run(policy, 2, horizon=60, metrics=metrics, backend="python")))


@pytest.mark.parametrize(("policy", "instance"), WITH_REWARDS, ids=[f"{p!r}-{name}" for p, name in WITH_REWARDS])
def test_compiled_equals_plain_python_whatever_draws_the_rewards(policy: Any, instance: str) -> None:
    environment = REWARDS[instance].environment
    compiled = run(policy, 2, environment, horizon=80)
    same(columns(compiled), columns(run(policy, 2, environment, horizon=80, backend="python")))


@pytest.fixture(scope="module")
def together() -> bl.Results:
    """All policies at once, seven runs."""
    return run(PLAYERS, 7)


@pytest.fixture(scope="module")
def scattered() -> Iterator[bl.Results]:
    """The same policies in the opposite order, in chunks of two runs, few rounds a kernel call, in two threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "CHUNK", 2)
        patch.setattr(protocol.ClicksProtocol, "first_call", 47)
        patch.setattr("banditlab.core.machines.SECONDS_A_CALL", 0.0)  # ever shorter, down to a round
        yield run(dict(reversed(PLAYERS.items())), 7, n_jobs=2)


@every_policy
def test_run_is_the_same_whatever_chunk_threads_and_order(
    name: str, together: bl.Results, scattered: bl.Results
) -> None:
    same(columns(together, name), columns(scattered, name))


@every_policy
def test_run_is_the_same_whatever_the_number_of_runs_and_policies(name: str, together: bl.Results) -> None:
    same({metric: values[:3] for metric, values in columns(together, name).items()}, columns(run(PLAYERS[name], 3)))


@every_policy
def test_regret_alone_is_the_regret_beside_other_metrics(name: str, together: bl.Results) -> None:
    alone = run(PLAYERS[name], 7, metrics="regret")
    np.testing.assert_array_equal(alone.values("regret")[0], columns(together, name)["regret"])


@every_policy
def test_checkpoints_only_decide_what_is_seen(name: str, together: bl.Results) -> None:
    """Metrics at a round are the same whatever other rounds are looked at."""
    everywhere = columns(run(PLAYERS[name], 7, checkpoints=list(range(1, HORIZON + 1))))
    at = together.checkpoints - 1
    same({metric: values[:, at] for metric, values in everywhere.items()}, columns(together, name))


@every_policy
def test_metrics_agree_with_one_another(name: str) -> None:
    result = run(PLAYERS[name], 7, checkpoints=list(range(1, HORIZON + 1)))
    got, rounds = columns(result), result.checkpoints
    selections, clicked, screened, when = (np.stack([got[f"{m}[{a}]"] for a in range(3)]) for m in METRICS[1:])
    for values in (got["regret"], selections, clicked, screened):
        assert np.isfinite(values).all()
    np.testing.assert_array_equal(selections.sum(axis=0), np.broadcast_to(rounds, selections.shape[1:]))
    assert (clicked <= selections).all()
    assert (np.diff(clicked, axis=2) <= np.diff(selections, axis=2)).all()
    assert (np.diff(clicked, axis=2) >= 0.0).all()
    np.testing.assert_allclose(got["regret"], np.tensordot(BANDIT.gaps, selections, 1), rtol=1e-12, atol=1e-12)
    # screened at a checkpoint: the round is known, and not after it; before that it is not known
    np.testing.assert_array_equal(screened, np.isfinite(when))
    np.testing.assert_array_equal(screened, np.nan_to_num(when, nan=math.inf) <= when[..., -1:])
    assert (when[screened == 1.0] <= np.broadcast_to(rounds, when.shape)[screened == 1.0]).all()
    if name == "UCBS":
        check_screening(selections, screened, when)
    else:
        assert not screened.any()


def check_screening(selections: NDArray[np.float64], screened: NDArray[np.float64], when: NDArray[np.float64]) -> None:
    """Check when arms of UCB-S are screened, and that then they are not selected while any other arm is left."""
    assert 0 < screened[..., -1].sum() < screened[..., -1].size
    np.testing.assert_array_equal(screened, np.cumsum(np.diff(screened, axis=2, prepend=0.0), axis=2))
    for arm, lane in np.argwhere(screened[..., -1] == 1.0):
        t = int(when[arm, lane, -1])
        assert screened[arm, lane, t - 1] == 1.0
        assert t == 1 or screened[arm, lane, t - 2] == 0.0
        moved = np.diff(selections[arm, lane], prepend=0.0)
        assert moved[t - 1] == 1.0  # the arm screened is the arm selected
        rest = (screened[:, lane].sum(axis=0) < len(screened))[:-1]
        assert not moved[1:][rest & (np.arange(1, len(moved)) >= t)].any()


# ----------------------------------------------------------------------------------------------------- edges


@every_variant
def test_one_arm(policy: Any) -> None:
    alone = bandit([0.4], [0.9])
    for horizon in (1, 20):
        got = columns(run(policy, 2, alone, horizon=horizon))
        np.testing.assert_allclose(got["regret"][:, -1], horizon * alone.gaps[0], rtol=1e-12)
        assert (got["selections[0]"][:, -1] == horizon).all()


@every_variant
def test_as_many_rounds_as_arms(policy: Any) -> None:
    got = columns(run(policy, 3, bandit([0.2, 0.4, 0.6, 0.8], [0.3, 0.4, 0.5, 1.0]), horizon=4))
    assert all(np.isfinite(values).all() for metric, values in got.items() if "screening_round" not in metric)
    assert (sum(got[f"selections[{a}]"][:, -1] for a in range(4)) == 4.0).all()


@every_policy
def test_fewer_rounds_than_arms_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="horizon is 2; allowed: at least 3"):
        run(PLAYERS[name], 1, horizon=2)


@every_policy
@pytest.mark.parametrize("alpha", [1e-300, 1e-12, 1e-3, 1.0, 1e6, 1e100])
def test_extreme_exploration_does_no_harm(name: str, alpha: float) -> None:
    """Arms stay in range (a wrong one shows in the selections), and plain Python raises nothing."""
    if "alpha" not in {f.name for f in dataclasses.fields(POLICIES[name])}:
        policy = PLAYERS[name]
    else:
        policy = dataclasses.replace(PLAYERS[name], alpha=alpha)
    for case in ("three arms", "means zero and one", "strategies zero and one"):
        result = run(policy, 2, INSTANCES[case].environment, horizon=40)
        compiled = columns(result)
        selected = sum(compiled[f"selections[{a}]"] for a in range(3))
        np.testing.assert_array_equal(selected, np.broadcast_to(result.checkpoints, (2, len(result.checkpoints))))
        plain = run(policy, 2, INSTANCES[case].environment, horizon=40, backend="python")
        same(compiled, columns(plain))


@pytest.mark.parametrize("penalty", [1e-300, 1e-6, 1e6, 1e100])
@pytest.mark.parametrize("name", ["ClickUCB", "UCBS"])
def test_extreme_penalties_do_no_harm(name: str, penalty: float) -> None:
    policy = POLICIES[name](alpha=0.05, utility=clicks.QuadraticUtility(penalty))
    compiled = columns(run(policy, 2, horizon=40))
    assert (sum(compiled[f"selections[{a}]"][:, -1] for a in range(3)) == 40.0).all()
    same(compiled, columns(run(policy, 2, horizon=40, backend="python")))


@every_policy
def test_environments_of_other_families_are_refused(name: str) -> None:
    with pytest.raises(bl.errors.IncompatiblePolicy, match=f"{name}.* plays environments of clicks"):
        run(PLAYERS[name], 1, arms.Bernoulli([0.2, 0.5]))


def test_policies_of_other_families_are_refused() -> None:
    with pytest.raises(bl.errors.IncompatiblePolicy, match=r"UCB1 cannot play .* such as clicks\.UCBS"):
        run(arms.UCB1(), 1)


def test_unknown_metrics_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"metrics is 'pulls'; allowed: one of 'regret', 'selections', 'clicks'"):
        run(clicks.UCBS(), 1, metrics="pulls")


def test_results_are_saved_and_loaded(tmp_path: Path, together: bl.Results) -> None:
    loaded = bl.load(together.save(tmp_path / "results.parquet"))
    assert loaded.policies == together.policies
    for name in POLICIES:
        same(columns(loaded, name), columns(together, name))


# -------------------------------------------------------------------------------------------------- the agent


def agent(name: str, seed: int = SEED, run: int = 0, horizon: int | None = HORIZON, n_arms: int = 3) -> Any:
    return bl.start(PLAYERS[name], n_arms=n_arms, seed=seed, run=run, horizon=horizon)


def plays(player: Any, numbers: NDArray[np.float64]) -> list[int]:
    """Let an agent play on given uniform numbers, as the environment makes clicks and rewards of them."""
    played = []
    for u in numbers:
        arm = player.select()
        played.append(arm)
        s = BANDIT.strategies[arm]
        if u < s:
            player.update(arm, clicked=True, reward=1.0 if u / s < BANDIT.post_click_means[arm] else 0.0)
        else:
            player.update(arm, clicked=False)
    return played


LUCK = np.random.default_rng(8).random(HORIZON)


@every_learner
def test_agent_selects_the_arms_of_the_simulated_run(name: str) -> None:
    one = 2
    result = run(PLAYERS[name], 3, metrics="selections", checkpoints=list(range(1, HORIZON + 1)))
    selections = np.stack([result.values(f"selections[{a}]")[0, one] for a in range(3)])
    simulated = np.argmax(np.diff(selections, axis=1, prepend=0.0), axis=0).tolist()
    luck = environment_rng(SEED, one)
    assert plays(agent(name, run=one), np.array([luck.open_uniform() for _ in range(HORIZON)])) == simulated


@every_learner
def test_agents_state_survives_pickling_and_has_the_same_future(name: str) -> None:
    check_same_future(agent(name), agent(name, seed=SEED + 1, run=9), plays, LUCK, 70)


@every_learner
def test_agents_state_survives_between_select_and_update(name: str) -> None:
    check_state_amid_a_round(agent(name), lambda player, arm: player.update(arm, True, 1.0), plays, LUCK)


@every_learner
def test_state_of_another_agent_is_refused(name: str) -> None:
    player = agent(name)
    stranger = agent(next(other for other in LEARNERS if other != name))
    for state in (stranger.state, agent(name, n_arms=2).state, agent(name, horizon=99).state):
        with pytest.raises(InvalidArgument, match="allowed"):
            player.state = state
    with pytest.raises(InvalidType):
        player.state = None


BAD_FEEDBACK: list[tuple[Any, str]] = [
    ((True,), "reward is None; allowed: the post-click reward, as clicked is True"),
    ((True, None), "reward is None; allowed: the post-click reward, as clicked is True"),
    ((False, 1.0), "reward is 1.0; allowed: None, as clicked is False"),
    ((False, 0.0), "reward is 0.0; allowed: None, as clicked is False"),
    ((2, 1.0), "clicked is 2; allowed: True or False, 1 or 0"),
    ((1.0, 1.0), "clicked is 1.0; allowed: True or False, 1 or 0"),
    ((None,), "clicked is None; allowed: True or False, 1 or 0"),
    (("yes", 1.0), "clicked is 'yes'; allowed: True or False, 1 or 0"),
    ((True, math.nan), "reward is nan; allowed: a finite number"),
    ((True, -math.inf), "reward is -inf; allowed: a finite number"),
    ((True, "1"), "reward is '1'; allowed: a real number"),
    ((False, False), "reward is False; allowed: None, as clicked is False"),
]


@every_learner
def test_bad_feedback_raises_and_leaves_the_agent_as_it_was(name: str) -> None:
    player, untouched = agent(name), agent(name)
    with pytest.raises(OutOfTurn, match="before select"):
        player.update(0, True, 1.0)
    arm = player.select()
    with pytest.raises(OutOfTurn, match="twice"):
        player.select()
    for wrong in ((arm + 1) % 3, -1, 3, 0.5, "0", None, math.nan):
        with pytest.raises(BanditlabError, match="arm is"):
            player.update(wrong, True, 1.0)
    for feedback, message in BAD_FEEDBACK:
        with pytest.raises(BanditlabError) as told:
            player.update(arm, *feedback)
        assert str(told.value) == message
    player.update(arm, True, 1.0)
    with pytest.raises(OutOfTurn):
        player.update(arm, True, 1.0)
    assert untouched.select() == arm
    untouched.update(arm, np.True_, reward=True)
    assert plays(player, LUCK[1:]) == plays(untouched, LUCK[1:])


@every_learner
def test_agent_plays_up_to_its_horizon_and_needs_to_know_it(name: str) -> None:
    player = agent(name, horizon=5)
    plays(player, LUCK[:5])
    with pytest.raises(OutOfTurn, match="in round 6; allowed: up to the horizon, 5"):
        player.select()
    with pytest.raises(InvalidType, match=f"horizon is None; allowed: a positive integer, because {name}"):
        agent(name, horizon=None)


@pytest.mark.parametrize("name", ORACLES)
def test_oracles_play_in_simulations_only(name: str) -> None:
    with pytest.raises(InvalidType, match=rf"policy is {name}\(\); allowed: one that learns"):
        agent(name)


@pytest.mark.parametrize("name", [n for n in LEARNERS if hasattr(PLAYERS[n], "utility")])
def test_agent_is_told_what_the_learner_wants(name: str) -> None:
    with pytest.raises(InvalidType, match=rf"{name}\.utility is None; allowed: a clicks\.Utility"):
        bl.start(POLICIES[name](), n_arms=2, horizon=10)


@every_learner
@pytest.mark.parametrize("reward", [0.0, 1.0, -3.0, 7.5, None])
def test_equal_feedback_leaves_no_nan_in_the_state(name: str, reward: float | None) -> None:
    player = agent(name)
    for _ in range(HORIZON):
        player.update(player.select(), reward is not None, reward)
        assert not any(np.isnan(array).any() for array in arrays(player.state["arrays"]))


@every_learner
def test_agent_says_what_it_is(name: str) -> None:
    assert repr(agent(name)) == f"ClickAgent({PLAYERS[name]!r}, n_arms=3, round=1)"


# ----------------------------------------------------------------------------------------------- the object


@every_variant
def test_policy_pickles_copies_and_compares(policy: Any) -> None:
    check_twins(policy, VARIANTS)


@every_variant
def test_label_is_the_constructor_call_with_the_non_default_arguments_only(policy: Any) -> None:
    check_repr(policy, vars(clicks) | {type(v).__name__: type(v) for v in vars(policy).values()})


@every_policy
def test_policy_is_frozen(name: str) -> None:
    check_frozen(PLAYERS[name])


NONSENSE = [math.nan, "nonsense", b"1", [1.0], {}, 1j, True, math.inf, 0.0, -1.0, clicks.QuadraticUtility]


@every_field
@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_field_refuses_nonsense(cls: type, field: str, value: Any) -> None:
    with pytest.raises(BanditlabError, match=f"{cls.__name__}.{field} is .*; allowed: "):
        cls(**{field: value})


def test_variants_cover_every_policy() -> None:
    assert {type(policy) for policy in VARIANTS} == set(POLICIES.values())
    assert len(VARIANTS) == len(POLICIES) + sum(map(len, OTHERS.values()))
    assert set(ORACLES) < set(POLICIES)
