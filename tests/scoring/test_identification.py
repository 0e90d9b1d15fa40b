"""Identification stops when it may, and what it returns is as good as it says."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest

from banditlab import scoring
from banditlab.core import sampling
from banditlab.core.errors import BanditlabError, IncompatiblePolicy, InvalidArgument, InvalidType
from banditlab.core.playing.progress import Progress
from banditlab.scoring.policies.optimistic import Optimism

from . import naive
from .played import TOY


@pytest.mark.parametrize("adaptive", [True, False], ids=["adaptive", "fixed"])
def test_certified_rules_are_within_epsilon(adaptive: bool) -> None:
    best = TOY.optimal().profit
    for run in range(5):
        found = scoring.identify(TOY, 0.3, adaptive=adaptive, confidence_scale=0.005, run=run)
        assert found.certified
        assert 100 < found.rounds < 20_000
        assert TOY.respond(found.payments).action == found.action
        assert TOY.profit(found.payments) >= best - 0.3


def test_smaller_epsilon_takes_more_rounds() -> None:
    rounds = [scoring.identify(TOY, epsilon, confidence_scale=0.003).rounds for epsilon in (0.4, 0.2, 0.1)]
    assert rounds == sorted(rounds)
    assert rounds[2] > 4 * rounds[0]


def test_a_bar_counts_its_rounds_and_is_not_drawn_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, counted = io.StringIO(), []
    monkeypatch.setattr(sys, "stderr", drawn)
    monkeypatch.setattr(Progress, "add", lambda self, rounds: counted.append(rounds))
    found = scoring.identify(TOY, 0.3, confidence_scale=0.005)
    assert sum(counted) == found.rounds
    assert drawn.getvalue() == ""
    with pytest.raises(InvalidArgument, match="progress is 3; allowed: True, False or 'auto'"):
        scoring.identify(TOY, 0.3, progress=3)


def test_it_stops_in_the_round_of_a_naive_transcription() -> None:
    """Everything is solved anew in each round, and the stopping rule is read off the history."""
    epsilon, delta, scale = 1.2, 0.1, 0.01
    found = scoring.identify(TOY, epsilon, delta, confidence_scale=scale, tolerance=0.0, run=3)
    game = TOY.game()
    known = game.known_to(None)
    luck = sampling.generator(0, sampling.ENVIRONMENT_STREAM, 3)
    r = naive.Rounds(known.beliefs, known.utility, 3, 1.0, known.informed)
    bound, t = 1.0 + 0.9, 0

    def play(payments: Any) -> int:
        nonlocal t
        t += 1
        seen = tuple(game.play(payments, luck.random(2)).seen)
        r.history.append((payments, *seen))
        return seen[0]

    for k in range(3):
        play(known.informed[k])
    a = epsilon / (4 * bound)
    while True:
        radius = [r.radius(k, t + 1, delta, scale) for k in range(3)]
        estimate, spread = r.costs(radius)
        solved = [r.program(k, radius, estimate, spread) for k in range(3)]
        best = max(range(3), key=lambda k: r.utility(k) + 0.9 * radius[k] - solved[k][0])
        payments = a * known.informed[best] + (1 - a) * solved[best][1]
        if play(payments) == best:
            if 2 * bound * radius[best] <= (epsilon - 2 * a * bound) / (1 - a):
                break
            continue
        search = naive.bisect(r, payments, known.informed[best], best, a / 3)
        probe = next(search)
        while probe is not None:
            try:
                probe = search.send(play(probe))
            except StopIteration:
                probe = None
    assert (found.certified, found.rounds, found.action) == (True, t, best)
    np.testing.assert_allclose(found.payments, payments, rtol=0, atol=1e-9)


@pytest.mark.parametrize("tolerance", [0.0, 0.3])
def test_certificate_is_of_the_radius_that_the_solution_was_found_for(
    tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the adaptive a the radius is what decides when it stops."""
    solved, real = [], Optimism.solve

    def watched(self: Optimism, t: int) -> None:
        real(self, t)
        solved.append((self.action, self.rule, float(self.estimates.radius(t, 0.1, scale)[self.action])))

    monkeypatch.setattr(Optimism, "solve", watched)
    epsilon, bound = 1.8, 1.0 + 0.9
    informed, _ = scoring.informed_rules(TOY)
    for scale in (0.05, 0.07, 0.1, 0.12, 0.15, 0.2):
        options: dict[str, Any] = {"adaptive": True, "tolerance": tolerance, "confidence_scale": scale}
        found = scoring.identify(TOY, epsilon, 0.1, max_rounds=2000, **options)
        action, rule, radius = solved[-1]
        assert (found.certified, found.action) == (True, action)
        way = informed[action] - rule
        a = float(((found.payments - rule) * way).sum() / (way * way).sum())  # S_t = a informed + (1 - a) rule
        assert 2 * bound * radius <= (epsilon - 2 * a * bound) / (1 - a) + 1e-9


def test_whole_numbers_may_be_floats() -> None:
    found = scoring.identify(TOY, 0.1, max_rounds=50.0)  # type: ignore[arg-type]
    assert found.rounds == 50
    assert isinstance(found.rounds, int)


@pytest.mark.parametrize("environment", [None, "TOY", scoring.PrincipalAgent], ids=["none", "text", "class"])
def test_environment_must_be_a_principal_and_her_agent(environment: Any) -> None:
    with pytest.raises(InvalidType, match=r"environment is .*; allowed: a PrincipalAgent"):
        scoring.identify(environment, 0.1)
    with pytest.raises(InvalidType, match=r"environment is .*; allowed: a PrincipalAgent"):
        scoring.informed_rules(environment)


def test_budget_ends_it() -> None:
    found = scoring.identify(TOY, 0.1, max_rounds=50)
    assert (found.certified, found.rounds) == (False, 50)
    assert TOY.respond(found.payments).action == found.action


@pytest.mark.parametrize(
    "wrong",
    [
        {"epsilon": 0.0},
        {"epsilon": 3.0},
        {"delta": 1.0},
        {"max_rounds": 2},
        {"seed": -1},
        {"run": -1},
        {"run": 2**53 + 1},
        {"adaptive": 1},
    ],
    ids=str,
)
def test_bad_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(BanditlabError, match="allowed"):
        scoring.identify(TOY, **({"epsilon": 0.1} | wrong))


def test_actions_without_informed_rules() -> None:
    costly = scoring.PrincipalAgent(
        beliefs=TOY.beliefs,
        action_distributions=TOY.action_distributions,
        costs=[0.0, 0.5, 0.9],
        decisions=np.eye(2),
    )
    with pytest.raises(IncompatiblePolicy, match="strictly prefers action"):
        scoring.identify(costly, 0.1)
