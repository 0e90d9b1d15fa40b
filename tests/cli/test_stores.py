"""`banditlab store`."""

import os
import time

import pytest

import banditlab as bl
from banditlab import arms

from . import call


@pytest.fixture
def folder(tmp_path):
    """A store with two cells, the first of which was used a hundred days ago."""
    for alpha in (0.5, 0.7):
        for file in (f for f in tmp_path.rglob("*") if f.is_file()):
            os.utime(file, (time.time() - 100 * 86400,) * 2)
        options = {"horizon": 100, "n_runs": 3, "seed": 0, "store": tmp_path / "store"}
        bl.run(arms.Bernoulli([0.2, 0.8]), arms.UCB1(alpha=alpha), **options)
    return tmp_path / "store"


def policies(folder):
    return sorted(bl.Store(folder).cells()["policy"])


def test_it_lists_cells_with_those_used_last_at_the_end(folder):
    result = call("store", folder)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == str(folder)
    names = ["environment", "policy", "used", "horizon", "seed", "runs", "MB", "failed", "address"]
    assert lines[1].split() == names
    assert [("alpha=0.5" in line, "alpha=0.7" in line) for line in lines[2:4]] == [(True, False), (False, True)]
    assert lines[2].split()[-6:-3] == ["100", "0", "3"]
    size = sum(f.stat().st_size for f in (folder / "cells").rglob("*") if f.is_file())
    assert lines[-1] == f"in all: 2 cells, {size / 1e6:.3f} MB"


def test_cells_whose_labels_shorten_their_numbers_are_told_apart(tmp_path):
    for last in (0.5, 0.6, 0.7):
        for alpha in (0.5, 2.0):
            world = arms.Bernoulli([0.1] * 19 + [last])
            bl.run(world, arms.UCB1(alpha=alpha), horizon=20, n_runs=1, seed=0, store=tmp_path / "store")
    bl.run(arms.Bernoulli([0.1, 0.2]), arms.UCB1(), horizon=20, n_runs=1, seed=0, store=tmp_path / "store")
    lines = call("store", tmp_path / "store").stdout.splitlines()[2:]
    for last in (0.5, 0.6, 0.7):
        assert sum(line.startswith(f"Bernoulli(<20 array>) with means[19]={last} ") for line in lines) == 2
    assert sum(line.startswith("Bernoulli([0.1, 0.2])  ") for line in lines) == 1


def test_seeds_have_all_their_digits(tmp_path):
    seed = 2**64 - 1
    for policy in (arms.UCB1(), arms.Uniform()):
        bl.run(arms.Bernoulli([0.2, 0.8]), policy, horizon=10, n_runs=1, seed=seed - 2, store=tmp_path / "store")
    assert call("store", tmp_path / "store").stdout.count(str(seed - 2)) == 2


def test_what_was_not_used_for_long_is_listed_and_removed(folder):
    result = call("store", folder, "--unused", "99")
    assert "alpha=0.5" in result.stdout
    assert "alpha=0.7" not in result.stdout
    assert result.stdout.splitlines()[-1].startswith("unused: 1 of 2 cells, ")
    assert len(policies(folder)) == 2
    result = call("store", folder, "--unused", "101", "--remove")
    assert result.stdout.splitlines()[-1].startswith("removed: 0 of 2 cells, 0.000 of ")
    result = call("store", folder, "--unused", "99", "--remove")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("removed: 1 of 2 cells, ")
    assert policies(folder) == ["UCB1(alpha=0.7)"]


def test_removing_needs_to_say_what(folder):
    result = call("store", folder, "--remove")
    assert result.exit_code == 2
    assert "--unused DAYS" in result.stderr
    assert len(policies(folder)) == 2


@pytest.mark.parametrize("made", [True, False])
def test_what_is_no_store_is_refused_and_not_made_one(tmp_path, made):
    where = tmp_path / "other"
    if made:
        where.mkdir()
    result = call("store", where)
    assert result.exit_code == 2
    assert "allowed: the folder of a store" in result.stderr
    assert not (where / "store.json").exists()
