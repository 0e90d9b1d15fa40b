"""What a store says of its cells, and their removal."""

from __future__ import annotations

import errno
import os
import re
import threading
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import StoreError
from banditlab.core.stores import store

from .stored import play, same


def test_cells_tell_their_size_and_when_they_were_used(tmp_path):
    play(tmp_path)
    was = bl.Store(tmp_path).cells().set_index("policy")
    for told in bl.Store(tmp_path).cells().itertuples():
        assert told.bytes == sum(f.stat().st_size for f in (tmp_path / "cells" / told.address).iterdir())
    for file in (f for f in tmp_path.rglob("*") if f.is_file()):
        os.utime(file, (1e9, 1e9))
    assert set(bl.Store(tmp_path).cells()["used"]) == {pd.Timestamp(datetime.fromtimestamp(1e9))}
    began = pd.Timestamp.now()
    play(tmp_path, policies=[arms.UCB1()])  # reads
    used = bl.Store(tmp_path).cells().set_index("policy")["used"]
    assert used["UCB1"] >= began > used["EpsilonGreedy"]
    play(tmp_path, n_runs=400)  # writes
    now = bl.Store(tmp_path).cells().set_index("policy")
    assert (now["used"] >= began).all()
    assert (now["bytes"] > was["bytes"]).all()


def test_what_is_removed_is_gone_and_played_again(tmp_path, simulated):
    first = play(tmp_path, n_runs=100)
    opened = bl.Store(tmp_path)
    cells = opened.cells().set_index("policy")["address"]
    play(tmp_path, n_runs=10, policies=[arms.Uniform()], seed=12)
    assert len(simulated) == 3
    opened.remove(cells)
    assert opened.cells()["policy"].tolist() == ["Uniform"]
    assert sorted(f.name for f in tmp_path.iterdir()) == ["cells", "store.json"]
    same(play(opened, n_runs=100), first)  # by the store that had made the folders
    assert len(simulated) == 5
    assert set(opened.cells()["policy"]) == {"UCB1", "EpsilonGreedy", "Uniform"}


@pytest.mark.parametrize(
    ("addresses", "error"),
    [("0" * 32, TypeError), (None, TypeError), (["0" * 32], ValueError), (["../cells"], ValueError), ([3], ValueError)],
)
def test_only_cells_are_removed_and_all_or_none(tmp_path, addresses, error):
    play(tmp_path, n_runs=3)
    opened = bl.Store(tmp_path)
    there = opened.cells()["address"].tolist()
    mixed = [*there, *addresses] if isinstance(addresses, list) else addresses
    with pytest.raises(error, match=r"addresses is .*; allowed: addresses of cells"):
        opened.remove(mixed)
    assert opened.cells()["address"].tolist() == there


def test_a_removal_that_was_killed_is_finished_by_the_next(tmp_path, monkeypatch):
    play(tmp_path, n_runs=3)
    opened = bl.Store(tmp_path)
    one, other = opened.cells()["address"]

    def refuse(folder, ignore_errors=False):
        if not ignore_errors:
            raise PermissionError(errno.EACCES, "held")

    with monkeypatch.context() as patched:
        patched.setattr(store.shutil, "rmtree", refuse)
        with pytest.raises(StoreError, match="held"):
            opened.remove([one])
    assert opened.cells()["address"].tolist() == [other]
    opened.remove([])
    assert sorted(f.name for f in tmp_path.iterdir()) == ["cells", "store.json"]


def test_a_cell_that_is_removed_while_it_is_played_is_made_again(tmp_path, monkeypatch):
    alone = play(tmp_path / "alone")
    opened, make = bl.Store(tmp_path / "s"), store.Store._make_cell
    removed, one_by_one = [], threading.Lock()

    def make_and_lose(self, job):
        with one_by_one:  # chunks are written by several threads: another may have removed it already
            make(self, job)
            if len(removed) < 5:
                removed.append(job.address)
                bl.Store(tmp_path / "s").remove([job.address])

    monkeypatch.setattr(store.Store, "_make_cell", make_and_lose)
    same(play(opened), alone)
    assert len(removed) == 5
    monkeypatch.undo()
    same(play(opened), alone)
    assert opened.cells()["n_runs"].tolist() == [300, 300]


def test_an_empty_store_has_a_table_too(tmp_path):
    (tmp_path / "new").mkdir()
    cells = bl.Store(tmp_path / "new").cells()
    assert len(cells) == 0
    assert cells["used"].dt.year.tolist() == []


def test_looking_for_a_store_does_not_make_one(tmp_path):
    opened = bl.Store(tmp_path / "above" / "typo")
    with pytest.raises(StoreError, match=r"store is '.*typo'; allowed: a folder that is there"):
        opened.cells()
    bl.sweep(arms.Bernoulli, arms.UCB1(), {"means": [[0.5, 0.4]]}, horizon=9, n_runs=1, store=opened, dry_run=True)
    assert list(tmp_path.iterdir()) == []
    play(opened)
    assert len(opened.cells()) == 2


def test_components_whose_labels_shorten_what_differs_are_told_apart(tmp_path):
    def told(*worlds):
        for world in worlds:
            bl.run(world, [arms.Uniform(), arms.RoundRobin()], horizon=2_000, n_runs=1, seed=0, store=tmp_path)
        return sorted(set(bl.Store(tmp_path).cells()["environment"]))

    rng = np.random.default_rng(0)
    first, long = (arms.Bernoulli([0.1] * (n - 1) + [0.5]) for n in (20, 2_000))
    assert told(first, long) == ["Bernoulli(<20 array>)", "Bernoulli(<2000 array>)"]
    assert told(arms.Bernoulli([0.1] * 20)) == [
        "Bernoulli(<20 array>) with means[19]=0.1",
        "Bernoulli(<20 array>) with means[19]=0.5",
        "Bernoulli(<2000 array>)",
    ]
    hashes = told(*(arms.Bernoulli(rng.choice([0.1, 0.5], n)) for n in (20, 2_000) for _ in range(20)))
    assert len(hashes) == 22 + 21
    assert all(re.fullmatch(r"Bernoulli\(<(20|2000) array>\) #[0-9a-f]{8}", label) for label in hashes)
    assert set(told(arms.Bernoulli([0.2, 0.3]), arms.Bernoulli([0.3] * 20))) > {"Bernoulli([0.2, 0.3])", *hashes}
