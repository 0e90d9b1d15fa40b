"""Environments with Gaussian rewards that are conditioned on an interval, and with mixtures of these."""

from __future__ import annotations

import functools
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, Problem, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import normal_quantile
from banditlab.core.errors import InvalidArgument
from banditlab.core.sampling import expanded, key
from banditlab.core.typed import FloatArray
from banditlab.core.validation import SEED, integer, matrix, number, positive, vector

from . import divergences, tails
from .family import environment
from .finite import probability_rows
from .stationary import Stationary
from .support import Support


def check_interval(owner: str, locations: Any, stds: Any, low: float, high: float) -> None:
    """Raise unless [low, high] is an interval on which every Gaussian has mass; arrays of one shape."""
    if not low < high:
        raise InvalidArgument(f"{owner}.high is {high:g}; allowed: above low, which is {low:g}")
    width = (high - low) / stds
    if not ((width >= 1e-12) & (width < 1e12)).all():
        entry, value = _first(~((width >= 1e-12) & (width < 1e12)), stds)
        raise InvalidArgument(
            f"{owner}.std{'s' if entry else ''}{entry} is {value:g}; allowed: between 1e-12 and 1e12 times high - low, "
            f"which is {high - low:g}"
        )
    distance = np.maximum(low - locations, locations - high) / stds
    if (distance > 30.0).any():
        entry, value = _first(distance == distance.max(), locations)
        raise InvalidArgument(
            f"{owner}.locations{entry} is {value:g}; allowed: within 30 standard deviations of [{low:g}, {high:g}]"
        )


def _first(found: Any, values: Any) -> tuple[str, float]:
    """Return the position of the first flagged entry of an array, as written in Python, and its value."""
    where = tuple(int(i) for i in np.argwhere(found)[0])
    return "".join(f"[{i}]" for i in where), float(np.asarray(values)[where])


def normal_scale(locations: Any, stds: Any, low: float, high: float) -> dict[str, Any]:
    """Return where the interval lies on the normal distribution's scale: what `truncated_quantile` needs.

    If the interval lies above a location, it is mirrored, so that small tail probabilities keep all their digits.
    """
    from scipy import special

    a = (low - locations) / stds
    b = (high - locations) / stds
    mirrored = a > 0
    from_, to = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    start, end = special.ndtr(from_), special.ndtr(to)
    return {"start": start, "mass": end - start, "mirrored": mirrored.astype(float)}


@device
def truncated_quantile(
    u: float, location: float, std: float, start: float, mass: float, mirrored: float, low: float, high: float
) -> float:
    """Return the quantile at u of a Gaussian conditioned on [low, high]; see `normal_scale`."""
    v = 1.0 - u if mirrored != 0.0 else u
    z = normal_quantile(start + v * mass)
    x = location + std * (-z if mirrored != 0.0 else z)
    x = low if x < low else x
    return high if x > high else x


@environment
class TruncatedGaussian(Stationary):
    """Gaussian rewards conditioned on an interval.

    Parameters
    ----------
    locations : sequence of float
        Means of the Gaussians before truncation, one per arm.
    std : float, default 1.0
        Their standard deviation; positive.
    low, high : float, default 0.0 and 1.0
        The interval.

    Notes
    -----
    Regret uses the means of the truncated distributions. Lower bound: the location is unknown, the rest known
    (`divergences.kinf_truncated_gaussian`).

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.TruncatedGaussian([0.5, 0.7], std=0.1).means.round(3).tolist()
    [0.5, 0.7]
    """

    locations: FloatArray = field(check=vector(), doc="means before truncation, one per arm")
    std: float = field(default=1.0, check=positive, doc="standard deviation before truncation")
    low: float = field(default=0.0, check=number, doc="lower end of the interval")
    high: float = field(default=1.0, check=number, doc="upper end of the interval")

    def validate(self) -> None:
        """Check the interval, and that every Gaussian has mass on it."""
        check_interval(type(self).__name__, self.locations, np.asarray(self.std), self.low, self.high)

    @property
    def means(self) -> NDArray[np.float64]:
        """Means after truncation, one per arm."""
        return tails.truncated_gaussians(self.locations, self.std, self.low, self.high)[1]

    @property
    def support(self) -> Support:
        """Rewards in [low, high]."""
        return Support(self.low, self.high)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the gaps and, for each arm, where the interval lies on the normal distribution's scale."""
        return {"gaps": self.gaps} | normal_scale(self.locations, self.std, self.low, self.high)

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return the quantile at u."""
        return truncated_quantile(
            u, self.locations[arm], self.std, self.start[arm], self.mass[arm], self.mirrored[arm], self.low, self.high
        )

    def variance(self, arm: int) -> float:
        """Return the variance of an arm's rewards after truncation."""
        return tails.truncated_variance(self.locations[arm], self.std, self.low, self.high)

    def cvars(self, tau: float) -> NDArray[np.float64]:
        """Return the CVaR of each arm's rewards: means below quantiles, of Gaussians truncated there."""
        level = tails.checked_level("tau", tau)
        if level == 1.0:
            return self.means
        locations, one = self.locations[:, None], np.ones(1)  # mixtures of one mode
        return tails.gaussian_mixture(one, locations, self.std * one, self.low, self.high, level)

    def kinf(self, arm: int, target: float) -> float:
        """Return K_inf with the location unknown (`divergences.kinf_truncated_gaussian`)."""
        return divergences.kinf_truncated_gaussian(self.locations[arm], self.std, self.low, self.high, target)

    def distribution(self, arm: int) -> Any:
        """Return the arm's scipy distribution."""
        from scipy import stats

        location = self.locations[arm]
        a, b = (self.low - location) / self.std, (self.high - location) / self.std
        return stats.truncnorm(a, b, loc=location, scale=self.std)


