"""Dueling bandits from the command line, in plots and in comparisons."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import dueling
from banditlab.core.family import registered
from banditlab.dueling import instances, theory
from banditlab.errors import InvalidArgument
from tests.cli import call

EXPERIMENT = """
horizon = 200
n_runs = 3
seed = 5

[environment]
type = "dueling.PreferenceMatrix"
preferences = [[0.5, 0.7, 0.8], [0.3, 0.5, 0.6], [0.2, 0.4, 0.5]]

[[policies]]
type = "dueling.RUCB"
alpha = 0.6

[[policies]]
type = "dueling.BeatTheWinnerReset"
label = "reset"
"""
ENV = dueling.PreferenceMatrix([[0.5, 0.7, 0.8], [0.3, 0.5, 0.6], [0.2, 0.4, 0.5]])
PLAYERS = {"RUCB(alpha=0.6)": dueling.RUCB(alpha=0.6), "reset": dueling.BeatTheWinnerReset()}


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def file(text):
        (tmp_path / "e.toml").write_text(text)
        return "e.toml"

    return file


def test_an_experiment_in_a_file_is_what_run_is_called_with(write):
    result = call("run", write(EXPERIMENT), "--output", "here")
    assert result.exit_code == 0, result.stderr
    assert "average_regret after 200 rounds, 3 runs" in " ".join(result.stdout.split())
    assert "bound" in result.stdout
    loaded = bl.load("here/results.parquet")
    wanted = bl.run(ENV, PLAYERS, horizon=200, n_runs=3, seed=5, progress=False)
    assert loaded.policies == wanted.policies
    assert loaded.metrics == ("average_regret",)
    np.testing.assert_array_equal(loaded.values(), wanted.values())


def test_metrics_and_changes_in_a_file(write):
    text = EXPERIMENT.replace("seed = 5", 'seed = 5\nmetrics = ["binary_weak_regret", "duels"]')
    a, b = text.index("[environment]"), text.index("[[policies]]")
    changes = """[environment]
type = "dueling.PiecewiseStationary"
matrices = [[[0.5, 0.9], [0.1, 0.5]], [[0.5, 0.1], [0.9, 0.5]]]
change_points = [101]

"""
    result = call("run", write(text[:a] + changes + text[b:]), "--output", "here")
    assert result.exit_code == 0, result.stderr
    loaded = bl.load("here/results.parquet")
    assert loaded.metrics == ("binary_weak_regret", "duels[0]", "duels[1]")
    env = dueling.PiecewiseStationary([[[0.5, 0.9], [0.1, 0.5]], [[0.5, 0.1], [0.9, 0.5]]], [101])
    wanted = bl.run(env, PLAYERS, horizon=200, n_runs=3, seed=5, metrics=loaded.metrics[:1], progress=False)
    np.testing.assert_array_equal(loaded.values("binary_weak_regret"), wanted.values("binary_weak_regret"))


def test_mistakes_in_a_file_are_said_with_their_line(write):
    result = call("run", write(EXPERIMENT.replace("[0.3, 0.5, 0.6]", "[0.4, 0.5, 0.6]")))
    assert result.exit_code != 0
    assert "line " in result.stderr
    told = " ".join(result.stderr.split())
    assert "preferences[0][1] is 0.7 and" in told
    assert "preferences[1][0] is 0.4; allowed: two numbers that add up to 1" in told


def test_a_cycle_in_a_file_says_which_regret_there_is(write):
    cycle = "preferences = [[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]]"
    row = next(line for line in EXPERIMENT.splitlines() if line.startswith("preferences"))
    result = call("run", write(EXPERIMENT.replace(row, cycle)))
    assert result.exit_code != 0
    assert "Copeland winners: 0, 1, 2" in " ".join(result.stderr.split())


def test_list_shows_the_family():
    result = call("list", "dueling")
    assert result.exit_code == 0, result.stderr
    for kind in ("policy", "environment"):
        for name in registered("dueling", kind):
            assert name in result.stdout


def test_plot_of_average_regret_draws_the_lower_bound():
    result = bl.run(ENV, PLAYERS, horizon=1000, n_runs=8, seed=0, metrics=("average_regret", "duels"), progress=False)
    axes = result.plot("average_regret")
    bound = [line for line in axes.get_lines() if "lower bound" in str(line.get_label())]
    assert len(bound) == 1
    rounds, heights = bound[0].get_data()
    np.testing.assert_allclose(heights, theory.lower_bound_constant(ENV) * np.log(rounds), rtol=1e-12)
    assert "regret" in axes.get_ylabel()
    other = result.plot("duels[0]")
    assert not [line for line in other.get_lines() if "lower bound" in str(line.get_label())]


def test_weak_regret_has_no_lower_bound_in_its_plot():
    result = bl.run(ENV, PLAYERS, horizon=100, n_runs=4, seed=0, metrics=("weak_regret",), progress=False)
    axes = result.plot("weak_regret")
    assert not [line for line in axes.get_lines() if "lower bound" in str(line.get_label())]


def test_summary_compares_average_regret_with_the_bound():
    result = bl.run(ENV, PLAYERS, horizon=1000, n_runs=8, seed=0, progress=False)
    table = result.summary()
    ratio = result.values()[:, :, -1].mean(axis=1) / result.lower_bound()[-1]
    np.testing.assert_allclose(table["ratio_to_lower_bound"], ratio, rtol=1e-9)


def test_compare_uses_average_regret_and_smaller_is_better():
    players = {"beta": dueling.DoubleThompsonSampling(), "slow": dueling.Sparring(alpha=5.0)}
    env = dueling.PreferenceMatrix.from_utilities([2.0, 0.0, 0.0, 0.0])
    found = bl.compare(players, env, horizon=1000, seed=0, group=32, max_groups=2, n_permutations=500, progress=False)
    assert "average_regret" in str(found)
    assert found.ranking().index.tolist() == ["beta", "slow"]
    (row,) = found.to_pandas().to_dict("records")
    options = {"horizon": 1000, "n_runs": row["n_runs"], "seed": 0, "progress": False}
    means = bl.run(env, players, **options).values("average_regret")[:, :, -1].mean(axis=1)
    assert (row["first"], row["second"], row["decision"]) == ("beta", "slow", "smaller")
    assert row["difference"] == pytest.approx(means[0] - means[1])


def test_store_and_summary_keep_dueling_results(tmp_path):
    store = bl.Store(tmp_path / "store")
    options = {"horizon": 100, "n_runs": 5, "seed": 1, "metrics": ("average_regret", "duels"), "progress": False}
    once = bl.run(ENV, PLAYERS, store=store, **options)
    again = bl.run(ENV, PLAYERS, store=store, **options)
    for metric in once.metrics:
        np.testing.assert_array_equal(once.values(metric), again.values(metric))


def test_instances_compare_by_name_in_results():
    environments = {"arxiv": instances.arxiv(), "cycle": instances.cyclic()}
    result = bl.run(environments, dueling.RUCB(), horizon=50, n_runs=2, seed=0, progress=False)
    assert result.environments == ("arxiv", "cycle")
    with pytest.raises(InvalidArgument, match="horizon is 5; allowed: at least 6"):
        bl.run(environments, dueling.RUCB(), horizon=5, n_runs=2, seed=0, progress=False)
