"""Assumptions A1 to A3: a utility that violates one is warned of by name, and one that meets them is not."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from banditlab import arms, clicks
from banditlab.errors import AssumptionWarning, InvalidArgument

from .components import Hill, PlainQuadratic

MEANS, STRATEGIES = [0.6, 0.2], [0.66, 0.22]


@clicks.utility
class Jump(clicks.Utility):
    """Pays a bonus for popular arms: u is not continuous. s* = 1 and u* = mu + 0.1."""

    def utility(self, s, mu):
        return s * mu + (0.1 if s > 0.5 else 0.0)


@clicks.utility
class Root(clicks.Utility):
    """Has an infinite slope at s = 0. s* = 1 and u* = mu."""

    def utility(self, s, mu):
        return math.sqrt(s) * mu


@clicks.utility
class Infinite(clicks.Utility):
    """Is minus infinity at s = 0. s* = 1, u* = mu."""

    def utility(self, s, mu):
        return mu + (math.log(s) if s > 0.0 else -math.inf)


@clicks.utility
class Falling(clicks.Utility):
    """Prefers small means. s* = mu."""

    def utility(self, s, mu):
        return 1.0 - mu - (s - mu) ** 2


@clicks.utility
class Flat(clicks.Utility):
    """Wants honesty and nothing else: u* = 0. s* = mu."""

    def utility(self, s, mu):
        return -((s - mu) ** 2)


@clicks.utility
class Leap(clicks.Utility):
    """Wants s = 0.3 below mu = 1/2 and s = 1 above: s* jumps. u and u* are as they should be."""

    def utility(self, s, mu):
        return 2.0 * mu + s * (mu - 0.5) - 10.0 * max(0.0, 0.3 - s)


@clicks.utility
class Never(clicks.Utility):
    """Wants no clicks of arms with means below 1/4. u* increases."""

    def utility(self, s, mu):
        return mu - (s - max(0.0, mu - 0.25)) ** 2


VIOLATING = {"A1": [Jump(), Root()], "A2": [Falling(), Flat()], "A3": [Leap(), Never()]}
CASES = [(name, utility) for name, utilities in VIOLATING.items() for utility in utilities]


@pytest.mark.parametrize(("assumption", "utility"), CASES, ids=[f"{a}-{u!r}" for a, u in CASES])
def test_violated_assumption_is_named_and_no_other(assumption: str, utility: Any) -> None:
    found = clicks.violations(utility, lowest_mean=0.2)
    assert {violation.assumption for violation in found} == {assumption}
    message = rf"{type(utility).__name__}\(\) violates assumption {assumption} of UCB-S's guarantees: .+"
    with pytest.warns(AssumptionWarning, match=message) as told:
        clicks.StrategicClickBandit(MEANS, STRATEGIES, utility)
    assert len(told) == len(found)


@pytest.mark.parametrize("utility", [clicks.QuadraticUtility(p) for p in (0.1, 1.0, 5.0, 100.0)], ids=repr)
def test_quadratic_meets_the_assumptions_on_positive_means(utility: Any) -> None:
    """The smallest slopes and values still count as what they are; pytest turns any warning into an error."""
    for lowest in (1e-6, 0.01, 0.5, 0.9, 1.0):
        assert clicks.violations(utility, lowest) == []
        clicks.StrategicClickBandit([1.0, lowest], [0.5, 0.5], utility)


@pytest.mark.parametrize("utility", [Hill(), PlainQuadratic()], ids=repr)
def test_numerical_optima_do_not_look_like_violations(utility: Any) -> None:
    assert clicks.violations(utility, lowest_mean=0.1) == []


def test_desired_strategy_zero_at_mean_zero() -> None:
    """The quadratic's own: an arm whose mean may be 0 and that is never clicked is never screened."""
    (found,) = clicks.violations(clicks.QuadraticUtility())
    assert found.assumption == "A3"
    assert "s*(0) = 0" in found.what
    with pytest.warns(AssumptionWarning, match="A3"):
        clicks.StrategicClickBandit([0.0, 0.5], [0.5, 0.5])


def test_what_is_violated_outside_the_means_does_not_matter() -> None:
    assert [v.assumption for v in clicks.violations(Never(), 0.1)] == ["A3"]
    assert clicks.violations(Never(), 0.3) == []
    assert clicks.violations(Leap(), 0.6) == []


