"""Matrices of preferences: what is refused, how they are made from data, who wins duels; and several in turn."""

from __future__ import annotations

import copy
import itertools
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import banditlab as bl
from banditlab import dueling
from banditlab.core.family import registered
from banditlab.dueling import PiecewiseStationary, PreferenceMatrix, instances
from banditlab.errors import BanditlabError, InvalidArgument, InvalidType

from .matrices import complementary, matrix, preferences, some

GOOD = [[0.5, 0.7, 0.8], [0.3, 0.5, 0.6], [0.2, 0.4, 0.5]]


def changed(i, j, value):
    return [[value if (a, b) == (i, j) else x for b, x in enumerate(row)] for a, row in enumerate(GOOD)]


# ----------------------------------------------------------------------------------------------- validation

NAME = r"PreferenceMatrix\.preferences"
BAD = {
    "rounded pair": (
        np.float32([[0.5, 0.6], [0.4, 0.5]]),
        rf"{NAME}\[0\]\[1\] is 0.6000000238 and .* is 0.400000006; .* add up to 1, within 1e-09, as in",
    ),
    "two decimals": (
        changed(1, 0, 0.31),
        r"0.7 and .* is 0.31; .* up to 1, within 1e-09, as in \(P \+ 1 - P.T\) / 2 for a rounded array P of float64$",
    ),
    "pair": (changed(1, 0, 0.4), rf"{NAME}\[0\]\[1\] is 0.7 and {NAME}\[1\]\[0\] is 0.4; .* up to 1, within 1e-09$"),
    "later pair": (changed(2, 1, 0.3), rf"{NAME}\[1\]\[2\] is 0.6 and {NAME}\[2\]\[1\] is 0.3"),
    "diagonal": (changed(1, 1, 0.4), rf"{NAME}\[1\]\[1\] is 0.4; allowed: 0.5, an arm against itself"),
    "above one": (changed(0, 2, 1.5), rf"{NAME}\[0\]\[2\] is 1.5; allowed: numbers in \[0, 1\]"),
    "negative": (changed(2, 0, -0.2), rf"{NAME}\[2\]\[0\] is -0.2"),
    "nan": (changed(2, 1, math.nan), rf"{NAME}\[2\]\[1\] is nan"),
    "not square": ([row[:2] for row in GOOD], f"{NAME} has 3 rows and 2 columns; allowed: a square matrix"),
    "ragged": ([[0.5, 0.5], [0.5]], "different lengths"),
    "one arm": ([[0.5]], f"{NAME} has 1 row; allowed: at least two arms"),
    "empty": ([], f"{NAME} is"),
    "flat": ([0.5, 0.5], f"{NAME} is .*; allowed: a matrix"),
    "number": (0.5, f"{NAME} is 0.5; allowed: a matrix"),
    "words": ("preferences", f"{NAME} is 'preferences'; allowed: a matrix"),
    "words inside": ([["a", "b"], ["c", "d"]], f"{NAME} is"),
    "deep": ([[[0.5]]], "this one has 3 dimensions"),
    "none": (None, f"{NAME} is None"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_matrix_of_preferences_is_refused(case):
    value, message = BAD[case]
    with pytest.raises(BanditlabError, match=message):
        PreferenceMatrix(value)


def test_rounded_matrices_are_made_exactly_complementary():
    p = np.array(GOOD)
    p[0, 1] += 4e-10
    p[2, 2] -= 4e-10
    env = PreferenceMatrix(p)
    assert env.preferences[0, 1] == p[0, 1]  # what is above the diagonal decides
    np.testing.assert_array_equal(env.preferences + env.preferences.T, 1.0)
    np.testing.assert_array_equal(np.diag(env.preferences), 0.5)
    p[0, 1] += 1e-8
    with pytest.raises(InvalidArgument, match="add up to 1"):
        PreferenceMatrix(p)


def test_the_remedy_for_rounded_matrices_is_one():
    p = np.array([[0.5, 0.67, 0.84], [0.34, 0.5, 0.5], [0.17, 0.51, 0.5]])
    with pytest.raises(InvalidArgument, match="add up to 1"):
        PreferenceMatrix(p)
    env = PreferenceMatrix((p + 1 - p.T) / 2)
    np.testing.assert_allclose(env.preferences, p, rtol=0.0, atol=0.00501)


@some
@given(preferences())
def test_matrix_is_kept_frozen_and_compared_by_value(p):
    env = PreferenceMatrix(p)
    assert env.n_arms == len(p)
    np.testing.assert_allclose(env.preferences, p, rtol=0, atol=1e-15)
    assert not env.preferences.flags.writeable
    p[0, 1] = 0.3125
    assert env.preferences[0, 1] != 0.3125
    for twin in (pickle.loads(pickle.dumps(env)), copy.deepcopy(env), PreferenceMatrix(env.preferences)):
        assert twin == env
        assert hash(twin) == hash(env)
        assert not twin.preferences.flags.writeable


def test_label_says_how_large_the_matrix_is():
    assert repr(PreferenceMatrix(GOOD)) == "PreferenceMatrix(<3 x 3 array>)"


# ----------------------------------------------------------------------------------------------- from data


@some
@given(st.lists(st.floats(-8, 8), min_size=2, max_size=6))
def test_from_utilities(u):
    btl = PreferenceMatrix.from_utilities(u).preferences
    thurstone = PreferenceMatrix.from_utilities(u, link="thurstone").preferences
    for i, j in itertools.product(range(len(u)), repeat=2):
        if i != j:
            weights = math.exp(u[i]), math.exp(u[j])
            assert btl[i, j] == pytest.approx(weights[0] / sum(weights), rel=1e-9, abs=1e-15)
            assert thurstone[i, j] == pytest.approx(stats.norm.cdf(u[i] - u[j]), rel=1e-9, abs=1e-15)


def test_utilities_far_apart_are_no_trouble():
    for link in ("btl", "thurstone"):
        p = PreferenceMatrix.from_utilities([1e300, 0.0, -1e4], link=link).preferences
        np.testing.assert_array_equal(p, [[0.5, 1, 1], [0, 0.5, 1], [0, 0, 0.5]])


RANKINGS = st.lists(st.lists(st.integers(0, 4), unique=True, max_size=5), min_size=1, max_size=8)


@some
@given(RANKINGS, st.integers(1, 3))
def test_from_rankings(rankings, prior):
    k = 1 + max((a for r in rankings for a in r), default=0)
    wins = {
        (i, j): sum(i in r and j in r and r.index(i) < r.index(j) for r in rankings)
        for i, j in itertools.permutations(range(k), 2)
    }
    if k == 1:
        with pytest.raises(InvalidArgument, match="at least two arms"):
            PreferenceMatrix.from_rankings(rankings, prior=prior)
        return
    p = PreferenceMatrix.from_rankings(rankings, prior=prior).preferences
    for (i, j), w in wins.items():
        assert p[i, j] == pytest.approx((w + prior) / (w + wins[j, i] + 2 * prior), rel=1e-12)
    if all(wins[i, j] + wins[j, i] for i, j in wins):
        p = PreferenceMatrix.from_rankings(rankings).preferences
        assert all(p[i, j] == pytest.approx(w / (w + wins[j, i])) for (i, j), w in wins.items())
    else:
        with pytest.raises(InvalidArgument, match=r"arms . and . were never compared; allowed: .* a positive prior"):
            PreferenceMatrix.from_rankings(rankings)


def test_from_duels_is_from_rankings_of_two():
    rankings = [[0, 1], [1, 2], [2, 0], [0, 2], [1, 0], [0, 1]]
    names = ["ada", "bob", "cyd"]
    duels = pd.DataFrame([[names[i], names[j]] for i, j in rankings], columns=["winner", "loser"])
    wanted = PreferenceMatrix.from_rankings(rankings)
    assert PreferenceMatrix.from_duels(duels) == wanted
    assert PreferenceMatrix.from_duels(duels.iloc[::-1]) == wanted
    counted = duels.value_counts().reset_index()
    assert "count" in counted
    assert len(counted) < len(duels)
    assert PreferenceMatrix.from_duels(counted) == wanted
    assert PreferenceMatrix.from_duels(duels.assign(other=1.0), prior=2.0) == PreferenceMatrix.from_rankings(
        rankings, prior=2.0
    )


def test_from_wins_keeps_the_order_of_its_table():
    kinds = ["tea", "coffee", "milk"]
    wins = pd.DataFrame([[0, 70, 60], [30, 0, 45], [40, 55, 0]], index=kinds, columns=kinds)
    made = PreferenceMatrix.from_wins(wins)
    np.testing.assert_allclose(made.preferences, [[0.5, 0.7, 0.6], [0.3, 0.5, 0.45], [0.4, 0.55, 0.5]], atol=1e-15)
    assert made == PreferenceMatrix.from_wins(wins.to_numpy())
    melted = wins.rename_axis("winner").reset_index().melt("winner", var_name="loser", value_name="count")
    by_name = PreferenceMatrix.from_duels(melted[melted["winner"] != melted["loser"]], prior=2.0)
    order = [kinds.index(kind) for kind in sorted(kinds)]
    assert by_name == PreferenceMatrix.from_wins(wins.iloc[order, order], prior=2.0)


def test_from_duels_recovers_the_matrix_they_were_drawn_from():
    env = instances.arxiv()
    rng = np.random.default_rng(0)
    first, second = rng.integers(6, size=(2, 60_000))
    first, second = first[first != second], second[first != second]
    won = rng.random(len(first)) < env.preferences[first, second]
    table = pd.DataFrame({"winner": np.where(won, first, second), "loser": np.where(won, second, first)})
    fitted = PreferenceMatrix.from_duels(table).preferences
    assert np.abs(fitted - env.preferences).max() < 4 * 0.5 / math.sqrt(60_000 / 18)


DUELS = pd.DataFrame({"winner": ["a", "b"], "loser": ["b", "a"]})
BAD_DATA = {
    "infinite utility": (lambda: PreferenceMatrix.from_utilities([1.0, math.inf]), r"utilities\[1\] is inf"),
    "one utility": (lambda: PreferenceMatrix.from_utilities([1.0]), "at least two arms"),
    "unknown link": (lambda: PreferenceMatrix.from_utilities([1, 2], link="probit"), "link is 'probit'; allowed: one"),
    "no rankings": (lambda: PreferenceMatrix.from_rankings([]), r"rankings is \[\]; allowed: a list of lists"),
    "no dimension": (lambda: PreferenceMatrix.from_rankings(np.array(3)), "rankings is 3; allowed: a list of lists"),
    "word for rankings": (lambda: PreferenceMatrix.from_rankings("abc"), "rankings is 'abc'"),
    "number for a ranking": (lambda: PreferenceMatrix.from_rankings([[0, 1], 3]), r"rankings\[1\] is 3"),
    "arm twice": (lambda: PreferenceMatrix.from_rankings([[0, 1, 0]]), r"rankings\[0\] is .*; allowed: each arm at"),
    "half an arm": (
        lambda: PreferenceMatrix.from_rankings([[0, 1.5]]),
        r"rankings\[0\]\[1\] is 1.5; allowed: an integer",
    ),
    "negative arm": (lambda: PreferenceMatrix.from_rankings([[0, -1]]), r"rankings\[0\]\[1\] is -1"),
    "named arm": (lambda: PreferenceMatrix.from_rankings([["ada", "bob"]]), r"rankings\[0\]\[0\] is 'ada'"),
    "never met": (lambda: PreferenceMatrix.from_rankings([[0, 1], [0, 2]]), "arms 1 and 2 were never compared"),
    "negative prior": (lambda: PreferenceMatrix.from_duels(DUELS, prior=-1), "prior is -1"),
    "columns": (lambda: PreferenceMatrix.from_duels(DUELS.rename(columns={"loser": "x"})), "has the columns winner, x"),
    "wins of other arms": (
        lambda: PreferenceMatrix.from_wins(pd.DataFrame([[0, 1], [1, 0]], index=["a", "b"], columns=["b", "a"])),
        r"wins has rows \['a', 'b'\] and columns \['b', 'a'\]; allowed: the same arms in the same order",
    ),
    "wins against itself": (lambda: PreferenceMatrix.from_wins([[0, 1], [1, 2]]), r"wins\[1\]\[1\] is 2; allowed: 0"),
    "wins of no square": (
        lambda: PreferenceMatrix.from_wins([[0, 1, 2], [1, 0, 2]]),
        r"wins has shape \(2, 3\); allowed",
    ),
    "negative wins": (lambda: PreferenceMatrix.from_wins([[0, -1], [1, 0]]), r"wins\[0\]\[1\] is -1"),
    "never met, by wins": (lambda: PreferenceMatrix.from_wins(np.zeros((2, 2))), "arms 0 and 1 were never compared"),
    "no table": (lambda: PreferenceMatrix.from_duels([("a", "b")]), "duels has no columns; allowed: a DataFrame"),
    "no duels": (lambda: PreferenceMatrix.from_duels(DUELS[:0]), "duels has no rows"),
    "itself": (lambda: PreferenceMatrix.from_duels(DUELS.assign(loser="b")), "'b' against itself in row 1"),
    "negative count": (
        lambda: PreferenceMatrix.from_duels(DUELS.assign(count=[1, -1])),
        r"\['count'\]\[1\] is -1",
    ),
    "huge count": (
        lambda: PreferenceMatrix.from_duels(DUELS.assign(count=[1e308, 1])),
        r"\['count'\]\[0\] is 1e\+308; allowed: at most 1e\+100",
    ),
    "column twice": (
        lambda: PreferenceMatrix.from_duels(pd.concat([DUELS, DUELS["winner"]], axis=1)),
        "duels has 2 columns winner; allowed: one",
    ),
    "nan count": (
        lambda: PreferenceMatrix.from_duels(DUELS.assign(count=[math.nan, 1])),
        r"\['count'\]\[0\] is nan",
    ),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_refused(case):
    make, message = BAD_DATA[case]
    with pytest.raises(BanditlabError, match=message):
        make()


# ------------------------------------------------------------------------------------------- duels are won


@dueling.policy
class Revealing:
    """Compares arms 0 and 1 in odd rounds; in even rounds it compares the winner with itself, for all to see."""

    turned: bool = bl.field(default=False, doc="whether arm 1 comes first")
    twice: bool = bl.field(default=False, doc="whether it draws two numbers per round of its own")

    def state(self, space):
        return {"winner": space.per_lane(0, np.int64)}

    def select(self, state, lane, t, rng):
        if self.twice:
            bl.core.sampling.uniform(rng, lane)
            bl.core.sampling.uniform(rng, lane)
        if t % 2 == 0:
            return state.winner[lane], state.winner[lane]
        return (1, 0) if self.turned else (0, 1)

    def update(self, state, first, second, lane, won, t):
        state.winner[lane] = first if won else second


def revealed(env, horizon, n_runs, **fields):
    """Return who won in rounds 1, 3, ...: run by duel."""
    everywhere = list(range(1, horizon + 1))
    options = {"metrics": "duels", "seed": 3, "backend": "python", "n_jobs": 1, "progress": False}
    with np.errstate(over="ignore"):
        result = bl.run(env, Revealing(**fields), horizon=horizon, n_runs=n_runs, checkpoints=everywhere, **options)
    return np.diff(result.values("duels[0]")[0], axis=1, prepend=0.0)[:, 1::2]


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.93, 1.0])
@pytest.mark.parametrize("turned", [False, True])
def test_duels_are_won_as_often_as_the_matrix_says_whoever_comes_first(p, turned):
    won = revealed(matrix([p]), 20, 400, turned=turned)
    assert won.mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / won.size))


