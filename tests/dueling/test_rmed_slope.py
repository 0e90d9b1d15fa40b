"""RMED's regret grows like the constants of theory times log T."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import dueling
from banditlab.core.errors import InvalidArgument
from banditlab.dueling import instances, theory

TWO_ARMS = dueling.PreferenceMatrix([[0.5, 0.8], [0.2, 0.5]])
# a clear winner, whom every loser is best compared with, and a cycle of losers
CLEAR = dueling.PreferenceMatrix(
    [[0.5, 0.9, 0.9, 0.9], [0.1, 0.5, 0.6, 0.4], [0.1, 0.4, 0.5, 0.6], [0.1, 0.6, 0.4, 0.5]]
)


def slopes(environment, policy, horizon, n_runs):
    """Return each run's least-squares slope of average regret in log t over the last decade."""
    result = bl.run(environment, policy, horizon=horizon, n_runs=n_runs, seed=1, checkpoints=60)
    late = result.checkpoints >= horizon / 10
    x = np.log(result.checkpoints[late])
    return result.values("average_regret")[0][:, late] @ ((x - x.mean()) / ((x - x.mean()) ** 2).sum())


@pytest.mark.parametrize("environment", [TWO_ARMS, CLEAR], ids=["two arms", "four arms"])
def test_slope_of_rmed2fh_up_to_a_million_rounds_is_near_the_lower_bound(environment):
    """Within 25% of the lower bound's constant, where 160 runs have a standard error of 5% to 7% of it."""
    share = slopes(environment, dueling.RMED2FH(), 1_000_000, 160) / theory.lower_bound_constant(environment)
    assert 0.03 < share.std(ddof=1) / np.sqrt(len(share)) < 0.075
    assert abs(share.mean() - 1.0) < 0.25


def test_on_the_cycle_rmed1_grows_as_its_theorem_says_and_rmed2_much_slower():
    """RMED1's constant is 9 times the lower bound's there: within 4 standard errors (of 4%) it is what is measured."""
    one, two = (slopes(instances.cyclic(), policy, 100_000, 200) for policy in (dueling.RMED1(), dueling.RMED2()))
    error = one.std(ddof=1) / np.sqrt(len(one))
    assert abs(one.mean() - theory.rmed1_constant(instances.cyclic())) < 4 * error
    assert two.mean() < 0.25 * (one.mean() - 4 * error)


def test_constants_agree_where_losers_are_best_compared_with_the_winner():
    for environment in (TWO_ARMS, CLEAR, instances.random_condorcet(5, 0.95, seed=3)):
        one, lower = theory.rmed1_constant(environment), theory.lower_bound_constant(environment)
        assert one >= lower - 1e-12
    assert theory.rmed1_constant(CLEAR) == pytest.approx(theory.lower_bound_constant(CLEAR), rel=1e-12)
    rock = [[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]]
    with pytest.raises(InvalidArgument, match="no Condorcet winner"):
        theory.rmed1_constant(rock)
