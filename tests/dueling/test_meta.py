"""DETECT and Monitored Dueling Bandits: what naive versions compare, fresh starts at changes and only there."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms, dueling
from banditlab.core import sampling
from banditlab.core.components import Problem, Space, describe, make_state
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.playing import jobs
from banditlab.dueling import DETECT, MonitoredDuelingBandits, generics, instances, theory

from . import naive
from .naive_meta import reference

BTW, WS, RUCB = dueling.BeatTheWinner(), dueling.WinnerStaysWeak(), dueling.RUCB(alpha=0.6)
SMALL: dict[str, Any] = {"exploration": 25, "window": 6, "threshold": 1.5}
WATCH: dict[str, Any] = {"gamma": 0.4, "window": 8, "threshold": 2.0}
POLICIES = {
    "DETECT(WS)": DETECT(WS, **SMALL),
    "DETECT(WS), computed": DETECT(WS, pmin=0.9, delta=1.0),
    "DETECT(WS), window of its own": DETECT(WS, pmin=0.9, delta=1.0, window=10, exploration=9, threshold=3),
    "DETECT(RUCB)": DETECT(RUCB, exploration=25, window=2, threshold=0.5),
    "MDB(WS-S), transfer to who cannot learn": MonitoredDuelingBandits(
        dueling.WinnerStaysStrong(), **WATCH, observation_transfer=True
    ),
    "MDB(RUCB)": MonitoredDuelingBandits(RUCB, **WATCH),
    "MDB(RUCB), transfer": MonitoredDuelingBandits(RUCB, **WATCH, observation_transfer=True),
    "MDB(RUCB), computed": MonitoredDuelingBandits(RUCB, n_segments=1, delta=1.0),
    "MDB alone": MonitoredDuelingBandits(RUCB, gamma=1.0, window=34, threshold=8),
    "DETECT(DETECT(BtW))": DETECT(DETECT(BTW, **(SMALL | {"exploration": 7})), exploration=90, window=8, threshold=3),
    "DETECT(MDB(RUCB))": DETECT(MonitoredDuelingBandits(RUCB, **WATCH), exploration=60, window=8, threshold=3),
    "MDB(DETECT(WS))": MonitoredDuelingBandits(DETECT(WS, **SMALL), **WATCH, observation_transfer=True),
}
EASY = np.array([[0.5, 0.9, 0.95, 0.9], [0.1, 0.5, 0.7, 0.6], [0.05, 0.3, 0.5, 0.5], [0.1, 0.4, 0.5, 0.5]])
TURNED = EASY[::-1, ::-1]
HORIZON = 900
WORLDS = {
    "changes": dueling.PiecewiseStationary([EASY, TURNED, EASY], [400, 700]),
    "two arms": dueling.PiecewiseStationary([[[0.5, 1.0], [0.0, 0.5]], [[0.5, 0.2], [0.8, 0.5]]], [301]),
    "the same all the time": instances.random_condorcet(5, 0.6, seed=2),
}
some_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))


def first_wins(p: NDArray[np.float64], i: int, j: int, u: float) -> bool:
    return bool(u < p[i, j]) if i <= j else not u < p[j, i]


def matrices(world: Any, horizon: int) -> list[NDArray[np.float64]]:
    """Return the matrix of each round."""
    parts = world.segments(horizon) if hasattr(world, "segments") else [(1, horizon, world)]
    return [part.preferences for first, last, part in parts for _ in range(first, last + 1)]


def computed(policy: Any) -> bool:
    """Say whether parameters follow from the instance's constants: for these short games, they react to nothing."""
    return policy.delta is not None and policy.window is None


def who_meets(world: Any, policy: Any, n_runs: int, seed: int, **options: Any) -> NDArray[np.bool_]:
    """Return who takes part in each round: run by round by arm."""
    result = bl.run(
        world, policy, horizon=HORIZON, n_runs=n_runs, seed=seed, checkpoints=list(range(1, HORIZON + 1)),
        metrics="duels", n_jobs=1, progress=False, **options,
    )  # fmt: skip
    duels = np.stack([result.values(f"duels[{a}]")[0] for a in range(world.n_arms)], axis=-1)
    moved: NDArray[np.bool_] = np.diff(duels, axis=1, prepend=0.0) > 0.0
    return moved


