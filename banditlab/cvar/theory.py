"""Bounds on regret in CVaR, of bandits and of learning in tabular MDPs, as numbers; the bandits' hard instances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.arms import Bernoulli
from banditlab.arms.divergences import kinf_finite
from banditlab.arms.finite import FiniteSupport, finite_laws
from banditlab.arms.protocol import cvar_gaps
from banditlab.arms.tails import checked_level
from banditlab.core.components import is_kind
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import (
    between,
    integer,
    invalid,
    number,
    open_probability,
    optional,
    positive_integer,
    shown,
)

from .distribution import Distribution

__all__ = [
    "bernstein_rate",
    "bernstein_ucb_bound",
    "hard_instance",
    "hoeffding_bound",
    "kinf_cvar",
    "lower_bound_constant",
    "minimax_lower_bound",
    "static_lower_bound",
]

BELOW_HALF = between(0.0, 0.5, open_low=True, open_high=True)
"""The check of a level in the lower bounds."""

SMALLEST_GAP = 1e-10  # of means near 1, whose last digit is 1e-16


# -------------------------------------------------------------------------------------------------- bandits


def minimax_lower_bound(n_arms: int, horizon: int, tau: float) -> float:
    r"""Return a lower bound on every policy's worst-case regret in CVaR, :math:`\sqrt{(A-1)T/\tau}/(24e)`.

    Parameters
    ----------
    n_arms : int
        A, at least 2.
    horizon : int
        T, at least 1.
    tau : float
        The level, in (0, 1/2).

    Notes
    -----
    Theorem (Wang, Kallus, Sun 2023, arXiv:2302.03201, Theorem 3.1, as summarised by those who read it): for every
    policy there are rewards in [0, 1], even Bernoulli ones (see `hard_instance`), for which its expected regret is at
    least this. The horizon must be large; how large, the source does not say. We suppose :math:`T \ge T_0 = \lceil (A -
    1)/\tau \rceil`, below which the tail of an arm is hardly seen. For shorter horizons the bound is ours: to play
    :math:`T_0` rounds one can start afresh every T rounds, so that the regret over T is at least the :math:`\lceil
    T_0/T \rceil`-th part of the bound at :math:`T_0`.

    Examples
    --------
    >>> from banditlab import cvar
    >>> round(cvar.theory.minimax_lower_bound(2, 10_000, tau=0.01), 3)
    15.328
    """
    A, T = integer(2)("n_arms", n_arms), positive_integer("horizon", horizon)
    level = BELOW_HALF("tau", tau)
    return _minimax(A - 1, T, level)


def _minimax(n_gaps: int, rounds: int, level: float) -> float:
    """Return the bound for these rounds, or less for fewer than it applies to: see `minimax_lower_bound`."""
    shortest = n_gaps / level
    if rounds >= shortest * (1.0 - 1e-12):  # the quotient is rounded
        return math.sqrt(n_gaps * rounds / level) / (24.0 * math.e)
    return shortest / math.ceil(shortest / rounds) / (24.0 * math.e)


def bernstein_ucb_bound(n_arms: int, horizon: int, tau: float, delta: float | None = None) -> float:
    r"""Return the upper bound on the regret in CVaR of BernsteinUCB.

    .. math:: 4 \sqrt{A T / \tau} \, L + 16 A L^2 / \tau, \quad L = \log(A T / \delta)

    Parameters
    ----------
    n_arms, horizon : int
        A and T, at least 1.
    tau : float
        The level, in (0, 1].
    delta : float, optional
        The probability with which it may be exceeded, in (0, 1); default 1/T, as in the policy.

    Notes
    -----
    Theorem (Wang, Kallus, Sun 2023, arXiv:2302.03201, Theorem 4.1): with probability at least :math:`1 - \delta`, for
    rewards in [0, 1] of any distributions. The bound is above T, which no regret exceeds, until T is about :math:`16
    L^2 A / \tau`.

    Examples
    --------
    >>> from banditlab import cvar
    >>> round(cvar.theory.bernstein_ucb_bound(2, 10**6, tau=0.25) / 10**6, 3)
    0.423
    """
    A, T = positive_integer("n_arms", n_arms), positive_integer("horizon", horizon)
    level, given = checked_level("tau", tau), optional(open_probability)("delta", delta)
    L = math.log(A * T) - math.log(1.0 / T if given is None else given)
    return 4.0 * math.sqrt(A * T / level) * L + 16.0 * A * L * L / level


def hard_instance(tau: float, epsilon: float, n_arms: int = 2) -> Bernoulli:
    r"""Return the instance of the minimax lower bound: coins, of which the last is better.

    Means are :math:`1 - \tau`, and that of the last arm is larger by :math:`\epsilon`: CVaRs at the level :math:`\tau`
    are 0, and :math:`\epsilon / \tau` for the last arm. Rewards have a variance of about :math:`\tau`: it takes about
    :math:`\tau / \epsilon^2` pulls to see the difference, each of which costs :math:`\epsilon / \tau`.

    Parameters
    ----------
    tau : float
        The level, in (0, 1).
    epsilon : float
        By how much the best arm's mean exceeds the others', in :math:`(0, \tau]`; at least :math:`10^{-10}`, as means
        near 1 are rounded. For T rounds it is hardest at the order of :math:`\sqrt{\tau (A - 1) / T}`.
    n_arms : int, default 2
        A, at least 2.

    Notes
    -----
    Theorem 3.1 of Wang, Kallus and Sun (2023, arXiv:2302.03201) is proved with :math:`Ber(1 - \tau)` against
    :math:`Ber(1 - \tau + \epsilon)`; how its :math:`\epsilon` is chosen we have not read, and the order above is
    derived.

    Examples
    --------
    >>> from banditlab import cvar
    >>> env = cvar.theory.hard_instance(0.25, 0.125)
    >>> env.means.tolist(), env.cvars(0.25).tolist()
    ([0.75, 0.875], [0.0, 0.5])
    """
    level = open_probability("tau", tau)
    better = between(0.0, level, open_low=True)("epsilon", epsilon)
    if better < SMALLEST_GAP:
        raise invalid("epsilon", epsilon, f"at least {SMALLEST_GAP:g}")
    means = np.full(integer(2, limit=2**31)("n_arms", n_arms), 1.0 - level)
    means[-1] = min(1.0 - level + better, 1.0)
    return Bernoulli(means)


def kinf_cvar(
    values: ArrayLike, probabilities: ArrayLike, target: float, tau: float, upper: float | None = None
) -> float:
    r"""Return :math:`K_{\inf}^\tau`, the divergence to the nearest distribution whose CVaR reaches a target.

    .. math:: K_{\inf}^\tau(\nu, c) = \inf \{ KL(\nu, \nu') : \mathrm{CVaR}_\tau(\nu') \ge c \}

    over all :math:`\nu'` on :math:`(-\infty, m]`, m being `upper`, for a finitely supported :math:`\nu`. That CVaR
    reaches c means that :math:`E_{\nu'}[(b - X)^+] \le \tau (b - c)` for some budget b, which is linear in
    :math:`\nu'`: for each b this is the :math:`K_{\inf}` of the mean of :math:`-(b - X)^+`, whose dual has one
    multiplier (`arms.divergences.kinf_finite`). The best b is a quantile of the nearest distribution, which lives on
    the atoms of :math:`\nu` and on `upper`. (This reduction is ours.)

    Parameters
    ----------
    values : sequence of float
        The atoms, increasing.
    probabilities : sequence of float
        Their probabilities; they sum to one.
    target : float
        The CVaR c that is to be reached.
    tau : float
        The level, in (0, 1]. At 1 this is `arms.divergences.kinf_finite`.
    upper : float, optional
        The largest possible reward; default the largest of `values`. The smaller model of the distributions on `values`
        has the same :math:`K_{\inf}`.

    Returns
    -------
    float
        In nats; 0 where the CVaR reaches the target already, infinite where no distribution's does.

    Examples
    --------
    >>> from banditlab import arms, cvar
    >>> round(cvar.theory.kinf_cvar([0.0, 1.0], [0.5, 0.5], target=0.5, tau=0.5), 6)  # kl(1/2, 3/4)
    0.143841
    >>> arms.divergences.kl_bernoulli(0.5, 0.75).__round__(6)
    0.143841
    """
    law = Distribution(values, probabilities)  # type: ignore[arg-type]  # it checks them
    level, c = checked_level("tau", tau), number("target", target)
    top = float(law.values[-1]) if upper is None else number("upper", upper)
    if top < law.values[-1]:
        raise invalid("upper", upper, f"at least the largest of values, which is {law.values[-1]:g}")
    if law.cvar(level) >= c:
        return 0.0
    budgets = [b for b in (*law.values[law.probabilities > 0.0], top) if b > c]
    p = law.probabilities
    found = [kinf_finite(-np.maximum(b - law.values, 0.0), p, -level * (b - c), 0.0) for b in budgets]
    return min(found, default=math.inf)


def lower_bound_constant(environment: Any, tau: float, upper: float | None = None) -> float:
    r"""Return the constant C of the asymptotic lower bound on regret in CVaR, :math:`R_T \ge C \log T`.

    .. math:: C = \sum_{a: \Delta_a > 0} \frac{\Delta_a}{K_{\inf}^\tau(\nu_a, c^*)}, \quad \Delta_a = c^* -
        \mathrm{CVaR}_\tau(\nu_a)

    where :math:`c^*` is the largest CVaR and :math:`K_{\inf}^\tau` that of the distributions up to the largest possible
    reward.

    Parameters
    ----------
    environment : environment of arms
        One whose rewards take finitely many values: Bernoulli, Categorical, Empirical. For continuous ones take
        `Empirical.from_rewards` of some quantiles of each, such as 200.
    tau : float
        The level, in (0, 1].
    upper : float, optional
        The largest possible reward; default: the end of the environment's support, which for `Empirical` is the
        largest that was seen. A larger one can only raise the constant.

    Raises
    ------
    InvalidArgument
        For other environments, or `upper` below the end of the support.

    Notes
    -----
    It describes the long run: after some thousand rounds a policy that attains it can have lost only a small part of
    :math:`C \log T`.

    Theorem (Baudry, Gautron, Kaufmann, Maillard 2021, arXiv:2012.05754, as summarised by those who read it): every
    policy that is uniformly good in CVaR has :math:`\liminf_T E[R_T] / \log T \ge C`. `MCVTS` attains it on multinomial
    arms (Theorem 2), `BCVTS` on bounded arms with continuous distributions (Theorem 3). Arms whose CVaR is within 1e-12
    of the best count as best: the ratio of a rounding error to its square would be huge.

    Examples
    --------
    >>> from banditlab import arms, cvar
    >>> env = arms.Bernoulli([0.5, 0.75])
    >>> round(cvar.theory.lower_bound_constant(env, tau=0.5), 3)  # 0.5 / kl(1/2, 3/4)
    3.476
    >>> round(cvar.theory.lower_bound_constant(env, tau=1.0) / arms.theory.lower_bound_constant(env), 9)
    1.0
    >>> logged = arms.Empirical.from_rewards([[0.1, 0.2, 0.5], [0.3, 0.4, 0.6]])  # of grades that go up to 1
    >>> [round(cvar.theory.lower_bound_constant(logged, tau=0.9, upper=end), 3) for end in (0.6, 1.0)]
    [0.384, 0.579]
    """
    laws, level = _laws(environment), checked_level("tau", tau)
    gaps = cvar_gaps(environment, "cvar_regret", level)
    best, end = float(np.max(environment.cvars(level))), float(environment.support.high)
    top = end if upper is None else number("upper", upper)
    if top < end:
        raise invalid("upper", upper, f"at least the end of the environment's support, which is {end:g}")
    costs = [
        gap / kinf_cvar(values, probabilities, best, level, top)
        for gap, (values, probabilities) in zip(gaps, laws, strict=True)
        if gap > 1e-12
    ]
    return math.fsum(costs)


def _laws(environment: Any) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return each arm's different values and their probabilities, or raise."""
    if not is_kind(environment, "environment"):
        raise InvalidType(f"environment is {shown(environment)}; allowed: an environment")
    if isinstance(environment, Bernoulli):
        return [(np.array([0.0, 1.0]), np.array([1.0 - p, p])) for p in environment.means]
    support = getattr(environment, "support", None)
    if not isinstance(environment, FiniteSupport) or support is None or not math.isfinite(support.high):
        raise InvalidArgument(
            f"environment is {shown(environment)}; allowed: one whose rewards take finitely many values, as "
            "arms.Bernoulli, arms.Categorical and arms.Empirical"
        )
    return finite_laws(environment)


