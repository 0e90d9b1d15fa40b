"""The audit finds nothing in incentive-compatible mechanisms, and what was planted in others."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab import scoring
from banditlab.errors import InvalidArgument, InvalidType
from tests.scoring.instances import best_of_everything, random_hiring, random_world, toy

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=SEEDS, n_states=st.integers(2, 3))
def test_one_agent(seed, n_states):
    """Optimal rules pass; for payments of no design, the gain is that of an agent who tries all maps of reports."""
    rng = np.random.default_rng(seed)
    world = random_world(rng, n_states, n_actions=2)
    best = world.optimal()
    assert scoring.audit(best).gain <= 1e-9
    assert scoring.audit(best)
    payments = rng.uniform(0.0, 1.0, world.beliefs.shape)
    obedient = world.expected_payments(payments)[0] - world.costs[0]
    assert scoring.audit(world, payments, 0).gain == pytest.approx(best_of_everything(world, payments)[0] - obedient)


def test_planted_effort():
    """Payments that depend on nothing make the cheapest action best, and lies worth nothing."""
    found = scoring.audit(toy(), np.full((5, 2), 0.5), action=2)
    assert found.deviation.kind == "effort"
    assert (found.deviation.recommended, found.deviation.effort) == (2, 0)
    assert found.gain == pytest.approx(0.08)
    assert "joint" not in found.by_kind
    assert "report" not in found.by_kind
    assert not found
    assert str(found) == "not incentive compatible: agent 0 makes effort 0 instead of 2, and gains 0.08"


def test_planted_report():
    """A bonus of 0.1 for saying belief 4 is claimed at belief 0."""
    payments = toy().optimal_rule(2).payments.copy()
    payments[4] += 0.6
    found = scoring.audit(toy(), payments, action=2)
    at_belief_0 = 0.9 * 0.6 + 0.1 * 0.85 - 0.9 * 0.25
    report = found.by_kind["report"]
    assert report.reports == (4, 1, 2, 3, 4) or report.reports == (4, 4, 4, 4, 4)
    assert report.gain == pytest.approx(0.5 * at_belief_0)
    assert report.gain > 0.1
    assert found.gain >= report.gain


def test_planted_report_alone():
    """With a single action there is nothing but reports."""
    world = scoring.PrincipalAgent([[1, 0], [0, 1]], [[0.5, 0.5]], [0.0], utility=[1, 1])
    found = scoring.audit(world, [[0.0, 0.0], [0.4, 0.5]], action=0)
    assert set(found.by_kind) == {"report"}
    assert found.deviation.reports == (1, 1)
    assert found.gain == pytest.approx(0.2)
    assert str(found.deviation) == "agent 0 reports 1 for 0, and gains 0.2"


def test_planted_joint():
    """Ignorance pays nothing if admitted: only to make no effort and to claim knowledge is better than obedience."""
    world = scoring.PrincipalAgent(
        [[1, 0], [0.5, 0.5], [0, 1]], [[0, 1, 0], [0.5, 0, 0.5]], [0.0, 0.2], utility=[1, 0.5, 1]
    )
    found = scoring.audit(world, [[0.3, 0], [0, 0], [0, 0.3]], action=1)
    assert found.deviation.kind == "joint"
    assert found.deviation.effort == 0
    assert found.deviation.reports == (0, 0, 0) or found.deviation.reports[1] in (0, 2)
    assert found.gain == pytest.approx(0.15 - (0.3 - 0.2))
    assert found.by_kind["effort"].gain == pytest.approx(-0.1)
    assert "report" not in found.by_kind


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_several_agents(seed):
    world = random_hiring(np.random.default_rng(seed))
    assert scoring.audit(world.optimal()).gain <= 1e-8
    assert scoring.audit(world.optimal_uncorrelated()).gain <= 1e-8
    loose = scoring.audit(world.optimal(slack=0.01)).gain
    assert loose <= 0.01 + 1e-8


def informed(n_signals=2):
    """Return two agents; the second makes no effort and knows nothing, the first can pay 0.2 to learn a fair coin.

    With three signals, the last one means that no effort was made.
    """
    knows = np.eye(2, n_signals)
    blind = np.full((2, 2), 0.5) if n_signals == 2 else np.tile([0.0, 0.0, 1.0], (2, 1))
    return scoring.HiringProblem.independent(
        [0.5, 0.5], [[blind, knows], [[[1.0], [1.0]]]], [[0.0, 0.2], [0.0]], [[1, 0], [0, 1]]
    )


def paying(world, rule):
    """Return the mechanism that asks the first agent for effort 1 and pays him by a table (signal, state)."""
    shape = (*world.n_efforts, *world.n_signals, world.n_states)
    paid = np.broadcast_to(np.asarray(rule, dtype=float)[None, None, :, None, :], shape)
    recommended = np.array([[0.0], [1.0]])
    return scoring.HiringMechanism(world, recommended, (paid, np.zeros(shape)), world.best_decisions, True)


def test_planted_effort_among_several():
    found = scoring.audit(paying(informed(), np.full((2, 2), 0.3)))
    assert found.deviation == dataclasses.replace(found.by_kind["effort"])
    assert (found.deviation.agent, found.deviation.effort) == (0, 0)
    assert found.gain == pytest.approx(0.2)
    assert "report" not in found.by_kind


def test_planted_report_among_several():
    """Paying 0.5 for the wrong signal and nothing for the right one buys effort and a lie."""
    found = scoring.audit(paying(informed(), [[0.0, 0.5], [0.5, 0.0]]))
    assert found.deviation.kind == "report"
    assert found.deviation.reports == (1, 0)
    assert found.gain == pytest.approx(0.5)


def test_planted_joint_among_several():
    """The third signal admits idleness, and is paid nothing: idle agents say the first."""
    found = scoring.audit(paying(informed(3), [[0.3, 0.0], [0.0, 0.3], [0.0, 0.0]]))
    assert found.deviation.kind == "joint"
    assert found.deviation.effort == 0
    assert found.deviation.reports[2] in (0, 1)
    assert found.gain == pytest.approx(0.15 - 0.1)
    assert found.by_kind["effort"].gain == pytest.approx(-0.1)
    # Twice as much, and effort is worth while.
    assert scoring.audit(paying(informed(3), [[0.6, 0.0], [0.0, 0.6], [0.0, 0.0]]))


def test_gains_are_weighted_by_the_recommendation():
    world = informed()
    mechanism = paying(world, np.full((2, 2), 0.3))
    half = dataclasses.replace(mechanism, recommendations=np.array([[0.5], [0.5]]))
    assert scoring.audit(half).gain == pytest.approx(0.1)


def senders(utility):
    return scoring.InformationAcquisition([0.6, 0.4], [[1, 0], [0, 1]], [[1, 0], [0, 1]], [utility])


def test_planted_misreport_of_a_sender():
    """A receiver who believes a sender who always wants decision 1 is lied to whenever the state is 0."""
    world = senders([[0, 0], [1, 2]])
    naive = scoring.AcquisitionMechanism(world, np.eye(2))
    found = scoring.audit(naive)
    assert found.deviation.kind == "report"
    assert found.deviation.reports == (1, 1)
    assert found.deviation.effort is None
    assert found.gain == pytest.approx(0.6)
    assert scoring.audit(world.optimal())
    assert scoring.audit(scoring.AcquisitionMechanism(senders([[1, 0], [0, 1]]), np.eye(2)))


def test_tolerance():
    """It is a share of what is at stake, so that the unit of money does not matter."""
    rich = toy(costs=[0.0, 3e5, 8e5], max_payment=1e7)
    assert scoring.audit(rich.optimal_rule(2))
    assert scoring.audit(rich.optimal_rule(2)).tolerance == pytest.approx(0.1)
    world, payments = toy(), np.full((5, 2), 0.5)
    assert scoring.audit(world, payments, 2, tolerance=0.1)
    assert scoring.audit(world, payments, 2, tolerance=0.1).gain == pytest.approx(0.08)


def test_arguments_are_checked():
    with pytest.raises(InvalidType, match="mechanism is 3; allowed: an OptimalRule"):
        scoring.audit(3)
    with pytest.raises(InvalidArgument, match="action is None"):
        scoring.audit(toy(), np.zeros((5, 2)))
    with pytest.raises(InvalidArgument, match=r"action is given with OptimalRule.*allowed: with a PrincipalAgent"):
        scoring.audit(toy().optimal(), action=1)
