"""Bounds on the regret of learning in tabular MDPs, as numbers."""

from __future__ import annotations

import math

from banditlab.core.validation import between, open_probability, positive_integer

__all__ = ["bernstein_rate", "hoeffding_bound", "static_lower_bound"]

TAU = between(0.0, 1.0, open_low=True)


def _sizes(n_states: int, n_actions: int, n_episodes: int) -> tuple[int, int, int]:
    return (
        positive_integer("n_states", n_states),
        positive_integer("n_actions", n_actions),
        positive_integer("n_episodes", n_episodes),
    )


def static_lower_bound(n_states: int, n_actions: int, n_episodes: int, tau: float) -> float:
    r"""Return the minimax lower bound on the regret in static CVaR, :math:`\sqrt{S(A-1)K/\tau}/(24e)`.

    Every learner's expected regret is at least that on some MDP with returns in [0, 1], for tau below 1/2 (Wang,
    Kallus, Sun 2023, arXiv:2302.03201, Corollary 3.2).

    Examples
    --------
    >>> from banditlab import cvar
    >>> round(cvar.theory.static_lower_bound(10, 4, 10_000, tau=0.25), 4)
    16.7913
    """
    S, A, K = _sizes(n_states, n_actions, n_episodes)
    return math.sqrt(S * (A - 1) * K / TAU("tau", tau)) / (24.0 * math.e)


def hoeffding_bound(
    n_states: int, n_actions: int, n_steps: int, n_episodes: int, tau: float, delta: float = 0.05
) -> float:
    r"""Return the bound on the regret of CVaR-UCBVI with Hoeffding bonuses.

    .. math:: 4e \sqrt{SAHK} \, L/\tau + 10 e S^2 A H L^2/\tau, \quad L = \log(HSAK/\delta)

    with probability at least 1 - delta, for returns in [0, 1] (Wang, Kallus, Sun 2023, arXiv:2302.03201, section 5;
    the constants are reconstructed).

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.theory.hoeffding_bound(2, 2, 2, 10**9, tau=0.5) < 10**9  # it is below the trivial bound only then
    True
    """
    S, A, K = _sizes(n_states, n_actions, n_episodes)
    H, level = positive_integer("n_steps", n_steps), TAU("tau", tau)
    L = math.log(H * S * A * K / open_probability("delta", delta))
    return 4.0 * math.e * math.sqrt(S * A * H * K) * L / level + 10.0 * math.e * S * S * A * H * L * L / level


def bernstein_rate(n_states: int, n_actions: int, n_episodes: int, tau: float) -> float:
    r"""Return :math:`\sqrt{SAK}/\tau`, the rate of CVaR-UCBVI with Bernstein bonuses.

    Up to a constant, logarithms and lower orders, none of which are known to us (Wang, Kallus, Sun 2023,
    arXiv:2302.03201, Theorem 5.3).

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.theory.bernstein_rate(10, 4, 10_000, tau=0.5)
    1264.9110640673518
    """
    S, A, K = _sizes(n_states, n_actions, n_episodes)
    return math.sqrt(S * A * K) / TAU("tau", tau)
