"""Duality: every optimum and every refusal is proved by arithmetic that does not trust the solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab import scoring
from banditlab.scoring.certificates import FarkasCertificate, Multipliers, payment_bound
from tests.scoring.instances import random_proper_tables, random_world, toy

SEEDS = st.integers(0, 2**32 - 1)


def of(world):
    return world.beliefs, world.action_distributions, world.costs, world.max_payment


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=SEEDS, n_states=st.integers(2, 4), max_payment=st.sampled_from([0.1, 1.0, 20.0]), rational=st.booleans())
def test_every_action_is_proved_optimal_or_impossible(seed, n_states, max_payment, rational):
    world = random_world(np.random.default_rng(seed), n_states, max_payment=max_payment)
    for k in range(world.n_actions):
        found, error = None, None
        try:
            found = world.optimal_rule(k, individually_rational=rational)
        except scoring.NotImplementable as refused:
            error = refused
        if found is None:
            assert error.action == k
            assert error.certificate.valid
            assert error.certificate.multipliers.actions[k] == 0.0
        else:
            assert found.lower_bound == pytest.approx(found.payment, abs=1e-8 * max_payment)
            assert (found.multipliers.actions >= 0).all()
            assert (found.multipliers.proper >= 0).all()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_weak_duality(seed):
    """Whatever the multipliers, they bound the payment of every feasible rule, and refute no action that has one."""
    rng = np.random.default_rng(seed)
    world = random_world(rng)
    best = world.optimal()
    k, n = best.action, world.n_beliefs
    weights = rng.exponential(size=world.n_actions) * (np.arange(world.n_actions) != k)
    multipliers = Multipliers(rng.exponential(size=(n, n)) * (1 - np.eye(n)), weights, 0.0)
    assert payment_bound(*of(world), k, multipliers) <= best.payment + 1e-9
    assert not FarkasCertificate.of(*of(world), k, multipliers).valid


def costly(*, less=0.0):
    """Return a world in which only action 0 can be implemented; action 2 costs 0.8, or a bit less."""
    return toy(costs=[0.0, 0.3, 0.8 - less])


def refusal(world, action):
    with pytest.raises(scoring.NotImplementable) as caught:
        world.optimal_rule(action)
    return caught.value


def test_farkas_is_sharp():
    """What the gain falls short of the cost is what the action would have to cost less."""
    certificate = refusal(costly(), 2).certificate
    short = certificate.cost_gap - certificate.largest_gain
    assert short == pytest.approx(-costly().margin(2)[0], abs=1e-9)
    assert short == pytest.approx(0.4)
    costly(less=short + 1e-7).optimal_rule(2)
    assert refusal(costly(less=short - 1e-7), 2).certificate.valid


def test_a_gain_that_just_pays_for_the_costs_proves_nothing():
    """The action can then be implemented, as a tie."""
    multipliers = Multipliers(np.zeros((2, 2)), np.array([0.0, 1.0]), 0.0)
    proves = [FarkasCertificate(0, multipliers, 0.5, gain, 1.0).valid for gain in (np.nextafter(0.5, 0.0), 0.5)]
    assert proves == [True, False]


def test_farkas_bounds_the_gain_of_every_proper_rule():
    world = costly()
    rng = np.random.default_rng(0)
    tables = random_proper_tables(rng, world, 10_000, world.margin(2)[1])
    paid = np.einsum("km,mw,nmw->nk", world.action_distributions, world.beliefs, tables)
    certificate = refusal(world, 2).certificate
    gains = paid[:, 2] - paid @ certificate.multipliers.actions
    assert gains.max() <= certificate.largest_gain + 1e-12
    assert gains.max() > certificate.largest_gain - 0.02


def test_the_error_says_why():
    assert str(refusal(costly(), 2)) == (
        "action is 2, which no rule implements: action 2 costs 0.8 more than action 0, but no proper rule with "
        "payments in [0, 1] raises its expected payment by more than 0.4 over that of action 0, which is 0.4 too "
        "little; allowed: 0"
    )


def test_a_mixture_can_be_what_is_preferred():
    """Action 1 is half of action 0 and half of action 2, and dearer than both together: no payment favours it."""
    world = scoring.PrincipalAgent(
        [[1, 0], [0.5, 0.5], [0, 1]],
        [[0, 1, 0], [0.25, 0.5, 0.25], [0.5, 0, 0.5]],
        [0.0, 0.1, 0.15],
        utility=[1, 0.5, 1],
    )
    certificate = refusal(world, 1).certificate
    np.testing.assert_allclose(certificate.multipliers.actions, [0.5, 0, 0.5], atol=1e-9)
    assert certificate.largest_gain == pytest.approx(0.0, abs=1e-12)
    assert certificate.cost_gap == pytest.approx(0.025)
    assert "0.5 x action 0 + 0.5 x action 2" in str(certificate)
    world.optimal_rule(2)


def test_degenerate_same_information_at_a_higher_cost():
    twice = {"action_distributions": [[0, 1, 0], [0.5, 0, 0.5], [0.5, 0, 0.5]], "utility": [1, 0.5, 1]}
    world = scoring.PrincipalAgent([[1, 0], [0.5, 0.5], [0, 1]], costs=[0.0, 0.1, 0.1 + 1e-6], **twice)
    with pytest.raises(scoring.NotImplementable, match=r"costs 1e-06 more than action 1, but .* more than 0 "):
        world.optimal_rule(2)
    same = scoring.PrincipalAgent([[1, 0], [0.5, 0.5], [0, 1]], costs=[0.0, 0.1, 0.1], **twice)
    assert same.optimal_rule(1).payment == pytest.approx(same.optimal_rule(2).payment, abs=1e-12)


def test_an_action_on_the_edge_can_be_implemented():
    """The largest gain of a fair coin's outcome is 1/2: a cost of 1/2 leaves one rule, and no room."""

    def edge(cost):
        return scoring.PrincipalAgent(
            [[1, 0], [0.5, 0.5], [0, 1]], [[0, 1, 0], [0.5, 0, 0.5]], [0.0, cost], utility=[1, 0.5, 1]
        )

    for cost in (0.5, 0.5 + 1e-11):
        assert edge(cost).optimal_rule(1).payment == pytest.approx(1.0, abs=1e-8)
    with pytest.raises(scoring.NotImplementable):
        edge(0.5 + 1e-6).optimal_rule(1)


