"""Rules of the literature that are given by a formula in the probabilities. All are payments: more is better."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from banditlab.core.validation import between, integer, invalid, open_probability

from .rules import ScoringRule
from .simplex import MOST_STATES, Floats

check_states = integer(2, limit=MOST_STATES)
# Above about 1e3 powers of probabilities underflow, and the rule no longer tells reports apart.
_beta = between(1.0, 1000.0, open_low=True)


def apart_from_zero(name: str, smallest: float) -> float:
    """Raise if ratios to a probability would overflow."""
    if smallest < 1e-100:
        raise invalid(name, smallest, "probabilities of at least 1e-100")
    return smallest


class BuiltIn(ScoringRule, ABC):
    """A rule whose payments are extreme at vertices: in each state, some sure report is paid least, and one most."""

    @property
    @abstractmethod
    def _range(self) -> tuple[Any, Any]:
        """The smallest and the largest payment, or one of each for every state."""

    def _state_ranges(self) -> tuple[Floats, Floats]:
        low, high = self._range
        return np.full(self.n_states, low), np.full(self.n_states, high)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the fields of a frozen dataclass, once checked


@dataclass(frozen=True)
class Brier(BuiltIn):
    r"""The Brier or quadratic score.

    .. math:: S(r, w) = 2 r_w - \|r\|^2, \qquad G(p) = \|p\|^2

    Range [-1, 1]. Strictly proper (Brier 1950). One minus it is :math:`\|r - e_w\|^2`, Brier's own loss.

    Parameters
    ----------
    n_states : int, default 2
        Number of states.

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.Brier().pay([0.25, 0.75], outcome=1)
    0.875
    """

    n_states: int = 2

    def __post_init__(self) -> None:
        """Check the number of states."""
        self._set("n_states", check_states("Brier.n_states", self.n_states))

    _range = (-1.0, 1.0)

    def _rows(self, reports: Floats) -> Floats:
        return np.asarray(2.0 * reports - (reports**2).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Logarithmic(BuiltIn):
    r"""The logarithmic score.

    .. math:: S(r, w) = \ln r_w, \qquad G(p) = \sum_w p_w \ln p_w

    Range :math:`[-\infty, 0]`, in nats: `bounded` refuses it. Strictly proper (Good 1952), and with three or more
    states the only strictly proper rule, up to scale and shifts, that depends only on the probability of what happened.

    Parameters
    ----------
    n_states : int, default 2
        Number of states.

    References
    ----------
    Good (1952), Rational decisions, Journal of the Royal Statistical Society B 14.

    Examples
    --------
    >>> from banditlab import scoring
    >>> round(scoring.Logarithmic().pay([0.25, 0.75], outcome=0), 4)
    -1.3863
    """

    n_states: int = 2

    def __post_init__(self) -> None:
        """Check the number of states."""
        self._set("n_states", check_states("Logarithmic.n_states", self.n_states))

    _range = (-np.inf, 0.0)

    def _rows(self, reports: Floats) -> Floats:
        with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
            return np.asarray(np.log(reports))


@dataclass(frozen=True)
class Spherical(BuiltIn):
    r"""The spherical score.

    .. math:: S(r, w) = r_w / \|r\|, \qquad G(p) = \|p\|

    Range [0, 1]. Strictly proper (see Gneiting and Raftery 2007, where it is a pseudospherical score).

    Parameters
    ----------
    n_states : int, default 2
        Number of states.

    References
    ----------
    Good (1971), comment on Measuring information and uncertainty by Buehler, in Foundations of Statistical Inference.
    Gneiting, Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA 102.

    Examples
    --------
    >>> from banditlab import scoring
    >>> round(scoring.Spherical(3).pay([0.8, 0.0, 0.2], outcome=0), 4)
    0.9701
    """

    n_states: int = 2

    def __post_init__(self) -> None:
        """Check the number of states."""
        self._set("n_states", check_states("Spherical.n_states", self.n_states))

    _range = (0.0, 1.0)

    def _rows(self, reports: Floats) -> Floats:
        return np.asarray(reports / np.linalg.norm(reports, axis=1, keepdims=True))


@dataclass(frozen=True)
class Power(BuiltIn):
    r"""The power score, whose G is (up to sign and an affine map) the entropy of Tsallis.

    .. math:: S(r, w) = \beta r_w^{\beta - 1} - (\beta - 1) \sum_v r_v^\beta, \qquad G(p) = \sum_v p_v^\beta

    Range :math:`[-(\beta - 1), 1]`. Strictly proper for :math:`\beta > 1` (see Gneiting and Raftery 2007). :math:`\beta
    = 2` is `Brier`; as :math:`\beta` goes to 1, :math:`(S - 1) / (\beta - 1)` goes to :math:`\ln r_w`, which is
    `Logarithmic`.

    Parameters
    ----------
    beta : float in (1, 1000], default 2.0
        Small: sensitive to small probabilities. Large: to large ones only.
    n_states : int, default 2
        Number of states.

    References
    ----------
    Gneiting, Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA 102.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.Power(3.0).pay([0.5, 0.5], outcome=1), scoring.Power(3.0).payment_range()
    (0.25, (-2.0, 1.0))
    """

    beta: float = 2.0
    n_states: int = 2

    def __post_init__(self) -> None:
        """Check beta and the number of states."""
        self._set("beta", _beta("Power.beta", self.beta))
        self._set("n_states", check_states("Power.n_states", self.n_states))

    @property
    def _range(self) -> tuple[float, float]:
        return 1.0 - self.beta, 1.0

    def _rows(self, reports: Floats) -> Floats:
        b = self.beta
        return np.asarray(b * reports ** (b - 1.0) - (b - 1.0) * (reports**b).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Winkler(BuiltIn):
    r"""Winkler's asymmetric quadratic score of the probability of an event, relative to a baseline.

    With p the probability reported for state 1 and c the baseline,

    .. math:: S(p, 1) = \frac{(1 - c)^2 - (1 - p)^2}{T(p)}, \qquad S(p, 0) = \frac{c^2 - p^2}{T(p)}, \qquad
              T(p) = \begin{cases} c^2 & p \le c \\ (1 - c)^2 & p > c \end{cases}

    so that :math:`G(p) = (p - c)^2 / T(p)`: zero for a forecaster who only knows the baseline, one for a forecaster who
    is rightly sure. Strictly proper. Range [min(1 - 2/c, 1 - 2/(1 - c)), 1]. Not to be confused with the interval
    score, which is sometimes called the Winkler score too.

    Parameters
    ----------
    baseline : float in (0, 1)
        c, the probability that a forecast without skill gives the event, such as a base rate.

    Notes
    -----
    The formula is reconstructed, not read in the paper: it is the Brier score minus that of the baseline, divided by
    the value this would have for a sure and correct report on the same side of the baseline.

    References
    ----------
    Winkler (1994), Evaluating probabilities: asymmetric scoring rules, Management Science 40.

    Examples
    --------
    >>> from banditlab import scoring
    >>> rule = scoring.Winkler(0.25)
    >>> rule.G(scoring.binary([0.0, 0.25, 1.0])).tolist()
    [1.0, 0.0, 1.0]
    """

    baseline: float
    n_states: int = field(default=2, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the baseline."""
        self._set("baseline", apart_from_zero("Winkler.baseline", open_probability("Winkler.baseline", self.baseline)))

    @property
    def _range(self) -> tuple[Floats, float]:
        return self._rows(np.eye(2)).min(axis=0), 1.0

    def _rows(self, reports: Floats) -> Floats:
        # Factored, because squares near 1 cancel, and so that being rightly sure pays exactly 1.
        p, c = reports[:, 1], self.baseline
        below = p <= c
        doubt = np.where(below, p / c, (1.0 - p) / (1.0 - c))
        right = 1.0 - doubt**2
        wrong = np.where(below, (p - c) * (2.0 - c - p) / c**2, (c - p) * (c + p) / (1.0 - c) ** 2)
        return np.column_stack([np.where(below, right, wrong), np.where(below, wrong, right)])
