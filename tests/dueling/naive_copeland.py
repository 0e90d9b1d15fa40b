"""Copeland confidence bounds and the scalable Copeland bandit, from the pseudo-code."""

from __future__ import annotations

import math
from collections.abc import Generator

from tests.arms.naive import largest_plausible

from .naive_base import Naive, Rng, at_random, kl, shuffled
from .naive_optimistic import Bounds


class CCB(Bounds):
    """Likely Copeland winners B, for each arm those B^i thought to beat it, and the number l of a winner's defeats."""

    unmet = 1.0  # as in the programs that the rule is from

    def begin(self) -> None:
        self.set_back()

    def set_back(self) -> None:
        self.B, self.Bi, self.l = set(self.arms), [set[int]() for _ in self.arms], self.K

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        U = [[self.upper(i, j, t) for j in self.arms] for i in self.arms]
        L = [[self.lower(i, j, t) for j in self.arms] for i in self.arms]
        opt = [sum(U[i][j] >= 0.5 for j in self.others(i)) for i in self.arms]
        pess = [sum(L[i][j] >= 0.5 for j in self.others(i)) for i in self.arms]
        if any(L[i][j] > 0.5 for i in self.arms for j in self.Bi[i]):  # A
            self.set_back()
        for i in sorted(self.B):  # B
            if opt[i] < max(pess):
                self.B.remove(i)
                if len(self.Bi[i]) != self.l + 1:
                    self.Bi[i] = {j for j in self.arms if U[i][j] < 0.5}
        if not self.B:
            self.set_back()
        C = [i for i in self.arms if opt[i] == max(opt)]
        for i in C:  # C
            if opt[i] == pess[i]:
                self.B.add(i)
                self.Bi[i] = set()
                self.l = self.K - 1 - opt[i]
                for j in self.others(i):
                    self.Bi[j] = set() if len(self.Bi[j]) < self.l + 1 else some(self.Bi[j], self.l + 1, rng)
        doubtful = [(i, j) for i in self.arms for j in sorted(self.Bi[i]) if L[i][j] <= 0.5 <= U[i][j]]
        if doubtful and rng.uniform() < 1 / 4:
            return doubtful[rng.below(len(doubtful))]
        if self.B & set(C) and rng.uniform() < 2 / 3:
            C = [i for i in C if i in self.B]
        c = C[rng.below(len(C))]
        allowed = [j for j in self.arms if L[j][c] <= 0.5]
        near = [j for j in allowed if j in self.Bi[c]]
        if rng.uniform() < 1 / 2 and near:
            found = at_random(near, lambda j: U[j][c], rng)
        else:
            found = at_random([j for j in allowed if j != c], lambda j: U[j][c], rng, least=0.5)
        return c, c if found is None else found


def some(members: set[int], many: int, rng: Rng) -> set[int]:
    """Keep so many members; each in turn is kept with the chance that is left to it."""
    kept: set[int] = set()
    for seen, member in enumerate(sorted(members)):
        left, wanted = len(members) - seen, many - len(kept)
        if wanted == left or (wanted and rng.uniform() * left < wanted):
            kept.add(member)
    return kept


class SCB(Naive):
    """Phases of length T_1, T_1^2, T_1^4, ...; in each, a search written down as it goes, duel by duel."""

    first_phase: int

    def begin(self) -> None:
        self.T_r = self.first_phase
        self.left = 0  # rounds of the phase
        self.search: Generator[tuple[int, int], bool, None] | None = None
        self.candidates: list[int] = []
        self.found: int | None = None
        self.last: int | None = None
        self.order = [0]
        self.certain: set[tuple[int, int]] = set()
        self.asked: tuple[int, int] | None = None

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        if self.left == 0:
            if self.search is not None:
                self.T_r = self.T_r**2
            self.last = self.last if self.found is None else self.found
            self.left, self.found = self.T_r, None
            self.candidates, self.certain = list(self.arms), set()
            self.w = [[0] * self.K for _ in self.arms]
            self.order = shuffled(self.K, rng)
            self.search = self.searching(self.order, rng)
            self.asked = next(self.search)
        elif self.asked is None and self.found is None:
            # draws that follow from the last duel belong to this round
            assert self.search is not None
            self.asked = self.search.send(self.settled)
        self.left -= 1
        if self.found is not None:
            return self.found, self.found
        assert self.asked is not None
        return self.asked

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if self.found is not None:
            return
        best, loser = (first, second) if won else (second, first)
        self.w[best][loser] += 1
        n = self.w[best][loser] + self.w[loser][best]
        mu = self.w[first][second] / n
        self.settled = n * kl(mu, 0.5) > self.log_of_delta(2 * n**2 * self.K**2)
        if self.settled:
            self.certain.add((first, second) if mu > 0.5 else (second, first))
        self.asked = None

    def searching(self, order: list[int], rng: Rng) -> Generator[tuple[int, int], bool, None]:
        n, total = 0, [0] * self.K
        while True:
            for i in [a for a in order if a in self.candidates]:
                j = rng.below(self.K - 1)
                j += j >= i
                while (i, j) not in self.certain and (j, i) not in self.certain:
                    settled = yield i, j
                    if settled and all(self.known(a) for a in self.candidates):
                        self.found = at_random(self.candidates, self.wins, rng)
                        yield i, j  # not asked for: the search has ended
                total[i] += (i, j) in self.certain
            n += 1
            budget = (self.log_of_delta(4 * n * self.K) + 2 * math.log(max(1, math.log(n)))) / n
            upper = {a: largest_plausible(total[a] / n, budget) for a in self.candidates}
            lower = {a: 1 - largest_plausible(1 - total[a] / n, budget) for a in self.candidates}
            self.candidates = [a for a in self.candidates if upper[a] >= max(lower.values())]
            if len(self.candidates) == 1 or all(self.known(a) for a in self.candidates):
                self.found = at_random(self.candidates, self.wins, rng)
                yield 0, 0

    def log_of_delta(self, x: float) -> float:
        """Return log(x / delta), delta = log(T_r) / T_r."""
        return math.log(x) + math.log(self.T_r) - math.log(math.log(self.T_r))

    def known(self, a: int) -> bool:
        return all((a, b) in self.certain or (b, a) in self.certain for b in self.arms if b != a)

    def wins(self, a: int) -> int:
        return sum(better == a for better, _ in self.certain)

    def winner(self) -> int:
        if self.found is not None:
            return self.found
        ahead = [a for a in self.order if a in self.candidates and self.wins(a) > 0]
        if ahead:
            return max(ahead, key=self.wins)
        return self.order[0] if self.last is None else self.last
