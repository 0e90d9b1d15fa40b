"""The experiments on CVaR, end to end at a size that shows that they run."""

from __future__ import annotations

import csv
import importlib
import sys

import pytest

import banditlab as bl
from experiments import command
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE

ROWS = {"cvar_mdp": 5 * 6 + 2, "cvar_iterated": 5 * 4 + 2, "cvar_gridworld": 8}


@pytest.mark.parametrize("name", ROWS)
def test_stores_results_verdicts_and_figures_and_analyses_what_is_stored(name, monkeypatch, tmp_path, capsys):
    simulate = importlib.import_module(f"experiments.{name}.simulate")
    analysis = importlib.import_module(f"experiments.{name}.analysis")
    config = simulate.configuration()
    config["sizes"]["quick"] = config["sizes"]["tiny"]
    for module in (simulate, analysis):
        monkeypatch.setattr(module, "configuration", lambda: config)

    def main(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["experiment", "--quick", "--output", str(tmp_path), "--n-jobs", "1", *arguments]
        )
        command.main(name, "an experiment", simulate.simulate, analysis.verdicts, analysis.figure)

    main()
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    first = (tmp_path / "verdicts.csv").read_bytes()
    with (tmp_path / "verdicts.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert len({row["claim"] for row in rows}) == len(rows) == ROWS[name]
    for row in rows:
        assert row["verdict"].startswith((HOLDS, FAILS, UNTESTABLE))
        low, measured, high = (float(row[column]) for column in ("low", "measured", "high"))
        assert low - 1e-9 <= measured <= high + 1e-9
    assert (tmp_path / "verdicts.md").read_text() in capsys.readouterr().out

    def refuse(*arguments, **options):
        raise AssertionError("something was simulated")

    monkeypatch.setattr(bl, "run", refuse)
    main("--analyse-only")
    assert (tmp_path / "verdicts.csv").read_bytes() == first