def test_two_policies_that_compare_the_same_arms_see_the_same_winner():
    one = revealed(matrix([0.4]), 40, 5)
    assert 0 < one.sum() < one.size
    np.testing.assert_array_equal(revealed(matrix([0.4]), 40, 5, turned=True), one)
    np.testing.assert_array_equal(revealed(matrix([0.4]), 40, 5, twice=True), one)
    # an arm that has become better wins the same duels, and more
    assert (revealed(matrix([0.6]), 40, 5) >= one).all()


def test_duels_follow_the_matrix_of_the_segment():
    env = PiecewiseStationary([matrix([1.0]), matrix([0.0]), matrix([1.0])], [5, 11])
    won = revealed(env, 16, 2)
    np.testing.assert_array_equal(won, [[1, 1, 0, 0, 0, 1, 1, 1]] * 2)


# --------------------------------------------------------------------------------------- several in turn

A, B = matrix([0.6]), matrix([0.2])


def test_segments():
    env = PiecewiseStationary([A, B, A], [4, 9])
    assert env.n_arms == 2
    assert env.segments(20) == [(1, 3, A), (4, 8, B), (9, 20, A)]
    assert env.segments(9) == [(1, 3, A), (4, 8, B), (9, 9, A)]
    assert env.segments(8) == [(1, 3, A), (4, 8, B)]
    assert env.segments(2) == [(1, 2, A)]
    assert PiecewiseStationary([A], []).segments(7) == [(1, 7, A)]
    for horizon in (0, 2.5, math.inf):
        with pytest.raises(InvalidArgument, match=f"horizon is {horizon}; allowed: "):
            env.segments(horizon)


