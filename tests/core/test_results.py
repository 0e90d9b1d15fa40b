"""Results: what they hold, and saving and loading them."""

from __future__ import annotations

import os
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import banditlab as bl
from banditlab import arms, clicks, semibandits
from banditlab.core.errors import InvalidArgument, ResultsFileError
from banditlab.core.results import results_file
from banditlab.core.results.results import Cell

ENVIRONMENT = arms.Bernoulli([0.2, 0.5, 0.4])


@pytest.fixture(scope="module")
def result():
    return bl.run(
        ENVIRONMENT,
        [arms.UCB1(), arms.KLUCB()],
        horizon=300,
        n_runs=200,
        seed=3,
        metrics=("regret", "pulls"),
        checkpoints=7,
    )


def test_values_have_the_documented_shape(result):
    assert result.values().shape == (2, 200, 7)
    assert result.values().dtype == np.float64
    assert result.metrics == ("regret", "pulls[0]", "pulls[1]", "pulls[2]")
    assert result.checkpoints.tolist() == [1, 3, 7, 17, 45, 116, 300]


def test_values_of_one_policy(result):
    for k, label in enumerate(result.policies):
        for name in result.environments:
            np.testing.assert_array_equal(result.values(environment=name, policy=label), result.values(None, name)[k])
    with pytest.raises(InvalidArgument, match="policy is 'nobody'; allowed: one of"):
        result.values(environment=result.environments[0], policy="nobody")


def test_unknown_names_are_refused(result):
    with pytest.raises(InvalidArgument, match=r"metric is 'reward'; allowed: one of \['regret', 'pulls\[0\]'"):
        result.values("reward")
    with pytest.raises(InvalidArgument, match=r"metric is 'reward'"):
        result.summary("reward")
    with pytest.raises(InvalidArgument, match=r"environment is 'moon'; allowed: one of"):
        result.values(environment="moon")


def test_summary_numbers_are_those_of_the_values(result):
    table = result.summary()
    final = result.values()[:, :, -1]
    for k, label in enumerate(result.policies):
        row = table.loc[label]
        assert row["mean"] == final[k].mean()
        half = 1.971956544249395 * final[k].std(ddof=1) / np.sqrt(200)  # Student's t, 199 degrees of freedom
        assert row["ci_high"] - row["mean"] == pytest.approx(half, rel=1e-12)
        assert row["median"] == np.median(final[k])
        bound = ENVIRONMENT.lower_bound_constant() * np.log(300)
        assert row["ratio_to_lower_bound"] == pytest.approx(final[k].mean() / bound, rel=1e-12)
        assert row["rounds_per_second"] > 0
    assert "ratio_to_lower_bound" not in result.summary("pulls[0]")
    assert (result.summary(level=0.5)["ci_high"] < table["ci_high"]).all()
    with pytest.raises(InvalidArgument, match="level is 95"):
        result.summary(level=95)


def test_summary_after_another_round(result):
    rounds = result.checkpoints.tolist()
    k = len(rounds) // 2
    table = result.summary("regret", at=rounds[k])
    np.testing.assert_allclose(table["mean"], result.values("regret")[:, :, k].mean(axis=1))
    np.testing.assert_allclose(table["q95"], np.quantile(result.values("regret")[:, :, k], 0.95, axis=1))
    bound = result.lower_bound()[k]
    np.testing.assert_allclose(table["ratio_to_lower_bound"], table["mean"] / bound)
    pd.testing.assert_frame_equal(result.summary("regret", at=rounds[-1]), result.summary("regret"))
    between = next(t for t in range(1, rounds[-1]) if t not in rounds)
    for at in (between, rounds[-1] + 1):
        with pytest.raises(InvalidArgument, match=rf"at is {at}; allowed: one of the checkpoints, \["):
            result.summary(at=at)


def test_summary_after_several_rounds(result):
    rounds = result.checkpoints[[1, 4]].tolist()
    for at in (rounds, tuple(rounds), np.array(rounds)):
        table = result.summary("regret", at=at)
        assert table.index.names == ["policy", "round"]
        for t in rounds:
            pd.testing.assert_frame_equal(table.xs(t, level="round"), result.summary("regret", at=t))
    assert result.summary(at=rounds[:1]).index.names == ["policy", "round"]
    with pytest.raises(InvalidArgument, match=r"at\[1\] is 2; allowed: one of the checkpoints"):
        result.summary(at=[1, 2])
    with pytest.raises(InvalidArgument, match=r"at is \[\]; allowed: one or more of the checkpoints"):
        result.summary(at=[])
    both = bl.run({"a": ENVIRONMENT, "b": ENVIRONMENT}, arms.UCB1(), horizon=9, n_runs=2, seed=0)
    assert both.summary(at=[1, 9]).index.names == ["environment", "policy", "round"]
    swept = bl.sweep(ENVIRONMENT, arms.UCB1, {"alpha": [0.5, 2.0]}, horizon=9, n_runs=2, seed=0)
    table = swept.summary(at=[1, 9])
    assert table[["alpha", "policy", "round"]].values.tolist() == [
        [alpha, "UCB1", t] for alpha in (0.5, 2.0) for t in (1, 9)
    ]
    expected = swept.summary(at=9).reset_index(drop=True)
    found = table[table["round"] == 9].drop(columns="round").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)