@environment
class TruncatedGaussianMixture(Stationary):
    r"""Mixtures of Gaussians that are conditioned on an interval.

    A reward of arm a is drawn from mode j with probability `weights[a][j]`: a Gaussian of mean `locations[a][j]` and
    standard deviation `stds[a][j]`, conditioned on [low, high].

    Parameters
    ----------
    weights : sequence of sequences of float
        One row per arm, one column per mode; rows sum to one.
    locations, stds : sequences of sequences of float
        Means and standard deviations of the Gaussians before truncation, of the same shape; `stds` are positive.
    low, high : float, default 0.0 and 1.0
        The interval.

    Notes
    -----
    Distributions with several modes in [0, 1], as models of crop yields, are the second synthetic benchmark of Baudry,
    Gautron, Kaufmann and Maillard (2021), from which `random` takes its instances. Rewards are conditioned on the
    interval, as in `TruncatedGaussian`; code that moves what is outside to the nearest end, as is often done, has atoms
    there instead. `lower_bound_constant` is None: the modes are not a one-parameter model.

    References
    ----------
    Baudry, Gautron, Kaufmann, Maillard (2021), Optimal Thompson sampling strategies for support-aware CVaR bandits,
    ICML, arXiv:2012.05754.

    Examples
    --------
    >>> from banditlab import arms
    >>> env = arms.TruncatedGaussianMixture([[0.5, 0.5]], [[0.2, 0.8]], [[0.05, 0.05]])
    >>> env.means.round(6).tolist(), env.cvars(0.5).round(6).tolist()
    ([0.5], [0.200007])
    """

    weights: FloatArray = field(check=probability_rows, doc="one row per arm, one column per mode")
    locations: FloatArray = field(check=matrix(), doc="means of the modes before truncation")
    stds: FloatArray = field(check=matrix(0.0, open_low=True), doc="their standard deviations")
    low: float = field(default=0.0, check=number, doc="lower end of the interval")
    high: float = field(default=1.0, check=number, doc="upper end of the interval")

    def validate(self) -> None:
        """Check that the three have one shape, the interval, and that every mode has mass on it."""
        owner = type(self).__name__
        for name in ("locations", "stds"):
            if getattr(self, name).shape != self.weights.shape:
                raise InvalidArgument(
                    f"{owner}.{name} has shape {getattr(self, name).shape}; allowed: that of weights, "
                    f"{self.weights.shape}"
                )
        check_interval(owner, self.locations, self.stds, self.low, self.high)

    @classmethod
    def random(cls, n_arms: int = 30, n_modes: int = 10, seed: int = 0) -> Self:
        """Return an instance whose modes are drawn as by Baudry et al. (2021): one problem of their Table 2.

        Locations are uniform on [0.25, 1], standard deviations on [0, 0.1], weights on the simplex.

        Parameters
        ----------
        n_arms, n_modes : int, default 30 and 10
            Sizes.
        seed : int, default 0
            Seed of the draw.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.TruncatedGaussianMixture.random(seed=1).weights.shape
        (30, 10)
        """
        shape = integer(1, limit=2**31)("n_arms", n_arms), integer(1, limit=2**31)("n_modes", n_modes)
        rng = np.random.default_rng(SEED("seed", seed))
        locations, stds = rng.uniform(0.25, 1.0, shape), 0.1 - rng.uniform(0.0, 0.1, shape)  # above 0
        return cls(rng.dirichlet(np.ones(shape[1]), size=shape[0]), locations, stds)

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.weights)

    @functools.cached_property
    def means(self) -> NDArray[np.float64]:
        """Means after truncation, one per arm."""
        return np.asarray((self.weights * self._means_of_modes).sum(axis=1))

    @functools.cached_property
    def _means_of_modes(self) -> NDArray[np.float64]:
        return tails.truncated_gaussians(self.locations, self.stds, self.low, self.high)[1]

    def _summed(self) -> NDArray[np.float64]:
        return np.asarray((self.weights * np.abs(self._means_of_modes)).sum(axis=1))

    @property
    def support(self) -> Support:
        """Rewards in [low, high]."""
        return Support(self.low, self.high)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the gaps, cumulative weights and, for each mode, where the interval lies on the normal scale."""
        cumulative = np.cumsum(self.weights, axis=1)
        last = self.weights.shape[1] - 1 - np.argmax(self.weights[:, ::-1] > 0.0, axis=1)  # the last possible mode
        cumulative[np.arange(self.weights.shape[1]) >= last[:, None]] = 1.0  # whatever rounding says
        scale = normal_scale(self.locations, self.stds, self.low, self.high)
        return {"gaps": self.gaps, "weights": None, "cumulative": cumulative} | scale

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return the quantile of a mode, both drawn by numbers expanded from u."""
        bits = key(u)
        v = expanded(bits, 0)
        j = 0
        while v >= self.cumulative[arm, j]:
            j += 1
        return truncated_quantile(
            expanded(bits, 1), self.locations[arm, j], self.stds[arm, j], self.start[arm, j], self.mass[arm, j],
            self.mirrored[arm, j], self.low, self.high,
        )  # fmt: skip

    def variance(self, arm: int) -> float:
        """Return the variance of an arm's rewards, after truncation: that within the modes, and that of their means."""
        weights, locations, stds = self.weights[arm], self.locations[arm], self.stds[arm]
        own = [tails.truncated_variance(m, s, self.low, self.high) for m, s in zip(locations, stds, strict=True)]
        _, means = tails.truncated_gaussians(locations, stds, self.low, self.high)
        return float(weights @ (np.array(own) + (means - self.means[arm]) ** 2))

    def cvars(self, tau: float) -> NDArray[np.float64]:
        """Return the CVaR of each arm's rewards: means of what is below the quantiles at tau, also such mixtures."""
        level = tails.checked_level("tau", tau)
        if level == 1.0:
            return self.means.copy()
        return tails.gaussian_mixture(self.weights, self.locations, self.stds, self.low, self.high, level)

    def distribution(self, arm: int) -> Any:
        """Return the arm's distribution, as a scipy-like object."""
        from scipy import stats

        weights, low, high = self.weights[arm], self.low, self.high
        locations, stds = self.locations[arm], self.stds[arm]
        modes = stats.truncnorm((low - locations) / stds, (high - locations) / stds, loc=locations, scale=stds)

        class Mixture(stats.rv_continuous):  # type: ignore[misc]
            def _pdf(self, x: Any) -> Any:
                return modes.pdf(x[..., None]) @ weights

            def _cdf(self, x: Any) -> Any:
                return modes.cdf(x[..., None]) @ weights

            def _sf(self, x: Any) -> Any:
                return modes.sf(x[..., None]) @ weights

            def _ppf(self, u: Any) -> Any:
                return tails.mixture_quantiles(weights, locations, stds, low, high, u)

            def _munp(self, n: Any) -> Any:
                moments = [stats.truncnorm(*ends, m, s).moment(int(n)) for ends, m, s in each]
                return float(weights @ np.array(moments))

        each = [(((low - m) / s, (high - m) / s), m, s) for m, s in zip(locations, stds, strict=True)]
        return Mixture(a=low, b=high, name="mixture")
