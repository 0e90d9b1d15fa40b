"""A short golden trace of every K-armed policy: the arms of its first 40 rounds must never change unnoticed.

The traces are in `golden.json`, a string of arms a policy. After a deliberate change, `python -m tests.arms.test_golden
--write` writes them again, having checked each against the policy's naive reference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from banditlab import arms
from banditlab.core.family import registered

from .players import Instance, check_against_reference, simulated

FILE = Path(__file__).with_name("golden.json")
INSTANCE = Instance(arms.Bernoulli([0.3, 0.6, 0.5]), horizon=40, n_runs=1, seed=1)
POLICIES = registered("arms", "policy")


def trace(policy: Any) -> str:
    """Return the arms of run 0 as a string of digits."""
    return "".join(map(str, simulated(policy, INSTANCE)[0]))


def write(file: Path = FILE) -> None:
    """Write the trace of every policy that plays as its reference does; raise for one that does not."""
    traces = {}
    for name, cls in sorted(POLICIES.items()):
        policy = cls()
        check_against_reference(policy, INSTANCE, 0, simulated(policy, INSTANCE)[0])
        traces[name] = trace(policy)
    file.write_text(json.dumps(traces, indent=2) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", POLICIES)
def test_plays_the_golden_trace(name: str) -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    assert name in golden, f"{name} has no golden trace: run python -m tests.arms.test_golden --write"
    assert trace(POLICIES[name]()) == golden[name]


def test_every_golden_trace_has_a_policy() -> None:
    assert list(json.loads(FILE.read_text(encoding="utf-8"))) == sorted(POLICIES)


def test_writing_gives_the_file_that_is_there(tmp_path: Path) -> None:
    write(tmp_path / "golden.json")
    assert (tmp_path / "golden.json").read_text(encoding="utf-8") == FILE.read_text(encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True, help="check against the references and write")
    parser.parse_args()
    write()
