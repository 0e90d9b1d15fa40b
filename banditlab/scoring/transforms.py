"""Scoring rules made of others: affine maps, which keep properness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import invalid, number, positive, shown, vector

from .rules import ScoringRule
from .simplex import Floats, n_axes


def shifts(name: str, value: ArrayLike) -> Floats:
    """Check for a number or several, and return them flat."""
    if isinstance(value, ScoringRule):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a number, or one per state")
    return np.atleast_1d(number(name, value)) if n_axes(name, value) == 0 else np.asarray(vector()(name, value))


def scale_and_shift(scale: float, shift: ArrayLike, n_states: int) -> tuple[float, tuple[float, ...]]:
    """Check for a positive number and for one shift per state, or one for all of them."""
    entries = shifts("shift", shift)
    if len(entries) not in (1, n_states):
        raise invalid("shift", shift, f"a number, or {n_states} of them, one per state")
    return positive("scale", scale), tuple(np.broadcast_to(entries, n_states).tolist())


def bounds_of(rule: ScoringRule) -> tuple[float, float]:
    """Return the range of a rule's payments; raise if it is unbounded, or of no width."""
    low, high = rule.payment_range()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InvalidArgument(
            f"{shown(rule)} pays from {low:g} to {high:g}; allowed: a rule with bounded payments. List the reports "
            "you allow, none with a zero: ScoringRule.from_table(rule.table(reports), reports).bounded(...); or "
            "take a bounded rule, such as Brier or Spherical"
        )
    if high - low <= 1e-14 * max(abs(low), abs(high)):
        raise InvalidArgument(
            f"{shown(rule)} pays {low:g} whatever the report and the state; allowed: a rule with different payments"
        )
    return low, high


def onto(payments: Floats, low: float, high: float, top: float) -> Floats:
    """Map [low, high] onto [0, top]: in this order of operations rounding never leaves it."""
    return top * ((payments - low) / (high - low))


@dataclass(frozen=True)
class Affine(ScoringRule):
    """A positive multiple of a rule, plus a shift in each state."""

    rule: ScoringRule
    scale: float
    shift: tuple[float, ...]

    @property
    def n_states(self) -> int:  # type: ignore[override]
        """Number of states."""
        return self.rule.n_states

    def _rows(self, reports: Floats) -> Floats:
        return np.asarray(self.scale * self.rule._rows(reports) + np.array(self.shift))

    def _state_ranges(self) -> tuple[Floats, Floats]:
        low, high = self.rule._state_ranges()
        return self.scale * low + np.array(self.shift), self.scale * high + np.array(self.shift)

    def affine(self, scale: float = 1.0, shift: ArrayLike = 0.0) -> ScoringRule:
        """Return the affine map of this affine map, as one."""
        factor, added = scale_and_shift(scale, shift, self.n_states)
        with np.errstate(over="ignore"):  # what overflows is refused
            moved = vector()("shift", factor * np.array(self.shift) + np.array(added))
        return Affine(self.rule, positive("scale", self.scale * factor), tuple(moved.tolist()))

    def __repr__(self) -> str:
        """Return it as the sum that it is."""
        same = len(set(self.shift)) == 1
        shift = f"{self.shift[0]:g}" if same else "[" + ", ".join(f"{s:g}" for s in self.shift) + "]"
        scaled = repr(self.rule) if self.scale == 1.0 else f"{self.scale:g} * {self.rule!r}"
        return scaled if shift == "0" else f"{scaled} + {shift}"


@dataclass(frozen=True)
class Bounded(ScoringRule):
    """A rule whose range [low, high] is mapped to [0, top], which rounding never leaves."""

    rule: ScoringRule
    low: float
    high: float
    top: float

    @property
    def n_states(self) -> int:  # type: ignore[override]
        """Number of states."""
        return self.rule.n_states

    def _rows(self, reports: Floats) -> Floats:
        return onto(self.rule._rows(reports), self.low, self.high, self.top)

    def _state_ranges(self) -> tuple[Floats, Floats]:
        low, high = (onto(ends, self.low, self.high, self.top) for ends in self.rule._state_ranges())
        return low, high

    def __repr__(self) -> str:
        """Return what it was made of."""
        return f"{self.rule!r}.bounded({self.top:g})"