@some_policy
@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_compares_what_the_naive_version_compares(policy: Any, world: Any) -> None:
    resets = 0
    for run, seen in enumerate(who_meets(world, policy, 2, 5)):
        player = reference(policy, world.n_arms, HORIZON)
        luck, own = naive.environment_rng(5, run), naive.policy_rng(5, run)
        for t, p in enumerate(matrices(world, HORIZON), 1):
            i, j = player.select(t, own)
            assert np.flatnonzero(seen[t - 1]).tolist() == sorted({i, j}), f"run {run}, round {t}"
            player.update(i, j, first_wins(p, i, j, luck.open_uniform()), t)
        resets += player.resets
    if world is WORLDS["changes"] and not computed(policy):
        assert resets > 0, "nothing was tried"


@some_policy
def test_compares_in_the_naive_versions_order_and_names_its_winner(policy: Any) -> None:
    """The kernels in plain Python, on a lane among others, with scripted duels whose winner changes twice."""
    n_arms, horizon, lane = 4, 500, 1
    params = policy.params(Problem(n_arms, horizon))
    state = make_state(policy, Space(n_arms, 3, horizon))
    rng = sampling.seeded(7, sampling.POLICY_STREAM, 0, 3)
    player, own = reference(policy, n_arms, horizon), naive.policy_rng(7, lane)
    with np.errstate(over="ignore"):
        for t in range(1, horizon + 1):
            i, j = player.select(t, own)
            assert tuple(map(int, generics.select(params, state, lane, t, rng))) == (i, j), t
            won = (i <= j) == (t // 200 % 2 == 0)
            player.update(i, j, won, t)
            generics.update(params, state, i, j, lane, won, t)
            assert int(generics.winner(params, state, lane)) == player.winner(), t
            assert state.resets[lane] == player.resets, t
    assert player.resets > 0 or computed(policy)


# ------------------------------------------------------------------------------------------------ fresh starts


def leaves(value: Any) -> list[NDArray[Any]]:
    """Return the arrays that rounds change."""
    changing = [part for name, part in zip(value._fields, value, strict=True) if name != "fresh"]
    return [leaf for part in changing for leaf in (leaves(part) if isinstance(part, tuple) else [part])]


def scripted(policy: Any, horizon: int, change: int, n_arms: int = 4) -> list[int]:
    """Let the smaller index win until a change, from when on the larger one does; return the rounds of fresh starts."""
    params = policy.params(Problem(n_arms, horizon))
    state = make_state(policy, Space(n_arms, 2, horizon))
    rng = sampling.seeded(0, sampling.POLICY_STREAM, 0, 2)
    found = []
    with np.errstate(over="ignore"):
        for t in range(1, horizon + 1):
            i, j = map(int, generics.select(params, state, 1, t, rng))
            generics.update(params, state, i, j, 1, (i < j) == (t < change), t)
            if state.resets[1] > len(found):
                found.append(t)
                for array, fresh in zip(leaves(state.base), leaves(state.fresh), strict=True):
                    np.testing.assert_array_equal(array[..., 1], fresh[..., 0])
                assert state.clock[1] == 0
                assert not state.pushed[:, 1].any()
    assert not any(np.any(array[..., 0] != fresh[..., 0]) for array, fresh in
                   zip(leaves(state.base), leaves(state.fresh), strict=True)), "another lane was touched"  # fmt: skip
    return found


def test_detect_starts_afresh_once_when_the_winner_begins_to_lose() -> None:
    # 8 duels with each of 3 others until windows are full; then, with b = 2, three losses in one of them are a change
    policy = DETECT(WS, exploration=100, window=8, threshold=2.0)
    assert scripted(policy, horizon=400, change=201) == [200 + 3 * 2 + 1]


def test_monitored_duels_start_afresh_once_when_a_pair_turns() -> None:
    # 6 pairs in every 12 rounds; the third cycle after the change has the third loss of the first pair
    policy = MonitoredDuelingBandits(WS, gamma=0.5, window=8, threshold=2.0)
    assert scripted(policy, horizon=600, change=12 * 20 + 1) == [12 * 22 + 1]


@some_policy
def test_where_the_better_arm_always_wins_there_is_no_fresh_start(policy: Any) -> None:
    assert scripted(policy, horizon=400, change=10**6) == []


def test_base_counts_its_rounds_from_one_since_the_fresh_start() -> None:
    seen = []

    @dueling.policy
    class Clock:
        def state(self, space):
            return {"mine": space.per_lane(0, np.int64)}

        def select(self, state, lane, t, rng):
            seen.append(int(t))
            return 0, 1

        def update(self, state, first, second, lane, won, t):
            state.mine[lane] += 1
            assert state.mine[lane] == t

        def winner(self, state, lane):
            return 0

    assert len(scripted(DETECT(Clock(), exploration=5, window=4, threshold=1.0), horizon=60, change=30)) == 1
    assert seen == [1, 2, 3, 4, 5] * 2


# ------------------------------------------------------------------------------------------------ as any policy


@some_policy
def test_compiled_plays_as_plain_python_and_whatever_the_chunk_and_threads(policy: Any, monkeypatch: Any) -> None:
    world = dueling.PiecewiseStationary([EASY, TURNED], [61])
    options: dict[str, Any] = {"horizon": 300, "seed": 3, "metrics": "duels", "progress": False, "checkpoints": 20}
    names = [f"duels[{a}]" for a in range(4)]
    compiled = bl.run(world, policy, n_runs=5, n_jobs=1, **options)
    plain = bl.run(world, policy, n_runs=2, n_jobs=1, backend="python", **options)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    scattered = bl.run(world, policy, n_runs=5, n_jobs=2, **options)
    for name in names:
        np.testing.assert_array_equal(plain.values(name), compiled.values(name)[:, :2])
        np.testing.assert_array_equal(scattered.values(name), compiled.values(name))


@pytest.mark.parametrize("name", ["MDB(RUCB), transfer", "DETECT(DETECT(BtW))"])
def test_agents_state_is_nested_and_survives_pickling(name: str) -> None:
    luck = np.random.default_rng(4).random(400)

    def plays(player: Any, first: int, last: int) -> list[tuple[int, int]]:
        played = []
        for t in range(first, last):
            i, j = player.select()
            played.append((i, j))
            player.update((i, j), first_wins(EASY if t < 200 else TURNED, i, j, luck[t]))
        return played

    def agent(seed: int) -> Any:
        return bl.start(POLICIES[name], n_arms=4, seed=seed, horizon=HORIZON)

    first = agent(1)
    plays(first, 0, 150)
    saved = pickle.loads(pickle.dumps(first.state))
    twin, other = pickle.loads(pickle.dumps(first)), agent(2)
    plays(other, 0, 77)
    other.state = saved
    future = plays(first, 150, 400)
    assert plays(twin, 150, 400) == future
    assert plays(other, 150, 400) == future
    assert first.state["arrays"]["resets"][0] > 0
    assert set(saved["arrays"]["base"]) == set(saved["arrays"]["fresh"])


@some_policy
def test_pickles_copies_and_shows_the_constructor_call(policy: Any) -> None:
    for twin in (pickle.loads(pickle.dumps(policy)), copy.deepcopy(policy), eval(repr(policy), vars(dueling).copy())):
        assert twin == policy
        assert hash(twin) == hash(policy)
    assert describe(policy)["base"]["type"].startswith("banditlab.dueling.")


# ------------------------------------------------------------------------------------------------------ errors


@dueling.policy
class Silent:
    """Says nothing of a winner."""

    def select(self, state, lane, t, rng):
        return 0, 1

    def update(self, state, first, second, lane, won, t):
        pass


def test_base_must_be_a_policy_for_duels_and_for_detect_one_that_names_a_winner() -> None:
    for kind in (DETECT, MonitoredDuelingBandits):
        for wrong in (arms.UCB1(), dueling.RUCB, None, "RUCB", instances.arxiv()):
            with pytest.raises(InvalidType, match=rf"{kind.__name__}\.base is .*; allowed: a policy for dueling"):
                kind(wrong, **(SMALL if kind is DETECT else WATCH))
    monitored = MonitoredDuelingBandits(Silent(), **WATCH)
    for wrong in (Silent(), monitored):
        with pytest.raises(InvalidType, match="Silent has no kernel winner"):
            DETECT(wrong, **SMALL)
    result = bl.run(WORLDS["changes"], monitored, horizon=50, n_runs=1, seed=0, progress=False)
    assert np.isfinite(result.values("average_regret")).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"DETECT\.pmin is None; allowed: a number, unless exploration, window and threshold, which"),
        ({"pmin": 0.6}, r"DETECT\.delta is None"),
        (SMALL | {"exploration": None}, r"DETECT\.pmin is None"),
        ({"pmin": 0.5, "delta": 0.1}, r"DETECT\.pmin is 0\.5; allowed: a number in \(0\.5, 1\]"),
        ({"pmin": 0.6, "delta": 0.0}, r"DETECT\.delta is 0\.0; allowed: a number in \(0, 1\]"),
        ({"pmin": 0.6, "delta": 0.1, "rule": "best"}, r"DETECT\.rule is 'best'"),
        (SMALL | {"window": 5}, r"DETECT\.window is 5; allowed: an even integer"),
        (SMALL | {"window": 0}, r"DETECT\.window is 0; allowed: an integer of at least 2"),
        (SMALL | {"exploration": 0}, r"DETECT\.exploration is 0"),
        (SMALL | {"threshold": 0}, r"DETECT\.threshold is 0"),
    ],
    ids=str,
)
def test_detect_refuses(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        DETECT(WS, **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"n_segments is None; allowed: a number, unless gamma, window and threshold, which"),
        ({"n_segments": 2}, r"delta is None"),
        ({"n_segments": 0, "delta": 0.1}, r"n_segments is 0"),
        ({"n_segments": 1, "delta": 1.5}, r"delta is 1\.5; allowed: a number in \(0, 1\]"),
        (WATCH | {"gamma": 1.1}, r"gamma is 1\.1; allowed: a number in \(0, 1\]"),
        (WATCH | {"window": 3}, r"window is 3; allowed: an even integer"),
        (WATCH | {"observation_transfer": 1}, r"observation_transfer is 1; allowed: True or False"),
    ],
    ids=str,
)
def test_monitored_duels_refuse(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match=rf"MonitoredDuelingBandits\.{message}"):
        MonitoredDuelingBandits(WS, **fields)


