"""What every CVaR bandit promises, tried on the whole registry: a new policy is under this contract at once."""

from __future__ import annotations

import dataclasses
import inspect
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import arms, cvar
from banditlab.arms.environment_checks import PROBES
from banditlab.cli.docstrings import sections
from banditlab.core.family import registered
from banditlab.core.validation import probability, vector
from banditlab.cvar.bandits.heaps import empty_tails, sum_between, sum_of_smallest
from banditlab.cvar.bandits.protocol import CVaRProtocol
from banditlab.cvar.bandits.spaces import SampleSpace
from banditlab.errors import (
    BanditlabError,
    IncompatiblePolicy,
    InvalidArgument,
    InvalidComponent,
    InvalidType,
    OutOfTurn,
)
from tests.arms.naive import environment_rng
from tests.values import arrays, check_repr, check_same_future, check_twins, columns, same

from .bandits import BANDITS, DEFAULTS, NEEDED, OTHERS, VARIANTS

FIELDS = [(cls, f.name) for cls in BANDITS.values() for f in dataclasses.fields(cls)]
METRICS = ("cvar_regret", "cvar_regret[0.3]", "regret", "reward", "optimal_rate", "pulls")
HORIZON = 60
SEED = 5

COINS = arms.Bernoulli([0.3, 0.6, 0.5])
SHARES = np.random.default_rng(3).dirichlet(np.ones(40), 3)
FINE = arms.Categorical([k / 40 for k in range(40)], SHARES)  # values and sums that floats do not hold exactly

every_policy = pytest.mark.parametrize("name", BANDITS)
every_variant = pytest.mark.parametrize("name", VARIANTS)
every_field = pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{cls.__name__}.{f}" for cls, f in FIELDS])


def worlds(policy: Any) -> list[Any]:
    return [COINS] if isinstance(policy, cvar.MCVTS) else [COINS, FINE]


def play(world: Any, policies: Any, **options: Any) -> bl.Results:
    standard = {"horizon": HORIZON, "n_runs": 3, "seed": SEED, "metrics": METRICS, "n_jobs": 1, "progress": False}
    return bl.run(world, policies, **(standard | options))


# -------------------------------------------------------------------------------- the same numbers everywhere


@every_variant
def test_compiled_equals_plain_python_bit_for_bit(name: str) -> None:
    for world in worlds(VARIANTS[name]):
        options: dict[str, Any] = {"horizon": 40, "n_runs": 2, "seed": 3}
        same(
            columns(play(world, VARIANTS[name], **options)),
            columns(play(world, VARIANTS[name], backend="python", **options)),
        )


