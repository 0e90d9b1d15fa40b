"""LP_k stated in CVXPY: the readable definition, and what one extends with constraints of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import NotImplementable
from .optimal_rule import OptimalRule, not_implementable

if TYPE_CHECKING:
    from .principal_agent import PrincipalAgent


@dataclass(frozen=True, eq=False)
class Program:
    """The program whose solution is the cheapest proper rule that implements an action.

    Attributes
    ----------
    environment : PrincipalAgent
        Whose program it is.
    action : int
        The action k to implement.
    payments : cvxpy.Variable (n_beliefs, n_states)
        S: what is paid for each report in each state.
    truthful : cvxpy.Expression (n_beliefs,)
        Expected payment of the truth at each belief.
    expected_payment : cvxpy.Expression
        v_S(k), the objective.
    constraints : dict from str to list of cvxpy.Constraint
        By name: 'bounded', 'proper', 'incentive', and 'individually rational' if asked for.

    Examples
    --------
    The cheapest rule that pays 0.6 for being sure, and right, of state 0:

    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]], costs=[0, 0.1],
    ...     utility=[1, 0.5, 1],
    ... )
    >>> program = world.program(1)
    >>> round(program.solve([program.payments[0, 0] == 0.6]).payment, 6), round(program.solve().payment, 6)
    (0.4, 0.2)
    """

    environment: PrincipalAgent
    action: int
    payments: Any
    truthful: Any
    expected_payment: Any
    constraints: dict[str, list[Any]]

    @property
    def problem(self) -> Any:
        """The `cvxpy.Problem`, without additions."""
        return self._with(())

    def _with(self, more: Iterable[Any]) -> Any:
        import cvxpy

        cp: Any = cvxpy
        stated = [c for group in self.constraints.values() for c in group]
        return cp.Problem(cp.Minimize(self.expected_payment), stated + list(more))

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
            If no rule satisfies all constraints; with the proof if none does even without those added.
        """
        more = list(constraints)
        problem = self._with(more)
        tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        problem.solve(**(options or {"solver": "HIGHS"} | tight))
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
        payments = np.clip(np.asarray(self.payments.value, dtype=float), 0.0, world.max_payment)
        return OptimalRule.of(world, self.action, payments, None)


def state_program(environment: PrincipalAgent, action: int, individually_rational: bool) -> Program:
    """Return LP_k for k = action."""
    import cvxpy

    cp: Any = cvxpy  # its own type hints lack the atoms
    sigma, q, c = environment.beliefs, environment.action_distributions, environment.costs
    payments = cp.Variable(sigma.shape, name="payments")
    truthful = cp.sum(cp.multiply(sigma, payments), axis=1)
    expected = q @ truthful
    others = [j for j in range(environment.n_actions) if j != action]
    lies = sigma @ payments.T  # [m, m']: expected payment at belief m for reporting m'
    constraints = {
        "bounded": [payments >= 0, payments <= environment.max_payment],
        "proper": [cp.reshape(truthful, (len(sigma), 1), order="C") >= lies],
        "incentive": [expected[action] - expected[j] >= c[action] - c[j] for j in others],
    }
    if individually_rational:
        constraints["individually rational"] = [expected[action] >= c[action]]
    return Program(environment, action, payments, truthful, expected[action], constraints)
