"""Every K-armed policy compares, round by round, what its naive reference compares on the same luck.

The references are in `naive.py`. A policy that enters the registry without one fails here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import banditlab as bl
from banditlab import dueling
from banditlab.core import sampling
from banditlab.core.components import Problem, Space, make_state
from banditlab.dueling import generics, instances

from . import naive
from .matrices import matrix
from .players import OTHERS, POLICIES, VARIANTS


@dataclasses.dataclass(frozen=True)
class Instance:
    environment: Any
    horizon: int
    n_runs: int
    seed: int


INSTANCES = {
    "arxiv": Instance(instances.arxiv(), 2000, 1, 11),
    "cyclic": Instance(instances.cyclic(), 500, 2, 12),
    "two arms": Instance(matrix([0.7]), 300, 2, 13),
    "two arms, the second always wins": Instance(matrix([0.0]), 100, 1, 14),
    "all equal": Instance(dueling.PreferenceMatrix(np.full((5, 5), 0.5)), 300, 2, 15),
    "rock, paper, scissors, always": Instance(matrix([1.0, 0.0], [1.0]), 200, 2, 16),
    "an order, always": Instance(matrix([1.0, 1.0, 1.0], [1.0, 1.0], [1.0]), 200, 2, 17),
    "eight arms": Instance(instances.random_condorcet(8, 0.6, seed=3), 400, 2, 18),
    "changes": Instance(instances.random_sequence(4, 4, 400, pmin=0.8, delta=0.6, seed=1), 400, 2, 22),
    "nine rounds": Instance(instances.random_condorcet(8, 0.6, seed=3), 9, 4, 19),
    "horizon is number of arms": Instance(instances.arithmetic(5), 5, 3, 21),
}


def reference(policy: Any, n_arms: int, horizon: int | None) -> naive.Naive:
    name = type(policy).__name__
    if name not in naive.REFERENCES:
        pytest.fail(f"{name} has no reference: write the class {name} for tests/dueling/naive.py, from the paper")
    fields = {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}
    return naive.REFERENCES[name](n_arms, horizon, **fields)


# ------------------------------------------------------------------------------------- against the simulation


def simulated(policy: Any, case: Instance) -> NDArray[np.bool_]:
    """Return who takes part in the compiled simulation: run by round by arm."""
    result = bl.run(
        case.environment,
        policy,
        horizon=case.horizon,
        n_runs=case.n_runs,
        seed=case.seed,
        checkpoints=list(range(1, case.horizon + 1)),
        metrics="duels",
        n_jobs=1,
        progress=False,
    )
    duels = np.stack([result.values(f"duels[{a}]")[0] for a in range(case.environment.n_arms)], axis=-1)
    moved = np.diff(duels, axis=1, prepend=0.0)
    assert set(np.unique(moved)) <= {0.0, 1.0}
    assert set(np.unique(moved.sum(axis=2))) <= {1.0, 2.0}
    return moved > 0.0


def first_wins(environment: Any, t: int, i: int, j: int, u: float) -> bool:
    """Say who wins, as documented: of two arms i < j, i does if u < P[i, j]."""
    if isinstance(environment, dueling.PiecewiseStationary):
        environment = environment.matrices[sum(t >= start for start in environment.change_points)]
    p = environment.preferences
    return bool(u < p[i, j]) if i <= j else not u < p[j, i]


@pytest.mark.parametrize("instance", INSTANCES)
@pytest.mark.parametrize("policy", VARIANTS, ids=repr)
def test_compares_what_the_reference_compares(policy: Any, instance: str) -> None:
    case = INSTANCES[instance]
    for run, seen in enumerate(simulated(policy, case)):
        player = reference(policy, case.environment.n_arms, case.horizon)
        luck, own = naive.environment_rng(case.seed, run), naive.policy_rng(case.seed, run)
        for t in range(1, case.horizon + 1):
            i, j = player.select(t, own)
            arms = np.flatnonzero(seen[t - 1]).tolist()
            assert arms == sorted({i, j}), f"{policy!r}, run {run}: round {t} compared {arms}, the reference {i, j}"
            player.update(i, j, first_wins(case.environment, t, i, j, luck.open_uniform()), t)


# --------------------------------------------------------------------------------------- on scripted duels

# Who wins is written down beforehand, by round and by arms, and need not follow any matrix.
SCRIPTS: dict[str, Callable[[int, int, int], bool]] = {
    "the first arm wins": lambda i, j, t: True,
    "the second arm wins": lambda i, j, t: False,
    "the two take turns": lambda i, j, t: t % 2 == 1,
    "the smaller index wins": lambda i, j, t: i < j,
    "the larger index wins, but each ninth round": lambda i, j, t: (i > j) == (t % 9 != 0),
    "in a cycle": lambda i, j, t: (j - i) % 3 == 1,
    "the order is reversed after round 60": lambda i, j, t: (i < j) == (t <= 60),
    "squares": lambda i, j, t: (t * t + 3 * i + 5 * j) % 7 < 4,
}
SIZES = [(2, 60), (3, 1), (3, 150), (5, 200), (8, 250)]  # arms, rounds


@pytest.mark.parametrize(("n_arms", "horizon"), SIZES)
@pytest.mark.parametrize("policy", VARIANTS, ids=repr)
def test_order_winner_and_what_is_learnt_from_others_are_the_references(policy: Any, n_arms: int, horizon: int) -> None:
    """One script a lane, the kernels in plain Python (which plays as compiled: see the contract).

    After each seventh round the policy is told of a duel that another chose, in the last lane after every round.
    """
    scripts = list(SCRIPTS.values())
    params = policy.params(Problem(n_arms, horizon))
    state = make_state(policy, Space(n_arms, len(scripts), horizon))
    rng = sampling.seeded(5, sampling.POLICY_STREAM, 0, len(scripts))
    with np.errstate(over="ignore"):
        for lane, wins in enumerate(scripts):
            player, own = reference(policy, n_arms, horizon), naive.policy_rng(5, lane)
            for t in range(1, horizon + 1):
                i, j = player.select(t, own)
                chosen = generics.select(params, state, lane, t, rng)
                assert tuple(map(int, chosen)) == (i, j), f"{policy!r}, {list(SCRIPTS)[lane]}: round {t}"
                won = wins(i, j, t)
                player.update(i, j, won, t)
                generics.update(params, state, i, j, lane, won, t)
                if t % 7 == 0 or lane == len(scripts) - 1:
                    i, j = t % n_arms, t // n_arms % n_arms
                    player.observe(i, j, wins(i, j, t), t)
                    generics.transfer(params, state, i, j, lane, wins(i, j, t), t)
                found = int(generics.winner(params, state, lane))
                assert found == player.winner(), f"{policy!r}, {list(SCRIPTS)[lane]}: winner after round {t}"


# -------------------------------------------------------------------------------------------- completeness


def test_every_policy_has_a_reference_and_every_reference_a_policy() -> None:
    assert set(naive.REFERENCES) == set(POLICIES)
    assert set(POLICIES) <= set(dueling.__all__)
    assert set(OTHERS) <= set(POLICIES)


@pytest.mark.parametrize("name", [name for name, cls in POLICIES.items() if dataclasses.fields(cls)])
def test_policies_with_parameters_are_tried_with_other_values_than_their_defaults(name: str) -> None:
    assert name in OTHERS, f"{name} has parameters: add non-default ones to OTHERS"
    tried = {field for fields in OTHERS[name] for field in fields}
    assert tried == {f.name for f in dataclasses.fields(POLICIES[name])}
