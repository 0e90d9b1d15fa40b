"""Draw the three experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from banditlab.plotting import COLOURS, DASHES, MARKERS
from experiments.drawing import legend_above, plain
from experiments.safe_semibandits.analysis import additional, final
from experiments.safe_semibandits.simulate import FIRST, RELEASED, SECOND, UNSAFE, configuration
from experiments.slopes import mean


def figures(folder: Path, size: str) -> dict[str, Figure]:
    """Return regret against the horizon in experiments 1 and 2, and against the gap in experiment 3."""
    sizes = configuration()["sizes"][size]
    drawing = Figure(figsize=(11.5, 3.6), dpi=150, layout="constrained")
    axes = drawing.subplots(1, 3)
    first = [
        (RELEASED, 0.6, "PASCombUCB, budget 0.6"),
        (RELEASED, 0.751, "PASCombUCB, budget 0.751"),
        (UNSAFE, 0.6, UNSAFE),
    ]
    second = [(RELEASED, 0.4, "PASCombUCB, budget 0.4"), (UNSAFE, 0.4, f"{UNSAFE}: unsafe in 99% of rounds")]
    for ax, experiment, curves in ((axes[0], FIRST, first), (axes[1], SECOND, second)):
        horizons = np.array(sizes[experiment]["horizons"])
        for k, (who, budget, label) in enumerate(curves):
            _curve(ax, k, horizons, final(folder, size, experiment, budget, who), label)
        ax.locator_params(axis="x", nbins=3)  # numbers written out are wide
        ax.set_xlabel("horizon $T$")
        ax.set_ylabel("regret at $T$")
    axes[0].set_title("1: the optimum is safe", fontsize="medium")
    axes[1].set_title("2: the best action is unsafe", fontsize="medium")
    x, rows = additional(folder, size)
    spread = np.array([mean(row) for row in rows])
    axes[2].errorbar(x, spread[:, 0], yerr=[spread[:, 0] - spread[:, 1], spread[:, 2] - spread[:, 0]], color=COLOURS[0],
                     marker=MARKERS[0], linestyle="none", markersize=4.5, label="mean, 95% interval")  # fmt: skip
    slope, start = np.polyfit(x, spread[:, 0], 1)
    line = np.array([0.0, x.max()])
    axes[2].plot(line, start + slope * line, color="black", linestyle=DASHES[1], linewidth=1.2, label="least squares")
    axes[2].set_xlabel(r"$1 / (\Delta^v)^2$")
    axes[2].set_ylabel(f"additional regret over {UNSAFE}")
    axes[2].set_title("3: the price of safety", fontsize="medium")
    for ax in axes:
        plain(ax)
        legend_above(ax, 0.25, handlelength=2.6)
    return {"figure": drawing}


def _curve(ax: Any, k: int, horizons: Any, samples: list[Any], label: str) -> None:
    """Draw mean regrets with their intervals."""
    ends = np.array([mean(sample) for sample in samples])
    style = {"color": COLOURS[k], "linestyle": DASHES[k], "linewidth": 1.6, "marker": MARKERS[k], "markersize": 4.0}
    ax.plot(horizons, ends[:, 0], label=label, **style)
    ax.fill_between(horizons, ends[:, 1], ends[:, 2], color=COLOURS[k], alpha=0.2, linewidth=0)
