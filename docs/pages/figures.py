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
        "version": bl.__version__,
    }
    MEASURED.write_text(json.dumps(kept, indent=1) + "\n")
