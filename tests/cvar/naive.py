"""The learners as their papers write them: plain Python, dicts and lists, one episode after another."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np

from banditlab import cvar
from banditlab.core.sampling import expanded, key
from tests.arms.naive import environment_rng

from .tiny import steps_of

TIE = 1e-12


def first_best(values):
    """Return the first value that no other beats by more than rounding, in one pass."""
    best = 0
    for k, value in enumerate(values):
        if value > values[best] + TIE:
            best = k
    return best


class Learner:
    """Counts visits of (step, state, action) and what came after; `pooled` ones forget the step."""

    pooled = False

    def __init__(self, mdp, K, delta=0.05, scale=1.0):
        self.mdp, self.K, self.delta, self.scale = mdp, K, delta, scale
        self.H, self.S, self.A = mdp.horizon, mdp.n_states, mdp.n_actions
        self.n, self.n_next = Counter(), Counter()

    def see(self, h, s, a, x):
        h = 0 if self.pooled else h
        self.n[h, s, a] += 1
        self.n_next[h, s, a, x] += 1

    def phat(self, h, s, a):
        h = 0 if self.pooled else h
        return [self.n_next[h, s, a, x] / max(1, self.n[h, s, a]) for x in range(self.S)]

    def rewards(self, h, s, a, x):
        """Return (probability, reward) given the next state."""
        steps = [(p, r) for p, r, y in steps_of(self.mdp, h, s, a) if y == x]
        if not steps:  # impossible, but not known to be
            steps = [(p, r) for p, r, y in steps_of(self.mdp, h, s, a) if y == self.likely(h, s, a)]
        total = sum(p for p, _ in steps)
        return [(p / total, r) for p, r in steps]

    def likely(self, h, s, a):
        return max(steps_of(self.mdp, h, s, a))[2]

    def first(self):
        return None

    def after(self, memory, reward):
        return None


class CVaRUCBVI(Learner):
    def __init__(self, mdp, K, tau, bonus="bernstein", eta=0.25, **options):
        super().__init__(mdp, K, **options)
        self.tau, self.bonus, self.eta = tau, bonus, eta
        self.top = math.ceil(1.0 / eta - 1e-9)

    def after(self, memory, reward):
        return max(0, memory - min(self.top, math.ceil(reward / self.eta - 1e-9)))

    def plan(self):
        L = math.log(self.H * self.S * self.A * self.K / self.delta)
        budgets = range(self.top + 1)
        low = {(self.H, s, b): b * self.eta for s in range(self.S) for b in budgets}
        high = dict(low)
        pi = {}
        for h in reversed(range(self.H)):
            for s in range(self.S):
                for b in budgets:
                    best = math.inf
                    for a in range(self.A):
                        n = max(1, self.n[h, s, a])
                        p = self.phat(h, s, a)
                        terms = [
                            (p[x] * q, x, self.after(b, r))
                            for x in range(self.S) if p[x] > 0.0
                            for q, r in self.rewards(h, s, a, x)
                        ]  # fmt: skip
                        mean = sum(w * low[h + 1, x, c] for w, x, c in terms)
                        if self.bonus == "hoeffding":
                            bonus = self.scale * math.sqrt(L / n)
                        else:
                            var = sum(w * low[h + 1, x, c] ** 2 for w, x, c in terms) - mean**2
                            gap = sum(w * (high[h + 1, x, c] - low[h + 1, x, c]) ** 2 for w, x, c in terms)
                            var = var if var > TIE else 0.0
                            bonus = math.sqrt(2 * var * L / n) + math.sqrt(2 * gap * L / n) + L / n
                            bonus *= self.scale
                        if mean - bonus < best - TIE:
                            best, pi[h, s, b] = mean - bonus, a
                            cap = max(1.0, b * self.eta)
                            high[h, s, b] = min(cap, sum(w * high[h + 1, x, c] for w, x, c in terms) + bonus)
                    low[h, s, b] = max(0.0, best)
        values = [b * self.eta - low[0, self.mdp.initial_state, b] / self.tau for b in budgets]
        self.start = first_best(values)
        self.estimate = values[self.start]
        return pi

    def first(self):
        return self.start


class Markov(Learner):
    pooled = True

    def reward(self, h, s, a):
        return next(steps_of(self.mdp, h, s, a))[1]

    def plan(self):
        V = {(self.H, s): 0.0 for s in range(self.S)}
        pi = {}
        for h in reversed(range(self.H)):
            for s in range(self.S):
                Q = [self.q(h, s, a, [V[h + 1, x] for x in range(self.S)]) for a in range(self.A)]
                pi[h, s, None] = first_best(Q)
                V[h, s] = Q[first_best(Q)]
        self.estimate = V[0, self.mdp.initial_state]
        return pi


class ICVaRRM(Markov):
    def __init__(self, mdp, K, tau, **options):
        super().__init__(mdp, K, **options)
        self.tau = tau

    def q(self, h, s, a, V):
        n = self.n[0, s, a]
        if n == 0:
            return float(self.H)
        L = math.log(self.K * self.H * self.S * self.A / (self.delta / 5))
        worth = cvar.cvar(V, self.tau, self.phat(h, s, a))
        return min(self.reward(h, s, a) + worth + self.scale * self.H / self.tau * math.sqrt(L / n), self.H)


class MaxWP(Markov):
    def q(self, h, s, a, V):
        seen = [V[x] for x in range(self.S) if self.n_next[0, s, a, x] > 0]
        return self.reward(h, s, a) + min(seen) if seen else float(self.H)


class UCBVI(Markov):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.before = defaultdict(lambda: float(self.H))

    def q(self, h, s, a, V):
        n = self.n[0, s, a]
        if n > 0:
            L = math.log(5 * self.S * self.A * self.K * self.H / self.delta)
            mean = sum(p * v for p, v in zip(self.phat(h, s, a), V, strict=True))
            q = self.reward(h, s, a) + mean + self.scale * 7 * self.H * L / math.sqrt(n)
            self.before[h, s, a] = min(self.before[h, s, a], q)
        return self.before[h, s, a]


class ICVaRL(Markov):
    def __init__(self, mdp, K, tau, features, epsilon=None, **options):
        super().__init__(mdp, K, **options)
        self.tau, self.phi = tau, features
        d, H = features.shape[3], self.H
        self.Lam = [H**2 * np.eye(d) for _ in range(H)]
        self.b = [np.zeros(d) for _ in range(H)]
        self.beta = H * math.sqrt(d * math.log((H + K * H**3) / self.delta)) + H
        self.epsilon = d * H * math.sqrt(tau ** (H - 3) / K) if epsilon is None else epsilon
        self.net = [min(i * self.epsilon, H) for i in range(math.ceil(H / self.epsilon - 1e-9) + 1)]
        self.x, self.V = {}, {}

    def psi(self, s, a, x, V):
        return sum(self.phi[s, a, y] * max(0.0, x - V[y]) for y in range(self.S))

    def q(self, h, s, a, V):
        self.V[h + 1] = V
        theta, inverse = np.linalg.solve(self.Lam[h], self.b[h]), np.linalg.inv(self.Lam[h])
        psis = [self.psi(s, a, x, V) for x in self.net]
        tail = max(x - theta @ psi / self.tau for x, psi in zip(self.net, psis, strict=True))
        norms = [psi @ inverse @ psi for psi in psis]
        widest = first_best(norms)
        self.x[h, s, a] = self.net[widest]
        bonus = self.scale * self.beta / self.tau * math.sqrt(norms[widest])
        return min(self.reward(h, s, a) + tail + 2 * self.epsilon + bonus, self.H - h)

    def see(self, h, s, a, x):
        point = self.x[h, s, a]
        psi = self.psi(s, a, point, self.V[h + 1])
        self.Lam[h] = self.Lam[h] + np.outer(psi, psi)
        self.b[h] = self.b[h] + psi * max(0.0, point - self.V[h + 1][x])


def law(mdp, learner, pi):
    """Return the law of the return of what a learner plays, as a dict."""
    now = {(mdp.initial_state, learner.first(), 0.0): 1.0}
    for h in range(mdp.horizon):
        then = defaultdict(float)
        for (s, memory, paid), chance in now.items():
            for p, r, x in steps_of(mdp, h, s, pi[h, s, memory]):
                then[x, learner.after(memory, r), round(paid + r, 9)] += chance * p
        now = then
    found = defaultdict(float)
    for (_, _, paid), chance in now.items():
        found[paid] += chance
    return found


def episode_luck(luck, H):
    """Return the numbers that an episode's one uniform number expands to."""
    with np.errstate(over="ignore"):
        bits = key(luck.open_uniform())
        return [expanded(bits, k) for k in range(2 * H)]


