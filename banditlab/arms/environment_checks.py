"""What a user's environment is asked before it is played: whether its rewards and gaps can be what they are."""

from __future__ import annotations

import math
import time
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

ROUNDING = 1e-9
"""How far below 0 a gap can be, and how far above 0 that of the best arm, relative to the largest gap above 1."""

SECONDS = 0.5
"""After this long, means are no longer computed: rewards that take long to make would keep everything else waiting."""


def check_kernels(environment: Any, support: Support, horizon: int, closely: bool) -> None:
    """Raise if a user's environment, in some rounds, gives rewards outside its support or gaps that cannot be right.

    Policies may go on forever with rewards they do not expect, and compiled code reads past the end of a table.
    """
    later = LATER if closely else LATER[-1:]
    until = time.perf_counter() + SECONDS
    for t in sorted({1, *(math.ceil(horizon * part) for part in later)}):
        try:
            told = quiet(_odd)(environment, support, horizon, t, PROBES if closely else EXTREME)
            if not told and closely:
                told = quiet(_wrong_means)(environment, support, horizon, t, until)
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
    looked_at = range(min(environment.n_arms, ARMS))
    for arm in looked_at:
        for u in probes:
            value = float(reward(params, arm, u, t))
            if not support.holds(value):
                return f"reward({arm}, {u:.3g}, {t}) is {value:g}; allowed: rewards {support}, which is its support"
    gaps = [float(gap(params, arm, t)) for arm in looked_at]
    any_sign = hasattr(environment, "benchmark")
    for arm in looked_at:
        if not math.isfinite(gaps[arm]) or (gaps[arm] < -_rounding(gaps) and not any_sign):
            allowed = "finite numbers" if any_sign else "0 and more, finite"
            return f"gap({arm}, {t}) is {gaps[arm]:g}; allowed: {allowed}"
    return ""


def _rounding(gaps: Sequence[float]) -> float:
    """Return how far a gap can be from 0 that is 0 but for rounding."""
    return ROUNDING * max(1.0, max(abs(value) for value in gaps))


def _wrong_means(environment: Any, support: Support, horizon: int, t: int, until: float) -> str:
    """Return which of a round's means or gaps the rewards contradict, where they are bounded; empty if none."""
    params, width = environment.params(Problem(environment.n_arms, horizon)), support.high - support.low
    looked_at = range(min(environment.n_arms, ARMS)) if math.isfinite(width) else range(0)
    means = _Means(params, t, SHARE * width + 1e-6, until)
    if isinstance(environment, Stationary):
        for arm in looked_at if t == 1 else ():
            said = float(environment.means[arm])
            if found := means.contradicted(said, arm):
                return f"means[{arm}] is {said:g}; allowed: the mean of reward({arm}, u, t) over u, which is {found}"
        return ""
    if hasattr(environment, "benchmark"):
        return ""  # it need not be an arm of this round
    gaps = [float(gap(params, arm, t)) for arm in range(environment.n_arms)]
    best = gaps.index(min(gaps))
    if gaps[best] > _rounding(gaps):
        return (
            f"gap({best}, {t}) is {gaps[best]:g}, the smallest of round {t}; allowed: 0 for its best arm (or a class "
            "attribute `benchmark`, which says in words what regret is against instead)"
        )
    for arm in [arm for arm in looked_at if arm != best]:
        if found := means.contradicted(gaps[arm], best, arm):
            return (
                f"gap({arm}, {t}) is {gaps[arm]:g}, and gap({best}, {t}) is 0; allowed: the mean of reward({best}, u, "
                f"{t}) over u minus that of reward({arm}, u, {t}), which is {found} (or a class attribute `benchmark`, "
                "which says in words what regret is against instead)"
            )
    return ""


class _Means:
    """Mean rewards of a round's arms, on grids of u that get finer: a coarse one suffices for most.

    The numbers of points are odd, as rewards may be made from the last bits of u.
    """

    def __init__(self, params: Any, t: int, margin: float, until: float) -> None:
        self._params, self._t, self._margin, self._until = params, t, margin, until
        self._known: dict[tuple[int, int], float] = {}

    def contradicted(self, said: float, arm: int, other: int | None = None) -> str:
        """Return an arm's mean, minus another's if there is one, where it is far from what was said."""
        found = said
        for places in (13, 101, 2003):
            found = self._mean(arm, places) - (0.0 if other is None else self._mean(other, places))
            if not abs(found - said) > self._margin:  # nor where it is NaN, as out of time
                return ""
        return f"about {found:.2g}"

    def _mean(self, arm: int, places: int) -> float:
        """Return an arm's mean on a grid; NaN if there is no time for it."""
        if (arm, places) not in self._known:
            rewards = []
            for k in range(places):
                if time.perf_counter() > self._until:
                    return math.nan
                rewards.append(float(reward(self._params, arm, (k + 0.5) / places, self._t)))
            self._known[arm, places] = math.fsum(rewards) / places
        return self._known[arm, places]
