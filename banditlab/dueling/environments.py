"""Environments: a matrix of preferences, and several of them one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from banditlab.arms.nonstationary import check_change_points, checked_change_points, stretches
from banditlab.core.components import field, is_component
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray
from banditlab.core.validation import count, invalid, non_negative, one_of, positive_integer, shown, vector

from . import preferences as making
from .family import environment
from .preferences import preference_matrix


@environment
class PreferenceMatrix:
    r"""K arms, and for any two of them the probability that one beats the other.

    Comparing i with j gives a win of i with probability P[i, j], independently of everything before.

    Parameters
    ----------
    preferences : (K, K) array
        P[i, j], the probability that arm i beats arm j, with P[i, j] + P[j, i] = 1 (within 1e-9) and 1/2 on the
        diagonal; at least two arms. The entries above the diagonal decide; the rest is made exactly complementary.

    Notes
    -----
    Yue, Broder, Kleinberg and Joachims 2012. See `PreferenceMatrix.from_utilities`, `from_rankings` and `from_duels`
    for matrices from data, `instances` for those of the literature, and `winners` for who wins.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> env = dueling.PreferenceMatrix([[0.5, 0.7, 0.8], [0.3, 0.5, 0.6], [0.2, 0.4, 0.5]])
    >>> env.condorcet_winner
    0
    >>> metrics = ["average_regret", "weak_regret"]
    >>> result = bl.run(env, dueling.RUCB(), horizon=1000, n_runs=4, seed=0, metrics=metrics)
    >>> result.metrics
    ('average_regret', 'weak_regret')
    """

    preferences: FloatArray = field(check=preference_matrix, doc="P[i, j], the chance that i beats j")

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.preferences)

    @property
    def condorcet_winner(self) -> int | None:
        """The arm that beats every other one with more than 1/2, or None.

        Examples
        --------
        >>> from banditlab import dueling
        >>> circle = [[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]]
        >>> dueling.PreferenceMatrix(circle).condorcet_winner is None
        True
        >>> dueling.instances.geometric(3).condorcet_winner
        0
        """
        from .winners import condorcet

        return condorcet(self.preferences)

    @classmethod
    def from_utilities(cls, utilities: Any, link: str = "btl") -> Self:
        r"""Make a matrix from one utility per arm: :math:`P_{ij} = F(u_i - u_j)`.

        Parameters
        ----------
        utilities : sequence of float
            One per arm.
        link : {'btl', 'thurstone'}, default 'btl'
            Bradley, Terry and Luce: :math:`F(x) = 1 / (1 + e^{-x})`; utilities are logarithms of the model's positive
            weights. Thurstone: the normal distribution function, utilities in units of the noise of a difference.

        Examples
        --------
        >>> from banditlab import dueling
        >>> dueling.PreferenceMatrix.from_utilities([1.0, 0.0]).preferences.round(4).tolist()
        [[0.5, 0.7311], [0.2689, 0.5]]
        """
        checked = vector()("utilities", utilities)
        return cls(making.from_utilities(checked, one_of("btl", "thurstone")("link", link)))

    @classmethod
    def from_rankings(cls, rankings: Any, prior: float = 0.0) -> Self:
        """Make a matrix from rankings: P[i, j] is the share of rankings that name both and have i before j.

        Parameters
        ----------
        rankings : list of lists of int
            Arms, best first; a ranking may leave arms out, and then says nothing about them.
        prior : float, default 0.0
            Wins added to both sides of every pair; needed where two arms never meet.

        Examples
        --------
        >>> from banditlab import dueling
        >>> dueling.PreferenceMatrix.from_rankings([[0, 1, 2], [0, 2, 1], [1, 0], [0, 1]]).preferences[0, 1]
        np.float64(0.75)
        """
        wins = making.wins_in_rankings(rankings)
        return cls(making.from_wins(wins, non_negative("prior", prior), range(len(wins))))

    @classmethod
    def from_wins(cls, wins: Any, prior: float = 0.0) -> Self:
        """Make a matrix from a table of wins: P[i, j] is the share of the duels of i and j that i won.

        Parameters
        ----------
        wins : array_like or pandas.DataFrame, shape (K, K)
            How often the arm of the row beat that of the column. Arms are numbered in this order.
        prior : float, default 0.0
            Wins added to both sides of every pair; needed where two arms never meet.

        Examples
        --------
        >>> from banditlab import dueling
        >>> dueling.PreferenceMatrix.from_wins([[0, 30], [10, 0]]).preferences[0, 1]
        np.float64(0.75)
        """
        counts, names = making.table_of_wins(wins)
        return cls(making.from_wins(counts, non_negative("prior", prior), names))

    @classmethod
    def from_duels(cls, duels: Any, prior: float = 0.0) -> Self:
        """Make a matrix from a table of duels; arms are numbered in the order of their sorted names.

        Parameters
        ----------
        duels : pandas.DataFrame
            With the columns winner and loser, and count if a row stands for several duels.
        prior : float, default 0.0
            Wins added to both sides of every pair; needed where two arms never meet.

        Examples
        --------
        >>> import pandas as pd
        >>> from banditlab import dueling
        >>> duels = pd.DataFrame(
        ...     {"winner": ["ada", "bob", "ada"], "loser": ["bob", "ada", "bob"], "count": [2, 1, 1]}
        ... )
        >>> dueling.PreferenceMatrix.from_duels(duels).preferences[0, 1]
        np.float64(0.75)
        """
        wins, names = making.wins_in_duels(duels)
        return cls(making.from_wins(wins, non_negative("prior", prior), names))


def _matrices(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a list of PreferenceMatrix")
    if not value:
        raise invalid(name, value, "at least one matrix")
    made = []
    for k, part in enumerate(value):
        if isinstance(part, np.ndarray | list | tuple):
            made.append(PreferenceMatrix(preference_matrix(f"{name}[{k}]", part)))
        elif is_component(part) and hasattr(part, "preferences"):
            made.append(part)
        else:
            raise InvalidType(f"{name}[{k}] is {shown(part)}; allowed: a PreferenceMatrix or a matrix")
        if made[k].n_arms != made[0].n_arms:
            raise InvalidArgument(
                f"{name}[{k}] has {count(made[k].n_arms, 'arm')}; allowed: {made[0].n_arms}, as {name}[0]"
            )
    return made


@environment
class PiecewiseStationary:
    """Matrices of preferences, one after the other.

    Regret is against the winner of the current segment.

    Parameters
    ----------
    matrices : list of PreferenceMatrix or of (K, K) arrays
        One per segment, all with the same number of arms.
    change_points : list of int
        The first round of each segment but the first: one fewer than there are matrices; increasing, at least 2.

    Notes
    -----
    Kolpaczki, Bengs and Hullermeier 2022 (arXiv 2202.00935); `instances.random_sequence` makes theirs.

    Examples
    --------
    >>> from banditlab import dueling
    >>> easy, reverse = [[0.5, 0.9], [0.1, 0.5]], [[0.5, 0.1], [0.9, 0.5]]
    >>> env = dueling.PiecewiseStationary([easy, reverse], change_points=[501])
    >>> [(first, last, part.condorcet_winner) for first, last, part in env.segments(1000)]
    [(1, 500, 0), (501, 1000, 1)]
    """

    matrices: Sequence[Any] = field(check=_matrices, kind="environment", doc="one matrix of preferences a segment")
    change_points: Sequence[int] = field(check=checked_change_points, doc="first round of each segment but the first")

    def validate(self) -> None:
        """Check that there is a change point between any two matrices."""
        check_change_points(self, "matrices")

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return int(self.matrices[0].n_arms)

    def segments(self, horizon: int) -> list[tuple[int, int, Any]]:
        """Return (first round, last round, matrix) of each segment that starts by the horizon.

        Parameters
        ----------
        horizon : int
            T; the last segment ends there.

        Examples
        --------
        >>> from banditlab import dueling
        >>> easy, reverse = [[0.5, 0.9], [0.1, 0.5]], [[0.5, 0.1], [0.9, 0.5]]
        >>> env = dueling.PiecewiseStationary([easy, reverse], change_points=[501])
        >>> [len(env.segments(horizon)) for horizon in (500, 501)]
        [1, 2]
        """
        return stretches(self.matrices, self.change_points, positive_integer("horizon", horizon))
