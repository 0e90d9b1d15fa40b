"""Sensitivity analysis of variables for generic exploration (SAVAGE)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.validation import one_of, open_probability, optional, positive_integer

from ..family import policy
from .counts import Counts, count, duels, share
from .orders import shuffle


@device
def _active(state: State, n_arms: int, copeland: bool, i: int, j: int, lane: int) -> bool:
    """Say whether who wins may still depend on this pair."""
    if not copeland:
        return (state.defeats[i, lane] == 0) & (state.defeats[j, lane] == 0)
    fewest = n_arms - 1 - state.most_victories[lane]  # defeats of an arm that can just reach the most victories
    return (state.known[i, j, lane] == 0) & ((state.defeats[i, lane] < fewest) | (state.defeats[j, lane] < fewest))


@device
def _next_pair(state: State, n_arms: int, copeland: bool, lane: int) -> bool:
    """Find the active pair with the fewest duels, the first of them in the run's order; say whether there is one.

    No pair before the place that was reached has as few duels as `level`: pairs never become active again, and duels
    do not become fewer. So the search goes on from there, and only when it has come to the end starts anew.
    """
    while True:
        a, b = state.pair[0, lane], state.pair[1, lane]
        while a < n_arms - 1:
            i, j = state.order[a, lane], state.order[b, lane]
            if duels(state, i, j, lane) <= state.level[lane] and _active(state, n_arms, copeland, i, j, lane):
                state.pair[0, lane] = a
                state.pair[1, lane] = b
                return True
            b += 1
            if b == n_arms:
                a += 1
                b = a + 1
        fewest = math.inf
        for i in range(n_arms):
            for j in range(i + 1, n_arms):
                if _active(state, n_arms, copeland, i, j, lane):
                    fewest = min(fewest, duels(state, i, j, lane))
        state.level[lane] = fewest
        state.pair[0, lane] = 0
        state.pair[1, lane] = 1
        if fewest == math.inf:
            return False


@device
def _best(state: State, n_arms: int, copeland: bool, lane: int) -> int:
    """Return the arm with the fewest certain defeats (`copeland`: of the most certain victories), the first on ties."""
    found = state.order[0, lane]
    for k in range(1, n_arms):
        i = state.order[k, lane]
        more = state.victories[i, lane] - state.victories[found, lane] if copeland else 0
        if more > 0 or (more == 0 and state.defeats[i, lane] < state.defeats[found, lane]):
            found = i
    return found


@policy
class SAVAGE(Counts):
    r"""Duel the pairs that the winner may depend on, until it is certain; then the winner plays itself.

    The active pair with the fewest duels meets. Arm i is worse than j for certain when, at some time,

    .. math:: \hat\mu_{ij} + c_{ij} < \tfrac12, \qquad
        c_{ij} = \sqrt{\frac{\log(K (K - 1) T / \delta)}{2 N_{ij}}}.

    With the notion 'condorcet' a pair is active as long as neither arm is worse than any other. With 'copeland' it is
    active as long as it is not certain which of the two is better, and one of them can still beat more arms than any
    arm beats for certain. When no pair is active, an arm plays itself: with 'condorcet' the one with the fewest certain
    defeats, with 'copeland' the one with the most certain victories, ties going to the one with the fewest certain
    defeats. (One with equally few defeats may have results that are not certain, and beat fewer arms.)

    Parameters
    ----------
    notion : {'condorcet', 'copeland'}, default 'condorcet'
        Which winner to look for. 'condorcet' needs one to exist.
    delta : float, optional
        Probability of an error; default :math:`1 / T`.
    horizon : int, optional
        T; default the run's horizon.

    Notes
    -----
    Guarantee (Urvoy, Clerot, Feraud and Naamane 2013, Theorem 3; a Condorcet winner, notion 'condorcet'): with
    probability at least :math:`1 - \delta` the winner is found, after at most :math:`\sum_{j=1}^{K-1} O(j \log(K T /
    \delta) / \Delta_j^2)` duels, where :math:`\Delta_1 \le \Delta_2 \le \dots` is how far the winner is ahead of the
    losers. With :math:`\delta = 1 / T` regret is thus :math:`O(K^2 \log T)`. With 'copeland' the duels are at most
    :math:`\sum_{i < j} O(\log(K T / \delta) / \Delta_{ij}^2)` (equation 10), :math:`\Delta_{ij} = |\mu_{ij} - 1/2|`.

    The rule is Algorithm 1 of the paper with its tests (12) and (9), for a known horizon. In test (9), as in the
    program of Wu and Liu 2016, a pair is also active if one of its arms can only beat as many arms as another beats for
    certain; here it has to be able to beat more. One winner is found either way; the paper's test finds all of them,
    with more duels.

    Draws: one order of the arms before the first round (K - 1 numbers). Pairs are ordered by it, first by the one arm's
    place and then by the other's. Of pairs with equally many duels the first meets, and of equal arms the first wins.
    Nothing else is drawn.

    References
    ----------
    Urvoy, Clerot, Feraud, Naamane (2013), Generic exploration and K-armed voting bandits, ICML, Algorithm 1.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.SAVAGE("copeland")
    SAVAGE(notion='copeland')
    """

    notion: str = field(default="condorcet", check=one_of("condorcet", "copeland"), doc="which winner is looked for")
    delta: float | None = field(
        default=None, check=optional(open_probability), doc="probability of an error; default 1/T"
    )
    horizon: int | None = field(default=None, check=optional(positive_integer), doc="the horizon; default the run's")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms, the horizon, the radius after one duel, and the notion as a flag."""
        horizon, k = self.horizon or problem.required_horizon(self), problem.n_arms
        delta = 1.0 / horizon if self.delta is None else self.delta
        radius = math.sqrt(0.5 * math.log(k * (k - 1) * horizon / delta))
        found = {"horizon": horizon, "delta": delta, "radius": radius, "copeland": self.notion == "copeland"}
        return super().derive(problem) | found

    def state(self, space: Space) -> dict[str, Any]:
        """Return wins, what is certain (1: the row's arm is better), and how far the search for a pair has come."""
        return super().state(space) | {
            "order": space.per_arm(0, np.int64),
            "known": space.array(space.n_arms, space.n_arms, dtype=np.int64),
            "victories": space.per_arm(0, np.int64),
            "defeats": space.per_arm(0, np.int64),
            "most_victories": space.per_lane(0, np.int64),
            "pair": space.array(2, dtype=np.int64),
            "level": space.per_lane(-1.0),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the active pair with the fewest duels; if there is none, the winner and itself."""
        if state.level[lane] < 0.0:
            shuffle(state.order, self.n_arms, lane, rng)
            state.level[lane] = 0.0
            state.pair[1, lane] = 1
        if state.level[lane] < math.inf and _next_pair(state, self.n_arms, self.copeland, lane):
            return state.order[state.pair[0, lane], lane], state.order[state.pair[1, lane], lane]
        best = _best(state, self.n_arms, self.copeland, lane)
        return best, best

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, and see whether the duels of the two say who is better."""
        count(state, first, second, lane, won)
        if first == second or state.known[first, second, lane] != 0:
            return
        distance = share(state, first, second, lane) - 0.5
        if abs(distance) > self.radius / math.sqrt(duels(state, first, second, lane)):
            better, worse = (first, second) if distance > 0.0 else (second, first)
            state.known[better, worse, lane] = 1
            state.known[worse, better, lane] = -1
            state.victories[better, lane] += 1
            state.defeats[worse, lane] += 1
            state.most_victories[lane] = max(state.most_victories[lane], state.victories[better, lane])

    observe = update  # it learns from any duel as from its own

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the arm that would play itself if no pair were active."""
        return _best(state, self.n_arms, self.copeland, lane)
