"""What counts as a matrix of preferences, and what can be made into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import integer, invalid, matrix, non_negative, shown

MOST_RANKED = 10_000
"""Arms in rankings, at most: their numbers are smaller."""

ARM = integer(0, limit=MOST_RANKED - 1)

TOLERANCE = 1e-9
"""How far P[i, j] + P[j, i] may be from 1: matrices in papers are rounded, but to complementary digits."""

ROUNDED = 0.01 + TOLERANCE
"""How far it can be where two decimals were kept: 0.665 and 0.335 are then 0.67 and 0.34."""


def preference_matrix(name: str, value: Any) -> NDArray[np.float64]:
    """Check for a square matrix of probabilities with P[i, j] + P[j, i] = 1; return it exactly complementary."""
    given: NDArray[np.float64] = matrix(0.0, 1.0)(name, value)
    rows, columns = given.shape
    if rows != columns:
        raise InvalidArgument(f"{name} has {rows} rows and {columns} columns; allowed: a square matrix")
    if rows < 2:
        raise InvalidArgument(f"{name} has {rows} row; allowed: at least two arms, to be compared")
    far = np.abs(given + given.T - 1.0)
    off = far > TOLERANCE
    if off.any():
        i, j = (int(k) for k in np.argwhere(off)[0])
        if i == j:
            raise InvalidArgument(f"{name}[{i}][{i}] is {given[i, i]:.10g}; allowed: 0.5, an arm against itself")
        remedy = ", as in (P + 1 - P.T) / 2 for a rounded array P of float64" if far.max() <= ROUNDED else ""
        raise InvalidArgument(
            f"{name}[{i}][{j}] is {given[i, j]:.10g} and {name}[{j}][{i}] is {given[j, i]:.10g}; "
            f"allowed: two numbers that add up to 1, within {TOLERANCE:g}{remedy}"
        )
    exact = np.triu(given, 1)
    exact = exact + np.tril(1.0 - exact.T, -1) + 0.5 * np.eye(rows)
    exact.setflags(write=False)
    return exact


def from_utilities(utilities: NDArray[np.float64], link: str) -> NDArray[np.float64]:
    """Return the matrix of arms with utilities: P[i, j] = F(u_i - u_j)."""
    difference = utilities[:, None] - utilities[None, :]
    if link == "btl":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * difference)))  # the logistic function, exact at both ends
    from scipy.special import ndtr

    return np.asarray(ndtr(difference))


def from_wins(wins: NDArray[np.float64], prior: float, names: Sequence[Any]) -> NDArray[np.float64]:
    """Return the shares of duels won; `prior` duels are added to each side."""
    n = len(wins)
    duels = wins + wins.T + 2.0 * prior
    never = (duels == 0.0) & ~np.eye(n, dtype=bool)
    if never.any():
        i, j = np.argwhere(never)[0]
        raise InvalidArgument(
            f"arms {shown(names[i])} and {shown(names[j])} were never compared; "
            "allowed: every pair at least once, or a positive prior"
        )
    np.fill_diagonal(duels, 1.0)
    shares = (wins + prior) / duels
    np.fill_diagonal(shares, 0.5)
    return np.asarray(shares)


def table_of_wins(wins: Any) -> tuple[NDArray[np.float64], Sequence[Any]]:
    """Return a square table of how often each arm, by row, beat each other one, by column; and the arms' names."""
    names, columns = ([], []) if not hasattr(wins, "columns") else (list(wins.index), list(wins.columns))
    if names != columns:
        raise InvalidArgument(
            f"wins has rows {shown(names)} and columns {shown(columns)}; allowed: the same arms in the same order"
        )
    found: NDArray[np.float64] = np.array(matrix(0.0)("wins", np.asarray(wins)))
    n = len(found)
    if found.shape != (n, n) or n < 2:
        raise InvalidArgument(
            f"wins has shape {found.shape}; allowed: (K, K), a row and a column for each of K >= 2 arms"
        )
    if np.diagonal(found).any():
        arm = int(np.flatnonzero(np.diagonal(found))[0])
        raise InvalidArgument(f"wins[{arm}][{arm}] is {found[arm, arm]:g}; allowed: 0, an arm against itself")
    return found, names or range(n)


