"""Play CVaR-UCBVI at every level and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import cvar
from experiments.common import configuration_of, play

RESULTS = "results.parquet"
BONUSES = ("hoeffding", "bernstein")


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def instance() -> cvar.TabularMDP:
    """Return the MDP."""
    return cvar.random_mdp(**configuration()["instance"])


def label(bonus: str, tau: float) -> str:
    """Return a learner's name in the results."""
    return f"{bonus} {tau:g}"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play both bonuses at every level and store the results in `folder`."""
    config = configuration()
    learners = {
        label(bonus, tau): cvar.CVaRUCBVI(tau, bonus=bonus, delta=config["delta"], replan=config["replan"])
        for tau in config["taus"]
        for bonus in BONUSES
    }
    play(
        folder / RESULTS, instance(), learners, seed=config["seed"], n_jobs=n_jobs, checkpoints=100,
        metrics=["cvar_regret", "smallest_estimate"], **config["sizes"][size],
    )  # fmt: skip
