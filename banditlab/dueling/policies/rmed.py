"""Relative minimum empirical divergence: RMED1, RMED2 and RMED2FH."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Problem, Space, State, field
from banditlab.core.elementary import log
from banditlab.core.validation import between, boolean, non_negative, optional, positive, positive_integer

from ..family import policy
from .evidence import Evidence, begin, cheapest_opponent, next_turn, opponent, strongest, to_explore, unexplored


@policy
class RMED1(Evidence):
    r"""Arms that may yet be the winner take turns to duel the arm that speaks most against them.

    With :math:`N_{ij}` duels of i and j, of which i won the share :math:`\hat\mu_{ij}`, and the Kullback-Leibler
    divergence d of Bernoulli distributions, the evidence against arm i is

    .. math:: I_i(t) = \sum_{j \in O_i} N_{ij} \, d(\hat\mu_{ij}, \tfrac12), \qquad
        O_i = \{j \ne i : \hat\mu_{ij} \le \tfrac12\},

    the likely winner is :math:`i^* = \arg\min_i I_i`, with the least evidence :math:`I^*`. At first every pair meets
    once. Then the arms on a list, at first all arms, take their turns. Arm i meets :math:`i^*` if that is in
    :math:`O_i` or if :math:`O_i` is empty, else the arm j with the least :math:`\hat\mu_{ij}`. After the duel of round
    t every arm j that has had its turn on this list, or was not on it, with

    .. math:: I_j - I^* \le \log t + f(K), \qquad f(K) = c K^{1 + \epsilon}

    is on the next list.

    Parameters
    ----------
    scale : float, default 0.3
        c; the paper's experiments have :math:`f(K) = 0.3 K^{1.01}`.
    epsilon : float, default 0.01
        :math:`\epsilon`; the theorems need both it and c to be more than 0.

    Notes
    -----
    Guarantee (Komiyama, Honda, Kashima and Nakagawa 2015, Theorem 3; a Condorcet winner): the expected average regret
    is at most :math:`C_1 \log T + O(K^{2 + \epsilon}) + O(K \log^{2/3} T)`, where :math:`C_1` is
    `theory.rmed1_constant`. It is the constant of the lower bound where the best arm to compare each loser with is the
    winner.

    The paper's counts in :math:`J_j(t)`, which puts arms on the next list, are those before round t; here they include
    that round's duel, as in the authors' library and two programs of others.

    Draws: the paper leaves open the order of arms and pairs, and how ties are broken. Here one order of the arms is
    drawn per run, before its first round (:math:`K - 1` numbers); pairs meet in this order, lists are gone through in
    it, and ties go to the first arm in it. Nothing else is drawn.

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
            begin(state, self.n_arms, lane, rng)
        if unexplored(state, self.n_arms, 1.0, lane):
            return to_explore(state, lane)
        i = next_turn(state, lane)
        return i, strongest(state, self.n_arms, i, lane)


