"""Slow, obvious versions of environments and policies whose reward is no sum, written from the papers, not the kernels.

`play` returns the actions of one run. Policies remember what they saw and compute everything afresh in every round;
random numbers come from the package's samplers, called as plain Python.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from banditlab.core import sampling
from tests.arms.naive import Rng, environment_rng

Action = tuple[int, ...]
Run = list[Action]


def uniforms(u: float, n: int) -> list[float]:
    """Return the numbers of n items, expanded from the round's."""
    with np.errstate(all="ignore"):  # 64-bit words wrap around
        bits = sampling.key(u)
        return [sampling.expanded(bits, item) for item in range(n)]


def sets_up_to(n: int, m: int) -> list[Action]:
    return [a for size in range(1, m + 1) for a in itertools.combinations(range(n), size)]


# ----------------------------------------------------------------------------------------------- environments


def kmax_outcomes(values: list[list[float]], probabilities: list[list[float]], u: float) -> list[float]:
    """Return the outcome of every item in a round."""
    found = []
    for x, row, chances in zip(uniforms(u, len(values)), values, probabilities, strict=True):
        at_most = list(itertools.accumulate(chances))
        found.append(next((v for v, c in zip(row, at_most, strict=True) if x < c), 0.0))
    return found


def mean_of_largest(values: list[list[float]], probabilities: list[list[float]], action: Action) -> float:
    """Return E max by going through all combinations of outcomes."""
    rows = [[*zip(values[i], probabilities[i], strict=True), (0.0, 1.0 - sum(probabilities[i]))] for i in action]
    return math.fsum(max(v for v, _ in case) * math.prod(p for _, p in case) for case in itertools.product(*rows))


def coverage_reward(covers: Any, shares: Any, action: Action, u: float) -> float:
    """Return 1 if the element at u of the cumulative distribution is covered."""
    at_most = list(itertools.accumulate(shares))
    element = next((e for e, c in enumerate(at_most) if u < c), len(at_most) - 1)
    return float(any(covers[item][element] for item in action))


# ------------------------------------------------------------------------------------------------------ k-MAX


def worth(variables: list[tuple[float, float]]) -> float:
    """Return the expected maximum of independent v * Bernoulli(p): the largest that succeeds counts."""
    total = 0.0
    for v, p in sorted(variables, key=lambda variable: variable[0]):  # the smallest first: what is left by the others
        total = v * p + (1.0 - p) * total
    return total


def exhaustive(ranked: list[tuple[int, float, float]], m: int) -> tuple[float, Action] | None:
    """Return the best m of items in descending order of values, taking the first of them wherever that is as good."""
    if m == 0:
        return 0.0, ()
    if len(ranked) < m:
        return None
    (item, v, p), others = ranked[0], ranked[1:]
    with_it, without = exhaustive(others, m - 1), exhaustive(others, m)
    assert with_it is not None
    taken = v * p + (1.0 - p) * with_it[0]
    if without is None or taken >= without[0]:
        return taken, (item, *with_it[1])
    return without


class Variables:
    """What is believed of k-MAX items: binary variables with a value, 1 if unknown, failures and successes."""

    def __init__(self, n: int, m: int, alpha: float, support_size: int, oracle: str) -> None:
        self.n, self.m, self.alpha, self.oracle = n, m, alpha, oracle
        self.size = support_size
        self.known: list[list[float]] = [[] for _ in range(n)]
        self.seen: dict[tuple[int, int], list[bool]] = {(i, j): [] for i in range(n) for j in range(support_size)}

    def value(self, item: int, j: int) -> float:
        return self.known[item][j] if j < len(self.known[item]) else 1.0

    def upper(self, item: int, j: int, t: int) -> float:
        seen = self.seen[item, j]
        if not seen:
            return 1.0
        return min(1.0, sum(seen) / len(seen) + math.sqrt(self.alpha * math.log(t) / len(seen)))

    def choose(self, t: int) -> Action:
        variables = {i: [(self.value(i, j), self.upper(i, j, t)) for j in range(self.size)] for i in range(self.n)}

        def of(action: Action) -> float:
            listed = [variable for item in action for variable in variables[item]]
            # of equal values the later is looked at first: sorted() keeps the order, so reverse it
            return worth(listed[::-1])

        if self.oracle == "greedy":
            action: Action = ()
            for _ in range(self.m):
                others = [i for i in range(self.n) if i not in action]
                action = (*action, max(others, key=lambda i: of((*action, i))))
            return tuple(sorted(action))
        if self.size == 1:
            ranked = sorted(range(self.n), key=lambda i: -variables[i][0][0])
            found = exhaustive([(i, *variables[i][0]) for i in ranked], self.m)
            assert found is not None
            return tuple(sorted(found[1]))
        return max(itertools.combinations(range(self.n), self.m), key=of)

    def outcome(self, item: int, x: float) -> None:
        if x not in self.known[item] and len(self.known[item]) < self.size:
            self.seen[item, len(self.known[item])] = []
            self.known[item].append(x)
        for j in range(self.size):
            if j < len(self.known[item]) and self.known[item][j] == x:
                self.seen[item, j].append(True)
            elif self.value(item, j) > x:
                self.seen[item, j].append(False)

    def at_most(self, item: int, x: float, strictly: bool) -> None:
        for j in range(self.size):
            if self.value(item, j) > x or (strictly and self.value(item, j) == x):
                self.seen[item, j].append(False)


