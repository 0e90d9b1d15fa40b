"""Pictures of scoring rules: their convex function and what they pay, over a line or a triangle of beliefs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.errors import InvalidType
from banditlab.core.validation import as_list, integer, invalid, shown
from banditlab.plotting.style import COLOURS, DASHES, MARKERS, given_or_new, tidy

from .optimal_rule import OptimalRule
from .rules import ScoringRule
from .simplex import Floats, belief, simplex_grid
from .table_rule import TableRule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Beliefs on the line, and steps along each side of the triangle.
_LINE, _SIDE = 1001, 120
# With no more values than this over the triangle, a function is drawn as areas, from so many pixels per side.
_STEPS, _PIXELS = 12, 400
# A payment that changes at once by more than this share of its range is drawn with a gap.
_JUMP = 0.1
_LEVELS = 9
# Where the states' corners are in the plane: 0 left, 1 right, 2 on top.
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
_EXTENT = (0.0, 1.0, 0.0, float(np.sqrt(0.75)))


def plot_rule(
    rule: ScoringRule | OptimalRule,
    *,
    tangent: ArrayLike | None = None,
    states: Sequence[str] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw the convex function G of a rule: over the line for two states, as contours over the triangle for three.

    Parameters
    ----------
    rule : ScoringRule or OptimalRule
        With two or three states. The reports of a table are marked.
    tangent : belief, optional
        With two states: draws the line along which this report is paid, which touches G at the report and ends at what
        is paid in either state. The rule is proper if every such line lies below G.
    states : sequence of str, optional
        What the states are called; default 'state 0', 'state 1', ..., or as in the problem of an `OptimalRule`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.
    title : str, optional
        Default: what the rule is; '' for none.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from banditlab import scoring
    >>> ax = scoring.plot_rule(scoring.Brier(), tangent=[0.3, 0.7], states=["dry", "rain"])
    >>> ax.get_xlabel()
    'probability of rain $p$'
    """
    default = _title(rule)
    rule, names = _drawn(rule, states)
    if rule.n_states == 3:
        if tangent is not None:
            raise invalid("tangent", tangent, "None for a rule with three states")
        ax = _triangle(rule.G, names, "expected payment of truth $G(p)$", ax)
        _mark_reports(ax, rule)
    else:
        ax = given_or_new(ax)
        line = _line()
        ax.plot(line[:, 1], rule.G(line), color=COLOURS[0], linewidth=1.8, label="$G(p)$, expected payment of truth")
        if isinstance(rule, TableRule):
            ax.plot(rule.reports[:, 1], rule.G(rule.reports), "o", color=COLOURS[0], markersize=5, label="reports")
        if tangent is not None:
            _draw_tangent(ax, rule, belief("tangent", tangent, 2), names)
        _finish_line(ax, f"probability of {names[1]} $p$", "expected payment")
    ax.set_title(default if title is None else title, fontsize="medium")
    return ax


