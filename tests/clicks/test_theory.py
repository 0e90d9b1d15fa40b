"""What the theory says, against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

import banditlab as bl
from banditlab import clicks
from banditlab.clicks import theory
from banditlab.core.errors import InvalidArgument

ENV = clicks.StrategicClickBandit([0.4, 0.6, 0.5], strategies=[0.4, 0.6, 0.5])


def test_rates():
    assert theory.regret_rate(5, 50_000) == pytest.approx(500.0)
    floor = math.sqrt(3 * math.log(10_000) / 10_000)
    np.testing.assert_allclose(theory.distance_rate(ENV, 10_000), [0.2, floor, 0.1])


def test_second_price_by_brute_force():
    s = np.linspace(0.0, 1.0, 100_001)
    kept = s[s * 0.6 - 5.0 * (s - 0.6) ** 2 >= 1.05 * 0.25]
    assert theory.second_price_strategy(ENV) == pytest.approx(kept.max(), abs=1e-5)
    lost = 1.05 * 0.36 - 1.05 * 0.25
    assert theory.strategy_oracle_regret(ENV, 1000) == pytest.approx(1000 * lost, rel=1e-12)


def test_second_price_where_even_one_keeps_the_learner():
    env = clicks.StrategicClickBandit([0.9, 0.1], strategies=[0.5, 0.5])
    assert theory.second_price_strategy(env) == 1.0
    lost = env.best_utility - env.utility(1.0, 0.9)
    assert theory.strategy_oracle_regret(env, 10) == pytest.approx(10 * lost)


def test_second_price_of_equal_arms_is_what_is_desired():
    env = clicks.StrategicClickBandit([0.5, 0.5], strategies=[0.5, 0.5])
    assert theory.second_price_strategy(env) == pytest.approx(0.55)
    assert theory.strategy_oracle_regret(env, 10) == pytest.approx(0.0, abs=1e-12)


def test_one_arm_has_no_second_price():
    env = clicks.StrategicClickBandit([0.5], strategies=[0.5])
    for ask in (theory.second_price_strategy, lambda e: theory.strategy_oracle_regret(e, 10)):
        with pytest.raises(InvalidArgument, match="environment has 1 arm; allowed: at least 2"):
            ask(env)


def test_oracles_regret_is_what_they_pay_at_those_strategies():
    limit = theory.second_price_strategy(ENV)
    played = {
        clicks.MuOracle(): ([0.4, 1.0, 0.5], theory.mu_oracle_regret(ENV, 200)),
        clicks.StrategyOracle(): ([0.44, limit - 1e-9, 0.55], theory.strategy_oracle_regret(ENV, 200)),
    }
    for policy, (strategies, expected) in played.items():
        result = bl.run(ENV.with_strategies(strategies), policy, horizon=200, n_runs=1, seed=0, progress=False)
        assert result.values()[0, 0, -1] == pytest.approx(expected, rel=1e-6)


def test_lipschitz_constant():
    assert theory.lipschitz_constant(clicks.QuadraticUtility(penalty=0.5)) == pytest.approx(2.0)
    assert theory.lipschitz_constant(clicks.QuadraticUtility(), 0.95) == 0.0  # s* = 1 there


@pytest.mark.parametrize("away", [-0.2, 0.2])
def test_screening_takes_no_longer_than_said(away):
    strategy = 0.55 + away
    env = clicks.StrategicClickBandit([0.5], strategies=[strategy])
    horizon = 20_000
    result = bl.run(env, clicks.UCBS(), horizon=horizon, n_runs=500, seed=1, metrics="screening_round", progress=False)
    rounds = result.values("screening_round[0]")[0, :, -1]
    # m clicks after n selections, rather than s n: 4 standard deviations fewer
    limit = theory.screening_selections(0.2, strategy - 4 * math.sqrt(0.25 / 5_000), horizon)
    assert (rounds <= limit).mean() >= 0.99  # NaN, not screened, is not <=
