"""Policies that drop arms or pairs until one is left, from the pseudo-code."""

from __future__ import annotations

import itertools
import math

from .naive_base import Counts, Naive, Rng, at_random, shuffled


class BeatTheMean(Naive):
    """The arm with the fewest comparisons meets a random active one; the worst against this mean is dropped."""

    gamma: float
    tight: bool
    meets_itself: bool
    horizon: int | None

    def begin(self) -> None:
        self.W = list(self.arms)
        self.seen: dict[int, list[tuple[int, bool]]] = {b: [] for b in self.arms}  # against whom, and whether b won

    def share(self, b: int) -> float:
        return sum(won for _, won in self.seen[b]) / len(self.seen[b]) if self.seen[b] else 0.5

    def drop_the_worst(self, rng: Rng) -> None:
        horizon = self.horizon or self.T
        assert horizon is not None
        least = min(len(self.seen[b]) for b in self.W)
        c = 1.0
        if least:
            width = (1 if self.tight else 3) * self.gamma**2
            c = width * math.sqrt(math.log(2 * horizon * self.K) / least)
        shares = [self.share(b) for b in self.W]
        if min(shares) + c <= max(shares) - c:
            # numbers are drawn for equals of the worst only, not for those of the worst so far
            worst = at_random([b for b in self.W if self.share(b) == min(shares)], lambda b: 0, rng)
            assert worst is not None
            self.W.remove(worst)
            for b in self.W:
                self.seen[b] = [(other, won) for other, won in self.seen[b] if other != worst]

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        if len(self.W) > 1:
            self.drop_the_worst(rng)
        if len(self.W) == 1:
            return self.W[0], self.W[0]
        b = at_random(self.W, lambda a: -len(self.seen[a]), rng)
        assert b is not None
        others = self.W if self.meets_itself else [a for a in self.W if a != b]
        return b, others[rng.below(len(others))]

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if len(self.W) > 1:
            self.seen[first].append((second, won))

    def winner(self) -> int:
        return max(self.W, key=self.share)


class InterleavedFilter(Naive):
    """An incumbent meets all active arms in turn, until one has beaten it."""

    pruning: bool
    horizon: int | None

    def begin(self) -> None:
        self.order: list[int] | None = None

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        if self.order is None:
            self.order = shuffled(self.K, rng)
            self.reign()
            self.active = set(self.order[1:])
            self.begin_pass()
        incumbent = self.order[0]
        return incumbent, (self.to_meet[0] if self.active else incumbent)

    def reign(self) -> None:
        """Forget all duels: an incumbent begins."""
        self.passes, self.won = 0, dict.fromkeys(self.arms, 0)

    def begin_pass(self) -> None:
        assert self.order is not None
        self.to_meet = [b for b in self.order if b in self.active]

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if not self.active:
            return
        self.won[second] += won
        self.to_meet.pop(0)
        if not self.to_meet:
            self.passes += 1
            self.end_of_pass()
            self.begin_pass()

    def end_of_pass(self) -> None:
        assert self.order is not None
        horizon = self.horizon or self.T
        assert horizon is not None
        c = math.sqrt(4 * math.log(horizon * self.K**2) / self.passes)
        P = {b: self.won[b] / self.passes for b in self.active}
        self.active = {b for b in self.active if P[b] - c <= 0.5}
        better = [b for b in self.order if b in self.active and P[b] + c < 0.5]
        if better:
            new = better[0]
            self.active -= {new}
            if self.pruning:
                self.active = {b for b in self.active if P[b] <= 0.5}
            k = self.order.index(new)
            self.order[0], self.order[k] = new, self.order[0]
            self.reign()

    def winner(self) -> int:
        return 0 if self.order is None else self.order[0]


class SAVAGE(Counts):
    """The pair with the fewest duels, of those that the winner may depend on."""

    notion: str
    delta: float | None
    horizon: int | None

    def begin(self) -> None:
        self.order: list[int] | None = None
        self.certain: set[tuple[int, int]] = set()  # (better, worse)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        super().update(first, second, won, t)
        if first == second:
            return
        horizon = self.horizon or self.T
        assert horizon is not None
        delta = self.delta or 1 / horizon
        c = math.sqrt(math.log(self.K * (self.K - 1) * horizon / delta) / (2 * self.n(first, second)))
        for i, j in ((first, second), (second, first)):
            if self.mu(i, j) + c < 0.5 and (i, j) not in self.certain:
                self.certain.add((j, i))

    def defeats(self, i: int) -> int:
        return sum(worse == i for _, worse in self.certain)

    def active(self, i: int, j: int) -> bool:
        if self.notion == "condorcet":
            return self.defeats(i) == 0 and self.defeats(j) == 0
        if (i, j) in self.certain or (j, i) in self.certain:
            return False
        most = max(sum(better == a for better, _ in self.certain) for a in self.arms)
        return any(self.K - 1 - self.defeats(a) > most for a in (i, j))

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        if self.order is None:
            self.order = shuffled(self.K, rng)
        active = [(i, j) for i, j in itertools.combinations(self.order, 2) if self.active(i, j)]
        return min(active, key=lambda pair: self.n(*pair)) if active else (self.winner(), self.winner())

    def winner(self) -> int:
        if self.order is None:
            return 0
        if self.notion == "condorcet":
            return min(self.order, key=self.defeats)
        return max(self.order, key=lambda i: (sum(better == i for better, _ in self.certain), -self.defeats(i)))
