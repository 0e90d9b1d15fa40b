"""Policies for losses chosen by an adversary: exponential weights, and Tsallis-INF."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import exp
from banditlab.core.sampling import uniform
from banditlab.core.validation import one_of, optional, positive, positive_probability

from ..family import policy


@device
def draw(probabilities: Any, n_arms: int, lane: int, rng: Any) -> int:
    """Draw an arm from a lane's column; the last arm takes what rounding leaves over."""
    u = uniform(rng, lane)
    total = 0.0
    for a in range(n_arms):
        total += probabilities[a, lane]
        if u < total:
            return a
    return n_arms - 1


@policy
class EXP3:
    r"""Exponential weights for exploration and exploitation, with uniform mixing.

    Plays arm a with probability :math:`p_a = (1 - \gamma) w_a / \sum_b w_b + \gamma / K`; after reward x from the arm
    played, :math:`w_a \leftarrow w_a \exp(\gamma (x / p_a) / K)`.

    Parameters
    ----------
    gamma : float, optional
        Mixing and learning rate, in (0, 1]; default :math:`\min\{1, \sqrt{K \log K / ((e - 1) T)}\}`, the paper's
        choice for horizon T.

    Notes
    -----
    Guarantee (Auer et al. 2002, Corollary 3.2; rewards in [0, 1], default `gamma`): expected regret against the best
    arm in hindsight is at most :math:`2 \sqrt{e - 1} \sqrt{T K \log K}`, whatever the rewards.

    References
    ----------
    Auer, Cesa-Bianchi, Freund, Schapire (2002), The nonstochastic multiarmed bandit problem, Figure 1.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.EXP3(gamma=0.1)
    EXP3(gamma=0.1)
    """

    gamma: float | None = field(
        default=None,
        check=optional(positive_probability),
        doc="mixing and learning rate; default from the horizon",
    )

    rewards: ClassVar[str] = "unit"

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return gamma and the number of arms."""
        k, gamma = problem.n_arms, self.gamma
        if gamma is None:
            horizon = problem.required_horizon(self)
            gamma = min(1.0, math.sqrt(k * math.log(k) / ((math.e - 1.0) * horizon))) if k > 1 else 1.0
        return {"gamma": gamma, "n_arms": k}

    def state(self, space: Space) -> dict[str, Any]:
        """Return the logarithms of the weights, and the probabilities of the current round."""
        return {"log_weights": space.per_arm(), "probabilities": space.per_arm()}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Draw from the weights."""
        largest = -math.inf
        for a in range(self.n_arms):
            largest = max(largest, state.log_weights[a, lane])
        total = 0.0
        for a in range(self.n_arms):
            weight = exp(state.log_weights[a, lane] - largest)
            state.probabilities[a, lane] = weight
            total += weight
        for a in range(self.n_arms):
            share = state.probabilities[a, lane] / total
            state.probabilities[a, lane] = (1.0 - self.gamma) * share + self.gamma / self.n_arms
        return draw(state.probabilities, self.n_arms, lane, rng)

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Raise the weight of the arm played."""
        state.log_weights[arm, lane] += self.gamma * (reward / state.probabilities[arm, lane]) / self.n_arms


@policy
class EXP3IX:
    r"""Exponential weights with implicit exploration: regret small with high probability.

    With the loss l, which is 1 minus the reward, and estimates :math:`\hat L_a = \sum_s l_s 1\{a_s = a\} / (p_{s,a} +
    \gamma_s)`, plays arm a with probability proportional to :math:`\exp(-\eta_t \hat L_a)`.

    Parameters
    ----------
    eta : float, optional
        A fixed learning rate :math:`\eta`, with :math:`\gamma = \eta / 2`; default the anytime rates
        :math:`\eta_t = 2 \gamma_t = \sqrt{\log(K) / (K t)}`.

    Notes
    -----
    Guarantee (Neu 2015, Theorem 1; losses in [0, 1], default rates): for every fixed T, with probability at least
    :math:`1 - \delta`, regret against the best arm is :math:`O(\sqrt{K T \log K} + \log(1/\delta) \sqrt{K T / \log
    K})`.

    References
    ----------
    Neu (2015), Explore no more: improved high-probability regret bounds for non-stochastic bandits, arXiv:1506.03271.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.EXP3IX()
    EXP3IX()
    """

    eta: float | None = field(
        default=None, check=optional(positive), doc="fixed learning rate; default the anytime rates"
    )

    rewards: ClassVar[str] = "unit"

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the learning rate, and whether it is fixed."""
        k = problem.n_arms
        fixed = self.eta is not None
        return {"eta": self.eta if fixed else math.sqrt(math.log(k) / k), "fixed": fixed, "n_arms": k}

    def state(self, space: Space) -> dict[str, Any]:
        """Return the loss estimates, and the probabilities of the current round."""
        return {"losses": space.per_arm(), "probabilities": space.per_arm()}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Draw from the weights."""
        eta = self.eta if self.fixed else self.eta / math.sqrt(t)
        least = math.inf
        for a in range(self.n_arms):
            least = min(least, state.losses[a, lane])
        total = 0.0
        for a in range(self.n_arms):
            weight = exp(-eta * (state.losses[a, lane] - least))
            state.probabilities[a, lane] = weight
            total += weight
        for a in range(self.n_arms):
            state.probabilities[a, lane] /= total
        return draw(state.probabilities, self.n_arms, lane, rng)

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the loss estimate of the arm played."""
        eta = self.eta if self.fixed else self.eta / math.sqrt(t)
        state.losses[arm, lane] += (1.0 - reward) / (state.probabilities[arm, lane] + 0.5 * eta)


