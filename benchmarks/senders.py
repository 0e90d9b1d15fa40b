"""How long the optimal mechanism for informed senders takes while estimates change, and what that makes of a run.

Times are the process's own, which other processes on the machine do not lengthen much: all is done by one thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.optimize import linprog

import banditlab as bl
from banditlab import scoring
from banditlab.scoring.acquisition_program import AcquisitionProgram

from .cases import SEED
from .harness import one_core
from .report import table

SIZES = ((2, 2, 3), (2, 4, 4), (3, 3, 4))  # senders, signals of each, decisions
HORIZON = 20_000
WARM, SCRATCH, LINPROG = "HiGHS, from the last basis", "HiGHS, from scratch", "scipy.optimize.linprog"
AGREE = 1e-9
Estimate = tuple[Any, float]  # worths, slack
Solver = Callable[[Estimate], Any]


def estimates(n_senders: int, n_signals: int, n_decisions: int, n: int) -> list[Estimate]:
    """Return what n solves of a run with full feedback are given: each sample is 5% larger than the one before."""
    rng = np.random.default_rng(SEED)
    shape = (n_signals,) * n_senders
    chances = rng.dirichlet(np.ones(n_signals**n_senders))
    means = rng.uniform(size=(1 + n_senders, len(chances), n_decisions))
    counts, found = np.ones(len(chances)), []
    for _ in range(n):
        counts += rng.multinomial(1 + int(0.05 * counts.sum()), chances)
        size = counts.sum()
        noise = rng.normal(size=means.shape) / np.sqrt(counts)[:, None]
        worths = (counts / size)[:, None] * (means + 0.1 * noise)
        found.append((worths.reshape(1 + n_senders, *shape, n_decisions), 0.1 / np.sqrt(size)))
    return found


def solvers(shape: tuple[int, ...], n_decisions: int) -> dict[str, Solver]:
    """Return the ways to find the optimal decisions."""
    live, fresh = AcquisitionProgram(shape, n_decisions), AcquisitionProgram(shape, n_decisions)
    return {
        WARM: lambda e: live.solve(*e),
        SCRATCH: lambda e: fresh.solve(*e, warm=False),
        LINPROG: lambda e: by_linprog(*e),
    }


def by_linprog(worths: Any, slack: float) -> Any:
    """Return the optimal decisions, the program stated anew for `scipy.optimize.linprog`."""
    _, *shape, n_decisions = worths.shape
    n = worths[0].size
    variables = np.arange(n).reshape(*shape, n_decisions)
    rows = []
    for i, worth in enumerate(worths[1:]):
        for own, lie in np.ndindex(shape[i], shape[i]):
            if own != lie:
                row = np.zeros(n)
                row[variables.take(own, axis=i)] -= worth.take(own, axis=i)
                row[variables.take(lie, axis=i)] += worth.take(own, axis=i)
                rows.append(row)
    sums = np.kron(np.eye(n // n_decisions), np.ones(n_decisions))
    found = linprog(
        -worths[0].ravel(), A_ub=np.array(rows), b_ub=np.full(len(rows), slack), A_eq=sums, b_eq=np.ones(len(sums)),
        bounds=(0.0, 1.0), method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )  # fmt: skip
    return found.x.reshape(variables.shape)


def instance() -> Any:
    """Return two senders with two signals each, and three decisions."""
    return scoring.InformationAcquisition(
        prior=[0.5, 0.5],
        observations=np.einsum("ta,tb->tab", [[0.8, 0.2], [0.3, 0.7]], [[0.7, 0.3], [0.2, 0.8]]),
        receiver_utility=[[1, 0], [0, 1], [0.6, 0.6]],
        sender_utilities=[[[1, 0.3], [0.2, 1], [0.5, 0.4]], [[0.6, 0], [0.4, 1], [0.9, 0.7]]],
    )


@contextmanager
def solved_by(way: str) -> Iterator[None]:
    """Have `AcquisitionProgram` solve another way for as long as the block lasts."""
    solve: Any = AcquisitionProgram.solve

    def other(self: AcquisitionProgram, worths: Any, slack: float) -> Any:
        return solve(self, worths, slack, warm=False) if way == SCRATCH else by_linprog(worths, slack)

    if way != WARM:
        AcquisitionProgram.solve = other  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        AcquisitionProgram.solve = solve  # type: ignore[method-assign]


def play(policy: Any, horizon: int) -> tuple[float, float]:
    """Play one run; return its seconds and the programs it solved."""
    started = time.process_time()
    result = bl.run(
        instance(), policy, horizon=horizon, n_runs=1, seed=SEED, n_jobs=1, metrics="solves", progress=False
    )
    return time.process_time() - started, float(result.values("solves")[0, 0, -1])


def senders(quick: bool, repetitions: int) -> dict[str, Any]:
    """Return milliseconds a program and seconds a run for each way; values are checked against each other."""
    horizon = HORIZON // 10 if quick else HORIZON
    found: dict[str, Any] = {"horizon": horizon, "programs": {}, "runs": {}}
    with one_core():
        for n_senders, n_signals, n_decisions in SIZES:
            sequence = estimates(n_senders, n_signals, n_decisions, 20 if quick else 100)
            ways = solvers((n_signals,) * n_senders, n_decisions)
            values = {name: [float((solve(e) * e[0][0]).sum()) for e in sequence] for name, solve in ways.items()}
            for name, value in values.items():
                if np.abs(np.array(value) - values[WARM]).max() > AGREE:
                    raise RuntimeError(f"{name} and {WARM} find different values")
            samples: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(repetitions):
                for name, solve in ways.items():
                    started = time.process_time()
                    for estimate in sequence:
                        solve(estimate)
                    samples[name].append((time.process_time() - started) / len(sequence))
            title = f"{n_senders} senders, {n_signals} signals, {n_decisions} decisions"
            found["programs"][title] = {name: 1e3 * statistics.median(s) for name, s in samples.items()}
        for tolerance in (0.05, 0.0):
            policy = scoring.OnlineFullFeedback(confidence_scale=0.01, tolerance=tolerance)
            row: dict[str, float] = {}
            for way in (WARM, SCRATCH, LINPROG):
                with solved_by(way):
                    # in proportion: a tenth of the rounds solve a tenth of the programs
                    part = 10 if way != WARM and tolerance == 0.0 else 1
                    seconds, n_programs = play(policy, horizon // part)
                row[way] = part * seconds
                if way == WARM:
                    row["programs"] = n_programs
            found["runs"][f"tolerance {tolerance:g}"] = row
    return found


def shown(found: dict[str, Any]) -> str:
    """Return the tables."""
    sizes = found["programs"]
    rows = [
        [name, *(f"{size[name]:.3f} ({size[name] / size[WARM]:.1f}x)" for size in sizes.values())]
        for name in (WARM, SCRATCH, LINPROG)
    ]
    runs = [
        [name, f"{row['programs']:,.0f}", *(f"{row[way]:.2f}" for way in (WARM, SCRATCH, LINPROG))]
        for name, row in found["runs"].items()
    ]
    return (
        table(["ms a program", *sizes], rows)
        + f"\n\nseconds a run of OnlineFullFeedback, T = {found['horizon']:,}; tolerance 0 by its first tenth\n"
        + table(["", "programs solved", WARM, SCRATCH, LINPROG], runs)
    )
