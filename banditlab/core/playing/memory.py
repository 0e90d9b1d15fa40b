"""How much memory this process may have, and whether the results of jobs fit into it.

It may have the machine's, or less in a container, a Slurm job or under `ulimit -v`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import InvalidArgument
from ..results.statistics import QUANTILES, gathering_bytes
from .jobs import Job

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
UNLIMITED = 2**62
"""A limit this large means none: version 1 reports the largest multiple of a page."""

NUMBERS_OF_A_SUMMARY = 4 + len(QUANTILES)
"""What `results.statistics.Statistics` holds for each metric and checkpoint: two moments, two extremes, quantiles."""


def memory_limit() -> int | None:
    """Return the bytes that this process may have; None if that is unknown, as on Windows."""
    limits = [limit for limit in (*_physical(), *_of_groups(), *_of_process()) if 0 < limit < UNLIMITED]
    return min(limits, default=None)


def _physical() -> Iterator[int]:
    try:
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return


def _of_groups() -> Iterator[int]:
    """Go through the limits of this process's control group, in both versions of Linux's, and of the groups above it.

    In a container, the group's path can be the host's, which does not exist there; then its own is the topmost.
    """
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top, name = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            try:
                yield int((top / folder / name).read_text())
            except (OSError, ValueError):  # not there, or 'max'
                continue


def _of_process() -> Iterator[int]:
    try:
        import resource
    except ImportError:
        return
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        yield soft


def result_bytes(jobs: Iterable[Job], keep: str) -> int:
    """Return the memory that the results of jobs take."""
    return sum(
        8 * len(job.columns) * len(job.checkpoints) * (job.n_runs if keep == "runs" else NUMBERS_OF_A_SUMMARY)
        for job in jobs
    )


def require_memory(jobs: Iterable[Job], keep: str, *, together: bool = False) -> None:
    """Raise if the results of jobs take more memory than this process may have: hours later it would be too late.

    With keep='summary', those of jobs that are gathered `together`, as by `run`, take more until all have ended.
    """
    there = memory_limit()
    if there is None:
        return
    jobs = list(jobs)
    needed, instead = result_bytes(jobs, keep), ""
    if keep == "runs":
        instead = ", or keep='summary', which keeps no runs"
    elif together:
        needed += sum(len(job.columns) * len(job.checkpoints) * gathering_bytes(job.n_runs) for job in jobs)
        instead = ", or a sweep, whose cells end one by one"
    if needed > there:
        raise InvalidArgument(
            f"n_runs is {max(job.n_runs for job in jobs):,}, whose results take {_gigabytes(needed)} with "
            f"keep={keep!r}; allowed: what fits into the {_gigabytes(there)} that this process may have (fewer runs, "
            f"checkpoints or metrics{instead})"
        )


def _gigabytes(n: float) -> str:
    return f"{n / 1e9:,.0f} GB" if n >= 1e10 else f"{n / 1e9:.2g} GB"
