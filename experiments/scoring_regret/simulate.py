"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import banditlab as bl
from banditlab import scoring
from experiments.command import cores

CONFIG = Path(__file__).with_name("config.toml")
METRICS = ("regret", "bisection_rate", "solves", "payment")


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return tomllib.loads(CONFIG.read_text())


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


def file(folder: Path, horizon: int) -> Path:
    """Return where the results of a horizon are stored."""
    return folder / f"horizon_{horizon}.parquet"


def expected_seconds(size: str, n_jobs: int | None = None) -> float:
    """Return about how long `simulate` takes: rounds times what those of all policies together cost, over the cores."""
    sizes = configuration()["sizes"][size]
    rounds = sizes["n_runs"] * sum(sizes["horizons"])
    return 2.8e-4 * rounds / cores(n_jobs)


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every horizon of a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    folder.mkdir(parents=True, exist_ok=True)
    for horizon in config["sizes"][size]["horizons"]:
        result = bl.run(
            environment(),
            policies(),
            horizon=horizon,
            n_runs=config["sizes"][size]["n_runs"],
            seed=config["seed"],
            metrics=METRICS,
            checkpoints=60,
            n_jobs=n_jobs,
        )
        result.save(file(folder, horizon))
