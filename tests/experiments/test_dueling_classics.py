"""The experiment on the classics of dueling bandits, end to end at a size that shows that it runs."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest

import banditlab as bl
from banditlab import dueling
from experiments import command
from experiments.dueling_classics import analysis, simulate
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
        command.main("dueling_classics", "an experiment", simulate.simulate, analysis.verdicts, analysis.figure)

    return main


def refuse(*arguments, **options):
    raise AssertionError("something was simulated")


def test_stores_results_verdicts_and_figure_and_analyses_what_is_stored(run, monkeypatch, tmp_path):
    run()
    result = bl.load(tmp_path / "results.parquet")
    assert list(result.policies) == list(simulate.policies())
    with (tmp_path / "verdicts.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.environments) * (sum(len(c[1]) for c in analysis.ORDERS) + 3)
    for kind in ("png", "pdf"):
        (tmp_path / f"figure.{kind}").unlink()
    monkeypatch.setattr(bl, "run", refuse)
    run("--analyse-only")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    assert (tmp_path / "figure.pdf").exists()


def test_less_regret_is_judged_by_the_whole_interval_of_differences():
    matrix = dueling.PreferenceMatrix([[0.5, 0.9], [0.1, 0.5]])
    pair = {"RUCB": dueling.RUCB(), "same": dueling.RUCB(), "VDB": dueling.VersatileDB()}
    result = bl.run({"two": matrix}, pair, horizon=2000, n_runs=20, seed=0)
    assert analysis.less_regret(result, "two", "RUCB", "VDB", "").verdict == HOLDS
    assert analysis.less_regret(result, "two", "VDB", "RUCB", "").verdict == FAILS
    tie = analysis.less_regret(result, "two", "RUCB", "same", "")
    assert (tie.measured, tie.verdict) == (0.0, UNTESTABLE)


def test_every_instance_has_a_condorcet_winner():
    for environment in simulate.instances().values():
        assert environment.condorcet_winner == 0
        one, lower = dueling.theory.rmed1_constant(environment), dueling.theory.lower_bound_constant(environment)
        assert np.isclose(one, lower) == (environment.n_arms > 4)
