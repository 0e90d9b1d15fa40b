"""Environments and protocol: what is drawn, what is counted, against what, and by which way of maximising."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import banditlab as bl
from banditlab import arms, field
from banditlab import semibandits as sb
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import Problem, Space
from banditlab.core.validation import positive_integer
from banditlab.errors import BanditlabError, IncompatiblePolicy, InvalidArgument, InvalidComponent
from banditlab.semibandits import generics, spaces

EXPERIMENT = arms.Beta.from_moments([0.5, 0.45, 0.4, 0.35] + [0.3] * 6, [0.24, 0.24, 0.04, 0.01] + [0.01] * 6)
OPTIONS: dict[str, Any] = {"n_jobs": 1, "progress": False}


# ------------------------------------------------------------------------------------------ environments


@pytest.mark.parametrize("budget", [0.02, 0.26, 0.4, 0.6, 0.751])
def test_best_action_is_the_best_safe_one(budget: float) -> None:
    world = sb.SemiBandit(EXPERIMENT, sb.SafeUpToM(3, budget))
    every = [a for size in (1, 2, 3) for a in itertools.combinations(range(10), size)]
    safe = [a for a in every if sum(world.variances[i] for i in a) < budget]
    assert world.best_action == max(safe, key=lambda a: sum(world.means[i] for i in a))
    assert [world.is_safe(a) for a in every] == [a in safe for a in every]
    assert world.best_value == pytest.approx(sum(world.means[i] for i in world.best_action), rel=1e-15)


def test_items_whose_logged_rewards_are_all_equal_are_safe() -> None:
    """Their variance was -2e-18, which was refused."""
    items = arms.Empirical.from_rewards([[0.1, 0.1, 0.1], [0.0, 1.0], [0.5, 0.7]])
    world = sb.SemiBandit(items, sb.SafeUpToM(2, budget=0.2))
    assert world.best_action == (0, 2)


def test_the_experiments_of_the_paper_have_their_optima() -> None:
    for action, value, budget in [((0, 1, 2), 1.35, 0.6), ((0, 2, 3), 1.25, 0.4), ((0, 1, 2), 1.35, 0.751)]:
        world = sb.SemiBandit(EXPERIMENT, sb.SafeUpToM(3, budget))
        assert world.best_action == action
        assert world.best_value == pytest.approx(value)


ITEMS = {
    "Bernoulli": arms.Bernoulli([0.2, 0.7]),
    "Beta": arms.Beta.from_moments([0.5, 0.3], [0.24, 0.01]),
    "Gaussian": arms.Gaussian([0.5, -1.0], std=[0.5, 2.0]),
    "Exponential": arms.Exponential([0.5, 2.0]),
    "Poisson": arms.Poisson([0.5, 4.0]),
    "Categorical": arms.Categorical([0.0, 0.5, 2.0], [[0.2, 0.3, 0.5], [0.5, 0.5, 0.0]]),
    "TruncatedGaussian": arms.TruncatedGaussian([0.2, 0.9], std=0.3),
}


@pytest.mark.parametrize("name", ITEMS)
def test_variances_are_those_of_the_items(name: str) -> None:
    world = sb.SemiBandit(ITEMS[name], sb.MSets(1))
    wanted = [ITEMS[name].distribution(item).var() for item in range(2)]
    np.testing.assert_allclose(world.variances, wanted, rtol=1e-9, atol=1e-12)


def draws(world: Any, action: tuple[int, ...], u: np.ndarray, lanes: bool) -> np.ndarray:
    """Return the outcomes of an action at many uniform numbers, one column each."""
    parameters = world.params(Problem(world.n_arms, None))
    chosen = np.tile(np.array(action)[:, None], len(u))
    size = np.full(len(u), len(action))
    drawn, value = np.zeros(chosen.shape), np.zeros(len(u))
    run = kernel(_draw_lanes if lanes else _draw, parameters)
    run(parameters, chosen, size, u, drawn, value)
    np.testing.assert_allclose(value, drawn.sum(axis=0), rtol=1e-12, atol=1e-12)
    return drawn


def _draw_lanes(world: Any, chosen: Any, size: Any, u: Any, drawn: Any, value: Any) -> None:
    generics.draw_all(world, chosen, size, u, 1, drawn, value)


def _draw(world: Any, chosen: Any, size: Any, u: Any, drawn: Any, value: Any) -> None:
    for w in range(size.shape[0]):
        value[w] = generics.draw(world, chosen, size[w], w, u[w], 1, drawn)


U = np.random.default_rng(3).random(20_000)
CORRELATED = sb.CorrelatedGaussian([0.0, 1.0, -1.0], [[1.0, 0.6, -0.4], [0.6, 2.0, 0.0], [-0.4, 0.0, 0.5]], sb.UpToM(3))
WORLDS = {
    "coins": sb.SemiBandit(arms.Bernoulli([0.2, 0.7, 0.4]), sb.UpToM(3)),
    "betas": sb.SemiBandit(arms.Beta([0.02, 2.0, 0.5], [0.02, 3.0, 3.0]), sb.UpToM(3)),
    "correlated": CORRELATED,
}


@pytest.mark.parametrize("name", WORLDS)
def test_an_item_s_outcome_does_not_depend_on_the_action_that_holds_it(name: str) -> None:
    world = WORLDS[name]
    together = draws(world, (0, 1, 2), U[:500], lanes=False)
    for action in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]:
        np.testing.assert_array_equal(draws(world, action, U[:500], lanes=False), together[list(action)])
    np.testing.assert_array_equal(draws(world, (0, 1, 2), U[:500], lanes=True), together)


@pytest.mark.parametrize("name", WORLDS)
def test_outcomes_have_their_moments(name: str) -> None:
    """Within 4 standard errors; items of `SemiBandit` are uncorrelated."""
    world, n = WORLDS[name], len(U)
    drawn = draws(world, (0, 1, 2), U, lanes=True)
    covariance = getattr(world, "covariance", np.diag([world.variances[i] for i in range(3)]))
    errors = np.sqrt(np.diag(covariance) / n)
    assert (np.abs(drawn.mean(axis=1) - world.means) < 4.0 * errors).all()
    centred = drawn - np.asarray(world.means)[:, None]
    products = centred[:, None] * centred[None]
    spread = products.std(axis=2) / math.sqrt(n)
    assert (np.abs(products.mean(axis=2) - covariance) < 4.0 * spread).all()


def test_correlated_outcomes_are_gaussian() -> None:
    drawn = draws(CORRELATED, (0, 1, 2), U, lanes=True)
    for item in range(3):
        z = (drawn[item] - CORRELATED.means[item]) / math.sqrt(CORRELATED.covariance[item, item])
        assert stats.kstest(z, "norm").pvalue > 1e-3


def test_singular_covariances_are_allowed() -> None:
    world = sb.CorrelatedGaussian([0.0, 1.0], [[1.0, -1.0], [-1.0, 1.0]], sb.MSets(2))
    np.testing.assert_allclose(draws(world, (0, 1), U[:50], lanes=False).sum(axis=0), 1.0, atol=1e-12)


# ------------------------------------------------------------------------------------------- what is counted


def test_violations_are_counted_on_every_group() -> None:
    """CombUCB1 plays the unsafe optimum of experiment 2 in nearly all rounds, as the paper says of it."""
    world = sb.SemiBandit(EXPERIMENT, sb.SafeUpToM(3, 0.4))
    result = bl.run(
        world, sb.CombUCB1(actions=sb.UpToM(3)), horizon=20_000, n_runs=4, seed=0,
        metrics=("regret", "violations", "any_violation"), **OPTIONS,
    )  # fmt: skip
    assert (result.values("violations")[0, :, -1] > 0.9 * 20_000).all()
    assert (result.values("any_violation")[0, :, -1] == 1.0).all()
    assert (result.values("regret")[0, :, -1] < 0.0).all()  # against the best safe action


def test_pascombucb_is_never_unsafe_in_400_runs() -> None:
    """At delta = 0.05: the probability of any violation is at most delta, and the radii are far from tight."""
    world = sb.SemiBandit(EXPERIMENT, sb.SafeUpToM(3, 0.4))
    result = bl.run(
        world, sb.PASCombUCB(delta=0.05), horizon=10_000, n_runs=400, seed=1, metrics=("any_violation", "regret"),
        **OPTIONS,
    )  # fmt: skip
    assert result.values("any_violation")[0, :, -1].sum() == 0.0
    assert (result.values("regret")[0, :, -1] > 0.0).all()


def test_the_released_warm_up_violates_as_the_released_results_say() -> None:
    """Two items of variance 0.24 are pulled together twice, in the first two rounds of experiment 2."""
    world = sb.SemiBandit(EXPERIMENT, sb.SafeUpToM(3, 0.4))
    result = bl.run(
        world, sb.PASCombUCB(paper_code=True), horizon=5_000, n_runs=5, seed=1, metrics="violations",
        checkpoints=[1, 2, 5_000], **OPTIONS,
    )  # fmt: skip
    assert (result.values()[0] == [1.0, 2.0, 2.0]).all()


@sb.environment
class Wary(sb.SemiBandit):
    """Item 0 is unsafe."""

    def unsafe(self, chosen: Any, size: int, lane: int) -> bool:
        return chosen[0, lane] == 0


@pytest.mark.parametrize("metric", ["violations", "any_violation"])
@pytest.mark.parametrize("world", [sb.SemiBandit(EXPERIMENT, sb.MSets(2)), sb.Coverage([[1, 0], [0, 1]], sb.UpToM(1))])
def test_without_a_constraint_nothing_is_violated(metric: str, world: Any) -> None:
    """They were 0, as of a policy that is safe."""
    policy = sb.SuperArmUCB(actions=sb.UpToM(1))
    told = rf"metrics is '{metric}'; allowed: one of 'regret', .*, as .* no constraint \(semibandits.SafeUpToM\(3, "
    with pytest.raises(InvalidArgument, match=told):
        bl.run(world, policy, horizon=30, n_runs=1, metrics=["regret", metric], **OPTIONS)


def test_a_set_of_the_policy_s_own_has_no_say_in_what_is_violated() -> None:
    narrower = sb.CombUCB1(actions=sb.SafeUpToM(2, 0.3, variances=[0.2] * 10))
    options: dict[str, Any] = {"horizon": 30, "n_runs": 1, "metrics": "violations", **OPTIONS}
    with pytest.raises(InvalidArgument, match=r"action set, MSets\(2\), has no constraint"):
        bl.run(sb.SemiBandit(EXPERIMENT, sb.MSets(2)), narrower, **options)
    world = sb.SemiBandit(EXPERIMENT, sb.SafeUpToM(2, 0.3))
    assert (bl.run(world, sb.CombUCB1(actions=sb.MSets(2)), **options).values() > 0.0).all()


def test_a_kernel_of_one_s_own_says_what_is_violated() -> None:
    world = Wary(arms.Bernoulli([0.5, 0.4]), sb.MSets(2))
    result = bl.run(world, sb.CombUCB1(), horizon=9, n_runs=2, metrics="violations", **OPTIONS)
    assert (result.values()[0, :, -1] == 9.0).all()


def test_policies_face_the_same_luck() -> None:
    """Equal actions of different policies have equal rewards in every round."""
    world = sb.SemiBandit(arms.Bernoulli([0.2, 0.5, 0.6, 0.7]), sb.MSets(2))
    result = bl.run(
        world, [sb.CombUCB1(), sb.BetaCTS()], horizon=300, n_runs=3, seed=2, checkpoints=list(range(1, 301)),
        metrics=("reward", "pulls"), **OPTIONS,
    )  # fmt: skip
    pulls = np.stack([result.values(f"pulls[{i}]") for i in range(4)])
    each, reward = np.diff(pulls, axis=3, prepend=0.0), np.diff(result.values("reward"), axis=2, prepend=0.0)
    equal = (each[:, 0] == each[:, 1]).all(axis=0)
    assert equal.sum() > 100
    np.testing.assert_array_equal(reward[0][equal], reward[1][equal])


def world_with(gap: float) -> Any:
    return sb.SemiBandit(arms.Bernoulli([0.5 + gap, 0.5, 0.5, 0.5]), sb.MSets(2))


def test_sweeps_plots_and_summaries_work() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    options: dict[str, Any] = {"horizon": 100, "n_runs": 3, "seed": 0, **OPTIONS}
    found = bl.sweep(world_with, sb.CombUCB1(), {"gap": [0.1, 0.3]}, **options)
    assert found.to_pandas()["gap"].nunique() == 2
    result = bl.run(world_with(0.2), sb.CombUCB1(), metrics=("regret", "reward"), **options)
    assert result.plot() is not None
    assert result.summary().shape[0] == 1
    assert bl.run(world_with(0.2), sb.CombUCB1(), keep="summary", **options).summary().shape[0] == 1


# --------------------------------------------------------------------------- oracles in kernels and in Python


@sb.action_set
class SlowMSets(sb.ActionSet):
    m: int = field(check=positive_integer, doc="number of items")

    def contains(self, action: Any) -> bool:
        return len(action) == self.m

    def max_size(self, n_items: int) -> int:
        return self.m

    def find(self, weights: Any) -> Any:
        return sorted(range(len(weights)), key=lambda i: (-weights[i], i))[: self.m]


@sb.policy
class UnseenFirst:
    """As a newcomer writes a policy: what was never seen has an infinite index."""

    first: float = field(default=math.inf, doc="index of an item that was not seen")
    actions: Any = field(default=None, doc="action set")

    def state(self, space: Any) -> dict[str, Any]:
        return {"counts": space.per_arm(), "sums": space.per_arm()}

    def index(self, state: Any, arm: int, lane: int, t: int, rng: Any) -> float:
        n = state.counts[arm, lane]
        return self.first if n == 0.0 else state.sums[arm, lane] / n + math.sqrt(1.0 / n)

    def update(self, state: Any, arm: int, lane: int, reward: float, t: int) -> None:
        state.counts[arm, lane] += 1.0
        state.sums[arm, lane] += reward


@pytest.mark.parametrize("policy", [sb.CombUCB1(), sb.BetaCTS(), UnseenFirst()], ids=repr)
def test_an_oracle_in_python_plays_what_a_kernel_plays(policy: Any) -> None:
    items = arms.Bernoulli([0.3, 0.6, 0.5, 0.8, 0.4])
    results = [
        bl.run(
            sb.SemiBandit(items, actions),
            policy,
            horizon=120,
            n_runs=3,
            seed=4,
            metrics=("regret", "reward", "pulls"),
            backend=backend,
            **OPTIONS,
        )
        for actions, backend in [(sb.MSets(2), "cpu"), (SlowMSets(2), "cpu"), (SlowMSets(2), "python")]
    ]
    for metric in results[0].metrics:
        for other in results[1:]:
            np.testing.assert_array_equal(results[0].values(metric), other.values(metric))
    agents = [bl.start(type(policy)(actions=actions), n_arms=5, seed=1) for actions in (sb.MSets(2), SlowMSets(2))]
    for _ in range(30):
        first, second = (agent.select() for agent in agents)
        assert first == second
        for agent in agents:
            agent.update(first, [1.0, 0.0])


@pytest.mark.parametrize("kind", [list, tuple, np.array], ids=["list", "tuple", "array"])
def test_whether_something_happened_is_an_outcome(kind) -> None:
    happened = [[True, False], [False, False], [True, True], [False, True]]
    agents = [bl.start(sb.CombUCB1(actions=sb.MSets(2)), n_arms=3, seed=2) for _ in range(2)]
    for outcomes in happened:
        agents[0].update(agents[0].select(), kind(outcomes))
        agents[1].update(agents[1].select(), [float(b) for b in outcomes])
    np.testing.assert_equal(agents[0].state, agents[1].state)
    values = [bl.start(sb.KMaxCUCB(actions=sb.MSets(2)), n_arms=3, seed=2) for _ in range(2)]
    for value, winner in ((True, 0), (False, -1), (np.True_, 2)):
        for agent, reward in zip(values, (value, float(value)), strict=True):
            action = agent.select()
            agent.update(action, value=reward, winner=winner if winner in action else action[0] if value else -1)
    np.testing.assert_equal(values[0].state, values[1].state)


def test_best_within_lanes_is_exhaustive_search() -> None:
    """Random weights and costs, with ties, in many lanes; of equal actions the lexicographically smallest."""
    rng, lanes, n = np.random.default_rng(0), 200, 7
    for m, budget in [(1, 0.5), (3, 0.8), (4, 0.3)]:
        actions = sb.SafeUpToM(m, budget)
        weights = rng.integers(1, 6, (n, lanes)) / 4.0
        costs = rng.integers(0, 5, (n, lanes)) / 8.0
        parameters = actions.params(Problem(n, None))
        chosen, size = np.zeros((m, lanes), np.int64), np.zeros(lanes, np.int64)
        wanted = rng.random(lanes) < 0.9
        run = kernel(_best_within_lanes, parameters)
        run(parameters, spaces.make_work(actions, Space(n, lanes, None)), weights, costs, wanted, chosen, size)
        every = [a for k in range(1, m + 1) for a in itertools.combinations(range(n), k)]
        for w in np.flatnonzero(wanted):
            value = {a: sum(weights[i, w] for i in a) for a in every if sum(costs[i, w] for i in a) < budget}
            best = min((a for a in value if value[a] == max(value.values())), default=())
            assert tuple(chosen[: size[w], w].tolist()) == best


def _best_within_lanes(actions: Any, work: Any, weights: Any, costs: Any, wanted: Any, chosen: Any, size: Any) -> None:
    generics.best_within_lanes(actions, work, weights, costs, wanted, chosen, size)


# ---------------------------------------------------------------------------------------------------- errors

COINS = arms.Bernoulli([0.5, 0.6])
ONE = sb.MSets(1)
REFUSED: dict[str, tuple[Any, str]] = {
    "no safe action": (lambda: sb.SemiBandit(COINS, sb.SafeUpToM(2, 0.1)), "no action is safe"),
    "no budget": (lambda: sb.SafeUpToM(2, 0.0), "SafeUpToM.budget is 0.0; allowed: a positive, finite number"),
    "negative budget": (lambda: sb.SafeUpToM(2, -1.0), "SafeUpToM.budget is -1.0; allowed"),
    "infinite budget": (lambda: sb.SafeUpToM(2, math.inf), "SafeUpToM.budget is inf; allowed: a positive, finite"),
    "K above L": (lambda: sb.SemiBandit(COINS, sb.SafeUpToM(3, 1.0)), "m is 3; allowed: at most the number of"),
    "m above L": (lambda: sb.SemiBandit(COINS, sb.MSets(3)), "m is 3; allowed: at most the number of items"),
    "negative variance": (lambda: arms.Beta.from_moments([0.5], [-0.1]), r"variances\[0\] is -0.1; allowed"),
    "no variance": (lambda: arms.Beta.from_moments([0.5], [0.0]), r"variances\[0\] is 0; allowed: positive and below"),
    "impossible variance": (lambda: arms.Beta.from_moments([0.5], [0.25]), r"below 0.25, which is m \(1 - m\)"),
    "impossible mean": (lambda: arms.Beta.from_moments([1.0], [0.1]), r"means\[0\] is 1; allowed: a number in \(0, 1"),
    "moments of other numbers": (lambda: arms.Beta.from_moments([0.5, 0.4], [0.1]), "one entry per arm in each"),
    "variances of other numbers": (
        lambda: sb.SemiBandit(COINS, sb.SafeUpToM(2, 0.3, variances=[0.1])),
        "variances has 1 entries",
    ),
    "negative known variance": (lambda: sb.SafeUpToM(2, 0.3, variances=[0.1, -0.1]), r"variances\[1\] is -0.1"),
    "items that are means": (lambda: sb.SemiBandit([0.5, 0.6], ONE), "items is .*; allowed: a stationary"),
    "actions that are a number": (lambda: sb.SemiBandit(COINS, 2), "actions is 2; allowed: an action set"),
    "covariance not square": (lambda: sb.CorrelatedGaussian([0, 1], [[1, 0]], ONE), "a square matrix"),
    "not symmetric": (lambda: sb.CorrelatedGaussian([0, 1], [[1, 0.5], [0.2, 1]], ONE), "is not symmetric"),
    "indefinite": (lambda: sb.CorrelatedGaussian([0, 1], [[1, 2], [2, 1]], ONE), "has the eigenvalue -1; allowed"),
    "negative variance of a covariance": (
        lambda: sb.CorrelatedGaussian([0, 1], [[1, 0], [0, -1]], ONE),
        r"\[1\]\[1\] is -1; allowed: variances",
    ),
    "covariance of other items": (lambda: sb.CorrelatedGaussian([0, 1], [[1.0]], ONE), "one per item in each"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(BanditlabError, match=message):
        make()


CANNOT_PLAY: dict[str, tuple[Any, Any, str]] = {
    "who does not learn what is safe": (sb.CombUCB1(), sb.SafeUpToM(2, 0.6), r"does not learn .*CombUCB1\(actions=Up"),
    "who lists all actions": (sb.ESCB2(), sb.SafeUpToM(2, 0.6), r"ESCB2 cannot play .*ESCB2\(actions=UpToM\(2\)\)"),
    "who looks at all actions": (sb.SuperArmUCB(), sb.SafeUpToM(2, 0.6), r"SuperArmUCB cannot play .* does not learn"),
    "safe policy on other sets": (sb.PASCombUCB(), sb.MSets(2), r"it plays sets such as semibandits.SafeUpToM"),
    "too small a budget": (sb.PASCombUCB(), sb.SafeUpToM(2, 0.25), "budget is 0.25; allowed: a larger one"),
    "own set too large": (sb.CombUCB1(actions=sb.MSets(4)), sb.MSets(2), "m is 4; allowed: at most the number of"),
    "too many actions": (sb.ESCB2(), sb.MSets(6), "has more than 20000 actions; allowed: at most 20000 to list"),
}


@sb.policy
class Within:
    """Learns what is safe: plays within bounds on variances, which here are the largest that there can be."""

    def state(self, space: Any) -> dict[str, Any]:
        return {"weights": space.per_arm(1.0), "bounds": space.per_arm(0.25)}

    def select(self, state: Any, actions: Any, work: Any, lane: int, t: int, rng: Any, chosen: Any) -> int:
        return generics.best_within(actions, work, state.weights, state.bounds, lane, chosen)

    def update(self, state: Any, arm: int, lane: int, reward: float, t: int) -> None:
        state.weights[arm, lane] += reward


@sb.policy
class SaysSo(Within):
    learns_what_is_safe = True


@sb.policy
class OnlySaysSo(UnseenFirst):
    """Would leave it to the action set's `best`, which does not know."""

    learns_what_is_safe = True


