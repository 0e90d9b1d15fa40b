"""Rounds of `PrincipalAgent`: payments, the agent's best response, a belief, a state."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from .games import Game, PlayedRound, announced_payments, draw, optimum, unchanged
from .informed import informed_rules
from .principal_agent import PrincipalAgent
from .simplex import Floats


class Seen(NamedTuple):
    """What the principal sees of a round with one agent: not the cost, and not the belief behind the report.

    Attributes
    ----------
    action, report, state : int
        The agent's action, which belief was reported, the state of the world.
    """

    action: int
    report: int
    state: int


class PrincipalKnows(NamedTuple):
    """What the principal of a `PrincipalAgent` knows before the first round: neither distributions nor costs.

    Attributes
    ----------
    beliefs : float64 array (M, S)
        The beliefs that can be reported.
    utility : float64 array (M,)
        The principal's expected utility u(sigma) of each belief.
    n_actions : int
        K.
    max_payment : float
        B_S.
    informed : float64 array (K, M, S)
        For each action, payments under which the agent prefers it, which the theory assumes to be known
        (`informed_rules`).
    """

    beliefs: Floats
    utility: Floats
    n_actions: int
    max_payment: float
    informed: Floats


@functools.lru_cache(maxsize=64)
def _informed(environment: PrincipalAgent) -> Floats:
    """Return informed rules, found once."""
    rules, _ = informed_rules(environment)
    return rules


def _gains(environment: PrincipalAgent) -> Floats:
    """Return what the principal gains in each state by deciding on a report, or its expectation if that is given."""
    if environment.decisions is None:
        return np.repeat(environment.belief_utility[:, None], environment.n_states, axis=1)
    taken = (environment.beliefs @ environment.decisions.T).argmax(axis=1)
    gains: Floats = environment.decisions[taken]
    return gains


class PrincipalAgentGame(Game):
    """Rounds of a `PrincipalAgent`.

    Parameters
    ----------
    environment : PrincipalAgent
        What is played.
    """

    n_uniforms = 2

    def __init__(self, environment: PrincipalAgent) -> None:
        self._environment = environment
        self._best = optimum(environment).profit
        self._of_action = np.cumsum(environment.action_distributions, axis=1)
        self._of_belief = np.cumsum(environment.beliefs, axis=1)
        self._gains = _gains(environment)
        self._announced: Any = None
        self._response: Any = None

    def best(self) -> Floats:
        """Return the optimal payments."""
        payments: Floats = optimum(self._environment).payments
        return payments.copy()

    def known_to(self, policy: Any) -> PrincipalKnows:
        """Return beliefs, utility, number of actions, bound of payments, informed rules."""
        world = self._environment
        informed = _informed(world).copy()
        return PrincipalKnows(world.beliefs, world.belief_utility, world.n_actions, world.max_payment, informed)

    def play(self, mechanism: Floats, uniforms: Floats) -> PlayedRound:
        """Play a round; `mechanism[m, w]` is paid for reporting belief m when the state is w."""
        if not unchanged(mechanism, self._announced):
            world = self._environment
            payments = announced_payments("announce(state, t)", mechanism, world.beliefs.shape, world.max_payment)
            self._response, self._announced = world.respond(payments), payments
        response = self._response
        belief = draw(self._of_action[response.action], uniforms[0])
        state = draw(self._of_belief[belief], uniforms[1])
        report = int(response.reports[belief])
        paid = float(self._announced[report, state])
        regret = self._best - response.principal_profit
        return PlayedRound(Seen(response.action, report, state), regret, paid, float(self._gains[report, state]) - paid)
