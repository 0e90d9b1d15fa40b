"""The model of one agent: what is refused, what optimal rules are, and that agents respond as programs assume."""

import pickle

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab import scoring
from banditlab.errors import BanditlabError, InvalidArgument, InvalidType
from tests.scoring.instances import TOY, best_of_everything, random_proper_tables, random_world, toy

MISTAKES = {
    "no utility": ({"utility": None}, "one of them"),
    "two utilities": ({"decisions": [[1, 0]]}, "one of them"),
    "beliefs add up to 0.9": ({"beliefs": [[0.9, 0.0]] * 5}, r"beliefs\[0\] sums to 0.9"),
    "beliefs repeat": (
        {"beliefs": [[0.5, 0.5], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0, 1]]},
        r"beliefs\[2\].*distinct",
    ),
    "one state": ({"beliefs": [[1.0]], "action_distributions": [[1.0]]}, "at least 2"),
    "beliefs negative": ({"beliefs": [[1.5, -0.5]] * 5}, r"beliefs\[0\]\[0\] is 1.5"),
    "q too wide": ({"action_distributions": [[0.5, 0.5]] * 3}, r"action_distributions\[0\] has 2 entries; allowed: 5"),
    "q adds up to 2": ({"action_distributions": np.full((3, 5), 0.4)}, r"action_distributions\[0\] sums to 2"),
    "priors differ": (
        {"action_distributions": [[0, 0, 1, 0, 0], [0, 0.5, 0, 0.5, 0], [0, 0, 0, 0, 1]]},
        r"action_distributions\[2\] has the prior \[0.1, 0.9\]",
    ),
    "priors rounded": (
        {"action_distributions": np.array(TOY["action_distributions"]) + [0, 1e-6, 0, -1e-6, 0] * np.eye(3)[:, [1]]},
        r"has the prior .*, \[0.5, 0.5\], within 1e-09, because .* not the state; it is off by 4e-07",
    ),
    "beliefs rounded": (
        {"beliefs": np.float32(TOY["beliefs"])},
        r"beliefs\[\d\] sums to .*; allowed: 1, within 1e-09, as in P / P\.sum\(-1, keepdims=True\) for a rounded",
    ),
    "costs short": ({"costs": [0.0, 0.1]}, "costs has 2 entries; allowed: 3, one per action"),
    "cost negative": ({"costs": [0.0, -0.1, 0.2]}, r"costs\[1\] is -0.1"),
    "utility short": ({"utility": [1.0]}, "utility has 1 entries; allowed: 5, one per belief"),
    "utility infinite": ({"utility": [np.inf] * 5}, r"utility\[0\] is inf"),
    "max_payment 0": ({"max_payment": 0.0}, "max_payment is 0"),
    "max_payment infinite": ({"max_payment": np.inf}, "max_payment is inf"),
    "decisions wide": ({"utility": None, "decisions": [[1, 0, 0]]}, "has 3 entries; allowed: 2, one per state"),
    "states short": ({"states": ["rain"]}, "states has 1 entries"),
    "states repeat": ({"states": ["rain", "rain"]}, "distinct strings"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_an_error_that_names_it(name):
    changes, message = MISTAKES[name]
    with pytest.raises(InvalidArgument, match=message):
        toy(**changes)


def test_states_are_a_sequence():
    with pytest.raises(InvalidType, match="sequence of strings"):
        toy(states="ab")
    assert toy(states=["dry", "rain"]).states == ("dry", "rain")


def test_toy_instance():
    """Omega = {0, 1}, beliefs .1 to .9: h* = (.5, .595, .675), and the best rule pays .25 for the right side."""
    world = toy()
    rules = [world.optimal_rule(k) for k in range(3)]
    assert [r.profit for r in rules] == pytest.approx([0.5, 0.595, 0.675], abs=1e-12)
    assert world.optimal().action == 2
    np.testing.assert_allclose(world.optimal().payments[[0, 1, 3, 4]], [[0.25, 0]] * 2 + [[0, 0.25]] * 2, atol=1e-12)
    np.testing.assert_allclose(world.prior, [0.5, 0.5])
    np.testing.assert_allclose(world.utilities, [0.5, 0.7, 0.9])


def test_decisions_and_utility_are_two_ways_to_say_the_same():
    world = toy(utility=None, decisions=[[1, 0], [0, 1]])
    np.testing.assert_allclose(world.belief_utility, toy().utility)
    assert world.optimal().profit == pytest.approx(toy().optimal().profit, abs=1e-12)


def test_pickling_and_equality():
    world = toy()
    assert pickle.loads(pickle.dumps(world)) == world
    assert world != toy(max_payment=2.0)
    with pytest.raises(scoring.NotImplementable) as caught:
        toy(costs=[0.0, 0.3, 0.8]).optimal_rule(1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.action == 1
    assert again.certificate.valid


@pytest.mark.parametrize("individually_rational", [False, True], ids=["free", "rational"])
@pytest.mark.parametrize("n_states", [2, 3, 5])
def test_highs_and_cvxpy_agree(n_states, individually_rational):
    rng = np.random.default_rng(n_states)
    for n_actions, max_payment in ((2, 1.0), (3, 50.0), (5, 0.01)):
        world = random_world(rng, n_states, n_actions, max_payment=max_payment)
        for k in range(n_actions):
            try:
                fast = world.optimal_rule(k, individually_rational=individually_rational)
            except scoring.NotImplementable:
                with pytest.raises(scoring.NotImplementable):
                    world.optimal_rule(k, method="cvxpy", individually_rational=individually_rational)
                continue
            slow = world.optimal_rule(k, method="cvxpy", individually_rational=individually_rational)
            assert fast.payment == pytest.approx(slow.payment, abs=1e-9 * max_payment)
            assert fast.profit == pytest.approx(slow.profit, abs=1e-9 * max_payment)
            assert scoring.is_proper(fast.rule)
            if individually_rational:
                assert fast.payment >= world.costs[k] - 1e-9 * max_payment


def test_random_worlds_are_worth_solving():
    """Every action is the best one in some, and some actions cannot be implemented."""
    worlds = [random_world(np.random.default_rng(seed)) for seed in range(30)]
    assert {w.optimal().action for w in worlds} == {0, 1, 2}
    assert 0 < sum(w.margin(k)[0] < 0 for w in worlds for k in range(3)) < 45


def test_no_random_proper_rule_is_better():
    """Ten thousand random proper rules an instance; those that implement the action pay at least the optimum."""
    rng = np.random.default_rng(7)
    for n_states in (2, 3, 4):
        world = random_world(rng, n_states)
        best = world.optimal()
        k = best.action
        tables = random_proper_tables(rng, world, 10_000, best.payments)
        paid = np.einsum("km,mw,nmw->nk", world.action_distributions, world.beliefs, tables)
        net = paid - world.costs
        implements = net[:, k] >= net.max(axis=1)
        assert implements.sum() > 500
        assert paid[implements, k].min() >= best.payment - 1e-9
        assert (paid[implements, k] < best.payment + 0.01).any()  # some come close: the comparison has teeth
        # No rule at all, whatever it implements, gives the principal more.
        profits = np.take_along_axis(world.utilities - paid, net.argmax(axis=1)[:, None], axis=1)
        assert profits.max() <= best.profit + 1e-9


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), n_states=st.integers(2, 3), max_payment=st.sampled_from([0.1, 1.0, 20.0]))
def test_an_agent_who_tries_everything_does_as_the_program_assumes(seed, n_states, max_payment):
    rng = np.random.default_rng(seed)
    world = random_world(rng, n_states, n_actions=2, max_payment=max_payment)
    for k in range(world.n_actions):
        try:
            found = world.optimal_rule(k)
        except scoring.NotImplementable:
            continue
        gain, attaining = best_of_everything(world, found.payments)
        honest = tuple(range(world.n_beliefs))
        assert gain == pytest.approx(found.payment - world.costs[k], abs=1e-9 * max_payment)
        assert (k, honest) in attaining
        response = world.respond(found.payments)
        assert response.reports.tolist() == list(honest)
        assert response.agent_profit == pytest.approx(gain, abs=2e-9 * max_payment)
        assert response.principal_profit >= found.profit - 1e-9 * max_payment
    # And to payments of no design at all.
    payments = rng.uniform(0.0, max_payment, world.beliefs.shape)
    gain, attaining = best_of_everything(world, payments)
    response = world.respond(payments)
    assert response.agent_profit == pytest.approx(gain, abs=1e-9 * max_payment)
    reached = world.action_distributions[response.action] > 0
    assert any(
        k == response.action and (np.array(reports) == response.reports)[reached].all() for k, reports in attaining
    )


