"""Draw what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from banditlab.inference.bootstrap import mean_band
from banditlab.plotting import COLOURS, DASHES, MARKERS
from experiments.drawing import plain
from experiments.dueling_contextual.analysis import final, read
from experiments.dueling_contextual.simulate import CONSTANTS, POLICIES
from experiments.slopes import mean

TITLES = {
    "theory": "constants of the theory",
    "released": "constants of the released code",
    "same": "the same radius for all",
}


def figures(folder: Path, size: str) -> dict[str, Figure]:
    """Return regret against the round, and regret at the horizon against the scale."""
    table = read(folder, size)
    return {"regret": of_rounds(table), "scale": of_scales(table)}


def of_rounds(table: pd.DataFrame) -> Figure:
    """Return one panel per scale and set of constants: mean regret over scale, with 95% bootstrap bands."""
    scales = [s for s in sorted(set(table["scale"])) if s >= 1.0]
    drawing = Figure(figsize=(3.4 * len(scales), 8.2), dpi=150, layout="constrained")
    panels = drawing.subplots(len(CONSTANTS), len(scales), sharex=True, sharey="row", squeeze=False)
    for row, constants in zip(panels, CONSTANTS, strict=True):
        for ax, scale in zip(row, scales, strict=True):
            part = table[(table["constants"] == constants) & (table["scale"] == scale)]
            for k, policy in enumerate(POLICIES):
                values = part[part["policy"] == policy].pivot_table(
                    index="run", columns="round", values="contextual_regret"
                )
                _line(ax, k, values.columns.to_numpy(), values.to_numpy() / scale, policy)
            ax.set_title(f"{TITLES[constants]}, scale {scale:g}", fontsize=9)
            _plain(ax)
        row[0].set_ylabel("regret / scale")
        row[0].set_ylim(0.0, None)
    for ax in panels[-1]:
        ax.set_xlabel("round $t$")
    _legend(drawing, panels[0, 0])
    return drawing


def of_scales(table: pd.DataFrame) -> Figure:
    """Return a panel a set of constants: mean regret at the horizon, over scale, against the scale."""
    drawing = Figure(figsize=(11, 4.1), dpi=150, layout="constrained")
    panels = drawing.subplots(1, len(CONSTANTS), sharey=True)
    for ax, constants in zip(panels, CONSTANTS, strict=True):
        for k, policy in enumerate(POLICIES):
            samples = {scale: sample / scale for scale, sample in final(table, constants, policy).items()}
            x = np.array(list(samples))
            low, high = np.array([mean(sample)[1:] for sample in samples.values()]).T
            means = [sample.mean() for sample in samples.values()]
            style = {"color": COLOURS[k], "linestyle": DASHES[k], "marker": MARKERS[k], "markersize": 5}
            ax.plot(x, means, linewidth=1.6, label=policy, **style)
            ax.fill_between(x, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(x, [f"{s:g}" for s in x])
        ax.minorticks_off()
        ax.set_xlabel(r"scale $\|\theta^*\|$")
        ax.set_title(TITLES[constants], fontsize=10)
        _plain(ax)
    panels[0].set_ylabel(f"regret / scale after {int(table['round'].max()):,} rounds")
    _legend(drawing, panels[0])
    return drawing


def _line(ax: Any, k: int, rounds: Any, values: Any, label: str) -> None:
    low, high = mean_band(values)
    ax.plot(rounds, values.mean(axis=0), color=COLOURS[k], linestyle=DASHES[k], linewidth=1.5, label=label)
    ax.fill_between(rounds, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)


def _plain(ax: Any) -> None:
    plain(ax)


def _legend(drawing: Figure, ax: Any) -> None:
    lines, labels = ax.get_legend_handles_labels()
    drawing.legend(
        lines, labels, loc="outside lower center", ncols=len(labels), frameon=False, handlelength=3.0, fontsize=9
    )
