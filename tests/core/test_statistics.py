"""Statistics of runs in constant memory: moments, quantiles and sketches, whatever chunks the runs come in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, clicks
from banditlab.core.playing import calls, jobs
from banditlab.core.results import statistics

ENV = arms.Bernoulli([0.5, 0.3])


def merged(runs):
    """Return the statistics of runs, an array (run, metric, checkpoint), as they are merged in constant memory."""
    job = SimpleNamespace(columns=("regret",), checkpoints=np.arange(runs.shape[2]), first_run=0, n_runs=len(runs))
    moments = statistics.Moments(job)
    moments.add(0, runs)
    return moments.statistics()["regret"]


def test_metrics_that_are_not_defined_yet_are_nan_in_summaries_too():
    world = clicks.StrategicClickBandit([0.6, 0.5], [0.66, 0.55])
    options = {"horizon": 30, "seed": 0, "metrics": "screening_round", "keep": "summary", "progress": False}
    for n_runs in (20, 3_000):
        known = bl.run(world, clicks.UCBS(), n_runs=n_runs, **options).statistics("screening_round[0]")[0]
        assert np.isnan(known.quantiles).all()
        assert np.isnan(known.mean).all()


def test_sketches_are_as_exact_as_they_say():
    env = arms.Gaussian([0.0, 1.0])
    options = {"horizon": 40, "n_runs": 20_000, "seed": 1, "metrics": "reward", "checkpoints": [40], "progress": False}
    runs = bl.run(env, arms.Uniform(), **options).values("reward")[0, :, 0]
    known = bl.run(env, arms.Uniform(), keep="summary", **options).statistics("reward")[0]
    for level, value in zip((0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99), known.quantiles[:, 0], strict=True):
        assert abs((runs <= value).mean() - level) < 0.0005
    assert known.mean[0] == pytest.approx(runs.mean(), rel=1e-12)
    assert known.std[0] == pytest.approx(runs.std(ddof=1), rel=1e-10)
    assert (known.minimum[0], known.maximum[0]) == (runs.min(), runs.max())


@pytest.mark.parametrize("value", [0.1, 1.0 / 3.0, 0.7, 1e-300, -12.3])
def test_equal_runs_have_exact_statistics(value):
    known, of_runs = merged(np.full((5_000, 1, 1), value)), statistics.Statistics.of_runs(np.full((100, 1), value))
    assert (known.quantiles == value).all()
    for found in (known, of_runs):
        assert (found.mean[0], found.std[0], found.margin(0.95)[0]) == (value, 0.0, 0.0)
    assert np.isnan(statistics.Statistics.of_runs(np.full((1, 1), value)).std[0])


@pytest.mark.parametrize("size", [1e305, 1.0, 1e-280])
def test_quantiles_of_huge_and_tiny_numbers(size):
    runs = size * np.random.default_rng(0).normal(1.0, 0.5, (5_000, 1, 1))
    quantiles = merged(runs).quantiles[:, 0]
    shares = (runs[:, 0] <= quantiles).mean(axis=0)
    np.testing.assert_allclose(shares, statistics.PROBABILITIES, rtol=0, atol=0.0005)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 1_200, 4_999])
def test_quantiles_of_many_runs_one_of_which_is_no_number_are_nan(value, at):
    """The first runs are kept one by one, later ones come into a sketch that is there."""
    runs = np.random.default_rng(0).normal(size=(5_000, 1, 2))
    runs[at, 0, 0] = value
    quantiles = merged(runs).quantiles
    assert np.isnan(quantiles[:, 0]).all()
    np.testing.assert_allclose(quantiles[:, 1], np.quantile(runs[:, 0, 1], statistics.PROBABILITIES), atol=0.01)


@pytest.mark.parametrize("size", [1e290, 1e150, 1.0, 1e-150, 1e-290])
def test_deviations_of_huge_and_tiny_numbers(size):
    """Their squares overflow, or vanish."""
    runs = size * np.random.default_rng(0).normal(1.0, 0.5, (300, 1, 2))
    runs[:, :, 1] = 1.5 * size
    expected = np.array([size * (runs[:, 0, 0] / size).std(ddof=1), 0.0])
    for known in (merged(runs), statistics.Statistics.of_runs(runs[:, 0])):
        np.testing.assert_allclose(known.std, expected, rtol=1e-12, atol=1e-12 * size)


def test_deviations_of_infinite_numbers_are_none():
    runs = np.ones((300, 1, 1))
    runs[299] = np.inf
    assert np.isnan(merged(runs).std).all()


def test_statistics_do_not_depend_on_chunks(monkeypatch, tmp_path):
    options = {"horizon": 30, "seed": 1, "keep": "summary", "progress": False}
    whole = bl.run(ENV, arms.UCB1(), n_runs=1_500, n_jobs=1, **options)
    bl.run(ENV, arms.UCB1(), n_runs=77, store=tmp_path / "s", **options)
    stored = bl.run(ENV, arms.UCB1(), n_runs=1_500, store=tmp_path / "s", n_jobs=3, **options)
    monkeypatch.setattr(jobs, "CHUNK", 50)
    other = bl.run(ENV, arms.UCB1(), n_runs=1_500, n_jobs=2, **options)
    for result in (stored, other):
        for name, values in whole.statistics()[0].columns().items():
            np.testing.assert_array_equal(result.statistics()[0].columns()[name], values, err_msg=name)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_hole_at_the_start_of_a_store_does_not_keep_the_rest_in_memory(tmp_path, monkeypatch, simulated, n_jobs):
    options = {"horizon": 20, "seed": 1, "n_jobs": n_jobs, "progress": False}
    whole = bl.run(ENV, arms.UCB1(), n_runs=12_800, keep="summary", **options)
    bl.run(ENV, arms.UCB1(), first_run=128, n_runs=12_672, store=tmp_path / "s", **options)
    waiting, add = [], statistics.Moments.add

    def noted(self, first_run, values):
        add(self, first_run, values)
        waiting.append(len(self._waiting))

    monkeypatch.setattr(statistics.Moments, "add", noted)
    simulated.clear()
    again = bl.run(ENV, arms.UCB1(), n_runs=12_800, keep="summary", store=tmp_path / "s", **options)
    assert len(simulated) == 1
    assert len(waiting) == 100
    assert max(waiting) <= calls.AHEAD * 2
    for name, values in whole.statistics()[0].columns().items():
        np.testing.assert_array_equal(again.statistics()[0].columns()[name], values, err_msg=name)


def test_memory_does_not_grow_with_runs_when_only_statistics_are_kept():
    small, large = (
        bl.run(ENV, arms.Uniform(), horizon=20, n_runs=n, seed=0, keep="summary", progress=False)
        for n in (2_000, 20_000)
    )
    assert sum(c.nbytes for c in small.statistics()[0].columns().values()) == sum(
        c.nbytes for c in large.statistics()[0].columns().values()
    )
