"""Playing K-armed bandits for CVaR: as in `arms`, with the policies' own level, and room for samples."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from banditlab.arms.agent import Agent
from banditlab.arms.protocol import ArmsProtocol, cvar_gaps
from banditlab.core.components import Space
from banditlab.core.validation import between, integer, invalid

AT_OWN_LEVEL = "cvar_regret"
"""The metric that has no level in brackets: it is counted at each policy's own."""

upper_end = between(-math.inf, math.inf, limit=1e100)
"""Check for the upper end of rewards that may be negative."""


class SampleSpace(Space):
    """Makes the arrays of a policy's state: the last axis is the lane (the run), but for what a lane walks alone."""

    def private(self, *shape: int, dtype: Any = np.float64) -> Any:
        """Return an array of zeros whose first axis is the lane: its entries lie side by side, for trees and tables.

        Memory is taken when it is first written, so that an array may have room for a whole run.
        """
        try:
            return np.zeros((self.n_lanes, *shape), dtype)
        except MemoryError as error:
            raise invalid("horizon", self.horizon, f"one for which there is memory: {error}") from error

    def holds(self, array: Any) -> bool:
        """Return whether an array can be part of a state: whether its last or its first axis is the lane."""
        return super().holds(array) or bool(array.shape[:1] == (self.n_lanes,))


class CVaRAgent(Agent):
    """Plays a policy for CVaR one round at a time; made by `banditlab.start`."""

    _space: ClassVar[type[Space]] = SampleSpace


class CVaRProtocol(ArmsProtocol):
    """As in `arms`; what is recorded where nothing is said is the regret in CVaR at a policy's own level."""

    default_metrics = (AT_OWN_LEVEL,)
    allowed_metrics = (AT_OWN_LEVEL, *ArmsProtocol.allowed_metrics)
    chunk = 16  # policies keep samples, which should fit into a core's cache; in fewer lanes no loop vectorises
    chunk_rounds = 1 << 20  # samples have room for a run's rewards on every arm
    space = SampleSpace

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return one column a metric, as in `arms`; `cvar_regret` needs a level, and the environment's CVaRs at it."""
        if AT_OWN_LEVEL in requested:
            cvar_gaps(environment, AT_OWN_LEVEL, self.level(AT_OWN_LEVEL, policy))
        return super().columns(environment, policy, requested)

    def level(self, metric: str, policy: Any) -> float:
        """Return the level of a `cvar_regret`: what stands in brackets, or the policy's own."""
        if metric != AT_OWN_LEVEL:
            return super().level(metric, policy)
        own = getattr(policy, "tau", None)
        if own is None:
            raise invalid("metrics", metric, f"'cvar_regret[0.05]', with any level, as {policy!r} has no tau")
        return float(own)

    def lower_bound(self, environment: Any, rounds: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return None: what bounds regret in means from below does not bound regret in CVaR."""
        return None

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> CVaRAgent:
        """Return an agent whose choices are those of run `run` of `seed`, given the same rewards."""
        return CVaRAgent(policy, integer(1, limit=2**31)("n_arms", n_arms), seed, run, horizon)
