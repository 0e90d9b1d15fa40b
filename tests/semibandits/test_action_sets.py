"""Action sets: every oracle equals brute force, and errors come before anything is played."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csgraph, csr_array

import banditlab as bl
from banditlab import arms
from banditlab import semibandits as sb
from banditlab.core.compiling import kernels
from banditlab.core.components import Space, is_component
from banditlab.core.dispatch import implements
from banditlab.core.family import registered
from banditlab.errors import BanditlabError, InvalidArgument, InvalidComponent, InvalidType
from banditlab.semibandits import generics
from banditlab.semibandits.spaces import ActionProblem, make_work

EXAMPLES = settings(max_examples=80, deadline=None, derandomize=True)

WHOLE = st.integers(-4, 6).map(float)
"""Whole weights: their sums are exact, and ties common."""

BROKEN = st.floats(-1.0, 1.0).filter(lambda x: x == 0.0 or abs(x) > 1e-6)


def weights(n: int) -> st.SearchStrategy[list[float]]:
    return st.lists(WHOLE, min_size=n, max_size=n) | st.lists(BROKEN, min_size=n, max_size=n)


def total(action: tuple[int, ...], w: list[float]) -> float:
    return math.fsum(w[item] for item in action)


def all_sets(n: int) -> list[tuple[int, ...]]:
    """Return all non-empty sets of n items."""
    return [a for size in range(1, n + 1) for a in itertools.combinations(range(n), size)]


def brute_force(feasible: list[tuple[int, ...]], w: list[float]) -> tuple[int, ...]:
    """Return the action that the documentation promises: largest sum, fewest items not positive, first in order."""
    largest = max(total(action, w) for action in feasible)
    equal = [action for action in feasible if total(action, w) >= largest - 1e-9]
    return min(equal, key=lambda action: (sum(w[item] <= 0.0 for item in action), action))


def check(actions: Any, w: list[float], feasible: list[tuple[int, ...]], *, ties: bool) -> None:
    """Compare the oracle and the enumeration with brute force over sets known to be feasible."""
    n = len(w)
    assert sorted(actions.enumerate(n)) == sorted(feasible)
    assert all(actions.contains(action) == (action in feasible) for action in all_sets(n))
    assert actions.max_size(n) >= max(map(len, feasible))
    found = actions.maximise(w)
    assert found in feasible
    assert all(type(item) is int for item in found)
    best = brute_force(feasible, w)
    assert total(found, w) == pytest.approx(total(best, w), abs=1e-9)
    # sums of broken weights can differ by less than rounding: then either set is the best
    if ties and all(x == round(x) for x in w):
        assert found == best
    if implements(generics.best, params_of(actions, n)) or implements(generics.best_lanes, params_of(actions, n)):
        assert by_kernel(actions, [w, [-x for x in w]]) == [found, actions.maximise([-x for x in w])]


def params_of(actions: Any, n: int) -> Any:
    return actions.params(ActionProblem(n, None, actions))


def by_kernel(actions: Any, rows: list[list[float]]) -> list[tuple[int, ...]]:
    """Return what the kernel chooses in as many lanes as there are rows of weights, as plain Python."""
    n, lanes = len(rows[0]), len(rows)
    chosen, size = np.full((actions.max_size(n), lanes), -1, np.int64), np.zeros(lanes, np.int64)
    work = make_work(actions, Space(n, lanes, None))
    generics.maximise(params_of(actions, n), work, np.array(rows).T.copy(), chosen, size)
    return [tuple(chosen[: size[w], w].tolist()) for w in range(lanes)]


# ------------------------------------------------------------------------------------- against brute force


@pytest.fixture(autouse=True, scope="module")
def plain() -> Iterator[None]:
    """Run kernels as plain Python: compiling them would take longer than all that is tried here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "compiled_mode", lambda: False)
        yield


@EXAMPLES
@given(st.data())
def test_sets_of_m_items(data: Any) -> None:
    n = data.draw(st.integers(1, 7))
    w, m = data.draw(weights(n)), data.draw(st.integers(1, n))
    check(sb.MSets(m), w, [a for a in all_sets(n) if len(a) == m], ties=True)
    check(sb.UpToM(m), w, [a for a in all_sets(n) if len(a) <= m], ties=True)


