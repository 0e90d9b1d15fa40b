"""Programs that start from their last basis find the values of programs that do not."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linprog

from banditlab.core.errors import BanditlabError
from banditlab.scoring.acquisition_program import AcquisitionProgram
from banditlab.scoring.live import LiveProgram, Solution


def growing(rng: np.random.Generator, shape: tuple[int, ...], n_decisions: int, n: int):
    """Yield (worths, slack) as a learner comes by them: frequencies of signals times means of utilities, and noise."""
    chances = rng.dirichlet(np.ones(int(np.prod(shape))))
    means = rng.uniform(-1.0, 1.0, (1 + len(shape), len(chances), n_decisions))
    counts = rng.multinomial(5, chances).astype(float)
    for _ in range(n):
        counts += rng.multinomial(1 + int(0.1 * counts.sum()), chances)
        noisy = means + 0.2 * rng.normal(size=means.shape) / np.sqrt(np.maximum(counts, 1.0))[:, None]
        worths = (counts / counts.sum())[:, None] * noisy
        yield worths.reshape(len(means), *shape, n_decisions), float(rng.choice([0.0, 0.001, 0.1]))


@pytest.mark.parametrize("shape", [(2,), (2, 2), (3, 1, 2), (4, 3)], ids=str)
def test_warm_and_cold_find_the_same_value(shape):
    rng = np.random.default_rng(len(shape))
    warm = AcquisitionProgram(shape, 3)
    for k, (worths, slack) in enumerate(growing(rng, shape, 3, 40)):
        found = warm.solve(worths, slack)
        cold = AcquisitionProgram(shape, 3).solve(worths, slack)
        assert (found * worths[0]).sum() == pytest.approx((cold * worths[0]).sum(), abs=1e-9)
        for decisions in (found, cold):
            np.testing.assert_allclose(decisions.sum(axis=-1), 1.0, atol=1e-12)
            for i, worth in enumerate(worths[1:]):
                for own, lie in np.ndindex(shape[i], shape[i]):
                    moved = decisions.take(lie, axis=i) - decisions.take(own, axis=i)
                    assert (worth.take(own, axis=i) * moved).sum() <= slack + 1e-9
        assert warm.n_solves == k + 1


def test_live_program_agrees_with_linprog_while_everything_changes():
    rng = np.random.default_rng(0)
    program = LiveProgram(4, np.arange(0, 13, 4), np.tile(np.arange(4), 3))
    program.lower[:] = 0.0
    statuses = set()
    for _ in range(60):
        program.entries[:], program.cost[:] = rng.normal(size=12), rng.normal(size=4)
        program.upper[:] = rng.choice([1.0, np.inf], 4)
        program.row_upper[:] = rng.uniform(-0.2, 1.0, 3)
        found = program.solve()
        bounds = [(0.0, None if np.isinf(high) else high) for high in program.upper]
        best = linprog(program.cost, A_ub=program.entries.reshape(3, 4), b_ub=program.row_upper, bounds=bounds)
        statuses.add(found.status)
        assert (best.status == 0) == (found.status == "optimal")
        if best.status == 0:
            assert found.value == pytest.approx(best.fun, abs=1e-9)
            assert (found.duals <= 1e-9).all()  # of upper bounds, when minimising
    assert "optimal" in statuses
    assert len(statuses) > 1
    assert program.n_solves == 60


def test_a_program_that_fails_says_how(monkeypatch):
    nothing = np.zeros(4)
    monkeypatch.setattr(LiveProgram, "solve", lambda *_, **__: Solution("time limit reached", nothing, nothing, 0.0))
    with pytest.raises(BanditlabError, match="the program for the optimal mechanism ended with: time limit reached"):
        AcquisitionProgram((2,), 2).solve(np.ones((2, 2, 2)), 0.0)


@pytest.mark.parametrize("method", ["highs", "cvxpy"])
def test_the_solver_prints_nothing_not_even_its_name(method):
    code = f"from tests.scoring.played import TOY\nassert TOY.optimal_rule(1, method={method!r}).payment > 0.0\n"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == done.stderr == ""