def test_matrices_may_be_arrays_and_environments_pickle():
    env = PiecewiseStationary([A.preferences, B.preferences.tolist()], [4])
    assert env == PiecewiseStationary([A, B], [4])
    assert env != PiecewiseStationary([A, B], [5])
    assert pickle.loads(pickle.dumps(env)) == env
    assert eval(repr(PiecewiseStationary([A], [])).replace("<2 x 2 array>", "A.preferences")) == PiecewiseStationary(
        [A], []
    )


def test_one_segment_is_the_matrix_alone():
    options = {"horizon": 50, "n_runs": 2, "seed": 0, "metrics": ("average_regret", "duels"), "progress": False}
    alone = bl.run(A, dueling.RUCB(), **options)
    for env in (PiecewiseStationary([A], []), PiecewiseStationary([A, A], [20])):
        parts = bl.run(env, dueling.RUCB(), **options)
        for metric in alone.metrics:
            np.testing.assert_array_equal(parts.values(metric), alone.values(metric))


BAD_SEQUENCES = {
    "too few changes": (([A, B], []), "change_points has 0 entries; allowed: 1, one fewer than matrices"),
    "too many changes": (([A, B], [3, 4]), "change_points has 2 entries; allowed: 1"),
    "change in round 1": (([A, B], [1]), r"change_points\[0\] is 1; allowed: an integer of at least 2"),
    "not increasing": (([A, B, A], [5, 5]), r"change_points\[1\] is 5; allowed: above .*\[0\], which is 5"),
    "half a round": (([A, B], [2.5]), r"change_points\[0\] is 2.5"),
    "no matrix": (([], []), r"matrices is \[\]; allowed: at least one"),
    "sizes": (([A, matrix([0.6, 0.6], [0.6])], [5]), r"matrices\[1\] has 3 arms; allowed: 2, as .*matrices\[0\]"),
    "bad entry": (([A, [[0.5, 0.6], [0.5, 0.5]]], [5]), r"matrices\[1\]\[0\]\[1\] is 0.6 and .*\[1\]\[0\] is 0.5"),
    "no list": ((A, []), "matrices is PreferenceMatrix.*; allowed: a list of PreferenceMatrix"),
    "word": (([A, "B"], [5]), r"matrices\[1\] is 'B'; allowed: a PreferenceMatrix or a matrix"),
    "another family": (([A, bl.arms.Bernoulli([0.5, 0.5])], [5]), r"matrices\[1\] is Bernoulli"),
}


