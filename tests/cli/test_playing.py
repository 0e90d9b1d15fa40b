"""`banditlab run` and `demo`."""

import os
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import banditlab as bl
from banditlab import cli
from banditlab.core.errors import InterruptedRunWarning, InvalidArgument
from banditlab.demo import run_demo
from banditlab.outputs import prepare_outputs

from . import call

SMALL = """
horizon = 100
n_runs = 3
seed = 5

[environment]
type = "Bernoulli"
means = [0.2, 0.8]

[[policies]]
type = "UCB1"

[[policies]]
type = "Uniform"
label = "at [random]"
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


# -------------------------------------------------------------------------------------------------- run


def test_run_prints_the_summary_plainly_when_piped(small):
    result = call("run", small)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == "Bernoulli([0.2, 0.8]): regret after 100 rounds, 3 runs"
    assert lines[1].split() == ["policy", "mean", "+/-", "95%", "median", "/", "bound", "Mrounds/s"]
    assert lines[2].startswith("UCB1 ")
    assert lines[3].startswith("at [random] ")
    assert all(line == line.rstrip() for line in lines)
    assert result.stdout.isascii()
    assert "seed:    5" in lines
    expected = bl.run(bl.arms.Bernoulli([0.2, 0.8]), bl.arms.UCB1(), horizon=100, n_runs=3, seed=5).values()
    assert lines[2].split()[1] == f"{expected[0, :, -1].mean():.4g}"


def test_run_writes_what_the_file_names(small, tmp_path):
    small.write_text(SMALL + '[outputs]\nresults = "deep/er/r.parquet"\nplot = "p.pdf"\nsummary = "s.csv"\n')
    result = call("run", small)
    assert result.exit_code == 0, result.stderr
    assert "results: deep/er/r.parquet\nplot:    p.pdf\nsummary: s.csv\n" in result.stdout
    loaded = bl.load(tmp_path / "deep/er/r.parquet")
    assert (loaded.policies, loaded.n_runs, loaded.seed) == (("UCB1", "at [random]"), 3, 5)
    picture = (tmp_path / "p.pdf").read_bytes()
    assert picture.startswith(b"%PDF")
    assert b"/CIDFontType2" in picture  # TrueType
    assert b"/Type3" not in picture
    assert (tmp_path / "s.csv").read_text().startswith("policy,metric,mean,ci_low")


def test_all_metrics_are_in_the_summary_and_the_table_says_where(small, tmp_path):
    small.write_text(SMALL.replace("seed = 5", 'seed = 5\nmetrics = ["regret", "pulls", "reward"]'))
    result = call("run", small, "--output", "b")
    told = "also recorded: pulls[0], pulls[1], reward (in b/summary.csv and b/results.parquet)\n"
    assert told in result.stdout
    assert "regret after" in result.stdout
    assert "reward after" not in result.stdout
    table = pd.read_csv(tmp_path / "b" / "summary.csv", index_col=["policy", "metric"])
    loaded = bl.load(tmp_path / "b" / "results.parquet")
    pd.testing.assert_frame_equal(table, loaded.summary(loaded.metrics))
    assert set(loaded.metrics) == {"regret", "pulls[0]", "pulls[1]", "reward"}
    told = "also recorded: pulls[0], pulls[1], reward (summary in [outputs] would write them)\n"
    assert told in call("run", small).stdout
    assert "also recorded" not in call("run", small, "--quiet").stdout
    small.write_text(SMALL)
    assert "also recorded" not in call("run", small).stdout


def test_options_take_the_place_of_the_files_values(small, tmp_path):
    result = call("run", small, "--seed", 8, "--runs", 2, "--horizon", 50, "--jobs", 1, "--output", tmp_path / "here")
    assert result.exit_code == 0, result.stderr
    loaded = bl.load(tmp_path / "here" / "results.parquet")
    assert (loaded.seed, loaded.n_runs, loaded.horizon) == (8, 2, 50)
    assert sorted(p.name for p in (tmp_path / "here").iterdir()) == ["regret.png", "results.parquet", "summary.csv"]


def test_output_moves_the_files_that_are_named(small, tmp_path):
    small.write_text(SMALL + '[outputs]\nsummary = "a/s.csv"\n')
    assert call("run", small, "--output", "b").exit_code == 0
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["s.csv"]
    assert not (tmp_path / "a").exists()


def test_quiet_prints_nothing_but_writes(small, tmp_path):
    result = call("run", small, "--quiet", "--output", "b")
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "b" / "results.parquet").exists()


def test_several_environments_and_another_metric(small):
    text = SMALL.replace("[environment]", '[[environments]]\nlabel = "one"').replace("seed = 5", 'metrics = "reward"')
    small.write_text(text + '[[environments]]\nlabel = "two"\ntype = "Bernoulli"\nmeans = [0.5, 0.5]\n')
    result = call("run", small, "--output", "b")
    assert result.exit_code == 0, result.stderr
    assert "one: reward after 100 rounds, 3 runs\n" in result.stdout
    assert "two: reward after 100 rounds, 3 runs\n" in result.stdout
    assert "bound" not in result.stdout


def test_a_single_run_has_no_interval(small):
    result = call("run", small, "--runs", 1)
    assert result.exit_code == 0, result.stderr
    assert " 1 run\n" in result.stdout
    assert result.stdout.splitlines()[2].split()[2] == "-"


def test_interrupted_runs_are_written_and_said(small, monkeypatch, tmp_path):
    whole = bl.core.playing.runner.run

    def interrupted(**arguments):
        warnings.warn("interrupted: the result holds 3 of 9 runs", InterruptedRunWarning, stacklevel=2)
        return whole(**arguments)

    monkeypatch.setattr("banditlab.config.run", interrupted)
    result = call("run", small, "--output", "b")
    assert result.exit_code == cli.INTERRUPTED
    assert result.stderr == "banditlab: interrupted: the result holds 3 of 9 runs\n"
    assert (tmp_path / "b" / "results.parquet").exists()


def test_an_interruption_before_anything_finished_is_said(small, monkeypatch):
    for told in ("before every policy had finished a run", ""):

        def interrupted(told=told, **arguments):
            raise KeyboardInterrupt(told)

        monkeypatch.setattr("banditlab.config.run", interrupted)
        result = call("run", small)
        assert (result.exit_code, result.stdout) == (cli.INTERRUPTED, "")
        assert result.stderr == f"banditlab: interrupted {told}".rstrip() + "\n"


# ----------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("horizon = 100", "horizon = 1.5", 2, "horizon is 1.5"),
        ("seed = 5", "sed = 5", 4, "did you mean 'seed'?"),
        ("means = [0.2, 0.8]", "means = [0.2, 8]", 8, "Bernoulli.means[1] is 8.0"),
        ('"UCB1"', '"Ucb1"', 11, "did you mean 'UCB1'?"),
        ('label = "at [random]"', "alpha = 1", 15, "no such key in Uniform"),
        ('"Uniform"', "", 14, "not TOML"),
    ],
)
def test_errors_in_the_file_are_one_line_that_names_the_line(small, old, new, line, word):
    small.write_text(SMALL.replace(old, new))
    result = call("run", small, "--output", "never")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"banditlab: {small}, line {line}: ")
    assert word in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (small.parent / "never").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run", "absent.toml"], "absent.toml: cannot be read"),
        (["run", "small.toml", "--runs", "0"], "n_runs is 0; allowed: an integer of at least 1"),
        (["run", "small.toml", "--horizon", "1"], "horizon is 1; allowed: at least 2"),
        (["run", "small.toml", "--jobs", "0"], "n_jobs is 0"),
        (["run", "small.toml", "--seed", "-1"], "seed is -1"),
        (["run", "small.toml", "--output", "small.toml"], "a file in a folder that can be made"),
        (["demo", "--horizon", "5"], "horizon is 5; allowed: at least 34"),
    ],
)
def test_other_errors_are_one_line_too(small, arguments, word):
    result = call(*arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert result.stderr.startswith("banditlab: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "why"), [("x" * 300, "File name too long"), ("a\0b", "null"), ("\ud800", "can't encode")]
)
def test_names_that_no_file_can_have_are_refused_before_anything_is_played(tmp_path, name, why):
    with pytest.raises(InvalidArgument, match=rf"^outputs.plot is .*; allowed: a file that can be written \(.*{why}"):
        prepare_outputs({"plot": tmp_path / f"{name}.png"})


def test_a_full_disk_is_said(small, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bl.Results, "save", full)
    result = call("run", small, "--output", "b")
    assert result.exit_code == 1
    assert "the outputs cannot be written: [Errno 28] No space left on device" in result.stderr
    assert "UCB1" in result.stdout  # what was simulated is told nonetheless


def test_what_a_full_disk_cannot_hold_does_not_take_the_place_of_what_is_there(small, monkeypatch, tmp_path):
    def full(figure, path, **options):
        path.write_bytes(b"half a pic")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "regret.png").write_bytes(b"a picture")
    assert call("run", small, "--output", tmp_path / "b").exit_code == 1
    assert (tmp_path / "b" / "regret.png").read_bytes() == b"a picture"
    assert {file.name for file in (tmp_path / "b").iterdir()} == {"regret.png", "results.parquet"}


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode")
def test_names_that_are_no_unicode_are_written_to(small, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    assert call("run", small, "--output", folder, "--quiet").exit_code == 0
    assert len(list(folder.iterdir())) == 3


# ------------------------------------------------------------------------------------------------- demo


def test_demo_writes_a_picture_and_says_where(tmp_path):
    result = call("demo", "--output", tmp_path / "d", "--runs", 2, "--horizon", 40)
    assert result.exit_code == 0, result.stderr
    assert f"plot:    {tmp_path / 'd' / 'regret.png'}\n" in result.stdout
    assert "ThompsonSampling" in result.stdout
    assert "time: " in result.stdout
    assert (tmp_path / "d" / "regret.png").read_bytes().startswith(b"\x89PNG")
    loaded = bl.load(tmp_path / "d" / "results.parquet")
    again = run_demo(tmp_path / "e", horizon=40, n_runs=2)
    assert loaded.policies == again.policies == ("UCB1", "KLUCB", "MOSS", "IMED", "ThompsonSampling")
    assert np.array_equal(loaded.values(), again.values())
    assert (tmp_path / "d" / "summary.csv").read_text().count("\n") == 6


def test_a_run_goes_on_from_its_store(small, tmp_path):
    text = small.read_text()
    small.write_text(f'store = "{tmp_path / "of the file"}"\nkeep = "summary"\n' + text)
    first = call("run", small, "--runs", "6")
    again = call("run", small, "--runs", "6")
    assert first.exit_code == again.exit_code == 0
    assert bl.Store(tmp_path / "of the file").cells()["n_runs"].tolist() == [6] * 2
    assert call("run", small, "--runs", "4", "--store", str(tmp_path / "given")).exit_code == 0
    assert bl.Store(tmp_path / "given").cells()["n_runs"].tolist() == [4] * 2
    small.write_text("keep = 'all'\n" + text)
    assert "line 1: keep is 'all'; allowed: one of 'runs', 'summary'" in call("run", small).stderr
