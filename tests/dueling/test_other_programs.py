"""Constants and regrets against those that the authors' own programs print.

The programs are https://github.com/jkomiyama/duelingbanditlib (Komiyama, Honda, Kashima, Nakagawa 2015) and
https://github.com/HuasenWu/DuelingBandits (Wu, Liu 2016), with their own matrices and defaults. Their means and
standard errors below are of 400 and 150 runs made for this test.
"""

from __future__ import annotations

import math

import pytest

import banditlab as bl
from banditlab import dueling
from banditlab.dueling import instances, theory


@pytest.mark.parametrize(
    ("name", "rmed1", "lower"),
    [("arxiv", 205.3497, 205.3497), ("cyclic", 73.77667, 8.07213), ("arithmetic", 125.89534, 125.89534)],
)
def test_lower_bounds_are_those_of_the_program_of_komiyama(name, rmed1, lower):
    """It prints "Lower1" and "Lower2" at T = 20,000, which are the constants times log(T + 1)."""
    environment = getattr(instances, name)()
    assert theory.rmed1_constant(environment) * math.log(20_001) == pytest.approx(rmed1, abs=1e-4)
    assert theory.lower_bound_constant(environment) * math.log(20_001) == pytest.approx(lower, abs=1e-4)


KOMIYAMA = [
    (dueling.RMED1(), 236.02, 2.47),
    (dueling.RMED2FH(), 277.94, 3.19),
    (dueling.Sparring(), 602.27, 2.20),
]
WU = [
    (dueling.DoubleThompsonSampling(), 317.22, 16.90),
    (dueling.DoubleThompsonSamplingPlus(), 288.07, 13.96),
    (dueling.RCS(), 680.07, 20.64),
    (dueling.RUCB(), 826.90, 20.76),
    (dueling.CCB(), 830.00, 21.05),
]


@pytest.mark.parametrize(
    ("name", "metric", "horizon", "measured"),
    [("arxiv", "average_regret", 20_000, KOMIYAMA), ("mslr", "copeland_regret", 10_000, WU)],
    ids=["Komiyama", "Wu"],
)
def test_regrets_are_those_of_the_authors_programs(name, metric, horizon, measured):
    n_runs = 100
    policies = [policy for policy, _, _ in measured]
    result = bl.run(
        getattr(instances, name)(), policies, horizon=horizon, n_runs=n_runs, seed=0, checkpoints=[horizon],
        metrics=metric, n_jobs=1, progress=False,
    )  # fmt: skip
    for values, (policy, mean, error) in zip(result.values(metric)[:, :, 0], measured, strict=True):
        both = math.hypot(error, values.std(ddof=1) / math.sqrt(n_runs))
        assert abs(values.mean() - mean) < 4.0 * both, (policy, values.mean(), mean, both)
