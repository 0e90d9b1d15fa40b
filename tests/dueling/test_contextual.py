"""What contextual duels promise: the same numbers everywhere, common luck, messages that say what to do."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import banditlab as bl
from banditlab import dueling
from banditlab.core import sampling
from banditlab.core.components import make_state
from banditlab.core.family import registered
from banditlab.dueling.contextual import generics, protocol
from banditlab.dueling.contextual.kernel import first_wins
from banditlab.dueling.contextual.spaces import ContextualProblem, ContextualSpace
from banditlab.errors import IncompatiblePolicy, InvalidArgument, InvalidComponent, InvalidType, OutOfTurn
from tests.values import same

THETA = [1.5, -1.0, 0.5]
DRAWN = dueling.ContextualGLM(THETA, dueling.UniformArms(5, 3))
FIXED = dueling.ContextualGLM(THETA, dueling.UniformArms(5, 3, every_round=False))  # compiles to the same kernels
BOTH = {"drawn": DRAWN, "fixed": FIXED}
METRICS = ("contextual_regret", "contextual_weak_regret", "duel_variance", "estimation_error")
POLICIES = {
    "VACDB": dueling.VACDB(radius=0.05, alpha=0.3, kappa=0.2),
    "StaD": dueling.StaD(radius=0.1, alpha=0.3, kappa=0.2),
    "MaxInP": dueling.MaxInP(radius=0.3),
    "MaxPairUCB": dueling.MaxPairUCB(radius=0.3),
    "MaxFirstUCBNext": dueling.MaxFirstUCBNext(radius=0.3),
    "CoLSTIM": dueling.CoLSTIM(radius=0.3, exploration=5),
}

every_policy = pytest.mark.parametrize("name", POLICIES)


def run(policies: Any, environments: Any = None, n_runs: int = 3, **options: Any) -> dict[str, np.ndarray]:
    fields = {"horizon": 60, "seed": 5, "metrics": METRICS, "n_jobs": 1, "progress": False} | options
    result = bl.run(environments or BOTH, policies, n_runs=n_runs, **fields)
    return {m: np.stack([result.values(m, environment=e) for e in result.environments]) for m in result.metrics}


def test_all_policies_are_tried() -> None:
    found = {n for n, c in registered("dueling", "policy").items() if c.family is dueling.contextual.family.CONTEXTUAL}
    assert found == set(POLICIES)


@every_policy
def test_compiled_equals_plain_python_bit_for_bit(name: str) -> None:
    policy = POLICIES[name]
    same(run(policy, n_runs=2, horizon=40), run(policy, n_runs=2, horizon=40, backend="python"))


@every_policy
def test_there_may_be_fewer_duels_than_arms(name: str) -> None:
    """Features tell of arms that were never compared."""
    short = {"n_runs": 2, "horizon": 2}
    same(run(POLICIES[name], **short), run(POLICIES[name], **short, backend="python"))


def test_a_run_is_the_same_whatever_chunk_threads_and_order(monkeypatch: pytest.MonkeyPatch) -> None:
    together = run(POLICIES, n_runs=5)
    monkeypatch.setattr(protocol.ContextualProtocol, "chunk", 2)
    monkeypatch.setattr(protocol.ContextualProtocol, "first_call", 47)
    monkeypatch.setattr("banditlab.core.machines.SECONDS_A_CALL", 0.0)  # ever shorter, down to a round
    scattered = run(dict(reversed(POLICIES.items())), n_runs=5, n_jobs=2)
    same(together, {metric: values[:, ::-1] for metric, values in scattered.items()})


@every_policy
def test_checkpoints_only_decide_what_is_seen(name: str) -> None:
    """Looking at an estimate does not change it: not even the start of the next search."""
    seen = run(POLICIES[name], checkpoints=list(range(1, 61)))
    once = run(POLICIES[name], checkpoints=[60])
    same({m: v[..., -1:] for m, v in seen.items()}, once)


LUCK: list[Any] = []


@dueling.contextual_policy
class Recorder:
    """Compares two arms that it is given, and remembers what it saw: as plain Python only."""

    first: int = bl.field(default=0)
    second: int = bl.field(default=1)

    def select(self, state, features, lane, t, rng):
        return self.first, self.second

    def update(self, state, features, first, second, lane, won, t):
        LUCK.append((t, lane, features[:, :, lane].copy(), first, second, won))


def seen(environment: Any, first: int, second: int, n_runs: int = 2, horizon: int = 30) -> tuple[list[Any], Any]:
    LUCK.clear()
    got = run(
        Recorder(first, second), environment, n_runs, horizon=horizon, backend="python",
        checkpoints=list(range(1, horizon + 1)),
    )  # fmt: skip
    return list(LUCK), got


@pytest.mark.parametrize("environment", BOTH.values(), ids=BOTH)
def test_features_and_luck_do_not_depend_on_what_is_compared(environment: Any) -> None:
    one, _ = seen(environment, 0, 1)
    two, _ = seen(environment, 1, 0)
    for (t, lane, x, *_, won), (*place, y, _, _, lost) in zip(one, two, strict=True):
        assert [t, lane] == place
        np.testing.assert_array_equal(x, y)
        assert won != lost  # the same arm wins, in either order
    features = {lane: [x for _, w, x, *_ in one if w == lane] for lane in (0, 1)}
    assert not np.array_equal(features[0][0], features[1][0])  # runs have arms of their own
    changes = [not np.array_equal(a, b) for a, b in zip(features[0], features[0][1:], strict=False)]
    assert all(changes) if environment is DRAWN else not any(changes)


def test_metrics_are_what_they_say() -> None:
    rounds, got = seen(DRAWN, 2, 4, n_runs=1)
    theta = np.array(THETA)
    expected = np.zeros((3, len(rounds)))
    for k, (_, _, x, i, j, _) in enumerate(rounds):
        utility = x @ theta
        p = expit(utility[i] - utility[j])
        best = utility.max()
        expected[:, k] = best - 0.5 * (utility[i] + utility[j]), best - max(utility[i], utility[j]), p * (1.0 - p)
    for metric, values in zip(METRICS, np.cumsum(expected, axis=1), strict=False):
        np.testing.assert_allclose(got[metric][0, 0, 0], values, rtol=1e-12)
    assert np.isnan(got["estimation_error"]).all()  # it estimates nothing
    alone, none = seen(DRAWN, 3, 3)
    assert (none["contextual_regret"] == none["contextual_weak_regret"]).all()
    assert all(isinstance(won, bool | np.bool_) for *_, won in alone)


def test_duels_follow_the_link() -> None:
    env = dueling.ContextualGLM([1.0], [[0.0], [1.2]])
    rounds, _ = seen(env, 1, 0, n_runs=40, horizon=100)
    share = np.mean([won for *_, won in rounds])
    p = expit(1.2)
    assert abs(share - p) < 4.0 * np.sqrt(p * (1.0 - p) / len(rounds))


@pytest.mark.parametrize(
    ("arms", "mean", "std"),
    [
        (dueling.UniformArms(6, 4, low=0.0, high=3.0), 1.5, 3.0 / 12**0.5),
        (dueling.GaussianArms(6, 4, std=2.0), 0.0, 2.0),
    ],
    ids=["uniform", "gaussian"],
)
def test_arms_are_drawn_from_their_distributions(arms: Any, mean: float, std: float) -> None:
    rounds, _ = seen(dueling.ContextualGLM([1.0] * 4, arms), 0, 1, n_runs=4, horizon=60)
    x = np.concatenate([features.ravel() for _, _, features, *_ in rounds])
    assert abs(x.mean() - mean) < 4.0 * std / np.sqrt(x.size)
    assert abs(x.std() / std - 1.0) < 4.0 / np.sqrt(x.size)


def test_a_winner_is_the_same_arm_in_either_order() -> None:
    world = FIXED.params(ContextualProblem(5, None, 3))
    features = np.random.default_rng(0).normal(size=(5, 3, 1))
    for u in (0.01, 0.3, 0.5, 0.77):
        for i in range(5):
            for j in range(i):
                assert first_wins(world, features, i, j, 0, u) != first_wins(world, features, j, i, 0, u)


def test_preference_matrix_is_that_of_the_model_and_k_armed_policies_play_it() -> None:
    env = dueling.ContextualGLM.sign_vectors(dimension=3, scale=2.0, seed=4)
    utility = env.features.vectors @ env.theta
    matrix = env.preference_matrix()
    np.testing.assert_allclose(matrix.preferences, expit(utility[:, None] - utility[None, :]), atol=1e-14)
    assert matrix.condorcet_winner == int(utility.argmax())
    assert bl.run(matrix, dueling.RUCB(), horizon=20, n_runs=1, seed=0, backend="python").metrics == ("average_regret",)


def test_the_experiments_instance_is_as_described() -> None:
    env = dueling.ContextualGLM.sign_vectors(dimension=5, scale=0.5, seed=9)
    x = env.features.vectors
    assert x.shape == (32, 5)
    signs = np.where(x > 0.0, 1.0, -1.0)
    assert len({tuple(row) for row in signs}) == 32
    assert ((x - signs > -0.1 - 1e-12) & (x - signs <= 0.0)).all()
    assert np.linalg.norm(env.theta) == pytest.approx(0.5, rel=1e-12)
    assert (env.theta[2:] == 0.0).all()
    assert env == dueling.ContextualGLM.sign_vectors(dimension=5, scale=0.5, seed=9)
    assert env != dueling.ContextualGLM.sign_vectors(dimension=5, scale=0.5, seed=10)
    one = dueling.ContextualGLM.sign_vectors(dimension=1, scale=0.0)
    assert (one.n_arms, one.theta.tolist()) == (2, [0.0])


def test_without_a_signal_nothing_is_lost_and_all_goes_on() -> None:
    env = {"none": dueling.ContextualGLM([0.0] * 3, dueling.UniformArms(5, 3))}
    got = run(POLICIES, env, backend="python", horizon=25, n_runs=1)
    assert (got["contextual_regret"] == 0.0).all()
    np.testing.assert_array_equal(got["duel_variance"][..., -1], 25 / 4)
    assert np.isfinite(got["estimation_error"]).all()


@pytest.mark.parametrize("name", ["MaxInP", "MaxPairUCB"])
def test_relabelling_arms_relabels_choices(name: str) -> None:
    """These two draw nothing but ties, and generic features have none."""
    rng = np.random.default_rng(3)
    order = rng.permutation(6)
    agents = [bl.start(getattr(dueling, name)(radius=0.3), 6, seed=0, horizon=50) for _ in range(2)]
    for _ in range(30):
        x = rng.normal(size=(6, 3))
        i, j = agents[0].select(x)
        k, m = (int(order[a]) for a in agents[1].select(x[order]))
        assert {i, j} == {k, m}
        won = bool(rng.random() < 0.5)
        agents[0].update((i, j), won)
        agents[1].update(agents[1]._pending, won if i == k else not won)


# ------------------------------------------------------------------------------------------------ agents


@pytest.mark.parametrize("name", ["VACDB", "MaxInP"])
def test_an_agent_makes_the_choices_of_a_run_and_survives_pickling(name: str) -> None:
    agent = bl.start(POLICIES[name], 5, seed=5, run=1, horizon=40)
    luck = sampling.seeded(5, sampling.ENVIRONMENT_STREAM, 1, 1)
    world = DRAWN.params(ContextualProblem(5, 40, 3))
    features, lost = np.zeros((5, 3, 1)), []
    assert "round=1" in repr(agent)
    for t in range(1, 41):
        with np.errstate(over="ignore"):
            bits, u = sampling.key(sampling.open_uniform(luck, 0)), sampling.open_uniform(luck, 0)
            generics.show(world, features, 0, bits)
        if t in (1, 20):
            agent = pickle.loads(pickle.dumps(agent))
        i, j = agent.select(features[:, :, 0])
        if t in (1, 21):
            agent = pickle.loads(pickle.dumps(agent))
        agent.update((i, j), first_wins(world, features, i, j, 0, u))
        utility = features[:, :, 0] @ np.array(THETA)
        lost.append(utility.max() - 0.5 * (utility[i] + utility[j]))
    got = run(POLICIES[name], {"drawn": DRAWN}, horizon=40, checkpoints=[40])
    np.testing.assert_allclose(got["contextual_regret"][0, 0, 1, -1], sum(lost), rtol=1e-12)
    error = np.linalg.norm(agent.estimate - np.array(THETA))
    np.testing.assert_allclose(got["estimation_error"][0, 0, 1, -1], error, rtol=1e-12)
    with pytest.raises(OutOfTurn, match="up to the horizon, 40"):
        agent.select(features[:, :, 0])


def test_an_agent_says_what_is_wrong() -> None:
    agent = bl.start(POLICIES["MaxInP"], 3, horizon=10)
    with pytest.raises(OutOfTurn, match="before the first select"):
        _ = agent.estimate
    with pytest.raises(InvalidArgument, match="features has 2 rows; allowed: 3, one per arm"):
        agent.select([[1.0], [2.0]])
    with pytest.raises(InvalidArgument, match=r"features\[0\]\[0\] is nan"):
        agent.select([[np.nan], [1.0], [2.0]])
    with pytest.raises(OutOfTurn, match="before select"):
        agent.update((0, 1), True)
    pair = agent.select([[1.0], [2.0], [4.0]])
    with pytest.raises(OutOfTurn, match="twice"):
        agent.select([[1.0], [2.0], [4.0]])
    with pytest.raises(InvalidArgument, match="which select returned"):
        agent.update((0, 0), True)
    with pytest.raises(InvalidType, match="a pair of arms"):
        agent.update(0, True)
    agent.update(pair, True)
    with pytest.raises(InvalidArgument, match="features has 2 columns; allowed: 1, as in the first round"):
        agent.select(np.ones((3, 2)))
    with pytest.raises(InvalidType, match="the state of another agent"):
        agent.state = {}
    with pytest.raises(InvalidType, match="horizon is None"):
        bl.start(POLICIES["VACDB"], 3)


def test_one_round_is_enough() -> None:
    for policy in (*POLICIES.values(), dueling.VACDB(), dueling.StaD(), dueling.StaD.as_released()):
        params = policy.params(ContextualProblem(2, 1, 1))
        state = make_state(policy, ContextualSpace(2, 1, 1, 1, fixed=True))
        rng = sampling.seeded(0, sampling.POLICY_STREAM, 0, 1)
        features = np.array([[[0.5]], [[1.0]]])
        with np.errstate(over="ignore"):
            i, j = generics.select(params, state, features, 0, 1, rng)
        assert {i, j} <= {0, 1}
        generics.update(params, state, features, i, j, 0, True, 1)


# ------------------------------------------------------------------------------------------------ errors


def test_who_cannot_play_what_and_what_to_do() -> None:
    env = dueling.ContextualGLM.sign_vectors(dimension=2)
    with pytest.raises(
        IncompatiblePolicy, match=r"RUCB cannot play .*no matrix of preferences; allowed: .*VACDB.*matrix\(\)"
    ):
        bl.run(env, dueling.RUCB(), horizon=10, n_runs=1, seed=0)
    with pytest.raises(IncompatiblePolicy, match=r"VACDB cannot play .*shows none; allowed: ContextualGLM, or .*RUCB"):
        bl.run(env.preference_matrix(), dueling.VACDB(), horizon=10, n_runs=1, seed=0)
    with pytest.raises(IncompatiblePolicy, match="it plays environments of dueling"):
        bl.run(bl.arms.Bernoulli([0.1, 0.2]), dueling.VACDB(), horizon=10, n_runs=1, seed=0)
    with pytest.raises(InvalidArgument, match="metrics is 'average_regret'; allowed: one of 'contextual_regret'"):
        bl.run(env, dueling.VACDB(), horizon=10, n_runs=1, seed=0, metrics="average_regret")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dueling.ContextualGLM([1.0], np.eye(2)), "theta has 1 entries and features has 2 columns"),
        (lambda: dueling.ContextualGLM([np.inf], [[1.0], [2.0]]), r"theta\[0\] is inf"),
        (lambda: dueling.ContextualGLM([1.0], [[1.0], [np.nan]]), r"features\[1\]\[0\] is nan"),
        (lambda: dueling.ContextualGLM([1.0], [[1.0]]), "vectors has 1 row; allowed: at least two arms"),
        (lambda: dueling.ContextualGLM([], [[1.0], [2.0]]), r"theta is \[\]"),
        (lambda: dueling.ContextualGLM([1.0], []), r"features is \[\]"),
        (lambda: dueling.UniformArms(1, 2), "n_arms is 1; allowed: an integer of at least 2"),
        (lambda: dueling.UniformArms(2, 0), "dimension is 0"),
        (lambda: dueling.UniformArms(2, 2, low=1.0, high=1.0), "a number above low, 1"),
        (lambda: dueling.GaussianArms(2, 2, std=0.0), "std is 0"),
        (lambda: dueling.ContextualGLM.sign_vectors(dimension=17), "dimension is 17; allowed: an integer from 1 to 16"),
        (lambda: dueling.ContextualGLM.sign_vectors(scale=-1.0), "scale is -1.0"),
        (lambda: DRAWN.preference_matrix(), "drawn arms have no one matrix"),
        (lambda: dueling.VACDB(alpha=0.0), r"alpha is 0.0; allowed: a number in \(0, 1\]"),
        (lambda: dueling.VACDB(alpha=1e-300), "alpha is 1e-300; allowed: at least 8.67e-19"),
        (lambda: dueling.StaD(alpha=1e-300), "alpha is 1e-300; allowed: at least 8.67e-19"),
        (lambda: dueling.MaxInP(exploration=10**30), "exploration is 1000.*; allowed: at most 9007199254740992"),
        (lambda: dueling.CoLSTIM(exploration=10**30), "exploration is 1000.*; allowed: at most 9007199254740992"),
        (lambda: bl.start(dueling.MaxInP(), 10**30), "n_arms is 1000.*; allowed: at most 1048576"),
        (lambda: bl.start(dueling.RUCB(), 10**30), "n_arms is 1000.*; allowed: at most 1048576"),
        (lambda: dueling.VACDB(layers=0), "layers is 0"),
        (lambda: dueling.VACDB.as_released(scale=0.0), "scale is 0.0"),
        (lambda: dueling.MaxInP(kappa=-1), "kappa is -1"),
        (lambda: dueling.MaxInP(exploration=-1), "exploration is -1"),
        (lambda: bl.run(DRAWN, dueling.VACDB(), horizon=0, n_runs=1), "horizon is 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_bad_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        make()


def test_wrong_types_are_named() -> None:
    with pytest.raises(InvalidType, match="link is 'probit'; allowed: a link"):
        dueling.ContextualGLM([1.0], [[1.0], [2.0]], link="probit")
    with pytest.raises(InvalidType, match="an array with one row per arm, or an arm set"):
        dueling.ContextualGLM([1.0], dueling.Logistic())
    with pytest.raises(InvalidComponent, match=r"no kernel update"):

        @dueling.contextual_policy
        class Deaf:
            def select(self, state, features, lane, t, rng):
                return 0, 1

    with pytest.raises(InvalidComponent, match=r"select takes \(self, state, lane, t, rng\)"):

        @dueling.contextual_policy
        class Blind:
            def select(self, state, lane, t, rng):
                return 0, 1

            def update(self, state, features, first, second, lane, won, t):
                pass


@pytest.mark.parametrize("chosen", [(0, 5), (-1, 0), (0.5, 1), (0, np.nan)], ids=repr)
def test_a_policy_that_chooses_no_arm_is_stopped(chosen: Any) -> None:
    def select(self, state, features, lane, t, rng):
        return chosen

    def update(self, state, features, first, second, lane, won, t):
        pass

    own = dueling.contextual_policy(type("Own", (), {"select": select, "update": update}))()
    for backend in ("cpu", "python"):
        with pytest.raises(InvalidComponent, match=r"Own\(\) chose an arm that does not exist"):
            run(own, {"drawn": DRAWN}, backend=backend)
    with pytest.raises(InvalidComponent, match=r"Own\(\) chose an arm that does not exist"):
        bl.start(own, 3).select(np.eye(3))


# ------------------------------------------------------------------------------------- what is one's own, and limits


def a_link(*values: float) -> Any:
    def link(self, margin):
        return values[0] if margin == 0.0 else values[1] if margin > 0.0 else values[2]

    return dueling.link(type("Own", (), {"link": link}))()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((2.0, 2.0, -1.0), r"ContextualGLM\.link\(0\) is 2.0; allowed: a number in \[0, 1\]"),
        ((np.nan, 0.5, 0.5), r"link\(0\) is nan"),
        ((0.7, 0.8, 0.2), r"link\(0\) is 0.7 and ContextualGLM\.link\(-?0\) is 0.7; allowed: two numbers that add up"),
        (
            (0.5, 0.8, 0.3),
            r"link\(0.1\) is 0.8 and ContextualGLM\.link\(-0.1\) is 0.3; allowed: two numbers that add up",
        ),
        ((0.5, 0.4, 0.6), r"link\(0.1\) is 0.4; allowed: at least 0.5, as for a smaller margin"),
    ],
)
def test_a_link_that_gives_no_probabilities_is_refused(values: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        dueling.ContextualGLM([1.0], [[0.0], [1.0]], a_link(*values))
    dueling.ContextualGLM([1.0], [[0.0], [1.0]], a_link(0.5, 1.0, 0.0))  # a step is fine


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n_arms", 1, "Own.n_arms is 1; allowed: an integer of at least 2"),
        ("n_arms", "3", "Own.n_arms is '3'"),
        ("n_arms", None, "Own.n_arms is None"),
        ("dimension", 0, "Own.dimension is 0; allowed: an integer of at least 1"),
        ("every_round", "no", "Own.every_round is 'no'; allowed: True or False"),
    ],
)
def test_sizes_of_a_set_of_arms_of_ones_own_are_checked(field: str, value: Any, message: str) -> None:
    def draw(self, features, lane, bits):
        pass

    sizes = {"n_arms": 3, "dimension": 1, "every_round": False} | {field: value}
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        dueling.ContextualGLM([1.0], dueling.arm_set(type("Own", (), {"draw": draw} | sizes))())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"theta": np.ones(2)}, "Own.theta has 2 entries and Own.dimension is 3; allowed: as many"),
        ({"n_arms": 1}, "Own.n_arms is 1; allowed: an integer of at least 2"),
        ({"every_round": 1}, "Own.every_round is 1; allowed: True or False"),
    ],
)
def test_sizes_of_an_environment_of_ones_own_are_checked(fields: dict[str, Any], message: str) -> None:
    def show(self, features, lane, bits):
        pass

    def utility(self, features, arm, lane):
        return 0.0

    def win_probability(self, features, first, second, lane):
        return 0.5

    sizes = {"n_arms": 3, "dimension": 3, "theta": np.ones(3), "every_round": False} | fields
    kernels = {"show": show, "utility": utility, "win_probability": win_probability}
    own = dueling.contextual_environment(type("Own", (), sizes | kernels))()
    with pytest.raises((InvalidArgument, InvalidType), match=message):
        bl.run(own, POLICIES["MaxInP"], horizon=10, n_runs=1, progress=False)


@every_policy
@pytest.mark.parametrize("scale", [1e8, 1e90])
def test_huge_features_leave_no_nan(name: str, scale: float) -> None:
    huge = dueling.UniformArms(5, 3, low=-2.0 * scale, high=2.0 * scale)  # compiles to the same kernels
    for environment in (dueling.ContextualGLM(THETA, huge), dueling.ContextualGLM(np.array(THETA) / scale, huge)):
        for metric, values in run(POLICIES[name], environment, n_runs=2, horizon=30).items():
            assert np.isfinite(values).all(), metric


def test_huge_features_are_no_trouble_in_plain_python_either() -> None:
    environment = dueling.ContextualGLM(THETA, dueling.GaussianArms(5, 3, std=1e20))
    options: dict[str, Any] = {"n_runs": 1, "horizon": 20}
    same(
        run(POLICIES["MaxInP"], environment, **options),
        run(POLICIES["MaxInP"], environment, backend="python", **options),
    )


def test_a_penalty_that_is_almost_none_leaves_no_nan() -> None:
    for fields in ({"kappa": 1e-300}, {"ridge": 1e-300}):
        assert all(np.isfinite(values).all() for values in run(dueling.MaxInP(**fields), {"drawn": DRAWN}).values())


def test_an_agent_goes_back_to_before_its_first_round() -> None:
    agent = bl.start(POLICIES["CoLSTIM"], 3, horizon=10)
    begin = agent.state
    pairs = []
    for _ in range(2):
        pairs.append(agent.select(np.eye(3)))
        agent.update(pairs[-1], True)
        agent.state = begin
    assert pairs[0] == pairs[1]
    assert agent.select([[1.0], [2.0], [4.0]])  # not even the number of features is left


def test_a_state_that_is_refused_changes_nothing() -> None:
    agent, other = bl.start(POLICIES["MaxInP"], 3, horizon=10), bl.start(POLICIES["CoLSTIM"], 3, horizon=10)
    for won in (True, False, True):
        agent.update(agent.select(np.eye(3, 2)), won)
    other.select(np.eye(3))
    before = pickle.dumps(agent.state)
    bad = agent.state
    bad["features"] = np.full((3, 2), np.nan)
    for state, message in ((other.state, r"state\['policy'\] is"), (bad, r"state\['features'\]\[0\]\[0\] is nan")):
        with pytest.raises(InvalidArgument, match=message):
            agent.state = state
        assert pickle.dumps(agent.state) == before
        assert agent.estimate.shape == (2,)