def test_several_violations_are_all_told() -> None:
    @clicks.utility
    class Bad(clicks.Utility):
        def utility(self, s, mu):
            return (1.0 if s > 0.5 else 0.0) - mu - s

    found = [violation.assumption for violation in clicks.violations(Bad(), 0.2)]
    assert {"A1", "A2"} <= set(found)
    with pytest.warns(AssumptionWarning) as told:
        clicks.StrategicClickBandit(MEANS, STRATEGIES, Bad())
    assert len(told) == len(found)


def test_warning_points_to_the_line_that_makes_the_environment() -> None:
    """Python files a warning under a place, shows it once a place, and lets users silence it by module."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        clicks.StrategicClickBandit([0.0, 0.5], [0.5, 0.5])
    assert [warning.filename for warning in told] == [__file__]


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_lowest_mean_is_a_probability(value: float) -> None:
    with pytest.raises(InvalidArgument, match=r"lowest_mean is .*; allowed: a (finite )?number"):
        clicks.violations(clicks.QuadraticUtility(), value)


# ------------------------------------------------------------------------------------- utilities that are none


@clicks.utility
class Raises(clicks.Utility):
    def utility(self, s, mu):
        return math.log(s) + mu


NOTHING = None


@clicks.utility
class Nothing(clicks.Utility):
    def utility(self, s, mu):
        return NOTHING


@clicks.utility
class WronglyDesired(clicks.Utility):
    def utility(self, s, mu):
        return s * mu - 2.0 * (s - mu) ** 2

    def desired_strategy(self, mu):
        return 0.1


@clicks.utility
class BeyondOne(clicks.Utility):
    def utility(self, s, mu):
        return s * mu - 2.0 * (s - mu) ** 2

    def desired_strategy(self, mu):
        return 1.25 * mu


@clicks.utility
class WronglyOptimal(clicks.Utility):
    def utility(self, s, mu):
        return s * mu - 2.0 * (s - mu) ** 2

    def optimal_utility(self, mu):
        return 0.01 * mu


@pytest.mark.parametrize(
    ("utility", "message"),
    [
        (Infinite(), r"its u\(0, 0.2\) is -inf; allowed: finite numbers"),
        (Raises(), "raised ValueError"),
        (Nothing(), "raised TypeError"),
        (
            WronglyDesired(),
            r"desired_strategy\(0.2\) is 0.1; allowed: the click rate in \[0, 1\] with the largest u, 0.25",
        ),
        (BeyondOne(), r"desired_strategy\(\S+\) is 1.05"),
        (WronglyOptimal(), r"optimal_utility\(0.2\) is 0.002; allowed: u at the desired strategy, 0.045"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, clicks.Utility) else None,
)
def test_a_utility_that_is_none_is_refused_with_its_name(utility: Any, message: str) -> None:
    for construct in (
        lambda: clicks.violations(utility, 0.2),
        lambda: clicks.StrategicClickBandit([0.2], [0.2], utility),
    ):
        with pytest.raises(InvalidArgument, match=message) as told:
            construct()
        assert str(told.value).startswith(f"utility is {type(utility).__name__}()")


@clicks.utility
class Constant(clicks.Utility):
    """s* = 0.37 whatever the mean: found up to the optimiser's accuracy, which is no violation."""

    def utility(self, s, mu):
        return mu - (s - 0.37) ** 2


def test_what_looks_odd_but_is_none() -> None:
    assert clicks.violations(Constant(), 0.5) == []
    assert clicks.violations(clicks.QuadraticUtility(), 0.999999999) == []


@clicks.utility
class Small(clicks.Utility):
    def utility(self, s, mu):
        return 1e-8 * (s * mu - 5.0 * (s - mu) ** 2)


def test_the_unit_of_utility_does_not_matter() -> None:
    assert clicks.violations(Small(), 0.4) == []


def test_rewards_that_the_radii_are_not_for() -> None:
    with pytest.warns(AssumptionWarning, match=r"the radii of UCB-S .* in \[0, 1\], or Gaussian"):
        clicks.StrategicClickBandit.from_rewards(arms.Gaussian([0.6, 0.5], std=1.5), [0.6, 0.5])
    clicks.StrategicClickBandit.from_rewards(arms.Gaussian([0.6, 0.5], std=1.0), [0.6, 0.5])
