"""What a principal learns from its rounds: belief distributions, and differences between the agent's costs."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from banditlab.scoring.principal_agent_games import PrincipalKnows, Seen
from banditlab.scoring.simplex import Floats


class CostDifferences(NamedTuple):
    """Estimates of C(i, j) = c_i - c_j, and how far they may be off.

    Attributes
    ----------
    estimate, radius : float64 arrays (K, K)
    """

    estimate: Floats
    radius: Floats


def chained(estimate: Floats, radius: Floats) -> CostDifferences:
    """Return differences along the chains with the smallest sums of radii (Floyd and Warshall)."""
    for via in range(len(estimate)):
        through = radius[:, via, None] + radius[None, via, :]
        sums = estimate[:, via, None] + estimate[None, via, :]
        shorter = through < radius
        estimate, radius = np.where(shorter, sums, estimate), np.where(shorter, through, radius)
    return CostDifferences(estimate, radius)


class LeastDifferences:
    r"""The least of :math:`v_S(i) - v_S(j)` over the rules S under which an action i was chosen, for each action j.

    The belief distributions q change from one question to the next, so that every rule can be the least one again. But
    they change little, and what an agent is paid lies in [0, max_payment]: when q changes, :math:`v_S(i) - v_S(j)`
    falls by at most max_payment times the sum of the decreases of the entries of :math:`q_i - q_j`. Rules are kept in
    blocks with the least differences of each block when last computed, and only blocks that can have fallen below the
    others are computed again. The result is the same, to the last bit, as that of going through all rules.

    Parameters
    ----------
    action : int
        The action i.
    n_beliefs : int
        M.
    n_actions : int
        K.
    max_payment : float
        Largest payment.
    """

    SIZE = 64
    """Rules per block: a question takes one step per block, and one per rule of those that are computed again."""
    SLACK = 1e-8
    """Share of max_payment beyond rounding, and beyond what announced payments may leave their bounds by."""

    def __init__(self, action: int, n_beliefs: int, n_actions: int, max_payment: float) -> None:
        self._action, self._max_payment = action, max_payment
        self._rules = np.empty((1, self.SIZE, n_beliefs))
        self._least = np.empty((1, n_actions))
        self._ahead = np.empty((1, n_actions, n_beliefs))  # the q_i - q_j that `least` was computed for
        self.n_rules = self.n_computed = 0

    def add(self, truthful: Floats) -> None:
        """Add a rule, given as what it pays on average for the truth at each belief."""
        block, row = divmod(self.n_rules, self.SIZE)
        if block == len(self._rules):
            self._rules, self._least, self._ahead = (
                np.concatenate([part, np.empty_like(part)]) for part in (self._rules, self._least, self._ahead)
            )
        self._rules[block, row] = truthful
        self.n_rules += 1
        if row + 1 == self.SIZE:
            self._least[block], self._ahead[block] = -np.inf, 0.0  # to be computed by the next question

    def least(self, q: Floats) -> Floats:
        """Return the least differences, one per j; there must be a rule."""
        full, rest = divmod(self.n_rules, self.SIZE)
        ahead = q[self._action] - q
        best = np.full(len(q), np.inf)
        best[self._action] = 0.0
        if rest:
            best = self._differences(self._rules[full, :rest], q).min(axis=0)
        if not full:
            return best
        fallen = self._max_payment * np.maximum(self._ahead[:full] - ahead, 0.0).sum(axis=2)
        bound = self._least[:full] - fallen - self.SLACK * self._max_payment
        bound[:, self._action] = np.inf  # 0 for every rule
        # the blocks that look best first: after them, few of the others can still be better
        for blocks in (np.unique(bound.argmin(axis=0)), slice(None)):
            chosen = np.zeros(full, dtype=bool)
            chosen[blocks] = (bound[blocks] < best).any(axis=1)
            if chosen.any():
                found = self._differences(self._rules[:full][chosen], q).min(axis=1)
                self._least[:full][chosen], self._ahead[:full][chosen], bound[chosen] = found, ahead, np.inf
                best = np.minimum(best, found.min(axis=0))
        return best

    def _differences(self, rules: Floats, q: Floats) -> Floats:
        """Return v_S(i) - v_S(j) for each rule (..., M) and j, by sums in a fixed order: not BLAS, and not einsum."""
        v = np.zeros((*rules.shape[:-1], len(q)))
        for m in range(q.shape[1]):
            v += rules[..., m, None] * q[:, m]
        self.n_computed += v.size // len(q)
        differences: Floats = v[..., self._action, None] - v
        return differences


class Estimates:
    """Counts of reports, and the rules under which each action was chosen.

    Parameters
    ----------
    known : PrincipalKnows
        What the principal knows.

    Attributes
    ----------
    n : float64 array (K,)
        How often the agent chose each action.
    reports : float64 array (K, M)
        How often each action led to each report.
    """

    def __init__(self, known: PrincipalKnows) -> None:
        self._known = known
        self.n = np.zeros(known.n_actions)
        self.reports = np.zeros((known.n_actions, len(known.beliefs)))
        sizes = (len(known.beliefs), known.n_actions, known.max_payment)
        self._chosen_under = [LeastDifferences(i, *sizes) for i in range(known.n_actions)]

    def add(self, payments: Floats, seen: Seen) -> None:
        """Count a round: under these payments the agent chose an action, and reported a belief."""
        self._chosen_under[seen.action].add((self._known.beliefs * payments).sum(axis=1))
        self.n[seen.action] += 1.0
        self.reports[seen.action, seen.report] += 1.0

    def distributions(self) -> Floats:
        """Return the estimates of q, one row per action; an action that was never chosen has a row of zeros."""
        return self.reports / np.maximum(self.n, 1.0)[:, None]

    def radius(self, t: int, delta: float, scale: float) -> Floats:
        r"""Return :math:`I_q(k) = \sqrt{2 \log(4 K^2 M t^2 / \delta) / N_k}`, times a scale; infinite where N_k = 0."""
        k, m = self.reports.shape
        with np.errstate(divide="ignore"):
            radius: Floats = scale * np.sqrt(2.0 * math.log(4.0 * k * k * m * t * t / delta) / self.n)
        return radius

    def cost_differences(self, q: Floats, radius: Floats) -> CostDifferences:
        """Return the estimates of C(i, j) along the most reliable chain of actions from i to j.

        Where the agent chose i under S, C(i, j) <= v_S(i) - v_S(j). The least of these bounds (with q estimated),
        C+(i, j), and -C+(j, i) enclose C(i, j): their midpoint is the estimate; half their distance and max_payment
        times the radii of q_i and q_j its radius. No two costs differ by more than max_payment, as every action can
        be induced.
        """
        k = len(self.n)
        bound = self._known.max_payment
        upper = np.full((k, k), bound)
        for i in range(k):
            if self.n[i]:
                upper[i] = np.minimum(bound, self._chosen_under[i].least(q))
        estimate = (upper - upper.T) / 2.0
        spread = np.abs(upper + upper.T) / 2.0 + bound * (radius[:, None] + radius[None, :])
        np.fill_diagonal(estimate, 0.0)
        np.fill_diagonal(spread, 0.0)
        return chained(estimate, spread)


class Bisection:
    """A search, between a rule to which the agent does not respond with k and one to which it does, for the border.

    Parameters
    ----------
    start, end : float64 arrays (M, S)
        Payments; under `end` the agent chooses the action.
    action : int
        The action k.
    width : float
        The search ends when the bracket, a share of the way from start to end, is narrower than this.
    """

    def __init__(self, start: Floats, end: Floats, action: int, width: float) -> None:
        self._start, self._end, self.action, self._width = start, end, action, width
        self._low, self._high = 0.0, 1.0

    @property
    def middle(self) -> float:
        """The share of the way to the next probe."""
        return 0.5 * (self._low + self._high)

    def probe(self) -> Floats:
        """Return the payments of the next round."""
        return (1.0 - self.middle) * self._start + self.middle * self._end

    def answer(self, action: int) -> bool:
        """Take the agent's response to the probe; return whether the search has ended."""
        if action == self.action:
            self._high = self.middle
        else:
            self._low = self.middle
        return self._high - self._low < self._width
