"""Slow, obvious versions of the contextual policies, written from the papers rather than from the kernels.

They keep lists of samples, invert matrices with NumPy and minimise with SciPy, afresh in every round. Estimates of the
two sides agree to some 1e-9 only: a reference says all choices that are within `CLOSE` of its own, and whether one of
the comparisons it made on the way (a norm with a threshold, an estimate with a bound) was closer than that.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from banditlab.core.sampling import below, open_uniform, uniform

CLOSE = 1e-7
Pairs = set[tuple[int, int]]
Sample = tuple[NDArray[np.float64], float, float]  # difference of features, whether the first won, weight


def minimiser(samples: list[Sample], rho: float, d: int) -> NDArray[np.float64]:
    """Minimise rho/2 |theta|^2 + sum w^2 (log(1 + e^(z theta)) - o z theta), over rho so that curvature is above 1."""
    if not samples:
        return np.zeros(d)
    z = np.array([s[0] for s in samples])
    o = np.array([s[1] for s in samples])
    weight = np.array([s[2] ** 2 for s in samples]) / rho

    def loss(theta: Any) -> float:
        return float(0.5 * theta @ theta + weight @ (np.logaddexp(0.0, z @ theta) - o * (z @ theta)))

    def gradient(theta: Any) -> Any:
        return theta + z.T @ (weight * (expit(z @ theta) - o))

    def hessian(theta: Any) -> Any:
        p = expit(z @ theta)
        return np.eye(d) + (z.T * (weight * p * (1.0 - p))) @ z

    found = minimize(loss, np.zeros(d), jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-6})
    theta = found.x
    for _ in range(4):  # where the loss cannot tell points apart, its gradient still does
        theta = theta - np.linalg.solve(hessian(theta), gradient(theta))
    return theta


def norms(features: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return |x_i - x_j| in the inverse of a matrix, for all i, j."""
    inverse = np.linalg.inv(matrix)
    z = features[:, None, :] - features[None, :, :]
    return np.sqrt(np.maximum(np.einsum("ijk,kl,ijl->ij", z, inverse, z), 0.0))


class Reference:
    """Base: `choices` returns what may be compared in round t, in any order, and whether a comparison was close."""

    def __init__(self, policy: Any, K: int, d: int, T: int) -> None:
        self.policy, self.K, self.d, self.T = policy, K, d, T
        self.log_T = math.log(max(T, 2))
        self.delta = policy.delta or 1.0 / T
        self.unsure = False

    def exceeds(self, value: float, bound: float) -> bool:
        self.unsure |= 0.0 < abs(value - bound) <= CLOSE * max(abs(bound), 1e-3)
        return value > bound

    def top(self, values: dict[Any, float]) -> set[Any]:
        best = max(values.values())
        return {key for key, value in values.items() if value >= best - CLOSE * max(1.0, abs(best))}

    def choices(self, features: NDArray[np.float64], t: int, rng: Any) -> Pairs:
        raise NotImplementedError

    def learn(self, features: NDArray[np.float64], pair: tuple[int, int], won: bool, t: int) -> None:
        raise NotImplementedError


class Layers(Reference):
    """VACDB and StaD."""

    def __init__(self, policy: Any, K: int, d: int, T: int) -> None:
        super().__init__(policy, K, d, T)
        self.weighted = type(policy).__name__ == "VACDB"
        power = 1.5 if self.weighted else 0.5
        self.alpha = policy.alpha or T**-power
        self.L = policy.layers or max(1, math.ceil(math.log2(1.0 / self.alpha)))
        self.samples: dict[int, list[Sample]] = {layer: [] for layer in range(1, self.L + 1)}
        self.last: dict[int, int] = dict.fromkeys(self.samples, 0)
        self.explored = 0

    def sigma(self, layer: int) -> NDArray[np.float64]:
        total = 4.0**-layer * np.eye(self.d)
        for z, _, w in self.samples[layer]:
            total = total + w**2 * np.outer(z, z)
        return total

    def beta(self, layer: int, theta: NDArray[np.float64]) -> float:
        p, t = self.policy, self.last[layer]
        if t == 0 and p.initial > 0.0:
            return p.initial * 2.0 ** (1 - layer)
        if p.radius is not None:
            return p.radius * math.sqrt(self.d * self.log_T)
        if not self.weighted:
            return 3.0 / (2.0 * p.kappa) * math.sqrt(2.0 * math.log(3.0 * self.T * self.K / self.delta))
        after = math.log(4 * (t + 1) ** 2 * self.L / self.delta)
        before = math.log(4 * t**2 * self.L / self.delta)
        variance = float(len(self.samples[layer]))
        if 2.0**layer >= 64.0 * p.lipschitz / p.kappa * math.sqrt(after):
            variance = sum(w**2 * (o - expit(z @ theta)) ** 2 for z, o, w in self.samples[layer])
        root = math.sqrt((8.0 * variance + 18.0 * after) * before)
        return 16.0 * 2.0**-layer / p.kappa * root + 6.0 * 2.0**-layer / p.kappa * before + 2.0 ** (1 - layer)

    def estimate(self, layer: int) -> NDArray[np.float64]:
        rho = 2.0 * self.policy.ridge * self.policy.kappa * 4.0**-layer
        return minimiser(self.samples[layer], rho, self.d)

    def choices(self, features: NDArray[np.float64], t: int, rng: Any) -> Pairs:
        alive = list(range(self.K))
        for layer in range(1, self.L + 1):
            far = norms(features, self.sigma(layer))
            theta = self.estimate(layer)
            beta = self.beta(layer, theta)
            step = 2.0**-layer
            small, passing, less = self.alpha, step, step * beta
            if not self.weighted:
                small = self.alpha / beta
                if self.policy.scaled:
                    passing, less = step / beta, step
            largest = max((far[i, j] for i in alive for j in alive), default=0.0)
            exploit = not self.exceeds(largest, small)
            close = not self.exceeds(largest, passing)
            scores = features @ theta
            if exploit or (close and layer == self.L):
                self.explored = 0
                return self.exploit(alive, scores, far, beta)
            if not close:
                self.explored = layer
                pairs = [(i, j) for i in alive for j in alive if i < j and self.exceeds(far[i, j], passing)]
                return {pairs[below(rng, 0, len(pairs))]}
            best = max(scores[i] for i in alive)
            alive = [i for i in alive if scores[i] == best or not self.exceeds(best - less, scores[i])]
        raise AssertionError

    def exploit(self, alive: list[int], scores: Any, far: Any, beta: float) -> Pairs:
        if self.weighted:
            return self.top({(i, j): scores[i] + scores[j] + beta * far[i, j] for i in alive for j in alive})
        firsts = self.top({i: scores[i] for i in alive})
        return {(i, j) for i in firsts for j in self.top({j: scores[j] + beta * far[i, j] for j in alive})}

    def learn(self, features: NDArray[np.float64], pair: tuple[int, int], won: bool, t: int) -> None:
        if not self.explored:
            return
        i, j = pair
        far = norms(features, self.sigma(self.explored))[i, j]
        weight = 2.0**-self.explored / far if self.weighted else 1.0
        self.samples[self.explored].append((features[i] - features[j], float(won), weight))
        self.last[self.explored] = t


