"""The audit finds nothing in incentive-compatible mechanisms, and what was planted in others."""

import dataclasses
import itertools

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
    loose = scoring.audit(world.optimal(slack=0.01))
    assert all(d.gain <= 0.01 + 1e-8 for d in loose.deviations)
    assert loose.gain <= 2 * 0.01 + 1e-8  # there are two recommendations


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


def every_strategy(mechanism):
    """Return the largest gain of any agent who tries every effort and every map of reports upon any recommendation.

    A strategy is an entry of a product over recommendations; nothing is maximised one recommendation at a time.
    """
    world = mechanism.environment
    n, gains = world.n_agents, []
    profiles = list(itertools.product(*map(range, world.n_efforts)))
    seen = list(itertools.product(*map(range, world.n_signals)))

    def profit(agent, strategy):
        total = 0.0
        for b in profiles:
            effort, reports = strategy[b[agent]]
            actual = (*b[:agent], effort, *b[agent + 1 :])
            paid = 0.0
            for s in seen:
                said = (*s[:agent], reports[s[agent]], *s[agent + 1 :])
                for t in range(world.n_states):
                    paid += world.joint[(*actual, t, *s)] * mechanism.payments[agent][(*b, *said, t)]
            total += mechanism.recommendations[b] * (paid - world.costs[agent][effort])
        return total

    for agent in range(n):
        honest = tuple(range(world.n_signals[agent]))
        maps = itertools.product(honest, repeat=len(honest))
        acts = list(itertools.product(range(world.n_efforts[agent]), maps))
        obedient = profit(agent, [(effort, honest) for effort in range(world.n_efforts[agent])])
        strategies = itertools.product(acts, repeat=world.n_efforts[agent])
        gains.append(max(profit(agent, strategy) for strategy in strategies) - obedient)
    return max(gains)


def random_mechanism(seed):
    rng = np.random.default_rng(seed)
    world = random_hiring(rng)
    shape = (*world.n_efforts, *world.n_signals, world.n_states)
    return scoring.HiringMechanism(
        world,
        rng.dirichlet(np.ones(4)).reshape(2, 2),
        tuple(rng.uniform(0, 1, (2, *shape))),
        world.best_decisions,
        True,
    )


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_whole_strategies_of_several_agents(seed):
    """An agent gains by what he does upon every recommendation, not only by the best of his deviations."""
    mechanism = random_mechanism(seed)
    found = scoring.audit(mechanism)
    assert found.gain == pytest.approx(every_strategy(mechanism), abs=1e-12)
    assert found.gain == pytest.approx(sum(d.gain for d in found.deviations))
    assert len({d.agent for d in found.deviations}) == 1
    assert [d.recommended for d in found.deviations] == sorted({d.recommended for d in found.deviations})


def test_a_strategy_gains_more_than_its_parts():
    """Told to work or not, half of the time each, an agent is paid for the wrong signal whatever he is told."""
    world = informed()
    wrong = np.broadcast_to([[0.0, 0.5], [0.5, 0.0]], (2, 1, 2, 2))[:, :, :, None, :]
    mechanism = scoring.HiringMechanism(
        world, [[0.5], [0.5]], (wrong, np.zeros(wrong.shape)), world.best_decisions, correlated=True
    )
    found = scoring.audit(mechanism)
    # Told 1 he knows the state, and gains 0.5 by lying; told 0 he may as well learn it for 0.2: 0.5 - 0.2 - 0.25.
    assert [d.gain for d in found.deviations] == pytest.approx([0.025, 0.25])
    assert found.gain == pytest.approx(0.275)
    assert found.deviation is found.deviations[1]
    assert str(found) == (
        "not incentive compatible: agent 0, told 0, makes effort 1 instead of 0 and reports 1 for 0, 0 for 1; "
        "told 1, reports 1 for 0, 0 for 1, and gains 0.275 in all"
    )


def test_each_sender_has_a_unit():
    """Sender 0 counts in billions; what sender 1 gains by lying is judged by what he has at stake."""
    world = scoring.InformationAcquisition(
        [0.6, 0.4],
        [[[1, 0], [0, 0]], [[0, 0], [0, 1]]],
        [[1, 0], [0, 1]],
        [[[1e9, 0], [0, 1e9]], [[0, 0], [1, 1]]],
    )
    blind = np.zeros((2, 2, 2))
    blind[:, 0, 0] = blind[:, 1, 1] = 1.0  # what sender 1 says
    found = scoring.audit(scoring.AcquisitionMechanism(world, blind))
    assert found.deviation.agent == 1
    assert found.gain == pytest.approx(0.6)
    assert found.tolerance == pytest.approx(1e-8)
    assert scoring.audit(world.optimal())


def test_payments_that_are_replaced_are_checked():
    best = toy().optimal()
    with pytest.raises(InvalidArgument, match=r"payments\[0\]\[0\] is nan"):
        scoring.audit(dataclasses.replace(best, payments=np.full((5, 2), np.nan)))
    with pytest.raises(InvalidArgument, match="payments is 2 x 2; allowed: 5 x 2"):
        scoring.audit(dataclasses.replace(best, payments=np.eye(2)))
