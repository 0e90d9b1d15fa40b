"""Informed senders: the program against grids and against its statement in CVXPY, and what is refused."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab import scoring
from banditlab.errors import BanditlabError, InvalidArgument

SEEDS = st.integers(0, 2**32 - 1)


def random_world(rng, n_signals=(2, 2), n_states=2, n_decisions=2):
    observations = rng.dirichlet(np.ones(int(np.prod(n_signals))), n_states).reshape(n_states, *n_signals)
    shape = (n_decisions, n_states)
    receiver = rng.uniform(0.0, 1.0, shape)
    aligned = rng.choice([0.0, 0.5, 0.8])  # senders want more or less of what the receiver wants
    senders = aligned * receiver + (1 - aligned) * rng.uniform(0.0, 1.0, (len(n_signals), *shape))
    return scoring.InformationAcquisition(rng.dirichlet(np.full(n_states, 3.0)), observations, receiver, senders)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_one_sender_against_a_grid(seed):
    """Two signals, two decisions: a mechanism is two numbers, of which a grid has 101 x 101."""
    world = random_world(np.random.default_rng(seed), (2,))
    best = world.optimal()
    x, y = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101), indexing="ij")
    phi = np.stack([np.stack([1 - x, x], -1), np.stack([1 - y, y], -1)])  # signal, grid, grid, decision
    own = np.einsum("ts,at->sa", world.joint, world.sender_utilities[0])
    lies = [np.einsum("xya,a->xy", phi[1 - s] - phi[s], own[s]) for s in range(2)]
    honest = (lies[0] <= 1e-12) & (lies[1] <= 1e-12)
    values = np.einsum("sxya,ts,at->xy", phi, world.joint, world.receiver_utility)
    assert honest.any()
    assert values[honest].max() <= best.value + 1e-9
    assert values[honest].max() >= best.value - 0.02


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=SEEDS, n_states=st.integers(2, 3), slack=st.sampled_from([0.0, 0.01]))
def test_two_senders_against_the_definition(seed, n_states, slack):
    world = random_world(np.random.default_rng(seed), (2, 3), n_states, 3)
    phi = [[cp.Variable(3, nonneg=True) for _ in range(3)] for _ in range(2)]
    constraints = [cp.sum(phi[s][r]) == 1 for s in range(2) for r in range(3)]

    def worth(s, r, decided, utility):
        return sum(world.joint[t, s, r] * (decided @ utility[:, t]) for t in range(n_states))

    first, second = world.sender_utilities
    for s, lie in np.ndindex(2, 2):
        constraints += [sum(worth(s, r, phi[lie][r] - phi[s][r], first) for r in range(3)) <= slack]
    for r, lie in np.ndindex(3, 3):
        constraints += [sum(worth(s, r, phi[s][lie] - phi[s][r], second) for s in range(2)) <= slack]
    value = sum(worth(s, r, phi[s][r], world.receiver_utility) for s in range(2) for r in range(3))
    problem = cp.Problem(cp.Maximize(value), constraints)
    problem.solve(solver="HIGHS")
    best = world.optimal(slack=slack)
    assert best.value == pytest.approx(problem.value, abs=1e-7)
    assert scoring.audit(best).gain <= 3 * slack + 1e-8


def test_between_ignorance_and_full_information():
    rng = np.random.default_rng(11)
    helped, hindered = 0, 0
    for _ in range(20):
        world = random_world(rng, (2, 2), 3, 3)
        ignorant = (world.receiver_utility @ world.prior).max()
        full = np.einsum("tsr,at->sra", world.joint, world.receiver_utility).max(axis=-1).sum()
        best = world.optimal().value
        assert ignorant - 1e-9 <= best <= full + 1e-9
        helped += best > ignorant + 1e-3
        hindered += best < full - 1e-3
        assert world.optimal(slack=10.0).value == pytest.approx(full, abs=1e-9)
    assert helped > 5
    assert hindered > 5


def test_utility_has_no_unit():
    world = random_world(np.random.default_rng(6), (2, 2), 3, 3)
    large = scoring.InformationAcquisition(
        world.prior, world.observations, world.receiver_utility * 1e6, world.sender_utilities * 1e5
    )
    assert large.optimal().value == pytest.approx(world.optimal().value * 1e6)
    assert scoring.audit(large.optimal())


def test_shared_interests_give_full_information():
    world = random_world(np.random.default_rng(2), (3, 2), 3, 3)
    same = scoring.InformationAcquisition(
        world.prior, world.observations, world.receiver_utility, [world.receiver_utility] * 2
    )
    full = np.einsum("tsr,at->sra", world.joint, world.receiver_utility).max(axis=-1).sum()
    assert same.optimal().value == pytest.approx(full, abs=1e-9)


def test_a_sender_with_one_signal_has_nothing_to_misreport():
    world = random_world(np.random.default_rng(4), (1,))
    best = world.optimal()
    assert best.value == pytest.approx((world.receiver_utility @ world.prior).max())
    assert best.decisions.shape == (1, 2)


MISTAKES = {
    "prior": ({"prior": [0.5, 0.6]}, "prior is"),
    "states": ({"prior": [1.0]}, "observations has 2 entries; allowed: 1, one per state"),
    "observations": ({"observations": [[1, 0], [0.5, 0.4]]}, r"observations\[1\] adds up to 0.9"),
    "no signals": ({"observations": [1, 1]}, "observations has 1 axes; allowed: more than 1"),
    "senders": (
        {"sender_utilities": np.zeros((2, 2, 2))},
        "sender_utilities has 2 entries; allowed: 1, one per sender",
    ),
    "decisions": ({"sender_utilities": np.zeros((1, 3, 2))}, r"sender_utilities\[0\] is 3 x 2; allowed: 2 x 2"),
    "receiver": ({"receiver_utility": [[1, 0, 0]]}, r"receiver_utility\[0\] has 3 entries; allowed: 2, one per state"),
    "nan": ({"sender_utilities": [[[0, np.nan], [0, 0]]]}, r"sender_utilities\[0\]\[0\]\[1\] is nan"),
    "masked": ({"sender_utilities": np.ma.masked_equal([[[0, 1], [2, 3]]], 3)}, "allowed: no masked entries"),
    "flat": ({"sender_utilities": [0.0]}, r"has the shape \(1,\); allowed: an array with 3 axes"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_an_error_that_names_it(name):
    changes, message = MISTAKES[name]
    valid = {
        "prior": [0.6, 0.4],
        "observations": [[1, 0], [0, 1]],
        "receiver_utility": [[1, 0], [0, 1]],
        "sender_utilities": [[[1, 0], [0, 1]]],
    }
    with pytest.raises(InvalidArgument, match=message):
        scoring.InformationAcquisition(**(valid | changes))


def test_every_sender_has_a_unit_of_his_own():
    """A sender's unit of utility changes nothing for the others, whatever it is."""
    world = random_world(np.random.default_rng(6), (2, 2), 3, 3)
    value = world.optimal(slack=0.0).value
    for units in ((1e9, 1.0), (1.0, 1e-9), (1e12, 1e-12)):
        scaled = scoring.InformationAcquisition(
            world.prior,
            world.observations,
            world.receiver_utility,
            world.sender_utilities * np.array(units)[:, None, None],
        )
        best = scaled.optimal()
        assert best.value == pytest.approx(value, abs=1e-8)
        assert scoring.audit(best)


HANDMADE = {
    "environment": (3, np.eye(2), "environment is 3; allowed: an InformationAcquisition"),
    "shape": (None, np.eye(3), r"decisions has the shape \(3, 3\); allowed: \(2, 2\)"),
    "sum": (None, np.ones((2, 2)), r"decisions\[0\] adds up to 2"),
    "nan": (None, np.full((2, 2), np.nan), r"decisions\[0\]\[0\] is nan"),
    "text": (None, "abc", "decisions is 'abc'"),
}


@pytest.mark.parametrize("name", HANDMADE)
def test_mechanisms_made_by_hand_are_checked(name):
    environment, decisions, message = HANDMADE[name]
    world = scoring.InformationAcquisition([0.6, 0.4], np.eye(2), np.eye(2), [np.eye(2)])
    with pytest.raises(BanditlabError, match=message):
        scoring.AcquisitionMechanism(environment or world, decisions)
