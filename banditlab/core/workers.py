"""How many threads or processes play: what is asked for, else what `joblib.parallel_config` says, else all cores."""

from __future__ import annotations

from typing import Any

from .validation import integer, invalid


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
        _, configured = get_active_backend()  # with a preference it says 1 where nobody did
        n_jobs = -1 if configured is None else configured
    return backend, n_jobs if n_jobs > 0 else int(backend.effective_n_jobs(n_jobs))
