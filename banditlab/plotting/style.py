"""What all pictures share: colours, line styles, sizes, new axes.

Colours are Okabe and Ito's, which people with colour-vision deficiencies tell apart; line styles and markers
differ too, so that a figure survives a black-and-white printer.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.errors import InvalidType
from banditlab.core.results.metrics import split_metric
from banditlab.core.validation import count, positive, shown

from .texts import LONGEST_NAME, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DIFFERENT = math.lcm(len(COLOURS), len(DASHES))
"""Lines that differ in colour or dashes; those of one colour differ in their marker, too."""

SCALES = ("linear", "log")
SIZE = (6.0, 4.0)
MANY_LINES = 12
"""Most lines whose names fit into a picture."""

WIDE = 7.0
"""Panels of this width in inches, axis labels included, have room for names beside the frame."""

MOST_COLUMNS = 4
"""Most columns of names below a frame."""

NAMES = {
    "regret": "cumulative regret",
    "average_regret": "cumulative average regret",
    "weak_regret": "cumulative weak regret",
    "strong_regret": "cumulative strong regret",
    "binary_weak_regret": "cumulative binary weak regret",
    "binary_strong_regret": "cumulative binary strong regret",
    "copeland_regret": "cumulative Copeland regret",
    "borda_regret": "cumulative Borda regret",
    "contextual_regret": "cumulative contextual regret",
    "contextual_weak_regret": "cumulative contextual weak regret",
    "duel_variance": "cumulative variance of the duels' outcomes",
    "estimation_error": r"$\|\hat{\theta}_t - \theta\|$",
    "alpha_regret": r"cumulative $\alpha$-regret",
    "violations": "rounds with an unsafe action",
    "any_violation": "share of runs with an unsafe action",
    "cvar_regret": "cumulative CVaR regret",
    "icvar_regret": "cumulative iterated-CVaR regret",
    "cvar": "CVaR of the return",
    "icvar": "iterated CVaR of the return",
    "return": "cumulative return",
    "estimate": "estimate of the optimum",
    "smallest_estimate": "smallest estimate of the optimum",
    "plans": "plans made",
    "reward": "cumulative reward",
    "optimal_rate": "share of rounds on an optimal arm",
    "payment": "cumulative payment",
    "profit": "cumulative profit",
    "violation": "cumulative violation of incentives",
    "bisection_rate": "share of rounds that are probes",
    "solves": "linear programs solved",
}
"""What axes are called: metrics in words. A level in brackets is added."""

OF_AN_ARM = {
    "pulls": "pulls of arm {}",
    "duels": "duels of arm {}",
    "selections": "selections of arm {}",
    "clicks": "clicks on arm {}",
    "screened": "share of runs in which arm {} is screened",
    "screening_round": "round in which arm {} is screened",
}
"""The same for metrics with one column per arm."""

AT_OWN_LEVELS = ("cvar_regret", "icvar_regret", "cvar", "icvar")
"""Metrics at the level of the policy that plays, its `tau`, where there is no level in brackets."""


def check_made(name: str, value: Any, cls: type, by: str) -> None:
    """Raise unless a value is an instance of a class; `by` names the function that returns these."""
    if not isinstance(value, cls):
        raise InvalidType(f"{name} is {shown(value)}; allowed: what {by} returns")


def new_axes(width: float = SIZE[0], height: float = SIZE[1]) -> Axes:
    """Return new Axes, in a pyplot figure where the caller uses pyplot, as notebooks do.

    Parameters
    ----------
    width, height : float, default 6.0 and 4.0
        Size of the figure, in inches.

    Examples
    --------
    >>> from banditlab import plotting
    >>> plotting.new_axes(width=3.0).figure.get_size_inches().tolist()
    [3.0, 4.0]
    """
    width, height = positive("width", width), positive("height", height)
    if "matplotlib.pyplot" in sys.modules or "ipykernel" in sys.modules:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=150, layout="constrained").add_subplot()


def given_or_new(ax: Any, width: float = SIZE[0], height: float = SIZE[1]) -> Axes:
    """Return the caller's Axes, or new ones if there are none."""
    from matplotlib.axes import Axes

    if ax is None:
        return new_axes(width, height)
    if not isinstance(ax, Axes):
        raise InvalidType(f"ax is {shown(ax)}; allowed: matplotlib Axes, or None for new ones")
    return ax


