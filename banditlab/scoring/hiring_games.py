"""Rounds of `HiringProblem`: recommendations, efforts, signals, reports, a decision, payments."""

from __future__ import annotations

import functools
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from banditlab.core.errors import InvalidType
from banditlab.core.validation import shown

from .games import Game, PlayedRound, announced_payments, announced_probabilities, draw, indices, optimum, unchanged
from .simplex import Floats

if TYPE_CHECKING:
    from .hiring import HiringProblem
    from .hiring_mechanism import HiringMechanism

TIE = 1e-9
"""Agents obey and tell the truth if nothing gains more than this share of max_payment: programs leave them
indifferent."""


class Offer(NamedTuple):
    """What the principal of a `HiringProblem` announces.

    Attributes
    ----------
    recommendations : float64 array (n_efforts[0], ...)
        mu, from which she draws a profile b; each agent is told his part of it.
    payments : tuple of float64 arrays (efforts..., signals..., n_states)
        gamma_i(b, s, theta), one per agent.
    decisions : float64 array (efforts..., signals..., n_decisions)
        pi(a | b, s).
    """

    recommendations: Floats
    payments: tuple[Floats, ...]
    decisions: Floats

    @classmethod
    def of(cls, mechanism: HiringMechanism) -> Offer:
        """Return what a mechanism announces."""
        return cls(mechanism.recommendations, mechanism.payments, mechanism.decisions)

    @classmethod
    def announced(cls, offer: Any, world: HiringProblem) -> Offer:
        """Return a read-only copy of what was announced; raise unless it is an offer that fits this world."""
        name, n = "announce(state, t)", world.n_agents
        if not isinstance(offer, Offer):
            raise InvalidType(f"{name} is {shown(offer)}; allowed: a banditlab.scoring.hiring_games.Offer")
        if not isinstance(offer.payments, tuple) or len(offer.payments) != n:
            raise InvalidType(
                f"{name}.payments is {shown(offer.payments)}; allowed: a tuple of {n} arrays, one per agent"
            )
        reported = (*world.n_efforts, *world.n_signals)
        return cls(
            announced_probabilities(f"{name}.recommendations", offer.recommendations, world.n_efforts, 0),
            tuple(
                announced_payments(f"{name}.payments[{i}]", paid, (*reported, world.n_states), world.max_payment)
                for i, paid in enumerate(offer.payments)
            ),
            announced_probabilities(f"{name}.decisions", offer.decisions, (*reported, len(world.utility)), 2 * n),
        )

    def repeated(self, offer: Any) -> bool:
        """Say whether this is announced again."""
        return (
            isinstance(offer, Offer)
            and isinstance(offer.payments, tuple)
            and len(offer.payments) == len(self.payments)
            and unchanged(offer.recommendations, self.recommendations)
            and unchanged(offer.decisions, self.decisions)
            and all(unchanged(now, before) for now, before in zip(offer.payments, self.payments, strict=True))
        )


class EmployerKnows(NamedTuple):
    """What the principal of a `HiringProblem` knows before the first round: neither probabilities nor costs.

    Attributes
    ----------
    n_efforts, n_signals : tuples of int
        Of each agent.
    utility : float64 array (n_decisions, n_states)
        u(a, theta).
    max_payment : float
        M.
    informed : list of float64 arrays (n_efforts[i], n_signals[i], n_states)
        For each agent and effort, payments for his own report under which he strictly prefers that effort and the
        truth.
    """

    n_efforts: tuple[int, ...]
    n_signals: tuple[int, ...]
    utility: Floats
    max_payment: float
    informed: list[Floats]


class Reported(NamedTuple):
    """What the principal sees of a round.

    Attributes
    ----------
    efforts, reports : tuples of int
        What each agent did, and what signal he reported.
    state : int
        theta.
    """

    efforts: tuple[int, ...]
    reports: tuple[int, ...]
    state: int


class Responses(NamedTuple):
    """How agents respond to an offer.

    Attributes
    ----------
    efforts : list of int arrays (n_efforts[i],)
        The effort made when told each effort.
    reports : list of int arrays (n_efforts[i], n_signals[i])
        The report at each signal, when told each effort.
    gain : float
        The most that an agent gains by a strategy of his own: the sum, over the recommendations that he may be given,
        of what the best effort and reports gain, weighted by the recommendation's probability.
    """

    efforts: list[NDArray[np.intp]]
    reports: list[NDArray[np.intp]]
    gain: float


def respond(world: HiringProblem, offer: Offer) -> Responses:
    """Return each agent's best response to a recommendation, expecting all others to obey and tell the truth."""
    joint: Any = np.moveaxis(world.joint, world.n_agents, -1)
    efforts, reports, gain = [], [], 0.0
    for i in range(world.n_agents):
        gained = 0.0
        made = np.zeros(world.n_efforts[i], dtype=np.intp)
        told_reports = np.zeros((world.n_efforts[i], world.n_signals[i]), dtype=np.intp)
        for told in range(world.n_efforts[i]):
            made[told], told_reports[told], more = _response(world, joint, offer, i, told)
            gained += more
        gain = max(gain, gained)
        efforts.append(made)
        reports.append(told_reports)
    return Responses(efforts, reports, gain)


