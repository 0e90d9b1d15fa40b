"""How long a run of OSRA takes, and on what."""

from __future__ import annotations

import cProfile
import pstats
import statistics
import time
from typing import Any

import banditlab as bl
from banditlab import scoring
from banditlab.scoring.lp import ProperRuleProgram
from banditlab.scoring.policies.estimates import Estimates
from banditlab.scoring.principal_agent import PrincipalAgent

from .cases import SEED
from .harness import one_core
from .report import table

HORIZON = 20_000
VARIANTS = {
    "theory": scoring.OSRA(),
    "practical": scoring.OSRA(confidence_scale=0.01),
    "practical, re-solved each round": scoring.OSRA(confidence_scale=0.01, tolerance=0.0),
}
PARTS = {
    "linear programs": ProperRuleProgram.solve,
    "cost differences": Estimates.cost_differences,
    "the agent's response": PrincipalAgent.respond,
}


def instance() -> scoring.PrincipalAgent:
    """Return an agent with three actions, five beliefs about two states, and a principal who bets on one of them."""
    return scoring.PrincipalAgent(
        beliefs=[[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9]],
        action_distributions=[[0, 0, 1, 0, 0], [0, 0.5, 0, 0.5, 0], [0.5, 0, 0, 0, 0.5]],
        costs=[0, 0.03, 0.08],
        decisions=[[1, 0], [0, 1]],
    )


def play(policy: Any, horizon: int) -> tuple[float, float]:
    """Play one run; return its seconds and the programs it solved."""
    started = time.perf_counter()
    result = bl.run(
        instance(), policy, horizon=horizon, n_runs=1, seed=SEED, n_jobs=1, metrics="solves", progress=False
    )
    return time.perf_counter() - started, float(result.values("solves")[0, 0, -1])


def shares(policy: Any, horizon: int) -> dict[str, float]:
    """Return the share of the time of each part, by the profiler, which makes everything about twice as slow."""
    profile = cProfile.Profile()
    profile.runcall(play, policy, horizon)
    stats: Any = pstats.Stats(profile)
    spent = {}
    for name, function in PARTS.items():
        code = function.__code__
        key = (code.co_filename, code.co_firstlineno, code.co_name)
        spent[name] = stats.stats[key][3] / stats.total_tt
    return spent


def osra(quick: bool, repetitions: int) -> dict[str, Any]:
    """Return seconds a run, programs solved and shares of the time, for each variant."""
    horizon = HORIZON // 10 if quick else HORIZON
    found: dict[str, Any] = {"horizon": horizon, "variants": {}}
    with one_core():
        play(scoring.Oracle(), 1000)  # imports
        for name, policy in VARIANTS.items():
            samples = [play(policy, horizon) for _ in range(1 if quick else min(repetitions, 3))]
            found["variants"][name] = {
                "seconds": statistics.median(seconds for seconds, _ in samples),
                "samples": [seconds for seconds, _ in samples],
                "programs": samples[0][1],
                "shares": shares(policy, horizon),
            }
    return found


def shown(found: dict[str, Any]) -> str:
    """Return the table."""
    rows = []
    for name, row in found["variants"].items():
        parts = [f"{row['shares'][part]:.0%}" for part in PARTS]
        rows.append([name, f"{row['seconds']:.2f}", f"{row['programs']:,.0f}", *parts])
    return table(["", "s/run", "programs solved", *PARTS], rows)
