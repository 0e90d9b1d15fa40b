"""A distribution on finitely many values, and its lower tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.errors import InvalidArgument
from banditlab.core.finite_cvar import cvar, quantile
from banditlab.core.validation import number, shown, vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Distribution:
    """A distribution on finitely many values, as the return of a policy has.

    Parameters
    ----------
    values : sequence of float
        The values, increasing.
    probabilities : sequence of float
        How likely each is; they sum to one.

    Examples
    --------
    >>> from banditlab import cvar
    >>> returns = cvar.Distribution([0.0, 0.5, 1.0], [0.25, 0.25, 0.5])
    >>> returns.mean, returns.cvar(0.5), returns.quantile(0.5), returns.shortfall(0.5)
    (0.625, 0.25, 0.5, 0.125)
    """

    values: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check the values and probabilities."""
        values = vector()("Distribution.values", self.values)
        probabilities = vector(0.0)("Distribution.probabilities", self.probabilities)
        if len(values) != len(probabilities) or (np.diff(values) <= 0.0).any():
            raise InvalidArgument(
                f"Distribution.values is {shown(self.values)}; allowed: increasing numbers, one a probability"
            )
        if abs(probabilities.sum() - 1.0) > 1e-6:
            raise InvalidArgument(f"Distribution.probabilities sums to {probabilities.sum():.9g}; allowed: 1")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "probabilities", probabilities)

    def __repr__(self) -> str:
        """Return the number of values, the mean and the range."""
        low, high = self.values[[0, -1]]
        return f"Distribution({len(self.values)} values from {low:.6g} to {high:.6g}, mean {self.mean:.6g})"

    @property
    def mean(self) -> float:
        """The expectation."""
        return float(self.values @ self.probabilities)

    def cvar(self, tau: ArrayLike) -> Any:
        """Return the mean of the worst share tau; see `cvar.cvar`."""
        return cvar(self.values, tau, self.probabilities)

    def quantile(self, tau: ArrayLike) -> Any:
        r"""Return the smallest value x with :math:`P(X \le x) \ge \tau`."""
        return quantile(self.values, tau, self.probabilities)

    def plot(self, *, tau: float | None = None, ax: Axes | None = None) -> Axes:
        """Draw its distribution function, and its CVaR at a level; see `banditlab.plotting.plot_distributions`."""
        from banditlab import plotting

        return plotting.plot_distributions(self, tau=tau, ax=ax)

    def shortfall(self, budget: float) -> float:
        """Return E[(budget - X)^+]."""
        return float(np.maximum(number("budget", budget) - self.values, 0.0) @ self.probabilities)
