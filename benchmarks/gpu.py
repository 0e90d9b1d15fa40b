"""Rounds a second on a CUDA device, beside one core: `python -m benchmarks.gpu [--quick] [--only UCB1]`.

Slow policies play shorter games, so that all of it takes some minutes.

Without a device only what NVIDIA's compiler says of the kernels is shown; without the compiler, what is missing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import banditlab as bl
from banditlab import arms, dueling
from banditlab.core.devices import cuda
from banditlab.core.devices.ptx import assemble
from banditlab.core.errors import DeviceError
from banditlab.core.results.statistics import EXACT

from .cases import instance
from .harness import one_core

LONGEST = 5.0
"""Seconds that one repetition of a policy takes at most, about."""


def games() -> dict[str, tuple[Any, Any]]:
    """Return what is played: environment and policy, by name."""
    world = instance(10)
    found: dict[str, tuple[Any, Any]] = {
        type(policy).__name__: (world, policy)
        for policy in (arms.UCB1(), arms.MOSS(), arms.KLUCB(), arms.ThompsonSampling(), arms.GaussianThompsonSampling())
    }
    preferences = dueling.PreferenceMatrix([[0.5 + 0.03 * (j - i) for j in range(10)] for i in range(10)])
    return found | {type(p).__name__: (preferences, p) for p in (dueling.RUCB(), dueling.WinnerStaysWeak())}


def seconds_of(world: Any, policy: Any, n_runs: int, horizon: int, **options: Any) -> float:
    """Return how long a run takes."""
    started = time.perf_counter()
    bl.run(
        world, policy, horizon=horizon, n_runs=n_runs, seed=0, keep="summary", progress=False, checkpoints=[horizon],
        **options,
    )  # fmt: skip
    return time.perf_counter() - started


def affordable(world: Any, policy: Any, n_runs: int, horizon: int, **options: Any) -> int:
    """Compile, and return a horizon, at most the one given, whose run takes about `LONGEST` seconds at most.

    What does not grow with the horizon (seeds, copies, statistics) may take as long as thousands of rounds of UCB1.
    """
    seconds_of(world, policy, min(n_runs, 2 * EXACT), 10, **options)  # enough runs for the kernels of statistics, too
    tenth = horizon // 10
    shortest, short = (seconds_of(world, policy, n_runs, rounds, **options) for rounds in (10, tenth))
    a_round = max(short - shortest, 1e-9) / max(1, tenth - 10)
    return min(horizon, max(tenth, round((LONGEST - shortest) / a_round)))


def rate(world: Any, policy: Any, n_runs: int, horizon: int, repetitions: int, **options: Any) -> float:
    """Return millions of rounds a second: the median of some repetitions."""
    seconds = [seconds_of(world, policy, n_runs, horizon, **options) for _ in range(repetitions)]
    return n_runs * horizon / statistics.median(seconds) / 1e6


def rate_of_cells(world: Any, n_cells: int, n_runs: int, horizon: int, repetitions: int) -> float:
    """Return millions of rounds a second of a sweep over UCB1's exploration, whose cells share launches."""
    options = {"horizon": horizon, "seed": 0, "keep": "summary", "progress": False, "checkpoints": [horizon]}
    over = {"alpha": [1.0 + k / n_cells for k in range(n_cells)]}
    seconds = []
    for _ in range(1 + repetitions):  # the first compiles
        started = time.perf_counter()
        bl.sweep(world, arms.UCB1, over, n_runs=n_runs, backend="cuda", **options)
        seconds.append(time.perf_counter() - started)
    return n_cells * n_runs * horizon / statistics.median(seconds[1:]) / 1e6


def rates_by_residence(world: Any, policy: Any, horizon: int, repetitions: int) -> dict[int, float]:
    """Return millions of rounds a second by lanes a multiprocessor.

    With fewer lanes their states fit the first-level cache, with more there is more to do while others wait for memory.
    UCB1's 80 registers are enough for six blocks at a time: of seven and eight some wait for others to end.
    """
    n_multiprocessors = cuda.arrays().cuda.runtime.getDeviceProperties(0)["multiProcessorCount"]
    found = {}
    for blocks in range(1, 9):
        n_runs = n_multiprocessors * blocks * cuda.THREADS
        found[blocks * cuda.THREADS] = rate(world, policy, n_runs, horizon, repetitions, backend="cuda")
    return found


def compiled(world: Any, policy: Any) -> str:
    """Return what the compiler says of a kernel, as cells of a table."""
    try:
        made = assemble(world, policy)
    except DeviceError as error:
        return f"not compiled: {error} | "
    return f"{made.registers} registers, {made.spilled} bytes spilled, {made.stack} of stack | {made.occupancy:.0%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=games())
    arguments = parser.parse_args()
    quick = arguments.quick
    lacking = cuda.missing()
    n_runs, horizon, repetitions = (100_000, 1_000, 3) if quick else (1_000_000, 10_000, 3)
    if lacking:
        print(f"no device: {lacking}\n")
    else:
        name = cuda.arrays().cuda.runtime.getDeviceProperties(0)["name"].decode()
        print(f"{name}; {n_runs:,} runs, median of {repetitions}; millions of rounds a second\n")
    print("| policy, K = 10 | rounds | device | single precision | one core | device / core | sm_90 | occupancy |")
    print("|---|---|---|---|---|---|---|---|")
    for label, (world, policy) in games().items():
        if arguments.only not in (None, label):
            continue
        cells = ["-"] * 5
        if not lacking:
            rounds = affordable(world, policy, n_runs, horizon, backend="cuda")
            double = rate(world, policy, n_runs, rounds, repetitions, backend="cuda")
            shorter = affordable(world, policy, n_runs, rounds, backend="cuda", precision="single")
            single = rate(world, policy, n_runs, shorter, repetitions, backend="cuda", precision="single")
            with one_core():
                affordable(world, policy, 256, rounds, n_jobs=1)
                core = rate(world, policy, 256, rounds, repetitions, n_jobs=1)
            cells = [f"{rounds:,}", f"{double:,.0f}", f"{single:,.0f}", f"{core:,.1f}", f"{double / core:,.0f}"]
        print(f"| {label} | {' | '.join(cells)} | {compiled(world, policy)} |", flush=True)
    if not lacking and arguments.only is None:
        print("\nUCB1, millions of rounds a second by lanes a multiprocessor:", end=" ")
        by_lanes = rates_by_residence(instance(10), arms.UCB1(), horizon, repetitions)
        print("; ".join(f"{lanes}: {speed:,.0f}" for lanes, speed in by_lanes.items()))
        found = rate_of_cells(instance(10), n_runs // 1000, 1000, horizon, repetitions)
        print(f"\nUCB1, {n_runs // 1000:,} cells of 1,000 runs each: {found:,.0f} million rounds a second")


if __name__ == "__main__":
    main()
