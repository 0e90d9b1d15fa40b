"""Strategic click-bandits: arms that choose their click rates."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab import arms
from banditlab.core.components import Problem, field, is_component
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray
from banditlab.core.validation import same_length, shown, vector

from .assumptions import warn_of_violations
from .family import environment
from .utilities import QuadraticUtility, a_utility


def _rewards_or_none(name: str, value: object) -> Any:
    if value is not None and not (is_component(value) and isinstance(value, arms.Stationary)):
        raise InvalidType(f"{name} is {shown(value)}; allowed: an arms environment with one mean per arm, or None")
    return value


@environment
class StrategicClickBandit:
    r"""Arms with fixed post-click rewards, which choose their click rates.

    Arm i has a fixed distribution of post-click rewards, with mean :math:`\mu_i` in [0, 1], and a strategy :math:`s_i`
    in [0, 1]: its click rate, which it chose once, knowing the mechanism. In round t the learner selects an arm
    :math:`i_t`, which is clicked with probability :math:`s_{i_t}`. Only if it is clicked, the arm gains 1 and the
    learner sees a post-click reward. The learner's utility is :math:`u(s_{i_t}, \mu_{i_t})`, clicked or not.

    Regret is the pseudo-regret against what the best arm would give at its desired strategy; strategic regret is the
    regret at equilibria of the arms:

    .. math:: R_T = \sum_{t \le T} \left( u^*(\mu_{i^*}) - u(s_{i_t}, \mu_{i_t}) \right), \quad
        i^* = \arg\max_i u^*(\mu_i), \quad u^*(\mu) = \max_{s \in [0, 1]} u(s, \mu)

    (the order of play and this formula are reconstructed).

    Parameters
    ----------
    post_click_means : sequence of float
        The mean :math:`\mu_i` of each arm's post-click reward, in [0, 1].
    strategies : sequence of float
        The click rate :math:`s_i` that each arm has chosen, in [0, 1].
    utility : clicks.Utility, default QuadraticUtility(penalty=5.0)
        What the learner wants.
    rewards : arms environment, optional
        Draws the post-click rewards, with the means above; default Bernoulli. `from_rewards` takes the means from it.

    Warns
    -----
    AssumptionWarning
        If the utility violates an assumption of UCB-S's guarantees on the means of this instance (see
        `clicks.violations`), or if rewards are neither in [0, 1] nor Gaussian with standard deviations of at most 1,
        for which its radii are made.

    References
    ----------
    Buening, Saha, Dimitrakakis, Xu (2024), Bandits meet mechanism design to combat clickbait in online
    recommendation, ICLR, arXiv:2311.15647.

    Examples
    --------
    >>> from banditlab import clicks
    >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.9, 0.55])
    >>> env.desired_strategies.round(6).tolist()
    [0.66, 0.55]
    >>> env.gaps.round(6).tolist()
    [0.288, 0.1155]
    """

    post_click_means: FloatArray = field(check=vector(0.0, 1.0), doc="mean of each arm's post-click reward")
    strategies: FloatArray = field(check=vector(0.0, 1.0), doc="click rate that each arm has chosen")
    utility: Any = field(default=QuadraticUtility(), check=a_utility, kind="utility", doc="what the learner wants")
    rewards: Any = field(
        default=None,
        check=_rewards_or_none,
        kind="arms.environment",
        doc="arms environment that draws post-click rewards; default Bernoulli",
    )

    def validate(self) -> None:
        """Check that there is one mean and one strategy per arm, and the assumptions on the utility."""
        same_length(type(self).__name__, post_click_means=self.post_click_means, strategies=self.strategies)
        if self.rewards is not None and not np.array_equal(self.rewards.means, self.post_click_means):
            raise InvalidArgument(
                f"{type(self).__name__}.rewards has means {self.rewards.means.tolist()}; allowed: the "
                f"post_click_means, {self.post_click_means.tolist()} (StrategicClickBandit.from_rewards takes them)"
            )
        warn_of_violations(self)

    @classmethod
    def from_rewards(cls, rewards: Any, strategies: ArrayLike, utility: Any = None, **fields: Any) -> Self:
        """Return the bandit whose post-click rewards an environment of `arms` draws.

        Parameters
        ----------
        rewards : arms environment
            Such as `arms.Beta` or `arms.Gaussian`; its means must be in [0, 1].
        strategies : sequence of float
            One click rate per arm.
        utility : clicks.Utility, optional
            Default QuadraticUtility().
        **fields
            Further fields of a subclass.

        Examples
        --------
        >>> from banditlab import arms, clicks
        >>> env = clicks.StrategicClickBandit.from_rewards(arms.Gaussian([0.6, 0.5], std=0.2), [0.66, 0.55])
        >>> env.post_click_means.tolist()
        [0.6, 0.5]
        """
        drawing = _rewards_or_none("rewards", rewards)
        if drawing is None:
            raise InvalidType("rewards is None; allowed: an arms environment with one mean per arm")
        means = vector(0.0, 1.0)("rewards.means", drawing.means)
        options = fields if utility is None else fields | {"utility": utility}
        made: Any = cls
        return made(means, strategies, rewards=drawing, **options)

    def with_strategies(self, strategies: ArrayLike) -> Self:
        """Return the same bandit with its arms playing other strategies.

        Parameters
        ----------
        strategies : sequence of float
            One click rate per arm, in [0, 1].

        Examples
        --------
        >>> from banditlab import clicks
        >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55])
        >>> [world.gaps.round(4).tolist() for world in (env, env.with_strategies([1.0, 1.0]))]
        [[0.0, 0.1155], [0.578, 1.128]]
        """
        fields: dict[str, Any] = {"strategies": strategies}
        return dataclasses.replace(self, **fields)

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.post_click_means)

    @property
    def desired_strategies(self) -> NDArray[np.float64]:
        r"""The strategies :math:`s^*(\mu_i)` that the learner wants, one per arm.

        Examples
        --------
        >>> from banditlab import clicks
        >>> env = clicks.StrategicClickBandit([0.6, 0.5], strategies=[1.0, 1.0])
        >>> env.desired_strategies.round(6).tolist()
        [0.66, 0.55]
        """
        return np.array([self.utility.desired(mu) for mu in self.post_click_means])

    @property
    def best_utility(self) -> float:
        """The largest optimal utility, u*(mu_{i*}), against which regret is counted."""
        return max(self.utility.optimum(mu) for mu in self.post_click_means)

    @property
    def best_arm(self) -> int:
        """The arm i* with the largest optimal utility, the first of them."""
        return int(np.argmax([self.utility.optimum(mu) for mu in self.post_click_means]))

    @property
    def gaps(self) -> NDArray[np.float64]:
        r"""Regret of selecting each arm once, at the strategies played: :math:`u^*(\mu_{i^*}) - u(s_i, \mu_i)`.

        Examples
        --------
        >>> from banditlab import clicks
        >>> clicks.StrategicClickBandit([0.6, 0.5], strategies=[0.66, 0.55]).gaps.round(6).tolist()
        [0.0, 0.1155]
        """
        best, played = self.best_utility, zip(self.strategies, self.post_click_means, strict=True)
        return np.array([best - self.utility(s, mu) for s, mu in played])

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return what the kernels need in addition to the fields."""
        return {"rewards": self.rewards or arms.Bernoulli(self.post_click_means), "best_utility": self.best_utility}
