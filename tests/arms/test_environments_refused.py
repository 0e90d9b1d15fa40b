"""What no environment is made of is refused, with what is allowed."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms
from banditlab.arms import environment_checks
from banditlab.core.errors import IncompatiblePolicy, InvalidArgument, InvalidComponent, InvalidType

from .rewards import parameters

FRAME = pd.DataFrame({"arm": ["a", "b"], "reward": [0.5, 1.0]})

BAD = [
    (lambda: arms.Bernoulli([0.2, 1.5]), "Bernoulli.means[1] is 1.5", "numbers in [0, 1]"),
    (lambda: arms.Bernoulli([-0.1]), "Bernoulli.means[0] is -0.1", "numbers in [0, 1]"),
    (lambda: arms.Bernoulli([0.1, math.nan]), "Bernoulli.means[1] is nan", "numbers in [0, 1]"),
    (lambda: arms.Bernoulli([]), "Bernoulli.means is []", "at least 1"),
    (lambda: arms.Bernoulli(0.5), "Bernoulli.means is 0.5", "a flat sequence"),
    (lambda: arms.Bernoulli([[0.1, 0.2]]), "Bernoulli.means is [[0.1, 0.2]]", "a flat sequence"),
    (lambda: arms.Bernoulli([[0.1], [0.2, 0.3]]), "Bernoulli.means is [[0.1], [0.2, 0.3]]", "different lengths"),
    (lambda: arms.Bernoulli("0.5"), "Bernoulli.means is '0.5'", "a flat sequence"),
    (lambda: arms.Bernoulli(["a", "b"]), "Bernoulli.means is ['a', 'b']", "a flat sequence of numbers"),
    (lambda: arms.Bernoulli([True, False]), "Bernoulli.means is [True, False]", "a flat sequence"),
    (lambda: arms.Bernoulli([None]), "Bernoulli.means is [None]", "a flat sequence"),
    (lambda: arms.Bernoulli({"a": 0.5}), "Bernoulli.means is {'a': 0.5}", "a flat sequence"),
    (lambda: arms.Bernoulli([0.1 + 0j]), "Bernoulli.means is [(0.1+0j)]", "a flat sequence"),
    (lambda: arms.Gaussian([0.0, math.inf]), "Gaussian.means[1] is inf", "finite numbers"),
    (lambda: arms.Gaussian([0.0], std=0.0), "Gaussian.std is 0.0", "a number in (0, inf)"),
    (lambda: arms.Gaussian([0.0], std=math.nan), "Gaussian.std is nan", "a finite number"),
    (lambda: arms.Gaussian([0.0], std="1"), "Gaussian.std is '1'", "a real number"),
    (lambda: arms.Gaussian([0.0], std=[-1.0]), "Gaussian.std[0] is -1.0", "numbers in (0, inf)"),
    (lambda: arms.Gaussian([0.0], std=[1.0, 2.0]), "means has 1, std has 2", "one entry per arm"),
    (lambda: arms.Beta([1.0, 0.0], [1.0, 1.0]), "Beta.a[1] is 0.0", "numbers in [1e-300, inf)"),
    (lambda: arms.Beta([1.0], [-2.0]), "Beta.b[0] is -2.0", "numbers in [1e-300, inf)"),
    (lambda: arms.Beta([1.0, 1.0], [1.0]), "a has 2, b has 1", "one entry per arm"),
    (lambda: arms.Exponential([0.0]), "Exponential.means[0] is 0.0", "numbers in (0, inf)"),
    (lambda: arms.Exponential([math.nan]), "Exponential.means[0] is nan", "numbers in (0, inf)"),
    (lambda: arms.Poisson([1.0, -1.0]), "Poisson.means[1] is -1.0", "numbers in [0, 1e+09]"),
    (lambda: arms.Poisson([1e10]), "Poisson.means[0] is 10000000000.0", "numbers in [0, 1e+09]"),
    (lambda: arms.TruncatedGaussian([0.5], std=-1.0), "TruncatedGaussian.std is -1.0", "a number in (0, inf)"),
    (lambda: arms.TruncatedGaussian([0.5], low=1.0, high=1.0), "TruncatedGaussian.high is 1", "above low, which is 1"),
    (lambda: arms.TruncatedGaussian([0.5], high=math.inf), "TruncatedGaussian.high is inf", "a finite number"),
    (lambda: arms.TruncatedGaussian([0.5, 9.0], std=0.1), "TruncatedGaussian.locations[1] is 9", "within 30 standard"),
    (lambda: arms.TruncatedGaussianMixture([[0.5]], [[0.5]], [[1.0]]), "weights[0] sums to 0.5", "1, within 1e-9"),
    (lambda: arms.TruncatedGaussianMixture([[1.0]], [[0.5]], [[0.0]]), "stds[0][0] is 0.0", "numbers in (0, inf)"),
    (
        lambda: arms.TruncatedGaussianMixture([[0.5, 0.5]], [[0.5, 0.5]], [[1.0]]),
        "TruncatedGaussianMixture.stds has shape (1, 1)",
        "that of weights, (1, 2)",
    ),
    (
        lambda: arms.TruncatedGaussianMixture([[0.5, 0.5]], [[0.5, 9.0]], [[1.0, 0.1]]),
        "TruncatedGaussianMixture.locations[0][1] is 9",
        "within 30 standard",
    ),
    (
        lambda: arms.TruncatedGaussianMixture([[0.5, 0.5]], [[0.5, 0.5]], [[1.0, 1e-13]]),
        "TruncatedGaussianMixture.stds[0][1] is 1e-13",
        "between 1e-12 and 1e12",
    ),
    (lambda: arms.TruncatedGaussianMixture([[1.0]], [[0.5]], [[1.0]], low=2.0), "high is 1", "above low, which is 2"),
    (lambda: arms.TruncatedGaussianMixture.random(n_modes=0), "n_modes is 0", "an integer of at least 1"),
    (lambda: arms.Categorical([], [[]]), "Categorical.values is []", "at least 1"),
    (lambda: arms.Categorical([0, 1], [[0.5, 0.6]]), "Categorical.probabilities[0] sums to 1.1", "1, within 1e-9"),
    (lambda: arms.Categorical([0, 1], [[1.5, -0.5]]), "Categorical.probabilities[0][0] is 1.5", "numbers in [0, 1]"),
    (lambda: arms.Categorical([0, 1], [[1.0]]), "Categorical.probabilities has 1 columns", "2, one for each of values"),
    (lambda: arms.Categorical([0, 1], [0.5, 0.5]), "Categorical.probabilities is [0.5, 0.5]", "a matrix"),
    (lambda: arms.Categorical([0, 1], [[0.5, 0.5], [1]]), "Categorical.probabilities is", "different lengths"),
    (lambda: arms.Categorical([0, math.nan], [[0.5, 0.5]]), "Categorical.values[1] is nan", "finite numbers"),
    (lambda: arms.Empirical([[1.0, 2.0]], [[1.0]]), "Empirical.counts has shape (1, 1)", "that of values, (1, 2)"),
    (lambda: arms.Empirical([[1.0], [2.0]], [[1.0], [0.0]]), "Empirical.counts[1] is all zeros", "at least one reward"),
    (lambda: arms.Empirical([[1.0]], [[-1.0]]), "Empirical.counts[0][0] is -1.0", "numbers in [0, inf)"),
    (lambda: arms.Empirical.from_rewards([]), "rewards is []", "at least one arm"),
    (lambda: arms.Empirical.from_rewards([[1.0], []]), "rewards[1] is []", "at least 1"),
    (lambda: arms.Empirical.from_rewards([[1.0], [math.nan]]), "rewards[1][0] is nan", "finite numbers"),
    (lambda: arms.Empirical.from_rewards([["a"]]), "rewards[0] is ['a']", "a flat sequence"),
    (lambda: arms.Empirical.from_counts([10, 10], [5]), "impressions has 2, clicks has 1", "one entry per arm"),
    (lambda: arms.Empirical.from_counts([10], [11]), "clicks[0] is 11", "from 0 to its impressions, 10"),
    (lambda: arms.Empirical.from_counts([0], [0]), "impressions[0] is 0.0", "numbers in [1, inf)"),
    (lambda: arms.Empirical.from_counts([10.5], [1]), "impressions[0] is 10.5", "a whole number"),
    (lambda: arms.Empirical.from_counts([10], [0.5]), "clicks[0] is 0.5", "a whole number"),
    (lambda: arms.Empirical.from_dataframe(FRAME, arm="x"), "arm is 'x'", "['arm', 'reward']"),
    (lambda: arms.Empirical.from_dataframe(FRAME, reward="x"), "reward is 'x'", "['arm', 'reward']"),
    (lambda: arms.Empirical.from_dataframe(FRAME[:0]), "frame has no rows", "at least one logged reward"),
    (lambda: arms.Empirical.from_dataframe(FRAME.assign(reward=[0.5, None])), "missing value in row 1", "none"),
    (lambda: arms.Empirical.from_dataframe(FRAME.assign(arm=["a", None])), "missing value in row 1", "none"),
    (
        lambda: arms.Empirical.from_dataframe(FRAME.assign(reward=["x", "y"])),
        "frame['reward'] is ['x', 'y']",
        "numbers",
    ),
    (lambda: arms.Empirical.from_dataframe([1, 2]), "frame is [1, 2]", "a pandas DataFrame"),
    (lambda: arms.FromScipy([]), "FromScipy.distributions is []", "at least one frozen"),
    (lambda: arms.FromScipy(stats.norm()), "FromScipy.distributions is", "a list of frozen"),
    (lambda: arms.FromScipy([stats.norm]), "FromScipy.distributions[0] is", "a frozen scipy.stats distribution"),
    (lambda: arms.FromScipy([stats.norm(), stats.lognorm]), "distributions[1] is", "call it, as in lognorm(s)"),
    (lambda: arms.FromScipy([0.5]), "FromScipy.distributions[0] is 0.5", "a frozen scipy.stats distribution"),
    (lambda: arms.FromScipy([stats.norm(), stats.cauchy()]), "FromScipy.distributions[1].mean()", "a finite mean"),
    (lambda: arms.Adversarial([]), "Adversarial.losses is []", "a matrix"),
    (lambda: arms.Adversarial([[0.5, 1.5]]), "Adversarial.losses[0][1] is 1.5", "numbers in [0, 1]"),
    (lambda: arms.Adversarial([[0.5], [0.1, 0.2]]), "Adversarial.losses is", "different lengths"),
    (lambda: arms.Adversarial([0.5, 0.5]), "Adversarial.losses is [0.5, 0.5]", "a matrix"),
    (lambda: arms.PiecewiseStationary([], []), "PiecewiseStationary.environments is []", "at least one environment"),
    (lambda: arms.PiecewiseStationary(arms.Bernoulli([0.5]), []), "PiecewiseStationary.environments is", "a list"),
    (lambda: arms.PiecewiseStationary([arms.UCB1()], []), "environments[0] is UCB1()", "an environment"),
    (lambda: arms.PiecewiseStationary([arms.Adversarial([[0.5]])], []), "environments[0] is", "a stationary"),
    (
        lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5]), arms.Bernoulli([0.5, 0.6])], [5]),
        "environments[1] has 2 arms",
        "1, as PiecewiseStationary.environments[0]",
    ),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])], [5]), "change_points has 1 entries", "0, one fewer"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 2, [1]), "change_points[0] is 1", "at least 2"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 3, [9, 9]), "change_points[1] is 9", "above"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 2, 9), "change_points is 9", "a list of rounds"),
    (lambda: arms.PiecewiseStationary([arms.Bernoulli([0.5])] * 2, [2.5]), "change_points[0] is 2.5", "an integer"),
]


@pytest.mark.parametrize(("make", "found", "allowed"), BAD, ids=[found for _, found, _ in BAD])
def test_bad_input_is_refused_at_construction(make, found, allowed):
    with pytest.raises((InvalidArgument, InvalidType)) as caught:
        make()
    message = str(caught.value)
    assert found in message
    assert allowed in message.split("allowed: ", 1)[1]


def test_a_discrete_distribution_of_too_many_values_is_refused_before_play():
    with pytest.raises(InvalidArgument, match="allowed: a discrete distribution with at most"):
        parameters(arms.FromScipy([stats.randint(0, 10**8)]))


def test_a_policy_that_wants_an_interval_is_told_that_an_environment_has_no_support():
    @arms.environment
    class Mute(arms.Stationary):
        means = (0.2, 0.5)

        def reward(self, arm, u, t):
            return 0.4 * u if arm == 0 else u

    options = {"horizon": 10, "n_runs": 1, "seed": 0, "backend": "python"}
    with pytest.raises(IncompatiblePolicy, match=r"these are in \(-inf, inf\), as Mute has no support$"):
        bl.run(Mute(), arms.KLUCB(), **options)
    with pytest.raises(IncompatiblePolicy, match=r"these are in \(-inf, inf\)$"):
        bl.run(arms.Gaussian([0.2, 0.5]), arms.KLUCB(), **options)
    assert bl.run(Mute(), arms.UCB1(), **options).values().shape[1] == 1


class Plain:
    """Rewards that are the luck itself; what is said of them is wrong in the tests that follow."""

    n_arms = 2

    def reward(self, arm, u, t):
        return u

    def gap(self, arm, t):
        return 0.0


SHORT = {"horizon": 50, "n_runs": 1, "seed": 0, "backend": "python"}


@pytest.mark.parametrize(
    ("support", "told"),
    [
        ((0, 1), "is (0, 1); allowed: arms.Support(0.0, 1.0)"),
        ([-1, 2.5], "is [-1, 2.5]; allowed: arms.Support(-1.0, 2.5)"),
        ((1, 0), "is (1, 0); allowed: an arms.Support, such as arms.Support(0.0, 1.0)"),
        ("unit", "is 'unit'; allowed: an arms.Support, such as arms.Support(0.0, 1.0)"),
        (arms.Support, "is <class 'banditlab.arms.support.Support'>; allowed: an arms.Support, such as"),
        (lambda self: arms.Support(0.0, 1.0), "is a method; allowed: an arms.Support, or a property (@property) that"),
    ],
)
def test_a_support_that_is_none_is_told_with_what_it_seems_to_mean(support, told):
    world = arms.environment(type("World", (Plain,), {"support": support}))()
    with pytest.raises(InvalidComponent) as error:
        bl.run(world, arms.UCB1(), **SHORT)
    assert str(error.value).startswith(f"World.support {told}")


def _falls(self, arm, t):
    return 0.5 - t / 100 if arm == 0 else 0.0


def _rises(self, arm, u, t):
    return u * t / 40


def _reads_a_row_a_round(self, arm, u, t):
    return self.rows[t - 1, arm]


def _one_row_too_few(self, problem):
    return {"rows": np.zeros((problem.horizon - 1, 2))}


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"gap": _falls}, r"gap\(0, 60\) is -0\.1; allowed: 0 and more"),
        (
            {"reward": _rises, "support": arms.Support(0.0, 1.0)},
            r"reward\(0, 0.75, 60\) is 1.125; allowed: rewards in \[0, 1\]",
        ),
        (
            {"reward": _reads_a_row_a_round, "derive": _one_row_too_few},
            r"in round 80 it looks past the end of an array: .*refused.py, line \d+: return self.rows\[t - 1, arm\] \(",
        ),
    ],
    ids=["gap", "reward", "table"],
)
@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_what_is_wrong_in_later_rounds_is_told_before_any_is_played(own, told, backend):
    world = arms.environment(type("World", (Plain,), own))()
    with pytest.raises(InvalidComponent, match=r"^World\(\): " + told):
        bl.run(world, arms.UCB1(), **SHORT | {"horizon": 80, "backend": backend})


def _alternates(self, arm, u, t):
    return 1.0 if u < (0.8 if (arm == 0) == (t % 40 < 20) else 0.3) else 0.0


@pytest.mark.parametrize(
    ("gap", "told"),
    [
        (
            lambda self, arm, t: 0.0 if arm == 1 else 0.5,
            r"gap\(0, 1\) is 0.5, and gap\(1, 1\) is 0; allowed: the mean of reward\(1, u, 1\) over u minus that of "
            r"reward\(0, u, 1\), which is about -0.5",
        ),
        (lambda self, arm, t: 0.0 if arm == 0 else 0.5, r"gap\(1, 20\) is 0.5, .* about -0.5 \(or a class"),
        (lambda self, arm, t: 0.5, r"gap\(0, 1\) is 0.5, the smallest of round 1; allowed: 0 for its best arm \(or a"),
    ],
    ids=["the wrong way round", "later", "no best arm"],
)
def test_gaps_that_the_rewards_contradict(gap, told):
    own = {"gap": gap, "reward": _alternates, "support": arms.Support(0.0, 1.0, binary=True)}
    world = arms.environment(type("World", (Plain,), own))()
    with pytest.raises(InvalidComponent, match=r"^World\(\): " + told):
        bl.run(world, arms.UCB1(), **SHORT | {"horizon": 80})


def test_gaps_that_the_rewards_bear_out():
    own = {"gap": lambda self, arm, t: 0.0 if (arm == 0) == (t % 40 < 20) else 0.5, "reward": _alternates}
    world = arms.environment(type("World", (Plain,), own | {"support": arms.Support(0.0, 1.0, binary=True)}))()
    assert bl.run(world, arms.UCB1(), **SHORT | {"horizon": 80}).n_runs == 1


@pytest.mark.parametrize(
    ("gap", "benchmark"),
    [
        (lambda self, arm, t: 0.3 if (arm == 0) == (t % 40 < 20) else 0.8, "the best point between the arms"),
        (lambda self, arm, t: max(0.0, 0.6 - (0.8 if (arm == 0) == (t % 40 < 20) else 0.3)), "a target of 0.6"),
    ],
    ids=["continuum", "satisficing"],
)
def test_gaps_to_another_benchmark(gap, benchmark):
    own = {"gap": gap, "reward": _alternates, "support": arms.Support(0.0, 1.0, binary=True), "benchmark": benchmark}
    world = arms.environment(type("World", (Plain,), own))()
    assert bl.run(world, arms.UCB1(), **SHORT | {"horizon": 80}).n_runs == 1
    with pytest.raises(InvalidArgument, match=f"where this one's is against {benchmark}"):
        bl.run(world, arms.UCB1(), **SHORT | {"metrics": "optimal_rate"})


def test_nan_is_no_gap_to_any_benchmark():
    own = {"gap": lambda self, arm, t: math.nan, "reward": _alternates, "benchmark": "something"}
    world = arms.environment(type("World", (Plain,), own))()
    with pytest.raises(InvalidComponent, match=r"gap\(0, 1\) is nan; allowed: finite numbers"):
        bl.run(world, arms.UCB1(), **SHORT)


def test_what_extends_an_adversary_is_against_the_best_arm_in_hindsight():
    class Mine(arms.Adversarial):
        pass

    losses = np.random.default_rng(0).uniform(size=(60, 3))
    assert bl.run(arms.environment(Mine)(losses), arms.EXP3(), **SHORT | {"horizon": 60}).n_runs == 1


def test_large_gaps_are_rounded_by_more():
    @arms.environment
    class Linear:
        n_arms = 10

        def derive(self, problem):
            x, theta = np.random.default_rng(1).normal(size=(10, 8)), 1e7 * np.random.default_rng(1).random(8)
            means = np.array([math.fsum(row * theta) for row in x])
            return {"means": means, "best": float((x @ theta).max())}

        def reward(self, arm, u, t):
            return self.means[arm]

        def gap(self, arm, t):
            return self.best + (4e-9 if t % 2 else -8e-9) - self.means[arm]

    assert bl.run(Linear(), arms.RoundRobin(), **SHORT).n_runs == 1


def test_looking_at_means_does_not_take_long(monkeypatch):
    asked = []

    class Slow(Plain):
        support = arms.Support(0.0, 1.0)

        def reward(self, arm, u, t):
            return 0.5 + 0.5 * math.cos(1e6 * u)

        def gap(self, arm, t):
            return 0.0

    clock = itertools.count()
    monkeypatch.setattr("banditlab.arms.environment_checks.time.perf_counter", lambda: asked.append(1) or next(clock))
    monkeypatch.setattr("banditlab.arms.environment_checks.SECONDS", 10)
    environment_checks.check_kernels(arms.environment(Slow)(), arms.Support(0.0, 1.0), 80, closely=True)
    assert len(asked) < 50  # of the 130 that a first look at all rounds takes


@pytest.mark.parametrize("n_arms", [2.0, np.float64(2.0)], ids=repr)
def test_a_number_of_arms_that_is_no_integer(n_arms):
    world = arms.environment(type("World", (Plain,), {"n_arms": n_arms}))()
    with pytest.raises(InvalidType, match=r"World.n_arms is .*2.0.*; allowed: an int, as int\(2.0\) is"):
        bl.run(world, arms.UCB1(), **SHORT)


def test_rounds_beyond_the_horizon_are_not_asked_for():
    world = arms.environment(type("World", (Plain,), {"gap": _falls}))()
    bl.run(world, arms.UCB1(), **SHORT)


class Coin(arms.Stationary):
    """Rewards 0 or 1, with means (0.1, 0.3), say."""

    means = (0.1, 0.3)
    support = arms.Support(0.0, 1.0, binary=True)

    def reward(self, arm, u, t):
        return 1.0 if u < 0.1 + 0.2 * arm else 0.0


def _the_other_way_round(self, arm, u, t):
    return 1.0 if u > 0.1 + 0.2 * arm else 0.0


def test_means_that_are_not_those_of_rewards_are_told_with_theirs():
    wrong = arms.environment(type("Wrong", (Coin,), {"reward": _the_other_way_round}))()
    with pytest.raises(InvalidComponent, match=r"^Wrong\(\): means\[0\] is 0\.1; allowed: the mean .*about 0\.9$"):
        bl.run(wrong, arms.UCB1(), **SHORT)
    for own in ({}, {"means": (0.15, 0.25)}):
        bl.run(arms.environment(type("Right", (Coin,), own))(), arms.UCB1(), **SHORT)


def test_means_are_not_judged_where_rewards_have_no_bounds():
    rare = arms.environment(type("Rare", (Coin,), {"support": None, "means": (5.0, 7.0)}))()
    bl.run(rare, arms.UCB1(), **SHORT)


def test_rewards_of_the_last_bits_of_u_have_their_mean():
    def bits(self, arm, u, t):
        return 1.0 if (u * 2.0**53) % 2.0 >= 1.0 else 0.0

    fair = arms.environment(type("Fair", (Coin,), {"means": (0.5, 0.5), "reward": bits}))()
    bl.run(fair, arms.UCB1(), **SHORT)
