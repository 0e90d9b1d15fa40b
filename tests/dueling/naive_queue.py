"""Beat the Winner and Winner Stays, with queues and lists, from the pseudo-code."""

from __future__ import annotations

import math
from collections import deque

from .naive_base import Naive, Rng, shuffled


class BeatTheWinner(Naive):
    """A queue of arms; round c is won by who has c wins first."""

    reset = False

    def begin(self) -> None:
        self.queue: deque[int] | None = None
        self.c = 1

    def line_up(self, rng: Rng) -> None:
        if self.queue is None:
            self.queue = deque(shuffled(self.K, rng))
            self.incumbent = self.queue.popleft()
            self.challenger = self.queue.popleft()
            self.score = {self.incumbent: 0, self.challenger: 0}

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        self.line_up(rng)
        return self.incumbent, self.challenger

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        self.duel(first if won else second)

    def duel(self, best: int) -> bool:
        """Count a win; say whether the round has ended."""
        self.score[best] += 1
        if self.score[best] < self.c:
            return False
        if best == self.incumbent:
            loser = self.challenger
            self.c += 1
        else:
            loser, self.incumbent = self.incumbent, self.challenger
            self.c = 1 if self.reset else self.c + 1
        assert self.queue is not None
        self.queue.append(loser)
        self.challenger = self.queue.popleft()
        self.score = {self.incumbent: 0, self.challenger: 0}
        return True

    def winner(self) -> int:
        return 0 if self.queue is None else self.incumbent


class BeatTheWinnerReset(BeatTheWinner):
    """The same, but a fallen incumbent sets c back to 1."""

    reset = True


class BeatTheWinnerResetStrong(BeatTheWinnerReset):
    """After round c of BtWR, floor(beta^c) rounds of the incumbent against itself.

    As released: floor(beta^l) rounds whenever BtWR's c is not l, and then l grows by one.
    """

    beta: float
    paper_code: bool

    def begin(self) -> None:
        super().begin()
        self.exploit = 0
        self.l = 1

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        self.line_up(rng)
        if self.paper_code and self.exploit == 0 and self.c != self.l:
            self.exploit = math.floor(self.beta**self.l)
            self.l += 1
        return (self.incumbent, self.incumbent) if self.exploit else (self.incumbent, self.challenger)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if self.exploit:
            self.exploit -= 1
            return
        played = self.c
        if self.duel(first if won else second) and not self.paper_code:
            self.exploit = math.floor(self.beta**played)


class ModifiedBeatTheWinner(Naive):
    """Who first has as many wins as the host's record is the next host; records are weights of the next opponent."""

    def begin(self) -> None:
        self.records = [1] * self.K
        self.host: int | None = None
        self.opponent: int | None = None

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        if self.host is None:
            self.host = rng.below(self.K)
        if self.opponent is None:
            # each other arm stands in the urn as often as its record says
            urn = [a for a in self.arms if a != self.host for _ in range(self.records[a])]
            self.opponent = urn[rng.below(len(urn))]
            self.score = {self.host: 0, self.opponent: 0}
        return self.host, self.opponent

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        best, loser = (first, second) if won else (second, first)
        self.score[best] += 1
        assert self.host is not None
        if self.score[best] == self.records[self.host]:
            self.records[best] += 1
            self.records[loser] = max(self.records[loser] - 1, 1)
            self.host, self.opponent = best, None

    def winner(self) -> int:
        return 0 if self.host is None else self.host


class WinnerStaysWeak(Naive):
    """C is wins less losses; in round r the incumbent meets all others, until one of the two has C = -r."""

    def begin(self) -> None:
        self.C = [0] * self.K
        self.r = 1
        self.incumbent: int | None = None
        self.challenger: int | None = None
        self.last_winner = 0

    def meet(self, rng: Rng) -> tuple[int, int]:
        if self.incumbent is None:
            self.incumbent = rng.below(self.K)
            self.remaining = [a for a in self.arms if a != self.incumbent]
            self.beaten: list[int] = []
        if self.challenger is None:
            # drawn and taken out; the last one takes its place
            k = rng.below(len(self.remaining))
            self.challenger = self.remaining[k]
            self.remaining[k] = self.remaining[-1]
            self.remaining.pop()
        return self.incumbent, self.challenger

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        return self.meet(rng)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        self.duel(*((first, second) if won else (second, first)))

    def duel(self, best: int, loser: int) -> bool:
        """Count a win; say whether a round of all arms has ended."""
        self.C[best] += 1
        self.C[loser] -= 1
        if self.C[loser] != -self.r:
            return False
        self.incumbent, self.challenger = best, None
        self.beaten.insert(0, loser)  # the last to lose stands first: only which draw means which arm hangs on it
        if self.remaining:
            return False
        self.r += 1
        self.remaining, self.beaten = self.beaten, []
        self.last_winner = best
        return True

    def winner(self) -> int:
        return (self.incumbent or 0) if self.r == 1 else self.last_winner


class WinnerStaysStrong(WinnerStaysWeak):
    """After round l of WS-W, floor(beta^l) rounds of its winner against itself."""

    beta: float

    def begin(self) -> None:
        super().begin()
        self.exploit = 0

    def select(self, t: int, rng: Rng) -> tuple[int, int]:
        return (self.last_winner, self.last_winner) if self.exploit else self.meet(rng)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if self.exploit:
            self.exploit -= 1
            return
        ended = self.r
        if self.duel(*((first, second) if won else (second, first))):
            self.exploit = math.floor(self.beta**ended)
