"""Compiling in several processes: Numba compiles one kernel at a time in a process, whatever its threads.

The processes put what they compile into the cache on disk, where this one finds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .components import with_nested
from .fingerprint import is_ours
from .jobs import Job
from .kernels import component_types, kept
from .machines import Processor

WORTH_PROCESSES = 4
"""Kernels below which processes, which take a second to start, gain nothing."""


class _Asks(Processor):
    """A machine that plays nothing, and notes which kernels would have to be compiled."""

    def __init__(self, precision: str) -> None:
        super().__init__(dry=True, precision=precision)
        self.missing: set[tuple[Any, ...]] = set()

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return what does nothing."""
        if not kept(function, *components):
            self.missing.add((function, *(t for component in components for t in component_types(component))))
        return _nothing


def _nothing(*_arguments: Any) -> None:
    """Do nothing."""


def compile_ahead(jobs: Sequence[Job], n_jobs: int, say: Callable[[str], None]) -> None:
    """Compile what jobs need and no cache holds in at most `n_jobs` processes, if there is enough of it.

    Whatever goes wrong goes wrong again, and is told, where a kernel is asked for.
    """
    waiting: dict[frozenset[tuple[Any, ...]], Job] = {}
    for job in jobs:
        parts = (*with_nested(job.environment), *with_nested(job.policy))
        # other processes can import the package's classes, and not those of a notebook
        if job.backend == "cpu" and all(is_ours(type(part).__module__) for part in parts):
            waiting.setdefault(_missing(job), job)
    waiting.pop(frozenset(), None)
    n_processes = min(n_jobs, len(waiting))
    if n_processes < 2 or len(waiting) < WORTH_PROCESSES:
        return
    # not joblib.Parallel, whose processes stay, with their memory, for minutes
    from joblib.externals.loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(n_processes)
    try:
        for done, _ in enumerate(pool.map(_compile, waiting.values())):
            say(f"compiling {len(waiting)} kernels in {n_processes} processes, {done + 1} done")
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _missing(job: Job) -> frozenset[tuple[Any, ...]]:
    """Return the kernels that a job would have to compile."""
    asks = _Asks(job.precision)
    # where a kernel does nothing, what calls it may find what it cannot work with
    with contextlib.suppress(Exception):
        job.protocol.warm_up(job.environment, job.policy, replace(job.batch(job.first_run, 1), on=asks))
    return frozenset(asks.missing)


def _compile(job: Job) -> None:
    with contextlib.suppress(Exception):  # the calling process meets it too, and says so
        job.protocol.warm_up(job.environment, job.policy, job.batch(job.first_run, 1))
