"""Policies for k-MAX bandits: upper confidence bounds from value and index, all outcomes, the reward alone."""

from __future__ import annotations

import itertools
import math
from typing import Any, ClassVar

import numpy as np

from banditlab.core.components import Params, State, field
from banditlab.core.dispatch import device_call
from banditlab.core.elementary import log
from banditlab.core.validation import one_of, optional, positive, positive_integer

from ..action_sets import MSets, UpToM, an_action_set, laid_out, write_action
from ..environments import Linear
from ..family import policy
from ..kmax_oracles import by_enumeration, by_program, greedily
from ..spaces import ActionProblem, ActionSpace, player_params
from .linear import OWN_ACTIONS

PROGRAM, ENUMERATION, GREEDY = 0, 1, 2  # ways of choosing

SETS = 100_000
"""Most actions that policies of this module enumerate in every round."""


class MaxBeliefs:
    r"""Base of policies that see an item as `support_size` independent binary variables, and estimate these.

    The outcome of item i is thought of as :math:`\max_j v_{ij} Z_{ij}` with independent :math:`Z_{ij} \sim
    Bernoulli(p_{ij})`; any distribution on so many positive values is of that form, with :math:`p_{ij} = P(X_i = v_{ij}
    \mid X_i \le v_{ij})`. A value that has not been seen yet is taken to be 1. An outcome x of the item is a success of
    the variable whose value is x, and a failure of those with larger values; about those with smaller ones it says
    nothing. When a value is seen for the first time, its variable forgets what was counted for the value 1.
    """

    oracle: str
    alpha: float
    support_size: int
    actions: Any

    rewards: ClassVar[str] = "unit"

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Refuse environments that pay a sum, in which no item is the one that gave the reward."""
        if isinstance(environment, Linear):
            return ["it plays environments that pay an action's largest outcome, such as KMax, and this pays a sum"]
        return []

    def reasons_against_actions(self, actions: Any, n_items: int, horizon: int | None) -> list[str]:
        """Say which action sets the oracle cannot choose from."""
        if self._way(actions) == PROGRAM:
            return []
        if self.oracle == "greedy":
            plain = isinstance(actions, MSets | UpToM)
            return [] if plain else [f"its greedy oracle adds items up to a number, and the actions are {actions!r}"]
        return too_many(actions, n_items)

    def _way(self, actions: Any) -> int:
        if self.oracle == "greedy":
            return GREEDY
        binary = self.support_size == 1 and isinstance(actions, MSets | UpToM)
        return PROGRAM if binary else ENUMERATION

    def derive(self, problem: ActionProblem) -> dict[str, Any]:
        """Return the way of choosing, and all actions where they are enumerated."""
        actions = problem.actions
        way = self._way(actions)
        items, starts = laid_out(actions.enumerate(problem.n_arms) if way == ENUMERATION else [])
        return {"way": way, "most": actions.max_size(problem.n_arms), "items": items, "starts": starts}

    def state(self, space: ActionSpace) -> dict[str, Any]:
        """Return values, counts and successes of the variables, how many values of an item are known, and scratch."""
        size = space.actions.max_size(space.n_arms)
        shape = space.n_arms, self.support_size
        return {
            "values": space.array(*shape, fill=1.0),
            "counts": space.array(*shape),
            "successes": space.array(*shape),
            "known": space.per_arm(0, np.int64),
            "upper": space.array(*shape),
            "order": space.per_arm(0, np.int64),
            "program": space.array(space.n_arms + 1, size + 1),
            "slot_values": space.array(size * self.support_size),
            "slot_upper": space.array(size * self.support_size),
        }

    def select(
        self: Params, state: State, actions: Params, work: State, lane: int, t: int, rng: Any, chosen: Any
    ) -> int:
        """Choose the action with the largest expected maximum at the upper confidence bounds."""
        budget = self.alpha * log(float(t))
        for i in range(state.values.shape[0]):
            for j in range(state.values.shape[1]):
                n = state.counts[i, j, lane]
                bound = state.successes[i, j, lane] / n + math.sqrt(budget / n) if n > 0.0 else 1.0
                state.upper[i, j, lane] = min(bound, 1.0)
        if self.way == PROGRAM:
            return by_program(state, self.most, lane, chosen)
        if self.way == GREEDY:
            return greedily(state, self.most, lane, chosen)
        return by_enumeration(state, self.items, self.starts, lane, chosen)


def too_many(actions: Any, n_items: int) -> list[str]:
    """Say so if there are too many actions to look at all of them in every round."""
    number = sum(1 for _ in itertools.islice(actions.enumerate(n_items), SETS + 1))
    return [f"it looks at every action in every round, at most {SETS}, and there are more"] if number > SETS else []


@device_call
def _learn_outcome(state: State, item: int, lane: int, x: float) -> None:
    """Count the outcome x > 0 of an item."""
    slot = -1
    for j in range(state.known[item, lane]):
        if state.values[item, j, lane] == x:
            slot = j
    if slot < 0 and state.known[item, lane] < state.values.shape[1]:
        slot = state.known[item, lane]
        state.values[item, slot, lane] = x
        state.counts[item, slot, lane] = 0.0
        state.successes[item, slot, lane] = 0.0
        state.known[item, lane] += 1
    for j in range(state.values.shape[1]):
        if j == slot:
            state.counts[item, j, lane] += 1.0
            state.successes[item, j, lane] += 1.0
        elif state.values[item, j, lane] > x:
            state.counts[item, j, lane] += 1.0


@device_call
def _learn_bound(state: State, item: int, lane: int, x: float, below: bool) -> None:
    """Count that the outcome of an item is at most x, or below x: a failure of all variables with larger values."""
    for j in range(state.values.shape[1]):
        v = state.values[item, j, lane]
        if v > x or (below and v == x):
            state.counts[item, j, lane] += 1.0


@policy
class KMaxCUCB(MaxBeliefs):
    r"""Optimistic choice in k-MAX bandits from value-index feedback: the largest outcome, and the item that gave it.

    With :math:`n_i` observations of item i before round t, of which :math:`s_i` were successes,

    .. math:: A_t = \arg\max_{A} \; r_A(v, \bar p), \quad
        \bar p_i = \min \{ 1, s_i / n_i + \sqrt{\alpha \log t / n_i} \},
        \quad r_A(v, p) = \sum_{i \in A} v_i p_i \prod_{j \in A: v_j > v_i} (1 - p_j)

    (1 if :math:`n_i = 0`). A value :math:`v_i` is taken to be 1 until the item wins for the first time, and is known
    from then on. After a round with largest outcome v*, given by item i*: i* has a success; an item with :math:`v_i >
    v^*` has a failure, and so has one with :math:`v_i = v^*` before i*, as the first item wins ties; nothing is learnt
    about the others. If the reward is 0, all items have failures.

    Parameters
    ----------
    oracle : {'exact', 'greedy'}, default 'exact'
        How the maximum is found. 'exact': for one value per item, and sets of (up to) m items, by a dynamic program in
        :math:`O(L m)`; else by looking at all actions. 'greedy': item by item, a :math:`(1 - 1/e)`-approximation, for
        `MSets` and `UpToM`.
    alpha : float, default 1.5
        Exploration; positive.
    support_size : int, default 1
        The number of positive values that an item's outcome can have; an item is then that many binary variables, none
        of which has a known value at first. Outcomes with further values teach nothing about those values.
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Wang, Chen, Vojnovic 2024, abstract and arXiv version 1; binary outcomes): regret against the oracle's
    share of the best mean is :math:`O((n k / \Delta) \log T)` and :math:`\tilde O(\sqrt{n k T})` for n items and sets
    of k.

    The model, the feedback, the idea of replacing an item of unknown value by one of value 1, and the bounds are from
    what was read (the abstract, reviews); the update of counts and the index are reconstructed. That an item forgets
    its failures when its value becomes known is ours: those counted for the value 1 are not outcomes of the item (it
    may have succeeded with a smaller value), so that its upper confidence bound would not be one. The exact oracle is
    ours too.

    References
    ----------
    Wang, Chen, Vojnovic (2024), Combinatorial bandits for maximum value reward function under value-index feedback,
    ICLR, arXiv:2305.16074, Algorithm 3.1.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import semibandits
    >>> env = semibandits.KMax.binary([1.0, 0.5, 0.4, 0.1], [0.2, 0.5, 0.6, 0.9], semibandits.MSets(2))
    >>> result = bl.run(env, semibandits.KMaxCUCB(), horizon=2_000, n_runs=10, seed=0)
    >>> # playing the worst action would cost 2000 * 0.21
    >>> bool(result.values().mean(axis=1)[0, -1] < 60.0)
    True
    """

    oracle: str = field(default="exact", check=one_of("exact", "greedy"), doc="how the best action is found")
    alpha: float = field(default=1.5, check=positive, doc="exploration")
    support_size: int = field(default=1, check=positive_integer, doc="positive values that an outcome can have")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    def update_winner(
        self: Params, state: State, chosen: Any, size: int, lane: int, value: float, winner: int, t: int
    ) -> None:
        """Count the winner's success, and failures of what would have won."""
        for k in range(size):
            item = chosen[k, lane]
            if item == winner:
                _learn_outcome(state, item, lane, value)
            else:
                _learn_bound(state, item, lane, value, item < winner)


