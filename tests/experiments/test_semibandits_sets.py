"""The experiments on k-MAX bandits and on full-bandit feedback, end to end at a size that shows that they run."""

from __future__ import annotations

import csv
import importlib
import sys

import numpy as np
import pytest

import banditlab as bl
from banditlab import semibandits
from experiments import command
from experiments.semibandits_cetc import analysis as cetc
from experiments.semibandits_cetc.simulate import environments
from experiments.semibandits_kmax import analysis as kmax
from experiments.semibandits_kmax.simulate import instances
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE

ROWS = {"semibandits_kmax": 9, "semibandits_cetc": 7}
STORED = {
    "semibandits_kmax": ["risky.parquet", "stable.parquet", "very_risky.parquet"],
    "semibandits_cetc": [f"{name}_{T}.parquet" for name in ("cardinality", "knapsack") for T in (200, 400)],
}


@pytest.mark.parametrize("name", ROWS)
def test_stores_results_and_analyses_what_is_stored(name, monkeypatch, tmp_path, capsys):
    simulate, analysis = (importlib.import_module(f"experiments.{name}.{part}") for part in ("simulate", "analysis"))
    config = simulate.configuration()
    config["sizes"]["quick"] = config["sizes"]["tiny"]
    for module in (simulate, analysis):
        monkeypatch.setattr(module, "configuration", lambda: config, raising=False)

    def run(*arguments):
        options = ["experiment", "--quick", "--output", str(tmp_path), "--n-jobs", "1", *arguments]
        monkeypatch.setattr(sys, "argv", options)
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
    monkeypatch.setattr(bl, "run", lambda *a, **k: pytest.fail("something was simulated"))
    run("--analyse-only")
    assert (tmp_path / "verdicts.csv").read_bytes() == first


def test_instances_differ_in_the_last_item_alone_and_its_mean_is_the_same():
    environments = list(instances().values())
    for environment in environments:
        np.testing.assert_array_equal(environment.values[:-1], environments[0].values[:-1])
        np.testing.assert_array_equal(environment.probabilities[:-1], environments[0].probabilities[:-1])
        assert environment.values[-1, 0] * environment.probabilities[-1, 0] == pytest.approx(0.2)
    best = [environment.best_value for environment in environments]
    assert best == sorted(best)  # risk is worth more the larger it is


def test_on_the_coverage_instances_greedy_finds_the_best_set_and_is_not_misled_by_small_errors():
    rng = np.random.default_rng(0)
    algorithms = {"cardinality": semibandits.Greedy(), "knapsack": semibandits.GreedyPlusMax()}
    for name, environment in environments().items():
        for _ in range(20):
            found = algorithms[name].maximise(
                lambda action: environment.value(action) + rng.uniform(-0.005, 0.005),  # noqa: B023
                environment.actions,
                environment.n_arms,
            )
            assert found == environment.best_action


def test_slopes_and_ratios_on_known_numbers():
    assert cetc.theoretical_slope([10**5, 10**6]) == pytest.approx(2 / 3 + np.log10(6 / 5) / 3, abs=1e-9)
    assert [cetc.at_most(x, 0.7) for x in ((0.6, 0.5, 0.7), (0.7, 0.6, 0.8), (0.8, 0.71, 0.9))] == [
        HOLDS,
        UNTESTABLE,
        FAILS,
    ]
    assert [cetc.sign(x) for x in ((1, 0.5, 2), (0, -1, 1), (-1, -2, -0.5))] == [HOLDS, UNTESTABLE, FAILS]
    doubled = kmax.ratio(2.0 * np.arange(1.0, 9.0), np.arange(1.0, 9.0))
    assert doubled == pytest.approx((2.0, 2.0, 2.0))
