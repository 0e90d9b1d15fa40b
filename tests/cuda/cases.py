"""One small game for every policy, environment and action set that plays on a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from banditlab import arms, clicks, cvar, dueling, semibandits
from banditlab.core.devices import grouped
from banditlab.core.family import registered
from banditlab.core.playing.experiment import reasons_against
from banditlab.core.playing.jobs import Job
from banditlab.core.protocol import unwatched


class Case(NamedTuple):
    """A game, and what is compared of it."""

    environment: Any
    policy: Any
    metrics: list[str]


ARMS = arms.Bernoulli([0.1, 0.5, 0.9])
LUCK = np.random.default_rng(0)
MATRIX = [[0.5, 0.6, 0.7], [0.4, 0.5, 0.6], [0.3, 0.4, 0.5]]
DUELS = dueling.PreferenceMatrix(MATRIX)
BASE = dueling.WinnerStaysWeak()
CLICKS = clicks.StrategicClickBandit([0.6, 0.5, 0.3], [0.66, 0.3, 0.9])
ITEMS = arms.Bernoulli([0.1, 0.2, 0.5, 0.9])

# what a device does not play: contexts' maximum likelihood, oracles in Python
CONTEXTUAL = {"VACDB", "StaD", "MaxInP", "MaxPairUCB", "MaxFirstUCBNext", "CoLSTIM"}
MDP = {"CVaRUCBVI", "ICVaRRM", "MaxWP", "UCBVI", "ICVaRL"}

ENVIRONMENTS: dict[str, Any] = {
    "Bernoulli": ARMS,
    "Gaussian": arms.Gaussian([0.0, 1.0], std=[1.0, 0.5]),
    "Beta": arms.Beta([1.0, 2.0, 0.3], [2.0, 1.0, 0.4]),
    "Exponential": arms.Exponential([1.0, 2.0]),
    "Poisson": arms.Poisson([1.0, 2.0]),
    "TruncatedGaussian": arms.TruncatedGaussian([0.2, 0.3], 0.1),
    "TruncatedGaussianMixture": arms.TruncatedGaussianMixture(
        [[0.5, 0.5], [0.2, 0.8]], [[0.2, 0.8], [0.4, 0.5]], [[0.1, 0.1], [0.2, 0.3]]
    ),
    "Categorical": arms.Categorical([0.0, 0.5, 1.0], [[0.5, 0.25, 0.25], [0.2, 0.0, 0.8]]),
    "Empirical": arms.Empirical([[0.0, 0.5, 1.0], [0.0, 0.2, 0.4]], [[3, 0, 1], [1, 1, 2]]),
    "FromScipy": arms.FromScipy([scipy.stats.uniform(), scipy.stats.beta(2.0, 3.0)]),
    "Adversarial": arms.Adversarial(LUCK.random((60, 2))),
    "PiecewiseStationary": arms.PiecewiseStationary([ARMS, arms.Bernoulli([0.9, 0.5, 0.1])], [20]),
}

POLICIES: dict[str, dict[str, Callable[[type], Any]]] = {
    "dueling": {
        "DETECT": lambda cls: cls(BASE, exploration=6, window=8, threshold=3),
        "MonitoredDuelingBandits": lambda cls: cls(BASE, gamma=0.5, window=8, threshold=3),
    },
    "cvar": {
        **dict.fromkeys(("BernsteinUCB", "CVaRUCB", "UUCB", "BrownUCB", "BCVTS"), lambda cls: cls(tau=0.3)),
        "MCVTS": lambda cls: cls(values=[0.0, 1.0], tau=0.3),
    },
}

SETS: dict[str, Any] = {
    "MSets": semibandits.MSets(2),
    "UpToM": semibandits.UpToM(2),
    "SafeUpToM": semibandits.SafeUpToM(3, budget=0.6, variances=[0.1, 0.2, 0.3, 0.1]),
    "Knapsack": semibandits.Knapsack([1, 2, 2, 1], 3),
    "Explicit": semibandits.Explicit([[0, 1], [2, 3], [1, 2]]),
    "Matchings": semibandits.Matchings([("a", "x"), ("a", "y"), ("b", "x"), ("c", "y")]),
    "perfect Matchings": semibandits.Matchings([("a", "x"), ("a", "y"), ("b", "x"), ("c", "y")], perfect=True),
    "Paths": semibandits.Paths([("a", "t"), ("s", "a"), ("a", "t"), ("s", "t")], "s", "t"),
    "SpanningTrees": semibandits.SpanningTrees([("a", "b"), ("b", "c"), ("a", "c"), ("a", "b")]),
}

KMAX = semibandits.KMax([[0.0, 0.5, 1.0]] * 3, [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.9, 0.0, 0.1]], SETS["MSets"])

PLAYED_ON: dict[str, Any] = {
    "KMaxCUCB": KMAX,
    "KMaxSemiBandit": KMAX,
    "CETC": semibandits.SemiBandit(ITEMS, SETS["UpToM"]),
    "OG": semibandits.SemiBandit(ITEMS, SETS["UpToM"]),
    "PASCombUCB": semibandits.SemiBandit(ITEMS, semibandits.SafeUpToM(3, budget=0.6)),
}

WORLDS: dict[str, tuple[Any, Any]] = {
    "CorrelatedGaussian": (
        semibandits.CorrelatedGaussian(
            [0.1, 0.5, 0.3], [[1.0, 0.2, 0.0], [0.2, 1.0, 0.1], [0.0, 0.1, 1.0]], SETS["MSets"]
        ),
        semibandits.CombUCB1(),
    ),
    "KMax": (KMAX, semibandits.KMaxCUCB()),
    "Coverage": (semibandits.Coverage([[1, 0, 1], [0, 1, 1], [1, 1, 0]], SETS["UpToM"]), semibandits.CETC()),
    "Influence": (semibandits.Influence([[0, 1], [1, 2], [2, 0]], SETS["UpToM"], n_graphs=8), semibandits.CETC()),
}


FAMILIES = {"arms": arms, "clicks": clicks, "cvar": cvar, "dueling": dueling, "semibandits": semibandits}


def _made(family: str) -> Iterator[tuple[str, Any]]:
    assert FAMILIES[family].__all__  # it is imported, and its policies are registered
    for name, cls in registered(family, "policy").items():
        if name not in CONTEXTUAL | MDP:
            yield name, POLICIES.get(family, {}).get(name, lambda cls: cls())(cls)


def _with_violations(world: Any) -> list[str]:
    """Return regret, and violations where there is a constraint."""
    return ["regret", "violations"] if isinstance(world.actions, semibandits.SafeUpToM) else ["regret"]


def _cases() -> Iterator[tuple[str, Case]]:
    for name, policy in _made("arms"):
        yield f"arms-{name}", Case(ARMS, policy, ["regret", "reward", "pulls"])
    for name, world in ENVIRONMENTS.items():
        yield f"arms-{name}", Case(world, arms.Uniform(), ["regret", "reward"])
    for name, policy in _made("clicks"):
        yield f"clicks-{name}", Case(CLICKS, policy, ["regret", "clicks", "screening_round"])
    for name, policy in _made("dueling"):
        yield f"dueling-{name}", Case(DUELS, policy, ["average_regret", "weak_regret", "duels"])
    for name, policy in _made("cvar"):
        yield f"cvar-{name}", Case(ARMS, policy, ["cvar_regret", "pulls"])
    for name, policy in _made("semibandits"):
        world = PLAYED_ON.get(name, semibandits.SemiBandit(ITEMS, SETS["MSets"]))
        yield f"semibandits-{name}", Case(world, policy, [*_with_violations(world), "pulls"])
    for name, actions in SETS.items():
        world = semibandits.SemiBandit(ITEMS, actions)
        yield f"semibandits-{name}", Case(world, semibandits.CombUCB1(), [*_with_violations(world), "pulls"])
    for name, (world, policy) in WORLDS.items():
        yield f"semibandits-{name}", Case(world, policy, ["regret", "reward"])


CASES = dict(_cases())


def _preferences(n_arms: int, of: Callable[[int, int], float]) -> Any:
    """Return the matrix of preferences in which the first of two arms, in order, wins with a given probability."""
    matrix = np.full((n_arms, n_arms), 0.5)
    for i in range(n_arms):
        for j in range(i + 1, n_arms):
            matrix[i, j] = of(i, j)
            matrix[j, i] = 1.0 - of(i, j)
    return dueling.PreferenceMatrix(matrix)


EXTREMES: dict[str, list[Any]] = {
    "arms": [
        arms.Bernoulli([0.0, 1.0, 1.0]),
        arms.Bernoulli([0.5]),
        arms.Bernoulli(LUCK.random(12)),
        arms.Gaussian([0.0, 0.0, -3.0], std=[1e-9, 1.0, 2.0]),
        arms.Beta([0.1, 5.0], [0.1, 0.2]),
    ],
    "clicks": [
        clicks.StrategicClickBandit([0.1, 1.0, 0.5], [1.0, 0.1, 0.5]),
        clicks.StrategicClickBandit(0.1 + 0.9 * LUCK.random(9), 0.1 + 0.9 * LUCK.random(9)),
    ],
    "dueling": [
        _preferences(3, lambda i, j: 0.5 if i else 0.51),
        _preferences(4, lambda i, j: 1.0),
        _preferences(7, lambda i, j: (0.2 + 0.09 * i + 0.37 * j) % 1.0 if i else 0.6),
    ],
    "cvar": [
        arms.Bernoulli([0.0, 1.0, 1.0]),
        arms.TruncatedGaussian([0.2, 0.9], 0.01),
        arms.Beta([0.1, 5.0], [0.1, 0.2]),
    ],
    "semibandits": [
        semibandits.SemiBandit(arms.Bernoulli([0.0, 1.0, 1.0, 0.0]), semibandits.MSets(2)),
        semibandits.SemiBandit(arms.Bernoulli(LUCK.random(8)), semibandits.UpToM(4)),
        semibandits.SemiBandit(
            arms.Bernoulli(LUCK.random(6)), semibandits.SafeUpToM(3, 0.5, [0.1, 0.2, 0.25, 0.3, 0.1, 0.2])
        ),
    ],
}
"""Worlds with ties, certainty, one arm and many, in which policies do what they seldom do elsewhere."""


def extremes(case: Case, horizon: int) -> list[tuple[Any, list[str]]]:
    """Return the extreme worlds on which the policy of a case can play, and its metrics that they have."""
    asked = [metric for metric in case.metrics if metric != "violations"]  # none of these worlds has a constraint
    worlds = EXTREMES[case.policy.family.name]
    return [(world, asked) for world in worlds if not reasons_against(world, case.policy, horizon)]


def cell(case: Case, n_runs: int, seed: int = 0, horizon: int = 30) -> Job:
    """Return the job of a case: what an experiment plays of it."""
    columns = case.policy.family.protocol.columns(case.environment, case.policy, tuple(case.metrics))
    rounds = np.array([7, horizon])
    return Job(case.environment, case.policy, horizon, rounds, columns, 0, n_runs, seed, "cuda:0")


def together_and_alone(case: Case, alone: str) -> list[tuple[Any, Any]]:
    """Return the metrics of three cells that share launches, and of each played alone on some backend."""
    cells = [cell(case, n_runs, seed) for seed, n_runs in enumerate((2, 1, 3))]
    assert len({job.measured.likeness for job in cells}) == 1
    games = [(job.environment, job.policy, job.batch(0, job.n_runs)) for job in cells]
    shared = grouped.play_together(games, unwatched)
    protocol = case.policy.family.protocol
    batches = [dataclasses.replace(batch, backend=alone) for *_, batch in games]
    return [(s, protocol.simulate(*case[:2], b, unwatched)) for s, b in zip(shared, batches, strict=True)]
