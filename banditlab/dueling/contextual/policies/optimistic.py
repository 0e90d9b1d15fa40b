"""Policies with one estimate: MaxInP, MaxPairUCB, MaxFirstUCBNext, CoLSTIM."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Self

import numpy as np

from banditlab.core.components import Params, State, field
from banditlab.core.dispatch import device_call
from banditlab.core.elementary import log
from banditlab.core.sampling import open_uniform, uniform
from banditlab.core.validation import boolean, integer, optional, positive

from ...policies.counts import another_tie
from ..ellipsoid import arm_norms, constant_radius
from ..family import contextual_policy
from ..selection import best_pair, largest, optimistic
from ..spaces import ContextualProblem
from .single_layer import SingleLayer, confidence, estimates_of, measured, random_pair


@device_call
def _promising(state: State, estimates: Any, beta: float, lane: int) -> Any:
    """Return for every arm whether it may be the best: no other one is better by more than beta times their norm."""
    n_arms = estimates.shape[0]
    promising = np.ones(n_arms, np.bool_)
    pair = 0
    for i in range(n_arms):
        for j in range(i + 1, n_arms):
            gap = estimates[i] - estimates[j]
            if gap * gap > beta * beta * state.squared[pair, lane]:
                promising[j if gap > 0.0 else i] = False
            pair += 1
    return promising


@device_call
def _least_known_pair(state: State, promising: Any, lane: int, rng: Any) -> tuple[int, int]:
    """Return the pair of promising arms with the largest norm, ties broken at random; an arm with itself if alone."""
    n_arms = promising.shape[0]
    best, first, second, ties = -1.0, -1, -1, 0
    pair = 0
    for i in range(n_arms):
        for j in range(i + 1, n_arms):
            if promising[i] and promising[j]:
                norm = state.squared[pair, lane]
                if norm > best:
                    best, first, second, ties = norm, i, j, 1
                elif norm == best:
                    ties += 1
                    if another_tie(rng, lane, ties):
                        first, second = i, j
            pair += 1
    if first < 0:
        for i in range(n_arms):
            if promising[i]:
                first, second = i, i
    return first, second


@contextual_policy
class MaxInP(SingleLayer):
    r"""The least known pair among the arms that may be the best (maximum informative pair).

    With :math:`V_t = \lambda I + \sum_{s < t} z_s z_s^\top`, z the difference of the features of the arms compared, and

    .. math:: \hat\theta_t = \arg\min_\theta \tfrac12 \kappa \lambda \lVert \theta \rVert^2 + \sum_{s < t} \left(
        \ln(1 + e^{z_s^\top \theta}) - o_s z_s^\top \theta \right),

    the promising arms are :math:`C_t = \{ x : (x - y)^\top \hat\theta_t + \beta_t \lVert x - y \rVert_{V_t^{-1}} \ge 0
    \ \forall y \}`, and :math:`\arg\max_{x, y \in C_t} \lVert x - y \rVert_{V_t^{-1}}` are compared; an arm that is
    alone is compared with itself. Ties are broken at random.

    Parameters
    ----------
    delta : float, optional
        Probability with which the analysis may fail; default :math:`1 / T`.
    kappa : float, default 0.1
        :math:`\kappa`, a lower bound on the link's slope; 0.1 is the value in VACDB's released experiments, and the
        slope of the logistic link at a margin of 2.
    ridge : float, default 0.001
        :math:`\lambda`; the default is that of these experiments.
    radius : float, optional
        A number c makes :math:`\beta_t = c \sqrt{d \ln T}` (the released experiments have 2); default
        :math:`\beta_t = \frac1\kappa \sqrt{\frac d2 \ln(1 + \frac{2 t}{d \lambda}) + \ln \frac1\delta}`.
    exploration : int, default 0
        Number of initial rounds in which pairs of different arms are drawn at random. The paper has such rounds,
        instead of :math:`\lambda`, so that V is invertible.
    averaged : bool, default False
        Whether the loss is averaged over rounds before the penalty :math:`\kappa \lambda \lVert \theta \rVert^2` is
        added, as in the released code, which makes the penalty 2 t times as large.

    Notes
    -----
    Guarantee (Saha 2021, from memory; K arms drawn independently each round): the regret is :math:`\tilde O(d \sqrt T)`
    with high probability.

    The rule is Algorithms 1 and 2, as described by others; the radius is quoted in VACDB's released code
    (github.com/uclaml/VACDB).

    References
    ----------
    Saha (2021), Optimal algorithms for stochastic contextual preference bandits, NeurIPS, Algorithms 1 and 2.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.MaxInP(radius=2.0)
    MaxInP(radius=2)
    """

    def select(self: Params, state: State, features: Any, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the least known pair of promising arms."""
        measured(state, features, lane, t)
        if t <= self.exploration:
            return random_pair(features.shape[0], lane, rng)
        estimates = estimates_of(self, state, features, lane, t)
        return _least_known_pair(state, _promising(state, estimates, confidence(self, t), lane), lane, rng)


