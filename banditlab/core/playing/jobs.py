"""Jobs: what is to be played, cut into chunks of runs; how far each one is; and what takes the resulting metrics."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..components import with_nested
from ..instances import protocol_of
from ..machines import on_device
from ..protocol import Batch
from ..stores.address import address_of

CHUNK = 128
"""Runs that one task plays in lockstep: their state fits the second-level cache, and loops over lanes are long."""


@dataclass(frozen=True)
class Job:
    """Runs of one policy on one environment: a cell of the results.

    Attributes
    ----------
    environment, policy : components
        Who plays what.
    horizon : int
        Rounds per run.
    checkpoints : int64 array
        The rounds after which metrics are recorded.
    columns : tuple of str
        The metrics, as the protocol names them.
    first_run, n_runs : int
        The runs.
    seed : int
        Seed of the experiment.
    backend : {'cpu', 'python', 'cuda:0', ...}
        Where it is played; see `core.machines`.
    precision : {'double', 'single'}
        How policies' states are stored.
    reduced : bool
        Whether it returns statistics of whole chunks, computed on the device, instead of every run's metrics.
    """

    environment: Any
    policy: Any
    horizon: int
    checkpoints: NDArray[np.int64]
    columns: tuple[str, ...]
    first_run: int
    n_runs: int
    seed: int
    backend: str = "cpu"
    precision: str = "double"
    reduced: bool = False

    @property
    def protocol(self) -> Any:
        """The protocol that plays it."""
        return protocol_of(self.environment, self.policy)

    @property
    def parts(self) -> tuple[Any, ...]:
        """Environment and policy, each followed by the components that are nested in it."""
        return (*with_nested(self.environment), *with_nested(self.policy))

    @functools.cached_property
    def address(self) -> str:
        """Where a store keeps it."""
        return address_of(self)

    @property
    def rounds(self) -> int:
        """Rounds in total."""
        return self.n_runs * self.horizon

    def batch(self, first_run: int, n_runs: int) -> Batch:
        """Return what a protocol needs to play some of the runs."""
        return Batch(
            first_run, n_runs, self.horizon, self.checkpoints, self.columns, self.seed, self.backend, self.precision,
            self.reduced,
        )  # fmt: skip

    @functools.cached_property
    def chunk(self) -> int:
        """How many runs a task plays."""
        if on_device(self.backend):
            from ..devices.fitting import runs_that_fit

            return runs_that_fit(self)
        size, limit = self.protocol.chunk or CHUNK, self.protocol.chunk_rounds
        return int(size if limit is None else max(1, min(size, limit // self.horizon)))

    @functools.cached_property
    def measured(self) -> Any:
        """What it takes on a device: see `core.devices.fitting.Measured`."""
        from ..devices.fitting import measured

        return measured(self)

    def chunks(self, first_run: int, end: int) -> list[tuple[int, int]]:
        """Return (first run, number of runs) of chunks that cover a range; they start at multiples of their size."""
        size = self.chunk
        edges = [first_run, *range((first_run // size + 1) * size, end, size), end]
        return [(a, b - a) for a, b in pairwise(edges) if b > a]


@dataclass(frozen=True)
class Chunk:
    """Consecutive runs of a job that were played, now or by whoever stored them.

    Attributes
    ----------
    first_run : int
        The first of them.
    values : float64 array
        Their metrics: one table (metric, checkpoint) per run; or a device's statistics of them.
    seconds : float
        Processor time that it took.
    told : str
        The warning to give: see `Machine.told`.
    """

    first_run: int
    values: Any
    seconds: float
    told: str = ""

    def runs(self, first: int, stop: int) -> Chunk:
        """Return some of its runs: from one to before another."""
        values = self.values[first - self.first_run : stop - self.first_run]
        return replace(self, first_run=first, values=values, seconds=self.seconds * len(values) / len(self.values))


@dataclass
class Progressed:
    """How far a job is.

    Attributes
    ----------
    first_run : int
        Its first run.
    seconds : float
        Processor time that its simulation took, summed over threads; runs from the store count with their time then.
    done : dict from int to int
        Chunks that have finished: first run, number of runs.
    failure : str
        The traceback of what went wrong; empty if nothing did.
    told : str
        The warning to give to the user: see `Machine.told`.
    reported : bool
        Whether it was reported as ended.
    """

    first_run: int
    seconds: float = 0.0
    done: dict[int, int] = field(default_factory=dict)
    failure: str = ""
    told: str = ""
    reported: bool = False

    def __post_init__(self) -> None:
        """Begin before the first run."""
        self._end = self.first_run

    @property
    def first_gap(self) -> int:
        """The first run that has not finished."""
        while self._end in self.done:
            self._end += self.done[self._end]
        return self._end


class Gatherer(ABC):
    """Takes the metrics of a job's runs as they come, in any order.

    Attributes
    ----------
    in_order : bool
        Whether it must hold back runs until those before them have come.
    """

    in_order: ClassVar[bool] = False

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
