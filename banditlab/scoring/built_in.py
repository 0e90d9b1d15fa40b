"""The rules of the literature. All are paid, not charged: more is better."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from banditlab.core.validation import between, integer, invalid, number, open_probability, vector

from .rules import ScoringRule
from .simplex import Array, belief

_states = integer(2)
# Above about 1e3 powers of probabilities underflow, and the rule no longer tells reports apart.
_beta = between(1.0, 1000.0, open_low=True)


def _apart_from_zero(name: str, smallest: float) -> float:
    """Raise if ratios to a probability would overflow."""
    if smallest < 1e-100:
        raise invalid(name, smallest, "probabilities of at least 1e-100")
    return smallest


class _BuiltIn(ScoringRule):
    """A rule whose payments are extreme at vertices: in each state, some sure report is paid least, and one most."""

    @property
    def _range(self) -> tuple[Any, Any]:
        """The smallest and the largest payment, or one of either for each state."""
        raise NotImplementedError

    def _state_ranges(self) -> tuple[Array, Array]:
        low, high = self._range
        return np.full(self.n_states, low), np.full(self.n_states, high)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the fields of a frozen dataclass, once checked


@dataclass(frozen=True)
class Brier(_BuiltIn):
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
        self._set("n_states", _states("Brier.n_states", self.n_states))

    _range = (-1.0, 1.0)

    def _rows(self, reports: Array) -> Array:
        return np.asarray(2.0 * reports - (reports**2).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Logarithmic(_BuiltIn):
    r"""The logarithmic score.

    .. math:: S(r, w) = \ln r_w, \qquad G(p) = \sum_w p_w \ln p_w

    Range [-inf, 0], in nats: `bounded` refuses it. Strictly proper (Good 1952), and with three or more states the
    only strictly proper rule, up to scale and shifts, that looks at the probability of what happened alone.

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
        self._set("n_states", _states("Logarithmic.n_states", self.n_states))

    _range = (-np.inf, 0.0)

    def _rows(self, reports: Array) -> Array:
        with np.errstate(divide="ignore"):  # log(0) is -inf, as it should be
            return np.asarray(np.log(reports))


@dataclass(frozen=True)
class Spherical(_BuiltIn):
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
        self._set("n_states", _states("Spherical.n_states", self.n_states))

    _range = (0.0, 1.0)

    def _rows(self, reports: Array) -> Array:
        return np.asarray(reports / np.linalg.norm(reports, axis=1, keepdims=True))


@dataclass(frozen=True)
class Power(_BuiltIn):
    r"""The power score, whose G is (up to sign and an affine map) the entropy of Tsallis.

    .. math:: S(r, w) = \beta r_w^{\beta - 1} - (\beta - 1) \sum_v r_v^\beta, \qquad G(p) = \sum_v p_v^\beta

    Range [-(beta - 1), 1]. Strictly proper for beta > 1 (see Gneiting and Raftery 2007). beta = 2 is `Brier`; as
    beta goes to 1, (S - 1) / (beta - 1) goes to ln r_w, which is `Logarithmic`.

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
        self._set("n_states", _states("Power.n_states", self.n_states))

    @property
    def _range(self) -> tuple[float, float]:
        return 1.0 - self.beta, 1.0

    def _rows(self, reports: Array) -> Array:
        b = self.beta
        return np.asarray(b * reports ** (b - 1.0) - (b - 1.0) * (reports**b).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Winkler(_BuiltIn):
    r"""Winkler's asymmetric quadratic score of the probability of an event, relative to a baseline.

    With p the probability reported for state 1 and c the baseline,

    .. math:: S(p, 1) = \frac{(1 - c)^2 - (1 - p)^2}{T(p)}, \qquad S(p, 0) = \frac{c^2 - p^2}{T(p)}, \qquad
              T(p) = \begin{cases} c^2 & p \le c \\ (1 - c)^2 & p > c \end{cases}

    so that :math:`G(p) = (p - c)^2 / T(p)`: zero for whoever only knows the baseline, one for whoever is rightly sure.
    Strictly proper. Range [min(1 - 2/c, 1 - 2/(1 - c)), 1]. Not to be confused with the interval score, which is
    sometimes called the Winkler score too.

    Parameters
    ----------
    baseline : float in (0, 1)
        c, the event's probability without skill, such as a base rate.

    Notes
    -----
    The formula is reconstructed, not read in the paper: it is the Brier score minus that of the baseline, divided by
    what would be its value for a sure and correct report on the same side of the baseline.

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
        self._set("baseline", _apart_from_zero("Winkler.baseline", open_probability("Winkler.baseline", self.baseline)))

    @property
    def _range(self) -> tuple[Array, float]:
        return self._rows(np.eye(2)).min(axis=0), 1.0

    def _rows(self, reports: Array) -> Array:
        # Factored, because squares near 1 cancel; and such that being rightly sure pays exactly 1.
        p, c = reports[:, 1], self.baseline
        below = p <= c
        doubt = np.where(below, p / c, (1.0 - p) / (1.0 - c))
        right = 1.0 - doubt**2
        wrong = np.where(below, (p - c) * (2.0 - c - p) / c**2, (c - p) * (c + p) / (1.0 - c) ** 2)
        return np.column_stack([np.where(below, right, wrong), np.where(below, wrong, right)])


