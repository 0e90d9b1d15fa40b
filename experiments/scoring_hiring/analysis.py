"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.common import final, load_horizons
from experiments.drawing import legend_above, plain
from experiments.scoring_hiring.simulate import OFFLINE, configuration, policies
from experiments.slopes import exponent, mean
from experiments.verdicts import FAILS, HOLDS, Verdict, above, at_most, because

SOURCE = "Cacciamani et al. 2024, abstract"
COMMIT, SAFER, UNCORRELATED, ORACLE = policies()


def offline(folder: Path) -> dict[float, NDArray[np.float64]]:
    """Return, for each cost, rows of correlation, profit with and profit without correlated mechanisms."""
    with (folder / OFFLINE).open(newline="") as table:
        rows = [[float(value) for value in row.values()] for row in csv.DictReader(table)]
    costs = dict.fromkeys(cost for _, cost, _, _ in rows)
    return {c: np.array([[rho, both, own] for rho, cost, both, own in rows if cost == c]) for c in costs}


def exact(value: float) -> tuple[float, float, float]:
    """Return the solution of a program as a measurement without error."""
    return value, value, value


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    config, solved = configuration(), offline(folder)
    results, tolerance = load_horizons(folder, config["sizes"][size]["horizons"]), config["verdict"]["tolerance"]
    gains = np.concatenate([rows[:, 1] - rows[:, 2] for rows in solved.values()])
    shared = np.concatenate([rows[:, 0] for rows in solved.values()])
    found = [
        Verdict(
            "correlated mechanisms are never worse (least gain, exact programs)",
            SOURCE,
            ">= 0",
            *exact(float(gains.min())),
            HOLDS if gains.min() > -1e-8 else FAILS,
        ),
        Verdict(
            "optimal mechanisms must correlate (largest gain)",
            SOURCE,
            "> 0",
            *exact(float(gains.max())),
            HOLDS if gains.max() > 1e-6 else FAILS,
        ),
        Verdict(
            "where signals are independent given the state, nothing is gained here (largest gain)",
            "an observation of this experiment's",
            "0",
            *exact(float(gains[shared == 0.0].max())),
            HOLDS if gains[shared == 0.0].max() < 1e-8 else FAILS,
        ),
    ]
    disobeyed = "payments are not obeyed where estimates are off by more than the margin that the mixture leaves"
    for policy in (COMMIT, SAFER):
        slope = exponent(list(results), final(results, policy))
        claim = f"{policy}: regret grows at most like T^(2/3)"
        found.append(
            Verdict(claim, SOURCE, "exponent <= 0.667", *slope, because(at_most(slope, 2 / 3 + tolerance), disobeyed))
        )
    difference = mean(final(results, UNCORRELATED)[-1] - final(results, SAFER)[-1])
    claim = f"{SAFER}: at this T already better than the best uncorrelated mechanism"
    found.append(
        Verdict(
            claim,
            "a comparison of this experiment's",
            "regret saved > 0",
            *difference,
            because(above(difference, 0.0), "exploration costs T^(2/3), up to here more than correlation is worth"),
        )
    )
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return what correlated mechanisms gain against how correlated signals are, and regret against the horizon."""
    from banditlab.plotting import COLOURS, DASHES, MARKERS

    results = load_horizons(folder, configuration()["sizes"][size]["horizons"])
    horizons = np.array(list(results), dtype=float)
    drawing = Figure(figsize=(9.5, 3.8), dpi=150, layout="constrained")
    left, right = drawing.subplots(1, 2)
    for k, (cost, rows) in enumerate(offline(folder).items()):
        style = {"color": COLOURS[k], "linestyle": DASHES[k], "marker": MARKERS[k], "markersize": 4.5}
        left.plot(rows[:, 0], 100.0 * (rows[:, 1] / rows[:, 2] - 1.0), label=f"cost of looking {cost:g}", **style)
    for k, policy in enumerate((COMMIT, SAFER, UNCORRELATED)):
        samples = final(results, policy)
        found = np.array([mean(sample) for sample in samples])
        style = {"color": COLOURS[3 + k], "linestyle": DASHES[k], "marker": MARKERS[3 + k], "markersize": 4.5}
        slope = exponent(list(horizons), samples)[0]
        right.plot(horizons, found[:, 0], label=f"{policy}: slope {slope:.2f}", linewidth=1.6, **style)
        right.fill_between(horizons, found[:, 1], found[:, 2], color=COLOURS[3 + k], alpha=0.2, linewidth=0)
    start = 0.6 * final(results, COMMIT)[0].mean()
    guide = start * (horizons / horizons[0]) ** (2 / 3)
    right.plot(horizons, guide, color="black", linestyle=(0, (1, 2)), linewidth=1.2, label=r"$T^{2/3}$")
    left.set_xlabel("correlation of the agents' errors")
    left.set_ylabel("gain by correlated mechanisms (% of profit)")
    right.set_xlabel("horizon $T$")
    right.set_ylabel("mean regret at $T$")
    right.set_xscale("log")
    right.set_yscale("log")
    for ax in (left, right):
        plain(ax)
        legend_above(ax, 0.3 if ax is right else 0.0, handlelength=3.2)
    return drawing
