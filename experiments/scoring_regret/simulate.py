"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import scoring
from experiments.common import configuration_of, play_horizons

METRICS = ("regret", "bisection_rate", "solves", "payment")


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def environment() -> scoring.PrincipalAgent:
    """Return the principal and the agent."""
    return scoring.PrincipalAgent(**configuration()["environment"])


def policies() -> dict[str, Any]:
    """Return the policies by label."""
    world = environment()
    scale = configuration()["policies"]["practical_scale"]
    return {
        "OSRA": scoring.OSRA(),
        f"OSRA, {scale:g} x radius": scoring.OSRA(confidence_scale=scale),
        "explore-then-commit": scoring.ExploreThenCommit(),
        "Brier": scoring.FixedRule(scoring.Brier(world.n_states).bounded(world.max_payment)),
        "V-shaped": scoring.FixedRule(scoring.VShaped(world.prior).bounded(world.max_payment)),
        "oracle": scoring.Oracle(),
    }


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every horizon of a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    play_horizons(
        folder,
        config["sizes"][size]["horizons"],
        environment(),
        policies(),
        n_runs=config["sizes"][size]["n_runs"],
        seed=config["seed"],
        metrics=METRICS,
        checkpoints=60,
        n_jobs=n_jobs,
    )
