"""What every policy of the family promises, tried on the whole registry: a new policy is under it at once."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import scoring
from banditlab.core.errors import BanditlabError
from banditlab.core.family import registered
from banditlab.scoring.protocol import METRICS
from tests.values import check_twins

from .instances import HIRING, SENDERS
from .played import TOY

POLICIES = registered("scoring", "policy")
ENVIRONMENTS = {"PrincipalAgent": TOY, "InformationAcquisition": SENDERS, "HiringProblem": HIRING}
REQUIRED = {"FixedRule": {"rule": np.full((5, 2), 0.25)}}
FIELDS = [(cls, f.name) for cls in POLICIES.values() for f in dataclasses.fields(cls)]

every_policy = pytest.mark.parametrize("name", POLICIES)
every_field = pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{cls.__name__}.{f}" for cls, f in FIELDS])


def made(name: str, **changes: Any) -> Any:
    return POLICIES[name](**(REQUIRED.get(name, {}) | changes))


def worlds(policy: Any) -> list[Any]:
    wanted = getattr(policy, "environments", object)
    return [world for world in ENVIRONMENTS.values() if isinstance(world, wanted)]


def columns(policy: Any, world: Any, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"horizon": 40, "n_runs": 3, "seed": 2, "n_jobs": 1, "metrics": METRICS} | changes
    result = bl.run(world, policy, progress=False, **options)
    return {metric: result.values(metric)[0] for metric in METRICS}


def test_every_environment_is_tried() -> None:
    assert set(ENVIRONMENTS) == set(registered("scoring", "environment"))


@every_policy
def test_run_is_the_same_whatever_the_number_of_runs_and_processes(name: str) -> None:
    policy = made(name)
    for world in worlds(policy):
        whole = columns(policy, world)
        for other in (columns(policy, world, n_runs=2), columns(policy, world, n_runs=2, n_jobs=2)):
            for metric in METRICS:
                np.testing.assert_array_equal(other[metric], whole[metric][:2], err_msg=metric)
        assert all(np.isfinite(values).all() for values in whole.values())
        assert (whole["violation"] >= 0.0).all()
        assert (np.diff(whole["solves"], axis=1) >= 0.0).all()


@every_policy
def test_shortest_horizon(name: str) -> None:
    policy = made(name)
    for world in worlds(policy):
        for horizon in (1, 2):
            assert np.isfinite(columns(policy, world, horizon=horizon)["regret"]).all()


@every_field
def test_field_is_checked_and_documented(cls: type, field: str) -> None:
    (found,) = [f for f in dataclasses.fields(cls) if f.name == field]
    assert callable(found.metadata["check"])
    assert len(found.metadata["doc"]) > 5
    with pytest.raises(BanditlabError, match=f"{cls.__name__}.{field} is .*; allowed: "):
        made(cls.__name__, **{field: "nonsense"})
    lines = (inspect.getdoc(cls) or "").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field} : ")]
    if found.default is None:
        assert line.endswith(", optional")
    elif found.default is not dataclasses.MISSING:
        assert line.endswith(f"default {found.default!r}")


@every_field
def test_extreme_values_that_a_field_allows_do_no_harm(cls: type, field: str) -> None:
    for value in (0, 1e-12, 1e-3, 1, 1_000_000, 1e12):
        try:
            policy = made(cls.__name__, **{field: value})
        except BanditlabError:
            continue
        for world in worlds(policy):
            assert all(np.isfinite(values).all() for values in columns(policy, world, n_runs=1).values())


@every_policy
def test_policy_pickles_copies_and_compares(name: str) -> None:
    check_twins(made(name), [])


@every_policy
def test_documentation_is_complete(name: str) -> None:
    text = inspect.getdoc(POLICIES[name]) or ""
    assert "Guarantee" in text
    assert f">>> scoring.{name}(" in text
    assert hasattr(scoring, name)
