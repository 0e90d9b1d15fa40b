"""Values and results in a few words, for labels, titles and notebooks."""

from __future__ import annotations

import dataclasses
import functools
from inspect import isfunction, ismethod
from typing import Any

import numpy as np

FEW = 12
"""Up to this many entries of an array or a list are shown; for longer ones, the shape or the number of entries."""


def short(value: Any) -> str:
    """Return a value as labels show it: six digits, only the size of long arrays and lists, no addresses."""
    if isinstance(value, np.ndarray):
        return short(value.tolist()) if value.size <= FEW and value.ndim == 1 else _shape(value)
    if isinstance(value, list | tuple):
        if len(value) > FEW:
            return f"<{len(value)} entries>"
        return "[" + ", ".join(short(v) for v in value) + "]"
    if is_frozen_distribution(value):  # its repr is an address
        arguments = [short(v) for v in value.args] + [f"{k}={short(v)}" for k, v in value.kwds.items()]
        return f"{value.dist.name}({', '.join(arguments)})"
    if isfunction(value):
        return value.__name__
    if ismethod(value):
        return value.__qualname__
    if isinstance(value, functools.partial):
        arguments = [short(v) for v in value.args] + [f"{k}={short(v)}" for k, v in value.keywords.items()]
        return f"{short(value.func)}({', '.join(arguments)})"
    cls: Any = type(value)
    if cls.__repr__ is object.__repr__:  # an address
        return f"{cls.__name__}(...)"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def is_frozen_distribution(value: Any) -> bool:
    """Say whether a value is a distribution of scipy.stats with its arguments."""
    return all(hasattr(value, name) for name in ("dist", "args", "kwds"))


def brief(self: Any) -> str:
    """Return a result in one paragraph: the `__repr__` of dataclasses that hold arrays and other results.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Found:
    ...     best: int
    ...     payments: np.ndarray
    ...     rows: list
    ...
    ...     __repr__ = brief
    >>> Found(2, np.eye(2), [np.zeros((9, 9))] * 20)
    Found(best=2, payments=[[1, 0], [0, 1]], rows=<20 entries>)
    """
    parts = [f"{f.name}={_in_brief(getattr(self, f.name))}" for f in dataclasses.fields(self)]
    return f"{type(self).__name__}({', '.join(parts)})"


def _shape(value: Any) -> str:
    return f"<{' x '.join(str(n) for n in value.shape)} array>"


def _in_brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return short(value.tolist()) if value.size <= FEW else _shape(value)
    if isinstance(value, list | tuple | dict):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        told = [f"{key!r}: {_in_brief(v)}" if isinstance(value, dict) else _in_brief(v) for key, v in entries]
        text = ("{%s}" if isinstance(value, dict) else "[%s]") % ", ".join(told)
        return text if len(text) <= 120 else f"<{len(value)} entries>"
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return short(value.item() if isinstance(value, np.generic) else value)
    return f"{type(value).__name__}(...)"
