"""Run the benchmarks: `python -m benchmarks [--quick] [--only NAME] [--output FILE.json] [--floors]`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NoReturn

from banditlab.errors import InvalidArgument

from . import cases, floors, policies, references, report
from .harness import Measured, machine
from .probed import PROBED
from .report import Target

PROBES = ("policies", *PROBED)
CASES = (
    "ucb1-2", "ucb1-10", "ucb1-100", "thompson", "klucb", "rucb", "winner-stays", "btwr", "dts", "bernstein-ucb",
    "bcvts", "vacdb", "combucb1", "pascombucb", "ucbs",
)  # fmt: skip


THROUGHPUT = {
    "ucbs": ("UCB-S, K = 5", 30.0),
    "rucb": ("RUCB, K = 10", 3.5),
    "winner-stays": ("Winner Stays, K = 10", 40.0),
    "btwr": ("Beat the Winner Reset, K = 10", 40.0),
    "dts": ("Double Thompson Sampling, K = 10", 0.3),
    "bernstein-ucb": ("Bernstein-UCB, K = 10, tau = 0.1", 1.0),
    "combucb1": ("CombUCB1, 3 of 10 items", 15.0),
    "vacdb": ("VACDB, d = 5, K = 32", 0.02),
}
"""Cases whose promise is a rate: what they are, and millions of rounds a second."""


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    record: dict[str, Any] = {"machine": machine(), "quick": options.quick}
    print(_heading(record["machine"]))
    if options.floors:
        found = floors.floors()
        record["floors"] = found
        print("\nno C compiler: the floors are not measured" if found is None else "\n" + floors.shown(found))
    else:
        _measure(options, record)
    if options.output:
        record["machine"]["load_average_at_the_end"] = machine()["load_average"]
        options.output.write_text(json.dumps(record, indent=1) + "\n")
        print(f"\nwritten to {options.output}")


class _Parser(argparse.ArgumentParser):
    """Raises errors in one line instead of printing the usage, for `banditlab bench` to show."""

    def error(self, message: str) -> NoReturn:
        raise InvalidArgument(message)


def _options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = _Parser(prog="python -m benchmarks", description="How fast banditlab is, and beside what.")
    parser.add_argument("--quick", action="store_true", help="short horizons, 3 repetitions: to see that it works")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help=f"only the one called NAME, or all that start with it (may be given again): {', '.join(CASES + PROBES)}",
    )
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="store everything, all samples included")
    parser.add_argument("--repetitions", type=int, metavar="N", help="default 7; 3 with --quick")
    parser.add_argument("--floors", action="store_true", help="print UCB1's arithmetic and memory floors instead")
    options = parser.parse_args(arguments)
    if options.repetitions is None:
        options.repetitions = 3 if options.quick else 7
    if options.repetitions < 1:
        parser.error(f"--repetitions is {options.repetitions}; allowed: at least 1")
    if options.output and not options.output.parent.is_dir():
        parser.error(f"--output is {options.output}; allowed: a file in a folder that exists")
    for name in options.only or ():
        if not _named(name):
            parser.error(f"--only is {name!r}; allowed: a beginning of {', '.join(CASES + PROBES)}")
    return options


def _named(beginning: str) -> list[str]:
    """Return what `--only` selects: the one of that name, or all whose names start with it."""
    known = CASES + PROBES
    return [beginning] if beginning in known else [name for name in known if name.startswith(beginning)]


def _measure(options: argparse.Namespace, record: dict[str, Any]) -> None:
    quick, repetitions = options.quick, options.repetitions
    targets: list[Target] = []

    def wanted(name: str) -> bool:
        return options.only is None or any(name in _named(beginning) for beginning in options.only)

    if quick:
        print("quick: horizons are short, so that first calls weigh more; these are not the numbers to quote")
    if references.compiler() is None:
        print("no C compiler: the C references are left out, and the targets that need them")
    record["throughput"] = {}
    for case in cases.cases(quick):
        if not wanted(case.name):
            continue
        measured = cases.measure(case, repetitions)
        sizes = f"K = {case.world.n_arms}, {case.n_runs:,} runs x {case.horizon:,} rounds"
        _section(f"{case.name}: {sizes}", report.race(measured))
        record["throughput"][case.name] = {
            "policy": type(case.policy()).__name__,
            "n_arms": case.world.n_arms,
            "horizon": case.horizon,
            "rows": [
                m.as_dict() | {"standard_errors_from_package": report.deviation(measured[0], m)} for m in measured
            ],
        }
        targets += _race_targets(case, measured)
    if wanted("policies"):
        everyone = policies.measure(quick, repetitions)
        for family in dict.fromkeys(family for family, _, _ in everyone):
            _section(f"policies of {family}", report.policies([(w, m) for f, w, m in everyone if f == family]))
        record["policies"] = [{"family": f, "environment": world} | m.as_dict() for f, world, m in everyone]
    for name in filter(wanted, PROBED):
        found, aims, title, table = PROBED[name](quick, repetitions)
        record[name.replace("-", "_")] = found
        targets += aims
        if title:
            _section(title, table)
    if targets:
        _section("targets", report.targets(targets))
    record["targets"] = [t.as_dict() for t in targets]


def _race_targets(case: cases.Case, measured: list[Measured]) -> list[Target]:
    name, package, others = case.name, measured[0], {m.name: m for m in measured[1:]}

    def against(title: str, other: str, limit: float, aim: float | None = None) -> list[Target]:
        builds = [others[name].ns for name in (other, f"{other}, {cases.UNROLLED}") if name in others]
        return [Target(title, "x", min(builds) / package.ns, limit, True, aim)] if builds else []

    if name == "ucb1-10":
        return against("UCB1, K = 10, against C as written, the faster build", "C, as written", 6.0) + against(
            "UCB1, K = 10, against C with cached widths, the faster build", "C, cached widths", 2.0
        )
    if name == "thompson":
        return against("Thompson sampling, K = 10, against C, the faster build", "C", 1.0, 2.0)
    if name == "klucb":
        return [Target("KL-UCB, K = 10", "million rounds/s", 1e3 / package.ns, 1.0, True, 2.0)]
    if name in THROUGHPUT:
        title, promised = THROUGHPUT[name]
        return [Target(title, "million rounds/s", 1e3 / package.ns, promised, True)]
    if name == "bcvts":
        return against("B-CVTS, K = 10, tau = 0.1, against C, the faster build", "C", 1.0 / 3.0)
    if name == "pascombucb":
        phases = 1e3 / package.ns / cases.rounds_a_phase(case.horizon)
        return [Target("PASCombUCB, experiment 1", "million phases/s", phases, 3.0, True)]
    return []


def _heading(found: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {found[name]}" for name in ("python", "numpy", "numba", "llvmlite", "banditlab-sim"))
    caches = ", ".join(f"{name} {size}" for name, size in found["caches_of_core_0"].items())
    load = found["load_average"][0]
    return f"{found['date']}  {found['processor']}, {found['cores']} cores, load {load:.2f}\n{caches}\n{versions}"


def _section(title: str, text: str) -> None:
    print(f"\n{title}\n\n{text}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except InvalidArgument as error:
        raise SystemExit(f"benchmarks: {error}") from error
