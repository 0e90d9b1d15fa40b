"""What the theory says about strategic click-bandits, as functions of an instance and the horizon.

Guarantees of UCB-S are known to us by their rates, not by their constants. What is said about oracles, and about how
long screening takes, is exact or has constants, and is derived in the docstrings.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import (
    between,
    integer,
    non_negative,
    positive,
    positive_integer,
    positive_probability,
    shown,
)

from .environments import StrategicClickBandit
from .utilities import a_utility


def _bandit(value: Any) -> Any:
    if not isinstance(value, StrategicClickBandit):
        raise InvalidType(f"environment is {shown(value)}; allowed: a clicks.StrategicClickBandit")
    return value


__all__ = [
    "distance_rate",
    "lipschitz_constant",
    "mu_oracle_regret",
    "regret_rate",
    "screening_selections",
    "second_price_strategy",
    "strategy_oracle_regret",
]


def regret_rate(n_arms: int, horizon: int) -> float:
    r"""Return :math:`\sqrt{KT}`, the rate of UCB-S's strong strategic regret, up to logarithms.

    Upper bound: Corollary 5.4 of the paper, uniformly over Nash equilibria; the same rate is a minimax lower bound on
    weak strategic regret. The texts that we read do not state constants and logarithms.

    Parameters
    ----------
    n_arms : int
        K.
    horizon : int
        T.

    References
    ----------
    Buening, Saha, Dimitrakakis, Xu (2024), arXiv:2311.15647.

    Examples
    --------
    >>> from banditlab import clicks
    >>> clicks.theory.regret_rate(4, 10_000)
    200.0
    """
    return math.sqrt(integer(1)("n_arms", n_arms) * positive_integer("horizon", horizon))


def distance_rate(environment: Any, horizon: int) -> NDArray[np.float64]:
    r"""Return :math:`\max\{\Delta_i, \sqrt{K \log T / T}\}`, one entry per arm.

    In every Nash equilibrium under UCB-S, :math:`|s_i - s^*(\mu_i)|` is at most a constant times :math:`H` times this,
    with :math:`\Delta_i = \mu_{i^*} - \mu_i` (Theorem 5.2; its exact form is reconstructed).

    Parameters
    ----------
    environment : clicks.StrategicClickBandit
        Only its means count, not its strategies.
    horizon : int
        T.

    Returns
    -------
    float64 array of shape (n_arms,)

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> clicks.theory.distance_rate(env, 50_000).round(4).tolist()
    [0.0208, 0.1]
    """
    rounds = positive_integer("horizon", horizon)
    means = _bandit(environment).post_click_means
    floor = math.sqrt(len(means) * math.log(rounds) / rounds)
    return np.maximum(means[environment.best_arm] - means, floor)


def lipschitz_constant(utility: Any, lowest_mean: float = 0.0) -> float:
    """Return H, the Lipschitz constant of s* on [lowest mean, 1], from its slopes between 1,001 means.

    Parameters
    ----------
    utility : clicks.Utility
        Whose :math:`s^*` it is.
    lowest_mean : float, default 0.0
        The smallest post-click mean that matters, at most 0.999.

    Examples
    --------
    >>> from banditlab import clicks
    >>> round(clicks.theory.lipschitz_constant(clicks.QuadraticUtility(penalty=5.0)), 9)
    1.1
    """
    low = between(0.0, 0.999)("lowest_mean", lowest_mean)
    means = np.linspace(low, 1.0, 1001)
    known = a_utility("utility", utility)
    strategies = np.array([known.desired(mu) for mu in means])
    return float(np.max(np.abs(np.diff(strategies) / np.diff(means))))


def mu_oracle_regret(environment: Any, horizon: int) -> float:
    r"""Return the strategic regret of `MuOracle` in its equilibrium: :math:`T (u^*(\mu_{i^*}) - u(1, \mu_{i^*}))`.

    The arm it always selects is clicked most at s = 1, whatever the others do: this is dominant, so it is weak and
    strong regret at once (if the largest mean is unique). What the others play costs nothing, as they are never
    selected.

    Parameters
    ----------
    environment : clicks.StrategicClickBandit
        Only its means and utility count, not its strategies.
    horizon : int
        T.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> round(clicks.theory.mu_oracle_regret(env, 1_000), 6)
    578.0
    """
    largest = float(_bandit(environment).post_click_means.max())
    return positive_integer("horizon", horizon) * (environment.best_utility - environment.utility(1.0, largest))


def second_price_strategy(environment: Any) -> float:
    r"""Return the largest click rate of the best arm that leaves the learner with the runner-up's optimal utility.

    .. math:: \max \{ s \ge s^*(\mu_{i^*}) : u(s, \mu_{i^*}) \ge \max_{j \ne i^*} u^*(\mu_j) \}

    if u decreases in s beyond :math:`s^*`. It is what the best arm plays in an equilibrium under `StrategyOracle`
    (derived from the proof idea of Proposition 4.1).

    Parameters
    ----------
    environment : clicks.StrategicClickBandit
        Only its means and utility count, not its strategies.

    Raises
    ------
    InvalidArgument
        If the environment has one arm.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> s = clicks.theory.second_price_strategy(env)
    >>> round(s, 6), round(env.utility(s, 0.6), 6), round(env.utility.optimum(0.5), 6)
    (0.811987, 0.2625, 0.2625)
    """
    from scipy.optimize import brentq

    price = _second_price(_bandit(environment))
    best = float(environment.post_click_means[environment.best_arm])
    desired = environment.utility.desired(best)
    if environment.utility(1.0, best) >= price:
        return 1.0
    if environment.utility(desired, best) <= price:
        return float(desired)
    return float(brentq(lambda s: environment.utility(s, best) - price, desired, 1.0, xtol=1e-15))


def strategy_oracle_regret(environment: Any, horizon: int) -> float:
    r"""Return the weak strategic regret of `StrategyOracle`, with the best arm at `second_price_strategy`.

    It is :math:`T (u^*(\mu_{i^*}) - \max_{j \ne i^*} u^*(\mu_j))`, or less where even s = 1 leaves the learner more
    than that (if u decreases in s beyond :math:`s^*`). Proposition 4.1 of the paper says that it is of order T; the
    constant is derived.

    Parameters
    ----------
    environment : clicks.StrategicClickBandit
        Only its means and utility count, not its strategies.
    horizon : int
        T.

    Raises
    ------
    InvalidArgument
        If the environment has one arm.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
    >>> round(clicks.theory.strategy_oracle_regret(env, 1_000), 6)
    115.5
    """
    best = float(_bandit(environment).post_click_means[environment.best_arm])
    price = max(_second_price(environment), environment.utility(1.0, best))
    return float(positive_integer("horizon", horizon) * (environment.best_utility - price))


def _second_price(environment: Any) -> float:
    if environment.n_arms < 2:
        raise InvalidArgument("environment has 1 arm; allowed: at least 2, as there is no second price")
    optima = sorted(environment.utility.optimum(mu) for mu in environment.post_click_means)
    return float(optima[-2])


def screening_selections(
    distance: float, click_rate: float, horizon: int, lipschitz: float = 1.1, alpha: float = 2.0
) -> float:
    r"""Return how many selections UCB-S needs to screen an arm, when its confidence intervals hold.

    An arm at distance d from :math:`s^*(\mu)` is screened once :math:`2 r(n) + 2 H r(m) < d`, with :math:`r(k) =
    \sqrt{\alpha \log T / k}`: then no click rate in its interval, which is within 2 r(n) of s, is desirable at any
    plausible mean, as the desirable ones are within 2 H r(m) of :math:`s^*(\mu)`. With m = s n clicks, as many as
    expected, this gives

    .. math:: n = \frac{4 \alpha \log T}{d^2} \left( 1 + \frac{H}{\sqrt{s}} \right)^2

    (derived; the paper says :math:`O(\log T / d^2)`).

    Parameters
    ----------
    distance : float
        :math:`d = |s - s^*(\mu)|`, in (0, 1].
    click_rate : float
        s, in (0, 1].
    horizon : int
        T.
    lipschitz : float, default 1.1
        H; 1.1 is that of `QuadraticUtility(penalty=5.0)`.
    alpha : float, default 2.0
        As in `UCBS`.

    Examples
    --------
    >>> round(screening_selections(0.2, 0.75, 50_000))
    11152
    """
    d = positive_probability("distance", distance)
    s = positive_probability("click_rate", click_rate)
    factor = 1.0 + non_negative("lipschitz", lipschitz) / math.sqrt(s)
    return 4.0 * positive("alpha", alpha) * math.log(positive_integer("horizon", horizon)) * (factor / d) ** 2
