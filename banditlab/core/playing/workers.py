"""Who plays: the threads or processes asked for, else those of `joblib.parallel_config`, else all cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArgument
from ..machines import on_device
from ..validation import integer, invalid
from .jobs import Job
from .tasks import Task


def checked_n_jobs(n_jobs: Any) -> int | None:
    """Return a number of threads as joblib understands it, or raise."""
    if n_jobs is None:
        return None
    if integer()("n_jobs", n_jobs) == 0:
        raise invalid("n_jobs", n_jobs, "a number of threads of at least 1, or negative as in joblib: -1 for all cores")
    return int(n_jobs)


def workers(n_jobs: int | None, prefer: str = "threads") -> tuple[Any, int]:
    """Return joblib's backend, and how many threads or processes a number stands for: -1 is all that may be used."""
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend(prefer=prefer)
    if n_jobs is None:
        _, configured = get_active_backend()  # with a preference it says 1 if nobody chose a number
        n_jobs = -1 if configured is None else configured
    return backend, n_jobs if n_jobs > 0 else int(backend.effective_n_jobs(n_jobs))


@dataclass(frozen=True)
class Workers:
    """Who plays the tasks: as the protocols prefer, unless `joblib.parallel_config` says otherwise.

    Attributes
    ----------
    n_jobs : int
        Threads or processes.
    prefer : {'threads', 'processes'}
        Which of them joblib is asked for.
    shared : bool
        Whether they share memory with the calling thread, and so its jobs, its store and its means to stop them.
    device : bool
        Whether some tasks are played on a CUDA device.
    alone : bool
        Whether the calling thread plays all tasks itself, without joblib.
    """

    n_jobs: int
    prefer: str
    shared: bool
    device: bool
    alone: bool

    @classmethod
    def of(cls, jobs: Sequence[Job], groups: list[list[Task]], n_jobs: int | None) -> Workers:
        """Decide for some jobs, their tasks, and the number of threads or processes that the user asks for.

        Raises
        ------
        InvalidArgument
            If `joblib.parallel_config` names a backend that cannot do it.
        """
        prefer = "processes" if any(job.protocol.prefer == "processes" for job in jobs) else "threads"
        device = any(on_device(job.backend) for job in jobs)
        if device:
            from ..devices.fitting import streams

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
