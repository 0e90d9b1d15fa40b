"""Play the policies on random sequences of instances and store the results; nothing is computed from them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from banditlab import dueling
from experiments.common import configuration_of, play_instances

WEAK, STRONG = "binary_weak_regret", "binary_strong_regret"
BTWR, WS, BTW, DETECT_WS, DETECT_BTW = "BtWR", "WS-W", "BtW", "DETECT(WS-W)", "DETECT(BtW)"
BTWRS, WSS, RUCB, MDB_WSS, MDB_RUCB = "BtWR-S", "WS-S", "RUCB", "MDB(WS-S)", "MDB(RUCB)"


def configuration() -> dict[str, Any]:
    """Return the configuration."""
    return configuration_of(__file__)


def for_weak_regret() -> dict[str, Any]:
    """Return the policies for weak regret by label."""
    config = configuration()
    constants = {"pmin": config["pmin"], "delta": config["delta"]}
    base, other = dueling.WinnerStaysWeak(), dueling.BeatTheWinner()
    return {
        BTWR: dueling.BeatTheWinnerReset(),
        WS: base,
        BTW: other,
        DETECT_WS: dueling.DETECT(base, **constants, rule="sqrt"),
        DETECT_BTW: dueling.DETECT(other, **constants, rule="log_squared"),
    }


def for_strong_regret(n_segments: int) -> dict[str, Any]:
    """Return the policies for strong regret by label."""
    constants = {"n_segments": n_segments, "delta": configuration()["delta"]}
    base, other = dueling.WinnerStaysStrong(), dueling.RUCB()
    return {
        BTWRS: dueling.BeatTheWinnerResetStrong(),
        WSS: base,
        RUCB: other,
        MDB_WSS: dueling.MonitoredDuelingBandits(base, **constants),
        MDB_RUCB: dueling.MonitoredDuelingBandits(other, **constants),
    }


def instances(n_segments: int, horizon: int, n_instances: int) -> list[dueling.PiecewiseStationary]:
    """Return random instances; their seeds are 0, 1, ..."""
    config = configuration()
    return [
        dueling.instances.random_sequence(
            config["n_arms"], n_segments, horizon, pmin=config["pmin"], delta=config["delta"], seed=k
        )
        for k in range(n_instances)
    ]


def file(folder: Path, n_segments: int) -> Path:
    """Return where the results for a number of segments are stored."""
    return folder / f"segments_{n_segments}.parquet"


def simulate(folder: Path, size: str, n_jobs: int | None = None) -> None:
    """Play every number of segments of a size ('full' or 'quick') and store the results in `folder`."""
    config = configuration()
    chosen = config["sizes"][size]
    for n_segments in chosen["segments"]:
        play_instances(
            file(folder, n_segments),
            instances(n_segments, chosen["horizon"], chosen["n_instances"]),
            for_weak_regret() | for_strong_regret(n_segments),
            horizon=chosen["horizon"],
            n_runs=chosen["n_runs"],
            seed=config["seed"],
            metrics=[WEAK, STRONG],
            checkpoints=[chosen["horizon"] * k // 200 for k in range(1, 201)],
            n_jobs=n_jobs,
        )
