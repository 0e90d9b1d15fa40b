"""`banditlab reproduce` and `bench`: what needs a checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import banditlab as bl
from banditlab.cli import checkout
from banditlab.core.errors import InvalidArgument
from experiments import reproduction
from experiments.reproduction import Experiment

from . import call

ROOT = Path(__file__).parents[2]
NAME = "semibandits_paradox"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Make the quick size of an experiment the tiny one, in plain Python; results and records go elsewhere."""
    folder = tmp_path_factory.mktemp("checkout")
    play, config = bl.run, Experiment(NAME).config
    config["sizes"]["quick"] = config["sizes"]["tiny"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bl, "run", lambda *a, **k: play(*a, **k, backend="python"))
        patch.setattr(f"experiments.{NAME}.simulate.configuration", lambda: config)
        patch.setattr(Experiment, "folder", lambda self, size: folder / "results" / self.name / size)
        patch.setattr(reproduction, "RECORDED", folder / "docs")
        yield folder


@pytest.fixture
def tiny(elsewhere):
    """Return where the quick size's results go, without any."""
    folder = elsewhere / "results" / NAME / "quick"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(elsewhere / "docs", ignore_errors=True)
    return folder


@pytest.fixture(scope="module")
def played(elsewhere):
    """Return what `reproduce` said, and a copy of what it stored."""
    result = call("reproduce", NAME, "--quick", "--jobs", 1)
    shutil.copytree(elsewhere / "results" / NAME / "quick", elsewhere / "copy")
    return result, elsewhere / "copy"


@pytest.fixture
def stored(played, tiny):
    """Return where the quick size's results are."""
    shutil.copytree(played[1], tiny)
    return tiny


def test_reproduce_says_how_long_plays_once_and_prints_verdicts(played, stored):
    result, tiny = played[0], stored
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{ROOT}: about ")
    assert lines[0].endswith(" on 1 free core")
    assert "  runs" in lines
    table = [line for line in lines if "regret is nearly linear" in line]
    assert len(table) == 2  # whole claims in one line each, as nobody's terminal is 80 columns wide
    assert f"figures, verdicts and results are in {tiny}" in lines
    assert (tiny / "figure.pdf").exists()

    again = call("reproduce", NAME, "--quick")
    assert again.stdout.startswith(f"{ROOT}: everything is stored already\n\n{NAME}, quick size (stored)\n")
    assert "  runs\n" not in again.stdout
    (tiny / "runs.parquet").write_bytes(b"stale")
    forced = call("reproduce", NAME, "--quick", "--force", "--jobs", 1)
    assert forced.exit_code == 0
    assert "  runs\n" in forced.stdout
    assert not (tiny.parents[2] / "docs").exists()


def test_record_puts_verdicts_where_the_documentation_shows_them(stored):
    tiny = stored
    result = call("reproduce", NAME, "--quick", "--record", "--jobs", 1)
    assert result.exit_code == 0, result.output
    docs = tiny.parents[2] / "docs"
    assert sorted(file.name for file in docs.iterdir()) == [f"{NAME}.quick.figure.png", f"{NAME}.quick.json"]
    assert f"recorded: {docs / NAME}.quick.json\n" in result.stdout
    from experiments.pages import verdict_page

    page = verdict_page()
    recorded = Experiment(NAME).recorded()
    assert f"| [{NAME}](#{NAME}) | quick | " in page
    assert f"![{Experiment(NAME).summary}](../verdicts/{NAME}.quick.figure.png)" in page
    rows = [line for line in page.splitlines() if line.startswith("| ") and "Zhang, Combes" in line]
    assert len(rows) + 1 == len(recorded.verdicts)
    assert recorded.date in page


