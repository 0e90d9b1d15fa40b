"""Scoring rules: closed forms, Savage and table form, affine maps, bounds, expectations, errors."""

from __future__ import annotations

import itertools
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate

from banditlab import scoring
from banditlab.core.errors import InvalidArgument, InvalidType

# name -> (rule of n states, G and a subgradient of it, both written from the papers and not from the package)
FORMS = {
    "Brier": (scoring.Brier, lambda p: np.sum(p**2), lambda p: 2 * p),
    "Spherical": (scoring.Spherical, lambda p: np.sqrt(np.sum(p**2)), lambda p: p / np.sqrt(np.sum(p**2))),
    "Logarithmic": (
        scoring.Logarithmic,
        lambda p: sum(x * np.log(x) for x in p if x > 0),
        lambda p: np.log(p) + 1,
    ),
    "Power3.5": (lambda n: scoring.Power(3.5, n), lambda p: np.sum(p**3.5), lambda p: 3.5 * p**2.5),
    "Power1.25": (lambda n: scoring.Power(1.25, n), lambda p: np.sum(p**1.25), lambda p: 1.25 * p**0.25),
    "CRPS": (
        scoring.CRPS,
        lambda p: -np.sum(np.cumsum(p)[:-1] * (1 - np.cumsum(p)[:-1])),
        lambda p: np.array([-np.sum(1 - 2 * np.cumsum(p)[w:-1]) for w in range(len(p))]),
    ),
}
BINARY = {
    "Winkler0.2": (
        scoring.Winkler(0.2),
        lambda p: (p[1] - 0.2) ** 2 / (0.04 if p[1] <= 0.2 else 0.64),
        lambda p: np.array([0, 2 * (p[1] - 0.2) / (0.04 if p[1] <= 0.2 else 0.64)]),
    ),
    "VShaped0.3": (
        scoring.VShaped(0.3),
        lambda p: max(p[1], p[0] * 3 / 7),
        lambda p: np.array([0, 1]) if p[1] > 0.3 else np.array([3 / 7, 0]),
    ),
    "VShaped0.8": (
        scoring.VShaped(0.8),
        lambda p: max(p[1] / 4, p[0]),
        lambda p: np.array([0, 0.25]) if p[1] > 0.8 else np.array([1, 0]),
    ),
}
CASES = {f"{name}-{n}": (make(n), G, slope) for name, (make, G, slope) in FORMS.items() for n in (2, 3, 6)} | BINARY
LINEAR = scoring.ScoringRule.from_function(lambda r, w: r[w], 3)


def every_belief(n_states, n=40):
    random = np.random.default_rng(5).dirichlet(np.full(n_states, 0.7), n)
    return np.vstack([np.eye(n_states), np.full((1, n_states), 1 / n_states), random])


@pytest.mark.parametrize("case", CASES)
def test_closed_form_is_the_savage_form(case):
    rule, G, slope = CASES[case]
    savage = scoring.ScoringRule(G, slope, rule.n_states)
    beliefs = every_belief(rule.n_states)
    np.testing.assert_allclose(rule.table(beliefs), savage.table(beliefs), atol=1e-12)
    np.testing.assert_allclose(rule.G(beliefs), [G(p) for p in beliefs], atol=1e-12)


def test_closed_forms_by_hand():
    assert scoring.Brier().pay([0.3, 0.7], 0) == pytest.approx(1 - (0.7**2 + 0.7**2))
    assert scoring.Brier(3).pay([0.2, 0.5, 0.3], 1) == pytest.approx(1 - (0.2**2 + 0.5**2 + 0.3**2))
    assert scoring.Logarithmic(3).pay([0.2, 0.5, 0.3], 2) == pytest.approx(np.log(0.3))
    assert scoring.Spherical().pay([0.6, 0.4], 0) == pytest.approx(0.6 / np.hypot(0.6, 0.4))
    assert scoring.Power(3.0).pay([0.5, 0.5], 0) == pytest.approx(3 / 4 - 2 * 2 / 8)
    assert scoring.Winkler(0.2).table(scoring.binary([0.1, 0.6])) == pytest.approx(
        np.array([[(0.04 - 0.01) / 0.04, (0.64 - 0.81) / 0.04], [(0.04 - 0.36) / 0.64, (0.64 - 0.16) / 0.64]])
    )


