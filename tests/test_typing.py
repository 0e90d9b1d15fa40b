"""What type checkers make of a user's code, in which arrays are given as lists."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from banditlab.families import families, kinds, registered

GOOD = """
from typing import Any

import numpy as np

import banditlab as bl
from banditlab import arms, clicks, cvar, dueling, semibandits
from banditlab.core.typed import FloatArray
from banditlab.core.validation import positive, vector


@arms.environment
class Halves(arms.Stationary):
    means: FloatArray = bl.field(check=vector(0.0, 0.5), doc="one mean per arm")

    def reward(self, arm: int, u: float, t: int) -> float:
        return 0.5 if u < 2.0 * self.means[arm] else 0.0


@arms.policy
class Greedy:
    bonus: float = bl.field(default=0.5, check=positive, doc="exploration")

    def index(self, state: Any, arm: int, lane: int, t: int, rng: Any) -> float:
        return float(state.means[arm, lane]) + self.bonus

    def update(self, state: Any, arm: int, lane: int, reward: float, t: int) -> None:
        state.means[arm, lane] += reward


env = arms.Bernoulli([0.1, 0.9])
reveal_type(env.means)
reveal_type(Halves((0.1, 0.4)).means)
for other in (
    arms.Gaussian(np.array([0.0, 1.0])),
    arms.Beta([1, 2], [2.0, 1.0]),
    arms.FromScipy(()),
    arms.PiecewiseStationary((env, env), change_points=(10,)),
    arms.Categorical([0.0, 1.0], [[0.5, 0.5]]),
    clicks.StrategicClickBandit([0.5, 0.6], [1.0, 1.0]),
    cvar.TabularMDP([[[1.0]]], [[0.5]], horizon=2),
    dueling.PreferenceMatrix([[0.5, 0.6], [0.4, 0.5]]),
    dueling.ContextualGLM([1.0], [[0.0], [0.5]]),
    semibandits.LinearSet([[1, 1]], upper=[1]),
    semibandits.Paths([("s", "t")], "s", "t"),
    semibandits.Coverage([[1, 0]], semibandits.MSets(1), weights=[1, 1]),
):
    print(other)
result = bl.run([env], [Greedy(bonus=1.0), arms.UCB1()], horizon=10, n_runs=2)
reveal_type(result.values())
sweep = bl.sweep(env, Greedy, {"bonus": [0.5, 1.0]}, horizon=10, n_runs=2)
print(sweep.summary(), bl.sweep(env, Greedy, {"bonus": [0.5]}, horizon=10, n_runs=2, dry_run=True).seconds)
"""

BAD = {
    "arms.Bernoulli()": "Missing positional argument",
    "arms.Bernoulli(0.5, 0.6)": "Too many arguments",
    "arms.UCB1(alpha='x')": "incompatible type",
    "arms.UCB1(beta=1.0)": "Unexpected keyword",
    "arms.Bernoulli([0.5]).means.nothing": "has no attribute",
}


def checked(folder: Path, code: str) -> str:
    """Return what mypy says of code that uses the package."""
    file = folder / "user.py"
    file.write_text(code)
    root = Path(__file__).parents[1]
    options = ["--strict", "--config-file", str(root / "pyproject.toml"), "--cache-dir", str(folder)]
    made = subprocess.run([sys.executable, "-m", "mypy", *options, str(file)], cwd=root, capture_output=True, text=True)
    return made.stdout + made.stderr


def test_no_field_asks_for_an_array_or_a_list():
    """Its argument would have to be one, of exactly that type."""
    classes = [cls for family in families() for kind in kinds(family) for cls in registered(family, kind).values()]
    assert len(classes) > 100
    told = [f"{cls.__name__}.{f.name}: {f.type}" for cls in classes for f in dataclasses.fields(cls)]
    assert [line for line in told if "NDArray" in line or "list[" in line or "Floats" in line] == []


def test_lists_are_given_and_arrays_are_kept(tmp_path):
    pytest.importorskip("mypy")
    bad = "\n".join(BAD)
    lines = checked(tmp_path, f"{GOOD}\n# bad\n{bad}\n").splitlines()
    first = GOOD.count("\n") + 3
    told = {number: [line for line in lines if f"user.py:{number}:" in line] for number in range(first + len(BAD))}
    assert not [line for number in range(first) for line in told[number] if "error" in line], lines
    kept = [line for line in lines if "Revealed type" in line]
    assert len(kept) == 3
    assert all("numpy.ndarray" in line and ("float64" in line or "_64Bit" in line) for line in kept), kept
    for number, (code, why) in enumerate(BAD.items(), first):
        assert any(why in line for line in told[number]), (code, lines)
