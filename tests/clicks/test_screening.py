"""When UCB-S screens an arm: hardly ever at its desired strategy, in time when it is off; and what follows.

Tests of thousands of runs with fixed seeds. Let I be the event that both confidence intervals of an arm hold all
along. With r = sqrt(2 log T / count), Hoeffding's inequality makes each interval fail with probability at most 2 / T^4
a count, so that I fails with probability below 4 / T^3.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms, clicks

from .players import bandit

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="tens of millions of rounds")

T = 20_000
RUNS = 1_100
SHARE = 0.01
"""Allowed share of runs in which what holds with high probability does not."""


def final(env: Any, *metrics: str, horizon: int = T, n_runs: int = RUNS, seed: int) -> list[Any]:
    """Return metrics at the horizon, under UCB-S: one row per arm, one column per run."""
    options: dict[str, Any] = {"checkpoints": [horizon], "n_jobs": 1, "progress": False}
    result = bl.run(env, clicks.UCBS(), horizon=horizon, n_runs=n_runs, seed=seed, metrics=metrics, **options)
    return [np.stack([result.values(f"{m}[{a}]")[0, :, -1] for a in range(env.n_arms)]) for m in metrics]


def assert_rare(happened: Any) -> None:
    """Check that a share of runs is at most 1%, by its upper confidence limit.

    The limit is Clopper and Pearson's at the level of four standard errors of a normal variate, 1 - 3.2e-5; it is
    0.94% if the event happens in none of 1,100 runs. (At a share of 1% the standard error of such a share is 0.3%.)
    """
    n, k = happened.size, int(happened.sum())
    assert stats.beta.ppf(stats.norm.cdf(4.0), k + 1, n - k) <= SHARE, f"{k} of {n} runs"


HONEST = {
    "five arms": ([0.6, 0.5, 0.4, 0.3, 0.2], clicks.QuadraticUtility()),
    "desired strategies at the edge": ([1.0, 0.95, 0.05], clicks.QuadraticUtility()),
    "desired strategies far above the means": ([0.4, 0.4], clicks.QuadraticUtility(0.5)),
}


@pytest.mark.parametrize("name", HONEST)
def test_arms_at_their_desired_strategies_are_not_screened(name: str) -> None:
    means, utility = HONEST[name]
    env = bandit(means, [utility.desired(mu) for mu in means], utility)
    (screened,) = final(env, "screened", seed=41)
    assert_rare(screened.any(axis=0))


def radius(count: Any) -> Any:
    return np.sqrt(2.0 * math.log(T) / np.maximum(count, 1e-9))


H = 1.1  # the Lipschitz constant of s*, 1 + 1/(2 lambda)
OFF = 0.2


def enough(s: float) -> int:
    """Return how many selections are enough, on I, to screen an arm whose strategy s is 0.2 off.

    On I the click rate's interval, of radius r_s, holds s, and so its bounds are within 2 r_s of s. The mean's holds
    mu, its bounds are within 2 r_mu of mu, and so s* over it is within 2 H r_mu of s*(mu). The two do not overlap,
    and the arm is screened, once 2 r_s(n) + 2 H r_mu(m) < 0.2, from above as from below. On I there are at least
    m >= (s - r_s(n)) n clicks. Without that r_s the condition is n > 8 log T (1 + H / sqrt(s))^2 / 0.04, which is
    O(log T / 0.04).
    """
    n = np.arange(1.0, T)
    m = np.maximum(s - radius(n), 0.0) * n
    return int(n[2.0 * radius(n) + 2.0 * H * radius(m) < OFF][0])


@pytest.mark.parametrize("off", [OFF, -OFF], ids=["above", "below"])
def test_arm_off_its_desired_strategy_is_screened_in_time(off: float) -> None:
    env = bandit([0.6, 0.5], [0.66 + off, 0.55])
    selections, clicked, screened, when = final(env, "selections", "clicks", "screened", "screening_round", seed=42)
    assert_rare(screened[1])  # the honest arm is left, so that the other was selected up to its screening, and no more
    assert_rare(screened[0] == 0.0)
    n, m = selections[0], clicked[0]
    assert_rare(n > enough(env.strategies[0]))
    # the same with the clicks that it really had: before its last selection the condition did not hold
    assert_rare(2.0 * radius(n - 1.0) + 2.0 * H * radius(m - 1.0) < OFF)
    assert (when[0] >= n).all()
    # and it takes as long as it must: with averages where they should be, r_s(n) + H r_mu(m) = 0.2
    typical = 2.0 * math.log(T) * (1.0 + H / math.sqrt(env.strategies[0])) ** 2 / OFF**2
    assert 0.5 * typical < np.median(n) < 1.5 * typical
    assert typical < enough(env.strategies[0]) < 8.0 * typical


def test_arm_alone_is_screened_in_time() -> None:
    """Alone it is selected in every round, so that the round of its screening is the number of its selections."""
    for s in (0.46, 0.86):
        (when,) = final(bandit([0.6], [s]), "screening_round", n_runs=400, seed=43)
        assert (when <= enough(s)).all()


def test_play_is_uniform_once_all_are_screened() -> None:
    """Arms have probability 1/4, pairs of rounds that follow one another 1/16, within four standard errors."""
    horizon, start, n_runs = 5_000, 3_000, 200
    env = bandit([0.3, 0.25, 0.2, 0.3], [1.0, 1.0, 1.0, 0.95])
    rounds = list(range(start, horizon + 1))
    result = bl.run(
        env,
        clicks.UCBS(),
        horizon=horizon,
        n_runs=n_runs,
        seed=44,
        checkpoints=rounds,
        metrics=("selections", "screened"),
        n_jobs=1,
        progress=False,
    )
    assert all((result.values(f"screened[{a}]")[0, :, 0] == 1.0).all() for a in range(4))
    moved = np.diff(np.stack([result.values(f"selections[{a}]")[0] for a in range(4)]), axis=2)
    arm = np.argmax(moved, axis=0)
    assert arm.shape == (n_runs, horizon - start)
    pairs = 4 * arm[:, ::2] + arm[:, 1::2]
    for found, cells in ((arm, 4), (pairs, 16)):
        share = np.bincount(found.ravel(), minlength=cells) / found.size
        p = 1.0 / cells
        assert (np.abs(share - p) <= 4.0 * math.sqrt(p * (1.0 - p) / found.size)).all()
    # runs differ from one another: an arm's selections in a run have variance 2000 * 1/4 * 3/4
    spread = ((moved.sum(axis=2) - 500.0) ** 2).mean()
    assert abs(spread - 375.0) <= 4.0 * 375.0 * math.sqrt(2.0 / (n_runs * 3))


def test_screening_does_not_depend_on_the_kind_of_rewards() -> None:
    """Beta rewards, as the theory allows: the same arm off its desired strategy, the same honest one."""
    env = clicks.StrategicClickBandit.from_rewards(arms.Beta([3.0, 1.0], [2.0, 1.0]), [0.86, 0.55])
    selections, screened = final(env, "selections", "screened", n_runs=200, seed=45)
    assert screened[0].all()
    assert not screened[1].any()
    assert (selections[0] <= enough(0.86)).all()


@pytest.mark.parametrize("c", [1.0, 2.0])
def test_regret_at_desired_strategies_grows_like_the_root_of_the_horizon(c: float) -> None:
    """Corollary 5.4 and the lower bound, on a gap c sqrt(K log T / T) that is hardly told apart from none.

    Slope 1/2 of log regret in log T, up to a factor sqrt(log T) in either direction, which is worth 0.056 here (regret
    of order log T would have slope 0.11), within 4 standard errors.
    """
    horizons, n_arms, runs = [2_000, 8_000, 32_000], 5, 1_000
    means, errors = [], []
    for horizon in horizons:
        gap = c * math.sqrt(n_arms * math.log(horizon) / horizon)
        mu = np.array([0.5 + gap / 2.0] + [0.5 - gap / 2.0] * (n_arms - 1))
        env = clicks.StrategicClickBandit(mu, 1.1 * mu)
        options = {"horizon": horizon, "n_runs": runs, "seed": 1, "checkpoints": [horizon], "progress": False}
        regret = bl.run(env, clicks.UCBS(), **options).values()[0, :, -1]
        means.append(regret.mean())
        errors.append(regret.std(ddof=1) / math.sqrt(runs) / regret.mean())
    x = np.log(horizons) - np.log(horizons).mean()
    weights = x / (x @ x)
    slope, error = weights @ np.log(means), math.sqrt(weights**2 @ np.square(errors))
    logarithm = 0.5 * math.log(math.log(horizons[-1]) / math.log(horizons[0])) / math.log(horizons[-1] / horizons[0])
    assert abs(slope - 0.5) < logarithm + 4.0 * error