def test_power_two_is_brier_and_power_near_one_is_logarithmic():
    beliefs = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    np.testing.assert_allclose(scoring.Power(2.0, 4).table(beliefs), scoring.Brier(4).table(beliefs), atol=1e-15)
    limit = (scoring.Power(1 + 1e-7, 4).table(beliefs) - 1) / 1e-7
    np.testing.assert_allclose(limit, scoring.Logarithmic(4).table(beliefs), atol=1e-4)


def test_brier_is_one_minus_squared_distance():
    beliefs = every_belief(4)
    loss = ((beliefs[:, None, :] - np.eye(4)[None, :, :]) ** 2).sum(axis=2)
    np.testing.assert_allclose(scoring.Brier(4).table(beliefs), 1 - loss, atol=1e-15)


def test_winkler_is_zero_at_the_baseline_and_one_where_rightly_sure():
    rule = scoring.Winkler(0.15)
    np.testing.assert_allclose(rule.table(scoring.binary([0.15])), 0.0, atol=1e-15)
    assert rule.pay([0.0, 1.0], 1) == rule.pay([1.0, 0.0], 0) == 1.0


class TestCRPS:
    VALUES = (-1.0, 0.5, 2.0, 7.0)

    def test_is_minus_the_integral(self):
        rule = scoring.CRPS(self.VALUES)
        x = np.array(self.VALUES)
        for report in every_belief(4, 4):
            for w, y in enumerate(x):
                pieces = [
                    integrate.quad(lambda t, r=report, y=y: (r[x <= t].sum() - (y <= t)) ** 2, a, b)[0]
                    for a, b in itertools.pairwise(x)
                ]
                assert rule.pay(report, w) == pytest.approx(-sum(pieces), abs=1e-12)

    def test_kernel_form(self):
        x = np.array(self.VALUES)
        for report in every_belief(4):
            spread = 0.5 * report @ np.abs(x[:, None] - x[None, :]) @ report
            kernel = [report @ np.abs(x - y) - spread for y in x]
            np.testing.assert_allclose(-scoring.CRPS(x).table(report[None])[0], kernel, atol=1e-12)

    def test_two_states_one_apart_are_half_of_brier(self):
        beliefs = every_belief(2)
        np.testing.assert_allclose(scoring.CRPS(2).table(beliefs), (scoring.Brier().table(beliefs) - 1) / 2, atol=1e-15)

    def test_of_sample_is_the_kernel_form_for_any_outcome(self):
        generator = np.random.default_rng(3)
        for _ in range(20):
            sample, weights = generator.normal(size=7), generator.dirichlet(np.ones(7))
            y = float(generator.normal() * 2)
            spread = 0.5 * weights @ np.abs(sample[:, None] - sample[None, :]) @ weights
            expected = weights @ np.abs(sample - y) - spread
            assert scoring.crps_of_sample(sample, y, weights) == pytest.approx(expected, abs=1e-12)

    def test_of_sample_agrees_with_the_rule_on_its_values(self):
        rule = scoring.CRPS(self.VALUES)
        for report in every_belief(4, 5):
            for w, y in enumerate(self.VALUES):
                assert scoring.crps_of_sample(self.VALUES, y, report) == pytest.approx(-rule.pay(report, w), abs=1e-12)

    def test_of_many_normal_quantiles_is_the_normal_crps(self):
        from scipy.stats import norm

        sample = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
        for y in (-1.3, 0.0, 0.4):
            exact = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)
            assert scoring.crps_of_sample(sample, y) == pytest.approx(exact, abs=1e-4)

    def test_numbers_of_the_readme_of_properscoring(self):
        from scipy.stats import norm

        x = np.linspace(-5, 5, num=1000)
        weights = norm.pdf(x) / norm.pdf(x).sum()
        assert scoring.crps_of_sample(x, 0.0, weights) == pytest.approx(0.23370047937569616, rel=1e-12)
        sample = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
        for y, published in {-2: 1.45279182, -1: 0.60244136, 0: 0.23369498, 1: 0.60244136, 2: 1.45279182}.items():
            assert scoring.crps_of_sample(sample, y) == pytest.approx(published, abs=2e-6)


