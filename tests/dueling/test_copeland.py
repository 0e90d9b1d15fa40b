"""Policies that look for Copeland winners end with one."""

from __future__ import annotations

import numpy as np
import pytest

import banditlab as bl
from banditlab import dueling
from banditlab.dueling import winners


def tournament(k: int, seed: int) -> dueling.PreferenceMatrix:
    """Return an instance in which, of each two arms, one wins four of five duels."""
    above = np.triu(np.random.default_rng(seed).choice([0.2, 0.8], (k, k)), 1)
    return dueling.PreferenceMatrix(above + np.tril(1.0 - above.T, -1) + 0.5 * np.eye(k))


@pytest.mark.parametrize("seed", [0, 5, 6])
def test_savage_ends_with_a_copeland_winner_and_not_with_an_arm_that_lost_as_rarely(seed: int) -> None:
    """An arm with as few certain defeats as the winner may have results that are not certain, and lose these duels."""
    environment = tournament(5, seed)
    assert winners.condorcet(environment) is None
    options = {"n_runs": 100, "checkpoints": [3900, 4000], "n_jobs": 1, "progress": False}
    policy = dueling.SAVAGE("copeland", delta=1e-6)
    result = bl.run(environment, policy, horizon=4000, seed=seed, metrics=["copeland_regret", "duels"], **options)
    late = result.values("copeland_regret")[0]
    np.testing.assert_allclose(late[:, 1] - late[:, 0], 0.0, atol=1e-9)
    ends = {a for a in range(5) if (np.diff(result.values(f"duels[{a}]")[0], axis=1) == 100).any()}
    assert ends <= set(winners.copeland(environment))
