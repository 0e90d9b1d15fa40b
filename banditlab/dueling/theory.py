"""Lower and upper bounds of dueling bandits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.arms.divergences import kl_bernoulli
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import between, integer

from .winners import condorcet

__all__ = ["beat_the_winner_reset_bound", "lower_bound_constant", "rmed1_constant"]


def lower_bound_constant(preferences: Any) -> float:
    r"""Return the constant C of the asymptotic lower bound R_T >= C log T on the average regret.

    .. math:: C = \sum_{i \ne i^*} \min_{j : P_{ij} < 1/2} \frac{\Delta_i + \Delta_j}{2 \, d(P_{ij}, 1/2)}

    where i* is the Condorcet winner, :math:`\Delta_i = P_{i^* i} - 1/2`, and d(p, q) is the Kullback-Leibler divergence
    of Bernoulli distributions. It holds for every policy whose regret is o(T^a) for all a > 0 on every instance with a
    Condorcet winner.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Raises
    ------
    InvalidArgument
        If there is no Condorcet winner.

    Notes
    -----
    Komiyama, Honda, Kashima and Nakagawa 2015, Theorem 1, with the pairs that are compared counted as in their regret
    (its number was not checked against the paper's text). RMED2 and RMED2FH attain it.

    Examples
    --------
    >>> from banditlab.dueling import PreferenceMatrix, theory
    >>> round(theory.lower_bound_constant(PreferenceMatrix([[0.5, 0.75], [0.25, 0.5]])), 4)
    0.9556
    """
    matrix = np.asarray(getattr(preferences, "preferences", preferences))
    best = condorcet(matrix)
    if best is None:
        raise InvalidArgument("preferences has no Condorcet winner; allowed: an instance with one")
    gaps = matrix[best] - 0.5
    total = 0.0
    for i in range(len(matrix)):
        if i == best:
            continue
        beaten_by = np.flatnonzero(matrix[i] < 0.5)
        total += min((gaps[i] + gaps[j]) / (2.0 * kl_bernoulli(float(matrix[i, j]), 0.5)) for j in beaten_by)
    return float(total)


def rmed1_constant(preferences: Any) -> float:
    r"""Return the constant C_1 of RMED1's regret, at most C_1 log T + o(log T) where there is a Condorcet winner i*.

    .. math:: C_1 = \sum_{i \ne i^*} \frac{\Delta_i}{2 \, d(P_{i i^*}, 1/2)}

    with the gaps and the divergence of `lower_bound_constant`, to which it is equal where every loser is best compared
    with the winner.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Raises
    ------
    InvalidArgument
        If there is no Condorcet winner.

    Notes
    -----
    Komiyama, Honda, Kashima and Nakagawa 2015 (arXiv 1506.02550), Theorem 3 (number from memory).

    Examples
    --------
    >>> from banditlab.dueling import instances, theory
    >>> round(theory.rmed1_constant(instances.cyclic()) / theory.lower_bound_constant(instances.cyclic()), 2)
    9.14
    """
    matrix = np.asarray(getattr(preferences, "preferences", preferences))
    best = condorcet(matrix)
    if best is None:
        raise InvalidArgument("preferences has no Condorcet winner; allowed: an instance with one")
    losers = [i for i in range(len(matrix)) if i != best]
    return float(sum((matrix[best, i] - 0.5) / (2.0 * kl_bernoulli(float(matrix[i, best]), 0.5)) for i in losers))


def beat_the_winner_reset_bound(n_arms: int, gap: float) -> float:
    r"""Return the bound on BtWR's expected binary weak regret, :math:`20 K \log K / \Delta^2`, whatever the horizon.

    :math:`\Delta = \min_{j \ne i^*} P_{i^* j} - 1/2` is the smallest gap of the Condorcet winner.

    Parameters
    ----------
    n_arms : int
        K, at least 2.
    gap : float
        In (0, 1/2].

    Notes
    -----
    Kolpaczki, Bengs and Hullermeier 2022 (arXiv 2202.00935). The constant 20 is reconstructed.

    Examples
    --------
    >>> from banditlab.dueling import theory
    >>> round(theory.beat_the_winner_reset_bound(n_arms=10, gap=0.1))
    46052
    """
    k = integer(2)("n_arms", n_arms)
    delta = between(0.0, 0.5, open_low=True)("gap", gap)
    return float(20.0 * k * math.log(k) / delta**2)
