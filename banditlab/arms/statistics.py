"""What policies remember of each arm, shared by those that remember the same."""

from __future__ import annotations

import math
from typing import Any

from banditlab.core.components import Params, Space, State


class RunningMeans:
    """Base of policies that keep, for each arm, the number of pulls, the sum of rewards and their mean.

    The mean of an arm that was never pulled is +inf, so that index policies try every arm once, in order.
    """

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays."""
        return {"counts": space.per_arm(), "sums": space.per_arm(), "means": space.per_arm(math.inf)}

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = s / n


class MeansAndWidths:
    """As `RunningMeans`, with 1/sqrt(pulls) kept beside: one square root a pull, not one a round and arm."""

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(math.inf),
            "widths": space.per_arm(),
        }

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = s / n
        state.widths[arm, lane] = 1.0 / math.sqrt(n)


class MeansAndVariances:
    """As `RunningMeans`, with the (biased) sample variance beside, from sums centred at the arm's first reward.

    Centring keeps the variance's digits when rewards are large compared with their spread.
    """

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(math.inf),
            "origins": space.per_arm(),
            "offsets": space.per_arm(),
            "squares": space.per_arm(),
            "variances": space.per_arm(),
        }

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        if n == 1.0:
            state.origins[arm, lane] = reward
        x = reward - state.origins[arm, lane]
        offset = state.offsets[arm, lane] + x
        square = state.squares[arm, lane] + x * x
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = s / n
        state.offsets[arm, lane] = offset
        state.squares[arm, lane] = square
        # one division, so that arms with the same rewards in another order get the same variance to the last bit
        state.variances[arm, lane] = max((square * n - offset * offset) / (n * n), 0.0)
