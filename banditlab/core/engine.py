"""Playing jobs: chunks of runs, in parallel, gathered in any order, and stored as they finish.

`run` and `sweep` say what is to be played (a list of `Job`); this module plays it. Data flows one way: jobs are cut
into tasks, joblib plays the tasks wherever it is told to, and what they return goes to each job's gatherer and to
the store, both in the calling process.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .progress import Progress
from .protocol import Batch

if TYPE_CHECKING:
    from .store import Store

CHUNK = 128
"""Runs that one task plays in lockstep: their state fits the second-level cache, and the loops over lanes are long."""


@dataclass(frozen=True)
class Job:
    """Runs of one policy on one environment: a cell of the results.

    Attributes
    ----------
    environment, policy : components
        Who plays what.
    horizon : int
        Rounds a run.
    checkpoints : int64 array
        The rounds after which metrics are recorded.
    columns : tuple of str
        The metrics, as the protocol names them.
    first_run, n_runs : int
        The runs.
    seed : int
        Of the experiment.
    compiled : bool
        False plays as plain Python.
    """

    environment: Any
    policy: Any
    horizon: int
    checkpoints: NDArray[np.int64]
    columns: tuple[str, ...]
    first_run: int
    n_runs: int
    seed: int
    compiled: bool

    @property
    def protocol(self) -> Any:
        """The protocol that plays it."""
        return self.policy.family.protocol

    @property
    def rounds(self) -> int:
        """Rounds in all."""
        return self.n_runs * self.horizon

    def batch(self, first_run: int, n_runs: int) -> Batch:
        """Return what a protocol needs to play some of the runs."""
        return Batch(first_run, n_runs, self.horizon, self.checkpoints, self.columns, self.seed, self.compiled)

    def chunks(self, first_run: int, end: int) -> list[tuple[int, int]]:
        """Return (first run, number of runs) of chunks that cover a range; they start at multiples of their size."""
        size = self.protocol.chunk or CHUNK
        edges = [first_run, *range((first_run // size + 1) * size, end, size), end]
        return [(a, b - a) for a, b in pairwise(edges) if b > a]


class Gatherer(ABC):
    """Takes the metrics of a job's runs as they come, in any order."""

    @abstractmethod
    def add(self, first_run: int, values: NDArray[np.float64]) -> None:
        """Take the metrics of consecutive runs: one table (metric, checkpoint) a run."""


class EveryRun(Gatherer):
    """Keeps every run."""

    def __init__(self, job: Job) -> None:
        self._first_run = job.first_run
        self.values = {name: np.empty((job.n_runs, len(job.checkpoints))) for name in job.columns}

    def add(self, first_run: int, values: NDArray[np.float64]) -> None:
        """Copy the metrics to their place."""
        row = first_run - self._first_run
        for column, table in enumerate(self.values.values()):
            table[row : row + len(values)] = values[:, column, :]


@dataclass
class Progressed:
    """How far a job is.

    Attributes
    ----------
    seconds : float
        Time that its simulation took, summed over threads; what came from the store counts as it took then.
    done : dict from int to int
        Chunks that have finished: first run, number of runs.
    stored : int
        Runs that came from the store.
    failure : str
        The traceback of what went wrong; empty if nothing did.
    told : bool
        Whether it was reported as ended.
    """

    seconds: float = 0.0
    done: dict[int, int] = field(default_factory=dict)
    stored: int = 0
    failure: str = ""
    told: bool = False

    def finished_from(self, first_run: int) -> int:
        """Return how many runs have finished, counted from the first up to the first gap."""
        end = first_run
        while end in self.done:
            end += self.done[end]
        return end - first_run


@dataclass(frozen=True)
class Played:
    """What `play` has done.

    Attributes
    ----------
    progress : list of Progressed
        How far each job is.
    interrupted : bool
        Whether the user stopped it.
    compile_seconds : float
        Time that compiling took.
    """

    progress: list[Progressed]
    interrupted: bool
    compile_seconds: float


class _Writer:
    """Writes chunks to a store beside the simulation: flushing a file to the disk takes as long as a million rounds."""

    QUEUE = 32
    """Chunks that may wait to be written; then the simulation waits for the disk."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(1) if store is not None else None
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def write(self, job: Job, first_run: int, values: NDArray[np.float64], seconds: float) -> None:
        """Let a chunk be written; raise what writing an earlier one raised."""
        if self._pool is None or self._store is None:
            return
        self._waiting.append(self._pool.submit(self._store.write, job, first_run, values, seconds))
        while self._waiting and (self._waiting[0].done() or len(self._waiting) > self.QUEUE):
            self._waiting.popleft().result()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Wait until everything is written, whatever ended the simulation."""
        if self._pool is None:
            return
        self._pool.shutdown()
        failures = [found for task in self._waiting if (found := task.exception()) is not None]
        if failures and not isinstance(error, Exception):
            raise failures[0] from error


