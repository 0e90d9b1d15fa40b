"""Policies that weigh items by upper confidence bounds, and play the action with the largest sum."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from banditlab.core.components import Params, Space, State, field
from banditlab.core.elementary import log
from banditlab.core.validation import optional, positive

from .action_sets import an_action_set
from .family import policy

UNSEEN = 1e6
"""What an item weighs that was never seen: so much that an action with as many of them as possible is played first."""

OWN_ACTIONS = "the action set to play; default the environment's"


class ItemMeans:
    """Base of policies that keep, for each item, the number of outcomes seen, their mean, and 1/sqrt of that number.

    The mean of an item that was never seen is `UNSEEN`: so the first rounds are a cover, in which actions with as many
    unseen items as possible are played, until no action has any. Items that no action holds are never waited for.
    """

    def state(self, space: Space) -> dict[str, Any]:
        """Return the arrays."""
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "means": space.per_arm(UNSEEN),
            "widths": space.per_arm(),
        }

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the outcome of an item."""
        n = state.counts[arm, lane] + 1.0
        s = state.sums[arm, lane] + reward
        state.counts[arm, lane] = n
        state.sums[arm, lane] = s
        state.means[arm, lane] = s / n
        state.widths[arm, lane] = 1.0 / math.sqrt(n)


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
    Guarantee (Kveton, Wen, Ashkan, Szepesvari 2015, Theorems 5 and 6, outcomes in [0, 1], independent or not between items,
    alpha = 1.5, an exact oracle; L items, actions of at most K): :math:`R_T \le \sum_i 534 K / \Delta_{i,\min} \log T +
    (\pi^2/3 + 1) K L` and :math:`R_T \le 47 \sqrt{K L T \log T} + (\pi^2/3 + 1) K L`. The constants, and the numbers of
    the theorems, are reconstructed, not read. A tie between items in index is for the action set to break.

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
    actions: Any = field(default=None, check=optional(an_action_set), doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "any"

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        return state.means[arm, lane] + math.sqrt(self.alpha * log(max(t - 1, 1))) * state.widths[arm, lane]
