"""Playing jobs: chunks of runs, in parallel, gathered in any order, and stored as they finish.

`run` and `sweep` say what is to be played (a list of `Job`); this module plays it. Data flows one way: jobs are cut
into tasks, joblib plays the tasks wherever it is told to, and what they return goes to each job's gatherer and to
the store, both in the calling process.
"""

from __future__ import annotations

import contextlib
import heapq
import math
import secrets
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .ahead import compile_ahead
from .errors import InvalidArgument
from .in_step import InStep, at_once
from .instances import Instances
from .jobs import Gatherer, Job
from .kernels import interruptible
from .machines import on_device
from .progress import Progress
from .protocol import unwatched
from .rehearsal import rehearse
from .tasks import Call, Outcome, Task, played, simulate_all, traceback_text, warm_up
from .workers import workers
from .writer import Writer

if TYPE_CHECKING:
    from .store import Store

GOES_ON = "; what was played is in the store, and the same call goes on"
"""Said after an interruption where there is a store."""

AHEAD = 8
"""Calls that each thread may be ahead of what is gathered and written."""

CALL_SECONDS = 0.01
"""How long a call of joblib's should take: it costs half a millisecond, so that short tasks share one."""

CALLS = 8
"""Calls that each thread should have at least, however short tasks are: the last ones end together."""


@dataclass
class Progressed:
    """How far a job is.

    Attributes
    ----------
    first_run : int
        Its first run.
    seconds : float
        Processor time that its simulation took, summed over threads; what came from the store counts as it took then.
    done : dict from int to int
        Chunks that have finished: first run, number of runs.
    failure : str
        The traceback of what went wrong; empty if nothing did.
    told : bool
        Whether it was reported as ended.
    """

    first_run: int
    seconds: float = 0.0
    done: dict[int, int] = field(default_factory=dict)
    failure: str = ""
    told: bool = False

    def __post_init__(self) -> None:
        """Begin before the first run."""
        self._end = self.first_run

    @property
    def first_gap(self) -> int:
        """The first run that has not finished."""
        while self._end in self.done:
            self._end += self.done[self._end]
        return self._end


