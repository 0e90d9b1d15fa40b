"""Solve the programs, play the policies, store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from banditlab import scoring
from banditlab.scoring.hiring_games import HiringGame, Offer
from experiments.common import configuration_of, keep, play_horizons

OFFLINE = "offline.csv"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def two_agents(correlation: float, cost: float) -> scoring.HiringProblem:
    """Return the problem of two agents whose errors have some luck in common.

    With probability `correlation` both signals come from one uniform number, otherwise from one each: the
    distribution of each agent's signal is the same whatever the correlation.
    """
    right = configuration()["accuracy"]
    observations = np.zeros((2, 2, 2, 2, 2))
    for efforts in np.ndindex(2, 2):
        for state in range(2):
            zero = [0.5 if not effort else (right, 1.0 - right)[state] for effort in efforts]  # P(signal 0)
            apart = np.outer([zero[0], 1.0 - zero[0]], [zero[1], 1.0 - zero[1]])
            low, high = sorted(zero)
            together = np.array([[low, zero[0] - low], [zero[1] - low, 1.0 - high]])
            observations[efforts][state] = (1.0 - correlation) * apart + correlation * together
    return scoring.HiringProblem([0.5, 0.5], observations, [[0.0, cost]] * 2, np.eye(2))


@scoring.policy
class BestUncorrelated:
    """Announces the best mechanism without correlation, which it knows."""

    environments = (scoring.HiringProblem,)
    knows_all = True

    def state(self, known: HiringGame, horizon: int, rng: Any) -> Offer:
        """Return the mechanism."""
        online = configuration()["online"]
        return Offer.of(two_agents(online["correlation"], online["cost"]).optimal_uncorrelated())

    def announce(self, state: Offer, t: int) -> Offer:
        """Return the mechanism."""
        return state

    def update(self, state: Offer, seen: Any, t: int) -> None:
        """Learn nothing."""


def policies() -> dict[str, Any]:
    """Return the policies by label."""
    mixture = configuration()["policies"]["mixture"]
    return {
        "explore-then-commit": scoring.HiringExploreThenCommit(),
        f"explore-then-commit, {mixture:g} x mixture": scoring.HiringExploreThenCommit(mixture=mixture),
        "best uncorrelated": BestUncorrelated(),
        "oracle": scoring.Oracle(),
    }


def offline(over: dict[str, list[float]]) -> pd.DataFrame:
    """Return the best profit with and without correlated mechanisms, one row per cost and correlation."""
    rows = []
    for cost in over["costs"]:
        for correlation in over["correlations"]:
            world = two_agents(correlation, cost)
            rows.append((correlation, cost, world.optimal().profit, world.optimal_uncorrelated().profit))
    return pd.DataFrame(rows, columns=["correlation", "cost", "correlated", "uncorrelated"])


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Solve and play everything of a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    keep(folder / OFFLINE, lambda table: offline(config["offline"]).to_csv(table, index=False))
    play_horizons(
        folder,
        config["sizes"][size]["horizons"],
        two_agents(**config["online"]),
        policies(),
        n_runs=config["sizes"][size]["n_runs"],
        seed=config["seed"],
        metrics=("regret", "violation", "bisection_rate"),
        checkpoints=1,
        n_jobs=n_jobs,
    )
