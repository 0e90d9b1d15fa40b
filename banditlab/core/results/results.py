"""What a run returns: every metric of every run at every checkpoint, with its provenance."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..brief import brief
from ..errors import InvalidArgument
from ..validation import count, invalid, open_probability, several
from .checkpoints import positions_of
from .metrics import abridged, asked_metric, asked_metrics, default_metric, is_event
from .provenance import stamped
from .statistics import QUANTILES, Statistics

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass
class Cell:
    """The numbers of one environment and policy.

    Attributes
    ----------
    values : dict from str to float64 array
        For each metric, one row per run and one column per checkpoint.
    seconds : float
        Processor time that the simulation of this pair took, without compilation, summed over threads; on a device,
        wall-clock time.
    lower_bound : float64 array or None
        A lower bound on the regret at the checkpoints.
    statistics : dict from str to Statistics
        What is known about each metric when runs were not kept.
    """

    values: dict[str, NDArray[np.float64]]
    seconds: float
    lower_bound: NDArray[np.float64] | None
    statistics: dict[str, Statistics] = field(default_factory=dict)

    __repr__ = brief

    @property
    def metrics(self) -> list[str]:
        """Names of the recorded columns."""
        return list(self.values or self.statistics)

    def statistics_of(self, metric: str) -> Statistics:
        """Return what is known about a metric over runs at each checkpoint, whether runs were kept or not."""
        return self.statistics[metric] if self.statistics else Statistics.of_runs(self.values[metric])


SHOWN_QUANTILES = ("q05", "q25", "median", "q75", "q95")

RATIO = "ratio_to_lower_bound"

BOUNDED = ("regret", "average_regret")
"""The metrics that a protocol's lower bound bounds."""


def summary_row(cell: Cell, metric: str, level: float, horizon: int, at: int = -1) -> dict[str, float]:
    """Return what a summary says about a cell, for the checkpoint at a position."""
    if cell.statistics:
        known, k = cell.statistics[metric], at
    else:  # only that checkpoint: each of the others would take as long
        known, k = Statistics.of_runs(cell.values[metric][:, [at]]), 0
    low, high = known.interval(level, event=is_event(metric))
    mean, std = float(known.mean[k]), float(known.std[k])
    row = {"mean": mean, "ci_low": float(low[k]), "ci_high": float(high[k]), "std": std}
    row |= {name: float(known.quantiles[list(QUANTILES).index(name), k]) for name in SHOWN_QUANTILES}
    bound = cell.lower_bound[at] if metric in BOUNDED and cell.lower_bound is not None else 0.0
    row[RATIO] = mean / bound if bound > 0 else float("nan")
    rounds = known.n_runs * horizon
    row["rounds_per_second"] = rounds / cell.seconds if cell.seconds > 0 else float("nan")
    return row