def _response(
    world: HiringProblem, joint: Any, offer: Offer, agent: int, told: int
) -> tuple[int, NDArray[np.intp], float]:
    """Return an agent's effort when told one, his report at each signal, and what the best of both gains.

    `joint` is that of the world, at [efforts..., signals..., state].
    """
    n = world.n_agents
    mu: Any = offer.recommendations.take(told, axis=agent)
    shares = mu.reshape(mu.shape + (1,) * (n + 1))
    paid: Any = np.moveaxis(offer.payments[agent].take(told, axis=agent) * shares, n - 1 + agent, 0)  # report first
    best, honest = [], 0.0
    for effort in range(world.n_efforts[agent]):
        chances: Any = np.moveaxis(joint.take(effort, axis=agent), n - 1 + agent, 0)  # own signal first
        earned = np.tensordot(chances, paid, axes=(tuple(range(1, chances.ndim)),) * 2)  # [seen, report]
        cost = float(mu.sum() * world.costs[agent][effort])
        if effort == told:
            honest = float(np.trace(earned)) - cost
        best.append((float(earned.max(axis=1).sum()) - cost, effort, earned.argmax(axis=1)))
    value, effort, lies = max(best, key=lambda found: found[0])
    if value <= honest + TIE * world.max_payment:
        effort, lies = told, np.arange(world.n_signals[agent])
    return effort, lies, value - honest


@functools.lru_cache(maxsize=64)
def _informed(world: HiringProblem) -> list[Floats]:
    """Return, for each agent, payments under which he strictly prefers each effort: found once."""
    return [
        np.stack([world.agent_margin(i, effort).payments for effort in range(world.n_efforts[i])])
        for i in range(world.n_agents)
    ]


class HiringGame(Game):
    """Rounds of a `HiringProblem`.

    Agents respond to a recommendation with the effort and the reports that are best for them if all others obey and
    tell the truth (`respond`); the principal sees efforts. Ties go to obedience.

    Parameters
    ----------
    environment : HiringProblem
        What is played.
    """

    n_uniforms = 3

    def __init__(self, environment: HiringProblem) -> None:
        self._environment = environment
        self._best = optimum(environment).profit
        self._joint = environment.joint
        self._cells = self._joint.shape[environment.n_agents :]  # state and signals
        self._cumulative = np.cumsum(self._joint.reshape(*environment.n_efforts, -1), axis=-1)
        self._announced: Offer | None = None
        self._recommended: Floats
        self._responses: Responses
        self._decided: Floats
        self._regret = 0.0

    def best(self) -> Offer:
        """Return the optimal mechanism."""
        return deepcopy(Offer.of(optimum(self._environment)))

    def known_to(self, policy: Any) -> EmployerKnows:
        """Return sizes, utility, bound of payments, informed rules."""
        world = self._environment
        informed = deepcopy(_informed(world))
        return EmployerKnows(world.n_efforts, world.n_signals, world.utility, world.max_payment, informed)

    def play(self, mechanism: Offer, uniforms: Floats) -> PlayedRound:
        """Play a round."""
        if self._announced is None or not self._announced.repeated(mechanism):
            self._announced = Offer.announced(mechanism, self._environment)
            self._responses = respond(self._environment, self._announced)
            self._recommended = np.cumsum(self._announced.recommendations)
            self._decided = np.cumsum(self._announced.decisions, axis=-1)
            self._regret = self._best - self._expected_profit(self._announced)
        mechanism = self._announced
        told = indices(draw(self._recommended, uniforms[0]), mechanism.recommendations.shape)
        efforts = tuple(int(made[b]) for made, b in zip(self._responses.efforts, told, strict=True))
        cell = indices(draw(self._cumulative[efforts], uniforms[1]), self._cells)
        state, signals = cell[0], cell[1:]
        reports = tuple(int(r[b, s]) for r, b, s in zip(self._responses.reports, told, signals, strict=True))
        decision = draw(self._decided[told + reports], uniforms[2])
        paid = float(sum(payments[told + reports][state] for payments in mechanism.payments))
        gained = float(self._environment.utility[decision, state]) - paid
        return PlayedRound(Reported(efforts, reports, state), self._regret, paid, gained, self._responses.gain)

    def _expected_profit(self, offer: Offer) -> float:
        """Return the principal's expected profit at the agents' responses."""
        total = 0.0
        for told in zip(*np.nonzero(offer.recommendations), strict=True):
            efforts = tuple(made[b] for made, b in zip(self._responses.efforts, told, strict=True))
            heard = np.ix_(*(r[b] for r, b in zip(self._responses.reports, told, strict=True)))
            chances = np.moveaxis(self._joint[efforts], 0, -1)  # (signals..., state)
            gained = offer.decisions[told][heard] @ self._environment.utility
            paid = sum(payments[told][heard] for payments in offer.payments)
            total += float(offer.recommendations[told] * (chances * (gained - paid)).sum())
        return total