@every_policy
def test_run_is_the_same_whatever_chunk_threads_order_and_company(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together = play(COINS, DEFAULTS, n_runs=7)
    alone = columns(play(COINS, DEFAULTS[name], n_runs=3))
    same({metric: values[:3] for metric, values in columns(together, name).items()}, alone)
    monkeypatch.setattr(CVaRProtocol, "chunk", 2)
    scattered = play(COINS, dict(reversed(DEFAULTS.items())), n_runs=7, n_jobs=2)
    same(columns(together, name), columns(scattered, name))


@every_policy
def test_metrics_agree_with_one_another(name: str) -> None:
    policy = DEFAULTS[name]
    result = play(COINS, policy)
    got, rounds = columns(result), result.checkpoints
    pulls = np.stack([got[f"pulls[{a}]"] for a in range(3)])
    np.testing.assert_array_equal(pulls.sum(axis=0), np.broadcast_to(rounds, pulls.shape[1:]))
    for metric, tau in (("cvar_regret", policy.tau), ("cvar_regret[0.3]", 0.3)):
        cvars = COINS.cvars(tau)
        np.testing.assert_allclose(got[metric], np.tensordot(cvars.max() - cvars, pulls, 1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got["regret"], np.tensordot(COINS.gaps, pulls, 1), rtol=1e-12, atol=1e-12)
    alone = bl.run(COINS, policy, horizon=HORIZON, n_runs=3, seed=SEED, progress=False)
    assert alone.metrics == ("cvar_regret",), "what is recorded where nothing is said"
    np.testing.assert_array_equal(alone.values()[0], got["cvar_regret"])


def test_levels_are_each_policy_s_own() -> None:
    coins = arms.Bernoulli([0.3, 0.9])
    result = play(coins, [cvar.BernsteinUCB(1.0), cvar.BernsteinUCB(0.5)], metrics=("cvar_regret", "pulls"))
    for k, tau in enumerate((1.0, 0.5)):
        values = coins.cvars(tau)
        expected = (values.max() - values[0]) * result.values("pulls[0]")[k]
        np.testing.assert_allclose(result.values("cvar_regret")[k], expected, rtol=1e-12)


@pytest.mark.parametrize("contrast", [arms.UCB1(), arms.ThompsonSampling()], ids=repr)
def test_risk_neutral_contrasts_play_in_the_same_run(contrast: Any) -> None:
    """One arm is better on average and worse in its tail: who maximises means has more CVaR regret."""
    world = arms.Categorical([0.0, 0.5, 1.0], [[0.2, 0.0, 0.8], [0.0, 1.0, 0.0]])
    if isinstance(contrast, arms.ThompsonSampling):
        world = arms.Bernoulli([0.5, 0.9])  # it learns from 0 and 1 only
    result = play(world, [cvar.BCVTS(0.1), contrast], metrics=("cvar_regret[0.1]", "regret"), horizon=1000, n_runs=4)
    assert result.policies == ("BCVTS", type(contrast).__name__)
    alone = play(world, contrast, metrics="cvar_regret[0.1]", horizon=1000, n_runs=4)
    np.testing.assert_array_equal(alone.values()[0], result.values("cvar_regret[0.1]")[1])
    if isinstance(contrast, arms.UCB1):
        averse, neutral = result.values("cvar_regret[0.1]")[:, :, -1].mean(axis=1)
        assert averse < 0.1 * neutral
        averse, neutral = result.values("regret")[:, :, -1].mean(axis=1)
        assert averse > 10.0 * neutral


# -------------------------------------------------------------------------------------------------- the agent


def agent(policy: Any, seed: int = SEED, run: int = 0, horizon: int | None = HORIZON, n_arms: int = 3) -> Any:
    return bl.start(policy, n_arms=n_arms, seed=seed, run=run, horizon=horizon)


def plays(player: Any, numbers: NDArray[np.float64]) -> list[int]:
    """Let an agent play on coins that turn on given uniform numbers; return its arms."""
    played = []
    for u in numbers:
        played.append(player.select())
        player.update(played[-1], 1.0 if u < COINS.means[played[-1]] else 0.0)
    return played


LUCK = np.random.default_rng(8).random(HORIZON)


@every_policy
def test_agent_plays_the_arms_of_the_simulated_run(name: str) -> None:
    everywhere = list(range(1, HORIZON + 1))
    result = play(COINS, DEFAULTS[name], checkpoints=everywhere, metrics="pulls")
    pulls = np.stack([result.values(f"pulls[{a}]")[0, 2] for a in range(3)])
    simulated = np.argmax(np.diff(pulls, axis=1, prepend=0.0), axis=0).tolist()
    luck = environment_rng(SEED, 2)
    assert plays(agent(DEFAULTS[name], run=2), np.array([luck.open_uniform() for _ in everywhere])) == simulated


@every_policy
def test_agents_pickle_and_their_state_has_the_same_future(name: str) -> None:
    check_same_future(agent(DEFAULTS[name]), agent(DEFAULTS[name], seed=SEED + 1, run=9), plays, LUCK, 25)
    assert "BernsteinUCB(tau=0.3)" in repr(agent(cvar.BernsteinUCB(0.3)))


@every_policy
def test_bad_feedback_raises_and_leaves_the_agent_as_it_was(name: str) -> None:
    player, untouched = agent(DEFAULTS[name]), agent(DEFAULTS[name])
    arm = player.select()
    for wrong in ((arm + 1) % 3, -1, 3, None):
        with pytest.raises(BanditlabError):
            player.update(wrong, 1.0)
    for reward in (math.nan, math.inf, "1", None, 1.0001):
        with pytest.raises(BanditlabError, match=r"reward is .*; allowed: "):
            player.update(arm, reward)
    player.update(arm, 1.0)
    with pytest.raises(OutOfTurn):
        player.update(arm, 1.0)
    assert untouched.select() == arm
    untouched.update(arm, 1.0)
    assert plays(player, LUCK[1:]) == plays(untouched, LUCK[1:])


@every_policy
def test_agent_without_a_horizon_says_that_it_needs_one_or_has_no_use_for_it(name: str) -> None:
    if name == "MCVTS":
        assert plays(agent(DEFAULTS[name], horizon=None), LUCK) == plays(agent(DEFAULTS[name]), LUCK)
        return
    with pytest.raises(InvalidType, match=rf"horizon is None; .*{name}"):
        agent(DEFAULTS[name], horizon=None)


# ----------------------------------------------------------------------------------------------------- edges


@every_variant
@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_equal_rewards_leave_no_nan_in_the_state(name: str, reward: float) -> None:
    player = agent(VARIANTS[name])
    for _ in range(HORIZON):
        player.update(player.select(), reward)
        assert not any(np.isnan(array).any() for array in arrays(player.state["arrays"]))


@every_variant
def test_one_arm_one_round_and_as_many_rounds_as_arms(name: str) -> None:
    for means, horizon in (([0.4], 1), ([0.4], 20), ([0.2, 0.4, 0.6, 0.8], 4)):
        got = columns(play(arms.Bernoulli(means), VARIANTS[name], horizon=horizon))
        assert all(np.isfinite(values).all() for values in got.values())
        assert (sum(got[f"pulls[{a}]"][:, -1] for a in range(len(means))) == horizon).all()
        if len(means) == 1:
            assert (got["cvar_regret"] == 0.0).all()


@every_field
def test_extreme_values_that_a_field_allows_do_no_harm(cls: type, field: str) -> None:
    tried = 0
    for value in (1e-300, 1e-12, 1e-3, 1 - 1e-12, 1, True, 1_000_000, 1e12, [-1e6, 0.0, 1e-9, 1.0, 1e100]):
        try:
            policy = cls(**(NEEDED.get(cls.__name__, {}) | {field: value}))
            got = columns(play(COINS, policy, horizon=30, n_runs=1))
        except BanditlabError:
            continue
        tried += 1
        assert all(np.isfinite(values).all() for values in got.values()), policy
        same(got, columns(play(COINS, policy, horizon=30, n_runs=1, backend="python")))
    assert tried >= 1


REFUSED = {
    "negative": arms.Categorical([-0.5, 1.0], [[0.5, 0.5]] * 2),
    "above the upper end": arms.Categorical([0.0, 1.5], [[0.5, 0.5]] * 2),
    "unbounded": arms.Gaussian([0.0, 1.0], std=1.0),
}


@every_policy
@pytest.mark.parametrize("world", REFUSED)
def test_rewards_that_it_cannot_learn_from_are_refused_before_a_round(name: str, world: str) -> None:
    if world == "negative" and name in ("CVaRUCB", "BCVTS"):
        play(REFUSED[world], DEFAULTS[name])  # they need an upper end only
        return
    told = rf"{name}.* cannot play .*: it learns from"
    if world == "above the upper end" and "high" in {f.name for f in dataclasses.fields(DEFAULTS[name])}:
        told += rf" .*, and these are in \[0, 1.5\]; allowed: {name}\(..., high=1.5\)"
    with pytest.raises(IncompatiblePolicy, match=told) as caught:
        play(REFUSED[world], DEFAULTS[name], metrics="regret")
    assert ("high=" in str(caught.value)) == ("high=" in told), "it is named where it would do"


@pytest.mark.parametrize("name", ["BernsteinUCB", "CVaRUCB", "UUCB", "BrownUCB", "BCVTS"])
def test_the_upper_end_scales_with_the_rewards(name: str) -> None:
    """Rewards and `high` times four, a power of two: every bit of the estimates is the same, and so is every choice."""
    small = arms.Categorical([0.0, 0.25, 1.0], [[0.2, 0.5, 0.3], [0.3, 0.2, 0.5]])
    large = arms.Categorical([0.0, 1.0, 4.0], small.probabilities)
    options: dict[str, Any] = {"metrics": "pulls", "horizon": 300}
    a, b = play(small, BANDITS[name](tau=0.3), **options), play(large, BANDITS[name](tau=0.3, high=4.0), **options)
    np.testing.assert_array_equal(a.values("pulls[0]"), b.values("pulls[0]"))


def test_values_that_mcvts_does_not_know_are_refused() -> None:
    world = arms.Categorical([0.0, 0.5, 1.0], [[0.2, 0.3, 0.5], [0.0, 0.5, 0.5]])
    with pytest.raises(
        IncompatiblePolicy, match=r"learns from the rewards \[0.0, 1.0\], and this environment gives 0.5"
    ):
        play(world, cvar.MCVTS([0.0, 1.0]))
    with pytest.raises(IncompatiblePolicy, match="not known to be finitely many"):
        play(arms.Beta([1.0, 2.0], [1.0, 2.0]), cvar.MCVTS([0.0, 1.0]))
    play(world, cvar.MCVTS([-1.0, 0.0, 0.25, 0.5, 1.0]))  # others may be possible too
    never = arms.Categorical([0.0, 0.5, 1.0], [[0.5, 0.0, 0.5], [0.2, 0.0, 0.8]])
    play(never, cvar.MCVTS([0.0, 1.0]))
    padded = arms.Empirical([[0.25, 0.5, 9.0], [0.25, 0.5, 1.0]], [[1, 2, 0], [1, 1, 1]])
    play(padded, cvar.MCVTS([0.25, 0.5, 1.0]))
    play(arms.Categorical([1.0], [[1.0], [1.0]]), cvar.MCVTS([1.0]))
    player = agent(cvar.MCVTS([0.0, 0.5]))
    with pytest.raises(InvalidArgument, match=r"reward is 0.25; allowed: one of \[0.0, 0.5\]"):
        player.update(player.select(), 0.25)
    for wrong in ([], [1.0, 0.0], [0.0, 0.0], [0.0, math.nan], "01"):
        with pytest.raises(BanditlabError, match=r"MCVTS.values.* is .*; allowed: "):
            cvar.MCVTS(wrong)


def test_environments_whose_arms_change_can_be_played_but_have_no_cvar_regret() -> None:
    changing = arms.PiecewiseStationary([arms.Bernoulli([0.2, 0.8]), arms.Bernoulli([0.8, 0.2])], [30])
    play(changing, cvar.BernsteinUCB(), metrics="reward")
    for metric in ("cvar_regret", "cvar_regret[0.1]"):
        with pytest.raises(BanditlabError, match="cvar_regret"):
            play(changing, cvar.BernsteinUCB(), metrics=metric)


@every_policy
def test_fewer_rounds_than_arms_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="horizon is 2; allowed: at least 3"):
        play(COINS, DEFAULTS[name], horizon=2)


@pytest.mark.parametrize("metric", ["cvar_regret[0]", "cvar_regret[1.5]", "cvar_regret[x]", "cvar", "nonsense"])
def test_unknown_metrics_are_refused(metric: str) -> None:
    with pytest.raises(InvalidArgument, match="allowed"):
        play(COINS, cvar.BCVTS(), metrics=metric)


# --------------------------------------------------------------------------------------- a policy of one's own


@cvar.policy
class Cautious:
    """The arm whose smallest reward so far is largest, kept in an array of the lane's own."""

    tau: float = bl.field(default=0.25, check=probability, doc="level of CVaR")

    def state(self, space):
        """Return the arrays."""
        smallest = space.private(space.n_arms)
        smallest += 2.0
        return {"smallest": smallest}

    def index(self, state, arm, lane, t, rng):
        """Return the smallest reward."""
        return state.smallest[lane, arm]

    def update(self, state, arm, lane, reward, t):
        """Remember the reward."""
        state.smallest[lane, arm] = min(state.smallest[lane, arm], reward)


@cvar.policy
class Neutral:
    """The first arm, at no level."""

    def select(self, state, lane, t, rng):
        """Return the first arm."""
        return 0

    def update(self, state, arm, lane, reward, t):
        """Do nothing."""


def test_a_policy_of_ones_own_plays_beside_the_others() -> None:
    world = arms.Categorical([0.25, 0.5, 1.0], [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    compiled = play(world, [Cautious(), cvar.BCVTS(0.25)], n_runs=20)
    same(columns(compiled), columns(play(world, [Cautious(), cvar.BCVTS(0.25)], n_runs=20, backend="python")))
    assert compiled.values("pulls[0]")[0, :, -1].max() < 12, "it leaves the first arm at its first 0.25"
    assert plays(agent(Cautious()), LUCK)[:3] == [0, 1, 2]
    assert "Cautious" not in registered("cvar", "policy")


@cvar.policy
class Roomy:
    """The arms in turn, each with the sum of its smallest rewards, in tails with so much room."""

    n_values: int = bl.field(default=HORIZON, doc="room for values")
    most: float = bl.field(default=HORIZON, doc="room in the tail")
    share: float = bl.field(default=0.5, doc="the share that is summed")
    between: bool = bl.field(default=False, doc="whether it is summed between two ends")

    def state(self, space):
        """Return the arrays."""
        return {
            "tails": empty_tails(space, self.n_values, self.most),
            "others": empty_tails(space, HORIZON, HORIZON),
            "counts": space.per_arm(),
            "sums": space.per_arm(),
        }

    def select(self, state, lane, t, rng):
        """Return the next arm."""
        return t % 3

    def update(self, state, arm, lane, reward, t):
        """Sum the smallest."""
        n = state.counts[arm, lane] + 1.0
        state.counts[arm, lane] = n
        if self.between:
            state.sums[arm, lane] = sum_between(state.others, state.tails, arm, lane, reward, 0.0, self.share * n)
        else:
            state.sums[arm, lane] = sum_of_smallest(state.tails, arm, lane, reward, self.share * n)


def feed(mine: Any) -> None:
    """Let an agent play all of its rounds."""
    for _ in range(HORIZON):
        mine.update(mine.select(), 1.0)


TOO_SMALL = r"gave `sum_of_smallest` or `sum_between` more than .* allowed: at most n_values values an arm, .*horizon\)"
NO_TAIL = r"for the sum of so many values that they do not have it; allowed: at most as many as the arm has got"


@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"most": 0.05 * HORIZON}, TOO_SMALL),
        ({"most": 0.05 * HORIZON, "between": True}, TOO_SMALL),
        ({"most": 0.0, "share": 1.0}, TOO_SMALL),
        ({"n_values": 15}, TOO_SMALL),
        ({"n_values": 15, "share": 0.0}, TOO_SMALL),
        ({"share": 1.1}, NO_TAIL),
        ({"share": -1.0}, NO_TAIL),
        ({"share": math.nan}, NO_TAIL),
    ],
    ids=str,
)
def test_tails_with_too_little_room_are_told(fields: dict[str, Any], told: str, backend: str) -> None:
    """Compiled code would write behind its arrays: into other arms' rewards, or what ends the process."""
    with pytest.raises(InvalidComponent, match=rf"Roomy\(.*\) .*{told}"):
        play(COINS, Roomy(**fields), metrics="reward", backend=backend)
    mine = bl.start(Roomy(**fields), n_arms=3, horizon=HORIZON)
    with pytest.raises(InvalidComponent, match=told):
        feed(mine)


