"""The decorators `mdp_policy` and `mdp_environment`."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.core.components import field
from banditlab.core.family import Family, require_base

from . import generics
from .protocol import EpisodesProtocol

C = TypeVar("C", bound=type)

MDP = Family(
    name="cvar",
    protocol=EpisodesProtocol(),
    policy_kernels=(
        generics.plan,
        generics.act,
        generics.observe,
        generics.n_memories,
        generics.first_memory,
        generics.next_memory,
        generics.estimate,
    ),
    policy_needs=(("plan",), ("act",), ("observe",)),
    environment_kernels=(),
    environment_needs=(),
    plays=("cvar",),
    played="MDPs",
    lane="first",
)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def mdp_policy(cls: C) -> C:
    """Make a class a learner for tabular MDPs.

    The class has the kernels `plan`, `act` and `observe` with exactly the arguments of `cvar.mdp.generics`, and, if
    actions depend on more than step and state, `n_memories`, `first_memory` and `next_memory`; `state(space)`, which
    returns its arrays by name (see `EpisodicSpace`); and fields declared with `banditlab.field`. Within an episode it
    must play a fixed function of step, state and memory: that is what is evaluated exactly.

    Raises
    ------
    InvalidComponent
        If a kernel is missing or has other arguments.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import cvar
    >>> @cvar.mdp_policy
    ... class FirstAction:
    ...     def plan(self, state, known, lane, t, rng):
    ...         return t == 1  # what it plays changes before the first episode only
    ...
    ...     def act(self, state, known, lane, h, s, memory):
    ...         return 0
    ...
    ...     def observe(self, state, known, lane, h, s, a, j, s_next, t):
    ...         pass
    >>> mdp = cvar.layered_mdp(horizon=3, n_actions=2)
    >>> result = bl.run(
    ...     mdp, FirstAction(), horizon=5, n_runs=1, seed=0, metrics="cvar[1]", backend="python"
    ... )
    >>> value = float(result.values()[0, 0, -1])
    >>> value <= cvar.plan_mean(mdp).value
    True
    """
    return MDP.policy(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def mdp_environment(cls: C) -> C:
    """Make a class an MDP that learners can play: a subclass of `TabularMDP`.

    Raises
    ------
    InvalidComponent
        If it is not a subclass.

    Examples
    --------
    >>> from banditlab import cvar
    >>> @cvar.mdp_environment
    ... class Named(cvar.TabularMDP):
    ...     @property
    ...     def states(self):
    ...         return [f"state {s}" for s in range(self.n_states)]
    >>> Named([[[1.0]]], [[0.5]], horizon=2).states
    ['state 0']
    """
    require_base(cls, "cvar.TabularMDP")
    return MDP.environment(cls)