def test_an_interruption_says_where_things_are(tiny, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(bl, "run", interrupted)
    result = call("reproduce", NAME, "--quick", "--jobs", 1)
    assert result.exit_code == 130
    told = f"banditlab: interrupted; what was finished is in {tiny}, and the same command goes on from there\n"
    assert result.stderr == told
    monkeypatch.setattr(checkout, "_reproduce", lambda *a: None)
    assert "less what is stored in part" in call("reproduce", NAME, "--quick").stdout


def test_list_has_every_experiment_with_its_times(stored):
    lines = call("reproduce", "--list").stdout.splitlines()
    names = [line.split()[0] for line in lines if line]
    for name, experiment in reproduction.experiments().items():
        assert name in names
        assert any(" ".join(line.split()).startswith(f"{name} {experiment.summary}") for line in lines)
    (row,) = [line for line in lines if line.startswith(NAME)]
    assert row.split()[-1] == "quick"
    assert lines[-1].startswith("Times: estimates for ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "NAME is missing; allowed: one or more of "),
        (["--all", NAME], f"NAME is '{NAME}'; allowed: one or more of "),
        (
            ["cvar_pdm"],
            "NAME is 'cvar_pdm'; allowed: an experiment from `banditlab reproduce --list`; did you mean cvar_",
        ),
        ([NAME, "cvar_mdp", "--output", "x"], "--output is 'x'; allowed: a folder for one experiment"),
    ],
    ids=["no name", "all and a name", "typo", "one folder for two"],
)
def test_what_cannot_be_reproduced_is_one_line(arguments, told):
    result = call("reproduce", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"banditlab: {told}")
    assert result.stderr.count("\n") == 1


def test_results_of_another_configuration_are_not_overwritten(tiny):
    tiny.mkdir(parents=True)
    (tiny / "made_with.json").write_text('{"experiment": "x"}')
    result = call("reproduce", NAME, "--quick", "--jobs", 1)
    assert result.exit_code == 2
    assert "whose results were made with another config.toml (" in result.stderr
    assert result.stderr.endswith("allowed: a new folder, or --force, which removes them\n")


# --------------------------------------------------------------------------------------- finding the checkout


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Make it look as if the package were installed far from any checkout."""
    monkeypatch.setattr(checkout, "__file__", str(tmp_path / "site-packages" / "banditlab" / "cli" / "checkout.py"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def make_checkout(folder, version=bl.__version__, name="banditlab-sim"):
    (folder / "experiments").mkdir(parents=True)
    (folder / "experiments" / "__init__.py").touch()
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "{version}"\n')


def test_the_checkout_of_the_package_comes_first():
    assert checkout.find_checkout("experiments") == ROOT


@pytest.mark.parametrize("command", ["reproduce", "bench"])
def test_without_a_checkout_there_is_an_error_that_says_what_to_do(installed, command):
    result = call(command, *(["--all"] if command == "reproduce" else []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        f"banditlab: the current folder is '{installed / 'elsewhere'}'; allowed: a checkout"
    )
    assert "get the source, and call this in its folder" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_current_folder_may_be_anywhere_in_a_checkout(installed, monkeypatch):
    make_checkout(installed / "source")
    monkeypatch.chdir(installed / "source" / "deep" / "er")
    assert checkout.find_checkout("experiments") == installed / "source"
    assert sys.path[0] == str(installed / "source")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"version": "9.9"}, f"the version here is '9.9'; allowed: {bl.__version__}, as installed"),
        ({"name": "something-else"}, "allowed: a checkout of banditlab"),
    ],
    ids=["another version", "another project"],
)
def test_what_is_no_checkout_of_this_version_is_refused(installed, monkeypatch, options, told):
    make_checkout(installed / "source", **options)
    monkeypatch.chdir(installed / "source")
    with pytest.raises(InvalidArgument, match=told):
        checkout.find_checkout("experiments")


def test_the_command_works_from_any_folder(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "banditlab", "reproduce", "--list"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "\nucb_lower_bound " in done.stdout


def test_bench_passes_its_options_on(monkeypatch):
    import benchmarks.__main__ as benchmarks

    given = []
    monkeypatch.setattr(benchmarks, "main", given.append)
    options = ["--quick", "--only", "klucb", "--only", "import", "--output", "x.json", "--repetitions", 2, "--floors"]
    result = call("bench", *options)
    assert result.exit_code == 0, result.output
    parsed = benchmarks._options(given[0])
    assert (parsed.quick, parsed.only, parsed.repetitions, parsed.floors) == (True, ["klucb", "import"], 2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "nothing"], "--only is 'nothing'; allowed: a beginning of ucb1-2, "),
        (["--repetitions", 0], "--repetitions is 0; allowed: at least 1"),
        (
            ["--output", "no/such/folder.json"],
            "--output is no/such/folder.json; allowed: a file in a folder that exists",
        ),
    ],
    ids=["name", "number", "folder"],
)
def test_what_cannot_be_measured_is_one_line(arguments, told):
    result = call("bench", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"banditlab: {told}")
    assert result.stderr.count("\n") == 1
