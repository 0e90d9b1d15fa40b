r"""Scoring rules: what is paid for reporting a belief, once the state is known.

In the formulas r is the reported belief, p the agent's own, w the state, :math:`e_w` the belief that is sure of w,
:math:`S(r, w)` the payment, and :math:`S(r, p) = E_{w \sim p} S(r, w)` the expected payment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import integer, invalid, positive, shown

from .payments import mean_payment, name_of, returned
from .ranges import searched_ranges
from .simplex import MOST_STATES, Floats, n_axes
from .simplex import belief as checked_belief
from .simplex import beliefs as checked_beliefs

if TYPE_CHECKING:
    from .table_rule import TableRule


class ScoringRule:
    r"""A scoring rule from a convex function and its subgradient (Savage representation).

    .. math:: S(r, w) = G(r) + \langle G'(r), e_w - r \rangle

    Theorem (Gneiting and Raftery 2007, Theorem 1; McCarthy 1956, Savage 1971): a rule with finite expected payments of
    truth is proper, :math:`S(p, p) \ge S(r, p)` for all p and r, if and only if it has this form with a convex G and a
    subgradient G' of it, and strictly proper if and only if G is strictly convex. Then :math:`G(p) = S(p, p)`. The
    arguments are not trusted to be so: `banditlab.scoring.is_proper` looks for a profitable lie.

    Parameters
    ----------
    G : callable
        Takes one belief, a float64 array of n_states probabilities, and returns a number.
    subgradient : callable
        Takes one belief and returns n_states numbers. They may be -inf where the belief is zero. Adding the same
        constant to all of them changes nothing.
    n_states : int
        Number of states, at least 2.

    Raises
    ------
    InvalidType, InvalidArgument
        If G or subgradient is not a function, or does not return what it should at the uniform belief.

    See Also
    --------
    ScoringRule.from_table, ScoringRule.from_function : the other ways to make one.

    References
    ----------
    McCarthy (1956), Measures of the value of information, PNAS 42. Savage (1971), Elicitation of personal
    probabilities and expectations, JASA 66. Gneiting, Raftery (2007), Strictly proper scoring rules, prediction, and
    estimation, JASA 102.

    Examples
    --------
    The Brier score, from its convex function:

    >>> from banditlab import scoring
    >>> rule = scoring.ScoringRule(lambda p: p @ p, lambda p: 2 * p, n_states=2)
    >>> rule.pay([0.25, 0.75], outcome=1)
    0.875
    >>> rule.expected(report=[0.25, 0.75], belief=[0.5, 0.5])
    0.375
    >>> bool(scoring.is_proper(rule))
    True
    """

    n_states: int

    def __init__(self, G: Callable[[Floats], Any], subgradient: Callable[[Floats], Any], n_states: int) -> None:
        for name, function in (("G", G), ("subgradient", subgradient)):
            if not callable(function):
                raise InvalidType(f"{name} is {shown(function)}; allowed: a function of a belief")
        self.n_states = integer(2, limit=MOST_STATES)("n_states", n_states)
        self._convex, self._slope = G, subgradient
        self._rows(np.full((1, self.n_states), 1.0 / self.n_states))

    @staticmethod
    def from_table(payments: ArrayLike, reports: ArrayLike) -> TableRule:
        """Return the rule that pays what a table says, for a finite list of reports.

        Parameters
        ----------
        payments : matrix
            `payments[m, w]` is paid for the report `reports[m]` in state w.
        reports : matrix
            One row per report, all different; rows sum to one.

        Returns
        -------
        TableRule

        Examples
        --------
        >>> from banditlab import scoring
        >>> rule = scoring.ScoringRule.from_table(
        ...     [[0.5, 0.0], [0.0, 1.0]], reports=scoring.binary([0.1, 0.7])
        ... )
        >>> rule.pay([0.3, 0.7], outcome=1)
        1.0
        """
        from .table_rule import TableRule

        return TableRule(payments, reports)

    @staticmethod
    def from_function(score: Callable[[Floats, int], Any], n_states: int) -> ScoringRule:
        """Return the rule of any function, proper or not.

        Parameters
        ----------
        score : callable
            `score(report, outcome)` is the payment: a number, or -inf.
        n_states : int
            Number of states, at least 2.

        Examples
        --------
        Paying the probability given to what happened rewards exaggeration:

        >>> from banditlab import scoring
        >>> linear = scoring.ScoringRule.from_function(lambda report, outcome: report[outcome], n_states=2)
        >>> verdict = scoring.is_proper(linear)
        >>> (
        ...     bool(verdict),
        ...     sorted(verdict.witness.belief.round(3).tolist()),
        ...     sorted(verdict.witness.lie.tolist()),
        ... )
        (False, [0.25, 0.75], [0.0, 1.0])
        """
        from .function_rule import FunctionRule

        return FunctionRule(score, n_states)

    def _rows(self, reports: Floats) -> Floats:
        """Return the payments of checked reports, one row per report, one column per state."""
        rows = np.empty(reports.shape)
        for i, r in enumerate(reports):
            with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
                height = returned("G", self._convex(r), r)
                slope = returned("subgradient", self._slope(r), r)
            if height.shape != () or not np.isfinite(height):
                raise InvalidArgument(f"G is {shown(height.tolist())} at {r.tolist()}; allowed: a finite number")
            if slope.shape != (self.n_states,) or not (np.isfinite(slope) | ((slope == -np.inf) & (r == 0.0))).all():
                raise InvalidArgument(
                    f"subgradient is {shown(slope.tolist())} at {r.tolist()}; allowed: {self.n_states} finite numbers, "
                    "or -inf where the belief is zero"
                )
            rows[i] = height + slope - mean_payment(slope, r)
        return rows

    def table(self, beliefs: ArrayLike) -> Floats:
        """Return the payments of a list of reports.

        Parameters
        ----------
        beliefs : matrix
            One row per report.

        Returns
        -------
        float64 array, (n_reports, n_states)
            Entry [m, w] is paid for reporting belief m when the state is w.

        Examples
        --------
        >>> from banditlab import scoring
        >>> scoring.Brier().table(scoring.binary([0.5, 1.0])).tolist()
        [[0.5, 0.5], [-1.0, 1.0]]
        """
        return self._rows(checked_beliefs("beliefs", beliefs, self.n_states))

    def pay(self, report: ArrayLike, outcome: ArrayLike) -> Any:
        """Return S(r, w): what is paid for a report when the state is known.

        Parameters
        ----------
        report : belief, or matrix with one row per report
            r.
        outcome : int, or one int per report
            The state w, from 0 to n_states - 1.

        Returns
        -------
        float, or float64 array with one entry per report

        Examples
        --------
        >>> from banditlab import scoring
        >>> scoring.Brier().pay([0.25, 0.75], outcome=1)
        0.875
        >>> scoring.Brier().pay(scoring.binary([0.5, 0.75, 1.0]), outcome=1).tolist()
        [0.5, 0.875, 1.0]
        """
        rows, single = self._reports("report", report)
        allowed = f"a state, from 0 to {self.n_states - 1}" + ("" if single else "; or one for each report")
        n_axes("outcome", outcome)
        states = np.asarray(outcome)
        if states.dtype.kind not in "iu" or states.shape not in ((), (len(rows),)[: 0 if single else 1]):
            raise invalid("outcome", outcome, allowed)
        if ((states < 0) | (states >= self.n_states)).any():
            raise invalid("outcome", outcome, allowed)
        paid = self._rows(rows)[np.arange(len(rows)), states]
        return float(paid[0]) if single else paid

    def expected(self, report: ArrayLike, belief: ArrayLike) -> Any:
        """Return S(r, p), the expected payment to an agent with a given belief.

        Parameters
        ----------
        report, belief : belief, or matrix with one row per report
            r and p. Two matrices are taken row by row; one belief goes with every row of the other.

        Returns
        -------
        float, or float64 array with one entry per row
            -inf where a state to which the belief gives positive probability is paid -inf.

        Examples
        --------
        The truth is the best report:

        >>> from banditlab import scoring
        >>> scoring.Brier().expected(scoring.binary([0.25, 0.5, 0.75]), belief=[0.5, 0.5]).tolist()
        [0.375, 0.5, 0.375]
        """
        reports, one_report = self._reports("report", report)
        believed, one_belief = self._reports("belief", belief)
        if not (one_report or one_belief) and len(reports) != len(believed):
            raise InvalidArgument(
                f"report has {len(reports)} rows and belief {len(believed)}; allowed: as many, or one of either"
            )
        means = mean_payment(self._rows(reports), believed)
        return float(means[0]) if one_report and one_belief else means

    def G(self, belief: ArrayLike) -> Any:  # noqa: N802 - the papers' symbol
        """Return G(p) = S(p, p), the expected payment of truth; convex where the rule is proper.

        Parameters
        ----------
        belief : belief, or matrix with one row per belief
            p.

        Returns
        -------
        float, or float64 array with one entry per belief

        Examples
        --------
        >>> from banditlab import scoring
        >>> scoring.Brier().G(scoring.binary([0.0, 0.5, 1.0])).tolist()
        [1.0, 0.5, 1.0]
        """
        rows, single = self._reports("belief", belief)
        values = self._values(rows)
        return float(values[0]) if single else values

    def _values(self, rows: Floats) -> Floats:
        return mean_payment(self._rows(rows), rows)

    def incentive(self, beliefs: ArrayLike, distribution: ArrayLike, prior: ArrayLike | None = None) -> Any:
        r"""Return what an agent gains by learning, in expected payment, before the cost of learning.

        .. math:: E_{\sigma \sim q} G(\sigma) - G(\pi)

        where q is the distribution of the beliefs :math:`\sigma` that an action leads to, and :math:`\pi` the prior.
        An agent takes the action rather than none if and only if this is at least the action's cost.

        Parameters
        ----------
        beliefs : matrix
            One row per belief that the agent may come to hold.
        distribution : distribution over the beliefs, or matrix with one row per action
            q, or :math:`q_k` for each action k.
        prior : belief, optional
            What is reported without learning; default the mean of the beliefs under each distribution, which for a
            Bayesian is the prior.

        Returns
        -------
        float, or float64 array with one entry per action
            Never negative for a proper rule and the default prior (Jensen's inequality).

        Examples
        --------
        An action after which the event has probability 0.2 or 0.8, each half the time:

        >>> from banditlab import scoring
        >>> rule = scoring.Brier().bounded(1.0)
        >>> round(rule.incentive(scoring.binary([0.2, 0.8]), [0.5, 0.5]), 12)
        0.09
        >>> round(scoring.VShaped(0.5).incentive(scoring.binary([0.2, 0.8]), [0.5, 0.5]), 12)
        0.3
        """
        rows = checked_beliefs("beliefs", beliefs, self.n_states)
        single = n_axes("distribution", distribution) == 1
        check = checked_belief if single else checked_beliefs
        q = np.atleast_2d(check("distribution", distribution))
        if q.shape[1] != len(rows):
            raise InvalidArgument(
                f"distribution has {q.shape[1]} entries per action; allowed: {len(rows)}, one for each of beliefs"
            )
        # rounding in the mean must not put it off the simplex
        known = q @ rows if prior is None else checked_belief("prior", prior, self.n_states)[None, :]
        known = known / known.sum(axis=1, keepdims=True)
        values = self._values(rows)
        # a belief that never arises counts for nothing, even if it is worth -inf
        gains = mean_payment(np.broadcast_to(values, q.shape), q) - self._values(known)
        return float(gains[0]) if single else gains

    def affine(self, scale: float = 1.0, shift: ArrayLike = 0.0) -> ScoringRule:
        """Return the rule scale S(r, w) + shift, with one shift for all states or one per state.

        Properness is kept: what is added does not depend on the report. `2 * rule + 1`, `rule / 2` and `rule - [0, 1]`
        mean the same.

        Parameters
        ----------
        scale : float, default 1.0
            Positive; a negative one would make lying best.
        shift : float or one float per state, default 0.0
            Added to the payment.

        Examples
        --------
        >>> from banditlab import scoring
        >>> rule = (scoring.Brier() + 1) / 2
        >>> rule.pay([0.5, 0.5], 0), rule.payment_range()
        (0.75, (0.0, 1.0))
        """
        from .transforms import Affine, scale_and_shift

        return Affine(self, *scale_and_shift(scale, shift, self.n_states))

    def __mul__(self, scale: float) -> ScoringRule:
        """Return the rule with every payment multiplied by a positive number."""
        return self.affine(scale)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> ScoringRule:
        """Return the rule with every payment divided by a positive number."""
        return self.affine(1.0 / positive("divisor", divisor))

    def __add__(self, shift: ArrayLike) -> ScoringRule:
        """Return the rule that pays a number more, or one number per state."""
        return self.affine(shift=shift)

    __radd__ = __add__

    def __sub__(self, shift: ArrayLike) -> ScoringRule:
        """Return the rule that pays a number less, or one number per state."""
        from .transforms import shifts

        return self.affine(shift=-shifts("shift", shift))

    __array_ufunc__ = None  # so that array + rule asks the rule, and does not make an array of rules

    def payment_range(self) -> tuple[float, float]:
        """Return the smallest and the largest payment, over all reports and states.

        Exact for tables and the built-in rules. For others the reports on a grid of the simplex are tried, and the
        best of them improved by local search.

        Returns
        -------
        tuple of float
            Infinite where payments are unbounded.

        Examples
        --------
        >>> from banditlab import scoring
        >>> scoring.Brier().payment_range(), (scoring.Brier() / 2 + 1).payment_range()
        ((-1.0, 1.0), (0.5, 1.5))
        """
        low, high = self._state_ranges()
        return float(low.min()), float(high.max())

    def _state_ranges(self) -> tuple[Floats, Floats]:
        """Return the smallest and the largest payment in each state."""
        return searched_ranges(self._rows, self.n_states)

    def bounded(self, max_payment: float) -> ScoringRule:
        """Return the rule whose payments fill [0, max_payment]: an affine map of this one's range.

        The bound is as good as `payment_range`: exact for tables and the built-in rules.

        Parameters
        ----------
        max_payment : float
            The largest payment, positive.

        Raises
        ------
        InvalidArgument
            If the rule's payments are unbounded, or all the same.

        Examples
        --------
        >>> from banditlab import scoring
        >>> scoring.Brier().bounded(1.0).pay([0.5, 0.5], 0)
        0.75

        An unbounded rule, on a list of reports none of which rules anything out:

        >>> reports = scoring.binary([0.1, 0.5, 0.9])
        >>> log = scoring.ScoringRule.from_table(scoring.Logarithmic().table(reports), reports)
        >>> log.bounded(1.0).payment_range()
        (0.0, 1.0)
        """
        from .transforms import bounds_of

        top = positive("max_payment", max_payment)
        low, high = bounds_of(self)
        return self._mapped(low, high, top)

    def _mapped(self, low: float, high: float, top: float) -> ScoringRule:
        from .transforms import Bounded

        return Bounded(self, low, high, top)

    def _reports(self, name: str, value: ArrayLike) -> tuple[Floats, bool]:
        """Check for one belief or a matrix of them; return a matrix, and whether it was one."""
        axes = n_axes(name, value)
        if axes == 0:
            allowed = f"{self.n_states} probabilities, one per state, or a matrix of such rows"
            raise InvalidType(f"{name} is {shown(value)}; allowed: {allowed}")
        single = axes == 1
        check = checked_belief if single else checked_beliefs
        return np.atleast_2d(check(name, value, self.n_states)), single

    def __repr__(self) -> str:
        """Return what it was made of."""
        return f"ScoringRule(G={name_of(self._convex)}, subgradient={name_of(self._slope)}, n_states={self.n_states})"
