"""Slow, obvious versions of the policies on sums of items, written from the papers rather than from the kernels.

A class per policy: `select(t, rng)` returns the action of round t (from 1), a tuple of items in ascending order;
`update(action, outcomes, t)` learns. It remembers what it has seen of every item, computes what it needs from that
afresh in every round, and goes through all actions. Random numbers come from the package's samplers, called as plain
Python.

Ties: sums of weights that are equal up to 1e-12 of their size are equal; of equal actions the lexicographically
smallest is played.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from tests.arms.naive import Rng

Action = tuple[int, ...]

REFERENCES: dict[str, type[Naive]] = {}

UNSEEN = 1e6  # documented: what an item weighs that was never seen


def best(actions: Sequence[Action], value: Callable[[Action], float]) -> Action:
    """Return the lexicographically smallest of the actions with the largest value."""
    values = {action: value(action) for action in actions}
    largest = max(values.values())
    return min(action for action, v in values.items() if v >= largest - 1e-12 * abs(largest))


class Naive:
    """Base: remembers every outcome. `actions` lists all actions; `limits` is (m, budget) of a safe set."""

    def __init__(
        self, n_items: int, horizon: int, actions: list[Action], limits: tuple[int, float] | None, **fields: Any
    ) -> None:
        self.L, self.T, self.actions, self.limits = n_items, horizon, actions, limits
        self.m = max(len(action) for action in actions)
        self.outcomes: list[list[float]] = [[] for _ in range(n_items)]
        self.totals = [0.0] * n_items
        self.squares = [0.0] * n_items
        for name, value in fields.items():
            setattr(self, name, value)
        self.begin()

    def __init_subclass__(cls) -> None:
        REFERENCES[cls.__name__] = cls

    def begin(self) -> None:
        """Prepare what a subclass needs."""

    def select(self, t: int, rng: Rng) -> Action:
        weights = [self.weight(i, t, rng) for i in range(self.L)]
        return best(self.actions, lambda action: math.fsum(weights[i] for i in action))

    def weight(self, item: int, t: int, rng: Rng) -> float:
        raise NotImplementedError

    def update(self, action: Action, outcomes: Sequence[float], t: int) -> None:
        for item, outcome in zip(action, outcomes, strict=True):
            self.outcomes[item].append(outcome)
            self.totals[item] += outcome
            self.squares[item] += outcome * outcome

    def mean(self, item: int) -> float:
        return self.totals[item] / len(self.outcomes[item])


class CombUCB1(Naive):
    alpha: float

    def weight(self, item: int, t: int, rng: Rng) -> float:
        n = len(self.outcomes[item])
        return UNSEEN if n == 0 else self.mean(item) + math.sqrt(self.alpha * math.log(t - 1) / n)


class CUCB(Naive):
    def weight(self, item: int, t: int, rng: Rng) -> float:
        n = len(self.outcomes[item])
        return UNSEEN if n == 0 else min(1.0, self.mean(item) + math.sqrt(3.0 * math.log(t) / (2.0 * n)))


class ESCB2(Naive):
    def select(self, t: int, rng: Rng) -> Action:
        s = max(t, 2)
        f = math.log(s) + 4.0 * self.m * max(math.log(math.log(s)), 0.0)
        means = [self.mean(i) if self.outcomes[i] else 0.0 for i in range(self.L)]
        inverse = [1.0 / len(x) if x else UNSEEN**2 for x in self.outcomes]

        def bound(action: Action) -> float:
            total = math.fsum(means[i] for i in action)
            return total + math.sqrt(f / 2.0 * math.fsum(inverse[i] for i in action))

        values = [bound(action) for action in self.actions]  # in the order of `enumerate`: the first of equals
        return next(a for a, v in zip(self.actions, values, strict=True) if v >= max(values) * (1.0 - 1e-12))


class BetaCTS(Naive):
    a: float
    b: float

    def weight(self, item: int, t: int, rng: Rng) -> float:
        alpha, beta = self.a, self.b
        for x in self.outcomes[item]:  # in order of time, as the sums are not exact
            alpha += x
            beta += 1.0 - x
        return rng.beta(alpha, beta)


class GaussianCTS(Naive):
    sigma: float

    def deviation(self, t: int) -> float:
        return self.sigma

    def weight(self, item: int, t: int, rng: Rng) -> float:
        z, n = rng.normal(), len(self.outcomes[item])  # drawn for unseen items too, so that items stay in step
        return UNSEEN if n == 0 else self.mean(item) + self.deviation(t) / math.sqrt(n) * z


class BGCTS(GaussianCTS):
    lam: float

    def deviation(self, t: int) -> float:
        s = math.log(max(t, 2))
        last = math.log(1.0 + math.e / self.lam) if self.lam else 0.0
        f = s + (self.m + 2) * max(math.log(s), 0.0) + self.m / 2.0 * last
        g = (1.0 + self.lam) * f / s
        return math.sqrt(2.0 * g) * self.sigma


class PASCombUCB(Naive):
    """Section 3.3: possibly safe actions, optimism, GreedySplit. `actions` lists all sets of one to K items."""

    delta: float
    variance_bound: float
    paper_code: bool

    def begin(self) -> None:
        assert self.limits is not None
        self.K, self.budget = self.limits
        ratio = self.budget / self.variance_bound
        if self.paper_code:
            self.q = math.ceil(ratio)
        else:
            self.q = math.floor(ratio)
            if self.q * self.variance_bound >= self.budget:
                self.q -= 1
        self.q = min(self.q, self.K)
        self.log_mean = -math.log(1.0 / self.T**2)
        self.log_variance = -math.log(self.delta / self.T**2)
        self.possibly_safe = list(self.actions)
        self.waiting: list[Action] = []
        self.groups: set[int] = set()  # into how many actions of all K items were split

    def lil(self, n: int, minus_log_rho: float) -> float:
        epsilon = 0.5
        inner = math.log(math.log((1.0 + epsilon) * n)) + minus_log_rho
        return (1.0 + math.sqrt(epsilon)) * math.sqrt((1.0 + epsilon) / (2.0 * n) * inner)

    def variance(self, item: int) -> float:
        return self.squares[item] / len(self.outcomes[item]) - self.mean(item) ** 2

    def upper_mean(self, item: int) -> float:
        return self.mean(item) + self.lil(len(self.outcomes[item]), self.log_mean)

    def upper_variance(self, item: int) -> float:
        radius = self.lil(len(self.outcomes[item]), self.log_variance)
        return min(self.variance(item) + 3.0 * radius, self.variance_bound)

    def lower_variance(self, item: int) -> float:
        return max(self.variance(item) - 3.0 * self.lil(len(self.outcomes[item]), self.log_mean), 0.0)

    def select(self, t: int, rng: Rng) -> Action:
        under = [i for i in range(self.L) if len(self.outcomes[i]) < 2]
        if under:
            group = under[: self.q]
            group += [i for i in range(self.L) if i not in group][: self.q - len(group)]
            return tuple(sorted(group))
        if not self.waiting:
            self.waiting = self.split(self.best_possibly_safe())
        return self.waiting.pop(0)

    def best_possibly_safe(self) -> Action:
        low = [self.lower_variance(i) for i in range(self.L)]
        up = [self.upper_mean(i) for i in range(self.L)]
        before = self.possibly_safe if self.paper_code else self.actions
        self.possibly_safe = [a for a in before if sum(low[i] for i in a) < self.budget]
        if not self.possibly_safe:
            return (low.index(min(low)),)
        return best(self.possibly_safe, lambda action: math.fsum(up[i] for i in action))

    def split(self, action: Action) -> list[Action]:
        groups: list[list[int]] = []
        total = 0.0
        for item in action:
            v = self.upper_variance(item)
            if groups and total + v < self.budget:
                groups[-1].append(item)
                total += v
            else:
                groups.append([item])
                total = v
        if len(action) == self.K:
            self.groups.add(len(groups))
        return [tuple(group) for group in groups]


def all_up_to(n_items: int, m: int) -> list[Action]:
    """Return all sets of one to m items, smaller ones first."""
    return [a for size in range(1, m + 1) for a in itertools.combinations(range(n_items), size)]


def all_of(n_items: int, m: int) -> list[Action]:
    """Return all sets of m items."""
    return list(itertools.combinations(range(n_items), m))