def test_parameters_that_would_never_look_or_never_play_are_refused_before_the_first_round() -> None:
    world = instances.random_condorcet(10, 0.55, seed=0)
    options: dict[str, Any] = {"horizon": 10**5, "n_runs": 1, "seed": 0, "progress": False}
    with pytest.raises(InvalidArgument, match=r"explores for 1,[0-9,]+ of 100,000 rounds and never looks"):
        bl.run(world, DETECT(WS, pmin=0.55, delta=0.3, rule="log_squared"), **options)
    with pytest.raises(InvalidArgument, match=r"gamma is None, and its default is 3\.6: the base would never"):
        bl.run(world, MonitoredDuelingBandits(WS, n_segments=50, delta=0.3), **options)
    three = instances.random_condorcet(3, 0.6, seed=0)
    # of floor(3 / 0.823) = 3 rounds, the first 3 compare all pairs
    with pytest.raises(InvalidArgument, match=r"gamma is None, and its default is 0\.823: the base would never"):
        bl.run(three, MonitoredDuelingBandits(WS, n_segments=3, delta=0.6), **options | {"horizon": 1000})
    with pytest.raises(InvalidType, match=r"horizon is None; .* needs to know it"):
        bl.start(DETECT(WS, pmin=0.6, delta=0.3), n_arms=3)
    assert bl.start(DETECT(WS, **SMALL), n_arms=3).select()


