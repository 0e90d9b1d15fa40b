"""Permutation tests and Holm's correction: exactness, error rates on simulated nulls, bad input."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.inference import holm, paired_family
from banditlab.inference.permutation import (
    FLIPS_A_BLOCK,
    flipped_statistics,
    p_values,
    sign_flips,
    smallest_p_value,
    step_down_p_values,
)

from .naive import brute_force

REPEATS = 2000
ALPHA = 0.1  # three standard errors are 0.02 at this level
MARGIN = 3 * np.sqrt(ALPHA * (1 - ALPHA) / REPEATS)


class TestPermutations:
    @pytest.mark.parametrize("n", [2, 3, 6, 11])
    def test_enumeration_is_brute_force(self, n):
        differences = np.random.default_rng(n).normal(size=(3, n))
        statistics = np.concatenate(list(flipped_statistics(differences, 2**10, np.random.default_rng(0))))
        every = brute_force(differences)
        assert len(statistics) == 2 ** (n - 1)
        np.testing.assert_allclose(np.sort(np.tile(statistics, (2, 1)), axis=0), np.sort(every, axis=0), atol=1e-12)
        shares = [(every[:, c] >= every[0, c] - 1e-9).mean() for c in range(3)]
        np.testing.assert_allclose(p_values([statistics]), shares)

    @pytest.mark.parametrize(("n", "allowed"), [(2, 100), (6, 32), (6, 31), (11, 500)])
    def test_smallest_p_value_is_that_of_runs_that_agree(self, n, allowed):
        agreeing = np.arange(1.0, n + 1.0)[None]
        found = p_values(flipped_statistics(agreeing, allowed, np.random.default_rng(1)))
        assert found.tolist() == [smallest_p_value(n, allowed)]

    @pytest.mark.parametrize("find", [p_values, step_down_p_values])
    @pytest.mark.parametrize(("shape", "blocks"), [((1, 2_000), 1.25), ((2_000, 20), 6)], ids=["runs", "comparisons"])
    def test_few_blocks_are_in_memory_at_a_time(self, shape, blocks, find):
        differences = np.random.default_rng(0).normal(size=shape)
        tracemalloc.start()
        try:
            find(flipped_statistics(differences, 10_000, np.random.default_rng(0)))
            assert tracemalloc.get_traced_memory()[1] < blocks * 8 * FLIPS_A_BLOCK * 2_000
        finally:
            tracemalloc.stop()

    def test_step_down_is_the_definition(self):
        differences = np.random.default_rng(3).normal(0.4, 1.0, size=(5, 9))
        every = brute_force(differences)
        left, last, expected = list(range(5)), 0.0, np.empty(5)
        while left:
            c = max(left, key=lambda c: every[0, c])
            last = max(last, (every[:, left].max(axis=1) >= every[0, c] - 1e-9).mean())
            expected[c] = last
            left.remove(c)
        found = step_down_p_values(flipped_statistics(differences, 256, np.random.default_rng(0)))
        np.testing.assert_allclose(found, expected)

    def test_signs(self):
        blocks = np.concatenate(list(sign_flips(40, 2500, np.random.default_rng(0))))
        assert blocks.shape == (2500, 40)
        assert (blocks[0] == 1).all()
        assert set(np.unique(blocks)) == {-1.0, 1.0}
        assert abs(blocks.mean()) < 4 / np.sqrt(blocks.size)

    def test_drawn_p_values_approach_the_enumerated(self):
        differences = np.random.default_rng(1).normal(0.2, 1.0, size=(1, 14))
        exact = p_values(flipped_statistics(differences, 2**13, np.random.default_rng(0))).item()
        drawn = p_values(flipped_statistics(differences, 2**13 - 1, np.random.default_rng(0))).item()
        assert 0.01 < exact < 0.3
        assert drawn != exact
        assert abs(drawn - exact) < 4 * np.sqrt(exact * (1 - exact) / 2**13)

    def test_enumerated_p_values_are_exactly_uniform(self):
        # the p-values of a data set and of all its flips are 2/2^n, 4/2^n, ..., each as often as the other
        base = np.random.default_rng(0).normal(size=6)
        found = [
            p_values(flipped_statistics(base[None] * np.array(signs), 64, np.random.default_rng(0))).item()
            for signs in itertools.product((1, -1), repeat=6)
        ]
        np.testing.assert_allclose(np.sort(found), np.repeat(np.arange(1, 33) / 32, 2))

    def test_differences_that_add_up_to_nothing_are_no_evidence(self):
        # exactly 0 on paper, some 1e-17 by rounding: every flip gives at least that much
        for order in ([0.1, 0.2, -0.3], [-0.3, 0.1, 0.2]):
            statistics = list(flipped_statistics(np.array([order * 3]), 1000, np.random.default_rng(0)))
            assert p_values(statistics).tolist() == [1.0]
            assert step_down_p_values(statistics).tolist() == [1.0]

    def test_no_difference_at_all(self):
        statistics = flipped_statistics(np.zeros((2, 20)), 50, np.random.default_rng(0))
        assert (step_down_p_values(statistics) == 1.0).all()


class TestHolm:
    def test_by_hand(self):
        assert holm([0.01, 0.01, 0.5, 0.04]).tolist() == [0.04, 0.04, 0.5, 0.08]
        assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]

    @pytest.mark.parametrize("bad", [[], [1.2], [-0.1], [np.nan]], ids=str)
    def test_bad_values(self, bad):
        with pytest.raises(InvalidArgument, match="values"):
            holm(bad)

    @pytest.mark.parametrize("against", [None, 0, "best"], ids=str)
    def test_family_wise_error(self, against):
        generator = np.random.default_rng(11)
        wrong = 0
        for _ in range(REPEATS):
            values = generator.normal(size=(1, 15)) + generator.normal(size=(4, 15))
            table = paired_family(values, against, level=ALPHA, n_permutations=200)
            wrong += (table["decision"] != "undecided").any()
        assert 0.03 < wrong / REPEATS < ALPHA + MARGIN

    def test_best_needs_the_correction_of_all_pairs(self):
        # holding the best of ten against the others as if it had been chosen beforehand errs more often than alpha
        generator = np.random.default_rng(12)
        wrong = 0
        for _ in range(500):
            values = generator.normal(size=(10, 15))
            table = paired_family(values, int(values.mean(axis=1).argmin()), level=ALPHA, n_permutations=300)
            wrong += (table["decision"] != "undecided").any()
        assert wrong / 500 > ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 500)

    def test_rows(self):
        values = np.random.default_rng(0).normal([[0.0], [3.0], [0.0]], 1.0, size=(3, 60))
        table = paired_family(values, 1)
        assert table["first"].tolist() == ["policy 1", "policy 1"]
        assert table["second"].tolist() == ["policy 0", "policy 2"]
        assert table["decision"].tolist() == ["larger", "larger"]
        np.testing.assert_allclose(table["difference"], values[1].mean() - values[[0, 2]].mean(axis=1))
        best = paired_family(values, "best", better="larger")
        assert best["first"].tolist() == ["policy 1", "policy 1"]
        np.testing.assert_allclose(best["difference"], values[1].mean() - values[[0, 2]].mean(axis=1))
        assert (best["p_holm"] >= table["p_holm"]).all()

    @pytest.mark.parametrize("level", [0.5, 0.95, 0.0])
    def test_the_level_of_an_interval_is_no_error(self, level):
        with pytest.raises(InvalidArgument, match=r"level is .*; allowed: .*0.5"):
            paired_family(np.random.default_rng(0).normal(size=(2, 40)), level=level)

    def test_bad_arguments(self):
        with pytest.raises(InvalidArgument, match="values has 1 policy; allowed: at least two"):
            paired_family(np.ones((1, 5)))
        with pytest.raises(
            InvalidType, match=r"against is \['policy 0'\]; allowed: one of \[.*\], 'best' or a position"
        ):
            paired_family(np.ones((2, 20)), ["policy 0"])
        with pytest.raises(InvalidArgument, match="against is 'x'; allowed: one of"):
            paired_family(np.ones((2, 5)), "x")
        with pytest.raises(InvalidArgument, match="n_permutations is 59; allowed: at least pairs / level, 60"):
            paired_family(np.ones((4, 50)), level=0.1, n_permutations=59)
        sweep = bl.sweep(
            arms.Bernoulli([0.2, 0.5]), arms.UCB1, {"alpha": [1.0, 2.0]}, horizon=9, n_runs=2, seed=0, progress=False
        )
        told = r"values is <SweepResults: 2 cells .*; allowed: what banditlab.run .* or an array .* sweep.results"
        with pytest.raises(InvalidType, match=told):
            paired_family(sweep)

    @pytest.mark.parametrize(("n", "decided"), [(5, False), (6, True)], ids=["five", "six"])
    def test_fewest_runs_and_permutations_that_can_decide(self, n, decided):
        # 2^(n - 1) sign flips, and a p-value is at least one over that
        assert (paired_family(np.outer([0.0, 1.0], np.ones(n)))["decision"] == "smaller").item() == decided
        assert (paired_family(np.outer([0.0, 1.0], np.ones(40)), n_permutations=20)["decision"] == "smaller").all()


def test_scipy_agrees_on_one_pair():
    values = np.random.default_rng(0).normal([[0.0], [0.6]], 1.0, size=(2, 12))
    exact = stats.permutation_test(
        (values[0] - values[1],), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert paired_family(values)["p_value"].item() == pytest.approx(exact.pvalue)