class TestVShaped:
    @pytest.mark.parametrize("mu", [0.01, 0.3, 0.5, 0.77], ids=str)
    def test_stakes_are_the_closed_form(self, mu):
        a1, a0 = (1.0, mu / (1 - mu)) if mu <= 0.5 else ((1 - mu) / mu, 1.0)
        np.testing.assert_allclose(scoring.VShaped(mu).stakes, [a0, a1], rtol=1e-12)
        p = np.linspace(0, 1, 101)
        np.testing.assert_allclose(scoring.VShaped(mu).G(scoring.binary(p)), np.maximum(p * a1, (1 - p) * a0))

    def test_float_and_belief_are_the_same_rule(self):
        assert scoring.VShaped(0.25) == scoring.VShaped([0.75, 0.25])

    def test_prior_itself_is_a_bet_on_state_0(self):
        assert scoring.VShaped(0.25).table(scoring.binary([0.25])).tolist() == [[1 / 3, 0.0]]

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_no_bounded_proper_rule_rewards_learning_more(self, seed):
        # any menu of rows in [0, 1] is a proper rule; V-shaped is optimal for two states
        generator = np.random.default_rng(seed)
        beliefs = scoring.binary(generator.random(6))
        q = generator.dirichlet(np.ones(6))
        rows = generator.random((6, 2)) ** generator.choice([0.1, 1.0, 8.0])
        other = scoring.ScoringRule.from_table(rows, beliefs)
        best = scoring.VShaped(q @ beliefs).incentive(beliefs, q)
        assert other.incentive(beliefs, q) <= best + 1e-12

    def test_multi_state_is_flat_at_the_prior_and_bounded(self):
        mu = np.array([0.5, 0.3, 0.2])
        rule = scoring.VShaped(mu)
        np.testing.assert_allclose(mu * rule.stakes, 0.2)
        assert rule.payment_range() == (0.0, 1.0)
        np.testing.assert_allclose(rule.G(every_belief(3)), (every_belief(3) * rule.stakes).max(axis=1))


RANGES = {
    "Brier": (scoring.Brier(4), (-1, 1)),
    "Logarithmic": (scoring.Logarithmic(3), (-np.inf, 0)),
    "Spherical": (scoring.Spherical(3), (0, 1)),
    "Power": (scoring.Power(4.5, 3), (-3.5, 1)),
    "Winkler": (scoring.Winkler(0.2), (1 - 2 / 0.2, 1)),
    "Winkler-high": (scoring.Winkler(0.9), (1 - 2 / (1 - 0.9), 1)),
    "CRPS": (scoring.CRPS([1.0, 2.0, 6.0]), (-5, 0)),
    "VShaped": (scoring.VShaped(0.3), (0, 1)),
    "affine": (2 * scoring.Brier() + [1, 5], (-1, 7)),
}


class TestRanges:
    @pytest.mark.parametrize("case", RANGES)
    def test_documented_range(self, case):
        rule, exact = RANGES[case]
        assert rule.payment_range() == pytest.approx(exact, rel=1e-12)
        payments = rule.table(np.random.default_rng(0).dirichlet(np.full(rule.n_states, 0.3), 20_000))
        assert exact[0] - 1e-9 <= payments.min()
        assert payments.max() <= exact[1] + 1e-9

    @pytest.mark.parametrize("case", ["Brier-2", "Brier-3", "Spherical-3", "Power3.5-3", "CRPS-6", "Winkler0.2"])
    def test_searched_range_finds_it_too(self, case):
        rule, G, slope = CASES[case]
        savage = scoring.ScoringRule(G, slope, rule.n_states)
        assert savage.payment_range() == pytest.approx(rule.payment_range(), abs=1e-9)

    def test_searched_range_where_the_extreme_is_inside(self):
        # not proper: it pays most, 0, for a report that no grid holds
        target = np.array([0.2 + 1e-3 * np.pi, 0.5, 0.3 - 1e-3 * np.pi])
        rule = scoring.ScoringRule.from_function(lambda r, w: -np.sum((r - target) ** 2), 3)
        low, high = rule.payment_range()
        assert high == pytest.approx(0, abs=1e-9)
        assert low == pytest.approx(-((np.eye(3) - target) ** 2).sum(axis=1).max(), abs=1e-9)


