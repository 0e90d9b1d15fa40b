"""Notions of winners against their definitions, spelled out, and against games whose solution is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import banditlab as bl
from banditlab import dueling
from banditlab.dueling import instances, regrets, theory, winners

from .matrices import complementary, matrix, preferences, some, with_winner

REAL = {"arxiv": 6, "cyclic": 4, "arithmetic": 8, "mslr": 5, "sushi": 10, "irish": 10}


@some
@given(preferences())
def test_winners_by_their_definitions(p):
    arms = range(len(p))
    beats = [[j for j in arms if p[i, j] > 0.5] for i in arms]
    all_beaten = [i for i in arms if len(beats[i]) == len(p) - 1]
    assert winners.condorcet(p) == (all_beaten[0] if all_beaten else None)
    most = max(map(len, beats))
    assert winners.copeland(p) == [i for i in arms if len(beats[i]) == most]
    chances = [np.mean([p[i, j] for j in arms if j != i]) for i in arms]
    assert winners.borda(p) == [i for i in arms if chances[i] > max(chances) - 1e-9]
    np.testing.assert_allclose(winners.copeland_scores(p), [len(b) / (len(p) - 1) for b in beats], rtol=1e-15)
    np.testing.assert_allclose(winners.borda_scores(p), chances, atol=1e-12)


@some
@given(with_winner())
def test_a_condorcet_winner_is_the_only_copeland_and_von_neumann_winner(drawn):
    p, best = drawn
    assert winners.condorcet(p) == best
    assert winners.copeland(p) == [best]
    np.testing.assert_allclose(winners.von_neumann(p), np.arange(len(p)) == best, atol=1e-7)


@some
@given(preferences())
def test_no_arm_beats_the_von_neumann_winner(p):
    x = winners.von_neumann(p)
    assert (x >= 0).all()
    assert x.sum() == pytest.approx(1.0, abs=1e-12)
    assert (x @ p >= 0.5 - 1e-7).all()


@some
@given(*[st.integers(1, 10).map(lambda n: n / 20)] * 3)
def test_von_neumann_winner_of_a_cycle_of_three(a, b, c):
    """If 0 beats 1 by a, 1 beats 2 by b, 2 beats 0 by c, the only optimal mixture is (b, c, a) / (a + b + c)."""
    x = winners.von_neumann(complementary([[0.5 + a, 0.5 - c], [0.5 + b]]))
    np.testing.assert_allclose(x, np.array([b, c, a]) / (a + b + c), atol=1e-7)


@some
@given(preferences(), st.randoms(use_true_random=False))
def test_winners_do_not_depend_on_labels(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    relabelled = p[np.ix_(order, order)]
    best = winners.condorcet(relabelled)
    assert (None if best is None else order[best]) == winners.condorcet(p)
    assert sorted(order[i] for i in winners.copeland(relabelled)) == winners.copeland(p)
    assert sorted(order[i] for i in winners.borda(relabelled)) == winners.borda(p)


@pytest.mark.parametrize("name", REAL)
def test_real_matrices_have_arm_0_as_winner_by_every_notion(name):
    env = getattr(instances, name)()
    assert env.n_arms == REAL[name]
    assert env.condorcet_winner == winners.condorcet(env) == winners.condorcet(env.preferences) == 0
    assert winners.copeland(env) == [0]
    assert winners.von_neumann(env)[0] == pytest.approx(1.0, abs=1e-9)
    assert winners.borda(env) == [0]


def test_notions_differ():
    p = instances.strong_borda(6, gap=0.1)
    assert (winners.condorcet(p), winners.copeland(p), winners.borda(p)) == (0, [0], [1])
    cycle = matrix([0.6, 0.4, 0.9], [0.6, 0.9], [0.9])  # three in a cycle, who all beat a fourth
    assert winners.condorcet(cycle) is None
    assert cycle.condorcet_winner is None
    assert winners.copeland(cycle) == [0, 1, 2]
    np.testing.assert_allclose(winners.von_neumann(cycle), [1 / 3, 1 / 3, 1 / 3, 0], atol=1e-9)


def test_an_arm_that_only_equals_another_is_no_condorcet_winner():
    assert winners.condorcet([[0.5, 0.5, 0.9], [0.5, 0.5, 0.9], [0.1, 0.1, 0.5]]) is None
    assert winners.copeland([[0.5, 0.5, 0.9], [0.5, 0.5, 0.9], [0.1, 0.1, 0.5]]) == [0, 1]


@pytest.mark.parametrize("notion", ["condorcet", "copeland", "copeland_scores", "borda", "borda_scores", "von_neumann"])
def test_what_is_no_matrix_of_preferences_is_refused(notion):
    with pytest.raises(
        bl.errors.InvalidArgument, match=r"preferences\[0\]\[1\] is 0.7 and preferences\[1\]\[0\] is 0.5"
    ):
        getattr(winners, notion)([[0.5, 0.7], [0.5, 0.5]])


@pytest.mark.parametrize(
    "function",
    [
        *(getattr(winners, name) for name in winners.__all__),
        theory.lower_bound_constant,
        theory.rmed1_constant,
        lambda p: regrets.regret_table(p, "average_regret"),
        lambda p: regrets.regret_table(p, "copeland_regret"),
    ],
)
def test_whatever_reads_a_matrix_says_what_is_wrong_with_it(function):
    with pytest.raises(
        bl.errors.InvalidArgument, match=r"preferences is \[\[0.5, 0.6\], \[0.4\]\]; .* different lengths"
    ):
        function([[0.5, 0.6], [0.4]])
    with pytest.raises(bl.errors.InvalidArgument, match="allowed: no masked entries"):
        function(np.ma.masked_array([[0.5, 0.6], [0.4, 0.5]], mask=[[False, True], [False, False]]))
    with pytest.raises(bl.errors.InvalidType, match="preferences is 'sushi'; allowed: a matrix"):
        function("sushi")
    env = dueling.PiecewiseStationary([[[0.5, 0.9], [0.1, 0.5]], [[0.5, 0.1], [0.9, 0.5]]], [26])
    with pytest.raises(
        bl.errors.InvalidType, match=r"Piecewise.*, which has several matrices; allowed: .* such as its matrices\[0\]"
    ):
        function(env)
    assert np.isfinite(np.asarray(function(env.matrices[0]), dtype=float)).all()


def test_winners_of_an_environment_of_ones_own():
    @dueling.environment
    class Own:
        @property
        def preferences(self):
            return [[0.5, 0.2], [0.8, 0.5]]

        n_arms = 2

    assert winners.condorcet(Own()) == 1
    assert winners.borda(Own()) == [1]


def test_winners_of_an_environment_of_ones_own_that_changes():
    @dueling.environment
    class Turning:
        n_arms = 2

        def segments(self, horizon):
            return [(1, horizon, [[0.5, 0.2], [0.8, 0.5]])]

    with pytest.raises(bl.errors.InvalidType, match=r"several matrices; .* such as its segments\(horizon\)\[0\]\[2\]"):
        winners.condorcet(Turning())
    assert winners.condorcet(Turning().segments(10)[0][2]) == 1
