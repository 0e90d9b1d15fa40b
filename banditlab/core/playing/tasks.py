"""Tasks: what is played in one go, in a thread, in a process, or on another machine."""

from __future__ import annotations

import functools
import os
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..devices.reduced import taken
from ..instances import protocol_of
from ..machines import on_device, placed
from ..protocol import Batch, Watch
from .jobs import Chunk, Job


class Stopped(Exception):  # noqa: N818 - not an error
    """Raised inside tasks once the run has been interrupted."""


@dataclass(frozen=True)
class Task:
    """Consecutive runs of a job, which is given by its position among the jobs that are played."""

    job: int
    first_run: int
    n_runs: int


@dataclass(frozen=True)
class Outcome:
    """What a task returns; no chunk if it was stopped, was found in the store, or failed."""

    task: Task
    chunk: Chunk | None = None
    failure: str = ""
    found: bool = False


def traceback_text() -> str:
    """Return the traceback of the current error as text that any file or table can hold.

    It may mention files whose names are not Unicode, as in a locale with another encoding.
    """
    return traceback.format_exc().encode("utf-8", "backslashreplace").decode("utf-8")


def told_by(failure: str) -> str:
    """Return the line of a traceback that states the error: below the calls, above lines that were added."""
    lines = failure.rpartition("Traceback (most recent call last):")[2].strip("\n").splitlines()
    return next((line for line in lines if line and not line.startswith(" ")), lines[-1] if lines else "")


def warm_up(job: Job, shares: bool) -> None:
    """Compile a job's kernel, or the one that it shares with others."""
    batch = job.batch(job.first_run, 1)
    if shares:
        from ..devices import grouped

        grouped.warm_up(job.environment, job.policy, batch)
        return
    with placed(job.backend):
        job.protocol.warm_up(job.environment, job.policy, batch)


def played(games: Sequence[tuple[Any, Any, Batch]], watch: Watch) -> list[Chunk]:
    """Play some games, together if there are several; return what came of each."""
    # a device is waited for; on cores, wall-clock time grows with their other work: ten-fold with 16 threads on two
    clock = time.perf_counter if on_device(games[0][-1].backend) else time.thread_time
    started = clock()
    found = _played(games, watch)
    each = (clock() - started) / sum(batch.n_runs for *_, batch in games)
    return [
        Chunk(batch.first_run, values, each * batch.n_runs, told)
        for (*_, batch), (values, told) in zip(games, found, strict=True)
    ]


def _played(games: Sequence[tuple[Any, Any, Batch]], watch: Watch) -> list[tuple[Any, str]]:
    """Return the metrics, or their statistics, of each game, and the warnings to give."""
    if len(games) > 1:
        from ..devices.grouped import play_together

        return [(values, "") for values in play_together(games, watch)]
    ((environment, policy, batch),) = games
    with placed(batch.backend):
        on = batch.machine()
        values = protocol_of(environment, policy).simulate(environment, policy, replace(batch, on=on), watch)
        return [(taken(values, batch.reduced), on.told)]


@dataclass(frozen=True)
class Call:
    """A task, and what it takes to play it."""

    task: Task
    environment: Any
    policy: Any
    batch: Batch
    stored: str | None

    @functools.cached_property
    def there(self) -> bool:
        """Whether another process has stored it in the meantime; looked up once."""
        return self.stored is not None and os.path.exists(self.stored)

    @property
    def game(self) -> tuple[Any, Any, Batch]:
        """What is played."""
        return self.environment, self.policy, self.batch


def simulate_all(
    groups: list[list[Call]], stop: threading.Event | None, room: threading.Semaphore | None, keep_going: bool
) -> list[Outcome]:
    """Play groups of tasks one after another: what joblib calls, in a thread, a process, or on another machine."""
    while room is not None and not room.acquire(timeout=0.2):  # what has been played is not taken yet
        if stop is not None and stop.is_set():
            break
    return [outcome for calls in groups for outcome in _simulate(calls, stop, keep_going)]


def _simulate(calls: list[Call], stop: threading.Event | None, keep_going: bool) -> list[Outcome]:
    """Play tasks, together if there are several."""

    def watch(rounds: int) -> None:
        if stop is not None and stop.is_set():
            raise Stopped

    if stop is not None and stop.is_set():
        return [Outcome(call.task) for call in calls]
    outcomes = [Outcome(call.task, found=True) for call in calls if call.there]
    waiting = [call for call in calls if not call.there]
    if not waiting:
        return outcomes
    try:
        found = played([call.game for call in waiting], watch)
    except Stopped:
        return outcomes + [Outcome(call.task) for call in waiting]
    except Exception:
        if len(waiting) == 1:
            if not keep_going:
                raise
            return [*outcomes, Outcome(waiting[0].task, failure=traceback_text())]
        found = []
    if not found:  # one by one, to see whose error it is, and so that it ends no other; no exception holds memory here
        return outcomes + [one for call in waiting for one in _simulate([call], stop, keep_going)]
    return outcomes + [Outcome(call.task, chunk) for call, chunk in zip(waiting, found, strict=True)]