@policy
class KMaxSemiBandit(MaxBeliefs):
    r"""Optimistic choice in k-MAX bandits from semi-bandit feedback: all outcomes of the items played.

    The same index and oracle as `KMaxCUCB`; but each item played is a success or a failure in every round, and values
    are known when they first occur, whoever wins.

    Parameters
    ----------
    oracle : {'exact', 'greedy'}, default 'exact'
        As for `KMaxCUCB`.
    alpha : float, default 1.5
        Exploration; positive.
    support_size : int, default 1
        As for `KMaxCUCB`.
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Chen, Wang, Yuan 2013, Theorem 1; rewards monotone and Lipschitz in the means): regret against the
    oracle's share of the best mean is :math:`O(\log T)`. Constants are not given here.

    CUCB for a reward that is not a sum: the yardstick for `KMaxCUCB`, which sees less. What was counted for an unknown
    value is forgotten as in `KMaxCUCB`.

    References
    ----------
    Chen, Wang, Yuan (2013), Combinatorial multi-armed bandit: general framework and applications, ICML.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.KMaxSemiBandit(oracle="greedy")
    KMaxSemiBandit(oracle='greedy')
    """

    oracle: str = field(default="exact", check=one_of("exact", "greedy"), doc="how the best action is found")
    alpha: float = field(default=1.5, check=positive, doc="exploration")
    support_size: int = field(default=1, check=positive_integer, doc="positive values that an outcome can have")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Count the outcome of an item."""
        if reward > 0.0:
            _learn_outcome(state, arm, lane, reward)
        else:
            _learn_bound(state, arm, lane, 0.0, False)


@policy
class SuperArmUCB:
    r"""UCB with every action an arm of its own, from full-bandit feedback: the reward alone.

    .. math:: A_t = \arg\max_A \; \hat r_A + \sqrt{\alpha \log t / n_A}

    after each action has been played once, in the order of `enumerate`; the first wins ties.

    Parameters
    ----------
    alpha : float, default 1.5
        Exploration; positive.
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Auer et al. 2002, Theorem 1; rewards in [0, 1], :math:`\alpha = 2`): regret is of the order of
    :math:`N \log T / \Delta` for N actions.

    It shows, for comparison, what ignoring the structure costs.

    References
    ----------
    Auer, Cesa-Bianchi, Fischer (2002), Finite-time analysis of the multiarmed bandit problem, Machine Learning 47.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.SuperArmUCB(alpha=0.5)
    SuperArmUCB(alpha=0.5)
    """

    alpha: float = field(default=1.5, check=positive, doc="exploration")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "unit"

    def reasons_against_actions(self, actions: Any, n_items: int, horizon: int | None) -> list[str]:
        """Say so if there are too many actions."""
        return too_many(actions, n_items)

    def derive(self, problem: ActionProblem) -> dict[str, Any]:
        """Return all actions."""
        items, starts = laid_out(problem.actions.enumerate(problem.n_arms))
        return {"items": items, "starts": starts}

    def state(self, space: ActionSpace) -> dict[str, Any]:
        """Return plays and sums of rewards of every action, and which was played last."""
        number = len(player_params(self, space.problem).starts) - 1
        return {"counts": space.array(number), "sums": space.array(number), "last": space.per_lane(0, np.int64)}

    def select(
        self: Params, state: State, actions: Params, work: State, lane: int, t: int, rng: Any, chosen: Any
    ) -> int:
        """Choose the action with the largest index."""
        number = state.counts.shape[0]
        best = t - 1
        if t > number:
            budget = self.alpha * log(float(t))
            largest = -math.inf
            for a in range(number):
                n = state.counts[a, lane]
                index = state.sums[a, lane] / n + math.sqrt(budget / n)
                if index > largest:
                    largest = index
                    best = a
        state.last[lane] = best
        return write_action(self.items, self.starts, best, lane, chosen)

    def update_value(self: Params, state: State, chosen: Any, size: int, lane: int, value: float, t: int) -> None:
        """Count the reward for the action played."""
        state.counts[state.last[lane], lane] += 1.0
        state.sums[state.last[lane], lane] += value
