"""The kernels that strategic click-bandits consist of.

A policy implements `update` and `index` or `select` (and `explore`, if it sometimes deviates); the last three are those
of `arms.generics`. A utility implements `utility`, and inherits or replaces the others of `clicks.Utility`.
"""

from __future__ import annotations

from banditlab.core.components import Params, State
from banditlab.core.dispatch import generic, optional_generic


@generic
def update(self: Params, state: State, arm: int, lane: int, clicked: bool, reward: float, t: int) -> None:
    """Learn from the selection of an arm: whether it was clicked and, if so, its post-click reward (otherwise 0)."""
    raise AssertionError


@optional_generic
def screening_round(self: Params, state: State, arm: int, lane: int) -> float:
    """Return the round in which an arm was screened, 0 if it has not been: optional, for policies that screen."""
    return 0.0


@generic
def utility(self: Params, s: float, mu: float) -> float:
    """Return the learner's utility u(s, mu) of selecting an arm with click rate s and post-click mean mu."""
    raise AssertionError


@generic
def desired_strategy(self: Params, mu: float) -> float:
    """Return s*(mu), the click rate in [0, 1] that the learner wants of an arm with post-click mean mu."""
    raise AssertionError


@generic
def optimal_utility(self: Params, mu: float) -> float:
    """Return u*(mu), the utility at the desired strategy."""
    raise AssertionError


@generic
def desired_range(self: Params, mu_low: float, mu_high: float) -> tuple[float, float]:
    """Return the smallest and the largest s*(mu) over an interval of means."""
    raise AssertionError


@generic
def optimistic_utility(self: Params, s_low: float, s_high: float, mu_low: float, mu_high: float) -> float:
    """Return the largest u(s, mu) over a box of click rates and post-click means."""
    raise AssertionError
