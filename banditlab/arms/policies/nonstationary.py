"""Policies that forget: for arms whose means change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.elementary import log
from banditlab.core.validation import optional, positive, positive_integer, positive_probability

from ..family import policy
from ..support import beyond


@policy
class DiscountedUCB:
    r"""UCB on means and counts in which older rewards weigh less.

    The last reward has weight 1, the one before :math:`\gamma`, and so on. With :math:`N_a = \sum_{s < t}
    \gamma^{t-1-s} 1\{a_s = a\}`, the mean :math:`\bar X_a` with the same weights, and n the sum of all :math:`N_a`, the
    index of arm a in round t is

    .. math:: \bar X_a + 2 B \sqrt{\xi \log(n) / N_a}

    Every arm is played once first, in order.

    Parameters
    ----------
    gamma : float, optional
        Discount, in (0, 1]; default :math:`1 - \sqrt{M / T} / (4 B)` for M changes, and at least 1/2.
    changes : int, default 1
        M, the expected number of changes, for the default `gamma`.
    xi : float, default 0.6
        Exploration; the guarantee needs more than 1/2.
    b : float, default 1.0
        B, upper bound of the rewards, which lie in [0, B].

    Notes
    -----
    Guarantee (Garivier and Moulines 2011, Theorem 1; rewards in [0, B], M changes, :math:`\xi > 1/2`, default `gamma`):
    the expected number of plays of arms that are not best is :math:`O(\sqrt{T M} \log T)`.

    References
    ----------
    Garivier, Moulines (2011), On upper-confidence bound policies for switching bandit problems, ALT, arXiv:0805.3415
    (there: for non-stationary bandit problems).

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.DiscountedUCB(gamma=0.99)
    DiscountedUCB(gamma=0.99)
    """

    gamma: float | None = field(
        default=None, check=optional(positive_probability), doc="discount; default from horizon and changes"
    )
    changes: int = field(default=1, check=positive_integer, doc="expected number of changes, for the default discount")
    xi: float = field(default=0.6, check=positive, doc="exploration; the guarantee needs more than 1/2")
    b: float = field(default=1.0, check=positive, doc="upper bound of the rewards")

    def warnings_about(self, environment: Any, horizon: int) -> list[str]:
        """Return whether rewards are not in [0, b], as the guarantee supposes."""
        return beyond(environment, self.b)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the discount and the number of arms."""
        gamma = self.gamma
        if gamma is None:
            gamma = max(0.5, 1.0 - math.sqrt(self.changes / problem.required_horizon(self)) / (4.0 * self.b))
        return {"gamma": gamma, "n_arms": problem.n_arms}

    def state(self, space: Space) -> dict[str, Any]:
        """Return discounted counts and sums of the arms, and each lane's discounted total."""
        return {"counts": space.per_arm(), "sums": space.per_arm(), "totals": space.per_lane()}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        n = state.counts[arm, lane]
        weight = n if n > 0.0 else 1.0
        radius = 2.0 * self.b * math.sqrt(self.xi * max(log(max(state.totals[lane], 1.0)), 0.0) / weight)
        return state.sums[arm, lane] / weight + radius if n > 0.0 else math.inf

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Discount everything and add the reward."""
        for a in range(self.n_arms):
            state.counts[a, lane] *= self.gamma
            state.sums[a, lane] *= self.gamma
        state.counts[arm, lane] += 1.0
        state.sums[arm, lane] += reward
        state.totals[lane] = state.totals[lane] * self.gamma + 1.0


@policy
class SlidingWindowUCB:
    r"""UCB on the rounds of a sliding window.

    With :math:`N_a` and the mean :math:`\bar X_a` counted over the last :math:`\tau` rounds, the index of arm a in
    round t is

    .. math:: \bar X_a + B \sqrt{\xi \log(\min\{t, \tau\}) / N_a}

    An arm not played in the window has an infinite index.

    Parameters
    ----------
    window : int, optional
        :math:`\tau`, in rounds; default :math:`\lceil 2 B \sqrt{T \log(T) / M} \rceil` for M changes.
    changes : int, default 1
        M, the expected number of changes, for the default window.
    xi : float, default 0.6
        Exploration; the guarantee needs more than 1/2.
    b : float, default 1.0
        B, upper bound of the rewards, which lie in [0, B].

    Notes
    -----
    Guarantee (Garivier and Moulines 2011, Theorem 2; rewards in [0, B], M changes, :math:`\xi > 1/2`, default
    `window`): the expected number of plays of arms that are not best is :math:`O(\sqrt{T M \log T})`.

    Memory: 12 bytes per round of the window and run.

    References
    ----------
    Garivier, Moulines (2011), On upper-confidence bound policies for switching bandit problems, ALT, arXiv:0805.3415
    (there: for non-stationary bandit problems).

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.SlidingWindowUCB(window=500)
    SlidingWindowUCB(window=500)
    """

    window: int | None = field(
        default=None, check=optional(positive_integer), doc="window in rounds; default from horizon and changes"
    )
    changes: int = field(default=1, check=positive_integer, doc="expected number of changes, for the default window")
    xi: float = field(default=0.6, check=positive, doc="exploration; the guarantee needs more than 1/2")
    b: float = field(default=1.0, check=positive, doc="upper bound of the rewards")

    def warnings_about(self, environment: Any, horizon: int) -> list[str]:
        """Return whether rewards are not in [0, b], as the guarantee supposes."""
        return beyond(environment, self.b)

    def _length(self, problem: Problem) -> int:
        if self.window is not None:
            return self.window
        horizon = problem.required_horizon(self)
        rounds = 2.0 * self.b * math.sqrt(horizon * math.log(horizon) / self.changes)
        return max(1, math.ceil(min(rounds, 2.0**53)))  # as long as a given window may be

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the window's length."""
        return {"window": self._length(problem)}

    def state(self, space: Space) -> dict[str, Any]:
        """Return counts and sums over the window, and the window itself."""
        length = self._length(space.problem)
        if space.horizon is not None:
            length = min(length, space.horizon)
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "arms": space.array(length, dtype=np.int32),
            "rewards": space.array(length),
        }

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        n = state.counts[arm, lane]
        weight = max(n, 1.0)
        radius = self.b * math.sqrt(self.xi * log(min(t, self.window)) / weight)
        return state.sums[arm, lane] / weight + radius if n > 0.0 else math.inf

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Let the oldest round leave the window and the new one enter."""
        length = state.arms.shape[0]
        slot = (t - 1) % length
        if t > length:
            oldest = state.arms[slot, lane]
            state.counts[oldest, lane] -= 1.0
            state.sums[oldest, lane] -= state.rewards[slot, lane]
        state.arms[slot, lane] = arm
        state.rewards[slot, lane] = reward
        state.counts[arm, lane] += 1.0
        state.sums[arm, lane] += reward
