"""What the CVaR bandits keep of each arm's rewards, against sorted lists; and the law of what is drawn from it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from banditlab.core import sampling
from banditlab.core.components import record
from banditlab.core.dispatch import kernel
from banditlab.cvar.bandits import samples, tree
from banditlab.cvar.bandits.protocol import SampleSpace

DYADIC = st.integers(-40, 40).map(lambda k: k / 16.0)
PULLS = st.lists(st.tuples(st.integers(0, 2), DYADIC), min_size=1, max_size=60)
LANE = 1


def grown(pulls: list[tuple[int, float]], n_lanes: int = 2) -> Any:
    """Return three arms' trees with some values in them, in the second of two lanes."""
    state = record("State", tree.empty_trees(SampleSpace(3, n_lanes, None), len(pulls)))
    with np.errstate(over="ignore"):
        for arm, value in pulls:
            tree.insert(state, arm, LANE, value)
    return state


def nodes(state: Any, node: int) -> list[tuple[float, int, int]]:
    """Return (value, count, depth) of the nodes under one, from left to right, checking what each says of its left."""
    if node == 0:
        return []
    values, links = state.values[LANE], state.links[LANE]
    left, right = (nodes(state, links[node, side]) for side in (tree.LEFT, tree.RIGHT))
    assert links[node, tree.COUNT_LEFT] == sum(count for _, count, _ in left)
    assert values[node, tree.SUM_LEFT] == sum(count * value for value, count, _ in left)
    below = [(value, count, depth + 1) for value, count, depth in left], [(v, c, d + 1) for v, c, d in right]
    return [*below[0], (float(values[node, tree.VALUE]), int(links[node, tree.COUNT]), 1), *below[1]]


@settings(max_examples=150, deadline=None)
@given(PULLS, st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5))
def test_the_tree_holds_each_arm_s_values_in_order_and_sums_the_smallest(
    pulls: list[tuple[int, float]], shares: list[float]
) -> None:
    state = grown(pulls)
    for arm in range(3):
        expected = sorted(value for a, value in pulls if a == arm)
        found = nodes(state, int(state.roots[arm, LANE]))
        assert [value for value, count, _ in found for _ in range(count)] == expected
        assert len({value for value, _, _ in found}) == len(found)
        for share in [0.0, *shares, 1.0]:
            many = share * len(expected)
            left, total = Fraction(many), Fraction(0)
            for value in expected:
                part = min(left, Fraction(1))
                total, left = total + part * Fraction(value), left - part
            assert tree.sum_of_smallest(state, arm, LANE, many) == pytest.approx(float(total), rel=1e-14, abs=1e-13)
    assert state.used[LANE] == sum(len({v for a, v in pulls if a == arm}) for arm in range(3))
    assert state.used[0] == 0, "other lanes are left alone"
    assert not state.links[0].any()


@settings(max_examples=50, deadline=None)
@given(PULLS, st.randoms(use_true_random=False))
def test_the_tree_s_shape_does_not_depend_on_the_order_of_the_values(pulls: list[tuple[int, float]], rng: Any) -> None:
    other = list(pulls)
    rng.shuffle(other)
    first, second = grown(pulls), grown(other)
    for arm in range(3):
        assert nodes(first, int(first.roots[arm, LANE])) == nodes(second, int(second.roots[arm, LANE]))


def test_zero_is_one_value_whatever_its_sign() -> None:
    assert grown([(0, 0.0), (0, -0.0), (0, 0.0)]).used[LANE] == 1


@pytest.mark.parametrize("order", ["rising", "falling", "shuffled"])
def test_the_tree_is_as_deep_as_a_random_one_whatever_the_order(order: str) -> None:
    """A random search tree of n nodes has height about 4.31 log n, here 33; its deepest of 1000 have less than 40."""
    n = 2048
    rising = np.arange(n) / n
    shuffled = np.random.default_rng(1).permutation(rising)
    values = {"rising": rising, "falling": rising[::-1], "shuffled": shuffled}[order]
    state = grown([(0, float(v)) for v in values])
    assert max(depth for _, _, depth in nodes(state, int(state.roots[0, LANE]))) < 40


def test_sums_lose_no_digits_that_matter() -> None:
    """Sums to a node's left are kept by adding and subtracting: after 20,000 values the error is of order 1e-12."""
    values = np.random.default_rng(2).random(20_000)
    state = record("State", tree.empty_trees(SampleSpace(1, 2, None), len(values)))

    add = kernel(_fill, state)
    add(state, values)
    ordered = np.sort(values)
    for many in (1.0, 20.0, 2000.0, 10_000.0, 20_000.0):
        got = kernel(tree.sum_of_smallest, state)(state, 0, LANE, many)
        assert got == pytest.approx(float(ordered[: int(many)].sum()), abs=1e-11)


