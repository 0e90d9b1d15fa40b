"""Environments with features: generalised linear models of duels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from banditlab.core.components import Params, field, is_component, is_kind
from banditlab.core.elementary import exp, normal_quantile
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.sampling import expanded
from banditlab.core.typed import FloatArray
from banditlab.core.validation import (
    SEED,
    between,
    boolean,
    integer,
    invalid,
    matrix,
    non_negative,
    positive,
    probability,
    shown,
    vector,
)

from ..preferences import TOLERANCE
from . import generics
from .family import arm_set, contextual_environment, link
from .spaces import ContextualProblem

if TYPE_CHECKING:
    from ..environments import PreferenceMatrix

SIZE = integer(1, limit=2**20)
N_ARMS = integer(2, limit=2**20)
FINITE = between(-1e100, 1e100)


@link
class Logistic:
    r"""The logistic link of Bradley, Terry and Luce: :math:`\mu(m) = 1 / (1 + e^{-m})`.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.Logistic()
    Logistic()
    """

    def link(self: Params, margin: float) -> float:
        """Return the probability of winning."""
        return 1.0 / (1.0 + exp(-margin))


@arm_set
class FixedArms:
    """Arms whose features never change: what an array given to `ContextualGLM` becomes.

    Parameters
    ----------
    vectors : (K, d) array
        One row per arm, at least two.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.FixedArms([[1.0, 0.0], [0.0, 1.0]]).n_arms
    2
    """

    vectors: FloatArray = field(check=matrix(-1e100, 1e100), doc="feature vectors, one row per arm")

    every_round: ClassVar[bool] = False

    def validate(self) -> None:
        """Check that there are two arms."""
        if len(self.vectors) < 2:
            raise InvalidArgument(f"FixedArms.vectors has {len(self.vectors)} row; allowed: at least two arms")

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """Number of features."""
        return int(self.vectors.shape[1])

    def draw(self: Params, features: Any, lane: int, bits: Any) -> None:
        """Copy them."""
        for i in range(features.shape[0]):
            for k in range(features.shape[1]):
                features[i, k, lane] = self.vectors[i, k]


@arm_set
class UniformArms:
    """Arms whose features are drawn independently and uniformly from an interval.

    Parameters
    ----------
    n_arms, dimension : int
        K and d.
    low, high : float, default -1.0 and 1.0
        Ends of the interval.
    every_round : bool, default True
        Whether they are drawn anew in each round; otherwise once per run.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.UniformArms(n_arms=10, dimension=3, every_round=False)
    UniformArms(10, 3, every_round=False)
    """

    n_arms: int = field(check=N_ARMS, doc="number of arms")
    dimension: int = field(check=SIZE, doc="number of features")
    low: float = field(default=-1.0, check=FINITE, doc="lower end")
    high: float = field(default=1.0, check=FINITE, doc="upper end")
    every_round: bool = field(default=True, check=boolean, doc="whether the arms are new in each round")

    def validate(self) -> None:
        """Check that the interval is one."""
        if self.low >= self.high:
            raise invalid("UniformArms.high", self.high, f"a number above low, {self.low:g}")

    def draw(self: Params, features: Any, lane: int, bits: Any) -> None:
        """Draw them."""
        for i in range(features.shape[0]):
            for k in range(features.shape[1]):
                features[i, k, lane] = self.low + (self.high - self.low) * expanded(bits, i * features.shape[1] + k)


@arm_set
class GaussianArms:
    """Arms whose features are independent normal variables with mean 0.

    Parameters
    ----------
    n_arms, dimension : int
        K and d.
    std : float, default 1.0
        Standard deviation of a feature.
    every_round : bool, default True
        Whether they are drawn anew in each round; otherwise once per run.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.GaussianArms(n_arms=10, dimension=3)
    GaussianArms(10, 3)
    """

    n_arms: int = field(check=N_ARMS, doc="number of arms")
    dimension: int = field(check=SIZE, doc="number of features")
    std: float = field(default=1.0, check=positive, doc="standard deviation of a feature")
    every_round: bool = field(default=True, check=boolean, doc="whether the arms are new in each round")

    def draw(self: Params, features: Any, lane: int, bits: Any) -> None:
        """Draw them."""
        for i in range(features.shape[0]):
            for k in range(features.shape[1]):
                features[i, k, lane] = self.std * normal_quantile(expanded(bits, i * features.shape[1] + k))


def _an_arm_set(name: str, value: Any) -> Any:
    if is_kind(value, "arm_set"):
        return value
    if is_component(value):
        raise InvalidType(f"{name} is {shown(value)}; allowed: an array with one row per arm, or an arm set")
    return FixedArms(matrix(-1e100, 1e100)(name, value))


def _a_link(name: str, value: Any) -> Any:
    if not is_kind(value, "link"):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a link, such as Logistic()")
    return value


@contextual_environment
class ContextualGLM:
    r"""Arms with features, and duels that follow a generalised linear model.

    In round t arm i has the feature vector :math:`x_{t,i} \in \mathbb{R}^d`, and with an unknown parameter
    :math:`\theta^*` it beats arm j with probability

    .. math:: P_t(i \succ j) = \mu\left( (x_{t,i} - x_{t,j})^\top \theta^* \right).

    Each metric except the last is a sum over rounds; :math:`x_t, y_t` are the features of the two arms compared and
    :math:`x^*_t` those of the arm with the largest utility :math:`x^\top \theta^*`:

    ======================  ===================================================================================
    metric                  what is added in round t
    ======================  ===================================================================================
    contextual_regret       :math:`\tfrac12 \left( 2 x^*_t - x_t - y_t \right)^\top \theta^*`
    contextual_weak_regret  :math:`x^{*\top}_t \theta^* - \max(x_t^\top \theta^*, y_t^\top \theta^*)`
    duel_variance           :math:`\sigma_t^2 = p_t (1 - p_t)`, the variance of the duel's outcome
    estimation_error        :math:`\lVert \hat\theta_t - \theta^* \rVert_2` after the round (NaN without an estimate)
    ======================  ===================================================================================

    Parameters
    ----------
    theta : sequence of float
        :math:`\theta^*`, one number per feature.
    features : (K, d) array, or arm set
        Feature vectors, one row per arm, the same in all rounds; or `UniformArms`, `GaussianArms` or an `arm_set` of
        your own, which draws them from the environment's stream, in each round or once per run, whatever is played.
    link : link, default Logistic()
        :math:`\mu`.

    Notes
    -----
    Model and regret: Di, Jin, Wu, Zhao, Farnoud and Gu 2024 (arXiv 2310.00968). Their released code adds up regret
    without the factor 1/2 and divides it by the norm of :math:`\theta`; the code that draws the figures divides by it
    once more. So its numbers are those recorded here times 2 over that norm, and those in its figures times 2 over the
    norm squared.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> env = dueling.ContextualGLM(
    ...     theta=[1.0, 0.5], features=dueling.UniformArms(n_arms=5, dimension=2)
    ... )
    >>> result = bl.run(
    ...     env, dueling.MaxInP(), horizon=50, n_runs=2, seed=0, metrics=["contextual_regret"]
    ... )
    >>> result.policies
    ('MaxInP',)
    """

    theta: FloatArray = field(check=vector(-1e100, 1e100), doc="the unknown parameter")
    features: Any = field(check=_an_arm_set, kind="arm_set", doc="feature vectors, one row per arm, or what draws them")
    link: Any = field(
        default=Logistic(), check=_a_link, kind="link", doc="probability of winning, from the difference in utilities"
    )

    def validate(self) -> None:
        """Check that arms and parameter have as many features, and that the link gives probabilities."""
        arms = type(self.features).__name__
        N_ARMS(f"{arms}.n_arms", self.features.n_arms)
        SIZE(f"{arms}.dimension", self.features.dimension)
        boolean(f"{arms}.every_round", self.features.every_round)
        if self.features.dimension != len(self.theta):
            raise InvalidArgument(
                f"{type(self).__name__}.theta has {len(self.theta)} entries and features has "
                f"{self.features.dimension} columns; allowed: as many"
            )
        self._check_link()

    def _check_link(self) -> None:
        """Try the link at some margins."""
        made = self.link.params(ContextualProblem(self.n_arms, None, self.dimension))
        name, last = f"{type(self).__name__}.link", 0.0
        for margin in (0.0, 0.1, 0.5, 1.0, 3.0, 10.0):
            ahead = probability(f"{name}({margin:g})", generics.link(made, margin))
            behind = probability(f"{name}({-margin:g})", generics.link(made, -margin))
            if abs(ahead + behind - 1.0) > TOLERANCE:
                raise InvalidArgument(
                    f"{name}({margin:g}) is {ahead:g} and {name}({-margin:g}) is {behind:g}; allowed: two numbers that "
                    "add up to 1"
                )
            if ahead < last:
                raise invalid(f"{name}({margin:g})", ahead, f"at least {last:g}, as for a smaller margin: it increases")
            last = ahead

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return int(self.features.n_arms)

    @property
    def dimension(self) -> int:
        """Number of features."""
        return len(self.theta)

    @property
    def every_round(self) -> bool:
        """Whether arms are drawn anew in each round."""
        return bool(self.features.every_round)

    @classmethod
    def sign_vectors(cls, dimension: int = 5, scale: float = 1.0, seed: int = 0) -> Self:
        r"""Return the instance of the experiments of Di et al. 2024.

        The :math:`2^d` arms are all vectors of signs, each coordinate plus noise from U(-0.1, 0]. The first two
        coordinates of :math:`\theta^*` are from U[0, 1), the others 0, and its norm is `scale`: the larger it is, the
        less random the duels are.

        Parameters
        ----------
        dimension : int, default 5
            d, from 1 to 16.
        scale : float, default 1.0
            :math:`\lVert \theta^* \rVert`; 0 makes all duels fair coins.
        seed : int, default 0
            Seed of the noise and the parameter.

        Examples
        --------
        >>> from banditlab import dueling
        >>> env = dueling.ContextualGLM.sign_vectors(scale=2.0, seed=1)
        >>> env.n_arms, round(float((env.theta**2).sum()), 12)
        (32, 4.0)
        """
        d = integer(1, 16)("dimension", dimension)
        size = non_negative("scale", scale)
        rng = np.random.default_rng(SEED("seed", seed))
        theta = np.where(np.arange(d) < 2, rng.random(d), 0.0)
        signs = 2.0 * ((np.arange(2**d)[:, None] >> np.arange(d)) & 1) - 1.0
        made: Any = cls
        return made(size * theta / np.linalg.norm(theta), signs - 0.1 * rng.random(signs.shape))

    def preference_matrix(self) -> PreferenceMatrix:
        """Return the matrix of preferences between arms that never change, for policies that use no features.

        Returns
        -------
        PreferenceMatrix

        Raises
        ------
        InvalidArgument
            If the arms are drawn.

        Examples
        --------
        >>> from banditlab import dueling
        >>> env = dueling.ContextualGLM([1.0], [[0.0], [2.0]])
        >>> env.preference_matrix().preferences.round(3).tolist()
        [[0.5, 0.119], [0.881, 0.5]]
        """
        from ..environments import PreferenceMatrix

        if not isinstance(self.features, FixedArms):
            raise InvalidArgument(
                f"{type(self).__name__}.features is {shown(self.features)}; allowed: an array of features, as drawn "
                "arms have no one matrix of preferences"
            )
        world = self.params(ContextualProblem(self.n_arms, None, self.dimension))  # type: ignore[attr-defined]
        features = np.ascontiguousarray(self.features.vectors[:, :, None])
        n = self.n_arms
        preferences = np.full((n, n), 0.5)
        for i in range(n):
            for j in range(i + 1, n):
                preferences[i, j] = generics.win_probability(world, features, i, j, 0)
                preferences[j, i] = 1.0 - preferences[i, j]
        return PreferenceMatrix(preferences)

    def show(self: Params, features: Any, lane: int, bits: Any) -> None:
        """Show the arms."""
        generics.draw(self.features, features, lane, bits)

    def utility(self: Params, features: Any, arm: int, lane: int) -> float:
        """Return the inner product of an arm's features with the parameter."""
        total = 0.0
        for k in range(features.shape[1]):
            total += features[arm, k, lane] * self.theta[k]
        return total

    def win_probability(self: Params, features: Any, first: int, second: int, lane: int) -> float:
        """Return the link of the difference in utilities."""
        margin = generics.utility(self, features, first, lane) - generics.utility(self, features, second, lane)
        return generics.link(self.link, margin)
