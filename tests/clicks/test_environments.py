"""The environment: what it derives, what it draws, users' own components on it, and bad input."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms, clicks
from banditlab.clicks.kernel import SCRATCH, play
from banditlab.core import sampling
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import Problem, Space, make_state
from banditlab.core.machines import Processor
from banditlab.errors import AssumptionWarning, InvalidArgument, InvalidComponent, InvalidType
from tests.values import columns

from .components import Hill, PlainQuadratic, Turns

# ------------------------------------------------------------------------------------------ what it derives


def test_regret_is_counted_against_the_best_arm_at_its_desired_strategy() -> None:
    env = clicks.StrategicClickBandit([0.5, 0.8, 0.95], [0.55, 1.0, 0.3])
    assert env.n_arms == 3
    assert env.desired_strategies == pytest.approx([0.55, 0.88, 1.0], abs=1e-15)
    assert env.best_arm == 2
    best = 0.95 - 5.0 * 0.05**2  # u(1, 0.95): the desired strategy is cut at 1
    assert env.best_utility == pytest.approx(best, abs=1e-15)
    played = [0.55 * 0.5 - 5 * 0.05**2, 0.8 - 5 * 0.2**2, 0.3 * 0.95 - 5 * 0.65**2]
    assert env.gaps == pytest.approx(best - np.array(played), abs=1e-12)


def test_first_of_equal_arms_is_the_best() -> None:
    assert clicks.StrategicClickBandit([0.2, 0.5, 0.5], [0.1, 0.2, 0.3]).best_arm == 1


def test_utility_decides_what_is_wanted() -> None:
    env = clicks.StrategicClickBandit([0.5, 0.9], [0.9, 0.388], Hill())
    assert env.desired_strategies == pytest.approx([0.9, 0.388], abs=1e-6)
    assert env.best_utility == pytest.approx(0.9, abs=1e-12)
    assert env.gaps == pytest.approx([0.4, 0.0], abs=1e-12)


def test_regret_by_hand() -> None:
    env = clicks.StrategicClickBandit([0.6, 0.5], [1.0, 0.55])
    result = bl.run(env, Turns(), horizon=6, n_runs=2, seed=0, checkpoints=[1, 2, 5, 6], n_jobs=1, progress=False)
    gaps = 0.378 + 0.2, 0.378 - 0.2625  # u* = 1.05 * 0.36 = 0.378; u(1, 0.6) = -0.2; u(0.55, 0.5) = 0.2625
    charged = [gaps[0], sum(gaps), 3 * gaps[0] + 2 * gaps[1], 3 * sum(gaps)]
    assert result.values()[0] == pytest.approx(np.tile(charged, (2, 1)), abs=1e-12)


def test_with_strategies_changes_nothing_else() -> None:
    rewards = arms.Gaussian([0.6, 0.5], std=0.2)
    env = clicks.StrategicClickBandit.from_rewards(rewards, [0.5, 0.6], clicks.QuadraticUtility(2.0))
    other = env.with_strategies([1.0, 0.0])
    assert other.strategies.tolist() == [1.0, 0.0]
    assert env.strategies.tolist() == [0.5, 0.6]
    assert (other.rewards, other.utility) == (env.rewards, env.utility)
    assert other.post_click_means.tolist() == [0.6, 0.5]
    assert other.with_strategies([0.5, 0.6]) == env
    assert type(other) is type(env)


def test_environment_pickles_copies_compares_and_is_frozen() -> None:
    env = clicks.StrategicClickBandit.from_rewards(arms.Beta([2.0, 1.0], [2.0, 3.0]), [0.5, 0.25])
    for twin in (pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert twin == env
        assert hash(twin) == hash(env)
        assert not twin.strategies.flags.writeable
    assert env != env.with_strategies([0.5, 0.3])
    assert env != clicks.StrategicClickBandit([0.5, 0.25], [0.5, 0.25])
    with pytest.raises(AttributeError):
        env.strategies = np.array([0.1, 0.2])
    with pytest.raises(ValueError, match="read-only"):
        env.strategies[0] = 0.1


def test_bernoulli_rewards_are_the_default() -> None:
    env = clicks.StrategicClickBandit([0.6, 0.5], [0.66, 0.3])
    told = clicks.StrategicClickBandit.from_rewards(arms.Bernoulli([0.6, 0.5]), [0.66, 0.3])
    options: dict[str, Any] = {"horizon": 400, "n_runs": 5, "seed": 3, "n_jobs": 1, "progress": False}
    metrics = ("regret", "clicks", "screening_round")
    first, second = (columns(bl.run(e, clicks.UCBS(alpha=0.05), metrics=metrics, **options)) for e in (env, told))
    for metric, values in first.items():
        np.testing.assert_array_equal(values, second[metric])


# -------------------------------------------------------------------------------------------- what it draws

LANES, ROUNDS = (4, 500) if numba.config.DISABLE_JIT else (200, 5_000)


def final_state(env: Any, horizon: int, lanes: int, seed: int) -> Any:
    """Let `Turns` play, and return what it remembers: one row per arm, one column per lane."""
    problem = Problem(env.n_arms, horizon)
    world, player = env.params(problem), Turns().params(problem)
    state = make_state(Turns(), Space(env.n_arms, lanes, horizon))
    strategies = np.ascontiguousarray(np.tile(env.strategies[:, None], lanes))
    generators = [sampling.seeded(seed, stream, 0, lanes) for stream in (0, 1)]
    scratch = Processor().scratch(lanes, **SCRATCH)
    tally, out = np.zeros((2 * env.n_arms, lanes)), np.zeros((0, 1, lanes))
    rounds: NDArray[np.int64] = np.zeros(0, np.int64)
    kernel(play, world, player)(world, player, state, strategies, *generators, 1, horizon, tally, rounds, out, scratch)
    np.testing.assert_array_equal(tally, np.concatenate([state.selections, state.clicks]))
    return state


REWARDS = [
    arms.Bernoulli([0.6, 0.3, 0.9, 0.02]),
    arms.Beta([3.0, 0.5, 1.0, 9.0], [2.0, 1.0, 3.0, 1.0]),
    arms.Gaussian([0.6, 0.3, 0.9, 0.02], std=[0.1, 0.2, 0.5, 1.0]),
]


@pytest.mark.parametrize("rewards", REWARDS, ids=lambda r: type(r).__name__)
def test_clicks_and_rewards_have_the_rates_and_means_that_they_should(rewards: Any) -> None:
    """Clicks are coins with the strategy's bias; given a click, rewards have the arm's mean and variance.

    Within four standard errors each, from 250,000 selections per arm. The click and the reward are made of one uniform
    number, so that a dependence between them would show in the mean given a click.
    """
    env = clicks.StrategicClickBandit.from_rewards(rewards, [0.66, 0.05, 1.0, 0.4])
    state = final_state(env, ROUNDS, LANES, seed=31)
    n, m = state.selections.sum(axis=1), state.clicks.sum(axis=1)
    assert (n == LANES * ROUNDS / 4).all()
    s = env.strategies
    assert (np.abs(m / n - s) <= 4.0 * np.sqrt(s * (1.0 - s) / n)).all()
    for arm, mu in enumerate(env.post_click_means):
        _, variance, kurtosis = (float(v) for v in rewards.distribution(arm).stats(moments="mvk"))
        mean = state.sums[arm].sum() / m[arm]
        spread = state.squares[arm].sum() / m[arm] - 2.0 * mu * mean + mu**2  # the mean square about the true mean
        assert abs(mean - mu) <= 4.0 * math.sqrt(variance / m[arm])
        assert abs(spread - variance) <= 4.0 * variance * math.sqrt((kurtosis + 2.0) / m[arm])


def test_lanes_are_independent() -> None:
    """Clicks vary between lanes as binomial variates do: a variance of n s (1 - s), within four standard errors."""
    env = clicks.StrategicClickBandit([0.6, 0.3, 0.9, 0.02], [0.66, 0.05, 1.0, 0.4])
    clicked = final_state(env, 2_000, LANES, seed=32).clicks
    for arm, s in enumerate(env.strategies):
        wanted = 500.0 * s * (1.0 - s)
        found = ((clicked[arm] - 500.0 * s) ** 2).mean()
        assert abs(found - wanted) <= 4.0 * wanted * math.sqrt(2.0 / LANES)


def test_strategies_a_little_apart_see_the_same_luck() -> None:
    """Of rounds in which a strategy moved by 0.01 gets another click there are 1%, within four standard errors."""
    env = clicks.StrategicClickBandit([0.6], [0.50])
    first, second = (final_state(e, 2_000, LANES, seed=33).clicks for e in (env, env.with_strategies([0.51])))
    n = 2_000 * LANES
    assert (second >= first).all()  # whoever is clicked at 0.50 is clicked at 0.51
    assert abs((second - first).sum() / n - 0.01) <= 4.0 * math.sqrt(0.01 * 0.99 / n)


# --------------------------------------------------------------------------------------- users' own components


@clicks.policy
class OftenClicked:
    """A policy of a user's own: the arm with the most clicks a selection, and now and then another."""

    every: int = bl.field(default=7, doc="explores once in so many rounds")

    def state(self, space):
        return {"selections": space.per_arm(1.0), "clicks": space.per_arm(1.0)}

    def index(self, state, arm, lane, t, rng):
        return state.clicks[arm, lane] / state.selections[arm, lane]

    def explore(self, state, arm, lane, t, rng):
        return sampling.below(rng, lane, state.clicks.shape[0]) if t % self.every == 0 else arm

    def update(self, state, arm, lane, clicked, reward, t):
        state.selections[arm, lane] += 1.0
        if clicked:
            state.clicks[arm, lane] += 1.0


