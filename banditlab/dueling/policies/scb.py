"""Scalable Copeland bandits (SCB)."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.arms.divergence_kernels import divergence, negative_entropy, upper_bound
from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import log
from banditlab.core.sampling import below
from banditlab.core.validation import integer

from ..family import policy
from .counts import LONGEST, another_tie, count, duels, share
from .orders import shuffle


@device_call
def _begin_phase(state: State, n_arms: int, first_phase: float, lane: int, rng: Any) -> None:
    """Forget everything but the length of the last phase, and draw the order of the candidates."""
    length = state.length[lane]
    state.length[lane] = first_phase if length == 0.0 else min(length * length, LONGEST)
    state.left[lane] = state.length[lane]
    shuffle(state.order, n_arms, lane, rng)
    for i in range(n_arms):
        state.candidate[i, lane] = 1
        state.rewards[i, lane] = 0.0
        for j in range(n_arms):
            state.wins[i, j, lane] = 0.0
            state.known[i, j, lane] = 0
    state.n_candidates[lane] = n_arms
    state.sweeps[lane] = 0.0
    state.place[lane] = 0
    state.opponent[lane] = -1
    state.settled[lane] = 0
    state.last[lane] = state.found[lane] if state.found[lane] >= 0 else state.last[lane]
    state.found[lane] = -1


@device
def _risk(length: float) -> float:
    """Return -log delta for the failure probability delta = log(T) / T of a phase of length T."""
    return log(length) - log(log(length))


@device
def _eliminate(state: State, n_arms: int, lane: int) -> None:
    """After a sweep: drop the candidates whose upper bound is below another's lower bound."""
    n = state.sweeps[lane]
    budget = (log(4.0 * n * n_arms) + _risk(state.length[lane]) + 2.0 * log(max(1.0, log(n)))) / n
    highest = 0.0
    for i in range(n_arms):
        if state.candidate[i, lane] == 1:
            mean = state.rewards[i, lane] / n
            entropy = negative_entropy(mean)
            highest = max(highest, 1.0 - upper_bound(1.0 - mean, budget, entropy))
    for i in range(n_arms):
        if state.candidate[i, lane] == 1:
            mean = state.rewards[i, lane] / n
            if upper_bound(mean, budget, negative_entropy(mean)) < highest:
                state.candidate[i, lane] = 0
                state.n_candidates[lane] -= 1


@device
def _find(state: State, n_arms: int, lane: int, rng: Any) -> None:
    """End the search if one candidate is left, or if all is known of the candidates: the one with the most wins."""
    unknown = 0
    for i in range(n_arms):
        for j in range(n_arms):
            unknown += 1 if i != j and state.candidate[i, lane] == 1 and state.known[i, j, lane] == 0 else 0
    if state.n_candidates[lane] > 1 and unknown > 0:
        return
    most, ties = -1, 0
    for i in range(n_arms):
        beaten = 0
        for j in range(n_arms):
            beaten += 1 if state.known[i, j, lane] == 1 else 0
        if state.candidate[i, lane] == 1 and beaten > most:
            state.found[lane] = i
            most, ties = beaten, 1
        elif state.candidate[i, lane] == 1 and beaten == most:
            ties += 1
            if another_tie(rng, lane, ties):
                state.found[lane] = i


@device_call
def _search(state: State, n_arms: int, lane: int, rng: Any) -> None:
    """Go on until a pair is to meet, or the search has ended: rewards that are known already cost no round."""
    while state.found[lane] < 0:
        i = state.order[state.place[lane], lane]
        if state.candidate[i, lane] == 1:
            if state.opponent[lane] < 0:
                j = below(rng, lane, n_arms - 1)
                state.opponent[lane] = j + 1 if j >= i else j
            known = state.known[i, state.opponent[lane], lane]
            if known == 0:
                return
            state.rewards[i, lane] += 1.0 if known == 1 else 0.0
            state.opponent[lane] = -1
        state.place[lane] += 1
        if state.place[lane] == n_arms:
            state.place[lane] = 0
            state.sweeps[lane] += 1.0
            before = state.n_candidates[lane]
            _eliminate(state, n_arms, lane)
            if state.n_candidates[lane] < before:  # all may be known of the rest, and equals would go on for ever
                _find(state, n_arms, lane, rng)


