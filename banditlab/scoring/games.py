"""How one round goes in each environment: the mechanism, the agents' response, what the principal sees of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .informed import informed_rules

if TYPE_CHECKING:
    from .principal_agent import PrincipalAgent

Floats = NDArray[np.float64]


class Played(NamedTuple):
    """What a round was worth, and what the principal sees of it.

    Attributes
    ----------
    seen : object
        What the policy's `update` receives.
    regret : float
        Value of the optimal mechanism minus that of the announced one, from the true means.
    payment, profit : float
        What was paid, and what the principal gained beyond it, as drawn.
    violation : float
        By how much the announced mechanism violates incentive compatibility, from the true means.
    """

    seen: Any
    regret: float
    payment: float
    profit: float
    violation: float = 0.0


class Game(ABC):
    """One run of an environment.

    Attributes
    ----------
    n_uniforms : int
        How many uniform numbers a round consumes, whatever is announced.
    """

    n_uniforms: int

    @abstractmethod
    def best(self) -> Any:
        """Return the optimal mechanism, as it would be announced."""

    @abstractmethod
    def known_to(self, policy: Any) -> Any:
        """Return what the principal knows before the first round."""

    @abstractmethod
    def play(self, mechanism: Any, uniforms: Floats) -> Played:
        """Play a round."""


def draw(cumulative: Floats, u: float) -> int:
    """Return the outcome that a uniform number stands for, from cumulative probabilities."""
    return min(int(np.searchsorted(cumulative, u, side="right")), len(cumulative) - 1)


def indices(cell: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the indices of an entry of a flattened array; `np.unravel_index` takes ten times as long."""
    found = []
    for n in reversed(shape):
        cell, index = divmod(cell, n)
        found.append(index)
    return tuple(reversed(found))


def _gains(environment: PrincipalAgent) -> Floats:
    """Return what the principal gains in each state by deciding on a report, or its expectation if that is given."""
    if environment.decisions is None:
        return np.repeat(environment.belief_utility[:, None], environment.n_states, axis=1)
    taken = (environment.beliefs @ environment.decisions.T).argmax(axis=1)
    gains: Floats = environment.decisions[taken]
    return gains


class Seen(NamedTuple):
    """What the principal sees of a round with one agent: not the cost, and not the belief behind the report.

    Attributes
    ----------
    action, report, state : int
        The agent's action, which belief it reported, the state of the world.
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
        For each action payments under which the agent prefers it, which the theory assumes to be known
        (`informed_rules`).
    """

    beliefs: Floats
    utility: Floats
    n_actions: int
    max_payment: float
    informed: Floats


class PrincipalAgentGame(Game):
    """Rounds of a `PrincipalAgent`: payments, the agent's best response, a belief, a state.

    Parameters
    ----------
    environment : PrincipalAgent
        What is played.
    """

    n_uniforms = 2

    def __init__(self, environment: PrincipalAgent) -> None:
        self._environment = environment
        self._best = environment.optimal().profit
        self._of_action = np.cumsum(environment.action_distributions, axis=1)
        self._of_belief = np.cumsum(environment.beliefs, axis=1)
        self._gains = _gains(environment)
        self._announced: Floats | None = None
        self._response: Any = None

    def best(self) -> Floats:
        """Return the optimal payments."""
        payments: Floats = self._environment.optimal().payments
        return payments

    def known_to(self, policy: Any) -> PrincipalKnows:
        """Return beliefs, utility, number of actions, bound of payments, informed rules."""
        world = self._environment
        informed, _ = informed_rules(world)
        return PrincipalKnows(world.beliefs, world.belief_utility, world.n_actions, world.max_payment, informed)

    def play(self, mechanism: Floats, uniforms: Floats) -> Played:
        """Play a round; `mechanism[m, w]` is paid for reporting belief m when the state is w."""
        if mechanism is not self._announced:  # the same array again has the same response
            self._announced, self._response = mechanism, self._environment.respond(mechanism)
        response = self._response
        belief = draw(self._of_action[response.action], uniforms[0])
        state = draw(self._of_belief[belief], uniforms[1])
        report = int(response.reports[belief])
        paid = float(mechanism[report, state])
        regret = self._best - response.principal_profit
        return Played(Seen(response.action, report, state), regret, paid, float(self._gains[report, state]) - paid)