@EXAMPLES
@given(st.data())
def test_knapsack(data: Any) -> None:
    n = data.draw(st.integers(1, 6))
    quarter = data.draw(st.sampled_from([1.0, 0.25]))  # whole sizes: dynamic program; quarters: branch and bound
    sizes = [quarter * x for x in data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))]
    capacity = max(min(sizes), quarter * data.draw(st.integers(1, 14)))  # some items may fit nowhere
    bag = sb.Knapsack(sizes, capacity)
    assert bag.integral == all(size == int(size) for size in sizes)
    check(bag, data.draw(weights(n)), [a for a in all_sets(n) if total(a, sizes) <= capacity], ties=True)


@EXAMPLES
@given(st.data())
def test_safe_sets(data: Any) -> None:
    n = data.draw(st.integers(1, 7))
    m = data.draw(st.integers(1, n))
    variances = [x / 16 for x in data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))]
    budget = data.draw(st.integers(1, 12)) / 16
    feasible = [a for a in all_sets(n) if len(a) <= m and total(a, variances) < budget]
    safe = sb.SafeUpToM(m, budget, variances)
    if not feasible:
        with pytest.raises(InvalidArgument, match="no action is safe"):
            safe.check(n)
        with pytest.raises(InvalidArgument, match="no action is safe"):
            safe.maximise([1.0] * n)
        return
    safe.check(n)
    check(safe, data.draw(weights(n)), feasible, ties=True)


@EXAMPLES
@given(st.data())
def test_lists(data: Any) -> None:
    n = data.draw(st.integers(1, 5))
    feasible = data.draw(st.lists(st.sampled_from(all_sets(n)), min_size=1, max_size=8, unique=True))
    actions, w = sb.Explicit(feasible), data.draw(weights(n))
    check(actions, w, feasible, ties=False)
    if all(x == round(x) for x in w):
        assert actions.maximise(w) == max(feasible, key=lambda a: total(a, w))  # the first in the list


PAIRS = [(a, b) for a in range(3) for b in range(3)]


@EXAMPLES
@given(st.data())
def test_matchings(data: Any) -> None:
    edges = data.draw(st.lists(st.sampled_from(PAIRS), min_size=1, max_size=7, unique=True))
    n = len(edges)

    def disjoint(action: tuple[int, ...]) -> bool:
        ends = [[edges[k][side] for k in action] for side in (0, 1)]
        return all(len(set(side)) == len(action) for side in ends)

    feasible = [a for a in all_sets(n) if disjoint(a)]
    w = data.draw(weights(n))
    check(sb.Matchings(edges), w, feasible, ties=False)
    smaller = min(len({edge[side] for edge in edges}) for side in (0, 1))
    perfect = [a for a in feasible if len(a) == smaller]
    if perfect:
        check(sb.Matchings(edges, perfect=True), w, perfect, ties=False)
    else:
        with pytest.raises(InvalidArgument, match="has no matching of more than"):
            sb.Matchings(edges, perfect=True)


FORWARD = [(a, b) for a in range(5) for b in range(a + 1, 5)]


@EXAMPLES
@given(st.data())
def test_paths(data: Any) -> None:
    edges = data.draw(st.lists(st.sampled_from(FORWARD), min_size=1, max_size=8))  # parallel edges too
    n = len(edges)

    def a_path(action: tuple[int, ...]) -> bool:
        node = 0  # edges lead to larger numbers: sorted by their tails they are in the order of the path
        for tail, head in sorted(edges[k] for k in action):
            if tail != node:
                return False
            node = head
        return node == 4

    feasible = [a for a in all_sets(n) if a_path(a)]
    if not feasible:
        with pytest.raises(InvalidArgument, match="allowed"):
            sb.Paths(edges, 0, 4)
        return
    check(sb.Paths(edges, 0, 4), data.draw(weights(n)), feasible, ties=False)