@dueling.policy
class Counting:
    """Remembers the number of duels since it began, in an array that has a name of the package's own."""

    def state(self, space: Any) -> Any:
        return {"fresh": space.per_lane()}

    def select(self, state, lane, t, rng):
        return int(state.fresh[lane] >= t), 1

    def update(self, state, first, second, lane, won, t):
        state.fresh[lane] += 1.0


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_a_base_starts_afresh_whatever_its_arrays_are_called(backend: str) -> None:
    watched = MonitoredDuelingBandits(Counting(), gamma=0.5, window=2, threshold=0.5)
    options: dict[str, Any] = {"horizon": 400, "n_runs": 2, "seed": 0, "progress": False, "backend": backend}
    first = bl.run(dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]]), watched, metrics="duels", **options)
    assert (first.values("duels[0]")[0, :, -1] == 400.0).all()  # it counts as many duels as rounds since it began


# ------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("pmin", "delta", "rule", "values"),
    [
        (0.6, 0.6, "log_squared", (136_687, 632, 94.7)),
        (0.6, 0.6, "sqrt", (1000, 272, 40.7)),
        (0.55, 0.3, "sqrt", (1000, 900, 67.5)),
        # r = max(2, ceil(log(1e6/log(1e6) * 2 * 3) / log 1.5)) = 33: 33^3 1000 (1e6) / log(1e6)
        (0.6, 0.6, "winner_stays_short", (2_601_206, 632, 94.7)),
        (1.0, 1.0, "winner_stays_short", (579, 228, 56.9)),
    ],
)
def test_parameters_of_detect_are_those_of_the_corollaries(pmin: float, delta: float, rule: str, values: Any) -> None:
    exploration, window, threshold = theory.detect_parameters(10, 10**6, pmin, delta, rule)
    assert (exploration, window, round(threshold, 1)) == values