@contextual_policy
class MaxPairUCB(SingleLayer):
    r"""The pair with the largest sum of estimated utilities and radius.

    With estimate, matrix and radius as in `MaxInP`, :math:`\arg\max_{x, y} (x + y)^\top \hat\theta_t + \beta_t
    \lVert x - y \rVert_{V_t^{-1}}` are compared; x = y is allowed. Ties are broken at random.

    Parameters
    ----------
    delta, kappa, ridge, radius, exploration, averaged
        As in `MaxInP`, with the same defaults.

    Notes
    -----
    Guarantee: none, as far as we know: the rule is one of those that VACDB's released experiments compare with
    (github.com/uclaml/VACDB). Its radius in theory is taken to be that of MaxInP.

    References
    ----------
    Di, Jin, Wu, Zhao, Farnoud, Gu (2024), Variance-aware regret bounds for stochastic contextual dueling bandits, ICLR,
    arXiv:2310.00968, in the released code.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.MaxPairUCB.as_released()
    MaxPairUCB(radius=2, averaged=True)
    """

    def select(self: Params, state: State, features: Any, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the pair with the largest optimistic sum of utilities."""
        measured(state, features, lane, t)
        if t <= self.exploration:
            return random_pair(features.shape[0], lane, rng)
        estimates = estimates_of(self, state, features, lane, t)
        return best_pair(state, estimates, confidence(self, t), lane, rng)


@contextual_policy
class MaxFirstUCBNext(SingleLayer):
    r"""The arm that looks best, and its most optimistic challenger.

    With estimate, matrix and radius as in `MaxInP`, :math:`x = \arg\max x^\top \hat\theta_t` is compared with
    :math:`\arg\max_y y^\top \hat\theta_t + \beta_t \lVert y - x \rVert_{V_t^{-1}}`. Ties are broken at random.

    Parameters
    ----------
    delta, kappa, ridge, radius, exploration, averaged
        As in `MaxInP`, with the same defaults.

    Notes
    -----
    Guarantee: none, as far as we know: the rule is in VACDB's released code (github.com/uclaml/VACDB). It is `CoLSTIM`
    without perturbation.

    References
    ----------
    Di, Jin, Wu, Zhao, Farnoud, Gu (2024), Variance-aware regret bounds for stochastic contextual dueling bandits, ICLR,
    arXiv:2310.00968, in the released code.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.MaxFirstUCBNext(exploration=20)
    MaxFirstUCBNext(exploration=20)
    """

    def select(self: Params, state: State, features: Any, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the best arm and its challenger."""
        measured(state, features, lane, t)
        if t <= self.exploration:
            return random_pair(features.shape[0], lane, rng)
        estimates = estimates_of(self, state, features, lane, t)
        first = largest(estimates, lane, rng)
        return first, largest(optimistic(state, estimates, first, confidence(self, t), lane), lane, rng)


@contextual_policy
class CoLSTIM(SingleLayer):
    r"""The arm that looks best after its utility is perturbed as if by noise, and its most optimistic challenger.

    With estimate and matrix as in `MaxInP`: in round t, :math:`B_t` is 1 with probability :math:`p_t = \min(1, d
    \ln(d T) / \sqrt t)`. Gumbel variables :math:`\epsilon_i` are drawn, one per arm if :math:`B_t = 1` and one for all
    arms otherwise, and clipped to :math:`\pm C`. Then

    .. math::
        x &= \arg\max_i x_i^\top \hat\theta_t + \epsilon_i \lVert x_i \rVert_{V_t^{-1}}, \\
        y &= \arg\max_j (x_j - x)^\top \hat\theta_t + c_1 \lVert x_j - x \rVert_{V_t^{-1}}.

    Parameters
    ----------
    delta, kappa, ridge, averaged
        As in `MaxInP`, with the same defaults; `delta` is not used where `radius` is given.
    radius : float, default 1.0
        A number c makes :math:`c_1 = c \sqrt{d \ln T}`; None means MaxInP's radius.
    threshold : float, default 1.0
        A number c makes :math:`C = c \sqrt{d \ln T}`.
    exploration : int, optional
        Number of initial rounds in which pairs are random; default d K.
    inverted : bool, default False
        Whether it is :math:`B_t = 1` that makes all arms share one variable, as in VACDB's released code.

    Notes
    -----
    Guarantee (Bengs, Saha and Hullermeier 2022, abstract; features that vary enough, from memory): the weak regret is
    :math:`\tilde O(\sqrt{d T})`.

    The rule is Algorithm 1, as transcribed in the first author's public notes: variables are independent if :math:`B_t
    = 1`, so that the perturbation fades as :math:`p_t` does. VACDB's released code has it the other way round, and no
    exploration. :math:`c_1` and C are of the order :math:`\sqrt{d \ln T}`; their constants, and the length of
    exploration, are ours. With the Gumbel distribution the difference of two perturbed utilities follows the logistic
    link.

    References
    ----------
    Bengs, Saha, Hullermeier (2022), Stochastic contextual dueling bandits under linear stochastic transitivity models,
    ICML, arXiv:2202.04593, Algorithm 1.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.CoLSTIM()
    CoLSTIM()
    """

    radius: float | None = field(default=1.0, check=optional(positive), doc="c of c_1 = c sqrt(d ln T)")
    threshold: float = field(default=1.0, check=positive, doc="c of C = c sqrt(d ln T)")
    exploration: int | None = field(
        default=None, check=optional(integer(0, limit=2**53)), doc="random first rounds; default d K"
    )  # type: ignore[assignment]
    inverted: bool = field(default=False, check=boolean, doc="whether arms share noise if B = 1, as in released code")

    @classmethod
    def as_released(cls, scale: float = 1.0) -> Self:
        """Return the policy as in VACDB's released experiments.

        It is inverted, without exploration, with :math:`c_1` twice as large and with their loss.

        Parameters
        ----------
        scale : float, default 1.0
            What :math:`c_1` is divided by.

        Examples
        --------
        >>> from banditlab import dueling
        >>> dueling.CoLSTIM.as_released()
        CoLSTIM(radius=2, exploration=0, averaged=True, inverted=True)
        """
        return dataclasses.replace(super().as_released(scale), exploration=0, inverted=True)

    def derive(self, problem: ContextualProblem) -> dict[str, Any]:
        """Return what depends on the problem."""
        made = super().derive(problem)
        size = made["dimension"] * problem.n_arms
        return made | {
            "limit": constant_radius(self.threshold, problem, made["horizon"]),
            "threshold": None,
            "exploration": size if self.exploration is None else self.exploration,
        }

    def select(self: Params, state: State, features: Any, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the best arm after perturbation and its challenger."""
        n_arms = features.shape[0]
        measured(state, features, lane, t)
        if t <= self.exploration:
            return random_pair(n_arms, lane, rng)
        estimates = estimates_of(self, state, features, lane, t)
        d = float(self.dimension)
        chosen = uniform(rng, lane) < d * log(d * self.horizon) / math.sqrt(float(t))
        shared = chosen if self.inverted else not chosen
        norms = arm_norms(state, features, 0, lane)
        perturbed = np.empty(n_arms)
        noise = 0.0
        for i in range(n_arms):
            if i == 0 or not shared:
                noise = -log(-log(open_uniform(rng, lane)))
                noise = min(max(noise, -self.limit), self.limit)
            perturbed[i] = estimates[i] + noise * norms[i]
        first = largest(perturbed, lane, rng)
        return first, largest(optimistic(state, estimates, first, confidence(self, t), lane), lane, rng)
