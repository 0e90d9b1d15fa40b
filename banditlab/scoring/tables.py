"""Checks of arrays with more than two axes: tables of numbers, and of conditional distributions."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import Check, all_entries, entry, floats

from .simplex import SUM_TOLERANCE, Floats, remedy


def table(n_axes: int | None = None, low: float = -np.inf, high: float = np.inf) -> Check:
    """Return a check for a finite float64 array with some number of axes; the result is a read-only copy."""
    allowed = ("an array" if n_axes is None else f"an array with {n_axes} axes") + " of finite numbers"

    def check(name: str, value: Any) -> Floats:
        result = floats(name, value, allowed)
        if (n_axes is not None and result.ndim != n_axes) or result.size == 0:
            raise InvalidArgument(f"{name} has the shape {result.shape}; allowed: {allowed}, at least one of them")
        interval = f"[{low:g}, {high:g}]" if low > -np.inf else "finite numbers"
        all_entries(name, result, (result >= low) & (result <= high), interval)
        result.setflags(write=False)
        return result

    return check


def conditional_table(n_given: int) -> Check:
    """Return a check for probabilities whose first `n_given` axes say what is given: the rest adds up to 1."""
    probabilities = table(None, 0.0, 1.0)

    def check(name: str, value: Any) -> Floats:
        result: Floats = probabilities(name, value)
        if result.ndim <= n_given:
            raise InvalidArgument(f"{name} has {result.ndim} axes; allowed: more than {n_given}")
        adds_up(name, result, n_given)
        return result

    return check


def adds_up(name: str, probabilities: Floats, n_given: int) -> None:
    """Raise unless the probabilities add up to 1 over all axes but the first `n_given`."""
    axes = tuple(range(n_given, probabilities.ndim))
    sums = probabilities.sum(axis=axes)
    wrong = np.argwhere(np.abs(sums - 1.0) > SUM_TOLERANCE)
    if len(wrong):
        where = tuple(int(i) for i in wrong[0])
        raise InvalidArgument(
            f"{name}{entry(where)} adds up to {float(sums[where]):.12g}; allowed: 1, within {SUM_TOLERANCE:g}"
            f"{remedy(sums, axes)}"
        )


def along(values: Floats, n_axes: int, *axes: int) -> Floats:
    """Return an array whose axes are these of `n_axes`; the others have length 1, to be broadcast.

    Examples
    --------
    >>> along(np.zeros((2, 5)), 4, 1, 3).shape
    (1, 2, 1, 5)
    """
    shape = [1] * n_axes
    for axis, n in zip(axes, values.shape, strict=True):
        shape[axis] = n
    return values.reshape(shape)


def has_shape(name: str, got: Floats, wanted: tuple[int, ...], axes: str) -> None:
    """Raise unless an array has a shape, whose axes are described in words."""
    if got.shape != wanted:
        raise InvalidArgument(f"{name} has the shape {got.shape}; allowed: {wanted}, which is {axes}")


def n_entries(name: str, got: int, wanted: int, what: str) -> None:
    """Raise unless there is one entry for each of something."""
    if got != wanted:
        raise InvalidArgument(f"{name} has {got} entries; allowed: {wanted}, one per {what}")


# Beyond this many times the largest payment, a program in double precision cannot tell payments from nothing.
_REACH = 1e15


def within_reach(name: str, amounts: Floats, max_payment: float) -> None:
    """Raise if an amount of money is so large that the largest payment is lost in its rounding."""
    wrong = np.argwhere(np.abs(amounts) > _REACH * max_payment)
    if len(wrong):
        where = tuple(int(i) for i in wrong[0])
        raise InvalidArgument(
            f"{name}{entry(where)} is {float(amounts[where])!r}; allowed: at most {_REACH:g} times max_payment, which "
            f"is {max_payment:g}"
        )


LEAST_COST = 1e-8
"""Share of max_payment that the largest cost must be, unless it is 0."""


def costs_that_count(name: str, costs: Floats, max_payment: float) -> None:
    """Raise if the largest cost is so small that solvers, whose unit is the largest payment, do not see it."""
    largest = float(costs.max())
    if 0.0 < largest < LEAST_COST * max_payment:
        raise InvalidArgument(
            f"{name}[{int(costs.argmax())}] is {largest!r}, and no cost is larger; allowed: costs of which the largest "
            f"is 0, or at least {LEAST_COST:g} of max_payment, which is {max_payment:g} (programs are solved to 1e-10 "
            "of it)"
        )


def numbers(values: Floats) -> str:
    """Return an array's entries as error messages show them."""
    return "[" + ", ".join(f"{v:.6g}" for v in values) + "]"
