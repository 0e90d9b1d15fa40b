"""Instances of the experiments on k-MAX bandits and on full-bandit feedback, and what is computed from results."""

from __future__ import annotations

import numpy as np
import pytest

from banditlab import semibandits
from experiments.semibandits_cetc import analysis as cetc
from experiments.semibandits_cetc.simulate import environments
from experiments.semibandits_kmax import analysis as kmax
from experiments.semibandits_kmax.simulate import instances


def test_instances_differ_in_the_last_item_alone_and_its_mean_is_the_same():
    environments = list(instances().values())
    for environment in environments:
        np.testing.assert_array_equal(environment.values[:-1], environments[0].values[:-1])
        np.testing.assert_array_equal(environment.probabilities[:-1], environments[0].probabilities[:-1])
        assert environment.values[-1, 0] * environment.probabilities[-1, 0] == pytest.approx(0.2)
    best = [environment.best_value for environment in environments]
    assert best == sorted(best)  # risk is worth more the larger it is


def test_on_the_coverage_instances_greedy_finds_the_best_set_and_is_not_misled_by_small_errors():
    rng = np.random.default_rng(0)
    algorithms = {"cardinality": semibandits.Greedy(), "knapsack": semibandits.GreedyPlusMax()}
    for name, environment in environments().items():
        for _ in range(20):
            found = algorithms[name].maximise(
                lambda action: environment.value(action) + rng.uniform(-0.005, 0.005),  # noqa: B023
                environment.actions,
                environment.n_arms,
            )
            assert found == environment.best_action


def test_slopes_and_ratios_on_known_numbers():
    assert cetc.theoretical_slope([10**5, 10**6]) == pytest.approx(2 / 3 + np.log10(6 / 5) / 3, abs=1e-9)
    doubled = kmax.ratio(2.0 * np.arange(1.0, 9.0), np.arange(1.0, 9.0))
    assert doubled == pytest.approx((2.0, 2.0, 2.0))
