"""Relative minimum empirical divergence: RMED1, RMED2 and RMED2FH."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.arms.divergence_kernels import divergence, negative_entropy
from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import log
from banditlab.core.validation import between, boolean, non_negative, optional, positive, positive_integer

from ..family import policy
from .counts import Counts, count, duels, share
from .orders import shuffle

LEAST_GAIN = 0.01
"""What the authors' library raises a sum of two estimated gaps to."""


@device
def _start(state: State, n_arms: int, lane: int, rng: Any) -> None:
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
def _unexplored(state: State, n_arms: int, draws: float, lane: int) -> bool:
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
def _current(state: State, lane: int) -> int:
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
def _strongest(state: State, n_arms: int, i: int, lane: int) -> int:
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
def _cheapest(state: State, n_arms: int, i: int, least_gain: float, lane: int) -> int:
    """Return b_i, the arm that shows at the least regret that arm i is no winner; i* if no arm is ahead of i."""
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
def _opponent(state: State, n_arms: int, i: int, cheapest: int, as_released: bool, lane: int, t: int) -> int:
    """Return the opponent of RMED2: b_i, if i* was met often enough and b_i is in O_i; else that of RMED1."""
    best = state.best[lane]
    met = duels(state, i, best, lane)
    enough = duels(state, i, cheapest, lane) / log(log(float(t)))
    late = _beaten_by(state, i, best, lane) and met <= enough  # as the library has it
    take = not late if as_released else met >= enough
    return cheapest if take and _beaten_by(state, i, cheapest, lane) else _strongest(state, n_arms, i, lane)


class _RMED(Counts):
    """Base of the three: lists of arms that may be the winner, and the evidence against each arm."""

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


