"""The decorators `policy`, `environment` and `utility` of this family."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.arms.generics import explore, index, index_lanes, select
from banditlab.core.components import field
from banditlab.core.errors import InvalidComponent
from banditlab.core.family import Family, require_base

from . import generics
from .protocol import ClicksProtocol

C = TypeVar("C", bound=type)

CLICKS = Family(
    name="clicks",
    protocol=ClicksProtocol(),
    policy_kernels=(index, index_lanes, select, explore, generics.update, generics.screening_round),
    policy_needs=(("index", "select"), ("update",)),
    environment_kernels=(),
    environment_needs=(),
    plays=("clicks",),
)

UTILITY_KERNELS = (
    generics.utility,
    generics.desired_strategy,
    generics.optimal_utility,
    generics.desired_range,
    generics.optimistic_utility,
)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def policy(cls: C) -> C:
    """Make a class a policy (a mechanism, in the paper's words) for strategic click-bandits.

    The class has `update` with exactly the arguments of `clicks.generics.update`, and `index` or `select` with those
    of `arms.generics`; `state(space)`, which returns its arrays by name; and fields declared with `banditlab.field`.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import clicks
    >>> @clicks.policy
    ... class FirstArm:
    ...     def select(self, state, lane, t, rng):
    ...         return 0
    ...
    ...     def update(self, state, arm, lane, clicked, reward, t):
    ...         pass
    >>> env = clicks.StrategicClickBandit([0.5, 0.25], strategies=[1.0, 0.25])
    >>> result = bl.run(
    ...     env, FirstArm(), horizon=10, n_runs=1, seed=0, metrics="clicks", backend="python"
    ... )
    >>> float(result.values("clicks[0]")[0, 0, -1])
    10.0
    """
    return CLICKS.policy(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def environment(cls: C) -> C:
    """Make a class an environment of strategic click-bandits: a subclass of `StrategicClickBandit`.

    Other post-click rewards and other utilities need no class of their own: see `StrategicClickBandit.from_rewards` and
    `clicks.utility`. A subclass can have more fields, and a different `best_utility`, against which regret is counted.

    Raises
    ------
    InvalidComponent
        If it is not a subclass.

    Examples
    --------
    >>> from banditlab import clicks
    >>> @clicks.environment
    ... class AgainstRunnerUp(clicks.StrategicClickBandit):
    ...     @property
    ...     def best_utility(self):  # what regret is counted against
    ...         return sorted(self.utility.optimum(mu) for mu in self.post_click_means)[-2]
    >>> AgainstRunnerUp([0.6, 0.5], strategies=[0.66, 0.55]).gaps.round(6).tolist()
    [-0.1155, 0.0]
    """
    require_base(cls, "clicks.StrategicClickBandit")
    for kernel in ("reward", "gap"):
        if hasattr(cls, kernel):
            raise InvalidComponent(
                f"{cls.__name__} has a kernel {kernel}; allowed: none, as rewards are drawn by an arms environment "
                "(StrategicClickBandit.from_rewards) and regret follows from the utility"
            )
    return CLICKS.environment(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def utility(cls: C) -> C:
    """Make a class a utility: a subclass of `clicks.Utility` with the kernel `utility(self, s, mu)`.

    Raises
    ------
    InvalidComponent
        If it is not a subclass, or a kernel is missing or has other arguments.

    Examples
    --------
    >>> from banditlab import clicks, field
    >>> @clicks.utility
    ... class Clickbait(clicks.Utility):
    ...     weight: float = field(default=0.5, doc="what a click is worth by itself")
    ...
    ...     def utility(self, s, mu):
    ...         return s * (mu + self.weight) - s * s
    >>> round(Clickbait().desired(0.5), 6)
    0.5
    """
    require_base(cls, "clicks.Utility")
    return CLICKS.component(cls, "utility", UTILITY_KERNELS, tuple((g.__name__,) for g in UTILITY_KERNELS))
