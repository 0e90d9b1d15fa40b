"""The bounds on costs from rules that agents responded to: those of a scan of all rules, with less work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import banditlab as bl
from banditlab import scoring
from banditlab.scoring.policies.estimates import LeastDifferences
from banditlab.scoring.simplex import Floats

from .played import TOY, three_states


def scan(rules: list[list[float]], action: int, q: list[list[float]]) -> list[float]:
    """Return the least v_S(i) - v_S(j) of all rules, in plain Python."""

    def v(rule: list[float], k: int) -> float:
        total = 0.0
        for paid, share in zip(rule, q[k], strict=True):
            total += paid * share
        return total

    return [min(v(rule, action) - v(rule, j) for rule in rules) for j in range(len(q))]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_actions=st.integers(1, 4),
    n_beliefs=st.integers(1, 6),
    max_payment=st.sampled_from([1e-3, 1.0, 250.0]),
    alike=st.sampled_from([0.0, 1e-9, 1e-3, 1.0]),
)
def test_least_differences_are_those_of_a_scan_to_the_last_bit(
    seed: int, n_actions: int, n_beliefs: int, max_payment: float, alike: float
) -> None:
    """Rules that are the same, nearly the same or nothing alike; distributions that creep, and that jump."""
    rng = np.random.default_rng(seed)
    action = int(rng.integers(n_actions))
    kept = LeastDifferences(action, n_beliefs, n_actions, max_payment)
    rules: list[Any] = []
    common = rng.uniform(size=n_beliefs)
    q = rng.dirichlet(np.ones(n_beliefs), n_actions)
    for _ in range(12):
        for _ in range(int(rng.integers(1, 60))):
            rule = max_payment * ((1 - alike) * common + alike * rng.uniform(size=n_beliefs))
            kept.add(rule)
            rules.append(rule.tolist())
        step = rng.choice([0.0, 1e-12, 1e-3, 1.0])
        q = (1 - step) * q + step * rng.dirichlet(np.ones(n_beliefs), n_actions)
        assert kept.least(q).tolist() == scan(rules, action, q.tolist())


def test_an_action_that_was_never_chosen_has_a_distribution_of_zeros() -> None:
    kept, rng = LeastDifferences(0, 3, 2, 1.0), np.random.default_rng(0)
    rules = rng.uniform(size=(300, 3))
    for rule in rules:
        kept.add(rule)
    for q in ([[0.2, 0.3, 0.5], [0.0, 0.0, 0.0]], [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]):
        assert kept.least(np.array(q)).tolist() == scan(rules.tolist(), 0, q)


@pytest.mark.parametrize("scale", [1.0, 0.01], ids=["theory", "practical"])
@pytest.mark.parametrize("world", [TOY, three_states()], ids=["toy", "three states"])
def test_osra_plays_as_if_it_scanned_all_rules(world: Any, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def play() -> bl.Results:
        return bl.run(
            world, scoring.OSRA(confidence_scale=scale), horizon=3000, n_runs=1, seed=4, n_jobs=1, checkpoints=100,
            metrics=("regret", "payment", "solves"),
        )  # fmt: skip

    fast = play()

    def least(self: LeastDifferences, q: Floats) -> Floats:
        """Return the least differences from all rules at once."""
        rules: Floats = self._rules.reshape(-1, q.shape[1])[: self.n_rules]
        found: Floats = self._differences(rules, q).min(axis=0)
        return found

    monkeypatch.setattr(LeastDifferences, "least", least)
    slow = play()
    for metric in ("regret", "payment", "solves"):
        np.testing.assert_array_equal(fast.values(metric), slow.values(metric))


def test_work_grows_less_than_quadratically(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the rounds compute less than three times the rules, where a scan goes through four times as many."""
    made: list[LeastDifferences] = []
    scanned = 0
    least, initialise = LeastDifferences.least, LeastDifferences.__init__

    def counted(self: LeastDifferences, q: Floats) -> Floats:
        nonlocal scanned
        scanned += self.n_rules
        return least(self, q)

    def noted(self: LeastDifferences, *arguments: Any) -> None:
        initialise(self, *arguments)
        made.append(self)

    monkeypatch.setattr(LeastDifferences, "least", counted)
    monkeypatch.setattr(LeastDifferences, "__init__", noted)
    computed = []
    for horizon in (8_000, 16_000):
        made.clear()
        scanned = 0
        bl.run(TOY, scoring.OSRA(), horizon=horizon, n_runs=1, seed=1, n_jobs=1)
        computed.append(sum(part.n_computed for part in made))
    assert computed[1] < 3.0 * computed[0]
    assert computed[1] < 0.25 * scanned
