"""Winner Stays, for weak and for strong regret."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.choices import not_negative
from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import floor
from banditlab.core.sampling import below
from banditlab.core.validation import between

from ..family import policy
from .counts import LONGEST


@device
def _decided(state: State, lane: int) -> bool:
    """Say whether another challenger is due: there is none yet, or one of the two has C = -r."""
    lower = min(state.incumbent_score[lane], state.challenger_score[lane])
    return (state.challenger[lane] < 0) | (lower <= -state.round[lane])


@device
def _standing(state: State, lane: int) -> int:
    """Return the incumbent, or the challenger that has just beaten it."""
    fallen = (state.challenger[lane] >= 0) & (state.incumbent_score[lane] <= -state.round[lane])
    return max(state.challenger[lane] if fallen else state.incumbent[lane], 0)  # not -1, which is before the first duel


@device
def _settle(state: State, n_arms: int, lane: int) -> bool:
    """Make the winner the incumbent, and the loser one of those that have met it; say whether that ended a round."""
    challenger, waiting = state.challenger[lane], state.waiting[lane]
    if challenger < 0:
        return False
    best = _standing(state, lane)
    state.others[waiting, lane] = state.incumbent[lane] + challenger - best  # where the challenger stood
    state.incumbent[lane] = best
    state.incumbent_score[lane] = max(state.incumbent_score[lane], state.challenger_score[lane])
    state.challenger[lane] = -1
    if waiting > 0:
        return False
    state.waiting[lane] = n_arms - 1
    state.round[lane] += 1
    state.round_winner[lane] = best
    return True


@device
def _start(state: State, n_arms: int, lane: int, rng: Any) -> None:
    """Draw the incumbent; all other arms are to meet it."""
    best = below(rng, lane, n_arms)
    state.incumbent[lane] = best
    state.round_winner[lane] = best
    k = 0
    for a in range(n_arms):
        if a != best:
            state.others[k, lane] = a
            k += 1
    state.waiting[lane] = n_arms - 1


@device
def _meet(state: State, n_arms: int, lane: int, rng: Any) -> None:
    """Draw a challenger from the arms that wait; it takes the last place among them, and stops waiting."""
    if state.incumbent[lane] < 0:
        _start(state, n_arms, lane, rng)
    last = not_negative(state.waiting[lane] - 1)
    drawn = not_negative(below(rng, lane, last + 1))
    challenger = state.others[drawn, lane]
    state.others[drawn, lane] = state.others[last, lane]
    state.others[last, lane] = challenger
    state.waiting[lane] = last
    state.challenger[lane] = challenger
    state.challenger_score[lane] = 1 - state.round[lane]  # of who has lost all rounds before, and not met in this one


@device
def _duel(state: State, lane: int, won: bool) -> None:
    """Count a duel of incumbent and challenger."""
    change = 1 if won else -1
    state.incumbent_score[lane] += change
    state.challenger_score[lane] -= change


class _Rounds:
    """Base of policies that play rounds of Winner Stays.

    A duel changes two numbers, in a loop over lanes that vectorises. What it decided is settled before the next one, in
    another loop, over those lanes where it decided something: every second duel does, and processors cannot predict
    which.
    """

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays: who meets, their wins less losses, the others (those that wait first), and the round."""
        return {
            "incumbent": space.per_lane(-1, np.int64),
            "challenger": space.per_lane(-1, np.int64),  # -1: to be drawn
            "incumbent_score": space.per_lane(0, np.int64),
            "challenger_score": space.per_lane(0, np.int64),
            "others": space.per_arm(0, np.int64),
            "waiting": space.per_lane(0, np.int64),
            "round": space.per_lane(1, np.int64),
            "round_winner": space.per_lane(0, np.int64),
        }

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms."""
        return {"n_arms": problem.n_arms}

    def winner(self: Params, state: State, lane: int) -> int:
        """Return the winner of the last round of all arms; before the first has ended, the incumbent."""
        first = state.round[lane] == 1
        ended = (state.waiting[lane] == 0) & _decided(state, lane)
        return _standing(state, lane) if first | ended else state.round_winner[lane]


@policy
class WinnerStaysWeak(_Rounds):
    r"""The winner stays, and meets all others in rounds in which it must be ever further ahead (WS-W).

    :math:`C_i` is the number of duels that arm i has won minus the number that it has lost. In round r = 1, 2, ... the
    incumbent, at first drawn uniformly, meets all other arms in random order. It duels each until one of the two has
    :math:`C = -r`; the other is the incumbent from then on. The incumbent at the end of a round begins the next.

    Notes
    -----
    Guarantee (Chen and Frazier 2017, abstract; a Condorcet winner): expected binary weak regret is bounded in the
    horizon: by :math:`O(K^2)`, and :math:`O(K \log K)` for arms in a total order.

    The rule is written with rounds as in the code of Kolpaczki et al. 2022; the paper's own form, in which an arm with
    the largest C meets the next largest, makes the same comparisons. When round r has ended, its winner has C = (K - 1)
    r and all others -r.

    References
    ----------
    Chen, Frazier (2017), Dueling bandits with weak regret, ICML.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.WinnerStaysWeak()
    WinnerStaysWeak()
    """

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return incumbent and challenger."""
        if _decided(state, lane):
            _settle(state, self.n_arms, lane)
            _meet(state, self.n_arms, lane, rng)
        return state.incumbent[lane], state.challenger[lane]

    def select_lanes(self: Params, state: State, t: int, rng: Any, first: Any, second: Any) -> None:
        """Do the same for all lanes."""
        n = 0
        for w in range(first.shape[0]):
            second[n] = w
            n += _decided(state, w)
        for k in range(n):
            _settle(state, self.n_arms, second[k])
            _meet(state, self.n_arms, second[k], rng)
        for w in range(first.shape[0]):
            first[w] = state.incumbent[w]
            second[w] = state.challenger[w]

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win."""
        _duel(state, lane, won)


@policy
class WinnerStaysStrong(_Rounds):
    r"""Winner Stays for strong regret: after round l its winner is compared with itself for a while (WS-S).

    After round l = 1, 2, ... of `WinnerStaysWeak`, its winner plays itself in :math:`\lfloor \beta^l \rfloor` rounds
    of the game.

    Parameters
    ----------
    beta : float, default 1.05
        Growth of the phases of exploitation; at least 1. 1.05 is the setting of Kolpaczki et al. 2022.

    Notes
    -----
    Guarantee (Chen and Frazier 2017, abstract; a Condorcet winner, :math:`\beta` above 1 and below :math:`p / (1 -
    p)`): expected strong regret is :math:`O(K^2 + K \log T)`, and :math:`O(K \log K + K \log T)` for arms in a total
    order. Here p is the smallest probability above 1/2; the condition on :math:`\beta` is that of Theorem 3, for a
    total order, as notes on the paper quote it.

    One library plays a single duel, not a round, between two phases: that is a different policy. :math:`\beta^l` is a
    product of l factors, each rounded: where it is nearly whole, a phase can be a round longer or shorter.

    References
    ----------
    Chen, Frazier (2017), Dueling bandits with weak regret, ICML.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.WinnerStaysStrong(beta=1.1)
    WinnerStaysStrong(beta=1.1)
    """

    beta: float = field(default=1.05, check=between(1.0, 1e6), doc="growth of the phases of exploitation")

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays of WS-W, the rounds of exploitation that are left, and beta^l."""
        return super().state(space) | {"left": space.per_lane(0.0), "power": space.per_lane(self.beta)}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the round's winner and itself, or incumbent and challenger."""
        if state.left[lane] > 0.0:
            return state.incumbent[lane], state.incumbent[lane]
        if _decided(state, lane):
            if _settle(state, self.n_arms, lane):
                state.left[lane] = floor(state.power[lane])
                state.power[lane] = min(state.power[lane] * self.beta, LONGEST)
                return state.incumbent[lane], state.incumbent[lane]
            _meet(state, self.n_arms, lane, rng)
        return state.incumbent[lane], state.challenger[lane]

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, or the round of exploitation."""
        if state.left[lane] > 0.0:
            state.left[lane] -= 1.0
        else:
            _duel(state, lane, won)
