"""Policies for full-bandit feedback, the action's reward alone: C-ETC around any offline algorithm, and OG."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from banditlab.core.components import Params, State, field
from banditlab.core.elementary import exp
from banditlab.core.sampling import below, uniform
from banditlab.core.validation import open_probability, optional, positive, positive_integer

from ..action_sets import UpToM, an_action_set
from ..family import policy
from ..offline import Greedy, an_offline_algorithm, ask
from ..spaces import ActionProblem, ActionSpace
from .linear import OWN_ACTIONS


@policy
class CETC:
    r"""Explore, then commit, around an offline algorithm: each of its queries is answered by the mean of m plays.

    .. math:: m = \left\lceil \frac{\delta^{2/3} T^{2/3} (\log T)^{1/3}}{2 N^{2/3}} \right\rceil

    where the algorithm is :math:`(\alpha, \delta)`-robust with at most N queries. Its output is played in all remaining
    rounds.

    Parameters
    ----------
    algorithm : offline algorithm, default Greedy()
        `Greedy()` for `UpToM`, `GreedyPlusMax()` for a `Knapsack`, or one of your own.
    plays : int, optional
        m; default the formula above.
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Nie et al. 2023, reconstructed; rewards in [0, 1], :math:`T \ge \max(N, 2 \sqrt 2 N / \delta)`):
    :math:`\alpha T f(\mathrm{OPT}) - \sum_t E f(A_t) = O(\delta^{2/3} N^{1/3} T^{2/3} (\log T)^{1/3})`. The abstract
    says that the dependence on T is :math:`T^{2/3} (\log T)^{1/3}`, and that robustness is all that is asked of the
    algorithm; m, and the robustness of the algorithms here, are reconstructed.

    It needs the horizon. If N m exceeds it, the rounds end before the queries do, and nothing is ever committed to.

    References
    ----------
    Nie, Nadew, Zhu, Aggarwal, Quinn (2023), A framework for adapting offline algorithms to solve combinatorial
    multi-armed bandit problems with bandit feedback, ICML, arXiv:2301.13326.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import semibandits
    >>> env = semibandits.Coverage([[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]], semibandits.UpToM(2))
    >>> semibandits.CETC().plays_of_a_query(env.actions, env.n_arms, horizon=10_000)
    372
    >>> result = bl.run(env, semibandits.CETC(), horizon=10_000, n_runs=5, seed=0, metrics="pulls")
    >>> bool((result.values("pulls[0]")[0, :, -1] > 7_000).all())
    True
    """

    algorithm: Any = field(
        default=Greedy(),
        check=an_offline_algorithm,
        kind="offline_algorithm",
        doc="what maximises, given values of sets",
    )
    plays: int | None = field(default=None, check=optional(positive_integer), doc="plays of a query; default by T")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "unit"

    def plays_of_a_query(self, actions: Any, n_items: int, horizon: int) -> int:
        """Return m, for an action set, a number of items and a horizon."""
        if self.plays is not None:
            return self.plays
        ratio = self.algorithm.delta(actions, n_items) * horizon / max(1, self.algorithm.n_queries(actions, n_items))
        return max(1, math.ceil(0.5 * ratio ** (2.0 / 3.0) * math.log(horizon) ** (1.0 / 3.0)))

    def reasons_against_actions(self, actions: Any, n_items: int, horizon: int | None) -> list[str]:
        """Say what the algorithm has against an action set."""
        found: list[str] = self.algorithm.reasons_against(actions)
        return found

    def derive(self, problem: ActionProblem) -> dict[str, Any]:
        """Return the number of plays of a query."""
        actions = problem.actions
        return {"plays": self.plays_of_a_query(actions, problem.n_arms, problem.required_horizon(self))}

    def state(self, space: ActionSpace) -> dict[str, Any]:
        """Return the set that is played, how often still (-1: for ever), the sum of rewards; and the algorithm's."""
        size = space.actions.max_size(space.n_arms)
        return {
            "playing": space.array(size, dtype=np.int64),
            "size": space.per_lane(0, np.int64),
            "left": space.per_lane(0, np.int64),
            "total": space.per_lane(),
        } | self.algorithm.memory(space)

    def select(
        self: Params, state: State, actions: Params, work: State, lane: int, t: int, rng: Any, chosen: Any
    ) -> int:
        """Go on playing the set, or give the algorithm its answer and take the next."""
        if state.left[lane] == 0:
            size = ask(self.algorithm, state, state.total[lane] / self.plays, lane, state.playing)
            state.size[lane] = abs(size)
            state.left[lane] = self.plays if size > 0 else -1
            state.total[lane] = 0.0
        for k in range(state.size[lane]):
            chosen[k, lane] = state.playing[k, lane]
        return state.size[lane]

    def update_value(self: Params, state: State, chosen: Any, size: int, lane: int, value: float, t: int) -> None:
        """Count the reward for the answer."""
        if state.left[lane] > 0:
            state.total[lane] += value
            state.left[lane] -= 1


