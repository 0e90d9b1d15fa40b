"""Slow and obvious transcriptions of the algorithms, from their pseudo-code: the whole history, scipy's linprog."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from scipy.optimize import linprog

TIES = 1e-6


def prime_weights(n):
    primes = (p for p in itertools.count(2) if all(p % d for d in range(2, p)))
    return [1.0 + math.sqrt(p) % 1.0 for p in itertools.islice(primes, n)]


class Rounds:
    """Everything that has happened: (payments, action, report, state) a round."""

    def __init__(self, beliefs, utility, n_actions, max_payment, informed):
        self.sigma, self.u, self.K, self.B, self.informed = beliefs, utility, n_actions, max_payment, informed
        self.M, self.S = beliefs.shape
        self.history: list[tuple[Any, int, int, int]] = []

    def count(self, k):
        return sum(1 for _, action, _, _ in self.history if action == k)

    def q(self, k):
        reports = [report for _, action, report, _ in self.history if action == k]
        return [reports.count(m) / max(1, len(reports)) for m in range(self.M)]

    def v(self, payments, k):
        """Estimated expected payment of a truthful agent who plays k."""
        q = self.q(k)
        return sum(q[m] * self.sigma[m][w] * payments[m][w] for m in range(self.M) for w in range(self.S))

    def radius(self, k, t, delta, scale):
        n = self.count(k)
        return math.inf if n == 0 else scale * math.sqrt(2 * math.log(4 * self.K**2 * self.M * t * t / delta) / n)

    def upper(self, i, j):
        """C+(i, j)."""
        bounds = [self.v(p, i) - self.v(p, j) for p, action, _, _ in self.history if action == i]
        return min([self.B, *bounds])

    def costs(self, radius):
        """C^ and I_c, with shortest paths by trying every intermediate action in turn."""
        K = self.K
        estimate = [[0.0] * K for _ in range(K)]
        spread = [[0.0] * K for _ in range(K)]
        for i in range(K):
            for j in range(K):
                if i != j:
                    above, below = self.upper(i, j), -self.upper(j, i)
                    estimate[i][j] = (above + below) / 2
                    spread[i][j] = abs(above - below) / 2 + self.B * (radius[i] + radius[j])
        for via in range(K):
            for i in range(K):
                for j in range(K):
                    if spread[i][via] + spread[via][j] < spread[i][j]:
                        spread[i][j] = spread[i][via] + spread[via][j]
                        estimate[i][j] = estimate[i][via] + estimate[via][j]
        return estimate, spread

    def program(self, k, radius, estimate, spread):
        """Return (v, payments) of UCB-LP_k in units of B, or None."""
        n = self.M * self.S
        rows, rights = [], []  # rows x <= right

        def expected(distribution):
            return [distribution[m] * self.sigma[m][w] for m in range(self.M) for w in range(self.S)]

        for m in range(self.M):
            for other in range(self.M):
                if other != m:
                    row = [0.0] * (n + 1)
                    for w in range(self.S):
                        row[m * self.S + w] -= self.sigma[m][w]
                        row[other * self.S + w] += self.sigma[m][w]
                    rows.append(row)
                    rights.append(0.0)
        for j in range(self.K):
            pays = expected(self.q(j))
            if j == k:
                rows += [[*(-p for p in pays), 1.0], [*pays, -1.0]]
                rights += [radius[k], radius[k]]
            else:
                rows.append([*pays, -1.0])
                rights.append(-((estimate[k][j] - spread[k][j]) / self.B - radius[j]))
        objective = [*(TIES * weight for weight in prime_weights(n)), 1.0]
        tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        found = linprog(objective, A_ub=rows, b_ub=rights, bounds=[(0, 1)] * (n + 1), method="highs-ds", options=tight)
        if found.status != 0:
            return None
        return found.x[-1] * self.B, np.array(found.x[:-1]).reshape(self.M, self.S) * self.B

    def utility(self, k):
        return sum(p * u for p, u in zip(self.q(k), self.u, strict=True))


def bisect(rounds, start, end, action, width):
    """Yield probes between start and end; is sent the agent's action after each."""
    low, high = 0.0, 1.0
    while True:
        middle = (low + high) / 2
        answer = yield (1 - middle) * start + middle * end
        if answer == action:
            high = middle
        else:
            low = middle
        if high - low < width:
            return


def osra(known, horizon, confidence_scale=1.0, tolerance=0.0, width=1.0, mixture=1.0):
    """Yield payments; is sent (action, report, state)."""
    r = Rounds(known.beliefs, known.utility, known.n_actions, known.max_payment, known.informed)
    B_u = max(abs(u) for u in r.u)
    t = 0

    def played(payments, seen):
        r.history.append((payments, *seen))

    for k in range(r.K):
        t += 1
        played(r.informed[k], (yield r.informed[k]))
    solved_at = None
    while True:
        t += 1
        counts = [r.count(k) for k in range(r.K)]
        if solved_at is None or any(n > (1 + tolerance) * old for n, old in zip(counts, solved_at, strict=True)):
            radius = [r.radius(k, t, 1 / horizon, confidence_scale) for k in range(r.K)]
            estimate, spread = r.costs(radius)
            candidates = []
            for k in range(r.K):
                found = r.program(k, radius, estimate, spread)
                if found is None:
                    found = max(r.v(r.informed[k], k) - r.B * radius[k], 0.0), r.informed[k]
                candidates.append((r.utility(k) + B_u * radius[k] - found[0], found[1]))
            best = max(range(r.K), key=lambda k: candidates[k][0])
            rule, solved_at = candidates[best][1], counts
        a = min(mixture * r.K * t ** (-1 / 3), 1.0)
        payments = a * r.informed[best] + (1 - a) * rule
        seen = yield payments
        played(payments, seen)
        if seen[0] != best:
            search = bisect(r, payments, r.informed[best], best, width * t ** (-1 / 3))
            probe = next(search)
            while probe is not None:
                t += 1
                seen = yield probe
                played(probe, seen)
                try:
                    probe = search.send(seen[0])
                except StopIteration:
                    probe = None
            solved_at = None


