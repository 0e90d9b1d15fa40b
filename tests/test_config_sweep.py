"""Sweeps as TOML files, and the command that plays them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import banditlab as bl
from banditlab import arms, config
from banditlab.cli import app
from banditlab.config_sweep import read_sweep
from banditlab.errors import ConfigError, InvalidType
from banditlab.outputs import write_sweep_outputs

EXAMPLES = Path(__file__).parents[1] / "examples"

GOOD = """
horizon = 60
n_runs = 8
seed = 3

[environment]
type = "Bernoulli"
means = "$means"

[[policies]]
type = "UCB1"
alpha = "$alpha"

[[policies]]
type = "Uniform"

[over]
means = [[0.5, 0.4], [0.5, 0.2]]
alpha = [0.5, 2.0]
"""


TABLES = {"policies": "environment = { type = 'Bernoulli', means = [0.5] }", "environment": "policies = []"}


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "sweep.toml"
        path.write_text(text)
        return path

    return write


def test_is_the_sweep_that_it_describes(file):
    result = read_sweep(file(GOOD)).run(progress=False)
    assert len(result.cells) == 6
    for cell in result.cells:
        means = cell.parameters["means"]
        policy = arms.UCB1(alpha=cell.parameters["alpha"]) if cell.policy == "UCB1" else arms.Uniform()
        alone = bl.run(arms.Bernoulli(means), policy, horizon=60, n_runs=8, seed=3)
        np.testing.assert_array_equal(cell.cell.values["regret"], alone.values()[0])


def test_explicit_combinations_horizons_and_nested_parameters(file):
    text = """
n_runs = 4
seed = 0
metrics = ["regret", "clicks"]
keep = "summary"
over = [{ penalty = 2.0, horizon = 20 }, { penalty = 5.0, horizon = 40 }]
policies = [{ type = "clicks.UCBS", label = "screening" }]