@EXAMPLES
@given(st.data())
def test_spanning_trees(data: Any) -> None:
    edges = data.draw(st.lists(st.sampled_from(FORWARD[:7]), min_size=1, max_size=7))
    n, nodes = len(edges), {node for edge in edges for node in edge}

    def a_tree(action: tuple[int, ...]) -> bool:
        reached, grown = {min(nodes)}, True
        while grown:
            more = {end for k in action for end in edges[k] if reached & set(edges[k])}
            grown = not more <= reached
            reached |= more
        return reached == nodes and len(action) == len(nodes) - 1

    feasible = [a for a in all_sets(n) if a_tree(a)]
    if not feasible:
        with pytest.raises(InvalidArgument, match=r"a graph in \d parts"):
            sb.SpanningTrees(edges)
        return
    w = data.draw(weights(n))
    trees = sb.SpanningTrees(edges)
    check(trees, w, feasible, ties=False)
    if all(x == round(x) for x in w):
        assert trees.maximise(w) == min(a for a in feasible if total(a, w) == max(total(b, w) for b in feasible))


@pytest.mark.parametrize("sides", [(9, 9), (5, 12), (12, 5)], ids=str)
def test_matchings_of_many_nodes_are_those_of_scipy(sides: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    missing = rng.random(sides) < 0.3
    missing[np.arange(5), np.arange(5)] = missing[-5:, -5:] = False
    edges = [(i, j) for i, j in np.argwhere(~missing).tolist()]
    for scale in (1.0, 1e6, 1e299):
        for _ in range(20):
            w = np.where(rng.random(len(edges)) < 0.2, 1e6, scale * rng.normal(size=len(edges)))
            table = np.full(sides, -np.inf)
            table[~missing] = w
            for perfect, values in ((True, table), (False, np.maximum(table, 0.0))):
                best = values[linear_sum_assignment(values, maximize=True)].sum()
                found = sb.Matchings(edges, perfect=perfect).maximise(w)
                assert total(found, w) == pytest.approx(best, rel=1e-12)


def test_graphs_break_ties_by_the_first_edge() -> None:
    doubled = [("s", "a"), ("s", "a"), ("a", "t"), ("a", "t"), ("s", "t")]
    assert sb.Paths(doubled, "s", "t").maximise([1, 1, 1, 1, 2]) == (0, 2)
    assert sb.Paths(doubled, "s", "t").maximise([0, 1, 0, 1, 1]) == (1, 3)
    assert sb.SpanningTrees(doubled).maximise([1, 1, 1, 1, 1]) == (0, 2)


GRID = [((i, j), (i + 1, j)) for i in range(3) for j in range(4)] + [
    ((i, j), (i, j + 1)) for i in range(4) for j in range(3)
]


TABLE = [(i, j) for i in range(4) for j in range(6)]
REMEMBERED = {
    "matchings": sb.Matchings(TABLE),
    "perfect matchings": sb.Matchings(TABLE[::-1], perfect=True),
    "paths": sb.Paths(GRID, (0, 0), (3, 3)),
    "trees": sb.SpanningTrees(GRID),
}


def test_paths_and_trees_of_many_nodes_are_those_of_scipy() -> None:
    nodes = list(itertools.product(range(4), repeat=2))
    tails, heads = np.array([[nodes.index(edge[side]) for edge in GRID] for side in (0, 1)], np.int32)
    paths, trees = sb.Paths(GRID, (0, 0), (3, 3)), sb.SpanningTrees(GRID)
    rng = np.random.default_rng(2)
    for _ in range(20):
        w = 1.0 + rng.random(len(GRID))  # a weight of 0 would be no edge to SciPy
        costs = csr_array((-w, (tails, heads)), shape=(16, 16))
        assert total(paths.maximise(w), w) == pytest.approx(-csgraph.bellman_ford(costs, indices=0)[15], rel=1e-12)
        tree = csgraph.minimum_spanning_tree(csr_array((3.0 - w, (tails, heads)), shape=(16, 16)))
        assert total(trees.maximise(w), w) == pytest.approx(3.0 * 15 - tree.sum(), rel=1e-12)


@pytest.mark.parametrize("actions", REMEMBERED.values(), ids=REMEMBERED)
def test_what_a_kernel_remembers_of_a_round_does_not_change_the_next(actions: Any) -> None:
    n, lanes = len(GRID), 3
    rng = np.random.default_rng(8)
    chosen, size = np.zeros((actions.max_size(n), lanes), np.int64), np.zeros(lanes, np.int64)
    work = make_work(actions, Space(n, lanes, None))
    for _ in range(25):
        w = rng.integers(-3, 4, (n, lanes)).astype(float)
        generics.maximise(params_of(actions, n), work, w, chosen, size)
        for lane in range(lanes):
            assert tuple(chosen[: size[lane], lane].tolist()) == actions.maximise(w[:, lane])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_linear_sets(data: Any) -> None:
    n, rows = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 2))
    matrix = [data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)) for _ in range(rows)]
    upper = data.draw(st.lists(st.integers(-1, 4), min_size=rows, max_size=rows))
    lower = [u - data.draw(st.integers(0, 3)) for u in upper]
    w = data.draw(weights(n))

    def satisfies(action: tuple[int, ...]) -> bool:
        return all(low <= total(action, row) <= high for row, low, high in zip(matrix, lower, upper, strict=True))

    feasible = [a for a in all_sets(n) if satisfies(a)]
    if feasible:
        check(sb.LinearSet(matrix, lower, upper), w, feasible, ties=False)
    else:
        with pytest.raises(InvalidArgument, match="leave no action"):
            sb.LinearSet(matrix, lower, upper)


