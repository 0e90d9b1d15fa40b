"""The page on other libraries: what it says of regrets is what was stored, and its tables show it."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import pytest
from pages.libraries import STORED, distance, libraries_table

from benchmarks.libraries.__main__ import LIBRARIES, cases

PAGE = Path(__file__).parents[1] / "docs" / "evidence" / "libraries.md"
SAID_TO_DIFFER = {("rucb", "duelpy"), ("rucb", "duelpy, duels signed"), ("dts", "duelpy")}
MEASURED = json.loads(STORED.read_text(encoding="utf-8"))
ROWS = [(name, row["name"]) for name, case in MEASURED["cases"].items() for row in case["rows"][1:]]


def _row(case, name):
    return next(row for row in MEASURED["cases"][case]["rows"] if row["name"] == name)


def test_everything_that_the_benchmark_plays_was_stored_with_its_versions():
    assert {name: [row["name"] for row in case["rows"]] for name, case in MEASURED["cases"].items()} == {
        name: [row.name for row in case.rows] for name, case in cases().items()
    }
    assert {name: found["requirements"] for name, found in MEASURED["libraries"].items()} == {
        name: list(library.requirements) for name, library in LIBRARIES.items()
    }


@pytest.mark.parametrize(("case", "name"), ROWS, ids=[f"{case}: {name}" for case, name in ROWS])
def test_regrets_agree_where_the_page_says_so_and_nowhere_else(case, name):
    ours = MEASURED["cases"][case]["rows"][0]
    assert ours["name"] == "banditlab"
    assert (distance(ours, _row(case, name)) > 4.0) == ((case, name) in SAID_TO_DIFFER)


@pytest.mark.parametrize(("case", "name"), ROWS, ids=[f"{case}: {name}" for case, name in ROWS])
def test_the_table_shows_the_median_of_at_least_five_samples(case, name):
    section = libraries_table().split(f"**{MEASURED['cases'][case]['title']}, ")[1].split("\n**")[0]
    cells = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", section, re.MULTILINE).group(1).split("|")
    samples = _row(case, name)["processor_ns_a_round_samples"]
    ours = statistics.median(MEASURED["cases"][case]["rows"][0]["processor_ns_a_round_samples"])
    ns, ratio = (float(cell.replace(",", "")) for cell in cells[:2])
    assert len(samples) >= 5
    assert ns == pytest.approx(statistics.median(samples), rel=0.006)
    assert ratio == pytest.approx(statistics.median(samples) / ours, rel=0.006)


def test_the_page_includes_the_tables():
    assert "```{include} ../generated/libraries_table.txt\n```" in PAGE.read_text(encoding="utf-8")
