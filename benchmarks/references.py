"""What the package is compared with: C, plain Numba, and NumPy.

Each reference is a function of (means, horizon, n_runs, seed) that returns the pseudo-regret of every run; for dueling
bandits `means` is the matrix of preferences, for CVaR bandits a row (location, gap in CVaR) an arm.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Reference = Callable[[Floats, int, int, int], Floats]

SOURCES = [str(Path(__file__).with_name(name)) for name in ("reference.c", "dueling.c", "cvar.c")]
FLAGS = ("-O3", "-march=native")
UNROLLED = (*FLAGS, "-funroll-loops")
BATCH = 1000
"""Runs that the NumPy reference advances in one step."""


def compiler() -> str | None:
    """Return the C compiler's name, or None where there is none."""
    return shutil.which(os.environ.get("CC", "gcc"))


@functools.cache
def library(flags: tuple[str, ...] = FLAGS) -> Any:
    """Compile the C files into a temporary folder and load it; None where there is no compiler."""
    gcc = compiler()
    if gcc is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "reference.so"
        subprocess.run([gcc, *flags, "-shared", "-fPIC", *SOURCES, "-o", str(built), "-lm"], check=True)
        loaded = ctypes.CDLL(str(built))  # stays usable once the file is gone
    for name in ("additions", "divisions"):
        getattr(loaded, name).argtypes = [ctypes.c_int64]
        getattr(loaded, name).restype = ctypes.c_double
    loaded.read_memory.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    loaded.read_memory.restype = ctypes.c_double
    return loaded


def in_c(name: str, flags: tuple[str, ...] = FLAGS) -> Reference | None:
    """Return a reference of the C files; None where there is no compiler."""
    found = library(flags)
    if found is None:
        return None
    function = getattr(found, name)
    function.argtypes = [
        ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint64, ctypes.c_void_p,
    ]  # fmt: skip
    function.restype = None

    def play(means: Floats, horizon: int, n_runs: int, seed: int) -> Floats:
        regret = np.empty(n_runs)
        function(means.ctypes.data, len(means), horizon, n_runs, seed, regret.ctypes.data)
        return regret

    return play


@numba.njit(error_model="numpy")
def ucb1_numba(means: Floats, horizon: int, n_runs: int, seed: int) -> Floats:
    """Play UCB1, the formula as written, one run at a time."""
    np.random.seed(seed)  # noqa: NPY002 - the generator that compiled code has
    n_arms = len(means)
    best_mean = means.max()
    regret = np.empty(n_runs)
    for run in range(n_runs):
        counts = np.zeros(n_arms)
        sums = np.zeros(n_arms)
        lost = 0.0
        for t in range(1, horizon + 1):
            arm = 0
            if t <= n_arms:
                arm = t - 1
            else:
                logarithm = np.log(t - 1)
                best = -np.inf
                for a in range(n_arms):
                    index = sums[a] / counts[a] + np.sqrt(2.0 * logarithm / counts[a])
                    if index > best:
                        best = index
                        arm = a
            counts[arm] += 1.0
            sums[arm] += 1.0 if np.random.random() < means[arm] else 0.0  # noqa: NPY002
            lost += best_mean - means[arm]
        regret[run] = lost
    return regret


def ucb1_numpy(means: Floats, horizon: int, n_runs: int, seed: int) -> Floats:
    """Play UCB1 with one NumPy step a round for 1,000 runs at a time."""
    rng = np.random.Generator(np.random.SFC64(seed))
    return np.concatenate(
        [_numpy_batch(means, horizon, min(BATCH, n_runs - first), rng) for first in range(0, n_runs, BATCH)]
    )


def _numpy_batch(means: Floats, horizon: int, lanes: int, rng: np.random.Generator) -> Floats:
    n_arms = len(means)
    gaps = means.max() - means
    counts, sums = np.zeros((lanes, n_arms)), np.zeros((lanes, n_arms))
    mean, width, index = np.zeros((lanes, n_arms)), np.zeros((lanes, n_arms)), np.empty((lanes, n_arms))
    rows, regret = np.arange(lanes), np.zeros(lanes)
    for t in range(1, horizon + 1):
        if t <= n_arms:
            arm = np.full(lanes, t - 1)
        else:
            np.multiply(width, np.sqrt(2.0 * np.log(t - 1)), out=index)
            index += mean
            arm = index.argmax(axis=1)
        n = counts[rows, arm] + 1.0
        s = sums[rows, arm] + (rng.random(lanes) < means[arm])
        counts[rows, arm] = n
        sums[rows, arm] = s
        mean[rows, arm] = s / n
        width[rows, arm] = 1.0 / np.sqrt(n)
        regret += gaps[arm]
    return regret


def pascombucb_numpy(variances: Floats, m: int, budget: float, delta: float = 0.05) -> Reference:
    """Return PASCombUCB on beta items, one run at a time, one NumPy step over all actions a phase."""
    sigma2 = 0.25

    def play(means: Floats, horizon: int, n_runs: int, seed: int) -> Floats:
        n_items = len(means)
        listed = [a for k in range(1, m + 1) for a in itertools.combinations(range(n_items), k)]
        actions = np.zeros((len(listed), n_items))
        for row, action in enumerate(listed):
            actions[row, list(action)] = 1.0
        strength = means * (1.0 - means) / variances - 1.0
        a, b = means * strength, (1.0 - means) * strength
        best = (actions @ means)[actions @ variances < budget].max()
        rng = np.random.Generator(np.random.SFC64(seed))
        regret = np.zeros(n_runs)

        def lil(n: Floats, minus_log_rho: float) -> Floats:
            return (1.0 + np.sqrt(0.5)) * np.sqrt(0.75 / n * (np.log(np.log(1.5 * n)) + minus_log_rho))

        for run in range(n_runs):
            n, total, square = np.full(n_items, 2.0), np.zeros(n_items), np.zeros(n_items)
            for _ in range(2):  # the warm-up's rounds are counted, not played together
                x = rng.beta(a, b)
                total += x
                square += x * x
            together = int(np.ceil(budget / sigma2)) - 1
            t = 2 * int(np.ceil(n_items / together))
            lost = t * best - 2.0 * means.sum()
            while t < horizon:
                mean = total / n
                variance = square / n - mean * mean
                narrow, wide = lil(n, 2.0 * np.log(horizon)), lil(n, 2.0 * np.log(horizon) - np.log(delta))
                upper = np.minimum(variance + 3.0 * wide, sigma2)
                possible = actions @ np.maximum(variance - 3.0 * narrow, 0.0) < budget
                chosen = np.flatnonzero(actions[np.where(possible, actions @ (mean + narrow), -np.inf).argmax()])
                groups, spent = 1, upper[chosen[0]]
                for v in upper[chosen[1:]]:
                    groups, spent = (groups, spent + v) if spent + v < budget else (groups + 1, v)
                x = rng.beta(a[chosen], b[chosen])
                n[chosen] += 1.0
                total[chosen] += x
                square[chosen] += x * x
                lost += groups * best - means[chosen].sum()
                t += groups
            regret[run] = lost
        return regret

    return play
