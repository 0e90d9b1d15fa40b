"""The kernels that contextual duels consist of.

A policy implements `select` and `update`, and `estimate` if it estimates the unknown parameter. An environment
implements `show`, `utility` and `win_probability`.

Conventions: `features[arm, k, lane]` is coordinate k of an arm's feature vector in this round; `state` is the
NamedTuple of arrays that the policy's `state` method made, their last axis the lane; `t` is the round, from 1; `rng` is
the policy's generator (see `core.sampling`).
"""

from __future__ import annotations

import math
from typing import Any

from banditlab.core.components import Params, State
from banditlab.core.dispatch import generic, optional_generic

# ---------------------------------------------------------------------------------------------- policies


@generic
def select(self: Params, state: State, features: Any, lane: int, t: int, rng: Any) -> tuple[int, int]:
    """Return the two arms to compare, the same arm twice included."""
    raise AssertionError


@generic
def update(self: Params, state: State, features: Any, first: int, second: int, lane: int, won: bool, t: int) -> None:
    """Learn from a duel: `won` says that the first arm beat the second; `features` are those of its round."""
    raise AssertionError


@optional_generic
def estimate(self: Params, state: State, lane: int, theta: Any) -> None:
    """Write the estimate of the unknown parameter into `theta[k, lane]`: optional; the state stays as it is."""
    for k in range(theta.shape[0]):
        theta[k, lane] = math.nan


# ------------------------------------------------------------------------------------------ environments


@generic
def show(self: Params, features: Any, lane: int, bits: Any) -> None:
    """Write the arms' features into `features[arm, k, lane]`.

    All randomness is expanded from 64 bits (`core.sampling.expanded`), so that it cannot depend on what a policy does.
    """
    raise AssertionError


@generic
def utility(self: Params, features: Any, arm: int, lane: int) -> float:
    """Return the utility of an arm."""
    raise AssertionError


@generic
def win_probability(self: Params, features: Any, first: int, second: int, lane: int) -> float:
    """Return the probability that the first arm beats the second."""
    raise AssertionError


# ------------------------------------------------------------------------------- parts of environments


@generic
def link(self: Params, margin: float) -> float:
    """Return the probability of winning as a function of the difference in utilities: increasing, 1/2 at 0."""
    raise AssertionError


@generic
def draw(self: Params, features: Any, lane: int, bits: Any) -> None:
    """Write a set of arms into `features[arm, k, lane]`, made from 64 random bits."""
    raise AssertionError
