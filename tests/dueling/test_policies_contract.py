"""What every K-armed policy promises, tried on the whole registry: a new policy is under this contract at once."""

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
from banditlab import arms, dueling
from banditlab.core import sampling
from banditlab.core.components import Problem, Space, make_state
from banditlab.core.errors import BanditlabError, InvalidArgument, InvalidComponent, InvalidType
from banditlab.core.playing import jobs
from banditlab.dueling import generics, instances
from banditlab.dueling.protocol import METRICS
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

from . import scripted
from .matrices import matrix
from .players import DEFAULTS, OTHERS, POLICIES, VARIANTS

FIELDS = [(cls, f.name) for cls in POLICIES.values() for f in dataclasses.fields(cls)]

every_policy = pytest.mark.parametrize("name", POLICIES)
every_variant = pytest.mark.parametrize("policy", VARIANTS, ids=repr)
every_field = pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{cls.__name__}.{f}" for cls, f in FIELDS])

ENV = instances.random_condorcet(4, 0.65, winner=2, seed=6)
CHANGES = instances.random_sequence(4, 3, 60, pmin=0.8, delta=0.6, seed=6)
HORIZON = 120
SEED = 5


def run(policy: Any, environment: Any = ENV, **options: Any) -> bl.Results:
    given = {"horizon": HORIZON, "n_runs": 3, "seed": SEED, "metrics": METRICS, "n_jobs": 1, "progress": False}
    return bl.run(environment, policy, **(given | options))


# -------------------------------------------------------------------------------- the same numbers everywhere


@every_variant
def test_compiled_equals_plain_python_bit_for_bit(policy: Any) -> None:
    for environment in (ENV, CHANGES):
        for metrics in (METRICS, ("weak_regret",)):
            options = {"metrics": metrics, "horizon": 60, "n_runs": 2, "seed": 3}
            same(
                columns(run(policy, environment, **options)),
                columns(run(policy, environment, backend="python", **options)),
            )


@pytest.fixture(scope="module")
def together() -> bl.Results:
    """All policies at once, seven runs."""
    return run(DEFAULTS, n_runs=7)


@pytest.fixture(scope="module")
def scattered() -> Iterator[bl.Results]:
    """The same policies in the opposite order, in chunks of two runs, in two threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "CHUNK", 2)
        yield run(dict(reversed(DEFAULTS.items())), n_runs=7, n_jobs=2)


@every_policy
def test_run_is_the_same_whatever_chunk_threads_and_order(
    name: str, together: bl.Results, scattered: bl.Results
) -> None:
    same(columns(together, name), columns(scattered, name))


@every_policy
def test_run_is_the_same_whatever_the_number_of_runs_and_policies(name: str, together: bl.Results) -> None:
    alone = run(DEFAULTS[name], n_runs=3)
    same({metric: values[:3] for metric, values in columns(together, name).items()}, columns(alone))
    later = run(DEFAULTS[name], n_runs=2, first_run=4)
    same({metric: values[4:6] for metric, values in columns(together, name).items()}, columns(later))


@every_policy
def test_run_is_the_same_wherever_the_kernel_is_entered_again(
    name: str, together: bl.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is called for a few rounds at a time; an instance that changes calls it segment by segment."""
    monkeypatch.setattr("banditlab.dueling.protocol.DuelingProtocol.first_call", 7 * 11)
    monkeypatch.setattr("banditlab.core.machines.SECONDS_A_CALL", 0.0)  # ever shorter, down to a round
    same(columns(run(DEFAULTS[name], n_runs=7)), columns(together, name))
    unchanging = dueling.PiecewiseStationary([ENV, ENV, ENV], [2, 41])
    same(columns(run(DEFAULTS[name], unchanging, n_runs=7)), columns(together, name))


