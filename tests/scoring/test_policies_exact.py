"""Round for round, the policies announce what naive transcriptions of their pseudo-code announce."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

import banditlab as bl
from banditlab import scoring
from banditlab.core import sampling
from banditlab.scoring.policies.estimates import CostDifferences
from banditlab.scoring.policies.optimistic import OptimisticProgram, tie_break

from . import naive
from .played import TOY, three_states

ENVIRONMENTS = {"toy": TOY, "three states": three_states()}
HORIZON = 100
CASES: list[tuple[Any, Any]] = [
    (scoring.OSRA(tolerance=0.0), naive.osra),
    (scoring.OSRA(tolerance=0.0, confidence_scale=0.01), naive.osra),
    (scoring.OSRA(tolerance=0.0, confidence_scale=0.0), naive.osra),
    (scoring.OSRA(tolerance=0.2, confidence_scale=0.05, width=0.2, mixture=0.3), naive.osra),
    (scoring.ExploreThenCommit(), naive.explore_then_commit),
    (scoring.ExploreThenCommit(exploration=30, width=0.1, mixture=0.5), naive.explore_then_commit),
]


def fields(policy: Any) -> dict[str, Any]:
    return {f.name: getattr(policy, f.name) for f in dataclasses.fields(policy)}


def play(environment: Any, policy: Any, transcription: Any) -> list[int]:
    """Play a policy beside its transcription; return the agent's actions."""
    game = environment.game()
    known = game.known_to(policy)
    luck = sampling.generator(7, sampling.ENVIRONMENT_STREAM, 0)
    state = policy.state(known, HORIZON, None)
    reference = transcription(known, HORIZON, **fields(policy))
    wanted = next(reference)
    actions = []
    for t in range(1, HORIZON + 1):
        announced = policy.announce(state, t)
        np.testing.assert_allclose(announced, wanted, rtol=0, atol=1e-9, err_msg=f"round {t}")
        seen = game.play(announced, luck.random(2)).seen
        policy.update(state, seen, t)
        wanted = reference.send(tuple(seen))
        actions.append(seen.action)
    return actions


@pytest.mark.parametrize("where", ENVIRONMENTS)
@pytest.mark.parametrize(("policy", "transcription"), CASES, ids=[repr(policy) for policy, _ in CASES])
def test_policy_agrees_with_its_transcription(where: str, policy: Any, transcription: Any) -> None:
    assert set(play(ENVIRONMENTS[where], policy, transcription)) == {0, 1, 2}


@pytest.mark.parametrize(("policy", "transcription"), CASES[1::3], ids=[repr(policy) for policy, _ in CASES[1::3]])
def test_policy_agrees_where_a_program_has_no_solution(
    policy: Any, transcription: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contradictory estimates are too rare to wait for: all programs are made to have no solution."""
    monkeypatch.setattr(OptimisticProgram, "solve", lambda *arguments: None)
    monkeypatch.setattr(naive.Rounds, "program", lambda *arguments: None)
    play(TOY, policy, transcription)


def test_program_without_a_solution_says_so() -> None:
    known = TOY.game().known_to(None)
    nothing, far = np.zeros(3), np.full((3, 3), 5.0)
    program = OptimisticProgram(known)
    assert program.solve(2, TOY.action_distributions, nothing, CostDifferences(far, 0 * far)) is None
    costs = CostDifferences(TOY.costs[:, None] - TOY.costs[None, :], 0 * far)
    for k in range(3):
        found = program.solve(k, TOY.action_distributions, nothing, costs)
        assert found is not None  # with the truth it is LP_k
        assert found[0] == pytest.approx(TOY.optimal_rule(k).payment, abs=1e-8)
    assert program.solves == 4


def test_tie_breaking_weights_tell_rules_apart() -> None:
    """No two sums of as many weights are the same; multiples of one number modulo 1 had w0 + w3 = w1 + w2."""
    for n in range(1, 8):
        assert tie_break(n, 1).tolist() == pytest.approx(naive.prime_weights(n), abs=1e-12)
    weights = tie_break(7, 3)
    assert len(weights) == 21
    assert ((weights > 1.0) & (weights < 2.0)).all()
    for size in (1, 2, 3):
        sums = np.sort([weights[list(chosen)].sum() for chosen in itertools.combinations(range(21), size)])
        assert np.diff(sums).min() > 1e-9


def test_theory_scale_bisects() -> None:
    """The cases above are about probes too."""
    options: dict[str, Any] = {"horizon": HORIZON, "n_runs": 1, "seed": 7, "n_jobs": 1, "metrics": "bisection_rate"}
    assert bl.run(TOY, CASES[0][0], **options).values("bisection_rate")[0, 0, -1] > 0.1
