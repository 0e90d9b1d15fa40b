"""The errors of this family, besides those of `banditlab.errors`."""

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
    """

    def __init__(self, message: str, action: int | None = None, certificate: Any = None) -> None:
        super().__init__(message)
        self.action = action
        self.certificate = certificate
