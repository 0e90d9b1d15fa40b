"""Which sums of rewards, and which budgets, can be met at each step: exactly, or on a grid.

Rewards that are integer multiples of a common unit have few different sums, and integers to compute them with. Other
rewards have as many sums as there are ways to be paid; these are enumerated while they are few.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import invalid

from .model import Array, Index, Model, lattice_unit

MAX_SUMS = 20_000
"""Most distinct sums of rewards at a step for which returns are told apart."""

MAX_BUDGETS = 200_000
"""Most distinct budgets at a step for which static CVaR is planned exactly."""

MAX_STEPS = 2.0**53
"""Most steps of a grid that are counted."""


@dataclass(frozen=True)
class Sums:
    """Numbers that can be met before each step, and which one follows.

    Attributes
    ----------
    values : float64 array, shape (H + 1, N)
        Increasing; where a step has fewer than N, infinity fills the row.
    following : int64 array, shape (H, J, N)
        The place, in the next step's row, of the number that follows if atom j is paid. The first row has one number,
        nothing paid.
    """

    values: Array
    following: Index


@dataclass(frozen=True)
class Budgets:
    """Budgets that can be met at each step: what a return is still to reach.

    They count rewards from the smallest, which is taken as zero, so that they only fall; a budget below zero is set to
    zero, as nothing can fall short of it any more.

    Attributes
    ----------
    values : float64 array, shape (H + 1, N)
        The budgets, increasing.
    following : int64 array, shape (T, J, N)
        The place of the budget left if atom j is paid; T is 1 if that is the same in every step.
    n : int64 array, shape (H + 1,)
        How many of the places are used at each step.
    offset : float
        What to add to the first budget to convert it to the units of returns: H times the smallest reward.
    slack : float
        What rounding of rewards can add to a return.
    """

    values: Array
    following: Index
    n: Index
    offset: float
    slack: float


def rounding(n_steps: int, largest: float) -> float:
    """Return by how much two sums of rewards can differ that are the same sum, computed in another order."""
    return 2.0**-52 * n_steps**2 * largest  # n_steps sums of at most n_steps rewards, each rounded


def groups(ordered: Array, tolerance: float, apart: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return where groups of the same begin in increasing numbers: close to each other, no wider than tolerance.

    Parameters
    ----------
    ordered : float64 array
        Increasing, at least where not apart.
    tolerance : float
        What the same numbers can differ by.
    apart : bool array, optional
        Where a group begins in any case.
    """
    new: NDArray[np.bool_] = np.diff(ordered, prepend=-math.inf) > tolerance
    if apart is not None:
        new |= apart
    if tolerance > 0.0:  # many different numbers, each close to the next, are not a group
        start = ordered[np.maximum.accumulate(np.where(new, np.arange(len(ordered)), 0))]
        new |= np.diff((ordered - start) // tolerance, prepend=0.0) != 0.0
    return new


def _merged(numbers: Array, tolerance: float) -> tuple[Array, Index]:
    """Return the different numbers, increasing, and the place of each; close ones are the same."""
    order = np.argsort(numbers, kind="stable")
    new = groups(numbers[order], tolerance)
    place = np.empty(len(numbers), np.int64)
    place[order] = np.cumsum(new) - 1
    return numbers[order][new], place


def _rows(rows: list[Array]) -> Array:
    found = np.full((len(rows), max(map(len, rows))), math.inf)
    for h, row in enumerate(rows):
        found[h, : len(row)] = row
    return found


def _met(
    model: Model, first: Array, after: Callable[[Array, Index], Array], tolerance: float, limit: int, room: int
) -> tuple[list[Array], Index] | None:
    """Return the numbers that can be met before each step, and which one follows; None if a step has more than `limit`.

    `after` takes numbers and atoms, and returns what follows, one row per atom: no more than `room` numbers.
    """
    rows, steps = [first], []
    for occurring in model.occurring():
        atoms = np.flatnonzero(occurring)
        if len(atoms) * len(rows[-1]) > room:
            return None
        row, place = _merged(after(rows[-1], atoms).ravel(), tolerance)
        if len(row) > limit:
            return None
        step = np.zeros((len(occurring), len(rows[-1])), np.int64)
        step[atoms] = place.reshape(len(atoms), -1)
        rows.append(row)
        steps.append(step)
    following: Index = np.zeros((len(steps), len(model.atoms), max(map(len, rows))), np.int64)
    for h, step in enumerate(steps):
        following[h, :, : step.shape[1]] = step
    return rows, following


def sums_of(model: Model, paid: Array, limit: int = MAX_SUMS) -> Sums:
    """Return the sums that can have been paid before each step, atom j paying `paid[j]`; raise if they are too many."""
    unit = lattice_unit(paid)
    amounts = paid if unit is None else np.round(paid / unit)
    tolerance = rounding(model.n_steps, float(np.abs(amounts).max(initial=0.0))) if unit is None else 0.5
    met = _met(model, np.zeros(1), lambda now, atoms: amounts[atoms, None] + now, tolerance, limit, 50 * limit)
    if met is None:
        raise InvalidArgument(
            f"rewards have more than {limit:,} different sums; allowed: fewer (eta of plan_static_cvar, or "
            "TabularMDP.rounded(eta), rounds rewards up to a grid)"
        )
    rows, following = met
    return Sums(_rows(rows) * (1.0 if unit is None else unit), following)


def grid_steps(rewards: Array, eta: float) -> Index:
    """Return how many steps of a grid rewards are worth, rounded up; no more than can be counted."""
    with np.errstate(over="ignore"):
        return np.ceil(np.clip(rewards / eta, -MAX_STEPS, MAX_STEPS) - 1e-9).astype(np.int64)


def grid_following(steps: Index, n: int) -> Index:
    """Return the place of the budget left, on a grid of n budgets from zero up; shape (J, n)."""
    return np.maximum(np.arange(n) - steps[:, None], 0)


def grid_budgets(model: Model, eta: float, slack: float) -> Budgets:
    """Return the budgets 0, eta, 2 eta, ... up to the largest return, rewards rounded up."""
    smallest = model.smallest
    largest = model.range_of_sums(np.maximum(model.atoms - smallest, 0.0))[1]
    if largest / MAX_BUDGETS > eta:
        raise invalid("eta", eta, f"a grid of at most {MAX_BUDGETS:,} budgets; returns cover a range of {largest:g}")
    # what cannot occur may lie below: it is never paid
    steps = np.maximum(grid_steps(model.atoms - smallest, eta), 0)
    n = round(model.range_of_sums(steps.astype(float))[1]) + 1
    if n > MAX_BUDGETS:
        raise invalid("eta", eta, f"a grid of at most {MAX_BUDGETS:,} budgets; this one has {n:,}")
    values = np.broadcast_to(eta * np.arange(n), (model.n_steps + 1, n))
    return Budgets(
        np.ascontiguousarray(values),
        grid_following(steps, n)[None],
        np.full(model.n_steps + 1, n),
        model.n_steps * smallest,
        slack,
    )


def exact_budgets(model: Model) -> Budgets:
    """Return all budgets that can be met; raise if they are too many."""
    smallest = model.smallest
    paid = np.maximum(model.atoms - smallest, 0.0)
    unit = lattice_unit(paid)
    if unit is not None and model.range_of_sums(paid)[1] / unit < MAX_BUDGETS:
        return grid_budgets(model, unit, 0.0)
    tolerance = rounding(model.n_steps, float(paid.max()))
    sums = sums_of(model, paid, MAX_BUDGETS).values[-1]
    met = _met(
        model,
        sums[np.isfinite(sums)],
        lambda now, atoms: np.maximum(now - paid[atoms, None], 0.0),
        tolerance,
        MAX_BUDGETS,
        20 * MAX_BUDGETS,
    )
    if met is None:
        raise InvalidArgument(
            f"eta is None, and more than {MAX_BUDGETS:,} budgets can be met; allowed: a grid to round rewards up to, "
            "such as eta=0.01"
        )
    rows, following = met
    return Budgets(_rows(rows), following, np.array([len(row) for row in rows]), model.n_steps * smallest, 0.0)
