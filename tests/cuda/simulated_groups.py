"""Cells of a sweep that share a launch, in Numba's simulator: what test_simulated.py runs, as simulated.py."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, semibandits
from banditlab.core.devices import fitting, grouped
from banditlab.core.errors import InvalidComponent
from banditlab.core.protocol import unwatched

from .cases import CASES, ITEMS, Case, cell, together_and_alone

SMALL: dict[str, Any] = {"horizon": 40, "n_runs": 3, "seed": 3, "progress": False}


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every shared launch adds how many cells share it."""
    told: list[int] = []
    usual = grouped.Group.launch_for_all

    def counted(self: grouped.Group, of_all: list[Any]) -> None:
        told.append(len(self.members))
        usual(self, of_all)

    monkeypatch.setattr(grouped.Group, "launch_for_all", counted)
    return told


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_those_of_cells_played_alone(name: str, launches: list[int]) -> None:
    for shared, alone in together_and_alone(CASES[name], "python"):
        np.testing.assert_array_equal(shared, alone)
    assert set(launches) == {3}


def bernoulli(gap: float) -> Any:
    return arms.Bernoulli([0.5, 0.5 - gap, 0.2])


def ucb1(n_runs: int, alpha: float = 2.0, gap: float = 0.1) -> Any:
    return cell(Case(bernoulli(gap), arms.UCB1(alpha), ["regret"]), n_runs)


def strategic(skew: float) -> Any:
    return clicks.StrategicClickBandit([0.6, 0.5, 0.3], [0.66 - skew, 0.3 + skew, 0.9])


def matrix(gap: float) -> Any:
    return dueling.PreferenceMatrix([[0.5, 0.5 + gap], [0.5 - gap, 0.5]])


def items(budget: float) -> Any:
    return semibandits.SemiBandit(ITEMS, semibandits.SafeUpToM(3, budget=budget, variances=[0.1, 0.2, 0.3, 0.1]))


SWEEPS: dict[str, tuple[Any, Any, dict[str, list[Any]]]] = {
    "tables": (bernoulli, arms.ThompsonSampling(), {"gap": [0.0, 0.1, 0.3]}),
    "parameters": (bernoulli(0.1), arms.UCB1, {"alpha": [0.5, 2.0]}),
    "both": (bernoulli, arms.EpsilonGreedy, {"gap": [0.1, 0.3], "epsilon": [0.1, 0.2]}),
    "segments": (
        lambda gap: arms.PiecewiseStationary([bernoulli(gap), bernoulli(0.1)], [13]),
        arms.UCB1(),
        {"gap": [0.2, 0.4]},
    ),
    "clicks": (strategic, clicks.UCBS(), {"skew": [0.0, 0.2]}),
    "dueling": (matrix, dueling.RUCB, {"gap": [0.1, 0.2], "alpha": [0.51, 0.6]}),
    "nested": (
        matrix,
        dueling.DETECT(dueling.WinnerStaysWeak(), exploration=6, window=8, threshold=3),
        {"gap": [0.1, 0.4]},
    ),
    "cvar": (bernoulli, cvar.BernsteinUCB(tau=0.3), {"gap": [0.1, 0.2, 0.3]}),  # tails of other sizes for other tau
    "semibandits": (items, semibandits.CombUCB1(), {"budget": [0.4, 0.6]}),
}


@pytest.mark.parametrize("keep", ["runs", "summary"])
@pytest.mark.parametrize("name", SWEEPS)
def test_cells_of_a_sweep_share_launches(name: str, keep: str, launches: list[int]) -> None:
    world, policy, over = SWEEPS[name]
    plain, there = (bl.sweep(world, policy, over, backend=b, keep=keep, **SMALL) for b in ("python", "cuda"))
    n_cells = int(np.prod([len(values) for values in over.values()]))
    assert set(launches) == {1, n_cells}  # compiled for one, played by all
    close = 0.0 if keep == "runs" else 1e-12
    for column in ("mean", "std", "median"):
        first, second = (cells.summary()[column] for cells in (plain, there))
        np.testing.assert_allclose(first, second, rtol=close, atol=close)