@pytest.mark.parametrize("case", BAD_SEQUENCES)
def test_bad_sequences_are_refused(case):
    arguments, message = BAD_SEQUENCES[case]
    with pytest.raises((InvalidArgument, InvalidType), match=rf"PiecewiseStationary\.{message}"):
        PiecewiseStationary(*arguments)


def test_an_environment_needs_preferences():
    with pytest.raises(bl.errors.InvalidComponent, match="Nothing has no preferences or segments; allowed: "):

        @dueling.environment
        class Nothing:
            n_arms = 2


# ---------------------------------------------------------------------------------- environments of one's own


def of_ones_own(n_arms, preferences):
    return dueling.environment(type("Own", (), {"n_arms": n_arms, "preferences": preferences}))()


@dueling.environment
class Turning:
    """What `segments` returns is up to the test."""

    parts: object = bl.field(doc="the segments")
    n_arms = 2

    def segments(self, horizon):
        return self.parts


def short_run(env, metrics="average_regret", **options):
    options = {"horizon": 10, "n_runs": 2, "seed": 0, "progress": False} | options
    return bl.run(env, dueling.WinnerStaysWeak(), metrics=metrics, **options)


@pytest.mark.parametrize("metrics", ["average_regret", "duels"])
@pytest.mark.parametrize(
    ("n_arms", "preferences", "message"),
    [
        (2, GOOD, "Own.preferences has 3 rows and Own.n_arms is 2; allowed: as many"),
        (4, GOOD, "Own.preferences has 3 rows and Own.n_arms is 4; allowed: as many"),
        (3, changed(2, 1, math.nan), r"Own.preferences\[2\]\[1\] is nan"),
        (3, [[0.5, 0.5], [0.5]], "Own.preferences is .* different lengths"),
        (3, None, "Own.preferences is None; allowed: a matrix"),
    ],
    ids=["few", "many", "nan", "ragged", "none"],
)
def test_preferences_of_ones_own_are_checked_before_the_first_round(n_arms, preferences, message, metrics):
    with pytest.raises(InvalidArgument, match=message):
        short_run(of_ones_own(n_arms, preferences), metrics)


