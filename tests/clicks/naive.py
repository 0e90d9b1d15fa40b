"""Slow, obvious versions of every policy for click-bandits, written from the paper rather than from the kernels.

A class per policy: `select(t, rng)` returns the arm of round t (from 1), `update(arm, clicked, reward, t)`
learns. It remembers every click and reward, and computes what it needs afresh in every round. Random numbers come
from the package's samplers, called as plain Python (see `tests.arms.naive`).

What a utility implies (desired strategies, optimal utilities, optimistic utilities) is written once more here, in
`WANTS`, from mathematics: a naive policy never asks the package's utility.
"""

from __future__ import annotations

import math
from typing import Any

from tests.arms.naive import Rng, first_largest, mean

from .components import hill

REFERENCES: dict[str, type[Naive]] = {}


# --------------------------------------------------------------------------------------------- utilities


class Quadratic:
    """u = s mu - lambda (s - mu)^2, with s*(mu) = (1 + 1/(2 lambda)) mu, at most 1."""

    def __init__(self, penalty: float = 5.0) -> None:
        self.penalty = penalty
        self.factor = 1.0 + 1.0 / (2.0 * penalty)

    def u(self, s: float, mu: float) -> float:
        return s * mu - self.penalty * (s - mu) ** 2

    def desired_range(self, low: float, high: float) -> tuple[float, float]:
        return min(1.0, self.factor * low), min(1.0, self.factor * high)

    def optimistic(self, s_low: float, s_high: float, mu_low: float, mu_high: float) -> float:
        """Return the maximum over a box: u has no local maximum inside, so look at corners, then along edges.

        du/ds = mu - 2 lambda (s - mu) and du/dmu = s + 2 lambda (s - mu) vanish where one coordinate is the other
        times 1 + 1/(2 lambda).
        """
        points = [(s, mu) for s in (s_low, s_high) for mu in (mu_low, mu_high)]
        points += [(self.factor * mu, mu) for mu in (mu_low, mu_high) if s_low <= self.factor * mu <= s_high]
        points += [(s, self.factor * s) for s in (s_low, s_high) if mu_low <= self.factor * s <= mu_high]
        return max(self.u(s, mu) for s, mu in points)


class PlainQuadratic(Quadratic):
    """The same; but without a kernel of its own, the optimistic utility is documented as one over 33 means."""

    def optimistic(self, s_low: float, s_high: float, mu_low: float, mu_high: float) -> float:
        values = []
        for k in range(33):
            mu = mu_low + (mu_high - mu_low) * (k / 32)
            values.append(self.u(min(max(min(1.0, self.factor * mu), s_low), s_high), mu))
        return max(values)


class Hill:
    """u = mu - (s - g(mu))^2: g = 0.1 + 3.2 mu (1 - mu) is wanted; it rises up to mu = 1/2, where it is 0.9."""

    def u(self, s: float, mu: float) -> float:
        return mu - (s - hill(mu)) ** 2

    def desired_range(self, low: float, high: float) -> tuple[float, float]:
        ends = hill(low), hill(high)
        return min(ends), 0.9 if low <= 0.5 <= high else max(ends)

    def optimistic(self, s_low: float, s_high: float, mu_low: float, mu_high: float) -> float:
        """As documented: over 33 means, each with the click rate of the box nearest to the desired one."""
        values = []
        for k in range(33):
            mu = mu_low + (mu_high - mu_low) * (k / 32)
            values.append(self.u(min(max(hill(mu), s_low), s_high), mu))
        return max(values)


WANTS: dict[str, type[Any]] = {"QuadraticUtility": Quadratic, "PlainQuadratic": PlainQuadratic, "Hill": Hill}


# ---------------------------------------------------------------------------------------------- policies


class Naive:
    """Base: remembers every click and every post-click reward of every arm.

    `means` and `strategies` are the truth about the arms, for oracles; `wants` is what the learner wants.
    """

    alpha: float

    def __init__(self, horizon: int, means: list[float], strategies: list[float], wants: Any, **fields: Any) -> None:
        self.K, self.T = len(means), horizon
        self.means, self.strategies, self.wants = means, strategies, wants
        self.clicked: list[list[bool]] = [[] for _ in means]
        self.rewards: list[list[float]] = [[] for _ in means]
        self.screened = [0] * self.K
        for name, value in fields.items():
            setattr(self, name, value)

    def __init_subclass__(cls) -> None:
        REFERENCES[cls.__name__] = cls

    def select(self, t: int, rng: Rng) -> int:
        raise NotImplementedError

    def update(self, arm: int, clicked: bool, reward: float, t: int) -> None:
        self.clicked[arm].append(clicked)
        if clicked:
            self.rewards[arm].append(reward)

    def interval(self, observed: list[Any]) -> tuple[float, float]:
        """Return average minus and plus sqrt(alpha log T / count) within [0, 1]; all of it without observations."""
        if not observed:
            return 0.0, 1.0
        radius = math.sqrt(self.alpha * math.log(self.T) / len(observed))
        low, high = mean(observed) - radius, mean(observed) + radius
        return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)

    def mean_bound(self, arm: int) -> float:
        """Return the upper confidence bound of the post-click mean, not cut to [0, 1]."""
        rewards = self.rewards[arm]
        if not rewards:
            return math.inf
        return mean(rewards) + math.sqrt(self.alpha * math.log(self.T) / len(rewards))


class MeanUCB(Naive):
    def select(self, t: int, rng: Rng) -> int:
        return first_largest([self.mean_bound(a) for a in range(self.K)])


class ClickUCB(Naive):
    def select(self, t: int, rng: Rng) -> int:
        return first_largest(
            [
                self.wants.optimistic(*self.interval(self.clicked[a]), *self.interval(self.rewards[a]))
                if self.clicked[a]
                else math.inf
                for a in range(self.K)
            ]
        )


class UCBS(Naive):
    """Mechanism 1: A is the set of arms not screened so far."""

    def select(self, t: int, rng: Rng) -> int:
        A = [a for a in range(self.K) if not self.screened[a]]
        if not A:
            return rng.below(self.K)
        return A[first_largest([self.mean_bound(a) for a in A])]

    def update(self, arm: int, clicked: bool, reward: float, t: int) -> None:
        super().update(arm, clicked, reward, t)
        if self.screened[arm]:
            return
        s_low, s_high = self.interval(self.clicked[arm])
        least, most = self.wants.desired_range(*self.interval(self.rewards[arm]))
        if s_high < least or s_low > most:
            self.screened[arm] = t


class MuOracle(Naive):
    def select(self, t: int, rng: Rng) -> int:
        return first_largest(self.means)


class StrategyOracle(Naive):
    def select(self, t: int, rng: Rng) -> int:
        return first_largest([self.wants.u(s, mu) for s, mu in zip(self.strategies, self.means, strict=True)])
