"""Scoring rules that are a table: finitely many reports, and a payment for each of them in each state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import array, integer, invalid, shown

from .rules import ScoringRule
from .simplex import Floats, beliefs
from .transforms import onto, scale_and_shift


class TableRule(ScoringRule):
    r"""A rule that pays what a table says, for a finite list of reports; made by `ScoringRule.from_table`.

    Only listed reports are paid. `G(p)` is nevertheless defined for every belief p: it is what an agent with belief p
    expects from the report that is best for it, :math:`\max_m \sum_w p_w S_{m w}`, and equals the expected payment of
    truth at listed beliefs if the rule is proper. `extended()` is the rule that takes any report.

    Parameters
    ----------
    payments : matrix
        `payments[m, w]` is paid for the report `reports[m]` in state w.
    reports : matrix
        One row per report, all different; rows sum to one.

    Attributes
    ----------
    payments, reports : float64 arrays, (n_reports, n_states)
        Read-only.
    n_states : int
        Number of states.

    Raises
    ------
    InvalidArgument
        If the shapes differ, a row of reports is not a belief, or a report is listed twice.

    Examples
    --------
    >>> from banditlab import scoring
    >>> rule = scoring.TableRule([[0.5, 0.0], [0.0, 1.0]], scoring.binary([0.1, 0.7]))
    >>> rule.expected(report=[0.9, 0.1], belief=[0.3, 0.7])
    0.15
    >>> rule.G([0.5, 0.5])
    0.5
    """

    def __init__(self, payments: ArrayLike, reports: ArrayLike) -> None:
        self.reports: Floats = beliefs("reports", reports)
        self.payments: Floats = array(2)("payments", payments)
        if self.payments.shape != self.reports.shape:
            raise InvalidArgument(
                f"payments has shape {self.payments.shape}; allowed: that of reports, {self.reports.shape}"
            )
        self.n_states = integer(2)("the number of states", self.reports.shape[1])
        _, first = np.unique(self.reports, axis=0, return_index=True)
        if len(first) < len(self.reports):
            again = min(set(range(len(self.reports))) - set(first.tolist()))
            raise invalid(f"reports[{again}]", self.reports[again].tolist(), "reports that are all different")

    def _which(self, reports: Floats) -> NDArray[np.intp]:
        """Return which rows of the table reports are, to within the rounding that sums of beliefs may have."""
        apart = np.abs(reports[:, None, :] - self.reports[None, :, :]).max(axis=2)
        nearest = np.asarray(apart.argmin(axis=1))
        missing = np.flatnonzero(apart.min(axis=1) > 1e-9)
        if missing.size:
            report, near = reports[missing[0]].tolist(), self.reports[nearest[missing[0]]].tolist()
            raise InvalidArgument(
                f"report is {shown(report)}; allowed: one of the {len(self.reports)} reports of the table, of which "
                f"{shown(near)} is the nearest; extended() takes any report"
            )
        return nearest

    def _rows(self, reports: Floats) -> Floats:
        return self.payments[self._which(reports)]

    def _values(self, rows: Floats) -> Floats:
        return np.asarray((rows @ self.payments.T).max(axis=1))

    def _state_ranges(self) -> tuple[Floats, Floats]:
        return self.payments.min(axis=0), self.payments.max(axis=0)

    def affine(self, scale: float = 1.0, shift: ArrayLike = 0.0) -> TableRule:
        """Return the table scale S(r, w) + shift, with one shift for all states or one per state.

        Parameters
        ----------
        scale : float, default 1.0
            Positive; a negative one would make lying best.
        shift : float or one float per state, default 0.0
            Added to the payment.

        Examples
        --------
        >>> from banditlab import scoring
        >>> rule = scoring.TableRule([[0.5, 0.0], [0.0, 1.0]], scoring.binary([0.1, 0.7]))
        >>> rule.affine(2.0, shift=[0.0, 1.0]).payments.tolist()
        [[1.0, 1.0], [0.0, 3.0]]
        """
        factor, added = scale_and_shift(scale, shift, self.n_states)
        return TableRule(factor * self.payments + np.array(added), self.reports)

    def _mapped(self, low: float, high: float, top: float) -> TableRule:
        return TableRule(onto(self.payments, low, high, top), self.reports)

    def extended(self) -> ScoringRule:
        r"""Return the rule that takes any belief as a report, and pays the row of the table that is best for it.

        Its G is the table's, a maximum of finitely many linear functions. It is proper, but not strictly, whatever
        the table; where the table is proper it pays listed reports as the table does, up to ties.

        Examples
        --------
        >>> from banditlab import scoring
        >>> rule = scoring.TableRule([[0.5, 0.0], [0.0, 1.0]], scoring.binary([0.1, 0.7]))
        >>> rule.extended().table(scoring.binary([0.2, 0.5])).tolist()
        [[0.5, 0.0], [0.0, 1.0]]
        """
        return _Extended(self)

    def __repr__(self) -> str:
        """Return how many reports and states it has."""
        return f"<TableRule, {len(self.reports)} reports x {self.n_states} states>"

    def __eq__(self, other: object) -> bool:
        """Say whether the other is a table with the same payments and reports."""
        if not isinstance(other, TableRule):
            return NotImplemented
        return np.array_equal(self.payments, other.payments) and np.array_equal(self.reports, other.reports)

    def __hash__(self) -> int:
        """Return a hash of the table."""
        return hash((self.payments.tobytes(), self.reports.tobytes()))


@dataclass(frozen=True)
class _Extended(ScoringRule):
    """A table's payments, for any report: the row that is best for it."""

    rule: TableRule

    @property
    def n_states(self) -> int:  # type: ignore[override]
        return self.rule.n_states

    def _rows(self, reports: Floats) -> Floats:
        return self.rule.payments[np.argmax(reports @ self.rule.payments.T, axis=1)]

    def _state_ranges(self) -> tuple[Floats, Floats]:
        # the table's: too wide only where some row is not best for any belief
        return self.rule._state_ranges()

    def __repr__(self) -> str:
        return f"{self.rule!r}.extended()"
