"""Which rewards an environment can give, and which a policy can learn from."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from banditlab.core.components import component_parts, is_component
from banditlab.core.errors import InvalidArgument, InvalidComponent, InvalidType
from banditlab.core.validation import boolean, invalid, number, shown


def _check_bound(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or math.isnan(value):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a number, which may be infinite")


@dataclass(frozen=True)
class Support:
    """The set of possible rewards, as far as it matters to policies.

    Attributes
    ----------
    low, high : float
        Bounds; infinite where there are none.
    binary : bool
        Whether every reward is 0 or 1.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Bernoulli([0.2, 0.8]).support
    Support(low=0.0, high=1.0, binary=True)
    >>> print(arms.Support(0.0, float("inf")))
    in [0, inf)
    """

    low: float
    high: float
    binary: bool = False

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_bound("Support.low", self.low)
        _check_bound("Support.high", self.high)
        if self.low > self.high:
            raise invalid("Support.low", self.low, f"at most Support.high, {self.high}")
        boolean("Support.binary", self.binary)

    def holds(self, value: float) -> bool:
        """Return whether a value is in the set, up to rounding.

        Parameters
        ----------
        value : float
            A reward.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Support(0.0, 1.0).holds(0.5), arms.Support(0.0, 1.0, binary=True).holds(0.5)
        (True, False)
        """
        if self.binary:
            return value in (0.0, 1.0)
        return bool(self.low - 1e-9 * (1.0 + abs(self.low)) <= value <= self.high + 1e-9 * (1.0 + abs(self.high)))

    def reasons_against(self, needs: str | Support) -> list[str]:
        """Return why a policy that needs a kind of rewards cannot learn from these; empty if it can.

        Kinds: 'any'; 'unit', in [0, 1]; 'binary', 0 or 1; or a support that has to contain these rewards.
        """
        allowed = _needed(needs)
        if allowed.binary and not self.binary:
            return [f"it learns from rewards that are 0 or 1, and these are {self}"]
        if self.low < allowed.low or self.high > allowed.high:
            return [f"it learns from rewards {allowed}, and these are {self}"]
        return []

    def __str__(self) -> str:
        """Return the set, as an error message names it."""
        if self.binary:
            return "0 or 1"
        left = "(-inf" if self.low == -math.inf else f"[{self.low:g}"
        right = "inf)" if self.high == math.inf else f"{self.high:g}]"
        return f"in {left}, {right}"

    def _between(self) -> str:
        """Return the interval in words."""
        return f"at most {self.high:g}" if self.low == -math.inf else f"from {self.low:g} to {self.high:g}"


ANYTHING = Support(-math.inf, math.inf)
"""All real numbers: the support of rewards unless an environment states another."""


def support_of(environment: Any) -> Support:
    """Return which rewards an environment can give, or raise if it describes them by anything but a `Support`."""
    found = getattr(environment, "support", None)
    if found is None:
        return ANYTHING
    if not isinstance(found, Support):
        name = f"{type(environment).__name__}.support"
        if inspect.ismethod(found):
            raise InvalidComponent(f"{name} is a method; allowed: an arms.Support, or a property (@property) that is")
        raise InvalidComponent(f"{name} is {shown(found)}; allowed: {_as_support(found)}")
    return found


def beyond(environment: Any, b: float) -> list[str]:
    """Return, as a warning, that rewards are not in [0, b], which a policy takes for their bound; else nothing."""
    support = support_of(environment)
    if support.low >= 0.0 and support.high <= b:
        return []
    name = type(environment).__name__
    return [f"b is {b:g}, an upper bound of rewards that are not negative, and those of {name} are {support}"]


def _as_support(value: Any) -> str:
    """Return how to write the support that a value seems to mean."""
    with contextlib.suppress(TypeError, ValueError):
        low, high = map(float, value)
        if math.isfinite(high - low) and low <= high:
            return f"arms.Support({low}, {high})"
    return "an arms.Support, such as arms.Support(0.0, 1.0)"


def reasons_against_rewards(environment: Any, policy: Any) -> list[str]:
    """Return why a policy cannot learn from an environment's rewards, and whether that is for want of a support."""
    support = support_of(environment)
    found = support.reasons_against(getattr(policy, "rewards", "any"))
    if found and _learns_with_high(policy, support):
        return [f"{reason}; allowed: {type(policy).__name__}(..., high={support.high:g})" for reason in found]
    said = getattr(environment, "support", None) is not None
    return found if said else [f"{reason}, as {type(environment).__name__} has no support" for reason in found]


def _learns_with_high(policy: Any, support: Support) -> bool:
    """Say whether a policy could learn from rewards if its field `high` were their upper end."""
    if not (is_component(policy) and "high" in component_parts(policy) and math.isfinite(support.high)):
        return False
    try:
        wider: Any = dataclasses.replace(policy, high=support.high)
        return not support.reasons_against(wider.rewards)
    except (ValueError, TypeError):  # not a possible value of its `high`
        return False


_KINDS = {
    "any": ANYTHING,
    "unit": Support(0.0, 1.0),
    "binary": Support(0.0, 1.0, binary=True),
}


def _needed(needs: str | Support) -> Support:
    """Return the rewards that a policy can learn from, or raise if that is none of the known words."""
    if isinstance(needs, Support):
        return needs
    if not isinstance(needs, str) or needs not in _KINDS:
        raise InvalidComponent(f"rewards is {shown(needs)}; allowed: 'any', 'unit', 'binary' or an arms.Support")
    return _KINDS[needs]


def finite_reward(name: str, reward: object) -> float:
    """Return a reward as a number: True and False are 1 and 0, since whether a visitor bought is a reward."""
    return float(reward) if isinstance(reward, bool | np.bool_) else number(name, reward)


def check_reward(policy: Any, reward: object, name: str = "reward") -> float:
    """Return a reward that a policy can learn from, or raise; a policy may also have its own `check_reward`."""
    value = finite_reward(name, reward)
    needs = getattr(policy, "rewards", "any")
    if needs == "binary" and value not in (0.0, 1.0):
        raise InvalidArgument(f"{name} is {value:g}; allowed: 0 or 1, for {policy!r}")
    allowed = _needed(needs)
    if not allowed.low <= value <= allowed.high:
        raise InvalidArgument(f"{name} is {value:g}; allowed: {allowed._between()}, for {policy!r}")
    own = getattr(policy, "check_reward", None)
    return value if own is None else float(own(name, value))