def test_ties_go_to_the_principal():
    world = toy(costs=[0.0, 0.0, 0.0])
    nothing = world.respond(np.zeros((5, 2)))
    assert nothing.action == 2
    assert nothing.principal_profit == pytest.approx(0.9)
    assert nothing.reports.tolist() == [0, 1, 2, 3, 4]


def test_ties_are_those_of_the_programs_tolerance():
    """The optimal rule leaves the agent indifferent; 1e-11 less is still a tie, 1e-6 less is not."""
    world, best = toy(), toy().optimal().payments
    assert world.respond(best - 1e-11 * (best > 0)).action == 2
    assert world.respond(best - 1e-6 * (best > 0)).action == 1


def test_profit_counts_decisions_on_lies():
    """An agent paid for saying belief 0 says it; the principal then decides wrongly half of the time."""
    world = toy(utility=None, decisions=[[1, 0], [0, 1]], costs=[0.1, 0.0, 0.1])
    response = world.respond([[0.2, 0.2]] + [[0, 0]] * 4)
    assert response.action == 1
    assert response.reports.tolist() == [0] * 5
    assert response.principal_profit == pytest.approx(0.5 - 0.2)
    with pytest.raises(InvalidArgument, match="make the agent lie"):
        toy().profit([[0.2, 0.2]] + [[0, 0]] * 4)


