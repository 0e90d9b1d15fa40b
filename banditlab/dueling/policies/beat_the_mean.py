"""Beat the Mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.sampling import below
from banditlab.core.validation import between, boolean, optional, positive_integer

from ..family import policy
from .counts import another_tie


@device
def _mean(state: State, b: int, lane: int) -> float:
    """Return the share of its comparisons with active arms that arm b won; 1/2 if there were none."""
    return state.won[b, lane] / state.met[b, lane] if state.met[b, lane] > 0.0 else 0.5


@device
def _drop(state: State, n_arms: int, radius: float, lane: int, rng: Any) -> None:
    """Drop the worst arm if it is separated from the best, with all comparisons that others had with it."""
    fewest, worst, low, high, ties = math.inf, -1, math.inf, -math.inf, 0
    for b in range(n_arms):
        if state.active[b, lane] == 0:
            continue
        mean = _mean(state, b, lane)
        fewest = min(fewest, state.met[b, lane])
        high = max(high, mean)
        if mean < low:
            worst, low = b, mean
    c = radius / math.sqrt(fewest) if fewest > 0.0 else 1.0
    if low + c > high - c:
        return
    for b in range(n_arms):
        if state.active[b, lane] == 1 and _mean(state, b, lane) == low:
            ties += 1
            if ties > 1 and another_tie(rng, lane, ties):
                worst = b
    state.active[worst, lane] = 0
    state.n_active[lane] -= 1
    for b in range(n_arms):
        state.met[b, lane] -= state.comparisons[b, worst, lane]
        state.won[b, lane] -= state.victories[b, worst, lane]


@policy
class BeatTheMean:
    r"""Arms meet random active arms in turn; the one that does worst against this mean is dropped (BTM).

    W is the set of active arms, at first all. The arm b in W with the fewest comparisons :math:`n_b` (ties at random)
    meets an arm drawn from W; the comparison counts only for b, and :math:`\hat P_b` is the share that b has won. With
    :math:`n^* = \min_b n_b`, whenever

    .. math:: \min_{b \in W} \hat P_b + c^* \le \max_{b \in W} \hat P_b - c^*, \qquad
        c^* = 3 \gamma^2 \sqrt{\log(1/\delta) / n^*}, \quad \delta = \frac{1}{2 T K},

    (:math:`c^*` is 1 if :math:`n^*` is 0) the worst arm leaves W (ties at random), and the comparisons of others with
    it are forgotten. The last arm plays itself.

    Parameters
    ----------
    gamma : float, default 1.3
        At least 1: how far preferences are from strong stochastic transitivity, under which it is 1. 1.3 is the
        setting of Wu and Liu 2016.
    tight : bool, default False
        Whether to leave out the factor 3 in :math:`c^*`, as the library of Komiyama et al. 2015 does (with
        :math:`\gamma = 1.2`).
    meets_itself : bool, default True
        Whether b may be drawn as its own opponent. The mean of the paper is over W, b included; the library of Komiyama
        et al. leaves b out.
    horizon : int, optional
        T; default the run's horizon.

    Notes
    -----
    Guarantee (Yue and Joachims 2011; a total order, relaxed stochastic transitivity with :math:`\gamma`, the stochastic
    triangle inequality): the weak and the strong regret are :math:`O(\gamma^7 K \log(T) / \epsilon)` with high
    probability, where :math:`\epsilon` is the gap between the best two arms.

    The rule is Algorithm 1 of the paper, for a known horizon (the text was not at hand; :math:`c^*` and :math:`\delta`
    are those of two programs).

    Draws of a round: one number for each tie of the worst arm if one is dropped (k - 1 if k arms tie); k - 1 numbers if
    k arms have the fewest comparisons; one for the opponent. None once an arm is alone.

    References
    ----------
    Yue, Joachims (2011), Beat the mean bandit, ICML, Algorithm 1.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.BeatTheMean(gamma=1.0)
    BeatTheMean(gamma=1)
    """

    gamma: float = field(default=1.3, check=between(1.0, 1e6), doc="relaxed stochastic transitivity, 1 if strong")
    tight: bool = field(default=False, check=boolean, doc="radius without the factor 3, as in experiments")
    meets_itself: bool = field(default=True, check=boolean, doc="whether an arm may be drawn as its own opponent")
    horizon: int | None = field(default=None, check=optional(positive_integer), doc="the horizon; default the run's")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms, the horizon, and the radius after one comparison."""
        horizon = self.horizon or problem.required_horizon(self)
        scale = (1.0 if self.tight else 3.0) * self.gamma**2
        radius = scale * math.sqrt(math.log(2.0 * horizon * problem.n_arms))
        return {"n_arms": problem.n_arms, "horizon": horizon, "radius": radius}

    def state(self, space: Space) -> dict[str, Any]:
        """Return who is active, comparisons and wins by opponent (the row's arm is the one they count for), sums."""
        return {
            "active": space.per_arm(1, np.int64),
            "n_active": space.per_lane(space.n_arms, np.int64),
            "comparisons": space.array(space.n_arms, space.n_arms),
            "victories": space.array(space.n_arms, space.n_arms),
            "met": space.per_arm(),
            "won": space.per_arm(),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the arm with the fewest comparisons and a random active one."""
        if state.n_active[lane] > 1:
            _drop(state, self.n_arms, self.radius, lane, rng)
        found, fewest, ties = -1, math.inf, 0
        for b in range(self.n_arms):
            if state.active[b, lane] == 0:
                continue
            if state.met[b, lane] < fewest:
                found, fewest, ties = b, state.met[b, lane], 1
            elif state.met[b, lane] == fewest:
                ties += 1
                if another_tie(rng, lane, ties):
                    found = b
        if state.n_active[lane] == 1:
            return found, found
        place = below(rng, lane, state.n_active[lane] - (0 if self.meets_itself else 1))
        for b in range(self.n_arms):
            if state.active[b, lane] == 1 and (self.meets_itself or b != found):
                if place == 0:
                    return found, b
                place -= 1
        return found, found

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the comparison, for the first arm only."""
        if state.n_active[lane] > 1:
            state.comparisons[first, second, lane] += 1.0
            state.victories[first, second, lane] += 1.0 if won else 0.0
            state.met[first, lane] += 1.0
            state.won[first, lane] += 1.0 if won else 0.0

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the active arm that does best against the mean, the first of them on ties."""
        found, highest = 0, -1.0
        for b in range(self.n_arms):
            if state.active[b, lane] == 1 and _mean(state, b, lane) > highest:
                found, highest = b, _mean(state, b, lane)
        return found
