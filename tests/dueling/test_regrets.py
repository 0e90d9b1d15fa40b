"""Every regret against its formula, in tables and in simulations; and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given

import banditlab as bl
from banditlab import dueling
from banditlab.dueling import instances, regrets, winners

from .matrices import complementary, matrix, preferences, some, with_winner

CYCLE = [[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]]


def regret(metric: str, p, best: int, i: int, j: int) -> float:
    """Return the regret of comparing i with j, as defined."""
    gap_i, gap_j = p[best][i] - 0.5, p[best][j] - 0.5
    return {
        "average_regret": (gap_i + gap_j) / 2,
        "weak_regret": min(gap_i, gap_j),
        "strong_regret": max(gap_i, gap_j),
        "binary_weak_regret": 1.0 if i != best and j != best else 0.0,
        "binary_strong_regret": 0.0 if i == j == best else 1.0,
    }[metric]


@some
@given(with_winner())
def test_condorcet_regrets_by_their_formulas(drawn):
    p, best = drawn
    for metric in regrets.CONDORCET_REGRETS:
        table = regrets.regret_table(p, metric)
        wanted = [[regret(metric, p, best, i, j) for j in range(len(p))] for i in range(len(p))]
        np.testing.assert_allclose(table, wanted, rtol=0, atol=1e-15)
        np.testing.assert_array_equal(table, table.T)
        assert table[best, best] == 0.0
        assert (table >= 0.0).all()


@some
@given(preferences())
def test_copeland_regret_by_its_formula(p):
    k = len(p)
    c = [sum(p[i, j] > 0.5 for j in range(k)) / (k - 1) for i in range(k)]
    wanted = [[max(c) - (c[i] + c[j]) / 2 for j in range(k)] for i in range(k)]
    np.testing.assert_allclose(regrets.regret_table(p, "copeland_regret"), wanted, atol=1e-15)


@some
@given(preferences())
def test_borda_regret_by_its_formula(p):
    k = len(p)
    b = [sum(p[i, j] for j in range(k) if j != i) / (k - 1) for i in range(k)]
    wanted = [[max(b) - (b[i] + b[j]) / 2 for j in range(k)] for i in range(k)]
    table = regrets.regret_table(p, "borda_regret")
    np.testing.assert_allclose(table, wanted, rtol=0, atol=1e-14)
    assert (table >= 0.0).all()


def test_borda_regret_is_against_the_borda_winner_where_another_arm_beats_all():
    p = [[0.5, 0.6, 0.6], [0.4, 0.5, 1.0], [0.4, 0.0, 0.5]]
    assert winners.condorcet(p) == 0
    assert winners.borda(p) == [1]
    table = regrets.regret_table(p, "borda_regret")
    assert table[1, 1] == 0.0
    np.testing.assert_allclose(table[0], [0.1, 0.05, 0.3], atol=1e-15)


@some
@given(with_winner())
def test_regrets_are_ordered_and_averaged_as_their_names_say(drawn):
    p, _ = drawn
    table = {metric: regrets.regret_table(p, metric) for metric in regrets.REGRETS}
    assert (table["weak_regret"] <= table["average_regret"]).all()
    assert (table["average_regret"] <= table["strong_regret"]).all()
    np.testing.assert_allclose(table["average_regret"], (table["weak_regret"] + table["strong_regret"]) / 2, atol=1e-15)
    assert (table["binary_weak_regret"] <= table["binary_strong_regret"]).all()
    # a gap is positive where an arm is not the winner
    np.testing.assert_array_equal(table["weak_regret"] > 0, table["binary_weak_regret"] > 0)
    np.testing.assert_array_equal(table["strong_regret"] > 0, table["binary_strong_regret"] > 0)
    np.testing.assert_array_equal(table["copeland_regret"] > 0, table["binary_strong_regret"] > 0)


@pytest.mark.parametrize("metric", regrets.CONDORCET_REGRETS)
def test_without_a_condorcet_winner_the_error_says_which_winners_there_are(metric):
    borda = "copeland_regret' .*winners: 0, 1, 2.*'borda_regret'"
    message = f"metrics has '{metric}', but .* no Condorcet winner; allowed: '{borda}"
    with pytest.raises(bl.errors.InvalidArgument, match=message):
        regrets.regret_table(CYCLE, metric)
    env = dueling.PreferenceMatrix(CYCLE)
    with pytest.raises(bl.errors.InvalidArgument, match=message):
        bl.run(env, dueling.RUCB(), horizon=10, n_runs=1, seed=0, metrics=metric, progress=False)
    changes = dueling.PiecewiseStationary([complementary([[0.6, 0.6], [0.6]]), CYCLE], [6])
    with pytest.raises(bl.errors.InvalidArgument, match=message):
        bl.run(changes, dueling.RUCB(), horizon=10, n_runs=1, seed=0, metrics=metric, progress=False)


def test_the_default_metric_needs_a_condorcet_winner():
    with pytest.raises(bl.errors.InvalidArgument, match=r"'average_regret'.*Copeland winners: 0, 1, 2"):
        bl.run(dueling.PreferenceMatrix(CYCLE), dueling.RUCB(), horizon=10, n_runs=1, seed=0, progress=False)


def test_copeland_regret_without_a_condorcet_winner():
    env = matrix([0.6, 0.4, 0.9], [0.6, 0.9], [0.9])  # a cycle of three, who all beat arm 3
    options = {"horizon": 40, "n_runs": 3, "seed": 0, "n_jobs": 1, "progress": False}
    result = bl.run(env, dueling.BeatTheWinner(), metrics=("copeland_regret", "duels"), **options)
    # no arm meets itself here, so that each duel with arm 3 costs 2/3 - (2/3 + 0) / 2, and all others nothing
    np.testing.assert_allclose(result.values("copeland_regret"), result.values("duels[3]") / 3, atol=1e-12)


@pytest.mark.parametrize("metric", ["regret", "weak", "pulls", "Average_regret"])
def test_unknown_metrics_are_refused_by_name(metric):
    with pytest.raises(bl.errors.InvalidArgument, match=f"metrics is '{metric}'; allowed: one of 'average_regret', "):
        bl.run(instances.cyclic(), dueling.RUCB(), horizon=10, n_runs=1, seed=0, metrics=metric, progress=False)
    with pytest.raises(bl.errors.InvalidArgument, match=f"metrics is '{metric}'; allowed: one of 'average_regret', "):
        regrets.regret_table(instances.cyclic(), metric)


# ------------------------------------------------------------------------------------------- in simulations


@dueling.policy
class AllPairs:
    """Compares all ordered pairs in turn: (0, 0), (0, 1), ..."""

    def derive(self, problem):
        return {"n_arms": problem.n_arms}

    def select(self, state, lane, t, rng):
        return (t - 1) // self.n_arms % self.n_arms, (t - 1) % self.n_arms

    def update(self, state, first, second, lane, won, t):
        pass


def turns(env, horizon, metrics=(*regrets.REGRETS, "duels")):
    everywhere = list(range(1, horizon + 1))
    options = {"n_runs": 2, "seed": 0, "backend": "python", "n_jobs": 1, "progress": False}
    return bl.run(env, AllPairs(), horizon=horizon, checkpoints=everywhere, metrics=metrics, **options)


def test_a_simulation_adds_up_what_the_tables_say():
    env = instances.random_condorcet(4, seed=2)
    result = turns(env, 16)
    pairs = list(itertools.product(range(4), repeat=2))
    for metric in regrets.REGRETS:
        table = regrets.regret_table(env, metric)
        for run in range(2):
            np.testing.assert_allclose(result.values(metric)[0, run], np.cumsum([table[p] for p in pairs]), atol=1e-12)
    for arm in range(4):
        part = np.cumsum([arm in pair for pair in pairs])
        np.testing.assert_array_equal(result.values(f"duels[{arm}]")[0, 0], part)
    assert result.metrics == (*regrets.REGRETS, "duels[0]", "duels[1]", "duels[2]", "duels[3]")


def test_regret_is_against_the_winner_of_the_segment():
    parts = [instances.random_condorcet(3, winner=w, seed=w) for w in (1, 0, 2, 0)]
    starts = [5, 14, 27]
    env = dueling.PiecewiseStationary(parts, starts)
    result = turns(env, 31)
    for metric in regrets.REGRETS:
        total, wanted = 0.0, []
        for t in range(1, 32):
            part = parts[sum(t >= start for start in starts)]
            total += regrets.regret_table(part, metric)[(t - 1) // 3 % 3, (t - 1) % 3]
            wanted.append(total)
        np.testing.assert_allclose(result.values(metric)[0, 1], wanted, atol=1e-12, err_msg=metric)


def test_segments_after_the_horizon_do_not_matter():
    one, other = instances.random_condorcet(3, winner=0, seed=0), instances.random_condorcet(3, winner=1, seed=1)
    changes = turns(dueling.PiecewiseStationary([one, other], [20]), 19)
    for metric in regrets.REGRETS:
        np.testing.assert_array_equal(changes.values(metric), turns(one, 19).values(metric))


def test_metrics_come_in_the_order_asked_for():
    env = instances.cyclic()
    asked = ("duels", "weak_regret", "average_regret")
    result = turns(env, 16, asked)
    assert result.metrics == (*[f"duels[{a}]" for a in range(4)], "weak_regret", "average_regret")
    every = turns(env, 16)
    for metric in result.metrics:
        np.testing.assert_array_equal(result.values(metric), every.values(metric))
