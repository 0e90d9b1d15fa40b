"""Upper-confidence-bound policies on means and variances."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.elementary import log
from banditlab.core.validation import non_negative, optional, positive, positive_integer

from ..family import policy
from ..statistics import MeansAndVariances, MeansAndWidths, RunningMeans
from ..support import beyond


@policy
class UCB1(MeansAndWidths):
    r"""The arm with the largest mean plus confidence radius.

    Index of arm a before round t, with :math:`n = t - 1` pulls so far, :math:`n_a` of this arm:

    .. math:: \hat\mu_a + \sqrt{\alpha \log(n) / n_a}

    Every arm is played once first, in order; the first arm wins ties.

    Parameters
    ----------
    alpha : float, default 2.0
        Exploration; 2.0 is the paper's. Positive.

    Notes
    -----
    Guarantee (Auer et al. 2002, Theorem 1; rewards in [0, 1], :math:`\alpha = 2`): :math:`E[R_T] \le 8 \sum_{a:
    \Delta_a > 0} \log T / \Delta_a + (1 + \pi^2/3) \sum_a \Delta_a`. For :math:`\sigma`-sub-Gaussian rewards the same
    index needs `alpha` proportional to :math:`\sigma^2`: 2.0 covers :math:`\sigma` up to 1/2 with this bound.

    References
    ----------
    Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Machine Learning 47,
    Figure 1.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.UCB1(alpha=0.5)
    UCB1(alpha=0.5)
    """

    alpha: float = field(default=2.0, check=positive, doc="exploration; 2.0 is Auer et al. 2002")

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        return state.means[arm, lane] + math.sqrt(self.alpha * log(max(t - 1, 1))) * state.widths[arm, lane]


@policy
class UCBTuned(MeansAndVariances):
    r"""UCB1 with the radius scaled by an upper bound on the variance.

    Index of arm a, with :math:`n = t - 1` pulls so far, :math:`n_a` of this arm, and sample variance
    :math:`\hat\sigma^2_a` (divided by :math:`n_a`):

    .. math:: \hat\mu_a + \sqrt{\frac{\log n}{n_a} \min\{1/4, \hat\sigma_a^2 + \sqrt{2 \log(n) / n_a}\}}

    Notes
    -----
    Guarantee: none, as the paper proves none; it reports that the policy does better than UCB1 in practice. It is for
    rewards in [0, 1], whose variance is at most 1/4.

    References
    ----------
    Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Machine Learning 47,
    section 4.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.UCBTuned()
    UCBTuned()
    """

    rewards: ClassVar[str] = "unit"

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        exploration = log(max(t - 1, 1)) / max(state.counts[arm, lane], 1.0)
        variance = min(0.25, state.variances[arm, lane] + math.sqrt(2.0 * exploration))
        return state.means[arm, lane] + math.sqrt(exploration * variance)


@policy
class UCBV(MeansAndVariances):
    r"""The arm with the largest empirical-Bernstein upper bound.

    Index of arm a in round t, with :math:`E = \zeta \log t` and sample variance :math:`V_a` (divided by :math:`n_a`):

    .. math:: \hat\mu_a + \sqrt{2 V_a E / n_a} + 3 c b E / n_a

    Parameters
    ----------
    zeta : float, default 1.2
        Exploration; the paper's choice in Theorem 4, which needs zeta > 1.
    c : float, default 1.0
        Weight of the range term; the paper's choice there.
    b : float, default 1.0
        Upper bound of the rewards, which lie in [0, b].

    Notes
    -----
    Guarantee (Audibert, Munos, Szepesvari 2009, Theorem 4; rewards in [0, b], defaults): :math:`E[R_T] \le 10 \sum_{a:
    \Delta_a > 0} (\sigma_a^2 / \Delta_a + 2 b) \log T`.

    References
    ----------
    Audibert, Munos, Szepesvari (2009), Exploration-exploitation tradeoff using variance estimates in
    multi-armed bandits, Theoretical Computer Science 410.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.UCBV(c=0.5)
    UCBV(c=0.5)
    """

    zeta: float = field(default=1.2, check=positive, doc="exploration; the guarantee needs more than 1")
    c: float = field(default=1.0, check=non_negative, doc="weight of the range term")
    b: float = field(default=1.0, check=positive, doc="upper bound of the rewards")

    def warnings_about(self, environment: Any, horizon: int) -> list[str]:
        """Return whether rewards are not in [0, b], as the guarantee supposes."""
        return beyond(environment, self.b)

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        e = self.zeta * log(t) / max(state.counts[arm, lane], 1.0)
        return state.means[arm, lane] + math.sqrt(2.0 * state.variances[arm, lane] * e) + 3.0 * self.c * self.b * e


@policy
class MOSS:
    r"""The minimax optimal strategy in the stochastic case, for a known horizon.

    Index of arm a with :math:`n_a` pulls:

    .. math:: \hat\mu_a + \sqrt{\max\{\log(T / (K n_a)), 0\} / n_a}

    Parameters
    ----------
    horizon : int, optional
        T; default the run's horizon.

    Notes
    -----
    Guarantee (Audibert and Bubeck 2009, Theorem 5; rewards in [0, 1]): :math:`E[R_T] \le 49 \sqrt{K T}`.

    References
    ----------
    Audibert, Bubeck (2009), Minimax policies for adversarial and stochastic bandits, COLT.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.MOSS()
    MOSS()
    """

    horizon: int | None = field(default=None, check=optional(positive_integer), doc="the horizon; default the run's")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the horizon and T/K."""
        horizon = self.horizon or problem.required_horizon(self)
        return {"horizon": horizon, "share": horizon / problem.n_arms}

    def state(self, space: Space) -> dict[str, Any]:
        """Return pulls, sums and indices, which change only when their arms are played."""
        return {"counts": space.per_arm(), "sums": space.per_arm(), "indices": space.per_arm(math.inf)}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        return state.indices[arm, lane]

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward, and compute the arm's index."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.indices[arm, lane] = s / n + math.sqrt(max(log(self.share / n), 0.0) / n)


@policy
class MOSSAnytime(RunningMeans):
    r"""MOSS without knowing the horizon.

    Index of arm a in round t with :math:`n_a` pulls:

    .. math:: \hat\mu_a + \sqrt{\frac{1 + \alpha}{2} \cdot \frac{\max\{0, \log(t / (K n_a))\}}{n_a}}

    Parameters
    ----------
    alpha : float, default 1.35
        Exploration; the paper's choice.

    Notes
    -----
    Guarantee (Degenne and Perchet 2016, Theorem 3; rewards 1/2-sub-Gaussian, :math:`\alpha = 1.35`): :math:`E[R_T] \le
    113 \sqrt{K T} + \Delta_{\max}` for every T, with the largest gap :math:`\Delta_{\max}`.

    References
    ----------
    Degenne, Perchet (2016), Anytime optimal algorithms in stochastic multi-armed bandits, ICML.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.MOSSAnytime()
    MOSSAnytime()
    """

    alpha: float = field(default=1.35, check=positive, doc="exploration; 1.35 is the paper's")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        n = max(state.counts[arm, lane], 1.0)
        bonus = max(log(t / (self.n_arms * n)), 0.0) / n
        return state.means[arm, lane] + math.sqrt(0.5 * (1.0 + self.alpha) * bonus)
