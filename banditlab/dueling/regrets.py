"""The regrets of comparing two arms: one table (first arm, second arm) a notion, named so that none can be confused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import one_of

from .winners import borda_scores, condorcet, copeland, copeland_scores, matrix_of

CONDORCET_REGRETS = ("average_regret", "weak_regret", "strong_regret", "binary_weak_regret", "binary_strong_regret")
REGRETS = (*CONDORCET_REGRETS, "copeland_regret", "borda_regret")

__all__ = ["CONDORCET_REGRETS", "REGRETS", "regret_table"]


def regret_table(preferences: Any, metric: str) -> NDArray[np.float64]:
    r"""Return the regret of one round, for every pair of arms.

    With the Condorcet winner i* and gaps :math:`\Delta_i = P_{i^* i} - 1/2`:

    ====================  ===================================================  =======================
    metric                regret of comparing i and j                          zero if
    ====================  ===================================================  =======================
    average_regret        :math:`(\Delta_i + \Delta_j) / 2`                    both are the winner
    weak_regret           :math:`\min(\Delta_i, \Delta_j)`                     one is the winner
    strong_regret         :math:`\max(\Delta_i, \Delta_j)`                     both are the winner
    binary_weak_regret    1 if neither is the winner                           one is the winner
    binary_strong_regret  1 if one of them is not the winner                   both are the winner
    copeland_regret       :math:`c^* - (c_i + c_j) / 2`, c the Copeland score  both are Copeland winners
    borda_regret          :math:`b^* - (b_i + b_j) / 2`, b the Borda score     both are Borda winners
    ====================  ===================================================  =======================

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.
    metric : str
        One of the above.

    Returns
    -------
    float64 array of shape (K, K)

    Raises
    ------
    InvalidArgument
        For a regret against the Condorcet winner where there is none.

    Notes
    -----
    Weak and strong regret are the gap versions of Yue, Broder, Kleinberg and Joachims 2012; the binary ones are those
    of Chen and Frazier 2017 and of Kolpaczki, Bengs and Hullermeier 2022, who drop the word "binary". The normalised
    Copeland score is that of Wu and Liu 2016. Borda regret is that of Saha, Koren and Mansour 2021; their scores, too,
    leave out the duel of an arm with itself.

    Examples
    --------
    >>> from banditlab.dueling import instances, regrets
    >>> table = regrets.regret_table(instances.cyclic(), "average_regret")
    >>> table[0].round(3).tolist()
    [0.0, 0.05, 0.05, 0.05]
    """
    one_of(*REGRETS)("metrics", metric)
    matrix = matrix_of(preferences)
    if metric in ("copeland_regret", "borda_regret"):
        scores = copeland_scores(matrix) if metric == "copeland_regret" else borda_scores(matrix)
        return np.asarray(scores.max() - 0.5 * (scores[:, None] + scores[None, :]))
    best = condorcet(matrix)
    if best is None:
        found = ", ".join(map(str, copeland(matrix)))
        raise InvalidArgument(
            f"metrics has {metric!r}, but no arm beats every other one: there is no Condorcet winner; allowed: "
            f"'copeland_regret' (Copeland winners: {found}), 'borda_regret', or an instance with a Condorcet winner"
        )
    if metric.startswith("binary"):
        other = np.arange(len(matrix)) != best
        combine = np.logical_and if metric == "binary_weak_regret" else np.logical_or
        return combine(other[:, None], other[None, :]).astype(np.float64)
    gaps = matrix[best] - 0.5
    one, two = gaps[:, None], gaps[None, :]
    if metric == "average_regret":
        return np.asarray(0.5 * (one + two))
    return np.asarray(np.minimum(one, two) if metric == "weak_regret" else np.maximum(one, two))
