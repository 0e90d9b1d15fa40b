"""What is not throughput: the overhead of `run`, memory, and start-up times."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from typing import Any

import numpy as np

import banditlab as bl
from banditlab import arms, clicks
from banditlab.arms.kernel import SCRATCH, play
from banditlab.core import sampling
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import Problem, Space, make_state
from banditlab.core.machines import Processor
from banditlab.core.playing.jobs import CHUNK
from banditlab.core.results.checkpoints import checkpoint_rounds

from .cases import SEED, click_instance, instance
from .harness import in_subprocess, one_core

MEMORY_POLICIES = (
    "UCB1", "UCBTuned", "UCBV", "MOSS", "MOSSAnytime", "KLUCB", "ThompsonSampling", "EpsilonGreedy",
    "DecayingEpsilonGreedy", "ExploreThenCommit",
)  # fmt: skip


def kernel_seconds(world: Any, policy: Any, horizon: int, n_runs: int) -> float:
    """Return the time inside the compiled kernel, called directly on the chunks that `run` would make."""
    problem = Problem(world.n_arms, horizon)
    environment, parameters = world.params(problem), policy.params(problem)
    compiled = kernel(play, environment, parameters)
    rounds = checkpoint_rounds("log", horizon)
    total = 0.0
    for first in range(0, n_runs, CHUNK):
        lanes = min(CHUNK, n_runs - first)
        arguments = (
            environment,
            parameters,
            make_state(policy, Space(world.n_arms, lanes, horizon)),
            world.n_arms,
            sampling.seeded(SEED, sampling.ENVIRONMENT_STREAM, first, lanes),
            sampling.seeded(SEED, sampling.POLICY_STREAM, first, lanes),
            1,
            horizon,
            Processor().zeros(1, lanes),
            rounds,
            Processor().zeros(len(rounds), 1, lanes),
            Processor().scratch(lanes, **SCRATCH),
        )
        started = time.perf_counter()
        compiled(*arguments)
        total += time.perf_counter() - started
    return total


def run_seconds(world: Any, policy: Any, horizon: int, n_runs: int) -> float:
    """Return the time that `run` takes for the same."""
    started = time.perf_counter()
    bl.run(world, policy, horizon=horizon, n_runs=n_runs, seed=SEED, n_jobs=1, progress=False)
    return time.perf_counter() - started


def overhead(quick: bool, repetitions: int) -> dict[str, Any]:
    """Return the share of `run`'s time that is not spent in the kernel: UCB1, K = 10, 1,000 runs."""
    world, policy, horizon, n_runs = instance(10), arms.UCB1(), 1_000 if quick else 10_000, 1_000
    inside, whole = [], []
    with one_core():
        run_seconds(world, policy, horizon, n_runs)
        kernel_seconds(world, policy, horizon, n_runs)
        for _ in range(repetitions):
            whole.append(run_seconds(world, policy, horizon, n_runs))
            inside.append(kernel_seconds(world, policy, horizon, n_runs))
    return {
        "horizon": horizon,
        "n_runs": n_runs,
        "kernel_seconds_samples": inside,
        "run_seconds_samples": whole,
        "share": 1.0 - statistics.median(inside) / statistics.median(whole),
    }


