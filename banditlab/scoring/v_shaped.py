"""The V-shaped rule: a bet on which side of the prior the truth lies."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from banditlab.core.validation import invalid, open_probability

from .built_in import BuiltIn, apart_from_zero
from .simplex import Floats, belief, n_axes


@dataclass(frozen=True)
class VShaped(BuiltIn):
    r"""A bet against the prior: the bounded rule that most rewards learning about a binary state.

    With two states, prior probability :math:`\mu` of state 1 and p the one reported,

    .. math:: S(p, w) = \begin{cases} a_1 1\{w = 1\} & p > \mu \\ a_0 1\{w = 0\} & p \le \mu \end{cases} \qquad
              (a_1, a_0) = \begin{cases} (1, \mu / (1 - \mu)) & \mu \le 1/2 \\ ((1 - \mu) / \mu, 1) & \mu > 1/2
              \end{cases}

    so that :math:`G(p) = \max(p a_1, (1 - p) a_0)` is V-shaped with its kink at the prior, where both bets are worth
    the same. Range [0, 1]. Proper, but not strictly: it pays for which side of the prior a report is on, not for how
    far away it is.

    Among all proper rules with payments in [0, 1] it maximises the `incentive` of every distribution of beliefs with
    mean :math:`\mu` (Li, Hartline, Shan and Wu 2022). The formula here was derived for a binary state and compared with
    linear programming over all proper rules, not read in the paper. Theirs, as later work quotes it, has :math:`G(p) =
    1/2 + |p - \mu| / (2 \max(\mu, 1 - \mu))`: it differs by a payment for each state that does not depend on the
    report, and so has the same incentives.

    **More than two states.** The rule is then the bet on the state whose probability has grown most: it pays :math:`a_w
    1\{w = v\}` for :math:`v = \arg\max_w p_w / \mu_w` (the first of several), with :math:`a_w = \min_v \mu_v / \mu_w`,
    so that :math:`G(p) = \max_w a_w p_w`. With two states this is the rule above. It is proper, bounded by [0, 1] and
    has its kink at the prior, but it is *not* optimal in general: the optimal rule depends on the distribution of
    beliefs, and is found by linear programming. Nor is it the max-over-separate rule of the paper, which is for states
    with several dimensions.

    Parameters
    ----------
    prior : float in (0, 1), or belief
        :math:`\mu`, or for any number of states the prior belief, without zeros.

    References
    ----------
    Li, Hartline, Shan, Wu (2022), Optimization of scoring rules, EC'22, arXiv:2007.02905.

    Examples
    --------
    >>> from banditlab import scoring
    >>> rule = scoring.VShaped(0.2)
    >>> rule.table(scoring.binary([0.1, 0.3])).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    >>> rule.G(scoring.binary([0.0, 0.2, 1.0])).tolist()
    [0.25, 0.2, 1.0]

    Three states, and news that one of them is ruled out. Paying 1 if the state is any of the two that are left is
    twice as good as the multi-state bet:

    >>> beliefs = [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    >>> pairs = scoring.ScoringRule.from_table([[1, 1, 0], [1, 0, 1], [0, 1, 1]], beliefs)
    >>> q = [1/3, 1/3, 1/3]
    >>> round(scoring.VShaped(q).incentive(beliefs, q), 4), round(pairs.incentive(beliefs, q), 4)
    (0.1667, 0.3333)
    """

    prior: tuple[float, ...]
    n_states: int = field(init=False, repr=False)

    def __init__(self, prior: ArrayLike) -> None:
        if n_axes("VShaped.prior", prior) == 0:
            mu = open_probability("VShaped.prior", prior)
            checked = np.array([1.0 - mu, mu])
        else:
            checked = belief("VShaped.prior", prior)
        if len(checked) < 2 or (checked == 0.0).any():
            raise invalid("VShaped.prior", prior, "the probability of state 1, or a belief without zeros")
        apart_from_zero("VShaped.prior", float(checked.min()))
        self._set("prior", tuple(checked.tolist()))
        self._set("n_states", len(checked))

    @property
    def stakes(self) -> Floats:
        """:math:`a_w`: what a bet on each state pays if it is won.

        Examples
        --------
        >>> from banditlab import scoring
        >>> scoring.VShaped(0.2).stakes.tolist()
        [0.25, 1.0]
        """
        mu = np.array(self.prior)
        return np.asarray(mu.min() / mu)

    @property
    def _range(self) -> tuple[float, Floats]:
        return 0.0, self.stakes

    def _rows(self, reports: Floats) -> Floats:
        # With one binary state, p <= mu is a bet on state 0: the first of two equal ratios.
        bet = np.argmax(reports / np.array(self.prior), axis=1)
        return np.asarray(np.where(np.arange(self.n_states) == bet[:, None], self.stakes, 0.0))
