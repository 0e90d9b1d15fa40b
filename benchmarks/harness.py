"""Timing: alternated repetitions on one core, and what is written down beside them."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, and garbage collection off, for as long as the block lasts."""
    pin = hasattr(os, "sched_setaffinity")
    before = os.sched_getaffinity(0) if pin else set()
    collecting = gc.isenabled()
    if pin:
        os.sched_setaffinity(0, {max(before)})
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        if pin:
            os.sched_setaffinity(0, before)


@dataclass
class Contender:
    """One way of doing a case's work.

    Attributes
    ----------
    name : str
        Its row in the table.
    play : callable
        Called with the number of runs, plays them and returns the regret of each.
    n_runs : int
        Runs a repetition; slow ways play fewer.
    """

    name: str
    play: Callable[[int], Any]
    n_runs: int


@dataclass
class Measured:
    """What the repetitions of a contender gave: wall and processor nanoseconds a round, and regrets."""

    name: str
    rounds: int
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    regret: float = float("nan")
    error: float = float("nan")

    @property
    def ns(self) -> float:
        """Median wall nanoseconds a round."""
        return statistics.median(self.wall)

    @property
    def share(self) -> float:
        """Median share of the core that it had: below 1 if other processes took some."""
        return statistics.median(p / w for p, w in zip(self.processor, self.wall, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return everything for the JSON file."""
        return {
            "name": self.name,
            "rounds_a_sample": self.rounds,
            "ns_a_round": self.ns,
            "rounds_a_second": 1e9 / self.ns,
            "core_share": self.share,
            "mean_regret": self.regret,
            "standard_error": self.error,
            "wall_ns_a_round_samples": self.wall,
            "processor_ns_a_round_samples": self.processor,
        }


def alternate(contenders: list[Contender], horizon: int, repetitions: int) -> list[Measured]:
    """Time contenders in turn (A, B, C, A, B, C, ...) on one core, each after a call that is not counted.

    Taking turns spreads whatever else the machine does over all of them.
    """
    found = [Measured(c.name, c.n_runs * horizon) for c in contenders]
    with one_core():
        for contender, measured in zip(contenders, found, strict=True):
            regrets = np.asarray(contender.play(contender.n_runs), dtype=float)
            measured.regret = float(regrets.mean())
            measured.error = float(regrets.std(ddof=1) / np.sqrt(len(regrets)))
        for _ in range(repetitions):
            for contender, measured in zip(contenders, found, strict=True):
                wall, processor = time.perf_counter_ns(), time.thread_time_ns()
                contender.play(contender.n_runs)
                processor, wall = time.thread_time_ns() - processor, time.perf_counter_ns() - wall
                measured.wall.append(wall / measured.rounds)
                measured.processor.append(processor / measured.rounds)
    return found


def in_subprocess(code: str, *arguments: str, environment: dict[str, str] | None = None) -> tuple[str, float]:
    """Run Python code in a new process; return what it printed, and the seconds from start to end."""
    merged = os.environ | (environment or {})
    merged["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [merged.get("PYTHONPATH")])])
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=merged, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"a benchmark's process failed:\n{done.stderr}")
    return done.stdout, seconds


def machine() -> dict[str, Any]:
    """Return what ran this: processor, caches, memory, load, versions, date."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "caches_of_core_0": _caches(),
        "memory_bytes": _memory(),
        "platform": platform.platform(),
        "load_average": list(os.getloadavg()),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("banditlab-sim", "numpy", "scipy", "numba", "llvmlite")},
        "commit": _output("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _caches() -> dict[str, str]:
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        with contextlib.suppress(OSError):
            level, kind, size = ((folder / n).read_text().strip() for n in ("level", "type", "size"))
            found[f"L{level} {kind.lower()}"] = size
    return found


def _memory() -> int | None:
    with contextlib.suppress(ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
