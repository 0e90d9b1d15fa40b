"""Lower and upper bounds of dueling bandits."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from banditlab.arms.divergences import kl_bernoulli
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import between, integer, invalid, one_of, positive_integer

from .winners import condorcet, matrix_of

__all__ = [
    "DETECT_RULES",
    "DetectParameters",
    "MonitorParameters",
    "beat_the_winner_reset_bound",
    "beat_the_winner_reset_survival",
    "detect_parameters",
    "lower_bound_constant",
    "monitor_parameters",
    "rmed1_constant",
]

# where arithmetic ends, not the bounds
N_ARMS = integer(2, limit=2**31)
HORIZON = integer(2, limit=10**100)
SMALLEST = 1e-100


def _winner(matrix: NDArray[np.float64]) -> int:
    """Return the Condorcet winner, or raise."""
    best = condorcet(matrix)
    if best is None:
        raise InvalidArgument("preferences has no Condorcet winner; allowed: an instance with one")
    return best


def lower_bound_constant(preferences: Any) -> float:
    r"""Return the constant C of the asymptotic lower bound :math:`R_T \ge C \log T` on the average regret.

    .. math:: C = \sum_{i \ne i^*} \min_{j : P_{ij} < 1/2} \frac{\Delta_i + \Delta_j}{2 \, d(P_{ij}, 1/2)}

    where :math:`i^*` is the Condorcet winner, :math:`\Delta_i = P_{i^* i} - 1/2`, and :math:`d(p, q)` is the
    Kullback-Leibler divergence of Bernoulli distributions. It holds for every policy whose regret is :math:`o(T^a)` for
    all :math:`a > 0` on every instance with a Condorcet winner.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Raises
    ------
    InvalidArgument
        If there is no Condorcet winner.

    Notes
    -----
    Komiyama, Honda, Kashima and Nakagawa 2015 (arXiv 1506.02550), Theorem 2. It also holds if only instances whose arms
    are in a total order are considered. RMED2FH attains it (Theorem 4); RMED2 is believed to.

    Examples
    --------
    >>> from banditlab.dueling import PreferenceMatrix, theory
    >>> round(theory.lower_bound_constant(PreferenceMatrix([[0.5, 0.75], [0.25, 0.5]])), 4)
    0.9556
    """
    matrix = matrix_of(preferences)
    best = _winner(matrix)
    gaps = matrix[best] - 0.5
    total = 0.0
    for i in range(len(matrix)):
        if i == best:
            continue
        beaten_by = np.flatnonzero(matrix[i] < 0.5)
        total += min((gaps[i] + gaps[j]) / (2.0 * kl_bernoulli(float(matrix[i, j]), 0.5)) for j in beaten_by)
    return float(total)


def rmed1_constant(preferences: Any) -> float:
    r"""Return the constant :math:`C_1` of RMED1's regret, at most :math:`C_1 \log T + o(\log T)`.

    .. math:: C_1 = \sum_{i \ne i^*} \frac{\Delta_i}{2 \, d(P_{i i^*}, 1/2)}

    with the Condorcet winner :math:`i^*`, the gaps and the divergence of `lower_bound_constant`, to which it is equal
    where every loser is best compared with the winner.

    Parameters
    ----------
    preferences : PreferenceMatrix or (K, K) array
        Probabilities that the row's arm beats the column's.

    Raises
    ------
    InvalidArgument
        If there is no Condorcet winner.

    Notes
    -----
    Komiyama, Honda, Kashima and Nakagawa 2015 (arXiv 1506.02550), Theorem 3.

    Examples
    --------
    >>> from banditlab.dueling import instances, theory
    >>> cyclic = instances.cyclic()
    >>> round(theory.rmed1_constant(cyclic) / theory.lower_bound_constant(cyclic), 2)
    9.14
    """
    matrix = matrix_of(preferences)
    best = _winner(matrix)
    losers = [i for i in range(len(matrix)) if i != best]
    return float(sum((matrix[best, i] - 0.5) / (2.0 * kl_bernoulli(float(matrix[i, best]), 0.5)) for i in losers))


def beat_the_winner_reset_bound(n_arms: int, gap: float) -> float:
    r"""Return the bound on BtWR's expected binary weak regret, :math:`20 K \log K / \Delta^2`, whatever the horizon.

    :math:`\Delta = \min_{j \ne i^*} P_{i^* j} - 1/2` is the smallest gap of the Condorcet winner.

    Parameters
    ----------
    n_arms : int
        K, at least 2.
    gap : float
        In (0, 1/2].

    Notes
    -----
    Kolpaczki, Bengs and Hullermeier 2022 (arXiv 2202.00935); form and constant are reconstructed. For small gaps and
    long horizons it does not hold for the rule in their code, see `BeatTheWinnerReset`.

    Examples
    --------
    >>> from banditlab.dueling import theory
    >>> round(theory.beat_the_winner_reset_bound(n_arms=10, gap=0.1))
    46052
    """
    k = N_ARMS("n_arms", n_arms)
    delta = _not_tiny("gap", gap, 0.5)
    return float(20.0 * k * math.log(k) / delta**2)


def beat_the_winner_reset_survival(gap: float) -> float:
    r"""Return the probability that BtWR's incumbent never falls, from c = 1 on, if it beats each other with 1/2 + gap.

    .. math:: q = \prod_{c = 1}^{\infty} \Pr(Bin(2c - 1, \tfrac12 + \Delta) \ge c)

    The Condorcet winner of such an instance falls 1/q - 1 times in expectation, and each time waits until the others
    have played K - 2 rounds: so binary weak regret tends to at least (K - 2) (1/q - 1) as T grows, and grows linearly
    until it is of that order. 1/q is 2 for a gap of 0.26, 16 for 0.15, 767 for 0.1 and 9e11 for 0.05; q itself is
    below the smallest float, and returned as 0, for gaps below 0.0096.

    Parameters
    ----------
    gap : float
        :math:`\Delta`, in (0, 1/2].

    Notes
    -----
    Derived here. For small gaps that regret is above `beat_the_winner_reset_bound`, which therefore cannot hold for
    every horizon: the paper's theorem must have conditions that the bound as it is known here lacks.

    Examples
    --------
    >>> from banditlab.dueling import theory
    >>> round(1 / theory.beat_the_winner_reset_survival(0.1))
    767
    """
    from scipy.special import betainc

    delta = _not_tiny("gap", gap, 0.5)
    # a round of more duels is lost with a probability below exp(-2 c gap^2), less than 1e-18 from here on; where that
    # takes more than 3e5 rounds, their product is below the smallest float
    rounds = np.arange(1.0, 2.0 + math.ceil(min(21.0 / delta**2, 3e5)))
    # Pr(Bin(2 c - 1, p) >= c) is the regularised incomplete beta function of (c, c) at p
    return float(np.exp(np.log(betainc(rounds, rounds, 0.5 + delta)).sum()))


def _not_tiny(name: str, value: float, high: float) -> float:
    """Check for a positive number of which the square is one too."""
    found: float = between(0.0, high, open_low=True)(name, value)
    if found < SMALLEST:
        raise invalid(name, value, f"at least {SMALLEST:g}")
    return found


DETECT_RULES = ("sqrt", "log_squared", "winner_stays", "winner_stays_short")


class DetectParameters(NamedTuple):
    r"""Parameters of `DETECT`, as `detect_parameters` returns them.

    Attributes
    ----------
    exploration : int
        :math:`\tilde T`, the rounds that its base plays alone.
    window : int
        w, the duels of a window; even.
    threshold : float
        b, the difference between a window's halves, in wins, that counts as a change.

    Examples
    --------
    >>> from banditlab import dueling
    >>> found = dueling.theory.detect_parameters(n_arms=10, horizon=10**6, pmin=0.6, delta=0.6)
    >>> found.exploration, found.window, round(found.threshold, 1)
    (1000, 272, 40.7)
    """

    exploration: int
    window: int
    threshold: float


class MonitorParameters(NamedTuple):
    r"""Parameters of `MonitoredDuelingBandits`, as `monitor_parameters` returns them.

    Attributes
    ----------
    window : int
        w, the duels of a pair's window; even.
    threshold : float
        b, the difference between a window's halves, in wins, that counts as a change.
    gamma : float
        :math:`\gamma`, the share of rounds in which all pairs meet.

    Examples
    --------
    >>> from banditlab import dueling
    >>> found = dueling.theory.monitor_parameters(n_arms=10, horizon=10**6, delta=0.6, n_segments=5)
    >>> found.window, round(found.threshold, 1), round(found.gamma, 3)
    (424, 63.5, 0.207)
    """

    window: int
    threshold: float
    gamma: float


def _even(size: float) -> int:
    """Return the smallest even integer that is not below a size."""
    return math.ceil(size) + math.ceil(size) % 2


def detect_parameters(n_arms: int, horizon: int, pmin: float, delta: float, rule: str = "sqrt") -> DetectParameters:
    r"""Return the parameters of `DETECT` for an instance's constants.

    With `pmin` as p and :math:`a = (2p - 1)^2`, exploration :math:`\tilde T`, window w (rounded up to an even number)
    and threshold b are

    ============  ================================================================================
    rule          parameters
    ============  ================================================================================
    log_squared   :math:`\tilde T = \lfloor (\frac1a \log \frac{T}{(1 - e^{-a}) \log T} + K - 1)^2
                  \rfloor`, :math:`w = (16 \log T + 6) / \delta^2`, :math:`b = \sqrt{w (\log T +
                  3/8)}`
    sqrt          :math:`\tilde T = \lfloor \sqrt T \rfloor`, :math:`w = 8 \log(2T / x) /
                  \delta^2`, :math:`b = \sqrt{w \log(2T / x) / 2}`, with :math:`x = e^{-(T^{1/4} -
                  K + 1) a} / (1 - e^{-a})`
    winner_stays  :math:`\tilde T = \lfloor r^3 K^3 T / \log T \rfloor` with :math:`r = \max(2,
                  \lceil \log(\frac{2T}{\log T} (1 + \frac{1 - p}{2p - 1})) / \log \frac{p}{1 - p}
                  \rceil)`; w and b as log_squared
    ============  ================================================================================

    'winner_stays_short' is 'winner_stays' without the factor T.

    Parameters
    ----------
    n_arms, horizon : int
        K and T, both at least 2.
    pmin : float
        The winner's smallest chance against any other arm; in (1/2, 1].
    delta : float
        The smallest change of at least one of the old winner's chances; in (0, 1].
    rule : {'sqrt', 'log_squared', 'winner_stays', 'winner_stays_short'}, default 'sqrt'
        Which of these rules.

    Returns
    -------
    DetectParameters
        With exploration, window and threshold.

    Raises
    ------
    InvalidArgument
        For a bad argument, or if the horizon is so short that 'sqrt' has no window.

    Notes
    -----
    Kolpaczki, Bengs and Hullermeier 2022 (arXiv 2202.00935): 'log_squared' and 'sqrt' are for BtW as base and
    'winner_stays' for WS (Corollaries 4.16 to 4.18 as numbered in the authors' code, from which the formulas are
    taken). The exploration of 'winner_stays' is longer than any horizon worth playing: as :math:`r K \ge 4`, it is
    above T up to :math:`T = e^{64}`. It is what Markov's inequality requires for r rounds of WS to end with probability
    :math:`1 - \log(T) / T`; 'winner_stays_short' gives up that probability.

    Examples
    --------
    >>> from banditlab.dueling import theory
    >>> exploration, window, threshold = theory.detect_parameters(
    ...     n_arms=10, horizon=10**6, pmin=0.6, delta=0.6
    ... )
    >>> exploration, window, round(threshold, 1)
    (1000, 272, 40.7)
    """
    k, t = N_ARMS("n_arms", n_arms), HORIZON("horizon", horizon)
    p = between(0.5, 1.0, open_low=True)("pmin", pmin)
    change = _not_tiny("delta", delta, 1.0)
    one_of(*DETECT_RULES)("rule", rule)
    a, log_t = (2.0 * p - 1.0) ** 2, math.log(t)
    if rule == "sqrt":
        # log(2 T / x), of which x = exp(-(T^(1/4) - K + 1) a) / (1 - exp(-a)) alone may overflow
        budget = math.log(2.0 * t) + (t**0.25 - k + 1.0) * a + math.log(-math.expm1(-a))
        if budget <= 0.0:
            raise InvalidArgument(
                f"horizon is {t}; allowed: more for the rule 'sqrt' with {k} arms and pmin {p:g}, another rule, or "
                "parameters of your own"
            )
        window = _even(8.0 * budget / change**2)
        return DetectParameters(math.isqrt(t), window, math.sqrt(0.5 * window * budget))
    window = _even((16.0 * log_t + 6.0) / change**2)
    threshold = math.sqrt(window * (log_t + 0.375))
    if rule == "log_squared":
        exploration = (math.log(t / (-math.expm1(-a) * log_t)) / a + k - 1.0) ** 2
    else:
        odds = p / (1.0 - p) if p < 1.0 else math.inf
        rounds = math.log(2.0 * t / log_t * (1.0 + (1.0 - p) / (2.0 * p - 1.0))) / math.log(odds)
        scale = t / log_t if rule == "winner_stays" else 1.0 / log_t
        exploration = max(2.0, math.ceil(rounds)) ** 3 * k**3 * scale
    return DetectParameters(math.floor(exploration), window, threshold)


def monitor_parameters(n_arms: int, horizon: int, delta: float, n_segments: int) -> MonitorParameters:
    r"""Return the parameters of `MonitoredDuelingBandits` for an instance's constants.

    .. math:: w = \frac{8 C}{\delta^2}, \quad b = \sqrt{\frac{w C}{2}}, \quad \gamma = \frac{K - 1}{2}
        \sqrt{\frac{M w}{T}}, \quad C = \log \frac{(4 T + 2) \sqrt T}{\sqrt M K},

    w rounded up to an even number. A :math:`\gamma` above 1 says that the horizon is too short: all rounds would be
    spent on watching for changes.

    Parameters
    ----------
    n_arms, horizon : int
        K and T, both at least 2.
    delta : float
        The smallest change of at least one preference; in (0, 1].
    n_segments : int
        M, at least 1 and at most T.

    Returns
    -------
    MonitorParameters
        With window, threshold and gamma.

    Raises
    ------
    InvalidArgument
        For a bad argument, or if the horizon is so short for the number of arms that there is no window.

    Notes
    -----
    Kolpaczki, Bengs and Hullermeier 2022 (arXiv 2202.00935), from the authors' code.

    Examples
    --------
    >>> from banditlab.dueling import theory
    >>> window, threshold, gamma = theory.monitor_parameters(
    ...     n_arms=10, horizon=10**6, delta=0.6, n_segments=5
    ... )
    >>> window, round(threshold, 1), round(gamma, 3)
    (424, 63.5, 0.207)
    """
    k, t = N_ARMS("n_arms", n_arms), HORIZON("horizon", horizon)
    change = _not_tiny("delta", delta, 1.0)
    m = positive_integer("n_segments", n_segments)
    if m > t:
        raise InvalidArgument(f"n_segments is {m}; allowed: at most the horizon, {t}")
    budget = math.log((4.0 * t + 2.0) * math.sqrt(t) / (math.sqrt(m) * k))
    if budget <= 0.0:
        raise InvalidArgument(f"horizon is {t}; allowed: more, with {k} arms and {m} segments")
    window = _even(8.0 * budget / change**2)
    return MonitorParameters(window, math.sqrt(0.5 * window * budget), 0.5 * (k - 1.0) * math.sqrt(m * window / t))
