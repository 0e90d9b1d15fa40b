"""The experiments on duels, end to end at a size that shows that they run."""

from __future__ import annotations

import csv
import importlib
import sys

import numpy as np
import pytest

import banditlab as bl
from experiments import command
from experiments.dueling_weak.analysis import late_share, of_one_sign
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE

STORED = {
    "dueling_weak": [f"pmin_{pmin}_arms_{k}.parquet" for pmin in ("0.55", "0.65") for k in (6, 9)],
    "dueling_piecewise": ["segments_1.parquet", "segments_2.parquet"],
}
ROWS = {"dueling_weak": 26, "dueling_piecewise": 11}


@pytest.mark.parametrize("name", STORED)
def test_stores_results_verdicts_and_figure_and_analyses_what_is_stored(name, monkeypatch, tmp_path, capsys):
    simulate = importlib.import_module(f"experiments.{name}.simulate")
    analysis = importlib.import_module(f"experiments.{name}.analysis")
    config = simulate.configuration()
    config["sizes"]["quick"] = config["sizes"]["tiny"]
    for module in (simulate, analysis):
        monkeypatch.setattr(module, "configuration", lambda: config)

    def run(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["experiment", "--quick", "--output", str(tmp_path), "--n-jobs", "1", *arguments]
        )
        command.main(name, "an experiment", simulate.simulate, analysis.verdicts, analysis.figure)

    run()
    assert sorted(path.name for path in tmp_path.glob("*.parquet")) == STORED[name]
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    first = (tmp_path / "verdicts.csv").read_bytes()
    with (tmp_path / "verdicts.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert len({row["claim"] for row in rows}) == len(rows) == ROWS[name]
    for row in rows:
        assert row["verdict"] in (HOLDS, FAILS, UNTESTABLE)
        low, measured, high = (float(row[column]) for column in ("low", "measured", "high"))
        assert low - 1e-9 <= measured <= high + 1e-9
    assert (tmp_path / "verdicts.md").read_text() in capsys.readouterr().out

    def refuse(*arguments, **options):
        raise AssertionError("something was simulated")

    monkeypatch.setattr(bl, "run", refuse)
    run("--analyse-only")
    assert (tmp_path / "verdicts.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("interval", "verdict"), [((-2, -3, -1), HOLDS), ((-1, -2, 1), UNTESTABLE), ((2, 1, 3), FAILS)], ids=str
)
def test_a_difference_is_of_one_sign_only_if_its_interval_is(interval, verdict):
    assert of_one_sign(interval) == verdict


def test_late_share_is_that_of_all_instances_together():
    share, low, high = late_share(np.array([[10.0, 10.0], [30.0, 50.0], [0.0, 0.0]]))
    assert share == pytest.approx(20 / 60)
    assert low <= share <= high
