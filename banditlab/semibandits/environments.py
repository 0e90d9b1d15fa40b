"""Environments of combinatorial semi-bandits whose reward is the sum of the outcomes."""

from __future__ import annotations

import functools
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from banditlab.arms import generics as arms_generics
from banditlab.arms.stationary import Stationary
from banditlab.arms.support import Support, support_of
from banditlab.core.choices import not_negative
from banditlab.core.components import Params, Problem, field, is_component
from banditlab.core.elementary import normal_quantile
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.sampling import expanded, key
from banditlab.core.typed import FloatArray
from banditlab.core.validation import matrix, shown, vector

from .action_sets import an_action_set, items_of
from .family import environment
from .safe import SafeUpToM


class Combinatorial:
    """Base of environments: what the protocol asks of them besides `draw`, `mean`, `actions`, `n_arms`, `best_value`.

    Attributes
    ----------
    feedback : str
        What is revealed: 'items', the outcome of each item of the action; 'winner', the reward and the item that gave
        it; 'value', the reward alone.
    alpha : float
        The share of the best mean that `alpha_regret` compares with.
    support : arms Support
        The possible outcomes.

    Examples
    --------
    >>> from banditlab import arms, semibandits
    >>> env = semibandits.SemiBandit(arms.Bernoulli([0.2, 0.5]), semibandits.MSets(1))
    >>> isinstance(env, semibandits.Combinatorial), env.feedback, env.alpha
    (True, 'items', 1.0)
    """

    feedback: ClassVar[str] = "items"
    alpha: ClassVar[float] = 1.0
    best_value: float

    @property
    def support(self) -> Support:
        """All real numbers, unless a subclass knows better."""
        return Support(-math.inf, math.inf)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return what the protocol's kernel needs besides the fields."""
        return {"best_value": self.best_value}


def _items(name: str, value: Any) -> Any:
    """Check for an environment of `arms` with one mean per arm."""
    if not isinstance(value, Stationary) or not is_component(value):
        raise InvalidType(
            f"{name} is {shown(value)}; allowed: a stationary environment of arms, such as arms.Bernoulli([0.5, 0.6])"
        )
    return value