def _fill(state: Any, values: Any) -> None:
    for value in values:
        tree.insert(state, 0, 1, value)


@settings(max_examples=150, deadline=None)
@given(PULLS)
def test_the_samples_hold_each_arm_s_values_in_order(pulls: list[tuple[int, float]]) -> None:
    state = record("State", samples.empty_samples(SampleSpace(3, 2, None), len(pulls)))
    for arm, value in pulls:
        samples.insert(state, arm, LANE, value)
    for arm in range(3):
        values, copies = np.unique([v for a, v in pulls if a == arm], return_counts=True)
        held = slice(*state.starts[LANE, arm : arm + 2])
        assert state.values[LANE, held].tolist() == values.tolist()
        assert state.copies[LANE, held].tolist() == copies.tolist()
    assert not state.values[0].any()
    assert not state.starts[0].any()


# -------------------------------------------------------------------------------------- the law of the weights

DRAWS = 6000


def drawn(values: list[float], copies: list[int], top: float, n_top: int, tau: float, seed: int) -> NDArray[np.float64]:
    """Return many draws of the CVaR with random weights."""
    out = np.empty(DRAWS)
    rng = sampling.seeded(seed, sampling.POLICY_STREAM, 0, 1)
    table, counts = np.array(values), np.array(copies, np.int32)
    kernel(_many)(rng, table, counts, top, n_top + sum(copies), tau, np.zeros(samples.BLOCK), out)
    return out


def _many(rng: Any, values: Any, copies: Any, top: float, atoms: int, tau: float, work: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] = samples.drawn_cvar(rng, 0, values, copies, 0, values.shape[0], top, atoms, tau, work)


def by_numpy(values: list[float], copies: list[int], top: float, n_top: int, tau: float) -> NDArray[np.float64]:
    """Return as many draws with NumPy's Dirichlet variates, one weight an atom."""
    from banditlab import cvar

    atoms = np.repeat([*values, top], [*copies, n_top])
    weights = np.random.default_rng(77).dirichlet(np.ones(len(atoms)), DRAWS)
    return np.asarray(cvar.cvar(np.tile(atoms, (DRAWS, 1)), tau, weights))


GRID = [k / 600 for k in range(600)]
SAMPLES = {
    "one value": ([0.25], [1], 1.0, 1),
    "one value often": ([0.25], [9], 1.0, 1),
    "few": ([0.0, 0.2, 0.7], [1, 1, 1], 1.0, 1),
    "few, often": ([0.0, 0.2, 0.7], [4, 1, 7], 1.0, 3),
    "several blocks": (GRID, [1] * 600, 1.0, 1),
    "several blocks, some often": (GRID, [1 + (k % 7 == 0) for k in range(600)], 1.0, 2),
}


@pytest.mark.parametrize("tau", [0.02, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("name", SAMPLES)
def test_cvar_with_random_weights_has_the_law_that_dirichlet_weights_give(name: str, tau: float) -> None:
    """Kolmogorov-Smirnov between two samples of 6,000: 24 tests at 1e-4 each."""
    ours, theirs = drawn(*SAMPLES[name], tau, seed=5), by_numpy(*SAMPLES[name], tau)
    # where the tail has one value, rounding must not tell the two samples apart
    assert stats.ks_2samp(ours.round(9), theirs.round(9), method="asymp").pvalue > 1e-4


@pytest.mark.parametrize("place", [0, 100, 299, 300, 598])
def test_sums_of_weights_have_their_beta_law_wherever_a_block_ends(place: int) -> None:
    """At tau = 1 with values 0 below a place and 1 above, CVaR is the weight above: of a beta law, at 1e-4 each."""
    values = [0.0] * (place + 1) + [1.0] * (599 - place)
    weights = drawn(values, [1] * 600, 1.0, 1, 1.0, seed=6)
    assert stats.kstest(weights, stats.beta(600 - place, place + 1).cdf).pvalue > 1e-4


def test_weights_of_different_blocks_are_correlated_as_dirichlet_weights_are() -> None:
    """The variance of a sum of two single weights tells their covariance, -1 / (N^2 (N + 1)), 4 standard errors."""
    n = 600
    values = [1.0 if k in (10, 290, 550) else 0.0 for k in range(n)]
    got = drawn(values, [1] * n, 0.0, 1, 1.0, seed=7)
    law = stats.beta(3, n - 2)
    assert abs(got.mean() - law.mean()) < 4 * law.std() / np.sqrt(DRAWS)
    spread = np.sqrt(
        (
            law.moment(4)
            - 4 * law.moment(3) * law.mean()
            + 6 * law.moment(2) * law.mean() ** 2
            - 3 * law.mean() ** 4
            - law.var() ** 2
        )
        / DRAWS
    )
    assert abs(got.var() - law.var()) < 4 * spread
