"""Policies made of bandits on arms, one or two players a duel, from the pseudo-code."""

from __future__ import annotations

import math

from tests.arms.naive import TsallisINF

from .naive_base import Naive, Rng, at_random


class UCB:
    """One player: w_a / n_a + sqrt(alpha ln n / n_a), arms that were never played first, ties at random."""

    def __init__(self, n_arms: int, alpha: float) -> None:
        self.alpha = alpha
        self.outcomes: list[list[bool]] = [[] for _ in range(n_arms)]

    def index(self, arm: int) -> float:
        seen = self.outcomes[arm]
        if not seen:
            return math.inf
        return sum(seen) / len(seen) + math.sqrt(self.alpha * math.log(sum(map(len, self.outcomes))) / len(seen))

    def choose(self, rng: Rng) -> int:
        found = at_random(range(len(self.outcomes)), self.index, rng)
        assert found is not None
        return found


class Sparring(Naive):
    """A left and a right player, each rewarded for beating the other."""

    alpha: float

    def begin(self) -> None:
        self.left, self.right = UCB(self.K, self.alpha), UCB(self.K, self.alpha)

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        first = self.left.choose(rng)
        return first, self.right.choose(rng)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        self.left.outcomes[first].append(won)
        self.right.outcomes[second].append(not won)

    def winner(self) -> int:
        played = [len(self.left.outcomes[a]) + len(self.right.outcomes[a]) for a in self.arms]
        return played.index(max(played))


class MultiSBM(Naive):
    """One player for each first arm; the second arm of a round is the first of the next."""

    alpha: float

    def begin(self) -> None:
        self.players = [UCB(self.K, self.alpha) for _ in self.arms]
        self.played = [0] * self.K
        self.last: int | None = None

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        first = rng.below(self.K) if self.last is None else self.last
        return first, self.players[first].choose(rng)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        self.players[first].outcomes[second].append(not won)
        self.played[second] += 1
        self.last = second

    def winner(self) -> int:
        return self.played.index(max(self.played))


class VersatileDB(Naive):
    """Two players of Tsallis-INF; a player's loss is 1 if the other's arm wins.

    What is lost is divided by probabilities that fall as losses grow: a difference of 1e-16, as between this normaliser
    and that of the kernel, is 1e-9 after 600 rounds and 1e-4 after 1600.
    """

    EXACT = 600

    estimator: str

    def begin(self) -> None:
        self.left, self.right = (TsallisINF(self.K, self.T, estimator=self.estimator) for _ in range(2))

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        first = self.left.select(t, rng)
        return first, self.right.select(t, rng)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if any(abs(w - self.left.rate(t) ** 2) < 1e-12 for player in (self.left, self.right) for w in player.w):
            self.EXACT = t  # rounding decides whether w >= eta^2, as for 1/3 in round 48
        self.left.update(first, 1.0 if won else 0.0, t)
        self.right.update(second, 0.0 if won else 1.0, t)

    def winner(self) -> int:
        return self.winners()[0]

    def winners(self) -> list[int]:
        total = [a + b for a, b in zip(self.left.L, self.right.L, strict=True)]
        return [a for a in self.arms if total[a] <= min(total) + 1e-6]