@policy
class RMED1(_RMED):
    r"""The arms that may yet be the winner duel, in turn, the arm that most speaks against them.

    With :math:`N_{ij}` duels of i and j, of which i won the share :math:`\hat\mu_{ij}`, and the Kullback-Leibler
    divergence d of Bernoulli distributions, the evidence against arm i is

    .. math:: I_i(t) = \sum_{j \in O_i} N_{ij} \, d(\hat\mu_{ij}, \tfrac12), \qquad
        O_i = \{j \ne i : \hat\mu_{ij} \le \tfrac12\},

    the likely winner is :math:`i^* = \arg\min_i I_i`, with the least evidence :math:`I^*`. At first every pair meets
    once. Then the arms of a list, at first of all arms, have their turns. Arm i meets :math:`i^*` if that is in
    :math:`O_i` or if :math:`O_i` is empty, else the arm j with the least :math:`\hat\mu_{ij}`. After the duel of round
    t every arm j that has had its turn in this list, or was not in it, with

    .. math:: I_j - I^* \le \log t + f(K), \qquad f(K) = c K^{1 + \epsilon}

    is in the next list.

    Parameters
    ----------
    scale : float, default 0.3
        c; the paper's experiments have :math:`f(K) = 0.3 K^{1.01}`.
    epsilon : float, default 0.01
        :math:`\epsilon`; the theorems need more than 0, as they do of c.

    Notes
    -----
    Guarantee (Komiyama, Honda, Kashima and Nakagawa 2015, Theorem 3; a Condorcet winner): the expected average regret
    is at most :math:`C_1 \log T + O(K^{2 + \epsilon}) + O(K \log^{2/3} T)`, where :math:`C_1` is
    `theory.rmed1_constant`. It is the constant of the lower bound where the best arm to compare each loser with is the
    winner.

    The paper's counts in :math:`J_j(t)`, which puts arms on the next list, are those before round t; here that round's
    duel is among them, as in the authors' library and two others' programs.

    Draws: the paper leaves the order of arms and pairs open, and who is taken of equals. One order of the arms is drawn
    a run, before its first round (:math:`K - 1` numbers); pairs meet in it, lists are gone through in it, and of equals
    the first in it is taken. Nothing else is drawn.

    References
    ----------
    Komiyama, Honda, Kashima, Nakagawa (2015), Regret lower bound and optimal algorithm in dueling bandit problem, COLT,
    arXiv:1506.02550, Algorithms 1 and 2.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.RMED1(scale=0.5)
    RMED1(scale=0.5)
    """

    scale: float = field(default=0.3, check=non_negative, doc="c of f(K) = c K^(1 + epsilon); 0.3 is the paper's")
    epsilon: float = field(default=0.01, check=between(0.0, 10.0), doc="epsilon of f(K); theorems need more than 0")

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the next pair that has not met, or the arm whose turn it is and what speaks against it."""
        if state.n_waiting[lane] == 0:
            _start(state, self.n_arms, lane, rng)
        if _unexplored(state, self.n_arms, 1.0, lane):
            return state.order[state.pair[0, lane], lane], state.order[state.pair[1, lane], lane]
        i = _current(state, lane)
        return i, _strongest(state, self.n_arms, i, lane)


@policy
class RMED2(_RMED):
    r"""RMED1 with the opponent that shows an arm's defeat at the least regret.

    As `RMED1`, but arm i meets

    .. math:: b_i = \arg\min_{j : \hat\mu_{ij} < 1/2}
        \frac{\hat\Delta_{i^* i} + \hat\Delta_{i^* j}}{d(\hat\mu_{ij}, 1/2)}, \qquad
        \hat\Delta_{ij} = \hat\mu_{ij} - \tfrac12,

    if :math:`b_i` is in :math:`O_i` and :math:`N_{i i^*} \ge N_{i b_i} / \log\log t`, and else the opponent of RMED1.
    Before each list, pairs meet until :math:`N_{ij} \ge \alpha \log\log t` for all of them.

    Parameters
    ----------
    alpha : float, default 3.0
        Exploration of all pairs; 3 is what the paper's experiments have.
    scale : float, default 0.3
        c of :math:`f(K)`, see `RMED1`.
    epsilon : float, default 0.01
        :math:`\epsilon` of :math:`f(K)`.
    as_released : bool, default False
        Play as the authors' library does: pairs are explored in any round, not before a list only; a sum of two gaps in
        :math:`b_i` is at least 0.01; and arm i meets :math:`i^*` if that is in :math:`O_i` and :math:`N_{i i^*} \le
        N_{i b_i} / \log\log t`, else :math:`b_i` if that is in :math:`O_i`, else the opponent of RMED1.

    Notes
    -----
    Guarantee: none, as Komiyama, Honda, Kashima and Nakagawa 2015 prove one for RMED2FH only (Theorem 4). They believe
    this policy to be optimal, too, and its regret in their experiments grows like `theory.lower_bound_constant` times
    :math:`\log T` (section 4.2).

    The rule is the paper's Algorithms 1 and 3; :math:`b_i` is its equation (6), beside which :math:`\hat\Delta` is
    printed with the other sign. The condition on :math:`N_{i i^*}` is that of Wu and Liu's program, too, as is the sum
    of gaps without a floor. If no arm is ahead of i, :math:`b_i` is :math:`i^*`. :math:`N_{ii}` are the rounds in which
    i met itself. The library's guards inside logarithms (0.01) and beside 1/2 (0.00001) are not reproduced; nor is that
    there a round of exploration also takes the turn of its pair's first arm.

    Draws: as `RMED1`; of pairs that are to be explored the first in the run's order is.

    References
    ----------
    Komiyama, Honda, Kashima, Nakagawa (2015), Regret lower bound and optimal algorithm in dueling bandit problem, COLT,
    arXiv:1506.02550, Algorithms 1 and 3.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.RMED2(alpha=2.0)
    RMED2(alpha=2)
    """

    alpha: float = field(default=3.0, check=positive, doc="every pair meets alpha log log t times; 3 is the paper's")
    scale: float = field(default=0.3, check=non_negative, doc="c of f(K) = c K^(1 + epsilon); 0.3 is the paper's")
    epsilon: float = field(default=0.01, check=between(0.0, 10.0), doc="epsilon of f(K); theorems need more than 0")
    as_released: bool = field(default=False, check=boolean, doc="explore and choose as the authors' library does")

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays of RMED1, and a number of duels that every pair has had."""
        return super().state(space) | {"fewest": space.per_lane()}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return a pair that has met too rarely, or the arm whose turn it is and what speaks against it."""
        if state.n_waiting[lane] == 0:
            _start(state, self.n_arms, lane, rng)
        if state.fewest[lane] == 0.0:
            if _unexplored(state, self.n_arms, 1.0, lane):
                return state.order[state.pair[0, lane], lane], state.order[state.pair[1, lane], lane]
            state.fewest[lane] = 1.0
        draws = self.alpha * log(log(float(t)))
        # no pair can have met less than all had when they were last gone through
        if draws > state.fewest[lane] and (state.position[lane] == 0 or self.as_released):
            state.pair[0, lane] = 0
            state.pair[1, lane] = 1
            if _unexplored(state, self.n_arms, draws, lane):
                return state.order[state.pair[0, lane], lane], state.order[state.pair[1, lane], lane]
            state.fewest[lane] = math.ceil(draws)
        i = _current(state, lane)
        cheapest = _cheapest(state, self.n_arms, i, LEAST_GAIN if self.as_released else -math.inf, lane)
        return i, _opponent(state, self.n_arms, i, cheapest, self.as_released, lane, t)


@policy
class RMED2FH(_RMED):
    r"""RMED2 for a known horizon: pairs are explored once, and each arm's cheapest opponent is fixed then.

    As `RMED2`, but every pair meets :math:`\lceil \alpha \log\log T \rceil` times (at least once) at first, and
    :math:`b_i` is computed for all arms at the end of that and never again.

    Parameters
    ----------
    alpha : float, default 3.0
        Exploration of all pairs; 3 is what the paper's experiments have.
    scale : float, default 0.3
        c of :math:`f(K)`, see `RMED1`.
    epsilon : float, default 0.01
        :math:`\epsilon` of :math:`f(K)`.
    horizon : int, optional
        T; default the run's horizon.
    as_released : bool, default False
        Choose opponents as the authors' library does, see `RMED2`.

    Notes
    -----
    Guarantee (Komiyama, Honda, Kashima and Nakagawa 2015, Theorem 4; a Condorcet winner): the expected average regret
    is at most `theory.lower_bound_constant` times :math:`\log T`, and :math:`O(\alpha K^2 \log\log T + K \log T /
    \log\log T + K^{2 + \epsilon})`: the lower bound is attained.

    The rule is the paper's Algorithms 1 and 3, but for a turn's condition, which has :math:`\log\log T` there, and
    here, as in the authors' library, :math:`\log\log t`.

    Draws: as `RMED1`; a pair's first duels follow one another.

    References
    ----------
    Komiyama, Honda, Kashima, Nakagawa (2015), Regret lower bound and optimal algorithm in dueling bandit problem, COLT,
    arXiv:1506.02550, Algorithms 1 and 3.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> result = bl.run(dueling.instances.cyclic(), dueling.RMED2FH(), horizon=1000, n_runs=4, seed=0)
    >>> bool(result.values("average_regret")[0, :, -1].mean() < 200)
    True
    """

    alpha: float = field(default=3.0, check=positive, doc="every pair meets alpha log log T times; 3 is the paper's")
    scale: float = field(default=0.3, check=non_negative, doc="c of f(K) = c K^(1 + epsilon); 0.3 is the paper's")
    epsilon: float = field(default=0.01, check=between(0.0, 10.0), doc="epsilon of f(K); theorems need more than 0")
    horizon: int | None = field(default=None, check=optional(positive_integer), doc="the horizon; default the run's")
    as_released: bool = field(default=False, check=boolean, doc="choose opponents as the authors' library does")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms, f(K), the horizon, and how often every pair meets at first."""
        horizon = self.horizon or problem.needs_horizon(self)
        draws = math.ceil(self.alpha * math.log(math.log(horizon))) if horizon > 1 else 1
        return super().derive(problem) | {"horizon": horizon, "draws": float(max(1, draws))}

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays of RMED1, and each arm's cheapest opponent (-1: not fixed yet)."""
        return super().state(space) | {"cheapest": space.per_arm(-1, np.int64)}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the next pair of the first phase, or the arm whose turn it is and what speaks against it."""
        if state.n_waiting[lane] == 0:
            _start(state, self.n_arms, lane, rng)
        if _unexplored(state, self.n_arms, self.draws, lane):
            return state.order[state.pair[0, lane], lane], state.order[state.pair[1, lane], lane]
        if state.cheapest[0, lane] < 0:
            for i in range(self.n_arms):
                least_gain = LEAST_GAIN if self.as_released else -math.inf
                state.cheapest[i, lane] = _cheapest(state, self.n_arms, i, least_gain, lane)
        i = _current(state, lane)
        return i, _opponent(state, self.n_arms, i, state.cheapest[i, lane], self.as_released, lane, t)
