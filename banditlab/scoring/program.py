"""LP_k stated in CVXPY: the readable definition, to which users can add constraints of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core.brief import brief
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import invalid, shown

from .errors import NotImplementable
from .highs import quiet_highs
from .live import TIGHT
from .optimal_rule import OptimalRule, not_implementable

if TYPE_CHECKING:
    from .principal_agent import PrincipalAgent


def solved(objective: Any, stated: dict[str, list[Any]], more: list[Any], options: dict[str, Any]) -> Any:
    """Return the solved `cvxpy.Problem` with the stated constraints and a user's own, once they are checked."""
    import cvxpy as cp

    solver = options.get("solver")
    if isinstance(solver, str):
        if solver.upper() not in cp.installed_solvers():
            raise invalid("solver", solver, f"an installed solver: {', '.join(cp.installed_solvers())}")
        options = options | {"solver": solver.upper()}  # older CVXPY knows them by no other name
    if not options.get("verbose"):
        quiet_highs()  # CVXPY makes HiGHS silent when it has said its name
    problem = cp.Problem(objective, [c for group in stated.values() for c in group] + more)
    try:
        problem.solve(**(options or {"solver": "HIGHS"} | TIGHT))
    except (cp.error.SolverError, cp.error.ParameterError) as error:
        raise InvalidArgument(
            f"the program with {len(more)} added constraints was not solved: {error}; allowed: constraints and "
            "options that the solver can deal with"
        ) from error
    return problem


def checked_constraints(constraints: Any) -> list[Any]:
    """Check for constraints that CVXPY can solve."""
    import cvxpy as cp

    allowed = "a list of CVXPY constraints, such as [program.payments[0, 0] >= 0.1]"
    if isinstance(constraints, str | bytes) or not hasattr(constraints, "__iter__"):
        raise InvalidType(f"constraints is {shown(constraints)}; allowed: {allowed}")
    more = list(constraints)
    for i, constraint in enumerate(more):
        if not isinstance(constraint, cp.constraints.constraint.Constraint):
            raise InvalidType(f"constraints[{i}] is {shown(constraint)}; allowed: a CVXPY constraint")
        if not constraint.is_dcp():
            raise InvalidArgument(
                f"constraints[{i}] is {shown(str(constraint))}; allowed: a convex one, by CVXPY's rules (is_dcp)"
            )
    return more


@dataclass(frozen=True, eq=False)
class Program:
    """The program whose solution is the cheapest proper rule that implements an action.

    Attributes
    ----------
    environment : PrincipalAgent
        Whose program it is.
    action : int
        The action k to implement.
    shares : cvxpy.Variable (n_beliefs, n_states)
        S / max_payment. The solver's tolerances are absolute, so the program and its constraints are in this unit;
        state your own in it where max_payment is far from 1.
    payments : cvxpy.Expression (n_beliefs, n_states)
        S: what is paid for each report in each state.
    truthful : cvxpy.Expression (n_beliefs,)
        Expected payment of the truth at each belief.
    expected_payment : cvxpy.Expression
        v_S(k); in units of max_payment it is the objective.
    constraints : dict from str to list of cvxpy.Constraint
        By name: 'bounded', 'proper', 'incentive', and 'individually rational' if asked for.

    Examples
    --------
    The cheapest rule that pays 0.6 for being sure of state 0, and right:

    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
    ...     costs=[0, 0.1], utility=[1, 0.5, 1],
    ... )
    >>> program = world.program(1)
    >>> (
    ...     round(program.solve([program.payments[0, 0] == 0.6]).payment, 6),
    ...     round(program.solve().payment, 6),
    ... )
    (0.4, 0.2)
    """

    environment: PrincipalAgent
    action: int
    shares: Any
    payments: Any
    truthful: Any
    expected_payment: Any
    constraints: dict[str, list[Any]]

    __repr__ = brief

    @property
    def problem(self) -> Any:
        """The `cvxpy.Problem`, without additions; its value is in units of max_payment."""
        import cvxpy as cp

        return cp.Problem(self._objective, [c for group in self.constraints.values() for c in group])

    @property
    def _objective(self) -> Any:
        import cvxpy as cp

        return cp.Minimize(self.expected_payment / self.environment.max_payment)

    def solve(self, constraints: Iterable[Any] = (), **options: Any) -> OptimalRule:
        """Solve the program with further constraints.

        Parameters
        ----------
        constraints : iterable of cvxpy.Constraint
            On `payments` and what is made from it.
        **options
            For `cvxpy.Problem.solve`; the default is HiGHS with a feasibility tolerance of 1e-10.

        Returns
        -------
        OptimalRule

        Raises
        ------
        NotImplementable
            If no rule satisfies all constraints; with a proof if none does even without the added ones.
        InvalidType, InvalidArgument
            If something is not a constraint, or not convex, or the solver is not installed.
        """
        more = checked_constraints(constraints)
        problem = solved(self._objective, self.constraints, more, options)
        world = self.environment
        if problem.status in ("infeasible", "infeasible_or_unbounded"):
            individually_rational = "individually rational" in self.constraints
            if not more:
                raise not_implementable(world, self.action, individually_rational)
            world.optimal_rule(self.action, individually_rational=individually_rational)
            raise NotImplementable(
                f"action is {self.action} with {len(more)} added constraints, which no rule satisfies; allowed: "
                "constraints that leave a rule (without them, the action can be implemented)",
                self.action,
            )
        if problem.status not in ("optimal", "optimal_inaccurate"):
            raise NotImplementable(f"the program of action {self.action} is {problem.status}", self.action)
        payments = np.clip(np.asarray(self.shares.value, dtype=float), 0.0, 1.0) * world.max_payment
        return OptimalRule.of(world, self.action, payments, None)


def state_program(environment: PrincipalAgent, action: int, individually_rational: bool) -> Program:
    """Return LP_k for k = action."""
    import cvxpy as cp

    sigma, q, bound = environment.beliefs, environment.action_distributions, environment.max_payment
    c = environment.costs / bound
    shares = cp.Variable(sigma.shape, name="shares")
    truthful = cp.sum(cp.multiply(sigma, shares), axis=1)
    expected = q @ truthful
    others = [j for j in range(environment.n_actions) if j != action]
    lies = sigma @ shares.T  # [m, m']: expected payment at belief m for reporting m'
    constraints = {
        "bounded": [shares >= 0, shares <= 1],
        "proper": [cp.reshape(truthful, (len(sigma), 1), order="C") >= lies],
        "incentive": [expected[action] - expected[j] >= c[action] - c[j] for j in others],
    }
    if individually_rational:
        constraints["individually rational"] = [expected[action] >= c[action]]
    payments, price = bound * shares, bound * expected[action]
    return Program(environment, action, shares, payments, bound * truthful, price, constraints)
