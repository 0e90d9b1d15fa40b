"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import banditlab as bl
from experiments.drawing import plain
from experiments.scoring_dimensions.simulate import configuration
from experiments.slopes import exponent, mean
from experiments.verdicts import FAILS, HOLDS, UNDECIDED, Verdict, at_most

SOURCE = "Chen et al. 2023, abstract"


def final(folder: Path, family: str) -> tuple[list[int], list[NDArray[np.float64]]]:
    """Return the numbers of actions or states, and the regrets of all runs at the horizon for each."""
    result = bl.load(folder / f"{family}.parquet")
    regrets = [result.values(environment=name)[0, :, -1] for name in result.environments]
    return configuration()[family]["numbers"], regrets


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    tolerance = configuration()["verdict"]["tolerance"]
    numbers, regrets = final(folder, "actions")
    slope = exponent(numbers, regrets)
    verdict = at_most(slope, 2)
    found = [
        Verdict("regret grows at most like K^2 in the number of actions", SOURCE, "exponent <= 2", *slope, verdict)
    ]
    numbers, regrets = final(folder, "states")
    slope = exponent(numbers, regrets)
    inside = -tolerance <= slope[1] and slope[2] <= tolerance
    outside = slope[1] > tolerance or slope[2] < -tolerance
    verdict = HOLDS if inside else FAILS if outside else UNDECIDED
    claim = "regret does not depend on the number of states, where nobody can tell some of them apart"
    found.append(Verdict(claim, SOURCE, f"exponent 0 +- {tolerance}", *slope, verdict))
    numbers, regrets = final(folder, "values")
    slope = exponent(numbers, regrets)
    verdict = at_most(slope, tolerance)
    claim = "regret does not grow with the number of states, where all of them differ in beliefs and values"
    found.append(Verdict(claim, SOURCE, f"exponent <= {tolerance}", *slope, verdict))
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return regret at the horizon against the number of actions, and against the number of states of either kind."""
    from banditlab.plotting import COLOURS

    drawing = Figure(figsize=(11.5, 3.8), dpi=150, layout="constrained")
    panels = drawing.subplots(1, 3, sharey=True)
    names = {
        "actions": "number of actions $K$",
        "states": "number of states, split",
        "values": "number of states, all different",
    }
    for ax, (family, name) in zip(panels, names.items(), strict=True):
        numbers, regrets = final(folder, family)
        found = np.array([mean(sample) for sample in regrets])
        slope, low, high = exponent(numbers, regrets)
        errors = np.abs(found[:, 1:] - found[:, :1]).T
        label = f"exponent {slope:.2f} [{low:.2f}, {high:.2f}]"
        ax.errorbar(numbers, found[:, 0], errors, color=COLOURS[0], marker="o", markersize=5, capsize=3, label=label)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(numbers, [str(n) for n in numbers])
        ax.set_xticks([], minor=True)
        ax.set_xlabel(name)
        if family == "actions":
            steepest = found[-1, 0] * (np.array(numbers) / numbers[-1]) ** 2
            ax.plot(numbers, steepest, color="black", linestyle=(0, (1, 2)), linewidth=1.2, label="$K^2$")
        plain(ax)
        ax.legend(frameon=False, fontsize="small", loc="upper left")
    horizon = bl.load(folder / "actions.parquet").horizon
    panels[0].set_ylabel(f"mean regret at $T$ = {horizon:,}")
    return drawing