class _Stopped(Exception):  # noqa: N818 - not an error
    """Raised inside tasks once the run has been interrupted."""


@dataclass(frozen=True)
class _Task:
    job: int
    first_run: int
    n_runs: int


@dataclass(frozen=True)
class _Outcome:
    """What a task returns; no values if it was stopped, was found in the store, or failed."""

    task: _Task
    values: NDArray[np.float64] | None = None
    seconds: float = 0.0
    failure: str = ""
    found: bool = False


def play(
    jobs: Sequence[Job],
    gatherers: Sequence[Gatherer],
    *,
    n_jobs: int | None,
    bar: Progress,
    store: Store | None = None,
    runs_first: bool = False,
    keep_going: bool = False,
    names: Sequence[str] = (),
    ended: Callable[[int, Progressed], None] = lambda _, __: None,
) -> Played:
    """Play jobs; return how far each is.

    Parameters
    ----------
    jobs, gatherers : sequences of the same length
        What to play, and who takes the metrics.
    n_jobs : int or None
        Threads or processes; None for all cores, or what `joblib.parallel_config` says.
    bar : Progress
        Told what is going on.
    store : Store, optional
        Runs that it holds are read from it; others are written to it.
    runs_first : bool
        Whether to go through all jobs chunk by chunk, so that all have the same runs when interrupted, rather than
        job by job.
    keep_going : bool
        Whether a job that fails ends alone, its traceback kept; otherwise its error is raised.
    names : sequence of str
        What the bar calls the jobs while they are compiled.
    ended : callable
        Told the number of each job that has failed or whose last run is done, once, and how far it is.
    """
    progress = [Progressed() for _ in jobs]
    interrupted, compile_seconds = False, 0.0
    try:
        tasks = _missing(jobs, gatherers, progress, store, bar)
        started = time.perf_counter()
        _compile(jobs, tasks, progress, bar, keep_going, names)
        compile_seconds = time.perf_counter() - started
        if runs_first:
            tasks.sort(key=lambda task: task.first_run)  # stable: jobs keep their order
        for k in range(len(jobs)):
            _tell(k, jobs, progress, ended)
        bar.say("playing")
        with closing(_outcomes(jobs, tasks, progress, n_jobs, store, keep_going)) as outcomes, _Writer(store) as writer:
            for outcome in outcomes:
                _take(outcome, jobs, gatherers, progress, store, writer, bar)
                _tell(outcome.task.job, jobs, progress, ended)
    except KeyboardInterrupt:
        interrupted = True
    return Played(progress, interrupted, compile_seconds)


def _tell(k: int, jobs: Sequence[Job], progress: list[Progressed], ended: Callable[[int, Progressed], None]) -> None:
    mine = progress[k]
    over = mine.failure or mine.finished_from(jobs[k].first_run) == jobs[k].n_runs
    if over and not mine.told:
        mine.told = True
        ended(k, mine)


def _missing(
    jobs: Sequence[Job],
    gatherers: Sequence[Gatherer],
    progress: list[Progressed],
    store: Store | None,
    bar: Progress,
) -> list[_Task]:
    """Gather what the store holds, and return the tasks for the rest."""
    tasks = []
    for k, (job, gatherer) in enumerate(zip(jobs, gatherers, strict=True)):
        gaps = [(job.first_run, job.first_run + job.n_runs)]
        if store is not None:
            bar.say("reading the store")
            gaps = []
            end = job.first_run
            for first_run, values, seconds in store.read(job):
                if first_run > end:
                    gaps.append((end, first_run))
                gatherer.add(first_run, values)
                _note(progress[k], first_run, len(values), seconds)
                progress[k].stored += len(values)
                bar.add(len(values) * job.horizon)
                end = first_run + len(values)
            if end < job.first_run + job.n_runs:
                gaps.append((end, job.first_run + job.n_runs))
        tasks += [_Task(k, first, n) for gap in gaps for first, n in job.chunks(*gap)]
    return tasks


def _note(progress: Progressed, first_run: int, n_runs: int, seconds: float) -> None:
    progress.done[first_run] = n_runs
    progress.seconds += seconds


