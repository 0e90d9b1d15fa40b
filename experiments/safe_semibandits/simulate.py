"""Play the three experiments and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import arms, semibandits
from experiments.common import configuration_of, play

METRICS = ("regret", "violations", "any_violation")
FIRST, SECOND, THIRD = "first", "second", "third"
RELEASED, DEFAULT, UNSAFE = "PASCombUCB, as released", "PASCombUCB", "CombUCB1"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def environment(experiment: str, budget: float) -> semibandits.SemiBandit:
    """Return the instance of an experiment."""
    instance = configuration()["instance"]
    variances = instance["variances"]
    if experiment == THIRD:
        variances = [instance["equal_variance"]] * len(variances)
    items = arms.Beta.from_moments(instance["means"], variances)
    return semibandits.SemiBandit(items, semibandits.SafeUpToM(instance["m"], budget))


def players(experiment: str, budget: float) -> dict[str, Any]:
    """Return who plays, by label; where the budget is below 1/4 the warm-up is only defined as released."""
    found = {RELEASED: semibandits.PASCombUCB(paper_code=True)}
    if experiment != THIRD and budget > 0.25:
        found[DEFAULT] = semibandits.PASCombUCB()
    return found


def unsafe_player() -> semibandits.CombUCB1:
    """Return CombUCB1 on all sets of one to m items."""
    return semibandits.CombUCB1(actions=semibandits.UpToM(configuration()["instance"]["m"]))


def file(folder: Path, experiment: str, budget: float | str, horizon: int) -> Path:
    """Return where the results at a budget and horizon are stored."""
    return folder / f"{experiment}_{budget}_{horizon}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play everything at a size ('full' or 'quick') and store it in `folder`."""
    config = configuration()
    sizes = config["sizes"][size]

    def played(world: Any, who: Any, horizon: int, n_runs: int, checkpoints: Any, target: Path) -> None:
        play(
            target, world, who, horizon=horizon, n_runs=n_runs, seed=config["seed"], metrics=METRICS,
            checkpoints=checkpoints, n_jobs=n_jobs,
        )  # fmt: skip

    for experiment in (FIRST, SECOND, THIRD):
        at = sizes[experiment]
        for budget in at["budgets"]:
            for horizon in at["horizons"]:  # PASCombUCB knows the horizon: each is played anew
                world = environment(experiment, budget)
                played(world, players(experiment, budget), horizon, at["n_runs"], [horizon],
                       file(folder, experiment, budget, horizon))  # fmt: skip
        last = at["horizons"][-1]
        played(environment(experiment, at["budgets"][0]), {UNSAFE: unsafe_player()}, last, at["n_runs"], at["horizons"],
               file(folder, experiment, UNSAFE, last))  # fmt: skip
    at = sizes["safety"]
    world = environment(SECOND, at["budget"])
    played(world, {DEFAULT: semibandits.PASCombUCB()}, at["horizon"], at["n_runs"], [at["horizon"]],
           file(folder, "safety", at["budget"], at["horizon"]))  # fmt: skip
