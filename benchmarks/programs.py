"""How long one optimal-rule program takes: in a loop that changes it a little each time, and stated in CVXPY."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

from banditlab import scoring
from banditlab.scoring.lp import OptimalRuleProgram

from .cases import SEED
from .harness import one_core
from .report import table

SIZES = ((2, 3), (3, 4), (5, 5))  # states, actions; 5 beliefs
LOOP = "HiGHS, warm loop"
STATED = "CVXPY, stated each time"
PARAMETERS = "CVXPY, stated once with parameters"
AGREE = 1e-7  # payments are near 1; the warm programs are solved to 1e-10, the others to their defaults

Instance = tuple[Any, Any]  # distributions, costs
Solver = Callable[[Instance], float]


def instances(n_states: int, n_actions: int, n: int) -> tuple[Any, list[Instance]]:
    """Return five beliefs, and n slightly different distributions and costs, as estimates in a learning loop are.

    The beliefs are the prior, two that are opposite around it, and two more: actions differ in how often they lead to
    which pair.
    """
    rng = np.random.default_rng(SEED)
    prior = np.full(n_states, 1.0 / n_states)
    directions = rng.normal(size=(2, n_states))
    directions -= directions.mean(axis=1, keepdims=True)
    directions *= np.array([[0.9], [0.5]]) / n_states / np.abs(directions).max(axis=1, keepdims=True)
    first, second = directions
    beliefs = np.stack([prior, prior + first, prior - first, prior + second, prior - second])
    found = []
    for _ in range(n):
        far = np.linspace(0.0, 0.9, n_actions) * (1.0 + 0.01 * rng.uniform(-1, 1, n_actions))
        near = (1.0 - far) * np.linspace(0.3, 0.6, n_actions)
        weights = np.stack([1.0 - far - near, far / 2, far / 2, near / 2, near / 2], axis=1)
        found.append((weights, np.linspace(0.0, 0.04, n_actions) ** 1.5 * (1.0 + 0.1 * rng.uniform(size=n_actions))))
    return beliefs, found


def solvers(beliefs: Any, n_actions: int) -> dict[str, Solver]:
    """Return the ways to find the expected payment of the cheapest rule for the last action."""
    k, zeros = n_actions - 1, np.zeros(len(beliefs))
    live = OptimalRuleProgram(beliefs, n_actions)

    def world(instance: Instance) -> Any:
        return scoring.PrincipalAgent(beliefs, instance[0], instance[1], utility=zeros)

    return {
        LOOP: lambda i: live.solve(k, *i).value,
        "HiGHS, loop from scratch": lambda i: live.solve(k, *i, warm=False).value,
        "optimal_rule(k), with validation": lambda i: world(i).optimal_rule(k).payment,
        "scipy.optimize.linprog": lambda i: _linprog(beliefs, k, *i),
        PARAMETERS: _parametrised(beliefs, n_actions),
        STATED: lambda i: world(i).optimal_rule(k, method="cvxpy").payment,
    }


def _linprog(beliefs: Any, k: int, q: Any, c: Any) -> float:
    m, w = beliefs.shape
    expected = (q[:, :, None] * beliefs).reshape(len(q), -1)
    proper = np.zeros((m, m, m, w))
    everyone = np.arange(m)
    proper[everyone, :, everyone] -= beliefs[:, None]
    proper[:, everyone, everyone] += beliefs[:, None]
    others = np.arange(len(q)) != k
    rows = np.vstack([proper.reshape(m * m, m * w), (expected - expected[k])[others]])
    upper = np.concatenate([np.zeros(m * m), (c - c[k])[others]])
    return float(linprog(expected[k], A_ub=rows, b_ub=upper, bounds=(0.0, 1.0), method="highs-ds").fun)


def _parametrised(beliefs: Any, n_actions: int) -> Solver:
    """Return a solver that states the program once; what changes are CVXPY's parameters."""
    m, w = beliefs.shape
    k = n_actions - 1
    payments = cp.Variable((m, w))
    q, gap = cp.Parameter((n_actions, m)), cp.Parameter(n_actions)
    truthful = cp.sum(cp.multiply(beliefs, payments), axis=1)
    expected = q @ truthful
    constraints = [payments >= 0, payments <= 1, cp.reshape(truthful, (m, 1), order="C") >= beliefs @ payments.T]
    constraints += [expected[k] - expected[j] >= gap[j] for j in range(k)]
    problem = cp.Problem(cp.Minimize(expected[k]), constraints)

    def solve(instance: Instance) -> float:
        q.value, gap.value = instance[0], instance[1][k] - instance[1]
        return float(problem.solve(solver="HIGHS"))

    return solve


def programs(quick: bool, repetitions: int) -> dict[str, Any]:
    """Return milliseconds a program for each size and way; ways take turns, and are checked against each other."""
    found: dict[str, Any] = {}
    with one_core():
        for n_states, n_actions in SIZES:
            beliefs, sequence = instances(n_states, n_actions, 20 if quick else 100)
            ways = solvers(beliefs, n_actions)
            values = {name: np.array([solve(i) for i in sequence[:5]]) for name, solve in ways.items()}
            for name, value in values.items():
                if np.abs(value - values[LOOP]).max() > AGREE:
                    raise RuntimeError(f"{name} finds {value}, {LOOP} {values[LOOP]}")
            samples: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(repetitions):
                for name, seconds in _turn(ways, sequence):
                    samples[name].append(seconds)
            found[f"{n_states} states, {n_actions} actions"] = {
                name: {"milliseconds": 1e3 * statistics.median(s), "samples_s": s} for name, s in samples.items()
            }
    return found


def _turn(ways: dict[str, Solver], sequence: list[Instance]) -> Iterator[tuple[str, float]]:
    for name, solve in ways.items():
        some = sequence[:10] if name in (STATED, PARAMETERS) else sequence  # slow ones solve fewer
        started = time.perf_counter()
        for instance in some:
            solve(instance)
        yield name, (time.perf_counter() - started) / len(some)


def slowest_loop(found: dict[str, Any]) -> float:
    """Return the milliseconds of a program in the loop, at the size where it takes longest."""
    return max(float(size[LOOP]["milliseconds"]) for size in found.values())


def smallest_ratio(found: dict[str, Any]) -> float:
    """Return how much faster than `optimal_rule(k, method="cvxpy")` the loop is, at the size where it is least."""
    return min(float(size[STATED]["milliseconds"] / size[LOOP]["milliseconds"]) for size in found.values())


def shown(found: dict[str, Any]) -> str:
    """Return the table."""
    ways = next(iter(found.values()))
    rows = [
        [name]
        + [
            f"{size[name]['milliseconds']:.3f} ({size[name]['milliseconds'] / size[LOOP]['milliseconds']:.1f}x)"
            for size in found.values()
        ]
        for name in ways
    ]
    return table(["", *found], rows)
