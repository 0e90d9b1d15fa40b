"""Drawings of the pages of explanation.

``python docs/pages/figures.py`` draws them into docs/images, from what was measured; ``--measure`` measures again, on
one core, and keeps the figures and the machine in docs/images/lanes.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

import banditlab as bl
from banditlab import arms
from banditlab.core.protocol import Batch
from banditlab.plotting import COLOURS, DASHES

IMAGES = Path(__file__).parents[1] / "images"
MEASURED = IMAGES / "lanes.json"

LANES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
HORIZON = 10_000
MEANS = np.linspace(0.1, 0.9, 10)
POLICIES = (arms.UCB1(), arms.ThompsonSampling())
REPETITIONS = 7
SHORTEST = 0.05
"""Seconds that a measurement takes at least: few lanes are played several times."""

SECOND_LEVEL = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
"""Where Linux says how large a core's second-level cache is."""

# What a lane of UCB1 with ten arms has: counts, sums, means and widths of each arm, two generators of four words, the
# regret, and four entries of scratch.
BYTES_A_LANE = 8 * (4 * len(MEANS) + 2 * 4 + 1 + 4)


def nanoseconds_a_round(policy: Any, lanes: int) -> float:
    """Return the processor time of a round of a run, when so many runs are played side by side."""
    protocol, world = policy.family.protocol, arms.Bernoulli(MEANS)
    batch = Batch(0, lanes, HORIZON, np.array([HORIZON]), ("regret",), seed=0)
    played, spent = 0, 0.0
    while spent < SHORTEST:
        started = time.thread_time()
        protocol.simulate(world, policy, batch, lambda _: None)
        spent += time.thread_time() - started
        played += lanes * HORIZON
    return 1e9 * spent / played


