"""`sweep`: cells, parameters, failures, estimates, stores; and a cluster that loses a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from datetime import date
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

import banditlab as bl
from banditlab import arms, clicks, semibandits
from banditlab.core.errors import CellFailedWarning, InterruptedRunWarning, InvalidArgument, InvalidType
from banditlab.core.playing import jobs

ROOT = str(Path(bl.__file__).parents[1])


def gap(delta, n_arms=2):
    return arms.Bernoulli([0.5] + [0.5 - delta] * (n_arms - 1))


def ucb(alpha):
    return arms.UCB1(alpha=alpha)


def picky(delta):
    if delta == 0.25:
        raise ValueError("no quarters")
    return arms.EpsilonGreedy(epsilon=delta)


OVER = {"delta": [0.1, 0.2], "n_arms": [2, 3], "alpha": [0.5, 2.0]}
ENV = arms.Bernoulli([0.2, 0.8])
OPTIONS = {"horizon": 50, "n_runs": 20, "seed": 3, "progress": False}


def same(a, b):
    assert [(c.parameters, c.policy) for c in a.cells] == [(c.parameters, c.policy) for c in b.cells]
    for one, two in zip(a.cells, b.cells, strict=True):
        for metric in one.cell.metrics:
            np.testing.assert_array_equal(one.cell.values[metric], two.cell.values[metric])


class TestCells:
    def test_are_what_run_gives_one_by_one(self):
        result = bl.sweep(gap, [ucb, arms.Uniform()], OVER, metrics=("regret", "pulls"), **OPTIONS)
        assert len(result.cells) == 8 + 4
        for cell in result.cells:
            policy = ucb(cell.parameters["alpha"]) if cell.policy == "ucb" else arms.Uniform()
            alone = bl.run(
                gap(cell.parameters["delta"], cell.parameters["n_arms"]), policy, metrics=("regret", "pulls"), **OPTIONS
            )
            for metric in alone.metrics:
                np.testing.assert_array_equal(cell.cell.values[metric], alone.values(metric)[0])

    def test_combinations_that_differ_in_nothing_are_one(self):
        result = bl.sweep(gap, arms.Uniform(), {"delta": [0.1, 0.1, 0.2]}, **OPTIONS)
        assert [c.parameters for c in result.cells] == [{"delta": 0.1}, {"delta": 0.2}]

    def test_of_equal_values_are_one(self):
        over = {"alpha": [1, 1.0, np.int64(1), 2], "means": [[0.5, 0.4], (0.5, 0.4), np.array([0.5, 0.4])]}
        result = bl.sweep(arms.Bernoulli, ucb, over, **OPTIONS)
        assert [c.parameters["alpha"] for c in result.cells] == [1, 2]
        result.plot("alpha")

    @pytest.mark.parametrize(
        "values",
        [
            [np.array([1 + 1j]), np.array([2 + 2j]), [1 + 1j]],
            [np.array([k], np.longdouble) for k in (1, 2, 1)],
            [np.array(["2020-01-01"], "M8[D]"), np.array(["2021-01-01"], "M8[D]"), [date(2020, 1, 1)]],
            [1 + 1j, 2 + 2j, 1 + 1j],
            [date(2020, 1, 1), date(2021, 1, 1), date(2020, 1, 1)],
            [np.longdouble(1), np.longdouble(2), 1],
            [np.array([k], object) for k in ("a", "b", "a")],
            [np.array([[k]], [("a", "f8"), ("b", np.longdouble, 2)]) for k in (1, 2, 1)],
        ],
        ids=str,
    )
    def test_of_different_values_stay_apart_whatever_their_type(self, values, tmp_path):
        result = bl.sweep(gap(0.1), lambda z: arms.Uniform(), {"z": values}, **OPTIONS)
        assert [str(cell.parameters["z"]) for cell in result.cells] == [str(value) for value in values[:2]]
        assert len(result.summary()["z"].unique()) == 2
        assert len(bl.load(result.save(tmp_path / "s")).to_pandas()["z"].unique()) == 2

    @pytest.mark.parametrize("over", [{"z": [2, 1.0, True]}, [{"z": True}, {"z": 0}, {"z": 1.0}]], ids=repr)
    def test_of_a_number_and_a_flag_that_equals_it_are_refused(self, over):
        with pytest.raises(InvalidArgument, match=r"over has both 1.0 and True for 'z'; allowed: one of them, as they"):
            bl.sweep(gap(0.1), lambda z: arms.Uniform(), over, **OPTIONS)
        result = bl.sweep(gap(0.1), lambda z: arms.Uniform(), {"z": [False, 1, 2]}, **OPTIONS)
        assert len(result.cells) == 3

    def test_environments_are_made_once_for_all_policies(self):
        made, bounded = [], []

        @arms.environment
        class Told(arms.Bernoulli):
            def lower_bound_constant(self):
                bounded.append(self)
                return super().lower_bound_constant()

        def world(delta):
            made.append(delta)
            return Told([0.5, 0.5 - delta])

        over = {"delta": [0.1, 0.2], "alpha": [0.5, 2.0]}
        result = bl.sweep(world, [ucb, arms.KLUCB(), arms.Uniform()], over, **OPTIONS)
        assert made == [0.1, 0.2]
        assert len(bounded) == 2
        assert len(result.finished) == 2 * (2 + 1 + 1)
        along = {"horizon": [20, 30], "delta": [0.1]}
        bl.sweep(world, arms.Uniform(), along, n_runs=3, seed=0, progress=False)
        assert len(made) == 3

    def test_explicit_cells_classes_defaults_and_horizons(self):
        cells = [{"means": [0.5, 0.4], "horizon": 30}, {"means": [0.9, 0.1], "horizon": 60, "epsilon": 0.3}]
        result = bl.sweep(arms.Bernoulli, arms.EpsilonGreedy, cells, n_runs=5, seed=0, progress=False)
        assert result.parameters == ("means", "horizon", "epsilon")
        assert [c.horizon for c in result.cells] == [30, 60]
        assert [c.checkpoints[-1] for c in result.cells] == [30, 60]
        again = bl.run(arms.Bernoulli([0.9, 0.1]), arms.EpsilonGreedy(0.3), horizon=60, n_runs=5, seed=0)
        np.testing.assert_array_equal(result.cells[1].cell.values["regret"], again.values()[0])

    def test_labels_from_a_dict_and_free_keywords(self):
        def free(**parameters):
            return arms.UCB1(**parameters)

        result = bl.sweep(gap(0.1), {"mine": free, "other": ucb}, {"alpha": [1.0, 2.0]}, **OPTIONS)
        assert result.policies == ("mine", "other")
        np.testing.assert_array_equal(result.cells[0].cell.values["regret"], result.cells[1].cell.values["regret"])

    def test_free_keywords_beside_the_horizon(self):
        def free(horizon, **parameters):
            return arms.UCB1(**parameters)

        result = bl.sweep(gap(0.1), [free, ucb], {"alpha": [0.1, 5.0]}, **OPTIONS)
        assert [c.parameters for c in result.cells if c.policy == "free"] == [{"alpha": 0.1}, {"alpha": 5.0}]
        for alpha in (0.1, 5.0):
            mine, other = (c.cell.values["regret"] for c in result.cells if c.parameters["alpha"] == alpha)
            np.testing.assert_array_equal(mine, other)

    def test_over_several_families(self):
        def world(penalty):
            return clicks.StrategicClickBandit([0.6, 0.5], [0.66, 0.55], clicks.QuadraticUtility(penalty))

        result = bl.sweep(world, [clicks.UCBS(), clicks.MuOracle()], {"penalty": [2.0, 5.0]}, **OPTIONS)
        assert len(result.finished) == 4

    def test_do_not_depend_on_threads_processes_or_chunks(self, monkeypatch):
        whole = bl.sweep(gap, [ucb, arms.Uniform()], OVER, n_jobs=1, **OPTIONS)
        same(bl.sweep(gap, [ucb, arms.Uniform()], OVER, n_jobs=3, **OPTIONS), whole)
        with joblib.parallel_config("loky", n_jobs=2):
            same(bl.sweep(gap, [ucb, arms.Uniform()], OVER, **OPTIONS), whole)
        monkeypatch.setattr(jobs, "CHUNK", 3)
        same(bl.sweep(gap, [ucb, arms.Uniform()], OVER, **OPTIONS), whole)

    def test_that_differ_little_are_different(self):
        rng = np.random.default_rng(0)
        many = {"instance": [arms.Bernoulli(rng.random(20)) for _ in range(3)]}
        assert len(bl.sweep(lambda instance: instance, arms.Uniform(), many, **OPTIONS).cells) == 3
        close = {"means": [np.array([0.5, 0.4]), np.array([0.5, 0.4 + 1e-10])]}
        assert len(bl.sweep(arms.Bernoulli, arms.Uniform(), close, **OPTIONS).cells) == 2

    def test_factories_are_told_the_horizon(self):
        def etc(horizon):
            return arms.ExploreThenCommit(m=horizon // 10)

        result = bl.sweep(gap(0.1), etc, {"horizon": [50, 100]}, n_runs=3, seed=0, progress=False)
        told = [cell["policy"]["m"] for cell in result.provenance["cells"]]
        assert told == [5, 10]
        fixed = bl.sweep(gap(0.1), etc, [{}], horizon=70, n_runs=3, seed=0, progress=False)
        assert fixed.provenance["cells"][0]["policy"]["m"] == 7

    def test_values_that_are_no_numbers(self):
        def world(utility, shift):
            return clicks.StrategicClickBandit([0.6, 0.5], [0.66, shift(0.5)], utility)

        over = {"utility": [clicks.QuadraticUtility(2.0)], "shift": [lambda s: s / 2]}
        frame = bl.sweep(world, clicks.MuOracle(), over, **OPTIONS).to_pandas()
        assert frame["utility"].iloc[0] == "QuadraticUtility(penalty=2)"
        assert "lambda" in frame["shift"].iloc[0]

    def test_generators_are_lists(self):
        result = bl.sweep(gap, arms.Uniform(), {"delta": (d / 10 for d in (1, 2))}, **OPTIONS)
        assert [c.parameters["delta"] for c in result.cells] == [0.1, 0.2]


@pytest.fixture(scope="module")
def result():
    return bl.sweep(gap, [ucb, arms.Uniform()], OVER, metrics=("regret", "reward"), **OPTIONS)


class TestTables:
    def test_tidy(self, result):
        frame = result.to_pandas()
        assert frame.columns.tolist() == ["delta", "n_arms", "alpha", "policy", "run", "round", "regret", "reward"]
        one = frame[(frame.delta == 0.2) & (frame.n_arms == 3) & (frame.alpha == 0.5) & (frame["round"] == 50)]
        cell = next(c for c in result.cells if c.parameters == {"delta": 0.2, "n_arms": 3, "alpha": 0.5})
        np.testing.assert_array_equal(one["regret"], cell.cell.values["regret"][:, -1])
        assert frame[frame.policy == "Uniform"]["alpha"].isna().all()

    def test_tidy_and_summary_agree_on_parameters(self):
        over = {"means": [[0.1, 0.5], [0.4, 0.5]], "k": [1, 2], "name": ["a", "b"]}
        policies = {
            "etc": lambda k: arms.ExploreThenCommit(m=k),
            "named": lambda name: arms.UCB1(),
            "u": arms.Uniform(),
        }
        result = bl.sweep(arms.Bernoulli, policies, over, **OPTIONS)
        tidy = result.to_pandas().drop_duplicates([*over, "policy"])[[*over, "policy"]].reset_index(drop=True)
        pd.testing.assert_frame_equal(tidy, result.summary()[[*over, "policy"]])
        assert tidy["k"].dtype == float
        assert tidy["means"][0] == (0.1, 0.5)
        assert len(tidy.groupby(["k", "policy"], dropna=False)) == 4

    def test_summary(self, result):
        table = result.summary("reward")
        assert len(table) == 12
        row = table.iloc[0]
        last = result.cells[0].cell.values["reward"][:, -1]
        assert row["mean"] == last.mean()
        assert row["std"] == pytest.approx(last.std(ddof=1))
        with pytest.raises(InvalidArgument, match="metric is 'pulls'; allowed"):
            result.summary("pulls")

    def test_repr_and_provenance(self, result):
        assert repr(result) == "<SweepResults: 12 cells over delta, n_arms, alpha, 20 runs, metrics regret, reward>"
        assert len(result.provenance["cells"]) == 12
        assert result.provenance["seed"] == 3

    def test_statistics_are_those_of_the_runs(self, result):
        less = bl.sweep(gap, [ucb, arms.Uniform()], OVER, metrics=("regret", "reward"), keep="summary", **OPTIONS)
        a, b = result.summary(), less.summary()
        for column in ("mean", "std", "q05", "median", "q95", "ci_low"):
            np.testing.assert_allclose(a[column], b[column], rtol=1e-12)
        frame = less.to_pandas()
        assert {"delta", "policy", "round", "metric", "mean", "median"} <= set(frame.columns)


class TestFailures:
    def test_do_not_stop_the_others(self, tmp_path):
        @arms.policy
        class Crash:
            limit: int = bl.field(default=0, doc="raises beyond this round")

            def select(self, state, lane, t, rng):
                if t > self.limit:
                    raise RuntimeError("crashed on purpose")
                return 0

            def update(self, state, arm, lane, reward, t):
                pass

        def crash(limit):
            return Crash(limit=limit)

        options = OPTIONS | {"backend": "python", "n_runs": 3, "store": tmp_path / "s"}
        told = r"2 of 5 cells failed, the first \(crash, limit=10\) with RuntimeError: crashed on purpose; see"
        with pytest.warns(CellFailedWarning, match=told):
            result = bl.sweep(
                gap(0.1), [crash, picky, arms.Uniform()], [{"limit": 10, "delta": 0.25}, {"limit": 50, "delta": 0.5}],
                **options,
            )  # fmt: skip
        failures = result.failures
        assert sorted(failures["error"]) == ["RuntimeError: crashed on purpose", "ValueError: no quarters"]
        assert all("Traceback" in text for text in failures["traceback"])
        assert ", 2 failed" in repr(result)
        told = bl.Store(tmp_path / "s").cells()
        assert next(text for text in told["failure"] if text).strip().endswith("RuntimeError: crashed on purpose")
        assert len(result.summary()) == len(result.finished)

    def test_of_factories_are_in_the_store_until_they_work(self, tmp_path):
        allowed = []

        def choosy(delta):
            if delta not in allowed:
                raise ValueError(f"not {delta}")
            return arms.EpsilonGreedy(epsilon=delta)

        options = OPTIONS | {"store": tmp_path / "s"}
        over = {"delta": [0.25, 0.5]}
        allowed.append(0.5)
        with pytest.warns(CellFailedWarning, match="1 of 2 cells failed"):
            bl.sweep(gap(0.1), choosy, over, **options)
        told = bl.Store(tmp_path / "s").cells().set_index("environment")
        assert "ValueError: not 0.25" in told.loc["not made (delta=0.25)", "failure"]
        assert told.loc["not made (delta=0.25)", "n_runs"] == 0
        allowed.append(0.25)
        bl.sweep(gap(0.1), choosy, over, **options)
        told = bl.Store(tmp_path / "s").cells()
        assert told["failure"].tolist() == ["", ""]
        assert told["n_runs"].tolist() == [20, 20]

    def test_are_told_in_any_locale(self, tmp_path):
        """Where it is ASCII, names of files and other words from outside are no Unicode either."""
        script = """