def without_empty_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of such rows; without the column of ratios to a lower bound, if no row has one."""
    return table.drop(columns=RATIO) if RATIO in table and table[RATIO].isna().all() else table


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
    n_runs, horizon, seed : int
        As passed to `run`; after an interruption, `n_runs` counts the runs that had finished.
    provenance : dict
        Configuration, versions, host, times.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> players = [arms.UCB1(), arms.RoundRobin()]
    >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), players, horizon=1000, n_runs=20, seed=0)
    >>> result
    <Results: 2 policies on 1 environment, 20 runs, horizon 1,000, metrics regret>
    >>> result.checkpoints[-3:].tolist()
    [870, 933, 1000]
    >>> float(result.values("regret")[1, :, -1].mean().round(6))  # RoundRobin: 0.6 in every other round
    300.0
    """

    def __init__(
        self,
        cells: dict[tuple[str, str], Cell],
        checkpoints: NDArray[np.int64],
        provenance: dict[str, Any],
    ) -> None:
        self._cells = cells
        self.checkpoints = checkpoints
        self.provenance = stamped(provenance)

    @functools.cached_property
    def environments(self) -> tuple[str, ...]:
        """Labels of the environments."""
        return tuple(dict.fromkeys(name for name, _ in self._cells))

    @functools.cached_property
    def policies(self) -> tuple[str, ...]:
        """Labels of the policies."""
        return tuple(dict.fromkeys(label for _, label in self._cells))

    @functools.cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of the recorded columns."""
        return tuple(dict.fromkeys(name for cell in self._cells.values() for name in cell.metrics))

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return int(self.provenance["n_runs"])

    @property
    def keeps_runs(self) -> bool:
        """Whether every run is there; otherwise there are only statistics."""
        return self.provenance.get("keep", "runs") == "runs"

    @property
    def first_run(self) -> int:
        """Number of the first run."""
        return int(self.provenance.get("first_run", 0))

    @property
    def horizon(self) -> int:
        """Rounds per run."""
        return int(self.provenance["horizon"])

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self.provenance["seed"])

    def __repr__(self) -> str:
        """Return the sizes."""
        sizes = (
            count(len(self.policies), "policy", "policies"),
            count(len(self.environments), "environment"),
            count(self.n_runs, "run"),
        )
        return "<Results: {} on {}, {}, horizon {:,}, metrics {}>".format(
            *sizes, self.horizon, ", ".join(abridged(self.metrics))
        )

    def _environment(self, environment: str | None) -> str:
        if environment is None:
            if len(self.environments) == 1:
                return self.environments[0]
            raise invalid("environment", environment, f"one of {abridged(self.environments)}, since there are several")
        if not isinstance(environment, str) or environment not in self.environments:
            raise invalid("environment", environment, f"one of {abridged(self.environments)}")
        return environment

    def values(
        self, metric: str | None = None, environment: str | None = None, *, policy: str | None = None
    ) -> NDArray[np.float64]:
        """Return a metric for every policy, run and checkpoint.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`; default: 'regret', or the first if that was not recorded.
        environment : str, optional
            One of `environments`; needed when there are several.
        policy : str, optional
            One of `policies`; default all of them.

        Returns
        -------
        float64 array of shape (policies, runs, checkpoints), or (runs, checkpoints) for one policy

        Examples
        --------
        One number for each policy, run and checkpoint:

        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.UCB1(), arms.RoundRobin()]
        >>> result = bl.run(
        ...     arms.Bernoulli([0.2, 0.8]), players, horizon=100, n_runs=5, seed=0, checkpoints=[10, 100]
        ... )
        >>> regret = result.values()
        >>> regret.shape
        (2, 5, 2)
        >>> result.values(policy="RoundRobin").mean(axis=0).round(6).tolist()  # which has 0.6 in every other round
        [3.0, 30.0]
        """
        metric = asked_metric(metric, self.metrics)
        cells = self._recorded(metric, environment)
        if policy is not None:
            if policy not in self.policies:
                raise invalid("policy", policy, f"one of {abridged(self.policies)}")
            cells = [self._cells[self._environment(environment), policy]]
        if not self.keeps_runs:
            raise invalid("keep", "summary", "'runs', when the experiment is run, to have the values of every run")
        found = np.stack([cell.values[metric] for cell in cells])
        return found if policy is None else found[0]

    def statistics(self, metric: str | None = None, environment: str | None = None) -> list[Statistics]:
        """Return mean, deviation, extremes and quantiles of a metric over runs, at each checkpoint.

        There is one `Statistics` per policy, whether runs were kept or not.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`; default: 'regret', or the first if that was not recorded.
        environment : str, optional
            One of `environments`; needed when there are several.

        Returns
        -------
        list of Statistics
            In the order of `policies`. Each has `mean`, `std`, `minimum` and `maximum`, with one entry per checkpoint,
            and `quantiles`, with one row per quantile.

        Examples
        --------
        It also works when runs were not kept:

        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> env = arms.Bernoulli([0.2, 0.8])
        >>> result = bl.run(env, arms.RoundRobin(), horizon=100, n_runs=50, seed=0, keep="summary")
        >>> (known,) = result.statistics("regret")
        >>> known.n_runs, round(float(known.mean[-1]), 6), round(float(known.std[-1]), 6)
        (50, 30.0, 0.0)
        """
        metric = asked_metric(metric, self.metrics)
        return [cell.statistics_of(metric) for cell in self._recorded(metric, environment)]

    def _recorded(self, metric: str, environment: str | None) -> list[Cell]:
        """Return the cells of an environment that have recorded a metric."""
        name = self._environment(environment)
        cells = [self._cells[name, label] for label in self.policies]
        for cell in cells:
            if metric not in cell.metrics:
                raise self._not_recorded(metric, cell, name)
        return cells

    def _not_recorded(self, metric: str, cell: Cell, environment: str) -> InvalidArgument:
        """Return the error for a metric that a cell does not have, as what it has may differ between environments."""
        where = f" on {environment}" if len(self.environments) > 1 else ""
        return invalid("metric", metric, f"one of {abridged(cell.metrics)}, which were recorded{where}")

    @property
    def default_metric(self) -> str:
        """The metric used when none is named: 'regret', or the first one recorded."""
        return default_metric(self.metrics)

    def lower_bound(self, environment: str | None = None) -> NDArray[np.float64] | None:
        r"""Return the asymptotic lower bound on the regret at the checkpoints, or None where none is known.

        It is :math:`C \log t`, with C from the environment's `lower_bound_constant`. It holds for uniformly good
        policies, in the limit: after few rounds, regret can be below it.

        Parameters
        ----------
        environment : str, optional
            One of `environments`; needed when there are several.

        Returns
        -------
        float64 array of shape (checkpoints,), or None

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> env, rounds = arms.Bernoulli([0.2, 0.8]), [10, 100]
        >>> result = bl.run(env, arms.UCB1(), horizon=100, n_runs=2, seed=0, checkpoints=rounds)
        >>> result.lower_bound().round(3).tolist()
        [1.661, 3.322]
        >>> round(float(env.lower_bound_constant()), 3)  # C; the logarithms are 2.303 and 4.605
        0.721
        """
        name = self._environment(environment)
        return self._cells[name, self.policies[0]].lower_bound

    def seconds(self, environment: str | None = None) -> NDArray[np.float64]:
        """Return, for each policy, the processor time its simulation took, summed over threads.

        On a device it is wall-clock time. Runs read from a store count with the time they took when they were played.

        Parameters
        ----------
        environment : str, optional
            One of `environments`; needed when there are several.

        Returns
        -------
        float64 array of shape (policies,)
            In the order of `policies`.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.UCB1(), arms.RoundRobin()]
        >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), players, horizon=100, n_runs=5, seed=0)
        >>> result.seconds().shape
        (2,)
        """
        name = self._environment(environment)
        return np.array([self._cells[name, label].seconds for label in self.policies])

    def summary(
        self,
        metric: str | Sequence[str] | None = None,
        level: float = 0.95,
        *,
        at: int | Sequence[int] | None = None,
        environment: str | None = None,
    ) -> pd.DataFrame:
        r"""Return one row per policy (and environment), for one metric and checkpoint, or for each of several.

        Parameters
        ----------
        metric : str or sequence of str, optional
            One of `metrics`, or several of them; default: 'regret', or the first if that was not recorded.
        level : float, default 0.95
            Confidence level of the interval of the mean (Student's t, NaN for a single run; Wilson's for the share of
            runs in which something happened, such as `any_violation`).
        at : int or sequence of int, optional
            After which round, or rounds, each one of the checkpoints; default the last.
        environment : str, optional
            A label; default all environments that have the metric, or metrics.

        Returns
        -------
        pandas.DataFrame
            Indexed by policy, or by environment and policy when there are several environments and none is named; by
            metric, if `metric` is a sequence; and by round, if `at` is one.
            Columns: mean, ci_low, ci_high, std, q05, q25, median, q75, q95, ratio_to_lower_bound (mean regret over
            :math:`C \log T`; NaN for other metrics, where no bound is known, and where the policy aims at something
            else, as those for CVaR do; there is no such column if it would be NaN throughout), rounds_per_second (of
            processor time, that is, of one undisturbed thread).

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.UCB1(), arms.RoundRobin()]
        >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), players, horizon=100, n_runs=20, seed=0)
        >>> table = result.summary()
        >>> table.loc["RoundRobin", ["mean", "ci_low", "ci_high"]].round(6).tolist()
        [30.0, 30.0, 30.0]
        >>> bool(table.loc["UCB1", "ci_high"] < table.loc["RoundRobin", "ci_low"])
        True
        >>> bool((result.summary(at=10)["mean"] < table["mean"]).all())  # after round 10
        True
        >>> result.summary(at=[10, 100])["mean"].unstack("round").columns.tolist()
        [10, 100]
        >>> result.summary(["regret"]).index.names  # and so on, for several metrics: result.metrics has all
        FrozenList(['policy', 'metric'])
        """
        import pandas as pd

        asked = asked_metrics(metric, self.metrics)
        level = open_probability("level", level)
        positions = positions_of(at, self.checkpoints)
        wanted = self.environments if environment is None else (self._environment(environment),)
        rows, index = [], []
        for ((name, label), cell), one in itertools.product(self._cells.items(), asked):
            if name not in wanted:
                continue
            if one not in cell.metrics:
                if len(wanted) > 1 and one in self.metrics:  # as with columns of arms that other environments lack
                    continue
                raise self._not_recorded(one, cell, name)
            for position in positions:
                rows.append(summary_row(cell, one, level, self.horizon, position))
                index.append((name, label, one, int(self.checkpoints[position])))
        levels = ["environment", "policy", "metric", "round"]
        frame = pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(index, names=levels))
        needed = {"environment": len(wanted) > 1, "metric": several(metric), "round": several(at)}
        return without_empty_ratios(frame.droplevel([each for each, told in needed.items() if not told]))

    def to_pandas(self) -> pd.DataFrame:
        """Return a tidy table: environment, policy, run, round, and one column per metric.

        When runs were not kept: environment, policy, round, metric, and one column per statistic.

        Returns
        -------
        pandas.DataFrame
            One row per run and checkpoint (or checkpoint and metric) of each environment and policy; names are
            categorical.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), arms.UCB1(), horizon=100, n_runs=5, seed=0)
        >>> frame = result.to_pandas()
        >>> frame.columns.tolist()
        ['environment', 'policy', 'run', 'round', 'regret']
        >>> len(frame) == 5 * len(result.checkpoints)
        True
        """
        return self._table().to_pandas()

    def _table(self) -> Any:
        import pyarrow as pa

        n, c = self.n_runs, len(self.checkpoints)
        blocks = []
        if not self.keeps_runs:
            for (name, label), cell in self._cells.items():
                for metric, known in cell.statistics.items():
                    told = {"environment": name, "policy": label, "metric": metric}
                    columns = {
                        key: pa.DictionaryArray.from_arrays(np.zeros(c, np.int32), [v]) for key, v in told.items()
                    }
                    blocks.append(pa.table(columns | {"round": self.checkpoints} | known.columns()))
            return pa.concat_tables(blocks).unify_dictionaries()
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
        self,
        metric: str | None = None,
        *,
        environment: str | None = None,
        policies: Sequence[str] | None = None,
        ax: Axes | None = None,
        xscale: str = "linear",
        yscale: str = "linear",
        level: float = 0.95,
        n_resamples: int = 1000,
        lower_bound: bool | Literal["auto"] = "auto",
        title: str | None = None,
        colors: dict[str, Any] | None = None,
        labels: dict[str, str] | None = None,
        legend: bool = True,
    ) -> Axes:
        """Draw the mean of a metric over rounds, with confidence bands and the lower bound.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`; default: 'regret', or the first if that was not recorded.
        environment : str, optional
            One of `environments`; needed when there are several.
        policies, colors, labels : optional
            Which of `policies` to draw, a list; colours and names of some of them, dicts from label to colour or text.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default new Axes.
        xscale, yscale, level, n_resamples, lower_bound, title, legend : optional
            As in `banditlab.plotting.plot_metric`: the scales of the axes, the level and resamples of the bands,
            whether to draw the lower bound, a title, and whether there is a legend.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> players = [arms.UCB1(), arms.RoundRobin()]
        >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), players, horizon=100, n_runs=10, seed=0)
        >>> ax = result.plot(xscale="log", lower_bound=False)
        >>> ax.get_ylabel()
        'cumulative regret'
        >>> sorted(line.get_text() for line in ax.get_legend().get_texts())
        ['RoundRobin', 'UCB1']
        """
        from banditlab import plotting

        return plotting.plot_metric(
            self, metric, environment=environment, policies=policies, ax=ax, xscale=xscale, yscale=yscale, level=level,
            n_resamples=n_resamples, lower_bound=lower_bound, title=title, colors=colors, labels=labels, legend=legend,
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything, with provenance, to a Parquet file: aside, and then renamed, so it is never half a file.

        Parameters
        ----------
        path : path
            The file, in a folder that exists; an existing file is replaced. Its name must not end like that of another
            format.

        Returns
        -------
        pathlib.Path
            The file's path, with links resolved.

        Examples
        --------
        >>> import banditlab as bl, tempfile
        >>> from banditlab import arms
        >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), arms.UCB1(), horizon=100, n_runs=3, seed=0)
        >>> file = result.save(tempfile.mkdtemp() + "/r.parquet")
        >>> bool((bl.load(file).values() == result.values()).all())
        True
        """
        from .results_file import write  # which imports this module

        return write(path, self._table(), self._cells, self.provenance)
