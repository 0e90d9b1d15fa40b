"""CVaR of finite distributions: its definition, and the axioms of coherence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab.cvar import Distribution, cvar, quantile
from banditlab.errors import InvalidArgument

numbers = st.floats(-100.0, 100.0, allow_nan=False).map(lambda x: round(x, 6))
levels = st.floats(0.0, 1.0).map(lambda x: round(x, 3))


@st.composite
def laws(draw, n_values=1):
    """Probabilities, and values of one or more variables on the same outcomes."""
    n = draw(st.integers(1, 7))
    weights = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n).filter(any))
    values = [draw(st.lists(numbers, min_size=n, max_size=n)) for _ in range(n_values)]
    return np.array(weights) / sum(weights), *map(np.array, values)


def by_definition(values, tau, weights):
    """The maximum over b, attained at one of the values."""
    return max(b - (weights * np.maximum(b - values, 0.0)).sum() / tau for b in values)


@given(laws(), levels)
def test_definition(law, tau):
    p, x = law
    want = x[p > 0].min() if tau == 0.0 else by_definition(x[p > 0], tau, p[p > 0])
    assert cvar(x, tau, p) == pytest.approx(want, abs=1e-9)


@given(laws(), levels)
def test_quantile_attains_the_maximum(law, tau):
    p, x = law
    b = quantile(x, tau, p)
    assert p[x <= b].sum() >= tau - 1e-9
    assert p[x < b].sum() < tau or tau == 0.0 or b == x[p > 0].min()
    if tau > 0.0:
        assert b - (p * np.maximum(b - x, 0.0)).sum() / tau == pytest.approx(cvar(x, tau, p), abs=1e-9)


@given(laws())
def test_level_one_is_the_mean_and_level_zero_the_worst(law):
    p, x = law
    assert cvar(x, 1.0, p) == pytest.approx(p @ x, abs=1e-9)
    assert cvar(x, 0.0, p) == x[p > 0].min()
    assert cvar(x, 1e-9, p) == pytest.approx(x[p > 0].min(), abs=1e-12)


@given(laws(), st.lists(levels, min_size=2, max_size=6))
def test_monotone_in_the_level(law, taus):
    p, x = law
    assert (np.diff(cvar(x, sorted(taus), p)) >= -1e-9).all()


@given(laws(n_values=2), levels, numbers, st.floats(0.0, 10.0))
def test_coherent(law, tau, c, scale):
    p, x, y = law
    assert cvar(x + c, tau, p) == pytest.approx(cvar(x, tau, p) + c, abs=1e-9)
    assert cvar(scale * x, tau, p) == pytest.approx(scale * cvar(x, tau, p), abs=1e-8)
    assert cvar(x + np.abs(y), tau, p) >= cvar(x, tau, p) - 1e-9
    assert cvar(x + y, tau, p) >= cvar(x, tau, p) + cvar(y, tau, p) - 1e-9  # rewards: diversifying helps


@settings(max_examples=30)
@given(laws(n_values=3), st.lists(levels, min_size=1, max_size=3))
def test_vectorised_is_one_by_one(law, taus):
    p, *xs = law
    for function in (cvar, quantile):
        together = function(np.stack(xs), taus, p)
        assert together.shape == (3, len(taus))
        for i, x in enumerate(xs):
            for k, tau in enumerate(taus):
                assert together[i, k] == function(x, tau, p)


def test_distribution_says_what_it_holds():
    law = Distribution([0.0, 1.0], [0.25, 0.75])
    assert (law.mean, law.cvar(0.5), law.quantile(0.25), law.shortfall(2.0)) == (0.75, 0.5, 0.0, 1.25)
    assert repr(law) == "Distribution(2 values from 0 to 1, mean 0.75)"


def test_arithmetic_ends_where_numbers_do():
    """Levels and weights as small and as large as there are."""
    assert cvar([0.0, 1.0], 1e-20, [1e-20, 1.0]) == 0.0  # not what rounding leaves of 1 - 1e-20
    assert cvar([0.3], 5e-324) == 0.3
    assert cvar([1.0, 2.0], 0.5, [1e308, 1e308]) == 1.0
    assert cvar([1.0, 3.0], 1.0, [5e-324, 5e-324]) == 2.0


BAD = [
    (lambda: cvar([1.0, np.nan], 0.5), r"values is .*; allowed: finite numbers"),
    (lambda: cvar([], 0.5), r"values is \[\]; allowed: an array with at least one value"),
    (lambda: cvar([1.0], 1.5), r"tau is 1.5; allowed: a number in \[0, 1\]"),
    (lambda: cvar([1.0], np.nan), r"tau is nan; allowed"),
    (lambda: cvar([1.0, 2.0], 0.5, [1.0, -1.0]), r"weights is .*; allowed: non-negative finite numbers"),
    (lambda: cvar([1.0, 2.0], 0.5, [0.0, 0.0]), r"weights is .*; allowed: a positive sum"),
    (lambda: cvar([1.0, 2.0], 0.5, [1.0, 1.0, 1.0]), r"weights has shape \(3,\); allowed: one weight per value"),
    (lambda: cvar("low", 0.5), r"values is 'low'; allowed: finite numbers"),
    (lambda: cvar(["1.0", "2.0"], 0.5), r"values is \['1.0', '2.0'\]; allowed: finite numbers"),
    (lambda: cvar(np.array([1.0 + 2.0j]), 0.5), r"values is array.*; allowed: finite numbers"),
    (lambda: cvar([10**400], 0.5), r"values is \[1000.*; allowed: finite numbers"),
    (lambda: quantile([[1.0, 2.0], [3.0]], 0.5), r"values is \[\[1.0, 2.0\], \[3.0\]\]; allowed: .*rows of one length"),
    (lambda: cvar([1.0], "low"), r"tau is 'low'; allowed: a number in \[0, 1\]"),
    (lambda: cvar([1.0], 0.5, "all"), r"weights is 'all'; allowed: non-negative finite numbers"),
    (lambda: Distribution([0.0], [1.0]).shortfall(np.nan), r"budget is nan; allowed: a finite number"),
    (lambda: Distribution([1.0, 0.0], [0.5, 0.5]), r"Distribution.values is .*; allowed: increasing numbers"),
    (lambda: Distribution([0.0, 1.0], [0.5, 0.4]), r"Distribution.probabilities sums to 0.9; allowed: 1"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_nonsense_is_refused(case):
    call, message = BAD[case]
    with pytest.raises(InvalidArgument, match=message):
        call()
