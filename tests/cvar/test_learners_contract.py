"""What every learner promises, tried on the whole registry: a new one is under it at once."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, cvar
from banditlab.core import machines
from banditlab.core.family import registered
from banditlab.core.playing import jobs
from banditlab.cvar.mdp import protocol
from banditlab.cvar.mdp.planning import optimum
from banditlab.errors import BanditlabError, IncompatiblePolicy, InvalidArgument, InvalidComponent, InvalidType
from tests.values import check_twins, columns, same

LEARNERS = {name: cls for name, cls in registered("cvar", "policy").items() if cls.family.plays == ("cvar",)}
MIXTURE, FEATURES = cvar.linear_mixture(3, 2, 3, 2, seed=1)
UNIT = cvar.random_mdp(3, 2, 3, seed=0, reward_levels=3)
GIVEN = {"CVaRUCBVI": {"tau": 0.3}, "ICVaRRM": {"tau": 0.3}, "ICVaRL": {"features": FEATURES, "tau": 0.3}}
VARIANTS = {
    name: cls(**GIVEN.get(name, {}), **({"bonus_scale": 0.02} if hasattr(cls, "bonus_scale") else {}))
    for name, cls in LEARNERS.items()
}
VARIANTS["hoeffding"] = cvar.CVaRUCBVI(0.3, bonus="hoeffding", bonus_scale=0.05, eta=0.2, replan=1.5)
VARIANTS["often"] = cvar.ICVaRRM(0.1, replan=2.0)
METRICS = ("cvar_regret[0.3]", "cvar[0]", "icvar_regret[0.3]", "icvar[0]", "return", "estimate", "plans")
OPTIONS = {"horizon": 12, "seed": 3, "metrics": METRICS, "n_jobs": 1, "progress": False, "checkpoints": [1, 5, 12]}

every_variant = pytest.mark.parametrize("name", VARIANTS)
every_learner = pytest.mark.parametrize("name", LEARNERS)


def world(name):
    return UNIT if type(VARIANTS[name]).__name__ == "CVaRUCBVI" else MIXTURE


def run(name, n_runs=2, **options):
    return columns(bl.run(world(name), VARIANTS[name], n_runs=n_runs, **(OPTIONS | options)))


@every_variant
def test_compiled_equals_plain_python_bit_for_bit(name):
    same(run(name, 2, horizon=5, checkpoints=[1, 5]), run(name, 2, horizon=5, checkpoints=[1, 5], backend="python"))


@every_variant
def test_one_episode(name):
    """There may be fewer than actions."""
    one = {"horizon": 1, "checkpoints": [1]}
    same(run(name, 2, **one), run(name, 2, **one, backend="python"))


@every_variant
def test_run_is_the_same_whatever_chunk_threads_company_and_calls(name, monkeypatch):
    together = run(name, 7)
    monkeypatch.setattr(protocol.EpisodesProtocol, "chunk", 2)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    monkeypatch.setattr(machines, "SECONDS_A_CALL", 0.0)  # one episode a call
    others = {"first": VARIANTS[name], "other": dataclasses.replace(VARIANTS[name], replan=3.0)}
    result = bl.run(world(name), dict(reversed(others.items())), n_runs=7, **(OPTIONS | {"n_jobs": 2}))
    same(together, columns(result, "first"))


@every_variant
def test_metrics_agree_with_one_another(name):
    got = run(name, 3, horizon=40, checkpoints=list(range(1, 41)))
    mdp = world(name)
    low, high = mdp.return_range
    gained = np.diff(got["return"], axis=1, prepend=0.0)
    assert (gained >= low - 1e-12).all()
    assert (gained <= high + 1e-12).all()
    assert (np.diff(got["cvar_regret[0.3]"], axis=1, prepend=0.0) >= -1e-9).all()
    assert (np.diff(got["icvar_regret[0.3]"], axis=1, prepend=0.0) >= -1e-9).all()
    assert (got["icvar[0]"] <= got["cvar[0]"] + 1e-12).all()
    assert (got["plans"] <= np.arange(1, 41)).all()


def test_levels_of_static_and_iterated_cvar_meet_at_the_ends():
    """At level one both are the mean, at level zero the worst path; for policies with and without memory."""
    metrics = ["cvar[0]", "icvar[0]", "cvar[1]", "icvar[1]"]
    for name in ("CVaRUCBVI", "MaxWP"):
        got = run(name, 2, metrics=metrics, horizon=20, checkpoints=[7, 20])
        np.testing.assert_allclose(got["cvar[0]"], got["icvar[0]"], atol=1e-12)
        np.testing.assert_allclose(got["cvar[1]"], got["icvar[1]"], atol=1e-12)


def test_simulated_returns_have_the_law_that_is_evaluated():
    """The mean return of runs that plan once is the mean that is evaluated exactly (4 standard errors)."""
    learner = cvar.CVaRUCBVI(0.3, replan=1e6)
    result = bl.run(
        UNIT, learner, horizon=20_000, n_runs=8, seed=0, metrics=["return", "cvar[1]"], checkpoints=[2_000, 20_000]
    )
    gained = np.diff(result.values("return")[0], axis=1)[:, 0] / 18_000
    exact = result.values("cvar[1]")[0, :, 1]
    assert (result.values("cvar[1]")[0, :, 0] == exact).all()
    spread = 0.5 * (UNIT.return_range[1] - UNIT.return_range[0]) / math.sqrt(18_000 * 8)
    assert abs(gained.mean() - exact.mean()) < 4 * spread


OFTEN = cvar.random_mdp(4, 3, 4, seed=0)
OPTIMISTS = {
    "Bernstein": (OFTEN, cvar.CVaRUCBVI(0.3, delta=0.1, replan=1.3), 50_000, (False, 0.3)),
    "Hoeffding": (OFTEN, cvar.CVaRUCBVI(0.3, delta=0.1, bonus="hoeffding", replan=1.3), 50_000, (False, 0.3)),
    "ICVaRRM": (MIXTURE, cvar.ICVaRRM(0.5, delta=0.1, replan=1.3), 20_000, (True, 0.5)),
    "MaxWP": (MIXTURE, cvar.MaxWP(), 500, (True, 0.0)),
    "UCBVI": (MIXTURE, cvar.UCBVI(delta=0.1, replan=1.3), 20_000, (True, 1.0)),
    "ICVaRL": (MIXTURE, cvar.ICVaRL(0.8, FEATURES, delta=0.1, epsilon=0.001, replan=1.5), 20_000, (True, 0.8)),
}


@pytest.mark.parametrize("name", OPTIMISTS)
def test_estimates_are_above_the_optimum_with_the_theorys_bonus(name):
    """In at least 1 - delta of the runs, in all episodes; without the bonus they would not be."""
    mdp, learner, episodes, (iterated, tau) = OPTIMISTS[name]
    best = optimum(mdp, tau, iterated=iterated)
    options = {"horizon": episodes, "n_runs": 20, "seed": 1, "metrics": "smallest_estimate", "progress": False}
    smallest = bl.run(mdp, learner, **options).values()[0, :, -1]
    assert (smallest >= best - 1e-9).mean() >= 0.9
    if name != "MaxWP":
        bare = bl.run(mdp, dataclasses.replace(learner, bonus_scale=0.0), **options).values()[0, :, -1]
        assert (bare >= best - 1e-9).mean() < 0.9


@pytest.mark.parametrize("tau", [0.8, 1.0])
def test_regret_is_below_the_bound(tau):
    """Where the bound says something: below what the worst policy, and a uniform one, would pay."""
    episodes = 1_000_000
    bandit = cvar.TabularMDP([[[1.0], [1.0]]], [0.0, 1.0], 1, reward_probabilities=[[[1.0, 0.0], [0.0, 1.0]]])
    bound = cvar.theory.hoeffding_bound(1, 2, 1, episodes, tau)
    learner = cvar.CVaRUCBVI(tau, bonus="hoeffding", replan=1.1)
    regret = bl.run(bandit, learner, horizon=episodes, n_runs=2, seed=0, progress=False).values()[0, :, -1]
    assert (regret <= bound).all()
    assert bound < 0.5 * episodes
    assert (regret > 0.0).all()


# ---------------------------------------------------------------------------------------------------- refusals

REFUSED = {
    "range": (
        cvar.TabularMDP([[[1.0]]], [[2.0]], 2),
        cvar.CVaRUCBVI(0.5),
        r"its rewards are at least 2 and its returns from 4 to 4; allowed: .*TabularMDP.normalised\(\)",
    ),
    "random": (UNIT.__class__([[[1.0]]], [0.0, 1.0], 2, reward_probabilities=[[[0.5, 0.5]]]), cvar.MaxWP(),
               r"its rewards are random or depend on the next state; allowed: one reward per state and action"),
    "changing": (cvar.TabularMDP([[[[1.0]]]] * 2, [[[0.0]], [[1.0]]], 2), cvar.UCBVI(),
                 r"its transitions or rewards change from step to step; allowed: .* UCBVI pools"),
    "unit rewards": (cvar.TabularMDP([[[1.0]]], [[-1.0]], 2), cvar.ICVaRRM(0.5),
                     r"its rewards are from -1 to -1; allowed: 0 to 1"),
    "sizes": (UNIT, cvar.ICVaRL(0.5, FEATURES[:2, :, :2]), r"its features are of shape \(2, 2, 2, 2\)"),
    "span": (UNIT, cvar.ICVaRL(0.5, FEATURES), r"its transitions are no mixture of the features; allowed"),
    "family": (arms.Bernoulli([0.1, 0.2]), cvar.MaxWP(), r"it plays MDPs, not environments of arms"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_environments_that_do_not_fit_are_refused(name):
    environment, learner, message = REFUSED[name]
    with pytest.raises(IncompatiblePolicy, match=message):
        bl.run(environment, learner, horizon=5, n_runs=1, seed=0)


def test_policies_of_arms_are_refused():
    with pytest.raises(IncompatiblePolicy, match=r"of arms, not MDPs; .* cvar\.UCBVI"):
        bl.run(UNIT, arms.UCB1(), horizon=5, n_runs=1, seed=0)


BAD_METRICS = {
    "unknown": (
        "regret",
        r"metrics is 'regret'; allowed: 'cvar_regret' or 'icvar_regret' \(at the policies' own tau\)",
    ),
    "no number": ("cvar[low]", r"metrics is 'cvar\[low\]'; allowed"),
    "no level": ("cvar", r"metrics is 'cvar'; allowed"),
    "level": ("cvar_regret[2]", r"the level of 'cvar_regret\[2\]' is 2.0; allowed: a number in \[0, 1\]"),
}


@pytest.mark.parametrize("name", BAD_METRICS)
def test_unknown_metrics_are_refused(name):
    metric, message = BAD_METRICS[name]
    with pytest.raises(InvalidArgument, match=message):
        bl.run(UNIT, cvar.CVaRUCBVI(0.3), horizon=5, n_runs=1, seed=0, metrics=metric)


def test_policies_without_a_level_need_one_for_their_regret():
    with pytest.raises(
        InvalidArgument, match=r"metrics is 'cvar_regret'; allowed: 'cvar_regret\[0.1\]', with the level"
    ):
        bl.run(MIXTURE, cvar.UCBVI(), horizon=5, n_runs=1, seed=0)


def test_more_returns_than_can_be_told_apart_are_refused():
    g = np.random.default_rng(0)
    wild = cvar.TabularMDP(g.dirichlet(np.ones(6), size=(6, 6)), g.random((6, 6)) / 9, 9)
    with pytest.raises(InvalidArgument, match=r"rewards have more than 20,000 different sums; allowed: .*rounded"):
        bl.run(wild, cvar.CVaRUCBVI(0.3, eta=0.1), horizon=6, n_runs=1, seed=0)
    with pytest.raises(InvalidArgument, match=r"memories, and returns have .* values; allowed: a product of at most"):
        bl.run(wild.rounded(1e-3), cvar.CVaRUCBVI(0.3, eta=1e-5), horizon=6, n_runs=1, seed=0)


def test_no_agent_is_started():
    with pytest.raises(InvalidType, match=r"policy is MaxWP\(\); allowed: a policy of another family"):
        bl.start(cvar.MaxWP(), n_arms=2)


def test_a_learner_needs_its_kernels():
    with pytest.raises(InvalidComponent, match="Idle has no kernel plan; allowed: a class with plan"):

        @cvar.mdp_policy
        class Idle:
            pass


def test_a_learner_of_ones_own_plays_as_it_says():
    @cvar.mdp_policy
    class Alternates:
        """Takes action 0 until something has been paid, then action 1: a memory of two states."""

        def plan(self, state, known, lane, t, rng):
            return t == 1

        def act(self, state, known, lane, h, s, memory):
            return memory

        def observe(self, state, known, lane, h, s, a, j, s_next, t):
            pass

        def n_memories(self, state):
            return 2

        def next_memory(self, state, lane, h, memory, j):
            return 1 if j > 0 or memory == 1 else 0

    lottery = cvar.TabularMDP(
        [[[1.0], [1.0]]], [0.0, 0.25, 0.5], 2, reward_probabilities=[[[0.5, 0.0, 0.5], [0, 1, 0]]]
    )
    metrics = ["cvar[0.25]", "cvar[1]", "icvar[0.75]"]
    for backend in ("cpu", "python"):
        result = bl.run(lottery, Alternates(), horizon=3, n_runs=1, seed=0, metrics=metrics, backend=backend)
        # 0 then 0, 0 then 1/2, or 1/2 then 1/4
        assert result.values("cvar[1]")[0, 0, -1] == pytest.approx(0.25 * 0.5 + 0.5 * 0.75)
        assert result.values("cvar[0.25]")[0, 0, -1] == pytest.approx(0.0)
        # the second step is worth 1/6 after nothing was paid, and 1/4 after 1/2
        assert result.values("icvar[0.75]")[0, 0, -1] == pytest.approx((0.5 / 6 + 0.25 * (0.5 + 0.25)) / 0.75)


def fixed():
    """Return a learner that takes one action, and says that what it plays never changes."""

    @cvar.mdp_policy
    class Fixed:
        chosen: float = bl.field(doc="the action")

        def plan(self, state, known, lane, t, rng):
            return False

        def act(self, state, known, lane, h, s, memory):
            return self.chosen

        def observe(self, state, known, lane, h, s, a, j, s_next, t):
            pass

    return Fixed


class Forgetful:
    """Learns in `observe` which action paid, and plays it at once."""

    def state(self, space):
        return {"best": space.array(space.known.n_steps, dtype=int)}

    def act(self, state, known, lane, h, s, memory):
        return state.best[lane, h]

    def observe(self, state, known, lane, h, s, a, j, s_next, t):
        state.best[lane, h] = 1

    def plan(self, state, known, lane, t, rng):
        return False


class Doubling(Forgetful):
    """Says that it plans in episodes 1, 2, 4, 8, ..., and changes what it plays after each."""

    def observe(self, state, known, lane, h, s, a, j, s_next, t):
        state.best[lane, h] = 1 - a if t & (t - 1) == 0 else a

    def plan(self, state, known, lane, t, rng):
        return t & (t - 1) == 0


class Restless(Forgetful):
    """Goes over to the other action within an episode."""

    def observe(self, state, known, lane, h, s, a, j, s_next, t):
        for later in range(known.n_steps):
            state.best[lane, later] = 1 - a

    def plan(self, state, known, lane, t, rng):
        return True


@pytest.mark.parametrize("scale", [1.0, 1e-10, 1e10])
@pytest.mark.parametrize("backend", ["cpu", "python"])
@pytest.mark.parametrize(
    ("learner", "told"),
    [
        (Forgetful, "no longer plays what was evaluated when `plan` last returned True"),
        (Doubling, "no longer plays what was evaluated when `plan` last returned True"),
        (Restless, "chose another action in an episode than it would have at its start"),
    ],
    ids=["not evaluated anew", "evaluated anew where one looks first", "changes within an episode"],
)
def test_values_of_what_is_not_played_are_refused(learner, told, backend, scale):
    world = cvar.TabularMDP([[[1.0], [1.0]]], [[0.0, 0.5 * scale]], horizon=2)
    policy = cvar.mdp_policy(type(learner.__name__, (learner,), {}))()
    options = {"horizon": 20, "n_runs": 2, "seed": 0, "backend": backend, "progress": False}
    for metrics in ("cvar_regret[1]", "icvar[0.5]"):
        with pytest.raises(InvalidComponent, match=rf"^{learner.__name__}\(\) {told}"):
            bl.run(world, policy, metrics=metrics, **options)
    assert bl.run(world, policy, metrics="return", **options).n_runs == 2


def test_a_learner_that_acts_on_what_it_has_just_learnt_of_other_steps_is_evaluated_right():
    """Q-learning that acts greedily on its table: what a step changes is played in the next episode."""

    class Greedy(Forgetful):
        def plan(self, state, known, lane, t, rng):
            return True

    world = cvar.TabularMDP([[[1.0], [1.0]]], [[0.0, 0.5]], horizon=2)
    result = bl.run(
        world, cvar.mdp_policy(Greedy)(), horizon=20, n_runs=2, seed=0, metrics=["cvar_regret[1]", "return"]
    )
    assert result.values("cvar_regret[1]")[0, 0, -1] == 1.0  # all of it in the first episode
    assert result.values("return")[0, 0, -1] == 19.0


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_what_never_changes_is_evaluated_before_the_first_episode(backend):
    policy = fixed()(1)
    metrics = ["cvar[0.5]", "icvar[0.5]", "cvar_regret[0.5]"]
    result = bl.run(UNIT, policy, horizon=3, n_runs=1, seed=0, metrics=metrics, backend=backend)
    played = cvar.TabularPolicy.markov(UNIT, np.ones((3, 3), int))
    value = cvar.evaluate(UNIT, played).cvar(0.5)
    assert value > 0.0
    assert result.values("cvar[0.5]")[0, 0] == pytest.approx(value)
    assert result.values("icvar[0.5]")[0, 0] == pytest.approx(cvar.iterated_cvar(UNIT, played, 0.5))
    assert result.values("cvar_regret[0.5]")[0, 0, -1] == pytest.approx(
        3 * (optimum(UNIT, 0.5, iterated=False) - value)
    )
    with pytest.raises(InvalidArgument, match=r"metrics is 'estimate'; allowed: others, as Fixed\(1\) has no kernel"):
        bl.run(UNIT, policy, horizon=3, n_runs=1, seed=0, metrics="estimate", backend=backend)


@pytest.mark.parametrize("metric", ["cvar[0.5]", "icvar[0.5]", "return"])
@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_actions_and_memories_that_do_not_exist_are_refused(backend, metric):
    """Compiled code would read outside its arrays."""
    options = {"horizon": 3, "n_runs": 1, "seed": 0, "metrics": metric, "backend": backend}
    for action in (-1, 2, 0.5, math.nan):
        with pytest.raises(
            InvalidComponent, match=rf"Fixed\({action}\) chose an action that does not exist.*; allowed: whole numbers"
        ):
            bl.run(UNIT, fixed()(action), **options)

    @cvar.mdp_policy
    class Counts(fixed()):
        def n_memories(self, state):
            return 3

        def next_memory(self, state, lane, h, memory, j):
            return memory + 1

    with pytest.raises(InvalidComponent, match=r"Counts\(0\) chose a memory that does not exist.* to n_memories - 1"):
        bl.run(UNIT, Counts(0), **options)


def test_several_reasons_against_one_pair_name_it_once():
    mdp = cvar.TabularMDP([[[0.5, 0.5]], [[0.0, 1.0]]], [[[0.0, 2.0]], [[1.0, 1.0]]], horizon=2)
    with pytest.raises(
        IncompatiblePolicy, match=r"depend on the next state; .*; its rewards are from 0 to 2; "
    ) as caught:
        bl.run(mdp, cvar.MaxWP(), horizon=5, n_runs=1, seed=0, metrics="return")
    assert str(caught.value).count("cannot play") == 1


def irregular(horizon):
    """Return an MDP whose rewards are multiples of nothing, in the units of a learner."""
    transitions = np.random.default_rng(0).dirichlet(np.ones(5), size=(5, 3))
    return cvar.TabularMDP(transitions, np.random.default_rng(1).random((5, 3)), horizon=horizon)


@pytest.mark.parametrize(
    ("horizon", "why"),
    [(4, "more than 200,000 budgets can be met"), (6, "rewards have more than 20,000 different sums")],
)
@pytest.mark.parametrize(("metrics", "metric"), [(None, "cvar_regret"), (["return", "cvar[0.1]"], r"cvar\[0.1\]")])
def test_a_metric_that_cannot_be_computed_exactly_says_so_and_what_can(horizon, why, metrics, metric):
    """It is not the policy's eta that is missing."""
    mdp, learner = irregular(horizon), cvar.CVaRUCBVI(0.2, eta=0.01, replan=1.5)
    told = rf"metrics is '{metric}', which is computed exactly, whatever eta a policy has, and {why}; allowed: an MDP "
    with pytest.raises(
        InvalidArgument, match=told + r".* \(mdp.rounded\(eta\).normalised\(\) is one\), or other metrics"
    ):
        bl.run(mdp.normalised(), learner, horizon=20, n_runs=1, seed=0, metrics=metrics)
    for world, wanted in [(mdp.rounded(0.05).normalised(), metrics), (mdp.normalised(), "return")]:
        bl.run(world, learner, horizon=20, n_runs=1, seed=0, metrics=wanted)


