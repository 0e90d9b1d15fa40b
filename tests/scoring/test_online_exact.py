"""The policies for senders and for several agents, beside naive transcriptions.

Their programs often have many solutions, so that values are compared where mechanisms need not be the same.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

import banditlab as bl
from banditlab import scoring
from banditlab.core import sampling
from banditlab.core.errors import IncompatiblePolicy
from banditlab.scoring.hiring_games import Offer, respond
from banditlab.scoring.sender_games import largest_gain

from . import naive
from .instances import HIRING, LOOK, SENDERS
from .test_hiring import shared_sign

HORIZON = 120


@pytest.mark.parametrize(
    "policy",
    [
        scoring.OnlineFullFeedback(tolerance=0.0, confidence_scale=0.1),
        scoring.OnlineFullFeedback(tolerance=0.3),
        scoring.OnlineBanditFeedback(tolerance=0.0, confidence_scale=0.05),
        scoring.OnlineBanditFeedback(alpha=0.5, tolerance=0.3, confidence_scale=0.0),
    ],
    ids=repr,
)
def test_online_mechanism_agrees_with_its_transcription(policy: Any) -> None:
    game = SENDERS.game()
    known = game.known_to(policy)
    assert known.spread == pytest.approx(1.0)
    luck = sampling.generator(3, sampling.ENVIRONMENT_STREAM, 0)
    state = policy.state(known, HORIZON, None)
    full = policy.feedback == "full"
    exploring = 1 if full else math.ceil(HORIZON**policy.alpha)
    history: list[Any] = []
    solved_at = 0
    before = None
    for t in range(1, HORIZON + 1):
        announced = policy.announce(state, t)
        if t <= exploring:
            np.testing.assert_array_equal(announced, np.full((2, 2, 3), 1 / 3))
        elif len(history) >= (1 + policy.tolerance) * solved_at:
            solved_at = len(history)
            samples = t - 1 if full else exploring / 3
            slack = naive.online_slack((2, 2), known.spread, t, HORIZON, samples, policy.confidence_scale)
            objective, rows, rights, sums = naive.mechanism_program(history, (2, 2), 3, 2, slack)
            best = linprog(objective, A_ub=rows, b_ub=rights, A_eq=sums, b_eq=[1.0] * 4, bounds=(0, 1))
            phi = announced.ravel()
            assert objective @ phi == pytest.approx(best.fun, abs=1e-9)
            assert (np.array(rows) @ phi <= slack + 1e-9).all()
        else:
            np.testing.assert_array_equal(announced, before)
        before = announced.copy()
        heard = game.play(announced, luck.random(2)).seen
        policy.update(state, heard, t)
        seen = {a: list(heard.utilities[:, a]) for a in range(3) if not np.isnan(heard.utilities[0, a])}
        assert len(seen) == (3 if full else 1)
        assert heard.decision in seen
        history.append((heard.signals, seen))


def whole_strategy_gain(world: Any, phi: Any) -> float:
    """Return the most that one sender gains by a map from signals to reports, trying each."""
    worst = 0.0
    for i, n in enumerate(world.n_signals):
        earned = []
        for reports in itertools.product(range(n), repeat=n):
            total = 0.0
            for theta, *signals in itertools.product(range(world.n_states), *map(range, world.n_signals)):
                told = [reports[s] if j == i else s for j, s in enumerate(signals)]
                worth = phi[tuple(told)] @ world.sender_utilities[i][:, theta]
                total += world.joint[(theta, *signals)] * worth
            earned.append((reports, total))
        truth = dict(earned)[tuple(range(n))]
        worst = max(worst, max(total for _, total in earned) - truth)
    return worst


def whole_plan_gain(world: Any, offer: Offer) -> float:
    """Return the most that one of two agents gains by a plan: an effort and reports for each recommendation."""
    worst = 0.0
    for i in range(2):
        plans = [(e, *reports) for e in range(2) for reports in itertools.product(range(2), repeat=2)]
        earned = {}
        for plan in itertools.product(plans, repeat=2):
            total = 0.0
            for told in itertools.product(range(2), repeat=2):
                effort, *lies = plan[told[i]]
                made = tuple(effort if j == i else told[j] for j in range(2))
                paid = -world.costs[i][effort]
                for theta, *seen in itertools.product(range(2), repeat=3):
                    said = tuple(lies[seen[j]] if j == i else seen[j] for j in range(2))
                    paid += world.joint[made][(theta, *seen)] * offer.payments[i][told + said][theta]
                total += offer.recommendations[told] * paid
            earned[plan] = total
        worst = max(worst, max(earned.values()) - earned[((0, 0, 1), (1, 0, 1))])
    return worst


class TestSenders:
    def test_violation_is_what_the_audit_finds(self) -> None:
        for seed in range(20):
            phi = np.random.default_rng(seed).dirichlet(np.ones(3), size=(2, 2))
            gain = largest_gain(SENDERS.joint, SENDERS.sender_utilities, phi)
            assert gain == pytest.approx(whole_strategy_gain(SENDERS, phi), abs=1e-12)
            assert gain == pytest.approx(scoring.audit(scoring.AcquisitionMechanism(SENDERS, phi)).gain, abs=1e-12)
            played = SENDERS.game().play(phi, np.full(2, 0.5))
            assert played.violation == gain

    def test_oracle_and_exploration_have_the_regret_and_violation_of_their_mechanisms(self) -> None:
        options: dict[str, Any] = {"horizon": 50, "n_runs": 2, "seed": 0, "n_jobs": 1, "progress": False}
        metrics = ("regret", "violation", "profit")
        never = scoring.OnlineBanditFeedback(alpha=1.0)
        result = bl.run(SENDERS, [scoring.Oracle(), never], metrics=metrics, **options)
        regret, violation = result.values("regret")[:, :, -1], result.values("violation")[:, :, -1]
        np.testing.assert_allclose(regret[0], 0.0, atol=1e-9)
        np.testing.assert_allclose(violation, 0.0, atol=1e-8)
        uniform = scoring.AcquisitionMechanism(SENDERS, np.full((2, 2, 3), 1 / 3)).value
        np.testing.assert_allclose(regret[1], 50 * (SENDERS.optimal().value - uniform), rtol=1e-12)

    def test_draws_have_the_probabilities_of_the_model(self) -> None:
        """Four standard errors."""
        game, luck, rounds = SENDERS.game(), np.random.default_rng(5), 20_000
        game.known_to(scoring.Oracle())
        best = game.best()
        counts = np.zeros((2, 2))
        gained = np.empty(rounds)
        for k in range(rounds):
            played = game.play(best, luck.random(2))
            counts[played.seen.signals] += 1
            gained[k] = played.profit
        share = SENDERS.joint.sum(axis=0)
        assert (np.abs(counts / rounds - share) < 4 * np.sqrt(share * (1 - share) / rounds)).all()
        assert abs(gained.mean() - SENDERS.optimal().value) < 4 * gained.std() / np.sqrt(rounds)

    def test_families_policies_do_not_mix_up_environments(self) -> None:
        with pytest.raises(IncompatiblePolicy, match="it plays PrincipalAgent, and this is an InformationAcquisition"):
            bl.run(SENDERS, scoring.OSRA(), horizon=10, n_runs=1, seed=0)


def test_costs_that_differ_by_rounding_are_equal() -> None:
    """The bisections can find the same cost for all efforts, but for rounding, which no program can be solved with."""
    result = bl.run(shared_sign(), scoring.HiringExploreThenCommit(), horizon=50, n_runs=4, seed=0, progress=False)
    assert np.isfinite(result.values("regret")).all()


def test_hiring_policy_agrees_with_its_transcription() -> None:
    policy = scoring.HiringExploreThenCommit(exploration=40, width=0.5, mixture=0.7)
    game = HIRING.game()
    known = game.known_to(policy)
    luck = sampling.generator(3, sampling.ENVIRONMENT_STREAM, 0)
    state = policy.state(known, HORIZON, None)
    profiles = list(itertools.product(range(2), range(2)))
    counts = np.zeros((2, 2, 2, 2, 2))
    chosen: list[list[Any]] = [[], []]

    def play(t: int, profile: tuple[int, ...], payments: list[Any]) -> Any:
        offer = policy.announce(state, t)
        assert offer.recommendations[profile] == offer.recommendations.sum() == 1.0
        for b, s, theta in itertools.product(profiles, profiles, range(2)):
            for i in range(2):
                assert offer.payments[i][b + s][theta] == pytest.approx(payments[i][s[i]][theta], abs=1e-12)
        seen = game.play(offer, luck.random(3)).seen
        policy.update(state, seen, t)
        for i in range(2):
            chosen[i].append((payments[i], seen.efforts[i]))
        return seen

    for t in range(1, 41):
        profile = profiles[(t - 1) % 4]
        seen = play(t, profile, [known.informed[i][profile[i]] for i in range(2)])
        assert seen.efforts == profile  # the payments are strict
        counts[(*seen.efforts, seen.state, *seen.reports)] += 1
    for agent in range(2):
        search = naive.bisect(None, known.informed[agent][0], known.informed[agent][1], 1, 0.5 * HORIZON ** (-1 / 3))
        probe = next(search)
        while probe is not None:
            t += 1
            payments = [known.informed[i][0] for i in range(2)]
            payments[agent] = probe
            try:
                probe = search.send(play(t, (0, 0), payments).efforts[agent])
            except StopIteration:
                probe = None
    offer = policy.announce(state, t + 1)
    assert not state.bisecting
    assert offer is policy.announce(state, t + 2)

    world = policy.estimated(state)
    prior = counts.sum(axis=(0, 1, 3, 4)) / 40
    np.testing.assert_allclose(world.prior, prior, rtol=1e-12)
    for b, theta in itertools.product(profiles, range(2)):
        cell = counts[b][theta]
        np.testing.assert_allclose(world.observations[b][theta], cell / cell.sum(), rtol=1e-12)
    for i in range(2):
        marginals = counts.sum(axis=4 - i) / counts.sum(axis=(3, 4))[..., None]  # (b_0, b_1, theta, s_i)
        joint = prior[None, :, None] * marginals.mean(axis=1 - i)
        np.testing.assert_allclose(world.costs[i], naive.agents_costs(chosen[i], joint, 1.0), rtol=0, atol=1e-12)

    best, share = world.optimal(), 0.7 * HORIZON ** (-1 / 3)
    np.testing.assert_allclose(offer.recommendations, best.recommendations, atol=1e-9)
    told = np.unravel_index(int(offer.recommendations.argmax()), (2, 2))
    for i in range(2):
        strict = known.informed[i][told[i]]
        strict = strict[:, None, :] if i == 0 else strict[None, :, :]
        mixed = (1 - share) * best.payments[i][told] + share * strict
        np.testing.assert_allclose(offer.payments[i][told], mixed, atol=1e-9)


class TestHiring:
    def test_agents_obey_optimal_mechanisms(self) -> None:
        for mechanism in (HIRING.optimal(), HIRING.optimal_uncorrelated()):
            responses = respond(HIRING, Offer.of(mechanism))
            assert responses.gain < 1e-8
            for i in range(2):
                np.testing.assert_array_equal(responses.efforts[i], [0, 1])
                np.testing.assert_array_equal(responses.reports[i], [[0, 1], [0, 1]])

    def test_gain_is_that_of_the_best_whole_plan_and_what_the_audit_finds(self) -> None:
        for seed in range(5):
            rng = np.random.default_rng(seed)
            mechanism = scoring.HiringMechanism(
                HIRING,
                rng.dirichlet(np.ones(4)).reshape(2, 2),
                tuple(rng.random((2, 2, 2, 2, 2)) for _ in range(2)),
                HIRING.best_decisions,
                correlated=True,
            )
            gain = respond(HIRING, Offer.of(mechanism)).gain
            assert gain == pytest.approx(whole_plan_gain(HIRING, Offer.of(mechanism)), abs=1e-12)
            assert gain == pytest.approx(scoring.audit(mechanism).gain, abs=1e-12)

    def test_expected_profit_is_the_mean_of_the_rounds(self) -> None:
        """Of an offer that is not obeyed; four standard errors."""
        rng = np.random.default_rng(2)
        offer = Offer(
            rng.dirichlet(np.ones(4)).reshape(2, 2),
            tuple(0.3 * rng.random((2, 2, 2, 2, 2)) for _ in range(2)),
            HIRING.best_decisions,
        )
        game, rounds = HIRING.game(), 20_000
        played = [game.play(offer, rng.random(3)) for _ in range(rounds)]
        gained = np.array([p.profit for p in played])
        expected = HIRING.optimal().profit - played[0].regret
        assert abs(gained.mean() - expected) < 4 * gained.std() / np.sqrt(rounds)
        assert played[0].violation > 0.01

    def test_oracle_has_no_regret(self) -> None:
        result = bl.run(HIRING, scoring.Oracle(), horizon=30, n_runs=2, seed=0, n_jobs=1, progress=False)
        np.testing.assert_allclose(result.values("regret"), 0.0, atol=1e-7)

    def test_effort_without_strict_payments(self) -> None:
        costly = scoring.HiringProblem.independent(
            prior=[0.5, 0.5], signals=[LOOK, LOOK], costs=[[0, 0.02], [0, 2.0]], utility=[[1, 0], [0, 1]]
        )
        with pytest.raises(IncompatiblePolicy, match="agent 1 strictly prefers effort 1, and the largest margin is -"):
            bl.run(costly, scoring.HiringExploreThenCommit(), horizon=10, n_runs=1, seed=0)
