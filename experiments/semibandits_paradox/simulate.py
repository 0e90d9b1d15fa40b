"""Play the policies and store the result; nothing is computed from it here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import arms, semibandits
from experiments.common import configuration_of, play


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def environment() -> semibandits.SemiBandit:
    """Return the two actions."""
    config = configuration()
    m = config["m"]
    low, high = config["means"]
    actions = semibandits.Explicit([tuple(range(m)), tuple(range(m, 2 * m))])
    return semibandits.SemiBandit(arms.Bernoulli([low] * m + [high] * m), actions)


def policies() -> dict[str, Any]:
    """Return the policies by label."""
    return {
        "Beta-CTS, uniform prior": semibandits.BetaCTS(),
        "Beta-CTS, Jeffreys prior": semibandits.BetaCTS(a=0.5, b=0.5),
        "BG-CTS": semibandits.BGCTS(),
        "ESCB-2": semibandits.ESCB2(),
    }


def file(folder: Path) -> Path:
    """Return where the results are stored."""
    return folder / "runs.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play at a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    play(
        file(folder), environment(), policies(), **config["sizes"][size], seed=config["seed"], checkpoints=100,
        n_jobs=n_jobs,
    )  # fmt: skip