@pytest.mark.parametrize("policy", [sb.CombUCB1(), sb.GaussianCTS(), sb.BGCTS()], ids=repr)
def test_outcomes_that_outweigh_unseen_items_are_refused(policy: Any) -> None:
    """They were played, and the first action was the only one."""
    told = "an item that it has not seen weighs 1e[+]06, and outcomes here have means of up to 9e[+]06 in size; allowed"
    for sign in (1.0, -1.0):
        world = sb.SemiBandit(arms.Gaussian([2e6, 3e6, sign * 9e6]), sb.MSets(1))
        with pytest.raises(IncompatiblePolicy, match=told):
            bl.run(world, policy, horizon=50, n_runs=2, seed=0)
    world = sb.SemiBandit(arms.Gaussian([2e4, 3e4, 9e4]), sb.MSets(1))
    pulls = bl.run(world, policy, horizon=50, n_runs=2, seed=0, metrics="pulls", **OPTIONS).values("pulls[2]")
    assert (pulls[..., -1] == 48.0).all()


def test_parameters_of_a_policy_with_its_own_set_are_made_once() -> None:
    policy = sb.SuperArmUCB(actions=sb.MSets(2))
    problem = spaces.ActionProblem(6, 100, policy.actions)
    assert spaces.player_params(policy, problem) is spaces.player_params(policy, problem)
    assert policy.actions == sb.MSets(2)


