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


def test_scb_ends_its_search_when_those_that_are_left_are_known_to_be_equal() -> None:
    """Three arms beat one another in a cycle and always beat the other 28, whose results among them nobody needs.

    When the last of these is dropped, often all is known of the three; that some results of arms that were dropped
    are not must not keep the search going, because their rewards cost no round and will never tell equals apart.
    """
    k, n = 31, 28
    place = np.arange(k)
    beats = ((place[None, :] - place[:, None]) % n <= (n - 1) // 2).astype(float)
    beats = np.triu(beats, 1) + np.tril(1.0 - np.triu(beats, 1).T, -1)
    beats[:3, 3:], beats[3:, :3] = 1.0, 0.0
    beats[:3, :3] = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    np.fill_diagonal(beats, 0.5)
    environment = dueling.PreferenceMatrix(beats)
    assert winners.copeland(environment) == [0, 1, 2]
    options = {"n_runs": 16, "checkpoints": [17_000, 17_500], "n_jobs": 1, "progress": False}
    result = bl.run(
        environment, dueling.SCB(first_phase=10**5), horizon=17_500, seed=0, metrics=["copeland_regret"], **options
    )
    regret = result.values("copeland_regret")[0]
    np.testing.assert_allclose(regret[:, 1] - regret[:, 0], 0.0, atol=1e-9)
