"""Who wins: the notions of a winner in the literature, for a matrix of preferences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidType
from banditlab.core.validation import shown

from .preferences import preference_matrix

__all__ = ["borda", "borda_scores", "condorcet", "copeland", "copeland_scores", "von_neumann"]


def matrix_of(preferences: Any) -> NDArray[np.float64]:
    """Return the matrix of an environment, or a matrix checked."""
    if hasattr(preferences, "segments") and not hasattr(preferences, "preferences"):
        one = "matrices[0]" if hasattr(preferences, "matrices") else "segments(horizon)[0][2]"
        raise InvalidType(
            f"preferences is {shown(preferences)}, which has several matrices; allowed: one of them, such as its {one}"
        )
    given = getattr(preferences, "preferences", preferences)
    checked: NDArray[np.float64] = preference_matrix("preferences", given)
    return checked


def condorcet(preferences: Any) -> int | None:
    r"""Return the Condorcet winner, the arm that beats every other one: P[i, j] > 1/2 for all j; None if there is none.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Examples
    --------
    >>> from banditlab.dueling import instances, winners
    >>> winners.condorcet(instances.cyclic())
    0
    >>> # rock, paper, scissors
    >>> winners.condorcet([[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]]) is None
    True
    """
    found = np.flatnonzero(copeland_scores(preferences) == 1.0)
    return int(found[0]) if len(found) else None


def copeland_scores(preferences: Any) -> NDArray[np.float64]:
    r"""Return each arm's normalised Copeland score, :math:`\#\{j \ne i : P_{ij} > 1/2\} / (K - 1)`.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Examples
    --------
    >>> from banditlab.dueling import instances, winners
    >>> winners.copeland_scores(instances.cyclic()).round(3).tolist()
    [1.0, 0.333, 0.333, 0.333]
    """
    beaten = matrix_of(preferences) > 0.5
    return np.asarray(beaten.sum(axis=1) / (len(beaten) - 1.0), dtype=np.float64)


def copeland(preferences: Any) -> list[int]:
    """Return the Copeland winners, the arms that beat the most others: there is always at least one.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Examples
    --------
    >>> from banditlab.dueling import winners
    >>> winners.copeland([[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]])
    [0, 1, 2]
    """
    scores = copeland_scores(preferences)
    return [int(i) for i in np.flatnonzero(scores == scores.max())]


def borda_scores(preferences: Any) -> NDArray[np.float64]:
    r"""Return each arm's Borda score, its chance of a win against a uniform opponent.

    .. math:: b_i = \frac{1}{K - 1} \sum_{j \ne i} P_{ij}

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Examples
    --------
    >>> from banditlab.dueling import winners
    >>> winners.borda_scores([[0.5, 0.6, 0.6], [0.4, 0.5, 1.0], [0.4, 0.0, 0.5]]).round(3).tolist()
    [0.6, 0.7, 0.2]
    """
    matrix = matrix_of(preferences)
    return np.asarray((matrix.sum(axis=1) - 0.5) / (len(matrix) - 1.0), dtype=np.float64)


def borda(preferences: Any) -> list[int]:
    """Return the Borda winners, the arms with the largest mean chance; they need not include the Condorcet winner.

    Scores within 1e-12 of the largest count as equal.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Examples
    --------
    >>> from banditlab.dueling import winners
    >>> # arm 0 beats both, arm 1 beats arm 2 always
    >>> winners.borda([[0.5, 0.6, 0.6], [0.4, 0.5, 1.0], [0.4, 0.0, 0.5]])
    [1]
    """
    scores = borda_scores(preferences)
    return [int(i) for i in np.flatnonzero(scores >= scores.max() - 1e-12)]


def von_neumann(preferences: Any) -> NDArray[np.float64]:
    r"""Return a von Neumann winner: a distribution over arms that no arm beats in expectation.

    .. math:: \max_{x \in \Delta_K} \min_j \sum_i x_i (P_{ij} - 1/2)

    solved as a linear program; the value is 0, because the game is symmetric. Where several distributions win, it is
    the one that HiGHS finds.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Returns
    -------
    float64 array
        Probabilities, one per arm.

    Notes
    -----
    Dudik, Hofmann, Schapire, Slivkins and Zoghi 2015.

    Examples
    --------
    >>> from banditlab.dueling import winners
    >>> winners.von_neumann([[0.5, 0.6, 0.4], [0.4, 0.5, 0.6], [0.6, 0.4, 0.5]]).round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    from scipy.optimize import linprog  # slow to import

    matrix = matrix_of(preferences)
    k = len(matrix)
    # variables: x, and the value t that every column's payoff reaches
    solved = linprog(
        np.append(np.zeros(k), -1.0),
        A_ub=np.hstack([0.5 - matrix.T, np.ones((k, 1))]),
        b_ub=np.zeros(k),
        A_eq=np.append(np.ones(k), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0.0, 1.0)] * k + [(-0.5, 0.5)],
        method="highs",
    )
    x = np.clip(solved.x[:k], 0.0, None)
    return np.asarray(x / x.sum(), dtype=np.float64)
