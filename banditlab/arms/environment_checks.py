"""What a user's environment is asked before it is played: whether its rewards and gaps can be what they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from banditlab.core.compiling.kernels import quiet
from banditlab.core.compiling.rehearsal import past_the_end
from banditlab.core.components import Problem
from banditlab.core.errors import InvalidComponent

from .generics import gap, reward
from .stationary import Stationary
from .support import Support

PROBES = (2.0**-54, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0 - 2.0**-53)
"""Random numbers with which it is asked for rewards."""

LATER = (0.25, 0.5, 0.75, 1.0)
"""Fractions of the horizon at which it is asked, besides the first round."""

EXTREME = (PROBES[0], PROBES[-1])
"""Random numbers with which instances are asked, in the first round and the last: where a table would be too short."""

ARMS = 20
"""Most arms whose rewards are asked for."""

SHARE = 0.1
"""How wrong a mean must be to be refused, as a share of the rewards' range."""


def check_kernels(environment: Any, support: Support, horizon: int, closely: bool) -> None:
    """Raise if a user's environment, in some rounds, gives rewards outside its support or gaps that cannot be right.

    Policies may go on forever with rewards they do not expect, and compiled code reads past the end of a table.
    """
    later = LATER if closely else LATER[-1:]
    for t in sorted({1, *(math.ceil(horizon * part) for part in later)}):
        try:
            told = quiet(_odd)(environment, support, horizon, t, PROBES if closely else EXTREME)
            if not told and closely:
                told = quiet(_wrong_means)(environment, support, horizon, t)
        except IndexError as error:
            place = past_the_end(error)
            told = f"in round {t} it {place}" if place else ""
        except Exception:  # noqa: BLE001 - what a kernel raises is told when it is played
            return
        if told:
            raise InvalidComponent(f"{environment!r}: {told}")


def _odd(environment: Any, support: Support, horizon: int, t: int, probes: Sequence[float]) -> str:
    """Return which reward or gap of a round cannot be; empty if all can."""
    params = environment.params(Problem(environment.n_arms, horizon))
    for arm in range(min(environment.n_arms, ARMS)):
        for u in probes:
            value = float(reward(params, arm, u, t))
            if not support.holds(value):
                return f"reward({arm}, {u:.3g}, {t}) is {value:g}; allowed: rewards {support}, which is its support"
        if not float(gap(params, arm, t)) >= -1e-9:
            return f"gap({arm}, {t}) is {float(gap(params, arm, t)):g}; allowed: 0 and more"
    return ""


def _wrong_means(environment: Any, support: Support, horizon: int, t: int) -> str:
    """Return which of a round's means or gaps the rewards contradict, where they are bounded; empty if none."""
    params, width = environment.params(Problem(environment.n_arms, horizon)), support.high - support.low
    looked_at = range(min(environment.n_arms, ARMS)) if math.isfinite(width) else range(0)
    if isinstance(environment, Stationary):
        for arm in looked_at if t == 1 else ():
            said = float(environment.means[arm])
            if found := _contradicted(params, {arm: 1.0}, t, said, width):
                return f"means[{arm}] is {said:g}; allowed: the mean of reward({arm}, u, t) over u, which is {found}"
        return ""
    gaps = [float(gap(params, arm, t)) for arm in range(environment.n_arms)]
    best = gaps.index(min(gaps))
    if gaps[best] > 1e-9:
        return f"gap({best}, {t}) is {gaps[best]:g}, the smallest of round {t}; allowed: 0 for its best arm"
    for arm in [arm for arm in looked_at if arm != best]:
        if found := _contradicted(params, {best: 1.0, arm: -1.0}, t, gaps[arm], width):
            return (
                f"gap({arm}, {t}) is {gaps[arm]:g}, and gap({best}, {t}) is 0; allowed: the mean of reward({best}, u, "
                f"{t}) over u minus that of reward({arm}, u, {t}), which is {found}"
            )
    return ""


def _contradicted(params: Any, signs: dict[int, float], t: int, said: float, width: float) -> str:
    """Return a sum of signed mean rewards, if it is far from what was said.

    A coarse look comes first, as it suffices for most. The numbers of points are odd, as rewards may be made from the
    last bits of u.
    """
    found = 0.0
    for places in (13, 2003):
        grid = [(k + 0.5) / places for k in range(places)]
        found = math.fsum(sign * float(reward(params, arm, u, t)) for arm, sign in signs.items() for u in grid) / places
        if not abs(found - said) > SHARE * width + 1e-6:
            return ""
    return f"about {found:.2g}"
