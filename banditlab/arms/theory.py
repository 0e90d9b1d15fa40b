r"""What is proved about regret: lower bounds, finite-time upper bounds, and the growth rate seen in results.

Every bound is a function of an instance and a horizon T. In the formulas :math:`\mu_a` is the mean of arm a,
:math:`\mu^*` the largest mean, :math:`\Delta_a = \mu^* - \mu_a` the gap, K the number of arms and log the natural
logarithm.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import is_kind
from banditlab.core.errors import InvalidType
from banditlab.core.validation import (
    integer,
    invalid,
    non_negative,
    positive,
    shown,
)

from .divergences import excess_near_zero
from .slopes import Slope, regret_slope

__all__ = [
    "Slope",
    "klucb_bound",
    "lower_bound",
    "lower_bound_constant",
    "minimax_lower_bound",
    "moss_bound",
    "regret_slope",
    "thompson_sampling_bound",
    "ucb1_bound",
    "ucbv_bound",
]

HORIZON = integer(1, limit=10**300)  # for bounds, which need not be played: where arithmetic breaks down


def _environment(environment: Any) -> Any:
    if not is_kind(environment, "environment"):
        raise InvalidType(f"environment is {shown(environment)}; allowed: an environment")
    return environment


def _gaps(environment: Any) -> NDArray[np.float64]:
    """Return the positive gaps of a stationary environment."""
    gaps = getattr(_environment(environment), "gaps", None)
    if gaps is None:
        raise invalid("environment", environment, "one whose arms have fixed means")
    found = np.asarray(gaps, dtype=np.float64)
    return found[found > 0.0]


def _bounded(environment: Any, high: float = 1.0) -> Any:
    """Check that rewards lie in [0, high]."""
    support = getattr(_environment(environment), "support", None)
    if support is None:
        raise invalid("environment", environment, "one of arms, whose rewards have a support")
    if support.low < 0.0 or support.high > high:
        raise invalid("environment", environment, f"one with rewards in [0, {high:g}], and these are {support}")
    return environment


# ------------------------------------------------------------------------------------------- lower bounds


def lower_bound_constant(environment: Any) -> float:
    r"""Return the constant C of the asymptotic lower bound :math:`R_T \ge C \log T`.

    .. math:: C = \sum_{a: \Delta_a > 0} \frac{\Delta_a}{K_{\inf}(\nu_a, \mu^*)}

    where :math:`K_{\inf}(\nu_a, \mu^*)` is the infimum of :math:`KL(\nu_a, \nu)` over the distributions :math:`\nu` of
    the environment's model with a mean above :math:`\mu^*`; the environment's docstring says which model that is.

    Parameters
    ----------
    environment : environment
        One with a `lower_bound_constant`.

    Returns
    -------
    float
        C, at least 0; 0 when all arms are optimal.

    Raises
    ------
    InvalidArgument
        If no constant is known for the environment's model.

    Notes
    -----
    Theorem (Lai and Robbins 1985, Theorem 2, one-parameter families; Burnetas and Katehakis 1996, Theorem 1, more
    generally): :math:`\liminf_T E[R_T] / \log T \ge C` for every policy that is uniformly good, that is, with
    :math:`E[R_T] = o(T^x)` for all :math:`x > 0` on every instance of the model. An asymptotic statement: at a finite T
    the regret of a good policy can be smaller than :math:`C \log T`.

    References
    ----------
    Lai, Robbins (1985), Asymptotically efficient adaptive allocation rules, Advances in Applied Mathematics 6.
    Burnetas, Katehakis (1996), Optimal adaptive policies for sequential allocation problems, Advances in Applied
    Mathematics 17.

    Examples
    --------
    >>> from banditlab import arms
    >>> lower_bound_constant(arms.Gaussian([0.0, 0.5, 1.0], std=0.5))  # 2 std^2 / gap, summed
    1.5
    """
    known = getattr(_environment(environment), "lower_bound_constant", None)
    constant: float | None = None if known is None else known()
    if constant is None:
        raise invalid("environment", environment, "one whose model has a known constant of the lower bound")
    return float(constant)


def lower_bound(environment: Any, horizon: int) -> float:
    r"""Return :math:`C \log T`, the asymptotic lower bound on the regret of uniformly good policies.

    Parameters
    ----------
    environment : environment
        One for which `lower_bound_constant` has C.
    horizon : int
        T, at least 1.

    Returns
    -------
    float
        The bound; theorem, assumptions and references are those of `lower_bound_constant`.

    Raises
    ------
    InvalidArgument
        If no constant is known for the environment's model, or for a bad horizon.

    Examples
    --------
    >>> from banditlab import arms
    >>> round(lower_bound(arms.Bernoulli([0.4, 0.5]), 10_000), 3)
    45.742
    """
    return lower_bound_constant(environment) * math.log(HORIZON("horizon", horizon))


def minimax_lower_bound(n_arms: int, horizon: int) -> float:
    r"""Return a lower bound on the worst-case regret of every policy.

    .. math:: \max_\nu E[R_T] \ge \frac{1}{20} \min\{\sqrt{K T}, T\}

    Parameters
    ----------
    n_arms : int
        K, at least 2.
    horizon : int
        T, at least 1.

    Notes
    -----
    Theorem (Auer et al. 2002, Theorem 5.1): for every :math:`K \ge 2`, every T and every policy there is an instance
    with rewards in {0, 1}, independent and identically distributed, on which the expected regret is at least this. The
    proof's instances are Bernoulli with one arm of mean :math:`1/2 + \epsilon` among arms of mean 1/2, so that the
    bound holds for stochastic and, a fortiori, for adversarial bandits. For Gaussian rewards of variance 1 and means in
    [0, 1], :math:`\frac{1}{27} \sqrt{(K - 1) T}` holds when :math:`T \ge K - 1` (Lattimore and Szepesvari 2020, Theorem
    15.2).

    References
    ----------
    Auer, Cesa-Bianchi, Freund, Schapire (2002), The nonstochastic multiarmed bandit problem, SIAM Journal on
    Computing 32. Lattimore, Szepesvari (2020), Bandit Algorithms, Cambridge University Press.

    Examples
    --------
    >>> minimax_lower_bound(n_arms=4, horizon=10_000)
    10.0
    """
    k = integer(2, limit=10**7)("n_arms", n_arms)
    t = HORIZON("horizon", horizon)
    return min(math.sqrt(k * t), float(t)) / 20.0


# ------------------------------------------------------------------------------------------- upper bounds


def ucb1_bound(environment: Any, horizon: int) -> float:
    r"""Return the upper bound on the expected regret of UCB1.

    .. math::
        E[R_T] \le 8 \sum_{a: \Delta_a > 0} \frac{\log T}{\Delta_a} + \Big(1 + \frac{\pi^2}{3}\Big) \sum_a \Delta_a

    Parameters
    ----------
    environment : environment
        Stationary, with rewards in [0, 1].
    horizon : int
        T, at least 1.

    Raises
    ------
    InvalidArgument
        If rewards can leave [0, 1] or means change, or for a bad horizon.

    Notes
    -----
    Theorem (Auer et al. 2002, Theorem 1): for independent rewards in [0, 1] and the policy `UCB1(alpha=2)`.

    References
    ----------
    Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Machine Learning 47.

    Examples
    --------
    >>> from banditlab import arms
    >>> round(ucb1_bound(arms.Bernoulli([0.25, 0.75]), 1000), 3)
    112.669
    """
    t = HORIZON("horizon", horizon)
    gaps = _gaps(_bounded(environment))
    return float((8.0 * math.log(t) / gaps + (1.0 + math.pi**2 / 3.0) * gaps).sum())


def ucbv_bound(environment: Any, horizon: int, b: float = 1.0) -> float:
    r"""Return the upper bound on the expected regret of UCB-V.

    .. math:: E[R_T] \le 10 \sum_{a: \Delta_a > 0} \Big(\frac{\sigma_a^2}{\Delta_a} + 2 b\Big) \log T

    Parameters
    ----------
    environment : environment
        Stationary, with rewards in [0, b] and a `distribution`, from which the variances :math:`\sigma_a^2` are taken.
    horizon : int
        T, at least 2 (the formula is 0 at T = 1, where one pull may already cost a gap).
    b : float, default 1.0
        Upper end of the rewards, as given to the policy; positive.

    Raises
    ------
    InvalidArgument
        If rewards can leave [0, b], means change, or variances are unknown; or for a bad horizon.

    Notes
    -----
    Theorem (Audibert, Munos, Szepesvari 2009, Theorem 4 with the constants it gives for zeta = 1.2 and c = 1): for
    independent rewards in [0, b] and the policy `UCBV(zeta=1.2, c=1, b=b)`.

    References
    ----------
    Audibert, Munos, Szepesvari (2009), Exploration-exploitation tradeoff using variance estimates in multi-armed
    bandits, Theoretical Computer Science 410.

    Examples
    --------
    >>> from banditlab import arms
    >>> round(ucbv_bound(arms.Bernoulli([0.5, 1.0]), 1000), 3)  # 10 (0.25 / 0.5 + 2) log 1000
    172.694
    """
    t = integer(2, limit=10**300)("horizon", horizon)
    upper = positive("b", b)
    _gaps(_bounded(environment, upper))
    if not hasattr(environment, "distribution"):
        raise invalid("environment", environment, "one with a method distribution(arm), to know the variances")
    total = 0.0
    for arm, gap in enumerate(environment.gaps):
        if gap > 0.0:
            total += environment.variance(arm) / float(gap) + 2.0 * upper
    return 10.0 * total * math.log(t)


def moss_bound(environment: Any, horizon: int) -> float:
    r"""Return the upper bound on the expected regret of MOSS.

    .. math:: E[R_T] \le 49 \sqrt{K T}

    Parameters
    ----------
    environment : environment
        Stationary, with rewards in [0, 1]; only its number of arms matters.
    horizon : int
        T, at least 1; the policy knows it.

    Raises
    ------
    InvalidArgument
        If rewards can leave [0, 1] or means change, or for a bad horizon.

    Notes
    -----
    Theorem (Audibert and Bubeck 2009, Theorem 5): for independent rewards in [0, 1] and the policy `MOSS()`.

    References
    ----------
    Audibert, Bubeck (2009), Minimax policies for adversarial and stochastic bandits, COLT.

    Examples
    --------
    >>> from banditlab import arms
    >>> moss_bound(arms.Bernoulli([0.1, 0.2, 0.3, 0.4]), 10_000)
    9800.0
    """
    t = HORIZON("horizon", horizon)
    _gaps(_bounded(environment))
    return 49.0 * math.sqrt(environment.n_arms * t)


def klucb_bound(environment: Any, horizon: int) -> float:
    r"""Return an upper bound on the expected regret of KL-UCB.

    .. math::
        E[R_T] \le \sum_{a: \Delta_a > 0} \inf_{\epsilon_1, \epsilon_2 > 0,\ \epsilon_1 + \epsilon_2 < \Delta_a}
        \Delta_a \Big( \frac{\log(1 + T \log^2 T)}{kl(\mu_a + \epsilon_1, \mu^* - \epsilon_2)}
        + \frac{1}{2 \epsilon_1^2} + \frac{2}{\epsilon_2^2} \Big)

    with kl the divergence between Bernoulli distributions. As T grows, it is :math:`\sum_a \Delta_a \log T / kl(\mu_a,
    \mu^*)` to first order, which for Bernoulli rewards is the lower bound. The infimum is approached by a search over a
    grid that is refined; every point of the grid gives a valid bound.

    Parameters
    ----------
    environment : environment
        Stationary, with rewards in [0, 1].
    horizon : int
        T, at least 1.

    Raises
    ------
    InvalidArgument
        If rewards can leave [0, 1] or means change, or for a bad horizon.

    Notes
    -----
    Theorem (Lattimore and Szepesvari 2020, Theorem 10.6): for Bernoulli rewards and, since the proof needs no more than
    Chernoff's inequality, independent rewards in [0, 1]; for the index with the exploration :math:`\log(1 + t \log^2
    t)`. That lies between the explorations of `KLUCB(c=2)` and, from t = 4 on, `KLUCB(c=3)`. The theorem covers
    neither of these policies, nor the default c = 0, though the first-order term is that of c = 3 (Cappe et al. 2013,
    Theorem 1).

    References
    ----------
    Lattimore, Szepesvari (2020), Bandit Algorithms, Cambridge University Press, chapter 10. Cappe, Garivier,
    Maillard, Munos, Stoltz (2013), Kullback-Leibler upper confidence bounds for optimal sequential allocation, Annals
    of Statistics 41, arXiv:1210.1136.

    Examples
    --------
    >>> from banditlab import arms
    >>> env = arms.Bernoulli([0.2, 0.8])
    >>> round(klucb_bound(env, 10**4) / lower_bound(env, 10**4), 2)
    15.32
    >>> round(klucb_bound(env, 10**300) / lower_bound(env, 10**300), 2)
    2.4
    """
    t = HORIZON("horizon", horizon)
    gaps = _gaps(_bounded(environment))
    best = float(np.max(environment.means))
    logarithm = math.log(t)
    # log(1 + t log^2 t), without overflow for huge t
    exploration = 0.0 if t == 1 else logarithm + math.log(logarithm**2 + math.exp(-logarithm))
    return math.fsum(gap * _klucb_pulls(best - gap, best, exploration) for gap in gaps.tolist())


def _excess(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x - log(1 + x), without cancellation near 0."""
    return np.where(np.abs(x) > 1e-3, x - np.log1p(x), excess_near_zero(x))


def _klucb_pulls(mean: float, best: float, exploration: float) -> float:
    """Return the least of Theorem 10.6's bounds on the pulls of an arm, over a grid that is refined."""
    gap = best - mean
    # In units of the gap: total = (eps_1 + eps_2) / gap and share = eps_1 / (eps_1 + eps_2), both in (0, 1).
    total_low = share_low = 0.0
    total_high = share_high = 1.0
    least = math.inf
    inside = (np.arange(32) + 0.5) / 32.0
    for _ in range(16):
        total = (total_low + (total_high - total_low) * inside)[:, None]
        share = share_low + (share_high - share_low) * inside
        first, second = gap * total * share, gap * total * (1.0 - share)
        p, away = mean + first, gap * (1.0 - total)  # away to best - second
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            divergence = p * _excess(away / p) + (1.0 - p) * _excess(-away / (1.0 - p))
            pulls = exploration / divergence + 0.5 / first**2 + 2.0 / second**2
        pulls = np.where((p + away < 1.0) & (divergence > 0.0), pulls, math.inf)
        row, column = np.unravel_index(int(np.argmin(pulls)), pulls.shape)
        least = min(least, float(pulls[row, column]))
        # the next grid spans four cells either way
        width_total, width_share = (total_high - total_low) / 8.0, (share_high - share_low) / 8.0
        centre_total, centre_share = float(total[row, 0]), float(share[column])
        total_low, total_high = max(centre_total - width_total, 0.0), min(centre_total + width_total, 1.0)
        share_low, share_high = max(centre_share - width_share, 0.0), min(centre_share + width_share, 1.0)
    return least


def thompson_sampling_bound(environment: Any, horizon: int, entropy: float | None = None) -> float:
    r"""Return an upper bound on the Bayes regret of Thompson sampling: the regret averaged over the prior.

    .. math:: E_{\nu \sim prior} E[R_T] \le \sqrt{\tfrac{1}{2} K T H(A^*)} \le \sqrt{\tfrac{1}{2} K T \log K}

    where :math:`H(A^*)` is the entropy, in nats, of the optimal arm under the prior. **It bounds an average over
    instances drawn from the prior that the policy uses, not the regret on one instance.** The frequentist finite-time
    bounds for one instance (Agrawal and Goyal 2013, Theorems 1 and 2) have constants that the paper does not make
    explicit, so there is no number to return for them.

    Parameters
    ----------
    environment : environment
        Stationary, with rewards in [0, 1]; only its number of arms matters.
    horizon : int
        T, at least 1.
    entropy : float, optional
        :math:`H(A^*)`, from 0 to :math:`\log K`; default :math:`\log K`, its value for a prior that is the same for all
        arms, and its largest value for any prior.

    Raises
    ------
    InvalidArgument
        If rewards can leave [0, 1] or means change, or for a bad horizon or entropy.

    Notes
    -----
    Theorem (Russo and Van Roy 2016, Proposition 1 with the information ratio K/2 of Proposition 3; Lattimore and
    Szepesvari 2020, Theorem 36.7): for independent rewards in [0, 1] and exact posterior sampling, which
    `ThompsonSampling()` is for Bernoulli rewards whose means are drawn uniformly from [0, 1].

    References
    ----------
    Russo, Van Roy (2016), An information-theoretic analysis of Thompson sampling, JMLR 17, arXiv:1403.5341. Agrawal,
    Goyal (2013), Further optimal regret bounds for Thompson sampling, AISTATS, arXiv:1209.3353.

    Examples
    --------
    >>> from banditlab import arms
    >>> round(thompson_sampling_bound(arms.Bernoulli([0.1, 0.5]), 10_000), 3)  # sqrt(10,000 log 2)
    83.255
    """
    t = HORIZON("horizon", horizon)
    _gaps(_bounded(environment))
    k = int(environment.n_arms)
    most = math.log(k)
    uncertainty: float = most if entropy is None else non_negative("entropy", entropy)
    if uncertainty > most + 1e-12:
        raise invalid("entropy", entropy, f"from 0 to log {k} = {most:.6g}")
    return math.sqrt(0.5 * k * t * uncertainty)
