"""Tables and targets, as plain text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .harness import Measured


@dataclass(frozen=True)
class Target:
    """A number that was promised, beside the one that was measured.

    Attributes
    ----------
    name, unit : str
        What it is.
    value : float
        The measured number.
    limit : float
        What was promised: at least this if `at_least`, else at most.
    at_least : bool
        The direction.
    aim : float or None
        What is hoped for beyond the promise.
    """

    name: str
    unit: str
    value: float
    limit: float
    at_least: bool
    aim: float | None = None

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def verdict(self) -> str:
        """Return 'met', or by how much it was missed; and the same for the aim."""
        text = self._against(self.limit)
        return text if self.aim is None else f"{text}; aim {number(self.aim)} {self._against(self.aim)}"

    def _against(self, limit: float) -> str:
        if (self.value >= limit) if self.at_least else (self.value <= limit):
            return "met"
        away = abs(self.value - limit)
        return f"missed by {number(away)} {self.unit}, {away / limit:.0%} of {number(limit)}"

    def as_dict(self) -> dict[str, Any]:
        """Return everything for the JSON file."""
        return {
            "name": self.name,
            "unit": self.unit,
            "measured": self.value,
            "at_least" if self.at_least else "at_most": self.limit,
            "aim": self.aim,
            "met": self.met,
            "verdict": self.verdict(),
        }


def number(x: float) -> str:
    """Return three significant digits; thousands separated."""
    if x == 0.0 or not math.isfinite(x):
        return f"{x:g}"
    return f"{x:,.{max(0, 2 - math.floor(math.log10(abs(x))))}f}"


def deviation(a: Measured, b: Measured) -> float:
    """Return how many standard errors apart two mean regrets are; 0 if they are equal."""
    if a.regret == b.regret:
        return 0.0
    error = math.hypot(a.error, b.error)
    return abs(a.regret - b.regret) / error if error > 0.0 else math.inf


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Return a table: the first column to the left, the others to the right."""
    widths = [max(len(r[i]) for r in [headings, *rows]) for i in range(len(headings))]
    lines = []
    for row in [headings, ["-" * w for w in widths], *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def race(measured: list[Measured]) -> str:
    """Return the table of a case; the package's row is the first, and is what the others are compared with."""
    package = measured[0]
    rows = []
    for m in measured:
        apart = deviation(package, m)
        agrees = "-" if m is package else f"{apart:.1f}" + ("" if apart <= 5.0 else " DIFFERS")
        ratio = "-" if m is package else f"{m.ns / package.ns:.2f}x"
        rows.append(
            [m.name, f"{m.ns:.2f}", spread(m), f"{1e9 / m.ns:,.0f}", ratio, f"{m.regret:.2f} +- {m.error:.2f}", agrees]
        )
    heads = ["", "ns/round", "min..max", "rounds/s", "package is faster", "regret", "std errors apart"]
    return table(heads, rows) + disturbed(measured)


def policies(measured: list[tuple[str, Measured]]) -> str:
    """Return the table of policies and what they play, fastest first."""
    rows = [
        [m.name, world, f"{m.ns:.1f}", spread(m), f"{1e9 / m.ns:,.0f}", f"{m.regret:.1f} +- {m.error:.1f}"]
        for world, m in sorted(measured, key=lambda row: row[1].ns)
    ]
    return table(["", "on", "ns/round", "min..max", "rounds/s", "regret"], rows) + disturbed([m for _, m in measured])


def spread(m: Measured) -> str:
    """Return the smallest and the largest sample."""
    return f"{min(m.wall):.1f}..{max(m.wall):.1f}"


def disturbed(measured: list[Measured]) -> str:
    """Return a warning if other processes took the core away, else nothing."""
    least = min(m.share for m in measured)
    if least > 0.97:
        return ""
    return f"\nnoisy: other processes took up to {1.0 - least:.0%} of the core from a row; do not quote these numbers"


def targets(found: list[Target]) -> str:
    """Return the table of targets."""
    rows = []
    for t in found:
        promise = f"{'>=' if t.at_least else '<='} {number(t.limit)} {t.unit}"
        rows.append([t.name, f"{number(t.value)} {t.unit}", promise, t.verdict()])
    return table(["target", "measured", "promised", "verdict"], rows)