@pytest.mark.parametrize("fields", [{}, {"n_values": 20, "most": 10.0}, {"n_values": 20, "most": 20.0, "share": 1.0}])
def test_tails_with_enough_room_are_filled_to_the_last(fields: dict[str, Any]) -> None:
    """In 60 rounds each of the three arms gets 20 rewards."""
    played = [play(COINS, Roomy(**fields), metrics="reward", backend=backend) for backend in ("cpu", "python")]
    same(*(columns(result) for result in played))


@arms.policy
class WithOtherSpace:
    """Another family's policy, whose space has no arrays for tails."""

    def state(self, space):
        """Return the arrays."""
        return {"tails": empty_tails(space, HORIZON, HORIZON)}

    def select(self, state, lane, t, rng):
        """Return the first arm."""
        return 0

    def update(self, state, arm, lane, reward, t):
        """Do nothing."""


def test_tails_of_another_family_s_policy_are_refused_with_the_decorator_that_has_them() -> None:
    told = r"space is Space\(...\), which .*; allowed: that of a class with the decorator @cvar.policy"
    with pytest.raises(InvalidType, match=told):
        play(COINS, WithOtherSpace(), metrics="reward")


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ((0, 1.0), "n_values is 0; allowed: an integer of at least 1"),
        ((10, -1.0), r"most is -1.0; allowed: a number in \[0, inf\)"),
        ((10, math.nan), "most is nan"),
    ],
)
def test_tails_have_sizes(sizes: tuple[int, float], told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        empty_tails(SampleSpace(3, 2, None), *sizes)


def test_a_policy_without_a_level_needs_one_in_the_metric() -> None:
    with pytest.raises(InvalidArgument, match=r"metrics is 'cvar_regret'; allowed: 'cvar_regret\[0.05\]'.*Neutral\(\)"):
        play(COINS, Neutral(), metrics="cvar_regret")
    assert play(COINS, Neutral(), metrics="cvar_regret[0.1]").values().shape[1] == 3


@arms.environment
class Counted(arms.Stationary):
    """Certain rewards, with what CVaRs it is told; it knows how many rounds were played in plain Python.

    Not the first ones, nor the luck with which it is also asked for some rewards before it is played.
    """

    means: object = bl.field(check=vector(0.0, 1.0), doc="the rewards")

    support = arms.Support(0.0, 1.0)
    told: object = None
    rounds = 0

    def cvars(self, tau):
        """Return the means, or at low levels what was said."""
        return self.means if tau > 0.5 else type(self).told

    def reward(self, arm, u, t):
        """Return the arm's reward and count."""
        Counted.rounds += t > 1 and u not in PROBES
        return self.means[arm]


NOT_CVARS = {"short": [0.1], "long": [0.1, 0.2, 0.3], "nan": [0.1, math.nan], "number": 0.1, "words": ["a", "b"]}


@pytest.mark.parametrize("told", NOT_CVARS)
@pytest.mark.parametrize("metric", ["cvar_regret", "cvar_regret[0.1]"])
def test_what_cannot_be_recorded_is_noticed_before_a_round(
    told: str, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counted, "told", NOT_CVARS[told])
    monkeypatch.setattr(Counted, "rounds", 0)
    with pytest.raises(InvalidArgument, match=r"Counted.cvars\(0.1\).* (is|has) .*; allowed: "):
        play(Counted([0.25, 0.5]), [cvar.BCVTS(1.0), cvar.BCVTS(0.1)], metrics=metric, backend="python")
    with pytest.raises(InvalidArgument, match="has no tau"):
        play(Counted([0.25, 0.5]), [cvar.BCVTS(1.0), Neutral()], metrics="cvar_regret", backend="python")
    assert Counted.rounds == 0
    play(Counted([0.25, 0.5]), cvar.BCVTS(1.0), metrics="cvar_regret", backend="python")
    assert Counted.rounds == 3 * (HORIZON - 1)


def test_the_first_of_the_arms_at_the_upper_end_is_played_by_cvar_ucb() -> None:
    """With up to log(2 T^2) / 2 = 5.6 rewards an arm's index is the upper end exactly, and with six less."""
    player = agent(cvar.CVaRUCB(tau=0.3), horizon=200)
    played = []
    for reward in np.random.default_rng(12).random(18).tolist():
        played.append(player.select())
        player.update(played[-1], reward)
    assert played == [0, 1, 2] + [0] * 5 + [1] * 5 + [2] * 5


def test_a_horizon_whose_samples_fit_into_no_memory_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"horizon is 1000000000000000; allowed: one for which there is memory"):
        agent(cvar.BCVTS(), horizon=10**15)


