"""Play the policies and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import dueling
from experiments.common import configuration_of, play

RESULTS = "results.parquet"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def instances() -> dict[str, Any]:
    """Return the instances by name."""
    return {name: getattr(dueling.instances, name)() for name in configuration()["instances"]}


def policies() -> dict[str, Any]:
    """Return the policies by label, those that keep comparing first."""
    return {
        "RMED1": dueling.RMED1(),
        "RMED2": dueling.RMED2(),
        "RMED2FH": dueling.RMED2FH(),
        "D-TS": dueling.DoubleThompsonSampling(),
        "D-TS+": dueling.DoubleThompsonSamplingPlus(),
        "RCS": dueling.RCS(),
        "RUCB": dueling.RUCB(),
        "CCB": dueling.CCB(),
        "IF2": dueling.InterleavedFilter(),
        "BTM": dueling.BeatTheMean(**configuration()["beat_the_mean"]),
        "SAVAGE": dueling.SAVAGE(),
        "SCB": dueling.SCB(),
        "Sparring": dueling.Sparring(),
        "MultiSBM": dueling.MultiSBM(),
        "VDB": dueling.VersatileDB(),
        "WS-S": dueling.WinnerStaysStrong(),
    }


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every policy on every instance at a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    play(
        folder / RESULTS, instances(), policies(), seed=config["seed"], n_jobs=n_jobs, checkpoints=120,
        **config["sizes"][size],
    )  # fmt: skip
