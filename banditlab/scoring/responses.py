"""What the agent of a `PrincipalAgent` does under some payments: the best of all actions and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidArgument

from .simplex import Floats

if TYPE_CHECKING:
    from .principal_agent import PrincipalAgent

# Two choices are a tie if they differ by this share of max_payment. Linear programs leave the agent indifferent
# up to their tolerance (1e-10 a constraint), and the theory breaks ties for the principal.
TIE = 1e-9


class Response(NamedTuple):
    """What a best-responding agent does under some payments.

    Attributes
    ----------
    action : int
        The action played.
    reports : int array (n_beliefs,)
        The belief reported at each belief.
    agent_profit : float
        Expected payment minus cost.
    principal_profit : float
        Expected utility minus expected payment.
    """

    action: int
    reports: NDArray[np.intp]
    agent_profit: float
    principal_profit: float


def best_response(world: PrincipalAgent, payments: Floats) -> Response:
    """Return the best response to a table of payments, as `PrincipalAgent.respond` describes it."""
    tie = TIE * world.max_payment
    expected = world.beliefs @ payments.T  # [m, m']: expected payment at belief m for reporting m'
    best = expected.max(axis=1)
    honest = expected.diagonal() >= best - tie
    everyone = np.arange(world.n_beliefs)
    reports, utility = everyone, world.belief_utility
    if not honest.all():
        worth = _worth(world)
        candidates = np.where(expected >= (best - tie)[:, None], worth, -np.inf)
        reports = np.where(honest, everyone, candidates.argmax(axis=1))
        utility = worth[everyone, reports]
    gross = world.action_distributions @ expected[everyone, reports]
    agent = gross - world.costs
    principal = world.action_distributions @ utility - gross
    principal[agent < agent.max() - tie] = -np.inf
    action = int(principal.argmax())
    return Response(action, reports, float(agent[action]), float(principal[action]))


def _worth(world: PrincipalAgent) -> Floats:
    """Return what the principal's decision is worth to her at each belief (row) after each report (column)."""
    if world.decisions is None:
        raise InvalidArgument(
            "payments make the agent lie, and PrincipalAgent.decisions is None; allowed: proper payments, or an "
            "environment with decisions, which say what a decision on a lie is worth"
        )
    taken = (world.beliefs @ world.decisions.T).argmax(axis=1)  # on each report
    worth: Floats = world.beliefs @ world.decisions[taken].T
    return worth