@device
def tsallis_probabilities(losses: Any, probabilities: Any, n_arms: int, scale: float, t: int, lane: int) -> None:
    """Write the weights 4 / (eta (L_a - x))^2 of a lane, with eta = scale / sqrt(t), into `probabilities`.

    The normaliser x is found by Newton's method from the right, where it converges monotonically.
    """
    eta = scale / math.sqrt(t)
    least = math.inf
    for a in range(n_arms):
        least = min(least, losses[a, lane])
    below_least = 2.0 / eta  # at this x the best arm alone has weight 1
    total = 1.0
    for _ in range(100):
        total = 0.0
        slope = 0.0
        for a in range(n_arms):
            root = 2.0 / (eta * (losses[a, lane] - least + below_least))
            weight = root * root
            probabilities[a, lane] = weight
            total += weight
            slope += weight * root
        step = (total - 1.0) / (eta * slope)
        below_least += step
        if abs(total - 1.0) < 1e-13:
            break
    for a in range(n_arms):
        probabilities[a, lane] /= total


@device
def add_tsallis_losses(
    losses: Any, probabilities: Any, n_arms: int, scale: float, reduced: bool, t: int, arm: int, loss: float, lane: int
) -> None:
    """Add the estimates of all arms' losses to a lane of `losses`; only the loss of the arm played was seen."""
    if reduced:
        threshold = scale * scale / t
        for a in range(n_arms):
            base = 0.5 if probabilities[a, lane] >= threshold else 0.0
            losses[a, lane] += base
            if a == arm:
                losses[a, lane] += (loss - base) / probabilities[a, lane]
    else:
        losses[arm, lane] += loss / probabilities[arm, lane]


@policy
class TsallisINF:
    r"""Follow the regularised leader with the Tsallis entropy of order 1/2: best of both worlds.

    Plays arm a with probability :math:`w_a = 4 (\eta_t (\hat L_a - x))^{-2}`, where :math:`x < \min_a \hat L_a` makes
    these sum to one and :math:`\hat L_a` sums loss estimates :math:`l / w` of the arm played, with l being 1 minus the
    reward.

    Parameters
    ----------
    estimator : {'importance', 'reduced_variance'}, default 'importance'
        'importance': :math:`l / w` for the arm played, 0 for the others, and :math:`\eta_t = 2 / \sqrt t`.
        'reduced_variance': :math:`(l - B_a) / w + B_a` for the arm played, :math:`B_a` for the others, with :math:`B_a
        = 1/2` where :math:`w_a \ge \eta_t^2` and 0 elsewhere, and :math:`\eta_t = 4 / \sqrt t`.

    Notes
    -----
    Guarantee (Zimmert and Seldin 2021, Theorem 1; losses in [0, 1], estimator 'importance'): adversarial regret is at
    most :math:`4 \sqrt{K T} + 1`, and for stochastic rewards with one best arm regret is at most :math:`\sum_a (4
    \log(T) + 12) / \Delta_a + 4 \log T` and terms that do not grow with T, the sum being over the other arms. With
    'reduced_variance' these are :math:`2 \sqrt{K T} + 10 K \log T + 16` and :math:`\sum_a (\log(T) + 3) / \Delta_a + 28
    K \log T`; the first is then smaller for long horizons, the second for small gaps.

    References
    ----------
    Zimmert, Seldin (2021), Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits, JMLR 22,
    arXiv:1807.07623.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.TsallisINF()
    TsallisINF()
    """

    estimator: str = field(default="importance", check=one_of("importance", "reduced_variance"), doc="loss estimator")

    rewards: ClassVar[str] = "unit"

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms, which estimator, and its learning rate's scale."""
        reduced = self.estimator == "reduced_variance"
        return {"n_arms": problem.n_arms, "reduced": reduced, "scale": 4.0 if reduced else 2.0}

    def state(self, space: Space) -> dict[str, Any]:
        """Return the loss estimates, and the probabilities of the current round."""
        return {"losses": space.per_arm(), "probabilities": space.per_arm()}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Find the probabilities, and draw."""
        tsallis_probabilities(state.losses, state.probabilities, self.n_arms, self.scale, t, lane)
        return draw(state.probabilities, self.n_arms, lane, rng)

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the loss estimates."""
        add_tsallis_losses(
            state.losses, state.probabilities, self.n_arms, self.scale, self.reduced, t, arm, 1.0 - reward, lane
        )