def test_who_learns_what_is_safe_says_so() -> None:
    world = sb.SemiBandit(arms.Bernoulli([0.5, 0.6, 0.1]), sb.SafeUpToM(3, 0.6))
    options: dict[str, Any] = {"horizon": 20, "n_runs": 2, "seed": 0, "metrics": ["pulls", "violations"], **OPTIONS}
    result = bl.run(world, SaysSo(), **options)
    assert sum(result.values(f"pulls[{i}]")[0, :, -1] for i in range(3)).tolist() == [40.0, 40.0]
    assert (result.values("violations") == 0.0).all()
    with pytest.raises(IncompatiblePolicy) as raised:
        bl.run(world, Within(), **options)
    told = str(raised.value)
    assert "a class with learns_what_is_safe = True and `select`" in told
    assert "SafeUpToM(..., variances=)" in told
    assert "a policy with a field `actions`" in told  # it has none, which can be given a set
    with pytest.raises(IncompatiblePolicy, match=r"OnlySaysSo\(actions=UpToM\(3\)\), .* = True and `select`"):
        bl.run(world, OnlySaysSo(), **options)


@pytest.mark.parametrize("name", CANNOT_PLAY)
def test_what_cannot_play_is_refused_beforehand(name: str) -> None:
    policy, actions, message = CANNOT_PLAY[name]
    items = arms.Bernoulli([0.5] * 25 if name == "too many actions" else [0.5, 0.6, 0.1])
    with pytest.raises(IncompatiblePolicy, match=message):
        bl.run(sb.SemiBandit(items, actions), policy, horizon=100, n_runs=1, **OPTIONS)


