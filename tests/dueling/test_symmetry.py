"""Names of arms mean nothing: on an instance and on its relabelled copy, regret has the same law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import banditlab as bl
from banditlab import dueling
from banditlab.dueling import instances

from .players import DEFAULTS, VARIANTS

# Those whose options decide who comes first, besides all defaults.
OPTIONS = ("BeatTheMean", "BeatTheWinnerResetStrong", "InterleavedFilter", "RMED2", "SAVAGE", "VersatileDB")
TRIED = [
    policy
    for policy in VARIANTS
    if policy == DEFAULTS[type(policy).__name__] or type(policy).__name__ in OPTIONS or "memory" in repr(policy)
]

ENV = instances.random_condorcet(5, 0.6, winner=0, seed=11)
ORDER = [3, 1, 4, 2, 0]  # the winner comes last
RELABELLED = dueling.PreferenceMatrix(ENV.preferences[np.ix_(ORDER, ORDER)])
ROUNDS = [15, 120]  # while arms meet for the first time; and when much is known
METRICS = ("average_regret", "binary_weak_regret")
N_RUNS = 2000


def regrets(policy: Any, environment: Any, seed: int) -> list[NDArray[np.float64]]:
    options: dict[str, Any] = {"horizon": ROUNDS[-1], "checkpoints": ROUNDS, "n_jobs": 1, "progress": False}
    result = bl.run(environment, policy, n_runs=N_RUNS, seed=seed, metrics=METRICS, **options)
    return [result.values(metric)[0, :, k] for metric in METRICS for k in range(len(ROUNDS))]


@pytest.mark.parametrize("policy", TRIED, ids=repr)
def test_relabelling_arms_does_not_change_the_law_of_regret(policy: Any) -> None:
    for one, other in zip(regrets(policy, ENV, seed=1), regrets(policy, RELABELLED, seed=2), strict=True):
        error = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / N_RUNS)
        assert abs(one.mean() - other.mean()) <= 4 * error
        assert stats.ks_2samp(one, other, method="asymp").pvalue > 6e-5  # as rare as 4 standard errors


def test_the_test_notices_an_order_of_arms() -> None:
    @dueling.policy
    class FirstIsFavoured:
        """Compares random arms, of which arm 0 is drawn a little more often."""

        def select(self, state, lane, t, rng):
            i, j = (int(5.5 * bl.core.sampling.uniform(rng, lane)) % 5 for _ in range(2))
            return i, j

        def update(self, state, first, second, lane, won, t):
            pass

    options: dict[str, Any] = {"horizon": 15, "n_runs": 300, "backend": "python", "n_jobs": 1, "progress": False}
    with np.errstate(over="ignore"):
        one = bl.run(ENV, FirstIsFavoured(), seed=1, **options).values()[0, :, -1]
        other = bl.run(RELABELLED, FirstIsFavoured(), seed=2, **options).values()[0, :, -1]
    assert abs(one.mean() - other.mean()) > 4 * np.sqrt((one.var() + other.var()) / 300)