def _compile(
    jobs: Sequence[Job],
    tasks: list[_Task],
    progress: list[Progressed],
    bar: Progress,
    keep_going: bool,
    names: Sequence[str],
) -> None:
    for k in dict.fromkeys(task.job for task in tasks):
        job = jobs[k]
        if not job.compiled:
            continue
        bar.say(f"compiling {names[k] if names else job.policy.label} on {type(job.environment).__name__}")
        try:
            job.protocol.warm_up(job.environment, job.policy, job.batch(job.first_run, 1))
        except Exception:  # a user's code can raise anything
            if not keep_going:
                raise
            progress[k].failure = traceback.format_exc()


def _take(
    outcome: _Outcome,
    jobs: Sequence[Job],
    gatherers: Sequence[Gatherer],
    progress: list[Progressed],
    store: Store | None,
    writer: _Writer,
    bar: Progress,
) -> None:
    """Gather and store what a task returned."""
    task = outcome.task
    job, mine = jobs[task.job], progress[task.job]
    values, seconds = outcome.values, outcome.seconds
    if outcome.failure:
        mine.failure = mine.failure or outcome.failure
        if store is not None:
            store.write_failure(job, outcome.failure)
        return
    if outcome.found and store is not None:
        # another process finished it meanwhile
        values, seconds = store.read_chunk(job, task.first_run, task.n_runs)
        if values is None:
            values = job.protocol.simulate(job.environment, job.policy, job.batch(task.first_run, task.n_runs), _ignore)
            writer.write(job, task.first_run, values, seconds)
    elif values is not None:
        writer.write(job, task.first_run, values, seconds)
    if values is None or mine.failure:
        return
    gatherers[task.job].add(task.first_run, values)
    _note(mine, task.first_run, task.n_runs, seconds)
    bar.add(task.n_runs * job.horizon)


def _ignore(rounds: int) -> None:
    """Do nothing."""


def _simulate(
    task: _Task,
    environment: Any,
    policy: Any,
    batch: Batch,
    stop: threading.Event | None,
    stored: str | None,
    keep_going: bool,
) -> _Outcome:
    """Play a task: what joblib calls, in a thread, a process, or on another machine."""

    def watch(rounds: int) -> None:
        if stop is not None and stop.is_set():
            raise _Stopped

    if stored is not None and os.path.exists(stored):
        return _Outcome(task, found=True)
    started = time.perf_counter()
    try:
        values = policy.family.protocol.simulate(environment, policy, batch, watch)
    except _Stopped:
        return _Outcome(task)
    except Exception:
        if not keep_going:
            raise
        return _Outcome(task, failure=traceback.format_exc())
    return _Outcome(task, values, time.perf_counter() - started)


def _outcomes(
    jobs: Sequence[Job],
    tasks: list[_Task],
    progress: list[Progressed],
    n_jobs: int | None,
    store: Store | None,
    keep_going: bool,
) -> Generator[_Outcome]:
    """Yield outcomes as tasks finish: as the protocols prefer, unless `joblib.parallel_config` says otherwise."""
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    prefer = "processes" if any(job.protocol.prefer == "processes" for job in jobs) else "threads"
    backend, configured = get_active_backend(prefer=prefer)
    if n_jobs is None:
        n_jobs = configured if configured not in (None, 1) else os.cpu_count() or 1
    shared = getattr(backend, "supports_sharedmem", False)
    stop = threading.Event()

    def calls() -> Iterator[tuple[Any, ...]]:
        for task in tasks:
            job = jobs[task.job]
            if progress[task.job].failure:
                continue
            stored = None if store is None else str(store.path(job, task.first_run, task.n_runs))
            batch = job.batch(task.first_run, task.n_runs)
            yield task, job.environment, job.policy, batch, stop if shared else None, stored, keep_going

    if shared and (n_jobs == 1 or len(tasks) == 1):
        for call in calls():  # a pool for one thread would cost more than a short simulation
            yield _simulate(*call)
        return
    if not tasks:
        return
    parallel = Parallel(n_jobs=min(n_jobs, len(tasks)), prefer=prefer, return_as="generator_unordered", batch_size=1)
    finished = parallel(delayed(_simulate)(*call) for call in calls())
    try:
        for outcome in finished:  # noqa: UP028 - `yield from` would close it before the warnings are caught
            yield outcome
    except BaseException:
        stop.set()  # first, as closing waits for the tasks under way
        raise
    finally:
        with warnings.catch_warnings():
            # after an interruption joblib says that results are left over: they are, and the caller is told
            warnings.filterwarnings("ignore", category=UserWarning, module="joblib")
            warnings.filterwarnings("ignore", category=UserWarning, message=r"\d+ tasks")
            finished.close()
