"""Play the hard instances of every level and store the results; nothing is computed from them here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from banditlab import arms, cvar
from experiments.common import configuration_of, play


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def gaps(tau: float, horizon: int) -> list[float]:
    """Return the epsilons of a level: what the better arm's mean is above the other's."""
    return sorted({min(c * math.sqrt(tau / horizon), tau) for c in configuration()["multiples"]})


def policies(tau: float) -> dict[str, Any]:
    """Return the policies; UCB1 is risk-neutral."""
    return {
        "BernsteinUCB": cvar.BernsteinUCB(tau),
        "CVaR-UCB": cvar.CVaRUCB(tau),
        "U-UCB": cvar.UUCB(tau),
        "UCB1": arms.UCB1(),
    }


def stored(folder: Path, tau: float) -> Path:
    """Return the file of a level."""
    return folder / f"tau_{tau:g}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every policy on every instance and store the results in `folder`, one file per level."""
    config = configuration()
    sizes = config["sizes"][size]
    for tau in config["taus"]:
        worlds = {f"{e:.9g}": cvar.theory.hard_instance(tau, e) for e in gaps(tau, sizes["horizon"])}
        play(
            stored(folder, tau), worlds, policies(tau), seed=config["seed"], n_jobs=n_jobs, checkpoints=20,
            metrics=f"cvar_regret[{tau:g}]", **sizes,
        )  # fmt: skip
