"""Environments and policies whose reward is no sum: equal to naive transcriptions, choice by choice."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import banditlab as bl
from banditlab import semibandits as sb
from banditlab.core.components import Problem
from banditlab.semibandits import generics

from . import naive_sets as naive

SEED = 3
RUNS = 3


def actions_played(environment: Any, policy: Any, horizon: int, backend: str = "python") -> list[list[Any]]:
    """Return the actions of every run, round by round."""
    rounds = list(range(1, horizon + 1))
    result = bl.run(
        environment, policy, horizon=horizon, n_runs=RUNS, seed=SEED, metrics="pulls", checkpoints=rounds,
        backend=backend, n_jobs=1, progress=False,
    )  # fmt: skip
    pulls = np.stack([result.values(f"pulls[{i}]")[0] for i in range(environment.n_arms)])
    each = np.diff(pulls, axis=2, prepend=0.0)
    return [[tuple(np.flatnonzero(each[:, run, t]).tolist()) for t in range(horizon)] for run in range(RUNS)]


# ------------------------------------------------------------------------------------------------------- k-MAX

BINARY = {
    "distinct values": ([[0.9], [0.7], [0.5], [0.3]], [[0.2], [0.4], [0.6], [0.9]], 2),
    "equal values": ([[0.5], [0.5], [1.0], [0.5]], [[0.5], [0.5], [0.1], [0.2]], 2),
    "sure and impossible": ([[0.4], [1.0], [0.6], [0.0]], [[1.0], [0.0], [0.3], [1.0]], 3),
    "one item": ([[0.4]], [[0.7]], 1),
    "all of them": ([[0.4], [0.8]], [[0.7], [0.1]], 2),
}
FINITE = {
    "two values": (
        [[0.9, 0.2], [0.7, 0.5], [0.5, 0.0], [0.3, 1.0]],
        [[0.2, 0.5], [0.4, 0.4], [0.6, 0.4], [0.3, 0.1]],
        2,
    ),
}
KMAX_POLICIES = [
    sb.KMaxCUCB(),
    sb.KMaxCUCB(alpha=0.05),
    sb.KMaxCUCB(oracle="greedy", alpha=0.2),
    sb.KMaxSemiBandit(alpha=0.1),
    sb.KMaxSemiBandit(oracle="greedy"),
]
FINITE_POLICIES = [
    sb.KMaxCUCB(alpha=0.1, support_size=2),
    sb.KMaxCUCB(alpha=0.1),  # learns about the first value only
    sb.KMaxSemiBandit(alpha=0.1, support_size=2),
    sb.KMaxCUCB(alpha=0.1, support_size=3, oracle="greedy"),
]
CASES = [(p, name) for p in KMAX_POLICIES for name in BINARY] + [(p, name) for p in FINITE_POLICIES for name in FINITE]


@pytest.mark.parametrize(("policy", "name"), CASES, ids=[f"{p!r}-{name}" for p, name in CASES])
def test_kmax_policies_play_what_the_paper_says(policy: Any, name: str) -> None:
    values, probabilities, m = (BINARY | FINITE)[name]
    environment = sb.KMax(values, probabilities, sb.MSets(m))
    played = actions_played(environment, policy, 120)
    for run in range(RUNS):
        assert played[run] == naive.kmax_run(values, probabilities, m, policy, 120, SEED, run)


@pytest.mark.parametrize("horizon", [4, 6, 90])
def test_super_arm_ucb(horizon: int) -> None:
    values, probabilities, m = BINARY["equal values"]
    arms = list(itertools.combinations(range(4), m))
    played = actions_played(sb.KMax(values, probabilities, sb.MSets(m)), sb.SuperArmUCB(alpha=0.3), horizon)

    def reward(action: Any, u: float) -> float:
        outcomes = naive.kmax_outcomes(values, probabilities, u)
        return max(outcomes[i] for i in action)

    for run in range(RUNS):
        assert played[run] == naive.super_arm_run(reward, arms, 0.3, horizon, SEED, run)


def random_kmax(data: Any, n: int, size: int) -> tuple[list[list[float]], list[list[float]]]:
    tenths = st.integers(0, 10).map(lambda x: x / 10)
    values = [data.draw(st.lists(tenths, min_size=size, max_size=size)) for _ in range(n)]
    chances = [data.draw(st.lists(tenths, min_size=size, max_size=size)) for _ in range(n)]
    return values, [[p / size for p in row] for row in chances]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_mean_of_the_largest_outcome(data: Any) -> None:
    n = data.draw(st.integers(1, 4))
    m = data.draw(st.integers(1, n))
    values, probabilities = random_kmax(data, n, data.draw(st.integers(1, 3)))
    environment = sb.KMax(values, probabilities, sb.UpToM(m))
    means = {a: naive.mean_of_largest(values, probabilities, a) for a in naive.sets_up_to(n, m)}
    for action, mean in means.items():
        assert environment.value(action) == pytest.approx(mean, abs=1e-12)
        assert looked_up(environment, action) == environment.value(action)
    assert environment.best_value == pytest.approx(max(means.values()), abs=1e-12)


def looked_up(environment: Any, action: tuple[int, ...]) -> float:
    """Return the mean that the kernel finds."""
    return float(generics.mean(environment.params(Problem(environment.n_arms, 10)), column(action), len(action), 0))


def column(action: tuple[int, ...]) -> Any:
    return np.array(action, np.int64)[:, None]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_oracles_for_k_max(data: Any) -> None:
    """The exact one is as good as all others, whatever the support; the greedy one as good as it promises."""
    n, size = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 2))
    m = data.draw(st.integers(1, n))
    tenths = st.integers(0, 10).map(lambda x: x / 10)
    value, p = (np.array([[data.draw(tenths) for _ in range(size)] for _ in range(n)]) for _ in range(2))

    def worth(action: Any) -> float:
        return naive.worth([(value[i, j], p[i, j]) for i in action for j in range(size)])

    best = max(map(worth, itertools.combinations(range(n), m)))
    for oracle, share in (("exact", 1.0), ("greedy", 1.0 - math.exp(-1.0))):
        policy, actions = sb.KMaxCUCB(oracle=oracle, support_size=size), sb.MSets(m)
        space = sb.spaces.ActionSpace(n, 1, 10, actions)
        state = bl.core.components.make_state(policy, space)
        state.values[:, :, 0], state.counts[...], state.successes[:, :, 0] = value, 1e9, 1e9 * p
        chosen = np.zeros((m, 1), np.int64)
        found = generics.select(
            policy.params(space.problem), state, actions.params(space.problem), (), 0, 1, None, chosen
        )
        assert found == m
        assert worth(chosen[:, 0]) >= share * best - 1e-9


# --------------------------------------------------------------------------------------------------- objectives

COVERS = [[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 1]]
SHARES = [0.3, 0.1, 0.3, 0.1, 0.2]
SIZES = [2.0, 1.0, 0.5, 1.5]


def coverage(actions: Any) -> Any:
    return sb.Coverage(COVERS, actions, weights=SHARES)


def coverage_reward(action: Any, u: float) -> float:
    return naive.coverage_reward(COVERS, SHARES, action, u)


def test_coverage_draws_and_means() -> None:
    environment = coverage(sb.UpToM(3))
    parameters = environment.params(Problem(4, 10))
    drawn = np.zeros((3, 1))
    for action in naive.sets_up_to(4, 3):
        covered = {e for i in action for e in range(5) if COVERS[i][e]}
        assert environment.value(action) == pytest.approx(sum(SHARES[e] for e in covered), abs=1e-12)
        assert looked_up(environment, action) == environment.value(action)
        for u in [1e-16, 1 - 1e-16, *np.linspace(0.005, 0.995, 41)]:
            got = generics.draw(parameters, column(action), len(action), 0, u, 1, drawn)
            assert got == coverage_reward(action, u)


EDGES = [(0, 1), (1, 2), (2, 0), (3, 2), (1, 4)]


def test_influence_is_the_share_of_nodes_that_live_edges_reach() -> None:
    environment = sb.Influence(EDGES, sb.UpToM(2), probability=[0.5, 0.9, 0.3, 1.0, 0.0], n_graphs=40, seed=2)
    live = np.random.default_rng(2).random((40, 5)) < environment.probability
    parameters, drawn = environment.params(Problem(5, 10)), np.zeros((2, 1))
    for seeds in naive.sets_up_to(5, 2):
        shares = []
        for graph in range(40):
            reached, waiting = set(seeds), list(seeds)
            while waiting:
                node = waiting.pop()
                following = {h for k, (t, h) in enumerate(EDGES) if t == node and live[graph, k]} - reached
                reached |= following
                waiting += following
            shares.append(len(reached) / 5)
            got = generics.draw(parameters, column(seeds), len(seeds), 0, (graph + 0.5) / 40, 1, drawn)
            assert got == shares[-1]
        assert environment.value(seeds) == pytest.approx(np.mean(shares), abs=1e-12)
        assert looked_up(environment, seeds) == environment.value(seeds)


def test_live_edges_are_live_as_often_as_they_should_be() -> None:
    """Two nodes, one edge: the mean of seed 0 is (1 + p) / 2, within 4 standard errors of 100 000 graphs."""
    environment = sb.Influence([(0, 1)], sb.UpToM(1), probability=0.3, n_graphs=100_000)
    assert environment.value((0,)) == pytest.approx(0.65, abs=4 * 0.5 * math.sqrt(0.21 / 100_000))


# ---------------------------------------------------------------------------------- policies for full-bandit feedback


@pytest.mark.parametrize(
    ("m", "plays", "horizon"), [(1, 7, 90), (2, 5, 90), (2, 1, 30), (4, 3, 60), (3, 50, 70), (2, 9, 4)]
)
def test_cetc_with_greedy(m: int, plays: int, horizon: int) -> None:
    played = actions_played(coverage(sb.UpToM(m)), sb.CETC(plays=plays), horizon)
    for run in range(RUNS):
        assert played[run] == naive.cetc_run(coverage_reward, naive.greedy(4, m), plays, horizon, SEED, run)


@pytest.mark.parametrize(("capacity", "plays", "horizon"), [(2.0, 5, 90), (3.5, 3, 90), (9.0, 1, 30), (3.0, 40, 70)])
def test_cetc_with_greedy_plus_max(capacity: float, plays: int, horizon: int) -> None:
    environment = coverage(sb.Knapsack(SIZES, capacity))
    played = actions_played(environment, sb.CETC(sb.GreedyPlusMax(), plays=plays), horizon)
    for run in range(RUNS):
        queries = naive.greedy_plus_max(SIZES, capacity)
        assert played[run] == naive.cetc_run(coverage_reward, queries, plays, horizon, SEED, run)
        assert all(environment.actions.contains(action) for action in played[run])


def test_number_of_plays_of_a_query() -> None:
    for m, horizon in ((1, 100), (3, 10_000), (4, 10**7)):
        delta, queries = 2 * m, 4 * m
        plays = math.ceil((delta * horizon) ** (2 / 3) * math.log(horizon) ** (1 / 3) / (2 * queries ** (2 / 3)))
        assert sb.CETC().plays_of_a_query(sb.UpToM(m), 4, horizon) == plays
    bag = sb.Knapsack(SIZES, 3.0)  # three items fit, the smallest has size 1/2
    delta, queries = 0.5 + 3 + 2 * 6, 4 * 3
    plays = math.ceil((delta * 1000) ** (2 / 3) * math.log(1000) ** (1 / 3) / (2 * queries ** (2 / 3)))
    assert sb.CETC(sb.GreedyPlusMax()).plays_of_a_query(bag, 4, 1000) == plays
    played = actions_played(coverage(sb.UpToM(2)), sb.CETC(), 60)
    plays = sb.CETC().plays_of_a_query(sb.UpToM(2), 4, 60)
    assert played[0] == naive.cetc_run(coverage_reward, naive.greedy(4, 2), plays, 60, SEED, 0)


@pytest.mark.parametrize(("m", "gamma", "rate"), [(1, 0.5, 0.3), (2, 0.3, 1.0), (3, 0.9, 0.1), (4, 0.2, 5.0)])
def test_og(m: int, gamma: float, rate: float) -> None:
    played = actions_played(coverage(sb.UpToM(m)), sb.OG(gamma, rate), 90)
    for run in range(RUNS):
        assert played[run] == naive.og_run(coverage_reward, 4, m, gamma, rate, 90, SEED, run)


def test_defaults_of_og() -> None:
    m, n, horizon = 2, 4, 5_000
    gamma = m * (n * math.log(n) / horizon) ** (1 / 3)
    rate = math.sqrt(m * n * math.log(n) / (gamma * horizon))
    played = actions_played(coverage(sb.UpToM(m)), sb.OG(), horizon, backend="cpu")[0]
    assert played == naive.og_run(coverage_reward, n, m, gamma, rate, horizon, SEED, 0)


def test_og_never_lets_a_weight_overflow() -> None:
    """One item is worth everything: with this learning rate its weight grows by e^50 each time."""
    environment = sb.Coverage([[1, 1], [0, 0]], sb.UpToM(1))
    played = actions_played(environment, sb.OG(0.5, 50.0), 2_000, backend="cpu")[0]
    assert played.count((0,)) > 1_300
    alone = sb.Coverage([[1, 0]], sb.UpToM(1))
    assert set(actions_played(alone, sb.OG(), 20)[0]) == {(0,)}


# ------------------------------------------------------------------------------------------- offline algorithms


def drive(queries: naive.Queries, value: Any) -> tuple[tuple[int, ...], int]:
    """Return a naive algorithm's output and how many queries it made."""
    asked, action = 1, next(queries)
    try:
        while True:
            action = queries.send(value(action))
            asked += 1
    except StopIteration as stop:
        return stop.value, asked


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_offline_algorithms_approximate_as_they_promise(data: Any) -> None:
    n, elements = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 6))
    covers = [data.draw(st.lists(st.integers(0, 1), min_size=elements, max_size=elements)) for _ in range(n)]
    m = data.draw(st.integers(1, n))
    sizes = [x / 4 for x in data.draw(st.lists(st.integers(1, 8), min_size=n, max_size=n))]
    capacity = max([*sizes, data.draw(st.integers(1, 16)) / 4])
    for algorithm, actions, share, queries in (
        (sb.Greedy(), sb.UpToM(m), 1 - math.exp(-1), naive.greedy(n, m)),
        (sb.GreedyPlusMax(), sb.Knapsack(sizes, capacity), 0.5, naive.greedy_plus_max(sizes, capacity)),
    ):
        environment = sb.Coverage(covers, actions)
        assert environment.alpha == share
        asked = []
        found = algorithm.maximise(lambda a: asked.append(a) or environment.value(a), actions, n)  # noqa: B023
        assert (found, len(asked)) == drive(queries, environment.value)
        assert len(asked) <= algorithm.n_queries(actions, n)
        assert all(actions.contains(action) for action in [*asked, found])
        assert environment.value(found) >= share * environment.best_value - 1e-12