def test_a_number_of_arms_is_an_int_and_may_be_numpys():
    with pytest.raises(InvalidType, match=r"n_arms is 3.0; allowed: an int, as int\(3.0\) is"):
        short_run(of_ones_own(3.0, GOOD), "duels")
    result = short_run(of_ones_own(np.int32(3), GOOD), ["average_regret", "duels"])
    assert result.metrics == ("average_regret", "duels[0]", "duels[1]", "duels[2]")


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_segments_of_ones_own_are_played_as_those_of_piecewise_stationary(backend):
    metrics = ("average_regret", "binary_weak_regret", "duels")
    wanted = short_run(PiecewiseStationary([A, B], [4]), metrics, backend=backend)
    for parts in ([(1, 3, A), (4, 10, B)], ((1, 3, A.preferences), [4, 10, B.preferences.tolist()])):
        found = short_run(Turning(parts), metrics, backend=backend)
        for metric in wanted.metrics:
            np.testing.assert_array_equal(found.values(metric), wanted.values(metric))


BAD_SEGMENTS = {
    "none": (None, r"segments\(10\) is None; allowed: a list of \(first round, last round, preferences\)"),
    "pairs": ([(1, 10)], r"segments\(10\) is array\(\[\[ 1, 10\]\]\); allowed: a list of"),
    "gap": ([(1, 3, A), (5, 10, B)], r"segments\(10\)\[1\]\[0\] is 5; allowed: 4, as no round"),
    "overlap": ([(1, 4, A), (4, 10, B)], r"segments\(10\)\[1\]\[0\] is 4; allowed: 5, as no round"),
    "round 0": ([(0, 10, A)], r"segments\(10\)\[0\]\[0\] is 0; allowed: an integer of at least 1"),
    "too long": ([(1, 11, A)], r"segments\(10\)\[0\]\[1\] is 11; allowed: an integer from 1 to 10"),
    "too short": ([(1, 9, A)], r"segments\(10\) ends with round 9; allowed: segments up to round 10"),
    "sizes": ([(1, 10, GOOD)], r"segments\(10\)\[0\]\[2\] has 3 rows and Turning.n_arms is 2; allowed: as many"),
    "no winner": (
        [(1, 3, A), (4, 10, matrix([0.5]))],
        r"metrics has 'average_regret', but no arm beats every other one.* \(this is about rounds 4 to 10\)$",
    ),
}


