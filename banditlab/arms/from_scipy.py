"""Any distributions of scipy.stats as arms, sampled from tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, field
from banditlab.core.dispatch import device
from banditlab.core.errors import InvalidType
from banditlab.core.validation import invalid, shown

from .family import environment
from .finite import finite_table, tabulated
from .stationary import Stationary
from .support import Support

# Nodes of the quantile tables: 4096 equal steps, and halving steps down to 2^-50 near 0 and 1.
_BULK = np.arange(1, 4096) / 4096.0
_TAIL = 2.0 ** np.arange(-50.0, -12.0)
_NODES = np.concatenate([_TAIL, _BULK, 1.0 - _TAIL[::-1]])
_COMPLEMENTS = np.concatenate([1.0 - _TAIL, 1.0 - _BULK, _TAIL[::-1]])  # 1 - _NODES without cancellation


def _frozen(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a list of frozen scipy.stats distributions")
    if not value:
        raise invalid(name, value, "at least one frozen scipy.stats distribution")
    for arm, distribution in enumerate(value):
        if not (hasattr(distribution, "ppf") and hasattr(distribution, "mean") and hasattr(distribution, "args")):
            told = f"{name}[{arm}] is {shown(distribution)}; allowed: a frozen scipy.stats distribution"
            raise InvalidType(told + _how(distribution))
        if not math.isfinite(float(distribution.mean())):
            raise invalid(f"{name}[{arm}].mean()", float(distribution.mean()), "a finite mean")
    return list(value)


def _how(value: Any) -> str:
    """Return how to freeze a distribution that is not frozen, which is easily overlooked for a histogram's."""
    from scipy import stats

    if not isinstance(value, stats.rv_continuous | stats.rv_discrete):
        return ""
    name, shapes = getattr(value, "name", None) or "it", getattr(value, "shapes", None) or ""
    return f"; this one is not frozen: call it, as in {name}({shapes})"


@device
def interpolated(nodes: Any, quantiles: Any, arm: int, u: float) -> float:
    """Return the quantile at u, linear between nodes and constant beyond the first and the last."""
    low = 0
    high = nodes.shape[0] - 1
    if u <= nodes[0]:
        return quantiles[arm, 0]
    if u >= nodes[high]:
        return quantiles[arm, high]
    while high - low > 1:
        middle = (low + high) // 2
        if u < nodes[middle]:
            high = middle
        else:
            low = middle
    share = (u - nodes[low]) / (nodes[high] - nodes[low])
    return quantiles[arm, low] + share * (quantiles[arm, high] - quantiles[arm, low])


def _values_of(arm: int, distribution: Any) -> NDArray[np.float64]:
    """Return the values of a discrete distribution, leaving out less than 2^-50 of its probability."""
    first = distribution.ppf(2.0**-52)
    # scipy's isf walks to a distant end step by step: check first whether it is near
    if not math.isfinite(first) or distribution.sf(first + 1e7) > 2.0**-52:
        raise invalid(f"distributions[{arm}]", distribution, "a discrete distribution with at most 10^7 likely values")
    points = getattr(distribution.dist, "xk", None)  # rv_discrete(values=...): not always whole numbers
    if points is None:
        return np.arange(first, distribution.isf(2.0**-52) + 1.0)
    return np.unique(points) + (distribution.support()[0] - points[0])


def _reached(distribution: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distribution function at the values; `cdf` itself can miss one that is shifted by loc."""
    between = np.append(0.5 * (values[:-1] + values[1:]), values[-1] + 0.5)
    return np.asarray(distribution.cdf(between), dtype=float)


@environment
class FromScipy(Stationary):
    """Any frozen scipy.stats distributions, one per arm.

    Discrete ones are sampled exactly (from a table that leaves out less than 2^-50 of the probability). Continuous ones
    are sampled from a quantile table, linear between 4,171 nodes: the distribution function of the samples equals the
    true one at each node, so that the two differ by at most 1/4096 anywhere (Kolmogorov distance), and the tails are
    cut off beyond probability 2^-50. Regret uses the exact means, `mean()`.

    Parameters
    ----------
    distributions : list of frozen scipy.stats distributions
        Each with a finite mean.

    Examples
    --------
    >>> from scipy import stats
    >>> from banditlab import arms
    >>> arms.FromScipy([stats.lognorm(0.5), stats.binom(10, 0.2)]).means.round(3).tolist()
    [1.133, 2.0]
    """

    distributions: Sequence[Any] = field(check=_frozen, doc="frozen scipy.stats distributions, one per arm")

    @property
    def means(self) -> NDArray[np.float64]:
        """Exact means, one per arm."""
        return np.array([float(d.mean()) for d in self.distributions])

    def _summed(self) -> NDArray[np.float64]:
        means = np.abs(self.means)
        if self.support.low >= 0.0 or self.support.high <= 0.0:
            return means
        sizes = np.hypot(means, [float(d.std()) for d in self.distributions])
        return np.where(np.isfinite(sizes), sizes, means)

    @property
    def support(self) -> Support:
        """From the smallest end of the supports to the largest."""
        ends = [d.support() for d in self.distributions]
        low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
        binary = all(hasattr(d, "pmf") and abs(d.pmf(0) + d.pmf(1) - 1.0) < 1e-12 for d in self.distributions)
        return Support(low, high, binary)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the gaps and the tables: quantiles of continuous arms, values of discrete ones."""
        rows, quantiles = [], np.zeros((self.n_arms, len(_NODES)))
        discrete = np.array([hasattr(d, "pmf") for d in self.distributions])
        for arm, d in enumerate(self.distributions):
            if discrete[arm]:
                values = _values_of(arm, d)
                rows.append((values, _reached(d, values)))
            else:
                rows.append((np.zeros(1), np.ones(1)))
                upper = _NODES > 0.5
                quantiles[arm, ~upper] = d.ppf(_NODES[~upper])
                quantiles[arm, upper] = d.isf(_COMPLEMENTS[upper])
        return {"gaps": self.gaps, "discrete": discrete, "nodes": _NODES, "quantiles": quantiles} | finite_table(rows)

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return the quantile at u, exact or interpolated."""
        if self.discrete[arm]:
            return tabulated(self.table, self.cumulative, arm, u)
        return interpolated(self.nodes, self.quantiles, arm, u)

    def distribution(self, arm: int) -> Any:
        """Return the arm's scipy distribution."""
        return self.distributions[arm]