def test_a_policy_whose_state_has_no_lane_is_refused() -> None:
    @cvar.policy
    class Wrong(Cautious):
        def state(self, space):
            return {"smallest": np.zeros((space.n_lanes + 1, space.n_lanes + 2))}

    with pytest.raises(InvalidComponent, match=r"Wrong.state\['smallest'\]"):
        play(COINS, Wrong())


# ----------------------------------------------------------------------------------------------- the object


@every_variant
def test_policy_pickles_copies_compares_and_shows_its_call(name: str) -> None:
    policy = VARIANTS[name]
    check_twins(policy, VARIANTS.values())
    check_repr(policy, vars(cvar))


@every_field
@pytest.mark.parametrize("value", [math.nan, "nonsense", b"1", [[1.0]], {}, 1j, math.inf, -1.0], ids=repr)
def test_field_refuses_nonsense(cls: type, field: str, value: Any) -> None:
    if field == "high" and value == -1.0 and cls in (cvar.CVaRUCB, cvar.BCVTS):
        return  # all rewards may be negative
    with pytest.raises(BanditlabError, match=f"{cls.__name__}.{field} is .*; allowed: "):
        cls(**(NEEDED.get(cls.__name__, {}) | {field: value}))


@every_policy
def test_policy_says_what_it_costs(name: str) -> None:
    notes = sections(inspect.getdoc(BANDITS[name]) or "")["Notes"]
    assert "Memory: " in notes
    assert "A round takes" in notes


def test_variants_cover_every_policy() -> None:
    assert len(VARIANTS) == len(BANDITS) + sum(map(len, OTHERS.values()))
    assert set(OTHERS) == set(BANDITS)
