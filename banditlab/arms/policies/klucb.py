"""Policies whose exploration is measured by a Kullback-Leibler divergence."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from banditlab.core.choices import not_negative
from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import exp, log
from banditlab.core.validation import non_negative, optional, positive, positive_integer

from ..divergence_kernels import divergence, negative_entropy, upper_bound
from ..family import policy
from ..statistics import MeansAndWidths
from .leader import highest_of_others, keep_tangent, lead, leader_arrays, likeliest, played, tangent

# More than rounding can do: to a computed index, or to its tangent; and to a divergence.
INDEX_ROUNDING = 1e-12
DIVERGENCE_ROUNDING = 1e-13

UNKNOWN = 1.0
"""Marks a negative entropy that has not been computed yet."""


@device
def budget(c: float, t: int) -> float:
    """Return log t + c log log t, at least 0."""
    logarithm = log(t)
    return max(logarithm + c * log(max(logarithm, 1e-300)), 0.0) if c > 0.0 else logarithm


@device
def add(state: State, arm: int, lane: int, reward: float) -> None:
    """Add a reward to an arm's pulls, sum and mean, which is kept in [0, 1] despite rounding."""
    n = state.counts[arm, lane] + 1.0
    s = state.sums[arm, lane] + reward
    state.counts[arm, lane] = n
    state.sums[arm, lane] = s
    state.means[arm, lane] = min(max(s / n, 0.0), 1.0)


@policy
class KLUCB:
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

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def state(self, space: Space) -> dict[str, Any]:
        """Return pulls, sums and means of the arms, and what is known about the leader.

        Time is the budget, log t + c log log t. As kl is convex, an index that changes only with time is a concave
        function of it. The leader's index is above the height q while n kl(mean, q) <= time, and for means within
        `around` of a centre, kl(mean, q) is at most a parabola.
        """
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(),
            "centre": space.per_lane(),
            "away": space.per_lane(),
            "steepness": space.per_lane(),
            "bend": space.per_lane(),
            **leader_arrays(space),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Return the first arm with the largest index."""
        time = budget(self.c, t)
        a = state.leader[lane]
        x = state.means[a, lane] - state.centre[lane]
        away = state.away[lane] + x * (state.steepness[lane] + x * state.bend[lane])
        known = (time <= state.until[lane]) & (abs(x) <= around(state.centre[lane]))
        if not (known & (state.counts[a, lane] * away <= time)):
            find_leader(state, self.n_arms, lane, time)
        return state.leader[lane]

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        add(state, arm, lane, reward)
        played(state, arm, lane)


@device
def around(mean: float) -> float:
    """Return how far from a mean the parabola around it is used."""
    return 0.5 * min(mean, 1.0 - mean)


@device_call
def computed_bound(state: State, arm: int, lane: int, time: float) -> float:
    """Return an arm's index, and note its tangent."""
    n, mean = state.counts[arm, lane], state.means[arm, lane]
    if n == 0.0:
        return math.inf
    if mean == 1.0:
        keep_tangent(state, arm, lane, time, 1.0, 0.0)
        return 1.0
    found = upper_bound(mean, time / n, negative_entropy(mean))
    if found > mean:
        slope = found * (1.0 - found) / (n * (found - mean))
        keep_tangent(state, arm, lane, time, found + INDEX_ROUNDING, slope)
    return found


@device
def keep_tangent_at(state: State, arm: int, lane: int, q: float) -> None:
    """Note the tangent of an arm's index at the time when it is q, above its mean: Newton's method goes along it."""
    n, mean = state.counts[arm, lane], state.means[arm, lane]
    away = divergence(mean, q, negative_entropy(mean)) - DIVERGENCE_ROUNDING
    keep_tangent(state, arm, lane, n * away, q + INDEX_ROUNDING, q * (1.0 - q) / (n * (q - mean)))


