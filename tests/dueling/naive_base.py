"""What slow, obvious versions of dueling policies have in common.

A class per policy: `select(t, rng)` returns the two arms of round t (from 1), `update(first, second, won, t)`
learns; `winner()` says which arm is taken for the winner, and `observe` learns from a duel that another chose. A class
is constructed with the number of arms, the horizon and the policy's fields. It keeps counts and lists, and computes all
else afresh in every round.

Random numbers come from the package's samplers, called as plain Python (see `tests.arms.naive`): they are tested
elsewhere, here it matters what is drawn, from which distribution and in which order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from banditlab.core import sampling
from banditlab.core.compiling.kernels import kernel
from tests.arms import naive
from tests.arms.naive import kl

__all__ = ["REFERENCES", "Counts", "Naive", "Rng", "at_random", "environment_rng", "kl", "policy_rng", "shuffled"]

REFERENCES: dict[str, type[Naive]] = {}


def draw_beta(rng: Any, a: float, b: float) -> float:
    return sampling.beta(rng, 0, a, b)


class Rng(naive.Rng):
    """The same, but beta variates, of which some policies draw dozens per round, come from the compiled sampler."""

    def beta(self, a: float, b: float) -> float:
        return float(kernel(draw_beta)(self.words, float(a), float(b)))


def environment_rng(seed: int, run: int) -> Rng:
    """Return the stream from which the environment draws one number on (0, 1) a round."""
    return Rng(seed, sampling.ENVIRONMENT_STREAM, run)


def policy_rng(seed: int, run: int) -> Rng:
    """Return the stream from which the policy draws."""
    return Rng(seed, sampling.POLICY_STREAM, run)


class Naive:
    """Base: a subclass is the reference of the policy that has its name."""

    EXACT = 10**9  # up to this round choices are compared; fewer where the policy itself amplifies rounding errors

    def __init__(self, n_arms: int, horizon: int | None, /, **fields: Any) -> None:
        self.K = n_arms
        self.T = horizon
        self.arms = range(n_arms)
        for name, value in fields.items():
            setattr(self, name, value)
        self.begin()

    def __init_subclass__(cls) -> None:
        if cls.__name__ not in ("Counts", "Bounds"):
            REFERENCES[cls.__name__] = cls

    def begin(self) -> None:
        """Make what is needed before the first round."""

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        raise NotImplementedError

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        raise NotImplementedError

    def observe(self, first: int, second: int, won: bool, t: int) -> None:
        """Learn from a duel that another chose: nothing, unless a subclass says otherwise."""

    def winner(self) -> int:
        raise NotImplementedError

    def winners(self) -> list[int]:
        """Return the arms that may be named: one, unless rounding decides between two."""
        return [self.winner()]


class Counts(Naive):
    """Base of those who count, for each pair, who won how often. An arm against itself tells nothing."""

    def __init__(self, n_arms: int, horizon: int | None, /, **fields: Any) -> None:
        self.w = [[0] * n_arms for _ in range(n_arms)]
        super().__init__(n_arms, horizon, **fields)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if first != second:
            best, loser = (first, second) if won else (second, first)
            self.w[best][loser] += 1

    def observe(self, first: int, second: int, won: bool, t: int) -> None:
        self.update(first, second, won, t)

    def n(self, i: int, j: int) -> int:
        """Return how often two arms have met."""
        return self.w[i][j] + self.w[j][i]

    def mu(self, i: int, j: int) -> float:
        """Return the share of duels that arm i has won against j; 1/2 if they have not met."""
        return self.w[i][j] / self.n(i, j) if self.n(i, j) else 0.5

    def winner(self) -> int:
        """Return the arm that leads against the most others, the first of them."""
        leads = [sum(self.w[i][j] > self.w[j][i] for j in self.arms) for i in self.arms]
        return leads.index(max(leads))

    def others(self, i: int) -> list[int]:
        return [j for j in self.arms if j != i]


def shuffled(n: int, rng: Rng) -> list[int]:
    """Return 0, ..., n - 1 in random order: place n - 1 is drawn first (Fisher and Yates)."""
    order = list(range(n))
    for k in reversed(range(1, n)):
        other = rng.below(k + 1)
        order[k], order[other] = order[other], order[k]
    return order


def at_random(candidates: Iterable[int], value: Callable[[int], Any], rng: Rng, least: Any = -math.inf) -> int | None:
    """Return a candidate with the largest value, ties broken at random; None if no value is `least` or more.

    Candidates are seen in order; the k-th that equals the largest seen so far takes its place with probability 1/k.
    """
    kept, best, equals = None, least, 0
    for candidate in candidates:
        v = value(candidate)
        if v > best or (v == best and equals == 0):
            kept, best, equals = candidate, v, 1
        elif v == best:
            equals += 1
            if rng.uniform() < 1.0 / equals:
                kept = candidate
    return kept
