"""The progress bar."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.playing.progress import Progress

NOTEBOOK_WITHOUT_IPYWIDGETS = """
import sys, types

class Shell:
    config = {"IPKernelApp": {}}

sys.modules["IPython"] = types.ModuleType("IPython")
sys.modules["IPython"].get_ipython = Shell
sys.modules["ipykernel.zmqshell"] = types.ModuleType("zmqshell")
sys.modules["ipywidgets"] = None  # cannot be imported
from banditlab.core.playing.progress import Progress

with Progress(10, True) as progress:
    progress.add(10)
print("tqdm" in sys.modules)
"""


def test_a_notebook_without_ipywidgets_is_not_warned():
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK_WITHOUT_IPYWIDGETS],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"
    assert "IProgress" not in done.stderr


def test_a_bar_of_many_short_cells_is_drawn_a_few_times(monkeypatch):
    drawn = io.StringIO()
    monkeypatch.setattr(sys, "stderr", drawn)
    over = {"alpha": [0.1 + 0.01 * k for k in range(300)]}
    result = bl.sweep(arms.Bernoulli([0.5, 0.4]), arms.UCB1, over, horizon=2, n_runs=1, seed=0, progress=True, n_jobs=1)
    assert drawn.getvalue().count("\r") < 20 + 15 * result.provenance["wall_seconds"]
    assert "compiling UCB1, alpha=0.1 on Bernoulli" in drawn.getvalue()


class OnlyWritten:
    """A stream as programs make them to collect what is printed."""

    def write(self, text):
        """Take it."""


class Broken(io.StringIO):
    """A pipe that nobody reads on."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def closed():
    made = io.StringIO()
    made.close()
    return made


@pytest.mark.parametrize("progress", ["auto", True])
@pytest.mark.parametrize("stream", [lambda: None, closed, OnlyWritten, Broken])
def test_where_no_bar_can_be_drawn_there_is_none_and_runs_go_on(monkeypatch, stream, progress):
    monkeypatch.setattr(sys, "stderr", stream())
    options = {"horizon": 10, "n_runs": 2, "seed": 0, "progress": progress}
    over = {"alpha": [1.0, 2.0]}
    assert bl.run(arms.Bernoulli([0.5, 0.4]), arms.UCB1(), **options).n_runs == 2
    assert len(bl.sweep(arms.Bernoulli([0.5, 0.4]), arms.UCB1, over, **options).finished) == 2


def test_a_bar_that_nobody_reads_on_is_given_up(monkeypatch):
    class Read(io.StringIO):
        """A pipe whose other end is closed when something has come."""

        def write(self, text):
            if self.tell():
                raise BrokenPipeError(32, "Broken pipe")
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", Read())
    with Progress(100, True) as bar:
        bar._bar.delay = 0.0
        for _ in range(5):
            bar.say(f"playing {_}")
            bar.note(cells=3)
            bar.add(20)
    assert bar._bar is None
