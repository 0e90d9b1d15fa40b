"""How much memory a process may have: of the machine, of control groups of both versions, of its own limit."""

import os
import subprocess
import sys

import pytest

from banditlab.core.playing import memory

PHYSICAL = 64 * 10**9

GROUPS = {
    "no groups": ("", {}, PHYSICAL),
    "version 2": ("0::/slurm/job_7\n", {"slurm/job_7/memory.max": "4000000000"}, 4 * 10**9),
    "version 2, the group above": (
        "0::/slurm/job_7\n",
        {"slurm/memory.max": "3000000000", "slurm/job_7/memory.max": "max"},
        3 * 10**9,
    ),
    "version 2, in a container": ("0::/\n", {"memory.max": "2000000000"}, 2 * 10**9),
    "version 2, no limit": ("0::/\n", {"memory.max": "max"}, PHYSICAL),
    "version 1": (
        "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n",
        {"memory/docker/x/memory.limit_in_bytes": "5000000000", "cpu/docker/x/memory.limit_in_bytes": "1"},
        5 * 10**9,
    ),
    "version 1, the host's path": (
        "4:memory:/docker/x\n",
        {"memory/memory.limit_in_bytes": "1000000000"},
        10**9,
    ),
    "version 1, no limit": ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, PHYSICAL),
    "larger than the machine": ("0::/\n", {"memory.max": "99000000000"}, PHYSICAL),
}


@pytest.mark.parametrize(("own", "files", "expected"), GROUPS.values(), ids=GROUPS.keys())
def test_the_smallest_limit_counts(tmp_path, monkeypatch, own, files, expected):
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        file = tmp_path / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    monkeypatch.setattr(memory, "OWN", tmp_path / "own")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_physical", lambda: iter([PHYSICAL]))
    monkeypatch.setattr(memory, "_of_process", lambda: iter([]))
    assert memory.memory_limit() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not obey this limit")
def test_a_limit_of_the_process_counts():
    code = "from banditlab.core.playing.memory import memory_limit; print(memory_limit())"
    limited = f"ulimit -v 3000000; exec {sys.executable} -c '{code}'"
    made = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, env=os.environ)
    assert made.stdout.strip(), made.stderr
    assert int(made.stdout) <= 3_000_000 * 1024


def test_where_nobody_says_there_is_no_limit(tmp_path, monkeypatch):
    for name in ("_physical", "_of_process"):
        monkeypatch.setattr(memory, name, lambda: iter([]))
    monkeypatch.setattr(memory, "OWN", tmp_path / "none")
    assert memory.memory_limit() is None
