"""What a policy that buys information implements, and what an environment does: names and arguments of its methods.

The decorators compare a class's methods with these. Unlike in other families, nothing here is compiled: a round solves
linear programs, compared with which the interpreter costs little.
"""

from __future__ import annotations

from typing import Any


def state(self: Any, known: Any, horizon: int, rng: Any) -> Any:
    """Return a fresh memory for one run: any object of the policy's own."""


def announce(self: Any, state: Any, t: int) -> Any:
    """Return the mechanism of round t, as `policy` says; it is checked, and copied before the agents respond."""


def update(self: Any, state: Any, seen: Any, t: int) -> None:
    """Learn from what the principal sees of round t."""


def game(self: Any) -> Any:
    """Return what plays the environment round by round, a `games.Game`."""