def test_several_launches_and_policies(launches: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies of two kinds, and a game in several launches."""
    monkeypatch.setattr(grouped.Device, "strides", several(grouped.Device.strides))
    policies = [arms.UCB1(1.0), arms.UCB1(2.0), arms.KLUCB(), arms.MOSS()]
    found = {b: bl.run(bernoulli(0.1), policies, backend=b, **SMALL) for b in ("python", "cuda")}
    for metric in found["cuda"].metrics:
        np.testing.assert_array_equal(found["cuda"].values(metric), found["python"].values(metric))
    assert launches.count(2) > 3  # the two of a kind share launches, in strides of ten rounds


def several(usual: Any) -> Any:
    """Return strides of ten rounds each."""

    def strides(self: Any, first: int, last: int, n_lanes: int, _: int) -> Any:
        if self.dry:
            yield from usual(self, first, last, n_lanes, _)
            return
        for start in range(first, last + 1, 10):
            yield start, min(start + 9, last)
            self.wait()

    return strides


def test_what_is_not_alike_does_not_share_a_launch(launches: list[int]) -> None:
    over = {"n": [2, 3, 4], "horizon": [20, 30]}
    options = {name: value for name, value in SMALL.items() if name != "horizon"}
    plain, there = (
        bl.sweep(lambda n: arms.Bernoulli([0.5] * n), arms.UCB1(), over, backend=b, **options)
        for b in ("python", "cuda")
    )
    assert not launches
    assert there.summary()["mean"].tolist() == plain.summary()["mean"].tolist()


def test_groups_are_as_large_as_fills_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "FEW_RUNS", 100)
    cells = [(ucb1(n, gap=0.01 * k), n) for k, n in enumerate((40, 40, 40, 100, 20, 30))]
    assert fitting.shared_launches(cells) == [[0, 1], [2, 4, 5], [3]]
    monkeypatch.setattr(fitting, "MOST_CELLS", 2)
    assert fitting.shared_launches(cells) == [[0, 1], [2, 4], [3], [5]]
    each = cells[0][0].measured.bytes_a_cell
    assert each > 3 * 8  # three means
    monkeypatch.setattr(fitting, "_room_for_tables", lambda backend: 2 * each - 1)
    assert fitting.shared_launches(cells) == [[0], [1], [2], [3], [4], [5]]
    monkeypatch.undo()
    monkeypatch.setattr(fitting, "free_bytes", lambda number: 5 * 45 * cells[0][0].measured.bytes_a_run)
    monkeypatch.setattr(fitting, "_room_for_tables", lambda backend: 10 * each)
    assert ucb1(40).chunk == 32
    again = [(ucb1(n), n) for n in (28, 4, 1)]
    assert fitting.shared_launches(again) == [[0, 1], [2]]


def test_threads_that_prepare_cells_are_not_too_many() -> None:
    groups = [[(ucb1(8), 8)] * 256] * 40
    assert fitting.streams(groups, None) == fitting.STREAMS
    assert fitting.streams([[(ucb1(8), 8)] * 100] * 40, None) == fitting.MOST_THREADS // 100
    assert fitting.streams([[(ucb1(8), 8)]] * 40, None) == fitting.MOST_STREAMS


@arms.policy
class Stateless:
    """Has no state for some values of its parameter."""

    broken: bool

    def state(self, space):
        if self.broken:
            raise ValueError("there is no state")
        return {"sums": space.per_arm()}

    def select(self, state, lane, t, rng):
        return 0

    def update(self, state, arm, lane, reward, t):
        pass


def test_a_cell_that_cannot_be_measured_ends_no_other() -> None:
    with pytest.warns(UserWarning, match="1 of 2 cells failed"):
        there = bl.sweep(
            bernoulli(0.1),
            Stateless,
            {"broken": [False, True], "horizon": [20]},
            backend="cuda",
            n_runs=3,
            seed=0,
            progress=False,
        )
    assert "there is no state" in there.failures["traceback"][0]


def test_a_thread_that_cannot_start_leaves_none_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = []

    class Two(grouped.ThreadPoolExecutor):
        def submit(self, *arguments: Any) -> Any:
            submitted.append(1)
            if len(submitted) == 3:
                raise RuntimeError("can't start new thread")
            return super().submit(*arguments)

    monkeypatch.setattr(grouped, "ThreadPoolExecutor", Two)
    games = [(job.environment, job.policy, job.batch(0, 2)) for job in (ucb1(2), ucb1(2, 1.0), ucb1(2, 0.5))]
    with pytest.raises(RuntimeError, match="can't start"):
        grouped.play_together(games, unwatched)
    assert threading.active_count() == 1


def test_a_member_that_fails_before_all_have_met_leaves_none_waiting() -> None:
    jobs = [cell(Case(bernoulli(0.1), Stateless(broken), ["regret"]), 2) for broken in (False, True, False)]
    games = [(job.environment, job.policy, job.batch(0, 2)) for job in jobs]
    with pytest.raises(ValueError, match="there is no state"):
        grouped.play_together(games, unwatched)
    assert threading.active_count() == 1


def test_single_precision_is_that_of_cells_played_alone(launches: list[int]) -> None:
    options = SMALL | {"horizon": 300, "precision": "single"}
    over = {"gap": [0.01, 0.02]}
    plain, there = (bl.sweep(bernoulli, arms.UCB1(), over, backend=b, **options) for b in ("python", "cuda"))
    assert there.summary()["mean"].tolist() == plain.summary()["mean"].tolist()
    assert set(launches) == {1, 2}


def test_stores_take_and_give_cells_of_shared_launches(tmp_path: Any, launches: list[int]) -> None:
    over = {"gap": [0.0, 0.1, 0.3]}
    first = bl.sweep(bernoulli, arms.UCB1(), {"gap": [0.1]}, backend="cuda", store=tmp_path, **SMALL)
    assert not launches  # one cell shares with none
    there = bl.sweep(bernoulli, arms.UCB1(), over, backend="cuda", store=tmp_path, **SMALL)
    assert set(launches) == {1, 2}
    plain = bl.sweep(bernoulli, arms.UCB1(), over, backend="python", **SMALL)
    assert there.summary()["mean"].tolist() == plain.summary()["mean"].tolist()
    assert first.summary()["mean"].tolist() == plain.summary().query("gap == 0.1")["mean"].tolist()
    launches.clear()
    bl.sweep(bernoulli, arms.UCB1(), over, backend="cuda", store=tmp_path, **SMALL)
    assert not launches


@arms.policy
class Reckless:
    """Chooses, from some round on, the arm of a number that may not exist."""

    arm: int
    since: int = 20

    def select(self, state, lane, t, rng):
        return self.arm if t > self.since else 0

    def update(self, state, arm, lane, reward, t):
        pass


def test_a_cell_that_fails_ends_no_other() -> None:
    over = {"arm": [0, 7, 2]}
    options = SMALL | {"n_jobs": 2}
    with pytest.warns(UserWarning, match="1 of 3 cells failed"):
        there = bl.sweep(bernoulli(0.1), Reckless, over, backend="cuda", **options)
    assert there.failures["arm"].tolist() == [7]
    plain = bl.sweep(bernoulli(0.1), Reckless, {"arm": [0, 2]}, backend="python", **options)
    assert there.summary()["mean"].tolist() == plain.summary()["mean"].tolist()


def test_the_error_is_that_of_the_cell() -> None:
    with pytest.raises(InvalidComponent, match=r"Reckless\(7\) chose an arm that does not exist"):
        bl.run(bernoulli(0.1), [Reckless(0), Reckless(7), Reckless(2)], backend="cuda", **SMALL)


def test_an_interruption_ends_all_members(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(grouped, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt, match="before every policy had finished a run"):
        bl.run(bernoulli(0.1), [arms.UCB1(1.0), arms.UCB1(2.0)], backend="cuda", **SMALL | {"n_jobs": 1})
    assert threading.active_count() == 1


def test_a_member_that_stops_ends_all() -> None:
    cells = [ucb1(2, alpha) for alpha in (0.5, 1.0, 2.0)]
    games = [(job.environment, job.policy, job.batch(0, 2)) for job in cells]
    told = []

    def watch(rounds: int) -> None:
        told.append(rounds)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        grouped.play_together(games, watch)
    assert told
    assert threading.active_count() == 1
