"""Double Thompson sampling: all lanes at once as one by one, and what its ties and bounds decide."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from banditlab import dueling
from banditlab.core import sampling
from banditlab.core.components import Problem, Space, make_state
from banditlab.dueling import generics

both = pytest.mark.parametrize("cls", [dueling.DoubleThompsonSampling, dueling.DoubleThompsonSamplingPlus])


@both
@pytest.mark.parametrize("n_arms", [2, 3, 6])
def test_lanes_at_once_choose_as_one_by_one_from_the_same_draws(cls: Any, n_arms: int) -> None:
    lanes, policy, luck = 4, cls(), np.random.default_rng(n_arms)
    params = policy.params(Problem(n_arms, None))
    state = make_state(policy, Space(n_arms, lanes, None))
    rng = sampling.seeded(1, sampling.POLICY_STREAM, 0, lanes)
    first, second = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    met = set()
    with np.errstate(over="ignore"):
        for t in range(1, 60):
            same, draws = copy.deepcopy(state), rng.copy()
            generics.select_lanes(params, state, t, rng, first, second)
            chosen = [tuple(map(int, generics.select(params, same, w, t, draws))) for w in range(lanes)]
            assert chosen == list(zip(first.tolist(), second.tolist(), strict=True))
            np.testing.assert_array_equal(draws, rng)
            for a, b in zip(state, same, strict=True):
                np.testing.assert_array_equal(a, b)
            for w, (i, j) in enumerate(chosen):
                met.add((i, j))
                generics.update(params, state, i, j, w, bool(luck.random() < (0.7 if i < j else 0.3)), t)
    assert len(met) > n_arms


def told(cls: Any, wins: list[list[int]]) -> tuple[Any, Any]:
    """Return parameters and a state of one lane that has seen some wins."""
    policy, k = cls(), len(wins)
    params, state = policy.params(Problem(k, None)), make_state(policy, Space(k, 1, None))
    for i in range(k):
        for j in range(k):
            for t in range(wins[i][j]):
                generics.observe(params, state, i, j, 0, True, t + 1)
    return params, state


@both
def test_second_arm_is_one_that_may_beat_the_first_and_not_one_that_it_beats(cls: Any) -> None:
    """Arm 0 surely beats all: it meets itself, but for the rare sample in which another beats it."""
    params, state = told(cls, [[0, 900, 900], [100, 0, 500], [100, 500, 0]])
    rng = sampling.seeded(3, sampling.POLICY_STREAM, 0, 1)
    with np.errstate(over="ignore"):
        assert {generics.select(params, state, 0, 2000, rng) for _ in range(200)} == {(0, 0)}


def test_plus_breaks_ties_for_the_arm_that_costs_least_to_compare_with_all() -> None:
    """Three arms in a cycle all beat a fourth one, but not equally often.

    Each beats two arms, so that comparing two of them costs 2 - (2 + 2) / 2 = 0, and one of them with the fourth costs
    2 - (2 + 0) / 2 = 1 for 1 / d rounds: least for the arm that beats it most often.
    """
    big = 10**5
    wins = [[0, big, 0, int(0.6 * big)], [0, 0, big, int(0.7 * big)], [big, 0, 0, int(0.9 * big)]]
    wins.append([big - row[3] for row in wins] + [0])
    params, state = told(dueling.DoubleThompsonSamplingPlus, [[n // 100 for n in row] for row in wins])
    rng = sampling.seeded(3, sampling.POLICY_STREAM, 0, 1)
    with np.errstate(over="ignore"):
        assert {int(generics.select(params, state, 0, 2, rng)[0]) for _ in range(100)} == {2}
    params, state = told(dueling.DoubleThompsonSampling, [[n // 100 for n in row] for row in wins])
    with np.errstate(over="ignore"):
        assert {int(generics.select(params, state, 0, 2, rng)[0]) for _ in range(100)} == {0, 1, 2}


def test_plus_leaves_equal_costs_to_chance() -> None:
    """Three arms in a cycle: all beat one other, comparing any two costs nothing, and no arm is preferred."""
    params, state = told(dueling.DoubleThompsonSamplingPlus, [[0, 900, 100], [100, 0, 900], [900, 100, 0]])
    rng = sampling.seeded(3, sampling.POLICY_STREAM, 0, 1)
    with np.errstate(over="ignore"):
        firsts = [int(generics.select(params, state, 0, 2, rng)[0]) for _ in range(300)]
    counts = np.bincount(firsts, minlength=3)
    assert (np.abs(counts - 100) <= 4 * np.sqrt(300 * 2 / 9)).all()
