"""What the learner wants: the utility u(s, mu) of selecting an arm with click rate s and post-click mean mu."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, field, is_component
from banditlab.core.errors import InvalidType
from banditlab.core.validation import positive, probability, shown

from . import generics
from .family import utility

NODES = 513
"""Number of means, evenly spaced on [0, 1], at which a utility is evaluated."""

OPTIMISTIC_NODES = 33
"""Number of means over which `Utility.optimistic_utility` searches a box."""


class Utility:
    r"""Base of utilities: everything that follows from :math:`u(s, \mu)`, computed numerically.

    A subclass, decorated with `clicks.utility`, has the kernel `utility(self, s, mu)`. From it follow the desired
    strategy :math:`s^*(\mu) = \arg\max_{s \in [0, 1]} u(s, \mu)` (bounded scalar optimisation at 513 means; between
    these means, kernels interpolate linearly, while Python's `desired` optimises anew) and the optimal utility
    :math:`u^*(\mu) = u(s^*(\mu), \mu)`. Where closed forms are known, a subclass provides them with the kernels
    `desired_strategy(self, mu)` and `optimal_utility(self, mu)`.

    Examples
    --------
    >>> from banditlab import clicks
    >>> @clicks.utility
    ... class Absolute(clicks.Utility):
    ...     def utility(self, s, mu):
    ...         return s * mu - 2.0 * abs(s - mu)
    >>> u = Absolute()
    >>> round(u.desired(0.5), 6), round(u.optimum(0.5), 6)
    (0.5, 0.25)
    """

    if TYPE_CHECKING:
        utility: Callable[[float, float], float]  # the subclass's kernel

    def __call__(self, s: float, mu: float) -> float:
        """Return u(s, mu)."""
        return float(self.utility(probability("s", s), probability("mu", mu)))

    def desired(self, mu: float) -> float:
        r"""Return the desired strategy :math:`s^*(\mu) = \arg\max_{s \in [0, 1]} u(s, \mu)`.

        Parameters
        ----------
        mu : float
            A post-click mean, in [0, 1].

        Examples
        --------
        >>> from banditlab import clicks
        >>> u = clicks.QuadraticUtility(penalty=5.0)
        >>> round(u.desired(0.5), 9), u.desired(1.0)
        (0.55, 1.0)
        """
        mean = probability("mu", mu)
        return float(self.desired_strategy(mean)) if has_closed_form(self) else maximiser(self, mean)

    def optimum(self, mu: float) -> float:
        r"""Return the optimal utility :math:`u^*(\mu) = u(s^*(\mu), \mu)`.

        Parameters
        ----------
        mu : float
            A post-click mean, in [0, 1].

        Examples
        --------
        >>> from banditlab import clicks
        >>> u = clicks.QuadraticUtility(penalty=5.0)
        >>> round(u.optimum(0.5), 9), round(u(u.desired(0.5), 0.5), 9)
        (0.2625, 0.2625)
        """
        mean = probability("mu", mu)
        if type(self).optimal_utility is Utility.optimal_utility:
            return self(self.desired(mean), mean)
        return float(generics.optimal_utility(self.params(Problem(1, None)), mean))  # type: ignore[attr-defined]

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return s* at the nodes, and whether it is monotone."""
        table = _desired_table(self)
        steps = np.diff(table)
        # the maximiser of a flat u is uncertain by about 1e-8
        return {"table": table, "monotone": bool((steps >= -1e-7).all() or (steps <= 1e-7).all())}

    def desired_strategy(self: Params, mu: float) -> float:
        """Return s*(mu), interpolated between nodes."""
        x = mu * (NODES - 1)
        k = min(int(x), NODES - 2)
        return self.table[k] + (x - k) * (self.table[k + 1] - self.table[k])

    def optimal_utility(self: Params, mu: float) -> float:
        """Return u(s*(mu), mu)."""
        return generics.utility(self, generics.desired_strategy(self, mu), mu)

    def desired_range(self: Params, mu_low: float, mu_high: float) -> tuple[float, float]:
        """Return the extremes of s*: at the ends if it is monotone, else over the nodes in between too."""
        first = generics.desired_strategy(self, mu_low)
        last = generics.desired_strategy(self, mu_high)
        low = min(first, last)
        high = max(first, last)
        if not self.monotone:
            k = int(mu_low * (NODES - 1)) + 1
            while k < mu_high * (NODES - 1):
                low = min(low, self.table[k])
                high = max(high, self.table[k])
                k += 1
        return low, high

    def optimistic_utility(self: Params, s_low: float, s_high: float, mu_low: float, mu_high: float) -> float:
        """Return the largest u over 33 means in the box, each with the s of the box nearest to s*(mu).

        That s is the best one in the box if u(., mu) rises up to s*(mu) and falls after it.
        """
        best = -np.inf
        for k in range(OPTIMISTIC_NODES):
            mu = mu_low + (mu_high - mu_low) * (k / (OPTIMISTIC_NODES - 1))
            s = min(max(generics.desired_strategy(self, mu), s_low), s_high)
            best = max(best, generics.utility(self, s, mu))
        return best


def a_utility(name: str, value: object) -> Any:
    """Check for a utility."""
    if isinstance(value, Utility) and not is_component(value):
        raise InvalidType(f"{name} is {shown(value)}; allowed: an instance of a class decorated with @clicks.utility")
    if not isinstance(value, Utility):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a clicks.Utility, such as clicks.QuadraticUtility()")
    return value


@utility
class QuadraticUtility(Utility):
    r"""Clicks that lead to rewards, less a penalty for click rates that promise too much or too little.

    .. math:: u(s, \mu) = s \mu - \lambda (s - \mu)^2

    with desired strategy :math:`s^*(\mu) = \min(1, (1 + 1/(2\lambda)) \mu)` and, while that is below 1,
    :math:`u^*(\mu) = (1 + 1/(4\lambda)) \mu^2`.

    Parameters
    ----------
    penalty : float, default 5.0
        :math:`\lambda`; positive. 5.0 is the paper's.

    Notes
    -----
    The value of the penalty was read in a summary of the paper; the form of u is reconstructed. As to the paper's
    assumptions, u is Lipschitz (A1), u* increases (A2), and s* is Lipschitz, and positive for positive means (A3). For
    :math:`\mu = 0` it is 0: an arm that is never clicked is never screened.

    References
    ----------
    Buening, Saha, Dimitrakakis, Xu (2024), Bandits meet mechanism design to combat clickbait in online
    recommendation, ICLR, arXiv:2311.15647.

    Examples
    --------
    >>> from banditlab import clicks
    >>> u = clicks.QuadraticUtility()
    >>> round(u.desired(0.5), 12), round(u.optimum(0.5), 12), round(u(1.0, 0.5), 12)
    (0.55, 0.2625, -0.75)
    """

    penalty: float = field(default=5.0, check=positive, doc="lambda; 5.0 is the paper's")

    def utility(self: Params, s: float, mu: float) -> float:
        """Return u(s, mu)."""
        return s * mu - self.penalty * (s - mu) * (s - mu)

    def desired_strategy(self: Params, mu: float) -> float:
        """Return s*(mu)."""
        return min(1.0, mu * (1.0 + 0.5 / self.penalty))

    def optimistic_utility(self: Params, s_low: float, s_high: float, mu_low: float, mu_high: float) -> float:
        """Return the largest u over the box, exactly.

        u has a saddle point, so that its maximum is on an edge of the box; along an edge it is concave, with its
        maximum where the other coordinate is larger by the factor 1 + 1/(2 lambda).
        """
        factor = 1.0 + 0.5 / self.penalty
        s = min(max(mu_low * factor, s_low), s_high)
        best = generics.utility(self, s, mu_low)
        s = min(max(mu_high * factor, s_low), s_high)
        best = max(best, generics.utility(self, s, mu_high))
        mu = min(max(s_low * factor, mu_low), mu_high)
        best = max(best, generics.utility(self, s_low, mu))
        mu = min(max(s_high * factor, mu_low), mu_high)
        return max(best, generics.utility(self, s_high, mu))


def has_closed_form(of: Utility) -> bool:
    """Say whether a utility has its own desired_strategy."""
    return type(of).desired_strategy is not Utility.desired_strategy


def maximiser(of: Utility, mu: float) -> float:
    """Return the s in [0, 1] that maximises u(s, mu): a coarse grid, then bounded scalar optimisation."""
    from scipy.optimize import minimize_scalar

    grid = np.linspace(0.0, 1.0, 65)
    values = [of.utility(s, mu) for s in grid]
    k = int(np.argmax(values))
    found = minimize_scalar(
        lambda s: -of.utility(s, mu),
        bounds=(grid[max(k - 1, 0)], grid[min(k + 1, 64)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return float(found.x) if -found.fun > values[k] else float(grid[k])


@functools.lru_cache(maxsize=64)
def _desired_table(of: Utility) -> NDArray[np.float64]:
    table = np.array([of.desired(mu) for mu in np.linspace(0.0, 1.0, NODES)])
    table.setflags(write=False)
    return table
