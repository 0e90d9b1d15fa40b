"""The decorators `policy`, `environment` and `action_set` of this family."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.arms.generics import index, index_lanes, update
from banditlab.core.components import field
from banditlab.core.family import Family, require_base

from . import generics
from .protocol import SemiBanditProtocol

C = TypeVar("C", bound=type)

SEMIBANDITS = Family(
    name="semibandits",
    protocol=SemiBanditProtocol(),
    policy_kernels=(
        index,
        index_lanes,
        generics.select,
        generics.select_lanes,
        update,
        generics.update_winner,
        generics.update_value,
    ),
    policy_needs=(("index", "select", "select_lanes"), ("update", "update_winner", "update_value")),
    environment_kernels=(generics.draw, generics.draw_lanes, generics.mean, generics.unsafe),
    environment_needs=(("draw",), ("mean",), ("actions",), ("best_value",)),
    plays=("semibandits",),
)

ACTION_SET_KERNELS = (generics.best, generics.best_lanes, generics.best_within, generics.best_within_lanes)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def policy(cls: C) -> C:
    """Make a class a policy for combinatorial semi-bandits.

    It has `index`, with the arguments of `arms.generics.index`, and then plays the action with the largest sum of
    indices; or `select`, with those of `semibandits.generics.select`. It learns by one of `update` (the outcome of each
    item of the action, as in `arms`), `update_winner` and `update_value` (see `semibandits.generics`). It also has
    `state(space)`, which returns its arrays by name, and fields declared with `banditlab.field`; a field `actions` is
    the action set that it plays, by default (None) the environment's. `space.actions` and, in `derive(problem)`,
    `problem.actions` are that set.

    A `SafeUpToM` without variances can be played only by a policy that has `select` and declares `learns_what_is_safe =
    True`: it finds out itself which actions are safe, for example by calling `semibandits.generics.best_within` with
    bounds on the items' variances. Other policies are refused.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms, semibandits
    >>> @semibandits.policy
    ... class MostPlayed:
    ...     def state(self, space):
    ...         return {"counts": space.per_arm()}
    ...
    ...     def index(self, state, arm, lane, t, rng):
    ...         return state.counts[arm, lane]
    ...
    ...     def update(self, state, arm, lane, reward, t):
    ...         state.counts[arm, lane] += 1.0
    >>> env = semibandits.SemiBandit(arms.Bernoulli([0.25, 0.5, 0.75]), semibandits.MSets(2))
    >>> result = bl.run(env, MostPlayed(), horizon=10, n_runs=1, seed=0, backend="python")
    >>> float(result.values()[0, 0, -1])  # items 0 and 1, in every round
    5.0
    """
    return SEMIBANDITS.policy(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def environment(cls: C) -> C:
    """Make a class an environment of combinatorial semi-bandits.

    It has `draw` and `mean`, with the arguments of `semibandits.generics`, and, as fields or properties, `actions` (an
    action set), `n_arms` (the number of items) and `best_value` (the largest mean of an action). Everything else that
    it needs has defaults in `semibandits.Combinatorial`, its usual base.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> from banditlab import field, semibandits
    >>> @semibandits.environment
    ... class AllOrNothing(semibandits.Combinatorial):
    ...     actions: object = field(doc="the action set")
    ...     n_arms = 4
    ...     best_value = 0.5
    ...
    ...     def draw(self, chosen, size, lane, u, t, drawn):
    ...         for k in range(size):
    ...             drawn[k, lane] = 1.0 if u < 0.5 else 0.0
    ...         return drawn[0, lane]
    ...
    ...     def mean(self, chosen, size, lane):
    ...         return 0.5
    >>> AllOrNothing(semibandits.MSets(2)).actions
    MSets(2)
    """
    return SEMIBANDITS.environment(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def action_set(cls: C) -> C:
    """Make a class an action set: a subclass of `semibandits.ActionSet`, which says what it must have.

    Raises
    ------
    InvalidComponent
        If it is not a subclass, a method is missing, or a kernel has other arguments.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> @semibandits.action_set
    ... class OneItem(semibandits.ActionSet):
    ...     def contains(self, action):
    ...         return len(action) == 1
    ...
    ...     def max_size(self, n_items):
    ...         return 1
    ...
    ...     def find(self, weights):
    ...         return [weights.argmax()]
    >>> OneItem().maximise([0.3, 0.5])
    (1,)
    """
    require_base(cls, "semibandits.ActionSet")
    return SEMIBANDITS.component(cls, "action_set", ACTION_SET_KERNELS, ())