import sys, warnings
import banditlab as bl
from banditlab import arms

def choosy(k):
    if k < 2:
        raise ValueError(("gr\\xf6\\xdfer", sys.argv[1])[k])
    return arms.UCB1()

warnings.simplefilter("ignore", bl.errors.CellFailedWarning)
options = dict(horizon=9, n_runs=2, store="s", progress=False)
failures = bl.sweep(arms.Bernoulli([0.5, 0.4]), choosy, {"k": [0, 1, 2]}, **options).failures
print(*map(ascii, failures["error"]))
assert sorted(failures["traceback"]) == sorted(filter(None, bl.Store("s").cells()["failure"]))
"""
        ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONPATH": ROOT}
        done = subprocess.run(
            [sys.executable, "-c", script, b"caf\xe9"],
            cwd=tmp_path, env=os.environ | ascii_only, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == r"'ValueError: gr\xf6\xdfer' 'ValueError: caf\\udce9'"

    def test_are_in_the_store_until_the_cell_is_finished(self, tmp_path):
        source = """
from banditlab import arms
broken = True
@arms.policy
class Sometimes:
    def select(self, state, lane, t, rng):
        if broken:
            raise RuntimeError("not yet")
        return 0
    def update(self, state, arm, lane, reward, t):
        pass
"""
        scope = {"__name__": "own_module_of_a_test"}
        exec(source, scope)
        options = OPTIONS | {"backend": "python", "n_runs": 3, "store": tmp_path / "s"}
        with pytest.warns(CellFailedWarning):
            bl.sweep(gap(0.1), [scope["Sometimes"](), arms.Uniform()], [{}], **options)
        told = bl.Store(tmp_path / "s").cells().set_index("policy")
        assert "not yet" in told.loc["Sometimes", "failure"]
        assert told.loc["Sometimes", "n_runs"] == 0
        scope["broken"] = False
        bl.sweep(gap(0.1), [scope["Sometimes"](), arms.Uniform()], [{}], **options)
        told = bl.Store(tmp_path / "s").cells().set_index("policy")
        assert set(told.loc[["Sometimes"], "n_runs"]) == {0, 3}  # the global is part of the code: another cell

    def test_when_nothing_can_be_made_the_error_is_raised(self):
        with pytest.raises(ValueError, match="no quarters") as caught:
            bl.sweep(gap(0.1), picky, {"delta": [0.25]}, **OPTIONS)
        assert caught.value.__notes__ == ["in the cell 'picky, delta=0.25'"]
        told = r"means\[1\] is .* \(in the cell 'ucb, delta=1, n_arms=4, alpha=2', the first of 4, which all failed"
        with pytest.raises(InvalidArgument, match=told):
            bl.sweep(gap, [ucb, arms.Uniform()], {"delta": [1, 2], "n_arms": [4], "alpha": [2]}, **OPTIONS)

    @pytest.mark.parametrize(
        ("changes", "kind", "message"),
        [
            ({"over": {"gamma": [1]}}, InvalidArgument, "over is 'gamma'; allowed: 'horizon', or an argument of a "),
            ({"over": {"delta": []}}, InvalidArgument, r"over\['delta'\] is \[\]; allowed"),
            ({"over": {"delta": 0.5}}, InvalidArgument, r"over\['delta'\] is 0.5; allowed"),
            ({"over": {"mean": [1]}}, InvalidArgument, "over is 'mean'; allowed: a parameter that is no column"),
            ({"over": {"regret": [1]}}, InvalidArgument, "over is 'regret'; allowed: a parameter that is no column"),
            ({"over": 5}, InvalidType, "over is 5; allowed"),
            ({"over": {"alpha": [1.0]}}, InvalidArgument, "over lacks 'delta', an argument of gap without a default"),
            ({"over": [{"delta": 0.1, "alpha": 1.0}, {"delta": 0.1}]}, InvalidArgument, r"over\[1\] lacks 'alpha', an"),
            (
                {"policies": {"p": lambda n: arms.UCB1()}, "over": {"delta": [0.1]}},
                InvalidArgument,
                r"over lacks 'n', an argument of policies\['p'\] without a default",
            ),
            ({"over": [1]}, InvalidType, "over is .*; allowed"),
            ({"environment": 5}, InvalidType, "environment is 5; allowed"),
            ({"environment": arms.UCB1()}, InvalidType, "environment is UCB1.*; allowed"),
            ({"policies": []}, InvalidArgument, "policies is .*; allowed: at least one"),
            ({"policies": [ucb, ucb]}, InvalidArgument, "policies is 'ucb'; allowed: different labels"),
            ({"policies": [3]}, InvalidType, r"policies\[0\] is 3; allowed"),
            ({"policies": {"": ucb}}, InvalidType, "policies has the label ''; allowed: printable text, not empty"),
            ({"policies": {1: ucb}}, InvalidType, "policies has the label 1; allowed: printable text"),
            ({"policies": lambda alpha: 3}, InvalidType, "returned 3; allowed: a policy"),
            ({"horizon": None}, InvalidType, "horizon is None; allowed"),
            ({"n_runs": 0}, InvalidArgument, "n_runs is 0; allowed"),
            ({"seed": -1}, InvalidArgument, "seed is -1"),
            ({"metrics": ["regret", "regret"]}, InvalidArgument, r"metrics\[1\] is"),
            ({"keep": "all"}, InvalidArgument, "keep is 'all'"),
            ({"backend": "gpu"}, InvalidArgument, "backend is 'gpu'"),
            ({"n_jobs": 0}, InvalidArgument, "n_jobs is 0"),
            ({"store": 5}, ValueError, "store is 5"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
    )
    def test_bad_arguments(self, changes, kind, message):
        arguments = {"environment": gap, "policies": ucb, "over": OVER} | OPTIONS | changes
        with pytest.raises(kind, match=message):
            bl.sweep(arguments.pop("environment"), arguments.pop("policies"), arguments.pop("over"), **arguments)

    def test_interrupting_keeps_the_cells_that_are_done(self, monkeypatch):
        whole = bl.sweep(gap, ucb, OVER, n_jobs=1, **OPTIONS)
        counted = []

        def interrupting(bar, rounds):
            counted.append(rounds)
            if len(counted) == 4:
                raise KeyboardInterrupt

        monkeypatch.setattr("banditlab.core.playing.progress.Progress.add", interrupting)
        with pytest.warns(InterruptedRunWarning, match="the 3 of 8 cells"):
            part = bl.sweep(gap, ucb, OVER, n_jobs=1, **OPTIONS)
        assert len(part.cells) == 3
        assert (whole.not_played, part.not_played) == (0, 5)
        assert "not played" not in repr(whole)
        assert repr(part).startswith("<SweepResults: 3 cells over delta, n_arms, alpha, 5 not played, ")
        where = {name: part.cells[0].parameters[name] for name in ("delta", "n_arms")}
        assert part.plot("alpha", where=where).get_title().endswith("\ninterrupted: 5 cells not played")
        np.testing.assert_array_equal(part.cells[2].cell.values["regret"], whole.cells[2].cell.values["regret"])


class TestStore:
    def test_a_sweep_goes_on_where_it_was(self, tmp_path, simulated):
        first = bl.sweep(gap, [ucb, arms.Uniform()], OVER | {"delta": [0.1]}, store=tmp_path / "s", **OPTIONS)
        simulated.clear()
        more = bl.sweep(gap, [ucb, arms.Uniform()], OVER, store=tmp_path / "s", **OPTIONS)
        assert len(simulated) == len(more.cells) - len(first.cells)
        again = bl.sweep(gap, [ucb, arms.Uniform()], OVER, store=tmp_path / "s", **OPTIONS)
        assert len(simulated) == len(more.cells) - len(first.cells)
        same(again, more)
        same(more, bl.sweep(gap, [ucb, arms.Uniform()], OVER, **OPTIONS))

    def test_run_and_sweep_share_it(self, tmp_path):
        bl.sweep(gap, ucb, OVER, store=tmp_path / "s", **OPTIONS)
        cells = len(bl.Store(tmp_path / "s").cells())
        bl.run(gap(0.1, 3), arms.UCB1(alpha=0.5), store=tmp_path / "s", **OPTIONS)
        assert len(bl.Store(tmp_path / "s").cells()) == cells


def test_dry_run_counts_on_the_cores_that_will_play():
    def cores(**options):
        return bl.sweep(gap, arms.Uniform(), {"delta": [0.1]}, dry_run=True, **OPTIONS, **options).n_jobs

    with joblib.parallel_config("threading", n_jobs=3):
        assert cores() == 3
        assert cores(n_jobs=5) == 5
    with joblib.parallel_config("threading", n_jobs=-1):
        assert cores() == joblib.cpu_count()
    with joblib.parallel_config(n_jobs=1):
        assert cores() == 1
    assert cores() == joblib.cpu_count()


def test_dry_run_times_each_kind_of_what_is_nested():
    world = semibandits.SemiBandit(arms.Bernoulli(np.linspace(0.1, 0.9, 9)), semibandits.MSets(3))

    def policy(actions):
        return semibandits.CombUCB1(actions=actions)

    def seconds(order):
        options = {"horizon": 200, "n_runs": 10, "seed": 0, "dry_run": True}
        return bl.sweep(world, policy, {"actions": order}, **options).cpu_seconds

    quick, slow = semibandits.MSets(3), semibandits.LinearSet([[1.0] * 9], upper=[3.0])
    # the first was timed for both: the estimates were a thousand times apart
    assert 0.1 < seconds([quick, slow]) / seconds([slow, quick]) < 10.0


def test_numbers_of_numpy_are_numbers(tmp_path):
    over = [{"n_arms": np.int64(3), "delta": np.float32(0.25)}, {"n_arms": np.int64(3), "delta": np.float32(0.25)}]
    found = bl.sweep(gap, arms.Uniform(), over, **OPTIONS)
    assert len(found.cells) == 1
    found = bl.sweep(gap, arms.Uniform(), {"n_arms": np.arange(9, 12), "delta": np.array([0.25, 0.5])}, **OPTIONS)
    assert found.to_pandas()["n_arms"].dtype == np.int64
    assert set(found.to_pandas()["n_arms"]) == {9, 10, 11}
    assert set(found.to_pandas()["delta"]) == {0.25, 0.5}


@arms.environment
class Boundless(arms.Stationary):
    """Its lower bound cannot be computed for one of its parameters."""

    means: object = bl.field(doc="means")
    fails: bool = bl.field(default=False, doc="whether")

    def reward(self, arm, u, t):
        return self.means[arm]

    def kinf(self, arm, target):
        return 1.0 / (0.0 if self.fails else 1.0)


def test_a_cell_whose_lower_bound_fails_fails_alone():
    def world(fails):
        return Boundless([0.25, 0.5], fails)

    with pytest.warns(CellFailedWarning, match="1 of 2 cells failed"):
        found = bl.sweep(world, arms.Uniform(), {"fails": [False, True]}, **OPTIONS)
    assert "ZeroDivisionError" in found.failures["traceback"].iloc[0]


def test_dry_run_counts_and_estimates():
    found = bl.sweep(gap, [ucb, arms.Uniform()], OVER, dry_run=True, n_jobs=1, **OPTIONS)
    assert (found.n_cells, found.n_rounds, found.n_jobs) == (12, 12 * 20 * 50, 1)
    result = bl.sweep(gap, [ucb, arms.Uniform()], OVER, **OPTIONS)
    assert found.memory_bytes == sum(c.cell.values["regret"].nbytes for c in result.cells)
    assert 0.0 < found.seconds == found.cpu_seconds < 60.0
    assert repr(found).startswith("<Estimate: 12 cells, 12,000 rounds, about ")


def test_results_larger_than_the_memory_are_refused_before_anything_is_played():
    with pytest.raises(InvalidArgument, match=r"n_runs is 2,147,483,648, .* GB with keep='runs'; allowed: what fits"):
        bl.sweep(gap, ucb, OVER, horizon=10**4, n_runs=2**31, keep="runs")


class TestCluster:
    """A real dask.distributed cluster: two worker processes on loopback, over TCP."""

    @pytest.fixture
    def cluster(self):
        distributed = pytest.importorskip("distributed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with (
                distributed.LocalCluster(
                    n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp://"
                ) as running,
                distributed.Client(running) as client,
            ):
                yield running, client

    @pytest.mark.filterwarnings("ignore")
    def test_a_worker_dies_half_way_and_the_numbers_are_the_same(self, cluster):
        running, client = cluster
        over = {"delta": [0.05, 0.1, 0.15, 0.2], "n_arms": [2, 5], "alpha": [0.5, 2.0]}
        options = {"horizon": 20_000, "n_runs": 256, "seed": 3, "progress": False}
        serial = bl.sweep(gap, [ucb], over, n_jobs=1, **options)
        victim = next(iter(running.workers.values())).pid

        def kill():
            time.sleep(0.8)
            os.kill(victim, signal.SIGKILL)

        assassin = threading.Thread(target=kill)
        with joblib.parallel_config("dask", client=client, wait_for_workers_timeout=60):
            assassin.start()
            result = bl.sweep(gap, [ucb], over, **options)
        assassin.join()
        same(result, serial)
        assert not result.failures.size


def test_dry_run_counts_what_the_store_has(tmp_path):
    options = {"horizon": 100, "seed": 0, "store": tmp_path}

    def dry(alphas, n_runs, **changes):
        return bl.sweep(ENV, ucb, {"alpha": alphas}, n_runs=n_runs, dry_run=True, **options, **changes)

    assert dry([0.5], 10).stored_rounds == 0
    bl.sweep(ENV, ucb, {"alpha": [0.5, 1.0]}, n_runs=200, **options)
    whole = dry([0.5, 1.0], 200)
    assert (whole.n_rounds, whole.stored_rounds, whole.seconds) == (40_000, 40_000, 0.0)
    assert repr(whole).startswith("<Estimate: 2 cells, 40,000 rounds, all in the store, ")
    part = dry([0.5, 2.0], 250)
    assert (part.n_rounds, part.stored_rounds) == (50_000, 20_000)
    assert part.seconds > 0.0
    assert repr(part).startswith("<Estimate: 2 cells, 50,000 rounds, 20,000 of them in the store, about ")
    assert dry([0.5], 100, first_run=150).stored_rounds == 5_000


@pytest.mark.parametrize("several", [[ENV, ENV], {"one": ENV}])
def test_several_environments_are_told_to_be_values_of_a_parameter(several):
    with pytest.raises(bl.errors.InvalidType, match=r"lambda world: several\[world\], over \{'world': "):
        bl.sweep(several, ucb, {"alpha": [0.5]}, **OPTIONS)
    several = {"hard": arms.Bernoulli([0.5, 0.6]), "easy": arms.Bernoulli([0.1, 0.9])}
    over = {"alpha": [0.5], "world": list(several)}
    found = bl.sweep(lambda world: several[world], ucb, over, **OPTIONS)
    assert found.summary()["world"].tolist() == ["hard", "easy"]


def test_summary_after_another_round():
    result = bl.sweep(ENV, ucb, {"alpha": [0.5, 1.0]}, checkpoints=[10, 50], **OPTIONS)
    means = [cell.cell.values["regret"][:, 0].mean() for cell in result.cells]
    np.testing.assert_allclose(result.summary(at=10)["mean"], means)
    with pytest.raises(bl.errors.InvalidArgument, match=r"at is 11; allowed: one of the checkpoints, \[10, 50\]"):
        result.summary(at=11)
