"""Playing K-armed bandits for CVaR: as in `arms`, with the policies' own level, and room for samples."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from banditlab.arms.agent import Agent
from banditlab.arms.protocol import ArmsProtocol, cvar_gaps
from banditlab.core.components import Space
from banditlab.core.validation import invalid

from .spaces import SampleSpace

AT_OWN_LEVEL = "cvar_regret"
"""The metric without a level in brackets: it is counted at each policy's own level."""


class CVaRAgent(Agent):
    """Plays a policy for CVaR one round at a time; made by `banditlab.start`."""

    space: ClassVar[type[Space]] = SampleSpace


class CVaRProtocol(ArmsProtocol):
    """As in `arms`; the default metric is the regret in CVaR at a policy's own level."""

    default_metrics = (AT_OWN_LEVEL,)
    allowed_metrics = (AT_OWN_LEVEL, *ArmsProtocol.allowed_metrics)
    chunk = 16  # policies keep samples, which should fit into a core's cache; in fewer lanes no loop vectorises
    chunk_rounds = 1 << 20  # samples have room for a run's rewards on every arm
    agent = CVaRAgent

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return one column per metric, as in `arms`; `cvar_regret` needs a level and the environment's CVaRs at it."""
        if AT_OWN_LEVEL in requested:
            cvar_gaps(environment, AT_OWN_LEVEL, self.level(AT_OWN_LEVEL, policy))
        return super().columns(environment, policy, requested)

    def level(self, metric: str, policy: Any) -> float:
        """Return the level of a `cvar_regret`: the one in brackets, or the policy's own."""
        if metric != AT_OWN_LEVEL:
            return super().level(metric, policy)
        own = getattr(policy, "tau", None)
        if own is None:
            raise invalid("metrics", metric, f"'cvar_regret[0.05]', with any level, as {policy!r} has no tau")
        return float(own)

    def lower_bound(self, environment: Any, rounds: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return None: a lower bound on regret in means does not bound regret in CVaR."""
        return None
