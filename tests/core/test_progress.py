"""The progress bar."""

from __future__ import annotations

import io
import subprocess
import sys

import banditlab as bl
from banditlab import arms

NOTEBOOK_WITHOUT_IPYWIDGETS = """
import sys, types

class Shell:
    config = {"IPKernelApp": {}}

sys.modules["IPython"] = types.ModuleType("IPython")
sys.modules["IPython"].get_ipython = Shell
sys.modules["ipykernel.zmqshell"] = types.ModuleType("zmqshell")
sys.modules["ipywidgets"] = None  # cannot be imported
from banditlab.core.progress import Progress

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