class OneLayer(Reference):
    """MaxInP, MaxPairUCB, MaxFirstUCBNext and CoLSTIM."""

    def __init__(self, policy: Any, K: int, d: int, T: int) -> None:
        super().__init__(policy, K, d, T)
        self.samples: list[Sample] = []
        self.exploration = d * K if policy.exploration is None else policy.exploration

    def beta(self, t: int) -> float:
        p = self.policy
        if p.radius is not None:
            return p.radius * math.sqrt(self.d * self.log_T)
        inner = self.d / 2 * math.log(1 + 2 * t / (self.d * p.ridge)) + math.log(1 / self.delta)
        return math.sqrt(inner) / p.kappa

    def estimate(self, t: int) -> NDArray[np.float64]:
        rho = self.policy.kappa * self.policy.ridge * (2.0 * max(t - 1, 1) if self.policy.averaged else 1.0)
        return minimiser(self.samples, rho, self.d)

    def choices(self, features: NDArray[np.float64], t: int, rng: Any) -> Pairs:
        if t <= self.exploration:
            i, j = below(rng, 0, self.K), below(rng, 0, self.K - 1)
            return {(i, j + 1 if j >= i else j)}
        matrix = self.policy.ridge * np.eye(self.d) + sum((np.outer(z, z) for z, _, _ in self.samples), np.zeros(()))
        far, scores, beta = norms(features, matrix), features @ self.estimate(t), self.beta(t)
        arms = range(self.K)
        name = type(self.policy).__name__
        if name == "MaxPairUCB":
            return self.top({(i, j): scores[i] + scores[j] + beta * far[i, j] for i in arms for j in arms})
        if name == "MaxInP":
            good = [
                i for i in arms
                if all(i == j or not self.exceeds(scores[j] - scores[i], beta * far[i, j]) for j in arms)
            ]  # fmt: skip
            if len(good) == 1:
                return {(good[0], good[0])}
            return self.top({(i, j): far[i, j] for i in good for j in good if i != j})
        perturbed = scores
        if name == "CoLSTIM":
            chosen = uniform(rng, 0) < min(1.0, self.d * math.log(self.d * self.T) / math.sqrt(t))
            shared = chosen if self.policy.inverted else not chosen
            noise = [-math.log(-math.log(open_uniform(rng, 0))) for _ in range(1 if shared else self.K)]
            limit = self.policy.threshold * math.sqrt(self.d * self.log_T)
            clipped = np.clip(np.array(noise * (self.K if shared else 1)), -limit, limit)
            inverse = np.linalg.inv(matrix)
            perturbed = scores + clipped * np.sqrt(np.einsum("ik,kl,il->i", features, inverse, features))
        firsts = self.top({i: perturbed[i] for i in arms})
        return {(i, j) for i in firsts for j in self.top({j: scores[j] + beta * far[i, j] for j in arms})}

    def learn(self, features: NDArray[np.float64], pair: tuple[int, int], won: bool, t: int) -> None:
        i, j = pair
        if i != j:
            self.samples.append((features[i] - features[j], float(won), 1.0))


def reference(policy: Any, K: int, d: int, T: int) -> Reference:
    """Return the slow version of a policy."""
    return (Layers if hasattr(policy, "layers") else OneLayer)(policy, K, d, T)
