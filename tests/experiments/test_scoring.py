"""The instances of the experiments on scoring."""

from __future__ import annotations

import numpy as np
import pytest

from banditlab import scoring
from experiments.scoring_dimensions.simulate import different_values, qualities
from experiments.scoring_hiring.simulate import two_agents


@pytest.mark.parametrize("n_states", [6, 10, 16, 24])
def test_worlds_of_different_states_are_worth_what_the_one_of_two_states_is(n_states):
    plain, rich = qualities(3), different_values(n_states)
    assert rich.n_states == n_states
    np.testing.assert_allclose(rich.prior, 1 / n_states, rtol=1e-12)
    np.testing.assert_allclose(rich.utilities, plain.utilities, rtol=1e-12)
    np.testing.assert_array_equal(rich.costs, plain.costs)
    # no two states have the same beliefs and the same worth
    states = np.concatenate([rich.beliefs, rich.decisions]).T.round(9)
    assert len(np.unique(states, axis=0)) == n_states
    assert len(np.unique(rich.decisions.max(axis=0).round(9))) > 2


def test_splitting_states_changes_nothing_but_their_number():
    for n_copies in (1, 2, 8):
        split = qualities(3, n_copies)
        assert split.n_states == 2 * n_copies
        assert split.optimal().profit == pytest.approx(qualities(3).optimal().profit, abs=1e-8)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_correlation_changes_no_agents_own_signal(correlation):
    world = two_agents(correlation, 0.04)
    apart = two_agents(0.0, 0.04)
    for agent in range(2):
        np.testing.assert_allclose(
            world.observations.sum(axis=4 - agent), apart.observations.sum(axis=4 - agent), rtol=1e-12
        )
    looked = world.observations[1, 1]
    agree = looked[:, 0, 0] + looked[:, 1, 1]
    np.testing.assert_allclose(agree, (1 - correlation) * 0.68 + correlation, rtol=1e-12)
    assert isinstance(world, scoring.HiringProblem)