# ------------------------------------------------------------------------------------------------------ MDPs


def _sizes(n_states: int, n_actions: int, n_episodes: int) -> tuple[int, int, int]:
    return (
        positive_integer("n_states", n_states),
        positive_integer("n_actions", n_actions),
        positive_integer("n_episodes", n_episodes),
    )


def static_lower_bound(n_states: int, n_actions: int, n_episodes: int, tau: float) -> float:
    r"""Return the minimax lower bound on the regret in static CVaR, :math:`\sqrt{S(A-1)K/\tau}/(24e)`.

    Every learner's expected regret is at least that on some MDP with returns in [0, 1], for :math:`\tau < 1/2` (Wang,
    Kallus, Sun 2023, arXiv:2302.03201, Corollary 3.2). We suppose :math:`K \ge S(A-1)/\tau`; for fewer episodes the
    bound is smaller, as in `minimax_lower_bound`.

    Parameters
    ----------
    n_states, n_actions, n_episodes : int
        S, A and K, at least 1.
    tau : float
        The level, in (0, 1/2).

    Examples
    --------
    >>> from banditlab import cvar
    >>> round(cvar.theory.static_lower_bound(10, 4, 10_000, tau=0.25), 4)
    16.7913
    """
    S, A, K = _sizes(n_states, n_actions, n_episodes)
    level = BELOW_HALF("tau", tau)
    return _minimax(S * (A - 1), K, level) if A > 1 else 0.0