def test_the_general_set_agrees_with_the_special_ones() -> None:
    """Knapsacks, paths and matchings as linear programs, at a size where enumeration says nothing any more."""
    rng = np.random.default_rng(4)
    edges = [(a, b) for a in range(6) for b in range(6)]
    w = rng.normal(size=36)
    rows = [[float(edge[side] == node) for edge in edges] for side in (0, 1) for node in range(6)]
    one = np.ones(12)
    found = sb.LinearSet(rows, one, one).maximise(w)
    assert found == sb.Matchings(edges, perfect=True).maximise(w)
    sizes = rng.random(36)
    assert sb.LinearSet([sizes], upper=[4.0]).maximise(w) == sb.Knapsack(sizes, 4.0).maximise(w)
    whole = np.ceil(10 * sizes)
    assert sb.LinearSet([whole], upper=[40.0]).maximise(w) == sb.Knapsack(whole, 40.0).maximise(w)
    arcs = [(a, b) for a in range(8) for b in range(a + 1, 8)]
    balance = [[float(a == node) - float(b == node) for a, b in arcs] for node in range(8)]
    ends = [1.0, *[0.0] * 6, -1.0]
    costs = rng.normal(size=len(arcs))
    assert sb.LinearSet(balance, ends, ends).maximise(costs) == sb.Paths(arcs, 0, 7).maximise(costs)


def test_a_weight_of_an_item_that_no_linear_action_holds_does_not_blur_the_others() -> None:
    """Policies give items that were never seen weights of a million, and such an item never is."""
    pairs = sb.LinearSet([[1, 1, 1, 1, 0], [0, 0, 0, 0, 1]], lower=[2, 0], upper=[2, 0])
    rng = np.random.default_rng(0)
    for _ in range(20):
        w = rng.random(4)
        assert pairs.maximise([*w, 1e6]) == sb.MSets(2).maximise(w)


def test_fifty_items_ten_at_a_time_within_a_budget_are_exact_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "compiled_mode", lambda: True)
    rng = np.random.default_rng(7)
    sb.SafeUpToM(2, 1.0, [0.1, 0.2, 0.3]).maximise([1.0, 2.0, 3.0])  # compiled before the clock starts
    for budget in (0.2, 0.6, 1.2):
        w, variances = rng.random(50), 0.25 * rng.random(50)
        safe = sb.SafeUpToM(10, budget, variances)
        started = time.perf_counter()
        found = safe.maximise(w)
        assert time.perf_counter() - started < 0.5  # microseconds, in truth
        program = sb.LinearSet([variances, np.ones(50)], upper=[budget, 10.0])  # <= and < differ on a set of measure 0
        assert total(found, list(w)) == pytest.approx(total(program.maximise(w), list(w)), rel=1e-9)


