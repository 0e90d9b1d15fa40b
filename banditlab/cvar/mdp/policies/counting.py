"""What learners for MDPs share: counts, when to plan anew, and what they ask of an MDP."""

from __future__ import annotations

from typing import Any

from banditlab.core.components import Params, State
from banditlab.core.dispatch import device
from banditlab.core.validation import between, invalid, positive_probability

GROWTH = between(1.0, 1e6)
"""The check of `replan`."""


SMALLEST_LEVEL = 1e-100
"""Where arithmetic ends: bonuses are divided by the level."""

TIE = 1e-12
"""Values this close are equally good: sums in another order differ by so much, and must not decide."""


def level(name: str, value: object) -> float:
    """Check for a learner's level."""
    found: float = positive_probability(name, value)
    if found < SMALLEST_LEVEL:
        raise invalid(name, value, f"at least {SMALLEST_LEVEL:g}, as bonuses are divided by it")
    return found


class Counting:
    """Base of learners that count transitions, and plan anew when counts have grown enough.

    A subclass has the field `replan`. Counts are kept for each step, or for all steps together, where transitions are
    the same in every step.
    """

    replan: float

    def counting_arrays(self, space: Any, per_step: bool) -> dict[str, Any]:
        """Return the arrays: visits of pairs, and of next states after them; when to plan anew; the estimate."""
        known = space.known
        steps = known.n_steps if per_step else 1
        pairs = (steps, known.n_states, known.n_actions)
        return {
            "visits": space.array(*pairs),
            "next_visits": space.array(*pairs, known.n_states),
            "due": space.array(*pairs, fill=1.0),
            "stale": space.per_lane(1.0),
            "estimate": space.per_lane(),
        }

    def observe(
        self: Params, state: State, known: Params, lane: int, h: int, s: int, a: int, j: int, s_next: int, t: int
    ) -> None:
        """Count the transition."""
        counted(state, lane, h, s, a, s_next)

    def estimate(self: Params, state: State, lane: int) -> float:
        """Return the upper estimate of the optimum, which plans leave behind."""
        return state.estimate[lane]


@device
def counted(state: State, lane: int, h: int, s: int, a: int, s_next: int) -> None:
    """Count a transition, and say that plans are stale if the pair's count has reached what `fresh` asked for."""
    hh = h % state.visits.shape[1]
    n = state.visits[lane, hh, s, a] + 1.0
    state.visits[lane, hh, s, a] = n
    state.next_visits[lane, hh, s, a, s_next] += 1.0
    if n >= state.due[lane, hh, s, a]:
        state.stale[lane] = 1.0


@device
def fresh(self: Params, state: State, lane: int) -> None:
    """Say that plans are fresh, and when they will be stale."""
    visits, due = state.visits[lane], state.due[lane]
    for h in range(visits.shape[0]):
        for s in range(visits.shape[1]):
            for a in range(visits.shape[2]):
                due[h, s, a] = max(visits[h, s, a] + 1.0, self.replan * visits[h, s, a])
    state.stale[lane] = 0.0


@device
def empirical(state: State, lane: int, h: int, s: int, a: int, out: Any) -> float:
    """Write the empirical distribution of next states into `out`, zero without a visit; return max(1, visits)."""
    hh = h % state.visits.shape[1]
    n = max(1.0, state.visits[lane, hh, s, a])
    nexts = state.next_visits[lane, hh, s, a]
    for x in range(out.shape[0]):
        out[x] = nexts[x] / n
    return n


def reasons_of_range(environment: Any) -> list[str]:
    """Return why returns are not in [0, 1]."""
    low, high = environment.return_range
    smallest = environment.model.smallest
    if smallest >= 0.0 and high <= 1.0 + 1e-9:
        return []
    return [
        f"its rewards are at least {smallest:g} and its returns from {low:g} to {high:g}; allowed: rewards of at least "
        "0 and returns of at most 1 (TabularMDP.normalised(), after rounded(eta) where there is one: it raises returns)"
    ]


def reasons_of_unit_rewards(environment: Any, name: str) -> list[str]:
    """Return why an MDP is unlike those of iterated CVaR's papers: deterministic rewards in [0, 1], stationary."""
    found = []
    if not environment.stationary:
        found.append(
            f"its transitions or rewards change from step to step; allowed: the same in every step, as {name} pools "
            "their counts"
        )
    return found + reasons_of_rewards(environment)


def reasons_of_rewards(environment: Any) -> list[str]:
    """Return why rewards are not a function of step, state and action with values in [0, 1]."""
    found = []
    if not environment.deterministic_rewards:
        found.append("its rewards are random or depend on the next state; allowed: one reward per state and action")
    atoms = environment.model.atoms
    if atoms[0] < 0.0 or atoms[-1] > 1.0:
        found.append(f"its rewards are from {atoms[0]:g} to {atoms[-1]:g}; allowed: 0 to 1")
    return found