def wins_in_rankings(rankings: Any) -> NDArray[np.float64]:
    """Return how often each arm stands before each other one, in rankings that name both."""
    if isinstance(rankings, np.ndarray):
        rankings = rankings.tolist()
    if isinstance(rankings, str | bytes) or not isinstance(rankings, Sequence) or not rankings:
        raise InvalidType(f"rankings is {shown(rankings)}; allowed: a list of lists of arms, best first")
    by_length: dict[int, list[list[int]]] = {}
    for k, ranking in enumerate(rankings):
        if isinstance(ranking, str | bytes) or not isinstance(ranking, Sequence | np.ndarray):
            raise InvalidType(f"rankings[{k}] is {shown(ranking)}; allowed: a list of arms, best first")
        arms = _arms(f"rankings[{k}]", list(ranking))
        if len(set(arms)) < len(arms):
            raise invalid(f"rankings[{k}]", list(ranking), "each arm at most once")
        by_length.setdefault(len(arms), []).append(arms)
    n_arms = 1 + max(max(map(max, equal)) if length else 0 for length, equal in by_length.items())
    wins = np.zeros(n_arms**2)
    for equal in by_length.values():
        places = np.array(equal, dtype=np.int64).T  # one row per place, one column per ranking
        for place, arm in enumerate(places):
            np.add.at(wins, (arm * n_arms + places[place + 1 :]).ravel(), 1.0)
    return wins.reshape(n_arms, n_arms)


def _arms(name: str, ranking: list[Any]) -> list[int]:
    """Check for a list of arms; those of the usual types all at once, as there may be millions."""
    if {int, np.int64}.issuperset(map(type, ranking)) and all(0 <= arm < MOST_RANKED for arm in ranking):
        return ranking
    return [ARM(f"{name}[{place}]", arm) for place, arm in enumerate(ranking)]


def wins_in_duels(duels: Any) -> tuple[NDArray[np.float64], list[Any]]:
    """Return how often each arm beat each other one, and the arms' names in order, from a table of duels."""
    columns = list(getattr(duels, "columns", []))
    if not {"winner", "loser"} <= set(columns):
        raise InvalidType(
            f"duels has {'the columns ' + ', '.join(map(str, columns)) if columns else 'no columns'}; allowed: a "
            "DataFrame with the columns winner and loser, and if rows stand for several duels, count (from_wins takes "
            "a table with a row and a column per arm)"
        )
    for column in ("winner", "loser", "count"):
        if columns.count(column) > 1:
            raise InvalidArgument(f"duels has {columns.count(column)} columns {column}; allowed: one")
    if not len(duels):
        raise InvalidArgument("duels has no rows; allowed: at least one duel")
    for column in ("winner", "loser"):
        if duels[column].isna().any():
            row = int(np.flatnonzero(duels[column].isna())[0])
            raise InvalidArgument(f"duels[{column!r}] has no name in row {row}; allowed: a name in every row")
    try:
        names = sorted(set(duels["winner"]) | set(duels["loser"]))
    except TypeError as error:
        raise InvalidType("duels has names of different types; allowed: names that can be sorted") from error
    place = {name: k for k, name in enumerate(names)}
    counts = duels["count"] if "count" in columns else np.ones(len(duels))
    wins = np.zeros((len(names), len(names)))
    for row, (winner, loser, count) in enumerate(zip(duels["winner"], duels["loser"], counts, strict=True)):
        times = non_negative(f"duels['count'][{row}]", count)
        if winner == loser:
            raise InvalidArgument(f"duels has {shown(winner)} against itself in row {row}; allowed: two different arms")
        wins[place[winner], place[loser]] += times
    return wins, names
