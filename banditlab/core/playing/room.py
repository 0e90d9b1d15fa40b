"""Whether the results of jobs fit into the memory that this process may have."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InvalidArgument
from ..results.statistics import QUANTILES, gathering_bytes
from .jobs import Job
from .memory import memory_limit

NUMBERS_OF_A_SUMMARY = 4 + len(QUANTILES)
"""What `results.statistics.Statistics` holds for each metric and checkpoint: two moments, two extremes, quantiles."""


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
