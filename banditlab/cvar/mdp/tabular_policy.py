"""Policies of tabular MDPs, with a memory of the rewards paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from banditlab.core.brief import brief
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import integer, invalid, number, shown, vector

from .environments import TabularMDP
from .model import Array, Index, Model


@dataclass(frozen=True, eq=False)
class TabularPolicy:
    r"""A policy whose actions depend on step, state and a memory of the rewards paid so far.

    For static CVaR the memory is the budget b that the return is still to reach: it starts at the quantile
    :math:`b_1` that the policy plans for, and :math:`b_{h+1} = b_h - r_h`. Other criteria need no memory.

    Parameters
    ----------
    actions : int64 array, shape (H, S, N)
        The action, by step (from 0), state and memory.
    following : int64 array, shape (T, J, N)
        The memory that follows if atom j of the rewards is paid; T is 1 if it is the same in every step.
    first : int
        The memory that an episode starts with.
    atoms : float64 array, shape (J,)
        The rewards that are told apart.
    budgets : float64 array, shape (H + 1, N), optional
        What the memories stand for: budgets b by step, in units of returns; one that can no longer be missed is
        given as the number of steps left times the smallest reward.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [0.0, 0.4, 1.0], horizon=2,
    ...                       reward_probabilities=[[[0.0, 1.0, 0.0], [0.4, 0.0, 0.6]]])
    >>> policy = cvar.plan_static_cvar(mdp, tau=0.5).policy
    >>> policy.action(0, state=0, memory=policy.first)  # first play safe
    0
    >>> memory = policy.next_memory(0, policy.first, reward=0.4)
    >>> policy.action(1, state=0, memory=memory)
    0
    """

    actions: Index
    following: Index
    first: int
    atoms: Array
    budgets: Array | None = None

    __repr__ = brief

    def __post_init__(self) -> None:
        """Check that shapes fit together, and that memories exist: code that follows a policy relies on it."""
        atoms = vector()("TabularPolicy.atoms", self.atoms)
        actions = _places("actions", self.actions, "integers of at least 0, shape (H, S, N)")
        H, _, n = actions.shape
        allowed = f"integers from 0 to {n - 1}, shape (1, {len(atoms)}, {n}) or ({H}, {len(atoms)}, {n})"
        following = _places("following", self.following, allowed)
        if following.shape not in ((1, len(atoms), n), (H, len(atoms), n)) or following.max() >= n:
            told = f"has shape {following.shape} and entries up to {following.max()}"
            raise InvalidArgument(f"TabularPolicy.following {told}; allowed: {allowed}")
        object.__setattr__(self, "atoms", atoms)
        object.__setattr__(self, "actions", actions)
        object.__setattr__(self, "following", following)
        object.__setattr__(self, "first", integer(0, n - 1)("TabularPolicy.first", self.first))
        if self.budgets is not None:
            object.__setattr__(self, "budgets", _budgets(self.budgets, (H + 1, n)))

    @classmethod
    def markov(cls, mdp: TabularMDP, actions: ArrayLike) -> TabularPolicy:
        """Return the policy without a memory that takes given actions.

        Parameters
        ----------
        mdp : TabularMDP
            The MDP that it is for.
        actions : array_like of int, shape (H, S) or (S,)
            The action, by step and state, or by state alone.

        Raises
        ------
        InvalidType, InvalidArgument
            For another shape, or an action that the MDP does not have.

        Examples
        --------
        >>> from banditlab import cvar
        >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [[0.25, 0.5]], horizon=2)
        >>> cvar.evaluate(mdp, cvar.TabularPolicy.markov(mdp, [[0], [1]])).mean
        0.75
        """
        model = an_mdp(mdp).model
        shape = (model.n_steps, model.n_states)
        allowed = f"integers from 0 to {model.n_actions - 1}, shape {shape} or ({model.n_states},)"
        try:
            found = np.asarray(actions)
        except ValueError as error:
            raise invalid("actions", actions, allowed) from error
        if found.dtype.kind not in "iu" or found.shape not in (shape, shape[1:]):
            raise invalid("actions", actions, allowed)
        if found.min() < 0 or found.max() >= model.n_actions:
            raise InvalidArgument(f"actions reach from {found.min()} to {found.max()}; allowed: {allowed}")
        taken = np.broadcast_to(found, shape).astype(np.int64)
        return cls(taken[:, :, None], np.zeros((1, len(model.atoms), 1), np.int64), 0, model.atoms)

    @property
    def n_memories(self) -> int:
        """How many memories there are (N)."""
        return self.actions.shape[2]

    def action(self, h: int, state: int, memory: int | None = None) -> int:
        """Return the action in a step, a state and with a memory.

        Parameters
        ----------
        h : int
            The step, from 0 to H - 1.
        state : int
            From 0 to S - 1.
        memory : int, optional
            From 0 to N - 1: default `first`, as in the first step; then what `next_memory` returned.

        Examples
        --------
        >>> from banditlab import cvar
        >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [[0.25, 0.5]], horizon=2)
        >>> cvar.plan_mean(mdp).policy.action(0, state=0)
        1
        """
        steps, states, memories = self.actions.shape
        at = (
            integer(0, steps - 1)("h", h),
            integer(0, states - 1)("state", state),
            integer(0, memories - 1)("memory", self.first if memory is None else memory),
        )
        return int(self.actions[at])

    def next_memory(self, h: int, memory: int, reward: float) -> int:
        """Return the memory after a reward was paid.

        Parameters
        ----------
        h : int
            The step in which it was paid, from 0 to H - 1.
        memory : int
            The memory in that step.
        reward : float
            One of `atoms`.

        Examples
        --------
        What is paid is no longer to be reached, and comes off the budget that the policy plans for:

        >>> from banditlab import cvar
        >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [0.0, 0.4, 1.0], horizon=2,
        ...                       reward_probabilities=[[[0.0, 1.0, 0.0], [0.4, 0.0, 0.6]]])
        >>> policy = cvar.plan_static_cvar(mdp, tau=0.9).policy
        >>> after = [policy.next_memory(0, policy.first, reward) for reward in (0.0, 0.4, 1.0)]
        >>> [round(float(policy.budgets[1, memory]), 6) for memory in after]
        [2.0, 1.6, 1.0]
        """
        step, place = integer(0, len(self.actions) - 1)("h", h), integer(0, self.n_memories - 1)("memory", memory)
        paid = number("reward", reward)
        which = int(np.argmin(np.abs(self.atoms - paid)))
        if abs(self.atoms[which] - paid) > 1e-9 * max(1.0, float(np.abs(self.atoms).max())):
            raise invalid("reward", reward, f"one of the MDP's {len(self.atoms)} rewards")
        return int(self.following[step % len(self.following), which, place])


def _places(name: str, value: Any, allowed: str) -> Index:
    """Return an array of places, shape (., ., .), or raise."""
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise invalid(f"TabularPolicy.{name}", value, allowed) from error
    if found.dtype.kind not in "iu" or found.ndim != 3 or found.size == 0 or found.min() < 0:
        raise invalid(f"TabularPolicy.{name}", value, allowed)
    return found.astype(np.int64, copy=False)


def _budgets(value: Any, shape: tuple[int, int]) -> Array:
    """Return an array of budgets, infinity where a memory stands for none, or raise."""
    allowed = f"numbers, shape {shape}, or None"
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise invalid("TabularPolicy.budgets", value, allowed) from error
    if found.shape != shape:
        raise InvalidArgument(f"TabularPolicy.budgets has shape {found.shape}; allowed: {allowed}")
    return found


def policy_of(model: Model, policy: Any) -> TabularPolicy:
    """Return a policy, or raise if it is not one for this MDP."""
    if not isinstance(policy, TabularPolicy):
        raise InvalidType(f"policy is {shown(policy)}; allowed: a cvar.TabularPolicy, such as that of a plan")
    sizes = (model.n_steps, model.n_states)
    if policy.actions.shape[:2] != sizes or not np.array_equal(policy.atoms, model.atoms):
        raise InvalidArgument(
            f"policy is for {policy.actions.shape[0]} steps, {policy.actions.shape[1]} states and "
            f"{len(policy.atoms)} rewards; allowed: one for this MDP's {sizes[0]}, {sizes[1]} and {len(model.atoms)}"
        )
    if policy.actions.max() >= model.n_actions:
        raise InvalidArgument(
            f"policy takes action {policy.actions.max()}; allowed: this MDP's, 0 to {model.n_actions - 1}"
        )
    return policy


def an_mdp(mdp: Any) -> TabularMDP:
    """Return an MDP, or raise."""
    if not isinstance(mdp, TabularMDP):
        raise InvalidType(f"mdp is {shown(mdp)}; allowed: a cvar.TabularMDP")
    return mdp
