"""Scripts that play in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import banditlab

ROOT = str(Path(banditlab.__file__).parents[1])

POLICY = """
import banditlab as bl
from banditlab import arms
from helper import bonus

@arms.policy
class Mine:
    def state(self, space):
        return {"counts": space.per_arm(), "sums": space.per_arm()}

    def index(self, state, arm, lane, t, rng):
        n = state.counts[arm, lane] + 1.0
        return SIGN * (state.sums[arm, lane] / n) + bonus(n)

    def update(self, state, arm, lane, reward, t):
        state.counts[arm, lane] += 1.0
        state.sums[arm, lane] += reward

SIGN = 1.0
"""

HELPER = """
from banditlab.core.dispatch import device

@device
def bonus(n):
    return 1.0 / n
"""

RUN = """
import banditlab as bl
from banditlab import arms
from banditlab.core.compiling import kernels

result = bl.run(arms.Bernoulli([0.1, 0.9]), Mine(), horizon=100, n_runs=4, seed=0, progress=False)
hits = sum(sum(k.stats.cache_hits.values()) for k in kernels.compiled_kernels())
misses = sum(sum(k.stats.cache_misses.values()) for k in kernels.compiled_kernels())
print(float(result.values()[0, :, -1].mean()), hits, misses)
"""


def words(folder: Path, script: str, *, jit: bool = True, checked: bool = False) -> list[str]:
    """Return what a script prints in a process of its own, word by word."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(folder), ROOT)),
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_DISABLE_JIT": "0" if jit else "1",
        "NUMBA_BOUNDSCHECK": "1" if checked else "0",
    }
    main = folder / "main.py"
    main.write_text(script)
    done = subprocess.run([sys.executable, str(main)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def play(folder: Path, *, script: str = "from mine import Mine\n" + RUN, **how: bool) -> tuple[float, int, int]:
    regret, hits, misses = words(folder, script, **how)
    return float(regret), int(hits), int(misses)
