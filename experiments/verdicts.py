"""The verdict table that every experiment ends with."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

HOLDS = "holds"
FAILS = "does not hold"
UNTESTABLE = "not testable at this size"


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
        'holds', 'does not hold' or 'not testable at this size'.
    """

    claim: str
    source: str
    theory: str
    measured: float
    low: float
    high: float
    verdict: str


def as_markdown(verdicts: list[Verdict]) -> str:
    """Return the table in Markdown."""
    lines = ["| claim | source | theory | measured | 95% interval | verdict |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {v.claim} | {v.source} | {v.theory} | {v.measured:.4g} | [{v.low:.4g}, {v.high:.4g}] | {v.verdict} |"
        for v in verdicts
    ]
    return "\n".join(lines) + "\n"


def store(verdicts: list[Verdict], folder: Path) -> None:
    """Write the table as verdicts.csv and verdicts.md."""
    with (folder / "verdicts.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Verdict)])
        writer.writeheader()
        writer.writerows(asdict(v) for v in verdicts)
    (folder / "verdicts.md").write_text(as_markdown(verdicts))
