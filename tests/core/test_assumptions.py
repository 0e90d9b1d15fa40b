"""What a policy supposes and an environment does not keep: a warning, as it can be played all the same."""

from __future__ import annotations

import warnings

import pytest

import banditlab as bl
from banditlab import arms, semibandits
from banditlab.errors import AssumptionWarning, InvalidComponent, InvalidType

WORLD = arms.Bernoulli([0.2, 0.8])
OPTIONS = {"horizon": 20, "n_runs": 2, "seed": 0, "progress": False}


def warned(environment, policy, **options):
    """Return what is warned of, all of it for the line in this file."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        bl.run(environment, policy, **(OPTIONS | options))
    assert all(one.category is AssumptionWarning and one.filename == __file__ for one in found)
    return [str(one.message) for one in found]


@pytest.mark.parametrize("policy", [arms.UCBV, arms.DiscountedUCB, arms.SlidingWindowUCB])
def test_bounds_of_rewards(policy):
    (told,) = warned(arms.Gaussian([0.0, 1.0]), policy())
    assert told == (
        f"{policy.__name__}: b is 1, an upper bound of rewards that are not negative, and those of Gaussian are in "
        "(-inf, inf)"
    )
    assert warned(arms.Categorical([0.0, 3.0], [[0.5, 0.5]] * 2), policy(b=2.0))
    assert not warned(WORLD, policy())
    assert not warned(bl.Instances([WORLD] * 2), policy())


def test_bounds_of_variances():
    world = semibandits.SemiBandit(arms.Bernoulli([0.5, 0.5, 0.9]), semibandits.SafeUpToM(2, budget=0.3))
    (told,) = warned(world, semibandits.PASCombUCB(variance_bound=0.1))
    assert "variance_bound is 0.1, and an item's variance is 0.25: actions that it takes to be safe need not" in told
    assert not warned(world, semibandits.PASCombUCB(variance_bound=0.25))


def test_policies_of_ones_own():
    @arms.policy
    class Pairs(arms.UCB1):
        def warnings_about(self, environment, horizon):
            return ["more than two arms"] if environment.n_arms > 2 else []

    assert warned(arms.Bernoulli([0.5] * 3), Pairs()) == ["Pairs: more than two arms"]
    assert not warned(WORLD, Pairs())


def test_each_text_is_told_once():
    worlds = [arms.Gaussian([0.0, mean]) for mean in (1.0, 2.0, 3.0)]
    assert len(warned(worlds, arms.UCBV())) == 1
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        swept = bl.sweep(worlds[0], arms.UCBV, {"zeta": [1.2, 1.3, 1.4], "b": [1.0, 2.0]}, **OPTIONS)
    assert [str(one.message).partition(",")[0] for one in found] == ["UCBV: b is 1", "UCBV: b is 2"]
    assert {one.filename for one in found} == {__file__}
    assert len(swept.finished) == 6


def test_what_is_no_list_of_texts():
    @arms.policy
    class Wrong(arms.UCB1):
        def warnings_about(self, environment, horizon):
            return "a text"

    with pytest.raises(InvalidType, match=r"Wrong\(\).warnings_about returned 'a text'; allowed: a list of"):
        bl.run(WORLD, Wrong(), **OPTIONS)
    with pytest.raises(InvalidComponent, match="warnings_about takes"):

        @arms.policy
        class Fewer(arms.UCB1):
            def warnings_about(self, environment):
                return []