def test_exploration_of_winner_stays_is_as_many_times_longer_as_the_horizon_is() -> None:
    long = theory.detect_parameters(3, 10**4, 0.8, 0.5, "winner_stays").exploration
    short = theory.detect_parameters(3, 10**4, 0.8, 0.5, "winner_stays_short").exploration
    assert short < 10**4 < long
    assert abs(long / 10**4 - short) < 1.0


@pytest.mark.parametrize(
    ("segments", "values"), [(1, (442, 66.2, 0.095)), (5, (424, 63.5, 0.207)), (10, (416, 62.3, 0.290))]
)
def test_parameters_of_monitored_duels(segments: int, values: Any) -> None:
    window, threshold, gamma = theory.monitor_parameters(10, 10**6, 0.6, segments)
    assert (window, round(threshold, 1), round(gamma, 3)) == values


def test_parameters_where_there_are_none_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"horizon is 100; allowed: more for the rule 'sqrt'"):
        theory.detect_parameters(100, 100, 0.9, 0.5)
    with pytest.raises(InvalidArgument, match="n_segments is 11; allowed: at most the horizon, 10"):
        theory.monitor_parameters(3, 10, 0.5, 11)
    with pytest.raises(InvalidArgument, match="horizon is 2; allowed: more, with 30 arms"):
        theory.monitor_parameters(30, 2, 0.5, 1)
    for computed in (
        lambda horizon, delta: theory.detect_parameters(3, horizon, 0.6, delta),
        lambda horizon, delta: theory.detect_parameters(3, horizon, 0.6, delta, "winner_stays"),
        lambda horizon, delta: theory.monitor_parameters(3, horizon, delta, 2),
    ):
        assert all(map(math.isfinite, computed(10**100, 1e-100)))
        with pytest.raises(InvalidArgument, match="delta is 1e-200; allowed: at least 1e-100"):
            computed(10**6, 1e-200)
        with pytest.raises(InvalidArgument, match=r"horizon is 1e\+300; allowed: at most 10000"):
            computed(1e300, 0.5)


def test_windows_take_no_more_memory_than_the_rounds_fill() -> None:
    options: dict[str, Any] = {"horizon": 300, "n_runs": 2, "seed": 0, "progress": False}
    for never in (SMALL | {"window": 2**31}, {"pmin": 0.6, "delta": 1e-3, "exploration": SMALL["exploration"]}):
        policy = DETECT(WS, **never)
        assert make_state(policy, Space(4, 100, 300)).bits.shape == (4, 38, 100)
        never_full = DETECT(WS, **SMALL | {"window": 2**10})
        results = [bl.run(WORLDS["changes"], p, metrics="duels", **options) for p in (policy, never_full)]
        for metric in results[0].metrics:
            np.testing.assert_array_equal(results[0].values(metric), results[1].values(metric))
    for policy in (
        DETECT(WS, pmin=0.6, delta=1e-7, exploration=5),
        MonitoredDuelingBandits(WS, n_segments=2, delta=1e-7, gamma=0.5),
    ):
        with pytest.raises(InvalidArgument, match=r"\.delta is 1e-07, for which a window holds .*; allowed: a larger"):
            bl.run(WORLDS["changes"], policy, **options)


def test_an_exploration_beyond_imagination_is_shown_in_few_digits() -> None:
    with pytest.raises(InvalidArgument, match=r"explores for [0-9.]+e\+[0-9]+ of 1,000 rounds and never looks"):
        bl.run(WORLDS["changes"], DETECT(WS, pmin=0.5 + 1e-9, delta=0.3, rule="log_squared"), horizon=1000, n_runs=1)


@pytest.mark.parametrize("gap", [0.1, 0.2, 0.4])
def test_survival_of_an_incumbent_is_the_share_of_those_that_never_fall(gap: float) -> None:
    luck, survived, n = np.random.default_rng(1), 0, 4000
    for _ in range(n):
        # after 40 rounds (gap 0.1: some 400) the chance to fall is negligible beside the error
        survived += all(luck.binomial(2 * c - 1, 0.5 + gap) >= c for c in range(1, 400 if gap < 0.2 else 60))
    q = theory.beat_the_winner_reset_survival(gap)
    assert abs(survived / n - q) < 4 * np.sqrt(q * (1 - q) / n)
