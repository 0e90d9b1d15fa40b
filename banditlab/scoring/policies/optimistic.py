"""Optimism over linear programs: the cheapest rule that could, for all one knows, induce an action, and its use."""

from __future__ import annotations

import math

import numpy as np

from banditlab.scoring.lp import ProperRuleProgram
from banditlab.scoring.principal_agent_games import PrincipalKnows, Seen
from banditlab.scoring.simplex import Floats

from .estimates import Bisection, CostDifferences, Estimates

TIES = 1e-6
"""Weight of payments in the objective, next to v: it moves the optimal v by at most 2 TIES M S max_payment."""


def tie_break(n_beliefs: int, n_states: int) -> Floats:
    """Return weights between 1 and 2 that no two rules with rational payments share: they make the optimum unique.

    Optimal faces are common here, as many payments never bind; without this the rule would depend on where the solver
    starts, and so on how often programs are re-solved. The weights are 1 plus the fractional parts of the square roots
    of the first primes, which are linearly independent over the rationals together with 1: the weighted sums of two
    different rational rules differ, though maybe by less than the solver's tolerance. All weights are positive: of two
    rules that cost the same, the one with the smaller payments is taken.
    """
    n = n_beliefs * n_states
    # the n-th prime is below n (log n + log log n) from n = 6 on (Rosser)
    sieve = np.ones(max(14, math.ceil(n * (math.log(n) + math.log(max(math.log(n), 1.0))))), dtype=bool)
    sieve[:2] = False
    for factor in range(2, math.isqrt(len(sieve)) + 1):
        sieve[factor * factor :: factor] = False
    weights: Floats = 1.0 + np.sqrt(np.flatnonzero(sieve)[:n]) % 1.0
    return weights


class OptimisticProgram:
    r"""UCB-LP_k, over proper S in [0, B_S] and v >= 0, for all actions k.

    Minimise v subject to :math:`|v - \hat v_S(k)| \le B_S I_q(k)` and, for all j other than k,
    :math:`v - \hat v_S(j) \ge \hat C(k, j) - I_c(k, j) - B_S I_q(j)`. Each action has a live program of its own, which
    starts from its last basis.

    Parameters
    ----------
    known : PrincipalKnows
        What the principal knows.

    Attributes
    ----------
    solves : int
        Programs solved so far.
    """

    def __init__(self, known: PrincipalKnows) -> None:
        self._known = known
        self._programs = [self._program(k) for k in range(known.n_actions)]
        self.solves = 0

    def _program(self, action: int) -> ProperRuleProgram:
        known = self._known
        m, s = known.beliefs.shape
        # in units of max_payment, as the solver's tolerances are absolute
        program = ProperRuleProgram(known.beliefs, 1.0, n_rows=known.n_actions, n_extras=1)
        program.rows[:, -1] = 1.0
        program.cost[:-1] = TIES * tie_break(m, s)
        program.cost[-1] = 1.0
        program.lower[-1], program.upper[-1] = 0.0, 1.0
        return program

    def solve(self, k: int, q: Floats, radius: Floats, costs: CostDifferences) -> tuple[float, Floats] | None:
        """Return v and the payments for action k, or None where the estimates contradict each other."""
        program, bound = self._programs[k], self._known.max_payment
        beliefs = self._known.beliefs
        program.rows[:, :-1] = -(q[:, :, None] * beliefs).reshape(len(q), -1)
        program.row_lower[:] = (costs.estimate[k] - costs.radius[k]) / bound - radius
        program.row_lower[k] = -radius[k]
        program.row_upper[k] = radius[k]
        self.solves += 1
        found = program.solve()
        if found.status != "optimal":
            return None
        return float(found.extras[0]) * bound, found.payments * bound


