"""The decorators `policy` and `environment` of this family."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.core.components import field
from banditlab.core.errors import InvalidComponent
from banditlab.core.family import Family, annotated

from .generics import explore, gap, index, index_lanes, reward, reward_lanes, select, update
from .protocol import ArmsProtocol
from .stationary import Stationary

C = TypeVar("C", bound=type)

ARMS = Family(
    name="arms",
    protocol=ArmsProtocol(),
    policy_kernels=(index, index_lanes, select, explore, update),
    policy_needs=(("index", "select"), ("update",)),
    environment_kernels=(reward, reward_lanes, gap),
    environment_needs=(("reward", "segments"), ("gap", "segments")),
    plays=("arms",),
)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def policy(cls: C) -> C:
    """Make a class a policy for K-armed bandits.

    The class has `update` and one of `index` and `select`, with exactly the arguments of `arms.generics`;
    `state(space)`, which returns its arrays by name; and fields declared with `banditlab.field`.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> @arms.policy
    ... class FirstArm:
    ...     def select(self, state, lane, t, rng):
    ...         return 0
    ...
    ...     def update(self, state, arm, lane, reward, t):
    ...         pass
    >>> result = bl.run(
    ...     arms.Bernoulli([0.25, 0.75]), FirstArm(), horizon=10, n_runs=1, seed=0, backend="python"
    ... )
    >>> float(result.values()[0, 0, -1])
    5.0
    """
    return ARMS.policy(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def environment(cls: C) -> C:
    """Make a class an environment for K-armed bandits.

    The class has `reward`, `gap` and `n_arms`; inheriting from `arms.Stationary` gives a class with `means` all of
    these except `reward`.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> from banditlab import arms, field
    >>> from banditlab.core.typed import FloatArray
    >>> from banditlab.core.validation import vector
    >>> @arms.environment
    ... class Halves(arms.Stationary):
    ...     means: FloatArray = field(check=vector(0.0, 0.5), doc="one mean per arm, at most 1/2")
    ...
    ...     def reward(self, arm, u, t):
    ...         return 0.5 if u < 2.0 * self.means[arm] else 0.0
    >>> Halves([0.1, 0.4]).n_arms
    2
    """
    if isinstance(cls, type) and issubclass(cls, Stationary) and not any(_says_means(base) for base in cls.__mro__):
        raise InvalidComponent(f"{cls.__name__} has no means; allowed: a class with this field, property or method")
    return ARMS.environment(cls)


def _says_means(cls: type) -> bool:
    return cls is not Stationary and ("means" in vars(cls) or "means" in annotated(cls))
