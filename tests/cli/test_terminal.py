"""The command line in a terminal of 80 columns, in a pipe, and used wrongly; `doctor` and `version`."""

import os
import pty
import re
import subprocess
import sys

import pytest

import banditlab as bl
from banditlab.cli import machine
from banditlab.cli.terminal import console, duration, number, show, table, text
from banditlab.core.results import provenance

from . import call

COMMANDS = ["run", "sweep", "demo", "list", "show", "reproduce", "bench", "doctor", "version"]
BANDITLAB = [sys.executable, "-m", "banditlab"]


def in_a_terminal(*arguments):
    """Return what a command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    done = subprocess.Popen(
        [*BANDITLAB, *arguments], stdout=theirs, stderr=theirs, stdin=theirs,
        env=environment | {"COLUMNS": "80", "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # Linux: the other side has been closed
            break
        if not block:
            break
        written += block
    os.close(ours)
    return done.wait(), written.decode().replace("\r\n", "\n")


def test_help_names_every_command_and_fits_80_columns():
    code, shown = in_a_terminal("--help")
    assert code == 0
    assert "\x1b[" in shown
    from rich.text import Text

    plain = Text.from_ansi(shown).plain
    for name in COMMANDS:
        assert f" {name} " in plain
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert "…" not in plain


def test_flags_have_no_type():
    code, shown = in_a_terminal("run", "--help")
    from rich.text import Text

    plain = Text.from_ansi(shown).plain
    assert code == 0
    assert re.search(r"--seed +(<int>|INTEGER) +Seed", plain)
    assert re.search(r"--quiet +Print nothing but errors", plain)
    assert re.search(r"--help +Show this message", plain)


def test_a_table_fits_80_columns_and_is_whole():
    code, shown = in_a_terminal("list", "clicks")
    from rich.text import Text

    plain = Text.from_ansi(shown).plain
    assert code == 0
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert "…" not in plain
    assert "and permanently" in plain
    assert "drops arms whose click rate it does not want." in plain


def test_a_title_is_whole_where_its_table_is_narrow(capsys):
    title = "a title that is longer than all of the table's columns together"
    rows = table(console(), title, "n")
    rows.add_row(text("1"))
    show(console(), rows)
    assert capsys.readouterr().out == f"{title}\nn\n1\n\n"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list"], ["show", "UCBS"], ["doctor"], ["run", "--help"], ["reproduce", "--list"]],
    ids=" ".join,
)
def test_nothing_but_text_is_piped(arguments):
    done = subprocess.run([*BANDITLAB, *arguments], capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert "…" not in done.stdout
    assert done.stderr == ""


def test_a_pipe_that_nobody_reads_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m banditlab list | head -n 1", shell=True, capture_output=True, text=True, check=True
    )
    assert done.stdout == "arms: environments\n"
    assert done.stderr == ""


def test_formulas_stay_as_they_are_where_no_symbols_can_be_shown():
    environment = os.environ | {"PYTHONIOENCODING": "ascii:backslashreplace", "PYTHONUTF8": "0"}
    done = subprocess.run([*BANDITLAB, "show", "MOSS"], capture_output=True, env=environment, check=True)
    assert b"\\sqrt" in done.stdout
    assert b"\\u" not in done.stdout


def test_labels_that_cannot_be_shown_do_not_end_a_run(tmp_path):
    (tmp_path / "e.toml").write_text(
        'horizon = 9\nn_runs = 2\npolicies = [{ type = "UCB1", label = "λ = 2" }]\n'
        'environment = { type = "Bernoulli", means = [0.2, 0.8] }\noutputs = { results = "r.parquet" }\n',
        encoding="utf-8",
    )
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}  # a pipe's on Windows
    done = subprocess.run(
        [*BANDITLAB, "run", "e.toml"], cwd=tmp_path, capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u03bb = 2" in done.stdout
    assert (tmp_path / "r.parquet").exists()


def test_without_arguments_there_is_help():
    bare, asked = call(), call("--help")
    assert (bare.exit_code, bare.stdout) == (0, asked.stdout)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rnu"], "banditlab: No such command 'rnu'. Did you mean 'run'?"),
        (["run"], "banditlab: Missing argument 'FILE.toml'; "),
        (["run", "x.toml", "--sed", "3"], "banditlab: No such option"),
        (["run", "x.toml", "--runs", "many"], "banditlab: Invalid value for '--runs'"),
    ],
    ids=["command", "missing", "option", "value"],
)
def test_wrong_use_is_one_line(arguments, told):
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(told)
    assert result.stderr.endswith(" --help' says what is allowed\n")
    assert result.stderr.count("\n") == 1


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom banditlab import cli\n"
        "assert CliRunner().invoke(cli.app, ['--help']).exit_code == 0\n"
        "print([m for m in ('pandas', 'matplotlib', 'pyarrow', 'joblib', 'cvxpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_numbers_and_durations():
    assert [number(x) for x in (float("nan"), 0.123456, 1234.5, -99_999.0)] == ["-", "0.1235", "1,234", "-99,999"]
    assert [duration(x) for x in (0.2, 99, 100, 3_600, 36_000)] == ["1 s", "99 s", "2 min", "60 min", "10.0 h"]


# ------------------------------------------------------------------------------------------------ doctor


def test_version():
    result = call("version")
    assert result.stdout.startswith(f"banditlab {bl.__version__} (Python ")


def test_doctor_is_one_screen_with_everything(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    result = call("doctor")
    assert result.exit_code == 0, result.output
    names = [line.split(":")[0] for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert names == ["banditlab", "Python", "system", "packages", "threads", "SIMD", "kernel cache", "GPU"]
    assert "OMP_NUM_THREADS=3\n" in result.stdout
    assert f"numpy {provenance.versions()['numpy']}, numba " in result.stdout
    assert result.stdout.count("\n") <= 24
    assert "packages: " in result.stdout


def test_doctor_says_where_kernels_are_and_whether_they_can_be(monkeypatch, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "kernel.nbc").write_bytes(b"0" * 2_000_000)
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    told = machine._cache()
    assert told.startswith(f"{tmp_path}, as NUMBA_CACHE_DIR has it\nwritable, 1 kernels, 2 MB; ")

    blocked = tmp_path / "x" / "kernel.nbc"  # a file, where Numba can make no folder
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(blocked))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    first, *_, last = machine._cache().splitlines()
    assert first.endswith(", as Numba has it")
    assert last == f"NUMBA_CACHE_DIR is {blocked}, where none can be written"

    def nowhere(*arguments):
        raise RuntimeError("no locator available")

    monkeypatch.setattr("banditlab.core.compiling.numba_parts.FunctionCache", nowhere)
    assert machine._cache().startswith("none can be written (no locator available): every process compiles anew\nset ")


@pytest.fixture
def nvidia_smi(monkeypatch, tmp_path):
    """Return a function that makes the driver's program one that says something, and exits."""

    def make(script):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return make