@device_call
def is_above(state: State, n_arms: int, lane: int, time: float, arm: int, index: float, rival: float) -> bool:
    """Note an arm as the leader; say whether its index is known to lie above a height, and the others' below.

    The height is halfway between what the index may be and the others' highest tangent.
    """
    if not lead(state, n_arms, lane, arm, index, rival):
        return False
    mean, q = state.means[arm, lane], state.height[lane]
    radius = around(mean)
    inside = radius > 0.0
    odds = (mean / (1.0 - mean)) * ((1.0 - q) / q) if inside else 1.0
    low, high = mean - radius, mean + radius
    state.centre[lane] = mean
    state.away[lane] = divergence(mean, q, negative_entropy(mean)) + DIVERGENCE_ROUNDING
    state.steepness[lane] = log(odds)
    # half the second derivative in the mean, 1 / (x (1 - x)), where it is largest: at the end nearest to 0 or 1
    state.bend[lane] = 0.5 / min(low * (1.0 - low), high * (1.0 - high)) if inside else 0.0
    return state.counts[arm, lane] * state.away[lane] <= time


@device_call
def find_leader(state: State, n_arms: int, lane: int, time: float) -> None:
    """Find the first arm with the largest index, and how long it is known to remain it.

    If the arm with the highest tangent is not known to be it, computes its index, and those of arms whose tangents this
    index does not reach, except for arms with the same rewards as an earlier arm, which have its index.
    """
    before = state.leader[lane]  # it was played, has no tangent, and its index has hardly left the height yet
    if state.intercepts[before, lane] == math.inf and state.means[before, lane] < state.height[lane]:
        keep_tangent_at(state, before, lane, state.height[lane])
    likely, rival = likeliest(state, n_arms, lane, time)
    guess = tangent(state, likely, lane, time)
    if 1.0 < guess < math.inf:
        guess = 1.0  # no index is above 1, where the divergence from a height is not a number
    if is_above(state, n_arms, lane, time, likely, guess, rival):
        return
    leader = likely
    largest = computed_bound(state, likely, lane, time)
    for a in range(n_arms):
        bound = tangent(state, a, lane, time)
        if a == likely or bound < largest or (bound == largest and a > leader):
            continue
        if state.counts[a, lane] == state.counts[leader, lane] and state.sums[a, lane] == state.sums[leader, lane]:
            leader = min(a, leader)
            continue
        found = computed_bound(state, a, lane, time)
        if found > largest or (found == largest and a < leader):
            largest = found
            leader = a
    rival = highest_of_others(state, n_arms, lane, time, leader)
    is_above(state, n_arms, lane, time, leader, largest, rival)


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

    The paper's index for round t uses :math:`\log(t - 1)`; this one uses :math:`\log t`, as in Garivier and Cappe
    (2011).

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
class KLUCBPlusPlus:
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
    with :math:`V = 1/4`, and :math:`\limsup R_T / \log T` equals the lower bound of Lai and Robbins. The first holds
    for all rewards in [0, 1].

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

    def state(self, space: Space) -> dict[str, Any]:
        """Return pulls, sums and indices, and pulls and mean of the arm last played, whose index alone has changed.

        An index is infinite until it is computed.
        """
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "indices": space.per_arm(math.inf),
            "last": space.per_lane(dtype=np.int64),
            "count": space.per_lane(),
            "mean": space.per_lane(),
        }

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        if arm == state.last[lane]:
            state.indices[arm, lane] = minimax_bound(state.count[lane], state.mean[lane], self.share)
        return state.indices[arm, lane]

    def index_lanes(self: Params, state: State, arm: int, t: int, rng: Any, out: Any) -> None:
        """Return the upper confidence bounds, after computing those that have changed, as vectors."""
        if arm == 0:
            for w in range(out.shape[0]):
                out[w] = minimax_bound(state.count[w], state.mean[w], self.share)
            for w in range(out.shape[0]):
                state.indices[not_negative(state.last[w]), w] = out[w]
        for w in range(out.shape[0]):
            out[w] = state.indices[arm, w]

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        before = state.last[lane]
        if arm != before and state.indices[before, lane] == math.inf:  # some policy around this one did not ask for it
            state.indices[before, lane] = minimax_bound(state.count[lane], state.mean[lane], self.share)
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.indices[arm, lane] = math.inf
        state.last[lane] = arm
        state.count[lane] = n
        state.mean[lane] = min(max(s / n, 0.0), 1.0)


