"""What RMED policies have in common: the evidence against each arm, and lists of arms that may yet be the winner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.arms.divergence_kernels import divergence, negative_entropy
from banditlab.core.components import Params, Problem, Space, State
from banditlab.core.dispatch import device
from banditlab.core.elementary import log

from .counts import Counts, count, duels, share
from .orders import shuffle

LEAST_GAIN = 0.01
"""What the authors' library raises a sum of two estimated gaps to."""


@device
def begin(state: State, n_arms: int, lane: int, rng: Any) -> None:
    """Draw the run's order of the arms; all of them are in the first list."""
    shuffle(state.order, n_arms, lane, rng)
    for k in range(n_arms):
        state.waiting[k, lane] = 1
    state.n_waiting[lane] = n_arms
    state.pair[1, lane] = 1
    _find_best(state, n_arms, lane)


@device
def _find_best(state: State, n_arms: int, lane: int) -> None:
    """Set i*, the arm with the least evidence against it, the first in the run's order if there are several."""
    found = state.order[0, lane]
    for k in range(1, n_arms):
        i = state.order[k, lane]
        if state.evidence[i, lane] < state.evidence[found, lane]:
            found = i
    state.best[lane] = found


@device
def _weigh(state: State, n_arms: int, i: int, j: int, lane: int) -> None:
    """Bring the evidence against arm i up to date after a duel with j."""
    behind = state.wins[i, j, lane] < state.wins[j, i, lane]
    if not behind and state.weight[i, j, lane] == 0.0:
        return
    mean = share(state, i, j, lane)
    d = divergence(mean, 0.5, negative_entropy(mean)) if behind else 0.0
    state.divergence[i, j, lane] = d
    state.weight[i, j, lane] = duels(state, i, j, lane) * d
    # the sum is made anew: adding differences would leave rounding errors where the evidence is exactly equal
    total = 0.0
    for k in range(n_arms):
        total += state.weight[i, k, lane]
    state.evidence[i, lane] = total


@device
def _learn(state: State, n_arms: int, first: int, second: int, lane: int, won: bool) -> None:
    """Count a duel, and see what it says against the two arms."""
    if first == second:
        # so that `duels` of an arm and itself are the rounds in which it met itself
        state.wins[first, first, lane] += 0.5
        return
    count(state, first, second, lane, won)
    _weigh(state, n_arms, first, second, lane)
    _weigh(state, n_arms, second, first, lane)
    _find_best(state, n_arms, lane)


@device
def unexplored(state: State, n_arms: int, draws: float, lane: int) -> bool:
    """Move on to the first pair, in the run's order, that has met less than `draws` times; say whether there is one."""
    a, b = state.pair[0, lane], state.pair[1, lane]
    while a < n_arms - 1 and duels(state, state.order[a, lane], state.order[b, lane], lane) >= draws:
        b += 1
        if b == n_arms:
            a += 1
            b = a + 1
    state.pair[0, lane] = a
    state.pair[1, lane] = b
    return a < n_arms - 1


@device
def to_explore(state: State, lane: int) -> tuple[int, int]:
    """Return the pair that `unexplored` has found."""
    return state.order[state.pair[0, lane], lane], state.order[state.pair[1, lane], lane]


@device
def next_turn(state: State, lane: int) -> int:
    """Take the next arm of the list."""
    k = state.position[lane]
    while state.waiting[state.order[k, lane], lane] == 0:
        k += 1
    state.position[lane] = k + 1
    state.taken[lane] = state.order[k, lane]
    return state.order[k, lane]


@device
def _go_on(state: State, n_arms: int, limit: float, lane: int) -> None:
    """Strike the arm that was taken off the list, see which arms come back, and begin the next list after the last."""
    taken = state.taken[lane]
    if taken < 0:
        return
    state.taken[lane] = -1
    state.waiting[taken, lane] = 0
    state.n_waiting[lane] -= 1
    least = state.evidence[state.best[lane], lane]
    for j in range(n_arms):
        if state.waiting[j, lane] == 0 and state.evidence[j, lane] - least <= limit:
            state.again[j, lane] = 1
    if state.n_waiting[lane] == 0:
        for j in range(n_arms):
            state.waiting[j, lane] = state.again[j, lane]
            state.n_waiting[lane] += state.again[j, lane]
            state.again[j, lane] = 0
        state.position[lane] = 0