class TestBounded:
    @pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("Log")])
    def test_fills_the_interval_and_no_more(self, case):
        rule = CASES[case][0].bounded(2.5)
        assert rule.payment_range() == (0.0, 2.5)
        payments = rule.table(every_belief(rule.n_states, 2000))
        assert payments.min() >= 0.0
        assert payments.max() <= 2.5

    def test_is_an_affine_map(self):
        beliefs = every_belief(3)
        np.testing.assert_allclose(
            scoring.Brier(3).bounded(10).table(beliefs), 5 * scoring.Brier(3).table(beliefs) + 5, atol=1e-13
        )

    def test_of_a_table_stays_a_table(self):
        beliefs = scoring.binary([0.2, 0.6])
        bounded = scoring.ScoringRule.from_table([[3.0, 1.0], [2.0, 5.0]], beliefs).bounded(1.0)
        assert bounded.payments.tolist() == [[0.5, 0.0], [0.25, 1.0]]
        np.testing.assert_array_equal(bounded.reports, beliefs)

    def test_unbounded_says_what_to_do(self):
        with pytest.raises(InvalidArgument, match=r"Logarithmic\(n_states=2\) pays from -inf to 0; allowed: .*List"):
            scoring.Logarithmic().bounded(1.0)
        reports = scoring.binary([0.1, 0.6])
        table = scoring.ScoringRule.from_table(scoring.Logarithmic().table(reports), reports).bounded(1.0)
        assert table.payment_range() == (0.0, 1.0)

    def test_constant(self):
        with pytest.raises(InvalidArgument, match="pays 3 whatever"):
            scoring.ScoringRule.from_table([[3, 3], [3, 3]], np.eye(2)).bounded(1.0)

    @pytest.mark.parametrize("bad", [0, -1.0, np.inf], ids=str)
    def test_bound(self, bad):
        with pytest.raises(InvalidArgument, match="max_payment is"):
            scoring.Brier().bounded(bad)


class TestAffine:
    def test_scale_and_shift_by_state(self):
        beliefs = every_belief(3)
        base = scoring.Spherical(3).table(beliefs)
        for rule, expected in {
            2 * scoring.Spherical(3) + 1: 2 * base + 1,
            scoring.Spherical(3) * 0.5 - [1, 2, 3]: 0.5 * base - np.array([1, 2, 3]),
            np.array([1.0, 0.0, 2.0]) + scoring.Spherical(3) / 4: base / 4 + np.array([1.0, 0.0, 2.0]),
            (scoring.Spherical(3) + 1) * 3: 3 * base + 3,
            scoring.Spherical(3).affine(3, [0, 1, 0]).affine(2, -1): 6 * base + np.array([-1, 1, -1]),
        }.items():
            np.testing.assert_allclose(rule.table(beliefs), expected, atol=1e-14)

    def test_of_table(self):
        rule = 2 * scoring.ScoringRule.from_table([[0, 1], [2, 3]], np.eye(2)) + [1, 0]
        assert isinstance(rule, scoring.TableRule)
        assert rule.payments.tolist() == [[1, 2], [5, 6]]

    def test_repr(self):
        assert repr(2 * scoring.Brier() - 1) == "2 * Brier(n_states=2) + -1"
        assert repr(scoring.Brier() + np.array([1, 0.5])) == "Brier(n_states=2) + [1, 0.5]"
        assert repr(scoring.Brier().bounded(1)) == "Brier(n_states=2).bounded(1)"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda r: r * -1, r"scale is -1; allowed: a number in \(0, inf\)"),
            (lambda r: r * 0, "scale is 0; allowed"),
            (lambda r: r / 0, "divisor is 0; allowed"),
            (
                lambda r: r.affine(shift=[1, 2, 3]),
                r"shift is \[1, 2, 3\]; allowed: a number, or 2 of them, one per state",
            ),
            (lambda r: r + r, r"shift is Brier\(n_states=2\); allowed: a number, or one per state"),
            (lambda r: r - r, r"shift is Brier\(n_states=2\); allowed: a number, or one per state"),
            (lambda r: r * "2", "scale is '2'; allowed: a real number"),
        ],
        ids=["negative", "zero", "divisor", "length", "sum", "difference", "text"],
    )
    def test_errors(self, change, message):
        with pytest.raises((InvalidArgument, InvalidType), match=message):
            change(scoring.Brier())


