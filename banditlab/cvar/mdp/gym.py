"""Reading the tables of Gymnasium's toy-text environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import integer, invalid, positive_integer, shown


@dataclass(frozen=True)
class Tables:
    """What `TabularMDP` needs."""

    transitions: NDArray[np.float64]
    rewards: NDArray[np.float64]
    horizon: int
    initial_state: int


def _made(env: Any) -> Any:
    if not isinstance(env, str):
        return env
    try:
        import gymnasium
    except ImportError as error:
        raise InvalidType(
            f"env is {env!r}, and Gymnasium is not installed; allowed: an environment, or a name after pip install "
            "gymnasium"
        ) from error
    try:
        return gymnasium.make(env)
    except gymnasium.error.Error as error:
        raise invalid("env", env, f"an environment that Gymnasium knows ({error})") from error


def _good(P: Any, p: Any, after: Any, reward: Any, final: Any) -> bool:
    return p >= 0.0 and isinstance(after, int | np.integer) and after in P and bool(np.isfinite(float(reward)))


def _check(P: Any) -> None:
    """Raise unless a table is by state and action, both from 0, of (probability, next state, reward, whether final)."""
    n, k = len(P), len(P[0]) if 0 in P and hasattr(P[0], "__len__") else 0
    allowed = "(probability, next state, reward, whether final), for states and actions counted from 0"
    for s in range(n):
        if not isinstance(P.get(s), dict) or set(P[s]) != set(range(k)) or k == 0:
            raise InvalidArgument(f"env has a table P whose entry {s} is {shown(P.get(s))}; allowed: {allowed}")
        for a in range(k):
            try:
                good = all(_good(P, *entry) for entry in P[s][a])
            except (TypeError, ValueError):
                good = False
            if not good:
                raise InvalidArgument(f"env has a table P whose entry {s}, {a} is {shown(P[s][a])}; allowed: {allowed}")


def tables(env: Any, horizon: int | None, initial_state: int | None) -> Tables:
    """Return the tables of an environment, its final states absorbing."""
    made = _made(env)
    world = getattr(made, "unwrapped", made)
    P = getattr(world, "P", None)
    if not isinstance(P, dict) or not P:
        raise InvalidType(
            f"env is {shown(env)}, without a table P; allowed: a toy-text environment (FrozenLake, CliffWalking, Taxi)"
        )
    _check(P)
    limit = getattr(getattr(made, "spec", None), "max_episode_steps", None)
    if horizon is None and limit is None:
        raise InvalidArgument("horizon is None, and env has no limit of its own; allowed: a positive integer")
    steps = positive_integer("horizon", limit if horizon is None else horizon)
    n, k = len(P), len(P[0])
    first = _initial_state(world, n) if initial_state is None else integer(0, n - 1)("initial_state", initial_state)
    final = _final_states(P, first, n)
    transitions, rewards = np.zeros((n, k, n)), np.full((n, k, n), np.nan)
    for s in range(n):
        for a in range(k):
            if final[s]:
                transitions[s, a, s], rewards[s, a, s] = 1.0, 0.0
                continue
            for p, after, reward, _ in P[s][a]:
                if p > 0.0:
                    transitions[s, a, after] += p
                    if not np.isnan(rewards[s, a, after]) and rewards[s, a, after] != reward:
                        raise InvalidArgument(
                            f"env pays {rewards[s, a, after]:g} or {float(reward):g} for action {a} from state {s} to "
                            f"{after}; allowed: one reward for each state, action and next state"
                        )
                    rewards[s, a, after] = reward
    return Tables(transitions, _smallest(rewards), steps, first)


def _initial_state(world: Any, n: int) -> int:
    law = getattr(world, "initial_state_distrib", None)
    possible = np.flatnonzero(np.asarray(law) > 0.0) if law is not None else np.arange(n)
    if len(possible) != 1:
        raise InvalidArgument(
            f"initial_state is None, and env starts in any of {len(possible)} states; allowed: one of them, such as "
            f"{int(possible[0])}"
        )
    return int(possible[0])


def _final_states(P: Any, first: int, n: int) -> NDArray[np.bool_]:
    """Return the states in which an episode ends.

    Whether it ends must depend on the state alone, at least for states that can be reached: an episode may not end in a
    state and pass through it another time.
    """
    final = np.zeros(n, bool)
    entries = [(s, after, done) for s in P for a in P[s] for p, after, _, done in P[s][a] if p > 0.0]
    for _, after, done in entries:
        final[after] |= bool(done)
    reached, waiting = {first}, [first]
    while waiting:
        s = waiting.pop()
        for a in P[s]:
            for p, after, _, done in P[s][a]:
                if p > 0.0 and not done and after not in reached:
                    if final[after]:
                        raise InvalidArgument(
                            f"env ends in state {after} or passes through it; allowed: states that are final or not"
                        )
                    reached.add(after)
                    waiting.append(after)
    return final


def _smallest(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rewards by state and action, if that is what they depend on, else by next state too."""
    known = ~np.isnan(rewards)
    low = np.where(known, rewards, np.inf).min(axis=2)
    high = np.where(known, rewards, -np.inf).max(axis=2)
    return low if (low == high).all() else np.where(known, rewards, 0.0)
