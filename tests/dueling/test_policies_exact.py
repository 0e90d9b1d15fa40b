"""Every K-armed policy compares, round by round, what its naive reference compares on the same luck.

The references are in `naive.py`. A policy that enters the registry without one fails here.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from banditlab import dueling
from banditlab.dueling import instances
from tests.arms.players import Instance

from . import naive, scripted
from .matrices import matrix
from .players import OTHERS, POLICIES, VARIANTS

INSTANCES = {
    "arxiv": Instance(instances.arxiv(), 900, 1, 11),
    "cyclic": Instance(instances.cyclic(), 300, 2, 12),
    "two arms": Instance(matrix([0.7]), 150, 2, 13),
    "two arms, the second always wins": Instance(matrix([0.0]), 100, 1, 14),
    "all equal": Instance(dueling.PreferenceMatrix(np.full((5, 5), 0.5)), 200, 2, 15),
    "rock, paper, scissors, always": Instance(matrix([1.0, 0.0], [1.0]), 150, 2, 16),
    "an order, always": Instance(matrix([1.0, 1.0, 1.0], [1.0, 1.0], [1.0]), 150, 2, 17),
    "eight arms": Instance(instances.random_condorcet(8, 0.6, seed=3), 300, 1, 18),
    "changes": Instance(instances.random_sequence(4, 4, 400, pmin=0.8, delta=0.6, seed=1), 400, 1, 22),
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
    result = case.run(policy, "duels")
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
            if t >= player.EXACT:
                break


# --------------------------------------------------------------------------------------- on scripted duels

SIZES = [(2, 40), (3, 1), (3, 100), (5, 120), (8, 130)]  # arms, rounds


@pytest.mark.parametrize(("n_arms", "horizon"), SIZES)
@pytest.mark.parametrize("policy", VARIANTS, ids=repr)
def test_order_winner_and_what_is_learnt_from_others_are_the_references(policy: Any, n_arms: int, horizon: int) -> None:
    first, second, found = scripted.play_scripts(policy, n_arms, horizon)
    for lane, (script, wins) in enumerate(scripted.SCRIPTS.items()):
        player, own = reference(policy, n_arms, horizon), naive.policy_rng(scripted.SEED, lane)
        for t in range(1, horizon + 1):
            i, j = player.select(t, own)
            chosen = first[t - 1, lane], second[t - 1, lane]
            assert chosen == (i, j), f"{policy!r}, {script}: round {t} compared {chosen}, the reference {i, j}"
            player.update(i, j, wins(i, j, t), t)
            if t >= player.EXACT:
                break
            if other := scripted.told(n_arms, lane, t):
                player.observe(*other, wins(*other, t), t)
            winner = found[t - 1, lane]
            assert winner in player.winners(), f"{policy!r}, {script}: winner after round {t}"


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
