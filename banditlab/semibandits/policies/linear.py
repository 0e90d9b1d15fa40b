"""Policies that weigh items by upper confidence bounds, and play the action with the largest sum."""

from __future__ import annotations

import itertools
import math
from typing import Any, ClassVar

import numpy as np

from banditlab.arms.statistics import MeansAndWidths
from banditlab.core.components import Params, Space, State, field
from banditlab.core.elementary import log
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import optional, positive

from ..action_sets import Action, an_action_set, laid_out, write_action
from ..family import policy

UNSEEN = 1e6
"""What an item weighs that was never seen: so much that an action with as many of them as possible is played first."""

OWN_ACTIONS = "the action set to play; default the environment's"


class ItemMeans(MeansAndWidths):
    """Base of policies that keep, for each item, the number of outcomes seen, their mean, and 1/sqrt of that number.

    The mean of an item that was never seen is `UNSEEN`: so the first rounds are a cover, in which actions with as many
    unseen items as possible are played, until no action has any. Items that no action holds are never waited for.
    """

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays."""
        return super().state(space) | {"means": space.per_arm(UNSEEN)}

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Refuse outcomes so large that seen items could outweigh unseen ones."""
        largest = float(np.max(np.abs(getattr(environment, "means", 0.0))))
        if largest <= UNSEEN / 10.0:
            return []
        return [
            f"an item that it has not seen weighs {UNSEEN:g}, and outcomes here have means of up to {largest:g} in "
            f"size; allowed: up to {UNSEEN / 10.0:g}, as in larger units"
        ]


@policy
class CombUCB1(ItemMeans):
    r"""The action with the largest sum of upper confidence bounds.

    .. math:: A_t = \arg\max_{A \in \mathcal{A}} \sum_{i \in A} U_t(i), \quad
        U_t(i) = \hat\mu_i + \sqrt{\alpha \log(t - 1) / n_i}

    with :math:`n_i` outcomes of item i seen before round t. First, as in the paper's initialisation, actions with as
    many unseen items as possible are played until every item has been seen.

    Parameters
    ----------
    alpha : float, default 1.5
        Exploration; positive. 1.5 is the paper's.
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Kveton, Wen, Ashkan, Szepesvari 2015, Theorems 5 and 6; outcomes in [0, 1], independent or not between
    items, :math:`\alpha = 1.5`, an exact oracle): :math:`R_T \le \sum_i 534 K / \Delta_{i,\min} \log T + (\pi^2/3 + 1)
    K L` and :math:`R_T \le 47 \sqrt{K L T \log T} + (\pi^2/3 + 1) K L` for L items and actions of at most K. The sum is
    over the items that are not in the best action. Neither rate can be improved, except for :math:`\sqrt{\log T}` in
    the second (Propositions 1 and 2); for K up to 172 Theorem 3, :math:`\sum_i 96 K^{4/3} / \Delta_{i,\min} \log T` and
    the same constant, is the smaller bound. For outcomes that are sub-Gaussian with constant :math:`\sigma`, such as
    Gaussian ones of that standard deviation, the radius of the same confidence has :math:`6 \sigma^2` in place of
    1.5.

    Ties between the indices of items are left for the action set to break.

    References
    ----------
    Kveton, Wen, Ashkan, Szepesvari (2015), Tight regret bounds for stochastic combinatorial semi-bandits, AISTATS,
    arXiv:1410.0949.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.CombUCB1(actions=semibandits.UpToM(3))
    CombUCB1(actions=UpToM(3))
    """

    alpha: float = field(default=1.5, check=positive, doc="exploration; 1.5 is the paper's")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        return state.means[arm, lane] + math.sqrt(self.alpha * log(max(t - 1, 1))) * state.widths[arm, lane]