@pytest.mark.parametrize("m", [2, 3, 4])
def test_greedy_can_be_as_bad_as_its_bound(m: int) -> None:
    """Covering with 1 - (1 - 1/m)^m of the optimum (Hochbaum, Pathria 1998): each greedy set takes of all m best ones.

    The best sets are disjoint, of m^m elements together. The k-th greedy set has the m-th part of what is left of each,
    as many new elements as the best sets have by then. Equals are chosen by the smallest number.
    """
    best = [list(range(k * m ** (m - 1), (k + 1) * m ** (m - 1))) for k in range(m)]
    left = [list(part) for part in best]
    greedy = []
    for _ in range(m):
        shares = [len(part) // m for part in left]
        greedy.append([part.pop() for part, share in zip(left, shares, strict=True) for _ in range(share)])
    covers = np.zeros((2 * m, m**m), dtype=int)
    for i, elements in enumerate([*greedy, *best]):
        covers[i, elements] = 1
    environment = sb.Coverage(covers, sb.UpToM(m))
    found = sb.Greedy().maximise(environment.value, environment.actions, 2 * m)
    assert environment.best_action == tuple(range(m, 2 * m))
    assert environment.value(found) / environment.best_value == pytest.approx(1 - (1 - 1 / m) ** m, rel=1e-12)


def test_numbers_of_trees_and_paths_are_those_of_textbooks() -> None:
    """Cayley: n^(n - 2) spanning trees of a complete graph. A grid has binomial(2 n, n) ways to the far corner."""
    edges = list(itertools.combinations(range(5), 2))
    trees = sb.SpanningTrees(edges)
    assert sum(trees.contains(action) for action in itertools.combinations(range(len(edges)), 4)) == 5**3
    grid = [((i, j), (i + a, j + 1 - a)) for i in range(4) for j in range(4) for a in (0, 1)]
    grid = [(tail, head) for tail, head in grid if 4 not in head]
    paths = sb.Paths(grid, source=(0, 0), target=(3, 3))
    assert len(list(paths.enumerate(len(grid)))) == math.comb(6, 3)
