"""Metrics against parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.results.metrics import asked_metric, is_share
from banditlab.core.sweeps.sweep_cells import SweepCell
from banditlab.core.sweeps.sweep_lines import (
    cells_of,
    chosen_rows,
    finals_of,
    levels_of,
    lines_of,
    several_cells,
    slope_of,
)
from banditlab.core.sweeps.sweep_results import SweepResults
from banditlab.core.validation import boolean, invalid, one_of, optional

from .choices import chosen_policies, colours_of, labels_of
from .style import (
    DIFFERENT,
    SCALES,
    axis_name_of,
    check_made,
    explain_lines,
    given_or_new,
    sizes,
    tidy,
)
from .sweep_looks import keys_of, looks_of
from .texts import LONGEST_NAME, writable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from banditlab.core.sweeps.sweep_lines import Line

LABELLED = 12
"""Up to this many values of a parameter, each has a label at the axis; of more in a heatmap, half as many do."""

LETTERS = 150
"""Up to this many letters, the names of lines, with their parameters and slopes, have room among them."""

ASIDE = 0.5
"""The share of the distance between two names on an axis that the policies' points, side by side, take up."""

EDGED = 30
"""Up to this many cells along an axis, a heatmap has white lines between them; more would be hidden by these."""


def plot_sweep(
    sweep: SweepResults,
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
    """Draw a metric after the last round against a parameter; or, with two parameters, as a heatmap.

    Where cells of a policy differ in other parameters too, each of their values has a line, with a name such as 'UCB1,
    alpha=0.5'. All lines of a policy have its colour, unless there is no other policy; dashes and markers tell the
    values. A legend of many lines says what either means, one by one. A policy that does not take x has a level line,
    for comparison.

    Parameters
    ----------
    sweep : SweepResults
        What `banditlab.sweep` returned.
    x : str
        The parameter on the horizontal axis: numbers, or names, each of which has its place.
    metric : str, optional
        One of `sweep.metrics`; default: 'regret', or the first if that was not recorded.
    y : str, optional
        A second parameter, for the vertical axis of a heatmap of one policy.
    policy : str, optional
        The policy of the heatmap, needed if there are several; for heatmaps only.
    policies : sequence of str, optional
        Which of `sweep.policies` to draw as lines: their looks and the legend are in this order. Default: all of them.
    where : dict, optional
        Values of other parameters to which the cells are restricted; needed where one field of a heatmap would stand
        for several cells, or where there would be too many lines to tell apart.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.
    xscale, yscale : {'linear', 'log'}, optional
        The axes; by default logarithmic where all values are positive, except y for shares such as `optimal_rate`. A
        heatmap's colours are logarithmic where all values are positive, unless yscale is 'linear'.
    level : float, default 0.95
        Level of the intervals: those of `sweep.summary`.
    slope : bool, default True
        Whether to write the slope of a least-squares line through the means into the legend, if both axes are
        logarithmic, with its interval where runs were kept. As cells share the luck of a run, their scatter about the
        line does not show how certain it is: the interval is found from how much each run moves the slope (delta
        method). `sweep.slopes` has the numbers.
    title : str, optional
        What stands above horizon and runs in place of what the cells are restricted to; '' for no title at all. Where
        horizons differ, the title gives none.
    colors : dict from str to colour, optional
        Colours of matplotlib for all lines of some of the policies, by label.
    labels : dict from str to str, optional
        What the legend, or the bar of a heatmap, says for some of the policies, by label; it may contain formulas.
        Values of parameters stand beside it as beside labels.
    legend : bool, default True
        Whether to add the lines to the legend.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> def gap(delta):
    ...     return arms.Bernoulli([0.5, 0.5 - delta])
    >>> result = bl.sweep(gap, arms.UCB1(), {"delta": [0.1, 0.2, 0.4]}, horizon=200, n_runs=20, seed=0)
    >>> result.plot("delta").get_xlabel()
    'delta'
    >>> ax = result.plot("delta", labels={"UCB1": "UCB"}, slope=False)
    >>> [line.get_text() for line in ax.get_legend().get_texts()]
    ['UCB']
    """
    check_made("sweep", sweep, SweepResults, "banditlab.sweep")
    metric = asked_metric(metric, sweep.metrics)
    optional(one_of(*SCALES))("xscale", xscale)
    optional(one_of(*SCALES))("yscale", yscale)
    one_of(*sweep.parameters)("x", x)
    optional(one_of(*sweep.parameters))("y", y)
    if policy is not None:
        one_of(*sweep.policies)("policy", policy)
    if policy is not None and y is None:
        raise invalid(
            "policy", policy, "only with y, for a heatmap, which shows one policy; lines show all, or `policies`"
        )
    for name, given in (("policies", policies), ("colors", colors)):
        if given is not None and y is not None:
            raise invalid(name, given, "only without y, as a heatmap shows one `policy`, whose means are its colours")
    chosen = chosen_policies(policies, sweep.policies)
    own_colours, own_labels = colours_of(colors, sweep.policies), labels_of(labels, sweep.policies)
    boolean("legend", legend)
    boolean("slope", slope)
    optional(writable)("title", title)
    table, without_x = chosen_rows(sweep, sweep.summary(metric, level), x, where)
    if policies is not None:
        table, without_x = _only(chosen, x, table, without_x)
    finals = finals_of(sweep, metric)
    names = list(dict.fromkeys(table[x])) if all(isinstance(v, str) for v in table[x]) else []
    if y is None and not names and not all(isinstance(v, int | float | np.number) for v in table[x]):
        raise invalid("x", x, "a parameter whose values are numbers or names")
    if y is None and names and xscale == "log":
        raise invalid("xscale", xscale, f"'linear', as values of {x} are names")
    if y is not None:
        ax = given_or_new(ax)
        table = _draw_heatmap(ax, sweep, table, x, y, metric, policy, yscale or "log", where, own_labels)
        cells = cells_of(sweep, table, metric)
    else:
        across = "linear" if names else _scale("xscale", xscale, x, table[x])
        usual = yscale or ("linear" if is_share(metric) else None)
        up = _scale("yscale", usual, f"mean {metric}", [*table["mean"], *without_x["mean"]])
        lines = [*lines_of(sweep, table, metric, x, where), *levels_of(sweep, without_x, metric)]
        lines.sort(key=lambda line: chosen.index(line.policy))
        if len(lines) > DIFFERENT:
            raise invalid("where", where, f"values that leave at most {DIFFERENT} lines; there are {len(lines)}")
        steep = [_told_slope(line, x, finals, level) if slope and across == up == "log" else "" for line in lines]
        said = [
            line.called(own_labels.get(line.policy, line.policy)) + end for line, end in zip(lines, steep, strict=True)
        ]
        new, ax = ax is None, given_or_new(ax)
        looks = looks_of(ax, lines, chosen, own_colours)
        drawn = _draw_lines(ax, lines, x, names, said, looks)
        cells = [*cells_of(sweep, table, metric), *cells_of(sweep, without_x, metric)]
        _finish_curves(ax, names or sorted(set(table[x])), x, _axis_name(metric, cells), across, up)
        if legend:
            keys = [] if any(steep) else keys_of(lines, looks, own_labels, connected=not names)
            long = bool(keys) or sum(map(len, said)) > LETTERS
            explain_lines(ax, keys or drawn, widen=new, aside=new and long)
    ax.set_title(_title(cells, int(sweep.provenance["n_runs"]), where or {}, title), fontsize="medium")
    if sweep.not_played:
        ax.set_title(f"{ax.get_title()}\ninterrupted: {sweep.not_played:,} cells not played", fontsize="medium")
    return ax


def _only(chosen: list[str], x: str, table: Any, without_x: Any) -> tuple[Any, Any]:
    """Return the rows of the policies that are asked for, each of which has to have some."""
    along, level = dict.fromkeys(table["policy"]), dict.fromkeys(without_x["policy"])
    for k, label in enumerate(chosen):
        if label not in along and label not in level:
            raise invalid(f"policies[{k}]", label, f"one of {list(along | level)}, which have cells here")
    if along.keys().isdisjoint(chosen):
        raise invalid("policies", chosen, f"some policy with values of {x}, such as {next(iter(along))!r}")
    return table[table["policy"].isin(chosen)], without_x[without_x["policy"].isin(chosen)]


def _title(cells: list[SweepCell], n_runs: int, where: dict[str, Any], title: str | None) -> str:
    """Return what the cells have in common, or the user's words, and how much was played."""
    horizons = {cell.horizon for cell in cells}
    played = sizes(horizons.pop() if len(horizons) == 1 else None, n_runs)
    if title is not None:
        return f"{title}\n{played}" if title else ""
    told = ", ".join(f"{name} = {value}" for name, value in where.items() if name != "horizon")  # that is T
    return (", " if len(told) <= LONGEST_NAME else "\n").join([told, played]) if told else played


def _axis_name(metric: str, cells: list[SweepCell]) -> str:
    return axis_name_of(metric, [cell.components.get("policy", {}) for cell in cells])


def _told_slope(line: Line, x: str, finals: list[Any], level: float) -> str:
    """Return what a legend says about the slope of a line, nothing where there is none."""
    if line.level or len(line.rows) <= 2 or not (line.rows["mean"] > 0).all():
        return ""
    power, margin = slope_of(line.rows[x], line.rows["mean"], [finals[i] for i in line.rows.index], level)
    return f": slope {_with_margin(power, margin)}"


def _with_margin(value: float, margin: float | None) -> str:
    """Return a number with two digits after the point, or with up to four where its margin would be 0.00."""
    if margin is None:
        return f"{value:.2f}"
    # rounding alone leaves 1e-16
    digits = next((d for d in (2, 3) if round(margin, d) > 0.0), 4 if margin > 1e-9 else 2)
    return f"{round(value, digits) + 0.0:.{digits}f} ± {margin:.{digits}f}"  # 0.0 makes -0.0 positive


def _scale(name: str, scale: str | None, what: str, values: Any) -> str:
    """Return an axis's scale: by default logarithmic if all values are positive."""
    positive = all(v > 0 for v in values if v == v)
    if scale == "log" and not positive:
        raise invalid(name, scale, f"'linear', as values of {what} are not positive")
    return scale or ("log" if positive else "linear")


def _finish_curves(ax: Axes, values: list[Any], xlabel: str, ylabel: str, xscale: str, yscale: str) -> None:
    """Set scales, ticks (at the values of x, if they are few) and labels."""
    from .ticks import grouped, plain_log_ticks, write_out

    ax.set_xscale(xscale)
    ax.set_yscale(yscale)
    if isinstance(values[0], str):
        ax.set_xticks(range(len(values)), values)
        if max(map(len, values)) > LABELLED:
            ax.tick_params("x", labelrotation=20)
    elif len(values) <= LABELLED:
        ax.set_xticks([float(v) for v in values], [grouped(v) for v in values])
        ax.set_xticks([], minor=True)
    else:
        write_out(ax.xaxis)
    write_out(ax.yaxis)
    if yscale == "log":
        plain_log_ticks(ax.yaxis, *ax.get_ylim())
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    tidy(ax, which="both" if xscale == "log" else "major")


def _draw_lines(
    ax: Axes, lines: list[Line], x: str, names: list[str], labels: list[str], looks: list[dict[str, Any]]
) -> list[Any]:
    """Draw lines, and return what was drawn; points over names stand side by side, as no line joins two names."""
    along = [line.rows[x] for line in lines if not line.level]
    ends = (-0.5, len(names) - 0.5) if names else (min(map(min, along)), max(map(max, along)))
    places = iter(ASIDE * (np.arange(len(along)) - 0.5 * (len(along) - 1)) / len(along))
    drawn = []
    for line, label, look in zip(lines, labels, looks, strict=True):
        rows = line.rows
        if line.level:
            drawn.append(_draw_level(ax, rows, ends, label, look))
            continue
        if names:
            beside = next(places)
            rows = rows.assign(**{x: [names.index(v) + beside for v in rows[x]]})
        drawn.append(_draw_points(ax, rows, x, label, look, connected=not names))
    return drawn


def _draw_points(ax: Axes, mine: Any, x: str, label: str, style: dict[str, Any], *, connected: bool) -> Any:
    """Draw the means of one policy with their intervals, and return what was drawn."""
    at, mean = mine[x].to_numpy(dtype=float), mine["mean"].to_numpy()
    reach = np.abs([mean - mine["ci_low"].to_numpy(), mine["ci_high"].to_numpy() - mean])  # 0 can be -1e-17
    style |= {} if connected else {"linestyle": "none"}
    return ax.errorbar(
        at, mean, yerr=reach, label=label, markersize=4.5, linewidth=1.6, capsize=2.5, elinewidth=1.0, **style
    )


def _draw_level(ax: Axes, rows: Any, ends: tuple[float, float], label: str, style: dict[str, Any]) -> Any:
    """Draw the mean of a policy that does not depend on what the axis shows, with its interval, and return its line."""
    low, mean, high = (float(rows[name].iloc[0]) for name in ("ci_low", "mean", "ci_high"))
    ax.fill_between(ends, low, high, color=style["color"], alpha=0.15, linewidth=0)
    return ax.plot(ends, (mean, mean), label=label, linewidth=1.6, markersize=4.5, **style)[0]


def _draw_heatmap(
    ax: Axes, sweep: SweepResults, table: Any, x: str, y: str, metric: str, policy: str | None, scale: str, where: Any,
    own_labels: dict[str, str],
) -> Any:  # fmt: skip
    """Draw the means of one policy over two parameters; return its rows of the table."""
    from matplotlib.colors import LogNorm

    from .ticks import plain_log_ticks

    labels = list(dict.fromkeys(table["policy"]))
    if policy is None and len(labels) > 1:
        raise invalid("policy", policy, f"one of {labels}, as a heatmap shows one")
    chosen = labels[0] if policy is None else one_of(*labels)("policy", policy)
    mine = table[table["policy"] == chosen]
    if mine.duplicated([x, y]).any():
        raise several_cells(sweep, mine, (x, y), where, chosen)
    grid = mine.pivot(index=y, columns=x, values="mean")
    values = np.ma.masked_invalid(grid.to_numpy())
    logarithmic = scale == "log" and bool((values > 0).all())
    edges = "white" if max(values.shape) <= EDGED else "none"
    image = ax.pcolormesh(values, cmap="viridis", norm=LogNorm() if logarithmic else None, edgecolors=edges)
    for axis, name, ticks in ((ax.xaxis, x, grid.columns), (ax.yaxis, y, grid.index)):
        every = 1 if len(ticks) <= LABELLED else math.ceil(2 * len(ticks) / LABELLED)
        axis.set_ticks(np.arange(0, len(ticks), every) + 0.5, [_written(t, every > 1) for t in ticks[::every]])
        axis.set_label_text(name)
    bar = ax.figure.colorbar(image, ax=ax)
    if logarithmic:
        plain_log_ticks(bar.long_axis, float(values.min()), float(values.max()))
    bar.set_label(f"{_axis_name(metric, cells_of(sweep, mine, metric))} of {own_labels.get(chosen, chosen)}")
    return mine


def _written(value: Any, rounded: bool) -> str:
    """Return the label of a parameter's value; where there are many values, they tend to have many digits."""
    from .ticks import GROUPED, grouped

    if isinstance(value, tuple | str):
        return str(value)
    return grouped(float(f"{value:.4g}") if rounded and abs(value) < GROUPED else value)
