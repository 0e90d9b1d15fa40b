"""A user's own utilities and policy, for tests: none has anything but what its docstring asks for."""

from __future__ import annotations

import banditlab as bl
from banditlab import clicks
from banditlab.core.validation import positive


@clicks.utility
class PlainQuadratic(clicks.Utility):
    """`QuadraticUtility` without what is known of it: all that follows is computed numerically."""

    penalty: float = bl.field(default=5.0, check=positive, doc="lambda")

    def utility(self, s, mu):
        return s * mu - self.penalty * (s - mu) * (s - mu)


@clicks.utility
class Hill(clicks.Utility):
    """The desired strategy 0.1 + 3.2 mu (1 - mu) rises and falls again; the optimal utility is mu. No closed form."""

    def utility(self, s, mu):
        away = s - 0.1 - 3.2 * mu * (1.0 - mu)
        return mu - away * away


def hill(mu: float) -> float:
    """Return the desired strategy of `Hill`."""
    return 0.1 + 3.2 * mu * (1.0 - mu)


@clicks.policy
class Turns:
    """Each arm in turn; remembers clicks, and sums of post-click rewards and of their squares."""

    def state(self, space):
        return {name: space.per_arm() for name in ("selections", "clicks", "sums", "squares")}

    def select(self, state, lane, t, rng):
        return (t - 1) % state.clicks.shape[0]

    def update(self, state, arm, lane, clicked, reward, t):
        state.selections[arm, lane] += 1.0
        if clicked:
            state.clicks[arm, lane] += 1.0
            state.sums[arm, lane] += reward
            state.squares[arm, lane] += reward * reward