def test_the_matrix_that_lacks_a_winner_is_named():
    told = r"no arm beats every other one.* \(this is about PiecewiseStationary.matrices\[1\]\)$"
    with pytest.raises(InvalidArgument, match=told):
        short_run(PiecewiseStationary([A, matrix([0.5])], [4]), "average_regret")


@pytest.mark.parametrize("case", BAD_SEGMENTS)
def test_bad_segments_of_ones_own_are_refused(case):
    parts, message = BAD_SEGMENTS[case]
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        short_run(Turning(parts))


@pytest.mark.parametrize("name", registered("dueling", "environment"))
def test_every_environment_is_exported_and_documented(name):
    cls = getattr(dueling, name)
    assert f"dueling.{name}(" in cls.__doc__
    assert complementary([[0.6]]).shape == (2, 2)


def test_matrices_of_a_class_that_reads_what_a_notebook_changes(tmp_path):
    """Where it is played again with another number, it must not play, nor store, the matrix that was made before."""
    scope = {"np": np, "DELTA": 0.1, "__name__": "notebook"}
    exec(
        "class Pair:\n    n_arms = 2\n    @property\n    def preferences(self):\n"
        "        return np.array([[0.5, 0.5 + DELTA], [0.5 - DELTA, 0.5]])\n",
        scope,
    )
    made = dueling.environment(scope["Pair"])

    def regret(world):
        options = {"horizon": 50, "n_runs": 2, "seed": 0, "metrics": "average_regret", "progress": False}
        return bl.run(world, dueling.BeatTheMean(), store=tmp_path, **options).values()[0, 0, -1]

    world = made()
    first = regret(world)
    scope["DELTA"] = 0.4
    assert regret(world) == regret(made()) != first
