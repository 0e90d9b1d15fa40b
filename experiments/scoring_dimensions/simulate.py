"""Play the policy on both families and store the results; nothing is computed from them here."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

import banditlab as bl
from banditlab import scoring

CONFIG = Path(__file__).with_name("config.toml")


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return tomllib.loads(CONFIG.read_text())


def qualities(n_actions: int, n_copies: int = 1) -> scoring.PrincipalAgent:
    """Return an agent whose action k learns nothing (k = 0) or has a belief in 1/2 -+ 0.4 k / (K - 1), as likely each.

    Each of the two states is split into `n_copies` equally likely ones, on which neither beliefs nor decisions depend.
    """
    steps = 0.4 * np.arange(n_actions) / (n_actions - 1)
    in_first = np.unique(np.concatenate([0.5 - steps, [0.5], 0.5 + steps]))
    halves = np.stack([in_first, 1.0 - in_first], axis=1)
    distributions = np.zeros((n_actions, len(in_first)))
    middle = n_actions - 1
    for k in range(n_actions):
        distributions[k, middle - k] += 0.5
        distributions[k, middle + k] += 0.5
    return scoring.PrincipalAgent(
        beliefs=np.repeat(halves, n_copies, axis=1) / n_copies,
        action_distributions=distributions,
        costs=configuration()["actions"]["cost"] * (steps / 0.4) ** 2,
        decisions=np.repeat(np.eye(2), n_copies, axis=1),
    )


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play both families at a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    policy = scoring.OSRA(confidence_scale=config["confidence_scale"])
    families = {
        "actions": {f"K = {k}": qualities(k) for k in config["actions"]["numbers"]},
        "states": {f"{s} states": qualities(3, s // 2) for s in config["states"]["numbers"]},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, environments in families.items():
        result = bl.run(
            environments, policy, seed=config["seed"], n_jobs=n_jobs, checkpoints=60, **config["sizes"][size]
        )
        result.save(folder / f"{name}.parquet")