def plot_payments(
    rule: ScoringRule | OptimalRule,
    *,
    outcome: int | None = None,
    states: Sequence[str] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw what a rule pays: for two states a curve per outcome; for three, one outcome's contours over the triangle.

    Parameters
    ----------
    rule : ScoringRule or OptimalRule
        With two or three states. A table's reports are marked; over the triangle each other belief has the colour of
        the report that is best for it.
    outcome : int, optional
        Which outcome; needed for three states, default both for two.
    states : sequence of str, optional
        What the states are called; default 'state 0', 'state 1', ..., or as in the problem of an `OptimalRule`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.
    title : str, optional
        Default: what the rule is; '' for none.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from banditlab import scoring
    >>> ax = scoring.plot_payments(scoring.VShaped(0.2), states=["dry", "rain"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['paid if dry', 'paid if rain']
    """
    default = _title(rule)
    rule, names = _drawn(rule, states)
    one_outcome = integer(0, rule.n_states - 1)
    if rule.n_states == 3:
        state: int = one_outcome("outcome", outcome)
        drawn = rule.extended() if isinstance(rule, TableRule) else rule
        ax = _triangle(lambda reports: drawn.table(reports)[:, state], names, f"payment if {names[state]}", ax)
        _mark_reports(ax, rule)
    else:
        ax = given_or_new(ax)
        for state in (0, 1) if outcome is None else (one_outcome("outcome", outcome),):
            _draw_payments(ax, rule, state, f"paid if {names[state]}")
        _finish_line(ax, f"reported probability of {names[1]} $r$", "payment")
    ax.set_title(default if title is None else title, fontsize="medium")
    return ax


def _title(rule: ScoringRule | OptimalRule) -> str:
    """Return the default title of a picture: a table and an optimum in words."""
    if isinstance(rule, OptimalRule):
        return f"Cheapest rule for action {rule.action}"
    return f"Rule with {len(rule.reports)} reports" if isinstance(rule, TableRule) else repr(rule)


def _drawn(rule: ScoringRule | OptimalRule, states: Sequence[str] | None) -> tuple[ScoringRule, list[str]]:
    """Return what both pictures need: a rule they can draw, and a name for each of its states."""
    if isinstance(rule, OptimalRule):
        states = rule.environment.states if states is None else states
        rule = rule.rule
    if not isinstance(rule, ScoringRule):
        raise InvalidType(f"rule is {shown(rule)}; allowed: a ScoringRule or an OptimalRule")
    if rule.n_states > 3:
        raise invalid("rule", rule, f"a rule with two or three states; this one has {rule.n_states}")
    if states is None:
        return rule, [f"state {w}" for w in range(rule.n_states)]
    names = [str(name) for name in as_list("states", states, f"{rule.n_states} names")]
    if len(names) != rule.n_states:
        raise invalid("states", states, f"{rule.n_states} names")
    return rule, names


def _line() -> Floats:
    p = np.linspace(0.0, 1.0, _LINE)
    return np.column_stack([1.0 - p, p])


def _finish_line(ax: Axes, xlabel: str, ylabel: str) -> None:
    ax.set_xlim(-0.01, 1.01)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    tidy(ax)
    ax.legend(frameon=False, fontsize="small", handlelength=3.2)


def _draw_payments(ax: Axes, rule: ScoringRule, state: int, label: str) -> None:
    style: dict[str, Any] = {"color": COLOURS[state], "label": label}
    if isinstance(rule, TableRule):
        order = np.argsort(rule.reports[:, 1])
        report, paid = rule.reports[order, 1], rule.payments[order, state]
        ax.plot(report, paid, linewidth=0.8, linestyle=DASHES[2], marker=MARKERS[state], markersize=6, **style)
        return
    line = _line()
    paid = rule.table(line)[:, state]
    jumps = _jumps(rule, state, line[:, 1], paid) + 1
    # a gap, not a steep line: no report is paid what lies between
    ax.plot(
        np.insert(line[:, 1], jumps, np.nan),
        np.insert(paid, jumps, np.nan),
        linewidth=1.8,
        linestyle=DASHES[state],
        **style,
    )


def _jumps(rule: ScoringRule, state: int, p: Floats, paid: Floats) -> NDArray[np.intp]:
    """Return the points after which the payment jumps: where halving the step again and again leaves the change."""
    smallest = _JUMP * np.ptp(paid[np.isfinite(paid)])
    with np.errstate(invalid="ignore"):  # -inf - -inf
        steep = np.flatnonzero(np.isfinite(np.diff(paid)) & (np.abs(np.diff(paid)) > smallest))
    if not steep.size:
        return steep
    ends, values = np.stack([p[steep], p[steep + 1]]), np.stack([paid[steep], paid[steep + 1]])
    for _ in range(30):
        middle = ends.mean(axis=0)
        value = rule.table(np.column_stack([1.0 - middle, middle]))[:, state]
        right = np.abs(values[1] - value) > np.abs(value - values[0])
        ends = np.where(right, [middle, ends[1]], [ends[0], middle])
        values = np.where(right, [value, values[1]], [values[0], value])
    return steep[np.abs(values[1] - values[0]) > smallest]


def _draw_tangent(ax: Axes, rule: ScoringRule, report: Floats, names: list[str]) -> None:
    ends = rule.table(report[None, :])[0]
    if not np.isfinite(ends).all():
        raise invalid("tangent", report.tolist(), "a report that is paid something finite in both states")
    style: dict[str, Any] = {"color": COLOURS[1], "clip_on": False, "zorder": 5}
    pays = f"pays {ends[0]:.3g} if {names[0]}, {ends[1]:.3g} if {names[1]}"
    ax.plot(
        [0.0, 1.0], ends, linestyle=DASHES[1], linewidth=1.4, label=f"report $r$ = {report[1]:.3g}:\n{pays}", **style
    )
    ax.plot(report[1], ends @ report, MARKERS[0], markersize=5.5, **style)
    ax.plot([0.0, 1.0], ends, MARKERS[1], markersize=5, **style)


def _triangle(function: Callable[[Floats], Floats], names: list[str], label: str, ax: Axes | None) -> Axes:
    """Draw a function of the beliefs of the triangle: contours, or areas of one colour where it has few values."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Polygon
    from matplotlib.ticker import MaxNLocator

    ax = given_or_new(ax)
    shades = LinearSegmentedColormap.from_list("shades", ["#EAF3FA", COLOURS[5], COLOURS[0], "#002B45"])
    points = simplex_grid(3, _SIDE)
    values = function(points)
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    ticks = np.unique(finite.round(12))
    outline = Polygon(list(_CORNERS), closed=True, fill=False, linewidth=1.2, clip_on=False, zorder=3)
    ax.add_patch(outline)
    if len(ticks) <= _STEPS:
        # contours of a step function would follow the triangulation's zigzag
        drawn: Any = ax.imshow(_raster(function), extent=_EXTENT, origin="lower", cmap=shades, vmin=low, vmax=high)
        drawn.set_clip_path(outline)
    else:
        nice = np.asarray(MaxNLocator(_LEVELS).tick_values(low, high))
        ticks = nice[(nice > low) & (nice < high)]
        x, y = (points @ _CORNERS).T
        levels, heights = np.concatenate([[low], ticks, [high]]), np.maximum(values, low)
        drawn = ax.tricontourf(x, y, heights, levels=levels, cmap=shades)
        ax.tricontour(x, y, heights, levels=ticks, colors="black", linewidths=0.4, linestyles="solid")
    for name, corner in zip(names, _CORNERS, strict=True):
        top = corner[1] > 0.0
        ax.annotate(
            name,
            corner,
            xytext=(0, 7 if top else -7),
            textcoords="offset points",
            ha="center",
            va="bottom" if top else "top",
        )
    ax.set_aspect("equal")
    ax.set_xlim(-0.06, 1.06)
    ax.set_ylim(-0.09, _CORNERS[2, 1] + 0.09)
    ax.set_axis_off()
    ax.figure.colorbar(drawn, ax=ax, label=label, shrink=0.85, spacing="proportional", ticks=ticks)
    return ax


def _raster(function: Callable[[Floats], Floats]) -> Floats:
    """Return the function at the pixels of the triangle's bounding box, by rows from the bottom; NaN outside it."""
    x, y = np.meshgrid((np.arange(_PIXELS) + 0.5) / _PIXELS, (np.arange(_PIXELS) + 0.5) / _PIXELS * _CORNERS[2, 1])
    top = y / _CORNERS[2, 1]
    right = x - top / 2.0
    points = np.stack([1.0 - right - top, right, top], axis=-1)
    inside = (points >= 0.0).all(axis=-1)
    raster = np.full(x.shape, np.nan)
    raster[inside] = function(points[inside])
    return raster


def _mark_reports(ax: Axes, rule: ScoringRule) -> None:
    if isinstance(rule, TableRule):
        x, y = (rule.reports @ _CORNERS).T
        ax.plot(x, y, "o", color=COLOURS[1], markeredgecolor="white", markersize=6, zorder=4, clip_on=False)