@policy
class OG:
    r"""Online greedy with opaque feedback: an expert algorithm for each of the m positions, fed by exploration.

    For each position j = 1, ..., m an exponentially weighted forecaster (Hedge) proposes an item. In a round, with
    probability :math:`1 - \gamma`, the set of all proposals is played. Otherwise a position j and an item a are drawn
    uniformly, and the proposals for the positions before j are played together with a; the reward is credited to a at
    position j, whose weight is multiplied by :math:`\exp(\eta f_t)`.

    Parameters
    ----------
    gamma : float, optional
        Probability of exploration, in (0, 1); default :math:`\min\{1, m (n \log n / T)^{1/3}\}`.
    learning_rate : float, optional
        :math:`\eta`; positive; default :math:`\min\{1, \sqrt{m n \log n / (\gamma T)}\}`.
    actions : action set, optional
        The action set to play; default the environment's. It must be an `UpToM`.

    Notes
    -----
    Guarantee (Streeter and Golovin 2008; any sequence of monotone submodular functions with values in [0, 1]): (1 -
    1/e)-regret is :math:`\tilde O(T^{2/3})`. The same holds for stochastic ones. With the defaults it is :math:`O(m (n
    \log n)^{1/3} T^{2/3})`: an expert has regret :math:`2 T \sqrt{m n \log n / (\gamma T)}`, as its feedback is f
    divided by :math:`m n / \gamma` in expectation, there are m, and exploration costs :math:`\gamma T`.

    The scheme of proposals and exploration is reconstructed from general knowledge, and so is the algorithm's name, OG
    with opaque feedback; the defaults are derived here.

    References
    ----------
    Streeter, Golovin (2008), An online algorithm for maximizing submodular functions, NeurIPS.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.OG(gamma=0.1)
    OG(gamma=0.1)
    """

    gamma: float | None = field(default=None, check=optional(open_probability), doc="probability of exploration")
    learning_rate: float | None = field(default=None, check=optional(positive), doc="of the experts")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "unit"

    def reasons_against_actions(self, actions: Any, n_items: int, horizon: int | None) -> list[str]:
        """Ask for `UpToM`."""
        return [] if isinstance(actions, UpToM) else [f"it plays sets of up to m items (UpToM), not {actions!r}"]

    def derive(self, problem: ActionProblem) -> dict[str, Any]:
        """Return probability of exploration and learning rate."""
        n, m = problem.n_arms, problem.actions.max_size(problem.n_arms)
        gamma, rate = self.gamma, self.learning_rate
        if gamma is None:
            gamma = min(1.0, m * (n * math.log(n) / problem.required_horizon(self)) ** (1.0 / 3.0))
        if rate is None:
            explored = gamma * problem.required_horizon(self)
            rate = min(1.0, math.sqrt(m * n * math.log(n) / explored)) if explored > 0.0 else 1.0
        return {"gamma": gamma, "learning_rate": rate, "n_items": n, "most": m}

    def state(self, space: ActionSpace) -> dict[str, Any]:
        """Return the experts' weights, and which position (-1: none) and item are being explored."""
        size = space.actions.max_size(space.n_arms)
        return {
            "weights": space.array(size, space.n_arms, fill=1.0),
            "position": space.per_lane(-1, np.int64),
            "item": space.per_lane(0, np.int64),
        }

    def select(
        self: Params, state: State, actions: Params, work: State, lane: int, t: int, rng: Any, chosen: Any
    ) -> int:
        """Play the proposals, or those before a random position and a random item."""
        proposals = self.most
        state.position[lane] = -1
        size = 0
        if uniform(rng, lane) < self.gamma:
            proposals = below(rng, lane, self.most)
            state.position[lane] = proposals
            state.item[lane] = below(rng, lane, self.n_items)
            chosen[0, lane] = state.item[lane]
            size = 1
        for j in range(proposals):
            total = 0.0
            for i in range(self.n_items):
                total += state.weights[j, i, lane]
            x = uniform(rng, lane) * total
            item = 0
            below_it = state.weights[j, 0, lane]
            while item < self.n_items - 1 and x >= below_it:
                item += 1
                below_it += state.weights[j, item, lane]
            k = size  # into its place, unless it is there
            while k > 0 and chosen[k - 1, lane] > item:
                k -= 1
            if k == 0 or chosen[k - 1, lane] != item:
                for p in range(size, k, -1):
                    chosen[p, lane] = chosen[p - 1, lane]
                chosen[k, lane] = item
                size += 1
        return size

    def update_value(self: Params, state: State, chosen: Any, size: int, lane: int, value: float, t: int) -> None:
        """Credit the reward to the item explored."""
        j = state.position[lane]
        if j < 0:
            return
        state.weights[j, state.item[lane], lane] *= exp(self.learning_rate * value)
        if state.weights[j, state.item[lane], lane] > 1e100:
            for i in range(self.n_items):
                state.weights[j, i, lane] *= 1e-100