@every_policy
def test_metrics_are_the_same_whatever_is_recorded_with_them(name: str, together: bl.Results) -> None:
    got = columns(together, name)
    for metrics in (("average_regret",), ("copeland_regret", "binary_weak_regret"), ("duels",)):
        for metric, values in columns(run(DEFAULTS[name], n_runs=7, metrics=metrics)).items():
            np.testing.assert_array_equal(values, got[metric])
    rare = columns(run(DEFAULTS[name], n_runs=7, checkpoints=[HORIZON]))
    same(rare, {metric: values[:, -1:] for metric, values in got.items()})


@every_policy
def test_metrics_agree_with_one_another(name: str, together: bl.Results) -> None:
    got = columns(together, name)
    rounds = together.checkpoints
    taken = sum(got[f"duels[{a}]"] for a in range(4))
    assert (taken >= rounds).all()
    assert (taken <= 2 * rounds).all()
    assert all(np.isfinite(values).all() and (np.diff(values, axis=1) >= 0).all() for values in got.values())
    both = 2 * rounds - taken  # rounds in which an arm met itself
    gaps = ENV.preferences[2] - 0.5
    # of the arms that took part, those that met themselves count twice
    low = sum(got[f"duels[{a}]"] * gaps[a] for a in range(4)) / 2
    assert (got["average_regret"] >= low - 1e-9).all()
    assert (got["average_regret"] <= low + both * gaps.max() / 2 + 1e-9).all()
    np.testing.assert_allclose(got["average_regret"] * 2, got["weak_regret"] + got["strong_regret"], atol=1e-9)
    np.testing.assert_allclose(got["binary_weak_regret"], rounds - got["duels[2]"], atol=1e-9)
    assert (got["binary_strong_regret"] <= rounds).all()
    assert (got["binary_strong_regret"] >= got["binary_weak_regret"]).all()


# ------------------------------------------------------------------------------------------------- the kernels


class Table:
    """A policy's kernels in plain Python, on several lanes of a duel that is scripted."""

    def __init__(self, policy: Any, n_arms: int = 4, lanes: int = 3, horizon: int = HORIZON) -> None:
        self.params = policy.params(Problem(n_arms, horizon))
        self.state = make_state(policy, Space(n_arms, lanes, horizon))
        self.rng = sampling.seeded(SEED, sampling.POLICY_STREAM, 0, lanes)
        self.n_arms, self.lanes = n_arms, lanes

    def select(self, lane: int, t: int) -> tuple[int, int]:
        with np.errstate(over="ignore"):
            i, j = generics.select(self.params, self.state, lane, t, self.rng)
        return int(i), int(j)

    def update(self, lane: int, t: int, i: int, j: int) -> None:
        generics.update(self.params, self.state, i, j, lane, (t * t + i + 2 * j + lane) % 5 < 3, t)

    def play(self, first: int, last: int) -> None:
        for t in range(first, last + 1):
            for lane in range(self.lanes):
                self.update(lane, t, *self.select(lane, t))

    def parts(self) -> dict[str, NDArray[Any]]:
        return {name: value.copy() for name, value in flat(self.state._asdict()).items()} | {"rng": self.rng.copy()}


def flat(state: dict[str, Any], prefix: str = "") -> dict[str, NDArray[Any]]:
    found = {}
    for name, value in state.items():
        found |= flat(value._asdict(), f"{prefix}{name}.") if isinstance(value, tuple) else {prefix + name: value}
    return found


def differing_lanes(a: dict[str, NDArray[Any]], b: dict[str, NDArray[Any]]) -> set[int]:
    return {int(lane) for name in a for lane in np.argwhere(a[name] != b[name])[:, -1]}


@every_variant
def test_state_is_made_without_drawing_and_its_last_axis_is_the_lane(policy: Any) -> None:
    one, two = Table(policy, lanes=3), Table(policy, lanes=3)
    for name, array in one.parts().items():
        assert array.shape[-1] == 3, name
        np.testing.assert_array_equal(array, two.parts()[name], err_msg=name)


