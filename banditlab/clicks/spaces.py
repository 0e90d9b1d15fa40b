"""What oracles may know in a simulation when they are set up: core's `Space`, the environment and the strategies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Space
from banditlab.core.errors import InvalidType


@dataclass(frozen=True)
class InformedSpace(Space):
    """Makes the arrays of a policy's state in a simulation, where oracles are told what learners must learn.

    Attributes
    ----------
    environment : environment
        What is played.
    strategies : float64 array
        The strategies, one row per arm, one column per lane.
    """

    same_on_every_lane: ClassVar[bool] = False

    environment: Any
    strategies: NDArray[np.float64]


def simulated_space(space: Space, policy: object) -> InformedSpace:
    """Return the space of a simulation, or raise for an oracle that plays with real feedback."""
    if not isinstance(space, InformedSpace):
        raise InvalidType(f"policy is {policy!r}; allowed: one that learns (an oracle plays in simulations only)")
    return space
