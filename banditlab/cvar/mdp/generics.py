"""The kernels that learners for MDPs consist of.

A learner implements `plan`, `act` and `observe`; one whose actions depend on more than step and state implements
`n_memories`, `first_memory` and `next_memory` too, and one that knows an upper bound on the optimum, `estimate`.

In every kernel, `known` is what a learner knows of the MDP: `n_steps`, `n_states`, `n_actions`, `initial_state`, and
the rewards as `atoms`, `index` and `weights` (see `cvar.mdp.model.Model`). It does not have the transitions. Episodes
count from 1, steps from 0. State arrays have the lane as their first axis: a sweep over one run's
budgets must be contiguous.
"""

from __future__ import annotations

import math

from banditlab.core.choices import checked_action, checked_memory
from banditlab.core.components import Params, State
from banditlab.core.dispatch import device, generic, optional_generic


@generic
def plan(self: Params, state: State, known: Params, lane: int, t: int, rng: object) -> bool:
    """Get ready for episode t, and say whether what will be played may differ from the last episode's.

    The first episode has none before it, so that the answer does not matter then.
    """
    raise AssertionError


@generic
def act(self: Params, state: State, known: Params, lane: int, h: int, s: int, memory: int) -> int:
    """Return the action in step h and state s, with a memory."""
    raise AssertionError


@generic
def observe(
    self: Params, state: State, known: Params, lane: int, h: int, s: int, a: int, j: int, s_next: int, t: int
) -> None:
    """Learn from a step: in state s action a paid atom j of the rewards, and led to s_next."""
    raise AssertionError


@optional_generic
def n_memories(self: Params, state: State) -> int:
    """Return how many memories there are: optional, there is one without it."""
    return 1


@optional_generic
def first_memory(self: Params, state: State, lane: int) -> int:
    """Return the memory that episodes start with: optional, 0 without it."""
    return 0


@optional_generic
def next_memory(self: Params, state: State, lane: int, h: int, memory: int, j: int) -> int:
    """Return the memory after atom j was paid in step h: optional, 0 without it."""
    return 0


@optional_generic
def estimate(self: Params, state: State, lane: int) -> float:
    """Return an estimate of the optimum, for an optimist an upper one: optional.

    Where it is not implemented, results have no metrics based on it.
    """
    return math.nan


@device
def action(self: Params, state: State, known: Params, lane: int, h: int, s: int, memory: int) -> int:
    """Return the action that a policy's own code chose, or raise: compiled code would read outside its arrays."""
    return checked_action(act(self, state, known, lane, h, s, memory), known.n_actions)


@device
def starting_memory(self: Params, state: State, lane: int) -> int:
    """Return the memory that a policy's own code starts with, or raise if there is no such memory."""
    return checked_memory(first_memory(self, state, lane), n_memories(self, state))


@device
def following_memory(self: Params, state: State, lane: int, h: int, memory: int, j: int) -> int:
    """Return the memory that a policy's own code goes on with, or raise if there is no such memory."""
    return checked_memory(next_memory(self, state, lane, h, memory, j), n_memories(self, state))