@policy
class RMED2(Evidence):
    r"""RMED1 with the opponent that shows an arm's defeat at the least regret.

    As `RMED1`, but arm i meets

    .. math:: b_i = \arg\min_{j : \hat\mu_{ij} < 1/2}
        \frac{\hat\Delta_{i^* i} + \hat\Delta_{i^* j}}{d(\hat\mu_{ij}, 1/2)}, \qquad
        \hat\Delta_{ij} = \hat\mu_{ij} - \tfrac12,

    if :math:`b_i` is in :math:`O_i` and :math:`N_{i i^*} \ge N_{i b_i} / \log\log t`, and otherwise the opponent of
    RMED1. Before each list, pairs meet until :math:`N_{ij} \ge \alpha \log\log t` for all of them.

    Parameters
    ----------
    alpha : float, default 3.0
        Exploration of all pairs; 3 is what the paper's experiments have.
    scale : float, default 0.3
        c of :math:`f(K)`, see `RMED1`.
    epsilon : float, default 0.01
        :math:`\epsilon` of :math:`f(K)`.
    paper_code : bool, default False
        Play as the authors' library does: pairs are explored in any round, not only before a list; a sum of two gaps in
        :math:`b_i` is at least 0.01; and arm i meets :math:`i^*` if that is in :math:`O_i` and :math:`N_{i i^*} \le
        N_{i b_i} / \log\log t`, else :math:`b_i` if that is in :math:`O_i`, else the opponent of RMED1.

    Notes
    -----
    Guarantee: none, as Komiyama, Honda, Kashima and Nakagawa 2015 prove one for RMED2FH only (Theorem 4). They believe
    that this policy is optimal too, and in their experiments its regret grows like `theory.lower_bound_constant` times
    :math:`\log T` (section 4.2).

    The rule is the paper's Algorithms 1 and 3; :math:`b_i` is its equation (6), beside which :math:`\hat\Delta` is
    printed with the opposite sign. Wu and Liu's program, too, has this condition on :math:`N_{i i^*}` and the sum of
    gaps without a floor. If no arm is ahead of i, :math:`b_i` is :math:`i^*`. :math:`N_{ii}` are the rounds in which i
    met itself. The library's guards inside logarithms (0.01) and beside 1/2 (0.00001) are not reproduced; nor does a
    round of exploration here also take the turn of its pair's first arm, as it does there.

    Draws: as for `RMED1`; of the pairs that are to be explored, the first in the run's order meets.

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
    paper_code: bool = field(default=False, check=boolean, doc="explore and choose as the authors' library does")

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays of RMED1, and a number of duels that every pair has had."""
        return super().state(space) | {"fewest": space.per_lane()}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return a pair that has met too rarely, or the arm whose turn it is and what speaks against it."""
        if state.n_waiting[lane] == 0:
            begin(state, self.n_arms, lane, rng)
        if state.fewest[lane] == 0.0:
            if unexplored(state, self.n_arms, 1.0, lane):
                return to_explore(state, lane)
            state.fewest[lane] = 1.0
        draws = self.alpha * log(log(float(t)))
        # no pair can have met less than all had when they were last gone through
        if draws > state.fewest[lane] and (state.position[lane] == 0 or self.paper_code):
            state.pair[0, lane] = 0
            state.pair[1, lane] = 1
            if unexplored(state, self.n_arms, draws, lane):
                return to_explore(state, lane)
            state.fewest[lane] = math.ceil(draws)
        i = next_turn(state, lane)
        cheapest = cheapest_opponent(state, self.n_arms, i, self.paper_code, lane)
        return i, opponent(state, self.n_arms, i, cheapest, self.paper_code, lane, t)


@policy
class RMED2FH(Evidence):
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
    paper_code : bool, default False
        Choose opponents as the authors' library does, see `RMED2`.

    Notes
    -----
    Guarantee (Komiyama, Honda, Kashima and Nakagawa 2015, Theorem 4; a Condorcet winner): the expected average regret
    is at most `theory.lower_bound_constant` times :math:`\log T`, plus :math:`O(\alpha K^2 \log\log T + K \log T /
    \log\log T + K^{2 + \epsilon})`: the lower bound is attained.

    The rule is the paper's Algorithms 1 and 3, except for the condition in a turn, which has :math:`\log\log T` there
    and :math:`\log\log t` here, as in the authors' library.

    Draws: as for `RMED1`; a pair's first duels follow one another.

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
    paper_code: bool = field(default=False, check=boolean, doc="choose opponents as the authors' library does")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the number of arms, f(K), the horizon, and how often every pair meets at first."""
        horizon = self.horizon or problem.required_horizon(self)
        draws = math.ceil(self.alpha * math.log(math.log(horizon))) if horizon > 1 else 1
        return super().derive(problem) | {"horizon": horizon, "draws": float(max(1, draws))}

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays of RMED1, and each arm's cheapest opponent (-1: not fixed yet)."""
        return super().state(space) | {"cheapest": space.per_arm(-1, np.int64)}

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the next pair of the first phase, or the arm whose turn it is and what speaks against it."""
        if state.n_waiting[lane] == 0:
            begin(state, self.n_arms, lane, rng)
        if unexplored(state, self.n_arms, self.draws, lane):
            return to_explore(state, lane)
        if state.cheapest[0, lane] < 0:
            for i in range(self.n_arms):
                state.cheapest[i, lane] = cheapest_opponent(state, self.n_arms, i, self.paper_code, lane)
        i = next_turn(state, lane)
        return i, opponent(state, self.n_arms, i, state.cheapest[i, lane], self.paper_code, lane, t)
