"""What fits on a CUDA device: how many runs a chunk has, which cells share a launch, how many play at a time."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DeviceError
from ..machines import REGISTERS, device_number, on_device, with_lanes
from ..protocol import unwatched
from . import cuda
from .launch import LanesApart

SHARE = 0.8
"""Share of the free memory that chunks may take."""

MOST_RUNS = 1 << 20
"""Most runs of a chunk: an interruption loses the chunk under way."""

FEW_RUNS = 1 << 16
"""Chunks with fewer runs leave a device idle: those that are alike share a launch, up to this many runs in all."""

MOST_CELLS = 256
"""Most cells that share a launch: each takes a thread of the processor while it is prepared."""

STREAMS = 4
"""Launches that share the memory; this many are under way at a time, more if they are smaller."""

MOST_STREAMS = 32
"""Most launches under way at a time: small cells that are not alike fill a device together."""

MOST_THREADS = STREAMS * MOST_CELLS
"""Threads of the processor that prepare the cells of all launches under way."""


@dataclass(frozen=True)
class Measured:
    """What a job takes on a device, and what it is like.

    Attributes
    ----------
    bytes_a_run, bytes_a_cell : int
        Memory per run, and memory for everything that has no lanes.
    likeness : hashable
        What jobs must have in common to share launches: kernels, and the shapes and types of their arguments.
    """

    bytes_a_run: int
    bytes_a_cell: int
    likeness: Hashable


class _Ruler(LanesApart):
    """Measures what a job takes, on one lane and no round."""

    def __init__(self, precision: str) -> None:
        super().__init__(dry=True, precision=precision)
        self.bytes_a_run = self.bytes_a_cell = 0
        self.launches: list[Hashable] = []

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return what measures the arguments of a kernel."""

        def measure(*arguments: Any) -> None:
            names = inspect.signature(function).parameters
            laned = (*with_lanes(function), *REGISTERS)
            given = dict(zip(names, arguments, strict=True))
            self.bytes_a_run = max(self.bytes_a_run, _n_bytes(tuple(given[name] for name in laned)) + 8)
            self.bytes_a_cell += _n_bytes(tuple(given[name] for name in names if name not in (*laned, "scratch")))
            shapes = self.shapes(function, arguments)
            self.launches.append((function, shapes, tuple(_likeness(value) for value in arguments)))

        return measure


def _n_bytes(value: Any) -> int:
    return sum(map(_n_bytes, value)) if isinstance(value, tuple) else int(np.asarray(value).nbytes)


def _likeness(value: Any) -> Hashable:
    """Return what an argument has in common with those of cells with which it can share a launch."""
    if isinstance(value, tuple):
        return type(value), tuple(_likeness(np.asarray(v) if np.isscalar(v) else v) for v in value)
    return (value.dtype.str, value.shape) if isinstance(value, np.ndarray) else value


def measured(job: Any) -> Measured:
    """Return what a job takes: a protocol makes everything for one lane, and plays nothing."""
    ruler = _Ruler(job.precision)
    batch = dataclasses.replace(job.batch(job.first_run, 1), dry=True, on=ruler, reduced=False)
    job.protocol.simulate(job.environment, job.policy, batch, unwatched)
    recorded = 8 * len(job.checkpoints) * len(job.columns)
    a_run = ruler.bytes_a_run + (4 if job.reduced else 1) * recorded  # metrics are copied; their statistics take copies
    alike = type(job.protocol), job.horizon, job.backend, job.precision, job.reduced, tuple(ruler.launches)
    return Measured(a_run, ruler.bytes_a_cell, alike)


def free_bytes(number: int) -> int:
    """Return how much memory CuPy can get on a device, including its reserve; when simulated, 64 MiB.

    The user may have limited it (`CUPY_GPU_MEMORY_LIMIT`, `set_limit`).
    """
    if cuda.simulated():
        return 1 << 26
    with cuda.placed(number):
        pool = cuda.arrays().get_default_memory_pool()
        free, _ = cuda.arrays().cuda.runtime.memGetInfo()
        free, limit = free + pool.free_bytes(), pool.get_limit()
        return int(min(free, max(0, limit - pool.used_bytes())) if limit else free)


def runs_that_fit(job: Any) -> int:
    """Return how many runs of a job a chunk can have on its device, a power of two; raise if not even one fits.

    Sketches of quantiles depend slightly on chunks, so a little more or less free memory must change nothing.
    """
    each = job.measured.bytes_a_run
    free = int(SHARE * free_bytes(device_number(job.backend)) / STREAMS)
    if each > free:
        raise DeviceError(
            f"{job.policy!r} on {job.environment!r} takes {each:,} bytes a run, and {job.backend} has room for "
            f"{free:,}; allowed: a smaller horizon, fewer arms or checkpoints, precision='single', or backend='cpu'"
        )
    fit: int = min(free // each, MOST_RUNS)
    return 1 << (fit.bit_length() - 1)


def _room_for_tables(backend: str) -> float:
    """Return the bytes that cells' tables and parameters may take in a launch, of the memory that runs leave free."""
    return (1.0 - SHARE) * free_bytes(device_number(backend)) / MOST_STREAMS


def shared_launches(chunks: Sequence[tuple[Any, int]]) -> list[list[int]]:
    """Return which chunks, each a job and a number of runs, are played together: their places, group by group.

    Chunks that leave a device idle share launches with similar ones, as many as fill it and as its memory has room for.
    Chunks on the processor are played one by one.
    """
    groups: list[list[int]] = []
    room = functools.cache(_room_for_tables)
    filling: dict[Hashable, tuple[list[int], int, int]] = {}  # the group, its runs, its bytes of tables
    for k, (job, n_runs) in enumerate(chunks):
        if not on_device(job.backend) or n_runs >= FEW_RUNS:
            groups.append([k])
            continue
        group, runs, tables = filling.get(job.measured.likeness, ([], 0, 0))
        runs, tables = runs + n_runs, tables + job.measured.bytes_a_cell
        full = runs > min(FEW_RUNS, job.chunk) or tables > room(job.backend) or len(group) == MOST_CELLS
        if full or not group:
            group, runs, tables = [], n_runs, job.measured.bytes_a_cell
            groups.append(group)
        group.append(k)
        filling[job.measured.likeness] = group, runs, tables
    return groups


def streams(groups: Sequence[Sequence[tuple[Any, int]]], n_jobs: int | None) -> int:
    """Return how many launches are under way at a time: as many as asked for, or as fill the device, memory allowing.

    Parameters
    ----------
    groups : sequence
        Chunks that share launches: a job and a number of runs each.
    n_jobs : int or None
        What the user asks for.
    """
    if n_jobs is not None:
        return STREAMS if n_jobs < 0 else min(n_jobs, STREAMS)
    there = [group for group in groups if on_device(group[0][0].backend)]  # others may play on the processor
    if any(n_runs >= FEW_RUNS for group in there for _, n_runs in group):
        return 2  # each fills the device: one is prepared, or its statistics are taken, while the other plays
    rooms = [min(FEW_RUNS, STREAMS * group[0][0].chunk) // sum(n_runs for _, n_runs in group) for group in there]
    rooms += [MOST_THREADS // len(group) for group in there]
    return max(STREAMS, min([*rooms, MOST_STREAMS]))
