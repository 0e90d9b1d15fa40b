"""What a run returns: every metric of every run at every checkpoint, with its provenance."""

from __future__ import annotations

import functools
import json
import os
import platform
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import ResultsFileError
from .validation import invalid, open_probability

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FORMAT = "banditlab.results/1"


@dataclass
class Cell:
    """The numbers of one environment and policy.

    Attributes
    ----------
    values : dict from str to float64 array
        For each metric one row a run, one column a checkpoint.
    seconds : float
        Time that the simulation of this pair took, compilation not counted, summed over threads.
    lower_bound : float64 array or None
        A lower bound on the regret at the checkpoints.
    """

    values: dict[str, NDArray[np.float64]]
    seconds: float
    lower_bound: NDArray[np.float64] | None


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions that numbers can depend on."""
    found = {"python": platform.python_version()}
    for name in ("banditlab-sim", "numpy", "scipy", "numba", "llvmlite"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a distribution"
    return found


def host() -> dict[str, Any]:
    """Return what kind of machine this is."""
    return {"platform": platform.platform(), "machine": platform.machine(), "cores": os.cpu_count()}


class Results:
    """Metrics of every run at every checkpoint.

    Attributes
    ----------
    policies, environments : tuple of str
        Labels.
    metrics : tuple of str
        Names of the recorded columns.
    checkpoints : int64 array
        The rounds after which metrics were recorded.
    n_runs, first_run, horizon, seed : int
        As given to `run`; after an interruption `n_runs` counts what had finished.
    provenance : dict
        Configuration, versions, host, times.
    """

    def __init__(
        self,
        cells: dict[tuple[str, str], Cell],
        checkpoints: NDArray[np.int64],
        provenance: dict[str, Any],
    ) -> None:
        self._cells = cells
        self.checkpoints = checkpoints
        self.provenance = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": dict(versions()),
            "host": host(),
        } | provenance

    @property
    def environments(self) -> tuple[str, ...]:
        """Labels of the environments."""
        return tuple(dict.fromkeys(name for name, _ in self._cells))

    @property
    def policies(self) -> tuple[str, ...]:
        """Labels of the policies."""
        return tuple(dict.fromkeys(label for _, label in self._cells))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the recorded columns."""
        return tuple(dict.fromkeys(name for cell in self._cells.values() for name in cell.values))

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return int(self.provenance["n_runs"])

    @property
    def first_run(self) -> int:
        """Number of the first run; files written before runs could start later have none, and start at 0."""
        return int(self.provenance.get("first_run", 0))

    @property
    def horizon(self) -> int:
        """Rounds a run."""
        return int(self.provenance["horizon"])

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self.provenance["seed"])

    def __repr__(self) -> str:
        """Return the sizes."""
        return (
            f"<Results: {len(self.policies)} policies on {len(self.environments)} environments, {self.n_runs} runs, "
            f"horizon {self.horizon}, metrics {', '.join(self.metrics)}>"
        )

    def _environment(self, environment: str | None) -> str:
        if environment is None:
            if len(self.environments) == 1:
                return self.environments[0]
            raise invalid("environment", environment, f"one of {list(self.environments)}, since there are several")
        if environment not in self.environments:
            raise invalid("environment", environment, f"one of {list(self.environments)}")
        return environment

    def values(self, metric: str = "regret", environment: str | None = None) -> NDArray[np.float64]:
        """Return a metric of every policy, run and checkpoint.

        Parameters
        ----------
        metric : str, default 'regret'
            One of `metrics`.
        environment : str, optional
            One of `environments`; needed when there are several.

        Returns
        -------
        float64 array of shape (policies, runs, checkpoints)
        """
        name = self._environment(environment)
        cells = [self._cells[name, label] for label in self.policies]
        if any(metric not in cell.values for cell in cells):
            raise invalid("metric", metric, f"one of {list(cells[0].values)}, which were recorded")
        return np.stack([cell.values[metric] for cell in cells])

    def lower_bound(self, environment: str | None = None) -> NDArray[np.float64] | None:
        """Return the asymptotic lower bound on the regret at the checkpoints, or None where none is known."""
        name = self._environment(environment)
        return self._cells[name, self.policies[0]].lower_bound

    def seconds(self, environment: str | None = None) -> NDArray[np.float64]:
        """Return, for each policy, the time its simulation took, summed over threads."""
        name = self._environment(environment)
        return np.array([self._cells[name, label].seconds for label in self.policies])

    def summary(self, metric: str = "regret", level: float = 0.95) -> pd.DataFrame:
        """Return one row a policy (and environment), for the last checkpoint.

        Parameters
        ----------
        metric : str, default 'regret'
            One of `metrics`.
        level : float, default 0.95
            Confidence level of the interval of the mean (normal approximation; NaN for a single run).

        Returns
        -------
        pandas.DataFrame
            Indexed by policy, or by environment and policy when there are several environments. Columns: mean, ci_low,
            ci_high, std, q05, q25, median, q75, q95, ratio_to_lower_bound (mean regret over C log T; only for
            regret, NaN where no bound is known), rounds_per_second (one thread).
        """
        import pandas as pd
        from scipy import stats

        z = float(stats.norm.ppf(0.5 + open_probability("level", level) / 2.0))
        rows, index = [], []
        for (name, label), cell in self._cells.items():
            if metric not in cell.values:
                raise invalid("metric", metric, f"one of {list(cell.values)}, which were recorded")
            last = cell.values[metric][:, -1]
            mean = float(last.mean())
            std = float(last.std(ddof=1)) if len(last) > 1 else float("nan")
            half = z * std / np.sqrt(len(last))
            quantiles = np.quantile(last, [0.05, 0.25, 0.5, 0.75, 0.95])
            row = {"mean": mean, "ci_low": mean - half, "ci_high": mean + half, "std": std}
            row |= dict(zip(("q05", "q25", "median", "q75", "q95"), map(float, quantiles), strict=True))
            if metric == "regret":
                bound = cell.lower_bound[-1] if cell.lower_bound is not None else 0.0
                row["ratio_to_lower_bound"] = mean / bound if bound > 0 else float("nan")
            rounds = self.n_runs * self.horizon
            row["rounds_per_second"] = rounds / cell.seconds if cell.seconds > 0 else float("nan")
            rows.append(row)
            index.append((name, label))
        frame = pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(index, names=["environment", "policy"]))
        return frame.droplevel("environment") if len(self.environments) == 1 else frame

    def to_pandas(self) -> pd.DataFrame:
        """Return a tidy table: environment, policy, run, round, and a column a metric."""
        return self._table().to_pandas()

    def _table(self) -> Any:
        import pyarrow as pa

        n, c = self.n_runs, len(self.checkpoints)
        blocks = []
        for (name, label), cell in self._cells.items():
            columns = {
                "environment": pa.DictionaryArray.from_arrays(np.zeros(n * c, np.int32), [name]),
                "policy": pa.DictionaryArray.from_arrays(np.zeros(n * c, np.int32), [label]),
                "run": np.repeat(np.arange(self.first_run, self.first_run + n), c),
                "round": np.tile(self.checkpoints, n),
            }
            for metric in self.metrics:
                values = cell.values.get(metric)
                columns[metric] = np.full(n * c, np.nan) if values is None else values.ravel()
            blocks.append(pa.table(columns))
        return pa.concat_tables(blocks).unify_dictionaries()

    def plot(
        self, metric: str = "regret", *, environment: str | None = None, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Draw the mean of a metric over rounds, with confidence bands and the lower bound.

        See `banditlab.plotting.plot_metric` for the options.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from banditlab import plotting

        return plotting.plot_metric(self, metric, environment=environment, ax=ax, **options)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to a Parquet file, provenance included; written beside and renamed, so never half a file.

        Examples
        --------
        >>> import banditlab as bl, tempfile
        >>> from banditlab import arms
        >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), arms.UCB1(), horizon=100, n_runs=3, seed=0)
        >>> file = result.save(tempfile.mkdtemp() + "/r.parquet")
        >>> bool((bl.load(file).values() == result.values()).all())
        True
        """
        import pyarrow.parquet as pq

        target = Path(os.path.realpath(path))  # through links, so that they stay links
        if target.exists() and not target.is_file():
            raise invalid("path", str(path), "a regular file, or a new name")
        if not target.parent.is_dir():
            raise invalid("path", str(path), f"a file in an existing folder; {str(target.parent)!r} is not one")
        meta = {
            "format": FORMAT,
            "provenance": self.provenance,
            "cells": [
                {
                    "environment": name,
                    "policy": label,
                    "seconds": cell.seconds,
                    "metrics": list(cell.values),
                    "lower_bound": None if cell.lower_bound is None else cell.lower_bound.tolist(),
                }
                for (name, label), cell in self._cells.items()
            ],
        }
        table = self._table()
        table = table.replace_schema_metadata(
            {**(table.schema.metadata or {}), b"banditlab": json.dumps(meta).encode()}
        )
        beside = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            pq.write_table(table, beside, compression="zstd", write_page_checksum=True)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return target


def load(path: str | os.PathLike[str]) -> Results:
    """Read results that `Results.save` wrote.

    Raises
    ------
    ResultsFileError
        If the file cannot be read, is damaged, or is not one of banditlab's.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = Path(path)
    if source.exists() and not source.is_file():
        raise ResultsFileError(f"path is {str(source)!r}; allowed: a file")
    try:
        table = pq.read_table(source, memory_map=False, page_checksum_verification=True)
        raw = (table.schema.metadata or {}).get(b"banditlab")
        if raw is None:
            raise ResultsFileError(
                f"path is {str(source)!r}; allowed: a file that Results.save wrote, and this one is not"
            )
        meta = json.loads(raw)
        if meta.get("format") != FORMAT:
            raise ResultsFileError(f"path is {str(source)!r}, of format {meta.get('format')!r}; allowed: {FORMAT!r}")
        return _from_table(table, meta)
    except FileNotFoundError as error:
        raise ResultsFileError(f"path is {str(source)!r}; allowed: an existing file") from error
    except ResultsFileError:
        raise
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultsFileError(f"path is {str(source)!r}; allowed: a readable Parquet file ({error})") from error


def _from_table(table: Any, meta: dict[str, Any]) -> Results:
    provenance = meta["provenance"]
    n_runs = int(provenance["n_runs"])
    if n_runs < 1 or not meta["cells"] or table.num_rows % (n_runs * len(meta["cells"])):
        raise ValueError(f"{table.num_rows} rows for {n_runs} runs of {len(meta['cells'])} pairs")
    size = table.num_rows // len(meta["cells"])
    rounds = table.column("round").to_numpy()[: size // n_runs]
    cells = {}
    for k, cell in enumerate(meta["cells"]):
        part = table.slice(k * size, size)
        values = {m: part.column(m).to_numpy().reshape(n_runs, -1).copy() for m in cell["metrics"]}
        bound = None if cell["lower_bound"] is None else np.array(cell["lower_bound"])
        cells[cell["environment"], cell["policy"]] = Cell(values, float(cell["seconds"]), bound)
    return Results(cells, np.asarray(rounds, dtype=np.int64), provenance)
