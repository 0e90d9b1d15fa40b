"""Utilities: closed forms against brute force, what is computed numerically against closed forms, and bad input."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab import clicks
from banditlab.clicks import generics
from banditlab.clicks.utilities import NODES
from banditlab.core.components import Problem
from banditlab.errors import InvalidArgument, InvalidComponent, InvalidType

from .components import Hill, PlainQuadratic, hill

# the same examples in every session; the first of each penalty has a table to compute
some = settings(deadline=None, derandomize=True)
many = settings(some, max_examples=300)
unit = st.floats(0.0, 1.0)
penalties = st.sampled_from([0.1, 0.5, 0.7, 1.0, 5.0, 20.0])  # few, as each is tabulated


def params(utility: Any) -> Any:
    """Return what kernels receive, so that they can be called as plain Python."""
    return utility.params(Problem(1, None))


# --------------------------------------------------------------------------------- the quadratic utility


@some
@given(unit, unit, st.floats(1e-3, 1e3))
def test_quadratic_is_what_it_says(s: float, mu: float, penalty: float) -> None:
    assert clicks.QuadraticUtility(penalty)(s, mu) == pytest.approx(s * mu - penalty * (s - mu) ** 2, abs=1e-12)


@some
@given(unit, st.floats(1e-3, 1e3))
def test_closed_forms_of_the_quadratic_against_brute_force(mu: float, penalty: float) -> None:
    """No click rate on a fine grid is better than the desired one, and the nearest are nearly as good."""
    u = clicks.QuadraticUtility(penalty)
    grid = np.linspace(0.0, 1.0, 10_001)
    values = grid * mu - penalty * (grid - mu) ** 2
    best = float(values.max())
    assert u.optimum(mu) == pytest.approx(u(u.desired(mu), mu), abs=1e-12)
    assert u.optimum(mu) >= best - 1e-12
    # inside, u falls by lambda d^2 a distance d <= 5e-5 away; at 1 the grid holds the optimum
    assert u.optimum(mu) <= best + penalty * 5e-5**2 + 1e-12
    factor = 1.0 + 1.0 / (2.0 * penalty)
    assert u.desired(mu) == pytest.approx(min(1.0, factor * mu), abs=1e-12)
    if factor * mu < 1.0:
        assert u.optimum(mu) == pytest.approx(mu**2 * (1.0 + 1.0 / (4.0 * penalty)), abs=1e-12)


boxes = st.tuples(unit, unit, unit, unit).map(lambda x: (*sorted(x[:2]), *sorted(x[2:])))
corners = st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 4).map(lambda x: (*sorted(x[:2]), *sorted(x[2:])))


@many
@given(boxes | corners, penalties)
def test_optimistic_utility_of_the_quadratic_is_the_maximum_over_the_box(box: Any, penalty: float) -> None:
    s_low, s_high, mu_low, mu_high = box
    s, mu = np.linspace(s_low, s_high, 301)[:, None], np.linspace(mu_low, mu_high, 301)[None, :]
    best = float((s * mu - penalty * (s - mu) ** 2).max())
    found = generics.optimistic_utility(params(clicks.QuadraticUtility(penalty)), *box)
    assert found >= best - 1e-12
    # |du/ds| and |du/dmu| are at most 1 + 2 lambda, and the grid has a point within half a step in both directions
    assert found <= best + (1.0 + 2.0 * penalty) * ((s_high - s_low) + (mu_high - mu_low)) / 600 + 1e-12


@some
@given(unit, unit, penalties)
def test_range_of_the_quadratics_desired_strategies(a: float, b: float, penalty: float) -> None:
    u, (low, high) = clicks.QuadraticUtility(penalty), sorted((a, b))
    assert generics.desired_range(params(u), low, high) == pytest.approx((u.desired(low), u.desired(high)), abs=1e-15)


# ------------------------------------------------------------------------------------- computed numerically


@some
@given(unit, penalties)
def test_numerical_optima_are_the_closed_forms(mu: float, penalty: float) -> None:
    """Near its maximum u is flat: rounding errors of 1e-16 in u hide distances of 1e-8 in s."""
    plain, closed = PlainQuadratic(penalty), clicks.QuadraticUtility(penalty)
    assert plain.desired(mu) == pytest.approx(closed.desired(mu), abs=1e-6)
    assert plain.optimum(mu) == pytest.approx(closed.optimum(mu), abs=1e-10)


@some
@given(unit, penalties)
def test_kernels_interpolate_desired_strategies(mu: float, penalty: float) -> None:
    """Exact to 1e-6 where s* is linear over a cell; in the cell with its kink off by at most a quarter of its rise."""
    plain, closed = PlainQuadratic(penalty), clicks.QuadraticUtility(penalty)
    factor, cell = 1.0 + 1.0 / (2.0 * penalty), 1.0 / (NODES - 1)
    error = abs(generics.desired_strategy(params(plain), mu) - closed.desired(mu))
    assert error <= (1e-6 if abs(mu - 1.0 / factor) > cell else factor * cell / 4.0 + 1e-6)
    assert generics.optimal_utility(params(plain), mu) == pytest.approx(
        closed.optimum(mu), abs=1e-10 if error <= 1e-6 else (1.0 + 2.0 * penalty) * error
    )


@some
@given(unit)
def test_desired_strategies_that_rise_and_fall(mu: float) -> None:
    """Between nodes a distance h apart, linear interpolation is off by h^2 |g''| / 8, here with g'' = -6.4."""
    u = Hill()
    assert u.desired(mu) == pytest.approx(hill(mu), abs=1e-6)
    assert u.optimum(mu) == pytest.approx(mu, abs=1e-12)
    assert generics.desired_strategy(params(u), mu) == pytest.approx(hill(mu), abs=6.4 / 8 / (NODES - 1) ** 2 + 1e-6)


@many
@given(unit, unit)
def test_range_of_desired_strategies_that_rise_and_fall(a: float, b: float) -> None:
    low, high = sorted((a, b))
    values = hill(np.linspace(low, high, 2_001)) if high > low else np.array([hill(low)])
    error = 6.4 / 8 / (NODES - 1) ** 2 + 6.4 / 2 * ((high - low) / 4_000) ** 2 + 1e-6  # of the kernel, of the grid
    found = generics.desired_range(params(Hill()), low, high)
    assert found == pytest.approx((values.min(), values.max()), abs=error)


@clicks.utility
class Valley(clicks.Utility):
    """A closed form that is not monotone, with a minimum between two nodes."""

    def utility(self, s, mu):
        return mu - (s - self.desired_strategy(mu)) ** 2

    def desired_strategy(self, mu):
        return 0.2 + abs(mu - 0.3333)


@some
@given(unit, unit)
def test_range_of_a_closed_form_looks_between_the_ends(a: float, b: float) -> None:
    """Slopes are 1, so that no node is further than half a cell from an extreme, in value as in mean."""
    low, high = sorted((a, b))
    wanted = (
        (0.2 if low <= 0.3333 <= high else min(map(Valley().desired, (low, high)))),
        max(map(Valley().desired, (low, high))),
    )
    found = generics.desired_range(params(Valley()), low, high)
    assert found == pytest.approx(wanted, abs=1.0 / (NODES - 1))
    assert found[1] == pytest.approx(wanted[1], abs=1e-15)


@many
@given(boxes | corners, penalties)
def test_optimistic_utility_over_33_means(box: Any, penalty: float) -> None:
    """It is at most the maximum, and misses it by no more than half a step of mu at the steepest slope."""
    _, _, mu_low, mu_high = box
    found = generics.optimistic_utility(params(PlainQuadratic(penalty)), *box)
    best = generics.optimistic_utility(params(clicks.QuadraticUtility(penalty)), *box)
    slope = 1.0 + 2.0 * penalty
    interpolation = slope * (1.0 + 0.5 / penalty) / (NODES - 1) / 4.0
    assert best - slope * (mu_high - mu_low) / 64.0 - interpolation - 1e-6 <= found <= best + 1e-9


def test_a_maximum_at_an_end_is_found() -> None:
    @clicks.utility
    class Linear(clicks.Utility):
        def utility(self, s, mu):
            return s * (mu - 0.5)

    assert Linear().desired(0.2) == 0.0
    assert Linear().desired(0.9) == 1.0
    assert Linear().optimum(0.9) == pytest.approx(0.4, abs=1e-15)


def test_a_narrow_maximum_beside_a_broad_one_is_found() -> None:
    @clicks.utility
    class TwoPeaks(clicks.Utility):
        def utility(self, s, mu):
            return max(1.0 - abs(s - 0.3), 1.1 - 20.0 * abs(s - 0.81))

    assert TwoPeaks().desired(0.5) == pytest.approx(0.81, abs=1e-6)


# --------------------------------------------------------------------------------------- objects and errors


def test_utilities_compare_pickle_and_print() -> None:
    for utility in (clicks.QuadraticUtility(), clicks.QuadraticUtility(0.7), PlainQuadratic(2.0), Hill()):
        twin = pickle.loads(pickle.dumps(utility))
        assert twin == utility
        assert hash(twin) == hash(utility)
    assert repr(clicks.QuadraticUtility()) == "QuadraticUtility()"
    assert repr(clicks.QuadraticUtility(2.0)) == "QuadraticUtility(penalty=2)"
    assert clicks.QuadraticUtility(2.0) != PlainQuadratic(2.0)


@pytest.mark.parametrize("penalty", [0.0, -1.0, math.nan, math.inf, "5", None, True, [5.0]], ids=repr)
def test_penalty_is_positive(penalty: Any) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match=r"QuadraticUtility\.penalty is .*; allowed: "):
        clicks.QuadraticUtility(penalty)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, "0.5", None, True], ids=repr)
@pytest.mark.parametrize("name", ["s", "mu"])
def test_arguments_of_a_utility(name: str, value: Any) -> None:
    u, message = clicks.QuadraticUtility(), rf"^{name} is .*; allowed: a (finite |real )?number"
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        u(**({"s": 0.5, "mu": 0.5} | {name: value}))
    if name == "mu":
        for method in (u.desired, u.optimum, Hill().desired, Hill().optimum):
            with pytest.raises((InvalidArgument, InvalidType), match=message):
                method(value)


def test_a_utility_inherits_and_has_its_kernel_with_exactly_its_arguments() -> None:
    with pytest.raises(
        InvalidComponent, match=r"Alone is not a clicks\.Utility; allowed: class Alone\(clicks\.Utility\)"
    ):

        @clicks.utility
        class Alone:
            def utility(self, s, mu):
                return s * mu

    with pytest.raises(InvalidComponent, match=r"Empty has no kernel utility; allowed: .* utility\(self, s, mu\)"):

        @clicks.utility
        class Empty(clicks.Utility):
            pass

    with pytest.raises(
        InvalidComponent, match=r"Swapped\.utility takes \(self, mu, s\); allowed: exactly \(self, s, mu\)"
    ):

        @clicks.utility
        class Swapped(clicks.Utility):
            def utility(self, mu, s):
                return s * mu

    with pytest.raises(InvalidComponent, match="5 is decorated as a utility; allowed: a class"):
        clicks.utility(5)
