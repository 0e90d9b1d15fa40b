"""What was made of something, by key: kept while it is among what was used last."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

T = TypeVar("T")

_uses = itertools.count()

_changes = threading.Lock()
"""Held by whoever goes through entries or changes which there are: going through a dict that changes is an error."""


@dataclass
class _Entry(Generic[T]):
    """A value, the bytes of its arrays by id, and when it was last used."""

    value: T
    arrays: dict[int, int]
    used: int


class LatelyUsed(Generic[T]):
    """At most so many values, with at most so many bytes in their arrays (but always the one that was put last).

    Arrays that several values share, or are parts of, count once. Any number of threads may use it at once.

    Parameters
    ----------
    most : int
        How many values.
    most_bytes : int
        How much memory their arrays may take.

    Examples
    --------
    >>> squares = LatelyUsed(2, 100)
    >>> for k in (3, 4):
    ...     squares.put(k, k**2)
    >>> squares.get(3, None)
    9
    >>> squares.put(5, 25)
    >>> squares.get(4, None), squares.get(3, None), len(squares)
    (None, 9, 2)
    >>> squares.put(6, np.zeros(20))  # which takes 160 bytes
    >>> len(squares)
    1
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self._entries: dict[Any, _Entry[T]] = {}

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._entries)

    def as_dict(self) -> dict[Any, T]:
        """Return the values by key: a copy, as other threads may go on."""
        with _changes:
            return {key: entry.value for key, entry in self._entries.items()}

    def get(self, key: Any, default: Any) -> Any:
        """Return the value of a key, or what stands for none."""
        entry = self._entries.get(key)
        if entry is None:
            return default
        entry.used = next(_uses)
        return entry.value

    def put(self, key: Any, value: T) -> None:
        """Keep a value; forget those whose last use is longest ago, if there is no room for it."""
        with _changes:
            self._entries[key] = _Entry(value, dict(_arrays(value)), next(_uses))
            by_use = sorted(self._entries, key=lambda known: self._entries[known].used)
            while len(by_use) > 1 and not self._fits():
                del self._entries[by_use.pop(0)]

    def _fits(self) -> bool:
        arrays: dict[int, int] = {}
        for entry in self._entries.values():
            arrays |= entry.arrays
        return len(self._entries) <= self.most and sum(arrays.values()) <= self.most_bytes


def _arrays(value: Any) -> Iterator[tuple[int, int]]:
    """Go through the arrays in a value: the id and the bytes of what holds their numbers."""
    if isinstance(value, np.ndarray):
        owner = value.base if isinstance(value.base, np.ndarray) else value
        yield id(owner), owner.nbytes
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _arrays(part)
