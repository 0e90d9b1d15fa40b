"""Bands, intervals and summaries: coverage on simulated data, and agreement with formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.results.resampling import expanded_tail
from banditlab.core.results.statistics import wilson
from banditlab.inference import interquartile_mean, paired, paired_family, performance_profile, stratified_band

REPEATS = 2000
ERROR = np.sqrt(0.95 * 0.05 / REPEATS)


@pytest.fixture(scope="module")
def result():
    """Two environments, and two policies that do almost the same with the same luck."""
    environments = {"close": arms.Bernoulli([0.5, 0.6]), "far": arms.Bernoulli([0.3, 0.6])}
    policies = {"a": arms.UCB1(alpha=0.5), "b": arms.UCB1(alpha=0.6), "c": arms.ThompsonSampling()}
    return bl.run(environments, policies, horizon=300, n_runs=400, seed=8, metrics=("regret", "reward"))


def coverage(draw, interval, truth):
    """Return how often intervals of REPEATS data sets cover the truth."""
    generator = np.random.default_rng(2024)
    hits = 0
    for _ in range(REPEATS):
        low, high = interval(draw(generator))
        hits += low <= truth <= high
    return hits / REPEATS


class TestStratifiedBand:
    @pytest.mark.parametrize(("n", "strata"), [(8, 3), (25, 1), (20, 3)], ids=["8x3", "25x1", "20x3"])
    def test_covers_at_its_level(self, n, strata):
        centres, scales = np.arange(strata), 1.0 + np.arange(strata) / 4

        def draw(generator):
            return generator.normal(centres[:, None, None], scales[:, None, None], size=(strata, n, 1))

        def interval(values):
            low, high = stratified_band(values, n_resamples=400)
            return low[0], high[0]

        assert abs(coverage(draw, interval, centres.mean()) - 0.95) < 3 * ERROR

    @pytest.mark.parametrize(
        ("n", "scales"),
        [(2, [1.0]), (4, [1.0]), (7, [3.0]), (3, [1.0, 1.0]), (2, [1.0] * 10), (3, [1.0, 2.0, 3.0])],
        ids=["2x1", "4x1", "7x1", "3x2", "2x10", "3x3"],
    )
    def test_few_runs_have_students_interval(self, n, scales):
        scales = np.array(scales)

        def draw(generator):
            return generator.normal(0.0, scales[:, None, None], size=(len(scales), n, 1))

        def interval(values):
            low, high = stratified_band(values)
            return low[0], high[0]

        # Welch's degrees of freedom err on the wide side where there are few
        found = coverage(draw, interval, 0.0)
        assert found > 0.95 - 3 * ERROR
        assert found < 0.95 + 3 * ERROR or len(scales) > 1

    def test_a_stratum_that_varies_most_rules_the_degrees_of_freedom(self):
        scales = np.array([0.1, 1.0, 10.0])[:, None, None]

        def draw(generator):
            return generator.normal(0.0, scales, size=(3, 8, 1))

        def interval(values):
            low, high = stratified_band(values, n_resamples=400)
            return low[0], high[0]

        assert abs(coverage(draw, interval, 0.0) - 0.95) < 3 * ERROR

    def test_few_runs_are_scipys(self):
        a, b = np.random.default_rng(0).normal(size=(2, 3))
        one = stats.ttest_1samp(a, 0.0).confidence_interval(0.9)
        np.testing.assert_allclose(np.ravel(stratified_band(a[None, :, None], level=0.9)), [one.low, one.high])
        two = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.9)
        np.testing.assert_allclose(paired([a, b], 0, 1, level=0.9).unpaired_interval, [two.low, two.high])

    @pytest.mark.parametrize("unit", [2.0**-600, 2.0**900])
    def test_few_runs_in_any_unit(self, unit):
        runs = np.random.default_rng(0).normal(size=(3, 4, 2))
        np.testing.assert_array_equal(stratified_band(unit * runs), unit * np.array(stratified_band(runs)))

    def test_dependent_strata_need_whole_runs(self):
        def draw(generator):
            return generator.normal(size=(1, 20, 1)) + 0.3 * generator.normal(size=(3, 20, 1))

        def interval(independent):
            def of(values):
                low, high = stratified_band(values, n_resamples=300, independent=independent)
                return low[0], high[0]

            return of

        assert abs(coverage(draw, interval(False), 0.0) - 0.95) < 3 * ERROR
        assert coverage(draw, interval(True), 0.0) < 0.8

    def test_width_is_the_normal_one(self):
        values = np.random.default_rng(1).normal(size=(3, 400, 2)) * np.array([1.0, 2.0, 3.0])[:, None, None]
        low, high = stratified_band(values, n_resamples=4000)
        exact = 2 * 1.96 * np.sqrt((values.var(axis=1) / 400).sum(axis=0)) / 3
        np.testing.assert_allclose(high - low, exact, rtol=0.06)

    def test_tail_repairs_the_percentile_interval_exactly_for_normal_runs(self):
        # half the width of a percentile interval is z s sqrt((n - 1) / n) / sqrt(n); it should be t s / sqrt(n)
        z = -stats.norm.ppf(expanded_tail(0.9, 7, 6))
        assert z * np.sqrt(6 / 7) == pytest.approx(stats.t.ppf(0.95, 6), rel=1e-9)

    @pytest.mark.parametrize("shape", [(3, 4), (2, 1, 4), (0, 3, 1)], ids=str)
    def test_bad_shapes(self, shape):
        with pytest.raises(InvalidArgument, match=r"values has shape .*; allowed: \(environments, runs, checkpoints\)"):
            stratified_band(np.ones(shape))

    @pytest.mark.parametrize("bad", [{"level": 1.0}, {"n_resamples": 3}], ids=str)
    def test_bad_arguments(self, bad):
        with pytest.raises(InvalidArgument):
            stratified_band(np.ones((1, 3, 1)), **bad)


class TestPaired:
    def test_intervals_cover_at_their_level(self):
        generator = np.random.default_rng(5)
        n, hits = 20, np.zeros(2)
        for _ in range(REPEATS):
            luck = generator.normal(size=n)
            found = paired(
                [luck + 0.4 * generator.normal(size=n), luck + 1.0 + 0.4 * generator.normal(size=n)],
                0,
                1,
                n_resamples=400,
            )
            hits += [
                found.interval[0] <= -1.0 <= found.interval[1],
                found.unpaired_interval[0] <= -1.0 <= found.unpaired_interval[1],
            ]
        assert abs(hits[0] / REPEATS - 0.95) < 3 * ERROR
        assert hits[1] == REPEATS  # more than three times too wide: what sharing the luck is worth

    def test_unpaired_interval_covers_where_there_is_no_shared_luck(self):
        def draw(generator):
            return generator.normal([[1.0], [0.0]], [[1.0], [2.0]], size=(2, 20))

        def interval(values):
            return paired(values, 0, 1, n_resamples=400).unpaired_interval

        assert abs(coverage(draw, interval, 1.0) - 0.95) < 3 * ERROR

    def test_probability_covers_at_its_level(self):
        p, n = 0.3, 80
        exact = sum(
            stats.binom.pmf(k, n, p)
            for k in range(n + 1)
            if wilson(k / n, n, 0.95)[0] <= p <= wilson(k / n, n, 0.95)[1]
        )
        wins = np.random.default_rng(1).random((REPEATS, n)) < p
        hits = 0
        for row in wins:
            low, high = paired([np.where(row, 0.0, 2.0), np.ones(n)], 0, 1, n_resamples=10).probability_interval
            hits += low <= p <= high
        assert abs(exact - 0.95) < 0.015
        assert abs(hits / REPEATS - exact) < 3 * ERROR

    def test_wilson_is_scipys(self):
        exact = stats.binomtest(7, 25).proportion_ci(0.9, method="wilson")
        assert wilson(7 / 25, 25, 0.9) == pytest.approx((exact.low, exact.high), rel=1e-12)
        assert wilson(1.0, 25, 0.95)[1] == pytest.approx(1.0, abs=1e-12)

    def test_shared_luck_is_worth_runs_on_real_bandits(self, result):
        found = paired(result, "a", "b", environment="far", metric="reward")
        width = np.diff(found.interval)[0]
        unpaired = np.diff(found.unpaired_interval)[0]
        assert found.variance_ratio > 4
        assert unpaired / width == pytest.approx(np.sqrt(found.variance_ratio), rel=0.1)
        regret = paired(result, "a", "b", environment="far")
        assert regret.variance_ratio > 1.2
        assert np.diff(regret.unpaired_interval)[0] > np.diff(regret.interval)[0]

    def test_numbers_are_those_of_the_runs(self, result):
        found = paired(result, "c", "a", environment="close", at=int(result.checkpoints[50]))
        c, a = (result.values(environment="close")[k, :, 50] for k in (2, 0))
        assert found.difference == pytest.approx((c - a).mean(), rel=1e-12)
        assert found.probability == pytest.approx((c < a).mean() + 0.5 * (c == a).mean(), rel=1e-12)
        other = paired(result, "a", "c", environment="close", at=int(result.checkpoints[50]))
        assert other.probability == pytest.approx(1 - found.probability)
        assert paired(result, 2, 0, environment="close", metric="reward").smaller_is_better is False
        assert "c minus a: regret" in repr(found)

    def test_ties_and_constants(self):
        found = paired([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], 0, 1)
        assert (found.difference, found.interval, found.probability) == (0.0, (0.0, 0.0), 0.5)
        assert paired([[1.0, 2.0], [2.0, 3.0]], 0, 1).variance_ratio == np.inf

    def test_same_seed_same_interval(self, result):
        def once(seed):
            return paired(result, "a", "c", environment="far", seed=seed)

        assert once(1) == once(1)
        assert once(1) != once(2)

    @pytest.mark.parametrize(
        ("arguments", "options", "error", "message"),
        [
            (("a", "z"), {"environment": "far"}, InvalidArgument, r"second is 'z'; allowed: one of \['a', 'b', 'c'\]"),
            (("a", 7), {"environment": "far"}, InvalidArgument, r"second is 7; .*'c'\], or a position from 0 to 2"),
            (
                (["a"], "b"),
                {"environment": "far"},
                InvalidType,
                r"first is \['a'\]; allowed: one of \['a', 'b', 'c'\], or",
            ),
            (("a", "a"), {"environment": "far"}, InvalidArgument, "the same policy as first"),
            (("a", "b"), {}, InvalidArgument, r"environment is None; allowed: one of \['close', 'far'\]"),
            (("a", "b"), {"environment": "moon"}, InvalidArgument, "environment is 'moon'"),
            (
                ("a", "b"),
                {"environment": "far", "at": 299},
                InvalidArgument,
                "at is 299; allowed: one of the checkpoints",
            ),
            (
                ("a", "b"),
                {"environment": "far", "at": 999},
                InvalidArgument,
                "at is 999; allowed: one of the checkpoints",
            ),
            (("a", "b"), {"environment": "far", "metric": "pulls"}, InvalidArgument, "metric is 'pulls'"),
            (("a", "b"), {"environment": "far", "metric": 3}, InvalidType, "metric is 3"),
            (("a", "b"), {"environment": "far", "level": 95}, InvalidArgument, "level is 95"),
            (("a", "b"), {"environment": "far", "better": "more"}, InvalidArgument, "better is 'more'"),
        ],
        ids=[
            "label",
            "position",
            "list",
            "same",
            "no-env",
            "env",
            "at",
            "late",
            "metric",
            "metric-type",
            "level",
            "better",
        ],
    )
    def test_bad_arguments(self, result, arguments, options, error, message):
        with pytest.raises(error, match=message):
            paired(result, *arguments, **options)

    @pytest.mark.parametrize(
        ("values", "options", "message"),
        [
            ([[1.0], [2.0]], {}, "values has 1 run; allowed: at least 2 runs"),
            ([[1.0, np.nan], [2.0, 3.0]], {}, r"values\[0\]\[1\] is nan"),
            ([[1.0, 2.0], [2.0]], {}, "different lengths"),
            ([1.0, 2.0], {}, "this one has 1 dimension"),
            ([[1.0, 2.0], [2.0, 3.0]], {"at": 5}, "at is 5; allowed: nothing where values is an array"),
        ],
        ids=["one-run", "nan", "ragged", "flat", "at"],
    )
    def test_bad_values(self, values, options, message):
        with pytest.raises(InvalidArgument, match=message):
            paired(values, 0, 1, **options)


class TestInterquartileMean:
    def test_covers_at_its_level(self):
        truth = stats.expon.expect(lambda x: 2 * x, lb=stats.expon.ppf(0.25), ub=stats.expon.ppf(0.75))

        def interval(values):
            return interquartile_mean(values, n_resamples=400).loc["policy 0", ["ci_low", "ci_high"]]

        found = coverage(lambda generator: generator.exponential(size=(1, 60)), interval, truth)
        assert abs(found - 0.95) < 3 * ERROR

    def test_covers_at_its_level_over_environments(self):
        scales = np.array([1.0, 1.5, 2.0])[:, None, None]
        low, high = (
            optimize.brentq(lambda x, q=q: stats.expon.cdf(x, scale=scales).mean() - q, 0.0, 20.0) for q in (0.25, 0.75)
        )
        truth = sum(2 * stats.expon.expect(lambda x: x, scale=s, lb=low, ub=high) for s in scales.ravel()) / 3

        def interval(values):
            return interquartile_mean(values, n_resamples=200).loc["policy 0", ["ci_low", "ci_high"]]

        found = coverage(lambda generator: generator.exponential(scales, size=(3, 1, 30)), interval, truth)
        assert abs(found - 0.95) < 3 * ERROR

    def test_needs_runs(self):
        with pytest.raises(InvalidArgument, match="values has 7 runs in an environment; allowed: at least 8 runs"):
            interquartile_mean(np.ones((1, 7)))
        with pytest.raises(InvalidArgument, match="values has 1 run in an environment; allowed: at least 8 runs"):
            interquartile_mean(np.ones((1, 1)))
        with pytest.raises(InvalidArgument, match="values has 7 runs in an environment"):
            interquartile_mean(np.ones((2, 1, 7)), independent=False)
        with pytest.raises(InvalidArgument, match="values has 3 runs in an environment; allowed: at least 4 runs"):
            interquartile_mean(np.ones((2, 1, 3)))
        with pytest.raises(InvalidArgument, match="values has 2 runs in an environment; allowed: at least 3 runs"):
            interquartile_mean(np.ones((20, 1, 2)))
        assert len(interquartile_mean(np.ones((2, 1, 4)))) == 1

    def test_covers_where_runs_are_few(self):
        def interval(values):
            return interquartile_mean(values, n_resamples=200).loc["policy 0", ["ci_low", "ci_high"]]

        found = coverage(lambda generator: generator.normal(size=(5, 1, 3)), interval, 0.0)
        assert abs(found - 0.95) < 3 * ERROR

    def test_is_the_trimmed_mean_of_the_pool(self, result):
        table = interquartile_mean(result)
        for k, label in enumerate(result.policies):
            pool = np.concatenate([result.values(environment=e)[k, :, -1] for e in result.environments])
            row = table.loc[label]
            assert row["iqm"] == stats.trim_mean(pool, 0.25)
            assert row["ci_low"] < row["iqm"] < row["ci_high"]

    def test_interval_is_the_percentile_bootstraps_of_the_trimmed_mean(self):
        generator = np.random.default_rng(0)
        values = generator.lognormal(sigma=2.0, size=5_000)
        row = interquartile_mean(values[None]).loc["policy 0"]
        resampled = [stats.trim_mean(generator.choice(values, len(values)), 0.25) for _ in range(2_000)]
        low, high = np.quantile(resampled, [0.025, 0.975])
        assert abs(row["ci_low"] - low) < 0.1 * (high - low)
        assert abs(row["ci_high"] - high) < 0.1 * (high - low)

    def test_ignores_a_few_unlucky_runs(self):
        values = np.random.default_rng(0).normal(size=(1, 100))
        ruined = values.copy()
        ruined[0, :10] = 1e6
        shift = interquartile_mean(ruined)["iqm"] - interquartile_mean(values)["iqm"]
        assert abs(shift.item()) < 0.4

    def test_results_share_luck_across_environments(self, result):
        # the same runs resampled as wholes and one by one: environments are positively dependent, and it shows
        rewards = np.stack([result.values("reward", e)[0, :, -1] for e in result.environments])
        assert np.corrcoef(rewards)[0, 1] > 0.3
        whole = interquartile_mean(rewards[:, None], independent=False)
        apart = interquartile_mean(rewards[:, None])
        assert (interquartile_mean(result, metric="reward").loc["a"] == whole.loc["policy 0"]).all()
        assert (whole["ci_high"] - whole["ci_low"]).item() > (apart["ci_high"] - apart["ci_low"]).item()

    def test_needs_no_direction(self):
        values = np.random.default_rng(0).normal(size=(2, 20))
        assert interquartile_mean(values, metric="weight").equals(interquartile_mean(values))
        with pytest.raises(
            InvalidArgument, match=r"better is None, and metric is 'weight'; allowed: 'smaller' or 'larger'"
        ):
            performance_profile(values, metric="weight")
        assert performance_profile(values, metric="weight", better="larger").smaller_is_better is False


class TestProfile:
    def test_is_the_share_of_runs(self, result):
        profile = performance_profile(result, [5.0, 10.0, 20.0])
        for k in range(3):
            for t, tau in enumerate((5.0, 10.0, 20.0)):
                shares = [(result.values(environment=e)[k, :, -1] <= tau).mean() for e in result.environments]
                assert profile.share[k, t] == pytest.approx(np.mean(shares))
        assert (profile.low <= profile.share).all()
        assert (profile.share <= profile.high).all()
        assert len(profile.to_pandas()) == 9

    def test_more_is_better_for_reward(self, result):
        profile = performance_profile(result, metric="reward", environment="far")
        assert (np.diff(profile.share, axis=1) <= 0).all()
        assert (profile.share[:, 0] == 1.0).all()

    def test_relative_is_dolan_and_more(self):
        values = np.random.default_rng(0).integers(1, 9, size=(2, 3, 50)).astype(float)
        profile = performance_profile(values, [1.0, 2.0, 8.0], relative=True)
        ratio = values / values.min(axis=1, keepdims=True)
        for t, tau in enumerate((1.0, 2.0, 8.0)):
            np.testing.assert_allclose(profile.share[:, t], (ratio <= tau).mean(axis=(0, 2)))
        assert (profile.share[:, 2] == 1.0).all()

    def test_relative_where_the_best_is_zero(self):
        profile = performance_profile([[0.0, 1.0], [3.0, 1.0]], [1.0, 100.0], relative=True)
        assert profile.share.tolist() == [[1.0, 1.0], [0.5, 0.5]]

    def test_band_covers_at_its_level(self):
        # exactly as often as Wilson's interval does for this share, and on average over shares at its level
        n, shares = 20, np.array([0.05, 0.2, 0.5, 0.8, 0.95, 0.98])
        every = np.arange(n + 1)
        low, high = wilson(every / n, n, 0.95)
        inside = (low[:, None] <= shares) & (shares <= high[:, None])
        exact = (stats.binom.pmf(every[:, None], n, shares) * inside).sum(axis=0)
        hits = np.zeros(len(shares))
        generator = np.random.default_rng(3)
        for _ in range(REPEATS):
            profile = performance_profile(generator.random((1, n)), shares)
            hits += (profile.low[0] <= shares) & (shares <= profile.high[0])
        assert (np.abs(hits / REPEATS - exact) < 4 * np.sqrt(exact * (1 - exact) / REPEATS)).all()
        assert hits.mean() / REPEATS > 0.94
        assert hits.min() / REPEATS > 0.91  # at a share of 0.95 a bootstrap has 0.63

    @pytest.mark.parametrize(("correlation", "independent"), [(0.0, True), (0.0, False), (0.95, False)], ids=str)
    def test_band_covers_at_least_at_its_level_over_environments(self, correlation, independent):
        # true shares are Phi(t), Phi(t - 0.5) and Phi(t - 1); dependent environments share most of their luck
        thresholds = np.array([-0.5, 0.5, 1.5, 2.5])
        centres = np.array([0.0, 0.5, 1.0])
        truth = special.ndtr(thresholds - centres[:, None]).mean(axis=0)
        generator = np.random.default_rng(4)
        hits = np.zeros(len(thresholds))
        for _ in range(REPEATS):
            luck = np.sqrt(correlation) * generator.normal(size=(1, 1, 15))
            own = np.sqrt(1 - correlation) * generator.normal(size=(3, 1, 15))
            profile = performance_profile(luck + own + centres[:, None, None], thresholds, independent=independent)
            hits += (profile.low[0] <= truth) & (truth <= profile.high[0])
        assert hits.mean() / REPEATS > 0.95 - 3 * ERROR / np.sqrt(len(thresholds))
        assert hits.min() / REPEATS > 0.91

    def test_band_where_all_or_none_reach(self):
        profile = performance_profile(np.ones((1, 20)), [0.5, 1.0])
        assert profile.low[0] == pytest.approx([0.0, 1 / (1 + special.ndtri(0.975) ** 2 / 20)])
        assert profile.high[0] == pytest.approx([1 - profile.low[0, 1], 1.0])

    @pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
    def test_all_values_equal(self, relative):
        profile = performance_profile(np.full((2, 10), 3.0), relative=relative)
        assert profile.thresholds.tolist() == [1.0 if relative else 3.0]
        assert profile.share.tolist() == [[1.0], [1.0]]
        low, high = profile.plot().get_xlim()
        assert low < profile.thresholds[0] < high

    def test_bad_arguments(self, result):
        with pytest.raises(InvalidArgument, match=r"thresholds is \[.*\]; allowed: increasing numbers"):
            performance_profile(result, [2.0, 1.0])
        with pytest.raises(InvalidArgument, match="relative is True for reward, of which more is better"):
            performance_profile(result, relative=True, metric="reward")
        with pytest.raises(InvalidArgument, match="values below 0"):
            performance_profile([[-1.0, 1.0]], relative=True)
        with pytest.raises(InvalidType, match="relative is 1"):
            performance_profile(result, relative=1)


class TestUndefined:
    """Delays of runs that never got there are NaN: no test may take them for numbers, or leave them out."""

    @pytest.fixture
    def partly(self, result, monkeypatch):
        values = result.values(environment="far").copy()
        values[1, :3, -1] = np.nan
        monkeypatch.setattr(type(result), "values", lambda *_: values)
        return result

    @pytest.mark.parametrize(
        "find",
        [
            lambda r: paired(r, "a", "b", environment="far"),
            lambda r: paired_family(r, environment="far"),
            lambda r: interquartile_mean(r, environment="far"),
            lambda r: performance_profile(r, environment="far"),
        ],
        ids=["paired", "family", "iqm", "profile"],
    )
    def test_is_named(self, partly, find):
        with pytest.raises(InvalidArgument, match="regret of b on far is undefined in 3 of 400 runs"):
            find(partly)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", None], ids=str)
@pytest.mark.parametrize("find", [paired, paired_family, interquartile_mean], ids=["paired", "family", "iqm"])
def test_seeds_are_checked(find, seed):
    arguments = (0, 1) if find is paired else ()
    with pytest.raises((InvalidArgument, InvalidType), match="seed is"):
        find(np.random.default_rng(0).normal(size=(2, 9)), *arguments, seed=seed)
