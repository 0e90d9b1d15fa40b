"""What is measured besides the races of policies: by name, what was found, and the targets that it is held to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from . import mdps, osra, probes, programs, senders
from .report import Target


class Probed(NamedTuple):
    """What a probe found, its targets, and a table of it with a title, where there is one."""

    found: dict[str, Any]
    targets: list[Target]
    title: str = ""
    table: str = ""


def _programs(quick: bool, repetitions: int) -> Probed:
    found = programs.programs(quick, repetitions)
    targets = [
        Target("one optimal-rule program in a loop", "ms", programs.slowest_loop(found), 1.0, False),
        Target("one optimal-rule program, against CVXPY", "x", programs.smallest_ratio(found), 20.0, True),
    ]
    title = "programs: one optimal rule, 5 beliefs, ms (and times the warm loop)"
    return Probed(found, targets, title, programs.shown(found))


def _senders(quick: bool, repetitions: int) -> Probed:
    found = senders.senders(quick, repetitions)
    title = "senders: the optimal mechanism while estimates change (and times the warm loop)"
    return Probed(found, [], title, senders.shown(found))


def _osra(quick: bool, repetitions: int) -> Probed:
    found = osra.osra(quick, repetitions)
    title = f"osra: 3 actions, 5 beliefs, 2 states, 1 run x {found['horizon']:,} rounds, and shares of its time"
    targets = [
        Target(f"OSRA, {name}, T = {found['horizon']:,}", "s", row["seconds"], 60.0, False)
        for name, row in found["variants"].items()
    ]
    return Probed(found, targets, title, osra.shown(found))


def _mdps(quick: bool, repetitions: int) -> Probed:
    found = mdps.mdps(quick, repetitions)
    title = f"mdps: learning with S = 10, A = 4, H = 6, {found['levels']} levels; planning with S = 100, A = 5, H = 20"
    targets = [
        Target("CVaR-UCBVI, planning in every episode", "episodes/s", mdps.slowest(found), 2_000, True),
        Target("planning for static CVaR, S = 100", "s", found["plan_seconds"], 2.0, False),
    ]
    return Probed(found, targets, title, mdps.shown(found))


def _overhead(quick: bool, repetitions: int) -> Probed:
    found = probes.overhead(quick, repetitions)
    name = f"run's own share of the time, UCB1, K = 10, 1,000 runs x {found['horizon']:,} rounds"
    return Probed(found, [Target(name, "%", 100.0 * found["share"], 15.0, False)])


def _import(quick: bool, repetitions: int) -> Probed:
    found = probes.import_time()
    return Probed(found, [Target("import banditlab", "s", found["seconds"], 0.5, False)])


def _first_result(quick: bool, repetitions: int) -> Probed:
    found = probes.first_result()
    return Probed(found, [Target("a second process's first result", "s", found["seconds"], 1.0, False)])


def _memory(quick: bool, repetitions: int) -> Probed:
    found = probes.memory(quick)
    name = f"peak memory, 10 policies x 1,000 runs x {found['horizon']:,} rounds"
    return Probed(found, [Target(name, "MB", found["peak_bytes"] / 1e6, 500.0, False)])


def _dynamics(quick: bool, repetitions: int) -> Probed:
    found = probes.dynamics(quick)
    name = f"strategic dynamics figure, {found['rounds']:.2g} rounds on {found['cores']} cores"
    return Probed(found, [Target(name, "s", found["seconds"], 120.0, False)])


def _sweeps(quick: bool, repetitions: int) -> Probed:
    found = probes.sweeps(quick)
    cells = f"{found['rounds_a_cell']:.0e} rounds a cell"
    shares = {
        "overhead": "sweep's own share of the time",
        "overhead_with_store": "the same with a store",
        "overhead_with_store_again": "the same with another store of the process",
    }
    targets = [Target(f"{name}, {cells}", "%", 100.0 * found[key], 5.0, False) for key, name in shares.items()]
    name = f"a finished sweep of {found['resumed_cells']:,} cells, from its store"
    targets.append(Target(name, "s", found["resume_seconds"], 2.0, False))
    threads = found["two_threads_against_one"]
    targets.append(Target("two threads against one, if two cores are free", "x", threads, 1.8, True))
    return Probed(found, targets)


PROBED: dict[str, Callable[[bool, int], Probed]] = {
    "programs": _programs,
    "senders": _senders,
    "osra": _osra,
    "mdps": _mdps,
    "overhead": _overhead,
    "import": _import,
    "first-result": _first_result,
    "memory": _memory,
    "dynamics": _dynamics,
    "sweeps": _sweeps,
}
"""Probes by name, called with whether horizons are short, and how often to repeat."""
