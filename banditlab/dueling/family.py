"""The decorators `policy` and `environment` of this family."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.core.components import field
from banditlab.core.family import Family

from .generics import observe, select, select_lanes, update, winner
from .protocol import DuelingProtocol

C = TypeVar("C", bound=type)

DUELING = Family(
    name="dueling",
    protocol=DuelingProtocol(),
    policy_kernels=(select, select_lanes, update, winner, observe),
    policy_needs=(("select",), ("update",)),
    environment_kernels=(),
    environment_needs=(("preferences", "segments"),),
    plays=("dueling",),
)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def policy(cls: C) -> C:
    """Make a class a policy for dueling bandits.

    The class has `select` and `update`, with exactly the arguments of `dueling.generics`; `state(space)`, which returns
    its arrays by name; and fields declared with `banditlab.field`. With `winner` it can be the base of `DETECT`, and
    with `observe` it learns from the duels that `MonitoredDuelingBandits` chooses. Meta-policies reset their base to
    the arrays that `state` made, so anything random has to be drawn in `select`.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> @dueling.policy
    ... class FirstAgainstSecond:
    ...     def select(self, state, lane, t, rng):
    ...         return 0, 1
    ...
    ...     def update(self, state, first, second, lane, won, t):
    ...         pass
    >>> env = dueling.PreferenceMatrix([[0.5, 0.75], [0.25, 0.5]])
    >>> result = bl.run(env, FirstAgainstSecond(), horizon=8, n_runs=1, seed=0, backend="python")
    >>> float(result.values("average_regret")[0, 0, -1])
    1.0
    """
    return DUELING.policy(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def environment(cls: C) -> C:
    """Make a class an environment for dueling bandits: one with the field or property `preferences`.

    `preferences` is the (K, K) matrix of the probabilities that the row's arm beats the column's; `n_arms` is K. An
    environment that changes has `segments(horizon)` instead, as `PiecewiseStationary` does: a list of (first round,
    last round, such a matrix or an environment that has one), from round 1 to the horizon without a gap.

    Raises
    ------
    InvalidComponent
        If it has neither.

    Examples
    --------
    >>> import numpy as np
    >>> from banditlab import dueling, field
    >>> from banditlab.core.validation import vector
    >>> @dueling.environment
    ... class Strengths:
    ...     weights: object = field(check=vector(0.0, open_low=True), doc="one positive weight per arm")
    ...
    ...     @property
    ...     def n_arms(self):
    ...         return len(self.weights)
    ...
    ...     @property
    ...     def preferences(self):
    ...         return self.weights[:, None] / (self.weights[:, None] + self.weights[None, :])
    >>> dueling.winners.condorcet(Strengths([1.0, 3.0, 2.0]))
    1
    """
    return DUELING.environment(cls)
