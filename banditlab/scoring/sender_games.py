"""Rounds of `InformationAcquisition`: the receiver announces how she will decide, the senders report, she decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .games import Game, PlayedRound, announced_probabilities, draw, indices, optimum, unchanged
from .simplex import Floats

if TYPE_CHECKING:
    from .acquisition import InformationAcquisition


class ReceiverKnows(NamedTuple):
    """What the receiver knows before the first round: no probabilities, and no utilities, not even her own.

    Attributes
    ----------
    n_signals : tuple of int
        Number of signals of each sender.
    n_decisions : int
        Number of decisions.
    spread : float
        Largest minus smallest utility of any sender.
    """

    n_signals: tuple[int, ...]
    n_decisions: int
    spread: float


class Heard(NamedTuple):
    """What the receiver learns in a round.

    Attributes
    ----------
    signals : tuple of int
        What the senders reported.
    decision : int
        What she decided.
    utilities : float64 array (1 + n_senders, n_decisions)
        What each decision was worth to her and to each sender; with bandit feedback NaN except for the one taken.
    """

    signals: tuple[int, ...]
    decision: int
    utilities: Floats


def largest_gain(joint: Floats, senders: Floats, decisions: Floats) -> float:
    """Return the most that a sender gains by lies: at each signal the best one, weighted by the signal's probability.

    Parameters
    ----------
    joint : float64 array (n_states, n_signals[0], ...)
        Probabilities of state and signals.
    senders : float64 array (n_senders, n_decisions, n_states)
        Their utilities.
    decisions : float64 array (n_signals[0], ..., n_decisions)
        phi(a | s).

    Returns
    -------
    float
        At least 0, which is what the truth gains.
    """
    worst = 0.0
    for i, utility in enumerate(senders):
        worth = np.moveaxis(np.tensordot(joint, utility, axes=(0, 1)), i, 0)  # own signal first
        own = np.moveaxis(decisions, i, 0)
        earned = np.tensordot(worth, own, axes=(tuple(range(1, worth.ndim)),) * 2)  # [seen, reported]
        worst = max(worst, float((earned.max(axis=1) - earned.diagonal()).sum()))
    return worst


class AcquisitionGame(Game):
    """Rounds of an `InformationAcquisition`, in which senders tell the truth.

    The receiver is measured by two numbers, as in the literature: regret against the optimal incentive-compatible
    mechanism, which is negative where her mechanism promises more than any such, and by how much it violates incentive
    compatibility (`largest_gain`). The literature's measure of violation was not read; where it is the gain of one lie
    at one signal, as in a constraint of `InformationAcquisition.optimal`, it is at most this one, and at least this one
    divided by the number of the sender's signals: the rates are the same.

    Parameters
    ----------
    environment : InformationAcquisition
        What is played.
    """

    n_uniforms = 2

    def __init__(self, environment: InformationAcquisition) -> None:
        self._environment = environment
        self._joint = environment.joint
        self._cumulative = np.cumsum(self._joint.ravel())
        self._utilities = np.concatenate([environment.receiver_utility[None], environment.sender_utilities])
        self._worth = np.tensordot(self._joint, environment.receiver_utility, axes=(0, 1))
        self._best = optimum(environment).value
        self._everything = True
        self._announced: Any = None
        self._decided: Floats
        self._regret = self._violation = 0.0

    def best(self) -> Floats:
        """Return the optimal decisions."""
        decisions: Floats = optimum(self._environment).decisions
        return decisions.copy()

    def known_to(self, policy: Any) -> ReceiverKnows:
        """Return numbers of signals and decisions, and the spread of utilities; note which feedback is asked for."""
        world = self._environment
        self._everything = getattr(policy, "feedback", "bandit") == "full"
        spread = float(np.ptp(world.sender_utilities, axis=(1, 2)).max())
        return ReceiverKnows(world.n_signals, world.n_decisions, spread)

    def play(self, mechanism: Floats, uniforms: Floats) -> PlayedRound:
        """Play a round; `mechanism[s..., a]` is the probability of decision a when s is reported."""
        if not unchanged(mechanism, self._announced):
            shape = self._worth.shape
            decisions = announced_probabilities("announce(state, t)", mechanism, shape, len(shape) - 1)
            self._announced, self._decided = decisions, np.cumsum(decisions, axis=-1)
            self._regret = self._best - float((self._worth * decisions).sum())
            self._violation = largest_gain(self._joint, self._environment.sender_utilities, decisions)
        cell = indices(draw(self._cumulative, uniforms[0]), self._joint.shape)
        state, signals = cell[0], cell[1:]
        decision = draw(self._decided[signals], uniforms[1])
        utilities = self._utilities[:, :, state]
        gained = float(utilities[0, decision])
        if not self._everything:
            seen = np.full_like(utilities, np.nan)
            seen[:, decision] = utilities[:, decision]
            utilities = seen
        return PlayedRound(Heard(signals, decision, utilities), self._regret, 0.0, gained, self._violation)
