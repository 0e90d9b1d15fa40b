"""What rewards an environment can give, and what rewards a policy can learn from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import number


@dataclass(frozen=True)
class Support:
    """The set of possible rewards, as far as policies care.

    Attributes
    ----------
    low, high : float
        Bounds; infinite where there are none.
    binary : bool
        Whether every reward is 0 or 1.
    """

    low: float
    high: float
    binary: bool = False

    def reasons_against(self, needs: str) -> list[str]:
        """Return why a policy that needs a kind of rewards cannot learn from these; empty if it can.

        Kinds: 'any'; 'unit', in [0, 1]; 'binary', 0 or 1.
        """
        if needs == "binary" and not self.binary:
            return [f"it learns from rewards that are 0 or 1, and these are {self}"]
        if needs == "unit" and (self.low < 0.0 or self.high > 1.0):
            return [f"it learns from rewards in [0, 1], and these are {self}"]
        return []

    def __str__(self) -> str:
        """Return the set, as an error message names it."""
        if self.binary:
            return "0 or 1"
        left = "(-inf" if self.low == -math.inf else f"[{self.low:g}"
        right = "inf)" if self.high == math.inf else f"{self.high:g}]"
        return f"in {left}, {right}"


def check_reward(policy: Any, reward: object, name: str = "reward") -> float:
    """Return a reward that a policy can learn from, or raise."""
    value = number(name, reward)
    needs = getattr(policy, "rewards", "any")
    if needs == "binary" and value not in (0.0, 1.0):
        raise InvalidArgument(f"{name} is {value:g}; allowed: 0 or 1, for {policy!r}")
    if needs == "unit" and not 0.0 <= value <= 1.0:
        raise InvalidArgument(f"{name} is {value:g}; allowed: from 0 to 1, for {policy!r}")
    return value
