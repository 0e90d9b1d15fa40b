"""The cheapest proper rule that implements an action, and why there may be none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from banditlab.core.brief import brief
from banditlab.core.errors import BanditlabError, InvalidArgument

from .certificates import FarkasCertificate, Multipliers, payment_bound
from .errors import NotImplementable
from .lp import OptimalRuleProgram, Solved
from .simplex import Floats

if TYPE_CHECKING:
    from .principal_agent import PrincipalAgent
    from .rules import ScoringRule


@dataclass(frozen=True, eq=False)
class OptimalRule:
    """The cheapest proper rule that implements an action.

    Attributes
    ----------
    environment : PrincipalAgent
        The environment.
    action : int
        The action k that it implements.
    payments : float64 array (n_beliefs, n_states)
        The payment for each report in each state.
    payment : float
        :math:`v_S(k)`, the expected payment.
    profit : float
        :math:`h = u_k - v_S(k)`, the principal's expected profit.
    multipliers : Multipliers or None
        The optimal dual solution; None from CVXPY.

    Examples
    --------
    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
    ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
    ... )
    >>> best = world.optimal_rule(1)
    >>> round(best.payment, 6), round(best.lower_bound, 6), bool(scoring.is_proper(best.rule))
    (0.2, 0.2, True)
    """

    environment: PrincipalAgent
    action: int
    payments: Floats
    payment: float
    profit: float
    multipliers: Multipliers | None

    __repr__ = brief

    @classmethod
    def of(
        cls, environment: PrincipalAgent, action: int, payments: Floats, multipliers: Multipliers | None
    ) -> OptimalRule:
        """Return the rule with these payments, from which its expected payment and profit follow.

        Parameters
        ----------
        environment : PrincipalAgent
            The environment.
        action : int
            The action k that the payments implement; not checked.
        payments : float64 array (n_beliefs, n_states)
            S.
        multipliers : Multipliers or None
            The optimal dual solution, where it is known.

        Examples
        --------
        >>> import numpy as np
        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> bet = np.array([[0.25, 0], [0.125, 0.125], [0, 0.25]])
        >>> scoring.OptimalRule.of(world, 1, bet, None).profit
        0.75
        """
        expected = float(environment.expected_payments(payments)[action])
        return cls(
            environment, action, payments, expected, float(environment.utilities[action]) - expected, multipliers
        )

    @property
    def rule(self) -> ScoringRule:
        """The payments as a `ScoringRule`."""
        from .rules import ScoringRule

        return ScoringRule.from_table(self.payments, self.environment.beliefs)

    @property
    def lower_bound(self) -> float:
        """A lower bound on what any rule that implements the action pays, by weak duality from `multipliers`.

        Equal to `payment` up to rounding: the proof that the rule is the cheapest.

        Raises
        ------
        InvalidArgument
            Where there are no multipliers: from CVXPY, or made by hand.
        """
        if self.multipliers is None:
            raise InvalidArgument('multipliers is None; allowed: a rule from optimal_rule(..., method="highs")')
        world = self.environment
        return payment_bound(
            world.beliefs,
            world.action_distributions,
            world.costs,
            world.max_payment,
            self.action,
            self.multipliers,
        )


def cheapest_rules(
    environment: PrincipalAgent, actions: list[int], individually_rational: bool
) -> list[OptimalRule | None]:
    """Return the optimal rule of each action, None for one that cannot be implemented."""
    program = OptimalRuleProgram(environment.beliefs, environment.n_actions, environment.max_payment)
    q, c = environment.action_distributions, environment.costs

    def cheapest(action: int) -> OptimalRule | None:
        # From scratch: which of several optimal rules is returned must not depend on what was solved before.
        found = program.solve(action, q, c, individually_rational=individually_rational, warm=False)
        if found.status == "infeasible":
            return None
        if found.status != "optimal":
            raise BanditlabError(f"the program of action {action} ended with: {found.status}")
        return OptimalRule.of(environment, action, found.payments, Multipliers.from_duals(found.proper, found.rows))

    return [cheapest(action) for action in actions]


def largest_margin(environment: PrincipalAgent, action: int, individually_rational: bool) -> Solved:
    """Solve for the rule under which the agent prefers an action to all others by most."""
    program = OptimalRuleProgram(environment.beliefs, environment.n_actions, environment.max_payment)
    return program.margin(
        action,
        environment.action_distributions,
        environment.costs,
        individually_rational=individually_rational,
    )


def not_implementable(environment: PrincipalAgent, action: int, individually_rational: bool) -> NotImplementable:
    """Return the error for an action that cannot be implemented, with its proof.

    The multipliers of the program for the largest margin are a mixture of the other actions: the one against which the
    action can be favoured least.
    """
    found = largest_margin(environment, action, individually_rational)
    certificate = FarkasCertificate.of(
        environment.beliefs,
        environment.action_distributions,
        environment.costs,
        environment.max_payment,
        action,
        Multipliers.from_duals(found.proper, found.rows),
    )
    rules = cheapest_rules(environment, list(range(environment.n_actions)), individually_rational)
    possible = " or ".join(str(k) for k, rule in enumerate(rules) if rule is not None)
    return NotImplementable(
        f"action is {action}, which no rule implements: {certificate}; allowed: "
        + (possible or "none of the actions, unless max_payment is larger"),
        action,
        certificate,
    )
