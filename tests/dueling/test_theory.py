"""Bounds against formulas and simulations, invariants of Winner Stays, and who finds the winner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import banditlab as bl
from banditlab import dueling
from banditlab.dueling import instances, theory
from tests.arms.naive import kl

from .matrices import some, with_winner
from .players import DEFAULTS

# ------------------------------------------------------------------------------------------------ lower bound


@some
@given(with_winner())
def test_constant_of_the_lower_bound_by_its_formula(drawn):
    p, best = drawn
    total = 0.0
    for i in range(len(p)):
        if i != best:
            options = []
            for j in range(len(p)):
                if p[i, j] < 0.5:
                    gaps = (p[best, i] - 0.5) + (p[best, j] - 0.5)
                    d = kl(p[i, j], 0.5)
                    options.append(gaps / (2 * d))
            total += min(options)
    assert theory.lower_bound_constant(p) == pytest.approx(total, rel=1e-9)
    order = np.roll(np.arange(len(p)), 1)
    assert theory.lower_bound_constant(p[np.ix_(order, order)]) == pytest.approx(total, rel=1e-9)


def test_constant_by_hand():
    # two arms: Delta = 0.2, and only the winner beats arm 1
    d = 0.3 * math.log(0.6) + 0.7 * math.log(1.4)
    assert theory.lower_bound_constant([[0.5, 0.7], [0.3, 0.5]]) == pytest.approx(0.1 / d, rel=1e-12)
    # the cycle: a loser shows itself at less regret against the one who beats it with 0.9 than against the winner
    wanted = 3 * 0.2 / (2 * kl(0.1, 0.5))
    assert wanted < 3 * 0.1 / (2 * kl(0.4, 0.5))
    assert theory.lower_bound_constant(instances.cyclic()) == pytest.approx(wanted, rel=1e-12)


def test_without_a_condorcet_winner_there_is_no_bound():
    cycle = [[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]]
    with pytest.raises(bl.errors.InvalidArgument, match="no Condorcet winner"):
        theory.lower_bound_constant(cycle)
    options = {"horizon": 10, "n_runs": 1, "seed": 0, "metrics": "copeland_regret", "progress": False}
    assert bl.run(dueling.PreferenceMatrix(cycle), dueling.RUCB(), **options).lower_bound() is None
    changes = instances.random_sequence(4, 2, 10, seed=0)
    assert bl.run(changes, dueling.RUCB(), **options).lower_bound() is None


def test_results_carry_the_lower_bound():
    env = instances.arxiv()
    result = bl.run(env, dueling.RUCB(), horizon=100, n_runs=1, seed=0, checkpoints=[10, 100], progress=False)
    wanted = theory.lower_bound_constant(env) * np.log([10, 100])
    np.testing.assert_allclose(result.lower_bound(), wanted, rtol=1e-12)


# ------------------------------------------------------------------------------------------------------ BtWR


def test_bound_on_btwr_by_hand():
    assert theory.beat_the_winner_reset_bound(10, 0.1) == pytest.approx(20 * 10 * math.log(10) / 0.01)


@pytest.mark.parametrize("n_arms", [2, 3, 5, 10])
def test_btwr_keeps_its_bound_on_random_instances(n_arms):
    """Weak regret of 64 runs on 10 instances; pmin is 0.6 at least, where a long reign is likely."""
    for seed in range(10):
        pmin = 0.6 + 0.02 * seed
        env = instances.random_condorcet(n_arms, pmin, seed=seed)
        options = {"horizon": 10_000, "n_runs": 64, "seed": seed, "n_jobs": 1, "progress": False}
        weak = bl.run(env, dueling.BeatTheWinnerReset(), metrics="binary_weak_regret", **options).values()[0, :, -1]
        bound = theory.beat_the_winner_reset_bound(n_arms, pmin - 0.5)
        assert weak.mean() + 4 * weak.std() / 8 <= bound


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 0.1), "n_arms is 1"),
        ((10**30, 0.1), "n_arms is 1000.*; allowed: at most 2147483648"),
        ((3, 0.0), r"gap is 0.0; allowed: a number in \(0, 0.5\]"),
        ((3, 1e-300), "gap is 1e-300; allowed: at least 1e-100"),
        ((3, 0.6), "gap is 0.6"),
    ],
    ids=["arms", "many arms", "zero", "tiny", "large"],
)
def test_bad_arguments_of_the_bound(arguments, message):
    with pytest.raises(bl.errors.InvalidArgument, match=message):
        theory.beat_the_winner_reset_bound(*arguments)


def test_survival_of_the_smallest_gaps_is_zero_and_takes_no_memory():
    gaps = [0.05, 0.02, 0.0097, 0.0096, 1e-3, 1e-9, 1e-100]
    found = [theory.beat_the_winner_reset_survival(gap) for gap in gaps]
    assert found[2] > 0.0
    assert found[3:] == [0.0] * 4
    assert sorted(found, reverse=True) == found
    with pytest.raises(bl.errors.InvalidArgument, match="gap is 1e-300; allowed: at least 1e-100"):
        theory.beat_the_winner_reset_survival(1e-300)


# ----------------------------------------------------------------------------------------------- Winner Stays


def watched(policy: Any, n_arms: int, seed: int, horizon: int) -> Any:
    """Yield each round's arms, who won, and the policy's arrays then; who wins is drawn from a random matrix."""
    env = instances.random_condorcet(n_arms, 0.7, seed=seed)
    rng = np.random.default_rng(seed)
    agent = bl.start(policy, n_arms=n_arms, seed=seed)
    for _ in range(horizon):
        i, j = agent.select()
        won = bool(rng.random() < env.preferences[i, j])
        yield i, j, won, {name: array[..., 0] for name, array in agent.state["arrays"].items()}
        agent.update((i, j), won)


@pytest.mark.parametrize("n_arms", [2, 3, 6])
@pytest.mark.parametrize("policy", [dueling.WinnerStaysWeak(), dueling.WinnerStaysStrong(beta=1.2)], ids=repr)
def test_scores_after_a_round_of_winner_stays(policy, n_arms):
    """After round r losers have C = -r, and the winner (K - 1) r: 15 rounds are seen at least."""
    r, scores = 1, np.zeros(n_arms, dtype=int)
    for i, j, won, arrays in watched(policy, n_arms, seed=n_arms, horizon=2000):
        if arrays["round"] == r + 1:
            best = int(arrays["round_winner"])
            assert scores.tolist() == [(n_arms - 1) * r if a == best else -r for a in range(n_arms)]
            r += 1
        assert arrays["round"] == r
        if i != j:  # who meet are two with the largest C, as in the paper's own form
            assert sorted([scores[i], scores[j]]) == sorted(scores)[-2:]
            assert [arrays["incumbent_score"], arrays["challenger_score"]] == [scores[i], scores[j]]
            assert min(scores) >= -r
            scores[[i, j]] += [1, -1] if won else [-1, 1]
    assert r > 15


def test_phases_of_winner_stays_strong_have_their_lengths():
    beta, lengths, row, rounds = 1.3, [], 0, []
    for i, j, _, arrays in watched(dueling.WinnerStaysStrong(beta=beta), 4, seed=1, horizon=3000):
        if i == j:
            row += 1
            assert i == arrays["round_winner"]
        elif row:
            lengths.append(row)
            rounds.append(int(arrays["round"]) - 1)
            row = 0
    assert len(lengths) >= 12
    assert rounds == list(range(1, len(rounds) + 1))
    assert lengths == [math.floor(beta**r) for r in rounds]


@some
@given(st.integers(2, 6), st.integers(0, 1000))
def test_beat_the_winner_never_forgets_an_arm(n_arms, seed):
    """Within K rounds of the incumbent each other arm has been its challenger, or has beaten it."""
    agent = bl.start(dueling.BeatTheWinner(), n_arms=n_arms, seed=seed)
    rng = np.random.default_rng(seed)
    met = []
    for _ in range(60):
        pair = agent.select()
        if not met or met[-1] != pair:
            met.append(pair)
        agent.update(pair, bool(rng.random() < 0.5))
    assert len(met) >= n_arms
    assert {arm for pair in met[: n_arms - 1] for arm in pair} == set(range(n_arms))


# --------------------------------------------------------------------------------------- the winner is found

REAL = ["arxiv", "cyclic", "arithmetic", "mslr", "sushi", "irish"]
# These find it, too, but not at this horizon on these matrices (see the next test).
SLOW = ["BeatTheMean", "InterleavedFilter", "SAVAGE", "SCB"]
QUICK = [name for name in DEFAULTS if name not in SLOW]


@pytest.mark.parametrize("name", REAL)
def test_winner_is_found_on_each_real_matrix(name):
    """In the second half of a game, the winner takes part in the most duels."""
    env = getattr(instances, name)()
    half, horizon = 10_000, 20_000
    options = {"n_runs": 6, "seed": 1, "metrics": "duels", "checkpoints": [half, horizon], "n_jobs": 1}
    players = {label: DEFAULTS[label] for label in QUICK}
    result = bl.run(env, players, horizon=horizon, progress=False, **options)
    late = np.stack([np.diff(result.values(f"duels[{a}]"), axis=2).sum(axis=(1, 2)) for a in range(env.n_arms)])
    missed = [label for label, duels in zip(players, late.T, strict=True) if duels.argmax() != 0]
    # MultiSBM supposes utilities, and on the cycle its second arm runs round and round
    assert missed == (["MultiSBM"] if name == "cyclic" else [])


@pytest.mark.parametrize("name", SLOW)
def test_policies_that_eliminate_end_with_the_winner(name):
    """On three arms in a clear order, they play the winner alone from some round on."""
    env = dueling.PreferenceMatrix.from_utilities([0.0, 3.0, -3.0])
    options = {"n_runs": 6, "seed": 1, "metrics": "binary_strong_regret", "n_jobs": 1, "progress": False}
    result = bl.run(env, DEFAULTS[name], horizon=20_000, checkpoints=[18_000, 20_000], **options)
    assert (np.diff(result.values(), axis=2) == 0.0).all()
