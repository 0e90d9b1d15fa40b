"""A principal who buys information from one agent by a scoring rule, and the rules that are optimal for her."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from banditlab.core.components import field
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray, OptionalFloatArray
from banditlab.core.validation import boolean, integer, invalid, matrix, one_of, optional, positive, shown, vector

from .family import environment
from .optimal_rule import OptimalRule, cheapest_rules, largest_margin, not_implementable
from .responses import Response, best_response
from .rules import ScoringRule
from .simplex import Floats
from .simplex import beliefs as rows_of_probabilities
from .tables import costs_that_count, n_entries, numbers, within_reach

if TYPE_CHECKING:
    from .principal_agent_games import PrincipalAgentGame
    from .program import Program

# Beliefs are the same, and so are priors, if they agree to within this.
ROUNDING = 1e-9


@environment
class PrincipalAgent:
    r"""One agent, who chooses how much effort to make, learns something about the state, and is paid for a report.

    The principal announces payments S. The agent plays an action k, which costs him :math:`c_k` and which the principal
    observes, comes to hold a belief :math:`\sigma` about the state, drawn from :math:`q_k`, and reports a belief. The
    principal takes a decision based on the report; then the state is seen, and she pays the entry of S for report and
    state. Against proper S the agent tells the truth and plays the :math:`k^*(S)` that maximises :math:`v_S(k) - c_k`,
    with :math:`v_S(k) = \sum_m q_k(m) \sum_w \sigma_m(w) S_{m w}`; ties are broken for the principal, whose profit is
    :math:`h(S) = u_{k^*} - v_S(k^*)`, with :math:`u_k = \sum_m q_k(m) u(\sigma_m)`.

    Parameters
    ----------
    beliefs : matrix (n_beliefs, n_states)
        The beliefs that an action can lead to: one per row, distinct, each a probability vector.
    action_distributions : matrix (n_actions, n_beliefs)
        q: row k is the distribution of the belief after action k. All actions must have the same prior :math:`\sum_m
        q_k(m) \sigma_m` (Bayes plausibility).
    costs : sequence of float
        c, one per action; at least 0, and at most :math:`10^{15}` times `max_payment`, where rounding makes arithmetic
        useless.
    utility : sequence of float, optional
        :math:`u(\sigma_m)`, the principal's expected utility at each belief when she decides best.
    decisions : matrix (n_decisions, n_states), optional
        Instead of `utility`: what each decision is worth to her in each state; :math:`u(\sigma)` is the expected worth
        of the best decision.
    max_payment : float, default 1.0
        B: payments are in [0, B]; positive, and at most :math:`10^8` times the largest cost.
    states : sequence of str, optional
        Names of the states, for tables and figures.

    Raises
    ------
    InvalidArgument
        If an argument does not meet the conditions above; the message names the entry.

    Notes
    -----
    Model and program are those of Chen, Wu, Wu and Yang, "Learning to Incentivize Information Acquisition: Proper
    Scoring Rules Meet Principal-Agent Model" (ICML 2023), arXiv:2303.08613. They do not require individual rationality:
    an agent with an action that costs nothing loses nothing by taking part; `individually_rational` protects the
    others.

    Examples
    --------
    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9]],
    ...     action_distributions=[[0, 0, 1, 0, 0], [0, 0.5, 0, 0.5, 0], [0.5, 0, 0, 0, 0.5]],
    ...     costs=[0, 0.03, 0.08],
    ...     decisions=[[1, 0], [0, 1]],
    ... )
    >>> best = world.optimal()
    >>> best.action, round(best.payment, 9), round(best.profit, 9)
    (2, 0.225, 0.675)
    >>> world.respond(best.payments).action
    2
    """

    shows: ClassVar[str] = "the agent's action and report, and the state of the world"
    beliefs: FloatArray = field(check=rows_of_probabilities, doc="the beliefs that can be reported, one per row")
    action_distributions: FloatArray = field(
        check=rows_of_probabilities, doc="distribution of the belief, one row per action"
    )
    costs: FloatArray = field(check=vector(0.0), doc="what each action costs the agent")
    utility: OptionalFloatArray = field(
        default=None, check=optional(vector()), doc="the principal's expected utility at each belief"
    )
    decisions: OptionalFloatArray = field(
        default=None, check=optional(matrix()), doc="instead: what each decision is worth in each state"
    )
    max_payment: float = field(default=1.0, check=positive, doc="the largest payment")
    states: Any = field(default=None, doc="names of the states")

    def validate(self) -> None:
        """Check shapes, that rows are distributions, Bayes plausibility, and that utility is given once."""
        name = "PrincipalAgent"
        n_beliefs, n_states = self.beliefs.shape
        if n_states < 2:
            raise InvalidArgument(f"{name}.beliefs has 1 column; allowed: at least 2, one per state")
        for m in range(n_beliefs):
            same = np.flatnonzero(np.abs(self.beliefs[:m] - self.beliefs[m]).max(axis=1, initial=0.0) <= ROUNDING)
            if len(same):
                raise InvalidArgument(
                    f"{name}.beliefs[{m}] is {numbers(self.beliefs[m])}, like beliefs[{same[0]}]; "
                    "allowed: distinct beliefs"
                )
        n_entries(f"{name}.action_distributions[0]", len(self.action_distributions[0]), n_beliefs, "belief")
        n_entries(f"{name}.costs", len(self.costs), self.n_actions, "action")
        within_reach(f"{name}.costs", self.costs, self.max_payment)
        costs_that_count(f"{name}.costs", self.costs, self.max_payment)
        self._check_bayes()
        if (self.utility is None) == (self.decisions is None):
            raise InvalidArgument(
                f"{name}.utility is {shown(self.utility)} and {name}.decisions is {shown(self.decisions)}; "
                "allowed: one of them, and None for the other"
            )
        if self.utility is not None:
            n_entries(f"{name}.utility", len(self.utility), n_beliefs, "belief")
        if self.decisions is not None:
            n_entries(f"{name}.decisions[0]", len(self.decisions[0]), n_states, "state")
        if self.states is not None:
            object.__setattr__(self, "states", _names(f"{name}.states", self.states, n_states))

    def _check_bayes(self) -> None:
        priors = self.action_distributions @ self.beliefs
        off = np.abs(priors - priors[0]).max(axis=1)
        if off.max() > ROUNDING:
            k = int(np.argmax(off > ROUNDING))
            raise InvalidArgument(
                f"PrincipalAgent.action_distributions[{k}] has the prior {numbers(priors[k])}; allowed: that of "
                f"action_distributions[0], {numbers(priors[0])}, within {ROUNDING:g}, because an action changes what "
                f"the agent learns, not the state; it is off by {off[k]:.2g}"
            )

    @property
    def n_actions(self) -> int:
        """Number of actions, K."""
        return len(self.action_distributions)

    @property
    def n_arms(self) -> int:
        """Number of actions: what the principal learns about."""
        return self.n_actions

    @property
    def n_beliefs(self) -> int:
        """Number of beliefs, M."""
        return len(self.beliefs)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.beliefs.shape[1])

    @property
    def prior(self) -> Floats:
        """Prior probability of each state."""
        prior: Floats = self.action_distributions[0] @ self.beliefs
        return prior

    @property
    def belief_utility(self) -> Floats:
        r""":math:`u(\sigma_m)`: the principal's expected utility at each belief, under her best decision."""
        if self.utility is not None:
            return self.utility
        assert self.decisions is not None  # by `validate`
        best: Floats = (self.beliefs @ self.decisions.T).max(axis=1)
        return best

    @property
    def utilities(self) -> Floats:
        r""":math:`u_k`: the principal's expected utility under each action of a truthful agent, before payments.

        Examples
        --------
        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> world.utilities.tolist(), world.belief_utility.tolist()
        ([0.5, 1.0], [1.0, 0.5, 1.0])
        """
        utilities: Floats = self.action_distributions @ self.belief_utility
        return utilities

    def game(self) -> PrincipalAgentGame:
        """Return what plays this environment round by round."""
        from .principal_agent_games import PrincipalAgentGame

        return PrincipalAgentGame(self)

    def expected_payments(self, payments: Any) -> Floats:
        """Return :math:`v_S(k)` of each action, for an agent who tells the truth.

        Parameters
        ----------
        payments : matrix (n_beliefs, n_states), ScoringRule or OptimalRule
            S.

        Returns
        -------
        float64 array (n_actions,)

        Examples
        --------
        Looking costs 0.1 and gains 0.125 under these payments:

        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> world.expected_payments([[0.25, 0], [0.125, 0.125], [0, 0.25]]).tolist()
        [0.125, 0.25]
        """
        truthful = (self.beliefs * self.table(payments)).sum(axis=1)
        expected: Floats = self.action_distributions @ truthful
        return expected

    def table(self, payments: Any) -> Floats:
        """Return payments as an array (n_beliefs, n_states).

        Parameters
        ----------
        payments : matrix (n_beliefs, n_states), ScoringRule or OptimalRule
            For a `ScoringRule`, the payments for reporting each of `beliefs`.

        Examples
        --------
        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> world.table(scoring.Brier().bounded(1.0)).tolist()
        [[1.0, 0.0], [0.75, 0.75], [0.0, 1.0]]
        """
        if isinstance(payments, OptimalRule):
            payments = payments.payments
        elif isinstance(payments, ScoringRule):
            payments = payments.table(self.beliefs)
        table: Floats = matrix()("payments", payments)
        if table.shape != self.beliefs.shape:
            shape = " x ".join(str(n) for n in table.shape)
            raise InvalidArgument(
                f"payments is {shape}; allowed: {self.n_beliefs} x {self.n_states}, for each report and state"
            )
        return table

    def respond(self, payments: Any) -> Response:
        """Return the best response of an agent who tries every action and, at every belief, every report.

        Parameters
        ----------
        payments : matrix (n_beliefs, n_states), ScoringRule or OptimalRule
            What is announced; it need be neither proper nor within [0, max_payment].

        Returns
        -------
        Response
            Choices that fall short of the best by at most 1e-9 of max_payment are ties, which go to the principal: to
            the truth among reports, to her larger profit among actions.

        Raises
        ------
        InvalidArgument
            If the agent lies and the environment has `utility` instead of `decisions`: what a decision on a wrong
            report is worth is then unknown.

        Examples
        --------
        An eighth for the right state is no reason to look at a cost of 0.1, but a quarter is:

        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> bet = scoring.VShaped(0.5)
        >>> world.respond(bet / 8).action
        0
        >>> found = world.respond(bet / 4)
        >>> found.action, round(found.agent_profit, 6), found.principal_profit
        (1, 0.15, 0.75)
        """
        return best_response(self, self.table(payments))

    def profit(self, payments: Any) -> float:
        r"""Return the principal's expected profit, in the unit of `decisions` (or `utility`) and of payments.

        It is what her best decision on the agent's report is worth, less what she pays: an expectation over the action
        k with which he answers S, the belief :math:`\sigma` that he then holds, the report that pays him most, and the
        state. Against proper S the report is :math:`\sigma`, and profit is :math:`h(S) = u_k - v_S(k)`. The action's
        cost is the agent's, and is not subtracted. Payments, errors and ties are as in `respond`, which returns the
        action and the reports as well.

        Parameters
        ----------
        payments : matrix (n_beliefs, n_states), ScoringRule or OptimalRule
            What is announced.

        Returns
        -------
        float

        Examples
        --------
        Looking costs 0.1 and shows the state; a right decision is worth 1, and a right report is paid 0.25. The agent
        looks, as 0.25 - 0.1 is more than the 0.125 of a guess: the principal has 1 - 0.25. Paid 0.15, he guesses, and
        she has 0.5 - 0.075.

        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> world.profit([[0.25, 0], [0.125, 0.125], [0, 0.25]])
        0.75
        >>> world.profit([[0.15, 0], [0.075, 0.075], [0, 0.15]])
        0.425
        """
        return self.respond(payments).principal_profit

    def program(self, action: int, *, individually_rational: bool = False) -> Program:
        """Return :math:`LP_k`, stated in CVXPY, to read, to extend with constraints, and to solve.

        Parameters
        ----------
        action : int
            The action k to implement.
        individually_rational : bool, default False
            Whether the agent's profit must be at least 0.

        Returns
        -------
        Program

        Examples
        --------
        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> program = world.program(1)
        >>> sorted(program.constraints)
        ['bounded', 'incentive', 'proper']
        >>> round(program.solve().payment, 4)
        0.2
        """
        from .program import state_program

        return state_program(self, self._action(action), boolean("individually_rational", individually_rational))

    def optimal_rule(self, action: int, method: str = "highs", *, individually_rational: bool = False) -> OptimalRule:
        r"""Return the cheapest proper rule that makes an action a best response.

        Minimise :math:`v_S(k)` over proper S with entries in [0, B] subject to :math:`v_S(k) - v_S(j) \ge c_k - c_j`
        for all j.

        Parameters
        ----------
        action : int
            The action k.
        method : {'highs', 'cvxpy'}, default 'highs'
            'highs' solves a prebuilt matrix; 'cvxpy' solves `program(action)`. Their expected payments agree to
            :math:`10^{-9}` of `max_payment`.
        individually_rational : bool, default False
            Whether :math:`v_S(k) \ge c_k` is required as well.

        Returns
        -------
        OptimalRule

        Raises
        ------
        NotImplementable
            If no such rule exists; the message and its `certificate` say why.

        Examples
        --------
        The rule pays 0.2 for betting on the right state: half of it is what a guess is worth, the other half the cost
        of looking. If looking costs more than the largest payment can make up for, nothing helps:

        >>> import dataclasses
        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> rule = world.optimal_rule(1)
        >>> round(rule.payment, 6), round(rule.profit, 6)
        (0.2, 0.8)
        >>> try:
        ...     dataclasses.replace(world, costs=[0, 0.6]).optimal_rule(1)
        ... except scoring.NotImplementable as error:
        ...     print(error.action, error.certificate is not None)
        1 True
        """
        action = self._action(action)
        boolean("individually_rational", individually_rational)
        if one_of("highs", "cvxpy")("method", method) == "cvxpy":
            return self.program(action, individually_rational=individually_rational).solve()
        rule = cheapest_rules(self, [action], individually_rational)[0]
        if rule is None:
            raise not_implementable(self, action, individually_rational)
        return rule

    def optimal(self, *, individually_rational: bool = False) -> OptimalRule:
        """Return the rule with the largest profit of all: the best of the optimal rules of all actions.

        Parameters
        ----------
        individually_rational : bool, default False
            As in `optimal_rule`.

        Returns
        -------
        OptimalRule

        Raises
        ------
        NotImplementable
            If no action can be implemented, which happens only with individual rationality: without it the cheapest
            can.

        Examples
        --------
        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> [round(world.optimal_rule(k).profit, 6) for k in (0, 1)]
        [0.5, 0.8]
        >>> best = world.optimal()
        >>> best.action, round(best.profit, 6)
        (1, 0.8)
        """
        boolean("individually_rational", individually_rational)
        rules = cheapest_rules(self, list(range(self.n_actions)), individually_rational)
        found = [rule for rule in rules if rule is not None]
        if not found:
            raise not_implementable(self, int(self.costs.argmin()), individually_rational)
        return max(found, key=lambda rule: rule.profit)

    def margin(self, action: int, *, individually_rational: bool = False) -> tuple[float, Floats]:
        r"""Return by how much the agent can be made to prefer an action to all others, and the rule that does it.

        Parameters
        ----------
        action : int
            The action k.
        individually_rational : bool, default False
            Whether staying away counts as another action.

        Returns
        -------
        float
            :math:`\max_S \min_{j \ne k} v_S(k) - c_k - (v_S(j) - c_j)` over proper S; negative for an action that
            cannot be implemented, infinite where there is no other action.
        float64 array (n_beliefs, n_states)
            Payments that attain it.

        Examples
        --------
        A bet of 1 on the state is worth 1/2 more to an agent who looks, at a cost of 0.1:

        >>> from banditlab import scoring
        >>> world = scoring.PrincipalAgent(
        ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
        ...     costs=[0, 0.1], decisions=[[1, 0], [0, 1]],
        ... )
        >>> margin, payments = world.margin(1)
        >>> round(margin, 6), world.respond(payments).action
        (0.4, 1)
        """
        action = self._action(action)
        boolean("individually_rational", individually_rational)
        if self.n_actions == 1 and not individually_rational:
            return np.inf, np.zeros_like(self.beliefs)
        found = largest_margin(self, action, individually_rational)
        return -found.value, found.payments

    def _action(self, action: int) -> int:
        checked: int = integer(0, self.n_actions - 1)("action", action)
        return checked


def _names(name: str, value: Any, wanted: int) -> tuple[str, ...]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a sequence of strings")
    names = tuple(value)
    if not all(isinstance(n, str) for n in names) or len(set(names)) < len(names):
        raise invalid(name, value, "distinct strings")
    n_entries(name, len(names), wanted, "state")
    return names
