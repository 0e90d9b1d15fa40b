"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import banditlab as bl
from banditlab import arms

CONFIG = Path(__file__).with_name("config.toml")
POLICIES = (arms.UCB1(), arms.KLUCB(), arms.IMED(), arms.ThompsonSampling())


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return tomllib.loads(CONFIG.read_text())


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> Path:
    """Play every instance at a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    environments = {name: arms.Bernoulli(means) for name, means in config["instances"].items()}
    result = bl.run(
        environments, POLICIES, seed=config["seed"], n_jobs=n_jobs, checkpoints=200, **config["sizes"][size]
    )
    folder.mkdir(parents=True, exist_ok=True)
    return result.save(folder / "results.parquet")
