"""Names of metrics, and what is recorded where nobody names one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from .errors import InvalidArgument, InvalidType
from .validation import shown


def metric_name(name: str) -> str:
    """Return a metric's name as results have it: spaces do not count, and a level is written in one way.

    Examples
    --------
    >>> [metric_name(m) for m in ("cvar_regret[ .10 ]", "cvar[1.0]", "pulls[3]", "regret")]
    ['cvar_regret[0.1]', 'cvar[1]', 'pulls[3]', 'regret']
    """
    if not isinstance(name, str):
        raise InvalidType(f"metric is {shown(name)}; allowed: a metric's name")
    first, bracket, rest = name.strip().partition("[")
    if not bracket or not rest.endswith("]"):
        return name.strip()
    inside = rest[:-1].strip()
    with contextlib.suppress(ValueError):  # what it should be, the protocol says
        inside = repr(float(inside)).removesuffix(".0")
    return f"{first.strip()}[{inside}]"


def common_defaults(policies: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what policies, by label, record where nothing is said; raise where it is not the same for all."""
    wanted = {label: policy.family.protocol.default_metrics for label, policy in policies.items()}
    different = {metrics: label for label, metrics in reversed(wanted.items())}  # the first policy that records it
    if len(different) > 1:
        told = ", ".join(f"{different[m]} records {m[0]!r}" for m in dict.fromkeys(wanted.values()))
        raise InvalidArgument(
            f"metrics is None, and by default {told}; allowed: what all of them can record, such as 'regret', or "
            "'cvar_regret[0.1]' at a level"
        )
    return next(iter(different))