@sb.policy
class Careless:
    """Chooses what does not exist."""

    def select(self, state: Any, actions: Any, work: Any, lane: int, t: int, rng: Any, chosen: Any) -> int:
        chosen[0, lane] = 7
        return 1

    def update(self, state: Any, arm: int, lane: int, reward: float, t: int) -> None:
        pass


def test_an_action_that_does_not_exist_is_an_error() -> None:
    for backend, which in (("python", r" \(\[7\]\)"), ("cpu", ".*")):  # compiled code cannot say, a rehearsal can
        with pytest.raises(InvalidComponent, match=rf"chose an action that does not exist{which}; allowed"):
            bl.run(sb.SemiBandit(COINS, ONE), Careless(), horizon=2, n_runs=1, backend=backend, **OPTIONS)


@sb.policy
class Single:
    """Chooses one item, whatever an action is."""

    def select(self, state: Any, actions: Any, work: Any, lane: int, t: int, rng: Any, chosen: Any) -> int:
        chosen[0, lane] = 0
        return 1

    def update(self, state: Any, arm: int, lane: int, reward: float, t: int) -> None:
        pass


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_items_that_are_no_action_are_an_error(backend: str) -> None:
    items = arms.Bernoulli([0.1, 0.2, 0.3])
    told = r"Single\(\) chose the items \[0\] in round 9; allowed: an action of MSets\(2\)"
    with pytest.raises(InvalidComponent, match=told):
        bl.run(sb.SemiBandit(items, sb.MSets(2)), Single(), horizon=9, n_runs=3, backend=backend, **OPTIONS)
    bl.run(sb.SemiBandit(items, sb.MSets(1)), Single(), horizon=9, n_runs=3, backend=backend, **OPTIONS)


