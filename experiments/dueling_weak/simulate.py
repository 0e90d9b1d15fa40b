"""Play the policies on random instances and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import dueling
from experiments.common import configuration_of, play_instances

METRIC = "binary_weak_regret"
BTWR, BTW, WS = "BtWR", "BtW", "WS-W"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def policies() -> dict[str, Any]:
    """Return the policies by label."""
    return {
        BTWR: dueling.BeatTheWinnerReset(),
        BTW: dueling.BeatTheWinner(),
        WS: dueling.WinnerStaysWeak(),
    }


def instances(n_arms: int, pmin: float, n_instances: int) -> list[dueling.PreferenceMatrix]:
    """Return random instances; their seeds are 0, 1, ..."""
    return [dueling.instances.random_condorcet(n_arms, pmin=pmin, seed=k) for k in range(n_instances)]


def file(folder: Path, pmin: float, n_arms: int) -> Path:
    """Return where the results for a number of arms are stored."""
    return folder / f"pmin_{pmin:g}_arms_{n_arms}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every pmin and number of arms of a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    chosen = config["sizes"][size]
    for pmin in config["pmins"]:
        for n_arms in chosen["n_arms"]:
            play_instances(
                file(folder, pmin, n_arms),
                instances(n_arms, pmin, chosen["n_instances"]),
                policies(),
                horizon=chosen["horizon"],
                n_runs=chosen["n_runs"],
                seed=config["seed"],
                metrics=METRIC,
                checkpoints=[chosen["horizon"] // 2, chosen["horizon"]],
                n_jobs=n_jobs,
            )
