"""The action-informed oracle: for each action a proper rule under which the agent strictly prefers it."""

from __future__ import annotations

import numpy as np

from banditlab.core.errors import InvalidType
from banditlab.core.validation import shown

from .principal_agent import PrincipalAgent
from .simplex import Floats

LEAST_MARGIN = 1e-6
"""Share of max_payment by which an action must be preferable: below it the solver's tolerance could decide."""


def informed_rules(environment: PrincipalAgent) -> tuple[Floats, Floats]:
    r"""Return, for each action, the proper rule under which the agent prefers it by most.

    Algorithms for learning which rule is best assume that such rules :math:`\tilde S_k` are known, with
    :math:`g(k, \tilde S_k) - g(j, \tilde S_k) > \epsilon` for all j other than k (Chen, Wu, Wu, Yang 2023,
    arXiv:2303.08613, where they come from an oracle). Here they are the solutions of the linear programs that
    maximise the margin.

    Parameters
    ----------
    environment : PrincipalAgent
        The agent's environment.

    Returns
    -------
    rules : float64 array (K, M, S)
        Payments.
    margins : float64 array (K,)
        By how much the agent prefers the action; negative where it cannot be made to prefer it.

    Raises
    ------
    InvalidType
        If the environment is not a `PrincipalAgent`.

    Examples
    --------
    >>> from banditlab import scoring
    >>> agent = scoring.PrincipalAgent(
    ...     beliefs=[[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]],
    ...     action_distributions=[[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]],
    ...     costs=[0.0, 0.1],
    ...     utility=[0.9, 0.5, 0.9],
    ... )
    >>> rules, margins = scoring.informed_rules(agent)
    >>> margins.round(6).tolist()
    [0.1, 0.3]
    """
    if not isinstance(environment, PrincipalAgent):
        raise InvalidType(f"environment is {shown(environment)}; allowed: a PrincipalAgent")
    found = [environment.margin(k) for k in range(environment.n_actions)]
    return np.stack([rule for _, rule in found]), np.array([margin for margin, _ in found])


def why_not_informed(environment: PrincipalAgent) -> list[str]:
    """Return the actions that no rule makes strictly preferable, each as a reason why they cannot be learned about."""
    _, margins = informed_rules(environment)
    least = LEAST_MARGIN * environment.max_payment
    return [
        f"it needs a rule under which the agent strictly prefers action {k}, and the largest margin is "
        f"{margins[k] + 0.0:.3g}"  # no -0
        for k in range(len(margins))
        if margins[k] < least
    ]