@dataclass(frozen=True)
class CRPS(_BuiltIn):
    r"""Minus the continuous ranked probability score of states that are numbers.

    With values :math:`x_1 < \dots < x_n` of the states and :math:`F_j = r_1 + \dots + r_j`,

    .. math:: S(r, w) = - \int (F(x) - 1\{x_w \le x\})^2 dx
                      = - \sum_{j=1}^{n-1} (x_{j+1} - x_j) (F_j - 1\{w \le j\})^2

    and :math:`G(p) = - \sum_j (x_{j+1} - x_j) F_j (1 - F_j)`. Range [-(x_n - x_1), 0], in the values' unit. Strictly
    proper (Matheson and Winkler 1976; Gneiting and Raftery 2007). Unlike `Brier` it rewards being near. Values one
    apart give the ranked probability score of ordered categories (Epstein 1969).

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
    Sure of the first of three categories, when the second or the third happens:

    >>> from banditlab import scoring
    >>> scoring.CRPS(3).pay([1.0, 0.0, 0.0], 1), scoring.CRPS(3).pay([1.0, 0.0, 0.0], 2)
    (-1.0, -2.0)
    """

    values: tuple[float, ...]
    n_states: int = field(init=False, repr=False)

    def __init__(self, values: ArrayLike) -> None:
        if np.ndim(values) == 0:
            values = np.arange(_states("CRPS.values", values))
        checked = vector()("CRPS.values", values)
        if len(checked) < 2 or (np.diff(checked) <= 0.0).any():
            raise invalid("CRPS.values", values, "increasing numbers, at least two; or how many states there are")
        self._set("values", tuple(checked.tolist()))
        self._set("n_states", len(checked))

    @property
    def _range(self) -> tuple[Array, float]:
        ends = np.eye(self.n_states)[[0, -1]]  # the states that are farthest from others
        return self._rows(ends).min(axis=0), 0.0

    def _rows(self, reports: Array) -> Array:
        cumulative = np.cumsum(reports, axis=1)[:, None, :-1]
        reached = np.triu(np.ones((self.n_states, self.n_states)))[None, :, :-1]  # [w, j]: w <= j
        return np.asarray(-((cumulative - reached) ** 2) @ np.diff(self.values))