class Linear(Combinatorial):
    """Base of environments whose reward is the sum of the outcomes of the action's items.

    A subclass has `means`, `variances` and `actions`. If its action set is a `SafeUpToM`, an action is safe if its
    items' variances sum to less than the budget.
    """

    actions: Any
    means: Any
    variances: Any

    @property
    def n_arms(self) -> int:
        """Number of items."""
        return len(self.means)

    @property
    def budget(self) -> float:
        """The bound below which the variances of a safe action must sum; inf where all actions are safe."""
        return float(self.actions.budget) if isinstance(self.actions, SafeUpToM) else math.inf

    @functools.cached_property
    def best_action(self) -> tuple[int, ...]:
        """The action with the largest mean: of the safe ones, if there is a budget.

        Examples
        --------
        >>> from banditlab import arms, semibandits
        >>> env = semibandits.SemiBandit(arms.Bernoulli([0.25, 0.5, 0.75]), semibandits.MSets(2))
        >>> env.best_action
        (1, 2)
        """
        known = self.actions if self.budget == math.inf else self.actions.with_variances(self.variances)
        return tuple(known.maximise(self.means))

    @property
    def best_value(self) -> float:  # type: ignore[override]
        """The best action's mean, against which regret is counted."""
        return self.value(self.best_action)

    def value(self, action: tuple[int, ...]) -> float:
        """Return the mean of an action: of any set of items, whether or not the action set holds it.

        Parameters
        ----------
        action : sequence of int
            Different items, in any order.

        Examples
        --------
        >>> from banditlab import arms, semibandits
        >>> env = semibandits.SemiBandit(arms.Bernoulli([0.25, 0.5, 0.75]), semibandits.MSets(2))
        >>> env.value((1, 2)), env.value((0, 1)), env.best_value
        (1.25, 0.75, 1.25)
        """
        return float(sum(self.means[item] for item in items_of(action, self.n_arms)))

    def is_safe(self, action: tuple[int, ...]) -> bool:
        """Say whether an action's variances sum to less than the budget.

        Parameters
        ----------
        action : sequence of int
            Different items, in any order.

        Examples
        --------
        >>> from banditlab import arms, semibandits
        >>> items = arms.Gaussian([0.9, 0.8, 0.1], std=[0.4, 0.3, 0.3])
        >>> env = semibandits.SemiBandit(items, semibandits.SafeUpToM(2, budget=0.2))
        >>> env.is_safe((0, 1)), env.is_safe((1, 2))  # variances sum to 0.25 and to 0.18
        (False, True)
        """
        return bool(sum(self.variances[item] for item in items_of(action, self.n_arms)) < self.budget)

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return what the kernels need besides the fields."""
        none = np.zeros(self.n_arms)
        return {
            "means": np.array(self.means),
            "variances": none if self.budget == math.inf else np.array(self.variances),
            "budget": self.budget,
            "best_value": self.best_value,
        }

    def mean(self: Params, chosen: Any, size: int, lane: int) -> float:
        """Return the sum of the means."""
        total = 0.0
        for k in range(size):
            total += self.means[not_negative(chosen[k, lane])]
        return total

    def unsafe(self: Params, chosen: Any, size: int, lane: int) -> bool:
        """Say whether the sum of the true variances reaches the budget."""
        total = 0.0
        for k in range(size):
            total += self.variances[not_negative(chosen[k, lane])]
        return total >= self.budget


@environment
class SemiBandit(Linear):
    r"""Independent items: the reward is the sum of the outcomes of the action's items, each of which is seen.

    In round t an action :math:`A_t` of the action set :math:`\mathcal{A}` is played. The outcome :math:`X_{t,i}` of
    each item :math:`i \in A_t` is seen, the reward is their sum, and the regret after T rounds is

    .. math:: R_T = \sum_{t=1}^T \left( \max_{A \in \mathcal{A}} \mu(A) - \mu(A_t) \right), \quad
        \mu(A) = \sum_{i \in A} \mu_i

    If the action set is a `SafeUpToM`, the maximum is over its safe actions: those with :math:`\sum_{i \in A}
    \sigma_i^2 < \bar\sigma^2`. The metrics `violations` and `any_violation` count the rounds whose action was not one
    of them, whatever set the policy chose it from; a policy that plays actions outside the safe set can have a negative
    regret.

    Parameters
    ----------
    items : arms environment
        What draws the outcomes: any stationary environment of `banditlab.arms`, one arm per item.
    actions : action set
        Which sets of items can be played.

    Notes
    -----
    Each round takes one uniform number from the environment's stream; item i's own is the i-th expanded from it. So an
    item's outcome in a round does not depend on the action that holds it.

    Metrics: 'regret', 'reward', 'alpha_regret' (here the regret), 'pulls', and if the action set is a `SafeUpToM`
    'violations' and 'any_violation'.

    Examples
    --------
    >>> from banditlab import arms, semibandits
    >>> env = semibandits.SemiBandit(arms.Bernoulli([0.2, 0.5, 0.75]), semibandits.MSets(2))
    >>> env.best_action, env.best_value
    ((1, 2), 1.25)
    """

    items: Any = field(
        check=_items, kind="arms.environment", doc="what draws the outcomes: a stationary environment of arms"
    )
    actions: Any = field(check=an_action_set, kind="action_set", doc="which sets of items can be played")

    def validate(self) -> None:
        """Check that the action set suits these items, and that some action is safe."""
        self.actions.check(self.n_arms)
        if self.budget < math.inf:
            check_some_safe(self.variances, self.budget)

    @property
    def means(self) -> NDArray[np.float64]:
        """The items' means."""
        return np.asarray(self.items.means, dtype=np.float64)

    @property
    def variances(self) -> NDArray[np.float64]:
        """The items' variances."""
        return np.array([self.items.variance(item) for item in range(self.n_arms)])

    @property
    def support(self) -> Support:
        """The possible outcomes of the items."""
        return support_of(self.items)

    def draw(self: Params, chosen: Any, size: int, lane: int, u: float, t: int, drawn: Any) -> float:
        """Draw each item from its own uniform number, and return the sum."""
        bits = key(u)
        total = 0.0
        for k in range(size):
            item = chosen[k, lane]
            outcome = arms_generics.reward(self.items, item, expanded(bits, item), t)
            drawn[k, lane] = outcome
            total += outcome
        return total

    def draw_lanes(self: Params, chosen: Any, size: Any, u: Any, t: int, drawn: Any, value: Any) -> None:
        """Draw as `draw`, row by row; what a row draws in lanes whose action has ended is not used."""
        own = np.empty(u.shape)
        largest = 0
        for w in range(u.shape[0]):
            largest = max(largest, size[w])
            value[w] = 0.0
        for k in range(largest):
            for w in range(u.shape[0]):
                own[w] = expanded(key(u[w]), chosen[k, w])
            arms_generics.fill_rewards(self.items, chosen[k], own, t, drawn[k])
            for w in range(u.shape[0]):
                value[w] += drawn[k, w] if k < size[w] else 0.0