def test_doctor_finds_driver_and_devices(nvidia_smi):
    nvidia_smi("echo '570.1, NVIDIA H200, 143771 MiB, 9.0'; echo '570.1, NVIDIA T4, 15360 MiB, 7.5'")
    assert machine._driver().splitlines() == [
        "driver: 570.1",
        "device: NVIDIA H200, 143771 MiB, compute capability 9.0",
        "device: NVIDIA T4, 15360 MiB, compute capability 7.5",
    ]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'NVIDIA-SMI has failed'; exit 9", "driver: does not answer (NVIDIA-SMI has failed)"),
        ("exit 0", "driver: found, but no device"),
        ("exec sleep 5", "driver: does not answer ("),
    ],
    ids=["failed", "no device", "hangs"],
)
def test_a_driver_in_trouble_is_no_trouble_for_doctor(nvidia_smi, monkeypatch, script, told):
    monkeypatch.setattr(machine, "WAIT", 0.3)
    nvidia_smi(script)
    assert machine._driver().startswith(told)


def test_without_gpu_doctor_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(machine, "GPU_PACKAGES", ("a-package-that-is-none",))
    assert machine._gpu().splitlines()[1] == "driver: none found (no nvidia-smi)"
    assert machine._gpu().startswith("packages: neither numba-cuda nor cupy")


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (lambda: "", "yes"),
        (lambda: "there is no device; allowed: where nvidia-smi lists one", "no, there is no device"),
        (lambda: 1 // 0, "no, ZeroDivisionError: "),
    ],
    ids=["usable", "no device", "broken"],
)
def test_doctor_says_whether_the_backend_can_be_used(monkeypatch, missing, told):
    monkeypatch.setattr("banditlab.core.devices.cuda.missing", missing)
    monkeypatch.setattr("banditlab.core.devices.cuda.simulated", lambda: False)
    assert machine._backend().startswith(told)
