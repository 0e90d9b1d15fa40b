"""What policies around a policy have in common: its state, the windows beside it, and how it starts afresh."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.components import Space, State, is_kind, make_state
from banditlab.core.dispatch import device
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.protocol import own_reasons
from banditlab.core.restore import restore
from banditlab.core.validation import integer, invalid, shown

from ..family import DUELING
from .windows import clear, windows

LARGEST_WINDOW = 2**31


def a_base(name: str, value: Any) -> Any:
    """Check for a policy that chooses two arms in `select`: not one of another family, and not a contextual one."""
    if not is_kind(value, "policy") or value.family is not DUELING:
        raise InvalidType(f"{name} is {shown(value)}; allowed: a policy for dueling bandits that sees no features")
    return value


def a_base_with_winner(name: str, value: Any) -> Any:
    """Check for a policy that says whom it takes for the winner; a policy around another asks that one."""
    inner = a_base(name, value)
    while isinstance(inner, Around):
        inner = inner.base
    if "winner" not in type(inner).__banditlab__.kernels:
        raise InvalidType(
            f"{name} is {shown(value)}, and {type(inner).__name__} has no kernel winner; "
            "allowed: a policy with winner(self, state, lane), which returns the arm that it takes for the winner"
        )
    return value


def a_window(name: str, value: Any) -> int:
    """Check for the size of a window, which has two halves."""
    size: int = integer(2, limit=LARGEST_WINDOW)(name, value)
    if size % 2:
        raise invalid(name, value, "an even integer: its two halves are compared")
    return size


def check_needed(owner: object, parameters: str, **given: Any) -> None:
    """Raise for constants of the instance that were not given, where parameters are to be computed from them."""
    missing = [name for name, value in given.items() if value is None]
    if missing:
        kind = type(owner).__name__
        raise InvalidType(
            f"{kind}.{missing[0]} is None; allowed: a number, unless {parameters}, which are computed from "
            f"{' and '.join(given)}, are all given"
        )


def given_or(window: int | None, computed: int, owner: Any) -> int:
    """Return the window that was given or else the computed one, which a tiny delta makes larger than any memory."""
    if window is None and computed > LARGEST_WINDOW:
        raise InvalidArgument(
            f"{type(owner).__name__}.delta is {owner.delta:g}, for which a window holds {computed:.3g} duels; allowed: "
            f"a larger delta, or `window` up to {LARGEST_WINDOW}"
        )
    return window or computed


@device
def start_afresh(state: State, lane: int) -> None:
    """Set the base back, and forget all windows."""
    restore(state.base, state.fresh, lane)
    clear(state, lane)
    state.clock[lane] = 0
    state.resets[lane] += 1


class Around:
    """Base of policies around a policy."""

    base: Any

    def _arrays(self, space: Space, n_windows: int, size: int) -> dict[str, Any]:
        """Return the base's arrays, those of a base that has just begun, windows, and what both policies count."""
        return windows(space, n_windows, size) | {
            "base": make_state(self.base, space),
            "fresh": make_state(self.base, Space(space.n_arms, 1, space.horizon)),
            "clock": space.per_lane(0, np.int64),  # rounds since the last fresh start
            "resets": space.per_lane(0, np.int64),
        }

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Return what the base says against playing an environment."""
        return own_reasons(self.base, environment, horizon)
