"""What a principal learns from its rounds: belief distributions, and differences between the agent's costs."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from banditlab.scoring.games import PrincipalKnows, Seen

Floats = NDArray[np.float64]


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
        self._rules = [np.empty((64, len(known.beliefs))) for _ in range(known.n_actions)]

    def add(self, payments: Floats, seen: Seen) -> None:
        """Count a round: under these payments the agent chose an action, and reported a belief."""
        count = int(self.n[seen.action])
        rows = self._rules[seen.action]
        if count == len(rows):
            rows = self._rules[seen.action] = np.concatenate([rows, np.empty_like(rows)])
        rows[count] = (self._known.beliefs * payments).sum(axis=1)
        self.n[seen.action] += 1.0
        self.reports[seen.action, seen.report] += 1.0

    def distributions(self) -> Floats:
        """Return the estimates of q, one row an action; an action that was never chosen has a row of zeros."""
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
                # not BLAS, whose last bit can depend on the number of threads it is given
                v = np.einsum("nm,km->nk", self._rules[i][: int(self.n[i])], q)
                upper[i] = np.minimum(bound, (v[:, i : i + 1] - v).min(axis=0))
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
        k.
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
