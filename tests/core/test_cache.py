"""The compiled kernels on disk: a second process compiles nothing, and an edit is never stale."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import banditlab

from .scripts import HELPER, POLICY, ROOT, RUN, play, words


def test_second_process_compiles_nothing_and_edits_are_never_stale(tmp_path):
    (tmp_path / "mine.py").write_text(POLICY)
    (tmp_path / "helper.py").write_text(HELPER)
    regret, hits, misses = play(tmp_path)
    assert (hits, misses) == (0, 1)
    assert play(tmp_path) == (regret, 1, 0)

    # the method's own code
    (tmp_path / "mine.py").write_text(
        POLICY.replace("state.sums[arm, lane] += reward", "state.sums[arm, lane] -= reward")
    )
    edited, hits, misses = play(tmp_path)
    assert (hits, misses) == (0, 1)
    assert edited > 2 * regret

    # a constant that the method reads from its module
    (tmp_path / "mine.py").write_text(POLICY.replace("SIGN = 1.0", "SIGN = -1.0"))
    edited, hits, misses = play(tmp_path)
    assert (hits, misses) == (0, 1)
    assert edited > 2 * regret

    # a helper in another file
    (tmp_path / "mine.py").write_text(POLICY)
    (tmp_path / "helper.py").write_text(HELPER.replace("1.0 / n", "0.0 * n + 5.0"))
    edited, hits, misses = play(tmp_path)
    assert (hits, misses) == (0, 1)
    assert edited != regret

    # and back: the first kernel is still there
    (tmp_path / "helper.py").write_text(HELPER)
    assert play(tmp_path) == (regret, 1, 0)

    # plain Python gives the same number, and compiles nothing
    assert play(tmp_path, jit=False) == (regret, 0, 0)


def test_policy_of_a_script_is_cached_and_harms_no_other_process(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    script = POLICY + RUN
    regret, hits, misses = play(tmp_path, script=script)
    assert (hits, misses) == (0, 1)
    assert play(tmp_path, script=script) == (regret, 1, 0)
    # a process that does not have that class plays another policy of the same package
    other = RUN.replace("Mine()", "arms.UCB1()")
    first, _, _ = play(tmp_path, script=other)
    assert play(tmp_path, script=other) == (first, 1, 0)


def test_kernels_that_check_bounds_are_others(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    regret, _, _ = play(tmp_path)
    assert play(tmp_path, checked=True) == (regret, 0, 1)
    assert play(tmp_path, checked=True) == (regret, 1, 0)
    assert play(tmp_path) == (regret, 1, 0)


def test_old_files_are_removed(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    play(tmp_path)
    files = list((tmp_path / "cache").rglob("*.nb?"))
    assert files
    long_ago = time.time() - 91 * 86400
    for file in files:
        os.utime(file, (long_ago, long_ago))
    (tmp_path / "mine.py").write_text(POLICY.replace("SIGN = 1.0", "SIGN = 2.0"))
    play(tmp_path)
    left = list((tmp_path / "cache").rglob("*.nb?"))
    assert left
    assert not set(left) & set(files)


def test_read_only_cache_folder_falls_back(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    regret, _, _ = play(tmp_path)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the cache folder should be")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(tmp_path), ROOT)),
        "NUMBA_CACHE_DIR": str(blocked / "cache"),
        "HOME": str(blocked),
    }
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[0]) == regret


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode")
def test_a_package_in_a_folder_whose_name_is_no_unicode_does_without(tmp_path):
    """As any name with an umlaut is in the locale C."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "banditlab").symlink_to(Path(banditlab.__file__).parent)
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    regret, _, _ = play(tmp_path)
    script = f"import sys\nsys.path.insert(0, {str(folder)!r})\nfrom mine import Mine\n{RUN}"
    assert play(tmp_path, script=script) == (regret, 0, 1)
    script += "\nfrom banditlab import cli\nprint(cli.machine._cache())"
    assert " ".join(words(tmp_path, script)[3:]).startswith("none can be written ('utf-8' codec can't encode")


HASHES = """
import banditlab as bl
from banditlab import arms

@arms.policy
class Mine:
    def select(self, state, lane, t, rng):
        word = "left" if t % 2 else "right"
        return 1 if hash(word) == hash("left") else 0

    def update(self, state, arm, lane, reward, t):
        pass
"""


def test_a_second_process_loads_nothing_that_only_compiling_needs(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    script = POLICY + RUN + 'import sys\nprint("numba.typed.dictimpl" in sys.modules)\n'
    assert words(tmp_path, script)[1:] == ["0", "1", "True"]
    assert words(tmp_path, script)[1:] == ["1", "0", "False"]


def test_kernels_that_hash_strings_work_in_a_second_process(tmp_path):
    """Machine code looks for the seeds of hashes under names that an import of Numba's makes known."""
    regret, *counted = play(tmp_path, script=HASHES + RUN)
    assert counted == [0, 1]
    assert play(tmp_path, script=HASHES + RUN) == (regret, 1, 0)


def test_policy_whose_file_was_renamed(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    regret, _, _ = play(tmp_path)
    (tmp_path / "mine.py").rename(tmp_path / "yours.py")
    assert play(tmp_path, script="from yours import Mine\n" + RUN)[0] == regret
    assert play(tmp_path, script=POLICY + RUN)[0] == regret


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_damaged_cache_is_compiled_again(tmp_path, ending):
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "mine.py").write_text(POLICY)
    regret, _, _ = play(tmp_path)
    for file in (tmp_path / "cache").rglob(f"*{ending}"):
        file.write_bytes(file.read_bytes()[:20])
    assert play(tmp_path)[0] == regret
    again, hits, misses = play(tmp_path)
    assert (again, hits, misses) == (regret, 1, 0)


def test_cache_on_a_full_disk_is_done_without(tmp_path):
    script = (
        "import errno, banditlab as bl\n"
        "from banditlab import arms\n"
        "from numba.core.caching import IndexDataCacheFile\n"
        "def full(*a, **k):\n"
        "    raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "IndexDataCacheFile.save = full\n"
        "print(bl.run(arms.Bernoulli([.1, .9]), arms.RoundRobin(), horizon=10, n_runs=1, seed=0).values()[0, 0, -1])\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert math.isclose(float(done.stdout), 4.0)