@device
def minimax_bound(count: float, mean: float, share: float) -> float:
    """Return an arm's index, infinite before its first pull; `share` is T / K."""
    n = max(count, 1.0)
    ratio = share / n
    logarithm = max(log(ratio), 0.0)
    exploration = max(log(ratio * (logarithm * logarithm + 1.0)), 0.0)
    bound = upper_bound(mean, exploration / n, negative_entropy(mean))
    return bound if count > 0.0 else math.inf


@policy
class IMED:
    r"""Indexed minimum empirical divergence, with the Bernoulli divergence.

    Plays the arm with the smallest :math:`n_a\, kl(\hat\mu_a, \hat\mu^*) + \log n_a`, where :math:`\hat\mu^*` is the
    largest mean so far. Every arm is played once first, in order; the first arm wins ties, up to rounding (two arms
    with different rewards can have indices that are equal only in exact arithmetic).

    Notes
    -----
    Guarantee (Honda and Takemura 2015, Theorem 5; Bernoulli rewards): :math:`\limsup R_T / \log T` equals the lower
    bound. The theorem covers all distributions bounded above that have exponential moments near 0, with their K_inf in
    place of kl; for Bernoulli rewards the two are the same.

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
        """Return pulls, sums and means of the arms, and what is known about the leader.

        Besides the means there are their negative entropies, and besides the pulls their logarithms. If the leader has
        the largest mean, its index is the logarithm of its pulls, and the others' indices grow with that mean. So it
        remains the leader while its mean is at least the floor and its pulls are at most `most`.
        """
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(-1.0),
            "entropies": space.per_arm(UNKNOWN),
            "logarithms": space.per_arm(),
            "leader": space.per_lane(dtype=np.int64),
            "floor": space.per_lane(math.inf),
            "most": space.per_lane(),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Return the first arm with the smallest index."""
        a = state.leader[lane]
        if not ((state.means[a, lane] >= state.floor[lane]) & (state.counts[a, lane] <= state.most[lane])):
            find_least(state, self.n_arms, lane)
        return state.leader[lane]

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        add(state, arm, lane, reward)
        state.entropies[arm, lane] = UNKNOWN
        if arm != state.leader[lane]:  # some policy around this one had it played
            state.floor[lane] = math.inf


@device
def empirical_index(state: State, arm: int, lane: int, best: float) -> float:
    """Return what IMED minimises, for a given largest mean; minus infinity before an arm's first pull."""
    n = state.counts[arm, lane]
    away = divergence(state.means[arm, lane], best, state.entropies[arm, lane])
    return n * away + state.logarithms[arm, lane] if n > 0.0 else -math.inf


@device_call
def find_least(state: State, n_arms: int, lane: int) -> None:
    """Find the first arm with the smallest index, and how long it is known to remain it."""
    best = 0.0
    for a in range(n_arms):
        best = max(best, state.means[a, lane])
        if state.entropies[a, lane] == UNKNOWN and state.counts[a, lane] > 0.0:
            state.entropies[a, lane] = negative_entropy(state.means[a, lane])
            state.logarithms[a, lane] = log(state.counts[a, lane])
    leader, next_one = 0, 0
    least, second = math.inf, math.inf
    for a in range(n_arms):
        found = empirical_index(state, a, lane, best)
        if found < least:
            next_one, second = leader, least
            leader, least = a, found
        elif found < second:
            next_one, second = a, found
    state.leader[lane] = leader
    state.floor[lane] = math.inf
    if state.means[leader, lane] < best or best == 1.0:
        return
    below = 0.0
    for a in range(n_arms):
        if a != leader:
            below = max(below, state.means[a, lane])
    if below == best:
        return
    # where the next index would have come half as close, if it were a linear function of the largest mean
    slope = state.counts[next_one, lane] * (best - state.means[next_one, lane]) / (best * (1.0 - best))
    floor = max(best - 0.5 * (second - least) / max(slope, 1e-300), 0.5 * (below + best))
    lowest = 700.0  # exp of more would be infinite
    for a in range(n_arms):
        if a != leader:
            rounding = INDEX_ROUNDING + state.counts[a, lane] * DIVERGENCE_ROUNDING
            lowest = min(lowest, empirical_index(state, a, lane, floor) - rounding)
    state.floor[lane] = floor
    state.most[lane] = exp(lowest)
