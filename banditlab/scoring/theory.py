"""What has been proved about learning to buy information: rates, without the constants that the papers leave out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import between, open_probability, positive, positive_integer, vector

__all__ = ["identification_rate", "online_exponents", "osra_rate"]


def osra_rate(n_actions: int, horizon: int) -> float:
    r"""Return :math:`K^2 T^{2/3}`, the rate of OSRA's regret.

    Chen, Wu, Wu, Yang 2023 (arXiv:2303.08613; rate and dependence on K as in the abstract of the proceedings): regret
    :math:`O(K^2 T^{2/3})` up to logarithms, for payments and utilities of order one; whatever the number of states.

    Parameters
    ----------
    n_actions : int
        K.
    horizon : int
        T.

    Returns
    -------
    float
        Without the constant, so that a regret below it proves nothing, and one above it refutes nothing.

    Examples
    --------
    >>> from banditlab import scoring
    >>> round(scoring.theory.osra_rate(3, 1000), 6)
    900.0
    """
    k, t = positive_integer("n_actions", n_actions), positive_integer("horizon", horizon)
    return float(k**2 * t ** (2 / 3))


def online_exponents(alpha: float) -> tuple[float, float]:
    r"""Return the exponents of T in regret and in cumulative violation, with bandit feedback.

    Cacciamani, Castiglioni, Gatti 2023 (arXiv:2302.02873, abstract): :math:`\tilde O(T^\alpha)` regret with
    :math:`\tilde O(T^{1 - \alpha/2})` violation of incentive compatibility, for any :math:`\alpha` in [1/2, 1], and a
    matching lower bound. With full feedback both exponents are 1/2.

    Parameters
    ----------
    alpha : float
        From 1/2 to 1.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.theory.online_exponents(0.5)
    (0.5, 0.75)
    """
    checked = between(0.5, 1.0)("alpha", alpha)
    return checked, 1.0 - checked / 2.0


def identification_rate(
    gaps: ArrayLike, epsilon: float, delta: float, *, n_beliefs: int, max_payment: float = 1.0, max_utility: float = 1.0
) -> float:
    r"""Return :math:`B_S^2 M H_\Delta \log(1/\delta)`, the rate of the rounds needed to identify the best rule.

    :math:`H_\Delta = 4 (B_S + B_u)^2 \epsilon^{-2} + \sum_k \Delta_k^{-2}`, over the actions that are not the best. As
    summarised of Wang, Li, Wang 2025 (arXiv:2505.17379, Theorem 1). There a further factor is the square of the inverse
    margin of the informed rules, and logarithms are left out.

    Parameters
    ----------
    gaps : sequence of float
        :math:`\Delta_k`, the profit of the best rule minus that of the best rule for each other action; positive.
    epsilon, delta : float
        The rule that is returned is to be worth at least :math:`h^* - \epsilon` with probability at least :math:`1 -
        \delta`.
    n_beliefs : int
        M.
    max_payment, max_utility : float, default 1.0
        :math:`B_S` and :math:`B_u`.

    Returns
    -------
    float
        Rounds, without the constant; inf where that is more than a float can hold.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.theory.identification_rate([0.5], 0.1, 0.5, n_beliefs=2) > 2000
    True
    """
    no_gaps = gaps.size == 0 if isinstance(gaps, np.ndarray) else isinstance(gaps, list | tuple) and not gaps
    deltas = np.zeros(0) if no_gaps else vector(0.0, open_low=True)("gaps", gaps)
    epsilon = positive("epsilon", epsilon)
    delta = open_probability("delta", delta)
    n_beliefs = positive_integer("n_beliefs", n_beliefs)
    bound = positive("max_payment", max_payment)
    total = bound + positive("max_utility", max_utility)
    if epsilon >= total:
        raise InvalidArgument(f"epsilon is {epsilon}; allowed: below max_payment + max_utility, {total:g}")
    with np.errstate(over="ignore"):
        hardness = 4.0 * (np.float64(total) / epsilon) ** 2 + ((1.0 / deltas) ** 2).sum()
        return float(bound**2 * n_beliefs * hardness * np.log(1.0 / delta))