@clicks.environment
class Truthful(clicks.StrategicClickBandit):
    """Arms that play what is wanted of them, whatever strategies were given."""

    def validate(self) -> None:
        super().validate()
        object.__setattr__(self, "strategies", self.desired_strategies)


def test_users_own_policy_utility_and_environment_play_compiled() -> None:
    env = Truthful([0.6, 0.5, 0.4], [0.0, 0.0, 0.0], PlainQuadratic(2.0))
    assert env.strategies == pytest.approx([0.75, 0.625, 0.5], abs=1e-6)
    options: dict[str, Any] = {"horizon": 90, "n_runs": 3, "seed": 1, "n_jobs": 1, "progress": False}
    metrics = ("regret", "selections", "clicks", "screened", "screening_round")
    compiled = bl.run(env, OftenClicked(), metrics=metrics, **options)
    plain = bl.run(env, OftenClicked(), metrics=metrics, backend="python", **options)
    for metric, values in columns(compiled).items():
        np.testing.assert_array_equal(values, columns(plain)[metric], err_msg=metric)
    assert (compiled.values("screened[0]") == 0.0).all()
    assert np.isnan(compiled.values("screening_round[0]")).all()
    assert compiled.values("selections[0]")[0, :, -1].mean() > 45.0


def test_users_own_policy_is_an_agent() -> None:
    agent = bl.start(OftenClicked(every=10**6), n_arms=2)
    for feedback in ((False,), (True, 0.5), (True, 0.5)):
        agent.update(agent.select(), *feedback)
    assert agent.select() == 1


