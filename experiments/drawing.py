"""What the experiments' figures share."""

from __future__ import annotations

from matplotlib.axes import Axes


def plain(ax: Axes) -> None:
    """Leave out the frame's upper and right side, and add a light grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.25, linewidth=0.6)
