"""Closed forms against the linear programs, which know nothing of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banditlab import scoring
from banditlab.errors import BanditlabError, InvalidArgument
from banditlab.scoring import closed_forms
from banditlab.scoring.lp import ProperRuleProgram

SEEDS = st.integers(0, 2**32 - 1)


def information(rng, n_beliefs, n_states=2):
    """Return random beliefs and their probabilities; the last one is the prior, with probability 0."""
    beliefs, q = rng.dirichlet(np.ones(n_states), n_beliefs), rng.dirichlet(np.ones(n_beliefs))
    return np.vstack([beliefs, q @ beliefs]), np.append(q, 0.0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=SEEDS, n=st.integers(2, 6), max_payment=st.sampled_from([0.5, 1.0, 3.0]))
def test_v_shape_is_the_best_of_all_bounded_proper_rules(seed, n, max_payment):
    beliefs, q = information(np.random.default_rng(seed), n)
    p, mean = beliefs[:, 1], beliefs[-1, 1]
    gain = closed_forms.v_shaped_gain(p, q, max_payment)
    program = ProperRuleProgram(beliefs, max_payment, n_rows=0)
    weights = q - np.eye(n + 1)[-1]  # E[G(P)] - G(mu)
    program.cost[:] = -(weights[:, None] * beliefs).ravel()
    assert -program.solve().value == pytest.approx(gain, abs=1e-9)
    payments = closed_forms.v_shaped_payments(p, mean, max_payment)
    assert payments.max() == max_payment
    assert payments.min() == 0.0
    assert float((weights[:, None] * beliefs * payments).sum()) == pytest.approx(gain, abs=1e-12)
    assert scoring.is_proper(scoring.ScoringRule.from_table(payments, beliefs))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=SEEDS, n=st.integers(2, 6), n_states=st.integers(2, 5), share=st.just(0.0) | st.floats(1e-5, 1.0))
def test_price_of_learning_is_what_the_program_pays(seed, n, n_states, share):
    beliefs, q = information(np.random.default_rng(seed), n, n_states)
    prior = beliefs[-1]
    largest = (float(q @ (beliefs / prior).max(axis=1)) - 1.0) * prior.min()
    world = scoring.PrincipalAgent(beliefs, [np.eye(n + 1)[-1], q], [0.0, share * largest], utility=np.zeros(n + 1))
    price = closed_forms.price_of_learning(beliefs, q, share * largest)
    assert world.optimal_rule(1).payment == pytest.approx(price, abs=1e-8)


def test_margin_of_learning_is_the_v_shaped_gain():
    beliefs, q = information(np.random.default_rng(3), 4)
    world = scoring.PrincipalAgent(beliefs, [np.eye(5)[-1], q], [0.0, 0.0], utility=np.zeros(5))
    assert world.margin(1)[0] == pytest.approx(closed_forms.v_shaped_gain(beliefs[:, 1], q), abs=1e-9)


def test_arguments_are_checked():
    with pytest.raises(InvalidArgument, match="distribution has 2 entries; allowed: 3"):
        closed_forms.v_shaped_gain([0.1, 0.2, 0.3], [0.5, 0.5])
    with pytest.raises(InvalidArgument, match=r"mean is 1.0; allowed: a number in \(0, 1\)"):
        closed_forms.v_shaped_payments([0.5], 1.0)
    with pytest.raises(InvalidArgument, match=r"cost is 0.6; allowed: at most 0.5"):
        closed_forms.price_of_learning([[1, 0], [0, 1]], [0.5, 0.5], 0.6)
    with pytest.raises(InvalidArgument, match="distribution has 1 entries; allowed: 2"):
        closed_forms.price_of_learning([[1, 0], [0, 1]], [1.0], 0.6)
    assert closed_forms.price_of_learning([[0.5, 0.5]], [1.0], 0.0) == 0.0


@pytest.mark.parametrize("mean", ["x", None, np.array([0.2, 0.3]), 0.0, 1.0], ids=repr)
def test_the_kink_is_a_probability(mean):
    with pytest.raises(BanditlabError, match=r"mean is .*; allowed: a"):
        scoring.closed_forms.v_shaped_payments([0.1, 0.9], mean)
