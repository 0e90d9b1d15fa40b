"""The continuous ranked probability score, for states that are numbers and for samples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from banditlab.core.validation import invalid, number, vector

from .built_in import BuiltIn, check_states
from .simplex import Floats, belief, n_axes


@dataclass(frozen=True)
class CRPS(BuiltIn):
    r"""Minus the continuous ranked probability score, for states that are numbers.

    With values :math:`x_1 < \dots < x_n` of the states and :math:`F_j = r_1 + \dots + r_j`,

    .. math:: S(r, w) = - \int (F(x) - 1\{x_w \le x\})^2 dx
                      = - \sum_{j=1}^{n-1} (x_{j+1} - x_j) (F_j - 1\{w \le j\})^2

    and :math:`G(p) = - \sum_j (x_{j+1} - x_j) F_j (1 - F_j)`. Range :math:`[-(x_n - x_1), 0]`, in the unit of the
    values. Strictly proper (Matheson and Winkler 1976; Gneiting and Raftery 2007). Unlike `Brier` it rewards being
    near. Values that are one apart give the ranked probability score of ordered categories (Epstein 1969).

    Parameters
    ----------
    values : sequence of float, or int
        The states' values, increasing, at least two; a number n means 0, 1, ..., n - 1.

    See Also
    --------
    banditlab.scoring.crps_of_sample : the CRPS of a sample, for outcomes that are any number.

    References
    ----------
    Epstein (1969), A scoring system for probability forecasts of ranked categories, Journal of Applied Meteorology 8.
    Matheson, Winkler (1976), Scoring rules for continuous probability distributions, Management Science 22.
    Gneiting, Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA 102.

    Examples
    --------
    A forecaster is sure of the first of three categories, and the second or the third happens:

    >>> from banditlab import scoring
    >>> scoring.CRPS(3).pay([1.0, 0.0, 0.0], 1), scoring.CRPS(3).pay([1.0, 0.0, 0.0], 2)
    (-1.0, -2.0)
    """

    values: tuple[float, ...]
    n_states: int = field(init=False, repr=False)

    def __init__(self, values: ArrayLike) -> None:
        if n_axes("CRPS.values", values) == 0:
            values = np.arange(check_states("CRPS.values", values))
        checked = vector()("CRPS.values", values)
        if len(checked) < 2 or (np.diff(checked) <= 0.0).any():
            raise invalid("CRPS.values", values, "increasing numbers, at least two; or how many states there are")
        self._set("values", tuple(checked.tolist()))
        self._set("n_states", len(checked))

    @property
    def _range(self) -> tuple[Floats, float]:
        ends = np.eye(self.n_states)[[0, -1]]  # the states that are farthest from the others
        return self._rows(ends).min(axis=0), 0.0

    def _rows(self, reports: Floats) -> Floats:
        cumulative = np.cumsum(reports, axis=1)[:, None, :-1]
        reached = np.triu(np.ones((self.n_states, self.n_states)))[None, :, :-1]  # [w, j]: w <= j
        return np.asarray(-((cumulative - reached) ** 2) @ np.diff(self.values))


def crps_of_sample(sample: ArrayLike, outcome: float, weights: ArrayLike | None = None) -> float:
    r"""Return the continuous ranked probability score of a sample as a forecast of a number: a loss, so small is good.

    .. math:: CRPS(F, y) = \int (F(x) - 1\{y \le x\})^2 dx = E|X - y| - \tfrac12 E|X - X'|

    with F the sample's distribution function and X, X' independent draws from it. For forecasts that are quantiles,
    give those at levels (i - 1/2)/m. What is scored is the sample's own distribution: random draws from the truth score
    worse, on average, than draws from something a little narrower, and the fewer there are, the more so.

    Parameters
    ----------
    sample : sequence of float
        The forecast: draws, or the values of a discrete distribution.
    outcome : float
        y, in the sample's unit.
    weights : sequence of float, optional
        Probabilities of the sample's values; default all the same.

    Returns
    -------
    float
        At least 0, in the outcome's unit; the distance to the outcome for a sample of one.

    References
    ----------
    Matheson, Winkler (1976), Scoring rules for continuous probability distributions, Management Science 22.
    Gneiting, Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA 102, section 4.2.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.crps_of_sample([1.0, 3.0], outcome=2.0)
    0.5
    """
    values = vector()("sample", sample)
    y = number("outcome", outcome)
    if weights is None:
        weights = np.full(len(values), 1.0 / len(values))
    probabilities = belief("weights", weights)
    if len(probabilities) != len(values):
        raise invalid("weights", weights, f"{len(values)} probabilities, one per value of the sample")
    # The integrand is constant between data points, so the first form is a sum; the second is quadratic in the length.
    points = np.append(values, y)
    order = np.argsort(points, kind="stable")
    below = np.cumsum(np.append(probabilities, 0.0)[order])[:-1]
    reached = np.cumsum(np.append(np.zeros(len(values)), 1.0)[order])[:-1]
    return float(((below - reached) ** 2) @ np.diff(points[order]))
