"""Interleaved Filter, with and without pruning."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.validation import boolean, optional, positive_integer

from ..family import policy
from .orders import shuffle


@device
def _judge(state: State, n_arms: int, radius: float, pruning: bool, lane: int) -> None:
    """After every active arm has met the incumbent once more: drop those it has beaten; see which have beaten it."""
    n = state.passes[lane]
    c = radius / math.sqrt(n)
    successor = -1
    for k in range(1, n_arms):
        b = state.order[k, lane]
        mean = state.won[b, lane] / n
        if state.active[b, lane] == 1 and mean - c > 0.5:
            state.active[b, lane] = 0
            state.n_active[lane] -= 1
        elif state.active[b, lane] == 1 and mean + c < 0.5 and successor < 0:
            successor = k
    if successor < 0:
        return
    for k in range(1, n_arms):
        b = state.order[k, lane]
        if pruning and state.active[b, lane] == 1 and state.won[b, lane] / n > 0.5:
            state.active[b, lane] = 0
            state.n_active[lane] -= 1
        state.won[b, lane] = 0.0
    # the successor takes the first place, where the incumbent stands, and is no challenger any more
    b = state.order[successor, lane]
    state.order[successor, lane] = state.order[0, lane]
    state.order[0, lane] = b
    state.active[b, lane] = 0
    state.n_active[lane] -= 1
    state.passes[lane] = 0.0


@policy
class InterleavedFilter:
    r"""An incumbent meets all active arms in turn, and drops those it has beaten, until one has beaten it (IF).

    The incumbent, at first drawn at random, meets each active arm b once in a pass. After a pass in which each has been
    met n times, :math:`\hat P_b` being the share of these duels that the incumbent won,

    .. math:: c = \sqrt{4 \log(1/\delta) / n}, \qquad \delta = \frac{1}{T K^2},

    all b with :math:`\hat P_b - c > 1/2` are dropped. If some b then has :math:`\hat P_b + c < 1/2`, it becomes the
    incumbent, with no duels counted; the old one is dropped, and with pruning (IF2) so are all arms against which it
    won more than half of its duels. An incumbent without active arms plays itself.

    Parameters
    ----------
    pruning : bool, default True
        True is IF2, False is IF1.
    horizon : int, optional
        T; default the run's horizon.

    Notes
    -----
    Guarantee (Yue, Broder, Kleinberg and Joachims 2012; a total order, strong stochastic transitivity, the stochastic
    triangle inequality): weak and strong regret are :math:`O(K \log(K) \log(T) / \epsilon)` for IF1 and :math:`O(K
    \log(T) / \epsilon)` for IF2, with a gap :math:`\epsilon` between the best two arms. Without these assumptions it
    may keep a wrong arm.

    The rule is Algorithm 2 of the paper. The library of Komiyama et al. 2015, which was read, is IF2, but lets the
    first incumbent meet itself in its first pass.

    Draws: a random order of the arms before the first round (K - 1 numbers). Its first arm is the incumbent, passes
    follow this order, and if several arms have beaten the incumbent, the first of them in the order succeeds it; the
    old incumbent then takes its place. Nothing else is drawn.

    References
    ----------
    Yue, Broder, Kleinberg, Joachims (2012), The K-armed dueling bandits problem, Journal of Computer and System
    Sciences 78, Algorithm 2.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.InterleavedFilter(pruning=False)
    InterleavedFilter(pruning=False)
    """

    pruning: bool = field(default=True, check=boolean, doc="IF2; False is IF1")
    horizon: int | None = field(default=None, check=optional(positive_integer), doc="the horizon; default the run's")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms, the horizon, and the radius after one duel."""
        horizon = self.horizon or problem.required_horizon(self)
        radius = math.sqrt(4.0 * math.log(horizon * problem.n_arms**2))
        return {"n_arms": problem.n_arms, "horizon": horizon, "radius": radius}

    def state(self, space: Space) -> dict[str, Any]:
        """Return the order (the incumbent first), who is active, the incumbent's wins, passes, and the pass's place."""
        return {
            "order": space.per_arm(0, np.int64),
            "active": space.per_arm(0, np.int64),
            "n_active": space.per_lane(-1, np.int64),  # -1: nothing has been drawn yet
            "won": space.per_arm(),
            "passes": space.per_lane(),
            "place": space.per_lane(1, np.int64),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the incumbent and the next active arm of the pass."""
        if state.n_active[lane] < 0:
            shuffle(state.order, self.n_arms, lane, rng)
            for k in range(1, self.n_arms):
                state.active[state.order[k, lane], lane] = 1
            state.n_active[lane] = self.n_arms - 1
        if state.n_active[lane] == 0:
            return state.order[0, lane], state.order[0, lane]
        k = state.place[lane]
        while state.active[state.order[k, lane], lane] == 0:
            k += 1
        state.place[lane] = k
        return state.order[0, lane], state.order[k, lane]

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, and judge if it was the last of a pass."""
        if state.n_active[lane] == 0:
            return
        state.won[second, lane] += 1.0 if won else 0.0
        k = state.place[lane] + 1
        while k < self.n_arms and state.active[state.order[k, lane], lane] == 0:
            k += 1
        state.place[lane] = k
        if k == self.n_arms:
            state.place[lane] = 1
            state.passes[lane] += 1.0
            _judge(state, self.n_arms, self.radius, self.pruning, lane)

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the incumbent."""
        return state.order[0, lane]
