"""What a sweep returns: cells with their parameters, as tables and plots."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidArgument, InvalidType
from ..playing.tasks import told_by
from ..results.metrics import abridged, asked_metrics, default_metric
from ..results.provenance import stamped
from ..results.results import Results, summary_row, without_empty_ratios
from ..validation import count, invalid, one_of, open_probability, several, shown
from .sweep_cells import SweepCell, agrees, check_there, column, hashable, plain, policy_labels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class SweepResults:
    """The cells of a sweep.

    Attributes
    ----------
    cells : list of SweepCell
        In the order in which they were planned.
    parameters : tuple of str
        Names of the parameters.
    policies : tuple of str
        Labels of the policies.
    provenance : dict
        Configuration, versions, times.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> over = {"alpha": [0.5, 2.0]}
    >>> players = [arms.UCB1, arms.RoundRobin()]
    >>> result = bl.sweep(arms.Bernoulli([0.2, 0.8]), players, over, horizon=100, n_runs=20, seed=0)
    >>> result  # RoundRobin takes no alpha: it is played once
    <SweepResults: 3 cells over alpha, 20 runs, metrics regret>
    >>> result.results({"alpha": 0.5})  # as of one run
    <Results: 2 policies on 1 environment, 20 runs, horizon 100, metrics regret>
    """

    def __init__(self, cells: list[SweepCell], provenance: dict[str, Any]) -> None:
        self.cells = cells
        self.provenance = stamped(provenance)

    @cached_property  # every row of a table asks for them
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(dict.fromkeys(name for cell in self.cells for name in cell.parameters))

    @property
    def policies(self) -> tuple[str, ...]:
        """Labels of the policies."""
        return tuple(dict.fromkeys(cell.policy for cell in self.cells))

    @property
    def finished(self) -> list[SweepCell]:
        """The cells that did not fail."""
        return [cell for cell in self.cells if cell.cell is not None]

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of the recorded columns."""
        return tuple(dict.fromkeys(name for c in self.cells if c.cell is not None for name in c.cell.metrics))

    @property
    def default_metric(self) -> str:
        """The metric used when none is named: 'regret', or the first one recorded."""
        return default_metric(self.metrics)

    def __repr__(self) -> str:
        """Return the sizes."""
        failed = len(self.cells) - len(self.finished)
        return (
            f"<SweepResults: {count(len(self.cells), 'cell')} over {', '.join(self.parameters) or 'no parameters'}"
            + (f", {failed} failed" if failed else "")
            + (f", {self.not_played} not played" if self.not_played else "")
            + f", {count(self.provenance['n_runs'], 'run')}, metrics {', '.join(abridged(self.metrics))}>"
        )

    @property
    def not_played(self) -> int:
        """Number of cells that an interruption left out."""
        return int(self.provenance.get("not_played", 0))

    @property
    def failures(self) -> pd.DataFrame:
        """One row per failed cell: parameters, policy, the error, and its whole traceback.

        Examples
        --------
        >>> import warnings
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> def gap(delta):
        ...     return arms.Bernoulli([0.5, 0.5 - delta])
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")  # that a cell failed
        ...     result = bl.sweep(gap, arms.UCB1(), {"delta": [0.1, 0.9]}, horizon=100, n_runs=3, seed=0)
        >>> result.failures[["delta", "policy"]].values.tolist(), len(result.finished)
        ([[0.9, 'UCB1']], 1)
        >>> print(result.failures["error"][0].partition(": ")[2])
        Bernoulli.means[1] is -0.4; allowed: numbers in [0, 1]
        """
        import pandas as pd

        rows = [self._told(c) | {"error": told_by(c.failure), "traceback": c.failure} for c in self.cells if c.failure]
        return pd.DataFrame(rows, columns=[*self.parameters, "policy", "error", "traceback"])

    def _told(self, cell: SweepCell) -> dict[str, Any]:
        return {name: hashable(cell.parameters.get(name)) for name in self.parameters} | {"policy": cell.policy}

    def summary(
        self,
        metric: str | Sequence[str] | None = None,
        level: float = 0.95,
        *,
        at: int | Sequence[int] | None = None,
    ) -> pd.DataFrame:
        """Return one row per cell, metric and checkpoint: parameters, policy, and the columns of `Results.summary`.

        Parameters
        ----------
        metric : str or sequence of str, optional
            One of `metrics`, or several of them; default: 'regret', or the first if that was not recorded.
        level : float, default 0.95
            Confidence level of the interval of the mean.
        at : int or sequence of int, optional
            After which round, or rounds, each one of the checkpoints of every cell; default the last of each.

        Returns
        -------
        pandas.DataFrame
            Without the cells that failed. A cell has None or NaN for a parameter that it does not take. After the
            policy, there is a column `metric` if `metric` is a sequence, and a column `round` if `at` is one.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> def gap(delta):
        ...     return arms.Bernoulli([0.5, 0.5 - delta])
        >>> over = {"delta": [0.1, 0.2, 0.4]}
        >>> result = bl.sweep(gap, arms.RoundRobin(), over, horizon=100, n_runs=3, seed=0)
        >>> result.summary()[["delta", "policy", "mean"]].round(6).values.tolist()
        [[0.1, 'RoundRobin', 5.0], [0.2, 'RoundRobin', 10.0], [0.4, 'RoundRobin', 20.0]]
        """
        import pandas as pd

        names = asked_metrics(metric, self.metrics)
        for one in names:
            if one not in self.metrics:
                raise invalid("metric", one, f"one of {abridged(self.metrics)}, which were recorded")
        level = open_probability("level", level)
        rows = []
        for c, one in itertools.product(self.finished, names):
            if c.cell is not None and c.checkpoints is not None and one in c.cell.metrics:
                for position in c.positions(at):
                    after: dict[str, Any] = {"metric": one} if several(metric) else {}
                    after |= {"round": int(c.checkpoints[position])} if several(at) else {}
                    rows.append(self._told(c) | after | summary_row(c.cell, one, level, c.horizon, position))
        found = without_empty_ratios(pd.DataFrame(rows))
        return found.assign(**{name: column([row[name] for row in rows]) for name in self.parameters if rows})

    def slopes(
        self, x: str, metric: str | None = None, level: float = 0.95, *, where: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the power of a parameter that a metric follows: the slope on two logarithmic axes.

        One row for each line of `plot`: policy, the other parameters that set its lines apart, slope, ci_low, ci_high.
        The slope is that of the least-squares line through the means after the last round. Its interval is that of
        `banditlab.plotting.plot_sweep`, and NaN when runs were not kept. The slope is NaN for a line that has only one
        point or a mean that is not positive.

        Parameters
        ----------
        x : str
            A parameter whose values are positive numbers.
        metric : str, optional
            One of `metrics`; default: 'regret', or the first if that was not recorded.
        level : float, default 0.95
            Confidence level of the interval.
        where : dict, optional
            Values of other parameters to which the cells are restricted.

        Returns
        -------
        pandas.DataFrame

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> env, over = arms.Bernoulli([0.4, 0.5]), {"horizon": [100, 1_000], "alpha": [0.5, 2.0]}
        >>> found = bl.sweep(env, [arms.UCB1, arms.RoundRobin()], over, n_runs=20, seed=0).slopes("horizon")
        >>> found.columns.tolist()
        ['policy', 'alpha', 'slope', 'ci_low', 'ci_high']
        >>> round(found["slope"].tolist()[-1], 6)  # RoundRobin's regret is in proportion to the horizon
        1.0
        """
        from .sweep_lines import slopes_of

        return slopes_of(self, x, metric, level, where)

    def results(self, where: Mapping[str, Any] | None = None) -> Results:
        """Return cells in the form that `run` returns: to draw them over rounds, compare policy by policy, and save.

        Parameters
        ----------
        where : dict from str to value, optional
            Values of parameters that select the cells. Cells without such a parameter, whose policies do not depend on
            it, are included. Default: all.

        Returns
        -------
        Results
            Of every policy on every environment that is left. An environment is named after its parameters; so is a
            policy of which several cells are left: 'UCB1, alpha=0.5'.

        Raises
        ------
        InvalidArgument, InvalidType
            For a name that is not a parameter, a value that no cell has, several horizons, or an environment on which a
            policy has no cell (because it failed, for example).

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms, inference
        >>> def gap(delta):
        ...     return arms.Bernoulli([0.5, 0.5 - delta])
        >>> over = {"delta": [0.1, 0.4], "alpha": [0.5, 2.0]}
        >>> swept = bl.sweep(gap, [arms.UCB1, arms.Uniform()], over, horizon=100, n_runs=20, seed=0)
        >>> swept.results({"delta": 0.4}).policies
        ('UCB1, alpha=0.5', 'UCB1, alpha=2.0', 'Uniform')
        >>> inference.paired(swept.results({"delta": 0.4, "alpha": 0.5}), "UCB1", "Uniform").difference < 0
        True
        """
        place = {label: k for k, label in enumerate(self.policies)}
        cells = sorted(self._chosen({} if where is None else where), key=lambda cell: place[cell.policy])
        horizons = sorted({cell.horizon for cell in cells})
        if len(horizons) > 1:
            raise invalid("where", where, f"a value of 'horizon' too, one of {horizons}")
        labels = policy_labels(cells)
        found = {(cell.environment, label): cell for cell, label in zip(cells, labels, strict=True)}
        if len(found) < len(cells):  # long values are shortened
            raise invalid("where", where, "values that leave cells which their parameters, in few words, tell apart")
        pairs = list(itertools.product(*(dict.fromkeys(names) for names in zip(*found, strict=True))))
        for environment, label in pairs:
            if (environment, label) not in found:
                raise invalid("where", where, f"values for which all is there; {label} has no cell on {environment}")
        provenance = {name: value for name, value in self.provenance.items() if name not in ("cells", "not_played")} | {
            "horizon": horizons[0],
            "environments": {name: cell.components["environment"] for (name, _), cell in found.items()},
            "policies": {label: cell.components["policy"] for (_, label), cell in found.items()},
        }
        checkpoints = cells[0].checkpoints
        assert checkpoints is not None
        return Results(
            {pair: cell for pair in pairs if (cell := found[pair].cell) is not None}, checkpoints, provenance
        )

    def _chosen(self, where: Mapping[str, Any]) -> list[SweepCell]:
        """Return the finished cells whose parameters have the values in `where`, or that lack these parameters."""
        if not isinstance(where, Mapping):
            raise InvalidType(f"where is {shown(where)}; allowed: a dict from parameter to value")
        for name in where:
            one_of(*self.parameters)("where", name)
        check_there(where, self.finished)
        cells = [c for c in self.finished if all(agrees(c.parameters.get(name), v) for name, v in where.items())]
        if not cells:
            raise invalid("where", where, "values that some cell has")
        return cells

    def to_pandas(self) -> pd.DataFrame:
        """Return a tidy table: parameters, policy, run, round, and one column per metric.

        When runs were not kept: one column per statistic, and the metric's name.

        Returns
        -------
        pandas.DataFrame
            One row per run and checkpoint (or checkpoint and metric) of each cell that finished. A cell has None or
            NaN for a parameter that it does not take, as in `summary`; values that are neither numbers, texts nor
            sequences of these are texts.

        Raises
        ------
        InvalidArgument
            If all cells failed.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> over = {"alpha": [0.5, 2.0]}
        >>> result = bl.sweep(arms.Bernoulli([0.2, 0.8]), arms.UCB1, over, horizon=100, n_runs=3, seed=0)
        >>> frame = result.to_pandas()
        >>> frame.columns[:4].tolist()
        ['alpha', 'policy', 'run', 'round']
        >>> frame[frame["round"] == 100].groupby("alpha")["run"].count().tolist()
        [3, 3]
        """
        import pandas as pd

        first_run = int(self.provenance["first_run"])
        blocks: list[pd.DataFrame] = []
        told: list[dict[str, Any]] = []  # the first columns of a block's rows
        for c in self.finished:
            assert c.cell is not None
            assert c.checkpoints is not None
            if c.cell.statistics:
                found = [
                    pd.DataFrame({"round": c.checkpoints, "metric": metric} | known.columns())
                    for metric, known in c.cell.statistics.items()
                ]
            else:
                n = len(next(iter(c.cell.values.values())))
                columns: dict[str, Any] = {"run": np.repeat(np.arange(first_run, first_run + n), len(c.checkpoints))}
                columns |= {"round": np.tile(c.checkpoints, n)} | {m: v.ravel() for m, v in c.cell.values.items()}
                found = [pd.DataFrame(columns)]
            blocks += found
            told += [{name: plain(value) for name, value in self._told(c).items()}] * len(found)
        if not blocks:
            raise InvalidArgument("cells holds only failures; allowed: at least one cell that finished (see failures)")
        rows = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
        leading = pd.DataFrame({name: column([t[name] for t in told]) for name in told[0]})
        leading = leading.iloc[rows].reset_index(drop=True)
        return pd.concat([leading, pd.concat(blocks, ignore_index=True)], axis=1)

    def plot(
        self,
        x: str,
        metric: str | None = None,
        *,
        y: str | None = None,
        policy: str | None = None,
        policies: Sequence[str] | None = None,
        where: dict[str, Any] | None = None,
        ax: Axes | None = None,
        xscale: str | None = None,
        yscale: str | None = None,
        level: float = 0.95,
        slope: bool = True,
        title: str | None = None,
        colors: dict[str, Any] | None = None,
        labels: dict[str, str] | None = None,
        legend: bool = True,
    ) -> Axes:
        """Draw a metric against a parameter, or as a heatmap over two.

        Parameters
        ----------
        x : str
            The parameter on the horizontal axis.
        metric : str, optional
            One of `metrics`; default: 'regret', or the first if that was not recorded.
        y, policy : str, optional
            A second parameter, for the vertical axis of a heatmap, and the policy of the heatmap.
        policies, colors, labels : optional
            Which of `policies` to draw, a list; colours and names of some of them, dicts from label to colour or text.
        where : dict, optional
            Values of other parameters to which the cells are restricted.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default new Axes.
        xscale, yscale, level, slope, title, legend : optional
            As in `banditlab.plotting.plot_sweep`: the scales of the axes, the level of the intervals, whether the
            legend has slopes, a title, and whether there is a legend.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> def gap(delta):
        ...     return arms.Bernoulli([0.5, 0.5 - delta])
        >>> over = {"delta": [0.1, 0.2], "alpha": [0.5, 2.0]}
        >>> result = bl.sweep(gap, arms.UCB1, over, horizon=100, n_runs=10, seed=0)
        >>> sorted(line.get_text() for line in result.plot("delta", slope=False).get_legend().get_texts())
        ['UCB1, alpha=0.5', 'UCB1, alpha=2.0']
        >>> ax = result.plot("delta", y="alpha")  # a heatmap
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('delta', 'alpha')
        """
        from banditlab import plotting

        return plotting.plot_sweep(
            self, x, metric, y=y, policy=policy, policies=policies, where=where, ax=ax, xscale=xscale, yscale=yscale,
            level=level, slope=slope, title=title, colors=colors, labels=labels, legend=legend,
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to a Parquet file, failures and provenance included, as `Results.save` does.

        The table of `to_pandas` is what other programs find in it.

        Parameters
        ----------
        path : path
            As in `Results.save`.

        Returns
        -------
        pathlib.Path
            The file's path, with links resolved.

        Examples
        --------
        >>> import banditlab as bl, tempfile
        >>> from banditlab import arms
        >>> over = {"alpha": [0.5, 2.0]}
        >>> result = bl.sweep(arms.Bernoulli([0.2, 0.8]), arms.UCB1, over, horizon=100, n_runs=3, seed=0)
        >>> file = result.save(tempfile.mkdtemp() + "/sweep.parquet")
        >>> bl.load(file).summary().equals(result.summary())
        True
        """
        from ..results.results_file import write_table  # which imports this module
        from .sweep_file import table_of_sweep, told_of_sweep

        return write_table(path, table_of_sweep(self), told_of_sweep(self))
