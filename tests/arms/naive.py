"""Slow, obvious versions of every K-armed policy, written from the papers rather than from the kernels.

A class per policy: `select(t, rng)` returns the arm of round t (from 1), `update(arm, reward, t)` learns. A class
is constructed with the number of arms, the horizon and the policy's fields; it remembers every reward and computes
what it needs afresh in every round, with `math`, `fractions` and `scipy`. Means and variances do not depend on the
order of the rewards, so two arms with the same rewards tie exactly; the first arm wins ties.

Randomised policies draw from `Rng`, which is one lane of the package's generator called as plain Python: the
samplers themselves are tested elsewhere, here it matters what is drawn, from which distribution and in which order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from banditlab.core import sampling

REFERENCES: dict[str, type[Naive]] = {}


class Rng:
    """The generator of one run, called as plain Python."""

    def __init__(self, seed: int, stream: int, run: int) -> None:
        self.words = sampling.seeded(seed, stream, run, 1)

    def _draw(self, sampler: Callable[..., Any], *arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return sampler(self.words, 0, *arguments)

    def uniform(self) -> float:
        return float(self._draw(sampling.uniform))

    def open_uniform(self) -> float:
        return float(self._draw(sampling.open_uniform))

    def below(self, n: int) -> int:
        return int(self._draw(sampling.below, n))

    def normal(self) -> float:
        return float(self._draw(sampling.normal))

    def gamma(self, shape: float) -> float:
        return float(self._draw(sampling.gamma, shape))

    def beta(self, a: float, b: float) -> float:
        return float(self._draw(sampling.beta, a, b))


def environment_rng(seed: int, run: int) -> Rng:
    """Return the stream from which the environment draws one number on (0, 1) a round."""
    return Rng(seed, sampling.ENVIRONMENT_STREAM, run)


def policy_rng(seed: int, run: int) -> Rng:
    """Return the stream from which the policy draws."""
    return Rng(seed, sampling.POLICY_STREAM, run)


def first_largest(values: Sequence[float]) -> int:
    """Return the first position of the largest value."""
    return list(values).index(max(values))


def drawn(probabilities: Sequence[float], u: float) -> int:
    """Return the arm whose share of [0, 1) contains u."""
    total = 0.0
    for arm, p in enumerate(probabilities):
        total += p
        if u < total:
            return arm
    return len(probabilities) - 1


def mean(rewards: Sequence[float]) -> float:
    return math.fsum(rewards) / len(rewards)


def variance(rewards: Sequence[float]) -> float:
    """Return the mean squared distance from the mean (divided by n, not by n - 1), in exact arithmetic."""
    counts = {Fraction(x): many for x, many in Counter(rewards).items()}
    centre = sum((many * x for x, many in counts.items()), Fraction(0)) / len(rewards)
    return float(sum((many * (x - centre) ** 2 for x, many in counts.items()), Fraction(0)) / len(rewards))


def kl(p: float, q: float) -> float:
    """Return the divergence between Bernoulli(p) and Bernoulli(q)."""
    total = 0.0
    for x, y in ((p, q), (1.0 - p, 1.0 - q)):
        if x > 0.0:
            total += math.inf if y <= 0.0 else x * math.log(x / y)
    return total


def largest_plausible(p: float, budget: float) -> float:
    """Return the largest q in [p, 1] with kl(p, q) <= budget, by 200 bisections."""
    if budget <= 0.0:
        return p
    low, high = p, 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if kl(p, middle) <= budget:
            low = middle
        else:
            high = middle
    return high if kl(p, high) <= budget else low


def log_plus(x: float) -> float:
    return max(math.log(x), 0.0)


class Naive:
    """Base: remembers every reward of every arm. A subclass that gives `index` plays the arm with the largest."""

    needs_pull = True  # whether arms that were never played come first, in order

    def __init__(self, n_arms: int, horizon: int | None, /, **fields: Any) -> None:
        self.K = n_arms
        self.T = horizon
        self.rewards: list[list[float]] = [[] for _ in range(n_arms)]
        self.history: list[tuple[int, float]] = []
        for name, value in fields.items():
            setattr(self, name, value)
        self.begin()

    def __init_subclass__(cls) -> None:
        if not cls.__name__.startswith("_"):
            REFERENCES[cls.__name__] = cls

    def begin(self) -> None:
        """Make whatever else is needed before the first round."""

    def index(self, arm: int, t: int) -> float:
        raise NotImplementedError

    def select(self, t: int, rng: Rng) -> int:
        return first_largest(
            [math.inf if self.needs_pull and not self.rewards[a] else self.index(a, t) for a in range(self.K)]
        )

    def choices(self, t: int, rng: Rng) -> list[int]:
        """Return the arms that the policy may play in round t: one, except where rounding decides an exact tie."""
        return [self.select(t, rng)]

    def update(self, arm: int, reward: float, t: int) -> None:
        self.rewards[arm].append(reward)
        self.history.append((arm, reward))

    def n(self, arm: int) -> int:
        return len(self.rewards[arm])

    def mean(self, arm: int) -> float:
        return mean(self.rewards[arm])

    def greedy(self) -> int:
        """Return the arm with the largest mean; arms never played first."""
        return first_largest([self.mean(a) if self.rewards[a] else math.inf for a in range(self.K)])


# --------------------------------------------------------------------------------------------- baselines


class Uniform(Naive):
    def select(self, t: int, rng: Rng) -> int:
        return rng.below(self.K)


class RoundRobin(Naive):
    def select(self, t: int, rng: Rng) -> int:
        return (t - 1) % self.K


class ExploreThenCommit(Naive):
    """Slivkins 2019, algorithm 1.1: m rounds of each arm, then the best mean for ever."""

    m: int | None
    committed: int | None = None

    def begin(self) -> None:
        if self.m is None:
            assert self.T is not None
            self.m = max(1, math.ceil((self.T / self.K) ** (2 / 3) * math.log(self.T) ** (1 / 3)))

    def select(self, t: int, rng: Rng) -> int:
        assert self.m is not None
        if t <= self.m * self.K:
            return (t - 1) % self.K
        if self.committed is None:
            self.committed = self.greedy()
        return self.committed


class EpsilonGreedy(Naive):
    """Sutton and Barto, section 2.2: a coin in every round; a random arm if it falls below epsilon."""

    epsilon: float

    def select(self, t: int, rng: Rng) -> int:
        return rng.below(self.K) if rng.uniform() < self.epsilon else self.greedy()


class DecayingEpsilonGreedy(Naive):
    """Auer et al. 2002, figure 3: epsilon_n = min(1, cK / (d^2 n))."""

    c: float
    d: float

    def select(self, t: int, rng: Rng) -> int:
        epsilon = min(1.0, self.c * self.K / (self.d**2 * t))
        return rng.below(self.K) if rng.uniform() < epsilon else self.greedy()


class Softmax(Naive):
    """Boltzmann exploration as the arm with the largest mean / temperature + Gumbel variate."""

    temperature: float

    def select(self, t: int, rng: Rng) -> int:
        gumbels = [-math.log(-math.log(rng.open_uniform())) for _ in range(self.K)]
        return first_largest(
            [self.mean(a) / self.temperature + g if self.rewards[a] else math.inf for a, g in enumerate(gumbels)]
        )


class SuccessiveElimination(Naive):
    """Even-Dar et al. 2006, algorithm 3: sample every arm of S once, then drop those 2 alpha_t below the best."""

    delta: float | None
    c: float

    def begin(self) -> None:
        if self.delta is None:
            assert self.T is not None
            self.delta = min(0.5, 1.0 / self.T)
        self.S = list(range(self.K))
        self.queue = list(self.S)
        self.passes = 0

    def select(self, t: int, rng: Rng) -> int:
        if not self.queue:
            self.passes += 1
            r = self.passes
            alpha = math.sqrt(math.log(self.c * self.K * r**2 / self.delta) / r)
            best = max(self.mean(a) for a in self.S)
            self.S = [a for a in self.S if not best - self.mean(a) >= 2 * alpha]
            self.queue = list(self.S)
        return self.queue.pop(0)


# ------------------------------------------------------------------------------------------------ UCB


class UCB1(Naive):
    """Auer et al. 2002, figure 1, with 2 ln n written alpha ln n; n counts the plays so far."""

    alpha: float

    def index(self, arm: int, t: int) -> float:
        return self.mean(arm) + math.sqrt(self.alpha * math.log(t - 1) / self.n(arm))


class UCBTuned(Naive):
    """Auer et al. 2002, section 4."""

    def index(self, arm: int, t: int) -> float:
        n, log_n = self.n(arm), math.log(t - 1)
        v = variance(self.rewards[arm]) + math.sqrt(2 * log_n / n)
        return self.mean(arm) + math.sqrt(log_n / n * min(0.25, v))


class UCBV(Naive):
    """Audibert, Munos, Szepesvari 2009, equation of B_{k,s,t} with E = zeta log t."""

    zeta: float
    c: float
    b: float

    def index(self, arm: int, t: int) -> float:
        n, e = self.n(arm), self.zeta * math.log(t)
        return self.mean(arm) + math.sqrt(2 * variance(self.rewards[arm]) * e / n) + self.c * 3 * self.b * e / n


class MOSS(Naive):
    """Audibert and Bubeck 2009, section 2."""

    horizon: int | None

    def index(self, arm: int, t: int) -> float:
        horizon = self.horizon if self.horizon is not None else self.T
        assert horizon is not None
        n = self.n(arm)
        return self.mean(arm) + math.sqrt(max(math.log(horizon / (self.K * n)), 0.0) / n)


class MOSSAnytime(Naive):
    """Degenne and Perchet 2016."""

    alpha: float

    def index(self, arm: int, t: int) -> float:
        n = self.n(arm)
        return self.mean(arm) + math.sqrt((1 + self.alpha) / 2 * max(0.0, math.log(t / (self.K * n))) / n)


# --------------------------------------------------------------------------------------------- KL-UCB


def _log_and_loglog(t: int, c: float) -> float:
    """Return log t + c log log t, or 0 where that is negative or the second term -inf."""
    if c == 0.0:
        return math.log(t)
    return max(math.log(t) + c * math.log(math.log(t)), 0.0) if t > 1 else 0.0


class KLUCB(Naive):
    """Garivier and Cappe 2011, algorithm 1."""

    c: float

    def index(self, arm: int, t: int) -> float:
        return largest_plausible(self.mean(arm), _log_and_loglog(t, self.c) / self.n(arm))


class GaussianKLUCB(Naive):
    """The same with d(x, y) = (x - y)^2 / (2 std^2): Cappe et al. 2013, section 2."""

    std: float
    c: float

    def index(self, arm: int, t: int) -> float:
        return self.mean(arm) + math.sqrt(2 * self.std**2 * _log_and_loglog(t, self.c) / self.n(arm))


class KLUCBPlusPlus(Naive):
    """Menard and Garivier 2017, equations 3 and 4."""

    horizon: int | None

    def index(self, arm: int, t: int) -> float:
        horizon = self.horizon if self.horizon is not None else self.T
        assert horizon is not None
        n = self.n(arm)
        ratio = horizon / (self.K * n)
        return largest_plausible(self.mean(arm), log_plus(ratio * (log_plus(ratio) ** 2 + 1)) / n)


class IMED(Naive):
    """Honda and Takemura 2015, algorithm 1, with the Bernoulli divergence: the smallest index is played.

    e to the power of an index is rational where rewards are, so unlike other policies' indices these tie exactly
    between arms with different rewards: the arm with rewards 1, 1, 0 and the best mean, 2/3, has log 3, and so has an
    arm with the reward 0. A formula in floating point breaks that tie by its rounding, while `choices` sees it in
    exact arithmetic and returns both; wherever the smallest index is unique, it returns that arm alone.
    """

    def choices(self, t: int, rng: Rng) -> list[int]:
        for arm in range(self.K):
            if not self.rewards[arm]:
                return [arm]
        exact = [[Fraction(x) for x in rewards] for rewards in self.rewards]
        means = [sum(x) / len(x) for x in exact]
        best = max(means)
        indices = []  # exp(4 index): sums of quarters make whole exponents
        for x, p in zip(exact, means, strict=True):
            wins, losses = 4 * sum(x), 4 * (len(x) - sum(x))
            assert wins.denominator == losses.denominator == 1
            value = Fraction(len(x)) ** 4
            for part, whole, exponent in ((p, best, wins), (1 - p, 1 - best, losses)):
                if exponent:
                    value = value * (part / whole) ** int(exponent) if whole and value != math.inf else math.inf
            indices.append(value)
        return [arm for arm, value in enumerate(indices) if value == min(indices)]

    def select(self, t: int, rng: Rng) -> int:
        return self.choices(t, rng)[0]


# -------------------------------------------------------------------------------------------- Bayesian


class BayesUCB(Naive):
    """Kaufmann, Cappe, Garivier 2012, algorithm 1: the quantile of order 1 - 1/(t (log T)^c) of the posterior."""

    needs_pull = False
    a: float
    b: float
    c: float

    def index(self, arm: int, t: int) -> float:
        wins = sum(self.rewards[arm])
        tail = 1.0 / t
        if self.c > 0.0:
            assert self.T is not None
            tail /= max(1.0, math.log(self.T) ** self.c)
        return float(special.betainccinv(self.a + wins, self.b + self.n(arm) - wins, tail))


class ThompsonSampling(Naive):
    """Agrawal and Goyal 2013, algorithm 1."""

    a: float
    b: float

    def select(self, t: int, rng: Rng) -> int:
        wins = [sum(r) for r in self.rewards]
        return first_largest([rng.beta(self.a + w, self.b + self.n(a) - w) for a, w in enumerate(wins)])


class GaussianThompsonSampling(Naive):
    """Agrawal and Goyal 2013, algorithm 2, with standard deviation std for 1."""

    std: float

    def select(self, t: int, rng: Rng) -> int:
        centres = [math.fsum(r) / (len(r) + 1) for r in self.rewards]
        return first_largest([m + self.std / math.sqrt(self.n(a) + 1) * rng.normal() for a, m in enumerate(centres)])


class VarTS(Naive):
    """Saha and Kveton 2023, with the Normal-Gamma posterior of all rewards at once (Murphy 2007, section 3.3)."""

    mu: float
    kappa: float
    alpha: float
    beta: float

    def select(self, t: int, rng: Rng) -> int:
        samples = []
        for rewards in self.rewards:
            n = len(rewards)
            centre = mean(rewards) if n else 0.0
            spread = sum((x - centre) ** 2 for x in rewards)
            kappa = self.kappa + n
            mu = (self.kappa * self.mu + n * centre) / kappa
            beta = self.beta + spread / 2 + self.kappa * n * (centre - self.mu) ** 2 / (2 * kappa)
            precision = rng.gamma(self.alpha + n / 2) / beta
            samples.append(mu + rng.normal() / math.sqrt(kappa * precision))
        return first_largest(samples)


# ------------------------------------------------------------------------------------------ adversarial


class EXP3(Naive):
    """Auer et al. 2002b, figure 1, with the weights themselves; gamma as in corollary 3.2 with g = T."""

    gamma: float | None

    def begin(self) -> None:
        if self.gamma is None:
            assert self.T is not None
            self.gamma = min(1.0, math.sqrt(self.K * math.log(self.K) / ((math.e - 1) * self.T))) if self.K > 1 else 1.0
        self.w = [1.0] * self.K

    def select(self, t: int, rng: Rng) -> int:
        assert self.gamma is not None
        self.p = [(1 - self.gamma) * w / sum(self.w) + self.gamma / self.K for w in self.w]
        return drawn(self.p, rng.uniform())

    def update(self, arm: int, reward: float, t: int) -> None:
        assert self.gamma is not None
        self.w[arm] *= math.exp(self.gamma * (reward / self.p[arm]) / self.K)


class EXP3IX(Naive):
    """Neu 2015, algorithm 1, with eta_t = 2 gamma_t = sqrt(log K / (K t)) or both fixed."""

    eta: float | None

    def rate(self, t: int) -> float:
        return self.eta if self.eta is not None else math.sqrt(math.log(self.K) / (self.K * t))

    def begin(self) -> None:
        self.L = [0.0] * self.K

    def select(self, t: int, rng: Rng) -> int:
        w = [math.exp(-self.rate(t) * loss) for loss in self.L]
        self.p = [x / sum(w) for x in w]
        return drawn(self.p, rng.uniform())

    def update(self, arm: int, reward: float, t: int) -> None:
        self.L[arm] += (1 - reward) / (self.p[arm] + self.rate(t) / 2)


class TsallisINF(Naive):
    """Zimmert and Seldin 2021, algorithm 1 with alpha = 1/2; the normaliser by bisection."""

    estimator: str

    def begin(self) -> None:
        self.L = [0.0] * self.K

    def rate(self, t: int) -> float:
        return (4.0 if self.estimator == "reduced_variance" else 2.0) / math.sqrt(t)

    def select(self, t: int, rng: Rng) -> int:
        eta, least = self.rate(t), min(self.L)

        def weights(away: float) -> list[float]:  # away = min L - x > 0
            return [4.0 / (eta * (loss - least + away)) ** 2 for loss in self.L]

        low, high = 2.0 / eta, 2.0 * math.sqrt(self.K) / eta  # the weights' sum is at least 1 at low, at most 1 at high
        for _ in range(200):
            middle = 0.5 * (low + high)
            if middle in (low, high):
                break
            if math.fsum(weights(middle)) > 1.0:
                low = middle
            else:
                high = middle
        self.w = weights(high)
        return drawn(self.w, rng.uniform())

    def update(self, arm: int, reward: float, t: int) -> None:
        for a in range(self.K):
            base = 0.0
            if self.estimator == "reduced_variance" and self.w[a] >= self.rate(t) ** 2:
                base = 0.5
            self.L[a] += ((1 - reward) - base) / self.w[a] + base if a == arm else base


# ---------------------------------------------------------------------------------------- non-stationary


class DiscountedUCB(Naive):
    """Garivier and Moulines 2011, algorithm 1."""

    gamma: float | None
    changes: int
    xi: float
    b: float

    def begin(self) -> None:
        if self.gamma is None:
            assert self.T is not None
            self.gamma = max(0.5, 1 - math.sqrt(self.changes / self.T) / (4 * self.b))

    def select(self, t: int, rng: Rng) -> int:
        assert self.gamma is not None
        count, total = [0.0] * self.K, [0.0] * self.K
        for s, (arm, reward) in enumerate(self.history, start=1):
            weight = self.gamma ** (t - 1 - s)
            count[arm] += weight
            total[arm] += weight * reward
        n = sum(count)
        return first_largest(
            [
                total[a] / count[a] + 2 * self.b * math.sqrt(self.xi * math.log(n) / count[a])
                if count[a] > 0
                else math.inf
                for a in range(self.K)
            ]
        )


class SlidingWindowUCB(Naive):
    """Garivier and Moulines 2011, algorithm 2."""

    window: int | None
    changes: int
    xi: float
    b: float

    def begin(self) -> None:
        if self.window is None:
            assert self.T is not None
            self.window = max(1, math.ceil(2 * self.b * math.sqrt(self.T * math.log(self.T) / self.changes)))

    def select(self, t: int, rng: Rng) -> int:
        assert self.window is not None
        recent = self.history[-self.window :]
        values = []
        for a in range(self.K):
            rewards = [reward for arm, reward in recent if arm == a]
            if rewards:
                radius = self.b * math.sqrt(self.xi * math.log(min(t, self.window)) / len(rewards))
                values.append(mean(rewards) + radius)
            else:
                values.append(math.inf)
        return first_largest(values)
