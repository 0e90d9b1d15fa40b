"""Saving and loading the results of sweeps."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import CellFailedWarning, InvalidArgument, ResultsFileError

OPTIONS = {"n_runs": 12, "seed": 4, "progress": False}


def gap(delta, n_arms=2):
    return arms.Bernoulli([0.5] + [0.5 - delta] * (n_arms - 1))


def picky(alpha):
    if alpha == 2.0:
        raise ValueError("no twos")
    return arms.UCB1(alpha=alpha)


def around(inner):
    return inner if isinstance(inner, arms.UCB1) else arms.Uniform()


def means(means):
    return arms.Bernoulli(means)


def sweep_over_numbers(**options):
    over = {"delta": [0.1, 0.2], "alpha": [0.5, 2.0], "horizon": [20, 50]}
    return bl.sweep(gap, [arms.UCB1, arms.KLUCB()], over, metrics=("regret", "pulls"), **OPTIONS, **options)


def same(back, result):
    assert repr(back) == repr(result)
    assert back.provenance == result.provenance
    assert (back.parameters, back.policies, back.metrics) == (result.parameters, result.policies, result.metrics)
    pd.testing.assert_frame_equal(back.failures, result.failures)
    pd.testing.assert_frame_equal(back.to_pandas(), result.to_pandas())
    for metric in result.metrics:
        pd.testing.assert_frame_equal(back.summary(metric), result.summary(metric))
    for one, two in zip(back.cells, result.cells, strict=True):
        assert (one.horizon, one.environment, one.of_environment) == (two.horizon, two.environment, two.of_environment)
        assert one.components == two.components
        if two.cell is not None:
            np.testing.assert_array_equal(one.cell.lower_bound, two.cell.lower_bound)
            assert one.cell.seconds == two.cell.seconds


@pytest.mark.parametrize("keep", ["runs", "summary"])
def test_come_back_as_they_were(tmp_path, keep):
    result = sweep_over_numbers(keep=keep)
    file = result.save(tmp_path / "sweep.parquet")
    back = bl.load(file)
    assert type(back) is type(result) is bl.SweepResults
    same(back, result)
    if keep == "runs":
        pd.testing.assert_frame_equal(back.slopes("horizon"), result.slopes("horizon"))
    there = {"delta": 0.2, "horizon": 50}
    assert repr(back.results(there)) == repr(result.results(there))
    same(bl.load(back.save(tmp_path / "again.parquet")), result)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.parquet", "sweep.parquet"]


def test_failures_come_back(tmp_path):
    with pytest.warns(CellFailedWarning):
        result = bl.sweep(gap, [picky, arms.Uniform()], {"delta": [0.1], "alpha": [0.5, 2.0]}, horizon=20, **OPTIONS)
    back = bl.load(result.save(tmp_path / "sweep.parquet"))
    same(back, result)
    assert "no twos" in back.failures["error"].item()


def test_what_each_cell_has_comes_back(tmp_path):
    """Policies without a parameter, arrays as parameters, and numbers of pulls of as many arms as a cell has."""
    over = {"means": [np.array([0.1, 0.2]), [0.3, 0.2, 0.1]], "alpha": [0.5, np.float64(1.0)]}
    result = bl.sweep(means, [arms.UCB1, arms.Uniform()], over, horizon=20, metrics="pulls", **OPTIONS)
    back = bl.load(result.save(tmp_path / "sweep.parquet"))
    same(back, result)
    assert back.results({"means": [0.1, 0.2], "alpha": 1.0}).policies == ("UCB1", "Uniform")


def test_other_programs_find_the_tidy_table(tmp_path):
    result = sweep_over_numbers()
    found = pd.read_parquet(result.save(tmp_path / "sweep.parquet"))
    table = result.to_pandas()
    pd.testing.assert_frame_equal(found, table.astype(found.dtypes), check_dtype=False)
    lists = bl.sweep(means, arms.UCB1(), {"means": [[0.1, 0.2], [0.3, 0.2]]}, horizon=20, **OPTIONS)
    found = pd.read_parquet(lists.save(tmp_path / "lists.parquet"))
    assert found.groupby("means").size().index.tolist() == ["(0.1, 0.2)", "(0.3, 0.2)"]


def test_values_that_are_no_numbers_or_texts_come_back_as_texts(tmp_path):
    result = bl.sweep(
        arms.Bernoulli([0.4, 0.5]), around, {"inner": [arms.UCB1(alpha=0.5), None, 1, "x"]}, horizon=20, **OPTIONS
    )
    back = bl.load(result.save(tmp_path / "sweep.parquet"))
    assert [cell.parameters["inner"] for cell in back.cells] == ["UCB1(alpha=0.5)", None, 1, "x"]
    assert back.summary()["mean"].tolist() == result.summary()["mean"].tolist()


def test_a_name_of_another_format_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match=r"path is '.*s.csv'; allowed: a name that ends in .parquet"):
        sweep_over_numbers().save(tmp_path / "s.csv")


@pytest.mark.parametrize("keep", ["runs", "summary"])
def test_damaged_files(tmp_path, keep):
    path = sweep_over_numbers(keep=keep).save(tmp_path / "sweep.parquet")
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"banditlab"])
    lacking = [meta | {"cells": meta["cells"][:-1]}, {k: v for k, v in meta.items() if k != "cells"}]
    lacking += [meta | {"cells": [{**meta["cells"][0], "checkpoints": None}]}, meta | {"format": "banditlab.sweep/9"}]
    for told in lacking:
        pq.write_table(table.replace_schema_metadata({b"banditlab": json.dumps(told).encode()}), path)
        with pytest.raises(ResultsFileError):
            bl.load(path)
    for rows in (table.slice(0, table.num_rows - 1), table.drop_columns(["regret" if keep == "runs" else "mean"])):
        pq.write_table(rows.replace_schema_metadata(table.schema.metadata), path)
        with pytest.raises(ResultsFileError):
            bl.load(path)
