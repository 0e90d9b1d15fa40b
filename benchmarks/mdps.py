"""How fast risk-averse planning and learning in tabular MDPs are."""

from __future__ import annotations

import statistics
import time
from typing import Any

import banditlab as bl
from banditlab import cvar

from .cases import SEED
from .harness import one_core
from .report import table

LEVELS = 64
ETA = 1.0 / (LEVELS - 1)
LEARNERS = {
    f"CVaR-UCBVI, {bonus}, plans {often}": (cvar.CVaRUCBVI(0.25, bonus=bonus, eta=ETA, replan=replan), share)
    for bonus in ("hoeffding", "bernstein")
    for often, replan, share in (("every episode", 1.0, 1), ("when a count has doubled", 2.0, 50))
}  # fmt: skip


def mdps(quick: bool, repetitions: int) -> dict[str, Any]:
    """Return episodes a second of learners (S = 10, A = 4, H = 6), and seconds of a plan (S = 100, A = 5, H = 20)."""
    small = cvar.random_mdp(n_states=10, n_actions=4, horizon=6, seed=0)
    large = cvar.random_mdp(n_states=100, n_actions=5, horizon=20, seed=0)
    episodes = 200 if quick else 2_000
    found: dict[str, Any] = {"episodes": {}, "levels": LEVELS}
    with one_core():
        for name, (learner, share) in LEARNERS.items():
            horizon = episodes * share
            samples = [_seconds(lambda: _learn(small, learner, horizon)) for _ in range(repetitions + 1)]  # noqa: B023
            found["episodes"][name] = horizon / statistics.median(samples[1:])
        samples = [_seconds(lambda: cvar.plan_static_cvar(large, 0.1)) for _ in range(repetitions + 1)]
    found["plan_seconds"] = statistics.median(samples[1:])
    found["plan_levels"] = cvar.plan_static_cvar(large, 0.1).policy.n_memories
    return found


def _learn(mdp: cvar.TabularMDP, learner: Any, horizon: int) -> None:
    bl.run(mdp, learner, horizon=horizon, n_runs=1, seed=SEED, n_jobs=1, progress=False)


def _seconds(call: Any) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def slowest(found: dict[str, Any]) -> float:
    """Return the episodes a second of the slowest learner that plans in every episode."""
    return min(rate for name, rate in found["episodes"].items() if "every" in name)


def shown(found: dict[str, Any]) -> str:
    """Return the numbers as text."""
    rows = [[name, f"{rate:,.0f}"] for name, rate in found["episodes"].items()]
    text = table(["learner", "episodes/s"], rows)
    return f"{text}\n\nstatic CVaR, {found['plan_levels']} levels: {found['plan_seconds']:.3f} s"
