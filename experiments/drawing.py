"""What the experiments' figures share."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import ScalarFormatter

from banditlab.plotting.style import tidy
from banditlab.plotting.ticks import write_out


def plain(ax: Axes) -> None:
    """Leave out the frame's upper and right side, add a light grid, and write numbers out."""
    tidy(ax)
    write_out(*(axis for axis in (ax.xaxis, ax.yaxis) if type(axis.get_major_formatter()) is ScalarFormatter))


def legend_above(ax: Axes, share: float, **options: Any) -> None:
    """Put the legend above the curves, for which the y axis gets longer by a share."""
    scale = ax.yaxis.get_transform()
    low, high = scale.transform(ax.get_ylim())
    ax.set_ylim(top=float(scale.inverted().transform(high + share * (high - low))))
    ax.legend(frameon=False, fontsize="small", loc="upper left", **options)