def play(mdp, learner, seed, run, level):
    """Play K episodes; return, for each, the return so far, the estimate and the policy's static CVaR at a level."""
    luck = environment_rng(seed, run)
    total, rows = 0.0, []
    for _ in range(learner.K):
        pi = learner.plan()
        of_return = law(mdp, learner, pi)
        value = cvar.cvar(list(of_return), level, list(of_return.values()))
        uniforms = episode_luck(luck, mdp.horizon)
        s, memory = mdp.initial_state, learner.first()
        for h in range(mdp.horizon):
            a = pi[h, s, memory]
            u, v = uniforms[2 * h], uniforms[2 * h + 1]
            rows_of = mdp.transitions[h] if mdp.transitions.ndim == 4 else mdp.transitions
            x = int(np.searchsorted(np.cumsum(rows_of[s, a])[:-1], u, side="right"))
            if mdp.reward_probabilities is None:
                r = next(r for _, r, y in steps_of(mdp, h, s, a) if y == x)
            else:
                r = mdp.rewards[int(np.searchsorted(np.cumsum(mdp.reward_probabilities[s, a])[:-1], v, side="right"))]
            learner.see(h, s, a, x)
            total += r
            s, memory = x, learner.after(memory, r)
        rows.append((total, learner.estimate, value))
    return np.array(rows)
