"""How one round goes in each environment: the mechanism, the agents' response, what the principal sees of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Played(NamedTuple):
    """What a round was worth, and what the principal sees of it.

    Attributes
    ----------
    seen : object
        What the policy's `update` receives.
    regret : float
        Value of the optimal mechanism minus that of the announced one, from the true means.
    payment, profit : float
        What was paid, and what the principal gained beyond it, as drawn.
    violation : float
        By how much the announced mechanism violates incentive compatibility, from the true means.
    """

    seen: Any
    regret: float
    payment: float
    profit: float
    violation: float = 0.0


class Game(ABC):
    """One run of an environment.

    Attributes
    ----------
    n_uniforms : int
        How many uniform numbers a round consumes, whatever is announced.
    """

    n_uniforms: int

    @abstractmethod
    def known_to(self, policy: Any) -> Any:
        """Return what the principal knows before the first round."""

    @abstractmethod
    def play(self, mechanism: Any, uniforms: NDArray[np.float64]) -> Played:
        """Play a round."""