[environment]
type = "clicks.StrategicClickBandit"
post_click_means = [0.6, 0.5]
strategies = [0.7, 0.5]
utility = { type = "QuadraticUtility", penalty = "$penalty" }
rewards = { type = "Bernoulli", means = [0.6, 0.5] }
"""
    result = read_sweep(file(text)).run(progress=False)
    assert [c.horizon for c in result.cells] == [20, 40]
    assert result.policies == ("screening",)
    assert result.metrics == ("regret", "clicks[0]", "clicks[1]")
    assert result.provenance["cells"][0]["environment"]["utility"]["penalty"] == 2.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("alpha = [0.5, 2.0]\n", "", r"line 12: policies\[0\].alpha is '\$alpha', which has no val"),
        ('"$alpha"', '"$alfa"', r"line 12: policies\[0\].alpha is '\$alfa', which .*; did you mean '\$alpha'\?"),
        ("alpha = [0.5, 2.0]", "alpha = [0.5, 2.0]\ngamma = [1]", r"over.gamma is given, but no value is '\$gamma'"),
        ("alpha = [0.5, 2.0]", "alpha = [0.5, -2.0]", r"line 12: UCB1.alpha is -2.0; .* \('\$alpha' in line 19\)"),
        ('type = "UCB1"', 'type = "UCB"', r"line 11: policies\[0\].type is 'UCB'.*[^)]$"),
        ("0.2]]", "\n 1.2]]", r"line 8: Bernoulli.means\[1\] is 1.2; allowed.* \('\$means' in line 18\)"),
        ("alpha = [0.5, 2.0]", "alpha = [1, 1.0]", r"line 19: over.alpha\[1\] is 1.0; allowed: what is not in the"),
        (GOOD[GOOD.index("[over]") :], "", r"line 1: over is missing; allowed: a table \[over\] of lists"),
        (
            GOOD[GOOD.index("[over]") :],
            "[[over]]\nmeans = [0.5, 0.4]\nalpha = 1\n[[over]]\nmeans = [0.5, 0.4]",
            r"line 20: over\[1\].alpha is missing; allowed: a value, as policies\[0\].alpha is '\$alpha'",
        ),
        ('type = "Bernoulli"', 'tpye = "Bernoulli"', r"line 7: environment.tpye is 'Bernoulli', but there is no such"),
        ("alpha = [0.5, 2.0]", "alpha = []", r"line 19: over.alpha is \[\]; allowed: a list"),
        ("alpha = [0.5, 2.0]", "alpha = 0.5", r"line 19: over.alpha is 0.5; allowed: a list"),
        ("[over]", "[[over]]", r"line \d+: Bernoulli.means"),
        ("horizon = 60\n", "", r"line 1: horizon is missing"),
        ('type = "Uniform"', 'type = "UCB1"', r"line 14: policies\[1\] has the label 'UCB1' again"),
        ("n_runs = 8", "n_runs = 3_000_000_000", r"line 3: n_runs is 3000000000; allowed: at most 2147483648"),
        (
            "alpha = [0.5, 2.0]",
            "alpha = [0.5, 2.0]\nmean = [1]",
            r"line \d+: over is 'mean'; allowed: a parameter that",
        ),
        ("n_runs = 8", "n_runs = 8\nkeep = 'all'", r"line 4: keep is 'all'; allowed"),
        ("n_runs = 8", "n_runs = 8\nstore = 5", r"line 4: store is 5; allowed"),
        ("n_runs = 8", "n_runs = 8\nstorage = 5", r"line 4: storage is 5, but there is no such key"),
        ("seed = 3", "seed = 3\n[outputs]\nplot = 'a.png'", r"plot.x is missing"),
        ("seed = 3", "seed = 3\n[plot]\nz = 'a'", r"plot.z is 'a', but there is no such key"),
        ("[environment]", "[environments]", "there is no such key|environment is missing"),
        (
            "[environment]",
            "[[environments]]\n[environment]",
            r"line 6: environments is \[{}\], but there is no such key",
        ),
        ("seed = 3", "seed = 3\nmetrics = ['regrets']", r"line 5: metrics is 'regrets'; allowed: one of"),
        ("seed = 3", "seed = 3\ncheckpoints = [10, 70]", r"line 5: checkpoints\[1\] is 70; allowed: from 1 to the"),
        ("horizon = 60", "horizon = 1", r"line 2: horizon is 1; allowed: at least 2, the number of arms"),
        ("alpha = [0.5, 2.0]", "alpha = [0.5]\nhorizon = [60, 1]", r"line 20: horizon is 1; allowed: at least 2"),
        ("alpha = [0.5, 2.0]", "alpha = [0.5]\nhorizon = [60, 'a']", r"line 20: horizon is 'a'; allowed: an integer"),
        (
            '"Uniform"',
            '"dueling.RUCB"',
            r"line 15: dueling.RUCB cannot play Bernoulli.* of line 6: it plays environments of",
        ),
        ("alpha = [0.5, 2.0]", "alpha = [0.5, 0.5]", r"line 19: over.alpha\[1\] is 0.5; allowed: what is not in the"),
        ('"$alpha"', '"$my-alpha"', r"line 10: policies\[0\] has the parameter '\$my-alpha'; allowed: letters"),
        (
            '"$alpha"',
            '"$lambda"',
            r"line 10: policies\[0\] has the parameter '\$lambda'; allowed: .* no word of Python",
        ),
        (
            '"$alpha"',
            '"$alpha"\nlabel = "$alpha"',
            r"line 13: policies\[0\].label is '\$alpha'; allowed: a text without",
        ),
        (
            'type = "Bernoulli"',
            'type = "Bernoulli"\nlabel = "two arms"',
            r"line 8: environment.label is 'two arms', but there is no such key in Bernoulli; allowed: 'type', 'means'",
        ),
        ("n_runs = 8", "n_runs = 8\nstore = ''", r"line 4: store is ''; allowed: a path"),
        ("seed = 3", "seed = 3\n[plot]\nx = 'beta'", r"line 6: plot.x is 'beta'; allowed: one of 'means', 'alpha'"),
        ("seed = 3", "seed = 3\n[plot]\nx = 'means'", r"line 6: plot.x is 'means'; allowed: a parameter whose values"),
        (
            "seed = 3",
            "seed = 3\n[plot]\nx = 'alpha'\nwhere = { means = [0.5, 0.3] }",
            r"line 7: plot.where is {'means': \[0.5, 0.3\]}; allowed: values that some cell has",
        ),
        ("seed = 3", "seed = 3\n[plot]\nx = 'alpha'\nxscale = 'ln'", r"line 7: plot.xscale is 'ln'; allowed: one of"),
        ("seed = 3", "seed = 3\n[plot]\nx = 'alpha'\nmetric = 'reward'", r"line 7: plot.metric is 'reward'; allowed"),
        (
            "seed = 3",
            "seed = 3\n[plot]\nx = 'alpha'\ny = 'means'\npolicy = 'KLUCB'",
            r"line 8: plot.policy is 'KLUCB'; allowed: one of 'UCB1'",
        ),
        (
            "seed = 3",
            "seed = 3\n[plot]\nx = 'alpha'\nlabels.UCB1 = '$'",
            r"line 7: plot.labels\['UCB1'\] is '\$'; allow",
        ),
        ("seed = 3", "seed = 3\n[plot]\nx = 'alpha'\nlegend = 'no'", "line 7: plot.legend is 'no'; allowed: True or"),
        (
            "seed = 3",
            "seed = 3\n[plot]\nx = 'alpha'\ncolors = { A = 'red' }",
            r"plot.colors has the label 'A'; allowed: one of \['UCB1'",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(file, old, new, message):
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        read_sweep(file(GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("environment", "environment is 3; allowed: a table, [environment]"),
        ("policies", "policies is 3; allowed: one table [[policies]] a policy"),
    ],
)
def test_what_is_no_table_is_shown(file, name, words):
    with pytest.raises(ConfigError, match="line 1: " + re.escape(words)):
        read_sweep(file(f"{name} = 3\nhorizon = 9\nn_runs = 1\nover = {{ a = [1] }}\n" + TABLES[name]))


def test_a_picture_is_tried_before_the_sweep(file):
    text = GOOD.replace("seed = 3", "seed = 3\nplot = { x = 'alpha', y = 'means' }")
    axes = read_sweep(file(text)).run(progress=False).plot("alpha", y="means")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["(0.5, 0.2)", "(0.5, 0.4)"]


def test_values_of_several_kinds_are_text_in_the_table(file, tmp_path):
    text = GOOD.replace("alpha = [0.5, 2.0]", "alpha = [0.5, 9_007_199_254_740_993]")
    result = read_sweep(file(text)).run(progress=False)
    write_sweep_outputs(result, {"results": tmp_path / "r.parquet"}, {})
    stored = pd.read_parquet(tmp_path / "r.parquet")
    assert set(stored["alpha"].dropna()) == {"0.5", "9007199254740993"}
    assert set(stored.loc[stored["policy"] == "Uniform", "alpha"].isna()) == {True}


def test_a_policy_is_looked_for_where_the_environment_can_be_played(file):
    text = """
