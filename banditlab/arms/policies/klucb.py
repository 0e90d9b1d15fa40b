"""Policies whose exploration is measured by a Kullback-Leibler divergence."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import log
from banditlab.core.validation import non_negative, optional, positive, positive_integer

from ..divergence_kernels import divergence, negative_entropy, upper_bound
from ..family import policy
from ..statistics import MeansAndWidths


class MeansAndEntropies:
    """Base of policies that keep pulls, sums and means of each arm, and the mean's negative entropy beside."""

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(),
            "entropies": space.per_arm(),
        }

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        mean = min(max(s / n, 0.0), 1.0)
        state.means[arm, lane] = mean
        state.entropies[arm, lane] = negative_entropy(mean)


@device
def budget(c: float, t: int) -> float:
    """Return log t + c log log t, at least 0."""
    logarithm = log(t)
    return max(logarithm + c * log(max(logarithm, 1e-300)), 0.0) if c > 0.0 else logarithm


@policy
class KLUCB(MeansAndEntropies):
    r"""The arm with the largest mean that is plausible by the Bernoulli divergence.

    Index of arm a in round t with :math:`n_a` pulls, where kl is the divergence between Bernoulli distributions:

    .. math:: \max\{q \in [0, 1] : n_a \, kl(\hat\mu_a, q) \le \log t + c \log\log t\}

    Every arm is played once first, in order; the first arm wins ties.

    Parameters
    ----------
    c : float, default 0.0
        Weight of :math:`\log\log t`; the proof uses 3, the paper recommends 0 in practice. At least 0.

    Notes
    -----
    Guarantee (Garivier and Cappe 2011, Theorem 2; rewards in [0, 1], :math:`c = 3`): :math:`E[N_a(T)] \le \log(T) (1 +
    \epsilon) / kl(\mu_a, \mu^*) + O(\log\log T)`. For Bernoulli rewards that meets the lower bound of Lai and Robbins.

    References
    ----------
    Garivier, Cappe (2011), The KL-UCB algorithm for bounded stochastic bandits and beyond, arXiv:1102.2490.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.KLUCB(c=3.0)
    KLUCB(c=3)
    """

    c: float = field(default=0.0, check=non_negative, doc="weight of log log t; 3 in the proof, 0 recommended")

    rewards: ClassVar[str] = "unit"

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        n = state.counts[arm, lane]
        bound = upper_bound(state.means[arm, lane], budget(self.c, t) / max(n, 1.0), state.entropies[arm, lane])
        return math.inf if n == 0.0 else bound


@policy
class GaussianKLUCB(MeansAndWidths):
    r"""KL-UCB with the divergence between Gaussians of known variance, in closed form.

    Index of arm a in round t with :math:`n_a` pulls: :math:`\hat\mu_a + \sigma \sqrt{2 (\log t + c \log\log t) / n_a}`.

    Parameters
    ----------
    std : float, default 1.0
        :math:`\sigma`, the standard deviation of the rewards, or a sub-Gaussian constant; positive.
    c : float, default 0.0
        Weight of :math:`\log\log t`; at least 0.

    Notes
    -----
    Guarantee (Cappe et al. 2013, Theorem 1; Gaussian rewards of variance :math:`\sigma^2`, :math:`c = 3`):
    :math:`E[N_a(T)] \le 2 \sigma^2 \log(T) / \Delta_a^2 + O(\sqrt{\log T})`, which meets the lower bound.

    The paper's index for round t uses :math:`\log(t - 1)`; this one :math:`\log t`, as Garivier and Cappe (2011).

    References
    ----------
    Cappe, Garivier, Maillard, Munos, Stoltz (2013), Kullback-Leibler upper confidence bounds for optimal
    sequential allocation, Annals of Statistics 41, arXiv:1210.1136.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.GaussianKLUCB(std=0.5)
    GaussianKLUCB(std=0.5)
    """

    std: float = field(default=1.0, check=positive, doc="standard deviation of the rewards")
    c: float = field(default=0.0, check=non_negative, doc="weight of log log t; 3 in the proof")

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        return state.means[arm, lane] + self.std * math.sqrt(2.0 * budget(self.c, t)) * state.widths[arm, lane]