def test_payments_have_a_row_for_each_belief():
    with pytest.raises(InvalidArgument, match="payments is 2 x 2; allowed: 5 x 2"):
        toy().respond([[0, 0], [1, 1]])
    assert toy().respond(scoring.Brier(2)).reports.tolist() == [0, 1, 2, 3, 4]


def test_margin_is_what_the_best_informed_rule_attains():
    world = toy()
    for k in range(3):
        margin, payments = world.margin(k)
        net = world.expected_payments(payments) - world.costs
        assert net[k] - np.delete(net, k).max() == pytest.approx(margin, abs=1e-9)
        assert margin > 0
    assert scoring.PrincipalAgent([[0.5, 0.5]], [[1.0]], [0.0], utility=[0.0]).margin(0)[0] == np.inf


def test_smallest_worlds():
    alone = scoring.PrincipalAgent([[0.5, 0.5]], [[1.0]], [0.3], utility=[1.0])
    assert alone.optimal().payment == 0.0
    assert alone.optimal(individually_rational=True).payment == pytest.approx(0.3, abs=1e-9)
    poor = scoring.PrincipalAgent([[0.5, 0.5]], [[1.0]], [0.3], utility=[1.0], max_payment=0.2)
    with pytest.raises(scoring.NotImplementable, match=r"costs 0.3 more than staying away.*more than 0.2"):
        poor.optimal(individually_rational=True)


def test_programs_can_be_extended():
    world = toy()
    program = world.program(2)
    capped = program.solve([program.payments[4, 1] == program.payments[0, 0] + 0.1])
    assert capped.payments[4, 1] == pytest.approx(capped.payments[0, 0] + 0.1, abs=1e-8)
    assert capped.payment > world.optimal_rule(2).payment + 1e-3
    with pytest.raises(scoring.NotImplementable, match=r"1 added constraint.*can be implemented"):
        program.solve([program.payments == 0])
    assert program.problem.is_dcp()
    rational = toy(costs=[0.1, 0.13, 0.9]).program(0, individually_rational=True)
    assert rational.solve().payment == pytest.approx(0.1, abs=1e-9)


@pytest.mark.parametrize("action", [3, -1, 0.5, "1", None], ids=repr)
def test_actions_are_checked(action):
    with pytest.raises(BanditlabError, match=r"action is .*; allowed: an integer from 0 to 2"):
        toy().optimal_rule(action)


def test_methods_are_checked():
    with pytest.raises(InvalidArgument, match="'highs', 'cvxpy'"):
        toy().optimal_rule(0, method="simplex")


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9], ids=str)
def test_no_program_has_a_unit_of_money(unit):
    """Costs and largest payment times a unit: all prices are times the unit, by either program."""
    world = toy(costs=[0.0, 0.03 * unit, 0.08 * unit], max_payment=unit)
    for method in ("highs", "cvxpy"):
        assert world.optimal_rule(2, method).payment == pytest.approx(0.225 * unit, rel=1e-9, abs=0.0)
    program = world.program(2)
    fixed = program.solve([program.shares[4, 1] == program.shares[0, 0] + 0.1])
    assert fixed.payments[4, 1] - fixed.payments[0, 0] == pytest.approx(0.1 * unit, rel=1e-8)
    assert program.expected_payment.value == pytest.approx(fixed.payment, rel=1e-8)
    np.testing.assert_allclose(program.payments.value, fixed.payments, rtol=1e-8, atol=1e-9 * unit)


