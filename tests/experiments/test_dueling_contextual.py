"""The constants and the intervals of the experiment on contextual duels."""

from __future__ import annotations

import numpy as np

from experiments.dueling_contextual import analysis, simulate


def test_a_set_of_constants_is_what_it_says():
    released, same = simulate.policies("released", 2.0), simulate.policies("same", 2.0)
    assert {name: p.radius for name, p in released.items()} == {
        "VACDB": 0.125, "StaD": 1.0, "MaxInP": 2.0, "MaxPairUCB": 2.0, "CoLSTIM": 2.0,
    }  # fmt: skip
    assert {p.radius for p in same.values()} == {0.25}
    assert simulate.policies("same", 1.0) == same  # divided by nothing
    assert simulate.policies("theory", 1.0)["VACDB"].radius is None


def test_intervals_of_slopes_know_that_instances_are_the_same():
    """What varies between instances, but not with x, must not widen the interval."""
    rng = np.random.default_rng(0)
    size = np.exp(rng.normal(size=60))
    x = [1.0, 2.0, 4.0]
    slope = analysis.paired_exponent(x, [size * v**0.5 for v in x])
    np.testing.assert_allclose(slope, 0.5, rtol=1e-12)
    one = {v: size * v**0.5 for v in x}
    two = {v: size * v**0.2 for v in x}
    np.testing.assert_allclose(analysis.ratio_exponent(one, two), 0.3, rtol=1e-12)
    noisy = [size * v**0.5 * np.exp(0.1 * rng.normal(size=60)) for v in x]
    measured, low, high = analysis.paired_exponent(x, noisy)
    assert low < measured < high
    assert low < 0.5 < high
