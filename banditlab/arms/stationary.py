"""What environments whose arms' means never change have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core import sampling
from banditlab.core.compiling.kernels import explained, kernel
from banditlab.core.components import Params, Problem
from banditlab.core.validation import SEED, integer, invalid

from . import tails
from .kernel import pay

ROUNDING = 8.0 * float(np.finfo(np.float64).eps)
"""How far apart two means can be, relative to what they are sums of, that are the same but for rounding."""


class Stationary:
    r"""Base of environments with one mean per arm: gives them gaps, regret and the lower bound.

    A subclass has `means`, as a field or a property. Regret after T rounds is :math:`\sum_t (\max_b \mu_b -
    \mu_{a_t})`. It may have `distribution(arm)`, which returns a frozen `scipy.stats` distribution or an object with
    its methods, and `kinf(arm, target)`, the smallest divergence in the model from the arm's distribution to one whose
    mean is above `target`: 0 if the arm's mean reaches it. That gives the lower bound.

    Examples
    --------
    >>> from banditlab import arms
    >>> env = arms.Bernoulli([0.2, 0.8])
    >>> isinstance(env, arms.Stationary)
    True
    >>> round(float(env.distribution(0).var()), 6), round(float(env.kinf(0, target=0.8)), 6)
    (0.16, 0.831777)
    """

    means: Any

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.means)

    @property
    def best_arm(self) -> int:
        """The arm with the largest mean, the first of them."""
        return int(np.argmax(self.means))

    @property
    def best_mean(self) -> float:
        """The largest mean."""
        return float(np.max(self.means))

    @property
    def gaps(self) -> NDArray[np.float64]:
        r"""Suboptimality gaps :math:`\Delta_a = \max_b \mu_b - \mu_a`, one per arm.

        A gap is 0 where it is within the rounding of the means: about 1e-15 times the largest mean, or the largest
        mean size of a reward where means are sums over rewards.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Bernoulli([0.25, 0.5]).gaps.tolist()
        [0.25, 0.0]
        """
        gaps = np.asarray(np.max(self.means) - self.means, dtype=np.float64)
        return np.where(gaps <= ROUNDING * self._summed().max(), 0.0, gaps)

    def _summed(self) -> NDArray[np.float64]:
        """Return how large what each arm's mean is the sum of is, without signs: rounding is relative to it."""
        return np.abs(np.asarray(self.means, dtype=np.float64))

    def variance(self, arm: int) -> float:
        """Return the variance of an arm's rewards, from `distribution(arm)` where there is no closed form.

        Parameters
        ----------
        arm : int
            From 0 to n_arms - 1.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Exponential([1.0, 2.0]).variance(1)
        4.0
        """
        return float(self.distribution(arm).var())  # type: ignore[attr-defined]

    def cvars(self, tau: float) -> NDArray[np.float64]:
        r"""Return the CVaR of each arm's rewards at a level: the mean of the worst share `tau` of them.

        :math:`\mathrm{CVaR}_\tau(X) = \max_b \{ b - E[(b - X)^+] / \tau \}`, exactly where there is a closed form,
        otherwise by quadrature from `distribution(arm)`, which has scipy's methods, to about ten digits.

        Parameters
        ----------
        tau : float
            The level, in (0, 1]; 1 gives the means.

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Bernoulli([0.5, 1.0]).cvars(0.75).round(3).tolist()
        [0.333, 1.0]
        """
        level = tails.checked_level("tau", tau)
        if not hasattr(self, "distribution"):
            raise invalid("environment", self, "one with a method distribution(arm), or cvars(tau)")
        return np.array([tails.of_distribution(self.distribution(arm), level) for arm in range(self.n_arms)])

    def sample(self, arm: int, n: int, seed: int = 0) -> NDArray[np.float64]:
        """Return independent rewards of an arm.

        They are what a policy gets in run 0 of `banditlab.run` with this seed if it plays the arm in rounds 1 to n: the
        same numbers in every process, and a larger n starts with the same ones. All arms have the same luck there; for
        samples that are independent of each other, use a different seed for each.

        Parameters
        ----------
        arm : int
            From 0 to n_arms - 1.
        n : int
            How many.
        seed : int, default 0
            From 0 to :math:`2^{64} - 1`.

        Returns
        -------
        float64 array of shape (n,)

        Examples
        --------
        >>> from banditlab import arms
        >>> arms.Bernoulli([0.1, 0.5]).sample(1, 6).tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        """
        which = integer(0, self.n_arms - 1)("arm", arm)
        rewards = np.zeros(integer(1, limit=2**31)("n", n))
        world = self.params(Problem(self.n_arms, len(rewards)))  # type: ignore[attr-defined]
        rng = sampling.seeded(SEED("seed", seed), sampling.ENVIRONMENT_STREAM, 0, 1)
        with explained(self):
            kernel(pay, world)(world, which, rng, rewards)
        return rewards

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return what the kernels need in addition to the fields."""
        return {"gaps": self.gaps}

    def gap(self: Params, arm: int, t: int) -> float:
        """Return the arm's gap."""
        return self.gaps[arm]

    def lower_bound_constant(self) -> float | None:
        r"""Return the constant C of the asymptotic lower bound :math:`R_T \ge C \log T`; None where the model has none.

        .. math:: C = \sum_{a: \Delta_a > 0} \frac{\Delta_a}{K_{\inf}(\nu_a, \mu^*)}

        with :math:`K_{\inf}` the environment's `kinf` at the best mean (Burnetas and Katehakis 1996; for one-parameter
        families Lai and Robbins 1985).

        Examples
        --------
        Close arms are harder to tell apart, and that costs more than it saves:

        >>> from scipy import stats
        >>> from banditlab import arms
        >>> [round(float(arms.Bernoulli([m, 0.5]).lower_bound_constant()), 3) for m in (0.1, 0.4)]
        [1.087, 4.966]
        >>> arms.FromScipy([stats.norm(0.0), stats.norm(1.0)]).lower_bound_constant() is None
        True
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
