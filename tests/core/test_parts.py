"""What only compiled code calls is compiled in its callers alone, and can print and raise all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.codegen import JITCodeLibrary

import banditlab
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import record
from banditlab.core.dispatch import device, device_call

SCRIPT = """
import banditlab as bl
from banditlab import arms

@arms.policy
class Tells:
    def state(self, space):
        return {"sums": space.per_arm(2.5)}

    def select(self, state, lane, t, rng):
        return t % 2

    def update(self, state, arm, lane, reward, t):
        if t == 100:  # later than what plain Python rehearses
            print("arm", arm, state.sums[:, lane].copy())
        if t == 101:
            raise ValueError("sum", state.sums[arm, lane])

try:
    bl.run(arms.Bernoulli([0.0, 0.0]), Tells(), horizon=200, n_runs=1, seed=0, progress=False)
except ValueError as error:
    print(error.args, flush=True)
"""


def test_parts_print_and_raise_in_a_kernel_just_compiled_and_in_one_from_the_disk(tmp_path: Path) -> None:
    script = tmp_path / "tells.py"
    script.write_text(SCRIPT)
    environment = os.environ | {
        "PYTHONPATH": str(Path(banditlab.__file__).parents[1]),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    for _ in range(2):
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == ["arm 0 [2.5 2.5]", "('sum', 2.5)"]


@device
def twice(x: float) -> float:
    return 2.0 * x


@device_call
def twice_and_one(x: float) -> float:
    return twice(x) + 1.0


def add_all(numbers: Any) -> float:
    return twice(numbers.values[0]) + twice_and_one(numbers.values[1])


def test_only_the_kernel_becomes_machine_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[str] = []
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    usual = JITCodeLibrary._finalize_specific

    def noted(library: Any) -> None:
        made.append(library.name)
        usual(library)

    monkeypatch.setattr(JITCodeLibrary, "_finalize_specific", noted)
    numbers = record("Numbers", {"values": np.array([3.0, 5.0])})
    assert kernel(add_all, numbers)(numbers) == 17.0
    assert [name.split("-")[0] for name in made if name != "nrt"] == ["add_all"]  # nrt is Numba's runtime
