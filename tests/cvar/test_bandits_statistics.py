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
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import record
from banditlab.cvar.bandits import heaps, samples
from banditlab.cvar.bandits.spaces import SampleSpace

DYADIC = st.integers(-40, 40).map(lambda k: k / 16.0)
PULLS = st.lists(st.tuples(st.integers(0, 2), DYADIC), min_size=1, max_size=60)
LANE = 1


def smallest(values: list[float], many: float | Fraction) -> Fraction:
    """Return the exact sum of the smallest values, the last in part."""
    left, total = Fraction(many), Fraction(0)
    for value in sorted(values):
        part = min(left, Fraction(1))
        total, left = total + part * Fraction(value), left - part
    return total


def check_heap(heap: NDArray[np.float64], n: int) -> None:
    assert all(heap[(k - 1) // heaps.WIDTH] <= heap[k] for k in range(1, n))


@settings(max_examples=200, deadline=None)
@given(PULLS, st.one_of(st.sampled_from([1.0, 0.5, 0.1, 1e-9]), st.floats(0.0, 1.0)))
def test_tails_are_the_smallest_values_in_part_after_every_pull(pulls: list[tuple[int, float]], tau: float) -> None:
    state = heaps.empty_tails(SampleSpace(3, 2, None), len(pulls), tau * len(pulls))
    seen: list[list[float]] = [[], [], []]
    for arm, value in pulls:
        seen[arm].append(value)
        many = tau * len(seen[arm])
        got = heaps.sum_of_smallest(state, arm, LANE, value, many)
        assert got == pytest.approx(float(smallest(seen[arm], many)), rel=1e-14, abs=1e-13)
        low, high = state.low[LANE, arm], state.high[LANE, arm]
        n_low, n_high = int(state.n_low[arm, LANE]), int(state.n_high[arm, LANE])
        check_heap(low, n_low)
        check_heap(high, n_high)
        assert sorted([*(-low[:n_low]), *high[:n_high]]) == sorted(seen[arm])
    assert not state.low[0].any(), "other lanes are left alone"
    assert not state.high[0].any()
    assert not state.n_low[:, 0].any()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(DYADIC, st.floats(0.0, 1.0)), min_size=1, max_size=40))
def test_tails_may_grow_by_any_amount(steps: list[tuple[float, float]]) -> None:
    """As those of CVaRUCB do, which are not a fixed share."""
    state = heaps.empty_tails(SampleSpace(1, 2, None), len(steps), len(steps))
    seen: list[float] = []
    many = 0.0
    for value, growth in steps:
        seen.append(value)
        many += growth * (len(seen) - many)
        got = heaps.sum_of_smallest(state, 0, LANE, value, many)
        assert got == pytest.approx(float(smallest(seen, many)), rel=1e-13, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(DYADIC, st.floats(0.0, 1.0)), min_size=1, max_size=40),
    st.one_of(st.sampled_from([1.0, 1e-9, 1e-300]), st.floats(0.0, 1.0, exclude_min=True)),
)
def test_sums_between_two_ends_keep_the_digits_of_small_shares(steps: list[tuple[float, float]], tau: float) -> None:
    space = SampleSpace(1, 2, None)
    state = heaps.empty_tails(space, len(steps), len(steps)), heaps.empty_tails(space, len(steps), len(steps))
    seen: list[float] = []
    first = 0.0
    for value, growth in steps:
        seen.append(value)
        first += growth * (len(seen) - first)
        share = min(tau * len(seen), len(seen) - first)
        got = heaps.sum_between(*state, 0, LANE, value, first, share)
        exact = smallest(seen, Fraction(first) + Fraction(share)) - smallest(seen, first)
        # the ends are rounded, which changes the sum by that much of the values' spread
        assert got == pytest.approx(float(exact), rel=1e-13, abs=1e-12 if share > 1e-12 else 40.0 * share)


@pytest.mark.parametrize("order", ["rising", "falling", "shuffled"])
def test_sums_of_tails_lose_no_digits_that_matter(order: str) -> None:
    """Rewards enter and leave the sum: after 20,000 the tail's mean has 12 digits, whatever the order they come in."""
    rising = np.sort(np.random.default_rng(2).random(20_000))
    values = {
        "rising": rising,
        "falling": rising[::-1].copy(),
        "shuffled": np.random.default_rng(3).permutation(rising),
    }
    for tau in (1e-4, 0.1, 1.0):
        state = heaps.empty_tails(SampleSpace(1, 2, None), len(rising), tau * len(rising))
        got = kernel(_fill, state)(state, values[order], tau)
        assert got == pytest.approx(float(rising[: round(tau * 20_000)].sum()), rel=1e-12)


def _fill(state: Any, values: Any, tau: float) -> float:
    total = 0.0
    for k in range(values.shape[0]):
        total = heaps.sum_of_smallest(state, 0, 1, values[k], tau * (k + 1.0))
    return total


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


@pytest.mark.parametrize("tau", [1e-9, 1e-14, 1e-300])
@pytest.mark.parametrize("name", SAMPLES)
def test_at_tiny_levels_only_the_smallest_value_counts(name: str, tau: float) -> None:
    """Its weight is less than 1e-9 with a probability of 6,000 times 600 times that; rounding errors must not count."""
    assert drawn(*SAMPLES[name], tau, seed=8) == pytest.approx(np.full(DRAWS, SAMPLES[name][0][0]), abs=1e-9)


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
