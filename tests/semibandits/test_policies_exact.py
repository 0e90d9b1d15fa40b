"""Every policy on sums of items plays, round by round, what its naive reference plays on the same luck.

The references are in `naive.py`; those of the policies for other feedback in `naive_sets.py`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import arms
from banditlab import semibandits as sb
from banditlab.core.components import make_state
from banditlab.core.elementary import log
from banditlab.semibandits.policies.safe import _best_possibly_safe
from banditlab.semibandits.spaces import ActionSpace, make_work
from tests.arms.naive import environment_rng, policy_rng

from . import naive
from .players import OTHERS, POLICIES, VARIANTS, outcomes

pytestmark = pytest.mark.filterwarnings("ignore::banditlab.errors.AssumptionWarning")  # parameters of any value


@dataclasses.dataclass(frozen=True)
class Instance:
    items: Any
    actions: Any
    listed: list[naive.Action]
    horizon: int
    n_runs: int
    seed: int

    @property
    def environment(self) -> Any:
        return sb.SemiBandit(self.items, self.actions)


def coins(*means: float) -> arms.Bernoulli:
    return arms.Bernoulli(means)


QUARTERS = arms.Categorical(
    [0.0, 0.25, 0.5, 1.0],
    [[0.25] * 4, [0.125, 0.5, 0.25, 0.125], [0.0, 0.25, 0.5, 0.25], [0.25] * 4],
)
LISTED = [(0, 1), (2,), (1, 2, 3), (0, 3)]

INSTANCES = {
    "two of four": Instance(coins(0.3, 0.6, 0.5, 0.8), sb.MSets(2), naive.all_of(4, 2), 200, 2, 31),
    "three of six": Instance(coins(0.1, 0.4, 0.5, 0.8, 0.4, 0.9), sb.MSets(3), naive.all_of(6, 3), 200, 2, 32),
    "all equal": Instance(coins(*[0.5] * 5), sb.MSets(2), naive.all_of(5, 2), 150, 2, 33),
    "zeros and ones": Instance(coins(0.0, 1.0, 0.0, 1.0), sb.MSets(2), naive.all_of(4, 2), 60, 1, 34),
    "all of them": Instance(coins(0.2, 0.7, 0.4), sb.MSets(3), naive.all_of(3, 3), 50, 1, 35),
    "one item": Instance(coins(0.4), sb.MSets(1), [(0,)], 30, 2, 36),
    "one round": Instance(coins(0.4), sb.MSets(1), [(0,)], 1, 2, 37),
    "as many rounds as items": Instance(coins(*[0.5] * 6), sb.MSets(2), naive.all_of(6, 2), 6, 2, 38),
}
# each pair of types costs its compilation: only some policies are tried with other items and other action sets
ELSEWHERE = {
    "up to two": Instance(coins(0.3, 0.6, 0.5, 0.8), sb.UpToM(2), naive.all_up_to(4, 2), 150, 2, 39),
    "listed": Instance(coins(0.3, 0.6, 0.5, 0.8), sb.Explicit(LISTED), LISTED, 200, 2, 40),
    # sums of quarters are exact, so that different outcomes tie exactly
    "quarters": Instance(QUARTERS, sb.MSets(2), naive.all_of(4, 2), 150, 2, 41),
    "betas": Instance(
        arms.Beta([2.0, 0.1, 0.5, 4.0], [1.0, 0.2, 3.0, 4.0]), sb.MSets(2), naive.all_of(4, 2), 150, 2, 42
    ),
}
PAIRS = [
    (sb.CombUCB1(), "up to two"),
    (sb.CombUCB1(alpha=0.2), "listed"),
    (sb.ESCB2(), "listed"),
    (sb.CUCB(), "quarters"),
    (sb.BetaCTS(a=0.5, b=2.0), "betas"),
]

Trace = list[list[naive.Action]]
"""The action of every round, one list per run."""


def simulated(policy: Any, environment: Any, horizon: int, n_runs: int, seed: int, **options: Any) -> Trace:
    """Return what the simulation plays, read off the pulls."""
    result = bl.run(
        environment,
        policy,
        horizon=horizon,
        n_runs=n_runs,
        seed=seed,
        checkpoints=list(range(1, horizon + 1)),
        metrics="pulls",
        n_jobs=1,
        progress=False,
        **options,
    )
    pulls = np.stack([result.values(f"pulls[{i}]")[0] for i in range(environment.n_arms)])
    played = np.diff(pulls, axis=2, prepend=0.0)
    assert set(np.unique(played)) <= {0.0, 1.0}
    return [[tuple(np.flatnonzero(played[:, run, t]).tolist()) for t in range(horizon)] for run in range(n_runs)]


def check(
    policy: Any,
    items: Any,
    actions: Any,
    listed: list[naive.Action],
    horizon: int,
    n_runs: int,
    seed: int,
    limits: tuple[int, float] | None = None,
) -> list[Any]:
    """Let the reference play, compare action by action, and return the references as they are in the end."""
    name = type(policy).__name__
    got = simulated(policy, sb.SemiBandit(items, actions), horizon, n_runs, seed)
    fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy) if f.name != "actions"}
    players = []
    for run in range(n_runs):
        player = naive.REFERENCES[name](items.n_arms, horizon, listed, limits, **fields)
        luck, own = environment_rng(seed, run), policy_rng(seed, run)
        for t in range(1, horizon + 1):
            action = player.select(t, own)
            assert got[run][t - 1] == action, f"{policy!r}, run {run}, round {t}"
            player.update(action, outcomes(items, action, luck.open_uniform()), t)
        players.append(player)
    return players


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("policy", VARIANTS, ids=repr)
def test_plays_what_the_reference_plays(policy: Any, instance: str) -> None:
    case = INSTANCES[instance]
    check(policy, case.items, case.actions, case.listed, case.horizon, case.n_runs, case.seed)


@pytest.mark.parametrize(("policy", "instance"), PAIRS, ids=[f"{policy!r}-{name}" for policy, name in PAIRS])
def test_plays_what_the_reference_plays_on_other_items_and_sets(policy: Any, instance: str) -> None:
    case = ELSEWHERE[instance]
    check(policy, case.items, case.actions, case.listed, case.horizon, case.n_runs, case.seed)


# ------------------------------------------------------------------------------------------ PASCombUCB

EXPERIMENT = arms.Beta.from_moments([0.5, 0.45, 0.4, 0.35, 0.3, 0.3], [0.24, 0.24, 0.04, 0.01, 0.01, 0.01])
STEEP = arms.Beta.from_moments([0.9, 0.8, 0.7, 0.1], [0.001, 0.002, 0.001, 0.002])

SAFE = {
    "experiment": (EXPERIMENT, 3, 0.6, 300),
    "budget of a single item": (EXPERIMENT, 3, 0.26, 150),
    "variances small": (STEEP, 3, 0.3, 3_000),
    "coins": (coins(0.5, 0.5, 0.9, 0.1), 2, 0.4, 300),
    "equal coins": (coins(0.5, 0.5, 0.5), 2, 0.3, 150),
    "quarters": (QUARTERS, 3, 0.55, 200),
    "one item is left over in the warm-up": (coins(0.5, 0.4, 0.9), 3, 0.55, 200),
    "certain outcomes": (coins(0.0, 1.0, 1.0), 2, 0.3, 100),
    "budget is twice the bound": (coins(0.5, 0.5, 0.9, 0.1), 3, 0.5, 60),
    "budget beyond all": (coins(0.2, 0.5, 0.9, 0.1), 2, 9.0, 100),
    "one item": (coins(0.4), 1, 0.3, 30),
    "one round": (coins(0.4), 1, 0.3, 1),
}


@pytest.mark.parametrize("case", SAFE)
@pytest.mark.parametrize("paper_code", [False, True], ids=["default", "paper_code"])
def test_pascombucb_is_the_paper_s(case: str, paper_code: bool) -> None:
    items, m, budget, horizon = SAFE[case]
    policy = sb.PASCombUCB(paper_code=paper_code)
    listed = naive.all_up_to(items.n_arms, m)
    check(policy, items, sb.SafeUpToM(m, budget), listed, horizon, 2, 50, (m, budget))


# In the end the action of both items is found not possibly safe, or all are: the policy's set is then not the
# environment's, which has no safe action. That takes long, as radii are wide.
PAIR, NONE = sb.SafeUpToM(2, 0.26), sb.SafeUpToM(2, 0.1)
LONG = [
    (sb.PASCombUCB(delta=0.9, actions=PAIR), 2, 70_000),
    (sb.PASCombUCB(variance_bound=0.05, paper_code=True, actions=NONE), 0, 45_000),
    (sb.PASCombUCB(variance_bound=0.05, actions=NONE), 0, 45_000),
]


@pytest.mark.parametrize(("policy", "left", "horizon"), LONG, ids=[repr(case[0]) for case in LONG])
def test_pascombucb_where_actions_are_found_unsafe(policy: Any, left: int, horizon: int) -> None:
    items, limits = coins(0.5, 0.5), (2, policy.actions.budget)
    (player,) = check(policy, items, sb.UpToM(2), naive.all_up_to(2, 2), horizon, 1, 51, limits)
    assert len(player.possibly_safe) == left, "the instance does not try what it is for"


@pytest.mark.parametrize("delta", [0.05, 1e-6])
@pytest.mark.parametrize("paper_code", [False, True], ids=["default", "paper_code"])
def test_pascombucb_merges_groups_when_upper_bounds_of_variances_say_so(paper_code: bool, delta: float) -> None:
    """A loose bound on variances makes that happen early: three groups a phase, then two, then one."""
    policy = sb.PASCombUCB(delta=delta, variance_bound=1.0, paper_code=paper_code)
    limits, horizon, seed = (3, 1.9), 6_000, 50
    listed = naive.all_up_to(4, 3)
    (player,) = check(policy, STEEP, sb.SafeUpToM(*limits), listed, horizon, 1, seed, limits)
    assert player.groups == {3, 2, 1}, "the instance does not try what it is for"


def test_pascombucb_takes_the_lexicographically_smallest_of_equal_actions_of_different_sizes() -> None:
    """Items 0 and 2 are together worth as much as item 1; sets of item 1 and another are not possibly safe."""
    actions = sb.SafeUpToM(2, 0.35)
    for policy in (sb.PASCombUCB(), sb.PASCombUCB(paper_code=True)):
        space = ActionSpace(3, 1, 100, actions)
        state, work = make_state(policy, space), make_work(actions, space)
        state.upper_means[:, 0] = [1.0, 2.0, 1.0]
        state.lower_variances[:, 0] = [0.1, 0.3, 0.1]
        state.begins[0] = True
        _best_possibly_safe(policy.params(space.problem), state, actions.params(space.problem), work)
        assert state.found[: state.found_size[0], 0].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("bound", "budget", "together"),
    [(0.25, 0.6, 2), (0.25, 0.5, 1), (0.25, 0.51, 2), (0.1, 0.3, 2), (0.1, 0.1 * 3, 2), (0.1, 0.31, 3), (0.1, 9.0, 4)],
)
def test_warm_up_of_pascombucb_stays_below_the_budget_strictly(bound: float, budget: float, together: int) -> None:
    """0.1 * 3 is a little more than 0.3, and so is three times 0.1, so that three items reach it."""
    policy = sb.PASCombUCB(variance_bound=bound)
    assert policy.params(ActionSpace(5, 1, 100, sb.SafeUpToM(4, budget)).problem).together == together


def test_every_field_of_pascombucb_is_tried() -> None:
    tried = {f.name for policy, *_ in LONG for f in dataclasses.fields(policy) if getattr(policy, f.name) != f.default}
    assert tried == {f.name for f in dataclasses.fields(sb.PASCombUCB)}


# ------------------------------------------------------------------------------------------ completeness


def test_every_reference_has_a_policy() -> None:
    assert set(naive.REFERENCES) == set(POLICIES)
    assert set(OTHERS) <= set(POLICIES)


@pytest.mark.parametrize("name", [n for n in POLICIES if n != "PASCombUCB"])
def test_policies_with_parameters_are_tried_with_other_values_than_their_defaults(name: str) -> None:
    parameters = {f.name for f in dataclasses.fields(POLICIES[name])} - {"actions"}
    assert {field for fields in OTHERS.get(name, []) for field in fields} == parameters


@pytest.mark.parametrize("t", [2, 7, 100, 3_000])
def test_references_use_the_same_logarithm(t: int) -> None:
    """The two logarithms may differ in their last bit; where indices are compared that could decide."""
    assert log(float(t)) == pytest.approx(np.log(t), rel=3e-16)