class TestTable:
    @pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("Log")])
    def test_agrees_with_the_rule_it_lists(self, case):
        rule = CASES[case][0]
        beliefs = every_belief(rule.n_states)
        table = scoring.ScoringRule.from_table(rule.table(beliefs), beliefs)
        np.testing.assert_array_equal(table.table(beliefs), rule.table(beliefs))
        np.testing.assert_allclose(table.G(beliefs), rule.G(beliefs), atol=1e-12)
        np.testing.assert_allclose(table.expected(beliefs[3], beliefs), rule.expected(beliefs[3], beliefs), atol=1e-14)
        # elsewhere the best of finitely many tangents lies below the convex function
        others = np.random.default_rng(1).dirichlet(np.ones(rule.n_states), 200)
        assert (table.G(others) <= rule.G(others) + 1e-12).all()
        extended = table.extended()
        np.testing.assert_allclose(extended.G(others), table.G(others), atol=1e-14)
        assert scoring.is_proper(extended)

    def test_round_trip(self):
        beliefs = scoring.binary([0.2, 0.5, 0.9])
        table = scoring.ScoringRule.from_table(scoring.Brier().table(beliefs), beliefs)
        assert scoring.ScoringRule.from_table(table.payments, table.reports) == table
        assert hash(pickle.loads(pickle.dumps(table))) == hash(table)
        assert table != table + 1
        assert not table.payments.flags.writeable

    def test_rounded_sums_are_the_same_report(self):
        beliefs = scoring.binary([0.1 + 0.2, 0.9])
        table = scoring.ScoringRule.from_table([[1, 2], [3, 4]], beliefs)
        assert table.pay([0.7, 0.3], 1) == 2.0

    def test_unlisted_report(self):
        table = scoring.ScoringRule.from_table([[1, 2], [3, 4]], scoring.binary([0.25, 0.75]))
        with pytest.raises(InvalidArgument, match=r"report is \[0.5, 0.5\]; allowed: one of the 2 reports"):
            table.pay([0.5, 0.5], 0)

    @pytest.mark.parametrize(
        ("payments", "reports", "message"),
        [
            ([[1, 2]], [[0.5, 0.5], [1, 0]], r"payments has shape \(1, 2\); allowed: that of reports, \(2, 2\)"),
            ([[1, 2], [1, 2]], [[0.5, 0.5], [0.5, 0.4]], r"reports\[1\] sums to 0.9; allowed: 1"),
            (
                [[1, 2], [1, 2]],
                [[0.5, 0.5], [0.5, 0.5]],
                r"reports\[1\] is \[0.5, 0.5\]; allowed: reports that",
            ),
            ([[1, np.nan]], [[0.5, 0.5]], r"payments\[0\]\[1\] is nan"),
            ([[1.0]], [[1.0]], "the number of states is 1; allowed: an integer of at least 2"),
        ],
        ids=["shape", "sum", "twice", "nan", "one-state"],
    )
    def test_errors(self, payments, reports, message):
        with pytest.raises(InvalidArgument, match=message):
            scoring.ScoringRule.from_table(payments, reports)


