"""Metrics against the round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from banditlab.core.errors import InvalidType
from banditlab.core.results.metrics import asked_metric, is_event
from banditlab.core.results.results import BOUNDED, Results
from banditlab.core.validation import boolean, invalid, one_of, open_probability, optional, shown
from banditlab.core.validation import n_resamples as checked_resamples
from banditlab.inference.bootstrap import mean_bands

from .choices import chosen_policies, colours_of, labels_of
from .style import (
    SCALES,
    axis_name_of,
    check_made,
    explain_lines,
    free_styles,
    given_or_new,
    marks,
    sizes,
    tidy,
)
from .texts import short, writable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOUND = r"asymptotic lower bound $C\,\log t$"
"""What legends call the lower bound."""


def plot_metric(
    results: Results,
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
    r"""Draw the mean over runs of a metric against the round, one line per policy.

    Parameters
    ----------
    results : Results
        What `banditlab.run` returned or `banditlab.load` read.
    metric : str, optional
        One of `results.metrics`; default: 'regret', or the first if that was not recorded.
    environment : str, optional
        One of `results.environments`; needed when there are several.
    policies : sequence of str, optional
        Which of `results.policies` to draw: their looks and the legend are in this order. Default: all of them, and the
        legend is in the order in which the lines end.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes (in a new pyplot figure, where pyplot is in use). Lines look different from
        those that are there, and are added to the legend.
    xscale, yscale : {'linear', 'log'}, default 'linear'
        The axes.
    level : float, default 0.95
        Level of the pointwise bands: those of `inference.mean_band`, or Student's t where runs were not kept.
    n_resamples : int, default 1000
        Bootstrap resamples.
    lower_bound : bool or 'auto', default 'auto'
        Whether to draw the asymptotic lower bound :math:`C \log t`, where the environment has one and the metric is
        regret. 'auto' leaves it out where it would squeeze the curves: on a linear axis, if it ends at more than twice
        the largest of them.
    title : str, optional
        What stands above horizon and runs in place of the environment's label; '' for no title at all.
    colors : dict from str to colour, optional
        Colours of matplotlib for some of the policies, by label: of the line and its band.
    labels : dict from str to str, optional
        What the legend says for some of the policies, by label; it may contain formulas.
    legend : bool, default True
        Whether to add the lines to the legend.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument, or where there would be nothing to see: if no policy has the metric in all runs, or, on a
        logarithmic axis, if no mean is positive.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> result = bl.run(
    ...     arms.Bernoulli([0.2, 0.8]), [arms.UCB1(), arms.Uniform()], horizon=100, n_runs=10, seed=0
    ... )
    >>> ax = result.plot(xscale="log")
    >>> [line.get_text() for line in ax.get_legend().get_texts()][0]
    'Uniform'
    >>> ax = result.plot(policies=["UCB1"], colors={"UCB1": "tab:red"}, labels={"UCB1": r"UCB1, $\alpha = 2$"})
    >>> [line.get_text() for line in ax.get_legend().get_texts()][0]
    'UCB1, $\\alpha = 2$'
    """
    from .ticks import write_out

    check_made("results", results, Results, "banditlab.run")
    metric = asked_metric(metric, results.metrics)
    one_of(*SCALES)("xscale", xscale)
    one_of(*SCALES)("yscale", yscale)
    if not isinstance(lower_bound, bool | np.bool_) and not (isinstance(lower_bound, str) and lower_bound == "auto"):
        raise InvalidType(f"lower_bound is {shown(lower_bound)}; allowed: True, False or 'auto'")
    optional(writable)("title", title)
    checked_resamples("n_resamples", n_resamples)
    chosen = chosen_policies(policies, results.policies)
    own_colours, own_labels = colours_of(colors, results.policies), labels_of(labels, results.policies)
    boolean("legend", legend)
    bands = _bands(results, metric, environment, chosen, level, n_resamples)
    rounds = results.checkpoints
    means = np.stack([mean for mean, _, _ in bands])
    if np.isnan(means).all():
        raise invalid("metric", metric, "one that all runs of some policy have; in some run of each it is NaN")
    if yscale == "log" and not (means > 0.0).any() and (ax is None or not given_or_new(ax).has_data()):
        raise invalid("yscale", yscale, f"'linear', as the mean {metric} is never positive")
    new, ax = ax is None, given_or_new(ax)
    drawn: list[tuple[float, Any]] = []
    for k, (label, style) in enumerate(zip(chosen, free_styles(ax, len(chosen)), strict=True)):
        _, low, high = bands[k]
        style |= {"color": own_colours[label]} if label in own_colours else {}
        every = marks(rounds, xscale, k, len(bands))
        at = _drawable(means[k], yscale)
        name = own_labels.get(label, label) + _why_not_seen(means[k], at)
        (line,) = ax.plot(rounds, at, label=name, markevery=every, markersize=4.5, linewidth=1.6, **style)
        ax.fill_between(rounds, low, high, color=style["color"], alpha=0.18, linewidth=0)
        drawn.append((float(means[k, -1]), line))
    bound = results.lower_bound(environment) if lower_bound and metric in BOUNDED else None
    # Being asymptotic, it can lie far above every curve at a short horizon, and would squeeze them flat.
    in_sight = lower_bound != "auto" or yscale == "log" or (bound is not None and bound[-1] <= 2.0 * means.max())
    if bound is not None and bound[-1] > 0 and in_sight and not _extended(ax, rounds, bound, yscale):
        (line,) = ax.plot(
            rounds, _drawable(bound, yscale), label=BOUND, color="black", linestyle=(0, (1, 2)), linewidth=1.2
        )
        drawn.append((float(bound[-1]), line))
    ax.set_xscale(xscale)
    ax.set_yscale(yscale)
    ax.set_xlabel(f"{results.provenance.get('round', 'round')} $t$")
    ax.set_ylabel(axis_name_of(metric, results.provenance.get("policies", {}).values()))
    ax.set_title(_title(results, environment, title), fontsize="medium")
    write_out(ax.xaxis, ax.yaxis)
    if xscale == "linear":
        ax.set_xlim(0, max(float(rounds[-1]), ax.dataLim.x1))
    if yscale == "linear" and means.min() >= 0:
        ax.set_ylim(bottom=0, auto=None)  # auto: what is drawn on these axes next is not cut off
    tidy(ax)
    if legend:
        order = drawn if policies is not None else sorted(drawn, key=lambda pair: -pair[0])
        explain_lines(ax, [line for _, line in order], widen=new)
    return ax


def _extended(ax: Axes, rounds: Any, bound: Any, yscale: str) -> bool:
    """Say whether a lower bound is on the axes already, and draw it to the last round if it ends before that."""
    for line in ax.lines:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if line.get_label() == BOUND and np.isclose(y[-1] * np.log(rounds[-1]), bound[-1] * np.log(x[-1])):
            if rounds[-1] > x[-1]:
                line.set_data(rounds, _drawable(bound, yscale))
                ax.update_datalim(np.column_stack([rounds, line.get_ydata()]))
            return True
    return False


def _drawable(values: Any, yscale: str) -> Any:
    """Return what a line is drawn through: on a logarithmic axis it would drop out where values are not positive."""
    return np.where(values > 0.0, values, np.nan) if yscale == "log" else values


def _why_not_seen(means: Any, drawn: Any) -> str:
    """Return what the legend says about a line of which nothing can be seen."""
    if not np.isnan(drawn).all():
        return ""
    return " (NaN)" if np.isnan(means).all() else " (never above 0)"


def _bands(
    results: Results, metric: str, environment: str | None, chosen: list[str], level: float, n_resamples: int
) -> list[tuple[Any, Any, Any]]:
    """Return mean, lower and upper end of the band of each chosen policy."""
    places = [results.policies.index(label) for label in chosen]
    if results.keeps_runs and not is_event(metric):
        values = results.values(metric, environment)[places]
        bands = mean_bands(list(values), level=level, n_resamples=n_resamples)
        return [(runs.mean(axis=0), *band) for runs, band in zip(values, bands, strict=True)]
    level = open_probability("level", level)
    statistics = results.statistics(metric, environment)
    found = []
    for known in [statistics[k] for k in places]:
        low, high = known.interval(level, event=is_event(metric))
        found.append((known.mean, *((known.mean, known.mean) if np.isnan(low).all() else (low, high))))
    return found


def _title(results: Results, environment: str | None, title: str | None) -> str:
    """Return what is played, on a line of its own where it is long or in the user's words, and how often."""
    played = sizes(results.horizon, results.n_runs)
    if title is not None:
        return f"{title}\n{played}" if title else ""
    name = short(results.environments[0] if environment is None else environment)
    return f"{name}, {played}"
