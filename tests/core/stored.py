"""What tests of stores play, and what they find."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import banditlab as bl
from banditlab import arms

ENV = arms.Bernoulli([0.2, 0.5, 0.4])
POLICIES = [arms.UCB1(), arms.EpsilonGreedy()]
OPTIONS = {"horizon": 60, "seed": 11, "metrics": ("regret", "pulls"), "progress": False}


def play(folder, n_runs=300, policies=POLICIES, **changes):
    return bl.run(ENV, policies, n_runs=n_runs, store=folder, **(OPTIONS | changes))


def same(a, b):
    assert a.metrics == b.metrics
    for metric in a.metrics:
        np.testing.assert_array_equal(a.values(metric), b.values(metric))


def files(folder):
    return sorted(Path(folder).rglob("runs-*.parquet"))
