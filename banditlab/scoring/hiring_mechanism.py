"""What a principal who hires several agents announces: recommended efforts, payments, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from banditlab.core.brief import brief
from banditlab.core.errors import InvalidType
from banditlab.core.validation import boolean, invalid, shown

from .hiring import HiringProblem, letters
from .simplex import Floats
from .tables import adds_up, has_shape, table


@dataclass(frozen=True, eq=False)
class HiringMechanism:
    r"""Recommended efforts, payments and decisions.

    The principal draws a profile b of efforts from `recommendations` and tells each agent his own; she hears a profile
    s of signals, takes decision a with probability `decisions[b, s, a]`, and, when the state :math:`\theta` is seen,
    pays agent i `payments[i][b, s, theta]`.

    Attributes
    ----------
    environment : HiringProblem
        Whose mechanism it is.
    recommendations : float64 array (n_efforts[0], ..., n_efforts[n - 1])
        :math:`\mu`.
    payments : tuple of n float64 arrays (efforts..., signals..., n_states)
        :math:`\gamma_i(b, s, \theta)`; in [0, max_payment] unless made by hand.
    decisions : float64 array (efforts..., signals..., n_decisions)
        :math:`\pi(a \mid b, s)`.
    correlated : bool
        Whether efforts or payments of an agent may depend on others.

    Raises
    ------
    InvalidArgument
        If shapes do not fit, payments are not finite, or recommendations or decisions are not distributions.

    Examples
    --------
    Made by hand: the agent is told to look, and paid 1/4 for a right sign:

    >>> import numpy as np
    >>> from banditlab import scoring
    >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]
    >>> world = scoring.HiringProblem.independent(
    ...     prior=[0.5, 0.5], signals=[[blind, look]], costs=[[0, 0.1]], utility=[[1, 0], [0, 1]],
    ... )
    >>> right = np.stack([np.eye(2) / 4] * 2)  # by effort, signal and state
    >>> made = scoring.HiringMechanism(world, [0, 1], [right], world.best_decisions, correlated=False)
    >>> round(made.profit, 6), bool(scoring.audit(made))
    (0.675, True)
    """

    environment: HiringProblem
    recommendations: Floats
    payments: tuple[Floats, ...]
    decisions: Floats
    correlated: bool

    __repr__ = brief

    def __post_init__(self) -> None:
        """Check shapes, that payments are finite, and that recommendations and decisions are distributions."""
        name, world = "HiringMechanism", self.environment
        if not isinstance(world, HiringProblem):
            raise InvalidType(f"{name}.environment is {shown(world)}; allowed: a HiringProblem")
        n, shape = world.n_agents, (*world.n_efforts, *world.n_signals)
        probabilities = table(None, 0.0, 1.0)
        recommendations = probabilities(f"{name}.recommendations", self.recommendations)
        has_shape(f"{name}.recommendations", recommendations, world.n_efforts, "(efforts...)")
        adds_up(f"{name}.recommendations", recommendations, 0)
        decisions = probabilities(f"{name}.decisions", self.decisions)
        has_shape(f"{name}.decisions", decisions, (*shape, world.n_decisions), "(efforts..., signals..., decisions)")
        adds_up(f"{name}.decisions", decisions, 2 * n)
        if not isinstance(self.payments, Sequence | np.ndarray) or len(self.payments) != n:
            raise invalid(f"{name}.payments", self.payments, f"{n} arrays, one per agent")
        payments = tuple(table()(f"{name}.payments[{i}]", paid) for i, paid in enumerate(self.payments))
        for i, paid in enumerate(payments):
            has_shape(f"{name}.payments[{i}]", paid, (*shape, world.n_states), "(efforts..., signals..., states)")
        correlated = boolean(f"{name}.correlated", self.correlated)
        checked = {"recommendations": recommendations, "payments": payments, "decisions": decisions}
        for field_name, value in (checked | {"correlated": correlated}).items():
            object.__setattr__(self, field_name, value)  # a frozen dataclass, once checked

    @property
    def utility(self) -> float:
        """The principal's expected utility from her decisions, if all agents obey and tell the truth."""
        world = self.environment
        b, s = letters(world.n_agents)
        return float(
            np.einsum(
                f"{b},{b}t{s},{b}{s}a,at->",
                self.recommendations,
                world.joint,
                self.decisions,
                world.utility,
                optimize=True,
            )
        )

    @property
    def expected_payments(self) -> Floats:
        """Expected payment to each agent, if all obey and tell the truth."""
        world = self.environment
        b, s = letters(world.n_agents)
        return np.array(
            [
                np.einsum(f"{b},{b}t{s},{b}{s}t->", self.recommendations, world.joint, paid, optimize=True)
                for paid in self.payments
            ]
        )

    @property
    def profit(self) -> float:
        """The principal's expected utility minus all payments."""
        return self.utility - float(self.expected_payments.sum())
