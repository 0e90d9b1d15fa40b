"""`compare`: rankings, budgets, interruptions, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import IncompatiblePolicy, InterruptedRunWarning, InvalidArgument, InvalidType
from banditlab.core.results.results import Results
from banditlab.inference import sequential

ALPHA = 0.1
ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])
POLICIES = {"klucb": arms.KLUCB(), "ucb": arms.UCB1(), "uniform": arms.Uniform()}


class TestCompare:
    def test_settles_a_clear_ranking(self):
        found = bl.compare(POLICIES, ENVIRONMENT, horizon=500, seed=0)
        assert found.settled
        assert found.groups < found.max_groups
        ranking = found.ranking()
        assert ranking.index.tolist() == ["klucb", "ucb", "uniform"]
        assert ranking["rank_low"].tolist() == ranking["rank_high"].tolist() == [1, 2, 3]
        assert found.to_pandas()["decision"].tolist() == ["smaller", "smaller", "smaller"]

    def test_ends_with_the_budget(self):
        twins = {"a": arms.UCB1(), "b": arms.UCB1(), "c": arms.Uniform()}
        found = bl.compare(twins, ENVIRONMENT, horizon=200, seed=0, group=20, max_groups=3)
        assert not found.settled
        assert found.to_pandas()["decision"].tolist() == ["undecided", "smaller", "smaller"]
        assert found.played[0, :2].tolist() == [60, 60]
        assert found.played[0, 2] < 60
        assert found.ranking().loc["a", ["rank_low", "rank_high"]].tolist() == [1, 2]
        assert "regret: 1 of 3 comparisons undecided after 3 of 3 groups" in repr(found)
        assert "undecided" in found._repr_html_()

    def test_plays_each_run_once_and_only_what_is_needed(self, monkeypatch):
        calls = []

        def watched(environment, policies, **options):
            calls.append((list(environment), list(policies), options["first_run"], options["n_runs"]))
            return bl.run(environment, policies, **options)

        monkeypatch.setattr(sequential, "run", watched)
        environments = {"x": ENVIRONMENT, "y": arms.Bernoulli([0.5, 0.5])}
        policies = {"a": arms.UCB1(), "b": arms.Uniform()}
        found = bl.compare(policies, environments, horizon=300, seed=0, group=30, max_groups=3)
        assert calls == [(["x"], ["a", "b"], 0, 30)] + [(["y"], ["a", "b"], 30 * k, 30) for k in range(3)]
        assert found.signs.tolist() == [[-1], [0]]  # where all arms are equal, nobody has regret
        assert found.better("x").tolist() == [[False, True], [False, False]]
        assert not found.better("y").any()

    def test_numbers_are_those_of_run(self):
        found = bl.compare(
            POLICIES, ENVIRONMENT, horizon=300, seed=5, group=25, max_groups=2, level=1e-6, n_permutations=2 * 10**6
        )
        whole = bl.run(ENVIRONMENT, POLICIES, horizon=300, n_runs=50, seed=5).values()[:, :, -1].mean(axis=1)
        assert found.played.tolist() == [[50, 50, 50]] or found.settled
        np.testing.assert_allclose(found.means[0][found.played[0] == 50], whole[found.played[0] == 50], rtol=1e-12)

    def test_whatever_the_threads_and_seed_matters(self):
        def decide(seed, n_jobs):
            return bl.compare(POLICIES, ENVIRONMENT, horizon=100, seed=seed, n_jobs=n_jobs, group=150, max_groups=3)

        assert repr(decide(1, 1)) == repr(decide(1, 2))
        assert repr(decide(1, 1)) != repr(decide(2, 1))

    def test_other_metrics(self):
        found = bl.compare(POLICIES, ENVIRONMENT, horizon=300, seed=0, metric="reward")
        assert found.ranking().index[-1] == "uniform"
        assert found.to_pandas()["decision"].iloc[1] == "larger"
        pulls = bl.compare(POLICIES, ENVIRONMENT, horizon=300, seed=0, metric="pulls[0]", better="smaller")
        assert pulls.metric == "pulls[0]"
        with pytest.raises(
            InvalidArgument, match=r"better is None, and metric is 'pulls\[0\]'; allowed: 'smaller' or 'la"
        ):
            bl.compare(POLICIES, ENVIRONMENT, horizon=300, seed=0, metric="pulls[0]")
        assert pulls.ranking().index[-1] == "uniform"

    def test_rarely_settles_what_is_equal(self):
        # the whole chain: rewards have mean 0 whatever is played, and how they vary depends on what is
        policies = {"a": arms.EpsilonGreedy(0.1), "b": arms.EpsilonGreedy(0.3)}
        equal = arms.Gaussian([0.0, 0.0], [1.0, 3.0])
        repeats, wrong, differ = 500, 0, 0
        for seed in range(repeats):
            found = bl.compare(policies, equal, ALPHA, horizon=20, seed=seed, metric="reward", group=20, max_groups=3,
                               n_permutations=100, n_jobs=1)  # fmt: skip
            wrong += found.settled
            differ += not found.identical.any()
        assert differ == repeats
        assert wrong / repeats < ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / repeats)
        assert wrong / repeats > 0.03  # the level is used

    def test_flags_rare_linear_regret(self):
        # the bolder policy is better in most runs and stuck in a few, which rule its mean (see the docs of AdaStop)
        policies = {"bold": arms.UCB1(alpha=0.1), "shy": arms.UCB1(alpha=0.2)}
        found = [bl.compare(policies, arms.Bernoulli([0.5, 0.9]), horizon=2000, seed=seed) for seed in range(6)]
        assert sum(one.few_runs_rule.all() for one in found) >= 4
        clear = bl.compare(POLICIES, ENVIRONMENT, horizon=500, seed=0)
        assert not clear.few_runs_rule.any()
        assert "Caution" not in repr(clear)

    def test_says_what_is_identical(self):
        found = bl.compare({"a": arms.UCB1(), "b": arms.UCB1()}, ENVIRONMENT, horizon=50, seed=0, max_groups=1)
        assert found.to_pandas()["note"].tolist() == ["identical"]

    def test_keeps_seed_and_horizon(self):
        found = bl.compare(POLICIES, ENVIRONMENT, horizon=50, seed=7, group=20, max_groups=1)
        assert (found.seed, found.horizon) == (7, 50)

    def test_store_keeps_runs(self, tmp_path):
        options = {"horizon": 50, "seed": 7, "group": 20, "max_groups": 2, "store": tmp_path}
        found = bl.compare(POLICIES, ENVIRONMENT, **options)
        before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.parquet"))
        assert before
        assert repr(bl.compare(POLICIES, ENVIRONMENT, **options)) == repr(found)
        assert before == sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.parquet"))

    def test_incompatible_pairs_are_named_at_once(self, monkeypatch):
        monkeypatch.setattr("banditlab.core.playing.runner.play", lambda *a, **k: pytest.fail("it simulated"))
        worlds = {"good": ENVIRONMENT, "bad": arms.Gaussian([0.0, 1.0]), "worse": arms.Gaussian([0.0, 2.0])}
        policies = {"uniform": arms.Uniform(), "klucb": arms.KLUCB()}
        with pytest.raises(IncompatiblePolicy, match=r"klucb cannot play bad: .*; klucb cannot play worse: "):
            bl.compare(policies, worlds, horizon=50)

    def test_undefined_metrics_are_named(self, monkeypatch):
        values = Results.values

        def undefined(self, *arguments, **options):
            found = values(self, *arguments, **options).copy()
            found[1, :4] = np.nan
            return found

        monkeypatch.setattr(Results, "values", undefined)
        with pytest.raises(InvalidArgument, match=r"regret of ucb on Bernoulli.* is undefined in 4 of 20 runs"):
            bl.compare(POLICIES, ENVIRONMENT, horizon=50, group=20)

    @pytest.mark.parametrize("after", [0, 2])
    def test_interruption(self, monkeypatch, after):
        calls = []

        def interrupted(*arguments, **options):
            calls.append(options["first_run"])
            if len(calls) > after:
                raise KeyboardInterrupt
            return bl.run(*arguments, **options)

        monkeypatch.setattr(sequential, "run", interrupted)
        twins = {"a": arms.UCB1(), "b": arms.UCB1()}
        if after == 0:
            with pytest.raises(KeyboardInterrupt):
                bl.compare(twins, ENVIRONMENT, horizon=50, seed=0)
            return
        with pytest.warns(InterruptedRunWarning, match="the decisions are those of the first 2 groups"):
            found = bl.compare(twins, ENVIRONMENT, horizon=50, seed=0)
        assert found.groups == 2

    def test_interruption_within_a_group(self, monkeypatch):
        def part(*arguments, **options):
            warnings.warn("interrupted", InterruptedRunWarning, stacklevel=2)
            return bl.run(*arguments, **(options | {"n_runs": 5}))

        monkeypatch.setattr(sequential, "run", part)
        with pytest.warns(InterruptedRunWarning):
            found = bl.compare(POLICIES, ENVIRONMENT, horizon=50, seed=0)
        assert found.groups == 0
        assert np.isnan(found.differences).all()
        assert "undecided" in repr(found)

    def test_nothing_prints(self, capfd):
        bl.compare(POLICIES, ENVIRONMENT, horizon=50, seed=0, max_groups=2)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"policies": arms.UCB1()}, InvalidArgument, "policies has 1 policy; allowed: at least two"),
            ({"policies": 3}, InvalidType, "policies is 3; allowed: a policy, a list"),
            (
                {"policies": ENVIRONMENT, "environments": POLICIES},
                InvalidType,
                r"policies is Bernoulli.*compare\(policies, env",
            ),
            ({"environments": []}, InvalidArgument, r"environments is \[\]; allowed: at least one environment"),
            ({"metric": "pulls"}, InvalidArgument, r"metric is 'pulls'; allowed: one of \['pulls\[0\]'"),
            ({"metric": "joy"}, InvalidArgument, "joy"),
            ({"metric": 1}, InvalidType, "metric is 1"),
            ({"group": 0}, InvalidArgument, "group is 0"),
            ({"level": 5}, InvalidArgument, "level is 5"),
            ({"seed": -1}, InvalidArgument, "seed is -1"),
            ({"horizon": 1}, InvalidArgument, "horizon is 1"),
            ({"comparisons": [("klucb", "x")]}, InvalidArgument, r"comparisons\[0\] is 'x'"),
        ],
        ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
    )
    def test_bad_arguments(self, options, error, message, monkeypatch):
        monkeypatch.setattr("banditlab.core.playing.runner.play", lambda *a, **k: pytest.fail("it simulated"))
        arguments = {"policies": POLICIES, "environments": ENVIRONMENT, "horizon": 50} | options
        with pytest.raises(error, match=message):
            bl.compare(arguments.pop("policies"), arguments.pop("environments"), **arguments)
