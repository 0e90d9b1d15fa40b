"""What is true of a device: tests that test_device.py runs on a real one, and test_played.py where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import DeviceError

from .cases import ARMS, CASES, extremes, together_and_alone


@pytest.mark.parametrize("name", CASES)
def test_run_for_run_as_on_the_processor(name: str) -> None:
    """All arithmetic in kernels is IEEE's, not fused, and log and exp are the package's own: so nothing may differ."""
    case = CASES[name]
    options: dict[str, Any] = {"horizon": 60, "n_runs": 300, "seed": 3, "progress": False, "metrics": case.metrics}
    here, there = (bl.run(case.environment, case.policy, backend=b, **options) for b in ("cpu", "cuda"))
    for metric in here.metrics:
        np.testing.assert_array_equal(here.values(metric), there.values(metric))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", CASES)
def test_run_for_run_where_outcomes_are_sure_tied_or_many(name: str, precision: str) -> None:
    case = CASES[name]
    options: dict[str, Any] = {"horizon": 400, "n_runs": 40, "seed": 3, "progress": False, "precision": precision}
    for world, asked in extremes(case, 400):
        here, there = (bl.run(world, case.policy, backend=b, metrics=asked, **options) for b in ("cpu", "cuda"))
        for metric in here.metrics:
            np.testing.assert_array_equal(here.values(metric), there.values(metric), err_msg=repr(world))


@pytest.mark.parametrize("name", CASES)
def test_cells_that_share_launches_are_as_on_the_processor(name: str) -> None:
    for shared, alone in together_and_alone(CASES[name], "cpu"):
        np.testing.assert_array_equal(shared, alone)


@pytest.mark.parametrize(
    "policy", [arms.UCB1(), arms.ThompsonSampling(), arms.KLUCB(), arms.BayesUCB()], ids=lambda p: type(p).__name__
)
def test_in_distribution_over_many_runs(policy: Any) -> None:
    """Other seeds give regrets of the same law: Kolmogorov and Smirnov's test over 10^5 runs, at 4 standard errors."""
    options: dict[str, Any] = {"horizon": 200, "n_runs": 100_000, "progress": False, "checkpoints": [200]}
    here = bl.run(ARMS, policy, backend="cpu", seed=1, **options).values()[0, :, -1]
    there = bl.run(ARMS, policy, backend="cuda", seed=2, **options).values()[0, :, -1]
    assert scipy.stats.ks_2samp(here, there).pvalue > 6e-5


def test_a_million_runs_reduced_on_the_device() -> None:
    options: dict[str, Any] = {"horizon": 100, "seed": 1, "keep": "summary", "progress": False, "backend": "cuda"}
    found = bl.run(ARMS, arms.UCB1(), n_runs=10**6, **options).statistics()[0]
    few = bl.run(ARMS, arms.UCB1(), n_runs=20_000, seed=9, horizon=100, progress=False).values()[0, :, -1]
    assert abs(found.mean[-1] - few.mean()) < 4.0 * few.std() / np.sqrt(len(few))
    assert found.n_runs == 10**6


def test_a_thread_that_raises_is_noticed() -> None:
    @arms.policy
    class Nowhere:
        """Chooses an arm that is not there."""

        def select(self, state, lane, t, rng):
            return 7 if t > 20 else 0

        def update(self, state, arm, lane, reward, t):
            pass

    with pytest.raises(DeviceError, match="stopped with an exception in lane 0 of 10"):
        bl.run(ARMS, Nowhere(), horizon=40, n_runs=10, seed=0, backend="cuda", progress=False)