def test_summary_of_several_metrics(result):
    table = result.summary(result.metrics)
    assert table.index.names == ["policy", "metric"]
    assert len(table) == len(result.policies) * len(result.metrics)
    for metric in result.metrics:
        alone = table.xs(metric, level="metric")
        expected = result.summary(metric)
        pd.testing.assert_frame_equal(alone[expected.columns], expected)
        assert alone["ratio_to_lower_bound"].isna().all() == (metric != "regret")
    assert result.summary([" pulls[ 1 ]"]).index.tolist() == [(p, "pulls[1]") for p in result.policies]
    assert result.summary(["regret"], at=[7, 300]).index.names == ["policy", "metric", "round"]
    with pytest.raises(InvalidArgument, match=r"metric is \[\]; allowed: one or more of \['regret', 'pulls\[0\]'"):
        result.summary([])
    with pytest.raises(InvalidArgument, match=r"metric is 'reward'; allowed: one of"):
        result.summary(["regret", "reward"])
    worlds = {"two": arms.Bernoulli([0.5, 0.4]), "three": ENVIRONMENT}
    both = bl.run(worlds, arms.UCB1(), horizon=20, n_runs=2, seed=0, metrics=["regret", "pulls"])
    rows = both.summary(both.metrics).index.tolist()
    assert rows == [("two", "UCB1", m) for m in both.metrics[:3]] + [("three", "UCB1", m) for m in both.metrics]


def test_summary_of_several_metrics_of_a_sweep():
    options = {"metrics": ["reward", "pulls"], "horizon": 9, "n_runs": 2, "seed": 0}
    swept = bl.sweep(ENVIRONMENT, arms.UCB1, {"alpha": [0.5, 2.0]}, **options)
    table = swept.summary(swept.metrics)
    assert table.columns[:3].tolist() == ["alpha", "policy", "metric"]
    assert table["metric"].tolist() == 2 * ["reward", "pulls[0]", "pulls[1]", "pulls[2]"]
    found = table[table["metric"] == "pulls[1]"].drop(columns="metric").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, swept.summary("pulls[1]"))
    with pytest.raises(InvalidArgument, match="metric is 'regret'; allowed: one of"):
        swept.summary(["reward", "regret"])


@pytest.mark.parametrize(
    ("environment", "policy"),
    [
        (clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.6, 0.5]), clicks.UCBS()),
        (semibandits.SemiBandit(arms.Bernoulli([0.2, 0.8]), semibandits.MSets(1)), semibandits.CombUCB1()),
    ],
    ids=["clicks", "semibandits"],
)
def test_no_column_is_without_any_lower_bound(environment, policy):
    size = {"horizon": 20, "n_runs": 2, "seed": 0}
    assert "ratio_to_lower_bound" not in bl.run(environment, policy, **size).summary()
    assert "ratio_to_lower_bound" not in bl.sweep(environment, policy, {}, **size).summary()
    worlds = {"known": ENVIRONMENT, "unknown": bl.Instances([ENVIRONMENT, ENVIRONMENT])}
    table = bl.run(worlds, arms.UCB1(), **size).summary()["ratio_to_lower_bound"]
    assert table.isna().tolist() == [False, True]


def test_a_metric_that_one_environment_lacks_is_that_of_the_others():
    worlds = {"two": arms.Bernoulli([0.5, 0.4]), "three": ENVIRONMENT}
    both = bl.run(worlds, arms.UCB1(), horizon=20, n_runs=2, seed=0, metrics="pulls")
    assert both.summary("pulls[2]").index.tolist() == [("three", "UCB1")]
    for ask in (both.summary, both.values):
        with pytest.raises(
            InvalidArgument, match=r"'pulls\[2\]'; allowed: .*'pulls\[1\]'\], which were recorded on two"
        ):
            ask("pulls[2]", environment="two")
    with pytest.raises(InvalidArgument, match="metric is 'reward'; allowed"):
        both.summary("reward")


def test_summary_of_several_environments():
    both = bl.run({"a": ENVIRONMENT, "b": ENVIRONMENT}, arms.UCB1(), horizon=9, n_runs=1, seed=0)
    table = both.summary()
    assert table.index.names == ["environment", "policy"]
    assert np.isnan(table["std"]).all()
    pd.testing.assert_frame_equal(both.summary(environment="b"), table.loc["b"])
    with pytest.raises(InvalidArgument, match=r"environment is 'c'; allowed: one of \['a', 'b'\]"):
        both.summary(environment="c")