class TestExpected:
    def test_is_the_mean_of_pay(self):
        rule = scoring.Brier(3)
        report, belief = [0.2, 0.3, 0.5], [0.6, 0.3, 0.1]
        by_hand = sum(q * rule.pay(report, w) for w, q in enumerate(belief))
        assert rule.expected(report, belief) == pytest.approx(by_hand, abs=1e-15)

    def test_rows(self):
        rule = scoring.Spherical(3)
        reports, beliefs = every_belief(3)[:5], every_belief(3)[5:10]
        both = rule.expected(reports, beliefs)
        assert both.tolist() == [rule.expected(r, p) for r, p in zip(reports, beliefs, strict=True)]
        assert rule.expected(reports[0], beliefs).tolist() == [rule.expected(reports[0], p) for p in beliefs]
        assert rule.pay(reports, [0, 1, 2, 0, 1]).tolist() == [
            rule.pay(r, w) for r, w in zip(reports, [0, 1, 2, 0, 1], strict=True)
        ]
        assert rule.pay(reports, 2).tolist() == [rule.pay(r, 2) for r in reports]

    def test_impossible_states_count_nothing(self):
        log = scoring.Logarithmic()
        assert log.expected([0.0, 1.0], [0.0, 1.0]) == 0.0
        assert log.expected([0.0, 1.0], [0.1, 0.9]) == -np.inf
        assert log.G([1.0, 0.0]) == 0.0

    def test_incentive_is_by_hand(self):
        beliefs, q = scoring.binary([0.1, 0.5, 0.9]), [[0.5, 0, 0.5], [0, 1, 0], [0.25, 0.5, 0.25]]
        gains = scoring.Brier().incentive(beliefs, q)
        # E||sigma||^2 - ||pi||^2 is twice the variance of the event's probability
        np.testing.assert_allclose(gains, [2 * 0.16, 0, 0.16], atol=1e-15)
        assert scoring.Brier().incentive(beliefs, q[0]) == gains[0]
        table = scoring.ScoringRule.from_table(scoring.Brier().table(beliefs), beliefs)
        np.testing.assert_allclose(table.incentive(beliefs, q), gains, atol=1e-15)

    def test_incentive_with_a_prior(self):
        rule, beliefs = scoring.Brier(), scoring.binary([0.2, 0.8])
        given = rule.incentive(beliefs, [0.5, 0.5], prior=[0.4, 0.6])
        assert given == pytest.approx(rule.G([0.2, 0.8]) - rule.G([0.4, 0.6]))

    def test_incentive_of_sure_knowledge_under_the_logarithmic_rule_is_entropy(self):
        gain = scoring.Logarithmic(3).incentive(np.eye(3), [0.5, 0.3, 0.2])
        assert gain == pytest.approx(-sum(p * np.log(p) for p in (0.5, 0.3, 0.2)))

    @settings(max_examples=50, deadline=None)
    @given(st.integers(2, 5), st.integers(0, 2**32 - 1), st.sampled_from(sorted(FORMS)))
    def test_learning_never_hurts(self, n_states, seed, name):
        generator = np.random.default_rng(seed)
        beliefs, q = generator.dirichlet(np.ones(n_states), 4), generator.dirichlet(np.ones(4), 3)
        assert (FORMS[name][0](n_states).incentive(beliefs, q) >= -1e-12).all()

    @pytest.mark.parametrize("report", ["a", 0.3, None])
    def test_what_is_no_array_is_told_what_a_report_is(self, report):
        told = "report is .*; allowed: 2 probabilities, one per state, or a matrix of such rows"
        with pytest.raises(InvalidType, match=told):
            scoring.Brier().pay(report, 0)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda r: r.pay([0.5, 0.6], 0), "report is .*; allowed: probabilities that sum to 1"),
            (lambda r: r.pay([0.5, 0.3, 0.2], 0), "report is .*; allowed: 2 probabilities, one per state"),
            (lambda r: r.pay([1.5, -0.5], 0), r"report\[0\] is 1.5; allowed: numbers in \[0, 1"),
            (lambda r: r.pay([0.5, 0.5], 2), "outcome is 2; allowed: a state, from 0 to 1"),
            (lambda r: r.pay([0.5, 0.5], -1), "outcome is -1; allowed: a state, from 0 to 1"),
            (lambda r: r.pay([0.5, 0.5], 0.5), "outcome is 0.5; allowed: a state, from 0 to 1"),
            (lambda r: r.pay([0.5, 0.5], [0, 1]), "outcome is .*; allowed: a state"),
            (lambda r: r.table([[0.5, 0.5], [0.2, 0.7]]), r"beliefs\[1\] sums to 0.9; allowed: 1"),
            (lambda r: r.table([[0.5, 0.3, 0.2]]), "beliefs has 3 columns; allowed: 2, one per state"),
            (lambda r: r.expected(np.eye(2), scoring.binary([0.1, 0.2, 0.3])), "report has 2 rows and belief 3"),
            (lambda r: r.incentive(np.eye(2), [0.2, 0.3, 0.5]), "distribution has 3 entries per action; allowed: 2"),
            (lambda r: r.incentive(np.eye(2), [0.2, 0.3]), "distribution is .*sum to 1"),
            (lambda r: r.incentive(np.eye(2), [0.2, 0.8], [0.2, 0.3, 0.5]), "prior is .*; allowed: 2 probabilities"),
        ],
        ids=lambda value: value if isinstance(value, str) else "call",
    )
    def test_errors(self, call, message):
        with pytest.raises(InvalidArgument, match=message):
            call(scoring.Brier())


