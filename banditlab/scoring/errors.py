"""The errors of this family, in addition to those of `banditlab.errors`."""

from __future__ import annotations

from typing import Any

from banditlab.core.errors import BanditlabError


class NotImplementable(BanditlabError, ValueError):  # noqa: N818 - reads as the sentence it is
    """No mechanism induces what was asked for; the message says why.

    Attributes
    ----------
    action : int or None
        The action of a `PrincipalAgent` that cannot be induced.
    certificate : FarkasCertificate or None
        The proof, where there is one: a combination of constraints that no rule satisfies.

    Examples
    --------
    No payment up to 1 makes up for a cost of 2:

    >>> import textwrap
    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
    ...     costs=[0, 2], utility=[1, 0.5, 1],
    ... )
    >>> try:
    ...     world.optimal_rule(1)
    ... except scoring.NotImplementable as error:
    ...     print(textwrap.fill(str(error), 90))
    action is 1, which no rule implements: action 1 costs 2 more than action 0, but no proper
    rule with payments in [0, 1] raises its expected payment by more than 0.5 over that of
    action 0, which is 1.5 too little; allowed: 0
    """

    def __init__(self, message: str, action: int | None = None, certificate: Any = None) -> None:
        super().__init__(message)
        self.action = action
        self.certificate = certificate
