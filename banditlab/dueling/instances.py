"""The instances of the literature, and random ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import SEED, between, integer, positive_integer, positive_probability

from .environments import PiecewiseStationary, PreferenceMatrix

__all__ = [
    "arithmetic",
    "arxiv",
    "cyclic",
    "geometric",
    "hard_condorcet",
    "irish",
    "mslr",
    "random_condorcet",
    "random_sequence",
    "strong_borda",
    "sushi",
]

N_ARMS = integer(2, limit=10_000)


def _symmetric(above: list[list[float]]) -> PreferenceMatrix:
    """Return the matrix whose rows above the diagonal are given: the chances of arms 0 to K - 2 against later ones."""
    k = len(above) + 1
    matrix = np.full((k, k), 0.5)
    for i, row in enumerate(above):
        matrix[i, i + 1 :] = row
        matrix[i + 1 :, i] = 1.0 - np.asarray(row)
    return PreferenceMatrix(matrix)


def arxiv() -> PreferenceMatrix:
    """Return the six rankers of the ArXiv search engine, from interleaved comparisons; arm 0 is the Condorcet winner.

    Notes
    -----
    Yue and Joachims 2011, Table 1, as Komiyama, Honda, Kashima and Nakagawa 2015 have it (Table 1b): for arms 1 and 3
    the source says 0.56 one way and 0.46 the other, and 0.55 is used here.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.arxiv().n_arms, instances.arxiv().condorcet_winner
    (6, 0)
    """
    return _symmetric(
        [[0.55, 0.55, 0.54, 0.61, 0.61], [0.55, 0.55, 0.58, 0.60], [0.54, 0.51, 0.56], [0.54, 0.50], [0.51]]
    )


def cyclic() -> PreferenceMatrix:
    """Return four arms: arm 0 beats each other arm with 0.6, and these beat one another in a cycle with 0.9.

    Notes
    -----
    Komiyama, Honda, Kashima and Nakagawa 2015, Table 1c: the best arm to compare a loser with is not the winner.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.cyclic().preferences[1].tolist()
    [0.4, 0.5, 0.9, 0.1]
    """
    return _symmetric([[0.6, 0.6, 0.6], [0.9, 0.1], [0.9]])


def arithmetic(n_arms: int = 8) -> PreferenceMatrix:
    """Return arms in a total order with P[i, j] = 0.5 + 0.05 (j - i).

    Parameters
    ----------
    n_arms : int, default 8
        At most 11, as probabilities end at 1.

    Notes
    -----
    Komiyama, Honda, Kashima and Nakagawa 2015 (K = 8).

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.arithmetic().preferences[0, 7].round(2)
    np.float64(0.85)
    """
    k = integer(2, 11)("n_arms", n_arms)
    return _symmetric([[0.5 + 0.05 * (j - i) for j in range(i + 1, k)] for i in range(k - 1)])


def mslr() -> PreferenceMatrix:
    """Return five rankers of the MSLR data, for informational queries; arm 0 is the Condorcet winner.

    Notes
    -----
    The numbers are those of Wu and Liu 2016, computed from the MSLR-WEB30K data set.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.mslr().condorcet_winner
    0
    """
    return _symmetric(
        [
            [0.53519466, 0.6125935, 0.75696008, 0.76547422],
            [0.57985831, 0.72745116, 0.73820053],
            [0.65895708, 0.66877089],
            [0.50999465],
        ]
    )


def sushi() -> PreferenceMatrix:
    """Return ten kinds of sushi as ranked by 5,000 people; arm 0 is the Condorcet winner.

    Notes
    -----
    SushiA of Kamishima 2003 (PrefLib 14-1): the share of the full rankings that have one kind before the other. Arms
    are fatty tuna, tuna, squid, sea urchin, salmon roe, egg, sea eel, tuna roll, cucumber roll and shrimp: the data's
    kinds 7, 2, 3, 4, 5, 6, 1, 8, 9 and 0. The "Sushi" of Komiyama et al. 2015 is a different matrix, of the 16 kinds
    that were compared most in SushiB.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.sushi().n_arms, instances.sushi().condorcet_winner
    (10, 0)
    """
    return _symmetric(
        [
            [0.743, 0.7738, 0.7158, 0.7046, 0.8214, 0.716, 0.8202, 0.8828, 0.7114],
            [0.679, 0.5618, 0.5402, 0.7616, 0.5696, 0.725, 0.8694, 0.5646],
            [0.4632, 0.405, 0.6234, 0.4304, 0.5006, 0.7694, 0.363],
            [0.4826, 0.5882, 0.486, 0.529, 0.6622, 0.4676],
            [0.6698, 0.5144, 0.5928, 0.7508, 0.5082],
            [0.3102, 0.3558, 0.6576, 0.2854],
            [0.5718, 0.757, 0.4746],
            [0.8206, 0.3864],
            [0.1554],
        ]
    )


def irish() -> PreferenceMatrix:
    """Return ten candidates of an Irish election (Meath 2002); arm 0 is the Condorcet winner.

    Notes
    -----
    From 64,081 ballots: of those that rank both candidates, the share that have one before the other. The candidates
    are the ten of 14 with the largest Copeland scores, numbers 4, 2, 5, 13, 1, 6, 7, 14, 10, 12 of the data (PrefLib).

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.irish().n_arms, instances.irish().condorcet_winner
    (10, 0)
    """
    return _symmetric(
        [
            [0.5837, 0.5693, 0.574, 0.5866, 0.6135, 0.6378, 0.6598, 0.6782, 0.6281],
            [0.5667, 0.4733, 0.4939, 0.6514, 0.6104, 0.6731, 0.668, 0.579],
            [0.4758, 0.4624, 0.6185, 0.6359, 0.6676, 0.6718, 0.587],
            [0.5163, 0.569, 0.6099, 0.649, 0.6205, 0.5776],
            [0.5931, 0.617, 0.6106, 0.635, 0.6199],
            [0.5757, 0.6062, 0.6084, 0.5747],
            [0.4988, 0.5415, 0.5147],
            [0.5286, 0.4389],
            [0.4749],
        ]
    )


def hard_condorcet(n_arms: int) -> PreferenceMatrix:
    """Return arms in a total order, the last one first: P[i, j] = 1/2 + (j + 1) / (2 K) for arms j < i.

    Against a better arm, an arm loses by less the worse it is: the winner is hard to tell from the worst arms.

    Parameters
    ----------
    n_arms : int
        K, at least 2.

    Notes
    -----
    Urvoy, Clerot, Feraud and Naamane 2013 (SAVAGE), who count arms from 1. Counting from 0 without the 1 above, as some
    libraries do, would make arm 0 the equal of all others, and leave no Condorcet winner.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.hard_condorcet(4).preferences[3].tolist()
    [0.625, 0.75, 0.875, 0.5]
    """
    k = N_ARMS("n_arms", n_arms)
    place = np.arange(1, k + 1)
    below = np.tril(np.broadcast_to(0.5 + place / (2.0 * k), (k, k)), -1)
    return PreferenceMatrix(below + np.triu(1.0 - below.T, 1) + 0.5 * np.eye(k))


def geometric(n_arms: int) -> PreferenceMatrix:
    r"""Return the Bradley-Terry-Luce model with weights :math:`2^{-i}`: P[i, j] = 2^-i / (2^-i + 2^-j).

    Parameters
    ----------
    n_arms : int
        K, at least 2.

    Notes
    -----
    Used by Suk and Agarwal 2023.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> instances.geometric(3).preferences[0].round(4).tolist()
    [0.5, 0.6667, 0.8]
    """
    k = N_ARMS("n_arms", n_arms)
    return PreferenceMatrix.from_utilities(-np.log(2.0) * np.arange(k))


def strong_borda(n_arms: int = 5, gap: float = 0.1) -> PreferenceMatrix:
    """Return an instance whose Condorcet winner, arm 0, is not its Borda winner, arm 1.

    Arm 0 beats every other arm with 1/2 + gap/2; arm 1 beats all others but arm 0 with 1; the rest are equal.

    Parameters
    ----------
    n_arms : int, default 5
        At least 4: with fewer, arm 1 is not the Borda winner for every gap.
    gap : float, default 0.1
        In (0, 1/2).

    Examples
    --------
    >>> from banditlab.dueling import instances, winners
    >>> winners.condorcet(instances.strong_borda()), winners.borda(instances.strong_borda())
    (0, [1])
    """
    k = integer(4, limit=10_000)("n_arms", n_arms)
    half = 0.5 * between(0.0, 0.5, open_low=True, open_high=True)("gap", gap)
    matrix = np.full((k, k), 0.5)
    matrix[0, 1:], matrix[1:, 0] = 0.5 + half, 0.5 - half
    matrix[1, 2:], matrix[2:, 1] = 1.0, 0.0
    return PreferenceMatrix(matrix)


def _random(rng: np.random.Generator, k: int, winner: int, pmin: float) -> NDArray[np.float64]:
    """Return a matrix with uniform entries in which one arm wins, one of its entries being exactly pmin."""
    matrix = np.triu(rng.random((k, k)), 1)
    matrix = matrix + np.tril(1.0 - matrix.T, -1) + 0.5 * np.eye(k)
    row = pmin + (1.0 - pmin) * rng.random(k)
    others = np.delete(np.arange(k), winner)
    row[rng.choice(others)] = pmin
    return _with_row(matrix, winner, row)


def _with_row(matrix: NDArray[np.float64], arm: int, row: NDArray[np.float64]) -> NDArray[np.float64]:
    made = matrix.copy()
    made[arm], made[:, arm] = row, 1.0 - row
    made[arm, arm] = 0.5
    return made


PMIN = between(0.5, 1.0, open_low=True)


def random_condorcet(n_arms: int, pmin: float = 0.55, *, winner: int | None = None, seed: int = 0) -> PreferenceMatrix:
    """Return a random instance with a Condorcet winner.

    All entries are uniform on (0, 1); then the winner's row is uniform on (pmin, 1), with one entry that is pmin.

    Parameters
    ----------
    n_arms : int
        K.
    pmin : float, default 0.55
        The winner's smallest chance against any other arm; in (1/2, 1].
    winner : int, optional
        The winner; default: drawn uniformly.
    seed : int, default 0
        Seed of the instance.

    Notes
    -----
    The generator of the experiments of Kolpaczki, Bengs and Hullermeier 2022.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> env = instances.random_condorcet(5, pmin=0.6, winner=2, seed=1)
    >>> # the smallest is 1/2, the arm against itself
    >>> env.condorcet_winner, sorted(env.preferences[2])[1]
    (2, np.float64(0.6))
    """
    k = N_ARMS("n_arms", n_arms)
    smallest = PMIN("pmin", pmin)
    rng = np.random.default_rng(SEED("seed", seed))
    best = int(rng.integers(k)) if winner is None else integer(0, k - 1)("winner", winner)
    return PreferenceMatrix(_random(rng, k, best, smallest))


def random_sequence(
    n_arms: int, n_segments: int, horizon: int, pmin: float = 0.55, delta: float = 0.3, *, seed: int = 0
) -> PiecewiseStationary:
    r"""Return random instances one after the other, each with a different Condorcet winner than the one before.

    Segments are of equal length: segment m of M starts in round floor(m T / M) + 1, m from 0. At each change, one entry
    of the old winner's row falls by exactly delta, or by less if it would leave [0, 1], which cannot happen for delta
    of at most pmin. Everything else is drawn afresh as in `random_condorcet`.

    Parameters
    ----------
    n_arms, n_segments, horizon : int
        K, M and T.
    pmin : float, default 0.55
        A winner's smallest chance against any other arm; in (1/2, 1].
    delta : float, default 0.3
        The change of one entry of the old winner's row; in (0, 1].
    seed : int, default 0
        Seed of the instance.

    Notes
    -----
    After the generator of the experiments of Kolpaczki, Bengs and Hullermeier 2022. There, the entry that changes by
    delta rises with probability 1/2 if it stays below 1, and can become negative otherwise; here it always falls.
    There, it can also be the entry against the new winner; here another entry is always chosen, so that the new
    winner's row stays at pmin or above.

    Examples
    --------
    >>> from banditlab.dueling import instances
    >>> env = instances.random_sequence(5, n_segments=3, horizon=300, seed=0)
    >>> env.change_points, [part.condorcet_winner for part in env.matrices]
    ([101, 201], [4, 2, 0])
    """
    k, parts = N_ARMS("n_arms", n_arms), positive_integer("n_segments", n_segments)
    rounds = positive_integer("horizon", horizon)
    if parts > rounds:
        raise InvalidArgument(f"n_segments is {parts}; allowed: at most the horizon, {rounds}")
    if k < 3 and parts > 1:
        raise InvalidArgument("n_arms is 2; allowed: at least 3, for one entry to change that is not the new winner's")
    smallest, change = PMIN("pmin", pmin), positive_probability("delta", delta)
    rng = np.random.default_rng(SEED("seed", seed))
    best = int(rng.integers(k))
    matrices = [_random(rng, k, best, smallest)]
    for _ in range(parts - 1):
        old, before = best, matrices[-1]
        best = int(rng.choice(np.delete(np.arange(k), old)))
        matrix = _random(rng, k, best, smallest)
        entry = int(rng.choice(np.delete(np.arange(k), [old, best])))
        matrix[old, entry] = max(before[old, entry] - change, 0.0)
        matrix[entry, old] = 1.0 - matrix[old, entry]
        matrices.append(matrix)
    starts = [m * rounds // parts + 1 for m in range(1, parts)]
    return PiecewiseStationary([PreferenceMatrix(m) for m in matrices], starts)
