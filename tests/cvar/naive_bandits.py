"""Slow, obvious versions of the CVaR bandits' policies, written from the papers rather than from the kernels.

As `tests.arms.naive`: a class is constructed with the number of arms, the horizon and the policy's fields, remembers
every reward in a plain list an arm, sorts it whenever it needs to, and says which arms a round may play. That is one
arm, but where the floating-point numbers of two arms agree to nine digits though their histories differ.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from banditlab import cvar

NEAR = 1e-9


def lower_tail(history: list[float], tau: float) -> float:
    """Return the mean of the worst share tau of some numbers."""
    needed = tau * len(history)
    total, left = 0.0, needed
    for x in sorted(history):
        if left <= 0.0:
            break
        part = min(1.0, left)
        total += part * x
        left -= part
    return total / needed


class Naive:
    """Remembers every reward; plays the largest index."""

    def __init__(self, n_arms: int, horizon: int, **fields: Any) -> None:
        self.history: list[list[float]] = [[] for _ in range(n_arms)]
        self.horizon = horizon
        self.tau = fields.pop("tau")
        self.high = fields.pop("high", None)
        for name, value in fields.items():
            setattr(self, name, value)

    def update(self, arm: int, reward: float, t: int) -> None:
        self.history[arm].append(reward)

    def index(self, arm: int, t: int, rng: Any) -> float:
        raise NotImplementedError

    def choices(self, t: int, rng: Any) -> set[int]:
        """Return the arms that round t may play."""
        indices = [self.index(arm, t, rng) for arm in range(len(self.history))]
        best = max(indices)
        if best == math.inf:
            return {indices.index(best)}
        near = {arm for arm, value in enumerate(indices) if value >= best - NEAR * max(1.0, abs(best))}
        histories = {tuple(sorted(self.history[arm])) for arm in near}
        return {min(near)} if len(histories) == 1 and not self.random else near

    random = False


class BernsteinUCB(Naive):
    def index(self, arm: int, t: int, rng: Any) -> float:
        rewards, tau = self.history[arm], self.tau
        n = len(rewards)
        if n == 0:
            return math.inf
        delta = 1.0 / self.horizon if self.delta is None else self.delta
        length = math.log(len(self.history) * self.horizon / delta)
        bonus = math.sqrt(2.0 * tau * length / n) + length / n

        def estimate(b: float) -> float:
            shortfall = sum(max(b - r, 0.0) for r in rewards) / n
            return b - (shortfall - self.high * bonus) / tau

        # concave and piecewise linear in b: the maximum is at a reward, after which it falls
        found = -math.inf
        for b in sorted(set(rewards)):
            value = estimate(b)
            if value < found:
                break
            found = value
        return min(found, self.high) if self.capped else found


class CVaRUCB(Naive):
    def index(self, arm: int, t: int, rng: Any) -> float:
        n = len(self.history[arm])
        if n == 0:
            return math.inf
        x = [*sorted(self.history[arm]), self.high]
        shift = math.sqrt(math.log(2.0 * self.horizon**2) / (2.0 * n))
        lost = sum((x[i] - x[i - 1]) * max(0.0, min(i / n - shift, self.tau)) for i in range(1, n + 1))
        return self.high - lost / self.tau


class UUCB(Naive):
    def index(self, arm: int, t: int, rng: Any) -> float:
        n = len(self.history[arm])
        if n == 0:
            return math.inf
        return lower_tail(self.history[arm], self.tau) + self.high / self.tau * math.sqrt(math.log(t) / n)


class BrownUCB(Naive):
    def index(self, arm: int, t: int, rng: Any) -> float:
        n = len(self.history[arm])
        if n == 0:
            return math.inf
        delta = 1.0 / (2.0 * self.horizon**2) if self.delta is None else self.delta
        radius = self.high / self.tau * math.sqrt(math.log(1.0 / delta) / (2.0 * n))
        return lower_tail(self.history[arm], self.tau) + radius


def dirichlet_tail(rng: Any, atoms: list[float], tau: float) -> tuple[list[float], list[float]]:
    """Draw Dirichlet(1, ..., 1) weights of atoms: of the smallest until they weigh tau, and of all others together.

    Equal atoms get one weight. The draws are those of the package, block by block.
    """
    groups: list[tuple[float, int]] = sorted(Counter(atoms).items())
    top, _ = groups.pop()  # the largest is never drawn: it is what is left
    left = len(atoms)
    values: list[float] = []
    weights: list[float] = []
    mass = 1.0
    while groups and sum(weights) < tau:
        share = min((tau - sum(weights)) / mass, 1.0)
        wanted = math.floor(share * left + 2.0 * math.sqrt(share * (1.0 - share) * left)) + 3
        block: list[tuple[float, int]] = []
        while groups and len(block) < 256 and sum(c for _, c in block) < wanted:
            block.append(groups.pop(0))
        sizes = [-math.log(rng.open_uniform()) for _ in block]
        if any(c > 1 for _, c in block):
            sizes = [s + (rng.gamma(c - 1.0) if c > 1 else 0.0) for s, (_, c) in zip(sizes, block, strict=True)]
        left -= sum(c for _, c in block)
        rest = rng.gamma(float(left))
        total = sum(sizes) + rest
        values += [x for x, _ in block]
        weights += [mass * s / total for s in sizes]
        mass *= rest / total
    return [*values, top], [*weights, mass]


class BCVTS(Naive):
    random = True

    def index(self, arm: int, t: int, rng: Any) -> float:
        if not self.history[arm]:
            return math.inf
        # the bound is an atom of its own even where rewards equal it
        values, weights = dirichlet_tail(rng, [*self.history[arm], math.nextafter(self.high, math.inf)], self.tau)
        return float(cvar.cvar(values, self.tau, weights))


class MCVTS(Naive):
    random = True

    def index(self, arm: int, t: int, rng: Any) -> float:
        values, weights = dirichlet_tail(rng, [*self.values, *self.history[arm]], self.tau)
        return float(cvar.cvar(values, self.tau, weights))


REFERENCES: dict[str, type[Naive]] = {
    cls.__name__: cls for cls in (BernsteinUCB, CVaRUCB, UUCB, BrownUCB, BCVTS, MCVTS)
}
