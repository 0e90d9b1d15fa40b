r"""Environments of K-armed bandits with one-parameter and two-parameter reward distributions.

The regret of all of them is the pseudo-regret: after T rounds, the sum over rounds of :math:`\max_b \mu_b - \mu_{a_t}`,
where :math:`\mu_a` is the mean of arm a and :math:`a_t` the arm played; realised rewards do not enter.
"""

from __future__ import annotations

import math
import numbers
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.core.components import Params, Problem, field
from banditlab.core.elementary import log, normal_quantile
from banditlab.core.errors import InvalidArgument
from banditlab.core.sampling import expanded_beta, fill_expanded_beta
from banditlab.core.typed import FloatArray
from banditlab.core.validation import Check, number, positive, same_length, vector

from . import divergences, tails
from .family import environment
from .finite import FiniteSupport, finite_table
from .stationary import Stationary
from .support import Support


def number_or_vector(low: float) -> Check:
    """Return a check for one number above `low` for all arms, or a sequence with one number per arm."""
    many = vector(low, open_low=True)

    def check(name: str, value: Any) -> Any:
        if isinstance(value, numbers.Real | str):
            return positive(name, number(name, value))
        return many(name, value)

    return check


@environment
class Bernoulli(Stationary):
    r"""Rewards 0 or 1: arm a gives 1 with probability `means[a]`.

    Parameters
    ----------
    means : sequence of float
        One probability per arm, in [0, 1].

    Notes
    -----
    Lower bound (Lai and Robbins 1985, Theorem 2): :math:`\liminf R_T / \log T \ge \sum_a \Delta_a / kl(\mu_a, \mu^*)`.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Bernoulli([0.1, 0.5, 0.9]).gaps.tolist()
    [0.8, 0.4, 0.0]
    """

    means: FloatArray = field(check=vector(0.0, 1.0), doc="one probability per arm, in [0, 1]")

    @property
    def support(self) -> Support:
        """Rewards are 0 or 1."""
        return Support(0.0, 1.0, binary=True)

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return 1 if u is below the mean."""
        return 1.0 if u < self.means[arm] else 0.0

    def variance(self, arm: int) -> float:
        r"""Return :math:`\mu_a (1 - \mu_a)`, the variance of an arm's rewards."""
        return float(self.means[arm] * (1.0 - self.means[arm]))

    def cvars(self, tau: float) -> NDArray[np.float64]:
        r"""Return the CVaR of each arm's rewards, :math:`(\tau - (1 - \mu_a))^+ / \tau`."""
        return tails.bernoulli(self.means, tails.checked_level("tau", tau))

    def kinf(self, arm: int, target: float) -> float:
        r"""Return :math:`kl(\mu_a, \mathrm{target})`."""
        return divergences.kl_bernoulli(self.means[arm], max(target, self.means[arm]))

    def distribution(self, arm: int) -> Any:
        """Return the arm's scipy distribution."""
        from scipy import stats

        return stats.bernoulli(self.means[arm])


