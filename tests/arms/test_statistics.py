"""What policies remember of each arm: inverse roots are the same numbers, looked up or computed."""

from __future__ import annotations

import math

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.arms import statistics
from banditlab.arms.statistics import MOST_ROOTS, inverse_root, inverse_roots


@pytest.mark.parametrize("horizon", [1, 1_000, MOST_ROOTS, 10 * MOST_ROOTS, None])
def test_inverse_roots_are_one_divided_by_the_root(horizon: int | None) -> None:
    roots = inverse_roots(horizon)
    numbers = {1, 2, 3, 7, 999, *(len(roots) + k for k in (-2, -1, 0, 1)), 3 * len(roots)} - {0}
    for n in numbers:
        assert inverse_root(roots, float(n)) == 1.0 / math.sqrt(n)
    assert len(roots) <= MOST_ROOTS + 1


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_where_the_table_ends_makes_no_difference(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    env, policies = arms.Bernoulli([0.3, 0.6]), [arms.UCB1(), arms.GaussianKLUCB(std=0.5)]
    usual = bl.run(env, policies, horizon=60, n_runs=10, seed=3, backend=backend)
    monkeypatch.setattr(statistics, "MOST_ROOTS", 20)
    short = bl.run(env, [arms.UCB1(), arms.GaussianKLUCB(std=0.5)], horizon=60, n_runs=10, seed=3, backend=backend)
    np.testing.assert_array_equal(usual.values(), short.values())
