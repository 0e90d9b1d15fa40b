"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from banditlab import scoring
from experiments.common import configuration_of, play_horizons


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def environment() -> scoring.InformationAcquisition:
    """Return the senders and the receiver."""
    config = configuration()
    observations = np.einsum("ta,tb->tab", config["signals"]["first"], config["signals"]["second"])
    return scoring.InformationAcquisition(observations=observations, **config["environment"])


def bandit(alpha: float, scale: str) -> str:
    """Return the label of the policy with bandit feedback."""
    return f"bandit, alpha = {alpha:g}, {scale}"


def full(scale: str) -> str:
    """Return the label of the policy with full feedback."""
    return f"full feedback, {scale}"


def policies() -> dict[str, Any]:
    """Return the policies by label."""
    config = configuration()
    found, growth = {}, config["tolerance"]
    for name, scale, alphas in (
        ("practical", config["practical_scale"], config["alphas"]),
        ("theory", 1.0, config["theory_alphas"]),
    ):
        found[full(name)] = scoring.OnlineFullFeedback(confidence_scale=scale, tolerance=growth)
        for alpha in alphas:
            found[bandit(alpha, name)] = scoring.OnlineBanditFeedback(
                alpha=alpha, confidence_scale=scale, tolerance=growth
            )
    return found


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
        metrics=("regret", "violation", "solves"),
        checkpoints=1,
        n_jobs=n_jobs,
    )
