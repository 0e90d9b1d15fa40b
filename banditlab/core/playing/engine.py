"""Playing jobs: chunks of runs, in parallel, gathered in any order, and stored as they finish.

`run` and `sweep` say what is to be played (a list of `Job`); this module plays it. Data flows one way: jobs are cut
into tasks, joblib plays the tasks wherever it is told to, and what they return goes to each job's gatherer and to the
store, both in the calling process.
"""

from __future__ import annotations

import contextlib
import heapq
import secrets
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..compiling.ahead import compile_ahead
from ..compiling.kernels import interruptible
from ..compiling.rehearsal import rehearse
from ..errors import NotANumberWarning
from ..machines import on_device
from ..protocol import unwatched
from ..stores.writer import Writer
from .calls import Calls
from .in_step import InStep, at_once
from .jobs import Chunk, Gatherer, Job, Progressed
from .progress import Progress
from .tasks import Outcome, Task, played, traceback_text, warm_up
from .workers import Workers

if TYPE_CHECKING:
    from ..stores.store import Store

GOES_ON = "; what was played is in the store, and the same call goes on"
"""Added to the message after an interruption if there is a store."""


@dataclass(frozen=True)
class Played:
    """What `play` has done.

    Attributes
    ----------
    progress : list of Progressed
        How far each job is.
    gatherers : list of Gatherer or None
        What received each job's metrics; None if none came, or if it was passed to `ended`.
    together : int
        Number of runs, from the first on, that every job has finished and its gatherer has taken.
    interrupted : bool
        Whether the user stopped it.
    compile_seconds : float
        Time spent on compiling.
    """

    progress: list[Progressed]
    gatherers: list[Gatherer | None]
    together: int
    interrupted: bool
    compile_seconds: float

    def warn_of_nan(self, stacklevel: int) -> None:
        """Warn of jobs with states that became NaN, wherever they were played: the first, and their number."""
        told = [mine.told for mine in self.progress if mine.told]
        if told:
            others = f" (and {len(told) - 1} more of what was played)" if len(told) > 1 else ""
            warnings.warn(told[0] + others, NotANumberWarning, stacklevel=stacklevel + 1)


def play(
    jobs: Sequence[Job],
    make: Callable[[Job], Gatherer],
    *,
    n_jobs: int | None,
    bar: Progress,
    store: Store | None = None,
    runs_first: bool = False,
    keep_going: bool = False,
    names: Sequence[str] = (),
    ended: Callable[[int, Progressed, Gatherer | None], None] | None = None,
) -> Played:
    """Play jobs; return how far each is, and what was gathered.

    Parameters
    ----------
    jobs : sequence of Job
        What to play.
    make : callable
        Returns what takes a job's metrics; called when the first of them arrive.
    n_jobs : int or None
        Threads or processes; None for all cores, or what `joblib.parallel_config` says.
    bar : Progress
        Receives what is going on.
    store : Store, optional
        Runs that it holds are read from it; others are written to it.
    runs_first : bool
        Whether to go through all jobs chunk by chunk, rather than job by job. Gatherers that take runs in order then
        get those that all jobs have finished, so that after an interruption all describe the same runs.
    keep_going : bool
        Whether a job that fails ends alone, with its traceback kept; otherwise its error is raised.
    names : sequence of str
        What the bar calls the jobs while they are compiled.
    ended : callable, optional
        Called once for each job that has failed or finished its last run, with its number, how far it is, and its
        gatherer, which is not kept then.
    """
    playing = _Playing(jobs, make, store, bar, keep_going, ended, runs_first)
    interrupted, compile_seconds = False, 0.0
    try:
        tasks = playing.missing()
        if runs_first:
            tasks.sort(key=lambda task: task.first_run)  # stable: jobs keep their order
        groups = playing.grouped(tasks)
        workers = Workers.of(jobs, groups, n_jobs)
        calls = Calls(jobs, store, workers, keep_going, len(groups))
        started = time.perf_counter()
        playing.compile(groups, names, workers)
        compile_seconds = time.perf_counter() - started
        bar.say("playing")
        outcomes = calls.outcomes(playing.in_turn(groups, calls.ahead))
        with Writer(store) as writer, contextlib.closing(outcomes):
            for outcome in outcomes:
                playing.take(outcome, writer)
    except KeyboardInterrupt:
        interrupted = True
    return Played(playing.progress, playing.gatherers, playing.together(), interrupted, compile_seconds)


