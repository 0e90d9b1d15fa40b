"""What users do by accident: it is an error, or does no harm."""

from __future__ import annotations

import threading

import joblib
import numpy as np
import pytest

import banditlab as bl
from banditlab import clicks
from banditlab.core.errors import IncompatiblePolicy, InvalidArgument, InvalidComponent, InvalidType

PAIR = clicks.StrategicClickBandit([0.6, 0.4], strategies=[0.66, 0.44])


def test_an_environment_whose_validate_forgets_lengths_is_refused_before_play():
    @clicks.environment
    class Careless(clicks.StrategicClickBandit):
        def validate(self):
            pass

    with pytest.raises(IncompatiblePolicy, match="it has 3 arms and 2 strategies"):
        bl.run(Careless([0.9] * 3, [0.5] * 2), clicks.MeanUCB(), horizon=10, n_runs=1)
    with pytest.raises(IncompatiblePolicy, match="it has 3 arms and 2 strategies"):
        clicks.dynamics(Careless([0.9] * 3, [0.5] * 2), clicks.MeanUCB(), horizon=10)


def test_other_strategies_keep_a_subclass_s_fields():
    @clicks.environment
    class Bonus(clicks.StrategicClickBandit):
        bonus: float = bl.field(default=0.0, doc="added to what regret is counted against")

        @property
        def best_utility(self):
            return super().best_utility + self.bonus

    world = Bonus([0.6, 0.5], [0.5, 0.4], bonus=1.0)
    assert world.with_strategies([0.1, 0.1]).bonus == 1.0
    drawn = Bonus.from_rewards(bl.arms.Bernoulli([0.6, 0.5]), [0.5, 0.4], bonus=2.0)
    assert drawn.bonus == 2.0
    lost = bl.run(drawn, clicks.MuOracle(), horizon=10, n_runs=1, seed=0, progress=False).values()[0, 0, -1]
    assert lost == pytest.approx(10 * drawn.gaps[0])


@pytest.mark.parametrize("kernel", ["reward", "gap"])
def test_kernels_that_would_never_be_called_are_refused(kernel):
    with pytest.raises(InvalidComponent, match=f"Own has a kernel {kernel}; allowed: none"):
        clicks.environment(type("Own", (clicks.StrategicClickBandit,), {kernel: lambda self, arm, u, t: 0.0}))


def test_an_undecorated_subclass_is_no_component():
    class Sub(clicks.MuOracle):
        def select(self, state, lane, t, rng):
            return 1

    with pytest.raises(InvalidType, match="policies"):
        bl.run(PAIR, Sub(), horizon=10, n_runs=1)


def test_two_ways_to_choose_are_refused():
    with pytest.raises(InvalidComponent, match="Both has kernels index and select; allowed: one of them"):

        @clicks.policy
        class Both:
            def index(self, state, arm, lane, t, rng):
                return arm

            def select(self, state, lane, t, rng):
                return 0

            def update(self, state, arm, lane, clicked, reward, t):
                pass


def test_a_policy_cannot_change_the_strategies():
    @clicks.policy
    class Meddler:
        def state(self, space):
            with pytest.raises(ValueError, match="read-only"):
                space.strategies[0, 0] = 1.0
            return {}

        def select(self, state, lane, t, rng):
            return 0

        def update(self, state, arm, lane, clicked, reward, t):
            pass

    bl.run(PAIR, Meddler(), horizon=10, n_runs=1, backend="python", progress=False)


def test_nothing_is_compiled_twice():
    from banditlab.core.compiling.kernels import compiled_kernels

    bl.run(PAIR, clicks.UCBS(), horizon=10, n_runs=3, n_jobs=1, progress=False)
    played = [k for k in compiled_kernels() if k.py_func.__qualname__.startswith("play-StrategicClickBandit")]
    assert all(len(k.signatures) == 1 for k in played)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: clicks.deviation_gains(PAIR, clicks.UCBS(), n_rollouts=2**20),
            "n_rollouts is 1048576; allowed: at most",
        ),
        (
            lambda: clicks.dynamics(PAIR, clicks.UCBS(), n_runs=2**20, n_rollouts=64),
            "n_rollouts is 64; allowed: at most",
        ),
    ],
    ids=["gains", "dynamics"],
)
def test_what_would_not_fit_is_refused_at_once(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_searches_play_whatever_joblib_is_told():
    options = {"horizon": 200, "n_rollouts": 8, "grid": 5, "seed": 0}
    alone = clicks.deviation_gains(PAIR, clicks.UCBS(), n_jobs=1, **options)
    with joblib.parallel_config("loky", n_jobs=2):
        told = clicks.deviation_gains(PAIR, clicks.UCBS(), progress=True, **options)
    np.testing.assert_array_equal(alone.bounds, told.bounds)


def test_interrupting_a_search_stops_it_and_its_threads(monkeypatch):
    calls = []

    def interrupted(self, rounds):
        calls.append(rounds)
        raise KeyboardInterrupt

    monkeypatch.setattr("banditlab.core.playing.progress.Progress.add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clicks.equilibrium(PAIR, clicks.UCBS(), horizon=300_000, epochs=2, n_rollouts=64, n_jobs=2, progress=False)
    assert len(calls) == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPoolExecutor")]


def test_results_of_searches_can_be_compared_and_hashed():
    found = clicks.deviation_gains(PAIR, clicks.MuOracle(), horizon=10, n_rollouts=8, grid=2, seed=0)
    other = clicks.deviation_gains(PAIR, clicks.MuOracle(), horizon=10, n_rollouts=8, grid=2, seed=0)
    assert found in [other, found]
    assert found != other
    assert len({found, other}) == 2


def test_levels_close_to_one_are_refused():
    with pytest.raises(InvalidArgument, match="level is"):
        clicks.deviation_gains(PAIR, clicks.MuOracle(), level=1 - 1e-14)


def test_oracles_and_theory_say_what_they_need():
    for ask in (clicks.theory.mu_oracle_regret, clicks.theory.distance_rate, clicks.theory.strategy_oracle_regret):
        with pytest.raises(InvalidType, match=r"environment is 5; allowed: a clicks\.StrategicClickBandit"):
            ask(5, 10)
    with pytest.raises(InvalidType, match="utility is 5"):
        clicks.theory.lipschitz_constant(5)
    with pytest.raises(InvalidType, match="found is None"):
        clicks.strategic_regret(None)


def test_best_responses_use_the_rates_given():
    path = clicks.dynamics(
        PAIR, clicks.MuOracle(), [0.5, 0.5], 2, horizon=50, n_runs=1, method="best_response", grid=[0.2, 0.7], seed=0
    )
    assert path.final[0, 0] == 0.7
