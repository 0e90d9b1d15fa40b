"""Compiling in several processes: Numba compiles one kernel at a time in a process, whatever its threads.

The processes put what they compile into the cache on disk, where this one finds it. They are plain interpreters at the
ends of pipes and not a pool of `joblib` or `concurrent.futures`: an interrupted pool was seen to wait forever, and
pools need semaphores, which some machines do not have, cannot be used everywhere, and outlive a process that is killed.
These end when their pipe does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any

import numba

from ..machines import Processor
from ..origin import is_ours
from ..playing.jobs import Job
from .kernels import classes_of, kept

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

WORTH_PROCESSES = 4
"""With fewer kernels, processes gain nothing, as they take a second to start."""


class _Asks(Processor):
    """A machine that plays nothing, and notes which kernels would have to be compiled."""

    def __init__(self, precision: str) -> None:
        super().__init__(dry=True, precision=precision)
        self.missing: set[tuple[Any, ...]] = set()

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return a function that does nothing."""
        if not kept(function, *components):
            self.missing.add((function, *classes_of(components)))
        return _nothing


def _nothing(*_arguments: Any) -> None:
    """Do nothing."""


def compile_ahead(jobs: Sequence[Job], n_jobs: int, say: Callable[[str], None]) -> None:
    """Compile what jobs need and no cache holds in at most `n_jobs` processes, if there is enough of it.

    Whatever goes wrong goes wrong again, and is reported, where a kernel is asked for. A process that is itself one of
    several starts none: its siblings may be asked for the same kernels.
    """
    if n_jobs < 2 or len(jobs) < WORTH_PROCESSES or parent_process() is not None:
        return
    waiting: dict[frozenset[tuple[Any, ...]], Job] = {}
    for job in jobs:
        # other processes can import the package's classes, but not those of a notebook
        if job.backend == "cpu" and all(is_ours(type(part).__module__) for part in job.parts):
            waiting.setdefault(missing_kernels(job), job)
    waiting.pop(frozenset(), None)
    if len(waiting) >= WORTH_PROCESSES:
        with contextlib.suppress(Exception):  # no process can be made, or what is in a job cannot be sent to one
            _in_processes(waiting.values(), min(n_jobs, len(waiting)), say)


def _in_processes(jobs: Iterable[Job], n_processes: int, say: Callable[[str], None]) -> None:
    """Give each process a job whenever it is ready, until no job or no process is left."""
    from multiprocessing.connection import wait

    waiting, done = deque(jobs), 0
    n_kernels = len(waiting)
    with contextlib.ExitStack() as stack:
        busy: list[Any] = [stack.enter_context(_process()) for _ in range(n_processes)]
        while busy:
            process: Any
            for process in wait(busy):
                try:
                    done += process.recv()
                    process.send(waiting.popleft())
                except (EOFError, OSError, IndexError):  # it was killed, or no job is left
                    busy.remove(process)
            say(f"compiling {n_kernels} kernels in {n_processes} processes, {done} done")


_SERVE = """
import sys
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:] = connection.recv()
from banditlab.core.compiling.ahead import serve
serve(connection)
"""


@contextlib.contextmanager
def _process() -> Iterator[Connection]:
    """Start another interpreter that runs `serve`; give the pipe to it, and end it afterwards, whatever it does."""
    from multiprocessing import Pipe

    ours, theirs = Pipe()
    with ours:
        with theirs:
            end = theirs.fileno()
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVE, str(end)],
                pass_fds=[end],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"NUMBA_CACHE_DIR": numba.config.CACHE_DIR},  # which can be set in the program
                process_group=0,  # Ctrl-C is for this process alone
            )
        try:
            ours.send(sys.path)
            yield ours
        finally:
            process.kill()
            process.wait()


def serve(connection: Connection) -> None:
    """Compile what comes, and say how many kernels that was, until nothing comes: what the processes run."""
    done = 0
    with contextlib.suppress(EOFError, OSError):  # the other end is closed
        while True:
            connection.send(done)
            with contextlib.suppress(AttributeError, ImportError):  # a field may hold a function of a notebook
                _compile(connection.recv())
            done = 1


def missing_kernels(job: Job) -> frozenset[tuple[Any, ...]]:
    """Return the kernels that a job would have to compile."""
    asks = _Asks(job.precision)
    # where a kernel does nothing, its caller may find results that it cannot work with
    with contextlib.suppress(Exception):
        job.protocol.warm_up(job.environment, job.policy, replace(job.batch(job.first_run, 1), on=asks))
    return frozenset(asks.missing)


def _compile(job: Job) -> None:
    with contextlib.suppress(Exception):  # the calling process meets it too, and reports it
        job.protocol.warm_up(job.environment, job.policy, job.batch(job.first_run, 1))