def crps_of_sample(sample: ArrayLike, outcome: float, weights: ArrayLike | None = None) -> float:
    r"""Return the continuous ranked probability score of a sample as a forecast of a number: a loss, small is good.

    .. math:: CRPS(F, y) = \int (F(x) - 1\{y \le x\})^2 dx = E|X - y| - \tfrac12 E|X - X'|

    with F the sample's distribution function and X, X' independent draws from it. For forecasts that are quantiles,
    give those at levels (i - 1/2)/m. What is scored is the sample's own distribution: random draws from the truth
    are scored worse, on average, than draws from something a little narrower, the more so the fewer there are.

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
        raise invalid("weights", weights, f"{len(values)} probabilities, one a value of the sample")
    # The integrand is constant between data, so that the first form is a sum; the second is quadratic in the length.
    points = np.append(values, y)
    order = np.argsort(points, kind="stable")
    below = np.cumsum(np.append(probabilities, 0.0)[order])[:-1]
    reached = np.cumsum(np.append(np.zeros(len(values)), 1.0)[order])[:-1]
    return float(((below - reached) ** 2) @ np.diff(points[order]))


@dataclass(frozen=True)
class VShaped(_BuiltIn):
    r"""A bet against the prior: the bounded rule that most rewards learning about a binary state.

    With two states, prior probability :math:`\mu` of state 1 and p the one reported,

    .. math:: S(p, w) = \begin{cases} a_1 1\{w = 1\} & p > \mu \\ a_0 1\{w = 0\} & p \le \mu \end{cases} \qquad
              (a_1, a_0) = \begin{cases} (1, \mu / (1 - \mu)) & \mu \le 1/2 \\ ((1 - \mu) / \mu, 1) & \mu > 1/2
              \end{cases}

    so that :math:`G(p) = \max(p a_1, (1 - p) a_0)` is V-shaped with its kink at the prior, where both bets are worth
    the same. Range [0, 1]. Proper, not strictly: it pays for which side of the prior, not for how far.

    Among all proper rules with payments in [0, 1] it maximises the `incentive` of every distribution of beliefs with
    mean :math:`\mu` (Li, Hartline, Shan and Wu 2022). The formula here was derived for a binary state and compared
    with linear programming over all proper rules, not read in the paper.

    **More than two states.** The rule is then the bet on the state whose probability has grown most: it pays
    :math:`a_w 1\{w = v\}` for :math:`v = \arg\max_w p_w / \mu_w` (the first of several), with
    :math:`a_w = \min_v \mu_v / \mu_w`, so that :math:`G(p) = \max_w a_w p_w`. With two states this is the rule above.
    It is proper, bounded by [0, 1] and has its kink at the prior, but it is *not* optimal in general: what is optimal
    depends on the distribution of beliefs, and is found by linear programming. It is not the max-over-separate rule
    of the paper either, which is for states with several dimensions.

    Parameters
    ----------
    prior : float in (0, 1), or belief
        :math:`\mu`, or for any number of states the prior belief, without zeros.

    References
    ----------
    Li, Hartline, Shan, Wu (2022), Optimization of scoring rules, EC'22, arXiv:2007.02905.

    Examples
    --------
    >>> from banditlab import scoring
    >>> rule = scoring.VShaped(0.2)
    >>> rule.table(scoring.binary([0.1, 0.3])).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    >>> rule.G(scoring.binary([0.0, 0.2, 1.0])).tolist()
    [0.25, 0.2, 1.0]

    Three states, and news that one of them is ruled out. Paying 1 if the state is any of the two that are left is
    twice as good as the multi-state bet:

    >>> beliefs = [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    >>> pairs = scoring.ScoringRule.from_table([[1, 1, 0], [1, 0, 1], [0, 1, 1]], beliefs)
    >>> q = [1/3, 1/3, 1/3]
    >>> round(scoring.VShaped(q).incentive(beliefs, q), 4), round(pairs.incentive(beliefs, q), 4)
    (0.1667, 0.3333)
    """

    prior: tuple[float, ...]
    n_states: int = field(init=False, repr=False)

    def __init__(self, prior: ArrayLike) -> None:
        if np.ndim(prior) == 0:
            mu = open_probability("VShaped.prior", prior)
            checked = np.array([1.0 - mu, mu])
        else:
            checked = belief("VShaped.prior", prior)
        if len(checked) < 2 or (checked == 0.0).any():
            raise invalid("VShaped.prior", prior, "the probability of state 1, or a belief without zeros")
        _apart_from_zero("VShaped.prior", float(checked.min()))
        self._set("prior", tuple(checked.tolist()))
        self._set("n_states", len(checked))

    @property
    def stakes(self) -> Array:
        """What a bet on each state pays if it is won."""
        mu = np.array(self.prior)
        return np.asarray(mu.min() / mu)

    @property
    def _range(self) -> tuple[float, Array]:
        return 0.0, self.stakes

    def _rows(self, reports: Array) -> Array:
        # With one binary state, p <= mu is a bet on state 0: the first of two equal ratios.
        bet = np.argmax(reports / np.array(self.prior), axis=1)
        return np.asarray(np.where(np.arange(self.n_states) == bet[:, None], self.stakes, 0.0))
