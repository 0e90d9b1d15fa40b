"""Everything that draws: takes results, returns matplotlib Axes."""

from .comparisons import plot_comparison, plot_paired, plot_profiles
from .distributions import plot_distributions
from .dynamics import plot_dynamics
from .rounds import plot_metric
from .style import COLOURS, DASHES, MARKERS, NAMES, SCALES, SIZE, new_axes
from .sweeps import plot_sweep

__all__ = [
    "COLOURS",
    "DASHES",
    "MARKERS",
    "NAMES",
    "SCALES",
    "SIZE",
    "new_axes",
    "plot_comparison",
    "plot_distributions",
    "plot_dynamics",
    "plot_metric",
    "plot_paired",
    "plot_profiles",
    "plot_sweep",
]