@dataclass(frozen=True)
class Played:
    """What `play` has done.

    Attributes
    ----------
    progress : list of Progressed
        How far each job is.
    gatherers : list of Gatherer or None
        What each job's metrics were given to; None if none came, or if `ended` was told of it.
    together : int
        Runs, from the first on, that every job has finished and its gatherer taken.
    interrupted : bool
        Whether the user stopped it.
    compile_seconds : float
        Time that compiling took.
    """

    progress: list[Progressed]
    gatherers: list[Gatherer | None]
    together: int
    interrupted: bool
    compile_seconds: float


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
        Returns what takes a job's metrics; called when the first of them come.
    n_jobs : int or None
        Threads or processes; None for all cores, or what `joblib.parallel_config` says.
    bar : Progress
        Told what is going on.
    store : Store, optional
        Runs that it holds are read from it; others are written to it.
    runs_first : bool
        Whether to go through all jobs chunk by chunk, rather than job by job. Gatherers that take runs in order then
        get those that all jobs have finished, so that all tell of the same runs when interrupted.
    keep_going : bool
        Whether a job that fails ends alone, its traceback kept; otherwise its error is raised.
    names : sequence of str
        What the bar calls the jobs while they are compiled.
    ended : callable, optional
        Told the number of each job that has failed or whose last run is done, once, how far it is, and its gatherer,
        which is not kept then.
    """
    playing = _Playing(jobs, make, store, bar, keep_going, ended, runs_first)
    interrupted, compile_seconds = False, 0.0
    try:
        tasks = playing.missing()
        if runs_first:
            tasks.sort(key=lambda task: task.first_run)  # stable: jobs keep their order
        groups = playing.grouped(tasks)
        workers = _Workers.of(jobs, groups, n_jobs)
        started = time.perf_counter()
        playing.compile(groups, names, workers)
        compile_seconds = time.perf_counter() - started
        bar.say("playing")
        with Writer(store) as writer, contextlib.closing(_outcomes(playing, groups, workers)) as outcomes:
            for outcome in outcomes:
                playing.take(outcome, writer)
    except KeyboardInterrupt:
        interrupted = True
    return Played(playing.progress, playing.gatherers, playing.together(), interrupted, compile_seconds)


@dataclass(frozen=True)
class _Workers:
    """Who plays the tasks: as the protocols prefer, unless `joblib.parallel_config` says otherwise."""

    n_jobs: int
    prefer: str
    shared: bool
    device: bool
    alone: bool

    @classmethod
    def of(cls, jobs: Sequence[Job], groups: list[list[Task]], n_jobs: int | None) -> _Workers:
        """Find out for some jobs, their tasks, and the number of threads or processes that the user asks for.

        Raises
        ------
        InvalidArgument
            If `joblib.parallel_config` names a backend that cannot do it.
        """
        prefer = "processes" if any(job.protocol.prefer == "processes" for job in jobs) else "threads"
        device = any(on_device(job.backend) for job in jobs)
        if device:
            from .fitting import streams

            n_jobs = streams([[(jobs[task.job], task.n_runs) for task in group] for group in groups], n_jobs)
        backend, n_jobs = workers(n_jobs, prefer)
        shared, in_time = (getattr(backend, f"supports_{name}", False) for name in ("sharedmem", "return_generator"))
        # a pool for one thread would cost more than a short simulation
        alone = shared and (n_jobs == 1 or len(groups) == 1)
        if groups and not alone and not in_time:
            raise InvalidArgument(
                "joblib.parallel_config names a backend that returns no results while it plays; allowed: 'threading', "
                "'loky', 'dask', and others that do (supports_return_generator)"
            )
        return cls(n_jobs, prefer, shared, device, alone)


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
            for first_run, values, seconds in self.store.read(job):
                if first_run > ends[k]:
                    gaps.append((ends[k], first_run))
                    self._note_gap(ends[k])
                # what cannot be taken yet is read again in its turn, and found
                waits = bool(gaps) and self.gatherer(k).in_order
                waits = waits or (self._in_step is not None and self._in_step.waits_for_gap(first_run))
                if waits and self.store.path(job, first_run, len(values)).exists():
                    tasks.append(Task(k, first_run, len(values)))
                else:
                    self._gather(k, first_run, values, seconds)
                ends[k] = first_run + len(values)
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
        from .fitting import shared_launches

        places = shared_launches([(self.jobs[task.job], task.n_runs) for task in tasks])
        return [[tasks[k] for k in group] for group in places]

    def compile(self, groups: list[list[Task]], names: Sequence[str], workers: _Workers) -> None:
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

    def take(self, outcome: Outcome, writer: Writer) -> None:
        """Gather and store what a task returned."""
        task, values, seconds = outcome.task, outcome.values, outcome.seconds
        job, mine = self.jobs[task.job], self.progress[task.job]
        mine.failure = mine.failure or outcome.failure
        self.company |= writer.was_there
        if outcome.found and self.store is not None:  # another process finished it meanwhile
            values, seconds = self.store.read_chunk(job, task.first_run, task.n_runs)
            if values is None:
                batch = job.batch(task.first_run, task.n_runs)
                (values,) = played([(job.environment, job.policy, batch)], unwatched)
                writer.write(job, task.first_run, values, seconds)
        elif values is not None:
            writer.write(job, task.first_run, values, seconds)
        if values is not None and not mine.failure:
            self._gather(task.job, task.first_run, values, seconds)
        self._tell(task.job)

    def gatherer(self, k: int) -> Gatherer:
        """Return what takes a job's metrics."""
        found = self.gatherers[k]
        if found is None:
            found = self.gatherers[k] = self._make(self.jobs[k])
        return found

    def _gather(self, k: int, first_run: int, values: NDArray[np.float64], seconds: float) -> None:
        with at_once():
            self.progress[k].done[first_run] = len(values)
            if self._in_step is None:
                self.gatherer(k).add(first_run, values)
            else:
                self._in_step.add(k, first_run, values)
        self.progress[k].seconds += seconds
        self.bar.add(len(values) * self.jobs[k].horizon)

    def _tell(self, k: int) -> None:
        """Say that a job has ended, once."""
        job, mine = self.jobs[k], self.progress[k]
        over = mine.failure or mine.first_gap == job.first_run + job.n_runs
        if not over or mine.told:
            return
        mine.told = True
        if self.store is not None:
            self.store.write_failure(job, mine.failure)
        if self._ended is not None:
            self._ended(k, mine, self.gatherers[k])
            self.gatherers[k] = None