@environment
class Gaussian(Stationary):
    r"""Gaussian rewards with known means and standard deviations.

    Parameters
    ----------
    means : sequence of float
        One mean per arm.
    std : float or sequence of float, default 1.0
        The standard deviation, of all arms or of each; positive.

    Notes
    -----
    Lower bound, for known standard deviations :math:`\sigma_a`: :math:`K_{\inf} = (\mu^* - \mu_a)^2 / (2 \sigma_a^2)`.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Gaussian([0.0, 1.0], std=[1.0, 2.0]).n_arms
    2
    """

    means: FloatArray = field(check=vector(), doc="one mean per arm")
    std: Any = field(
        default=1.0, check=number_or_vector(0.0), doc="standard deviation: one for all arms, or one per arm"
    )

    def validate(self) -> None:
        """Check that there is one standard deviation, or one per arm."""
        if np.ndim(self.std) == 1:
            same_length("Gaussian", means=self.means, std=self.std)

    @property
    def stds(self) -> NDArray[np.float64]:
        """Standard deviations, one per arm.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Gaussian([0.0, 1.0], std=0.5).stds.tolist()
        [0.5, 0.5]
        """
        return np.broadcast_to(np.asarray(self.std, dtype=float), self.means.shape).copy()

    @property
    def support(self) -> Support:
        """All real numbers."""
        return Support(-math.inf, math.inf)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the gaps and one standard deviation per arm."""
        return {"gaps": self.gaps, "std": self.stds}

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return the quantile at u."""
        return self.means[arm] + self.std[arm] * normal_quantile(u)

    def variance(self, arm: int) -> float:
        r"""Return :math:`\sigma_a^2`, the variance of an arm's rewards."""
        return float(self.stds[arm] ** 2)

    def cvars(self, tau: float) -> NDArray[np.float64]:
        r"""Return the CVaR of each arm's rewards.

        It is :math:`\mu_a - \sigma_a \phi(z) / \tau`, z being the standard normal quantile at tau.
        """
        return tails.gaussian(self.means, self.stds, tails.checked_level("tau", tau))

    def kinf(self, arm: int, target: float) -> float:
        """Return the divergence to the Gaussian of mean `target` and the same standard deviation."""
        return divergences.kl_gaussian(self.means[arm], max(target, self.means[arm]), self.stds[arm])

    def distribution(self, arm: int) -> Any:
        """Return the arm's scipy distribution."""
        from scipy import stats

        return stats.norm(self.means[arm], self.stds[arm])


@environment
class Beta(Stationary):
    r"""Beta rewards: arm k gives Beta(a[k], b[k]).

    Parameters
    ----------
    a, b : sequence of float
        The shapes, one of each per arm; positive.

    Notes
    -----
    Lower bound: :math:`K_{\inf}` in the model of all beta distributions, both shapes unknown, by one-dimensional
    minimisation (`divergences.kinf_beta`).

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Beta([1.0, 3.0], [1.0, 1.0]).means.tolist()
    [0.5, 0.75]
    """

    a: FloatArray = field(check=vector(1e-300), doc="first shape, one per arm")
    b: FloatArray = field(check=vector(1e-300), doc="second shape, one per arm")

    def validate(self) -> None:
        """Check that every arm has both shapes."""
        same_length("Beta", a=self.a, b=self.b)

    @classmethod
    def from_moments(cls, means: ArrayLike, variances: ArrayLike) -> Self:
        """Return the environment whose arms have these means and variances.

        With :math:`s = m (1 - m) / v - 1`, for mean m and variance v, the shapes are :math:`m s` and :math:`(1 - m) s`.

        Parameters
        ----------
        means : sequence of float
            One mean per arm, in (0, 1).
        variances : sequence of float
            One variance per arm, positive and below m (1 - m), the largest that a variable in [0, 1] can have.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Beta.from_moments([0.5, 0.75], [0.05, 0.0375])
        Beta([2, 3], [2, 1])
        """
        m = vector(0.0, 1.0)("means", means)
        v = vector(0.0)("variances", variances)
        same_length("Beta.from_moments", means=m, variances=v)
        for arm, (mean, variance) in enumerate(zip(m, v, strict=True)):
            if not 0.0 < mean < 1.0:
                raise InvalidArgument(f"means[{arm}] is {mean:g}; allowed: a number in (0, 1)")
            if not 0.0 < variance < mean * (1.0 - mean):
                raise InvalidArgument(
                    f"variances[{arm}] is {variance:g}; allowed: positive and below {mean * (1.0 - mean):g}, which is "
                    f"m (1 - m) for the mean {mean:g}"
                )
        strength = m * (1.0 - m) / v - 1.0
        return cls(m * strength, (1.0 - m) * strength)

    def variance(self, arm: int) -> float:
        """Return :math:`m (1 - m) / (a + b + 1)`, the variance of an arm's rewards, m being the mean."""
        a, b = self.a[arm], self.b[arm]
        return float((a / (a + b)) * (b / (a + b)) / (a + b + 1.0))  # products of shapes can overflow

    @property
    def means(self) -> NDArray[np.float64]:
        """Means, a / (a + b)."""
        return self.a / (self.a + self.b)

    @property
    def support(self) -> Support:
        """Rewards in [0, 1]."""
        return Support(0.0, 1.0)

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return a beta variate made from u."""
        return expanded_beta(u, self.a[arm], self.b[arm])

    def reward_lanes(self: Params, arm: Any, u: Any, t: int, out: Any) -> None:
        """Return beta variates made from the lanes' u."""
        fill_expanded_beta(u, self.a, self.b, arm, out)

    def cvars(self, tau: float) -> NDArray[np.float64]:
        """Return the CVaR of each arm's rewards, by incomplete beta functions."""
        return tails.beta(self.a, self.b, tails.checked_level("tau", tau))

    def kinf(self, arm: int, target: float) -> float:
        """Return K_inf in the model of all beta distributions (`divergences.kinf_beta`)."""
        return divergences.kinf_beta(self.a[arm], self.b[arm], target)

    def distribution(self, arm: int) -> Any:
        """Return the arm's scipy distribution."""
        from scipy import stats

        return stats.beta(self.a[arm], self.b[arm])


