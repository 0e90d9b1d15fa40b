"""Policies that do not adapt: a fixed rule, the optimal rule, and explore-then-commit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from banditlab.core.components import field
from banditlab.core.errors import BanditlabError, InvalidType
from banditlab.core.validation import matrix, non_negative, optional, positive, positive_integer, shown
from banditlab.scoring.family import policy
from banditlab.scoring.games import Game
from banditlab.scoring.informed import why_not_informed
from banditlab.scoring.optimal_rule import OptimalRule
from banditlab.scoring.principal_agent import PrincipalAgent
from banditlab.scoring.principal_agent_games import PrincipalKnows, Seen
from banditlab.scoring.rules import ScoringRule
from banditlab.scoring.simplex import Floats

from .estimates import Bisection, CostDifferences, Estimates
from .optimistic import OptimisticProgram, best_action


def rule_or_table(name: str, value: Any) -> Any:
    """Check for a `ScoringRule`, or payments with one row per belief and one column per state, as in `OptimalRule`."""
    if isinstance(value, ScoringRule):
        return value
    if isinstance(value, OptimalRule):
        value = value.payments
    if isinstance(value, list | tuple | np.ndarray):
        return matrix()(name, value)
    found = f"the class {value.__name__}" if isinstance(value, type) else shown(value)
    raise InvalidType(f"{name} is {found}; allowed: a scoring rule, or a table of payments (beliefs by states)")


def payments_of(rule: ScoringRule | Floats, beliefs: Floats) -> Floats:
    """Return the payments of a rule, or of a table of payments, at a list of beliefs."""
    return rule.table(beliefs) if isinstance(rule, ScoringRule) else rule


@policy
class FixedRule:
    """Announces the same scoring rule in each round.

    Parameters
    ----------
    rule : ScoringRule, OptimalRule or array_like of shape (beliefs, states)
        The rule, or its payments at the environment's beliefs; they must lie in [0, max_payment]. If they make the
        agent lie, the environment must have `decisions`.

    Notes
    -----
    Guarantee (ours; a rule whose worth is known): :math:`E[R_T] = T (h^* - h(S))`, exactly.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.FixedRule([[1.0, 0.0], [0.0, 1.0]])
    FixedRule(<2 x 2 array>)
    """

    environments: ClassVar[tuple[type, ...]] = (PrincipalAgent,)
    rule: Any = field(
        check=rule_or_table, doc="payments, a row per belief and a column per state, or (in Python) a scoring rule"
    )

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Check shape and range of the payments, and that the worth of what they make the agent do is known."""
        n, needed = getattr(self.rule, "n_states", None), environment.n_states
        if n not in (None, needed):
            return [f"its rule is for {n} states, and there are {needed}; allowed: such as Brier(n_states={needed})"]
        try:
            payments = payments_of(self.rule, environment.beliefs)
        except BanditlabError as error:  # a rule for other states or other reports
            return [f"its rule cannot be asked for its payments here: {error}"]
        if payments.shape != environment.beliefs.shape:
            return [f"its payments have the shape {payments.shape}, and the beliefs {environment.beliefs.shape}"]
        low, high, bound = float(payments.min()), float(payments.max()), environment.max_payment
        slack = 1e-9 * bound
        if not (low >= -slack and high <= bound + slack):  # NaN too
            return [f"its payments reach from {low:.6g} to {high:.6g}, outside [0, {bound:.6g}] (max_payment)"]
        try:
            environment.respond(np.clip(payments, 0.0, bound))
        except BanditlabError as error:
            return [str(error)]
        return []

    def state(self, known: PrincipalKnows, horizon: int, rng: Any) -> Floats:
        """Return the payments."""
        return np.clip(payments_of(self.rule, known.beliefs), 0.0, known.max_payment)

    def announce(self, state: Floats, t: int) -> Floats:
        """Return the payments."""
        return state

    def update(self, state: Floats, seen: Seen, t: int) -> None:
        """Learn nothing."""


@policy
class Oracle:
    """Announces the optimal mechanism, which it knows: the benchmark whose regret is 0.

    Notes
    -----
    Guarantee (ours; every environment of this family): :math:`E[R_T] = 0`, exactly.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.Oracle()
    Oracle()
    """

    knows_all: ClassVar[bool] = True

    def state(self, known: Game, horizon: int, rng: Any) -> Any:
        """Return the optimal mechanism."""
        return known.best()

    def announce(self, state: Any, t: int) -> Any:
        """Return the mechanism."""
        return state

    def update(self, state: Any, seen: Any, t: int) -> None:
        """Learn nothing."""