def _in_turn(playing: _Playing, groups: list[list[Task]], width: int) -> Iterator[list[Task]]:
    """Yield what is played at a time in order; once in company, stretches of it in any order.

    Processes that go through the same tasks in the same order play each of them at the same time.
    """
    waiting = deque(groups)
    while waiting:
        stretch = [waiting.popleft() for _ in range(min(width if playing.company else 1, len(waiting)))]
        yield from sorted(stretch, key=lambda _: secrets.randbits(32))


def _outcomes(playing: _Playing, groups: list[list[Task]], workers: _Workers) -> Generator[Outcome]:
    """Yield outcomes as tasks finish."""
    from joblib import Parallel, delayed

    jobs, store = playing.jobs, playing.store
    n_jobs, shared, alone = workers.n_jobs, workers.shared, workers.alone
    stop = threading.Event()
    # Threads wait when they are far ahead of what is gathered and written, or results would pile up.
    room = threading.Semaphore(AHEAD * n_jobs) if shared and not alone else None

    def called(task: Task) -> Call:
        job = jobs[task.job]
        stored = None if store is None else str(store.path(job, task.first_run, task.n_runs))
        world = job.environment
        if isinstance(world, Instances) and not shared:
            world = world.for_runs(task.first_run, task.n_runs)
        return Call(task, world, job.policy, job.batch(task.first_run, task.n_runs), stored)

    # Short tasks share a call. How many is known once some have been played; on a device they are large.
    most = 1 if alone or not shared or workers.device else max(1, len(groups) // (CALLS * n_jobs))
    seconds_a_round = math.inf

    def calls() -> Iterator[tuple[Any, ...]]:
        signals = (stop, room) if shared else (None, None)
        together: list[list[Call]] = []
        rounds = 0
        for group in _in_turn(playing, groups, AHEAD * n_jobs):
            left = [called(task) for task in group if not playing.progress[task.job].failure]
            if left:
                together.append(left)
                rounds += sum(jobs[call.task.job].horizon * call.task.n_runs for call in left)
                if len(together) >= most or rounds * seconds_a_round >= CALL_SECONDS:
                    yield together, *signals, playing.keep_going
                    together, rounds = [], 0
        if together:
            yield together, *signals, playing.keep_going

    if alone:
        for call in calls():
            yield from simulate_all(*call)
        return
    if not groups:
        return
    where = {"require": "sharedmem"} if workers.device else {"prefer": workers.prefer}  # one process owns the device
    parallel = Parallel(n_jobs=min(n_jobs, len(groups)), return_as="generator_unordered", batch_size=1, **where)
    finished = parallel(delayed(simulate_all)(*call) for call in calls())
    try:
        for outcomes in finished:
            rounds = sum(jobs[o.task.job].horizon * o.task.n_runs for o in outcomes if o.seconds > 0.0)
            if rounds:
                seconds_a_round = sum(o.seconds for o in outcomes) / rounds
            yield from outcomes
            if room is not None:
                room.release()
    except BaseException:
        stop.set()  # first, as closing waits for the tasks under way
        raise
    finally:
        with warnings.catch_warnings():
            # after an interruption joblib says that results are left over: they are, and the caller is told
            warnings.filterwarnings("ignore", category=UserWarning, module="joblib")
            warnings.filterwarnings("ignore", category=UserWarning, message=r"\d+ tasks")
            finished.close()
