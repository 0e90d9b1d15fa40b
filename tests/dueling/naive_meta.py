"""Slow, obvious versions of the policies around policies, with naive bases: lists of outcomes, recounted every time."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

from banditlab import dueling
from banditlab.dueling import theory

from . import naive
from .naive_base import shuffled

Player = Any


def changed(outcomes: list[bool], w: int, b: float) -> bool:
    """Say whether the newer half of the last w outcomes has more than b wins more or fewer than the older half."""
    if len(outcomes) < w:
        return False
    last = outcomes[-w:]
    return abs(sum(last[w // 2 :]) - sum(last[: w // 2])) > b


class NaiveDETECT:
    def __init__(self, n_arms: int, make: Callable[[], Player], exploration: int, w: int, b: float) -> None:
        self.K, self.make, self.exploration, self.w, self.b = n_arms, make, exploration, w, b
        self.resets = 0
        self.begin()

    def begin(self) -> None:
        self.base = self.make()
        self.t = 1
        self.champion: int | None = None
        self.met: list[int] = []
        self.outcomes: dict[int, list[bool]] = {j: [] for j in range(self.K)}

    def select(self, t: int, rng: naive.Rng) -> tuple[int, int]:
        if self.t <= self.exploration:
            return self.base.select(self.t, rng)
        if self.champion is None:
            self.champion = self.base.winner()
        turns = [j for j in range(self.K) if j != self.champion]
        return self.champion, turns[len(self.met) % len(turns)]

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if self.t <= self.exploration:
            self.base.update(first, second, won, self.t)
        else:
            self.met.append(second)
            self.outcomes[second].append(won)
            if changed(self.outcomes[second], self.w, self.b):
                self.resets += 1
                self.begin()
                return
        self.t += 1

    def observe(self, first: int, second: int, won: bool, t: int) -> None:
        pass

    def winner(self) -> int:
        return self.base.winner() if self.champion is None else self.champion


class NaiveMDB:
    def __init__(self, n_arms: int, make: Callable[[], Player], gamma: float, w: int, b: float, transfer: bool) -> None:
        self.make, self.w, self.b, self.transfer = make, w, b, transfer
        self.pairs = list(itertools.combinations(range(n_arms), 2))
        self.cycle = math.floor(len(self.pairs) / gamma)
        self.order: list[int] | None = None
        self.resets = 0
        self.begin()

    def begin(self) -> None:
        self.base = self.make()
        self.t = 1
        self.seen = 0
        self.outcomes: dict[tuple[int, int], list[bool]] = {pair: [] for pair in self.pairs}

    def exploring(self) -> bool:
        return (self.t - 1) % self.cycle < len(self.pairs)

    def select(self, t: int, rng: naive.Rng) -> tuple[int, int]:
        if self.order is None:
            self.order = shuffled(len(self.pairs), rng)
        if self.exploring():
            return self.pairs[self.order[(self.t - 1) % self.cycle]]
        return self.base.select(self.seen + 1, rng)

    def update(self, first: int, second: int, won: bool, t: int) -> None:
        if self.exploring():
            if self.transfer:
                self.seen += 1
                self.base.observe(first, second, won, self.seen)
            self.outcomes[first, second].append(won)
            if changed(self.outcomes[first, second], self.w, self.b):
                self.resets += 1
                self.begin()
                return
        else:
            self.seen += 1
            self.base.update(first, second, won, self.seen)
        self.t += 1

    def observe(self, first: int, second: int, won: bool, t: int) -> None:
        pass

    def winner(self) -> int:
        return self.base.winner()


def reference(policy: Any, n_arms: int, horizon: int | None) -> Player:
    """Return the naive version of a policy, those around others included."""
    if isinstance(policy, dueling.DETECT):
        found = (policy.exploration, policy.window, policy.threshold)
        if None in found:
            computed = theory.detect_parameters(n_arms, horizon, policy.pmin, policy.delta, policy.rule)
            found = tuple(b if a is None else a for a, b in zip(found, computed, strict=True))
        return NaiveDETECT(n_arms, lambda: reference(policy.base, n_arms, horizon), *found)
    if isinstance(policy, dueling.MonitoredDuelingBandits):
        window, threshold, gamma = policy.window, policy.threshold, policy.gamma
        if None in (window, threshold, gamma):
            window, threshold, gamma = theory.monitor_parameters(n_arms, horizon, policy.delta, policy.n_segments)
        learns = policy.observation_transfer and hasattr(type(policy.base), "observe")
        return NaiveMDB(n_arms, lambda: reference(policy.base, n_arms, horizon), gamma, window, threshold, learns)
    fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}
    return naive.REFERENCES[type(policy).__name__](n_arms, horizon, **fields)
