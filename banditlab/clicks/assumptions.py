"""The assumptions of the theory of UCB-S on a utility, checked numerically."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import AssumptionWarning, InvalidArgument
from banditlab.core.origin import levels_up
from banditlab.core.validation import probability

from .utilities import a_utility, has_closed_form, maximiser

COARSE, FINE = 101, 1001
"""Points per unit length on two grids: a slope that keeps growing from one to the other counts as unbounded."""

GROWTH = 2.0
"""By which factor; a jump makes it grow by (FINE - 1) / (COARSE - 1) = 10, the end of a square root by 3.2."""

NOISE = 3e-4
"""Differences of s* between two fine points that are ignored: a flat u leaves its maximiser uncertain."""


@dataclass(frozen=True)
class Violation:
    """An assumption that a utility does not meet.

    Attributes
    ----------
    assumption : str
        'A1', 'A2' or 'A3'.
    what : str
        What it requires, and where it fails.

    Examples
    --------
    >>> from banditlab import clicks
    >>> (found,) = clicks.violations(clicks.QuadraticUtility())
    >>> found.assumption
    'A3'
    """

    assumption: str
    what: str


def violations(utility: Any, lowest_mean: float = 0.0) -> list[Violation]:
    r"""Return which assumptions of the paper a utility violates on click rates in [0, 1] and means in [lowest, 1].

    A1: u is Lipschitz. A2: :math:`u^*(\mu) = \max_s u(s, \mu)` increases. A3: :math:`s^*(\mu)` is Lipschitz and
    positive. They are checked on grids of 101 and 1,001 points: slopes that grow from one grid to the other are taken
    to be unbounded. So a slope of some hundreds can look like a jump, and an unbounded one that grows slowly (:math:`s
    \log s`, or a power above 0.7 at its end) is not found. (The assumptions' exact wording in the paper was
    reconstructed from summaries.)

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


def warn_of_violations(environment: Any) -> None:
    """Warn of each assumption that an environment's utility and rewards violate."""
    utility, lowest = environment.utility, float(environment.post_click_means.min())
    told = [f"{v.assumption} of UCB-S's guarantees: {v.what}" for v in violations(utility, lowest)]
    for what in told:
        warnings.warn(f"{utility!r} violates assumption {what}", AssumptionWarning, stacklevel=levels_up())
    rewards = environment.rewards
    if (
        rewards is not None
        and rewards.support.reasons_against("unit")
        and np.max(getattr(rewards, "stds", np.inf)) > 1.0
    ):
        warnings.warn(
            f"{rewards!r} gives rewards {rewards.support}; the radii of UCB-S and the other learners are for "
            "rewards in [0, 1], or Gaussian with standard deviations of at most 1",
            AssumptionWarning,
            stacklevel=levels_up(),
        )


@functools.lru_cache(maxsize=256)
def _violations(utility: Any, lowest_mean: float) -> tuple[Violation, ...]:
    found: list[Violation] = []
    if lowest_mean > 1.0 - 1e-6:
        lowest_mean = 1.0  # slopes over a shorter interval would be rounding errors
    coarse, fine = (np.linspace(lowest_mean, 1.0, n) for n in (COARSE, FINE))
    optima = _optima(utility, coarse, fine)
    where = _unbounded_slope_of(utility, lowest_mean)
    if where:
        found.append(Violation("A1", f"u is not Lipschitz: its slope grows without bound near {where}"))
    strategies = np.array([utility.desired(mu) for mu in fine])
    tolerance = 1e-9 * float(np.ptp(optima)) + 8.0 * np.finfo(float).eps * float(np.abs(optima).max())
    falls = np.flatnonzero(np.diff(optima) < -tolerance)
    flat = np.flatnonzero(np.abs(optima[10:] - optima[:-10]) <= tolerance)
    if len(falls):
        mu = fine[falls[0]]
        found.append(Violation("A2", f"u* does not increase: it falls after mu = {mu:.4g}"))
    elif len(flat) and lowest_mean < 1.0:
        found.append(Violation("A2", f"u* does not increase: it is flat after mu = {fine[flat[0]]:.4g}"))
    if lowest_mean < 1.0 and (where_jump := _grows(coarse, fine, strategies, NOISE)) is not None:
        found.append(Violation("A3", f"s* is not Lipschitz: its slope grows without bound near mu = {where_jump:.4g}"))
    zero = np.flatnonzero(strategies <= 0.0)
    if len(zero):
        mu = fine[zero[0]]
        found.append(
            Violation(
                "A3",
                f"s* is not bounded away from 0: s*({mu:.4g}) = 0, and an arm that is never clicked is never screened",
            )
        )
    return tuple(found)