class TestMaking:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: scoring.ScoringRule(3, lambda p: p, 2), "G is 3; allowed: a function of a belief"),
            (lambda: scoring.ScoringRule(lambda p: 1, None, 2), "subgradient is None; allowed: a function"),
            (
                lambda: scoring.ScoringRule(lambda p: 1, lambda p: p, 1),
                "n_states is 1; allowed: an integer of at least 2",
            ),
            (lambda: scoring.ScoringRule(lambda p: p, lambda p: p, 2), "G is .*; allowed: a finite number"),
            (lambda: scoring.ScoringRule(lambda p: np.nan, lambda p: p, 2), "G is nan at .*; allowed: a finite number"),
            (lambda: scoring.ScoringRule(lambda p: 1, lambda p: 1, 2), "subgradient is 1.0 at .*; allowed: 2 finite"),
            (lambda: scoring.ScoringRule.from_function(3, 2), "score is 3; allowed: a function of a report and"),
            (lambda: scoring.ScoringRule.from_function(lambda r, w: r, 2), "score is .* in state 0; allowed: a finite"),
            (lambda: scoring.ScoringRule.from_function(lambda r, w: np.inf, 2), "score is inf .*; allowed: a finite"),
            (lambda: scoring.Brier(1), "Brier.n_states is 1; allowed: an integer of at least 2"),
            (lambda: scoring.Power(1.0), r"Power.beta is 1.0; allowed: a number in \(1, 1000\]"),
            (lambda: scoring.Winkler(0.0), r"Winkler.baseline is 0.0; allowed: a number in \(0, 1\)"),
            (lambda: scoring.CRPS([1, 1, 2]), r"CRPS.values is \[1, 1, 2\]; allowed: increasing numbers"),
            (lambda: scoring.CRPS([1.0]), "CRPS.values is .*; allowed: increasing numbers, at least two"),
            (lambda: scoring.CRPS(1), "CRPS.values is 1; allowed: an integer of at least 2"),
            (lambda: scoring.VShaped(1.0), r"VShaped.prior is 1.0; allowed: a number in \(0, 1\)"),
            (lambda: scoring.VShaped([0.5, 0.5, 0]), "VShaped.prior is .*; allowed: .*a belief without zeros"),
            (lambda: scoring.crps_of_sample([1.0, 2.0], 1.0, [1.0]), "weights is .*; allowed: 2 probabilities"),
            (lambda: scoring.crps_of_sample([1.0, 2.0], np.nan), "outcome is nan; allowed: a finite number"),
            (lambda: scoring.simplex_grid(1, 3), "n_states is 1; allowed"),
        ],
        ids=lambda value: value if isinstance(value, str) else "make",
    )
    def test_errors(self, make, message):
        with pytest.raises((InvalidArgument, InvalidType), match=message):
            make()

    def test_infinite_slope_inside_is_an_error(self):
        rule = scoring.ScoringRule(lambda p: 0.0, lambda p: np.where(p > 0.9, -np.inf, 0.0), 2)
        with pytest.raises(InvalidArgument, match=r"subgradient is .*; allowed: 2 finite numbers, or -inf where"):
            rule.pay([0.05, 0.95], 0)

    @pytest.mark.parametrize("case", CASES)
    def test_values(self, case):
        rule = CASES[case][0]
        again = pickle.loads(pickle.dumps(rule))
        assert (again, hash(again), repr(again)) == (rule, hash(rule), repr(rule))
        assert again + 1 == rule + 1
        assert rule + 1 != rule
        assert rule != LINEAR

    @settings(max_examples=30, deadline=None)
    @given(arrays(float, 4, elements=st.floats(0.01, 1)))
    def test_constants_in_the_subgradient_change_nothing(self, weights):
        p = weights / weights.sum()
        one = scoring.ScoringRule(lambda p: p @ p, lambda p: 2 * p, 4)
        other = scoring.ScoringRule(lambda p: p @ p, lambda p: 2 * p + 17, 4)
        np.testing.assert_allclose(one.table(p[None]), other.table(p[None]), atol=1e-12)


