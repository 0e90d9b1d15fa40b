"""Read stored results; return verdicts, draw the figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from banditlab.dueling import theory
from banditlab.inference.bootstrap import mean_band
from experiments.common import OverInstances
from experiments.drawing import plain
from experiments.dueling_piecewise.simulate import (
    BTW,
    BTWR,
    BTWRS,
    DETECT_BTW,
    DETECT_WS,
    MDB_RUCB,
    MDB_WSS,
    RUCB,
    STRONG,
    WEAK,
    WS,
    WSS,
    configuration,
    file,
    for_strong_regret,
    for_weak_regret,
)
from experiments.slopes import exponent, mean
from experiments.verdicts import Verdict, at_most, because, below, within

PAPER = "Kolpaczki et al. 2022"
OURS = "a comparison of this experiment's"


def read(folder: Path, size: str) -> dict[int, OverInstances]:
    """Return the stored results by number of segments."""
    chosen = configuration()["sizes"][size]
    return {m: OverInstances(file(folder, m), chosen["n_runs"]) for m in chosen["segments"]}


def curves(result: OverInstances, policy: str, metric: str) -> NDArray[np.float64]:
    """Return the regret of each instance at each checkpoint, averaged over its runs."""
    return result.values(metric)[result.policies.index(policy)]


def final(results: dict[int, OverInstances], policy: str, metric: str) -> list[NDArray[np.float64]]:
    """Return the regret after all rounds of each instance, one array per number of segments."""
    return [curves(result, policy, metric)[:, -1] for result in results.values()]


def verdicts(folder: Path, size: str) -> list[Verdict]:
    """Return one verdict per claim."""
    config = configuration()
    results = read(folder, size)
    segments = list(results)
    most = segments[-1]
    found = []

    # M = 1 is left out of slopes: nothing changes
    changing = {m: result for m, result in results.items() if m > 1}
    if len(changing) > 1:
        slope = exponent([m - 1 for m in changing], final(changing, BTWR, WEAK))
        found.append(
            Verdict(f"{BTWR}: weak regret grows at most as the number of changes", f"{PAPER}, order as remembered",
                    "slope <= 1", *slope, within(slope, 1.0))
        )  # fmt: skip
    bound = theory.beat_the_winner_reset_bound(config["n_arms"], config["pmin"] - 0.5)
    ratio = mean(final(results, BTWR, WEAK)[-1] / (most * bound))
    found.append(
        Verdict(f"{BTWR}, M = {most}: weak regret below 20 M K log K / gap^2", f"{PAPER}, bound as reconstructed",
                "ratio <= 1", *ratio, at_most(ratio, 1.0))
    )  # fmt: skip
    explored = theory.monitor_parameters(
        config["n_arms"], config["sizes"][size]["horizon"], config["delta"], most
    ).gamma
    reasons = {
        "DETECT": "DETECT is told pmin and delta, and BtWR nothing",
        "MDB": f"in {explored:.0%} of its rounds MDB has all pairs meet, to notice changes",
    }
    for better, worse, metric in (
        (BTWR, BTW, WEAK),
        (BTWR, WS, WEAK),
        (DETECT_WS, WS, WEAK),
        (DETECT_BTW, BTW, WEAK),
        (BTWR, DETECT_WS, WEAK),
        (BTWR, DETECT_BTW, WEAK),
        (MDB_WSS, WSS, STRONG),
        (MDB_RUCB, RUCB, STRONG),
        (BTWRS, MDB_WSS, STRONG),
        (BTWRS, MDB_RUCB, STRONG),
    ):
        difference = mean(final(results, better, metric)[-1] - final(results, worse, metric)[-1])
        reason = reasons["MDB"] if better.startswith("MDB") else reasons["DETECT"] if worse.startswith("DETECT") else ""
        kind = metric.removeprefix("binary_").replace("_", " ")
        found.append(
            Verdict(f"{better}, M = {most}: less {kind} than {worse}", OURS, "difference < 0", *difference,
                    because(below(difference, 0.0), reason))
        )  # fmt: skip
    for label in (MDB_WSS, MDB_RUCB):
        if len(changing) > 1:
            slope = exponent(list(changing), final(changing, label, STRONG))
            found.append(
                Verdict(f"{label}: strong regret grows at most as the root of M", f"{PAPER}, order as remembered",
                        "slope <= 0.5", *slope, within(slope, 0.5))
            )  # fmt: skip
    return found


def figure(folder: Path, size: str) -> Figure:
    """Return weak and strong regret: over time for one number of segments, and at the end over all numbers."""
    results = read(folder, size)
    shown = 5 if 5 in results else list(results)[-1]
    drawing = Figure(figsize=(10, 7.2), dpi=150, layout="constrained")
    panels = drawing.subplots(2, 2)
    for row, labels, metric in (
        (panels[0], list(for_weak_regret()), WEAK),
        (panels[1], list(for_strong_regret(1)), STRONG),
    ):
        _over_time(row[0], results[shown], labels, metric)
        _over_segments(row[1], results, labels, metric)
        kind = metric.replace("_", " ")
        row[0].set_ylabel(f"mean {kind}")
        row[0].set_title(f"$M$ = {shown} segments", fontsize="medium")
        row[1].set_title(f"after $T$ = {results[shown].checkpoints[-1]:,} rounds", fontsize="medium")
        row[1].legend(frameon=False, fontsize="small", handlelength=3.2)
        for ax in row:
            plain(ax)
    return drawing


def _style(k: int) -> dict[str, Any]:
    from banditlab.plotting import COLOURS, DASHES

    return {"color": COLOURS[k], "linestyle": DASHES[k], "linewidth": 1.6}


def _over_time(ax: Any, result: OverInstances, labels: list[str], metric: str) -> None:
    thousands = result.checkpoints / 1000
    for k, label in enumerate(labels):
        values = curves(result, label, metric)
        low, high = mean_band(values)
        style = _style(k)
        ax.plot(thousands, np.maximum(values.mean(axis=0), 1.0), label=label, **style)
        ax.fill_between(
            thousands, np.maximum(low, 1.0), np.maximum(high, 1.0), color=style["color"], alpha=0.2, linewidth=0
        )
    ax.set_xlabel("round $t$ (thousands)")
    ax.set_yscale("log")


def _over_segments(ax: Any, results: dict[int, OverInstances], labels: list[str], metric: str) -> None:
    from banditlab.plotting import MARKERS

    segments = list(results)
    for k, label in enumerate(labels):
        ends = np.array([mean(sample) for sample in final(results, label, metric)])
        ax.plot(segments, ends[:, 0], marker=MARKERS[k], markersize=4.5, label=label, **_style(k))
        ax.fill_between(segments, ends[:, 1], ends[:, 2], color=_style(k)["color"], alpha=0.2, linewidth=0)
    ax.set_xlabel("number of segments $M$")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(segments, [str(m) for m in segments])
    ax.minorticks_off()