def test_costs_at_the_largest_gain_can_be_implemented():
    """Where the margin is 0 up to rounding, there is a rule; a bit beyond, there is a proof."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        world = random_world(rng, n_states=3)
        dearer = world.costs + np.array([0.0, 0.0, world.margin(2)[0]])
        same = {"decisions": world.decisions}
        scoring.PrincipalAgent(world.beliefs, world.action_distributions, dearer, **same).optimal_rule(2)
        beyond = scoring.PrincipalAgent(
            world.beliefs, world.action_distributions, dearer + np.array([0, 0, 1e-7]), **same
        )
        assert refusal(beyond, 2).certificate.valid


def test_rules_from_cvxpy_carry_no_certificate():
    with pytest.raises(scoring.errors.BanditlabError, match="multipliers is None"):
        _ = toy().optimal_rule(1, method="cvxpy").lower_bound


def test_the_shortfall_is_told_where_two_numbers_look_alike():
    """At a cost of 0.4 + 1e-7 what is missing is 1e-7, and nothing else in the message shows it."""
    world = scoring.PrincipalAgent(
        [[1, 0], [0.5, 0.5], [0, 1]], [[0, 1, 0], [0.5, 0, 0.5]], [0.0, 0.5 + 1e-7], utility=[1, 0.5, 1]
    )
    with pytest.raises(
        scoring.NotImplementable, match=r"costs 0\.5 more .* more than 0\.5 .* which is 1e-07 too little"
    ):
        world.optimal_rule(1)