def test_warning_of_a_users_own_environment_points_to_the_users_line() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        clicks.StrategicClickBandit.from_rewards(arms.Bernoulli([0.0, 0.5]), [0.5, 0.5])
        Truthful([0.0, 0.5], [0.5, 0.5])
    assert [warning.filename for warning in told] == [__file__, __file__]
    assert all(warning.category is AssumptionWarning for warning in told)


def test_an_environment_is_a_subclass() -> None:
    with pytest.raises(InvalidComponent, match=r"Other is not a clicks\.StrategicClickBandit; allowed: class Other\("):

        @clicks.environment
        class Other:
            pass


def test_policy_kernels_have_the_familys_arguments() -> None:
    with pytest.raises(InvalidComponent, match=r"allowed: exactly \(self, state, arm, lane, clicked, reward, t\)"):

        @clicks.policy
        class OfArms:
            def select(self, state, lane, t, rng):
                return 0

            def update(self, state, arm, lane, reward, t):
                pass


# ------------------------------------------------------------------------------------------------- bad input


class Undecorated(clicks.Utility):
    def utility(self, s, mu):
        return s * mu


Bandit: Any = clicks.StrategicClickBandit
COINS = arms.Bernoulli([0.5])
A_UTILITY = "a clicks.Utility, such as clicks.QuadraticUtility()"
AN_ENVIRONMENT = "an arms environment with one mean per arm"