@sb.action_set
class Found(SlowMSets):
    """The set of all m items, whose kernel finds what it is told to."""

    items: Any = field(default=(0, 1), doc="what is written")
    size: int = field(default=2, doc="what is returned")

    def best(self, work: Any, weights: Any, lane: int, chosen: Any) -> int:
        for k in range(min(len(self.items), chosen.shape[0])):
            chosen[k, lane] = self.items[k]
        return self.size


@sb.action_set
class FoundTogether(Found):
    """The same in the kernel for all lanes."""

    def best_lanes(self, work: Any, weights: Any, chosen: Any, size: Any) -> None:
        for w in range(size.shape[0]):
            for k in range(min(len(self.items), chosen.shape[0])):
                chosen[k, w] = self.items[k]
            size[w] = self.size


@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize("made", [Found, FoundTogether])
def test_what_a_users_kernel_of_an_action_set_finds_has_to_be_items(made: Any, backend: str) -> None:
    items, options = arms.Bernoulli([0.1, 0.2, 0.3]), {"horizon": 9, "n_runs": 3, "backend": backend, **OPTIONS}
    bl.run(sb.SemiBandit(items, made(2)), UnseenFirst(), **options)
    told = r"UnseenFirst\(\) was given an action that does not exist, by the kernel `best` or `best_lanes` of its"
    for wrong in ({"items": (1, 0)}, {"items": (0, 3)}, {"items": (-1, 0)}, {"size": 3}, {"size": 0}):
        with pytest.raises(InvalidComponent, match=told):
            bl.run(sb.SemiBandit(items, made(2, **wrong)), UnseenFirst(), **options)
    told = r"chose the items \[0\] in round 9; allowed: an action of Found(Together)?\(2"
    with pytest.raises(InvalidComponent, match=told):
        bl.run(sb.SemiBandit(items, made(2, size=1)), UnseenFirst(), **options)


