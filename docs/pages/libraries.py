"""The tables of the page on other libraries, from what `python -m benchmarks.libraries` stored."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

STORED = Path(__file__).parents[1] / "evidence" / "libraries.json"


def libraries_table() -> str:
    """Return the tables in Markdown: what was installed, then a table for each experiment."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    machine = stored["machine"]
    lines = ["| library | version | released | first release | licence |", "|---|---|---|---|---|"]
    lines += [_library(name, found) for name, found in stored["libraries"].items()]
    lines += ["", f"Measured on {machine['date'][:10]}: {machine['processor']}, Python {machine['python']}.", ""]
    for case in stored["cases"].values():
        lines += [f"**{case['title']}, horizon {case['horizon']:,}**", "", *_rows(case), ""]
    return "\n".join(lines)


def _library(name: str, found: dict[str, Any]) -> str:
    version = found["requirements"][0].partition("==")[2]
    return f"| {name} | {version} | {found['released']} | {found['first']} | {found['licence']} |"


def _rows(case: dict[str, Any]) -> list[str]:
    """Return an experiment's table; distances and ratios are from its first row, banditlab's."""
    lines = [
        "| | ns a round | times banditlab's | mean regret | runs | std errors apart |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    ours, *others = case["rows"]
    lines.append(f"| {ours['name']} | {_rounded(nanoseconds(ours))} | | {_regret(ours)} | {ours['n_runs']:,} | |")
    for row in others:
        times = f"{_rounded(nanoseconds(row))} | {_rounded(nanoseconds(row) / nanoseconds(ours))}"
        apart = f"{distance(ours, row):.1f}"
        lines.append(f"| {row['name']} | {times} | {_regret(row)} | {row['n_runs']:,} | {apart} |")
        if "compiled_ns_a_round_samples" in row:
            inside = statistics.median(row["compiled_ns_a_round_samples"])
            times = f"{_rounded(inside)} | {_rounded(inside / nanoseconds(ours))}"
            lines.append(f"| {row['name']}, its compiled loop alone | {times} | | | |")
    return lines


def _regret(row: dict[str, Any]) -> str:
    return f"{row['mean_regret']:.1f} ± {row['standard_error']:.1f}"


def nanoseconds(row: dict[str, Any]) -> float:
    """Return the median processor time of a round."""
    return statistics.median(row["processor_ns_a_round_samples"])


def distance(ours: dict[str, Any], other: dict[str, Any]) -> float:
    """Return how far two mean regrets are apart, in standard errors of their difference if both play the same rule.

    The spread of a run is taken from banditlab's, which are thousands: regrets are skewed, and a few dozen runs mostly
    show a spread that is too small, and a mean that is too small with it.
    """
    spread = ours["standard_error"] * math.sqrt(ours["n_runs"])
    error = spread * math.sqrt(1.0 / ours["n_runs"] + 1.0 / other["n_runs"])
    return abs(ours["mean_regret"] - other["mean_regret"]) / error


def _rounded(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{float(f'{value:.3g}'):,.{max(0, 2 - math.floor(math.log10(value)))}f}"
