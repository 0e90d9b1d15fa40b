"""Deviations, certificates, equilibria: against games whose equilibria are known, and as statistics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from banditlab import clicks
from banditlab.clicks import deviations
from banditlab.clicks.equilibria import _regret
from banditlab.core.errors import InvalidArgument, InvalidType

from .components import Turns

PAIR = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
QUICK = {"horizon": 300, "n_rollouts": 8, "grid": 5, "progress": False}


def test_gains_where_they_are_known():
    # Arms take turns, so that arm i is clicked s_i T / 2 times on average, and s_i = 1 is dominant.
    found = clicks.deviation_gains(PAIR, Turns(), horizon=4_000, n_rollouts=64, grid=5, seed=3, progress=False)
    np.testing.assert_array_equal(found.deviations, [1.0, 1.0])
    true = 2_000 * (1.0 - PAIR.strategies)
    spread = np.sqrt(2_000 * PAIR.strategies * (1.0 - PAIR.strategies) / (4 * 64))
    assert (np.abs(found.gains - true) < 4 * spread).all()
    assert (np.abs(found.utilities - 2_000 * PAIR.strategies) < 4 * spread).all()
    assert ((found.low < true) & (true < found.high)).all()
    table = found.to_pandas()
    np.testing.assert_array_equal(table[["ci_low", "ci_high"]].T, [found.low, found.high])
    assert (found.bounds > true).all()
    assert found.witness == 1
    assert not found.is_equilibrium(0.01)
    assert found.is_equilibrium(0.5)
    assert "arm 1 gains" in repr(found)


def test_intervals_cover_as_often_as_they_say_although_the_best_was_chosen():
    # All deviations of both arms gain nothing: MuOracle selects the first arm, whose clicks grow with s; the grid
    # holds the rates nearby, so that the search picks what was lucky. The second arm's gain is exactly 0.
    true, covered, n = 100 * 0.02, 0, 300
    for seed in range(n):
        found = clicks.deviation_gains(
            PAIR, clicks.MuOracle(), horizon=100, n_rollouts=8, grid=[0.62, 0.64, 0.66, 0.68], seed=seed, n_jobs=1,
            level=0.9, progress=False,
        )  # fmt: skip
        gain = 100 * (found.deviations[0] - 0.66)
        covered += found.low[0] <= gain <= found.high[0]
        assert found.gains[1] == found.low[1] == found.high[1] == found.bounds[1] == 0.0
        assert found.bounds[0] > 0.0
        assert gain <= true + 1e-12
    assert abs(covered / n - 0.9) < 4 * np.sqrt(0.9 * 0.1 / n)


def test_bounds_hold_for_all_deviations_at_once():
    # 40 deviations, each of which gains 2 clicks: the bound must exceed 2 in 95% of the searches
    rates, held, n = np.linspace(0.02, 1.0, 40), 0, 200
    idle = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.0, 0.5])
    true = 50 * rates.max()
    for seed in range(n):
        found = clicks.deviation_gains(
            idle, Turns(), horizon=100, n_rollouts=8, grid=rates, seed=seed, n_jobs=1, progress=False
        )
        held += found.bounds[0] >= true - 1e-9
    assert held / n > 0.95 - 4 * np.sqrt(0.95 * 0.05 / n)


def test_at_a_dominant_profile_nothing_is_gained():
    found = clicks.deviation_gains(PAIR, Turns(), [1.0, 1.0], seed=0, **QUICK)
    np.testing.assert_array_equal(found.deviations, [1.0, 1.0])
    assert found.witness is None
    assert found.epsilon == 0.0
    assert found.is_equilibrium(0.0)
    assert "no arm is seen to gain" in repr(found)


def test_gains_vanish_at_a_certified_point_of_ucb_s_and_not_beside_it():
    env = clicks.StrategicClickBandit([0.6, 0.5, 0.4], strategies=[0.66, 0.55, 0.44])
    options = {"horizon": 10_000, "n_rollouts": 16, "grid": 51, "seed": 4, "progress": False}
    found = clicks.equilibrium(env, clicks.UCBS(), tolerance=0.03, epochs=11, **options)
    assert found.certified
    again = clicks.deviation_gains(env, clicks.UCBS(), found.strategies, **(options | {"seed": 5}))
    assert (again.low <= 0.03 * 10_000).all()
    for arm, away in ((0, -0.2), (0, 0.2)):
        beside = found.strategies.copy()
        beside[arm] = np.clip(beside[arm] + away, 0.0, 1.0)
        worse = clicks.deviation_gains(env, clicks.UCBS(), beside, **options)
        assert worse.low[arm] > 0.03 * 10_000
        assert worse.witness == arm
        assert not worse.is_equilibrium(0.03)


def test_the_best_arm_takes_the_second_price_from_the_strategy_oracle():
    options = {"horizon": 500, "n_rollouts": 8, "method": "best_response", "epochs": 3, "seed": 0, "progress": False}
    env = clicks.StrategicClickBandit([0.6, 0.5, 0.45], strategies=[0.5, 0.5, 0.5])
    found = clicks.equilibrium(env, clicks.StrategyOracle(), **options)
    limit = clicks.theory.second_price_strategy(env)
    assert found.strategies[0] == np.floor(limit * 100) / 100  # the last on the grid that keeps the learner
    assert found.certified
    lost = env.best_utility - env.utility(found.strategies[0], 0.6)
    assert found.regret == pytest.approx(500 * lost, rel=1e-12)
    assert found.low == found.high == found.regret
    assert found.regret == pytest.approx(clicks.theory.strategy_oracle_regret(env, 500), rel=0.1)


def test_interval_of_the_regret_is_students():
    regrets = np.random.default_rng(0).normal(5.0, 2.0, size=10 * deviations.CONFIRMATIONS)

    class Game:
        def play(self, profiles, luck):
            assert len(profiles) == len(regrets)
            return None, regrets

    found = _regret(Game(), np.ones(2), 10, 0.9, block=0)
    interval = stats.ttest_1samp(regrets, 0.0).confidence_interval(0.9)
    assert found == pytest.approx((regrets.mean(), interval.low, interval.high), rel=1e-12)


def test_numbers_do_not_depend_on_threads():
    one, two = (
        clicks.equilibrium(PAIR, clicks.UCBS(), epochs=2, seed=3, n_jobs=n, **(QUICK | {"grid": 11})) for n in (1, 3)
    )
    np.testing.assert_array_equal(one.strategies, two.strategies)
    np.testing.assert_array_equal(one.certificate.bounds, two.certificate.bounds)
    assert (one.regret, one.low, one.high, one.moves) == (two.regret, two.low, two.high, two.moves)


def test_a_search_that_may_not_move_says_that_it_found_nothing():
    found = clicks.equilibrium(
        PAIR, clicks.MuOracle(), [0.3, 0.3], horizon=300, epochs=1, max_moves=0, n_rollouts=8, seed=0, progress=False
    )
    assert not found.certified
    assert found.moves == 0
    assert "not certified" in repr(found)
    share = found.certificate.epsilon / 300
    told = rf"found has 2 profiles and none certified: .* {share:.3g} clicks a round, and tolerance is 0.01; .*"
    with pytest.raises(InvalidType, match=told + "at least one certified Equilibrium .* larger tolerance.*ied=False"):
        clicks.strategic_regret([found, found])
    with pytest.raises(InvalidType, match=r"found is \[\]; allowed: a list with at least one Equilibrium"):
        clicks.strategic_regret([])
    assert clicks.strategic_regret([found], certified=False).strong is found


def test_strong_and_weak_regret():
    options = {"horizon": 1_000, "n_rollouts": 32, "method": "best_response", "epochs": 2, "seed": 0, "progress": False}
    # from [0.9, 0.1] the arms undercut each other, step by step: the search ends on the way, and says so
    good, unfinished = clicks.equilibria(PAIR, clicks.StrategyOracle(), ["truthful", [0.9, 0.1]], **options)
    assert (good.certified, unfinished.certified, unfinished.moves) == (True, False, 20)
    costly = dataclasses.replace(good, regret=good.regret + 1.0)
    both = clicks.strategic_regret([good, unfinished, costly])
    assert (both.strong, both.weak) == (costly, good)
    every = clicks.strategic_regret([good, unfinished, costly], certified=False)
    assert (every.strong, every.weak) == (unfinished, good)


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        ({"strategies": [0.5]}, InvalidArgument, "strategies has 1 entries; allowed: 2"),
        ({"n_rollouts": 1}, InvalidArgument, "n_rollouts is 1; allowed"),
        ({"grid": 1}, InvalidArgument, "grid is 1; allowed"),
        ({"grid": []}, InvalidArgument, "grid"),
        ({"grid": [0.5, 2.0]}, InvalidArgument, r"grid\[1\] is 2.0; allowed"),
        ({"level": 1.0}, InvalidArgument, "level is 1.0; allowed"),
        ({"policy": 3}, InvalidType, "policy is 3; allowed"),
        ({"environment": None}, InvalidType, "environment is None; allowed"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_bad_arguments(bad, kind, message):
    arguments = {"environment": PAIR, "policy": clicks.UCBS()} | QUICK | bad
    with pytest.raises(kind, match=message):
        clicks.deviation_gains(**arguments)


def test_bad_arguments_of_searches():
    with pytest.raises(InvalidArgument, match="tolerance is -1"):
        clicks.equilibrium(PAIR, clicks.UCBS(), tolerance=-1.0)
    with pytest.raises(InvalidArgument, match="max_moves is -1"):
        clicks.equilibrium(PAIR, clicks.UCBS(), max_moves=-1)
    with pytest.raises(InvalidType, match="starts is 'truthful'; allowed: a list"):
        clicks.equilibria(PAIR, clicks.UCBS(), "truthful")
    with pytest.raises(InvalidType, match="allowed: a list of one or more starts"):
        clicks.equilibria(PAIR, clicks.UCBS(), [])


def test_luck_of_searches_never_overlaps():
    seen = [
        set(deviations.luck(block, purpose, 2**20).tolist()[:: 2**18])
        for block in range(3)
        for purpose in (deviations.SEARCH, deviations.CONFIRM)
    ]
    assert len(set.union(*seen)) == sum(map(len, seen))