def test_to_pandas_is_tidy(result):
    table = result.to_pandas()
    assert list(table.columns) == ["environment", "policy", "run", "round", *result.metrics]
    assert len(table) == 2 * 200 * 7
    one = table[(table.policy == "KLUCB") & (table.run == 17) & (table["round"] == 116)]
    assert one["regret"].item() == result.values()[1, 17, 5]
    pivot = table.groupby("policy", observed=True)["regret"].mean()
    assert isinstance(pivot, pd.Series)


@pytest.mark.parametrize("name", ["r.csv", "r.JSON", "r.png"])
def test_a_name_that_promises_another_format_is_refused(result, tmp_path, name):
    with pytest.raises(InvalidArgument, match=rf"path is '.*{name}'; allowed: a name that ends in .parquet"):
        result.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_save_and_load_are_exact(result, tmp_path):
    path = result.save(tmp_path / "r.parquet")
    back = bl.load(path)
    assert back.policies == result.policies
    assert back.environments == result.environments
    assert back.metrics == result.metrics
    assert (back.checkpoints == result.checkpoints).all()
    for metric in result.metrics:
        assert (back.values(metric) == result.values(metric)).all()
    assert (back.lower_bound() == result.lower_bound()).all()
    assert back.provenance == result.provenance
    pd.testing.assert_frame_equal(back.summary(), result.summary())
    assert [p.name for p in tmp_path.iterdir()] == ["r.parquet"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode, or may have no colon")
@pytest.mark.parametrize("name", ["s3:r.parquet", os.fsdecode(b"caf\xe9.parquet")])
def test_a_name_is_a_name_and_no_address(result, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    result.save(name)
    assert (bl.load(name).values() == result.values()).all()


@pytest.mark.parametrize("numbers", [3, 40, 999])
def test_files_larger_than_what_is_read_at_a_time(result, tmp_path, monkeypatch, numbers):
    monkeypatch.setattr(results_file, "NUMBERS_AT_A_TIME", numbers)
    path = result.save(tmp_path / "r.parquet")
    monkeypatch.setattr(pq, "read_table", None)  # all at once, which takes eight times the memory of the results
    back = bl.load(path)
    assert back.checkpoints.tolist() == result.checkpoints.tolist()
    for metric in result.metrics:
        assert (back.values(metric) == result.values(metric)).all()


def test_runs_keep_their_numbers(result, tmp_path):
    later = bl.run(ENVIRONMENT, [arms.UCB1(), arms.KLUCB()], horizon=300, n_runs=3, first_run=17, seed=3)
    back = bl.load(later.save(tmp_path / "later.parquet"))
    for some in (later, back):
        assert some.first_run == 17
        table = some.to_pandas()
        assert sorted(set(table["run"])) == [17, 18, 19]
        one = table[(table.policy == "KLUCB") & (table.run == 18) & (table["round"] == 300)]
        assert one["regret"].item() == result.values()[1, 18, -1]
    del later.provenance["first_run"]  # as in files of before
    assert bl.load(later.save(tmp_path / "old.parquet")).first_run == result.first_run == 0


def test_provenance_says_what_was_run(result):
    told = result.provenance
    assert told["seed"] == 3
    assert told["policies"]["UCB1"] == {"type": "banditlab.arms.UCB1", "alpha": 2.0}
    assert told["environments"][ENVIRONMENT.label]["means"] == [0.2, 0.5, 0.4]
    assert {"python", "numpy", "numba", "banditlab-sim"} <= set(told["versions"])
    assert {"platform", "cores"} <= set(told["host"])
    assert told["wall_seconds"] > 0


def test_results_read_by_other_tools(result, tmp_path):
    table = pd.read_parquet(result.save(tmp_path / "r.parquet"))
    assert len(table) == 2 * 200 * 7


class TestBadFiles:
    def test_missing(self, tmp_path):
        with pytest.raises(ResultsFileError, match="allowed: an existing file"):
            bl.load(tmp_path / "none.parquet")

    def test_a_folder(self, tmp_path):
        with pytest.raises(ResultsFileError):
            bl.load(tmp_path)

    def test_foreign_parquet(self, tmp_path):
        pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "f.parquet")
        with pytest.raises(ResultsFileError, match=r"allowed: a file that the save of results wrote"):
            bl.load(tmp_path / "f.parquet")

    def test_not_parquet(self, tmp_path):
        (tmp_path / "f.parquet").write_text("policy,run\nUCB1,0\n")
        with pytest.raises(ResultsFileError, match="allowed: a readable Parquet file"):
            bl.load(tmp_path / "f.parquet")

    @pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
    def test_cut_off(self, result, tmp_path, share):
        path = result.save(tmp_path / "r.parquet")
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(ResultsFileError):
            bl.load(path)

    def test_later_format(self, result, tmp_path):
        path = result.save(tmp_path / "r.parquet")
        table = pq.read_table(path)
        meta = table.schema.metadata[b"banditlab"].replace(b"results/1", b"results/9")
        pq.write_table(table.replace_schema_metadata({b"banditlab": meta}), path)
        with pytest.raises(ResultsFileError, match=r"of format 'banditlab.results/9'; allowed: 'banditlab.r"):
            bl.load(path)

    @pytest.mark.parametrize("damage", [b'{"format": "banditlab.results/1"}', b"[]", b"{", b"\xff"])
    def test_damaged_metadata(self, result, tmp_path, damage):
        path = result.save(tmp_path / "r.parquet")
        table = pq.read_table(path)
        pq.write_table(table.replace_schema_metadata({b"banditlab": damage}), path)
        with pytest.raises(ResultsFileError):
            bl.load(path)

    def test_rows_missing(self, result, tmp_path):
        path = result.save(tmp_path / "r.parquet")
        table = pq.read_table(path)
        pq.write_table(table.slice(0, table.num_rows - 5), path)
        with pytest.raises(ResultsFileError):
            bl.load(path)

    def test_save_into_a_missing_folder(self, result, tmp_path):
        with pytest.raises(InvalidArgument, match="allowed: a file in an existing folder"):
            result.save(tmp_path / "no" / "r.parquet")

    def test_full_disk_leaves_the_old_file(self, result, tmp_path, monkeypatch):
        path = result.save(tmp_path / "r.parquet")
        before = path.read_bytes()

        def full(table, where, **options):
            where.write(b"PAR1")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(pq, "write_table", full)
        with pytest.raises(OSError, match="No space left"):
            result.save(path)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["r.parquet"]


def test_a_table_of_many_cells_asks_each_for_its_metrics_a_few_times(monkeypatch):
    asked = []
    metrics = Cell.metrics.fget
    monkeypatch.setattr(Cell, "metrics", property(lambda cell: asked.append(cell) or metrics(cell)))
    policies = {f"alpha={alpha}": arms.UCB1(alpha=alpha) for alpha in range(1, 51)}
    result = bl.run(ENVIRONMENT, policies, horizon=10, n_runs=1, seed=0, checkpoints=2)
    assert len(result.to_pandas()) == 100
    assert len(asked) <= 3 * 50  # and not once a cell and cell


def test_of_thousands_of_columns_messages_name_the_first():
    world = arms.Bernoulli([0.5] * 1_000)
    result = bl.run(world, arms.Uniform(), horizon=1_000, n_runs=1, seed=0, metrics="pulls", checkpoints=[1_000])
    assert repr(result).endswith("pulls[22], pulls[23], ... (1,000 in all)>")
    for told in (result, bl.sweep(world, arms.Uniform(), {"horizon": [1_000]}, n_runs=1, seed=0, metrics="pulls")):
        with pytest.raises(InvalidArgument, match=r"1,000 in all") as caught:
            told.summary("regret")
        assert max(len(repr(told)), len(str(caught.value))) < 600


def test_of_thousands_of_environments_messages_name_the_first():
    worlds = {f"instance {k}": arms.Bernoulli([0.5]) for k in range(1_000)}
    result = bl.run(worlds, arms.Uniform(), horizon=1, n_runs=1, seed=0, backend="python")
    for call in (result.values, lambda: result.values(environment="none"), result.lower_bound):
        with pytest.raises(InvalidArgument, match=r"1,000 in all") as caught:
            call()
        assert len(str(caught.value)) < 1_000


def test_saving_follows_links_and_refuses_devices(tmp_path):
    result = bl.run(ENVIRONMENT, arms.UCB1(), horizon=9, n_runs=2, seed=0)
    (tmp_path / "target.parquet").write_text("old")
    link = tmp_path / "link.parquet"
    link.symlink_to(tmp_path / "target.parquet")
    result.save(link)
    assert link.is_symlink()
    assert (bl.load(tmp_path / "target.parquet").values() == result.values()).all()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidArgument, match="allowed: a regular file, or a new name"):
        result.save(tmp_path / "pipe")


def test_flipped_bits_are_noticed_or_harmless(tmp_path):
    result = bl.run(ENVIRONMENT, arms.UCB1(), horizon=200, n_runs=50, seed=0)
    path = result.save(tmp_path / "r.parquet")
    good = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(good)
        for where in generator.integers(4, len(good) // 2, size=3):  # pages stand first, the footer last
            data[where] ^= 1 << int(generator.integers(8))
        path.write_bytes(bytes(data))
        try:
            values = bl.load(path).values()
        except ValueError:
            continue
        assert (values == result.values()).all()
