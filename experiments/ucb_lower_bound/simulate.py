"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import arms
from experiments.common import configuration_of, play

RESULTS = "results.parquet"
POLICIES = (arms.UCB1(), arms.KLUCB(), arms.IMED(), arms.ThompsonSampling())


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every instance at a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    environments = {name: arms.Bernoulli(means) for name, means in config["instances"].items()}
    play(
        folder / RESULTS, environments, POLICIES, seed=config["seed"], n_jobs=n_jobs, checkpoints=200,
        **config["sizes"][size],
    )  # fmt: skip
