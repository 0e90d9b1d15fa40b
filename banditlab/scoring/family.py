"""The decorators `policy` and `environment` of this family."""

from __future__ import annotations

from typing import TypeVar, dataclass_transform

from banditlab.core.components import field
from banditlab.core.family import Family

from .generics import announce, game, state, update
from .protocol import ScoringProtocol

C = TypeVar("C", bound=type)

SCORING = Family(
    name="scoring",
    protocol=ScoringProtocol(),
    policy_kernels=(state, announce, update),
    policy_needs=(("state",), ("announce",), ("update",)),
    environment_kernels=(game,),
    environment_needs=(("game",),),
    plays=("scoring",),
    compiled=False,
)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def policy(cls: C) -> C:
    """Make a class a policy that buys information.

    The class has `state(known, horizon, rng)`, which returns its memory for one run; `announce(state, t)`, which
    returns the mechanism of round t = 1, 2, ...; `update(state, seen, t)`, which learns; and fields declared with
    `banditlab.field`. A mechanism is, for a `PrincipalAgent`, the array of payments in [0, max_payment], one row per
    report, one column per state (`PrincipalKnows` and `Seen` in `principal_agent_games` say what `known` and `seen`
    then hold); for a `HiringProblem`, a `hiring_games.Offer`; for an `InformationAcquisition`, the array of
    probabilities phi(a | s). If the state has attributes `solves` (linear programs solved so far) and `bisecting`
    (whether this round is a probe), they are recorded as metrics. A class attribute `environments`, a tuple of classes,
    says which environments it plays; by default all. The method `reasons_against(environment, horizon)`, if there is
    one, returns why it cannot play one of them, as a list of texts.

    Raises
    ------
    InvalidComponent
        If a method is missing or has other arguments.

    Examples
    --------
    >>> import numpy as np
    >>> import banditlab as bl
    >>> from banditlab import scoring
    >>> @scoring.policy
    ... class AlwaysTheSame:
    ...     payment: float = bl.field(default=0.25, doc="what is paid for the right state")
    ...
    ...     def state(self, known, horizon, rng):
    ...         return self.payment * known.beliefs
    ...
    ...     def announce(self, state, t):
    ...         return state
    ...
    ...     def update(self, state, seen, t):
    ...         pass
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0, 1]], action_distributions=[[0.5, 0.5]], costs=[0],
    ...     decisions=[[1, 0], [0, 1]],
    ... )
    >>> result = bl.run(world, AlwaysTheSame(), horizon=10, n_runs=2, seed=0, metrics="payment")
    >>> result.values()[0, :, -1].round(6).tolist()
    [2.5, 2.5]
    """
    return SCORING.policy(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def environment(cls: C) -> C:
    """Make a class an environment in which information is bought.

    The class has `n_arms` (the number of actions that can be induced, or of whatever its class attribute `choices`
    names) and `game()`, which returns the `banditlab.scoring.games.Game` that plays it.

    Raises
    ------
    InvalidComponent
        If a method is missing or has other arguments.
    """
    return SCORING.environment(cls)