@every_variant
def test_a_lane_leaves_the_others_alone(policy: Any) -> None:
    table = Table(policy)
    table.play(1, 9)
    for t in range(10, 60):
        before = table.parts()
        pair = table.select(1, t)
        assert differing_lanes(before, table.parts()) <= {1}
        table.update(1, t, *pair)
        assert differing_lanes(before, table.parts()) <= {1}
        generics.observe(table.params, table.state, 0, 3, 1, True, t)
        assert differing_lanes(before, table.parts()) <= {1}
        after = table.parts()
        generics.winner(table.params, table.state, 1)
        assert not differing_lanes(after, table.parts())
        for lane in (0, 2):
            table.update(lane, t, *table.select(lane, t))


@every_variant
def test_a_lane_plays_the_same_whatever_its_number(policy: Any) -> None:
    """Its luck goes with the run, not with the lane."""
    wide, narrow = Table(policy, lanes=3), Table(policy, lanes=1)
    narrow.rng[:, 0] = wide.rng[:, 2]
    for t in range(1, 80):
        pair = wide.select(2, t)
        assert narrow.select(0, t) == pair
        for table, lane in ((wide, 2), (narrow, 0)):
            generics.update(table.params, table.state, *pair, lane, t % 3 == 0, t)


@every_variant
def test_all_lanes_at_once_are_the_lanes_one_by_one(policy: Any) -> None:
    one, all_lanes = Table(policy, lanes=5), Table(policy, lanes=5)
    for t in range(1, 80):
        first, second = np.zeros(5, np.int64), np.zeros(5, np.int64)
        with np.errstate(all="ignore"):
            generics.choose(all_lanes.params, all_lanes.state, 4, t, all_lanes.rng, first, second)
        for lane in range(5):
            pair = one.select(lane, t)
            assert pair == (first[lane], second[lane])
            for table in (one, all_lanes):
                table.update(lane, t, *pair)
        a, b = one.parts(), all_lanes.parts()
        for name in ("rng", *(["wins"] if "wins" in a else [])):
            np.testing.assert_array_equal(a[name], b[name])


@every_variant
@pytest.mark.parametrize("n_arms", [2, 4])
def test_winner_is_an_arm_from_the_beginning(policy: Any, n_arms: int) -> None:
    table = Table(policy, n_arms=n_arms, lanes=2)
    for t in range(1, 60):
        for lane in range(2):
            assert 0 <= generics.winner(table.params, table.state, lane) < n_arms
            pair = table.select(lane, t)
            assert all(0 <= arm < n_arms for arm in pair)
            assert 0 <= generics.winner(table.params, table.state, lane) < n_arms
            table.update(lane, t, *pair)


@every_variant
def test_an_arm_that_always_wins_is_found(policy: Any) -> None:
    if getattr(policy, "paper_code", False):
        return  # as documented, it may stop to compare after the first fall of an incumbent
    horizon = 3000
    outcomes = np.zeros((horizon, 4, 4, 4), np.bool_)
    for best in range(4):
        order = [best, *[a for a in range(4) if a != best]]
        for place, arm in enumerate(order):
            outcomes[:, arm, order[place + 1 :], best] = True
            outcomes[::2, arm, arm, best] = True
    found = scripted.played(policy, outcomes, np.full((2, horizon, 4), -1))[2]
    assert found[-1].tolist() == [0, 1, 2, 3]


# -------------------------------------------------------------------------------------------------- the agent


def agent(policy: Any, seed: int = SEED, run: int = 0, horizon: int | None = HORIZON, n_arms: int = 4) -> Any:
    return bl.start(policy, n_arms=n_arms, seed=seed, run=run, horizon=horizon)


def plays(player: Any, numbers: Any) -> list[tuple[int, int]]:
    """Let an agent play on given uniform numbers, with which the environment would decide; return its pairs."""
    played = []
    for u in numbers:
        i, j = player.select()
        played.append((i, j))
        p = ENV.preferences
        player.update((i, j), bool(u < p[i, j]) if i <= j else bool(u >= p[j, i]))
    return played


LUCK = np.random.default_rng(8).random(HORIZON)


