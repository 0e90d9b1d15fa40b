"""What `python -m benchmarks --output docs/evidence/speed.json` measured, as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).parents[1] / "evidence" / "speed.json"
PACKAGE = "banditlab"
NOISY = 0.97
"""Share of the core below which a row is marked."""

INTRODUCTION = """# Measured speed

Nanoseconds a round through all of `bl.run`: validation, random numbers, regret, results. The numbers are for one core,
medians of {repetitions} repetitions. The rows of a table take turns, so that whatever else the machine does is spread
over all of them; each row begins with a call that is not counted. C is `gcc -O3 -march=native`, in two builds of which
the faster one is shown, with regrets that agree with banditlab's within their standard errors.

These numbers belong to one machine, {machine}, on {date}, with {versions}.
Its load was {load:.1f} at the start, on {cores} cores: if that is not near 0, use ratios, not times.
`banditlab bench` in a checkout measures yours, and `benchmarks/README.md` there says what each row plays.
"""

TARGETS = """Limits that the benchmarks set; one that is missed stays in the table. The first store of a process also
loads pyarrow: the share "with a store" includes that, the share "with another store of the process" does not.
"""


def speed_page() -> str:
    """Return the page in Markdown."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    machine = measured["machine"]
    repetitions = len(next(iter(measured["throughput"].values()))["rows"][0]["wall_ns_a_round_samples"])
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "numpy", "numba", "llvmlite"))
    lines = [
        INTRODUCTION.format(
            repetitions=repetitions,
            machine=machine["processor"],
            date=machine["date"][:10],
            versions=versions,
            load=machine["load_average"][0],
            cores=machine["cores"],
        )
    ]
    lines += ["## Beside others", "", *_races(measured["throughput"]), ""]
    lines += ["## What was promised", "", TARGETS, *_targets(measured["targets"]), ""]
    lines += ["## Every policy", "", *_policies(measured["policies"])]
    return "\n".join(lines) + "\n"


def _races(throughput: dict[str, Any]) -> list[str]:
    """Return the table of policies that others play too; of two builds the faster one."""
    lines = ["| | arms | horizon | played by | ns a round | banditlab is faster |", "|---|---:|---:|---|---:|---:|"]
    for case in throughput.values():
        package, *others = case["rows"]
        builds: dict[str, dict[str, Any]] = {}
        for row in others:
            name = row["name"].removesuffix(", unrolled")
            builds[name] = min(builds.get(name, row), row, key=lambda r: r["ns_a_round"])
        first = f"| **{case['policy']}** | {case['n_arms']} | {case['horizon']:,} | {PACKAGE} | {_ns(package)} | |"
        lines.append(first)
        lines += [
            f"| | | | {name} | {_ns(row)} | {row['ns_a_round'] / package['ns_a_round']:.1f}x |"
            for name, row in builds.items()
        ]
    return lines


def _targets(targets: list[dict[str, Any]]) -> list[str]:
    lines = ["| | measured | promised | |", "|---|---:|---:|---|"]
    for t in targets:
        promise = f"at least {round(t['at_least'], 3):,g}" if "at_least" in t else f"at most {t['at_most']:,g}"
        verdict = "met" if t["met"] else "**missed**"
        lines.append(f"| {t['name']} | {_number(t['measured'])} {t['unit']} | {promise} | {verdict} |")
    return lines


def _policies(rows: list[dict[str, Any]]) -> list[str]:
    """Return a table a family and environment, the fastest policy first."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["family"], row["environment"]), []).append(row)
    lines = []
    for (family, environment), members in groups.items():
        lines += [f"### {family}: {environment}", "", "| policy | ns a round | million rounds/s |", "|---|---:|---:|"]
        for row in sorted(members, key=lambda r: r["ns_a_round"]):
            link = f"{{py:class}}`{row['name']} <banditlab.{family}.{row['name']}>`"
            lines.append(f"| {link} | {_ns(row)} | {_number(row['rounds_a_second'] / 1e6)} |")
        lines.append("")
    return lines


def _ns(row: dict[str, Any]) -> str:
    noisy = " (noisy)" if row["core_share"] < NOISY else ""
    return f"{_number(row['ns_a_round'])}{noisy}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"
