"""Closed forms of optimal scoring rules: independent checks of the linear programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import non_negative, open_probability, positive, vector

from .simplex import Floats, belief
from .simplex import beliefs as rows_of_probabilities

__all__ = ["price_of_learning", "v_shaped_gain", "v_shaped_payments"]


def v_shaped_gain(probabilities: Any, distribution: Any, max_payment: float = 1.0) -> float:
    r"""Return the most that a bounded proper rule pays for information about a binary state, beyond ignorance.

    With P the probability that the agent comes to give state 1, and mu its mean, this is the maximum over proper rules
    with payments in [0, B] of E[G(P)] - G(mu), where G(p) is the expected payment of the truth at belief p. It is
    attained by the V-shaped rule with its kink at mu, and equals

    .. math:: B \, E|P - \mu| / (2 \max(\mu, 1 - \mu)).

    Parameters
    ----------
    probabilities : sequence of float
        The values of P.
    distribution : sequence of float
        Their probabilities.
    max_payment : float, default 1.0
        B; positive.

    Returns
    -------
    float
        In units of payments.

    Notes
    -----
    That a V-shaped rule is optimal is from Li, Hartline, Shan and Wu, "Optimization of Scoring Rules" (EC 2022), who
    state it for a rule's incentive for effort; the formula in terms of E|P - mu| was derived from it for this package,
    and agrees with the linear program on random instances (see the tests).

    Examples
    --------
    >>> from banditlab.scoring import closed_forms
    >>> closed_forms.v_shaped_gain([0.0, 1.0], [0.5, 0.5])
    0.5
    """
    p, q = vector(0.0, 1.0)("probabilities", probabilities), belief("distribution", distribution)
    if len(p) != len(q):
        raise InvalidArgument(f"distribution has {len(q)} entries; allowed: {len(p)}, one per probability")
    mean = float(q @ p)
    return positive("max_payment", max_payment) * float(q @ np.abs(p - mean)) / (2.0 * max(mean, 1.0 - mean))


def v_shaped_payments(probabilities: Any, mean: float, max_payment: float = 1.0) -> Floats:
    """Return the payments of the V-shaped rule with its kink at the mean: a bet at fair odds.

    A report above the mean bets on state 1, others on state 0. The bet on the less likely state pays `max_payment`; the
    other pays so much less that both are worth the same at the mean.

    Parameters
    ----------
    probabilities : sequence of float
        The probabilities of state 1 that can be reported.
    mean : float
        Where the kink is, strictly between 0 and 1.
    max_payment : float, default 1.0
        The largest payment; positive.

    Returns
    -------
    float64 array (n_reports, 2)
        A payment for each report in states 0 and 1.

    Examples
    --------
    >>> from banditlab.scoring import closed_forms
    >>> closed_forms.v_shaped_payments([0.1, 0.9], mean=0.2).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    p = vector(0.0, 1.0)("probabilities", probabilities)
    mean = open_probability("mean", mean)
    odds = np.array([1.0 / (1.0 - mean), 1.0 / mean])
    paid = positive("max_payment", max_payment) * (odds / odds.max())
    above = p > mean
    return np.column_stack([np.where(above, 0.0, paid[0]), np.where(above, paid[1], 0.0)])


def price_of_learning(beliefs: Any, distribution: Any, cost: float, max_payment: float = 1.0) -> float:
    r"""Return the optimal expected payment for one informative action against free ignorance.

    The agent either learns nothing at no cost, and keeps the prior mu, or pays c and comes to hold a belief sigma drawn
    from q. The cheapest proper rule that makes him learn has G(p) proportional to max_w p_w / mu_w, a bet on any state
    at fair odds, and its expected payment is

    .. math:: c \, (1 + 1 / (E \max_\omega \sigma_\omega / \mu_\omega - 1)).

    Parameters
    ----------
    beliefs : matrix (n_beliefs, n_states)
        The beliefs sigma.
    distribution : sequence of float
        How likely each belief is, q.
    cost : float
        c; at least 0, and so small that no bet pays more than `max_payment` (which always holds for a binary state, if
        the action can be implemented).
    max_payment : float, default 1.0
        Upper bound of payments.

    Returns
    -------
    float
        v_S(k) of the optimal rule.

    Notes
    -----
    Derived for this package: a payment vector a >= 0 for a report is worth a . p; among those worth at most g at
    the prior, a . mu <= g, the best at every p are the e_w g / mu_w, so that G = g max_w p_w / mu_w is the largest with
    G(mu) = g, and E[G] - G(mu) = c fixes g. It agrees with the linear program on random instances (see the tests).

    Examples
    --------
    >>> from banditlab.scoring import closed_forms
    >>> closed_forms.price_of_learning([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5], cost=0.1)
    0.2
    """
    sigma, q = rows_of_probabilities("beliefs", beliefs), belief("distribution", distribution)
    if len(sigma) != len(q):
        raise InvalidArgument(f"distribution has {len(q)} entries; allowed: {len(sigma)}, one per belief")
    cost, prior = non_negative("cost", cost), q @ sigma
    seen = prior > 0.0
    ratio = float(q @ (sigma[:, seen] / prior[seen]).max(axis=1)) - 1.0
    largest = positive("max_payment", max_payment) * ratio * float(prior[seen].min())
    if cost > largest * (1.0 + 1e-9):
        raise InvalidArgument(f"cost is {cost:g}; allowed: at most {largest:g}, beyond which max_payment matters")
    return cost * (1.0 + 1.0 / ratio) if cost > 0.0 else 0.0