def test_an_mdp_that_was_rounded_after_it_was_normalised_is_refused_with_the_order():
    mdp = irregular(3)
    with pytest.raises(
        IncompatiblePolicy, match=r"to 1.02; allowed: .* \(TabularMDP.normalised\(\), after rounded\(eta\)"
    ):
        bl.run(mdp.normalised().rounded(0.01), cvar.CVaRUCBVI(0.2), horizon=20, n_runs=1, seed=0)


SMALL = {
    "level": (lambda: cvar.ICVaRRM(5e-324), r"ICVaRRM.tau is 5e-324; allowed: at least 1e-100"),
    "grid": (lambda: cvar.CVaRUCBVI(0.5, eta=1.5), r"CVaRUCBVI.eta is 1.5; allowed: a number in \(0, 1\]"),
    "finest grid": (
        lambda: bl.run(UNIT, cvar.CVaRUCBVI(0.5, eta=1e-12), horizon=3, n_runs=1, seed=0),
        r"CVaRUCBVI.eta is 1e-12; allowed: a grid of at most 55,555,555 budgets",
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_where_arithmetic_ends(name):
    call, message = SMALL[name]
    with pytest.raises(InvalidArgument, match=message):
        call()


# ---------------------------------------------------------------------------------------------------- the object


@every_variant
def test_policy_pickles_copies_and_compares(name):
    policy = VARIANTS[name]
    check_twins(policy, VARIANTS.values())


FIELDS = [(cls, f.name) for cls in LEARNERS.values() for f in dataclasses.fields(cls)]


@pytest.mark.parametrize(("cls", "field"), FIELDS, ids=[f"{cls.__name__}.{f}" for cls, f in FIELDS])
def test_field_refuses_nonsense(cls, field):
    given = GIVEN.get(cls.__name__, {})
    for value in (math.nan, "nonsense", [1.0], {}, True, -1.0):
        with pytest.raises(BanditlabError, match=rf"{cls.__name__}.{field} .*; allowed: "):
            cls(**(given | {field: value}))