def test_what_a_users_kernel_finds_is_checked_in_an_agent_too() -> None:
    agent = bl.start(UnseenFirst(actions=Found(2, size=3)), n_arms=3, seed=0)
    with pytest.raises(InvalidComponent, match="was given an action that does not exist"):
        agent.select()


@pytest.mark.parametrize("actions", [SlowMSets(1), sb.MSets(1), sb.Explicit([[0], [1]])], ids=repr)
def test_an_index_that_is_no_number_is_an_error(actions: Any) -> None:
    world = sb.SemiBandit(COINS, actions)
    with pytest.raises(
        InvalidComponent, match=r"UnseenFirst\(first=nan\) gave an item the index nan \(0/0, say\); allowed"
    ):
        bl.run(world, UnseenFirst(math.nan), horizon=4, n_runs=1, backend="python", **OPTIONS)


@pytest.mark.parametrize("first", [math.inf, -math.inf])
@pytest.mark.parametrize(
    "actions",
    [
        sb.MSets(2), sb.UpToM(2), sb.Knapsack([1, 2, 3], 3), sb.Knapsack([0.1, 2.5, 3], 3), sb.Explicit([[0, 1], [2]]),
        sb.SafeUpToM(2, 0.3, [0.1, 0.1, 0.4]), sb.SafeUpToM(2, 0.3, [0.2] * 3), SlowMSets(2),
        sb.LinearSet([[1, 1, 1]], upper=[2]), sb.SpanningTrees([(0, 1), (1, 2), (0, 2)]),
    ],
    ids=repr,
)  # fmt: skip
def test_infinite_indices_play_actions_of_every_set(actions: Any, first: float) -> None:
    result = bl.run(
        sb.SemiBandit(arms.Bernoulli([0.5] * 3), actions), UnseenFirst(first), horizon=20, n_runs=1, seed=0,
        backend="python", metrics="pulls", checkpoints=list(range(1, 21)), **OPTIONS,
    )  # fmt: skip
    played = np.diff([result.values(f"pulls[{i}]")[0, 0] for i in range(3)], prepend=0.0)
    assert all(actions.contains(tuple(np.flatnonzero(played[:, t]).tolist())) for t in range(played.shape[1]))


