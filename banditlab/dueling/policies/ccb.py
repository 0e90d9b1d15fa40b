"""Copeland confidence bounds (CCB)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Space, State, field
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import log
from banditlab.core.sampling import below, uniform
from banditlab.core.validation import positive

from ..family import policy
from .counts import Counts, another_tie, count, duels


@device
def _certainty(state: State, i: int, j: int, lane: int) -> float:
    """Return N (mu - 1/2)^2: it is certain which of the two is better if this is above alpha ln t."""
    ahead = state.wins[i, j, lane] - state.wins[j, i, lane]
    n = duels(state, i, j, lane)
    return ahead * ahead / (4.0 * n) if n > 0.0 else 0.0


@device
def _settle(state: State, i: int, j: int, budget: float, lane: int) -> None:
    """Bring up to date whether it is certain which of two arms is better."""
    certainty = _certainty(state, i, j, lane)
    sign = 0
    if certainty > budget:
        sign = 1 if state.wins[i, j, lane] > state.wins[j, i, lane] else -1
        state.least_certain[lane] = min(state.least_certain[lane], certainty)
    if sign != state.known[i, j, lane]:
        state.known[i, j, lane] = sign
        state.known[j, i, lane] = -sign
        state.stale[lane] = 1


@device
def _settle_all(state: State, n_arms: int, budget: float, lane: int) -> None:
    """Bring up to date what is certain: the pair that met last, or all pairs if one may have become uncertain."""
    if budget >= state.least_certain[lane]:
        state.least_certain[lane] = math.inf
        for i in range(n_arms):
            for j in range(i + 1, n_arms):
                _settle(state, i, j, budget, lane)
    elif state.met[0, lane] != state.met[1, lane]:
        _settle(state, state.met[0, lane], state.met[1, lane], budget, lane)


@device
def _reset(state: State, n_arms: int, lane: int) -> None:
    """Set B, the B^i and the allowed losses to what they were at first."""
    for i in range(n_arms):
        state.likely[i, lane] = 1
        state.n_rivals[i, lane] = 0
        for j in range(n_arms):
            state.rivals[i, j, lane] = 0
    state.allowed[lane] = n_arms


@device
def _shorten(state: State, n_arms: int, j: int, size: int, lane: int, rng: Any) -> None:
    """Empty B^j if it has fewer than `size` arms; keep `size` of them at random if it has more."""
    left, wanted = state.n_rivals[j, lane], size if state.n_rivals[j, lane] >= size else 0
    if left == wanted:
        return
    state.n_rivals[j, lane] = wanted
    for k in range(n_arms):
        if state.rivals[j, k, lane] == 1:
            # each of the arms that are left is kept with the same chance
            keep = wanted > 0 and (wanted == left or uniform(rng, lane) * left < wanted)
            state.rivals[j, k, lane] = 1 if keep else 0
            wanted -= 1 if keep else 0
            left -= 1


@device
def _count_cases(state: State, n_arms: int, lane: int) -> None:
    """Count how many others each arm beats at most, and at least."""
    for i in range(n_arms):
        state.best_case[i, lane] = n_arms - 1
        state.worst_case[i, lane] = 0
        for j in range(n_arms):
            state.best_case[i, lane] -= 1 if state.known[i, j, lane] == -1 else 0
            state.worst_case[i, lane] += 1 if state.known[i, j, lane] == 1 else 0


@device
def _any_disproven(state: State, n_arms: int, lane: int) -> bool:
    """Say whether an arm is certain to beat one of those thought to beat it."""
    disproven = 0
    for i in range(n_arms):
        for j in range(n_arms):
            disproven += 1 if state.rivals[i, j, lane] == 1 and state.known[i, j, lane] == 1 else 0
    return disproven > 0


@device
def _drop_unlikely(state: State, n_arms: int, lowest: int, lane: int) -> int:
    """Take those arms from B that certainly beat fewer others than another one does; return how many are left."""
    n_likely = 0
    for i in range(n_arms):
        if state.likely[i, lane] == 1 and state.best_case[i, lane] < lowest:
            state.likely[i, lane] = 0
            if state.n_rivals[i, lane] != state.allowed[lane] + 1:
                state.n_rivals[i, lane] = 0
                for k in range(n_arms):
                    state.rivals[i, k, lane] = 1 if state.known[i, k, lane] == -1 else 0
                    state.n_rivals[i, lane] += state.rivals[i, k, lane]
        n_likely += state.likely[i, lane]
    return n_likely


@device
def _admit_certain(state: State, n_arms: int, highest: int, lane: int, rng: Any) -> None:
    """Put those arms into B that are certain to beat the most others: the allowed losses are now theirs."""
    for i in range(n_arms):
        if state.best_case[i, lane] == highest and state.worst_case[i, lane] == highest:
            state.likely[i, lane] = 1
            state.n_rivals[i, lane] = 0
            for k in range(n_arms):
                state.rivals[i, k, lane] = 0
            state.allowed[lane] = n_arms - 1 - highest
            for j in range(n_arms):
                if j != i:
                    _shorten(state, n_arms, j, state.allowed[lane] + 1, lane, rng)


@device_call
def _revise(state: State, n_arms: int, lane: int, rng: Any) -> None:
    """Revise B, the B^i and the allowed losses (steps A, B and C); then list what arms are chosen from."""
    state.stale[lane] = 0
    _count_cases(state, n_arms, lane)
    highest, lowest = 0, 0
    for i in range(n_arms):
        highest = max(highest, state.best_case[i, lane])
        lowest = max(lowest, state.worst_case[i, lane])
    if _any_disproven(state, n_arms, lane):  # A
        _reset(state, n_arms, lane)
    if _drop_unlikely(state, n_arms, lowest, lane) == 0:  # B
        _reset(state, n_arms, lane)
        state.stale[lane] = 1  # B may be cut again in the next round
    _admit_certain(state, n_arms, highest, lane, rng)  # C
    _list(state, n_arms, highest, lane)


@device
def _list(state: State, n_arms: int, highest: int, lane: int) -> None:
    """List the pairs (i, j) with j in B^i that are uncertain, the arms of C, and those of B and C."""
    n_open, n_top, n_both = 0, 0, 0
    for i in range(n_arms):
        for j in range(n_arms):
            if state.rivals[i, j, lane] == 1 and state.known[i, j, lane] == 0:
                state.open[n_open, lane] = i * n_arms + j
                n_open += 1
        if state.best_case[i, lane] == highest:
            state.top[n_top, lane] = i
            n_top += 1
            if state.likely[i, lane] == 1:
                state.both[n_both, lane] = i
                n_both += 1
    state.n_open[lane] = n_open
    state.n_top[lane] = n_top
    state.n_both[lane] = n_both


@device
def _challenger(state: State, n_arms: int, c: int, rivals_only: bool, budget: float, lane: int, rng: Any) -> int:
    """Return the arm with the largest upper bound against c of those not certain to beat it, or -1; c if no other."""
    best, found, ties = (-math.inf, -1, 0) if rivals_only else (0.5, c, 0)
    for j in range(n_arms):
        if j == c or state.known[j, c, lane] == 1 or (rivals_only and state.rivals[c, j, lane] == 0):
            continue
        n = duels(state, j, c, lane)
        bound = state.wins[j, c, lane] / n + math.sqrt(budget / n) if n > 0.0 else 1.0
        if bound > best or (bound == best and ties == 0):
            best, found, ties = bound, j, 1
        elif bound == best:
            ties += 1
            if another_tie(rng, lane, ties):
                found = j
    return found


@policy
class CCB(Counts):
    r"""Confidence bounds for who beats the most others: the Copeland winner, which always exists (CCB).

    With the bounds :math:`U_{ij}, L_{ij} = \hat\mu_{ij} \pm \sqrt{\alpha \ln t / N_{ij}}` (1 and 0 where the two have
    not met), arm i beats at most :math:`\overline{C}_i = \#\{j \ne i : U_{ij} \ge 1/2\}` others and at least
    :math:`\underline{C}_i = \#\{j \ne i : L_{ij} \ge 1/2\}`. C is the set of arms with the largest
    :math:`\overline{C}_i`. The policy also keeps a set B of likely winners, at first all arms, sets :math:`B^i` of arms
    that are thought to beat i, at first empty, and the number l of duels that a winner is thought to lose, at first K.
    In each round,

    A. if :math:`L_{ij} > 1/2` for some j in :math:`B^i`, all of these are reset;
    B. each i in B with :math:`\overline{C}_i < \max_j \underline{C}_j` leaves B, and if :math:`|B^i| \ne l + 1`, then
       :math:`B^i = \{j : U_{ij} < 1/2\}`; if B is then empty, all of these are reset;
    C. each i in C with :math:`\overline{C}_i = \underline{C}_i` joins B, :math:`B^i` becomes empty and
       :math:`l = K - 1 - \overline{C}_i`; each other :math:`B^j` with fewer than :math:`l + 1` arms becomes empty, and
       of one with more :math:`l + 1` random arms are kept.

    With probability 1/4 a random pair (i, j) with j in :math:`B^i` and :math:`L_{ij} \le 1/2 \le U_{ij}` meets, if
    there is one. Otherwise c is drawn from C, or, if B and C have arms in common, with probability 2/3 from these. It
    meets the arm j with the largest :math:`U_{jc}` of those with :math:`L_{jc} \le 1/2`, with probability 1/2 from
    :math:`B^c` only; c itself only if no other does as well.

    Parameters
    ----------
    alpha : float, default 0.51
        Exploration; the theorems need more than 1/2.

    Notes
    -----
    Guarantee (Zoghi, Karnin, Whiteson and de Rijke 2015; no two arms equally good, :math:`\alpha > 1/2`): the Copeland
    regret is :math:`O((K^2 + (C + l) K \log T) / \Delta^2)`, where C is the number of Copeland winners, which lose l
    duels each, and :math:`\Delta` the smallest gap between one of them and another arm.

    The rule is Algorithm 1 of the paper (written from memory and two programs, which agree except for slips). If
    :math:`B^c` has no arm that may be met, all arms are considered. It is certain which of two arms is better if
    :math:`N (\hat\mu - 1/2)^2 > \alpha \ln t`; that changes rarely, and only then are the sets revised. (The two sides
    are never equal, as :math:`\ln t` is transcendental from t = 2 on: so :math:`L_{ij}` is never 1/2.)

    Draws of a round: (1) in step C, i in order of C, each :math:`B^j` (j in order) with more than :math:`l + 1` arms:
    going through them in order, one number u per arm, which is kept if u times the number of arms from it on is less
    than the number still to be kept; none once all or no more are to be kept. (2) If there are uncertain pairs, one
    number: below 1/4 a pair is taken, by one more number, from the list in order of i, then j. (3) If B and C have arms
    in common, one number: below 2/3, C is cut to B. (4) One number for c, from C in order. (5) One number: below 1/2,
    the challenger is from :math:`B^c`. (6) :math:`k - 1` numbers if k challengers have the largest bound.

    References
    ----------
    Zoghi, Karnin, Whiteson, de Rijke (2015), Copeland dueling bandits, NeurIPS, arXiv:1506.00312, Algorithm 1.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> cycle = dueling.PreferenceMatrix([[0.5, 0.8, 0.2], [0.2, 0.5, 0.8], [0.8, 0.2, 0.5]])
    >>> result = bl.run(
    ...     cycle, dueling.CCB(), horizon=100, n_runs=2, seed=0, metrics=["copeland_regret"]
    ... )
    >>> float(result.values()[0, :, -1].max())  # all three are Copeland winners
    0.0
    """

    alpha: float = field(default=0.51, check=positive, doc="exploration; the theorems need more than 1/2")

    def state(self, space: Space) -> dict[str, Any]:
        """Return wins, what is certain (1: the row's arm is better), the sets, and lists of what is chosen from."""
        k = space.n_arms
        return super().state(space) | {
            "known": space.array(k, k, dtype=np.int64),
            "least_certain": space.per_lane(-1.0),  # no certain pair is less certain; -1 asks to look through all
            "met": space.array(2, dtype=np.int64),
            "stale": space.per_lane(1, np.int64),
            "likely": space.per_arm(1, np.int64),
            "rivals": space.array(k, k, dtype=np.int64),
            "n_rivals": space.per_arm(0, np.int64),
            "allowed": space.per_lane(k, np.int64),
            "best_case": space.per_arm(0, np.int64),
            "worst_case": space.per_arm(0, np.int64),
            "open": space.array(k * k, dtype=np.int64),
            "n_open": space.per_lane(0, np.int64),
            "top": space.per_arm(0, np.int64),
            "n_top": space.per_lane(0, np.int64),
            "both": space.per_arm(0, np.int64),
            "n_both": space.per_lane(0, np.int64),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return an uncertain pair, or a likely winner and its challenger."""
        budget = self.alpha * log(float(t))
        _settle_all(state, self.n_arms, budget, lane)
        if state.stale[lane] == 1:
            _revise(state, self.n_arms, lane, rng)
        if state.n_open[lane] > 0 and uniform(rng, lane) < 0.25:
            pair = state.open[below(rng, lane, state.n_open[lane]), lane]
            return pair // self.n_arms, pair % self.n_arms
        if state.n_both[lane] > 0 and uniform(rng, lane) < 2.0 / 3.0:
            c = state.both[below(rng, lane, state.n_both[lane]), lane]
        else:
            c = state.top[below(rng, lane, state.n_top[lane]), lane]
        d = -1
        if uniform(rng, lane) < 0.5 and state.n_rivals[c, lane] > 0:
            d = _challenger(state, self.n_arms, c, True, budget, lane, rng)
        if d < 0:
            d = _challenger(state, self.n_arms, c, False, budget, lane, rng)
        return c, d

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win."""
        count(state, first, second, lane, won)
        state.met[0, lane] = first
        state.met[1, lane] = second

    def observe(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, after which any pair may have become certain."""
        count(state, first, second, lane, won)
        state.least_certain[lane] = -1.0
