"""Numbers at axes, written so that nobody has to multiply: 200,000, not 0.2 next to a factor of 1e6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axis import XAxis
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import (
    AutoLocator,
    EngFormatter,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    ScalarFormatter,
)

if TYPE_CHECKING:
    from matplotlib.axis import Axis

GROUPED = 1e3
"""Axes that reach this have thousands separators."""

ABBREVIATED = 1e6
"""Axes that go beyond this have labels such as 2 M: numbers in full would run into each other."""

FACTORED = 1e12
"""Axes that reach this have a factor next to them: nobody knows the abbreviations of such numbers."""

CLOSE = 1e-3
"""Axes that span less than this share of their numbers have them in full: abbreviated, all would be the same."""

DECADES = 2.0
"""Logarithmic axes that span less than this have 1, 2, 5, 10, not only powers."""


TICKS = 9
"""As many ticks as matplotlib sets at most."""

WIDTH = 3.9
"""The width of a label such as 15,000, with the space next to it, in heights of its letters."""


class WrittenOut(ScalarFormatter):
    """Ticks of a linear axis; small numbers as matplotlib writes them."""

    def __init__(self) -> None:
        super().__init__(useOffset=False)
        self.set_powerlimits((-5, 15))
        self._engineering = EngFormatter(sep="\N{NO-BREAK SPACE}")

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a tick."""
        ends: Any = self.axis.get_view_interval()  # type: ignore[union-attr]
        largest = max(abs(float(end)) for end in ends)
        if largest < GROUPED or largest >= FACTORED:
            return str(super().__call__(x, pos))
        if largest <= ABBREVIATED or abs(ends[1] - ends[0]) < CLOSE * largest:
            return grouped(x)
        return str(self._engineering(x))


def grouped(x: float) -> str:
    """Return a number with thousands separators, where it is large."""
    return (f"{x:,.13g}" if abs(x) >= GROUPED else f"{x:g}").replace("-", "\N{MINUS SIGN}")


def write_out(*axes: Axis) -> None:
    """Write out the ticks of linear axes, fewer of them in small figures; logarithmic axes have powers."""
    for axis in axes:
        if axis.get_scale() == "linear":
            axis.set_major_formatter(WrittenOut())
            room = int(_width(axis) / WIDTH) if isinstance(axis, XAxis) else TICKS
            if room < TICKS and isinstance(axis.get_major_locator(), AutoLocator):
                axis.set_major_locator(MaxNLocator(max(room, 2), steps=[1, 2, 2.5, 5, 10]))


def _width(axis: Axis) -> float:
    """Return how long an axis is, in heights of letters."""
    figure: Any = axis.axes.get_figure(root=True)
    size = axis.get_tick_params().get("labelsize", matplotlib.rcParams["xtick.labelsize"])
    points = FontProperties(size=size).get_size_in_points()
    return float(axis.axes.get_window_extent().width / figure.dpi * 72.0 / points)


def plain_log_ticks(axis: Axis, low: float, high: float) -> None:
    """Write 1, 2, 5, 10 at a logarithmic axis whose values span little more than a decade, or less."""
    if np.log10(high / low) >= DECADES:
        return
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: grouped(x)))
    axis.set_minor_formatter(NullFormatter())
