"""How the lines of a sweep look, and what a legend of many of them says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from banditlab.core.sweeps.sweep_cells import in_words

from .style import free_styles, styles_by_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from banditlab.core.sweeps.sweep_lines import Line

EACH = 8
"""Up to this many lines, the legend has each of them; of more it says what colours, dashes and markers mean."""

SWATCH = 4.0
"""Width in points of what shows a colour in a legend: so wide that nobody takes it for a line of the picture."""


def looks_of(ax: Axes, lines: list[Line], chosen: list[str], own_colours: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the looks of lines: a colour for each policy, and dashes and a marker for what else sets lines apart.

    Where there is one line a policy, each has dashes and a marker of its own, and looks as in the picture of a run,
    whatever other policies are left. Lines of a single policy have a colour each.
    """
    values: dict[str, int] = {}
    of_policies = [chosen.index(line.policy) for line in lines]
    if not any(line.others for line in lines):
        styles = free_styles(ax, len(chosen))
        looks = [styles[k] for k in of_policies]
    elif len(set(of_policies)) > 1 or lines[0].policy in own_colours:
        of_values = [values.setdefault(_apart(line), len(values)) for line in lines]
        looks = styles_by_colour(ax, list(zip(of_policies, of_values, strict=True)))
    else:
        looks = free_styles(ax, len(lines))
    for line, look in zip(lines, looks, strict=True):
        if line.policy in own_colours:
            look["color"] = own_colours[line.policy]
        if line.level and not line.others:  # it has no points; but dashes alone tell few lines of one colour apart
            look["marker"] = "none"
    return looks


def _apart(line: Line) -> str:
    """Return what sets a line apart from others of its policy; a policy's only line is unlike all others."""
    return in_words(line.others) if line.others else line.policy


def keys_of(
    lines: list[Line], looks: list[dict[str, Any]], own_labels: dict[str, str], *, connected: bool
) -> list[Any]:
    """Return the keys of a legend of many lines: of the policies' colours, and of what dashes and markers stand for.

    None where there are few lines, or if a key would not be shorter or not mean one thing.
    """
    from matplotlib.colors import to_hex
    from matplotlib.lines import Line2D

    colours: dict[str, set[str]] = {}
    rest: dict[str, set[Any]] = {}
    for line, look in zip(lines, looks, strict=True):
        colours.setdefault(line.policy, set()).add(to_hex(look["color"], keep_alpha=True))
        if line.others:
            rest.setdefault(in_words(line.others), set()).add((look["linestyle"], look["marker"]))
    meanings = [*colours.values(), *rest.values()]
    clear = all(len(meaning) == 1 for meaning in meanings) and len(set().union(*colours.values())) == len(colours)
    if len(lines) <= EACH or len(meanings) >= len(lines) or not clear:
        return []
    keys = [Line2D([], [], color=c, linewidth=SWATCH, label=own_labels.get(p, p)) for p, (c,) in colours.items()]
    for label, ((dashes, marker),) in rest.items():
        style: dict[str, Any] = {"linestyle": dashes if connected else "none", "marker": marker, "markersize": 4.5}
        keys.append(Line2D([], [], color="0.25", label=label, **style))
    return keys
