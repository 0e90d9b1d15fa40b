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
from banditlab.core.dispatch import chosen_by_type, device, generic, implements


@generic
def plan(self: Params, state: State, known: Params, lane: int, t: int, rng: object) -> bool:
    """Get ready for episode t, and say whether what will be played may differ from the last episode's.

    The first episode has none before it: what is said then does not matter.
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


@generic
def n_memories(self: Params, state: State) -> int:
    """Return how many memories there are; 1 where not implemented."""
    raise AssertionError


@generic
def first_memory(self: Params, state: State, lane: int) -> int:
    """Return the memory that episodes start with; 0 where not implemented."""
    raise AssertionError


@generic
def next_memory(self: Params, state: State, lane: int, h: int, memory: int, j: int) -> int:
    """Return the memory after atom j was paid in step h; 0 where not implemented."""
    raise AssertionError


@generic
def estimate(self: Params, state: State, lane: int) -> float:
    """Return an estimate of the optimum, for an optimist from above.

    Where it is not implemented, results have no metrics of it.
    """
    raise AssertionError


@device
def _one(self: Params, state: State) -> int:
    return 1


@device
def _n_of_policy(self: Params, state: State) -> int:
    return n_memories(self, state)


@chosen_by_type(lambda policy: _n_of_policy if implements(n_memories, policy) else _one)
def memories(self: Params, state: State) -> int:
    """Return how many memories any policy has."""
    raise AssertionError


@device
def action(self: Params, state: State, known: Params, lane: int, h: int, s: int, memory: int) -> int:
    """Return the action that a policy's own code chose, or raise: compiled code would read outside its arrays."""
    return checked_action(act(self, state, known, lane, h, s, memory), known.n_actions)


@device
def _first_is_zero(self: Params, state: State, lane: int) -> int:
    return 0


@device
def _first_of_policy(self: Params, state: State, lane: int) -> int:
    return checked_memory(first_memory(self, state, lane), memories(self, state))


@chosen_by_type(lambda policy: _first_of_policy if implements(first_memory, policy) else _first_is_zero)
def starting_memory(self: Params, state: State, lane: int) -> int:
    """Return the memory that any policy's episodes start with."""
    raise AssertionError


@device
def _next_is_zero(self: Params, state: State, lane: int, h: int, memory: int, j: int) -> int:
    return 0


@device
def _next_of_policy(self: Params, state: State, lane: int, h: int, memory: int, j: int) -> int:
    return checked_memory(next_memory(self, state, lane, h, memory, j), memories(self, state))


@chosen_by_type(lambda policy: _next_of_policy if implements(next_memory, policy) else _next_is_zero)
def following_memory(self: Params, state: State, lane: int, h: int, memory: int, j: int) -> int:
    """Return any policy's memory after atom j was paid in step h."""
    raise AssertionError


@device
def _no_estimate(self: Params, state: State, lane: int) -> float:
    return math.nan


@device
def _estimate_of_policy(self: Params, state: State, lane: int) -> float:
    return estimate(self, state, lane)


@chosen_by_type(lambda policy: _estimate_of_policy if implements(estimate, policy) else _no_estimate)
def estimated(self: Params, state: State, lane: int) -> float:
    """Return any policy's estimate of the optimum."""
    raise AssertionError