def _optima(utility: Any, coarse: NDArray[np.float64], fine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return u* at fine means; raise for a utility that is not finite everywhere, or whose closed forms are wrong."""
    rates = np.linspace(0.0, 1.0, COARSE)
    try:
        with np.errstate(all="ignore"):
            across = np.array([[utility.utility(s, mu) for mu in coarse] for s in rates], dtype=float)
            best = [maximiser(utility, mu) for mu in coarse[::10]]
            claimed = [float(utility.desired_strategy(mu)) for mu in coarse[::10]] if has_closed_form(utility) else best
            optima = np.array([utility.optimum(mu) for mu in fine], dtype=float) if _valid(claimed) else np.zeros(0)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise InvalidArgument(
            f"utility is {utility!r}, which raised {error!r}; allowed: numbers for all s in [0, 1] and all mu in "
            f"[{coarse[0]:.4g}, 1]"
        ) from error
    if not np.isfinite(across).all():
        s, mu = np.argwhere(~np.isfinite(across))[0]
        raise InvalidArgument(
            f"utility is {utility!r}, and its u({rates[s]:.4g}, {coarse[mu]:.4g}) is {across[s, mu]}; "
            "allowed: finite numbers"
        )
    for mu, s, found_best in zip(coarse[::10], claimed, best, strict=True):
        if not 0.0 <= s <= 1.0 or utility.utility(s, mu) < utility.utility(found_best, mu) - 1e-6 * np.ptp(across):
            raise InvalidArgument(
                f"utility is {utility!r}, whose desired_strategy({mu:.4g}) is {s:.4g}; allowed: the click rate in "
                f"[0, 1] with the largest u, {found_best:.4g}"
            )
    for mu, s, optimum in zip(coarse[::10], claimed, optima[::100], strict=True):
        if abs(optimum - utility.utility(s, mu)) > 1e-6 * np.ptp(across):
            raise InvalidArgument(
                f"utility is {utility!r}, whose optimal_utility({mu:.4g}) is {optimum:.4g}; allowed: u at the desired "
                f"strategy, {utility.utility(s, mu):.4g}"
            )
    return optima


def _valid(strategies: list[float]) -> bool:
    return all(0.0 <= s <= 1.0 for s in strategies)


def _grows(
    coarse: NDArray[np.float64], fine: NDArray[np.float64], values: NDArray[np.float64], noise: float = 1e-9
) -> float | None:
    """Return where the slope between fine points exceeds that between the coarse ones around them; None if nowhere.

    Steepest places come first. The coarse slope is the largest of three neighbours, as a kink lies in one of them.
    """
    step = (FINE - 1) // (COARSE - 1)
    steps = np.abs(np.diff(values))
    slopes = np.where(steps > noise, steps / np.diff(fine), 0.0)
    rough = np.abs(np.diff(values[::step]) / np.diff(coarse))
    around = np.maximum.reduce([rough, np.append(rough[1:], 0.0), np.append(0.0, rough[:-1])])
    k = int(np.argmax(slopes - GROWTH * np.repeat(around, step)))
    return float(fine[k]) if slopes[k] > GROWTH * around[k // step] else None


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