@policy
class CUCB(ItemMeans):
    r"""As `CombUCB1`, with a wider radius and the indices cut at 1.

    .. math:: U_t(i) = \min\{1, \hat\mu_i + \sqrt{3 \log t / (2 n_i)}\}

    Parameters
    ----------
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Chen, Wang, Yuan 2013, Theorem 1; outcomes in [0, 1], rewards monotone in the means and bounded-smooth,
    an oracle that with probability :math:`\beta` reaches the share :math:`\alpha` of the optimum): regret against
    :math:`\alpha \beta` times the optimum is of order :math:`\sum_i \log T / \Delta_{i,\min}`. For sums over actions of
    at most K of L items it is at most :math:`\sum_i 12 K^2 / \Delta_{i,\min} \log T + (\pi^2/3 + 1) L \Delta_{\max}`
    (section 4.3). Here the oracle is the action set's: :math:`\alpha = \beta = 1`.

    The rule is the paper's Algorithm 1. It cuts indices only for oracles that allow none above 1, and its first rounds,
    one for each item, play any action that contains it; here they play as many unseen items as possible.

    References
    ----------
    Chen, Wang, Yuan (2013), Combinatorial multi-armed bandit: general framework and applications, ICML, Algorithm 1.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.CUCB()
    CUCB()
    """

    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "unit"

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound, or the weight of an item that was never seen."""
        m = state.means[arm, lane]
        bound = m + math.sqrt(1.5 * log(float(t))) * state.widths[arm, lane]
        return m if m == UNSEEN else min(1.0, bound)


LISTABLE = 20_000
"""Most actions that a policy looks at one by one in every round."""


def all_actions(actions: Any, n_items: int) -> list[Action]:
    """Return all actions; raise if there are too many to look at."""
    found = list(itertools.islice(actions.enumerate(n_items), LISTABLE + 1))
    if len(found) > LISTABLE:
        raise InvalidArgument(f"{actions!r} has more than {LISTABLE} actions; allowed: at most {LISTABLE} to list")
    return found


@policy
class ESCB2:
    r"""The action with the largest upper confidence bound on its sum: one radius per action, not one per item.

    .. math:: A_t = \arg\max_{A \in \mathcal{A}} \sum_{i \in A} \hat\mu_i + \sqrt{\frac{f(t)}{2} \sum_{i \in A}
        \frac{1}{n_i}}, \quad f(t) = \log t + 4 m \log\log t

    with m the size of the largest action; t is taken as 2 in the first round, and :math:`\log\log t` as 0 where it is
    negative. Actions with as many unseen items as possible come first. All actions, at most 20,000, are looked at in
    every round. Of equal ones, the first that the action set's `enumerate` yields is played.

    Parameters
    ----------
    actions : action set, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Combes, Talebi, Proutiere, Lelarge 2015, Theorem 5, reconstructed; independent items, outcomes in [0,
    1]): :math:`R_T = O(d \sqrt{m} / \Delta_{\min} \log T)` for d items. The rule is reconstructed from general
    knowledge, as are the theorem's number and its form.

    References
    ----------
    Combes, Talebi, Proutiere, Lelarge (2015), Combinatorial bandits revisited, NeurIPS, arXiv:1502.03475.

    Examples
    --------
    >>> from banditlab import semibandits
    >>> semibandits.ESCB2()
    ESCB2()
    """

    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "unit"

    def reasons_against_actions(self, actions: Any, n_items: int, horizon: int | None) -> list[str]:
        """Return whether there are too many actions."""
        try:
            all_actions(actions, n_items)
        except InvalidArgument as error:
            return [str(error)]
        return []

    def derive(self, problem: Any) -> dict[str, Any]:
        """Return all actions, one after another, and the size of the largest."""
        items, starts = laid_out(all_actions(problem.actions, problem.n_arms))
        return {"items": items, "starts": starts, "m": problem.actions.max_size(problem.n_arms)}

    def state(self, space: Space) -> dict[str, Any]:
        """Return counts, sums, means and inverse counts; an inverse so large that unseen items decide."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(),
            "inverses": space.per_arm(UNSEEN * UNSEEN),
        }

    def select(
        self: Params, state: State, actions: Params, work: State, lane: int, t: int, rng: Any, chosen: Any
    ) -> int:
        """Look at every action."""
        scale = log(max(float(t), 2.0))
        scale = 0.5 * (scale + 4.0 * self.m * max(log(scale), 0.0))
        best = -math.inf
        row = 0
        for a in range(self.starts.shape[0] - 1):
            total = 0.0
            inverse = 0.0
            for p in range(self.starts[a], self.starts[a + 1]):
                total += state.means[self.items[p], lane]
                inverse += state.inverses[self.items[p], lane]
            bound = total + math.sqrt(scale * inverse)
            if bound > best:
                best = bound
                row = a
        return write_action(self.items, self.starts, row, lane, chosen)

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the outcome of an item."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = s / n
        state.inverses[arm, lane] = 1.0 / n
