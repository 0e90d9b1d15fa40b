"""The instances of the literature, number by number, and what random ones promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import banditlab as bl
from banditlab.dueling import instances, winners

from .matrices import some

# Row by row as published, both halves: the package keeps the upper one only.
PUBLISHED = {
    "arxiv": """
        .50 .55 .55 .54 .61 .61
        .45 .50 .55 .55 .58 .60
        .45 .45 .50 .54 .51 .56
        .46 .45 .46 .50 .54 .50
        .39 .42 .49 .46 .50 .51
        .39 .40 .44 .50 .49 .50""",
    "cyclic": """
        .5 .6 .6 .6
        .4 .5 .9 .1
        .4 .1 .5 .9
        .4 .9 .1 .5""",
    "mslr": """
        .5        .53519466 .6125935  .75696008 .76547422
        .46480534 .5        .57985831 .72745116 .73820053
        .3874065  .42014169 .5        .65895708 .66877089
        .24303992 .27254884 .34104292 .5        .50999465
        .23452578 .26179947 .33122911 .49000535 .5""",
    "sushi": """
        .5    .743  .7738 .7158 .7046 .8214 .716  .8202 .8828 .7114
        .257  .5    .679  .5618 .5402 .7616 .5696 .725  .8694 .5646
        .2262 .321  .5    .4632 .405  .6234 .4304 .5006 .7694 .363
        .2842 .4382 .5368 .5    .4826 .5882 .486  .529  .6622 .4676
        .2954 .4598 .595  .5174 .5    .6698 .5144 .5928 .7508 .5082
        .1786 .2384 .3766 .4118 .3302 .5    .3102 .3558 .6576 .2854
        .284  .4304 .5696 .514  .4856 .6898 .5    .5718 .757  .4746
        .1798 .275  .4994 .471  .4072 .6442 .4282 .5    .8206 .3864
        .1172 .1306 .2306 .3378 .2492 .3424 .243  .1794 .5    .1554
        .2886 .4354 .637  .5324 .4918 .7146 .5254 .6136 .8446 .5""",
    "irish": """
        .5    .5837 .5693 .574  .5866 .6135 .6378 .6598 .6782 .6281
        .4163 .5    .5667 .4733 .4939 .6514 .6104 .6731 .668  .579
        .4307 .4333 .5    .4758 .4624 .6185 .6359 .6676 .6718 .587
        .426  .5267 .5242 .5    .5163 .569  .6099 .649  .6205 .5776
        .4134 .5061 .5376 .4837 .5    .5931 .617  .6106 .635  .6199
        .3865 .3486 .3815 .431  .4069 .5    .5757 .6062 .6084 .5747
        .3622 .3896 .3641 .3901 .383  .4243 .5    .4988 .5415 .5147
        .3402 .3269 .3324 .351  .3894 .3938 .5012 .5    .5286 .4389
        .3218 .332  .3282 .3795 .365  .3916 .4585 .4714 .5    .4749
        .3719 .421  .413  .4224 .3801 .4253 .4853 .5611 .5251 .5""",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_numbers_are_the_published_ones(name):
    rows = [[float(x) for x in row.split()] for row in PUBLISHED[name].strip().splitlines()]
    np.testing.assert_allclose(getattr(instances, name)().preferences, rows, rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [2, 8, 11])
def test_arithmetic(k):
    p = instances.arithmetic(k).preferences
    for i, j in itertools.product(range(k), repeat=2):
        assert p[i, j] == pytest.approx(0.5 + 0.05 * (j - i), abs=1e-12)
    assert instances.arithmetic() == instances.arithmetic(8)


@pytest.mark.parametrize("k", [2, 3, 10])
def test_hard_condorcet(k):
    """Arms counted from 1, as the paper does: against arm j, every later arm wins with 1/2 + j / (2 K)."""
    env = instances.hard_condorcet(k)
    for i, j in itertools.product(range(1, k + 1), repeat=2):
        wanted = 0.5 if i == j else 0.5 + j / (2 * k) if i > j else 0.5 - i / (2 * k)
        assert env.preferences[i - 1, j - 1] == pytest.approx(wanted, abs=1e-15)
    assert env.condorcet_winner == k - 1
    assert np.argmin(env.preferences[k - 1]) in (0, k - 1)  # its hardest opponent is the worst arm
    assert winners.copeland_scores(env).tolist() == pytest.approx([a / (k - 1) for a in range(k)])


@pytest.mark.parametrize("k", [2, 5, 60])
def test_geometric(k):
    p = instances.geometric(k).preferences
    for i, j in itertools.product(range(k), repeat=2):
        assert p[i, j] == pytest.approx(2.0**-i / (2.0**-i + 2.0**-j), rel=1e-9)
    assert winners.condorcet(p) == 0


@pytest.mark.parametrize("k", [4, 5, 30])
@pytest.mark.parametrize("gap", [0.001, 0.1, 0.499])
def test_strong_borda(k, gap):
    env = instances.strong_borda(k, gap)
    assert winners.condorcet(env) == 0
    assert winners.borda(env) == [1]
    np.testing.assert_allclose(env.preferences[0, 1:], 0.5 + gap / 2)


PMIN = st.integers(51, 100).map(lambda n: n / 100)
SEEDS = st.integers(0, 2**64 - 1)


@some
@given(st.integers(2, 12), PMIN, SEEDS, st.data())
def test_random_condorcet(k, pmin, seed, data):
    winner = data.draw(st.none() | st.integers(0, k - 1))
    env = instances.random_condorcet(k, pmin, winner=winner, seed=seed)
    best = env.condorcet_winner
    assert best is not None
    assert winner in (None, best)
    assert np.delete(env.preferences[best], best).min() == pmin
    assert env == instances.random_condorcet(k, pmin, winner=winner, seed=seed)


def test_random_condorcet_is_distributed_as_documented():
    """Entries between losers are uniform, the winner's others uniform above pmin, winners and pmin's place too."""
    made = [instances.random_condorcet(4, 0.6, seed=s) for s in range(2000)]
    best = np.array([env.condorcet_winner for env in made])
    winners_rows = np.array([env.preferences[b] for env, b in zip(made, best, strict=True)])
    place = (np.argmax(winners_rows == 0.6, axis=1) - best - 1) % 4
    for counts in (np.bincount(best, minlength=4) / 2000 - 1 / 4, np.bincount(place, minlength=3) / 2000 - 1 / 3):
        assert np.abs(counts).max() < 4 * np.sqrt(0.25 / 2000)
    rows = winners_rows[(winners_rows != 0.6) & (np.arange(4) != best[:, None])]
    assert (rows > 0.6).all()
    assert rows.mean() == pytest.approx(0.8, abs=4 * 0.4 / np.sqrt(12 * rows.size))
    losers = [
        np.delete(np.delete(env.preferences, b, 0), b, 1)[np.triu_indices(3, 1)]
        for env, b in zip(made, best, strict=True)
    ]
    assert np.mean(losers) == pytest.approx(0.5, abs=4 / np.sqrt(12 * 6000))
    assert np.var(losers) == pytest.approx(1 / 12, abs=4 / np.sqrt(180 * 6000))


@some
@given(st.integers(3, 8), st.integers(1, 6), PMIN, st.integers(1, 100).map(lambda n: n / 100), SEEDS)
def test_random_sequence(k, parts, pmin, delta, seed):
    env = instances.random_sequence(k, parts, horizon=1000, pmin=pmin, delta=delta, seed=seed)
    assert env.change_points == [m * 1000 // parts + 1 for m in range(1, parts)]
    best = [part.condorcet_winner for part in env.matrices]
    for part, winner in zip(env.matrices, best, strict=True):
        assert winner is not None
        assert np.delete(part.preferences[winner], winner).min() == pmin
    for (old, new), (before, after) in zip(itertools.pairwise(best), itertools.pairwise(env.matrices), strict=True):
        assert old != new
        fallen = before.preferences[old] - after.preferences[old]
        clipped = (after.preferences[old] == 0.0) & (before.preferences[old] < delta)
        exact = np.abs(fallen - delta) < 1e-12
        assert (exact | clipped)[np.arange(k) != new].any()
        if delta <= pmin:
            assert exact[np.arange(k) != new].any()


def test_random_sequences_first_matrix_is_an_instance_of_its_own():
    env = instances.random_sequence(5, 1, horizon=10, pmin=0.7, seed=4)
    assert env.change_points == []
    assert env.matrices == [instances.random_condorcet(5, 0.7, seed=4)]


BAD = [
    (lambda: instances.arithmetic(12), "n_arms is 12; allowed: an integer from 2 to 11"),
    (lambda: instances.hard_condorcet(1), "n_arms is 1; allowed: an integer of at least 2"),
    (lambda: instances.geometric(10_001), "n_arms is 10001; allowed: at most 10000"),
    (lambda: instances.strong_borda(3), "n_arms is 3; allowed: an integer of at least 4"),
    (lambda: instances.strong_borda(5, 0.0), r"gap is 0.0; allowed: a number in \(0, 0.5\)"),
    (lambda: instances.random_condorcet(3, 0.5), r"pmin is 0.5; allowed: a number in \(0.5, 1\]"),
    (lambda: instances.random_condorcet(3, winner=3), "winner is 3; allowed: an integer from 0 to 2"),
    (lambda: instances.random_condorcet(3, seed=-1), "seed is -1"),
    (lambda: instances.random_sequence(2, 2, 100), "n_arms is 2; allowed: at least 3"),
    (lambda: instances.random_sequence(3, 5, 4), "n_segments is 5; allowed: at most the horizon, 4"),
    (lambda: instances.random_sequence(3, 2, 100, delta=0.0), r"delta is 0.0; allowed: a number in \(0, 1\]"),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=[message[:20].strip() for _, message in BAD])
def test_bad_arguments(make, message):
    with pytest.raises(bl.errors.InvalidArgument, match=message):
        make()
