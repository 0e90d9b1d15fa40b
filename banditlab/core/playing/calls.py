"""Calls of joblib: tasks go out, several short ones per call, and their outcomes come back."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..instances import Instances
from ..unwarned import unwarned
from .jobs import Job
from .tasks import Call, Outcome, Task, simulate_all
from .workers import Workers

if TYPE_CHECKING:
    from ..stores.store import Store

AHEAD = 8
"""Calls that each thread may be ahead of the gathering and writing."""

CALL_SECONDS = 0.01
"""How long a joblib call should take: it costs half a millisecond, so short tasks share one."""

CALLS = 8
"""Fewest calls that each thread should have, however short tasks are, so that the last ones end together."""


class Calls:
    """The calls by which workers play tasks.

    Attributes
    ----------
    ahead : int
        Calls that may be ahead of what is gathered and written.
    """

    def __init__(
        self, jobs: Sequence[Job], store: Store | None, workers: Workers, keep_going: bool, n_groups: int
    ) -> None:
        self._jobs, self._store, self._workers, self._keep_going = jobs, store, workers, keep_going
        self._n_groups = n_groups
        self.ahead = AHEAD * workers.n_jobs
        self._stop = threading.Event()
        # Threads wait when they are far ahead of what is gathered and written, or results would pile up.
        self._room = threading.Semaphore(self.ahead) if workers.shared and not workers.alone else None
        # Short tasks share a call. How many is known once some have been played; on a device tasks are large.
        one_a_call = workers.alone or not workers.shared or workers.device
        self._most = 1 if one_a_call else max(1, n_groups // (CALLS * workers.n_jobs))
        self._seconds_a_round = math.inf

    def outcomes(self, groups: Iterable[list[Task]]) -> Generator[Outcome]:
        """Play groups of tasks that share launches, and yield outcomes as they finish."""
        if self._workers.alone:
            for arguments in self._arguments(groups):
                yield from simulate_all(*arguments)
        elif self._n_groups:
            yield from self._by_joblib(groups)

    def _by_joblib(self, groups: Iterable[list[Task]]) -> Iterator[Outcome]:
        from joblib import Parallel, delayed

        workers = self._workers
        where = {"require": "sharedmem"} if workers.device else {"prefer": workers.prefer}  # one process owns a device
        n_jobs = min(workers.n_jobs, self._n_groups)
        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, **where)
        finished = parallel(delayed(simulate_all)(*arguments) for arguments in self._arguments(groups))
        try:
            for outcomes in finished:
                self._learn(outcomes)
                yield from outcomes
                if self._room is not None:
                    self._room.release()
        except BaseException:
            self._stop.set()  # first, as closing waits for running tasks
            # joblib warns that results are left over: they are, and the caller knows
            with unwarned({"module": "joblib"}, {"message": r"\d+ tasks"}, category=UserWarning):
                finished.close()
            raise

    def _arguments(self, groups: Iterable[list[Task]]) -> Iterator[tuple[Any, ...]]:
        """Yield the arguments for `simulate_all`."""
        rest = (*((self._stop, self._room) if self._workers.shared else (None, None)), self._keep_going)
        together: list[list[Call]] = []
        rounds = 0
        for group in groups:
            together.append([self._call(task) for task in group])
            rounds += self._rounds(group)
            if len(together) >= self._most or rounds * self._seconds_a_round >= CALL_SECONDS:
                yield together, *rest
                together, rounds = [], 0
        if together:
            yield together, *rest

    def _call(self, task: Task) -> Call:
        job = self._jobs[task.job]
        stored = None if self._store is None else str(self._store.path(job, task.first_run, task.n_runs))
        world = job.environment
        if isinstance(world, Instances) and not self._workers.shared:
            world = world.for_runs(task.first_run, task.n_runs)
        return Call(task, world, job.policy, job.batch(task.first_run, task.n_runs), stored)

    def _rounds(self, tasks: Iterable[Task]) -> int:
        return sum(self._jobs[task.job].horizon * task.n_runs for task in tasks)

    def _learn(self, outcomes: list[Outcome]) -> None:
        """Note how long rounds take."""
        took = [(o.task, o.chunk.seconds) for o in outcomes if o.chunk is not None and o.chunk.seconds > 0.0]
        if took:
            self._seconds_a_round = sum(seconds for _, seconds in took) / self._rounds(task for task, _ in took)