@dataclass
class Exploration:
    """What `ExploreThenCommit` remembers.

    Attributes
    ----------
    rounds : int
        Rounds of exploration.
    pairs : list of (int, int)
        Actions i and j whose informed rules are still to be bisected, the next pair last.
    announced : float64 array (M, S)
        The payments of this round.
    committed : float64 array (M, S) or None
        The payments of all later rounds.
    """

    known: PrincipalKnows
    horizon: int
    rounds: int
    estimates: Estimates
    pairs: list[tuple[int, int]]
    announced: Floats
    search: Bisection | None = None
    committed: Floats | None = None
    solves: int = 0

    @property
    def bisecting(self) -> bool:
        """Whether this round is a probe."""
        return self.search is not None


@policy
class ExploreThenCommit:
    r"""Plays informed rules, searches for the differences between costs, and then commits to one rule.

    1. For :math:`T^{2/3}` rounds (`exploration`), play the action-informed rules :math:`\tilde S_k` in turn and
       estimate q.
    2. For each pair i, j: bisection between :math:`\tilde S_j` and :math:`\tilde S_i` until the bracket is narrower
       than :math:`c\,T^{-1/3}` (`width`), which pins down :math:`c_i - c_j`.
    3. Solve :math:`LP_k` with the estimates for each k, take the best action k, and play
       :math:`(1 - a)\hat S + a \tilde S_k` with :math:`a = \min(K T^{-1/3}, 1)` for ever.

    Parameters
    ----------
    exploration : int, optional
        Exploration rounds in step 1, all actions together; default :math:`\lceil T^{2/3} \rceil`, and at least K.
    width : float, default 1.0
        c in step 2; positive.
    mixture : float, default 1.0
        Factor of a in step 3; at least 0.

    Notes
    -----
    Guarantee: none, as none is proved for this rule. The scheme is that of Cacciamani, Castiglioni, Gatti (2024), whose
    explore-then-commit algorithm for several agents has regret :math:`\tilde O(T^{2/3})` (abstract); the steps, with
    one agent, were reconstructed. Should :math:`LP_k` contradict the estimates, k's candidate is :math:`\tilde S_k`.

    References
    ----------
    Cacciamani, Castiglioni, Gatti (2024), Online Information Acquisition: Hiring Multiple Agents, arXiv:2307.06210.

    Chen, Wu, Wu, Yang (2023), Learning to Incentivize Information Acquisition: Proper Scoring Rules Meet
    Principal-Agent Model, arXiv:2303.08613.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.ExploreThenCommit(exploration=500)
    ExploreThenCommit(exploration=500)
    """

    environments: ClassVar[tuple[type, ...]] = (PrincipalAgent,)
    exploration: int | None = field(
        default=None, check=optional(positive_integer), doc="exploration rounds; default T^(2/3), at least K"
    )
    width: float = field(default=1.0, check=positive, doc="final width of a bisection, times T^(1/3)")
    mixture: float = field(default=1.0, check=non_negative, doc="weight of the informed rule, times T^(1/3) / K")

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Return the actions that have no informed rule."""
        return why_not_informed(environment)

    def state(self, known: PrincipalKnows, horizon: int, rng: Any) -> Exploration:
        """Return a state that has seen nothing."""
        rounds = self.exploration if self.exploration is not None else math.ceil(horizon ** (2 / 3))
        pairs = [(i, j) for i in range(known.n_actions) for j in range(i)]
        rounds = max(rounds, known.n_actions)
        return Exploration(known, horizon, rounds, Estimates(known), pairs[::-1], known.informed[0])

    def announce(self, state: Exploration, t: int) -> Floats:
        """Return an informed rule, a probe, or what was committed to."""
        if t <= state.rounds:
            state.announced = state.known.informed[(t - 1) % state.known.n_actions]
            return state.announced
        if state.search is None and state.pairs:
            i, j = state.pairs.pop()
            width = self.width * state.horizon ** (-1 / 3)
            state.search = Bisection(state.known.informed[j], state.known.informed[i], i, width)
        if state.search is not None:
            state.announced = state.search.probe()
        else:
            if state.committed is None:
                state.committed = self._commit(state)
            state.announced = state.committed
        return state.announced

    def update(self, state: Exploration, seen: Seen, t: int) -> None:
        """Learn, until there is a commitment."""
        if state.committed is None:
            state.estimates.add(state.announced, seen)
            if state.search is not None and state.search.answer(seen.action):
                state.search = None

    def _commit(self, state: Exploration) -> Floats:
        """Return the rule to commit to."""
        known, q = state.known, state.estimates.distributions()
        exact = np.zeros(known.n_actions)
        costs = state.estimates.cost_differences(q, exact)
        programs = OptimisticProgram(known)
        certain = CostDifferences(costs.estimate, np.zeros_like(costs.radius))
        k, payments = best_action(known, q, exact, certain, programs)
        state.solves = programs.solves
        share = min(self.mixture * known.n_actions * state.horizon ** (-1 / 3), 1.0)
        return (1.0 - share) * payments + share * known.informed[k]
