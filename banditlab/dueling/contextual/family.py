"""The decorators `contextual_policy`, `contextual_environment`, `link` and `arm_set`."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.core.components import field
from banditlab.core.family import Family

from . import generics
from .protocol import ContextualProtocol

C = TypeVar("C", bound=type)

CONTEXTUAL = Family(
    name="dueling",
    protocol=ContextualProtocol(),
    policy_kernels=(generics.select, generics.update, generics.estimate),
    policy_needs=(("select",), ("update",)),
    environment_kernels=(generics.show, generics.utility, generics.win_probability),
    environment_needs=tuple(
        (name,) for name in ("show", "utility", "win_probability", "n_arms", "dimension", "theta", "every_round")
    ),
    plays=("dueling",),
)

ARM_SET_NEEDS = tuple((name,) for name in ("draw", "n_arms", "dimension", "every_round"))


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def contextual_policy(cls: C) -> C:
    """Make a class a policy for contextual duels.

    The class has `select` and `update`, with exactly the arguments of `dueling.contextual.generics`; `state(space)`,
    which returns its arrays by name (`space.dimension` is the number of features); `estimate` if it estimates the
    parameter; and fields declared with `banditlab.field`.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    A policy that follows the gradient of the log-likelihood, and compares the arm that looks best with another:

    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> from banditlab.core.elementary import exp
    >>> from banditlab.core.sampling import below
    >>> @dueling.contextual_policy
    ... class GreedyGradient:
    ...     rate: float = bl.field(default=0.1, doc="learning rate")
    ...
    ...     def state(self, space):
    ...         return {"theta": space.array(space.dimension)}
    ...
    ...     def select(self, state, features, lane, t, rng):
    ...         best, largest = 0, -1e300
    ...         for i in range(features.shape[0]):
    ...             score = 0.0
    ...             for k in range(features.shape[1]):
    ...                 score += features[i, k, lane] * state.theta[k, lane]
    ...             if score > largest:
    ...                 best, largest = i, score
    ...         return best, below(rng, lane, features.shape[0])
    ...
    ...     def update(self, state, features, first, second, lane, won, t):
    ...         margin = 0.0
    ...         for k in range(features.shape[1]):
    ...             z = features[first, k, lane] - features[second, k, lane]
    ...             margin += z * state.theta[k, lane]
    ...         residual = (1.0 if won else 0.0) - 1.0 / (1.0 + exp(-margin))
    ...         for k in range(features.shape[1]):
    ...             z = features[first, k, lane] - features[second, k, lane]
    ...             state.theta[k, lane] += self.rate * residual * z
    >>> env = dueling.ContextualGLM([1.0, -0.5], [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    >>> result = bl.run(env, GreedyGradient(), horizon=100, n_runs=2, seed=0, backend="python")
    >>> result.metrics
    ('contextual_regret',)
    """
    return CONTEXTUAL.policy(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def contextual_environment(cls: C) -> C:
    """Make a class an environment for contextual duels.

    The class has the kernels `show`, `utility` and `win_probability`, with exactly the arguments of
    `dueling.contextual.generics`; and the fields or properties `n_arms`, `dimension`, `theta` (what `estimation_error`
    compares estimates with) and `every_round` (False if the arms are shown once, in round 1). Another link, or another
    way of drawing arms, needs no class of its own: see `link` and `arm_set`.

    Raises
    ------
    InvalidComponent
        If something is missing.

    Examples
    --------
    Utilities that are not linear, to try policies on that assume linear ones:

    >>> import numpy as np
    >>> from banditlab import dueling, field
    >>> from banditlab.core.elementary import exp
    >>> @dueling.contextual_environment
    ... class Squares(dueling.ContextualGLM):
    ...     def utility(self, features, arm, lane):
    ...         total = 0.0
    ...         for k in range(features.shape[1]):
    ...             total += self.theta[k] * features[arm, k, lane] * features[arm, k, lane]
    ...         return total
    >>> Squares([1.0, -0.5], [[1.0, 0.0], [0.0, 1.0]]).n_arms
    2
    """
    return CONTEXTUAL.environment(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def link(cls: C) -> C:
    """Make a class a link: the probability of winning as a function of the difference in utilities.

    The class has the kernel `link(self, margin)`: increasing, 1/2 at 0, and `link(-m) = 1 - link(m)`.

    Raises
    ------
    InvalidComponent
        If the kernel is missing or has other arguments.

    Examples
    --------
    >>> from banditlab import dueling
    >>> @dueling.link
    ... class Linear:
    ...     def link(self, margin):
    ...         return min(max(0.5 + 0.5 * margin, 0.0), 1.0)
    >>> env = dueling.ContextualGLM([1.0], [[0.0], [0.5]], link=Linear())
    >>> env.preference_matrix().preferences[1, 0]
    np.float64(0.75)
    """
    return CONTEXTUAL.component(cls, "link", (generics.link,), (("link",),))


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def arm_set(cls: C) -> C:
    """Make a class a set of arms, or a way of drawing one.

    The class has the kernel `draw(self, features, lane, bits)`, which writes `features[arm, k, lane]` with randomness
    expanded from `bits` (`core.sampling.expanded`); and the fields or properties `n_arms`, `dimension` and
    `every_round`.

    Raises
    ------
    InvalidComponent
        If something is missing.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> from banditlab.core.sampling import expanded
    >>> @dueling.arm_set
    ... class Coins:
    ...     n_arms: int = bl.field(default=4)
    ...     dimension: int = bl.field(default=2)
    ...     every_round: bool = bl.field(default=True)
    ...
    ...     def draw(self, features, lane, bits):
    ...         for i in range(features.shape[0]):
    ...             for k in range(features.shape[1]):
    ...                 u = expanded(bits, i * features.shape[1] + k)
    ...                 features[i, k, lane] = 1.0 if u < 0.5 else -1.0
    >>> dueling.ContextualGLM([1.0, 0.5], Coins())
    ContextualGLM([1, 0.5], Coins())
    """
    return CONTEXTUAL.component(cls, "arm_set", (generics.draw,), ARM_SET_NEEDS)
