"""The store: what it promises when processes are killed, disks are full, files are damaged, and code is edited."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms, clicks
from banditlab.core.errors import DamagedChunkWarning, StoreError
from banditlab.core.playing import calls, jobs
from banditlab.core.stores import address, store

from .stored import POLICIES, files, play, same


class TestNothingTwice:
    def test_the_same_call_again_plays_nothing(self, tmp_path, simulated):
        first = play(tmp_path / "s")
        played = len(simulated)
        assert played == 2 * 3
        again = play(tmp_path / "s")
        assert len(simulated) == played
        same(first, again)
        same(first, play(None))

    def test_more_runs_play_only_those_that_are_new(self, tmp_path, simulated):
        play(tmp_path / "s", 100)
        simulated.clear()
        more = play(tmp_path / "s", 300)
        assert sorted(set(simulated)) == [(100, 28), (128, 128), (256, 44)]
        same(more, play(None))
        simulated.clear()
        few = play(tmp_path / "s", 7)
        assert simulated == []
        same(few, play(None, 7))

    def test_a_gap_in_the_middle_is_filled(self, tmp_path, simulated):
        play(tmp_path / "s", 50, first_run=200)
        play(tmp_path / "s", 20, first_run=10)
        simulated.clear()
        whole = play(tmp_path / "s", 300, policies=[arms.UCB1()])
        assert sorted(simulated) == [(0, 10), (30, 98), (128, 72), (250, 6), (256, 44)]
        same(whole, play(None, 300, policies=[arms.UCB1()]))

    def test_other_chunks_overlap_without_doubling_a_run(self, tmp_path, simulated, monkeypatch):
        play(tmp_path / "s", 100)
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "CHUNK", 64)
            (tmp_path / "t").mkdir()
            play(tmp_path / "t", 200)
        for cell in (tmp_path / "t" / "cells").iterdir():  # as if two processes with other chunks had shared a store
            for file in cell.glob("runs-*"):
                shutil.copy(file, tmp_path / "s" / "cells" / cell.name)
        simulated.clear()
        same(play(tmp_path / "s", 200), play(None, 200))
        assert {n for _, n in simulated} <= {128, 72}  # of the call without a store
        assert bl.Store(tmp_path / "s").cells()["n_runs"].tolist() == [200, 200]

    @pytest.mark.parametrize(
        "changes",
        [
            {"seed": 12},
            {"horizon": 61},
            {"checkpoints": [60]},
            {"metrics": ("regret",)},
            {"policies": [arms.UCB1(3.0)]},
        ],
        ids=["seed", "horizon", "checkpoints", "metrics", "policy"],
    )
    def test_whatever_numbers_depend_on_is_another_cell(self, tmp_path, simulated, changes):
        play(tmp_path / "s", 10)
        simulated.clear()
        same(play(tmp_path / "s", 10, **changes), play(None, 10, **changes))
        assert len(simulated) == 2 * len(changes.get("policies", POLICIES))

    def test_labels_and_company_do_not_count(self, tmp_path, simulated):
        play(tmp_path / "s", 10)
        simulated.clear()
        play(tmp_path / "s", 10, policies={"mine": arms.EpsilonGreedy()})
        assert simulated == []

    def test_the_address_is_the_same_in_every_process(self, tmp_path):
        code = (
            "import sys, banditlab as bl; from banditlab import arms\n"
            "bl.run(arms.Bernoulli([0.2, 0.5, 0.4]), [arms.UCB1(), arms.EpsilonGreedy()], n_runs=10, horizon=60,"
            " seed=11, metrics=('regret', 'pulls'), store=sys.argv[1], progress=False)\n"
        )
        environment = os.environ | {"PYTHONHASHSEED": "7"}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "s")], check=True, env=environment)
        names = {folder.name for folder in (tmp_path / "s" / "cells").iterdir()}
        play(tmp_path / "t", 10)
        assert {folder.name for folder in (tmp_path / "t" / "cells").iterdir()} == names


POLICY = """
import banditlab as bl
from banditlab import arms

@arms.policy
class {name}:
    def state(self, space):
        return {{"next": space.per_lane({start}, int)}}
    def select(self, state, lane, t, rng):
        return (state.next[lane] + {shift}) % 3
    def update(self, state, arm, lane, reward, t):
        state.next[lane] += 1