@environment
class Exponential(Stationary):
    """Exponential rewards with given means.

    Parameters
    ----------
    means : sequence of float
        One mean per arm (the scale, not the rate); positive.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Exponential([1.0, 2.0]).best_mean
    2.0
    """

    means: FloatArray = field(check=vector(0.0, open_low=True), doc="one mean per arm, positive")

    @property
    def support(self) -> Support:
        """Rewards in [0, inf)."""
        return Support(0.0, math.inf)

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return the quantile at u."""
        return -self.means[arm] * log(1.0 - u)

    def cvars(self, tau: float) -> NDArray[np.float64]:
        r"""Return the CVaR of each arm's rewards: its mean times :math:`1 + (1 - \tau) \log(1 - \tau) / \tau`."""
        return tails.exponential(self.means, tails.checked_level("tau", tau))

    def kinf(self, arm: int, target: float) -> float:
        """Return the divergence to the exponential distribution of mean `target`."""
        return divergences.kl_exponential(self.means[arm], max(target, self.means[arm]))

    def distribution(self, arm: int) -> Any:
        """Return the arm's scipy distribution."""
        from scipy import stats

        return stats.expon(scale=self.means[arm])


@environment
class Poisson(FiniteSupport):
    """Poisson rewards with given means.

    Sampled by inversion from a table of the distribution function, cut off where less than 2^-60 of the probability is
    left, which is below the resolution of the uniform number.

    Parameters
    ----------
    means : sequence of float
        One mean per arm; at least 0.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Poisson([0.0, 2.5]).gaps.tolist()
    [2.5, 0.0]
    """

    means: FloatArray = field(check=vector(0.0, 1e9), doc="one mean per arm, at least 0")

    @property
    def support(self) -> Support:
        """Rewards in [0, inf)."""
        return Support(0.0, math.inf)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the gaps and the table."""
        from scipy import special

        rows = []
        for mean in self.means:
            margin = 11.0 * math.sqrt(mean) + 60.0  # more than nine standard deviations: below 2^-60 either way
            counts = np.arange(max(0.0, math.floor(mean - margin)), math.ceil(mean + margin) + 1.0)
            rows.append((counts, special.pdtr(counts, mean) if mean > 0 else np.ones_like(counts)))
        return {"gaps": self.gaps} | finite_table(rows)

    def cvars(self, tau: float) -> NDArray[np.float64]:
        """Return the CVaR of each arm's rewards, from the distribution function."""
        return tails.poisson(self.means, tails.checked_level("tau", tau))

    def kinf(self, arm: int, target: float) -> float:
        """Return the divergence to the Poisson distribution of mean `target`."""
        return divergences.kl_poisson(self.means[arm], max(target, self.means[arm]))

    def distribution(self, arm: int) -> Any:
        """Return the arm's scipy distribution."""
        from scipy import stats

        return stats.poisson(self.means[arm])
