"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import semibandits
from experiments.common import configuration_of, play


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def instances() -> dict[str, semibandits.KMax]:
    """Return the environments by name."""
    config = configuration()
    items, actions = config["items"], semibandits.MSets(config["set_size"])
    return {
        name: semibandits.KMax.binary(
            [*items["values"], last["value"]], [*items["probabilities"], last["probability"]], actions
        )
        for name, last in config["instances"].items()
    }


def policies() -> dict[str, Any]:
    """Return the policies by label."""
    return {
        "value and index": semibandits.KMaxCUCB(),
        "all outcomes": semibandits.KMaxSemiBandit(),
        "reward alone": semibandits.SuperArmUCB(),
    }


def file(folder: Path, name: str) -> Path:
    """Return where the results of an instance are stored."""
    return folder / f"{name.replace(' ', '_')}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every instance at a size ('full', 'quick') and store the results in `folder`."""
    config = configuration()
    options = config["sizes"][size]
    for name, environment in instances().items():
        play(
            file(folder, name),
            environment,
            policies(),
            horizon=options["horizon"],
            n_runs=options["n_runs"],
            seed=config["seed"],
            checkpoints=60,
            n_jobs=n_jobs,
        )