BAD: list[tuple[Any, str, str]] = [
    (lambda: Bandit([0.5, 1.5], [0.5, 0.5]), "Bandit.post_click_means[1] is 1.5", "numbers in [0, 1]"),
    (lambda: Bandit([-0.5], [0.5]), "Bandit.post_click_means[0] is -0.5", "numbers in [0, 1]"),
    (lambda: Bandit([math.nan], [0.5]), "Bandit.post_click_means[0] is nan", "numbers in [0, 1]"),
    (lambda: Bandit([], []), "Bandit.post_click_means is []", "at least 1"),
    (lambda: Bandit(0.5, [0.5]), "Bandit.post_click_means is 0.5", "a flat sequence"),
    (lambda: Bandit([[0.5]], [0.5]), "Bandit.post_click_means is [[0.5]]", "a flat sequence"),
    (lambda: Bandit(["a"], [0.5]), "Bandit.post_click_means is ['a']", "a flat sequence of numbers"),
    (lambda: Bandit(None, [0.5]), "Bandit.post_click_means is None", "a flat sequence"),
    (lambda: Bandit([0.5], [1.01]), "Bandit.strategies[0] is 1.01", "numbers in [0, 1]"),
    (lambda: Bandit([0.5, 0.5], [0.5, -1]), "Bandit.strategies[1] is -1.0", "numbers in [0, 1]"),
    (lambda: Bandit([0.5], [math.nan]), "Bandit.strategies[0] is nan", "numbers in [0, 1]"),
    (lambda: Bandit([0.5], [True]), "Bandit.strategies is [True]", "a flat sequence"),
    (lambda: Bandit([0.5], "0.5"), "Bandit.strategies is '0.5'", "a flat sequence"),
    (lambda: Bandit([0.5, 0.5], [0.5]), "post_click_means has 2, strategies has 1", "one entry per arm"),
    (lambda: Bandit([0.5], [0.5], 5.0), "Bandit.utility is 5.0", A_UTILITY),
    (lambda: Bandit([0.5], [0.5], None), "Bandit.utility is None", A_UTILITY),
    (lambda: Bandit([0.5], [0.5], clicks.QuadraticUtility), "Bandit.utility is <class", A_UTILITY),
    (lambda: Bandit([0.5], [0.5], Undecorated()), "Bandit.utility is <", "a class decorated with @clicks.utility"),
    (lambda: Bandit([0.5], [0.5], rewards=5), "Bandit.rewards is 5", f"{AN_ENVIRONMENT}, or None"),
    (lambda: Bandit([0.5], [0.5], rewards=arms.UCB1()), "Bandit.rewards is UCB1()", f"{AN_ENVIRONMENT}, or None"),
    (lambda: Bandit([0.5], [0.5], rewards=arms.Adversarial([[0.5]])), "Bandit.rewards is Adversarial", AN_ENVIRONMENT),
    (lambda: Bandit([0.4], [0.5], rewards=COINS), "Bandit.rewards has means [0.5]", "the post_click_means, [0.4]"),
    (lambda: Bandit([0.5] * 2, [0.5] * 2, rewards=COINS), "Bandit.rewards has means [0.5]", "[0.5, 0.5]"),
    (lambda: Bandit.from_rewards(None, [0.5]), "rewards is None", AN_ENVIRONMENT),
    (lambda: Bandit.from_rewards([0.5], [0.5]), "rewards is [0.5]", AN_ENVIRONMENT),
    (lambda: Bandit.from_rewards(arms.Gaussian([0.5, 2]), [0.5] * 2), "rewards.means[1] is 2.0", "numbers in [0, 1]"),
    (lambda: Bandit.from_rewards(COINS, [0.5, 0.5]), "post_click_means has 1, strategies has 2", "one entry per arm"),
    (lambda: Bandit.from_rewards(COINS, [0.5], 7), "Bandit.utility is 7", A_UTILITY),
    (lambda: Bandit([0.5], [0.5]).with_strategies([0.5, 0.5]), "strategies has 2", "one entry per arm"),
    (lambda: Bandit([0.5], [0.5]).with_strategies([2.0]), "Bandit.strategies[0] is 2.0", "numbers in [0, 1]"),
    (lambda: clicks.UCBS(utility=5), "UCBS.utility is 5", A_UTILITY),
    (lambda: clicks.ClickUCB(utility=Undecorated()), "ClickUCB.utility is <", "a class decorated with @clicks.utility"),
    (lambda: clicks.violations(5), "utility is 5", A_UTILITY),
]


@pytest.mark.parametrize(("make", "found", "allowed"), BAD, ids=[f"{k}-{found}" for k, (_, found, _) in enumerate(BAD)])
def test_bad_input_is_refused_at_construction(make: Any, found: str, allowed: str) -> None:
    with pytest.raises((InvalidArgument, InvalidType)) as caught:
        make()
    message = str(caught.value)
    assert found in message
    assert allowed in message.split("allowed: ", 1)[1]