def measure() -> None:
    """Measure, the numbers of lanes in turn, and keep the smallest of some repetitions of each."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    samples: dict[str, list[list[float]]] = {policy.label: [[] for _ in LANES] for policy in POLICIES}
    for policy in POLICIES:
        nanoseconds_a_round(policy, 1)  # compiles
    for _ in range(REPETITIONS):
        for policy in POLICIES:
            for k, lanes in enumerate(LANES):
                samples[policy.label][k].append(nanoseconds_a_round(policy, lanes))
    kept = {
        "lanes": LANES,
        "nanoseconds": {name: [round(min(found), 2) for found in row] for name, row in samples.items()},
        "arms": len(MEANS),
        "horizon": HORIZON,
        "repetitions": REPETITIONS,
        "machine": platform.machine(),
        "second_level_cache": SECOND_LEVEL.read_text().strip() if SECOND_LEVEL.exists() else None,
        "version": bl.__version__,
    }
    MEASURED.write_text(json.dumps(kept, indent=1) + "\n")


def _bare(ax: Any, width: float, height: float) -> None:
    ax.set(xlim=(0.0, width), ylim=(height, 0.0), aspect="equal")
    ax.axis("off")


def _cells(ax: Any, left: float, top: float, texts: list[list[str]], fill: list[list[str]]) -> None:
    """Draw a table of cells, one unit wide and high each."""
    for row, (words, colours) in enumerate(zip(texts, fill, strict=True)):
        for column, (word, colour) in enumerate(zip(words, colours, strict=True)):
            place = (left + column, top + row)
            ax.add_patch(Rectangle(place, 1.0, 1.0, facecolor=colour, edgecolor="white", linewidth=1.5, alpha=0.5))
            ax.text(place[0] + 0.5, place[1] + 0.5, word, ha="center", va="center", fontsize=9)


def draw_layout() -> Figure:
    """Draw where the means of three arms lie in memory, for four runs: run by run, and with the lane last."""
    figure = Figure(figsize=(8.0, 3.9), layout="constrained")
    ax = figure.add_subplot()
    _bare(ax, 12.1, 5.9)
    runs, n_arms = 4, 3
    of_run = list(COLOURS[:runs])
    ax.text(0.0, 0.35, "One run after another: the runs' means lie arm by arm, run by run", fontsize=10, weight="bold")
    names = [f"{arm},{run}" for run in range(runs) for arm in range(n_arms)]
    _cells(ax, 0.0, 0.8, [names], [[of_run[run] for run in range(runs) for _ in range(n_arms)]])
    ax.text(0.0, 2.75, "Lane last: means[arm, lane], neighbours are neighbouring runs", fontsize=10, weight="bold")
    names = [f"{arm},{run}" for arm in range(n_arms) for run in range(runs)]
    _cells(ax, 0.0, 3.2, [names], [of_run * n_arms])
    for left, arm in zip((0.0, 4.0, 8.0), range(n_arms), strict=True):
        ax.add_patch(Rectangle((left + 0.04, 3.24), 3.92, 0.92, fill=False, edgecolor="black", linewidth=1.4))
        ax.text(left + 2.0, 4.62, f"one vector load: arm {arm} of four runs", ha="center", va="center", fontsize=9)
    ax.text(0.0, 2.15, "arm 0 of the four runs: four loads, three entries apart", fontsize=9, va="center")
    for run in range(runs):
        ax.add_patch(Rectangle((3 * run + 0.04, 0.84), 0.92, 0.92, fill=False, edgecolor="black", linewidth=1.4))
    ax.text(0.0, 5.55, "cells: arm,run", fontsize=9, va="center")
    for run, colour in enumerate(of_run):
        ax.add_patch(Rectangle((2.6 + 1.7 * run, 5.3), 0.5, 0.5, facecolor=colour, alpha=0.5))
        ax.text(3.2 + 1.7 * run, 5.55, f"run {run}", fontsize=9, va="center")
    return figure


def draw_lanes() -> Figure:
    """Draw what was measured: time a round against the number of runs that are played side by side."""
    kept = json.loads(MEASURED.read_text())
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    ax = figure.add_subplot()
    for (name, times), colour, dash, marker in zip(kept["nanoseconds"].items(), COLOURS, DASHES, "os", strict=False):
        ax.plot(kept["lanes"], times, color=colour, linestyle=dash, marker=marker, markersize=4, label=name)
    ax.set(xscale="log", yscale="log", xlabel="runs side by side (lanes)", ylabel="ns a round and run, one core")
    ax.set_xticks(kept["lanes"][::2], [f"{lanes:,}" for lanes in kept["lanes"][::2]])
    ax.set_xticks([], minor=True)
    ax.set_yticks([10, 30, 100, 300, 1000], ["10", "30", "100", "300", "1,000"])
    ax.set_yticks([], minor=True)
    ax.axvline(128, color="0.55", linewidth=1.0)
    top = {"transform": ax.get_xaxis_transform(), "va": "top", "fontsize": 8.5, "color": "0.35"}
    ax.text(128 * 1.08, 0.98, "a task:\n128 runs", **top)
    if kept["second_level_cache"] is not None:
        kibibytes = int(kept["second_level_cache"].removesuffix("K"))
        full = 1024 * kibibytes / BYTES_A_LANE
        ax.axvline(full, color="0.55", linewidth=1.0, linestyle=(0, (1, 2)))
        ax.text(full / 1.08, 0.98, f"UCB1's state\nfills {kibibytes / 1024:g} MiB", ha="right", **top)
    ax.spines[["top", "right"]].set_visible(False)
    for (name, times), colour in zip(kept["nanoseconds"].items(), COLOURS, strict=False):
        ax.text(160, 1.25 * times[kept["lanes"].index(128)], name, color=colour, fontsize=10)
    return figure


def _box(ax: Any, left: float, top: float, width: float, height: float, title: str, text: str, colour: str) -> None:
    ax.add_patch(Rectangle((left, top), width, height, facecolor="white", edgecolor=colour, linewidth=1.6))
    ax.add_patch(Rectangle((left, top), width, 0.62, facecolor=colour, edgecolor=colour, linewidth=1.6))
    ax.text(left + 0.15, top + 0.33, title, va="center", fontsize=9, color="white", weight="bold")
    ax.text(left + 0.15, top + 0.82, text, va="top", fontsize=8.2, linespacing=1.35)


def _arrow(ax: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color="0.3", linewidth=1.2))


def draw_one_class() -> Figure:
    """Draw how a class is taken apart by its decorator, and who puts the parts together."""
    figure = Figure(figsize=(8.2, 4.7), layout="constrained")
    ax = figure.add_subplot()
    _bare(ax, 16.6, 9.4)
    blue, orange, green, grey = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[7]
    _box(ax, 0.1, 3.2, 3.8, 2.9, "@arms.policy class", "fields\nderive(problem)\nstate(space)\nindex, update", blue)
    record = "a record: alpha=0.5,\nand what derive adds"
    _box(ax, 5.3, 0.3, 4.8, 1.9, "params(problem)", record, green)
    table = "index:  {record type: function}\nupdate: {record type: function}"
    _box(ax, 5.3, 3.7, 4.8, 1.9, "generic functions", table, green)
    arrays = "a record: counts, sums, means,\nwidths, each [arm, lane]"
    _box(ax, 5.3, 7.1, 4.8, 1.9, "state(space)", arrays, green)
    uses = (
        ("bl.run", "compiled: all lanes in lockstep", orange),
        ('backend="python"', "the same loops, interpreted", orange),
        ("bl.start", "compiled: one lane, one round", orange),
        ('backend="cuda"', "compiled: one thread per lane", grey),
    )
    for k, (title, text, colour) in enumerate(uses):
        top = 0.3 + 2.4 * k
        _box(ax, 11.6, top, 4.8, 1.5, title, text, colour)
        for y in (1.25, 4.65, 8.05):
            ax.plot([10.1, 10.85], [y, y], color="0.3", linewidth=1.2)
        _arrow(ax, (10.85, top + 0.75), (11.6, top + 0.75))
    ax.plot([10.85, 10.85], [1.05, 8.25], color="0.3", linewidth=1.2)
    for y in (1.25, 4.65, 8.05):
        ax.plot([4.6, 5.0], [y, y], color="0.3", linewidth=1.2)
        _arrow(ax, (4.6, y), (5.3, y))
    ax.plot([3.9, 4.6], [4.65, 4.65], color="0.3", linewidth=1.2)
    ax.plot([4.6, 4.6], [1.25, 8.05], color="0.3", linewidth=1.2)
    return figure


DRAWINGS = {"lanes_layout.png": draw_layout, "lanes_measured.png": draw_lanes, "one_class.png": draw_one_class}


def main() -> None:
    """Draw everything; with --measure, measure first."""
    parser = argparse.ArgumentParser(description="Draw the figures of the pages of explanation.")
    parser.add_argument("--measure", action="store_true", help="measure again, which takes some minutes")
    if parser.parse_args().measure:
        measure()
    for name, draw in DRAWINGS.items():
        draw().savefig(IMAGES / name, dpi=160)


if __name__ == "__main__":
    main()
