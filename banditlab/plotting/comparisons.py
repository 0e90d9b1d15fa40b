"""How sure we are: paired differences, performance profiles, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.validation import boolean, invalid, one_of
from banditlab.inference.aggregates import Profile
from banditlab.inference.decisions import Decisions
from banditlab.inference.families import DECISIONS
from banditlab.inference.pairs import PairedComparison

from .style import (
    COLOURS,
    SCALES,
    axis_name,
    check_made,
    explain_lines,
    free_styles,
    given_or_new,
    marks,
    tidy,
)
from .texts import short, wrapped

KINDS: dict[str, dict[str, Any]] = {
    "row is better": {"facecolor": COLOURS[5]},
    "row is worse": {"facecolor": COLOURS[4]},
    "undecided": {"facecolor": "#E4E4E4"},
    "not compared": {"facecolor": "white", "edgecolor": "#9A9A9A", "linestyle": ":", "linewidth": 1.0},
}
"""How the cells of a decision table look, in the order of the legend."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_paired(comparisons: PairedComparison | Sequence[PairedComparison], *, ax: Axes | None = None) -> Axes:
    """Draw paired comparisons: each difference with its interval, and in grey the interval without shared luck.

    Parameters
    ----------
    comparisons : PairedComparison or sequence of them
        What `banditlab.inference.paired` returned, for one metric and level; one row each, the first at the top.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidArgument, InvalidType
        For anything but comparisons, or for comparisons of several metrics or levels.

    Examples
    --------
    >>> import numpy as np
    >>> from banditlab.inference import paired
    >>> luck = np.random.default_rng(0).normal(size=50)
    >>> ax = paired([luck, luck + 1.0], 0, 1).plot()
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['policy 0 $-$ policy 1']
    """
    from .ticks import write_out

    found = list(comparisons) if isinstance(comparisons, Sequence) else [comparisons]
    for one in found:
        check_made("comparisons", one, PairedComparison, "banditlab.inference.paired")
    if not found or len({(one.metric, one.level) for one in found}) > 1:
        raise invalid("comparisons", comparisons, "one or more comparisons of one metric and level")
    names = [_versus(one) for one in found]
    ax = given_or_new(ax, height=1.5 + sum(max(0.5, 0.2 * (1 + name.count("\n"))) for name in names))
    rows = np.arange(len(found))[::-1]
    for shift, colour, width, name, which in (
        (-0.14, COLOURS[7], 1.4, "as if unpaired", "unpaired_interval"),
        (0.14, COLOURS[0], 2.2, "runs paired", "interval"),
    ):
        low, high = np.array([getattr(one, which) for one in found]).T
        centre = np.array([one.difference for one in found])
        ax.errorbar(
            centre,
            rows + shift,
            xerr=[np.maximum(centre - low, 0.0), np.maximum(high - centre, 0.0)],
            fmt="o",
            color=colour,
            elinewidth=width,
            capsize=3,
            markersize=4.5,
            label=name,
        )
    ax.axvline(0.0, color="black", linewidth=0.9, linestyle=(0, (4, 2)), zorder=0)
    ax.set_yticks(rows, names)
    ax.set_ylim(-0.6, len(found) - 0.4)
    ax.set_xlabel(f"difference in {axis_name(found[0].metric)}")
    write_out(ax.xaxis)
    ax.set_title(f"{found[0].n_runs:,} runs, {100 * found[0].level:g}% intervals", fontsize="medium")
    tidy(ax, axis="x")
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], frameon=False, fontsize="small")
    return ax


def _versus(one: PairedComparison) -> str:
    """Return whose difference it is, in two lines where names are long."""
    gap = "\n" if len(one.first + one.second) > 30 else " "
    return f"{wrapped(one.first, 28)}{gap}$-$ {wrapped(one.second, 28)}"