@pytest.mark.parametrize("least", [1e-9, 1e-12, 1e-310])
def test_an_item_of_almost_no_cost_does_not_make_the_search_slow(least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower bounds of variances come near 0: seconds, if the multiplier were then only roughly found."""
    monkeypatch.setattr(kernels, "compiled_mode", lambda: True)
    rng = np.random.default_rng(2)
    variances = np.sort(0.25 * rng.random(36))
    w = variances + 0.3 + 0.05 * np.arange(36) / 36
    variances[0] = least
    safe = sb.SafeUpToM(12, 0.8, variances)
    sb.SafeUpToM(2, 1.0, [0.1, 0.2, 0.3]).maximise([1.0, 2.0, 3.0])  # compiled before the clock starts
    started = time.perf_counter()
    found = safe.maximise(w)
    assert time.perf_counter() - started < 0.5  # some tenths of a millisecond, in truth
    program = sb.LinearSet([np.where(variances < 1e-6, 0.0, variances), np.ones(36)], upper=[0.8, 12.0])
    assert total(found, list(w)) == pytest.approx(total(program.maximise(w), list(w)), rel=1e-9)


def test_equal_items_are_chosen_in_their_order_at_any_size() -> None:
    """Searches that went through all equal sets would not end."""
    for n, m in ((50, 10), (30, 29)):
        safe = sb.SafeUpToM(m, 5 * 0.2 + 0.1, [0.2] * n)
        assert safe.maximise([0.3] * n) == (0, 1, 2, 3, 4)
    assert sb.Knapsack([0.5] * 40, 10.0).maximise([1.0] * 40) == tuple(range(20))
    assert sb.UpToM(7).maximise([1.0] * 40) == tuple(range(7))


def test_kernels_take_infinite_weights_where_they_say_so() -> None:
    w = [0.0, math.inf, -math.inf, math.inf]
    for actions, best in ((sb.MSets(2), (1, 3)), (sb.UpToM(3), (1, 3)), (sb.Explicit([[0, 2], [0, 1]]), (0, 1))):
        assert by_kernel(actions, [w]) == [best]


def test_an_item_larger_than_64_bits_never_fits() -> None:
    assert sb.Knapsack([2.0**63, 1.0, 1.0], 2.0).maximise([9.0, 1.0, 1.0]) == (1, 2)
    assert sb.Knapsack([1e300, 1.0], 2.0).maximise([1.0, -1.0]) == (1,)


def test_what_is_no_action_is_in_no_set() -> None:
    pair = [("a", 1), ("b", 2)]
    for actions in (
        sb.MSets(2), sb.UpToM(2), sb.SafeUpToM(2, 1.0, [0.1, 0.1]), sb.Knapsack([1, 1], 2), sb.Explicit([[0, 1]]),
        sb.Matchings(pair), sb.Paths([(0, 1), (1, 2)], 0, 2), sb.SpanningTrees([("a", 1), ("a", "b")]),
        sb.LinearSet([[1, 1]]),
    ):  # fmt: skip
        assert not any(actions.contains(what) for what in (5, None, "01", {0, 1}, (), (1, 0), (0.0, 1.0), ("a",)))


def test_long_paths_and_dead_ends_are_enumerated() -> None:
    long = sb.Paths([(k, k + 1) for k in range(2_000)], 0, 2_000)
    assert list(long.enumerate(2_000)) == [tuple(range(2_000))]
    maze = [("s", "t"), ("s", 0)] + [(k, k + 1) for k in range(60) for _ in range(2)]
    dead_ends = sb.Paths(maze, "s", "t")
    assert list(dead_ends.enumerate(len(maze))) == [dead_ends.maximise([0.0, *[1.0] * 121])] == [(0,)]


# ------------------------------------------------------------------------------------------------- errors

GRAPH = [("s", "a"), ("a", "t"), ("s", "t")]
ERRORS: dict[str, tuple[Any, str]] = {
    "more than there are": (lambda: sb.MSets(4).check(3), "MSets.m is 4; allowed: at most the number of items"),
    "up to more than there are": (lambda: sb.UpToM(4).maximise([1, 2, 3]), "UpToM.m is 4; allowed: at most"),
    "safe, more than there are": (lambda: sb.SafeUpToM(4, 1.0).check(3), "SafeUpToM.m is 4; allowed: at most"),
    "no items": (lambda: sb.MSets(0), "MSets.m is 0; allowed: an integer of at least 1"),
    "budget of zero": (lambda: sb.SafeUpToM(2, 0.0), "SafeUpToM.budget is 0.0; allowed: a positive, finite number"),
    "negative budget": (lambda: sb.SafeUpToM(2, -1), "SafeUpToM.budget is -1; allowed: a positive, finite number"),
    "infinite budget": (lambda: sb.SafeUpToM(2, math.inf), "budget is inf; allowed: .*UpToM is the set without"),
    "budget that is none": (lambda: sb.SafeUpToM(2, math.nan), "SafeUpToM.budget is nan; allowed: a positive"),
    "budget in words": (lambda: sb.SafeUpToM(2, "a lot"), "SafeUpToM.budget is 'a lot'; allowed: a positive"),
    "negative variance": (lambda: sb.SafeUpToM(2, 1.0, [0.1, -0.2]), r"variances\[1\] is -0.2; allowed"),
    "no variances": (lambda: sb.SafeUpToM(1, 1.0).maximise([1.0]), "variances is None; allowed: one variance per item"),
    "other variances": (lambda: sb.SafeUpToM(1, 1.0, [0.1]).maximise([1, 2]), "variances has 1 entries; allowed"),
    "nothing safe": (lambda: sb.SafeUpToM(1, 0.1, [0.1, 0.2]).check(2), "no action is safe"),
    "nothing fits": (lambda: sb.Knapsack([4, 5], 3), "Knapsack.capacity is 3, and the smallest item's size 4; allowed"),
    "negative size": (lambda: sb.Knapsack([1, -5], 3), r"Knapsack.weights\[1\] is -5"),
    "bag of other items": (lambda: sb.Knapsack([1, 2], 3).maximise([1.0]), "number of items is 1; allowed: 2"),
    "empty list": (lambda: sb.Explicit([]), r"Explicit.actions is \[\]; allowed: at least one action"),
    "empty action": (lambda: sb.Explicit([[]]), r"Explicit.actions\[0\] is \[\]; allowed"),
    "item twice": (lambda: sb.Explicit([[1, 1]]), r"Explicit.actions\[0\] is \[1, 1\]; allowed"),
    "action twice": (lambda: sb.Explicit([[0, 1], [1, 0]]), r"it is the same as Explicit.actions\[0\]"),
    "negative item": (lambda: sb.Explicit([[-1]]), r"Explicit.actions\[0\]\[0\] is -1; allowed"),
    "item that does not exist": (lambda: sb.Explicit([[0, 3]]).check(3), r"holds \[0, 3\]; allowed: items from 0 to 2"),
    "no list": (lambda: sb.Explicit(3), "Explicit.actions is 3; allowed: a list of actions"),
    "cycle": (lambda: sb.Paths([*GRAPH, ("t", "s")], "s", "t"), "Paths.edges has the cycle .* -> "),
    "no way": (lambda: sb.Paths(GRAPH, "t", "s"), "leads from 't' to other nodes; allowed: to 's'"),
    "nowhere": (lambda: sb.Paths(GRAPH, "s", "x"), "Paths.target is 'x'; allowed: a node of edges"),
    "round trip": (lambda: sb.Paths(GRAPH, "s", "s"), "Paths.target is 's'; allowed: a node other than source"),
    "disconnected": (lambda: sb.SpanningTrees([(0, 1), (2, 3)]), "is a graph in 2 parts; allowed: a connected one"),
    "loop": (lambda: sb.SpanningTrees([(0, 1), (1, 1)]), r"SpanningTrees.edges\[1\] is \(1, 1\); allowed"),
    "edge twice": (lambda: sb.Matchings([(0, 1), (0, 1)]), r"it is the same as edges\[0\]"),
    "not a pair": (lambda: sb.Matchings([(0, 1, 2)]), r"Matchings.edges\[0\] is \(0, 1, 2\); allowed: a pair"),
    "name of a node": (lambda: sb.Matchings([(0, 1.5)]), r"Matchings.edges\[0\]\[1\] is 1.5; allowed: the name"),
    "no name": (lambda: sb.Paths([((0, 0), ())], (0, 0), ()), r"Paths.edges\[0\]\[1\] is \(\); allowed: the name"),
    "word for a pair": (lambda: sb.Paths(["st"], "s", "t"), r"Paths.edges\[0\] is 'st'; allowed: a pair"),
    "no edges": (lambda: sb.SpanningTrees([]), r"SpanningTrees.edges is \[\]; allowed: at least one edge"),
    "impossible program": (
        lambda: sb.LinearSet([[1, 1]], lower=[3]),
        "LinearSet.matrix and its bounds leave no action",
    ),
    "bounds of other rows": (lambda: sb.LinearSet([[1, 1]], upper=[1, 2]), "LinearSet.upper has 2 entries; allowed"),
    "bound that is none": (lambda: sb.LinearSet([[1, 1]], upper=[math.nan]), "LinearSet.upper is .*; allowed"),
    "infinite weight": (lambda: sb.MSets(1).maximise([math.inf, 1.0]), "weights"),
    "too many to enumerate": (lambda: sb.MSets(20).enumerate(40), "allowed: at most 1000000 sets to enumerate"),
    "items in words": (lambda: sb.MSets(1).enumerate("all"), "number of items is 'all'; allowed: an integer"),
    "no items at all": (lambda: sb.UpToM(1).check(0), "number of items is 0; allowed: an integer of at least 1"),
    "half an item": (lambda: sb.Explicit([[0]]).check(1.5), "number of items is 1.5; allowed: an integer"),
    "items of a graph": (lambda: sb.Paths(GRAPH, "s", "t").check(None), "number of items is None; allowed"),
    "huge budget": (lambda: sb.SafeUpToM(1, 10**400), "SafeUpToM.budget is 1000.*; allowed: a finite number"),
    "huge bound": (lambda: sb.LinearSet([[1]], upper=[10**400]), "LinearSet.upper is .*; allowed: one number per row"),
    "too many paths": (
        lambda: sb.Paths([(k, k + 1) for k in range(20) for _ in range(2)], 0, 20).enumerate(40),
        "has 1048576 paths; allowed: at most 1000000",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_is_allowed(case: str) -> None:
    wrong, message = ERRORS[case]
    with pytest.raises(BanditlabError, match=message):
        wrong()


def test_actions_are_sets_of_an_environment_only_if_they_are_components() -> None:
    class Undecorated(sb.MSets):
        pass

    for wrong in (Undecorated(1), sb.MSets, [[0, 1]], None):
        with pytest.raises(InvalidType, match="allowed: an action set, such as"):
            sb.KMax.binary([0.5, 1.0], [0.5, 0.5], wrong)


# ------------------------------------------------------------------------------------------------- objects

INSTANCES: list[Any] = [
    sb.MSets(2),
    sb.UpToM(2),
    sb.Explicit([[0, 1], [2]]),
    sb.Knapsack([1.0, 2.0, 1.5], 3.0),
    sb.SafeUpToM(2, 0.5),
    sb.SafeUpToM(2, 0.5, [0.1, 0.2, 0.3]),
    sb.Matchings([(0, "x"), (0, "y"), (1, "x")]),
    sb.Paths(GRAPH, "s", "t"),
    sb.Paths([((0, 0), (0, 1)), ((0, 1), (1, 1))], (0, 0), (1, 1)),
    sb.SpanningTrees(GRAPH),
    sb.LinearSet([[1.0, 1.0, 1.0]], upper=[2.0]),
]


@pytest.mark.parametrize("actions", INSTANCES, ids=repr)
def test_action_sets_pickle_copy_and_compare(actions: Any) -> None:
    assert is_component(actions)
    for twin in (pickle.loads(pickle.dumps(actions)), copy.deepcopy(actions)):
        assert twin == actions
        assert hash(twin) == hash(actions)
    assert actions not in [other for other in INSTANCES if other is not actions]


def test_every_action_set_is_tried_and_documented() -> None:
    classes = registered("semibandits", "action_set")
    assert {type(actions) for actions in INSTANCES} == set(classes.values())
    for name, cls in classes.items():
        assert f"semibandits.{name}(" in (cls.__doc__ or ""), name
        assert "Parameters" in (cls.__doc__ or ""), name


@sb.action_set
class Pair(sb.ActionSet):
    """Finds what it does not contain."""

    def contains(self, action):
        return len(action) == 2

    def max_size(self, n_items):
        return 2

    def find(self, weights):
        return [int(weights.argmax())]


@pytest.mark.parametrize("given", [None, 1, "01", ["a", "b"], ["0", "1"], [0, 1.5], [0, math.nan], [[0, 1]]], ids=repr)
def test_what_is_found_is_a_list(given, monkeypatch):
    monkeypatch.setattr(Pair, "find", lambda self, weights: given)
    with pytest.raises(InvalidType, match=re.escape(f"Pair.find returned {given!r}; allowed: the items of an action")):
        Pair().maximise([0.1, 0.2, 0.0])


@pytest.mark.parametrize(
    "given",
    [[1.0, 0], (np.int64(1), 0), np.array([1, 0]), {0, 1}, iter([1, 0])],
    ids=lambda given: type(given).__name__,
)
def test_what_is_found_can_be_of_any_kind(given, monkeypatch):
    monkeypatch.setattr(Pair, "find", lambda self, weights: given)
    assert Pair().maximise([0.1, 0.2, 0.0]) == (0, 1)


@sb.action_set
class Greedy(sb.ActionSet):
    """Two items that are not neighbours, the second one chosen after the first."""

    def contains(self, action):
        return len(action) == 2 and action[1] - action[0] > 1

    def max_size(self, n_items):
        return 2

    def find(self, weights):
        first = int(np.argmax(weights))
        others = [k for k in range(len(weights)) if abs(k - first) > 1]
        return [first, max(others, key=lambda k: weights[k])]


def test_an_oracle_that_finds_less_is_refused_where_all_actions_can_be_listed():
    world = sb.SemiBandit(arms.Bernoulli([0.5] * 5), Greedy())
    told = r"Greedy.find\(\[.*\]\) returned the items \[.*, with a sum of .*; allowed: an action with the "
    told += r"largest, .*, such as \[\d, \d\], which `contains` says is an action$"
    with pytest.raises(InvalidComponent, match=told):
        bl.run(world, sb.CombUCB1(), horizon=5, n_runs=1, seed=0)
    many = sb.SemiBandit(arms.Bernoulli([0.5] * 70), Greedy())  # 2,415 pairs
    assert bl.run(many, sb.CombUCB1(), horizon=80, n_runs=1, seed=0).n_runs == 1


def test_what_is_found_is_an_action():
    with pytest.raises(InvalidArgument, match=r"Pair.find returned the items \[1\]; allowed: an action, and contains"):
        Pair().maximise([0.1, 0.2, 0.0])


@sb.action_set
class Picky(Greedy):
    """Has another size, or an oracle for some weights alone."""

    most: object = bl.field(default=2, doc="what max_size returns")

    def max_size(self, n_items):
        return self.most

    def find(self, weights):
        if (weights < 0.0).any():
            raise ValueError("negative weights")
        return max(self.enumerate(len(weights)), key=lambda action: weights[list(action)].sum())


def test_an_oracle_that_raises_is_told_with_the_weights():
    world = sb.SemiBandit(arms.Bernoulli([0.5] * 5), Picky())
    told = r"Picky.find\(\[.*-0.*\]\) raised ValueError: negative weights; allowed: .* they can be of any sign"
    with pytest.raises(InvalidComponent, match=told) as caught:
        bl.run(world, sb.CombUCB1(), horizon=5, n_runs=1, seed=0)
    assert type(caught.value.__cause__) is ValueError


@pytest.mark.parametrize("most", [2.5, 2.0, None, -1], ids=repr)
def test_a_size_is_an_integer(most):
    world = sb.SemiBandit(arms.Bernoulli([0.5] * 5), Picky(most))
    told = rf"Picky.max_size\(5\) returned {most}; allowed: a number of items, as an integer"
    with pytest.raises(InvalidType, match=told):
        bl.run(world, sb.CombUCB1(), horizon=5, n_runs=1, seed=0)


def test_whether_actions_are_few_is_known_without_counting_all(monkeypatch):
    counted = []
    monkeypatch.setattr(math, "comb", lambda n, k, comb=math.comb: counted.append(k) or comb(n, k))
    Picky(100_000).check_find(100_000)
    with pytest.raises(InvalidArgument, match="allowed: at most 1000000 sets to enumerate"):
        Picky(100_000).enumerate(100_000)
    assert counted == [1, 1, 2]
