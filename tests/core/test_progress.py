"""The progress bar."""

from __future__ import annotations

import subprocess
import sys

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
