"""What environments and policies whose reward is no sum promise, besides being what the papers say."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab import semibandits as sb
from banditlab.core.compiling import kernels
from banditlab.core.components import Problem
from banditlab.core.playing import jobs
from banditlab.errors import BanditlabError, IncompatiblePolicy, InvalidComponent, InvalidType
from banditlab.semibandits import generics, protocol
from tests.arms.naive import environment_rng
from tests.values import columns, same

KMAX = sb.KMax(
    [[0.9, 0.2], [0.7, 0.5], [0.5, 0.0], [0.3, 1.0]], [[0.2, 0.5], [0.4, 0.4], [0.6, 0.4], [0.3, 0.1]], sb.MSets(2)
)
COVERS = [[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 1]]
COVERAGE = sb.Coverage(COVERS, sb.UpToM(2))
BAG = sb.Coverage(COVERS, sb.Knapsack([2.0, 1.0, 0.5, 1.5], 3.0), weights=[1.0, 2.0, 3.0, 4.0, 5.0])
INFLUENCE = sb.Influence([(0, 1), (1, 2), (2, 0), (3, 2)], sb.UpToM(2), probability=0.5, n_graphs=50)

METRICS = ("regret", "reward", "alpha_regret", "pulls")
PLAYED: dict[str, tuple[Any, Any]] = {
    "value and index": (KMAX, sb.KMaxCUCB(alpha=0.1, support_size=2)),
    "value and index, one value": (KMAX, sb.KMaxCUCB(alpha=0.1)),
    "all outcomes, greedily": (KMAX, sb.KMaxSemiBandit(oracle="greedy")),
    "super arms": (INFLUENCE, sb.SuperArmUCB(alpha=0.2)),
    "C-ETC": (COVERAGE, sb.CETC(plays=4)),
    "C-ETC, knapsack": (BAG, sb.CETC(sb.GreedyPlusMax(), plays=4)),
    "OG": (INFLUENCE, sb.OG(gamma=0.5)),
}
every = pytest.mark.parametrize("name", PLAYED)
HORIZON = 130
OPTIONS: dict[str, Any] = {"horizon": HORIZON, "seed": 6, "metrics": METRICS, "n_jobs": 1, "progress": False}


def run(name: str, n_runs: int, **options: Any) -> Any:
    environment, policy = PLAYED[name]
    return bl.run(environment, policy, n_runs=n_runs, **(OPTIONS | options))


@every
def test_compiled_equals_plain_python_and_chunks_and_threads_change_nothing(name: str, monkeypatch: Any) -> None:
    whole = run(name, 5)
    same(columns(whole), columns(run(name, 5, backend="python")))
    monkeypatch.setattr(jobs, "CHUNK", 2)
    monkeypatch.setattr(protocol.SemiBanditProtocol, "first_call", 37)
    monkeypatch.setattr("banditlab.core.machines.SECONDS_A_CALL", 0.0)  # ever shorter, down to a round
    same(columns(whole), columns(run(name, 5, n_jobs=2)))


@every
def test_metrics_agree_with_one_another(name: str) -> None:
    environment, _ = PLAYED[name]
    result = run(name, 4, checkpoints=list(range(1, HORIZON + 1)))
    got = columns(result)
    pulls = np.stack([got[f"pulls[{i}]"] for i in range(environment.n_arms)])
    each = np.diff(pulls, axis=2, prepend=0.0)
    values = np.array([[environment.value(tuple(np.flatnonzero(each[:, w, t]).tolist())) for t in range(HORIZON)]
                       for w in range(4)])  # fmt: skip
    np.testing.assert_allclose(got["regret"], np.cumsum(environment.best_value - values, axis=1), atol=1e-9)
    share = environment.alpha * environment.best_value
    np.testing.assert_allclose(got["alpha_regret"], np.cumsum(share - values, axis=1), atol=1e-9)
    assert (np.diff(got["reward"], axis=1) >= 0.0).all()
    for w in range(4):
        assert all(environment.actions.contains(tuple(np.flatnonzero(each[:, w, t]).tolist())) for t in range(HORIZON))


@pytest.mark.parametrize("environment", [KMAX, COVERAGE, INFLUENCE], ids=["k-MAX", "coverage", "influence"])
def test_rewards_average_to_the_mean_of_the_action(environment: Any) -> None:
    """A fixed action, 20 000 rounds: within 4 standard errors (rewards are in [0, 1])."""
    fixed = sb.SuperArmUCB(actions=sb.Explicit([[0, 2]]))
    rounds = 20_000
    result = bl.run(
        environment, fixed, horizon=rounds, n_runs=1, seed=1, metrics=("reward", "regret"), backend="python"
    )
    mean = result.values("reward")[0, 0, -1] / rounds
    assert mean == pytest.approx(environment.value((0, 2)), abs=4 * 0.5 / math.sqrt(rounds))
    assert result.values("regret")[0, 0, -1] == pytest.approx(
        rounds * (environment.best_value - environment.value((0, 2))), rel=1e-9
    )


@every
def test_agent_plays_the_actions_of_the_simulated_run(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(kernels, "compiled_mode", lambda: False)  # compiled code is tried above
    environment, policy = PLAYED[name]
    n, one = environment.n_arms, 1
    rounds = list(range(1, HORIZON + 1))
    result = run(name, 2, metrics="pulls", checkpoints=rounds)
    pulls = np.stack([result.values(f"pulls[{i}]")[0, one] for i in range(n)])
    simulated = [tuple(np.flatnonzero(x).tolist()) for x in np.diff(pulls, axis=1, prepend=0.0).T]
    own = dataclasses.replace(policy, actions=environment.actions)
    agent = bl.start(own, n_arms=n, seed=6, run=one, horizon=HORIZON)
    luck, parameters = environment_rng(6, one), environment.params(Problem(n, HORIZON))
    drawn, played = np.zeros((n, 1)), []
    for _ in rounds:
        action = agent.select()
        played.append(action)
        with np.errstate(all="ignore"):
            value = generics.draw(parameters, np.array(action)[:, None], len(action), 0, luck.open_uniform(), 1, drawn)
        if name.startswith("value and index"):
            winner = action[int(np.argmax(drawn[: len(action), 0]))] if value > 0.0 else -1
            agent.update(action, value=value, winner=winner)
        elif name.startswith("all outcomes"):
            agent.update(action, outcomes=drawn[: len(action), 0].tolist())
        else:
            agent.update(action, value=value)
    assert played == simulated


# --------------------------------------------------------------------------------------------------- refusals

FEW = sb.KMax.binary([0.5] * 20, [0.5] * 20, sb.MSets(2))
REFUSED: dict[str, tuple[Any, Any, str]] = {
    "needs the winner": (COVERAGE, sb.KMaxCUCB(), "this environment reveals the action's reward alone"),
    "needs outcomes": (INFLUENCE, sb.KMaxSemiBandit(), "it learns from all outcomes"),
    "needs the largest outcome": (
        sb.SemiBandit(arms.Bernoulli([0.1, 0.2]), sb.MSets(1)), sb.KMaxSemiBandit(),
        "it plays environments that pay an action's largest outcome, such as KMax, and this pays a sum",
    ),
    "needs rewards in [0, 1]": (
        sb.SemiBandit(arms.Gaussian([0.1, 0.2]), sb.UpToM(2)), sb.SuperArmUCB(), r"it learns from rewards in \[0, 1\]",
    ),
    "greedy for a knapsack": (BAG, sb.CETC(), r"Greedy is for sets of up to m items \(UpToM\), not Knapsack"),
    "knapsack's algorithm for sets": (COVERAGE, sb.CETC(sb.GreedyPlusMax()), "GreedyPlusMax is for a Knapsack, not"),
    "OG for a knapsack": (BAG, sb.OG(), r"it plays sets of up to m items \(UpToM\), not Knapsack"),
    "greedy oracle for a list": (
        KMAX, sb.KMaxCUCB(oracle="greedy", actions=sb.Explicit([[0, 1], [2, 3]])), "its greedy oracle adds items",
    ),
    "larger sets than the environment's": (
        KMAX, sb.KMaxCUCB(actions=sb.MSets(4)), "up to 4 items, and this environment has the means of at most 2, as",
    ),
    "too many actions": (FEW, sb.SuperArmUCB(actions=sb.UpToM(10)), "it looks at every action in every round, at most"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_played_is_refused_beforehand(case: str) -> None:
    environment, policy, message = REFUSED[case]
    with pytest.raises(IncompatiblePolicy, match=message):
        bl.run(environment, policy, horizon=50, n_runs=1, seed=0)


WRONG: dict[str, tuple[Any, str]] = {
    "shapes": (lambda: sb.KMax([[0.5], [0.5]], [[0.5, 0.5]], sb.MSets(1)), r"has the shape \(1, 2\); allowed: that of"),
    "probabilities": (
        lambda: sb.KMax([[0.5, 0.2]], [[0.7, 0.7]], sb.MSets(1)), r"probabilities\[0\] sums to 1.4; allowed: at most 1",
    ),
    "values": (lambda: sb.KMax.binary([1.5], [0.5], sb.MSets(1)), r"values\[0\] is 1.5; allowed"),
    "more items than there are": (lambda: sb.KMax.binary([0.5], [0.5], sb.MSets(2)), "MSets.m is 2; allowed: at most"),
    "too many sets": (
        lambda: sb.KMax.binary([0.5] * 60, [0.5] * 60, sb.MSets(6)), "sets of at most 6 of 60 items; allowed: at most",
    ),
    "half covered": (lambda: sb.Coverage([[0.5]], sb.UpToM(1)), "allowed: a matrix of zeros and ones"),
    "rows of other lengths": (lambda: sb.Coverage([[1, 0], [1]], sb.UpToM(1)), "covers is .* different lengths"),
    "words": (lambda: sb.Coverage("10", sb.UpToM(1)), "covers is '10'; allowed: a matrix"),
    "nothing": (lambda: sb.Coverage(None, sb.UpToM(1)), "covers is None; allowed: a matrix"),
    "huge node": (lambda: sb.Influence([(0, 10**30)], sb.UpToM(1)), r"edges\[0\]\[1\] is 10*; allowed: at most"),
    "too many entries": (
        lambda: sb.Coverage.random(10**6, 10**6, 0.5, sb.UpToM(1)), "n_elements is 1000000; allowed: fewer",
    ),
    "weights": (lambda: sb.Coverage([[1, 1]], sb.UpToM(1), weights=[1]), "allowed: one weight an element, 2"),
    "loop": (lambda: sb.Influence([(0, 0)], sb.UpToM(1)), r"edges\[0\] is \(0, 0\); allowed"),
    "edge twice": (lambda: sb.Influence([(0, 1), (0, 1)], sb.UpToM(1)), r"edges\[1\] is \(0, 1\); allowed"),
    "not a pair": (lambda: sb.Influence([(0, 1, 2)], sb.UpToM(1)), r"edges\[0\] is \(0, 1, 2\); allowed: a pair"),
    "no edges": (lambda: sb.Influence([], sb.UpToM(1)), "allowed: at least one edge"),
    "probability of edges": (lambda: sb.Influence([(0, 1)], sb.UpToM(1), [0.5, 0.5]), "has 2 entries; allowed"),
    "probability": (lambda: sb.Influence([(0, 1)], sb.UpToM(1), 1.5), "probability is 1.5; allowed"),
    "graphs": (lambda: sb.Influence([(0, 999)], sb.UpToM(1), n_graphs=1000), "n_graphs is 1000; allowed: fewer"),
    "oracle": (lambda: sb.KMaxCUCB(oracle="best"), "oracle is 'best'; allowed: one of 'exact', 'greedy'"),
    "algorithm": (lambda: sb.CETC(sb.Greedy), "CETC.algorithm is .*; allowed: an offline algorithm"),
    "plays": (lambda: sb.CETC(plays=0), "CETC.plays is 0; allowed"),
    "gamma": (lambda: sb.OG(gamma=1.0), "OG.gamma is 1.0; allowed"),
    "learning rate": (lambda: sb.OG(learning_rate=-1.0), "OG.learning_rate is -1.0; allowed"),
    "offline": (
        lambda: sb.Greedy().maximise(len, sb.Knapsack([1], 1), 1), "actions is Knapsack.*; allowed: another action set",
    ),
    "density": (lambda: sb.Coverage.random(3, 4, 1.0, sb.UpToM(1)), "density is 1.0; allowed"),
}  # fmt: skip


def scripted(*sizes: int, item: int = 0) -> Any:
    """Return an offline algorithm that writes sets of these sizes, the last of them for ever."""

    @sb.offline_algorithm
    class Scripted(sb.OfflineAlgorithm):
        def memory(self, space: Any) -> dict[str, Any]:
            return {"asked": space.per_lane(0, np.int64)}

        def delta(self, actions: Any, n_items: int) -> float:
            return 1.0

        def n_queries(self, actions: Any, n_items: int) -> int:
            return sum(size > 0 for size in sizes)

        def ask(self, state: Any, value: float, lane: int, chosen: Any) -> int:
            k = min(state.asked[lane], len(sizes) - 1)
            state.asked[lane] += 1
            chosen[0, lane] = item
            return sizes[k]

    return Scripted()


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        (scripted(1), "asks more than n_queries says; allowed: 1 queries"),
        (scripted(1, -1, item=7), r"wrote 1 items, \[7\]; allowed: one to 2 items from 0 to 2"),
        (scripted(-1, item=-1), r"wrote 1 items, \[-1\]; allowed"),
        (scripted(9), "wrote 9 items, .*; allowed: one to 2"),
        (scripted(0), r"wrote 0 items, \[\]; allowed"),
    ],
)
def test_what_an_offline_algorithm_writes_is_checked(algorithm: Any, message: str) -> None:
    with pytest.raises(InvalidComponent, match=message):
        algorithm.maximise(lambda action: 0.5, sb.UpToM(2), 3)


def test_an_algorithm_without_queries_commits_at_once() -> None:
    assert scripted(-1).maximise(lambda action: 0.5, sb.UpToM(2), 3) == (0,)
    result = bl.run(COVERAGE, sb.CETC(scripted(-1)), horizon=9, n_runs=1, seed=0, metrics="pulls", backend="python")
    assert result.values("pulls[0]")[0, 0, -1] == 9.0


@pytest.mark.parametrize("value", [None, 5, lambda a: math.nan, lambda a: None, lambda a: "1", lambda a: math.inf])
def test_values_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(BanditlabError, match=r"value(\(\(0,\)\))? is .*; allowed"):
        sb.Greedy().maximise(value, sb.UpToM(2), 3)
    with pytest.raises(BanditlabError, match="actions is None; allowed: an action set"):
        sb.Greedy().maximise(len, None, 3)


def test_what_a_base_leaves_to_a_class_is_asked_for_when_it_is_made() -> None:
    with pytest.raises(InvalidComponent, match=r"Bare has no contains and no find and no max_size; .*find\(self, w"):
        sb.action_set(type("Bare", (sb.ActionSet,), {}))
    own = {"ask": ask_nothing, "memory": lambda self, space: {}, "delta": lambda self, actions, n_items: 1.0}
    algorithm = type("Bare", (sb.OfflineAlgorithm,), own)
    with pytest.raises(
        InvalidComponent, match=r"Bare has no n_queries; allowed: .*n_queries\(self, actions, n_items\)"
    ):
        sb.offline_algorithm(algorithm)


def ask_nothing(self: Any, state: Any, value: float, lane: int, chosen: Any) -> int:
    return -1


def test_covers_and_sizes_may_be_of_other_types() -> None:
    assert sb.Coverage([[True, False], [False, True]], sb.UpToM(1)) == sb.Coverage([[1, 0], [0, 1]], sb.UpToM(1))
    assert sb.Coverage.random(3, 4.0, 0.5, sb.UpToM(1)) == sb.Coverage.random(3, 4, 0.5, sb.UpToM(1))


@pytest.mark.parametrize("world", [KMAX, COVERAGE, sb.SemiBandit(arms.Bernoulli([0.1] * 4), sb.MSets(2))], ids=repr)
@pytest.mark.parametrize("action", [(), (0, 9), (-1,), (0, 0), ("a",), (0.5,), 5, None, "01"], ids=repr)
def test_only_actions_have_values(world: Any, action: Any) -> None:
    with pytest.raises(BanditlabError, match=r"action(\[\d\])? is .*; allowed: (a sequence of|an integer)"):
        world.value(action)
    assert world.value([1, 0]) == world.value((0, 1)) == world.value(np.array([0, 1]))


def test_values_of_more_items_than_are_played_are_refused() -> None:
    with pytest.raises(BanditlabError, match=r"action is \(0, 1, 2\); allowed: at most 2 items"):
        KMAX.value((0, 1, 2))


@pytest.mark.parametrize("case", WRONG)
def test_errors_say_what_is_allowed(case: str) -> None:
    wrong, message = WRONG[case]
    with pytest.raises(BanditlabError, match=message):
        wrong()


def test_decorators_say_what_is_missing() -> None:
    with pytest.raises(InvalidComponent, match=r"Mine is not a semibandits.OfflineAlgorithm; allowed: class Mine"):
        sb.offline_algorithm(type("Mine", (), {}))
    with pytest.raises(InvalidComponent, match="Mine has no kernel ask"):
        sb.offline_algorithm(type("Mine", (sb.OfflineAlgorithm,), {}))


@pytest.mark.parametrize("policy", [sb.CETC(), sb.OG()], ids=repr)
def test_policies_that_need_the_horizon_say_so(policy: Any) -> None:
    with pytest.raises(InvalidType, match="horizon is None; allowed: a positive integer"):
        bl.start(type(policy)(actions=sb.UpToM(2)), n_arms=3, seed=0)


@pytest.mark.parametrize("thing", [KMAX, COVERAGE, BAG, INFLUENCE, *(p for _, p in PLAYED.values())], ids=repr)
def test_components_pickle_copy_and_compare(thing: Any) -> None:
    for twin in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
        assert twin == thing
        assert repr(twin) == repr(thing)
