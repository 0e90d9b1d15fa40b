"""Policies that explore without confidence bounds, and successive elimination."""

from __future__ import annotations

import math
from typing import Any

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.elementary import log
from banditlab.core.sampling import below, open_uniform, uniform
from banditlab.core.validation import (
    between,
    open_probability,
    optional,
    positive,
    positive_integer,
    positive_probability,
    probability,
)

from ..family import policy
from ..statistics import RunningMeans


@policy
class Uniform:
    r"""Plays an arm chosen uniformly at random in each round: the linear-regret yardstick.

    Notes
    -----
    Guarantee (ours; rewards of any kind): :math:`E[R_T] = T \bar\Delta`, exactly, with :math:`\bar\Delta` the mean of
    all arms' gaps.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Uniform()
    Uniform()
    """

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Return a random arm."""
        return below(rng, lane, self.n_arms)

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Learn nothing."""
        return


@policy
class RoundRobin:
    r"""Plays the arms in turn, 0, 1, ..., K-1, 0, ...

    Notes
    -----
    Guarantee (ours; rewards of any kind, K divides T): :math:`R_T = (T / K) \sum_a \Delta_a`, exactly.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.RoundRobin()
    RoundRobin()
    """

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Return the next arm."""
        return (t - 1) % self.n_arms

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Learn nothing."""
        return


