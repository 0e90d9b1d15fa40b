"""What all pictures share: colours, line styles, sizes, new axes.

Colours are Okabe and Ito's, which people with colour-vision deficiencies tell apart; line styles and markers
differ too, so that a figure survives a black-and-white printer.
"""

from __future__ import annotations

import math
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from banditlab.core.errors import InvalidType
from banditlab.core.results.metrics import split_metric
from banditlab.core.validation import count, positive, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DIFFERENT = math.lcm(len(COLOURS), len(DASHES))
"""Lines that differ in colour or dashes; those of one colour differ in their marker, too."""

SCALES = ("linear", "log")
SIZE = (6.0, 4.0)
LONGEST_NAME = 48
"""Letters of an environment's name that fit into a title next to the sizes."""

MANY_LINES = 12
"""Most lines whose names fit into a picture."""

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


def tidy(ax: Axes, **grid: Any) -> None:
    """Remove the frame's upper and right sides, and add a light grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6, **grid)


def explain_lines(ax: Axes, lines: list[Any], widen: bool = False, aside: bool = False) -> None:
    """Add lines to the legend, which is in the frame, or beside it if there are many lines or with `aside`.

    Lines are passed explicitly because matplotlib leaves out lines on the axes whose name begins with an underscore.
    With `widen`, for axes of `new_axes`, a legend beside the frame makes the figure wider rather than the frame
    narrower; it is also put there if it would cover a line. In a caller's axes it stays in the frame, where its
    background keeps it readable.
    """
    lines = [*_explained(ax), *lines]
    for line in lines:
        line.set_label(wrapped(line.get_label(), LONGEST_NAME))
    options: dict[str, Any] = {"fontsize": "small", "handlelength": 3.2}
    if aside := aside or len(lines) > MANY_LINES:
        options = {"fontsize": "x-small", "handlelength": 2.6, "ncols": -(-len(lines) // (2 * MANY_LINES))}
        options |= {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    legend = ax.legend(lines, [line.get_label() for line in lines], framealpha=0.75, edgecolor="none", **options)
    if not widen:
        return
    figure = cast("Figure", ax.figure)
    figure.draw_without_rendering()  # by which its place and width are measured
    if aside:
        figure.set_figwidth(SIZE[0] + legend.get_window_extent().width / figure.dpi)
    elif any(_crosses(line, legend.get_window_extent()) for line in lines):
        legend.remove()
        explain_lines(ax, lines, widen=True, aside=True)


def uncover(ax: Axes) -> None:
    """Move a legend that covers a line to beside the frame, which is made narrower for it."""
    legend = ax.get_legend()
    if legend is None:
        return
    cast("Figure", ax.figure).draw_without_rendering()
    lines = _explained(ax)
    if any(_crosses(line, legend.get_window_extent()) for line in lines):
        legend.remove()
        explain_lines(ax, lines, aside=True)


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


def wrapped(name: str, width: int) -> str:
    """Return a long name broken into at most three lines; one that has several lines already is left alone."""
    if len(name) <= width or "\n" in name:
        return name
    name = " ".join(_parted(word, width) for word in name.split())
    return "\n".join(textwrap.wrap(name, width, max_lines=3, placeholder=" ..."))


def _parted(word: str, width: int) -> str:
    """Return a word too long for a line with spaces where it may break: before capitals, as seldom as possible.

    Parts are so long that no two of them fit on a line.
    """
    parts = [""]
    for part in re.split(r"(?<=[a-z0-9])(?=[A-Z])", word) if len(word) > width else [word]:
        if parts[-1] and len(parts[-1]) + len(part) > width:
            parts.append("")
        parts[-1] += part
    return " ".join(parts)


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


def short(name: str) -> str:
    """Return a name without arguments of which only the size is known; if long, without what is in brackets."""
    name = re.sub(r"\(.*<\d+( x \d+)* (array|entries)>.*\)$", "", name)
    if len(name) > LONGEST_NAME:
        name = re.sub(r"\[[^\[\]]{4,}\]", "[...]", name)
    if len(name) > LONGEST_NAME and re.fullmatch(r"\w+\(.*\)", name):
        name = _first_arguments(*name[:-1].split("(", 1))
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."


def _first_arguments(cls: str, inside: str) -> str:
    """Return a class with as many of its first arguments as there is room for: none is cut in the middle."""
    commas = [m.start() for m in re.finditer(", ", inside) if _closed(inside[: m.start()])]
    fitting = [inside[:at] for at in commas if len(f"{cls}({inside[:at]}, ...)") <= LONGEST_NAME]
    return f"{cls}({fitting[-1]}, ...)" if fitting else f"{cls}(...)"


def _closed(text: str) -> bool:
    """Return whether every bracket in a text is closed."""
    return all(text.count(left) == text.count(right) for left, right in ("()", "[]", "{}"))


def marks(rounds: Any, xscale: str, k: int, n: int) -> list[int]:
    """Return which checkpoints carry a marker: about eight, evenly spaced as drawn, shifted from policy to policy."""
    position = np.log(rounds) if xscale == "log" else rounds.astype(float)
    span = position[-1] - position[0]
    wanted = position[0] + span * (np.arange(8) + (k + 0.5) / n) / 8.0
    return sorted({int(i) for i in np.abs(position[None, :] - wanted[:, None]).argmin(axis=1)})
