"""Bayesian policies: posterior quantiles and posterior samples."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import exp, log
from banditlab.core.sampling import beta, fill_beta, fill_gamma, gamma, normal
from banditlab.core.special import beta_upper_quantile, log_beta, log_beta_cdf
from banditlab.core.validation import between, number, positive

from ..family import policy
from .leader import highest_of_others, keep_tangent, lead, leader_arrays, likeliest, played, tangent

# More than rounding can do: to the mass above a computed quantile, to the quantile itself, and to a mass that was
# updated in a great many rounds, as a share of the largest mass there was.
ROUNDING = 1e-9
LAST_PLACES = 1e-15
SHARE = 1e-6

# The least value of the front, as a share of the peak: if it vanished, no reward would ever change the mass again.
LEAST_FRONT = 1e-30


class BetaPosterior:
    """Base of policies that keep a Beta(a, b) posterior of each arm's success probability."""

    a: float
    b: float

    def state(self, space: Space) -> dict[str, Any]:
        """Return the posteriors' shapes, at the prior."""
        return {"alphas": space.per_arm(self.a), "betas": space.per_arm(self.b)}

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Count a success or a failure."""
        state.alphas[arm, lane] += reward
        state.betas[arm, lane] += 1.0 - reward


@policy
class BayesUCB:
    r"""The arm whose posterior has the largest upper quantile.

    Index of arm a in round t: the quantile of order :math:`1 - 1 / (t (\log T)^c)` of its posterior
    :math:`Beta(a + S_a, b + F_a)` after :math:`S_a` successes and :math:`F_a` failures, with :math:`(\log T)^c` taken
    as 1 where it is below. The first arm wins ties.

    Parameters
    ----------
    c : float, default 0.0
        Exponent of :math:`\log T`; the proof uses 5, the paper recommends 0 in practice, which needs no horizon.
        From 0 to 100.
    a, b : float, default 1.0
        The prior, at least 1; the default is uniform.

    Notes
    -----
    Guarantee (Kaufmann, Cappe, Garivier 2012, Theorem 1; Bernoulli rewards, uniform prior, :math:`c \ge 5`):
    :math:`E[N_a(T)] \le \log(T) (1 + \epsilon) / kl(\mu_a, \mu^*) + o(\log T)`, which meets the lower bound.

    References
    ----------
    Kaufmann, Cappe, Garivier (2012), On Bayesian upper confidence bounds for bandit problems, AISTATS.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.BayesUCB()
    BayesUCB()
    """

    c: float = field(default=0.0, check=between(0.0, 100.0), doc="exponent of log T; 5 in the proof, 0 recommended")
    a: float = field(default=1.0, check=between(1.0, math.inf), doc="prior successes")
    b: float = field(default=1.0, check=between(1.0, math.inf), doc="prior failures")

    rewards: ClassVar[str] = "binary"

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms and (log T)^c."""
        scale = 1.0 if self.c == 0.0 else max(1.0, math.log(problem.required_horizon(self)) ** self.c)
        return {"n_arms": problem.n_arms, "scale": scale}

    def state(self, space: Space) -> dict[str, Any]:
        """Return the posteriors' shapes, at the prior, and what is known about the leader.

        Time is log(t scale). As long as an arm is not played, its quantile is a concave function of time, since the
        beta distribution function is log-concave (for shapes of at least 1).

        The leader's quantile is above the height as long as its posterior's mass above the height is more than 1 / (t
        scale). That mass is known: I_y(b, a + 1) = I_y(b, a) + f / a and I_y(b + 1, a) = I_y(b, a) - f / b, where y is
        1 minus the height and f = y^b (1 - y)^a / B(a, b), the front. Rounding is a share of the peak, the largest mass
        so far. A front too small to represent, where all of the mass is above the height, is kept larger: then the mass
        is at most what is noted, up to a negligible amount that is added. Unlike other leaders' `until`, this one is e
        to the power of the time: t scale itself.
        """
        return {
            "alphas": space.per_arm(self.a),
            "betas": space.per_arm(self.b),
            "mass": space.per_lane(),
            "peak": space.per_lane(),
            "front": space.per_lane(),
            **leader_arrays(space),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Return the first arm with the largest posterior quantile."""
        ahead = state.mass[lane] - SHARE * state.peak[lane] > 1.0 / (t * self.scale)
        if not (ahead and t * self.scale <= state.until[lane]):
            find_leader(state, self.n_arms, lane, t * self.scale)
        return state.leader[lane]

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Count a success or a failure."""
        a = state.alphas[arm, lane]
        b = state.betas[arm, lane]
        won = reward > 0.0
        front = state.front[lane]
        x = state.height[lane]
        state.mass[lane] += front / a if won else -front / b
        state.peak[lane] = max(state.peak[lane], state.mass[lane])
        state.front[lane] = max(front * (a + b) * (x / a if won else (1.0 - x) / b), LEAST_FRONT * state.peak[lane])
        state.alphas[arm, lane] = a + reward
        state.betas[arm, lane] = b + 1.0 - reward
        played(state, arm, lane)


@device_call
def computed_quantile(state: State, arm: int, lane: int, level: float) -> float:
    """Return the quantile of order 1 - 1 / level of an arm's posterior, and note its tangent."""
    found, slope = beta_upper_quantile(1.0 / level, state.alphas[arm, lane], state.betas[arm, lane])
    if slope < math.inf:
        keep_tangent(state, arm, lane, log(level) - ROUNDING, found + LAST_PLACES, slope)
    return found


@device_call
def find_leader(state: State, n_arms: int, lane: int, level: float) -> None:
    """Find the first arm with the largest quantile of order 1 - 1 / level, and how long it is known to remain it.

    Computes the quantile of the arm with the highest tangent, and of those whose tangents it does not reach, except for
    arms with the same posterior as an earlier arm, which have its quantile.
    """
    time = log(level)
    leader, rival = likeliest(state, n_arms, lane, time)
    likely = leader
    largest = computed_quantile(state, likely, lane, level)
    if not largest > rival:
        for a in range(n_arms):
            if a == likely or tangent(state, a, lane, time) < largest:
                continue
            if (
                state.alphas[a, lane] == state.alphas[leader, lane]
                and state.betas[a, lane] == state.betas[leader, lane]
            ):
                leader = min(a, leader)
                continue
            found = computed_quantile(state, a, lane, level)
            if found > largest or (found == largest and a < leader):
                largest = found
                leader = a
        rival = highest_of_others(state, n_arms, lane, time, leader)
    state.peak[lane], state.front[lane] = 0.0, 0.0  # where no leader is known, updates must not add anything up
    if lead(state, n_arms, lane, leader, largest, rival):
        alpha = state.alphas[leader, lane]
        beta = state.betas[leader, lane]
        reached, ratio = log_beta_cdf(1.0 - state.height[lane], beta, alpha, log_beta(alpha, beta))
        mass = exp(reached)
        state.until[lane] = exp(state.until[lane])
        state.mass[lane] = mass
        state.peak[lane] = mass
        state.front[lane] = max(mass / ratio, LEAST_FRONT * mass)


@policy
class ThompsonSampling(BetaPosterior):
    r"""The arm that is best in a sample from the posterior, for Bernoulli rewards and beta priors.

    In round t, draws :math:`\theta_a \sim Beta(a + S_a, b + F_a)`, with :math:`S_a` successes and :math:`F_a` failures
    so far, and plays the arm with the largest.

    Parameters
    ----------
    a, b : float, default 1.0
        The prior, positive; the default is uniform.

    Notes
    -----
    Guarantee (Agrawal and Goyal 2013, Theorem 1; Bernoulli rewards, uniform prior): for every :math:`\epsilon` in (0,
    1), :math:`E[R_T] \le (1 + \epsilon) \sum_a \Delta_a \log T / kl(\mu_a, \mu^*) + O(K / \epsilon^2)`, which meets the
    lower bound.

    References
    ----------
    Thompson (1933), On the likelihood that one unknown probability exceeds another in view of the evidence of two
    samples, Biometrika 25.

    Agrawal, Goyal (2013), Further optimal regret bounds for Thompson sampling, arXiv:1209.3353.

    Kaufmann, Korda, Munos (2012), arXiv:1205.4217.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.ThompsonSampling()
    ThompsonSampling()
    """

    a: float = field(default=1.0, check=positive, doc="prior successes")
    b: float = field(default=1.0, check=positive, doc="prior failures")

    rewards: ClassVar[str] = "binary"

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Draw from the arm's posterior."""
        return beta(rng, lane, state.alphas[arm, lane], state.betas[arm, lane])

    def index_lanes(self: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
        """Draw from the arm's posterior in every lane."""
        fill_beta(rng, state.alphas, state.betas, arm, out)


@policy
class GaussianThompsonSampling:
    r"""Thompson sampling with Gaussian priors and Gaussian likelihood of known variance.

    In round t, draws :math:`\theta_a \sim N(\hat\mu_a, \sigma^2 / (n_a + 1))` with :math:`\hat\mu_a = S_a / (n_a + 1)`,
    :math:`S_a` the sum of rewards: the posterior for the prior :math:`N(0, \sigma^2)`. Plays the arm with the largest.

    Parameters
    ----------
    std : float, default 1.0
        :math:`\sigma`, the standard deviation of rewards and prior; 1.0 is the paper's, for rewards in [0, 1].

    Notes
    -----
    Guarantee (Agrawal and Goyal 2013, Theorem 3; rewards in [0, 1], :math:`\sigma = 1`, :math:`K \le T`): :math:`E[R_T]
    = O(\sqrt{K T \log K})`.

    References
    ----------
    Agrawal, Goyal (2013), Further optimal regret bounds for Thompson sampling, Algorithm 2, arXiv:1209.3353.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.GaussianThompsonSampling(std=0.5)
    GaussianThompsonSampling(std=0.5)
    """

    std: float = field(default=1.0, check=positive, doc="standard deviation of rewards and prior")

    def state(self, space: Space) -> dict[str, Any]:
        """Return pulls, sums, posterior means and posterior widths."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(),
            "widths": space.per_arm(self.std),
        }

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Draw from the arm's posterior."""
        return state.means[arm, lane] + state.widths[arm, lane] * normal(rng, lane)

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = s / (n + 1.0)
        state.widths[arm, lane] = self.std / math.sqrt(n + 1.0)


@policy
class VarTS:
    r"""Thompson sampling for Gaussian rewards whose means and variances are both unknown.

    Keeps a Normal-Gamma posterior of each arm's mean and precision. In round t, draws :math:`\lambda_a \sim
    Gamma(\alpha_a, \text{rate } \beta_a)` and :math:`\theta_a \sim N(\mu_a, 1 / (\kappa_a \lambda_a))`, and plays the
    arm with the largest :math:`\theta_a`. After reward r from arm a:

    .. math::
        \beta \leftarrow \beta + \frac{\kappa (r - \mu)^2}{2 (\kappa + 1)},\quad \mu \leftarrow \frac{\kappa \mu +
        r}{\kappa + 1},\quad \kappa \leftarrow \kappa + 1,\quad \alpha \leftarrow \alpha + 1/2

    Parameters
    ----------
    mu : float, default 0.0
        Prior mean of the means.
    kappa : float, default 1.0
        Prior weight of that mean, in observations; positive.
    alpha, beta : float, default 1.0
        Prior shape and rate of the precisions; positive.

    Notes
    -----
    Guarantee (Saha and Kveton 2023; Gaussian rewards, means and precisions drawn from the prior): Bayes regret is of
    order :math:`\sqrt{K T \log T}`, with a factor that shrinks with the prior variance. The update is the textbook
    conjugate one; the paper's own pseudo-code was not at hand (reconstructed).

    References
    ----------
    Saha, Kveton (2023), Only pay for what is uncertain: variance-adaptive Thompson sampling, arXiv:2303.09033.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.VarTS(kappa=0.1)
    VarTS(kappa=0.1)
    """

    mu: float = field(default=0.0, check=number, doc="prior mean of the means")
    kappa: float = field(default=1.0, check=positive, doc="prior weight of that mean, in observations")
    alpha: float = field(default=1.0, check=positive, doc="prior shape of the precisions")
    beta: float = field(default=1.0, check=positive, doc="prior rate of the precisions")

    def state(self, space: Space) -> dict[str, Any]:
        """Return the posteriors, at the prior."""
        return {
            "mus": space.per_arm(self.mu),
            "kappas": space.per_arm(self.kappa),
            "alphas": space.per_arm(self.alpha),
            "betas": space.per_arm(self.beta),
        }

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Draw a precision, then a mean."""
        return mean_drawn(state, arm, lane, rng, gamma(rng, lane, state.alphas[arm, lane]))

    def index_lanes(self: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
        """Draw a precision, then a mean, in every lane."""
        if self.alpha >= 1.0:
            fill_gamma(rng, state.alphas, arm, out)
        else:
            for w in range(out.shape[0]):
                out[w] = gamma(rng, w, state.alphas[arm, w])
        for w in range(out.shape[0]):
            out[w] = mean_drawn(state, arm, w, rng, out[w])

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Update the arm's posterior."""
        kappa = state.kappas[arm, lane]
        away = reward - state.mus[arm, lane]
        state.betas[arm, lane] += 0.5 * kappa * away * away / (kappa + 1.0)
        state.mus[arm, lane] = (kappa * state.mus[arm, lane] + reward) / (kappa + 1.0)
        state.kappas[arm, lane] = kappa + 1.0
        state.alphas[arm, lane] += 0.5


@device
def mean_drawn(state: State, arm: int, lane: int, rng: Any, drawn: float) -> float:
    """Draw a mean from a Normal-Gamma posterior, given a draw from Gamma(alpha, 1)."""
    precision = drawn / state.betas[arm, lane]
    width = 1.0 / math.sqrt(max(state.kappas[arm, lane] * precision, 1e-300))
    return state.mus[arm, lane] + width * normal(rng, lane)