@policy
class SCB:
    r"""Copeland winners among many arms: a bandit whose rewards are the results of duels that were fought out (SCB).

    Phase r = 1, 2, ... has :math:`T_r = 2^{2^r}` rounds and starts anew. The reward of arm i is 1 if it is better than
    an opponent drawn from all others, else 0; the two are compared until it is certain, with :math:`\delta =
    \log(T_r) / T_r`, which of them is better:

    .. math:: N_{ij} \, d(\hat\mu_{ij}, \tfrac12) > \log \frac{2 N_{ij}^2 K^2}{\delta}.

    All candidates, at first all arms, get one reward a sweep. With the Kullback-Leibler divergence d of Bernoulli
    distributions and mean reward :math:`\hat c_i` after n sweeps, the reward's mean is between the smallest and the
    largest q with

    .. math:: n \, d(\hat c_i, q) \le \log \frac{4 n K}{\delta} + 2 \log \max(1, \log n),

    and candidates whose upper bound is below another's lower bound are dropped. The last candidate plays itself for
    the rest of the phase; a search that has not ended by then is given up.

    Parameters
    ----------
    first_phase : int, default 4
        :math:`T_1`; each phase is as long as the square of the last. 4 is the paper's value, 1000 is what the program
        of Wu and Liu 2016 begins with.

    Notes
    -----
    Guarantee (Zoghi, Karnin, Whiteson and de Rijke 2015; no two arms equally good): the Copeland regret is :math:`O(K
    (l + \log K) \log(T) / \Delta^2)`, where a Copeland winner loses l duels and :math:`\Delta` is the smallest gap.

    The rule is the paper's Algorithms 2 to 4: the phases, :math:`\delta` and the intervals are those of two programs
    that follow the paper, whose text was not at hand. The paper leaves open when it is certain which of two arms is
    better (it asks for probability :math:`1 - \delta / K^2`); the condition above is right with at least that
    probability, by a union of Chernoff bounds (derived here). As in both programs, a pair whose result is certain does
    not meet again in a phase, and the search ends as well when all results of the candidates are certain: the one with
    the most wins plays itself.

    Draws: K - 1 numbers when a phase begins, for the order of sweeps. For each reward, one number for the opponent
    (the others in order of arms), rewards that cost no round included. When the search has ended (one candidate is
    left, or all results of candidates are certain, which is looked at when a result becomes certain, before the reward
    is counted, and when candidates were dropped) k - 1 numbers if k candidates have the most certain wins.

    References
    ----------
    Zoghi, Karnin, Whiteson, de Rijke (2015), Copeland dueling bandits, NeurIPS, arXiv:1506.00312, Algorithms 2 to 4.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.SCB(first_phase=1000)
    SCB(first_phase=1000)
    """

    first_phase: int = field(
        default=4, check=integer(4, limit=2**53), doc="rounds of the first phase; 4 is the paper's"
    )

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def state(self, space: Space) -> dict[str, Any]:
        """Return wins and certain results of the phase, the candidates, and how far the search has come."""
        k = space.n_arms
        return {
            "wins": space.array(k, k),
            "known": space.array(k, k, dtype=np.int64),  # 1: the row's arm is better for certain
            "candidate": space.per_arm(0, np.int64),
            "n_candidates": space.per_lane(0, np.int64),
            "rewards": space.per_arm(),
            "order": space.per_arm(0, np.int64),
            "place": space.per_lane(0, np.int64),
            "sweeps": space.per_lane(),
            "opponent": space.per_lane(-1, np.int64),  # of the arm whose place it is; -1: to be drawn
            "settled": space.per_lane(0, np.int64),  # 1: the last duel made a result certain
            "found": space.per_lane(-1, np.int64),
            "last": space.per_lane(-1, np.int64),  # what the phases before found, if anything
            "length": space.per_lane(),  # 0: no phase has begun
            "left": space.per_lane(),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the pair that is compared at present, or the winner and itself."""
        if state.left[lane] == 0.0:
            _begin_phase(state, self.n_arms, float(self.first_phase), lane, rng)
        state.left[lane] -= 1.0
        if state.settled[lane] == 1:
            state.settled[lane] = 0
            _find(state, self.n_arms, lane, rng)
            _search(state, self.n_arms, lane, rng)
        elif state.opponent[lane] < 0:
            _search(state, self.n_arms, lane, rng)
        if state.found[lane] >= 0:
            return state.found[lane], state.found[lane]
        return state.order[state.place[lane], lane], state.opponent[lane]

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, and see whether the result is certain."""
        if state.found[lane] >= 0:
            return
        count(state, first, second, lane, won)
        mean, n = share(state, first, second, lane), duels(state, first, second, lane)
        needed = log(2.0 * n * n * self.n_arms * self.n_arms) + _risk(state.length[lane])
        if n * divergence(mean, 0.5, negative_entropy(mean)) > needed:
            state.known[first, second, lane] = 1 if mean > 0.5 else -1
            state.known[second, first, lane] = -state.known[first, second, lane]
            state.settled[lane] = 1

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the arm that was found; before that the candidate with the most certain wins, then the last one found.

        Of equal candidates the first in the order of sweeps.
        """
        if state.found[lane] >= 0:
            return state.found[lane]
        most, best = 0, state.last[lane] if state.last[lane] >= 0 else state.order[0, lane]
        for k in range(self.n_arms):
            i = state.order[k, lane]
            beaten = 0
            for j in range(self.n_arms):
                beaten += 1 if state.known[i, j, lane] == 1 else 0
            if state.candidate[i, lane] == 1 and beaten > most:
                most, best = beaten, i
        return best
