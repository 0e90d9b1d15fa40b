"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

import banditlab as bl
from banditlab import dueling
from experiments.common import configuration_of, keep

METRICS = ("contextual_regret", "duel_variance", "estimation_error")
POLICIES = ("VACDB", "StaD", "MaxInP", "MaxPairUCB", "CoLSTIM")
CONSTANTS = ("theory", "released", "same")
TOGETHER = 8
"""So many runs are in one file: what is lost at most by an interruption."""


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def policies(constants: str, scale: float) -> dict[str, Any]:
    """Return the policies by name: with constants of the theory, of the released code, or the same radius for all."""
    classes = {name: getattr(dueling, name) for name in POLICIES}
    if constants == "theory":
        return {name: cls() for name, cls in classes.items()}
    if constants == "released":
        return {
            name: cls.as_released(scale=scale) if name in ("VACDB", "StaD") else cls.as_released()
            for name, cls in classes.items()
        }
    same = configuration()["released"]["same_radius"]
    released = {name: (0.25 if name == "VACDB" else 2.0) for name in POLICIES}
    return {name: cls.as_released(scale=released[name] / same) for name, cls in classes.items()}


def files(folder: Path, size: str) -> dict[tuple[float, int], Path]:
    """Return where results are stored, by scale and the first of the runs that a file holds."""
    sizes = configuration()["sizes"][size]
    return {
        (scale, first): folder / f"scale_{scale:g}_runs_from_{first}.parquet"
        for scale in sizes["scales"]
        for first in range(0, sizes["n_runs"], TOGETHER)
    }


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every instance of a size ('full' or 'quick') and store the results in `folder`."""
    for (scale, first), file in files(folder, size).items():
        keep(file, lambda to: _played(scale, first, size, n_jobs).to_parquet(to))  # noqa: B023 - called at once


def _played(scale: float, first: int, size: str, n_jobs: int | None) -> pd.DataFrame:
    """Return the metrics of all policies on a few of the instances."""
    config = configuration()
    sizes = config["sizes"][size]
    players = {
        f"{name}, {constants}": policy for constants in CONSTANTS for name, policy in policies(constants, scale).items()
    }
    tables = []
    for run in range(first, min(first + TOGETHER, sizes["n_runs"])):
        seed = config["seed"] + run  # the same instance and luck, but for its size, at every scale
        result = bl.run(
            dueling.ContextualGLM.sign_vectors(config["dimension"], scale, seed),
            players,
            horizon=sizes["horizon"],
            n_runs=1,
            seed=seed,
            metrics=METRICS,
            checkpoints=config["checkpoints"],
            n_jobs=n_jobs,
            progress=False,
        )
        tables += [_table(result, label, scale, run) for label in players]
    return pd.concat(tables, ignore_index=True)


def _table(result: bl.Results, label: str, scale: float, run: int) -> pd.DataFrame:
    """Return the metrics of one policy on one instance, one row per checkpoint."""
    name, constants = label.split(", ")
    place = result.policies.index(label)
    columns = {metric: result.values(metric)[place, 0] for metric in METRICS}
    return pd.DataFrame(
        {"scale": scale, "run": run, "policy": name, "constants": constants, "round": result.checkpoints, **columns}
    )
