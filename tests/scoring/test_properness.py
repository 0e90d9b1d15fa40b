"""Proper rules are found proper, improper ones are caught with a witness that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab import scoring
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.scoring.simplex import finest_grid

n_states = st.integers(2, 6)
priors = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5).map(lambda x: np.array(x) / np.sum(x))
gaps = st.lists(st.floats(0.01, 10.0), min_size=1, max_size=5)
strict_rules = st.one_of(
    st.builds(scoring.Brier, n_states),
    st.builds(scoring.Logarithmic, n_states),
    st.builds(scoring.Spherical, n_states),
    st.builds(scoring.Power, st.floats(1.05, 5.0), n_states),
    st.builds(scoring.Winkler, st.floats(0.05, 0.95)),
    st.builds(scoring.CRPS, gaps.map(lambda g: np.cumsum([0.0, *g]))),
)
rules = st.one_of(strict_rules, st.builds(scoring.VShaped, priors))


def two_beliefs(rule, seed, n=200):
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.full(rule.n_states, 0.5), n), generator.dirichlet(np.full(rule.n_states, 0.5), n)


@settings(max_examples=150, deadline=None)
@given(rules, st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(-10, 10))
def test_truth_is_best_under_every_built_in(rule, seed, scale, shift):
    # not by is_proper: straight from the definition
    beliefs, lies = two_beliefs(rule, seed)
    for tried in (rule, rule.affine(scale, np.linspace(-shift, 2 * shift, rule.n_states))):
        truth, lie = tried.expected(beliefs, beliefs), tried.expected(lies, beliefs)
        assert (truth >= lie - 1e-9 * max(1.0, scale, abs(shift))).all()


@settings(max_examples=60, deadline=None)
@given(strict_rules, st.integers(0, 2**32 - 1))
def test_strict_rules_punish_every_lie(rule, seed):
    beliefs, lies = two_beliefs(rule, seed)
    apart = np.abs(beliefs - lies).max(axis=1) > 0.1
    assert (rule.expected(beliefs, beliefs) > rule.expected(lies, beliefs))[apart].all()


@settings(max_examples=20, deadline=None)
@given(rules)
def test_is_proper_finds_built_ins_proper(rule):
    verdict = scoring.is_proper(rule)
    assert verdict
    assert verdict.witness is None
    assert not verdict.proof
    assert verdict.n_pairs > 100_000


@settings(max_examples=10, deadline=None)
@given(strict_rules)
def test_is_proper_finds_strict_rules_strict(rule):
    assert scoring.is_proper(rule, strictly=True)
    if np.isfinite(rule.payment_range()[0]):
        assert scoring.is_proper(rule.bounded(3.0), strictly=True)


@pytest.mark.parametrize("prior", [0.3, 0.8, [0.2, 0.3, 0.5]], ids=str)
def test_v_shaped_is_not_strict_and_the_witness_is_a_tie(prior):
    rule = scoring.VShaped(prior)
    verdict = scoring.is_proper(rule, strictly=True)
    w = verdict.witness
    assert not verdict
    assert np.abs(w.belief - w.lie).max() >= 0.05
    assert rule.expected(w.lie, w.belief) == pytest.approx(rule.expected(w.belief, w.belief), abs=1e-13)


class TestPlanted:
    @pytest.mark.parametrize(
        ("n", "gain", "belief"), [(2, 1 / 8, 3 / 4), (3, 1 / 6, 2 / 3), (5, 1 / 5, 3 / 5)], ids=["2", "3", "5"]
    )
    def test_linear_score(self, n, gain, belief):
        # max over p of max_w p_w - |p|^2: with x on w and the rest spread, x - x^2 - (1-x)^2/(n-1)
        rule = scoring.ScoringRule.from_function(lambda r, w: r[w], n)
        verdict = scoring.is_proper(rule)
        w = verdict.witness
        assert not verdict
        assert verdict.proof
        assert w.gain == pytest.approx(gain, abs=1e-9)
        assert rule.expected(w.lie, w.belief) - rule.expected(w.belief, w.belief) == pytest.approx(w.gain, abs=1e-12)
        assert w.lie[w.belief.argmax()] == pytest.approx(1.0)
        assert w.belief.max() == pytest.approx(belief, abs=1e-4)

    def test_convex_function_with_a_wrong_subgradient(self):
        rule = scoring.ScoringRule(lambda p: p @ p, lambda p: p, 3)
        verdict = scoring.is_proper(rule)
        w = verdict.witness
        assert rule.expected(w.lie, w.belief) > rule.expected(w.belief, w.belief) + 0.01

    def test_concave_function(self):
        w = scoring.is_proper(scoring.ScoringRule(lambda p: -(p @ p), lambda p: -2 * p, 2)).witness
        # lying by d gains d'd, at most 2
        assert w.gain == pytest.approx(2.0)

    @pytest.mark.parametrize("n", [2, 3, 4], ids=str)
    def test_small_dent_in_a_convex_function(self, n):
        # |p|^2 - dent, where the dent is a bump of width 0.1 at an odd place
        centre = np.arange(1, n + 1) / np.arange(1, n + 1).sum() + 0.0123 * np.array([1, -1] + [0] * (n - 2))

        def bump(p):
            return 0.02 * np.exp(-np.sum((p - centre) ** 2) / 0.1**2)

        rule = scoring.ScoringRule(lambda p: p @ p + bump(p), lambda p: 2 * p - 2 / 0.1**2 * bump(p) * (p - centre), n)
        verdict = scoring.is_proper(rule)
        w = verdict.witness
        assert not verdict
        assert rule.expected(w.lie, w.belief) - rule.expected(w.belief, w.belief) == pytest.approx(w.gain)

    def test_truth_that_is_ruinous(self):
        rule = scoring.ScoringRule.from_function(lambda r, w: -np.inf if r[0] == 0.5 else -abs(r[w] - 1), 2)
        assert scoring.is_proper(rule + 1).witness.gain == np.inf

    def test_verdict_reads_as_a_sentence(self):
        linear = scoring.ScoringRule.from_function(lambda r, w: (w + 1) * r[w], 2)
        assert str(scoring.is_proper(linear)).startswith("not proper: at belief (0.3333, 0.6667) the report (0, 1)")
        assert str(scoring.is_proper(scoring.Brier())).startswith("proper: no lie found by search, which is no proof")
        table = scoring.ScoringRule.from_table(np.eye(2), np.eye(2))
        assert str(scoring.is_proper(table)) == "proper: every pair of reports compared (2 pairs)"


class TestTables:
    REPORTS = scoring.binary([0.1, 0.4, 0.5, 0.9])

    def test_lists_of_proper_rules_are_proven_proper(self):
        for rule in (scoring.Brier(), scoring.Winkler(0.3), scoring.Logarithmic()):
            verdict = scoring.is_proper(scoring.ScoringRule.from_table(rule.table(self.REPORTS), self.REPORTS))
            assert verdict
            assert verdict.proof
            assert verdict.n_pairs == 12

    def test_planted_entry(self):
        payments = scoring.Brier().table(self.REPORTS)
        payments[3, 0] += 1.0  # being wrong about the event at 0.9 is paid too well
        table = scoring.ScoringRule.from_table(payments, self.REPORTS)
        w = scoring.is_proper(table).witness
        gains = [
            (table.expected(r, p) - table.expected(p, p), i, j)
            for i, p in enumerate(self.REPORTS)
            for j, r in enumerate(self.REPORTS)
        ]
        gain, i, j = max(gains)
        assert (w.belief.tolist(), w.lie.tolist()) == (self.REPORTS[i].tolist(), self.REPORTS[j].tolist())
        assert w.gain == pytest.approx(gain, abs=1e-15)
        assert j == 3

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 5))
    def test_agrees_with_the_definition(self, seed, n, m):
        generator = np.random.default_rng(seed)
        reports, payments = generator.dirichlet(np.ones(n), m), generator.integers(0, 3, (m, n))
        table = scoring.ScoringRule.from_table(payments, reports)
        proper = all(p @ payments[i] >= p @ payments[j] - 1e-12 for i, p in enumerate(reports) for j in range(m))
        strict = all(
            p @ payments[i] > p @ payments[j] + 1e-12 for i, p in enumerate(reports) for j in range(m) if i != j
        )
        assert bool(scoring.is_proper(table)) == proper
        assert bool(scoring.is_proper(table, strictly=True)) == strict

    def test_tolerance_is_a_share_of_the_largest_payment(self):
        payments = 1000 * np.eye(2) + np.array([[0.0, 0.0], [1000 + 1e-4, 0.0]])
        table = scoring.ScoringRule.from_table(payments, np.eye(2))
        assert not scoring.is_proper(table)
        assert scoring.is_proper(table, tolerance=1e-6)

    def test_extended_is_proper_whatever_the_table(self):
        payments = np.random.default_rng(2).random((4, 2))
        assert scoring.is_proper(scoring.ScoringRule.from_table(payments, self.REPORTS).extended())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"rule": lambda r, w: 0.0},
            InvalidType,
            "rule is <function.*; allowed: a ScoringRule, which",
        ),
        ({"rule": scoring.Brier(), "strictly": 1}, InvalidType, "strictly is 1; allowed: True or False"),
        ({"rule": scoring.Brier(), "tolerance": -1}, InvalidArgument, "tolerance is -1; allowed"),
    ],
    ids=["rule", "strictly", "tolerance"],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        scoring.is_proper(**arguments)


def test_same_verdict_every_time():
    rule = scoring.ScoringRule.from_function(lambda r, w: r[w] ** 2, 4)
    one, two = scoring.is_proper(rule).witness, scoring.is_proper(rule).witness
    assert one.belief.tolist() == two.belief.tolist()
    assert one.gain == two.gain


@pytest.mark.parametrize("beta", [10.0, 100.0, 1000.0])
def test_payments_of_many_sizes(beta):
    """Near the uniform report payments are some 1e-28 of the largest, and yet no two are tied."""
    assert scoring.is_proper(scoring.Power(beta), strictly=True)


def test_a_tie_is_no_proof():
    """Power(100) is strict, but by 0.05 ** 100 of its payments, which no double can tell; a table is what it says."""
    verdict = scoring.is_proper(scoring.Power(100.0, 3), strictly=True)
    assert not verdict
    assert not verdict.proof
    assert str(verdict).endswith("gains 0, a tie to rounding")
    constant = scoring.ScoringRule.from_table([[1, 1], [1, 1]], scoring.binary([0.2, 0.8]))
    assert scoring.is_proper(constant, strictly=True).proof


@pytest.mark.parametrize(("most", "points"), [(1, 2), (2, 2), (10, 10), (11, 11)])
def test_the_finest_grid_has_as_many_points_as_it_may(most, points):
    assert len(finest_grid(2, most)) == points
