"""What is computed from the results of the experiments on duels."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import dueling
from experiments.dueling_classics import analysis, simulate
from experiments.dueling_weak.analysis import late_share
from experiments.verdicts import FAILS, HOLDS, UNTESTABLE


def test_late_share_is_that_of_all_instances_together():
    share, low, high = late_share(np.array([[10.0, 10.0], [30.0, 50.0], [0.0, 0.0]]))
    assert share == pytest.approx(20 / 60)
    assert low <= share <= high


def test_less_regret_is_judged_by_the_whole_interval_of_differences():
    matrix = dueling.PreferenceMatrix([[0.5, 0.9], [0.1, 0.5]])
    pair = {"RUCB": dueling.RUCB(), "same": dueling.RUCB(), "VDB": dueling.VersatileDB()}
    result = bl.run({"two": matrix}, pair, horizon=2000, n_runs=20, seed=0)
    assert analysis.less_regret(result, "two", "RUCB", "VDB", "").verdict == HOLDS
    assert analysis.less_regret(result, "two", "VDB", "RUCB", "").verdict == FAILS
    tie = analysis.less_regret(result, "two", "RUCB", "same", "")
    assert (tie.measured, tie.outcome) == (0.0, UNTESTABLE)


def test_every_instance_has_a_condorcet_winner():
    for environment in simulate.instances().values():
        assert environment.condorcet_winner == 0
        one, lower = dueling.theory.rmed1_constant(environment), dueling.theory.lower_bound_constant(environment)
        assert np.isclose(one, lower) == (environment.n_arms > 4)