"""


class TestCode:
    @pytest.fixture
    def module(self, tmp_path, monkeypatch):
        """Write a module with two policies and import it afresh."""
        monkeypatch.syspath_prepend(tmp_path)

        def write(shift=0, start=0):
            text = POLICY.format(name="First", shift=shift, start=start) + POLICY.format(
                name="Second", shift=1, start=0
            )
            (tmp_path / "own_policies.py").write_text(text)
            shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
            sys.modules.pop("own_policies", None)
            importlib.invalidate_caches()
            return importlib.import_module("own_policies")

        yield write
        sys.modules.pop("own_policies", None)

    @pytest.mark.parametrize("edit", [{"shift": 2}, {"start": 1}], ids=["kernel", "state"])
    def test_editing_a_policy_recomputes_its_cells_only(self, tmp_path, module, simulated, edit):
        def both(own):
            policies = [own.First(), own.Second()]
            return play(tmp_path / "s", 10, policies=policies, backend="python", metrics=("regret",))

        before = both(module())
        simulated.clear()
        after = both(module(**edit))
        assert simulated == [(0, 10)]
        assert not np.array_equal(before.values()[0], after.values()[0])
        np.testing.assert_array_equal(before.values()[1], after.values()[1])
        both(module())  # back: nothing was lost
        assert simulated == [(0, 10)]

    def test_a_global_that_changed_is_another_cell(self, tmp_path, module):
        own = module()
        own.extra = 0
        source = (
            "from banditlab import arms\nextra = 0\n@arms.policy\nclass Third:\n"
            "    def select(self, state, lane, t, rng):\n        return (t + extra) % 3\n"
            "    def update(self, state, arm, lane, reward, t):\n        pass\n"
        )
        exec(compile(source, "cell", "exec"), own.__dict__)
        options = {"policies": [own.Third()], "backend": "python", "metrics": ("regret",)}
        before = play(tmp_path / "s", 10, **options)
        own.extra = 1
        after = play(tmp_path / "s", 10, **options)
        assert not np.array_equal(before.values(), after.values())
        assert len(bl.Store(tmp_path / "s").cells()) == 2

    def test_nested_components_and_distributions_count(self, tmp_path, simulated):
        def once(world, policy):
            bl.run(world, policy, horizon=20, n_runs=3, seed=0, store=tmp_path / "s", backend="python", progress=False)
            return len(simulated)

        clicks_of = {0.5: clicks.QuadraticUtility(2.0), 0.6: clicks.QuadraticUtility(3.0)}
        protocol = type(clicks.UCBS.family.protocol)
        assert protocol is not type(arms.UCB1.family.protocol)
        for utility in clicks_of.values():
            bl.run(
                clicks.StrategicClickBandit([0.5, 0.4], [0.5, 0.4], utility), clicks.UCBS(), horizon=20, n_runs=2,
                seed=0, store=tmp_path / "c", backend="python", progress=False,
            )  # fmt: skip
        assert len(bl.Store(tmp_path / "c").cells()) == 2
        assert once(arms.FromScipy([stats.beta(2, 3), stats.beta(1, b=1)]), arms.UCB1()) == 1
        assert once(arms.FromScipy([stats.beta(2, 3), stats.beta(1, b=1)]), arms.UCB1()) == 1
        assert once(arms.FromScipy([stats.beta(2, 3), stats.beta(1, b=2)]), arms.UCB1()) == 2

    def test_distributions_with_tables_of_their_own(self, tmp_path):
        histograms = [np.histogram(np.arange(10.0) ** power, bins=4) for power in (1, 2)]
        worlds = [arms.FromScipy([stats.rv_histogram(h)()]) for h in histograms]
        worlds += [arms.FromScipy([stats.rv_discrete(values=([0, 1], [p, 1 - p]))()]) for p in (0.25, 0.5)]
        worlds += [arms.FromScipy([stats.beta(2, 3)]), arms.FromScipy([stats.beta(a=2, b=3)])]
        addresses = []
        for world in worlds:
            options = {"horizon": 5, "n_runs": 1, "seed": 0, "backend": "python", "progress": False}
            bl.run(world, arms.UCB1(), store=tmp_path / "s", **options)
            addresses.append(len(bl.Store(tmp_path / "s").cells()))
        assert addresses == [1, 2, 3, 4, 5, 5]

    def test_scoring_rules_can_be_stored(self, tmp_path, simulated):
        from banditlab import scoring

        beliefs = scoring.binary([0.1, 0.3, 0.5, 0.7, 0.9])
        world = scoring.PrincipalAgent(
            beliefs, [[0, 0, 1, 0, 0], [0, 0.5, 0, 0.5, 0], [0.5, 0, 0, 0, 0.5]], costs=[0, 0.03, 0.08],
            utility=np.maximum(beliefs[:, 0], beliefs[:, 1]),
        )  # fmt: skip
        options = {"horizon": 10, "n_runs": 2, "seed": 0, "store": tmp_path / "s", "n_jobs": 1, "progress": False}
        rules = [scoring.Brier(2).bounded(1.0), scoring.Spherical(2).bounded(1.0), scoring.VShaped([0.5, 0.5])]
        results = [bl.run(world, scoring.FixedRule(rule), **options) for rule in rules for _ in range(2)]
        assert len(bl.Store(tmp_path / "s").cells()) == 3
        np.testing.assert_array_equal(results[0].values(), results[1].values())

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("TABLE = [0, 1, 2]", "TABLE = [0, 2, 1]"),
            ("TABLE = {0: 0, 1: 1, 2: 2}", "TABLE = {0: 1, 1: 1, 2: 2}"),
            ("class Helper:\n    shift = 0\nTABLE = [0, 1, 2]", "class Helper:\n    shift = 1\nTABLE = [0, 1, 2]"),
            (
                "import functools\n@functools.lru_cache\ndef rule(k):\n    return k % 3\nTABLE = [0, 1, 2]",
                "import functools\n@functools.lru_cache\ndef rule(k):\n    return (k + 1) % 3\nTABLE = [0, 1, 2]",
            ),
        ],
        ids=["list", "dict", "class", "cached function"],
    )
    def test_what_a_policy_looks_up_counts(self, tmp_path, monkeypatch, before, after):
        monkeypatch.syspath_prepend(tmp_path)
        use = {"Helper": "Helper.shift", "rule": "rule(t)"}
        extra = next((use[name] for name in use if name in before), "0")
        body = (
            "{setting}\nfrom banditlab import arms\n@arms.policy\nclass Own:\n"
            "    def select(self, state, lane, t, rng):\n        return (TABLE[t % 3] + {extra}) % 3\n"
            "    def update(self, state, arm, lane, reward, t):\n        pass\n"
        )
        addresses, file = set(), tmp_path / "numpy_like_name.py"  # a name that only begins like a library's
        for setting in (before, after, before):
            file.write_text(body.format(setting=setting, extra=extra))
            shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
            sys.modules.pop("numpy_like_name", None)
            importlib.invalidate_caches()
            own = importlib.import_module("numpy_like_name")
            play(tmp_path / "s", 3, policies=[own.Own()], backend="python", metrics=("regret",))
            addresses = set(bl.Store(tmp_path / "s").cells()["address"])
        sys.modules.pop("numpy_like_name", None)
        assert len(addresses) == 2

    def test_what_cannot_be_written_down_is_refused(self, tmp_path):
        class Odd:
            pass

        world = arms.Bernoulli([0.5])
        object.__setattr__(world, "means", Odd())
        with pytest.raises(StoreError, match=r"store cannot hold .*Odd.*; allowed: numbers"):
            address._plain(world, world)


class TestDamage:
    @pytest.mark.parametrize("where", [0.02, 0.3, 0.5, 0.7, 0.98])
    def test_a_flipped_bit_is_found_named_and_mended(self, tmp_path, where):
        whole = play(tmp_path / "s", 200)
        victim = files(tmp_path / "s")[1]
        data = bytearray(victim.read_bytes())
        data[int(where * len(data))] ^= 0x10
        victim.write_bytes(bytes(data))
        found = []
        with pytest.warns(DamagedChunkWarning) as told:
            found.append(play(tmp_path / "s", 200))
        assert any(str(victim) in str(w.message) for w in told)
        same(found[0], whole)
        same(play(tmp_path / "s", 200), whole)  # without a warning, which would be an error

    def test_every_bit_counts(self, tmp_path):
        """Wherever a byte is changed, either the values that are read are right, or the file is called damaged."""
        whole = play(tmp_path / "s", 3, policies=[arms.UCB1()], horizon=12)
        (victim,) = files(tmp_path / "s")
        data = victim.read_bytes()
        rng = np.random.default_rng(0)
        caught = 0
        for place in rng.choice(len(data), 120, replace=False):
            damaged = bytearray(data)
            damaged[place] ^= 1 << int(rng.integers(8))
            victim.write_bytes(bytes(damaged))
            try:
                result = play(tmp_path / "s", 3, policies=[arms.UCB1()], horizon=12)
            except DamagedChunkWarning:  # warnings are errors here
                caught += 1
            else:
                same(result, whole)
        assert caught > 60

    @pytest.mark.parametrize("keep", [0, 4, 100])
    def test_a_truncated_file_is_mended(self, tmp_path, keep):
        whole = play(tmp_path / "s", 50)
        victim = files(tmp_path / "s")[0]
        victim.write_bytes(victim.read_bytes()[:keep])
        with pytest.warns(DamagedChunkWarning):
            same(play(tmp_path / "s", 50), whole)

    def test_a_file_of_another_cell_is_not_taken(self, tmp_path):
        whole = play(tmp_path / "s", 50)
        one, two = files(tmp_path / "s")
        shutil.copy(one, two)
        content = json.loads((two.parent / "cell.json").read_text())
        assert content["labels"]["policy"] in ("UCB1", "EpsilonGreedy")
        with pytest.warns(DamagedChunkWarning):
            same(play(tmp_path / "s", 50), whole)


SWEEP = """
import sys, warnings, banditlab as bl
from banditlab import arms
warnings.simplefilter("ignore")
print("go", flush=True)
bl.run(arms.Bernoulli([0.2, 0.5, 0.4]), [arms.UCB1(), arms.EpsilonGreedy()], n_runs=int(sys.argv[2]), horizon=3000,
       seed=11, metrics=("regret", "pulls"), store=sys.argv[1], progress=False, n_jobs=2)
