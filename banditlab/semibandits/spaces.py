"""What policies and action sets are told about a problem, and what is asked of them before they play."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from banditlab.core.components import Problem, Space, record, remembered
from banditlab.core.dispatch import implements
from banditlab.core.errors import InvalidType
from banditlab.core.protocol import listed_reasons

from . import generics

REVEALED = ("value", "winner", "items")
"""What an environment can reveal of a round, from the least: the reward, also the item that gave it, all outcomes."""


@dataclass(frozen=True)
class ActionProblem(Problem):
    """A problem with an action set.

    Attributes
    ----------
    actions : action set
        What the policy chooses from.
    """

    actions: Any


@dataclass(frozen=True)
class ActionSpace(Space):
    """Makes the arrays of a policy's state, and knows the action set.

    Attributes
    ----------
    actions : action set
        What the policy chooses from.
    """

    actions: Any

    @property
    def problem(self) -> ActionProblem:
        """The problem these arrays are for."""
        return ActionProblem(self.n_arms, self.horizon, self.actions)


TOLD = {"value": "the action's reward alone", "winner": "the reward and the item that gave it", "items": "all outcomes"}


def needs(policy: Any) -> str:
    """Return what a policy learns from, one of `REVEALED`."""
    return learns_from(type(policy))


def learns_from(cls: Any) -> str:
    """Return what policies of a class learn from, one of `REVEALED`."""
    kernels = cls.__banditlab__.kernels
    return "items" if "update" in kernels else "winner" if "update_winner" in kernels else "value"


def actions_of(policy: Any, environment: Any) -> Any:
    """Return the action set that a policy plays: its own, or the environment's."""
    own = getattr(policy, "actions", None)
    return environment.actions if own is None else own


def player_params(policy: Any, problem: ActionProblem) -> Any:
    """Return what kernels receive of a policy: not its action set, which they receive separately, whosever it is."""
    return _without_actions(policy).params(problem)


def _without_actions(policy: Any) -> Any:
    """Return the policy whose action set is the environment's; always the same one, as it keeps its parameters."""
    if getattr(policy, "actions", None) is None:
        return policy
    return remembered(policy, "without actions", None, lambda: dataclasses.replace(policy, actions=None))


def make_work(actions: Any, space: Space) -> Any:
    """Return the record of arrays that an action set's kernels work on."""
    arrays = actions.scratch(space) if hasattr(actions, "scratch") else {}
    return record("Work", arrays or {"nothing": space.per_lane()})


def has_kernel(player: Any, allowed: Any) -> bool:
    """Say whether a policy (its parameters) chooses from an action set (its parameters) in compiled code."""
    by_itself = implements(generics.select, player) or implements(generics.select_lanes, player)
    return by_itself or implements(generics.best, allowed) or implements(generics.best_lanes, allowed)


def _learns_what_is_safe(policy: Any) -> bool:
    """Say whether a policy learns which actions are safe, and chooses itself: `best` would need to know it."""
    chooses = {"select", "select_lanes"} & type(policy).__banditlab__.kernels.keys()
    return bool(getattr(policy, "learns_what_is_safe", False) and chooses)


def _with_known_set(policy: Any, actions: Any, n_items: int) -> str:
    """Return how a policy plays a set of its own: a user's class may have no field for it."""
    known = f"UpToM({actions.max_size(n_items)})"
    if hasattr(policy, "actions"):
        return f"a policy whose own set is known, such as {type(policy).__name__}(actions={known})"
    return f"a policy with a field `actions`, whose own set is known, such as {known}"


def reasons_against_actions(policy: Any, actions: Any, n_items: int, horizon: int | None) -> list[str]:
    """Return what a policy and an action set have against each other."""
    found = []
    if not actions.known and not _learns_what_is_safe(policy):
        found.append(
            f"it does not learn which actions of {actions!r} are safe; allowed: SafeUpToM(..., variances=), which "
            f"tells it, {_with_known_set(policy, actions, n_items)}, or a policy that learns it, such as PASCombUCB or "
            "a class with learns_what_is_safe = True and `select`"
        )
    own = getattr(policy, "reasons_against_actions", None)
    if own is None:
        return found
    try:
        reasons = own(actions, n_items, horizon)
    except InvalidType:
        if not found:
            raise
        return found  # it lists the actions, which cannot be done unless it is known which are safe
    return [*found, *listed_reasons(f"{policy!r}.reasons_against_actions", reasons)]
