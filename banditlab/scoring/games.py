"""What plays an environment round by round: the base class, and what the environments' games share."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import all_entries, shown

from .simplex import Floats
from .tables import adds_up, table

ROUNDING = 1e-9
"""Share of the largest payment, or of 1, by which announced payments and probabilities may be out of bounds."""


class PlayedRound(NamedTuple):
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
        By how much the announced mechanism violates incentive compatibility, from the true means: what a strategy of
        his own gains, in a round, for the agent or sender who has most to gain, others being obedient and truthful. It
        is the gain that `banditlab.scoring.audit` reports, and 0 where mechanisms ask for nothing but a best response
        (`PrincipalAgent`).
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
    def best(self) -> Any:
        """Return the optimal mechanism, as it would be announced."""

    @abstractmethod
    def known_to(self, policy: Any) -> Any:
        """Return what the principal knows before the first round."""

    @abstractmethod
    def play(self, mechanism: Any, uniforms: Floats) -> PlayedRound:
        """Play a round.

        Raises
        ------
        InvalidType, InvalidArgument
            If the mechanism is not one for this environment.
        """


@functools.lru_cache(maxsize=64)
def optimum(environment: Any) -> Any:
    """Return the optimal mechanism, which is found once, as all runs of an environment are measured by it."""
    return environment.optimal()


def announced_payments(name: str, value: Any, shape: tuple[int, ...], max_payment: float) -> Floats:
    """Return a read-only copy of payments; raise unless they have the shape and lie in [0, max_payment]."""
    return _announced(name, value, shape, max_payment, "payments")


def announced_probabilities(name: str, value: Any, shape: tuple[int, ...], n_given: int) -> Floats:
    """Return a read-only copy of probabilities; raise unless they add up to 1 over all axes but the first n_given."""
    result = _announced(name, value, shape, 1.0, "probabilities")
    adds_up(name, result, n_given)
    return result


def _announced(name: str, value: Any, shape: tuple[int, ...], high: float, what: str) -> Floats:
    size = " x ".join(str(n) for n in shape)
    if isinstance(value, type) or not isinstance(value, np.ndarray | list | tuple):
        raise InvalidType(f"{name} is {shown(value)}; allowed: an array ({size}) of {what}")
    result: Floats = table(len(shape))(name, value)
    if result.shape != shape:
        raise InvalidArgument(f"{name} has the shape {result.shape}; allowed: {shape}")
    all_entries(name, result, (result >= -ROUNDING * high) & (result <= (1.0 + ROUNDING) * high), f"[0, {high:g}]")
    return result


def unchanged(announced: Any, copy: Floats | None) -> bool:
    """Say whether an array still has the content that was copied; its owner may have changed it in place since."""
    return isinstance(announced, np.ndarray) and copy is not None and np.array_equal(announced, copy)


def draw(cumulative: Floats, u: float) -> int:
    """Return the outcome that a uniform number stands for, from cumulative probabilities."""
    return min(int(np.searchsorted(cumulative, u, side="right")), len(cumulative) - 1)


def indices(cell: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the indices of an entry of a flattened array; `np.unravel_index` would take ten times as long."""
    found = []
    for n in reversed(shape):
        cell, index = divmod(cell, n)
        found.append(index)
    return tuple(reversed(found))