@policy
class KLUCBPlusPlus(MeansAndEntropies):
    r"""KL-UCB for a known horizon, minimax and asymptotically optimal at once.

    Index of arm a with n pulls: :math:`\max\{q : n\, kl(\hat\mu_a, q) \le g(n)\}`, with :math:`g(n) =
    \log_+\left(\frac{T}{K n}\left(\log_+^2\frac{T}{K n} + 1\right)\right)` and :math:`\log_+ x = \max(\log x, 0)`.

    Parameters
    ----------
    horizon : int, optional
        T; default the run's horizon.

    Notes
    -----
    Guarantee (Menard and Garivier 2017, Theorems 1 and 2; Bernoulli rewards): :math:`E[R_T] \le 76 \sqrt{V K T} + K`
    with :math:`V = 1/4`, and :math:`\limsup R_T / \log T` equals the lower bound of Lai and Robbins.

    References
    ----------
    Menard, Garivier (2017), A minimax and asymptotically optimal algorithm for stochastic bandits, arXiv:1702.07211.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.KLUCBPlusPlus()
    KLUCBPlusPlus()
    """

    horizon: int | None = field(default=None, check=optional(positive_integer), doc="the horizon; default the run's")

    rewards: ClassVar[str] = "unit"

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the horizon and T/K."""
        horizon = self.horizon or problem.required_horizon(self)
        return {"horizon": horizon, "share": horizon / problem.n_arms}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        n = state.counts[arm, lane]
        ratio = self.share / max(n, 1.0)
        logarithm = max(log(ratio), 0.0)
        exploration = max(log(ratio * (logarithm * logarithm + 1.0)), 0.0)
        bound = upper_bound(state.means[arm, lane], exploration / max(n, 1.0), state.entropies[arm, lane])
        return math.inf if n == 0.0 else bound


@policy
class IMED:
    r"""Indexed minimum empirical divergence, with the Bernoulli divergence.

    Plays the arm with the smallest :math:`n_a\, kl(\hat\mu_a, \hat\mu^*) + \log n_a`, where :math:`\hat\mu^*` is
    the largest mean so far. Every arm is played once first, in order; the first arm wins ties, as far as rounding
    sees them (two arms with different rewards can have indices that are equal only in exact arithmetic).

    Notes
    -----
    Guarantee (Honda and Takemura 2015, Theorem 5; Bernoulli rewards): :math:`\limsup R_T / \log T` equals the lower
    bound. The theorem is for all distributions bounded above, with their K_inf in place of kl; for Bernoulli rewards
    the two are the same.

    References
    ----------
    Honda, Takemura (2015), Non-asymptotic analysis of a new bandit algorithm for semi-bounded rewards, JMLR 16.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.IMED()
    IMED()
    """

    rewards: ClassVar[str] = "unit"

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def state(self, space: Space) -> dict[str, Any]:
        """Return pulls, sums, means and negative entropies of the arms, and each lane's largest mean."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(-1.0),
            "entropies": space.per_arm(),
            "best": space.per_lane(-1.0),
        }

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return minus the paper's index."""
        n = state.counts[arm, lane]
        away = divergence(state.means[arm, lane], state.best[lane], state.entropies[arm, lane])
        return math.inf if n == 0.0 else -(n * away + log(max(n, 1.0)))

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward, and find the largest mean again if it was this arm's."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        before = state.means[arm, lane]
        mean = min(max(s / n, 0.0), 1.0)
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = mean
        state.entropies[arm, lane] = negative_entropy(mean)
        best = state.best[lane]
        if mean >= best:
            state.best[lane] = mean
        elif before == best:
            best = mean
            for a in range(self.n_arms):
                best = max(best, state.means[a, lane])
            state.best[lane] = best
