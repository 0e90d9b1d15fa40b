"""What tells components apart whose labels are equal, because labels shorten arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

MOST_TOLD = 3
"""At most so many numbers tell components of one label apart; where that takes more, a hash does."""

LONGEST = 10_000
"""Longer descriptions are not kept to be compared number by number: a store can have thousands of them."""

HASH = "#"
"""What hashes begin with, and no description does."""


def compared(described: Any) -> str:
    """Return what components are compared by: their description as text, or its hash if it is long."""
    text = json.dumps(described)
    return text if len(text) <= LONGEST else _hash(text)


def told_apart(labels: Sequence[str], texts: Sequence[str | None]) -> list[str]:
    """Return labels, with what tells different components of one label apart.

    Parameters
    ----------
    labels : sequence of str
        Labels of components.
    texts : sequence of str or None
        What `compared` returned for each; None for what could not be made, which stays as it is.

    Examples
    --------
    >>> easy, hard = compared({"means": [0.1, 0.9]}), compared({"means": [0.1, 0.2]})
    >>> told_apart(["a", "a", "b", "a"], [easy, hard, easy, None])
    ['a with means[1]=0.9', 'a with means[1]=0.2', 'b', 'a']
    """
    groups: dict[str, dict[str, str]] = {}
    for label, text in zip(labels, texts, strict=True):
        if text is not None:
            groups.setdefault(label, {})[text] = ""
    told = {label: _differences(list(alike)) if len(alike) > 1 else alike for label, alike in groups.items()}
    return [label if text is None else label + told[label][text] for label, text in zip(labels, texts, strict=True)]


def _differences(texts: list[str]) -> dict[str, str]:
    """Return, for each of several descriptions, the few numbers that tell it from the others, or else its hash."""
    hashes = {text: f" {text if text.startswith(HASH) else _hash(text)}" for text in texts}
    if any(text.startswith(HASH) for text in texts):
        return hashes
    fields = [_numbered(json.loads(text)) for text in texts]
    chosen: list[str] = []
    kinds = 1
    for name in dict.fromkeys(name for mine in fields for name in mine):
        several = len({tuple(repr(mine.get(key)) for key in (*chosen, name)) for mine in fields})
        if several > kinds:
            chosen, kinds = [*chosen, name], several
        if kinds == len(texts) or len(chosen) == MOST_TOLD:
            break
    if kinds < len(texts):
        return hashes
    told = [", ".join(f"{name}={mine[name]}" for name in chosen if name in mine) for mine in fields]
    return {text: f" with {words}" if words else "" for text, words in zip(texts, told, strict=True)}


def _hash(text: str) -> str:
    return HASH + hashlib.sha256(text.encode()).hexdigest()[:8]


def _numbered(described: Any, name: str = "") -> dict[str, Any]:
    """Return the plain values in a description, by the names of their places: `means[3]`."""
    if isinstance(described, dict):
        parts = [(f"{name}.{key}" if name else key, inner) for key, inner in described.items()]
    elif isinstance(described, list):
        parts = [(f"{name}[{k}]", inner) for k, inner in enumerate(described)]
    else:
        return {name: described}
    return {place: value for part, inner in parts for place, value in _numbered(inner, part).items()}
