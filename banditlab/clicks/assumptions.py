"""The assumptions of the theory of UCB-S on a utility, checked numerically."""

from __future__ import annotations

import functools
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import AssumptionWarning
from banditlab.core.validation import probability

from .utilities import a_utility

COARSE, FINE = 101, 1001
"""Points a unit of length on two grids: a slope that keeps growing from one to the other is taken for unbounded."""

GROWTH = 2.0
"""By how much; a jump makes it grow by (FINE - 1) / (COARSE - 1) = 10, a square root's end by its root, 3.2."""


@dataclass(frozen=True)
class Violation:
    """An assumption that a utility does not meet.

    Attributes
    ----------
    assumption : str
        'A1', 'A2' or 'A3'.
    what : str
        What it asks for, and where it fails.
    """

    assumption: str
    what: str


def violations(utility: Any, lowest_mean: float = 0.0) -> list[Violation]:
    r"""Return which assumptions of the paper a utility violates on click rates in [0, 1] and means in [lowest, 1].

    A1: u is Lipschitz. A2: :math:`u^*(\mu) = \max_s u(s, \mu)` increases. A3: :math:`s^*(\mu)` is Lipschitz and
    positive. They are looked at on grids: what this finds is a violation up to the size of rounding errors, or a
    slope above a thousand that looks like one; what it does not find may still be there between the points.
    (The assumptions' exact wording in the paper was reconstructed from summaries.)

    Parameters
    ----------
    utility : clicks.Utility
        The utility.
    lowest_mean : float, default 0.0
        The smallest post-click mean that matters.

    References
    ----------
    Buening, Saha, Dimitrakakis, Xu (2024), arXiv:2311.15647.

    Examples
    --------
    >>> from banditlab import clicks
    >>> clicks.violations(clicks.QuadraticUtility(), lowest_mean=0.1)
    []
    >>> [v.assumption for v in clicks.violations(clicks.QuadraticUtility())]
    ['A3']
    """
    return list(_violations(a_utility("utility", utility), probability("lowest_mean", lowest_mean)))


def warn_of_violations(utility: Any, lowest_mean: float) -> None:
    """Warn of each violated assumption."""
    for found in violations(utility, lowest_mean):
        warnings.warn(
            f"{utility!r} violates assumption {found.assumption} of UCB-S's guarantees: {found.what}",
            AssumptionWarning,
            stacklevel=_levels_up(),
        )


def _levels_up() -> int:
    """Return the stack level, for the caller, of the first frame outside the package: where a user wrote something."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("banditlab."):
        frame, level = frame.f_back, level + 1
    return level


@functools.lru_cache(maxsize=256)
def _violations(utility: Any, lowest_mean: float) -> tuple[Violation, ...]:
    found = []
    coarse, fine = (np.linspace(lowest_mean, 1.0, n) for n in (COARSE, FINE))
    rates = np.linspace(0.0, 1.0, COARSE)
    across = np.array([[utility.utility(s, mu) for mu in coarse] for s in rates])
    if not np.isfinite(across).all():
        s, mu = np.argwhere(~np.isfinite(across))[0]
        found.append(Violation("A1", f"u({rates[s]:.4g}, {coarse[mu]:.4g}) is not finite"))
    else:
        where = _unbounded_slope_of(utility, lowest_mean)
        if where:
            found.append(Violation("A1", f"u is not Lipschitz: its slope grows without bound near {where}"))
    strategies = np.array([utility.desired(mu) for mu in fine])
    optima = np.array([utility.optimum(mu) for mu in fine])
    tolerance = 1e-9 * max(1.0, float(np.ptp(optima)))
    falls = np.flatnonzero(np.diff(optima) < -tolerance)
    flat = np.flatnonzero(np.abs(optima[10:] - optima[:-10]) <= tolerance)
    if len(falls):
        mu = fine[falls[0]]
        found.append(Violation("A2", f"u* does not increase: it falls after mu = {mu:.4g}"))
    elif len(flat) and lowest_mean < 1.0:
        found.append(Violation("A2", f"u* does not increase: it is flat after mu = {fine[flat[0]]:.4g}"))
    if lowest_mean < 1.0 and (where_jump := _grows(coarse, fine, strategies)) is not None:
        found.append(Violation("A3", f"s* is not Lipschitz: its slope grows without bound near mu = {where_jump:.4g}"))
    zero = np.flatnonzero(strategies <= 0.0)
    if len(zero):
        mu = fine[zero[0]]
        found.append(
            Violation("A3", f"s* is not bounded away from 0: s*({mu:.4g}) = 0, and such an arm is never screened")
        )
    return tuple(found)


def _grows(coarse: NDArray[np.float64], fine: NDArray[np.float64], values: NDArray[np.float64]) -> float | None:
    """Return where the largest slope on the fine grid exceeds that on the coarse one for growing; None if nowhere."""
    step = (FINE - 1) // (COARSE - 1)
    slopes = np.abs(np.diff(values) / np.diff(fine))
    rough = np.abs(np.diff(values[::step]) / np.diff(coarse))
    k = int(np.argmax(slopes))
    if slopes[k] > GROWTH * max(float(rough.max()), 1e-6):
        return float(fine[k])
    return None


def _unbounded_slope_of(utility: Any, lowest_mean: float) -> str | None:
    """Look along lines through the square of click rates and means."""
    coarse, fine = np.linspace(0.0, 1.0, COARSE), np.linspace(0.0, 1.0, FINE)
    for fixed in np.linspace(0.0, 1.0, 11):
        mu = lowest_mean + (1.0 - lowest_mean) * fixed
        where = _grows(coarse, fine, np.array([utility.utility(s, mu) for s in fine]))
        if where is not None:
            return f"s = {where:.4g}, mu = {mu:.4g}"
        if lowest_mean < 1.0:
            means = lowest_mean + (1.0 - lowest_mean) * fine
            where = _grows(coarse, fine, np.array([utility.utility(fixed, m) for m in means]))
            if where is not None:
                return f"s = {fixed:.4g}, mu = {lowest_mean + (1.0 - lowest_mean) * where:.4g}"
    return None
