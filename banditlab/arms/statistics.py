"""What policies remember of each arm, shared by those that remember the same."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, Space, State
from banditlab.core.dispatch import device

MOST_ROOTS = 1 << 16
"""Up to this many pulls, the inverse square root is looked up."""


@functools.cache
def _inverse_roots() -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        roots = 1.0 / np.sqrt(np.arange(MOST_ROOTS + 1.0))
    roots.setflags(write=False)  # all policies share it
    return roots


def inverse_roots(horizon: int | None) -> NDArray[np.float64]:
    r"""Return :math:`1/\sqrt{n}` for the numbers n of pulls that a horizon allows, or for the first ones.

    Runs are much alike: the entries that they look up in a round lie close together, in the first-level cache. One root
    and one division per pull were a fifth of the time that UCB1 with ten arms takes.
    """
    most = MOST_ROOTS if horizon is None else min(horizon, MOST_ROOTS)
    return _inverse_roots()[: most + 1]


@device
def inverse_root(roots: Any, n: float) -> float:
    r"""Return :math:`1/\sqrt{n}`, from a table if it is long enough."""
    return roots[int(n)] if n < roots.shape[0] else 1.0 / math.sqrt(n)


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
    """As `RunningMeans`, and also keeps 1/sqrt(pulls): one square root per pull, not one per round and arm."""

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(math.inf),
            "widths": space.per_arm(),
        }

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return a table of inverse roots."""
        return {"inverse_roots": inverse_roots(problem.horizon)}

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = s / n
        state.widths[arm, lane] = inverse_root(self.inverse_roots, n)


class MeansAndVariances:
    """As `RunningMeans`, and also keeps the (biased) sample variance, from sums centred at the arm's first reward.

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