horizon = 20
n_runs = 2
seed = 0
over = { exploration = [5, 10] }
policies = [{ type = "ExploreThenCommit", exploration = "$exploration" }]

[environment]
type = "scoring.PrincipalAgent"
beliefs = [[1, 0], [0.5, 0.5], [0, 1]]
action_distributions = [[0, 1, 0], [0.5, 0, 0.5]]
costs = [0, 0.1]
decisions = [[1, 0], [0, 1]]
"""
    assert len(read_sweep(file(text)).run(progress=False).cells) == 2


def test_command(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outputs = '\n[plot]\nx = "alpha"\nwhere = { means = [0.5, 0.4] }\nxscale = "linear"\n'
    outputs += '\n[outputs]\nresults = "o/r.parquet"\nsummary = "o/s.csv"\nplot = "o/p.png"\n'
    path = file(GOOD.replace('[[policies]]\ntype = "Uniform"\n', "") + outputs)
    runner = CliRunner()
    dry = runner.invoke(app, ["sweep", str(path), "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert dry.output.startswith("Estimate: 4 cells, 1,920 rounds")
    assert not (tmp_path / "o" / "s.csv").exists()
    done = runner.invoke(app, ["sweep", str(path), "--store", str(tmp_path / "store"), "--runs", "6"])
    assert done.exit_code == 0, done.output
    assert "regret, 6 runs per cell" in done.output
    assert "(0.5, 0.2)" in done.output
    assert len(pd.read_csv(tmp_path / "o" / "s.csv")) == 4
    assert len(pd.read_parquet(tmp_path / "o" / "r.parquet")["run"].unique()) == 6
    assert (tmp_path / "o" / "p.png").stat().st_size > 5_000
    assert bl.Store(tmp_path / "store").cells()["n_runs"].tolist() == [6] * 4
    quiet = runner.invoke(app, ["sweep", str(path), "--quiet"])
    assert quiet.output == ""


def test_command_writes_elsewhere_and_plays_other_horizons(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def call(text, *options):
        return runner.invoke(app, ["sweep", str(file(text)), *options])

    assert call(GOOD, "--output", "here", "--horizon", "40").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["sweep.csv", "sweep.parquet"]
    assert pd.read_parquet(tmp_path / "here" / "sweep.parquet")["round"].max() == 40
    drawn = GOOD + "\n[plot]\nx = 'alpha'\nwhere = { means = [0.5, 0.4] }\nslope = false\nlevel = 0.9\n"
    drawn += "policies = ['UCB1']\ncolors.UCB1 = 'tab:red'\nlabels.UCB1 = 'UCB'\n"
    assert call(drawn, "--output", "there").exit_code == 0
    assert (tmp_path / "there" / "sweep.png").exists()
    named = GOOD + "\n[outputs]\nsummary = 'o/s.csv'\n"
    assert call(named, "--output", "named").exit_code == 0
    assert [path.name for path in (tmp_path / "named").iterdir()] == ["s.csv"]
    assert not (tmp_path / "o").exists()
    refused = call(GOOD.replace("[over]", "[over]\nhorizon = [20, 30]"), "--horizon", "40")
    assert refused.exit_code == 2
    assert "--horizon is 40; allowed: no number, as [over] has [20, 30]" in refused.stderr


def test_the_summary_has_all_metrics_whatever_is_drawn(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "metrics = ['regret', 'reward']\n" + GOOD + "\n[outputs]\nsummary = 's.csv'\n"
    drawn = "\n[plot]\nx = 'alpha'\nwhere = { means = [0.5, 0.4] }\n"
    written = []
    for more in ("", drawn, drawn + "metric = 'reward'\n"):
        done = CliRunner().invoke(app, ["sweep", str(file(text + more))])
        assert done.exit_code == 0, done.output
        assert "also recorded: reward (in s.csv)\n" in done.output
        written.append(pd.read_csv("s.csv"))
    table = written[0].drop(columns="rounds_per_second")
    assert table["metric"].tolist() == ["regret", "reward"] * (len(table) // 2)
    for other in written[1:]:
        pd.testing.assert_frame_equal(other.drop(columns="rounds_per_second"), table)


def test_no_legend_lies_over_a_line_of_what_is_written(file, tmp_path, monkeypatch):
    text = GOOD.replace("[over]", "[over]\nhorizon = [300, 1_000]").replace("n_runs = 8", "n_runs = 20")
    result = read_sweep(file(text)).run(progress=False)
    drawn = []
    monkeypatch.setattr("banditlab.outputs._save", lambda figure, path: (drawn.append(figure), path.touch()))
    write_sweep_outputs(result, {"plot": tmp_path / "p.png"}, {"x": "horizon", "slope": False})
    (ax,) = drawn[0].axes
    drawn[0].draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    for line in (container.lines[0] for container in ax.containers):
        x, y = ax.transData.transform(line.get_xydata()).T
        along = np.linspace(x[0], x[-1], 500)
        at = np.interp(along, x, y)
        assert not ((legend.x0 < along) & (along < legend.x1) & (legend.y0 < at) & (at < legend.y1)).any()


def test_a_path_is_one():
    with pytest.raises(InvalidType, match="path is 5; allowed: a path"):
        read_sweep(5)


def test_the_example_reads():
    assert read_sweep(EXAMPLES / "sweep.toml").plot["x"] == "horizon"


def test_the_example_of_clicks_runs(tmp_path):
    experiment = read_sweep(EXAMPLES / "sweep_clicks.toml")
    result = experiment.run(horizon=100, n_runs=2, progress=False)
    assert len(result.finished) == 4 * 2 * 2
    assert result.metrics == ("regret", "screened[0]", "screened[1]")
    write_sweep_outputs(result, {"plot": tmp_path / "p.png"}, experiment.plot)


def test_run_says_what_a_sweep_is_for(file):
    with pytest.raises(
        ConfigError, match=r"line \d+: over is given; allowed: in the file of a sweep \(banditlab sweep"
    ):
        config.read(file(GOOD))
