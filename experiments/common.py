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
import pandas as pd
from numpy.typing import NDArray

import banditlab as bl
from banditlab.core.whole_file import whole_file
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


def play_instances(
    file: Path, instances: dict[str, Any], policies: dict[str, Any], *, n_runs: int, stores: bool = True, **options: Any
) -> None:
    """Play random instances, each with luck of its own, and store a table of all in a file, unless it is there.

    Instance k plays runs k n to (k + 1) n - 1 of the seed, n being `n_runs`. In one call of `banditlab.run` all would
    play runs 0 to n - 1: their average would have the luck of n runs in it, however many instances there are, and an
    interval that takes them for independent would be too narrow.

    Parameters
    ----------
    file : Path
        Where the table is stored; see `Instances`.
    instances, policies : dict
        By name.
    n_runs : int
        Of each instance.
    stores : bool, default True
        Whether runs are kept in a store beside the file as they finish, as `play` does.
    **options
        The others of `banditlab.run`.
    """

    def write(unfinished: Path) -> None:
        chosen = options | ({"store": file.parent / STORE} if stores else {}) | {"n_runs": n_runs, "progress": False}
        tables = [
            _played({name: instance}, policies, first_run=k * n_runs, **chosen).to_pandas()
            for k, (name, instance) in enumerate(instances.items())
        ]
        pd.concat(tables, ignore_index=True).to_parquet(unfinished)

    keep(file, write)


class Instances:
    """What `play_instances` stored in a file.

    Attributes
    ----------
    policies : list of str
        Their names.
    checkpoints : int64 array
        The rounds after which metrics were recorded.
    """

    def __init__(self, file: Path) -> None:
        self._table = pd.read_parquet(file)
        self.policies = list(dict.fromkeys(self._table["policy"]))
        self.checkpoints = np.unique(self._table["round"])
        self._n_instances = self._table["environment"].nunique()

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return a metric of every policy, instance and checkpoint, averaged over the runs of an instance."""
        shape = (self._n_instances, len(self.policies), -1, len(self.checkpoints))
        return self._table[metric].to_numpy().reshape(shape).mean(axis=2).swapaxes(0, 1)


def horizon_file(folder: Path, horizon: int) -> Path:
    """Return where `play_horizons` stores the results of a horizon."""
    return folder / f"horizon_{horizon}.parquet"


def play_horizons(folder: Path, horizons: list[int], environment: Any, policies: Any, **options: Any) -> None:
    """Play each horizon anew, for policies that know it, and store each in a file."""
    for horizon in horizons:
        play(horizon_file(folder, horizon), environment, policies, horizon=horizon, **options)


def forget_runs(folder: Path) -> None:
    """Remove the store of runs, which are all in the results when a simulation has come to its end."""
    shutil.rmtree(folder / STORE, ignore_errors=True)


def cores(n_jobs: int | None) -> int:
    """Return how many cores a number of threads or processes uses, all of them by default."""
    return min(joblib.effective_n_jobs(-1 if n_jobs is None else n_jobs), joblib.cpu_count())
