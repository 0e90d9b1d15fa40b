"""Policies of optimism and of posterior sampling over pairs, from the pseudo-code."""

from __future__ import annotations

import itertools
import math

from .naive_base import Counts, Rng, at_random, kl


class Bounds(Counts):
    """Base: mu plus and minus sqrt(alpha ln t / N), x / 0 counting as 1; 1/2 on the diagonal."""

    alpha: float
    unmet = 1.0 + 1.0

    def radius(self, i: int, j: int, t: int) -> float:
        return math.sqrt(self.alpha * math.log(t) / self.n(i, j))

    def upper(self, i: int, j: int, t: int) -> float:
        if i == j:
            return 0.5
        return self.mu(i, j) + self.radius(i, j, t) if self.n(i, j) else self.unmet

    def lower(self, i: int, j: int, t: int) -> float:
        if i == j:
            return 0.5
        return self.mu(i, j) - self.radius(i, j, t) if self.n(i, j) else 0.0


class RUCB(Bounds):
    """C: the arms that no other beats for sure; B: at most one of them, played with probability 1/2 among several."""

    memory: bool

    def begin(self) -> None:
        self.B: set[int] = set()
        self.champion = 0

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        self.champion = c = self.choose_champion(t, rng)
        bounds = {j: self.upper(j, c, t) for j in self.arms}
        found = at_random(self.others(c), bounds.__getitem__, rng, least=0.5)
        return c, c if found is None else found

    def choose_champion(self, t: int, rng: Rng) -> int:
        C = [i for i in self.arms if all(self.upper(i, j, t) >= 0.5 for j in self.arms)]
        if not C:
            self.B = set()
            return rng.below(self.K)
        self.B &= set(C)
        if not self.memory:
            return C[rng.below(len(C))]
        if len(C) == 1:
            self.B = set(C)
            return C[0]
        if self.B and rng.uniform() < 0.5:
            return min(self.B)
        rest = [i for i in C if i not in self.B]
        return rest[rng.below(len(rest))]

    def winner(self) -> int:
        return min(self.B) if self.B else self.champion


class DoubleThompsonSampling(Bounds):
    """C: the arms with the largest optimistic Copeland score; a sample chooses among them, another the opponent."""

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        optimistic = [sum(self.upper(i, j, t) > 0.5 for j in self.others(i)) for i in self.arms]
        C = [i for i in self.arms if optimistic[i] == max(optimistic)]
        theta = [[0.5] * self.K for _ in self.arms]
        for i, j in itertools.combinations(self.arms, 2):
            theta[i][j] = rng.beta(self.w[i][j] + 1, self.w[j][i] + 1)
            theta[j][i] = 1.0 - theta[i][j]
        beats = [sum(theta[i][j] > 0.5 if i < j else theta[j][i] <= 0.5 for j in self.others(i)) for i in self.arms]
        first = self.first(C, beats, theta, rng)
        again = {first: 0.5}
        for j in self.others(first):
            again[j] = rng.beta(self.w[j][first] + 1, self.w[first][j] + 1)
        allowed = [j for j in self.arms if self.lower(j, first, t) <= 0.5]
        return first, max(allowed, key=again.__getitem__)

    def first(self, C: list[int], beats: list[int], theta: list[list[float]], rng: Rng) -> int:
        found = at_random(C, beats.__getitem__, rng)
        assert found is not None
        return found


class DoubleThompsonSamplingPlus(DoubleThompsonSampling):
    """Ties go to the arm that would cost the least to compare with all others until it is clear who wins.

    Where all beat equally many all costs are 0: the arms' names must not decide then.
    """

    def first(self, C: list[int], beats: list[int], theta: list[list[float]], rng: Rng) -> int:
        tied = [i for i in C if beats[i] == max(beats[k] for k in C)]
        found = at_random(tied, lambda i: -self.cost(i, beats, theta[i]), rng)
        assert found is not None
        return found

    def cost(self, i: int, beats: list[int], theta: list[float]) -> float:
        zeta = [b / (self.K - 1) for b in beats]
        return sum((max(zeta) - (zeta[i] + zeta[j]) / 2) / kl(theta[j], 0.5) for j in self.others(i) if theta[j] != 0.5)
