"""The experiment on contextual duels, end to end at a size that shows that it runs, and what its intervals are."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest

import banditlab as bl
from experiments import command
from experiments.dueling_contextual import analysis, figures, simulate
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that plays the command line, whose quick size is the tiny one, into `tmp_path`."""
    config = simulate.configuration()
    config["sizes"]["quick"] = config["sizes"]["tiny"]
    for module in (simulate, analysis):
        monkeypatch.setattr(module, "configuration", lambda: config)

    def main(*arguments):
        options = ["experiment", "--quick", "--output", str(tmp_path), "--n-jobs", "1", *arguments]
        monkeypatch.setattr(sys, "argv", options)
        command.main("dueling_contextual", "", simulate.simulate, analysis.verdicts, figures.figures)

    return main


def refuse(*arguments, **options):
    raise AssertionError("something was simulated")


def test_stores_results_verdicts_and_figures_and_analyses_what_is_stored(run, monkeypatch, tmp_path):
    play = bl.run
    # plain Python: fifteen policies would take minutes to compile, and numbers are the same
    monkeypatch.setattr(bl, "run", lambda *a, **k: play(*a, **{**k, "horizon": 32, "backend": "python"}))
    run()
    assert (tmp_path / "results.parquet").stat().st_size > 0
    for name in ("regret", "scale"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
        assert (tmp_path / f"{name}.pdf").stat().st_size > 5_000
    first = (tmp_path / "verdicts.csv").read_bytes()
    with (tmp_path / "verdicts.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert len({row["claim"] for row in rows}) == len(rows) == 13
    assert {row["verdict"] for row in rows} <= {HOLDS, FAILS, UNTESTABLE}
    (tmp_path / "verdicts.csv").unlink()
    monkeypatch.setattr(bl, "run", refuse)
    run("--analyse-only")
    assert (tmp_path / "verdicts.csv").read_bytes() == first


def test_a_set_of_constants_is_what_it_says():
    released, same = simulate.policies("released", 2.0), simulate.policies("same", 2.0)
    assert {name: p.radius for name, p in released.items()} == {
        "VACDB": 0.125, "StaD": 1.0, "MaxInP": 2.0, "MaxPairUCB": 2.0, "CoLSTIM": 2.0,
    }  # fmt: skip
    assert {p.radius for p in same.values()} == {0.25}
    assert simulate.policies("same", 1.0) == same  # divided by nothing
    assert simulate.policies("theory", 1.0)["VACDB"].radius is None


def test_intervals_of_slopes_know_that_instances_are_the_same():
    """What varies between instances, but not with x, must not widen the interval."""
    rng = np.random.default_rng(0)
    size = np.exp(rng.normal(size=60))
    x = [1.0, 2.0, 4.0]
    slope = analysis.paired_exponent(x, [size * v**0.5 for v in x])
    np.testing.assert_allclose(slope, 0.5, rtol=1e-12)
    one = {v: size * v**0.5 for v in x}
    two = {v: size * v**0.2 for v in x}
    np.testing.assert_allclose(analysis.ratio_exponent(one, two), 0.3, rtol=1e-12)
    noisy = [size * v**0.5 * np.exp(0.1 * rng.normal(size=60)) for v in x]
    measured, low, high = analysis.paired_exponent(x, noisy)
    assert low < measured < high
    assert low < 0.5 < high
