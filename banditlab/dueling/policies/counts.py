"""What most policies for dueling bandits keep: how often each arm beat each other one."""

from __future__ import annotations

from typing import Any

from banditlab.core.components import Params, Problem, Space, State
from banditlab.core.dispatch import device
from banditlab.core.sampling import uniform

LONGEST = 2.0**53
"""Phases whose lengths grow by multiplication are at most this long: no horizon is longer."""


@device
def duels(state: State, i: int, j: int, lane: int) -> float:
    """Return N_ij, the number of duels between two different arms."""
    return state.wins[i, j, lane] + state.wins[j, i, lane]


@device
def share(state: State, i: int, j: int, lane: int) -> float:
    """Return the share of duels that arm i won against j; 1/2 if there were none, and for i = j."""
    n = duels(state, i, j, lane)
    return state.wins[i, j, lane] / n if (n > 0.0) & (i != j) else 0.5


@device
def count(state: State, first: int, second: int, lane: int, won: bool) -> None:
    """Count a duel; one of an arm against itself tells nothing."""
    if first != second:
        state.wins[first, second, lane] += 1.0 if won else 0.0
        state.wins[second, first, lane] += 0.0 if won else 1.0


@device
def another_tie(rng: Any, lane: int, ties: int) -> bool:
    """Say whether the last of `ties` equals replaces the one kept: in the end each is kept with the same chance."""
    return uniform(rng, lane) * ties < 1.0


class Counts:
    """Base of policies that count wins: `state.wins[i, j, lane]` is how often arm i beat arm j."""

    def state(self, space: Space) -> dict[str, Any]:
        """Return the wins."""
        return {"wins": space.array(space.n_arms, space.n_arms)}

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win."""
        count(state, first, second, lane, won)

    observe = update  # any duel tells something

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the arm that won more than half of its duels against the most others, the first of them on ties."""
        best, found = -1, 0
        for i in range(self.n_arms):
            beaten = 0
            for j in range(self.n_arms):
                beaten += 1 if state.wins[i, j, lane] > state.wins[j, i, lane] else 0
            if beaten > best:
                best, found = beaten, i
        return found
