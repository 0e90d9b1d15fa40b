"""`sample`: the rewards of a run, and the arm's distribution."""

import math

import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms
from banditlab.core.errors import InvalidArgument

from .rewards import ALARM, N

pytestmark = pytest.mark.usefixtures("silent")


@arms.environment
class Dice(arms.Stationary):
    """As many eyes as a die with so many sides shows."""

    sides: object = bl.field(doc="sides of each arm's die")

    @property
    def means(self):
        return (self.sides + 1.0) / 2.0

    def reward(self, arm, u, t):
        return 1.0 + int(u * self.sides[arm])


@arms.policy
class Always:
    """Plays one arm."""

    arm: int = 0

    def select(self, state, lane, t, rng):
        return self.arm

    def update(self, state, arm, lane, reward, t):
        pass


@pytest.mark.parametrize("env", [arms.Beta([2.0, 0.5], [3.0, 0.5]), Dice([6, 20])], ids=["beta", "dice"])
@pytest.mark.parametrize("arm", [0, 1])
def test_samples_are_the_rewards_of_a_run(env, arm):
    n = 200
    result = bl.run(env, Always(arm), horizon=n, n_runs=1, seed=5, metrics="reward", checkpoints=list(range(1, n + 1)))
    sample = env.sample(arm, n, seed=5)
    assert sample.dtype == np.float64
    np.testing.assert_array_equal(np.cumsum(sample), result.values()[0, 0])
    np.testing.assert_array_equal(env.sample(arm, 50, seed=5), sample[:50])
    assert (env.sample(arm, n, seed=6) != sample).any()


def test_samples_have_the_law_of_the_arm():
    env, n = Dice([6, 20]), 60_000
    counts = np.bincount(env.sample(0, n, seed=1).astype(int), minlength=7)[1:]
    assert counts.sum() == n
    assert (abs(counts - n / 6) < 4.0 * math.sqrt(n * 5 / 36)).all()
    continuous = arms.TruncatedGaussian([0.5, 0.0], std=0.8)
    assert stats.kstest(continuous.sample(1, N), continuous.distribution(1).cdf).pvalue > ALARM


def test_samples_are_the_same_in_every_process():
    assert arms.Bernoulli([0.1, 0.9]).sample(0, 12, seed=2).tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    assert arms.Gaussian([1.0, 2.0]).sample(1, 2, seed=2**64 - 1).tolist() == [2.4354879469263904, 0.8940817215858825]


def test_samples_that_cannot_be():
    env = arms.Bernoulli([0.1, 0.9])
    for bad, told in (
        ({"arm": 2, "n": 5}, r"arm is 2; allowed: an integer from 0 to 1"),
        ({"arm": 0, "n": 0}, r"n is 0; allowed: an integer of at least 1"),
        ({"arm": 0, "n": 5, "seed": -1}, r"seed is -1; allowed: an integer from 0 to"),
    ):
        with pytest.raises(InvalidArgument, match=told):
            env.sample(**bad)