@every_policy
def test_agent_compares_the_arms_of_the_simulated_run(name: str) -> None:
    one = 2
    result = run(DEFAULTS[name], metrics="duels", checkpoints=list(range(1, HORIZON + 1)))
    duels = np.stack([result.values(f"duels[{a}]")[0, one] for a in range(4)])
    simulated = [np.flatnonzero(moved).tolist() for moved in np.diff(duels, axis=1, prepend=0.0).T]
    luck = sampling.seeded(SEED, sampling.ENVIRONMENT_STREAM, one, 1)
    with np.errstate(over="ignore"):
        numbers = [sampling.open_uniform(luck, 0) for _ in range(HORIZON)]
    played = plays(agent(DEFAULTS[name], run=one), numbers)
    assert [sorted(set(pair)) for pair in played] == simulated


@every_policy
def test_agents_state_survives_pickling_and_has_the_same_future(name: str) -> None:
    check_same_future(agent(DEFAULTS[name]), agent(DEFAULTS[name], seed=SEED + 1, run=9), plays, LUCK, 45)


@every_policy
def test_agents_state_survives_between_select_and_update(name: str) -> None:
    check_state_amid_a_round(agent(DEFAULTS[name]), lambda player, pair: player.update(pair, True), plays, LUCK)


@every_policy
def test_state_of_another_policy_or_of_another_number_of_arms_is_refused(name: str) -> None:
    player = agent(DEFAULTS[name])
    stranger = agent(DEFAULTS[next(other for other in POLICIES if other != name)])
    for state in (stranger.state, agent(DEFAULTS[name], n_arms=3).state, agent(DEFAULTS[name], horizon=99).state):
        with pytest.raises(InvalidArgument, match="allowed"):
            player.state = state


@every_policy
def test_agent_without_a_horizon_plays_or_says_that_it_needs_one(name: str) -> None:
    try:
        player = agent(DEFAULTS[name], horizon=None)
    except InvalidType as error:
        assert str(error) == (  # noqa: PT017 - the policies that need none do not raise
            f"horizon is None; allowed: a positive integer, because {DEFAULTS[name]!r} needs to know it"
        )
    else:
        assert plays(player, LUCK) == plays(agent(DEFAULTS[name]), LUCK)


@every_policy
def test_one_round(name: str) -> None:
    player = agent(DEFAULTS[name], horizon=1, n_arms=5)
    i, j = player.select()
    assert 0 <= i < 5
    assert 0 <= j < 5
    player.update((i, j), False)


# ----------------------------------------------------------------------------------------------------- edges


@every_variant
@pytest.mark.parametrize("won", [True, False])
def test_equal_outcomes_leave_no_nan_in_the_state(policy: Any, won: bool) -> None:
    player = agent(policy)
    for _ in range(HORIZON):
        player.update(player.select(), won)
    assert not any(np.isnan(array).any() for array in arrays(player.state["arrays"]))


@every_variant
@pytest.mark.parametrize("p", [0.0, 0.5, 0.8])
def test_two_arms(policy: Any, p: float) -> None:
    metrics = ("copeland_regret", "duels")
    got = columns(run(policy, matrix([p]), metrics=metrics))
    assert (got["duels[0]"] + got["duels[1]"] <= 2 * HORIZON).all()
    assert (got["duels[0]"][:, -1] > 0).all()
    assert (got["duels[1]"][:, -1] > 0).all()


@every_variant
def test_as_many_rounds_as_arms(policy: Any) -> None:
    got = columns(run(policy, horizon=4))
    assert all(np.isfinite(values).all() for values in got.values())
    assert (sum(got[f"duels[{a}]"][:, -1] for a in range(4)) >= 4.0).all()


@every_policy
def test_fewer_rounds_than_arms_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="horizon is 3; allowed: at least 4"):
        run(DEFAULTS[name], horizon=3)


