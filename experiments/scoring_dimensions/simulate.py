"""Play the policy on all families and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from banditlab import scoring
from experiments.common import configuration_of, play


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def qualities(n_actions: int, n_copies: int = 1) -> scoring.PrincipalAgent:
    """Return an agent whose action k learns nothing (k = 0) or has belief 1/2 -+ 0.4 k / (K - 1), equally likely.

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


def different_values(n_states: int) -> scoring.PrincipalAgent:
    """Return the agent of `qualities(3)` in a world whose states all differ, in beliefs and in worth of decisions.

    Half of the states are on the side of each decision. The belief x in -0.8, ..., 0.8 (0.4 k / (K - 1) = |x| / 2 of
    `qualities`) gives state s of the first or second side the probability (1 -+ x d_s) / S; the side's decision is
    worth v_s there, the other nothing. On each side d_s = 1 + `learned` cos(2 pi s / n) and v_s = 1 + `worth` sin(2 pi
    s / n): both are 1 on average and uncorrelated, so that every action is worth to the principal what it is worth in
    `qualities(3)`, whatever the number of states (from 3 a side on).
    """
    config, plain = configuration()["values"], qualities(3)
    n = n_states // 2
    angles = 2.0 * np.pi * np.arange(n) / n
    learned, worth = 1.0 + config["learned"] * np.cos(angles), 1.0 + config["worth"] * np.sin(angles)
    x = 2.0 * plain.beliefs[:, 0] - 1.0  # above 0 where the first side is the likelier
    return scoring.PrincipalAgent(
        beliefs=(1.0 + np.outer(x, np.concatenate([learned, -learned]))) / n_states,
        action_distributions=plain.action_distributions,
        costs=plain.costs,
        decisions=np.kron(np.eye(2), worth),
    )


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play all families at a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    policy = scoring.OSRA(confidence_scale=config["confidence_scale"])
    families = {
        "actions": {f"K = {k}": qualities(k) for k in config["actions"]["numbers"]},
        "states": {f"{s} states": qualities(3, s // 2) for s in config["states"]["numbers"]},
        "values": {f"{s} states": different_values(s) for s in config["values"]["numbers"]},
    }
    for name, environments in families.items():
        play(
            folder / f"{name}.parquet", environments, policy, seed=config["seed"], n_jobs=n_jobs, checkpoints=60,
            **config["sizes"][size],
        )  # fmt: skip