# Not resource's ru_maxrss, but where there is nothing else: on Linux a new process inherits the peak of the one that
# started it, and counts in kilobytes; macOS counts in bytes.
_MEMORY = """
import pathlib, re, sys
import banditlab as bl
from banditlab import arms
policies = [getattr(arms, name)() for name in sys.argv[2:]]
world = arms.Bernoulli([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9])
bl.run(world, policies, horizon=int(sys.argv[1]), n_runs=1000, seed=0, progress=False)
status = pathlib.Path("/proc/self/status")
if status.exists():
    print(int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read_text())[1]) * 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory(quick: bool) -> dict[str, Any]:
    """Return the peak memory of a process that plays ten policies, 1,000 runs each, on all cores, with a warm cache.

    Beside it that of short processes, warm and (if the cache was empty) compiling: what does not depend on the horizon.
    """
    horizon = 10_000 if quick else 100_000

    def peak(rounds: int) -> int:
        return int(in_subprocess(_MEMORY, str(rounds), *MEMORY_POLICIES)[0])

    return {
        "policies": MEMORY_POLICIES,
        "n_runs": 1_000,
        "threads": os.cpu_count(),
        "peak_bytes_at_horizon_1000_first_process": peak(1_000),
        "peak_bytes_at_horizon_1000": peak(1_000),
        "horizon": horizon,
        "peak_bytes": peak(horizon),
    }


_IMPORT = """
import time
started = time.perf_counter()
import banditlab
print(time.perf_counter() - started)
"""


def import_time(repetitions: int = 5) -> dict[str, Any]:
    """Return the seconds that `import banditlab` takes in a new process, after one that is not counted."""
    in_subprocess(_IMPORT)
    samples = [float(in_subprocess(_IMPORT)[0]) for _ in range(repetitions)]
    return {"seconds": statistics.median(samples), "samples": samples}


_FIRST = """
import banditlab as bl
world = bl.arms.Bernoulli([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9])
bl.run(world, bl.arms.UCB1(), horizon=1000, n_runs=100, seed=0, progress=False)
"""


def first_result(repetitions: int = 5) -> dict[str, Any]:
    """Return the seconds from the start of a new process to its end, with a small result between; warm cache."""
    in_subprocess(_FIRST)
    samples = [in_subprocess(_FIRST)[1] for _ in range(repetitions)]
    return {"seconds": statistics.median(samples), "samples": samples}


def dynamics(quick: bool) -> dict[str, Any]:
    """Return how long one full figure of strategic dynamics takes: two mechanisms, on all cores, once compiled.

    UCB-S and incentive-unaware UCB, K = 5, 21 epochs, 5 roll-outs an evaluation, 10 repetitions.
    """
    options = {"horizon": 2_000 if quick else 50_000, "seed": SEED, "progress": False}
    world, rounds, started = click_instance(), 0, 0.0
    for warm_up in (True, False):
        started = time.perf_counter()
        for policy in (clicks.UCBS(), clicks.ClickUCB()):
            path = clicks.dynamics(world, policy, "inflated", **(options | ({"epochs": 1} if warm_up else {})))
            repetitions, epochs, n_arms = path.strategies.shape
            rounds += 0 if warm_up else repetitions * epochs * (2 * n_arms + 1) * 5 * path.horizon
    return {"seconds": time.perf_counter() - started, "rounds": rounds, "cores": os.cpu_count()}


def gap(delta: float) -> Any:
    """Return ten arms, one of which is better."""
    return arms.Bernoulli([0.5] + [0.5 - delta] * 9)


def sweeps(quick: bool) -> dict[str, Any]:
    """Return what sweeps cost beside their kernels.

    The share of the time that is not simulation, for eight cells of 10^7 rounds, UCB1, K = 10, on one core: without a
    store, with the first store of a process, and with another one; how long a finished sweep of 1,000 cells takes to be
    read from its store; and how much faster two threads are than one.
    """
    cells = {"delta": np.linspace(0.05, 0.4, 8).tolist()}
    options = {"horizon": 10_000 if quick else 100_000, "n_runs": 100, "seed": SEED, "progress": False}
    found: dict[str, Any] = {"rounds_a_cell": options["horizon"] * 100}

    def timed(**changes: Any) -> tuple[float, Any]:
        started = time.perf_counter()
        result = bl.sweep(gap, arms.UCB1(), cells, **(options | changes))
        return time.perf_counter() - started, result

    with tempfile.TemporaryDirectory() as folder:
        timed(horizon=1_000)
        with one_core():
            stores = {
                "overhead": None,
                "overhead_with_store": folder + "/cells",  # the first store of a process loads pyarrow
                "overhead_with_store_again": folder + "/cells again",
            }
            for name, store in stores.items():
                wall, result = timed(n_jobs=1, store=store)
                found[name] = 1.0 - sum(cell.cell.seconds for cell in result.cells) / wall
        one, two = (min(timed(n_jobs=n)[0] for _ in range(3)) for n in (1, 2))
        found["two_threads_against_one"] = one / two
        many = {"delta": np.linspace(0.0, 0.5, 100 if quick else 1_000).tolist()}
        small = {"horizon": 100, "n_runs": 10, "seed": SEED, "progress": False, "store": folder + "/many"}
        bl.sweep(gap, arms.UCB1(), many, **small)
        started = time.perf_counter()
        bl.sweep(gap, arms.UCB1(), many, **small)
        found["resume_seconds"] = time.perf_counter() - started
        found["resumed_cells"] = len(many["delta"])
    return found
