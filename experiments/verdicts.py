"""Verdicts: one claim against one measurement, and the tables in which they are stored."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

HOLDS = "holds"
FAILS = "does not hold"
UNTESTABLE = "not testable at this size"
OUTCOMES = (HOLDS, FAILS, UNTESTABLE)

Interval = tuple[float, float, float]
"""What was measured, and both ends of its 95% interval."""


@dataclass(frozen=True)
class Verdict:
    """One claim against one measurement.

    Attributes
    ----------
    claim : str
        What is claimed, of what.
    source : str
        Paper and theorem.
    theory : str
        The number or interval that the theory gives.
    measured : float
        What was measured.
    low, high : float
        Its 95% interval.
    verdict : str
        'holds', 'does not hold' or 'not testable at this size', which always has a reason; after a colon, why.
    """

    claim: str
    source: str
    theory: str
    measured: float
    low: float
    high: float
    verdict: str

    @property
    def outcome(self) -> str:
        """The verdict without its reason."""
        return self.verdict.partition(": ")[0]

    @property
    def reason(self) -> str:
        """The reason, '' where none is needed."""
        return self.verdict.partition(": ")[2]


def because(verdict: str, reason: str) -> str:
    """Return a verdict with this reason, if there is one; what holds needs none."""
    return f"{verdict.partition(': ')[0]}: {reason}" if reason and verdict != HOLDS else verdict


UNDECIDED = because(UNTESTABLE, "its interval reaches both sides")
NO_ORDER = because(UNTESTABLE, "an order of growth says nothing of a slope over so few sizes")


def at_most(interval: Interval, value: float) -> str:
    """Say whether what was measured is at most a value: all of its interval is, none is, or it reaches both sides."""
    return HOLDS if interval[2] <= value else FAILS if interval[1] > value else UNDECIDED


def at_least(interval: Interval, value: float) -> str:
    """Say whether what was measured is at least a value: all of its interval is, none is, or it reaches both sides."""
    return HOLDS if interval[1] >= value else FAILS if interval[2] < value else UNDECIDED


def within(interval: Interval, value: float) -> str:
    """Say whether what was measured is at most a value that no finite measurement can contradict.

    An order of growth says nothing of a slope over the few horizons or numbers of arms that were played.
    """
    return HOLDS if interval[2] <= value else UNDECIDED if interval[1] <= value else NO_ORDER


def below(interval: Interval, value: float) -> str:
    """Say whether what was measured is below a value: all of its interval is, none is, or it reaches both sides."""
    return HOLDS if interval[2] < value else FAILS if interval[1] > value else UNDECIDED


def above(interval: Interval, value: float) -> str:
    """Say whether what was measured is above a value: all of its interval is, none is, or it reaches both sides."""
    return HOLDS if interval[1] > value else FAILS if interval[2] < value else UNDECIDED


def store(verdicts: list[Verdict], file: Path) -> None:
    """Write a table of verdicts as CSV."""
    with file.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, [f.name for f in fields(Verdict)])
        writer.writeheader()
        writer.writerows(asdict(v) for v in verdicts)


def load(file: Path) -> list[Verdict]:
    """Read what `store` wrote."""
    with file.open(newline="", encoding="utf-8") as table:
        return [
            Verdict(**row | {name: float(row[name]) for name in ("measured", "low", "high")})
            for row in csv.DictReader(table)
        ]