@device
def _beaten_by(state: State, i: int, j: int, lane: int) -> bool:
    """Say whether j is one of the arms that arm i did not win more than half of its duels against (O_i)."""
    return i != j and state.wins[i, j, lane] <= state.wins[j, i, lane]


@device
def strongest(state: State, n_arms: int, i: int, lane: int) -> int:
    """Return the opponent of RMED1: i* if it is in O_i or O_i is empty, else the arm that i won the fewest against."""
    best = state.best[lane]
    if _beaten_by(state, i, best, lane):
        return best
    found, lowest = best, math.inf
    for k in range(n_arms):
        j = state.order[k, lane]
        if _beaten_by(state, i, j, lane) and share(state, i, j, lane) < lowest:
            found, lowest = j, share(state, i, j, lane)
    return found


@device
def cheapest_opponent(state: State, n_arms: int, i: int, paper_code: bool, lane: int) -> int:
    """Return b_i, the arm that shows at the least regret that arm i is not the winner; i* if no arm is ahead of i."""
    least_gain = LEAST_GAIN if paper_code else -math.inf
    best = state.best[lane]
    found, least = best, math.inf
    for k in range(n_arms):
        j = state.order[k, lane]
        if j != i and state.wins[i, j, lane] < state.wins[j, i, lane]:
            gain = (share(state, best, i, lane) - 0.5) + (share(state, best, j, lane) - 0.5)
            ratio = max(gain, least_gain) / state.divergence[i, j, lane]
            if ratio < least:
                found, least = j, ratio
    return found


@device
def opponent(state: State, n_arms: int, i: int, cheapest: int, paper_code: bool, lane: int, t: int) -> int:
    """Return the opponent of RMED2: b_i, if i* was met often enough and b_i is in O_i; else that of RMED1."""
    best = state.best[lane]
    met = duels(state, i, best, lane)
    enough = duels(state, i, cheapest, lane) / log(log(float(t)))
    late = _beaten_by(state, i, best, lane) and met <= enough  # as the library has it
    take = not late if paper_code else met >= enough
    return cheapest if take and _beaten_by(state, i, cheapest, lane) else strongest(state, n_arms, i, lane)


class Evidence(Counts):
    """Base of RMED1, RMED2 and RMED2FH."""

    def state(self, space: Space) -> dict[str, Any]:
        """Return wins, evidence, and the lists.

        `waiting` are the arms of the list that have not had their turn (the paper's L_R, and what is left of L_C),
        `again` those of the next (L_N), `taken` the arm whose turn it is, -1 in rounds that are no turn.
        """
        order = space.per_arm(0, np.int64)
        order += np.arange(space.n_arms)[:, None]
        return super().state(space) | {
            "order": order,
            "divergence": space.array(space.n_arms, space.n_arms),  # d(mu_ij, 1/2) where mu_ij < 1/2, else 0
            "weight": space.array(space.n_arms, space.n_arms),  # N_ij times that
            "evidence": space.per_arm(),
            "best": space.per_lane(0, np.int64),
            "waiting": space.per_arm(0, np.int64),
            "again": space.per_arm(0, np.int64),
            "n_waiting": space.per_lane(0, np.int64),  # 0: nothing has been drawn yet
            "position": space.per_lane(0, np.int64),
            "taken": space.per_lane(-1, np.int64),
            "pair": space.array(2, dtype=np.int64),
        }

    def derive(self: Any, problem: Problem) -> dict[str, Any]:
        """Return the number of arms and f(K)."""
        return super().derive(problem) | {"slack": self.scale * problem.n_arms ** (1.0 + self.epsilon)}

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, and go on with the list."""
        _learn(state, self.n_arms, first, second, lane, won)
        _go_on(state, self.n_arms, log(float(t)) + self.slack, lane)

    def observe(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win: any duel is evidence."""
        _learn(state, self.n_arms, first, second, lane, won)

    def winner(self: Params, state: State, lane: int) -> int:
        """Return i*, the arm with the least evidence against it."""
        return state.best[lane]
