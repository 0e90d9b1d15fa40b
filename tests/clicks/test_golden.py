"""A short golden trace of every policy for click-bandits: the arms of its first rounds must never change unnoticed.

The traces are in `golden.json`, a string of arms a policy. After a deliberate change, `python -m
tests.clicks.test_golden --write` writes them again, having checked each against the policy's naive reference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from .players import POLICIES, Instance, bandit, check_against_reference, simulated

FILE = Path(__file__).with_name("golden.json")
INSTANCE = Instance(bandit([0.3, 0.6, 0.5], [0.9, 0.2, 0.6]), horizon=120, n_runs=1, seed=1)


def player(cls: type) -> Any:
    """Return a policy of a class, learners with radii small enough to screen and to choose within 120 rounds."""
    return cls(alpha=0.05) if hasattr(cls, "alpha") else cls()


def trace(policy: Any) -> str:
    """Return the arms of run 0 as a string of digits."""
    return "".join(map(str, simulated(policy, INSTANCE)[0][0]))


def write(file: Path = FILE) -> None:
    """Write the trace of every policy that plays as its reference does; raise for one that does not."""
    traces = {}
    for name, cls in sorted(POLICIES.items()):
        policy = player(cls)
        strategies = INSTANCE.environment.strategies
        check_against_reference(policy, INSTANCE, 0, strategies, simulated(policy, INSTANCE), 0)
        traces[name] = trace(policy)
    file.write_text(json.dumps(traces, indent=2) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", POLICIES)
def test_plays_the_golden_trace(name: str) -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    assert name in golden, f"{name} has no golden trace: run python -m tests.clicks.test_golden --write"
    assert trace(player(POLICIES[name])) == golden[name]


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