def test_simplex_grid():
    grid = scoring.simplex_grid(4, 5)
    assert grid.shape == (56, 4)
    assert len(np.unique(grid, axis=0)) == 56
    np.testing.assert_allclose(grid.sum(axis=1), 1.0)
    np.testing.assert_allclose(grid * 5, np.round(grid * 5))


RETURNED = {"text": "abc", "digits": "3.5", "complex": 1j, "ragged": [[1], [1, 2]], "none": None}


@pytest.mark.parametrize("name", RETURNED)
def test_functions_return_numbers(name):
    value = RETURNED[name]
    for what, make in {
        "G": lambda: scoring.ScoringRule(lambda p: value, lambda p: 2 * p, 2),
        "subgradient": lambda: scoring.ScoringRule(lambda p: p @ p, lambda p: value, 2),
        "score": lambda: scoring.ScoringRule.from_function(lambda r, w: value, 2),
    }.items():
        with pytest.raises(InvalidType, match=rf"{what} is .* at \[0\.5, 0\.5\]; allowed: numbers"):
            make()


def test_functions_may_return_fractions():
    rule = scoring.ScoringRule.from_function(lambda r, w: Fraction(1, 2), 2)
    assert rule.pay([0.5, 0.5], 1) == 0.5


@pytest.mark.parametrize(
    "use",
    [
        lambda rule, ragged: rule.pay(ragged, 0),
        lambda rule, ragged: rule.pay([0.5, 0.5], ragged),
        lambda rule, ragged: rule.incentive([[0.5, 0.5]], ragged),
        lambda rule, ragged: rule + ragged,
        lambda rule, ragged: rule - ragged,
    ],
    ids=["report", "outcome", "distribution", "plus", "minus"],
)
def test_rows_of_different_lengths(use):
    with pytest.raises(InvalidArgument, match="is \\[\\[1\\], \\[1, 2\\]\\]; allowed: rows of the same length"):
        use(scoring.Brier(), [[1], [1, 2]])


def test_probabilities_whose_ratios_overflow_are_refused():
    for make in (lambda: scoring.Winkler(1e-200), lambda: scoring.VShaped(1e-320)):
        with pytest.raises(InvalidArgument, match="allowed: probabilities of at least 1e-100"):
            make()
    assert scoring.Winkler(1e-99).payment_range() == pytest.approx((-2e99, 1.0))


def test_ranges_of_many_states():
    """By formula: ten thousand vertices of ten thousand entries each would take minutes."""
    n = 10_000
    assert scoring.Brier(n).payment_range() == (-1.0, 1.0)
    assert scoring.Logarithmic(n).payment_range() == (-np.inf, 0.0)
    assert scoring.Spherical(n).payment_range() == (0.0, 1.0)
    assert scoring.Power(3.0, n).payment_range() == (-2.0, 1.0)
    assert scoring.VShaped(np.full(n, 1 / n)).payment_range() == (0.0, 1.0)


@pytest.mark.parametrize(
    "rule",
    [
        scoring.Brier(4),
        scoring.Logarithmic(3),
        scoring.Spherical(3),
        scoring.Power(3.5, 3),
        scoring.Winkler(0.3),
        scoring.CRPS([0.0, 0.1, 0.7, 4.0]),
        scoring.VShaped([0.2, 0.3, 0.5]),
    ],
    ids=repr,
)
def test_ranges_are_those_of_the_vertices(rule):
    vertices = rule.table(np.eye(rule.n_states))
    low, high = rule._state_ranges()
    np.testing.assert_array_equal(low, vertices.min(axis=0))
    np.testing.assert_array_equal(high, vertices.max(axis=0))


def test_chains_of_scales_end_in_an_error():
    with pytest.raises(InvalidArgument, match=r"scale is .*; allowed: at most 1e\+100"):
        scoring.Brier() * 1e90 * 1e90
    with pytest.raises(InvalidArgument, match=r"shift.* is inf; allowed: finite numbers"):
        (scoring.Brier() + 1e290) * 1e90


def test_grids_take_whole_numbers():
    np.testing.assert_array_equal(scoring.simplex_grid(2.0, 4.0), scoring.simplex_grid(2, 4))