class _Playing:
    """The state of jobs while they are played."""

    def __init__(
        self,
        jobs: Sequence[Job],
        make: Callable[[Job], Gatherer],
        store: Store | None,
        bar: Progress,
        keep_going: bool,
        ended: Callable[[int, Progressed, Gatherer | None], None] | None,
        runs_first: bool,
    ) -> None:
        self.jobs, self.store, self.bar, self.keep_going = jobs, store, bar, keep_going
        self._make, self._ended = make, ended
        self.progress = [Progressed(job.first_run) for job in jobs]
        self.gatherers: list[Gatherer | None] = [None] * len(jobs)
        self._in_step = (
            InStep(self.progress, self.gatherer) if runs_first and getattr(make, "in_order", False) else None
        )
        self.company = False  # whether another process was seen to play the same tasks

    def missing(self) -> list[Task]:
        """Gather what the store holds, and return the tasks for the rest."""
        tasks: list[Task] = []
        ends = [job.first_run for job in self.jobs]
        readers = [self._reading(k, ends, tasks) for k in range(len(self.jobs))]
        waiting = [(0, k) for k in range(len(readers))]  # a heap: job by job, or the one that is furthest behind
        while waiting:
            _, k = waiting[0]
            if next(readers[k], None) is None:
                heapq.heappop(waiting)
            elif self._in_step:
                heapq.heapreplace(waiting, (ends[k], k))
        return sorted(tasks, key=lambda task: (task.job, task.first_run))

    def _reading(self, k: int, ends: list[int], tasks: list[Task]) -> Iterator[int]:
        """Gather what the store holds of a job, a chunk at a time, and add tasks for the rest."""
        job = self.jobs[k]
        gaps = []
        if self.store is not None:
            self.bar.say("reading the store")
            for chunk in self.store.read(job):
                first_run, n_runs = chunk.first_run, len(chunk.values)
                if first_run > ends[k]:
                    gaps.append((ends[k], first_run))
                    self._note_gap(ends[k])
                # what cannot be taken yet is read again when its turn comes
                waits = bool(gaps) and self.gatherer(k).in_order
                waits = waits or (self._in_step is not None and self._in_step.waits_for_gap(first_run))
                if waits and self.store.path(job, first_run, n_runs).exists():
                    tasks.append(Task(k, first_run, n_runs))
                else:
                    self._gather(k, chunk)
                ends[k] = first_run + n_runs
                yield ends[k]
        if ends[k] < job.first_run + job.n_runs:
            gaps.append((ends[k], job.first_run + job.n_runs))
            self._note_gap(ends[k])
        with self._ending_alone(k):
            tasks += [Task(k, first, n) for gap in gaps for first, n in job.chunks(*gap)]
        self._tell(k)

    def _note_gap(self, first_run: int) -> None:
        if self._in_step is not None:
            self._in_step.first_gap = min(self._in_step.first_gap, first_run)

    def together(self) -> int:
        """Return how many runs all jobs have finished and their gatherers taken."""
        if self._in_step is not None:
            return self._in_step.taken
        return min(mine.first_gap - mine.first_run for mine in self.progress)

    def grouped(self, tasks: list[Task]) -> list[list[Task]]:
        """Return what is played at a time: task by task, but small ones on a device share launches."""
        if not any(on_device(job.backend) for job in self.jobs):
            return [[task] for task in tasks]
        from ..devices.fitting import shared_launches

        places = shared_launches([(self.jobs[task.job], task.n_runs) for task in tasks])
        return [[tasks[k] for k in group] for group in places]

    def compile(self, groups: list[list[Task]], names: Sequence[str], workers: Workers) -> None:
        """Compile the kernels of all jobs that have tasks; one kernel for those that share launches."""
        waiting = sorted({(group[0].job, len(group) > 1) for group in groups})
        if workers.shared:
            compile_ahead([self.jobs[k] for k, _ in waiting], workers.n_jobs, self.bar.say)
        seen = set()
        for k, shares in waiting:
            job = self.jobs[k]
            if job.backend == "python":
                continue
            kind = tuple(map(type, job.parts))
            first = kind not in seen  # cells of one kind share a kernel
            if first:
                self.bar.say(f"compiling {names[k] if names else job.policy.label} on {type(job.environment).__name__}")
            seen.add(kind)
            with self._ending_alone(k), interruptible():
                if first:
                    rehearse(job)
                warm_up(job, shares)
            self._tell(k)

    @contextlib.contextmanager
    def _ending_alone(self, k: int) -> Iterator[None]:
        """Note an exception as the end of one job, if others are to go on."""
        try:
            yield
        except Exception:  # a user's code can raise anything
            if not self.keep_going:
                raise
            self.progress[k].failure = traceback_text()

    def in_turn(self, groups: list[list[Task]], width: int) -> Iterator[list[Task]]:
        """Yield what is played at a time, in order, without jobs that failed; once in company, stretches in any order.

        Otherwise, processes that go through the same tasks in the same order would play each of them at the same time.
        """
        waiting = deque(groups)
        while waiting:
            stretch = [waiting.popleft() for _ in range(min(width if self.company else 1, len(waiting)))]
            for group in sorted(stretch, key=lambda _: secrets.randbits(32)):
                left = [task for task in group if not self.progress[task.job].failure]
                if left:
                    yield left

    def take(self, outcome: Outcome, writer: Writer) -> None:
        """Gather and store what a task returned."""
        task, chunk = outcome.task, outcome.chunk
        job, mine = self.jobs[task.job], self.progress[task.job]
        mine.failure = mine.failure or outcome.failure
        self.company |= writer.was_there
        if outcome.found and self.store is not None:  # another process has finished it in the meantime
            chunk = self.store.read_chunk(job, task.first_run, task.n_runs)
            if chunk is None:
                batch = job.batch(task.first_run, task.n_runs)
                (chunk,) = played([(job.environment, job.policy, batch)], unwatched)
                writer.write(job, chunk)
        elif chunk is not None:
            writer.write(job, chunk)
        if chunk is not None and not mine.failure:
            self._gather(task.job, chunk)
        self._tell(task.job)

    def gatherer(self, k: int) -> Gatherer:
        """Return what takes a job's metrics."""
        found = self.gatherers[k]
        if found is None:
            found = self.gatherers[k] = self._make(self.jobs[k])
        return found

    def _gather(self, k: int, chunk: Chunk) -> None:
        mine, n_runs = self.progress[k], len(chunk.values)
        with at_once():
            mine.done[chunk.first_run] = n_runs
            if self._in_step is None:
                self.gatherer(k).add(chunk.first_run, chunk.values)
            else:
                self._in_step.add(k, chunk.first_run, chunk.values)
        mine.seconds += chunk.seconds
        mine.told = mine.told or chunk.told
        self.bar.add(n_runs * self.jobs[k].horizon)

    def _tell(self, k: int) -> None:
        """Say that a job has ended, once."""
        job, mine = self.jobs[k], self.progress[k]
        over = mine.failure or mine.first_gap == job.first_run + job.n_runs
        if not over or mine.reported:
            return
        mine.reported = True
        if self.store is not None:
            self.store.write_failure(job, mine.failure)
        if self._ended is not None:
            self._ended(k, mine, self.gatherers[k])
            self.gatherers[k] = None