def check_some_safe(variances: NDArray[np.float64], budget: float) -> None:
    """Raise if not even the item of smallest variance is within the budget."""
    if not variances.min() < budget:
        raise InvalidArgument(
            f"budget is {budget:g}, and the smallest variance of an item is {variances.min():g}: no action is safe; "
            "allowed: a budget above it"
        )


def _covariance(name: str, value: ArrayLike) -> Any:
    """Check for a covariance matrix: symmetric and positive semidefinite."""
    checked = matrix()(name, value)
    if checked.shape[0] != checked.shape[1]:
        raise InvalidArgument(f"{name} has the shape {checked.shape}; allowed: a square matrix")
    negative = np.flatnonzero(checked.diagonal() < 0.0)
    if len(negative):
        k = negative[0]
        raise InvalidArgument(f"{name}[{k}][{k}] is {checked[k, k]:g}; allowed: variances of at least 0")
    largest = np.abs(checked).max()
    if not np.allclose(checked, checked.T, rtol=0.0, atol=1e-12 * largest):
        raise InvalidArgument(f"{name} is not symmetric; allowed: a symmetric matrix")
    least = float(np.linalg.eigvalsh(checked).min())
    if least < -1e-10 * largest:
        raise InvalidArgument(f"{name} has the eigenvalue {least:g}; allowed: a positive semidefinite matrix")
    return checked


def factor(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a lower triangular F with F F' the covariance: Cholesky's, which singular matrices have too."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    triangular = np.transpose(np.linalg.qr(root.T, mode="r"))
    signs = np.where(triangular.diagonal() < 0.0, -1.0, 1.0)
    return np.ascontiguousarray(triangular * signs)


@environment
class CorrelatedGaussian(Linear):
    r"""Items whose outcomes in a round are jointly Gaussian; independent between rounds.

    .. math:: X_t = \mu + F z_t, \quad F F^\top = \Sigma, \quad z_t \sim N(0, I)

    with F the lower triangular (Cholesky) factor. Component j of :math:`z_t` is the standard normal quantile of the
    j-th number expanded from the round's one uniform number; so item i's outcome, made from components 0 to i, does not
    depend on the action that holds it. Reward and regret are those of `SemiBandit`.

    Parameters
    ----------
    means : sequence of float
        One mean per item.
    covariance : matrix
        Symmetric and positive semidefinite, one row and one column per item.
    actions : action set
        Which sets of items can be played.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> env = semibandits.CorrelatedGaussian([0.0, 1.0], [[1.0, 0.5], [0.5, 1.0]], semibandits.MSets(1))
    >>> env.best_action
    (1,)
    """

    means: FloatArray = field(check=vector(), doc="one mean per item")
    covariance: FloatArray = field(check=_covariance, doc="one row and one column per item")
    actions: Any = field(check=an_action_set, kind="action_set", doc="which sets of items can be played")

    def validate(self) -> None:
        """Check that the shapes agree, that the action set suits these items, and that some action is safe."""
        if len(self.covariance) != len(self.means):
            raise InvalidArgument(
                f"CorrelatedGaussian: means has {len(self.means)}, covariance has {len(self.covariance)} rows; "
                "allowed: one per item in each"
            )
        self.actions.check(self.n_arms)
        if self.budget < math.inf:
            check_some_safe(self.variances, self.budget)

    @property
    def variances(self) -> NDArray[np.float64]:
        """The items' variances: the diagonal of the covariance."""
        return np.array(self.covariance.diagonal())

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return what the kernels need besides the fields."""
        return super().derive(problem) | {"factor": factor(self.covariance)}

    def draw(self: Params, chosen: Any, size: int, lane: int, u: float, t: int, drawn: Any) -> float:
        """Make the components of z one after the other, and add each to the items it enters."""
        bits = key(u)
        for k in range(size):
            drawn[k, lane] = self.means[chosen[k, lane]]
        for j in range(chosen[size - 1, lane] + 1):
            z = normal_quantile(expanded(bits, j))
            for k in range(size):
                if chosen[k, lane] >= j:
                    drawn[k, lane] += self.factor[chosen[k, lane], j] * z
        total = 0.0
        for k in range(size):
            total += drawn[k, lane]
        return total
