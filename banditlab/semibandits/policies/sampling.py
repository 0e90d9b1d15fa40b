"""Policies that weigh items by samples from a posterior: combinatorial Thompson sampling."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from banditlab.arms.policies.bayes import BetaPosterior
from banditlab.core.components import Params, State, field
from banditlab.core.elementary import log
from banditlab.core.sampling import beta, fill_beta, normal
from banditlab.core.validation import non_negative, optional, positive

from ..action_sets import an_action_set
from ..family import policy
from .linear import OWN_ACTIONS, ItemMeans


@policy
class BetaCTS(BetaPosterior):
    r"""Combinatorial Thompson sampling with beta posteriors.

    In round t, it draws :math:`\theta_i \sim Beta(a + \sum X_i, b + \sum (1 - X_i))`, with sums over the outcomes of
    item i seen so far, and plays :math:`\arg\max_{A \in \mathcal{A}} \sum_{i \in A} \theta_i`.

    Parameters
    ----------
    a, b : float, default 1.0
        The prior, positive; the default is uniform, 0.5 is Jeffreys'.
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Wang and Chen 2018, Theorem 1, number reconstructed; outcomes in [0, 1], independent items, a Lipschitz
    reward, an exact oracle): regret is of order :math:`\sum_i \log T / \Delta_{i,\min}` for fixed actions, with a
    constant term that is exponential in the size of the optimal action. The constant term is not an artefact: where
    actions are large, samples of all m items must be high at once for an action that once looked bad to be tried again
    (Zhang and Combes 2024; the experiment `semibandits_paradox`).

    Outcomes that are not 0 or 1 count as fractions of a success.

    References
    ----------
    Wang, Chen (2018), Thompson sampling for combinatorial semi-bandits, ICML, arXiv:1803.04623.

    Zhang, Combes (2024), Thompson sampling for combinatorial bandits: polynomial regret and mismatched sampling
    paradox, NeurIPS, arXiv:2410.05441.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.BetaCTS(a=0.5, b=0.5)
    BetaCTS(a=0.5, b=0.5)
    """

    a: float = field(default=1.0, check=positive, doc="prior successes")
    b: float = field(default=1.0, check=positive, doc="prior failures")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "unit"

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Draw from the item's posterior."""
        return beta(rng, lane, state.alphas[arm, lane], state.betas[arm, lane])

    def index_lanes(self: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
        """Draw from the item's posterior in every lane."""
        fill_beta(rng, state.alphas, state.betas, arm, out)


@policy
class GaussianCTS(ItemMeans):
    r"""Combinatorial Thompson sampling with Gaussian samples.

    In round t, it draws :math:`\theta_i \sim N(\hat\mu_i, \sigma^2 / n_i)` and plays :math:`\arg\max_{A \in
    \mathcal{A}} \sum_{i \in A} \theta_i`; first, it plays actions with as many unseen items as possible.

    Parameters
    ----------
    sigma : float, default 0.5
        Outcomes are :math:`\sigma`-sub-Gaussian; 0.5 is right for all outcomes in [0, 1].
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee: none, as none of polynomial order is stated for it by Zhang and Combes (2024), who consider it as what
    `BGCTS` boosts.

    References
    ----------
    Zhang, Combes (2024), Thompson sampling for combinatorial bandits: polynomial regret and mismatched sampling
    paradox, NeurIPS, arXiv:2410.05441.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.GaussianCTS(sigma=0.25)
    GaussianCTS(sigma=0.25)
    """

    sigma: float = field(default=0.5, check=positive, doc="sub-Gaussian parameter; 0.5 for outcomes in [0, 1]")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Draw a weight."""
        return state.means[arm, lane] + self.sigma * state.widths[arm, lane] * normal(rng, lane)


@policy
class BGCTS(ItemMeans):
    r"""Combinatorial Thompson sampling with Gaussian samples whose variance is boosted.

    In round t, it draws :math:`\theta_i \sim N(\hat\mu_i, 2 g(t) \sigma^2 / n_i)` and plays :math:`\arg\max_{A \in
    \mathcal{A}} \sum_{i \in A} \theta_i`, with :math:`g(t) = f(t) / \log t` and

    .. math:: f(t) = (1 + \lambda) \left( \log t + (m + 2) \log\log t + \frac{m}{2} \log(1 + e / \lambda) \right)

    m being the size of the largest action. First, actions with as many unseen items as possible are played. In the
    first round t is taken as 2, and :math:`\log\log t` as 0 where it is negative.

    Parameters
    ----------
    sigma : float, default 0.5
        Outcomes are :math:`\sigma`-sub-Gaussian; 0.5 is right for all outcomes in [0, 1].
    lam : float, default 1.0
        :math:`\lambda`; 1.0 is the theorem's. At 0 the last logarithm is left out, as in the authors' experiments.
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Zhang and Combes 2024; :math:`\lambda = 1`, sub-Gaussian outcomes, d items): :math:`R_T =
    O(\frac{\sigma^2 d \log m}{\Delta_{\min}} \log T + \frac{\sigma^2 d^2 m \log m}{\Delta_{\min}} \log\log T)` and a
    term polynomial in m and d that does not grow with T. The theorem's number was not read.

    f is as in the authors' released code, also at :math:`\lambda = 0`, where the formula has no value.

    References
    ----------
    Zhang, Combes (2024), Thompson sampling for combinatorial bandits: polynomial regret and mismatched sampling
    paradox, NeurIPS, arXiv:2410.05441.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.BGCTS()
    BGCTS()
    """

    sigma: float = field(default=0.5, check=positive, doc="sub-Gaussian parameter; 0.5 for outcomes in [0, 1]")
    lam: float = field(default=1.0, check=non_negative, doc="lambda; 1.0 is the theorem's")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    def derive(self, problem: Any) -> dict[str, Any]:
        """Return the size of the largest action, and what f adds whatever the round."""
        m = float(problem.actions.max_size(problem.n_arms))
        constant = 0.5 * m * log(1.0 + math.e / self.lam) if self.lam > 0.0 else 0.0
        return super().derive(problem) | {"m": m, "constant": constant}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Draw a weight."""
        first = log(max(float(t), 2.0))
        f = (1.0 + self.lam) * (first + (self.m + 2.0) * max(log(first), 0.0) + self.constant)
        width = self.sigma * math.sqrt(2.0 * f / first)
        return state.means[arm, lane] + width * state.widths[arm, lane] * normal(rng, lane)
