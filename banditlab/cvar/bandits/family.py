"""The decorator `policy` of CVaR bandits."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.arms import generics
from banditlab.core.components import field
from banditlab.core.family import Family

from .protocol import CVaRProtocol

C = TypeVar("C", bound=type)

BANDITS = Family(
    name="cvar",
    protocol=CVaRProtocol(),
    policy_kernels=(generics.index, generics.index_lanes, generics.select, generics.explore, generics.update),
    policy_needs=(("index", "select"), ("update",)),
    environment_kernels=(),
    environment_needs=(),
    plays=("arms",),
    lane="either",  # what a lane walks alone has it first: see `SampleSpace.private`
)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def policy(cls: C) -> C:
    """Make a class a policy that plays K-armed bandits for CVaR.

    It works like `arms.policy`, with the same kernels and for the same environments. What differs is that the default
    metric is `cvar_regret`, at the policy's own level (its field `tau`), and that runs are played a few at a time, so
    that policies may keep samples.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms, cvar
    >>> from banditlab.core.validation import probability
    >>> @cvar.policy
    ... class FirstArm:
    ...     tau: float = bl.field(default=0.5, check=probability, doc="level")
    ...
    ...     def select(self, state, lane, t, rng):
    ...         return 0
    ...
    ...     def update(self, state, arm, lane, reward, t):
    ...         pass
    >>> result = bl.run(
    ...     arms.Bernoulli([0.25, 0.75]), FirstArm(), horizon=10, n_runs=1, seed=0, backend="python"
    ... )
    >>> result.metrics, float(result.values()[0, 0, -1])
    (('cvar_regret',), 5.0)
    """
    return BANDITS.policy(cls)
