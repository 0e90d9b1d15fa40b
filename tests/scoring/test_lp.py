"""The programs in loops: that what was solved before does not change the answer."""

import numpy as np
import pytest

from banditlab.scoring.lp import OptimalRuleProgram, ProperRuleProgram
from tests.scoring.instances import random_world, toy


def test_warm_starts_do_not_change_values():
    """Two hundred perturbed programs in a row, warm, against each from scratch."""
    rng = np.random.default_rng(5)
    world = random_world(rng, 3, 4)
    warm = OptimalRuleProgram(world.beliefs, 4)
    statuses = set()
    for _ in range(200):
        q = rng.dirichlet(np.ones(world.n_beliefs), 4)
        c, k = rng.uniform(0.0, 0.08, 4), int(rng.integers(4))
        fresh = OptimalRuleProgram(world.beliefs, 4)
        a, b = warm.solve(k, q, c), fresh.solve(k, q, c)
        statuses.add(a.status)
        assert a.status == b.status
        if a.status == "optimal":
            assert a.value == pytest.approx(b.value, abs=1e-9)
        assert warm.margin(k, q, c).value == pytest.approx(fresh.margin(k, q, c).value, abs=1e-9)
    assert statuses == {"optimal", "infeasible"}
    assert warm.n_solves == 400


def test_money_has_no_unit():
    world = toy()
    one = OptimalRuleProgram(world.beliefs, 3).solve(2, world.action_distributions, world.costs)
    many = OptimalRuleProgram(world.beliefs, 3, 1e6).solve(2, world.action_distributions, world.costs * 1e6)
    np.testing.assert_allclose(many.payments, one.payments * 1e6, rtol=1e-9)
    assert many.value == pytest.approx(one.value * 1e6)


def test_slack_lowers_the_price():
    world = toy()
    program = OptimalRuleProgram(world.beliefs, 3)
    exact = program.solve(2, world.action_distributions, world.costs).value
    loose = program.solve(2, world.action_distributions, world.costs, slack=0.01).value
    assert loose == pytest.approx(exact * (0.05 - 0.01) / 0.05, abs=1e-9)  # 4.5 a unit of cost, as its multiplier says


def test_extra_variables_and_unbounded_programs():
    """Maximise v up to a row that ties it to the payments; without the row, nothing holds it."""
    beliefs = toy().beliefs
    program = ProperRuleProgram(beliefs, 1.0, n_rows=1, n_extras=1)
    program.cost[-1] = -1.0
    assert "unbounded" in program.solve().status
    program.rows[0, :2], program.rows[0, -1] = beliefs[0], -1.0
    program.row_lower[0] = 0.0
    found = program.solve()
    assert found.status == "optimal"
    assert found.extras[0] == pytest.approx(1.0, abs=1e-9)
    assert found.rows.shape == (1,)