@sb.action_set
class Fixed(sb.ActionSet):
    found: Any = field(doc="what the oracle returns, whatever the weights")

    def contains(self, action: Any) -> bool:
        return True

    def max_size(self, n_items: int) -> int:
        return 1

    def find(self, weights: Any) -> Any:
        return self.found


@pytest.mark.parametrize("found", [[7], [-1], [0, 0], []], ids=str)
def test_an_oracle_s_items_exist(found: Any) -> None:
    with pytest.raises(BanditlabError, match=r"Fixed.find returned the items .*; allowed: different items from 0 to 1"):
        Fixed(found).maximise([0.0, 0.0])


@sb.action_set
class Positive(Fixed):
    def find(self, weights: Any) -> Any:
        return np.flatnonzero(weights >= min(0.0, weights.max()))


def test_an_oracle_s_action_is_no_larger_than_announced() -> None:
    with pytest.raises(BanditlabError, match=r"Positive.find returned .*\[0, 1\]; allowed: at most max_size\(.*is 1"):
        bl.run(sb.SemiBandit(COINS, ONE), sb.CombUCB1(actions=Positive(None)), horizon=4, n_runs=1, **OPTIONS)


def test_decorators_say_what_is_missing() -> None:
    with pytest.raises(InvalidComponent, match=r"Nothing is not a semibandits.ActionSet; allowed: class Nothing"):
        sb.action_set(type("Nothing", (), {}))
    with pytest.raises(InvalidComponent, match="has no kernel draw"):
        sb.environment(type("Empty", (), {}))
    with pytest.raises(InvalidComponent, match="has no kernel index or select"):
        sb.policy(type("Idle", (), {}))
