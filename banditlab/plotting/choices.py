"""What a caller chooses in pictures of policies: which are drawn, their colours and their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.results.metrics import abridged
from banditlab.core.validation import as_list, invalid, shown

from .texts import writable


def chosen_policies(policies: Any, known: tuple[str, ...]) -> list[str]:
    """Return the labels of the policies to draw: those that are asked for, or all."""
    if policies is None:
        return list(known)
    chosen = as_list("policies", policies, "labels, as a list")
    for k, label in enumerate(chosen):
        if not isinstance(label, str) or label not in known:
            raise invalid(f"policies[{k}]", label, f"one of {abridged(known)}")
        if label in chosen[:k]:
            raise invalid(f"policies[{k}]", label, "each label once")
    if not chosen:
        raise invalid("policies", policies, f"one or more of {abridged(known)}")
    return chosen


def colours_of(colors: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the caller's colours of policies, by label."""
    return _by_label("colors", colors, known, "colour", _colour)


def labels_of(labels: Any, known: tuple[str, ...]) -> dict[str, str]:
    """Return the caller's names of policies, by label."""
    return _by_label("labels", labels, known, "text", _name)


def _by_label(
    name: str, given: Any, known: tuple[str, ...], kind: str, check: Callable[[str, Any], Any]
) -> dict[str, Any]:
    """Return what is given for some of the policies, each checked, or raise for policies that there are not."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidType(f"{name} is {shown(given)}; allowed: a dict from a policy's label to a {kind}")
    for label in given:
        if label not in known:
            raise InvalidArgument(f"{name} has the label {shown(label)}; allowed: one of {abridged(known)}")
    return {label: check(f"{name}[{label!r}]", one) for label, one in given.items()}


def _colour(name: str, value: Any) -> Any:
    from matplotlib.colors import is_color_like

    if not is_color_like(value):
        raise invalid(name, value, "a colour of matplotlib, such as 'tab:red', '#D55E00' or 'C0'")
    return value


def _name(name: str, value: Any) -> str:
    if not writable(name, value).strip():
        raise invalid(name, value, "a text that is not empty (`policies` is for leaving policies out)")
    return str(value)
