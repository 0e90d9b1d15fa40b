"""Distributions of returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.errors import InvalidType
from banditlab.core.validation import between, optional, shown

from .style import explain_lines, free_styles, given_or_new, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from banditlab.cvar import Distribution


HEIGHT = 0.07
"""Height of a line of small letters, as a share of an axis."""


def plot_distributions(
    distributions: Distribution | Mapping[str, Distribution], *, tau: float | None = None, ax: Axes | None = None
) -> Axes:
    r"""Draw the distribution functions of returns, :math:`P(X \le x)`, as steps.

    Parameters
    ----------
    distributions : cvar.Distribution, or dict from label to one
        What to draw: `returns` of plans, say.
    tau : float, optional
        A level in (0, 1], drawn as a dotted line. A distribution's mark on it is its CVaR at the level: the mean of
        what lies to the left of where the two cross.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default new Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from banditlab import cvar, plotting
    >>> mdp = cvar.cliff_gridworld()
    >>> plans = {"mean": cvar.plan_mean(mdp), "CVaR": cvar.plan_static_cvar(mdp, tau=0.1)}
    >>> ax = plotting.plot_distributions({name: plan.returns for name, plan in plans.items()}, tau=0.1)
    >>> ax.get_ylabel()
    '$P(X \\leq x)$'
    """
    from .ticks import write_out

    found = _labelled(distributions)
    level = optional(between(0.0, 1.0, open_low=True))("tau", tau)
    new, ax = ax is None, given_or_new(ax)
    low, high = (pick(end for d in found.values() for end in _ends(d)) for pick in (min, max))
    room = 0.05 * (high - low) or 1.0
    lines = []
    for (label, distribution), style in zip(found.items(), free_styles(ax, len(found)), strict=True):
        look = {name: style[name] for name in ("color", "linestyle")}
        kept = distribution.probabilities > 0.0
        x = np.concatenate([[low - room], distribution.values[kept], [high + room]])
        share = np.concatenate([[0.0], np.minimum(np.cumsum(distribution.probabilities[kept]), 1.0), [1.0]])
        (line,) = ax.step(x, share, where="post", label=label or None, linewidth=1.6, **look)
        lines.append(line)
        if level is not None:
            mark = {"color": look["color"], "marker": style["marker"], "linestyle": "none", "zorder": 3}
            ax.plot(distribution.cvar(level), level, markersize=6, markeredgecolor="white", clip_on=False, **mark)
    if level is not None:
        ax.axhline(level, color="0.4", linestyle=(0, (1, 2)), linewidth=1.1, zorder=1)
        # at the end of the line that is further from where curves cross what is written above it
        first = min(d.quantile(level) for d in found.values())
        last = max(d.quantile(min(level + HEIGHT, 1.0)) for d in found.values())
        at, shift, side = (low - room, 4, "left") if first - low > high - last else (high + room, -4, "right")
        ax.annotate(
            rf"$\tau$ = {level:g}; marks: CVaR", (at, level), xytext=(shift, 3), textcoords="offset points", ha=side,
            fontsize="small", color="0.3",
        )  # fmt: skip
    ax.set_xlim(low - room, high + room)
    ax.set_ylim(0.0, 1.02)
    ax.set_xlabel("return $x$")
    ax.set_ylabel(r"$P(X \leq x)$")
    write_out(ax.xaxis, ax.yaxis)
    tidy(ax)
    if any(found):
        explain_lines(ax, lines, widen=new)
    return ax


def _labelled(distributions: Any) -> dict[str, Any]:
    found = dict(distributions) if isinstance(distributions, Mapping) else {"": distributions}
    if not found or not all(hasattr(d, name) for d in found.values() for name in ("values", "probabilities", "cvar")):
        raise InvalidType(
            f"distributions is {shown(distributions)}; allowed: a cvar.Distribution, as a plan's returns, or a dict "
            "from label to one"
        )
    return found


def _ends(distribution: Any) -> tuple[float, float]:
    """Return the smallest and the largest value that can happen."""
    values = distribution.values[distribution.probabilities > 0.0]
    return float(values[0]), float(values[-1])
