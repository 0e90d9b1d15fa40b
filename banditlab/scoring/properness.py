"""Is a scoring rule proper? Where it isn't, a belief and a lie that pays show it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from banditlab.core.brief import brief
from banditlab.core.errors import InvalidType
from banditlab.core.validation import boolean, non_negative, shown

from .payments import expected_payments, mean_payment
from .rules import ScoringRule
from .simplex import Floats, climb, finest_grid
from .table_rule import TableRule

# The search compares all pairs of about this many beliefs: on a grid of the simplex, on a line, and at random.
_GRID, _LINE, _RANDOM, _LINES = 800, 401, 300, 12
_BINARY_LINE = 2001
# Expected payments that differ by less, relative to the payments that they consist of, are equal up to rounding.
_ROUNDING = 1e-14
# Closer reports are not compared for ties: what they are paid differs by a square of their distance.
_APART = 0.05
# Pairs from which the search climbs when no lie has been found.
_CLIMBS = 4


@dataclass(frozen=True, eq=False)
class Witness:
    """A belief at which truth is not the best report.

    Attributes
    ----------
    belief : float64 array
        What the agent believes.
    lie : float64 array
        The report that is better for that agent, or as good.
    gain : float
        How much more the agent expects from the lie than from the truth; zero up to rounding where the rule is proper
        but not strictly so. Infinite where the expected payment of truth is -inf.

    Examples
    --------
    >>> from banditlab import scoring
    >>> reports = scoring.binary([0.3, 0.7, 0.1])
    >>> exaggerate = scoring.ScoringRule.from_table([[1, 0], [0, 1], [2, 0]], reports)
    >>> found = scoring.is_proper(exaggerate).witness
    >>> found.belief.tolist(), found.lie.tolist(), round(found.gain, 6)
    ([0.7, 0.3], [0.9, 0.1], 0.7)
    """

    belief: Floats
    lie: Floats
    gain: float

    __repr__ = brief


@dataclass(frozen=True)
class Properness:
    """The verdict of `is_proper`: true or false in an `if`.

    Attributes
    ----------
    proper : bool
        The verdict, on strict properness if that was asked for.
    strictly : bool
        Whether strict properness was asked for.
    proof : bool
        Whether the verdict holds for certain, up to the tolerance: for a lie that gains, and for a table, of which all
        pairs of reports are compared. False where a search has found no lie, and for a tie of a rule that is not a
        table: it may be broken by less than rounding.
    witness : Witness or None
        What shows that the rule is not (strictly) proper.
    n_pairs : int
        Pairs of a belief and a report that were compared.

    Examples
    --------
    >>> from banditlab import scoring
    >>> bets = scoring.ScoringRule.from_table([[1, 0], [0, 1]], scoring.binary([0.3, 0.7]))
    >>> print(scoring.is_proper(bets))
    proper: every pair of reports compared (2 pairs)
    >>> found = scoring.is_proper(scoring.Brier(), strictly=True)
    >>> bool(found), found.proof, found.witness is None
    (True, False, True)
    """

    proper: bool
    strictly: bool
    proof: bool
    witness: Witness | None
    n_pairs: int

    def __bool__(self) -> bool:
        """Return the verdict."""
        return self.proper

    def __str__(self) -> str:
        """Say the verdict in a sentence."""
        word = "strictly proper" if self.strictly else "proper"
        if self.witness is not None:
            w = self.witness
            tie = "" if self.proof else ", a tie to rounding"
            return f"not {word}: at belief {_told(w.belief)} the report {_told(w.lie)} gains {w.gain:.3g}{tie}"
        how = "every pair of reports compared" if self.proof else "no lie found by search, which is no proof"
        return f"{word}: {how} ({self.n_pairs:,} pairs)"


def _told(belief: Floats) -> str:
    return "(" + ", ".join(f"{p:.4g}" for p in belief) + ")"


def is_proper(rule: ScoringRule, *, strictly: bool = False, tolerance: float = 1e-9) -> Properness:
    r"""Say whether truth is the best report, at every belief; if not, give a belief and a better lie.

    A rule is proper if :math:`S(p, p) \ge S(r, p)` for all beliefs p and reports r, and strictly proper if equality
    needs r = p.

    **A table** (`ScoringRule.from_table`) is decided: every listed belief is compared with every listed report. The
    verdict is about the listed beliefs only; agents with other beliefs cannot tell the truth to such a rule.

    **Any other rule** is searched for a lie: all pairs of beliefs on a grid of the simplex (about 800 points), of
    random beliefs, and of points on edges and random chords; the best lie is then improved by local search. With two
    states the simplex is one line, compared at 2,001 points. A witness proves that the rule is not proper. Without
    one it is certain only that no lie gains on any of these sets, so that G is convex on them; a violation that is
    both narrow and away from them can be missed, the more easily the more states there are.

    Parameters
    ----------
    rule : ScoringRule
        For a function of report and outcome, make one with `ScoringRule.from_function`.
    strictly : bool, default False
        Whether to ask for strict properness. Reports at least 0.05 apart (any two reports, in a table) are then
        compared for ties: expected payments that are equal up to rounding, 1e-14 of what both are made of.
    tolerance : float, default 1e-9
        Gains up to this share of the largest payment are put down to rounding.

    Returns
    -------
    Properness
        True or false in an `if`, with `witness`, and with `proof`: whether the verdict is more than a search's.

    Raises
    ------
    InvalidType
        If rule is not a ScoringRule.

    Examples
    --------
    >>> from banditlab import scoring
    >>> skewed = scoring.ScoringRule.from_function(lambda r, w: (w + 1) * r[w], n_states=2)
    >>> print(scoring.is_proper(skewed))
    not proper: at belief (0.3333, 0.6667) the report (0, 1) gains 0.333
    >>> (
    ...     bool(scoring.is_proper(scoring.VShaped(0.3))),
    ...     bool(scoring.is_proper(scoring.VShaped(0.3), strictly=True)),
    ... )
    (True, False)
    """
    if not isinstance(rule, ScoringRule):
        raise InvalidType(
            f"rule is {shown(rule)}; allowed: a ScoringRule, which ScoringRule.from_function makes of any function"
        )
    boolean("strictly", strictly)
    tolerance = non_negative("tolerance", tolerance)
    table = isinstance(rule, TableRule)
    n_pairs, scale = 0, 0.0
    lies: list[Witness] = []
    tie: Witness | None = None
    for points in [rule.reports] if isinstance(rule, TableRule) else _point_sets(rule.n_states):
        payments = rule.table(points)
        scale = max(scale, float(np.abs(payments[np.isfinite(payments)]).max(initial=0.0)))
        gains = _gains(points, payments)
        n_pairs += gains.size - len(points)
        lies.append(_best(points, gains))
        if strictly and tie is None:
            tie = _tie(points, gains, 0.0 if table else _APART, _ROUNDING * _sizes(points, payments))
    lies.sort(key=lambda lie: -lie.gain)
    best = lies[0]
    if not table:
        best = max((_improved(rule, lie) for lie in lies[:_CLIMBS]), key=lambda lie: lie.gain)
    if best.gain > tolerance * scale:
        return Properness(False, strictly, True, best, n_pairs)
    if tie is not None:
        return Properness(False, strictly, table, tie, n_pairs)
    return Properness(True, strictly, table, None, n_pairs)


def _gains(points: Floats, payments: Floats) -> Floats:
    """Return what each belief (row) gains by each report (column) over truth."""
    expected = expected_payments(payments, points)
    truth = np.diagonal(expected)[:, None]
    with np.errstate(invalid="ignore"):  # -inf - -inf
        gains = np.asarray(np.where(expected == -np.inf, -np.inf, expected - truth))
    np.fill_diagonal(gains, -np.inf)
    return gains


def _best(points: Floats, gains: Floats) -> Witness:
    i, j = np.unravel_index(int(gains.argmax()), gains.shape)
    return Witness(points[i], points[j], float(gains[i, j]))


def _sizes(points: Floats, payments: Floats) -> Floats:
    """Return, for each belief (row) and report (column), the expected size of what report and truth are paid."""
    sizes = points @ np.abs(np.where(np.isfinite(payments), payments, 0.0)).T
    return np.asarray(sizes + np.diagonal(sizes)[:, None])


def _tie(points: Floats, gains: Floats, apart: float, rounding: Floats) -> Witness | None:
    """Return two reports, not too close, between which a belief of one of them is indifferent or worse."""
    beliefs, reports = np.nonzero(gains >= -rounding)  # few, so that only their distances are computed
    ties = np.flatnonzero(np.abs(points[beliefs] - points[reports]).max(axis=1, initial=0.0) >= apart)
    if not len(ties):
        return None
    i, j = beliefs[ties[0]], reports[ties[0]]
    return Witness(points[i], points[j], float(gains[i, j]))


def _improved(rule: ScoringRule, lie: Witness) -> Witness:
    """Return the lie after a local search over belief and report."""

    def gain(pair: Floats) -> float:
        payments = rule.table(pair)
        reported, truth = mean_payment(payments[::-1], pair[:1])[0], mean_payment(payments, pair)[0]
        return -np.inf if reported == -np.inf else float(reported - truth)

    if not np.isfinite(lie.gain):
        return lie
    (belief, report), best = climb(gain, np.array([lie.belief, lie.lie]))
    return Witness(belief, report, best)


def _point_sets(n_states: int) -> Iterator[Floats]:
    """Yield sets of beliefs: a grid, random ones, and points on edges and random chords of the simplex."""
    if n_states == 2:
        p = np.linspace(0.0, 1.0, _BINARY_LINE)
        yield np.column_stack([1.0 - p, p])
    else:
        yield finest_grid(n_states, _GRID)
    generator = np.random.default_rng(0)  # the same beliefs every time: a verdict must not depend on luck
    yield generator.dirichlet(np.ones(n_states), _RANDOM)
    if n_states > 2:
        share = np.linspace(0.0, 1.0, _LINE)[:, None]
        corners = np.eye(n_states)
        edges = itertools.islice(itertools.combinations(range(n_states), 2), _LINES)
        ends = [(corners[i], corners[j]) for i, j in edges]
        ends += list(generator.dirichlet(np.full(n_states, 0.5), (_LINES, 2)))
        for start, end in ends:
            yield (1.0 - share) * start + share * end