"""


def child(folder, n_runs):
    return subprocess.Popen([sys.executable, "-c", SWEEP, str(folder), str(n_runs)], stdout=subprocess.PIPE, text=True)


class TestFaults:
    def test_killed_at_random_moments_and_resumed(self, tmp_path):
        whole = play(None, 6000, horizon=3000)
        rng, seen = np.random.default_rng(3), [0]
        for attempt in range(6):
            process = child(tmp_path / "s", 6000)
            assert process.stdout.readline() == "go\n"
            # the first is killed while it starts, the others some time after they have stored something
            while attempt and len(files(tmp_path / "s")) == seen[-1] and process.poll() is None:
                time.sleep(0.01)
            time.sleep(float(rng.uniform(0.0, 1.0)))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            seen.append(len(files(tmp_path / "s")))
        assert seen == sorted(seen)
        assert seen[-1] >= 5  # of 94
        same(play(tmp_path / "s", 6000, horizon=3000), whole)
        assert bl.Store(tmp_path / "s").cells()["n_runs"].tolist() == [6000, 6000]

    def test_two_processes_on_one_store(self, tmp_path):
        processes = [child(tmp_path / "s", n) for n in (1500, 1100)]
        for process in processes:
            assert process.wait(timeout=240) == 0
            process.stdout.close()
        same(play(tmp_path / "s", 1500, horizon=3000), play(None, 1500, horizon=3000))
        assert bl.Store(tmp_path / "s").cells()["n_runs"].tolist() == [1500, 1500]

    def test_in_company_each_process_goes_its_own_way(self, tmp_path, simulated, monkeypatch):
        """As if another process were always a little faster: what it plays is not played in the same order."""
        write, width = store._write, calls.AHEAD

        def beaten(path, data, **options):
            if path.suffix == ".parquet":
                path.write_bytes(data)
            return write(path, data, **options)

        with monkeypatch.context() as patch:
            patch.setattr(store, "_write", beaten)
            whole = play(tmp_path / "s", 12_800, n_jobs=1, policies=[arms.UCB1()], horizon=20)
        order = [first // jobs.CHUNK for first, _ in simulated]
        assert sorted(order) == list(range(100))
        assert order != sorted(order)
        assert max(abs(chunk - turn) for turn, chunk in enumerate(order)) < width  # so that memory stays bounded
        same(whole, play(None, 12_800, policies=[arms.UCB1()], horizon=20))

    def test_leftovers_of_killed_processes_are_cleared(self, tmp_path):
        play(tmp_path / "s", 5)
        cell = files(tmp_path / "s")[0].parent
        old, new = cell / ".runs-1.parquet.99.aa", cell / ".runs-2.parquet.99.bb"
        for file in (old, new):
            file.write_bytes(b"half")
        os.utime(old, (time.time() - 7200,) * 2)
        play(tmp_path / "s", 6)
        assert not old.exists()
        assert new.exists()  # somebody may be writing it

    def test_a_full_disk(self, tmp_path, monkeypatch):
        whole = play(None, 300)
        written, fsync = [], os.fsync

        def full(descriptor):
            written.append(descriptor)
            if len(written) > 8:  # so that one of what is flushed then is a file, and not a folder
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StoreError, match=r"a folder with room \(No space left on device; the runs stored"):
                play(tmp_path / "s", 300, n_jobs=1)
        assert not [f for f in (tmp_path / "s").rglob(".*") if f.is_file()]
        same(play(tmp_path / "s", 300), whole)

    def test_a_disk_that_really_is_full(self, tmp_path):
        small = tmp_path / "small"
        small.mkdir()
        code = (
            "import sys, warnings, banditlab as bl; from banditlab import arms\n"
            "try:\n"
            "    bl.run(arms.Bernoulli([0.2, 0.5, 0.4]), arms.UCB1(), n_runs=3000, horizon=3000, seed=11,"
            " store=sys.argv[1] + '/s', progress=False)\n"
            "except bl.errors.StoreError as error: print(error)\n"
            "import glob; print(len(glob.glob(sys.argv[1] + '/s/cells/*/runs-*')))\n"
            "print(len(glob.glob(sys.argv[1] + '/s/cells/*/.runs-*')))\n"
        )
        script = f'mount -t tmpfs -o size=300k none {small} && {sys.executable} -c "$0" {small}'
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, code]
        if shutil.which("unshare") is None or subprocess.run([*command[:4], "true"], capture_output=True).returncode:
            pytest.skip("this machine lets nobody mount a file system")
        done = subprocess.run(command, capture_output=True, text=True)
        if "mount" in done.stderr and done.returncode:
            pytest.skip("this machine lets nobody mount a file system")
        assert done.returncode == 0, done.stderr
        message, stored, leftovers = done.stdout.strip().splitlines()
        assert "No space left on device" in message
        assert 0 < int(stored) < 24
        assert int(leftovers) == 0

    def test_a_file_that_cannot_be_read_is_not_taken_for_damaged(self, tmp_path, monkeypatch):
        play(tmp_path / "s", 5)
        before = files(tmp_path / "s")

        def refuse(path):
            raise PermissionError(errno.EACCES, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", refuse)
            with pytest.raises(StoreError, match="allowed: a folder that can be read"):
                play(tmp_path / "s", 5)
        assert files(tmp_path / "s") == before

    def test_a_cell_that_cannot_be_read_is_said(self, tmp_path, monkeypatch):
        """As in a store that users share, one of whom lets others read nothing of his."""
        play(tmp_path / "s", 5)

        def refuse(path):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(os, "listdir", refuse)
        for read in (lambda: play(tmp_path / "s", 5), bl.Store(tmp_path / "s").cells):
            with pytest.raises(StoreError, match="allowed: a folder that can be read"):
                read()


class TestFolder:
    def test_is_readable(self, tmp_path):
        play(tmp_path / "s", 5)
        table = bl.Store(tmp_path / "s").cells()
        assert sorted(table["policy"]) == ["EpsilonGreedy", "UCB1"]
        assert set(table["environment"]) == {"Bernoulli([0.2, 0.5, 0.4])"}
        assert table["n_runs"].tolist() == [5, 5]
        import pandas as pd

        frame = pd.read_parquet(files(tmp_path / "s")[0])
        assert frame.columns.tolist() == ["run", "round", "regret", "pulls[0]", "pulls[1]", "pulls[2]"]
        assert repr(bl.Store(tmp_path / "s")) == f"Store({str(tmp_path / 's')!r})"

    def test_a_store_that_was_half_made_is_made(self, tmp_path):
        (tmp_path / "s" / "cells").mkdir(parents=True)
        (tmp_path / "s" / ".12.ab.store.json").write_text("{")
        same(play(tmp_path / "s", 5), play(None, 5))

    def test_other_folders_are_refused(self, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.tex").write_text("")
        (tmp_path / "file").write_text("")
        (tmp_path / "newer").mkdir()
        (tmp_path / "newer" / "store.json").write_text('{"format": "banditlab.store/9"}')
        (tmp_path / "odd").mkdir()
        (tmp_path / "odd" / "store.json").write_text("[")
        for value, message in [
            (tmp_path / "mine", "holds other files"),
            (tmp_path / "file", "allowed: a folder that can be written to"),
            (tmp_path / "file" / "below", "allowed: a folder that can be written to"),
            (tmp_path / "newer", "of format 'banditlab.store/9'"),
            (tmp_path / "odd", "whose store.json is damaged"),
            ("", "store is ''; allowed: the path of a folder"),
            (5, "store is 5; allowed: the path of a folder"),
        ]:
            with pytest.raises(StoreError, match=message):
                play(value, 5)

    def test_interrupted_runs_are_in_the_store(self, tmp_path, monkeypatch, simulated):
        counted = []

        def interrupting(bar, rounds):
            counted.append(rounds)
            if len(counted) == 3:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("banditlab.core.playing.progress.Progress.add", interrupting)
            with pytest.warns(bl.errors.InterruptedRunWarning):
                play(tmp_path / "s", 300, n_jobs=1)
        simulated.clear()
        same(play(tmp_path / "s", 300), play(None, 300))
        assert len(simulated) == 6 + 3  # six without a store, and those that were missing


def test_statistics_of_what_is_stored_in_part_are_those_of_all_runs(tmp_path):
    """Of one policy all chunks are stored, of another every second one, of the third none."""
    policies = [arms.UCB1(), arms.EpsilonGreedy(), arms.Uniform()]
    play(tmp_path / "s", 1_000, policies=policies[:1])
    for first_run in (128, 384):
        play(tmp_path / "s", 128, policies=policies[1:2], first_run=first_run)
    whole = play(None, 1_000, policies=policies, keep="summary")
    for _ in range(2):  # then all is stored
        found = play(tmp_path / "s", 1_000, policies=policies, keep="summary")
        for mine, expected in zip(found.statistics("regret"), whole.statistics("regret"), strict=True):
            assert mine.n_runs == 1_000
            for name, values in expected.columns().items():
                np.testing.assert_array_equal(mine.columns()[name], values)


def test_what_a_file_manager_leaves_is_no_cell(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / ".DS_Store").write_text("")
    play(tmp_path / "s", 5)
    (tmp_path / "s" / "cells" / ".DS_Store").write_text("")
    assert len(bl.Store(tmp_path / "s").cells()) == 2


def test_a_store_makes_the_folders_above_it(tmp_path):
    play(tmp_path / "results" / "today" / "s", 5)
    assert len(bl.Store(tmp_path / "results" / "today" / "s").cells()) == 2


def test_the_thread_that_writes_imports_nothing(tmp_path):
    """Ctrl-C while another thread imports can leave the import lock taken: the process then waits for ever."""
    script = f"""
import sys, threading
import banditlab as bl
from banditlab import arms

class Watch:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread().name.startswith("ThreadPoolExecutor"):
            print(name)

sys.meta_path.insert(0, Watch())
env, options = arms.Bernoulli([0.4, 0.5]), dict(horizon=5, n_runs=200, seed=0, backend="python")
bl.run(env, arms.UCB1(), store={str(tmp_path)!r}, **options)
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_pyarrow_is_imported_when_the_first_chunk_is_there(tmp_path):
    """Until then it would keep threads from playing."""
    script = f"""
import sys
import banditlab as bl
from banditlab import arms
from banditlab.core.playing import tasks

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "pyarrow":
            print("imported")

def played(*told, play=tasks.played):
    print("played")
    return play(*told)

sys.meta_path.insert(0, Watch())
tasks.played = played
bl.run(arms.Bernoulli([0.4, 0.5]), arms.UCB1(), horizon=5, n_runs=9, seed=0, backend="python", store={str(tmp_path)!r})
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["played", "imported"]