def best_action(
    known: PrincipalKnows, q: Floats, radius: Floats, costs: CostDifferences, programs: OptimisticProgram
) -> tuple[int, Floats]:
    """Return the action whose profit could be largest, for all one knows, and its rule.

    Parameters
    ----------
    known : PrincipalKnows
        What the principal knows.
    q : float64 array (K, M)
        Estimates of the belief distributions.
    radius : float64 array (K,)
        How far they may be off.
    costs : CostDifferences
        Estimates of the differences between costs.
    programs : OptimisticProgram
        The programs that find the rules. Where the estimates contradict each other, an action's rule is its informed
        rule.

    Returns
    -------
    int
        The action k.
    float64 array (M, S)
        The payments.
    """
    bound = float(np.abs(known.utility).max())
    best, found = -math.inf, (0, known.informed[0])
    for k in range(known.n_actions):
        solved = programs.solve(k, q, radius, costs)
        if solved is None:
            pay = float(q[k] @ (known.beliefs * known.informed[k]).sum(axis=1))
            solved = max(pay - known.max_payment * float(radius[k]), 0.0), known.informed[k]
        profit = float(q[k] @ known.utility + bound * radius[k]) - solved[0]
        if profit > best:
            best, found = profit, (k, solved[1])
    return found


class Optimism:
    """Mixtures of optimistic and informed rules, with bisection where the agent disagrees: OSRA without its constants.

    The caller handles the first K rounds: it plays the informed rules and adds them to `estimates`. In each later round
    `choose`, `announce` and `take` are called, in this order.

    Parameters
    ----------
    known : PrincipalKnows
        What the principal knows.
    delta : float
        Probability with which the radii may fail.
    scale : float
        Factor of the radii.
    tolerance : float
        Programs are re-solved once the number of times that some action was chosen has grown by this share.

    Attributes
    ----------
    estimates : Estimates
        What has been learned.
    action : int
        k, which is to be induced.
    rule : float64 array (M, S)
        The solution of its optimistic program.
    solved_for : float
        The radius :math:`I_q(k)` in that program.
    stale : bool
        Whether the programs are to be solved again, however little was learned.
    """

    def __init__(self, known: PrincipalKnows, delta: float, scale: float, tolerance: float) -> None:
        self.known, self._delta, self._scale, self._tolerance = known, delta, scale, tolerance
        self.estimates, self._programs = Estimates(known), OptimisticProgram(known)
        self.action, self.rule, self.solved_for, self.stale = 0, known.informed[0], math.inf, True
        self._solved_at = np.zeros(known.n_actions)
        self._search: Bisection | None = None
        self._announced = self.rule

    @property
    def bisecting(self) -> bool:
        """Whether this round is a probe."""
        return self._search is not None

    @property
    def solves(self) -> int:
        """Linear programs solved so far."""
        return self._programs.solves

    def radius(self, t: int) -> float:
        """Return the action's radius in round t."""
        return float(self.estimates.radius(t, self._delta, self._scale)[self.action])

    def choose(self, t: int) -> int:
        r"""Return the action to induce: that with the largest optimistic profit :math:`\hat h_k` when last solved."""
        n = self.estimates.n
        if not self.bisecting and (self.stale or bool((n > (1.0 + self._tolerance) * self._solved_at).any())):
            self.solve(t)
        return self.action

    def solve(self, t: int) -> None:
        """Solve the programs of all actions."""
        q = self.estimates.distributions()
        radius = self.estimates.radius(t, self._delta, self._scale)
        costs = self.estimates.cost_differences(q, radius)
        self.action, self.rule = best_action(self.known, q, radius, costs, self._programs)
        self.solved_for = float(radius[self.action])
        self._solved_at, self.stale = self.estimates.n.copy(), False

    def announce(self, share: float) -> Floats:
        """Return a probe while bisecting, else the mixture in which the informed rule has this share."""
        if self._search is not None:
            self._announced = self._search.probe()
        else:
            self._announced = share * self.known.informed[self.action] + (1.0 - share) * self.rule
        return self._announced

    def take(self, seen: Seen, width: float) -> bool:
        """Learn from the round; return whether the agent did what a mixture was to induce.

        If it did something else, the next rounds are a bisection, until the bracket is narrower than `width`.
        """
        self.estimates.add(self._announced, seen)
        if self._search is not None:
            if self._search.answer(seen.action):
                self._search, self.stale = None, True
            return False
        if seen.action != self.action:
            self._search = Bisection(self._announced, self.known.informed[self.action], self.action, width)
            return False
        return True