def plot_profiles(profile: Profile, *, ax: Axes | None = None, xscale: str | None = None, tail: bool = False) -> Axes:
    r"""Draw performance profiles: the share of runs at least as good as a threshold, with bands; higher is better.

    Parameters
    ----------
    profile : Profile
        What `banditlab.inference.performance_profile` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.
    xscale : {'linear', 'log'}, optional
        The axis of thresholds; default 'log' for multiples of the best policy's value, else 'linear'. Thresholds that
        are not positive have no place on a logarithmic axis, and evenly spaced ones show little of its left end: give
        `performance_profile` thresholds from `numpy.geomspace`.
    tail : bool, default False
        Whether to draw the share of runs that are worse than a threshold, on a logarithmic axis, to show how heavy
        tails are. Lines and bands end where no run is worse.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidArgument
        If xscale is 'log' and no threshold is positive.

    Examples
    --------
    >>> from banditlab.inference import performance_profile
    >>> performance_profile([[1.0, 2.0, 3.0], [2.0, 2.0, 9.0]]).plot().get_xlabel()
    'cumulative regret $\\tau$'
    """
    from .ticks import plain_log_ticks, write_out

    check_made("profile", profile, Profile, "banditlab.inference.performance_profile")
    scale = ("log" if profile.relative else "linear") if xscale is None else one_of(*SCALES)("xscale", xscale)
    shown = profile.thresholds > 0.0 if scale == "log" else slice(None)
    taus = profile.thresholds[shown]
    if len(taus) == 0:
        raise invalid("xscale", xscale, "'linear', as no threshold is positive")
    share, lows, highs = profile.share[:, shown], profile.low[:, shown], profile.high[:, shown]
    if boolean("tail", tail):
        share, lows, highs = 1.0 - share, 1.0 - highs, 1.0 - lows
    new, ax = ax is None, given_or_new(ax)
    lines: list[Any] = []
    styles = free_styles(ax, len(profile.policies))
    for k, (label, style) in enumerate(zip(profile.policies, styles, strict=True)):
        if len(taus) == 1:  # a line and a band of no width would not be seen
            ax.vlines(taus, lows[k], highs[k], color=style["color"], alpha=0.4)
        every = marks(taus, scale, k, len(profile.policies))
        lines += ax.plot(taus, share[k], label=label, markevery=every, markersize=4.5, linewidth=1.6, **style)
        told = share[k] > 0.0 if tail else None  # else bands of policies without such runs would lie over all others
        ax.fill_between(taus, lows[k], highs[k], where=told, color=style["color"], alpha=0.18, linewidth=0)
    ax.set_xscale(scale)
    if scale == "log":
        plain_log_ticks(ax.xaxis, taus[0], taus[-1])
    write_out(ax.xaxis)
    if len(taus) > 1:
        ax.set_xlim(taus[0], taus[-1])
    elif scale == "log":
        ax.set_xlim(taus[0] / 1.5, taus[0] * 1.5)
    else:
        ax.set_xlim(taus[0] - (0.5 * abs(taus[0]) or 1.0), taus[0] + (0.5 * abs(taus[0]) or 1.0))
    if tail:
        ax.set_yscale("log")
        ax.set_ylim(0.7 * share[share > 0.0].min(initial=1.0), 1.1)
    else:
        ax.set_ylim(0.0, 1.02)
    name = axis_name(profile.metric)
    beyond, within = (">", r"\leq") if profile.smaller_is_better else ("<", r"\geq")
    relation = beyond if tail else within
    ax.set_xlabel(rf"$\tau$, multiple of the best policy's {name}" if profile.relative else rf"{name} $\tau$")
    ax.set_ylabel(rf"share of runs ${relation} \tau$" + (" times the best" if profile.relative else ""))
    tidy(ax)
    explain_lines(ax, lines, widen=new)
    return ax