BAD_PAYMENTS = {
    "nan": (np.full((5, 2), np.nan), r"payments\[0\]\[0\] is nan; allowed: finite numbers"),
    "inf": (np.full((5, 2), np.inf), r"payments\[0\]\[0\] is inf"),
    "text": ("abc", "payments is 'abc'; allowed: a matrix"),
    "ragged": ([[1, 2], [3]], "different lengths"),
    "complex": ([[1j, 0]] * 5, "payments is .*; allowed: a matrix"),
    "dict": ({1: 2}, "payments is {1: 2}; allowed: a matrix"),
    "class": (scoring.Brier, "payments is <class .*Brier.*; allowed: a matrix"),
    "number": (3.0, "payments is 3.0; allowed: a matrix"),
    "states": (scoring.Brier(3), "beliefs has 2 columns; allowed: 3"),
}


@pytest.mark.parametrize("name", BAD_PAYMENTS)
def test_payments_are_finite_numbers(name):
    """By whatever door they come in."""
    payments, message = BAD_PAYMENTS[name]
    for use in (toy().respond, toy().expected_payments, lambda p: scoring.audit(toy(), p, 2)):
        with pytest.raises(BanditlabError, match=message):
            use(payments)


def test_a_rule_without_a_bound_is_refused_where_it_pays_minus_infinity():
    sure = scoring.PrincipalAgent([[1, 0], [0, 1]], [[0.5, 0.5]], [0.0], utility=[1, 1])
    with pytest.raises(InvalidArgument, match=r"payments\[0\]\[1\] is -inf"):
        sure.respond(scoring.Logarithmic())
    assert toy().respond(scoring.Logarithmic()).reports.tolist() == [0, 1, 2, 3, 4]


def test_costs_are_within_reach_of_payments():
    with pytest.raises(InvalidArgument, match=r"costs\[2\] is 1e\+300; allowed: at most 1e\+15 times max_payment"):
        toy(costs=[0.0, 0.0, 1e300])
    with pytest.raises(InvalidArgument, match=r"costs\[1\] is 0.03"):
        toy(max_payment=1e-320)
    with pytest.raises(InvalidArgument, match=r"allowed: costs of which the largest is 0, or at least 1e-08"):
        toy(max_payment=1e9)
    assert toy(costs=[0.0, 0.0, 0.0], max_payment=1e100).optimal().payment == 0.0
    with pytest.raises(scoring.NotImplementable, match="allowed: 0 or 1"):
        toy(costs=[0.0, 0.03, 9e14]).optimal_rule(2)


def test_added_constraints_are_checked():
    program = toy().program(2)
    entry = program.payments[0, 0]
    for constraints, message in (
        (None, "constraints is None; allowed: a list of CVXPY constraints"),
        ("x", "constraints is 'x'"),
        (entry == 1, "constraints is .*; allowed: a list of CVXPY constraints"),
        ([entry >= 0, 3], r"constraints\[1\] is 3; allowed: a CVXPY constraint"),
        ([cp.sqrt(entry) <= 0.1], r"constraints\[0\] is .*; allowed: a convex one"),
        ([entry >= cp.Parameter()], "1 added constraints was not solved: A Parameter"),
    ):
        with pytest.raises(BanditlabError, match=message):
            program.solve(constraints)
    with pytest.raises(InvalidArgument, match=r"solver is 'NOPE'; allowed: an installed solver: .*HIGHS"):
        program.solve(solver="NOPE")
    assert program.solve(solver="clarabel").payment == pytest.approx(0.225, abs=1e-6)


@pytest.mark.parametrize("method", ["program", "optimal_rule", "margin", "optimal"])
def test_individual_rationality_is_true_or_false(method):
    action = () if method == "optimal" else (0,)
    with pytest.raises(InvalidType, match="individually_rational is 'no'; allowed: True or False"):
        getattr(toy(), method)(*action, individually_rational="no")
