"""The experiments on scoring, end to end at a size that shows that they run, and their instances."""

from __future__ import annotations

import csv
import importlib
import sys

import numpy as np
import pytest

import banditlab as bl
from banditlab import scoring
from experiments import command
from experiments.scoring_dimensions.simulate import different_values, qualities
from experiments.scoring_hiring.simulate import two_agents
from experiments.scoring_regret.analysis import at_most
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE

HORIZONS = ["horizon_40.parquet", "horizon_80.parquet"]
STORED = {
    "scoring_regret": HORIZONS,
    "scoring_dimensions": ["actions.parquet", "states.parquet", "values.parquet"],
    "scoring_hiring": [*HORIZONS, "offline.csv"],
    "scoring_online": HORIZONS,
}
ROWS = {"scoring_regret": 10, "scoring_dimensions": 3, "scoring_hiring": 6, "scoring_online": 15}


@pytest.fixture(params=STORED)
def name(request):
    return request.param


@pytest.fixture
def run(name, monkeypatch, tmp_path):
    """Return a function that plays the command line, whose quick size is the tiny one, into `tmp_path`."""
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

    return main


def refuse(*arguments, **options):
    raise AssertionError("something was simulated")


def test_stores_results_verdicts_and_figures_and_analyses_what_is_stored(name, run, monkeypatch, tmp_path, capsys):
    run()
    assert sorted(path.name for path in tmp_path.glob("*.parquet")) == [n for n in STORED[name] if "parquet" in n]
    assert all((tmp_path / stored).stat().st_size > 0 for stored in STORED[name])
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    assert (tmp_path / "figure.pdf").stat().st_size > 5_000
    first = (tmp_path / "verdicts.csv").read_bytes()
    with (tmp_path / "verdicts.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert len({row["claim"] for row in rows}) == len(rows) == ROWS[name]
    for row in rows:
        assert row["verdict"] in (HOLDS, FAILS, UNTESTABLE)
        low, measured, high = (float(row[column]) for column in ("low", "measured", "high"))
        assert low - 1e-9 <= measured <= high + 1e-9  # all runs may be alike, but for rounding
    assert (tmp_path / "verdicts.md").read_text() in capsys.readouterr().out

    before = {stored: (tmp_path / stored).stat().st_mtime_ns for stored in STORED[name]}
    (tmp_path / "verdicts.csv").unlink()
    monkeypatch.setattr(bl, "run", refuse)
    run("--analyse-only")
    assert (tmp_path / "verdicts.csv").read_bytes() == first
    assert {stored: (tmp_path / stored).stat().st_mtime_ns for stored in STORED[name]} == before


@pytest.mark.parametrize("n_states", [6, 10, 16, 24])
def test_worlds_of_different_states_are_worth_what_the_one_of_two_states_is(n_states):
    plain, rich = qualities(3), different_values(n_states)
    assert rich.n_states == n_states
    np.testing.assert_allclose(rich.prior, 1 / n_states, rtol=1e-12)
    np.testing.assert_allclose(rich.utilities, plain.utilities, rtol=1e-12)
    np.testing.assert_array_equal(rich.costs, plain.costs)
    # no two states have the same beliefs and the same worth
    states = np.concatenate([rich.beliefs, rich.decisions]).T.round(9)
    assert len(np.unique(states, axis=0)) == n_states
    assert len(np.unique(rich.decisions.max(axis=0).round(9))) > 2


def test_splitting_states_changes_nothing_but_their_number():
    for n_copies in (1, 2, 8):
        split = qualities(3, n_copies)
        assert split.n_states == 2 * n_copies
        assert split.optimal().profit == pytest.approx(qualities(3).optimal().profit, abs=1e-8)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_correlation_changes_no_agents_own_signal(correlation):
    world = two_agents(correlation, 0.04)
    apart = two_agents(0.0, 0.04)
    for agent in range(2):
        np.testing.assert_allclose(
            world.observations.sum(axis=4 - agent), apart.observations.sum(axis=4 - agent), rtol=1e-12
        )
    looked = world.observations[1, 1]
    agree = looked[:, 0, 0] + looked[:, 1, 1]
    np.testing.assert_allclose(agree, (1 - correlation) * 0.68 + correlation, rtol=1e-12)
    assert isinstance(world, scoring.HiringProblem)


@pytest.mark.parametrize(
    ("slope", "verdict"),
    [((0.6, 0.5, 0.66), HOLDS), ((0.6, 0.5, 0.7), UNTESTABLE), ((0.7, 0.67, 0.8), FAILS)],
    ids=["below", "both sides", "above"],
)
def test_slope_is_at_most_two_thirds_only_if_its_interval_is(slope, verdict):
    assert at_most(slope) == verdict