def kmax_run(
    values: list[list[float]], probabilities: list[list[float]], m: int, policy: Any, horizon: int, seed: int, run: int
) -> Run:
    """Return the actions of `KMaxCUCB` or `KMaxSemiBandit` in a run."""
    luck = environment_rng(seed, run)
    beliefs = Variables(len(values), m, policy.alpha, policy.support_size, policy.oracle)
    semi_bandit = type(policy).__name__ == "KMaxSemiBandit"
    played = []
    for t in range(1, horizon + 1):
        action = beliefs.choose(t)
        played.append(action)
        outcomes = kmax_outcomes(values, probabilities, luck.open_uniform())
        largest = max(outcomes[i] for i in action)
        winner = next((i for i in action if outcomes[i] == largest > 0.0), None)
        for i in action:
            if semi_bandit and outcomes[i] > 0.0:
                beliefs.outcome(i, outcomes[i])
            elif semi_bandit:
                beliefs.at_most(i, 0.0, strictly=False)
            elif i == winner:
                beliefs.outcome(i, largest)
            else:
                beliefs.at_most(i, largest, strictly=winner is not None and i < winner)
    return played


def super_arm_run(reward: Callable[[Action, float], float], arms: list[Action], alpha: float, horizon: int,
                  seed: int, run: int) -> Run:  # fmt: skip
    """Return the actions of `SuperArmUCB` in a run."""
    luck = environment_rng(seed, run)
    rewards: dict[Action, list[float]] = {arm: [] for arm in arms}
    played = []
    for t in range(1, horizon + 1):
        new = [arm for arm in arms if not rewards[arm]]

        def index(arm: Action, t: int = t) -> float:
            n = len(rewards[arm])
            return sum(rewards[arm]) / n + math.sqrt(alpha * math.log(t) / n)

        action = new[0] if new else max(arms, key=index)
        played.append(action)
        rewards[action].append(reward(action, luck.open_uniform()))
    return played


# ------------------------------------------------------------------------------------------------ full bandit

Queries = Generator[Action, float, Action]
"""Yields sets, is sent their values, returns the output."""


def greedy(n: int, m: int) -> Queries:
    base: list[int] = []
    for _ in range(m):
        answers = {}
        for item in range(n):
            if item not in base:
                answers[item] = yield tuple(sorted([*base, item]))
        base.append(max(answers, key=lambda item: answers[item]))
    return tuple(sorted(base))


def greedy_plus_max(sizes: list[float], capacity: float) -> Queries:
    base: list[int] = []
    worth_of_base, best, best_worth = 0.0, (), -math.inf
    while True:
        answers = {}
        for item in range(len(sizes)):
            if item not in base and sum(sizes[i] for i in sorted([*base, item])) <= capacity:
                asked = tuple(sorted([*base, item]))
                answers[item] = yield asked
                if answers[item] > best_worth:
                    best, best_worth = asked, answers[item]
        if not answers:
            return best
        density = {item: (answers[item] - worth_of_base) / sizes[item] for item in answers}
        added = max(density, key=lambda item: density[item])
        base.append(added)
        worth_of_base = answers[added]


def cetc_run(reward: Callable[[Action, float], float], queries: Queries, plays: int, horizon: int,
             seed: int, run: int) -> Run:  # fmt: skip
    """Return the actions of `CETC` in a run."""
    luck = environment_rng(seed, run)
    played: Run = []

    def play(action: Action) -> float:
        if len(played) < horizon:
            played.append(action)
            return reward(action, luck.open_uniform())
        return 0.0

    action = next(queries)
    try:
        while len(played) < horizon:
            action = queries.send(sum(play(action) for _ in range(plays)) / plays)
    except StopIteration as stop:
        played += [stop.value] * (horizon - len(played))
    return played


def og_run(reward: Callable[[Action, float], float], n: int, m: int, gamma: float, rate: float, horizon: int,
           seed: int, run: int) -> Run:  # fmt: skip
    """Return the actions of `OG` in a run."""
    luck, own = environment_rng(seed, run), Rng(seed, sampling.POLICY_STREAM, run)
    credit: list[list[list[float]]] = [[[] for _ in range(n)] for _ in range(m)]

    def proposal(position: int) -> int:
        weights = [math.prod(math.exp(rate * x) for x in item) for item in credit[position]]
        x, below = own.uniform() * sum(weights), list(itertools.accumulate(weights))
        return next((item for item in range(n) if x < below[item]), n - 1)

    played = []
    for _ in range(horizon):
        if own.uniform() < gamma:
            position, item = own.below(m), own.below(n)
            action = tuple(sorted({*(proposal(j) for j in range(position)), item}))
            credit[position][item].append(reward(action, luck.open_uniform()))
        else:
            action = tuple(sorted({proposal(j) for j in range(m)}))
            luck.open_uniform()
        played.append(action)
    return played


REFERENCES: dict[str, Callable[..., Run]] = {
    "KMaxCUCB": kmax_run,
    "KMaxSemiBandit": kmax_run,
    "SuperArmUCB": super_arm_run,
    "CETC": cetc_run,
    "OG": og_run,
}
