"""What the simulations share: their configuration, and results that are made once, whatever interrupts them."""

from __future__ import annotations

import shutil
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

import banditlab as bl
from banditlab.core.results.whole_file import whole_file
from banditlab.errors import InterruptedRunWarning

STORE = "store"
"""The folder of finished runs whose part of the results is not finished yet."""


def configuration_of(module_file: str) -> dict[str, Any]:
    """Return the configuration beside a module: `configuration_of(__file__)`."""
    return tomllib.loads(Path(module_file).with_name("config.toml").read_text(encoding="utf-8"))


def keep(file: Path, write: Callable[[Path], Any]) -> None:
    """Have a part of the results written, unless it is there; a file appears whole or not at all.

    Parameters
    ----------
    file : Path
        Where the part is stored.
    write : callable
        Writes the part to the path that it is given.
    """
    if file.exists():
        return
    print(f"  {file.stem}", flush=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as unfinished:
        write(unfinished)


def play(file: Path, environment: Any, policies: Any, **options: Any) -> None:
    """Play as `banditlab.run` does, and store the results in a file, unless it is there.

    Runs are kept in a store beside the file as they finish: after an interruption, what was finished is not played
    again.
    """
    keep(file, lambda to: _played(environment, policies, store=file.parent / STORE, **options).save(to))


def _played(environment: Any, policies: Any, **options: Any) -> bl.Results:
    """Return what `banditlab.run` does, all of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedRunWarning)
        result = bl.run(environment, policies, **options)
    if result.n_runs < options["n_runs"]:  # interrupted: the rest is for the next time
        raise KeyboardInterrupt
    return result


def play_instances(file: Path, instances: list[Any], policies: Any, *, n_runs: int, **options: Any) -> None:
    """Play each instance `n_runs` times, with luck of its own, and store the results in a file, unless it is there."""
    each = bl.Instances([instance for instance in instances for _ in range(n_runs)])
    play(file, {"instances": each}, policies, n_runs=n_runs * len(instances), **options)


class OverInstances:
    """What `play_instances` stored in a file, averaged over the runs of each instance.

    Attributes
    ----------
    policies : tuple of str
        Their names.
    checkpoints : int64 array
        The rounds after which metrics were recorded.
    """

    def __init__(self, file: Path, n_runs: int) -> None:
        self._result, self._n_runs = bl.load(file), n_runs
        self.policies, self.checkpoints = self._result.policies, self._result.checkpoints

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return a metric of every policy, instance and checkpoint."""
        found = self._result.values(metric)
        return found.reshape(len(self.policies), -1, self._n_runs, len(self.checkpoints)).mean(axis=2)


def horizon_file(folder: Path, horizon: int) -> Path:
    """Return where `play_horizons` stores the results of a horizon."""
    return folder / f"horizon_{horizon}.parquet"


def play_horizons(folder: Path, horizons: list[int], environment: Any, policies: Any, **options: Any) -> None:
    """Play each horizon anew, for policies that know it, and store each in a file."""
    for horizon in horizons:
        play(horizon_file(folder, horizon), environment, policies, horizon=horizon, **options)


def load_horizons(folder: Path, horizons: list[int]) -> dict[int, bl.Results]:
    """Return what `play_horizons` stored, by horizon."""
    return {horizon: bl.load(horizon_file(folder, horizon)) for horizon in horizons}


def final(results: dict[int, bl.Results], policy: str, metric: str = "regret") -> list[NDArray[np.float64]]:
    """Return a metric of every run after the last round, one array a horizon."""
    return [r.values(metric, policy=policy)[:, -1] for r in results.values()]


def forget_runs(folder: Path) -> None:
    """Remove the store of runs, which are all in the results when a simulation has come to its end."""
    shutil.rmtree(folder / STORE, ignore_errors=True)


def cores(n_jobs: int | None) -> int:
    """Return how many cores a number of threads or processes uses, all of them by default."""
    return min(joblib.effective_n_jobs(-1 if n_jobs is None else n_jobs), joblib.cpu_count())
