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
    """A distribution on finitely many values, such as that of a policy's return.

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
                f"Distribution.values is {shown(self.values)}; allowed: increasing numbers, one per probability"
            )
        if abs(probabilities.sum() - 1.0) > 1e-6:
            raise InvalidArgument(
                f"Distribution.probabilities sums to {probabilities.sum():.9g}; allowed: 1, within 1e-6"
            )
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
        r"""Return :math:`\mathrm{CVaR}_\tau = \max_b \{ b - E[(b - X)^+] / \tau \}`: the mean of the worst share tau.

        Parameters
        ----------
        tau : float or flat sequence of float
            Level or levels, in [0, 1]; 1 gives the mean, 0 the smallest value.

        Returns
        -------
        float, or float64 array with one entry per level
            See `banditlab.cvar.cvar`.

        Examples
        --------
        >>> from banditlab import cvar
        >>> cvar.Distribution([0.0, 0.5, 1.0], [0.25, 0.25, 0.5]).cvar([0.25, 0.5, 1.0]).tolist()
        [0.0, 0.25, 0.625]
        """
        return cvar(self.values, tau, self.probabilities)

    def quantile(self, tau: ArrayLike) -> Any:
        r"""Return the smallest value x with :math:`P(X \le x) \ge \tau`.

        Parameters
        ----------
        tau : float or flat sequence of float
            Probability or probabilities, in [0, 1].

        Returns
        -------
        float, or float64 array with one entry per probability

        Examples
        --------
        >>> from banditlab import cvar
        >>> cvar.Distribution([0.0, 0.5, 1.0], [0.25, 0.25, 0.5]).quantile([0.25, 0.3, 0.9]).tolist()
        [0.0, 0.5, 1.0]
        """
        return quantile(self.values, tau, self.probabilities)

    def plot(self, *, tau: float | None = None, ax: Axes | None = None) -> Axes:
        """Draw its distribution function, and its CVaR at a level.

        Parameters
        ----------
        tau : float, optional
            The level, in (0, 1]; default: no CVaR is drawn.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default new Axes. See `banditlab.plotting.plot_distributions`, which draws several.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> from banditlab import cvar
        >>> cvar.Distribution([0.0, 0.5, 1.0], [0.25, 0.25, 0.5]).plot(tau=0.5).get_xlabel()
        'return $x$'
        """
        from banditlab import plotting

        return plotting.plot_distributions(self, tau=tau, ax=ax)

    def shortfall(self, budget: float) -> float:
        """Return :math:`E[(b - X)^+]`: by how much X is expected to miss a budget b.

        Parameters
        ----------
        budget : float
            b, in units of X.

        Examples
        --------
        >>> from banditlab import cvar
        >>> cvar.Distribution([0.0, 0.5, 1.0], [0.25, 0.25, 0.5]).shortfall(0.5)  # 0.25 times 0.5
        0.125
        """
        return float(np.maximum(number("budget", budget) - self.values, 0.0) @ self.probabilities)
