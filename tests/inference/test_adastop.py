"""AdaStop: error rates on simulated nulls, power, exactness, bad input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.inference import AdaStop, adastop, paired_family
from banditlab.inference.permutation import carried_by_few, sign_flips

from .naive import brute_force

REPEATS = 2000
ALPHA = 0.1  # three standard errors are 0.02 at this level
MARGIN = 3 * np.sqrt(ALPHA * (1 - ALPHA) / REPEATS)
ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])


def play(test, draw):
    """Give a test groups of runs until it has enough."""
    while not test.finished:
        test.update(draw())
    return test.decisions


def errors(draw, nulls, **options):
    """Return how often some comparison between policies of `nulls` is decided, over simulated data sets."""
    generator = np.random.default_rng(99)
    wrong = 0
    for seed in range(REPEATS):
        test = AdaStop(["a", "b", "c", "d"], level=ALPHA, max_groups=4, n_permutations=200, seed=seed, **options)
        found = play(test, lambda: draw(generator))
        inside = np.isin(found.pairs, nulls).all(axis=1)
        wrong += (found.signs[:, inside] != 0).any()
    return wrong / REPEATS


def gaussian(generator):
    return generator.normal(size=(1, 12)) + generator.normal(size=(4, 12))


def two_stay_equal(generator):
    return gaussian(generator) + np.array([0.0, 0.0, 1.0, 3.0])[:, None]


def skewed(generator):
    return generator.exponential(size=(1, 12)) * 3 + generator.exponential(size=(4, 12))


def unequal_spread(generator):
    return generator.normal(0.0, np.array([0.2, 1.0, 1.0, 5.0])[:, None], size=(4, 12))


def two_environments(generator):
    luck = generator.normal(size=(1, 1, 12))
    return luck + generator.normal(size=(2, 4, 12)) * np.array([1.0, 100.0])[:, None, None]


class TestFamilyWiseError:
    @pytest.mark.parametrize(
        ("draw", "nulls", "environments"),
        [
            (gaussian, [0, 1, 2, 3], None),
            (two_stay_equal, [0, 1], None),
            (skewed, [0, 1, 2, 3], None),
            (unequal_spread, [0, 1, 2, 3], None),
            (two_environments, [0, 1, 2, 3], ["x", "y"]),
        ],
        ids=["gaussian", "partial", "skewed", "unequal-spread", "two-environments"],
    )
    def test_is_at_most_alpha(self, draw, nulls, environments):
        rate = errors(draw, nulls, environments=environments)
        assert rate < ALPHA + MARGIN
        assert rate > 0.03  # the level is used

    def one_look(self):
        """Return how often two exchangeable policies are told apart by a single look."""
        generator = np.random.default_rng(4)
        wrong = 0
        for seed in range(REPEATS):
            test = AdaStop(["a", "b"], level=ALPHA, max_groups=1, n_permutations=200, seed=seed)
            test.update(generator.exponential(size=(1, 20)) + generator.exponential(size=(2, 20)))
            wrong += test.settled
        return wrong / REPEATS

    def test_one_comparison_one_look_has_exactly_its_level(self):
        # p-values are multiples of 1/200, and so is the level: it is met, not only kept
        assert abs(self.one_look() - ALPHA) < MARGIN

    def test_signed_null_against_absolute_statistic_would_be_caught(self, monkeypatch):
        def planted(differences, n_permutations, generator):
            norm = np.sqrt((differences**2).sum(axis=1))
            flips = sign_flips(differences.shape[1], n_permutations, generator)
            signed = np.concatenate([block @ differences.T / norm for block in flips])
            signed[0] = np.abs(signed[0])
            return [signed]

        monkeypatch.setattr(adastop, "flipped_statistics", planted)
        assert abs(self.one_look() - 2 * ALPHA) < 3 * np.sqrt(2 * ALPHA * (1 - 2 * ALPHA) / REPEATS)


class TestAdaStop:
    def test_power_grows_with_the_gap(self):
        generator = np.random.default_rng(0)
        power, runs = [], []
        for gap in (0.0, 0.3, 0.6, 1.2):
            found = []
            for seed in range(200):
                test = AdaStop(["a", "b"], max_groups=4, n_permutations=200, seed=seed)
                found.append(play(test, lambda gap=gap: generator.normal([[gap], [0.0]], 1.0, size=(2, 16))))
            power.append(np.mean([one.signs[0, 0] == 1 for one in found]))
            runs.append(np.mean([one.n_runs[0, 0] for one in found]))
        assert power[0] < 0.08
        assert (np.diff(power[:3]) > 0.15).all()
        assert power[3] > 0.99
        assert (np.diff(runs) < 0).all()

    def test_shared_luck_gives_power(self):
        generator = np.random.default_rng(0)
        settled = np.zeros(2)
        for seed in range(100):
            luck = generator.normal(size=(4, 1, 16))
            own = 0.3 * generator.normal(size=(4, 2, 16)) + np.array([0.25, 0.0])[:, None]
            for k, values in enumerate((own + luck, own + generator.normal(size=(4, 2, 16)))):
                test = AdaStop(["a", "b"], max_groups=4, n_permutations=200, seed=seed)
                groups = iter(values)
                settled[k] += play(test, lambda groups=groups: next(groups)).settled
        assert settled[0] > 90
        assert settled[1] < 30

    def test_decisions_by_brute_force(self):
        # groups of 4 runs, two looks: 2^3 signs allow no p-value below 0.125, so that the first look leaves its level
        values = np.random.default_rng(2).normal([[0.0], [0.5], [2.0]], 1.0, size=(3, 8))
        test = AdaStop(["a", "b", "c"], max_groups=2, level=0.1, n_permutations=500)
        test.update(values[:, :4])
        assert (test.decisions.signs == 0).all()
        test.update(values[:, 4:])
        differences = np.array([values[0] - values[1], values[0] - values[2], values[1] - values[2]])
        every = brute_force(differences)
        left, expected = [0, 1, 2], np.zeros(3, int)
        while left:
            boundary = every[:, left].max(axis=1)
            c = max(left, key=lambda c: every[0, c])
            if (boundary >= every[0, c] - 1e-9).mean() > 0.1:
                break
            expected[c] = np.sign(differences[c].mean())
            left.remove(c)
        assert (test.decisions.signs[0] == expected).all()
        assert set(expected) == {0, -1}

    def test_level_is_spent_evenly(self, monkeypatch):
        monkeypatch.setattr(adastop, "step_down_p_values", lambda statistics: np.array([0.0125]))
        for level, decided in ((0.05, True), (0.0499, False)):
            test = AdaStop(["a", "b"], max_groups=4, level=level)
            test.update(np.random.default_rng(0).normal(size=(2, 30)))
            assert test.settled is decided

    def test_settled_policies_may_be_missing(self):
        generator = np.random.default_rng(0)
        test = AdaStop(["a", "b", "c"], max_groups=5)
        test.update(generator.normal([[0.0], [0.0], [9.0]], 1.0, size=(3, 30)))
        assert test.active() == ("a", "b")
        group = generator.normal(size=(3, 30))
        group[2] = np.nan
        test.update(group)
        assert test.decisions.played.tolist() == [[60, 60, 30]]
        group[1] = np.nan
        with pytest.raises(InvalidArgument, match="regret of b on environment is undefined in 30 of 30 runs"):
            test.update(group)

    def test_comparisons_can_be_chosen(self):
        values = np.random.default_rng(0).normal([[0.0], [2.0], [2.0]], 1.0, size=(3, 40))
        test = AdaStop(["a", "b", "c"], comparisons=[("b", "a"), ("a", "c")])
        test.update(values)
        assert test.settled
        assert test.decisions.to_pandas()["decision"].tolist() == ["larger", "smaller"]
        ranking = test.decisions.ranking()
        assert ranking.loc["a", ["rank_low", "rank_high"]].tolist() == [1, 1]
        assert ranking.loc["b", ["rank_low", "rank_high"]].tolist() == [2, 3]

    def test_same_seed_same_decisions_and_order_does_not_matter(self):
        generator = np.random.default_rng(6)
        groups = [generator.normal([[0.0], [0.25], [0.5]], 1.0, size=(3, 20)) for _ in range(4)]

        def decide(order, seed=1):
            test = AdaStop([f"p{k}" for k in order], max_groups=4, n_permutations=500, seed=seed)
            stream = iter(groups)
            play(test, lambda: next(stream)[list(order)])
            return test.decisions

        assert repr(decide((0, 1, 2))) == repr(decide((0, 1, 2)))
        forward, backward = (decide(order).ranking().sort_index() for order in ((0, 1, 2), (2, 1, 0)))
        pd.testing.assert_frame_equal(forward, backward)

    def test_takes_results_run_by_run(self):
        policies = {"a": arms.UCB1(), "b": arms.UCB1(), "c": arms.Uniform()}

        def group(first):
            return bl.run(ENVIRONMENT, policies, horizon=100, n_runs=40, first_run=first, seed=3)

        test = AdaStop(list(policies), max_groups=3)
        same = AdaStop(list(policies), environments=["Bernoulli([0.2, 0.5, 0.4])"], max_groups=3)
        test.update(group(0))
        same.update(group(0).values()[:, :, -1])
        assert repr(test) == repr(same)
        assert not test.finished
        with pytest.raises(InvalidArgument, match=r"values\.first_run is 0; allowed: 40"):
            test.update(group(0))
        test.update(group(40))
        assert test.decisions.played.max() == 80
        assert (test.decisions.horizon, test.decisions.seed) == (100, 0)

    def test_results_must_be_of_one_experiment(self):
        options = {"horizon": 50, "n_runs": 20, "seed": 3}
        twins = {"a": arms.UCB1(), "b": arms.UCB1()}
        worlds = {"x": ENVIRONMENT, "y": arms.Bernoulli([0.5, 0.5])}

        def group(environments=None, policies=twins, **other):
            return bl.run(environments or {"x": ENVIRONMENT}, policies, **(options | {"first_run": 20} | other))

        with pytest.raises(InvalidArgument, match=r"values\.environments is \('x', 'y'\); allowed: one, or those that"):
            AdaStop(["a", "b"]).update(group(worlds))
        test = AdaStop(["a", "b"])
        test.update(group(first_run=0))
        assert test.environments == ("x",)
        for bad, message in (
            (group(horizon=60), r"values\.horizon is 60; allowed: 50, as in the first group"),
            (group(seed=4), r"values\.seed is 4; allowed: 3, as in the first group"),
            (group({"y": ENVIRONMENT}), r"values\.environments is \('y',\); allowed: among \('x',\)"),
            (group({"x": worlds["y"]}), r"values\.environments\['x'\] is .*; allowed: .*, as in the first group"),
            (group(policies={"a": arms.UCB1(), "b": arms.KLUCB()}), r"values\.policies\['b'\] is .*, as in the first"),
            (group(policies={"a": arms.UCB1()}), "values lacks b on x; allowed: results with every policy"),
            (group(policies=twins | {"c": arms.UCB1()}), r"values\.policies is \('a', 'b', 'c'\); allowed: among"),
        ):
            with pytest.raises(InvalidArgument, match=message):
                test.update(bad)
        assert test.decisions.groups == 1
        test.update(group())
        assert test.decisions.n_runs.tolist() == [[40]]

    def test_settled_environments_may_be_missing(self):
        worlds = {"y": arms.Bernoulli([0.5, 0.5]), "x": ENVIRONMENT}  # of "y" nothing is ever known
        policies = {"ucb": arms.UCB1(), "uniform": arms.Uniform()}
        test = AdaStop(list(policies), environments=["x", "y"], max_groups=3)
        test.update(bl.run(worlds, policies, horizon=300, n_runs=30, seed=0))
        assert test.decisions.signs.tolist() == [[-1], [0]]
        test.update(bl.run({"y": worlds["y"]}, policies, horizon=300, n_runs=30, first_run=30, seed=0))
        assert test.decisions.played.tolist() == [[30, 30], [60, 60]]
        with pytest.raises(InvalidArgument, match="values lacks ucb on y"):
            test.update(bl.run({"x": worlds["x"]}, policies, horizon=300, n_runs=30, first_run=60, seed=0))

    def test_decides_what_follows(self):
        # first a is below b, and c anywhere; then b is below c, and a anywhere: a below c is never seen by itself
        generator = np.random.default_rng(0)
        luck = generator.normal(size=(1, 90))
        b = np.concatenate([luck + 1.0, luck])
        a = np.concatenate([luck, luck + 100.0 * generator.normal(size=(1, 90))])
        c = b + np.concatenate([np.full((1, 90), -1.0), np.full((1, 90), 8.0)]) + 5.0 * generator.normal(size=(2, 90))
        test = AdaStop(["a", "b", "c"], max_groups=4)
        test.update(np.stack([a[0], b[0], c[0] + 1.0]))
        assert test.decisions.signs.tolist() == [[-1, 0, 0]]
        test.update(np.stack([a[1], b[1], c[1]]))
        assert test.settled
        found = test.decisions
        assert found.signs.tolist() == [[-1, -1, -1]]
        assert found.implied.tolist() == [[False, True, False]]
        assert found.to_pandas()["note"].tolist()[1].startswith("implied by others")
        assert found.ranking()["rank_low"].tolist() == found.ranking()["rank_high"].tolist() == [1, 2, 3]

    def test_ranking_takes_what_follows_from_pairs_that_were_compared(self):
        test = AdaStop(["a", "b", "c", "d"], comparisons=[("a", "b"), ("c", "b"), ("c", "d")], max_groups=1)
        centres = np.array([0.0, 9.0, 18.0, 27.0])[:, None]
        test.update(np.random.default_rng(0).normal(centres, 1.0, size=(4, 20)))
        ranking = test.decisions.ranking()
        assert ranking.index.tolist() == ["a", "b", "c", "d"]
        assert ranking["rank_low"].tolist() == ranking["rank_high"].tolist() == [1, 2, 3, 4]

    def test_circles_leave_ranks_open(self):
        test = AdaStop(["a", "b", "c", "d"], max_groups=1)
        test.update(np.random.default_rng(0).normal(size=(4, 20)))
        # a < b < c < a, all of them below d
        found = dataclasses.replace(test.decisions, signs=np.array([[-1, 1, -1, -1, 0, 0]]))
        ranking = found.ranking().loc[["a", "b", "c", "d"]]
        assert ranking["rank_low"].tolist() == [1, 1, 1, 4]
        assert ranking["rank_high"].tolist() == [3, 3, 3, 4]

    def test_flags_what_few_runs_rule(self):
        # B is 1, and A is 50 in one run of fifty: equal means, a difference that is far from symmetric
        a, b = np.zeros(128), np.ones(128)
        unlucky = AdaStop(["a", "b"])
        unlucky.update([a, b])
        assert unlucky.settled  # and wrong; what no run has shown cannot be flagged
        assert not unlucky.decisions.few_runs_rule.any()
        a[[3, 77]] = 50.0
        test = AdaStop(["a", "b"])
        test.update([a, b])
        assert test.decisions.few_runs_rule.all()
        assert test.decisions.to_pandas()["note"].tolist() == ["few runs rule"]
        assert "Caution: in 1 of 1 comparisons" in repr(test)
        assert "Caution: in 1 of 1 comparisons" in test.decisions._repr_html_()

    def test_does_not_flag_normal_differences(self):
        generator = np.random.default_rng(0)
        assert not any(carried_by_few(generator.normal(size=(2, n))).any() for n in [128, 256] * 200)

    @pytest.mark.parametrize(("share", "flagged"), [(0.32, False), (0.35, True)])
    def test_flags_a_run_that_carries_over_a_third(self, share, flagged):
        differences = np.ones((1, 100))
        differences[0, 7] = np.sqrt(99.0 * share / (1.0 - share))
        assert carried_by_few(differences).tolist() == [flagged]

    def test_values_of_any_size(self):
        values = np.random.default_rng(0).normal([[0.0], [1.0]], 1.0, size=(2, 30))
        for scale in (1e-200, 1e200):
            assert paired_family(scale * values)["p_value"].item() == paired_family(values)["p_value"].item()

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"policies": ["a"]}, InvalidArgument, r"policies is \['a'\]; allowed: at least 2 different labels"),
            ({"policies": ["a", "a"]}, InvalidArgument, "at least 2 different labels"),
            ({"policies": "ab"}, InvalidType, "policies is 'ab'; allowed: a list of labels"),
            ({"level": 0.0}, InvalidArgument, "level is 0.0"),
            ({"max_groups": 0}, InvalidArgument, "max_groups is 0"),
            (
                {"n_permutations": 100},
                InvalidArgument,
                "n_permutations is 100; allowed: at least max_groups / level, 160",
            ),
            ({"n_permutations": 10**8}, InvalidArgument, "n_permutations is 100000000; allowed: at most 10000000"),
            ({"comparisons": [("a", "z")]}, InvalidArgument, r"comparisons\[0\] is 'z'; allowed: one of 'a', 'b'"),
            ({"comparisons": [("a", "a")]}, InvalidArgument, r"comparisons\[0\] is \('a', 'a'\)"),
            ({"comparisons": [("a", "b"), ("b", "a")]}, InvalidArgument, r"comparisons\[1\] is .* each two once"),
            ({"comparisons": ["ab"]}, InvalidType, r"comparisons\[0\] is 'ab'; allowed: a pair"),
            ({"comparisons": []}, InvalidType, r"comparisons is \[\]"),
            ({"better": "big"}, InvalidArgument, "better is 'big'"),
            ({"seed": -1}, InvalidArgument, "seed is -1"),
            ({"metric": 3}, InvalidType, "metric is 3; allowed: a metric's name"),
        ],
        ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
    )
    def test_bad_arguments(self, options, error, message):
        with pytest.raises(error, match=message):
            AdaStop(**({"policies": ["a", "b"]} | options))

    def test_bad_values(self):
        test = AdaStop(["a", "b"], max_groups=1)
        with pytest.raises(InvalidArgument, match=r"values has shape \(1, 3, 4\); allowed: \(1, 2\)"):
            test.update(np.ones((3, 4)))
        with pytest.raises(InvalidType, match="values is 'x'"):
            test.update("x")
        test.update(np.zeros((2, 10)))
        with pytest.raises(InvalidArgument, match="update comes after 1 groups; allowed: as long as"):
            test.update(np.zeros((2, 10)))

    def test_each_environment_is_shown_with_its_own_comparison(self):
        test = AdaStop(["a", "b"], environments=["near", "far"], max_groups=1)
        noise = np.random.default_rng(0).normal(size=(2, 2, 20))
        test.update(noise + np.array([[0.0, 0.0], [0.0, 500.0]])[:, :, None])
        near, far = repr(test.decisions).split("\n\nnear\n\n")[1].split("\n\nfar\n\n")
        assert ("undecided" in near, "smaller" in near) == (True, False)
        assert ("undecided" in far, "smaller" in far) == (False, True)
        near, far = test.decisions._repr_html_().split("<b>near</b>")[1].split("<b>far</b>")
        assert ("undecided" in near, "smaller" in near) == (True, False)
        assert ("undecided" in far, "smaller" in far) == (False, True)

    def test_environment_must_be_named_when_there_are_several(self):
        test = AdaStop(["a", "b"], environments=["x", "y"])
        with pytest.raises(InvalidArgument, match=r"environment is 'z'; allowed: one of \['x', 'y'\]"):
            test.decisions.ranking("z")
        with pytest.raises(
            InvalidArgument, match=r"environment is None; allowed: one of \['x', 'y'\], since there are"
        ):
            test.decisions.ranking()