@policy
class ExploreThenCommit(RunningMeans):
    r"""Plays every arm m times in turn, then always the one with the largest mean so far.

    Parameters
    ----------
    m : int, optional
        Exploration pulls of each arm; default :math:`\lceil (T / K)^{2/3} (\log T)^{1/3} \rceil`, at least 1.

    Notes
    -----
    Guarantee (Slivkins 2019, Theorem 1.5; rewards in [0, 1], default m up to constants): :math:`E[R_T] \le T^{2/3} O(K
    \log T)^{1/3}`.

    The first arm wins ties. If T < K m, the run ends while exploring.

    References
    ----------
    Slivkins (2019), Introduction to Multi-Armed Bandits, section 1.2, arXiv:1904.07272.

    Robbins (1952), for the idea.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.ExploreThenCommit(m=20)
    ExploreThenCommit(m=20)
    """

    m: int | None = field(
        default=None, check=optional(positive_integer), doc="exploration pulls of each arm; default from the horizon"
    )

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return m and the number of arms."""
        m = self.m
        if m is None:
            horizon = problem.required_horizon(self)
            m = max(1, math.ceil((horizon / problem.n_arms) ** (2 / 3) * math.log(horizon) ** (1 / 3)))
        return {"m": min(m, 2**62 // problem.n_arms), "n_arms": problem.n_arms}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return 1 for the arm whose turn it is while exploring, the mean afterwards."""
        turn = 1.0 if arm == (t - 1) % self.n_arms else 0.0
        return turn if t <= self.m * self.n_arms else state.means[arm, lane]

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward while exploring; later rewards change nothing."""
        if t <= self.m * self.n_arms:
            n = state.counts[arm, lane] + 1.0
            s = state.sums[arm, lane] + reward
            state.counts[arm, lane] = n
            state.sums[arm, lane] = s
            state.means[arm, lane] = s / n


@policy
class EpsilonGreedy(RunningMeans):
    r"""Plays a uniformly random arm with probability epsilon, else the one with the largest mean.

    Parameters
    ----------
    epsilon : float, default 0.1
        Exploration probability, in [0, 1].

    Notes
    -----
    Guarantee: none, as regret is linear: :math:`E[R_T] \ge \epsilon T \bar\Delta`, with :math:`\bar\Delta` the mean of
    all arms' gaps, because exploration never stops.

    Arms never pulled count as having an infinite mean, so every arm is tried once, in order.

    References
    ----------
    Sutton and Barto (2018), Reinforcement Learning, section 2.2.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.EpsilonGreedy(0.05)
    EpsilonGreedy(epsilon=0.05)
    """

    epsilon: float = field(default=0.1, check=probability, doc="exploration probability")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the mean."""
        return state.means[arm, lane]

    def explore(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> int:
        """Return a random arm with probability epsilon."""
        if uniform(rng, lane) < self.epsilon:
            return below(rng, lane, self.n_arms)
        return arm


@policy
class DecayingEpsilonGreedy(RunningMeans):
    r"""Epsilon-greedy with an exploration probability that falls like 1/t.

    In round t a uniformly random arm is played with probability :math:`\min(1, c K / (d^2 t))`.

    Parameters
    ----------
    c : float, default 5.0
        Exploration; the guarantee needs :math:`c > 5`, which the default reaches only in the limit.
    d : float, default 0.1
        A lower bound on the smallest positive gap, in (0, 1].

    Notes
    -----
    Guarantee (Auer et al. 2002, Theorem 3; rewards in [0, 1], :math:`c > 5`, d at most the smallest positive gap):
    :math:`E[R_T] = O(K \log T / d^2)`. For :math:`t \ge c K / d` the probability of playing a suboptimal arm in round t
    is at most :math:`c / (d^2 t) + o(1/t)`.

    Arms never pulled count as having an infinite mean, so the greedy choice tries each once, in order.

    Other names: :math:`\epsilon_n`-GREEDY.

    References
    ----------
    Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Machine Learning 47,
    Figure 3.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.DecayingEpsilonGreedy(d=0.2)
    DecayingEpsilonGreedy(d=0.2)
    """

    c: float = field(default=5.0, check=positive, doc="exploration; the guarantee needs more than 5")
    d: float = field(default=0.1, check=positive_probability, doc="lower bound on the smallest positive gap")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms and c K / d^2."""
        return {"n_arms": problem.n_arms, "scale": self.c / self.d / self.d * problem.n_arms}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the mean."""
        return state.means[arm, lane]

    def explore(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> int:
        """Return a random arm with probability min(1, c K / (d^2 t))."""
        if uniform(rng, lane) * t < self.scale:
            return below(rng, lane, self.n_arms)
        return arm


@policy
class Softmax(RunningMeans):
    r"""Plays arms with probabilities that grow exponentially with their means.

    The probability of arm a is proportional to :math:`\exp(\hat\mu_a / \tau)`, with temperature :math:`\tau`. The arm
    is drawn by the Gumbel-max trick: the one with the largest :math:`\hat\mu_a / \tau + G_a`, where the :math:`G_a` are
    independent standard Gumbel variates.

    Parameters
    ----------
    temperature : float, default 0.1
        :math:`\tau`, positive; towards 0 the policy becomes greedy, towards infinity uniform.

    Notes
    -----
    Guarantee: none, as with a constant temperature regret is linear (Cesa-Bianchi et al. 2017, section 3).

    Every arm is tried once first, in order.

    Other names: Boltzmann exploration.

    References
    ----------
    Cesa-Bianchi, Gentile, Lugosi, Neu (2017), Boltzmann exploration done right, NeurIPS, arXiv:1705.10257.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Softmax(temperature=0.2)
    Softmax(temperature=0.2)
    """

    temperature: float = field(default=0.1, check=positive, doc="towards 0 greedy, towards infinity uniform")

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return mean / temperature plus a Gumbel variate."""
        return state.means[arm, lane] / self.temperature - log(-log(open_uniform(rng, lane)))


@policy
class SuccessiveElimination:
    r"""Plays the active arms in turn; after each pass, drops those far below the best.

    After pass r, with :math:`\alpha_r = \sqrt{\log(c K r^2 / \delta) / r}`, every active arm whose mean is at least
    :math:`2 \alpha_r` below the largest is dropped for good.

    Parameters
    ----------
    delta : float, optional
        Failure probability, in (0, 1); default 1/T.
    c : float, default 5.0
        Constant of the confidence radius, at least 1; the guarantee needs more than 4.

    Notes
    -----
    Guarantee (Even-Dar, Mannor, Mansour 2006, Theorem 8; rewards in [0, 1], :math:`c > 4`): with probability at least
    :math:`1 - \delta` the best arm is never dropped, and arm a is dropped after :math:`O(\log(K / (\delta \Delta_a)) /
    \Delta_a^2)` pulls. With :math:`\delta = 1/T` the regret is :math:`O(\sum_a \log(K T) / \Delta_a)`.

    References
    ----------
    Even-Dar, Mannor, Mansour (2006), Action elimination and stopping conditions, JMLR 7, Algorithm 3.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.SuccessiveElimination(delta=0.05)
    SuccessiveElimination(delta=0.05)
    """

    delta: float | None = field(default=None, check=optional(open_probability), doc="failure probability; default 1/T")
    c: float = field(
        default=5.0, check=between(1.0, math.inf), doc="constant of the radius; the guarantee needs more than 4"
    )

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return c K / delta and the number of arms."""
        delta = self.delta if self.delta is not None else min(0.5, 1.0 / problem.required_horizon(self))
        return {"delta": delta, "scale": self.c * problem.n_arms / delta, "n_arms": problem.n_arms}

    def state(self, space: Space) -> dict[str, Any]:
        """Return sums and activity of the arms, and for each lane the pass and the arm whose turn it is."""
        return {
            "sums": space.per_arm(),
            "active": space.per_arm(1.0),
            "passes": space.per_lane(),
            "turn": space.per_lane(dtype=int),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> int:
        """Return the arm whose turn it is."""
        return state.turn[lane]

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward; at the end of a pass, drop arms and start again at the first active one."""
        state.sums[arm, lane] += reward
        following = arm + 1
        while following < self.n_arms and state.active[following, lane] == 0.0:
            following += 1
        if following == self.n_arms:
            r = state.passes[lane] + 1.0
            state.passes[lane] = r
            best = -math.inf
            for a in range(self.n_arms):
                if state.active[a, lane] > 0.0:
                    best = max(best, state.sums[a, lane] / r)
            twice = 2.0 * math.sqrt(log(self.scale * r * r) / r)
            following = -1
            for a in range(self.n_arms):
                if state.active[a, lane] > 0.0:
                    if best - state.sums[a, lane] / r >= twice:
                        state.active[a, lane] = 0.0
                    elif following < 0:
                        following = a
        state.turn[lane] = following