@every_field
def test_extreme_values_that_a_field_allows_do_no_harm(cls: type, field: str) -> None:
    """Arms stay in range (a wrong one raises), nothing is NaN, and plain Python raises nothing."""
    tried = 0
    for value in (0, 1e-12, 1e-3, 0.5, 1, 2, 1_000_000, 1e12):
        try:
            policy = cls(**{field: value})
        except BanditlabError:
            continue
        tried += 1
        compiled = columns(run(policy, horizon=40, n_runs=1))
        assert all(np.isfinite(values).all() for values in compiled.values()), policy
        same(compiled, columns(run(policy, horizon=40, n_runs=1, backend="python")))
    (found,) = [f for f in dataclasses.fields(cls) if f.name == field]
    assert tried >= 1 or isinstance(found.default, str | bool)


@every_policy
def test_environments_of_other_families_are_refused(name: str) -> None:
    with pytest.raises(bl.errors.IncompatiblePolicy, match=f"{name}.* plays environments of dueling"):
        run(DEFAULTS[name], arms.Bernoulli([0.2, 0.5]), metrics=None)


def test_policies_of_other_families_are_refused() -> None:
    with pytest.raises(bl.errors.IncompatiblePolicy, match=r"UCB1 cannot play .* of arms, not environments of dueling"):
        run(arms.UCB1())


def test_results_are_saved_and_loaded(tmp_path: Path, together: bl.Results) -> None:
    loaded = bl.load(together.save(tmp_path / "results.parquet"))
    assert loaded.policies == together.policies
    for name in POLICIES:
        same(columns(loaded, name), columns(together, name))


# ----------------------------------------------------------------------------------------------- the object


@every_variant
def test_policy_pickles_copies_and_compares(policy: Any) -> None:
    check_twins(policy, VARIANTS)


@every_variant
def test_repr_is_the_constructor_call_with_the_non_default_arguments_only(policy: Any) -> None:
    check_repr(policy, vars(dueling))


@every_policy
def test_policy_is_frozen(name: str) -> None:
    check_frozen(DEFAULTS[name])


@every_field
@pytest.mark.parametrize("value", [math.nan, "nonsense", b"1", [1.0], {}, 1j, math.inf, -1.0], ids=repr)
def test_field_refuses_nonsense(cls: type, field: str, value: Any) -> None:
    with pytest.raises(BanditlabError, match=rf"{cls.__name__}\.{field} is .*; allowed: "):
        cls(**{field: value})


@every_policy
def test_policy_can_be_the_base_of_a_meta_policy(name: str) -> None:
    assert "winner" in POLICIES[name].__banditlab__.kernels


def test_variants_cover_every_policy() -> None:
    assert {type(policy) for policy in VARIANTS} == set(POLICIES.values())
    assert len(VARIANTS) == len(POLICIES) + sum(map(len, OTHERS.values()))


# --------------------------------------------------------------------------------------- policies of one's own


def of_ones_own(chosen: Any) -> Any:
    def select(self, state, lane, t, rng):
        return chosen

    def update(self, state, first, second, lane, won, t):
        pass

    return dueling.policy(type("Own", (), {"select": select, "update": update}))()


@pytest.mark.parametrize("chosen", [(0, 4), (-1, 0), (0.5, 1), (0, math.nan), (math.inf, 1)], ids=repr)
def test_what_is_no_arm_stops_the_run(chosen: Any) -> None:
    policy = of_ones_own(chosen)
    for backend in ("cpu", "python"):
        with pytest.raises(
            InvalidComponent,
            match=r"Own\(\) chose an arm that does not exist.*; allowed: whole numbers from 0 to n_arms - 1",
        ):
            run(policy, metrics="duels", backend=backend)
    with pytest.raises(InvalidComponent, match="chose an arm that does not exist"):
        agent(policy).select()


def test_an_arm_may_be_a_whole_number_of_any_type() -> None:
    assert agent(of_ones_own((1.0, True))).select() == (1, 1)


@pytest.mark.parametrize(
    ("chosen", "told"),
    [((0, 1, 2), "expected 2, got 3: a kernel of two arms"), (0, "failed to unpack"), (None, "failed to unpack")],
    ids=repr,
)
def test_what_is_no_pair_of_arms_is_named(chosen: Any, told: str) -> None:
    with pytest.raises(InvalidComponent, match=rf"Own\(\) cannot be compiled .*{told}"):
        run(of_ones_own(chosen))
