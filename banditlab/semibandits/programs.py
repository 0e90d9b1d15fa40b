"""The general action set: 0/1 vectors that satisfy linear inequalities, by mixed-integer programming."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import field
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray, OptionalFloatArray
from banditlab.core.validation import invalid, matrix, optional, shown

from .action_sets import Action, ActionSet, in_range
from .family import action_set

TOLERANCE = 1e-6
"""By how much HiGHS lets a constraint be violated."""


def _bounds(name: str, value: Any) -> NDArray[np.float64]:
    """Check for a list of numbers, which may be infinite."""
    allowed = "one number per row of the matrix, or None"
    try:
        found = np.array(value)
    except ValueError:  # rows of different lengths
        raise InvalidType(f"{name} is {shown(value)}; allowed: {allowed}") from None
    if found.dtype.kind not in "iuf":
        raise InvalidType(f"{name} is {shown(value)}; allowed: {allowed}")
    found = found.astype(np.float64)
    if found.ndim != 1 or np.isnan(found).any():
        raise invalid(name, value, allowed)
    found.setflags(write=False)
    return found


@action_set
class LinearSet(ActionSet):
    r"""Sets of items that satisfy linear inequalities: the general case, by mixed-integer programming.

    .. math:: \{ A \ne \emptyset : l \le M \mathbb{1}_A \le h \}

    Parameters
    ----------
    matrix : matrix
        M: one row per constraint, one column per item.
    lower, upper : sequence of float, optional
        l and h, one number per row, which may be infinite; None for no bound.

    Notes
    -----
    The oracle is HiGHS (`scipy.optimize.milp`). It takes some milliseconds per call and is exact up to its tolerance: a
    constraint may be violated by up to 1e-6. Among equal actions its choice is deterministic but otherwise unspecified.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> # one of each pair
    >>> pairs = semibandits.LinearSet([[1, 1, 0, 0], [0, 0, 1, 1]], lower=[1, 1], upper=[1, 1])
    >>> pairs.maximise([0.3, 0.4, -0.1, -0.2])
    (1, 2)
    """

    matrix: FloatArray = field(check=matrix(), doc="one row per constraint, one column per item")
    lower: OptionalFloatArray = field(default=None, check=optional(_bounds), doc="least value of each row")
    upper: OptionalFloatArray = field(default=None, check=optional(_bounds), doc="largest value of each row")

    def validate(self) -> None:
        """Check that bounds fit the matrix, and that there is an action."""
        for name in ("lower", "upper"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.matrix):
                raise InvalidArgument(
                    f"LinearSet.{name} has {len(given)} entries; allowed: one per row of the matrix, {len(self.matrix)}"
                )
        self._solve(np.zeros(self.n_items))

    @property
    def n_items(self) -> int:  # type: ignore[override]
        """Number of columns."""
        return int(self.matrix.shape[1])

    @property
    def _both_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows = len(self.matrix)
        low = np.full(rows, -np.inf) if self.lower is None else self.lower
        return low, np.full(rows, np.inf) if self.upper is None else self.upper

    def contains(self, action: Action) -> bool:
        """Say whether an action satisfies the inequalities, up to the tolerance.

        Parameters
        ----------
        action : tuple of int
            Different items, in ascending order.

        Examples
        --------
        >>> from banditlab import semibandits
        >>> pairs = semibandits.LinearSet([[1, 1, 0, 0], [0, 0, 1, 1]], lower=[1, 1], upper=[1, 1])
        >>> pairs.contains((0, 3)), pairs.contains((0, 1))
        (True, False)
        """
        if not in_range(action, self.n_items):
            return False
        low, high = self._both_bounds
        sums = self.matrix[:, list(action)].sum(axis=1)
        return bool(((sums >= low - TOLERANCE) & (sums <= high + TOLERANCE)).all())

    def max_size(self, n_items: int) -> int:
        """Return the size of the largest action."""
        return len(list(self.find(np.ones(self.n_items))))

    @functools.cached_property
    def _possible(self) -> NDArray[np.bool_]:
        """Which items some action holds: found by actions with as many new ones as possible."""
        held = np.zeros(self.n_items, dtype=np.bool_)
        while True:
            found = self._solve((~held).astype(np.float64))
            if held[found].all():
                return held
            held[found] = True

    def find(self, weights: NDArray[np.float64]) -> Iterable[int]:
        """Solve the program; an item that no action holds could only set the scale of the tolerance."""
        return self._solve(np.where(self._possible, weights, 0.0))

    def _solve(self, weights: NDArray[np.float64]) -> list[int]:
        from scipy.optimize import Bounds, LinearConstraint, milp

        low, high = self._both_bounds
        scale = float(np.abs(weights).max()) or 1.0  # HiGHS's tolerances are absolute
        solved = milp(
            -weights / scale,
            integrality=np.ones(self.n_items),
            bounds=Bounds(0, 1),
            constraints=[LinearConstraint(self.matrix, low, high), LinearConstraint(np.ones((1, self.n_items)), 1)],
            options={"mip_rel_gap": 0.0},
        )
        if solved.x is None:
            raise InvalidArgument(
                f"LinearSet.matrix and its bounds leave no action; allowed: constraints that a set of items satisfies "
                f"(HiGHS: {solved.message})"
            )
        return [int(item) for item in np.flatnonzero(solved.x > 0.5)]
