"""`constraints.txt` has a release of everything that `pyproject.toml` names, and one that it admits."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOR_A_DEVICE = {"gpu", "gpu13"}  # installed where there is one, for its release of CUDA
PINNED = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("extra", [None, *sorted(PROJECT["optional-dependencies"].keys() - FOR_A_DEVICE)])
def test_every_dependency_is_pinned_to_a_release_that_is_admitted(extra):
    for line in PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]:
        wanted = Requirement(line)
        found = [p for p in PINNED if canonicalize_name(p.name) == canonicalize_name(wanted.name)]
        assert found, f"{wanted.name} is not in constraints.txt: make newest"
        for pinned in found:
            (release,) = pinned.specifier
            assert release.operator == "=="
            assert wanted.specifier.contains(release.version), f"{line}, and constraints.txt has {pinned}"
