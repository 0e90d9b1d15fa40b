"""Short tasks share calls of joblib's: fewer calls, the same numbers, and a task that fails fails alone."""

from __future__ import annotations

import threading

import joblib
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import CellFailedWarning
from banditlab.core.playing.calls import CALLS
from banditlab.core.playing.jobs import CHUNK
from banditlab.core.playing.tasks import Stopped, Task, simulate_all

ENVIRONMENT = arms.Bernoulli([0.3, 0.6])
TASKS = 200


@pytest.fixture
def calls(monkeypatch):
    """Return a list to which each call adds how many tasks it plays."""
    seen: list[int] = []

    def counted(groups, *signals):
        seen.append(sum(map(len, groups)))
        return simulate_all(groups, *signals)

    monkeypatch.setattr("banditlab.core.playing.calls.simulate_all", counted)
    return seen


def play(n_jobs):
    options = {"horizon": 5, "n_runs": TASKS * CHUNK, "seed": 4, "n_jobs": n_jobs, "progress": False}
    return bl.run(ENVIRONMENT, arms.UCB1(), **options)


def test_tasks_share_calls_where_they_are_short(calls, monkeypatch):
    alone = play(1)
    assert calls == [1] * TASKS
    for seconds, shared in ((1e9, True), (0.0, False)):
        calls.clear()
        monkeypatch.setattr("banditlab.core.playing.calls.CALL_SECONDS", seconds)
        together = play(2)
        np.testing.assert_array_equal(together.values(), alone.values())
        assert sum(calls) == TASKS
        assert (len(calls) < TASKS // 2) is shared
        assert max(calls) <= max(1, TASKS // (2 * CALLS))  # each thread has several


def test_processes_play_the_same(monkeypatch):
    monkeypatch.setattr("banditlab.core.playing.calls.CALL_SECONDS", 1e9)
    with joblib.parallel_config("loky", n_jobs=2):
        there = bl.run(ENVIRONMENT, arms.UCB1(), horizon=5, n_runs=20 * CHUNK, seed=4, progress=False)
    here = bl.run(ENVIRONMENT, arms.UCB1(), horizon=5, n_runs=20 * CHUNK, seed=4, progress=False, n_jobs=1)
    np.testing.assert_array_equal(there.values(), here.values())


def test_a_cell_that_fails_ends_none_that_shares_its_call(calls, monkeypatch):
    monkeypatch.setattr("banditlab.core.playing.calls.CALL_SECONDS", 1e9)
    protocol = type(arms.UCB1.family.protocol)  # an instance would keep what is put back
    simulate = protocol.simulate

    def sometimes(self, environment, policy, batch, watch):
        if environment.means[0] == 0.31:
            raise RuntimeError("not this one")
        return simulate(self, environment, policy, batch, watch)

    monkeypatch.setattr(protocol, "simulate", sometimes)
    lows = [0.01 * k for k in range(100)]
    with pytest.warns(CellFailedWarning, match="not this one"):
        made = bl.sweep(
            lambda low: arms.Bernoulli([low, 0.6]), arms.UCB1(), {"low": lows},
            horizon=5, n_runs=4, seed=0, n_jobs=2, progress=False,
        )  # fmt: skip
    assert len(made.failures) == 1
    assert made.to_pandas()["low"].nunique() == 99
    assert max(calls) > 1


def test_what_has_been_stopped_plays_nothing():
    stop = threading.Event()
    stop.set()

    class Call:
        task = Task(0, 0, 1)
        there = False

        @property
        def game(self):
            raise Stopped

    found = simulate_all([[Call()], [Call()]], stop, threading.Semaphore(0), False)
    assert [outcome.chunk for outcome in found] == [None, None]
