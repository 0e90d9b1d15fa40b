"""What environments whose arms' means never change have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem


class Stationary:
    """Base of environments with one mean an arm: gives them gaps, regret and the lower bound.

    A subclass has `means`, as a field or a property. Regret after T rounds is
    sum_t (max_b means[b] - means[a_t]).
    """

    means: Any

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.means)

    @property
    def best_mean(self) -> float:
        """The largest mean."""
        return float(np.max(self.means))

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Suboptimality gaps: the best mean less each arm's."""
        return np.asarray(np.max(self.means) - self.means, dtype=np.float64)

    def variance(self, arm: int) -> float:
        """Return the variance of an arm's rewards."""
        return float(self.distribution(arm).var())  # type: ignore[attr-defined]

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return what the kernels need besides the fields."""
        return {"gaps": self.gaps}

    def gap(self: Params, arm: int, t: int) -> float:
        """Return the arm's gap."""
        return self.gaps[arm]

    def regret_constant(self) -> float | None:
        """Return the constant C of the asymptotic lower bound R_T >= C log T; None where the model has none.

        C = sum over suboptimal arms of gap / K_inf(arm, best mean) (Burnetas and Katehakis 1996; for
        one-parameter families Lai and Robbins 1985).
        """
        kinf = getattr(self, "kinf", None)
        if kinf is None:
            return None
        best = self.best_mean
        total = 0.0
        for arm, gap in enumerate(self.gaps):
            if gap > 0.0:
                information = kinf(arm, best)
                if not information > 0.0:
                    return None  # the gap is lost in rounding
                total += gap / information
        return total
