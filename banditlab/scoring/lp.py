"""Linear programs over proper payment tables, for use in loops: matrices are built once and kept in a `LiveProgram`.

A program of the size that occurs here (5 beliefs, 2 states, 3 actions) takes some 65 microseconds from scratch and 45
from a nearby basis.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .live import LiveProgram
from .simplex import Floats


class Solved(NamedTuple):
    """What the solver found.

    Attributes
    ----------
    status : str
        'optimal', 'infeasible', 'unbounded', or HiGHS's own words for anything else.
    payments : float64 array (n_beliefs, n_states)
        Payments, clipped to their bounds (the solver may leave them by its tolerance of 1e-10).
    extras : float64 array (n_extras,)
        The other variables.
    value : float
        The objective.
    proper : float64 array (n_beliefs, n_beliefs)
        Multipliers of "belief m does not gain by reporting m'": at least 0, up to the tolerance, when minimising.
    rows : float64 array (n_rows,)
        Multipliers of the caller's rows.
    """

    status: str
    payments: Floats
    extras: Floats
    value: float
    proper: Floats
    rows: Floats


class ProperRuleProgram:
    """Minimise a linear function of a proper payment table and some further variables, again and again.

    The variables are payments S[m, w] in [0, max_payment] that are proper: sum_w sigma_m(w) (S[m, w] - S[m', w]) >= 0
    for all beliefs m and m'; then `n_extras` free variables. Objective and rows are arrays that the caller writes into;
    every `solve` reads them. All of them start at 0, without bounds.

    Parameters
    ----------
    beliefs : float64 array (n_beliefs, n_states)
        The beliefs sigma that can be reported.
    max_payment : float
        Upper bound of payments. HiGHS's tolerances are absolute: choose the unit of money such that this is about 1.
    n_rows : int
        How many rows the caller wants besides properness.
    n_extras : int, default 0
        How many further variables.

    Attributes
    ----------
    rows : float64 array (n_rows, n_beliefs * n_states + n_extras)
        Coefficients of the caller's rows: payments first, belief by belief, then the extras.
    row_lower, row_upper : float64 arrays (n_rows,)
        Their bounds, -inf and inf for none.
    cost : float64 array (n_beliefs * n_states + n_extras,)
        Coefficients of the objective.
    lower, upper : float64 arrays, as `cost`
        Bounds of the variables.

    Examples
    --------
    The most that a proper rule with payments in [0, 1] can pay an expert who knows a fair coin's outcome, beyond what
    it pays one who does not:

    >>> import numpy as np
    >>> from banditlab.scoring.lp import ProperRuleProgram
    >>> program = ProperRuleProgram(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), 1.0, n_rows=0)
    >>> program.cost[:] = [-0.5, 0.0, 0.5, 0.5, 0.0, -0.5]
    >>> -round(program.solve().value, 9)
    0.5
    """

    def __init__(self, beliefs: Floats, max_payment: float, n_rows: int, n_extras: int = 0) -> None:
        n_beliefs, n_states = beliefs.shape
        self._shape = (n_beliefs, n_states)
        self._off_diagonal = ~np.eye(n_beliefs, dtype=bool)
        starts, columns, entries = _properness(beliefs)
        n_proper, self.n_payments = n_beliefs * (n_beliefs - 1), n_beliefs * n_states
        n_columns = self.n_payments + n_extras
        dense = np.arange(1, n_rows + 1) * n_columns
        self._program = program = LiveProgram(
            n_columns,
            np.concatenate([starts, starts[-1] + dense]),
            np.concatenate([columns, np.tile(np.arange(n_columns), n_rows)]),
        )
        program.entries[: len(entries)] = entries
        program.row_lower[:n_proper] = 0.0
        self.rows = program.entries[len(entries) :].reshape(n_rows, n_columns)
        self.cost, self.lower, self.upper = program.cost, program.lower, program.upper
        self.lower[: self.n_payments], self.upper[: self.n_payments] = 0.0, max_payment
        self.row_lower, self.row_upper = program.row_lower[n_proper:], program.row_upper[n_proper:]

    @property
    def n_solves(self) -> int:
        """How many programs have been solved."""
        return self._program.n_solves

    def solve(self, *, warm: bool = True) -> Solved:
        """Solve the program as the arrays state it now.

        Parameters
        ----------
        warm : bool, default True
            Start from the optimal basis of the last solve. The value does not depend on the start; which of several
            optimal tables is returned may.

        Returns
        -------
        Solved
        """
        found = self._program.solve(warm=warm)
        n_beliefs, _ = self._shape
        proper = np.zeros((n_beliefs, n_beliefs))
        n_proper = n_beliefs * (n_beliefs - 1)
        proper[self._off_diagonal] = found.duals[:n_proper]
        payments = np.clip(found.x, self.lower, self.upper)[: self.n_payments].reshape(self._shape)
        return Solved(found.status, payments, found.x[self.n_payments :], found.value, proper, found.duals[n_proper:])


def _properness(beliefs: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return starts, columns and values of the rows sum_w sigma_m(w) (S[m, w] - S[m', w]), m' other than m."""
    n_beliefs, n_states = beliefs.shape
    m, other = np.nonzero(~np.eye(n_beliefs, dtype=bool))
    states = np.arange(n_states)
    columns = np.concatenate([m[:, None] * n_states + states, other[:, None] * n_states + states], axis=1)
    values = np.concatenate([beliefs[m], -beliefs[m]], axis=1)
    return np.arange(len(m) + 1) * 2 * n_states, columns.ravel(), values.ravel()


class OptimalRuleProgram:
    """LP_k, the cheapest proper rule that makes action k a best response, for changing distributions and costs.

    Minimise v_S(k) over proper S in [0, max_payment] subject to v_S(k) - v_S(j) >= c_k - c_j for all actions j, where
    v_S(k) = sum_m q_k(m) sum_w sigma_m(w) S[m, w] is the expected payment of an agent who plays k and tells the truth
    (Chen, Wu, Wu, Yang 2023, arXiv:2303.08613). Internally in units of max_payment.

    Parameters
    ----------
    beliefs : float64 array (n_beliefs, n_states)
        The beliefs sigma that can be reported.
    n_actions : int
        Number of actions.
    max_payment : float, default 1.0
        Upper bound of payments.

    Examples
    --------
    >>> import numpy as np
    >>> from banditlab.scoring.lp import OptimalRuleProgram
    >>> program = OptimalRuleProgram(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), n_actions=2)
    >>> known = np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    >>> round(program.solve(1, known, np.array([0.0, 0.1])).value, 9)
    0.2
    """

    def __init__(self, beliefs: Floats, n_actions: int, max_payment: float = 1.0) -> None:
        self._beliefs, self._n_actions, self._max_payment = beliefs, n_actions, max_payment
        self._program = ProperRuleProgram(beliefs, 1.0, n_rows=n_actions + 1, n_extras=1)
        self._program.rows[:, -1] = -1.0

    @property
    def n_solves(self) -> int:
        """How many programs have been solved."""
        return self._program.n_solves

    def solve(
        self,
        action: int,
        distributions: Floats,
        costs: Floats,
        *,
        individually_rational: bool = False,
        slack: float = 0.0,
        warm: bool = True,
    ) -> Solved:
        """Return the cheapest proper rule under which the action is a best response.

        Parameters
        ----------
        action : int
            k.
        distributions : float64 array (n_actions, n_beliefs)
            q, one row per action.
        costs : float64 array (n_actions,)
            c.
        individually_rational : bool, default False
            Whether v_S(k) >= c_k is required as well.
        slack : float, default 0.0
            By how much the agent may prefer another action.
        warm : bool, default True
            Start from the last optimal basis.

        Returns
        -------
        Solved
            Its `rows` are the multipliers of the actions j (0 for k), then that of individual rationality.
        """
        expected = self._state(action, distributions, costs, individually_rational)
        program = self._program
        program.row_lower -= slack / self._max_payment
        program.cost[:-1], program.cost[-1] = expected[action], 0.0
        program.lower[-1] = program.upper[-1] = 0.0
        return self._scaled(program.solve(warm=warm))

    def margin(
        self,
        action: int,
        distributions: Floats,
        costs: Floats,
        *,
        individually_rational: bool = False,
        warm: bool = True,
    ) -> Solved:
        """Return the proper rule under which the agent prefers the action by most; `value` is minus that margin.

        Maximise t subject to v_S(k) - v_S(j) - (c_k - c_j) >= t for all j other than k. A negative margin means that
        the action cannot be implemented, and the multipliers, which add up to 1, prove it. With a single action, and no
        individual rationality, there is nothing to prefer: the margin is unbounded.
        """
        self._state(action, distributions, costs, individually_rational)
        program = self._program
        program.cost[:-1], program.cost[-1] = 0.0, -1.0
        program.lower[-1], program.upper[-1] = -np.inf, np.inf
        return self._scaled(program.solve(warm=warm))

    def _state(self, action: int, distributions: Floats, costs: Floats, individually_rational: bool) -> Floats:
        """Write the rows; return the coefficients of v_S(j), one row per action."""
        program, K = self._program, self._n_actions
        expected: Floats = (distributions[:, :, None] * self._beliefs).reshape(K, -1)
        program.rows[:K, :-1] = expected[action] - expected
        program.row_lower[:K] = (costs[action] - costs) / self._max_payment
        program.row_lower[action] = -np.inf
        program.rows[K, :-1] = expected[action]
        program.row_lower[K] = costs[action] / self._max_payment if individually_rational else -np.inf
        return expected

    def _scaled(self, found: Solved) -> Solved:
        B = self._max_payment
        return found._replace(payments=found.payments * B, value=found.value * B, extras=found.extras * B)
