"""Adversarial and piecewise-stationary environments: regret against hand computation, and bad input."""

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab.arms.generics import reward
from banditlab.core.errors import InvalidArgument

from .rewards import parameters


def test_adversarial_regret_against_the_best_arm_in_hindsight():
    losses = np.random.default_rng(0).random((300, 4))
    losses[:150, 1] *= 0.5
    losses[150:, 2] *= 0.1  # the best arm in hindsight changes
    env = arms.Adversarial(losses)
    result = bl.run(
        env,
        [arms.EXP3(), arms.UCB1(), arms.RoundRobin()],
        horizon=300,
        n_runs=5,
        seed=0,
        checkpoints=list(range(1, 301)),
        metrics=("regret", "reward"),
        n_jobs=1,
    )
    played = np.arange(1, 301) - result.values("reward")  # cumulative losses
    best = np.array([losses[:t].sum(axis=0).min() for t in range(1, 301)])
    assert result.values() == pytest.approx(played - best, abs=1e-10)
    by_hand = np.cumsum(losses[np.arange(300), np.arange(300) % 4]) - best
    assert result.values()[2] == pytest.approx(np.tile(by_hand, (5, 1)), abs=1e-10)


def test_rounds_of_an_adversary_have_no_best_arm():
    env = arms.Adversarial([[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(
        InvalidArgument, match=r"metrics is 'optimal_rate', on Adversarial.* against the best arm in hindsight"
    ):
        bl.run(env, arms.EXP3(), horizon=2, n_runs=1, seed=0, metrics=["regret", "optimal_rate"])


def test_adversarial_rewards_are_one_less_the_losses():
    env = arms.Adversarial([[0.0, 1.0], [0.25, 0.5]])
    params = parameters(env)
    assert [[reward(params, arm, 0.5, t) for arm in range(2)] for t in (1, 2)] == [[1.0, 0.0], [0.75, 0.5]]


def test_adversarial_table_must_reach_the_horizon():
    with pytest.raises(InvalidArgument, match="horizon is 3; allowed: at most 2"):
        bl.run(arms.Adversarial([[0.0, 1.0], [1.0, 0.0]]), arms.EXP3(), horizon=3, n_runs=1)


def test_piecewise_regret_by_hand():
    parts = [arms.Bernoulli([0.1, 0.9]), arms.Gaussian([2.0, 0.5]), arms.Bernoulli([0.3, 0.2])]
    env = arms.PiecewiseStationary(parts, change_points=[4, 7])
    result = bl.run(env, arms.RoundRobin(), horizon=10, n_runs=3, seed=0, checkpoints=list(range(1, 11)), n_jobs=1)
    # round:   1    2    3  |  4    5    6  |  7    8    9    10; arms 0, 1, 0, 1, ...
    charged = [0.8, 0.0, 0.8, 1.5, 0.0, 1.5, 0.0, 0.1, 0.0, 0.1]
    assert result.values()[0] == pytest.approx(np.tile(np.cumsum(charged), (3, 1)), abs=1e-12)


def test_equal_segments_are_a_stationary_environment():
    part = arms.Bernoulli([0.4, 0.6])
    env = arms.PiecewiseStationary([part, part, part], change_points=[2, 350])
    policies = [arms.UCB1(), arms.ThompsonSampling()]
    settings = {"horizon": 600, "n_runs": 20, "seed": 5, "metrics": ("regret", "reward", "pulls"), "n_jobs": 1}
    pieces, whole = bl.run(env, policies, **settings), bl.run(part, policies, **settings)
    for metric in whole.metrics:
        assert (pieces.values(metric) == whole.values(metric)).all()


def test_segments_beyond_the_horizon_are_left_out():
    parts = [arms.Bernoulli([0.1, 0.9]), arms.Bernoulli([0.9, 0.1]), arms.Bernoulli([0.5, 0.5])]
    env = arms.PiecewiseStationary(parts, change_points=[11, 21])
    assert env.segments(10) == [(1, 10, parts[0])]
    assert env.segments(11) == [(1, 10, parts[0]), (11, 11, parts[1])]
    assert env.segments(100) == [(1, 10, parts[0]), (11, 20, parts[1]), (21, 100, parts[2])]


def test_a_window_computed_for_huge_rewards_is_one_that_could_be_given():
    coins = arms.Bernoulli([0.2, 0.8])
    options = {"horizon": 50, "n_runs": 2, "seed": 0, "n_jobs": 1, "metrics": "pulls"}
    computed, given = arms.SlidingWindowUCB(b=1e100), arms.SlidingWindowUCB(b=1e100, window=2**53)
    result = bl.run(coins, [computed, given], **options)
    for metric in result.metrics:
        one, other = result.values(metric)
        assert (one == other).all()
