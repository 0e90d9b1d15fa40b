"""A linear program that stays in memory and is solved again and again with new numbers, by calling HiGHS directly.

`scipy.optimize.linprog` calls the same solver, but adds milliseconds where these programs take tens of microseconds,
and cannot start from the last basis; CVXPY takes longer still. Hence `highspy`, HiGHS's own interface. It could
overwrite coefficients one by one in the solver's copy of the model; here nearly all of them change with every new
estimate, and passing the arrays whole with the last basis is two to four times as fast.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .highs import quiet_highs
from .simplex import Floats

TIGHT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
"""Options of HiGHS: the smallest tolerances that it allows."""


class Solution(NamedTuple):
    """What the solver found.

    Attributes
    ----------
    status : str
        'optimal', 'infeasible', 'unbounded', or HiGHS's own words for anything else.
    x : float64 array (n_columns,)
        The variables.
    duals : float64 array (n_rows,)
        The rows' multipliers: at least 0 for a lower bound that binds when minimising, up to the tolerance.
    value : float
        The objective.
    """

    status: str
    x: Floats
    duals: Floats
    value: float


class LiveProgram:
    """Minimise cost x subject to row_lower <= A x <= row_upper and lower <= x <= upper, with A of a fixed pattern.

    The entries of A that can be nonzero are given once. The caller writes into the arrays below; every `solve` reads
    them.

    Parameters
    ----------
    n_columns : int
        Number of variables.
    starts : int array (n_rows + 1,)
        Where each row of A starts in `columns`, and where the last one ends.
    columns : int array (n_nonzeros,)
        The columns of the entries, row by row.

    Attributes
    ----------
    entries : float64 array (n_nonzeros,)
        The entries of A, at first 0.
    cost, lower, upper : float64 arrays (n_columns,)
        At first 0, -inf and inf.
    row_lower, row_upper : float64 arrays (n_rows,)
        At first -inf and inf.
    n_solves : int
        How often `solve` was called.

    Examples
    --------
    >>> import numpy as np
    >>> from banditlab.scoring.live import LiveProgram
    >>> program = LiveProgram(2, np.array([0, 2]), np.array([0, 1]))
    >>> program.entries[:], program.cost[:] = [1.0, 2.0], [1.0, 1.0]
    >>> program.lower[:], program.row_lower[:] = 0.0, 3.0
    >>> program.solve().value
    1.5
    """

    def __init__(self, n_columns: int, starts: NDArray[Any], columns: NDArray[Any]) -> None:
        import highspy

        n_rows = len(starts) - 1
        self.entries, self.cost = np.zeros(len(columns)), np.zeros(n_columns)
        self.lower, self.upper = np.full(n_columns, -np.inf), np.full(n_columns, np.inf)
        self.row_lower, self.row_upper = np.full(n_rows, -np.inf), np.full(n_rows, np.inf)
        self.n_solves = 0
        self._basis: Any = None
        self._lp = lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = n_columns, n_rows
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = starts.astype(np.int32), columns.astype(np.int32)
        self._solver = quiet_highs()
        # Presolve takes longer than it saves; one thread, because it is the runs that are played in parallel.
        options: dict[str, Any] = {"output_flag": False, "presolve": "off", "threads": 1} | TIGHT
        for option, value in options.items():
            self._solver.setOptionValue(option, value)
        status = highspy.HighsModelStatus
        self._words = {
            status.kOptimal: "optimal",
            status.kInfeasible: "infeasible",
            status.kUnbounded: "unbounded",
            status.kUnboundedOrInfeasible: "unbounded or infeasible",
        }

    def solve(self, *, warm: bool = True) -> Solution:
        """Solve the program as the arrays state it now.

        Parameters
        ----------
        warm : bool, default True
            Start from the optimal basis of the last solve. The value does not depend on the start; which of several
            optima is returned may.

        Returns
        -------
        Solution
        """
        lp, solver = self._lp, self._solver
        lp.a_matrix_.value_ = self.entries
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self.cost, self.lower, self.upper
        lp.row_lower_, lp.row_upper_ = self.row_lower, self.row_upper
        solver.passModel(lp)
        if warm and self._basis is not None:
            solver.setBasis(self._basis)
        solver.run()
        self.n_solves += 1
        found = solver.getModelStatus()
        status = self._words.get(found) or solver.modelStatusToString(found)
        solution = solver.getSolution()
        if status == "optimal":
            self._basis = solver.getBasis()
        x, duals = np.array(solution.col_value), np.array(solution.row_dual)
        return Solution(status, x, duals, solver.getObjectiveValue())
