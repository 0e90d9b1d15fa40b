"""Single precision: what a machine stores, who may play so, and what it changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar, dueling, scoring, semibandits
from banditlab.core.components import Space
from banditlab.core.errors import IncompatiblePolicy, InvalidArgument
from banditlab.core.machines import Processor
from tests.scoring.instances import SENDERS

from .cases import CASES, extremes

WORLD = arms.Bernoulli([0.1, 0.9])
SMALL: dict[str, Any] = {"horizon": 20, "n_runs": 3, "seed": 0, "progress": False}


def test_single_precision_stores_floats_in_half_the_space_and_changes_little() -> None:
    state = Processor(precision="single").state(arms.UCB1(), Space(3, 4, 100))
    assert {array.dtype for array in state} == {np.dtype(np.float32)}
    options: dict[str, Any] = {"horizon": 2_000, "n_runs": 400, "seed": 5, "n_jobs": 1, "progress": False}
    double, single = (bl.run(WORLD, arms.UCB1(), precision=p, **options) for p in ("double", "single"))
    assert single.provenance["precision"] == "single"
    apart = single.values()[0, :, -1] - double.values()[0, :, -1]  # on the same luck
    assert abs(apart.mean()) <= 4.0 * apart.std(ddof=1) / 20.0
    plain = bl.run(WORLD, arms.UCB1(), precision="single", backend="python", **options | {"n_runs": 2})
    np.testing.assert_array_equal(plain.values()[0], single.values()[0, :2])


@pytest.mark.parametrize(
    "policy",
    [arms.EXP3(), arms.EXP3IX(), arms.KLUCBPlusPlus(horizon=10), arms.KLUCB(), arms.IMED(), arms.BayesUCB()],
    ids=repr,
)
def test_plain_python_computes_in_double_as_compiled_kernels_do(policy: Any) -> None:
    options: dict[str, Any] = {"horizon": 600, "n_runs": 3, "seed": 1, "precision": "single", "progress": False}
    world = arms.Bernoulli([0.47, 0.59, 0.13])
    compiled, plain = (bl.run(world, policy, backend=b, metrics="pulls", **options) for b in ("cpu", "python"))
    for metric in compiled.metrics:
        np.testing.assert_array_equal(compiled.values(metric), plain.values(metric))


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_numbers_that_single_precision_does_not_hold_are_refused(backend: str) -> None:
    with pytest.raises(InvalidArgument, match=r"precision is 'single'; allowed: 'double', as VarTS\(mu=1e\+50\)"):
        bl.run(arms.Gaussian([0.0, 1.0]), arms.VarTS(mu=1e50), precision="single", backend=backend, **SMALL)


def test_other_precisions_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="precision is 'half'; allowed: one of 'double', 'single'"):
        bl.run(WORLD, arms.UCB1(), precision="half", **SMALL)


@pytest.mark.parametrize(
    ("world", "policy"),
    [
        (dueling.ContextualGLM([1.0, 0.5], [[0.0, 1.0], [1.0, 0.0]]), dueling.MaxInP()),
        (cvar.random_mdp(3, 2, 2, seed=0), cvar.MaxWP()),
        (SENDERS, scoring.OSRA()),
    ],
    ids=["contextual", "mdp", "scoring"],
)
def test_a_precision_is_refused_where_rules_need_the_digits_of_double(world: Any, policy: Any) -> None:
    with pytest.raises(IncompatiblePolicy, match=r"its states are stored in double precision only, .* is 'single'"):
        bl.run(world, policy, precision="single", **SMALL)


@pytest.mark.filterwarnings("ignore::banditlab.errors.AssumptionWarning")
@pytest.mark.parametrize("name", CASES)
def test_policies_play_by_their_rules(name: str) -> None:
    """In plain Python, where an index beyond an array's end is an error."""
    case, options = CASES[name], {"horizon": 120, "n_runs": 2, "backend": "python", "precision": "single"}
    for world, asked in extremes(case, 120):
        found = bl.run(world, case.policy, metrics=asked, seed=1, progress=False, **options)
        assert np.isfinite(found.values(found.metrics[0])).all()


@pytest.mark.parametrize("actions", [semibandits.MSets(3), semibandits.UpToM(3)], ids=lambda a: type(a).__name__)
def test_what_oracles_work_with_stays_double(actions: Any) -> None:
    """Weights are double: beside the m-th largest of them, rounded to single precision, others would be as large."""
    world = semibandits.SemiBandit(arms.Bernoulli(np.linspace(0.1, 0.9, 9)), actions)
    options: dict[str, Any] = {"horizon": 1000, "n_runs": 50, "seed": 1, "progress": False}
    found = bl.run(world, semibandits.CombUCB1(), metrics=["pulls"], precision="single", **options)
    assert sum(found.values(metric)[0, :, -1] for metric in found.metrics).max() == 3000.0