def line_style(k: int) -> dict[str, Any]:
    """Return the look of the k-th line of a picture: the first `DIFFERENT` differ."""
    again = k // len(COLOURS)  # a colour that is used again has another marker
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": DASHES[k % len(DASHES)],
        "marker": MARKERS[(k + again) % len(MARKERS)],
    }


def free_styles(ax: Axes, n: int) -> list[dict[str, Any]]:
    """Return the looks of the next n lines of a picture: the first that no line on the Axes has.

    A line without markers, such as a caller's own, takes all looks of its colour. Where no look is left, all are used
    again.
    """
    from matplotlib.colors import to_hex

    held = {(to_hex(line.get_color()), str(line.get_marker())) for line in ax.lines}
    looks = [line_style(k) for k in range(len(COLOURS) * len(MARKERS) * len(DASHES))]
    free = [s for s in looks if held.isdisjoint({(s["color"].lower(), m) for m in (s["marker"], "None", "none", "")})]
    free = free or looks
    return [dict(free[k % len(free)]) for k in range(n)]


def styles_by_colour(ax: Axes, numbers: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return the looks of lines that are numbered twice: by their colour, and by their dashes and marker.

    Colours that lines on the Axes have come last, and then with markers that are not there in that colour. Where one
    colour would need more markers than there are, the second number counts for nothing: all lines differ in colour too.
    """
    from matplotlib.colors import to_hex

    colours = [k % len(COLOURS) for k, _ in numbers]
    if max(map(colours.count, colours)) > len(MARKERS):
        return free_styles(ax, len(numbers))
    held: dict[str, set[str]] = {colour.lower(): set() for colour in COLOURS}
    for line in ax.lines:
        held.setdefault(to_hex(line.get_color()), set()).add(str(line.get_marker()))
    order = sorted(COLOURS, key=lambda colour: bool(held[colour.lower()]))
    looks = []
    for colour, (_, second) in zip((order[k] for k in colours), numbers, strict=True):
        wanted, there = second % len(MARKERS), held[colour.lower()]
        k = next((k for k in (wanted, *range(len(MARKERS))) if MARKERS[k] not in there), wanted)
        there.add(MARKERS[k])
        looks.append({"color": colour, "linestyle": DASHES[k % len(DASHES)], "marker": MARKERS[k]})
    return looks


def tidy(ax: Axes, **grid: Any) -> None:
    """Remove the frame's upper and right sides, and add a light grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6, **grid)


def explain_lines(ax: Axes, lines: list[Any], widen: bool = False, aside: bool = False) -> None:
    """Add lines to the legend, which is in the frame, or beside it if there are many lines or with `aside`.

    A legend that would cover a line in the frame is put outside of it. With `widen`, for axes of `new_axes`, it goes
    beside the frame, and makes the figure wider rather than the frame narrower. In a caller's axes it goes where there
    is room. Where nothing lays out the caller's figure, what is outside could be cut off: the legend stays inside,
    where its background keeps it readable.
    """
    lines = [*_explained(ax), *lines]
    for line in lines:
        line.set_label(wrapped(line.get_label(), LONGEST_NAME))
    aside = aside or len(lines) > MANY_LINES
    legend = _put_legend(ax, lines, **_beside(len(lines)) if aside else {})
    figure: Any = ax.get_figure(root=True)
    if not widen:
        if not aside and figure.get_layout_engine() is not None:
            _uncover(ax)
        return
    figure.draw_without_rendering()  # by which its place and width are measured
    if not aside and any(_crosses(line, legend.get_window_extent()) for line in lines):
        legend = _put_legend(ax, lines, **_beside(len(lines)))
        figure.draw_without_rendering()
        aside = True
    if aside:
        figure.set_figwidth(SIZE[0] + legend.get_window_extent().width / figure.dpi)


def _uncover(ax: Axes) -> None:
    """Move a legend that covers a line out of the frame: beside a wide one, and below a narrow one, in columns.

    The frame is made smaller for it by what lays out the figure.
    """
    legend = ax.get_legend()
    if legend is None:
        return
    figure: Any = ax.get_figure(root=True)
    figure.draw_without_rendering()
    lines = _explained(ax)
    if not any(_crosses(line, legend.get_window_extent()) for line in lines):
        return
    width = (ax.get_tightbbox() or ax.get_window_extent()).width
    if width >= WIDE * figure.dpi:
        _put_legend(ax, lines, **_beside(len(lines)))
        return
    for columns in range(min(MOST_COLUMNS, len(lines)), 0, -1):
        legend = _put_legend(ax, lines, **_below(ax, columns))
        if legend.get_window_extent().width <= width:
            return


def _put_legend(ax: Axes, lines: list[Any], **place: Any) -> Any:
    """Put a legend with these lines on the axes, in place of the one that is there.

    Lines are passed explicitly because matplotlib leaves out lines on the axes whose name begins with an underscore.
    """
    options: dict[str, Any] = {"fontsize": "small", "handlelength": 3.2} | place
    return ax.legend(lines, [line.get_label() for line in lines], framealpha=0.75, edgecolor="none", **options)


def _beside(n: int) -> dict[str, Any]:
    """Return the options of a legend of n lines beside the frame."""
    return {
        "fontsize": "x-small",
        "handlelength": 2.6,
        "ncols": -(-n // (2 * MANY_LINES)),
        "loc": "upper left",
        "bbox_to_anchor": (1.01, 1.0),
        "borderaxespad": 0.0,
    }


def _below(ax: Axes, columns: int) -> dict[str, Any]:
    """Return the options of a legend below the frame and what stands at its horizontal axis."""
    from matplotlib.transforms import ScaledTranslation

    figure: Any = ax.get_figure(root=True)
    bottom = ax.xaxis.get_tightbbox()
    reach = 0.0 if bottom is None else (ax.get_window_extent().y0 - bottom.y0) / figure.dpi
    # in inches, as the frame will be less high
    return {
        "fontsize": "x-small",
        "handlelength": 2.6,
        "columnspacing": 1.2,
        "ncols": columns,
        "loc": "upper center",
        "bbox_to_anchor": (0.5, 0.0),
        "bbox_transform": ax.transAxes + ScaledTranslation(0.0, -reach - 0.04, figure.dpi_scale_trans),
        "borderaxespad": 0.0,
    }


def _crosses(line: Any, box: Any) -> bool:
    """Say whether a line, or the one of error bars, runs through a box of the canvas."""
    from matplotlib.cbook import STEP_LOOKUP_MAP
    from matplotlib.path import Path

    line = getattr(line, "lines", [line])[0]
    x, y = STEP_LOOKUP_MAP[line.get_drawstyle()](*line.get_xydata().T)
    points = line.get_transform().transform(np.column_stack([x, y]))
    return bool(Path(points).cleaned(remove_nans=True).intersects_bbox(box, filled=False))


def _explained(ax: Axes) -> list[Any]:
    """Return what is in the legend already: lines of the axes, as its own lines of error bars have no names."""
    legend = ax.get_legend()
    if legend is None:
        return []
    artists: list[Any] = [*ax.collections, *ax.lines, *ax.containers]
    drawn: dict[Any, list[Any]] = {}
    for artist in artists:
        drawn.setdefault(artist.get_label(), []).append(artist)
    found = []
    for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True):
        same = drawn.get(text.get_text())  # there may be several of one name, in the order in which they were drawn
        found.append(same.pop(0) if same else handle)
    return found


def axis_name(metric: str) -> str:
    """Return what an axis is called: a metric's name in words, with the arm or the level in brackets."""
    name, inside = split_metric(metric)
    if name in OF_AN_ARM:
        return OF_AN_ARM[name].format(inside).strip()
    if name not in NAMES:
        return metric
    return f"{NAMES[name]} at level {inside}" if inside else NAMES[name]


def axis_name_of(metric: str, policies: Iterable[Mapping[str, Any]]) -> str:
    """Return what an axis for policies, given as plain data, is called: with the level, if it is theirs."""
    if metric not in AT_OWN_LEVELS:
        return axis_name(metric)
    levels = {policy.get("tau") for policy in policies}
    if len(levels) > 1:
        return f"{axis_name(metric)} at each policy's level"
    return " at level ".join([axis_name(metric), *(f"{level:g}" for level in levels if level is not None)])


def sizes(horizon: int | None, n_runs: int) -> str:
    """Return what titles say about how much was played; without a horizon in pictures of several."""
    rounds = "" if horizon is None else f"$T$ = {horizon:,}, "
    return rounds + count(n_runs, "run")


def marks(rounds: Any, xscale: str, k: int, n: int) -> list[int]:
    """Return which checkpoints carry a marker: about eight, evenly spaced as drawn, shifted from policy to policy."""
    position = np.log(rounds) if xscale == "log" else rounds.astype(float)
    span = position[-1] - position[0]
    wanted = position[0] + span * (np.arange(8) + (k + 0.5) / n) / 8.0
    return sorted({int(i) for i in np.abs(position[None, :] - wanted[:, None]).argmin(axis=1)})
