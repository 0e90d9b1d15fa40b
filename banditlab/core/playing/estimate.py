"""What an experiment will cost: rounds times nanoseconds, and bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..machines import on_device, placed
from ..protocol import unwatched
from ..validation import count
from .jobs import Job
from .memory import result_bytes
from .workers import workers

if TYPE_CHECKING:
    from ..stores.store import Store

TRIAL_SECONDS = 0.01
"""Each kind of cell is timed on longer and longer runs until one takes this long."""

DEVICE_SECONDS = 0.2
"""The same on a CUDA device, where fixed costs are larger."""


@dataclass(frozen=True)
class Estimate:
    """What an experiment will cost.

    Attributes
    ----------
    n_cells, n_rounds : int
        Cells; rounds of all runs of all cells.
    stored_rounds : int
        How many of these the store has.
    cpu_seconds : float
        Time of the kernels on one core, without the stored rounds.
    seconds : float
        Time on `n_jobs` cores, or on the device, if they are free, without the stored rounds.
    n_jobs : int
        Cores.
    memory_bytes : int
        What the result holds.
    device : str
        The CUDA device, such as 'cuda:0'; empty if everything is played on cores.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> over = {"alpha": [0.5, 2.0]}
    >>> cost = bl.sweep(
    ...     arms.Bernoulli([0.2, 0.8]), arms.UCB1, over, horizon=1000, n_runs=50, seed=0, dry_run=True
    ... )
    >>> cost.n_cells, cost.n_rounds
    (2, 100000)
    """

    n_cells: int
    n_rounds: int
    stored_rounds: int
    cpu_seconds: float
    seconds: float
    n_jobs: int
    memory_bytes: int
    device: str = ""

    def __repr__(self) -> str:
        """Return everything in a few words."""
        rounds, where = f"{self.n_rounds:,} rounds", self.device or count(self.n_jobs, "core")
        if self.stored_rounds == self.n_rounds:
            time_needed = "all in the store"
        else:
            time_needed = f"about {_duration(self.seconds)} on {where}"
            if self.stored_rounds:
                rounds += f", {self.stored_rounds:,} of them in the store"
        return (
            f"<Estimate: {count(self.n_cells, 'cell')}, {rounds}, {time_needed}, "
            f"{self.memory_bytes / 1e6:,.1f} MB of results>"
        )


def estimate(jobs: Sequence[Job], keep: str, n_jobs: int | None, store: Store | None = None) -> Estimate:
    """Return what jobs will cost, without what is stored, after timing one job of each kind for some milliseconds."""
    per_round: dict[Any, float] = {}
    cpu, there, device, stored = 0.0, 0.0, "", 0
    for job in jobs:
        rounds = job.rounds
        if store is not None:
            rounds -= store.n_stored(job) * job.horizon
            stored += job.rounds - rounds
        if rounds == 0:
            continue
        kind = *map(type, job.parts), job.environment.n_arms, job.horizon, job.backend
        if kind not in per_round:
            per_round[kind] = _seconds_a_round(job)
        if on_device(job.backend):
            there, device = there + per_round[kind] * rounds, job.backend
        else:
            cpu += per_round[kind] * rounds
    _, threads = workers(n_jobs)
    rounds = sum(job.rounds for job in jobs)
    return Estimate(len(jobs), rounds, stored, cpu, cpu / threads + there, threads, result_bytes(jobs, keep), device)


def _seconds_a_round(job: Job) -> float:
    """Return the time of a round, measured on a shorter run of one chunk."""
    lanes = min(job.n_runs, job.chunk)
    horizon = min(job.horizon, max(job.environment.n_arms, 50))
    enough, clock = (DEVICE_SECONDS, time.perf_counter) if on_device(job.backend) else (TRIAL_SECONDS, time.thread_time)
    while True:
        trial = replace(job, horizon=horizon, checkpoints=np.array([horizon]), n_runs=lanes)
        with placed(job.backend):
            trial.protocol.warm_up(trial.environment, trial.policy, trial.batch(0, 1))
            started = clock()
            trial.protocol.simulate(trial.environment, trial.policy, trial.batch(0, lanes), unwatched)
            seconds = clock() - started
        if seconds >= enough or horizon == job.horizon:
            return seconds / (lanes * horizon)
        horizon = min(job.horizon, 4 * horizon)


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"