def plot_comparison(decisions: Decisions, environment: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw a decision table: each policy (row) against each other (column), the best policies first.

    A dagger marks what follows from other decisions, an exclamation mark what a few runs decide (see `Decisions`).
    Dotted cells are pairs that were not to be compared.

    Parameters
    ----------
    decisions : Decisions
        What `banditlab.compare` returned.
    environment : str, optional
        One of `decisions.environments`; needed when there are several.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> found = bl.compare(
    ...     [arms.UCB1(), arms.Uniform()], arms.Bernoulli([0.2, 0.8]), horizon=100, seed=0
    ... )
    >>> [text.get_text() for text in found.plot().get_yticklabels()]
    ['UCB1  (1)', 'Uniform  (2)']
    """
    check_made("decisions", decisions, Decisions, "banditlab.compare")
    e = decisions.position(environment)
    order = decisions.ranking(environment)
    place = {decisions.policies.index(label): k for k, label in enumerate(order.index)}
    size = len(place)
    names = [wrapped(label, 18) for label in order.index]
    longest = max(len(line) for name in names for line in name.splitlines())
    more = 0.14 * max(0, longest - 8) * any("\n" in name for name in names)  # for names in several lines
    ax = given_or_new(ax, width=max(4.8, 2.6 + 1.05 * size) + more, height=1.9 + 0.62 * size + 0.6 * more)
    occurring = _draw_cells(ax, decisions, e, place)
    ranks = [
        f"{low}" if low == high else f"{low}-{high}" for low, high in zip(order.rank_low, order.rank_high, strict=True)
    ]
    slanted = longest > 11
    ax.set_xticks(range(size), names, rotation=20 if slanted else 0, ha="left" if slanted else "center")
    ax.set_yticks(range(size), [f"{label}  ({rank})" for label, rank in zip(names, ranks, strict=True)])
    ax.set_xlim(-0.5, size - 0.5)
    ax.set_ylim(size - 0.5, -0.5)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("policy (rank)")
    name = axis_name(decisions.metric)
    undecided = int((decisions.signs[e] == 0).sum())
    state = "settled" if undecided == 0 else f"{undecided} of {len(decisions.pairs)} undecided"
    title = (
        f"{short(decisions.environments[e])}\n{name}, row minus column\n"
        f"{state} after up to {decisions.played[e].max():,} runs, family-wise level {100 * decisions.level:g}%"
    )
    ax.set_title(title, fontsize="medium", pad=9)
    _explain_cells(ax, decisions, e, occurring)
    return ax


def _draw_cells(ax: Axes, decisions: Decisions, e: int, place: dict[int, int]) -> set[str]:
    """Draw the cells of an environment, policy i in row and column `place[i]`; return which kinds occur."""
    size = len(place)
    drawn = {(row, column): "not compared" for row in range(size) for column in range(size) if row != column}
    for c, (i, j) in enumerate(decisions.pairs.tolist()):
        sign, difference = int(decisions.signs[e, c]), decisions.differences[e, c]
        mark = "\N{DAGGER}" * bool(decisions.implied[e, c]) + " (!)" * bool(decisions.few_runs_rule[e, c])
        for row, column, turn in ((place[i], place[j], 1), (place[j], place[i], -1)):
            good = (turn * sign < 0) == decisions.smaller_is_better
            drawn[row, column] = "undecided" if sign == 0 else "row is better" if good else "row is worse"
            number = "" if np.isnan(difference) else f"\n{turn * difference:+.3g}".replace("-", "\N{MINUS SIGN}")
            number = "\nidentical" if decisions.identical[e, c] else number
            text = DECISIONS[turn * sign] + mark + number
            ax.text(column, row, text, ha="center", va="center", fontsize="small", linespacing=1.3)
    for (row, column), kind in drawn.items():
        ax.add_patch(_cell(column, row, **KINDS[kind]))
    for k in range(size):  # a policy against itself
        ax.plot([k - 0.42, k + 0.42], [k - 0.4, k + 0.4], color="#BDBDBD", linewidth=1.0)
    return set(drawn.values())


def _explain_cells(ax: Axes, decisions: Decisions, e: int, occurring: set[str]) -> None:
    """Put a legend below the table, with the kinds and the marks that occur."""
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(**style, label=kind) for kind, style in KINDS.items() if kind in occurring]
    for flags, meaning in (
        (decisions.implied, "\N{DAGGER} follows from others"),
        (decisions.few_runs_rule, "(!) few runs rule"),
    ):
        if flags[e].any():
            handles.append(Patch(facecolor="none", edgecolor="none", label=meaning))
    ax.legend(
        handles=handles,
        frameon=False,
        fontsize="small",
        ncols=min(3, len(handles)),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.02),
    )


def _cell(column: int, row: int, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, **({"linewidth": 0} | style))
