"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import semibandits
from experiments.common import configuration_of, play


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def environments() -> dict[str, semibandits.Coverage]:
    """Return the environments by constraint."""
    config = configuration()
    known = {
        "cardinality": semibandits.UpToM(config["cardinality"]["m"]),
        "knapsack": semibandits.Knapsack(config["knapsack"]["sizes"], config["knapsack"]["capacity"]),
    }
    shape = ("n_items", "n_elements", "density", "seed")
    return {
        name: semibandits.Coverage.random(actions=actions, **{key: config[name][key] for key in shape})
        for name, actions in known.items()
    }


def policies() -> dict[str, dict[str, Any]]:
    """Return the policies by constraint and label."""
    return {
        "cardinality": {"C-ETC, greedy": semibandits.CETC(), "OG": semibandits.OG()},
        "knapsack": {"C-ETC, Greedy+Max": semibandits.CETC(semibandits.GreedyPlusMax())},
    }


def file(folder: Path, name: str, horizon: int) -> Path:
    """Return where the results for a constraint and a horizon are stored."""
    return folder / f"{name}_{horizon}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every horizon of a size ('full', 'quick') and store the results in `folder`."""
    config = configuration()
    for name, environment in environments().items():
        for horizon in config["sizes"][size]["horizons"]:
            play(
                file(folder, name, horizon),
                environment,
                policies()[name],
                horizon=horizon,
                n_runs=config["sizes"][size]["n_runs"],
                seed=config["seed"],
                metrics=("regret", "alpha_regret"),
                checkpoints=60,
                n_jobs=n_jobs,
            )