def explore_then_commit(known, horizon, exploration=None, width=1.0, mixture=1.0):
    """Yield payments; is sent (action, report, state)."""
    r = Rounds(known.beliefs, known.utility, known.n_actions, known.max_payment, known.informed)
    length = max(r.K, math.ceil(horizon ** (2 / 3)) if exploration is None else exploration)
    for t in range(length):
        seen = yield r.informed[t % r.K]
        r.history.append((r.informed[t % r.K], *seen))
    for i in range(r.K):
        for j in range(i):
            search = bisect(r, r.informed[j], r.informed[i], i, width * horizon ** (-1 / 3))
            probe = next(search)
            while probe is not None:
                seen = yield probe
                r.history.append((probe, *seen))
                try:
                    probe = search.send(seen[0])
                except StopIteration:
                    probe = None
    nothing = [0.0] * r.K
    estimate, _ = r.costs(nothing)
    candidates = []
    for k in range(r.K):
        found = r.program(k, nothing, estimate, [nothing] * r.K)
        if found is None:
            found = r.v(r.informed[k], k), r.informed[k]
        candidates.append((r.utility(k) - found[0], found[1]))
    best = max(range(r.K), key=lambda k: candidates[k][0])
    a = min(mixture * r.K * horizon ** (-1 / 3), 1.0)
    committed = (1 - a) * candidates[best][1] + a * r.informed[best]
    while True:
        yield committed


def mechanism_program(history, n_signals, n_decisions, n_senders, slack):
    """Return (objective, constraints) for linprog: the optimal decisions for what was heard, a lie may gain slack.

    history: (signals, {decision: utilities of the receiver and of each sender}) a round.
    """
    profiles = list(itertools.product(*(range(n) for n in n_signals)))

    def worth(who, s, a):
        """Estimated p(s) E[u_who(a) | s]."""
        share = sum(1 for signals, _ in history if signals == s) / len(history)
        seen = [utilities[a][who] for signals, utilities in history if signals == s and a in utilities]
        return share * sum(seen) / len(seen) if seen else 0.0

    def variable(s, a):
        return profiles.index(s) * n_decisions + a

    size = len(profiles) * n_decisions
    objective = [-worth(0, s, a) for s in profiles for a in range(n_decisions)]
    rows = []
    for i in range(n_senders):
        for own in range(n_signals[i]):
            for lie in range(n_signals[i]):
                if own == lie:
                    continue
                row = [0.0] * size
                for s in profiles:
                    if s[i] == own:
                        instead = (*s[:i], lie, *s[i + 1 :])
                        for a in range(n_decisions):
                            row[variable(s, a)] -= worth(1 + i, s, a)
                            row[variable(instead, a)] += worth(1 + i, s, a)
                rows.append(row)
    sums = [[float(j // n_decisions == p) for j in range(size)] for p in range(len(profiles))]
    return objective, rows, [slack] * len(rows), sums


def online_slack(n_signals, spread, t, horizon, samples, scale):
    constraints = sum(n * (n - 1) for n in n_signals)
    return scale * spread * math.sqrt(2 * math.log(2 * constraints * t * t * horizon) / samples)


def agents_costs(chosen, joint, bound):
    """Return an agent's costs above the cheapest, from (payments, effort) a round and p(theta) P(s | e, theta)."""
    n_efforts = len(joint)

    def earned(payments, e):
        total = 0.0
        for s in range(joint.shape[2]):
            total += max(sum(joint[e][th][s] * pays[th] for th in range(joint.shape[1])) for pays in payments)
        return total

    def upper(e, f):
        return min([bound, *(earned(p, e) - earned(p, f) for p, effort in chosen if effort == e)])

    estimate = [[0.0] * n_efforts for _ in range(n_efforts)]
    spread = [[0.0] * n_efforts for _ in range(n_efforts)]
    for e in range(n_efforts):
        for f in range(n_efforts):
            if e != f:
                estimate[e][f] = (upper(e, f) - upper(f, e)) / 2
                spread[e][f] = abs(upper(e, f) + upper(f, e)) / 2
    for via in range(n_efforts):
        for e in range(n_efforts):
            for f in range(n_efforts):
                if spread[e][via] + spread[via][f] < spread[e][f]:
                    spread[e][f] = spread[e][via] + spread[via][f]
                    estimate[e][f] = estimate[e][via] + estimate[via][f]
    above = [estimate[e][0] for e in range(n_efforts)]
    return [c - min(above) for c in above]
