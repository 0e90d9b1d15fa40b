"""Names of metrics, and what is recorded by default."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidArgument, InvalidType
from ..validation import as_list, invalid, several, shown

LOSSES = ("regret", "violation", "violations", "error")
"""Endings, before any brackets, of the names of metrics whose small values are good."""

GAINS = ("reward", "optimal_rate", "return", "cvar", "icvar", "profit")
"""The metrics whose large values are good. For others, such as pulls of an arm, it depends on the question."""

EVENTS = ("any_violation", "screened")
"""The metrics that are 1 in a run in which an event has happened, else 0: their means are shares of runs."""

LISTED = 24
"""Most names of metrics that a message lists."""


def metric_name(name: str) -> str:
    """Return a metric's name in the form that results have: without spaces, and with levels written in one way.

    Examples
    --------
    >>> [metric_name(m) for m in ("cvar_regret[ .10 ]", "cvar[1.0]", "pulls[3]", "regret")]
    ['cvar_regret[0.1]', 'cvar[1]', 'pulls[3]', 'regret']
    """
    if not isinstance(name, str):
        raise InvalidType(f"metric is {shown(name)}; allowed: a metric's name")
    first, inside = split_metric(name.strip())
    if not inside:
        return first
    inside = inside.strip()
    with contextlib.suppress(ValueError):  # the protocol says what it should be
        inside = repr(float(inside)).removesuffix(".0")
    return f"{first.strip()}[{inside}]"


def split_metric(metric: str) -> tuple[str, str]:
    """Return what comes before a metric's brackets, and what is within; if nothing is within, the name and ''.

    Examples
    --------
    >>> split_metric("pulls[3]"), split_metric("regret")
    (('pulls', '3'), ('regret', ''))
    """
    name, _, rest = metric.partition("[")
    return (name, rest[:-1]) if len(rest) > 1 and rest.endswith("]") else (metric, "")


def good_when_small(metric: str) -> bool | None:
    """Return whether small values of a metric are good; None if its name does not say.

    Examples
    --------
    >>> [good_when_small(m) for m in ("cvar_regret[0.1]", "violations", "optimal_rate", "cvar[0.1]", "pulls[0]")]
    [True, True, False, False, None]
    """
    name, _ = split_metric(metric)
    if name.endswith(LOSSES):
        return True
    return False if name in GAINS else None


def is_event(metric: str) -> bool:
    """Return whether a metric is 1 or 0 in each run.

    Examples
    --------
    >>> is_event("screened[0]"), is_event("violations")
    (True, False)
    """
    return split_metric(metric)[0] in EVENTS


def is_share(metric: str) -> bool:
    """Return whether a metric's means are shares, of runs or of rounds.

    Examples
    --------
    >>> is_share("optimal_rate"), is_share("screened[0]"), is_share("regret")
    (True, True, False)
    """
    return is_event(metric) or split_metric(metric)[0].endswith("_rate")


def default_metric(recorded: Sequence[str]) -> str:
    """Return the metric used when none is named: 'regret', or the first one recorded."""
    return "regret" if "regret" in recorded or not recorded else recorded[0]


def asked_metric(metric: str | None, recorded: Sequence[str]) -> str:
    """Return the name of the metric that is asked for; for None, the metric used when none is named.

    Examples
    --------
    >>> [asked_metric(m, ["reward", "regret", "pulls[0]"]) for m in (None, " pulls[ 0 ]")]
    ['regret', 'pulls[0]']
    """
    return default_metric(recorded) if metric is None else metric_name(metric)


def asked_metrics(metric: Any, recorded: Sequence[str]) -> list[str]:
    """Return the names of the metrics that are asked for, given as one or as several.

    Examples
    --------
    >>> asked_metrics(["regret", "pulls[ 0 ]"], ["regret", "pulls[0]"]), asked_metrics(None, ["reward"])
    (['regret', 'pulls[0]'], ['reward'])
    """
    if not several(metric):
        return [asked_metric(metric, recorded)]
    names = [metric_name(one) for one in as_list("metric", metric, "metrics, as a list")]
    if not names or len(set(names)) < len(names):
        raise invalid("metric", metric, f"one or more of {abridged(recorded)}, each once")
    return names


def of_each(metric: str, n: int) -> list[str]:
    """Return the columns of a metric that has one per arm: `pulls[0]`, `pulls[1]`, ..."""
    return [f"{metric}[{a}]" for a in range(n)]


def common_defaults(policies: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what policies, by label, record by default; raise if it is not the same for all."""
    wanted = {label: policy.family.protocol.default_metrics for label, policy in policies.items()}
    different = {metrics: label for label, metrics in reversed(wanted.items())}  # the first policy that records it
    if len(different) > 1:
        told = ", ".join(f"{different[m]} records {m[0]!r}" for m in dict.fromkeys(wanted.values()))
        raise InvalidArgument(
            f"metrics is None, and by default {told}; allowed: what all of them can record, such as 'regret', or "
            "'cvar_regret[0.1]' at a level"
        )
    return next(iter(different))


def abridged(names: Sequence[str]) -> list[str]:
    """Return names as a message lists them: only the first ones of thousands, as with one column per arm."""
    return list(names) if len(names) <= LISTED else [*names[:LISTED], f"... ({len(names):,} in all)"]