def hoeffding_bound(
    n_states: int, n_actions: int, n_steps: int, n_episodes: int, tau: float, delta: float = 0.05
) -> float:
    r"""Return the bound on the regret of CVaR-UCBVI with Hoeffding bonuses.

    .. math:: 4e \sqrt{SAHK} \, L/\tau + 10 e S^2 A H L^2/\tau, \quad L = \log(HSAK/\delta)

    with probability at least :math:`1 - \delta`, for returns in [0, 1] (Wang, Kallus, Sun 2023, arXiv:2302.03201,
    section 5; the constants are reconstructed).

    Parameters
    ----------
    n_states, n_actions, n_steps, n_episodes : int
        S, A, H and K, at least 1.
    tau : float
        The level, in (0, 1].
    delta : float, default 0.05
        The probability with which it may be exceeded, in (0, 1).

    Examples
    --------
    >>> from banditlab import cvar
    >>> # it is below the trivial bound only then
    >>> cvar.theory.hoeffding_bound(2, 2, 2, 10**9, tau=0.5) < 10**9
    True
    """
    S, A, K = _sizes(n_states, n_actions, n_episodes)
    H, level = positive_integer("n_steps", n_steps), checked_level("tau", tau)
    L = math.log(H * S * A * K / open_probability("delta", delta))
    return 4.0 * math.e * math.sqrt(S * A * H * K) * L / level + 10.0 * math.e * S * S * A * H * L * L / level


def bernstein_rate(n_states: int, n_actions: int, n_episodes: int, tau: float) -> float:
    r"""Return :math:`\sqrt{SAK}/\tau`, the rate of CVaR-UCBVI with Bernstein bonuses.

    Up to a constant, logarithms and lower-order terms, none of which are known to us (Wang, Kallus, Sun 2023,
    arXiv:2302.03201, Theorem 5.3).

    Parameters
    ----------
    n_states, n_actions, n_episodes : int
        S, A and K, at least 1.
    tau : float
        The level, in (0, 1].

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.theory.bernstein_rate(10, 4, 10_000, tau=0.5)
    1264.9110640673518
    """
    S, A, K = _sizes(n_states, n_actions, n_episodes)
    return math.sqrt(S * A * K) / checked_level("tau", tau)
