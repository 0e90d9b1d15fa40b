"""Relative minimum empirical divergence and relative confidence sampling, from the pseudo-code."""

from __future__ import annotations

import functools
import itertools
import math

from banditlab.arms.divergence_kernels import divergence, negative_entropy

from .naive_base import Counts, Rng, at_random, shuffled
from .naive_optimistic import RUCB


@functools.cache
def kl_half(p: float) -> float:
    """Return d(p, 1/2), as the package computes it: two sums of these that are equal are equal to the last bit."""
    return float(divergence(p, 0.5, negative_entropy(p)))


class RMED1(Counts):
    """Arms with little evidence against them have turns; one order of the arms settles who comes first."""

    scale: float
    epsilon: float

    def begin(self) -> None:
        self.order: list[int] | None = None
        self.with_itself = [0] * self.K
        self.I = [0.0] * self.K
        self.L_C: list[int] = []
        self.waiting: list[int] = []  # of L_C, those who have not had their turn
        self.L_R: set[int] = set()
        self.L_N: set[int] = set()
        self.turn: int | None = None

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        self.count(first, second, won)
        if self.turn is None:
            return
        self.L_R -= {self.turn}
        f = self.scale * self.K ** (1 + self.epsilon)
        self.L_N |= {j for j in self.arms if j not in self.L_R and self.I[j] - min(self.I) <= math.log(t) + f}
        self.turn = None
        if not self.waiting:
            self.new_list(self.L_N)

    def observe(self, first: int, second: int, won: bool, t: int) -> None:
        self.count(first, second, won)

    def count(self, first: int, second: int, won: bool) -> None:
        super().update(first, second, won, 0)
        if first == second:
            self.with_itself[first] += 1
        for i in (first, second):
            self.I[i] = self.evidence(i)

    def n(self, i: int, j: int) -> int:
        return self.with_itself[i] if i == j else super().n(i, j)

    def mu(self, i: int, j: int) -> float:
        return 0.5 if i == j else super().mu(i, j)

    def new_list(self, members: set[int]) -> None:
        assert self.order is not None
        self.L_C = [j for j in self.order if j in members]
        self.waiting, self.L_R, self.L_N = list(self.L_C), set(members), set()

    def pairs(self) -> list[tuple[int, int]]:
        assert self.order is not None
        return list(itertools.combinations(self.order, 2))

    def ahead(self, i: int) -> list[int]:
        """Return O_i, in the run's order."""
        assert self.order is not None
        return [j for j in self.order if j != i and self.mu(i, j) <= 0.5]

    def evidence(self, i: int) -> float:
        total = 0.0
        for j in self.arms:
            if j != i and self.mu(i, j) < 0.5:
                total += self.n(i, j) * kl_half(self.mu(i, j))
        return total

    def winner(self) -> int:
        return 0 if self.order is None else min(self.order, key=self.I.__getitem__)

    def least_duels(self) -> int:
        return 1

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        if self.order is None:
            self.order = shuffled(self.K, rng)
            self.new_list(set(self.arms))
        for i, j in self.pairs():
            if self.n(i, j) < self.least_duels():
                return i, j
        unknown = self.to_explore(t)
        if unknown:
            return unknown
        self.turn = self.waiting.pop(0)
        return self.turn, self.opponent(self.turn, t)

    def to_explore(self, t: int) -> tuple[int, int] | None:
        return None

    def opponent(self, i: int, t: int) -> int:
        best, ahead = self.winner(), self.ahead(i)
        return best if best in ahead or not ahead else min(ahead, key=lambda j: self.mu(i, j))


class RMED2(RMED1):
    """The opponent is the one against whom it shows at the least regret that an arm loses."""

    alpha: float
    paper_code: bool

    def to_explore(self, t: int) -> tuple[int, int] | None:
        if not self.paper_code and self.waiting != self.L_C:
            return None
        few = [pair for pair in self.pairs() if self.n(*pair) < self.alpha * loglog(t)]
        return few[0] if few else None

    def cheapest(self, i: int) -> int:
        assert self.order is not None
        best = self.winner()

        def cost(j: int) -> float:
            gaps = (self.mu(best, i) - 0.5) + (self.mu(best, j) - 0.5)
            return (max(gaps, 0.01) if self.paper_code else gaps) / kl_half(self.mu(i, j))

        return min((j for j in self.order if j != i and self.mu(i, j) < 0.5), key=cost, default=best)

    def opponent(self, i: int, t: int) -> int:
        best, b, ahead = self.winner(), self.cheapest(i), self.ahead(i)
        if b in ahead:
            share = self.n(i, b) / loglog(t)
            if self.paper_code:
                if not (best in ahead and self.n(i, best) <= share):
                    return b
            elif self.n(i, best) >= share:
                return b
        return super().opponent(i, t)


class RMED2FH(RMED2):
    """Pairs are explored first, and cheapest opponents are fixed then."""

    horizon: int | None

    def begin(self) -> None:
        super().begin()
        self.fixed: list[int] | None = None

    def least_duels(self) -> int:
        horizon = self.horizon or self.T
        assert horizon is not None
        return max(1, math.ceil(self.alpha * loglog(horizon))) if horizon > 1 else 1

    def to_explore(self, t: int) -> tuple[int, int] | None:
        return None

    def cheapest(self, i: int) -> int:
        if self.fixed is None:
            self.fixed = [super(RMED2FH, self).cheapest(j) for j in self.arms]
        return self.fixed[i]


def loglog(t: int) -> float:
    return math.log(math.log(t)) if t > 1 else -math.inf


class RCS(RUCB):
    """The champion of a sampled tournament meets the opponent that RUCB would choose."""

    memory = False

    def begin(self) -> None:
        self.titles = [0] * self.K

    def choose_champion(self, t: int, rng: Rng) -> int:
        beaten = [0] * self.K
        for i, j in itertools.combinations(self.arms, 2):
            theta = rng.beta(self.w[i][j] + 1, self.w[j][i] + 1)
            beaten[i if theta > 0.5 else j] += 1
        if self.K - 1 in beaten:
            champion: int | None = beaten.index(self.K - 1)
        else:
            champion = at_random(self.arms, lambda i: -self.titles[i], rng)
        assert champion is not None
        self.titles[champion] += 1
        return champion

    def winner(self) -> int:
        return Counts.winner(self)
