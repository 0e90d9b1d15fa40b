"""The space that makes the arrays of policies for CVaR, which keep samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.components import Space
from banditlab.core.validation import invalid


class SampleSpace(Space):
    """Makes the arrays of a policy's state: the last axis is the lane (the run), except in private ones."""

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
