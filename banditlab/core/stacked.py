"""Several environments in one kernel, each on a lane of its own: their parameters, stacked."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .components import ComponentInfo, Params, Problem, record_class
from .dispatch import implement, optional_generic

MOST_BYTES = 1 << 24
"""Stacked tables larger than this would not stay in a cache: such environments are played one by one."""


@optional_generic
def at(self: Params, lane: int) -> Params:
    """Return the parameters of the environment that a lane plays: as they are, unless each lane plays another one."""
    return self


@dataclass(frozen=True, repr=False)
class SideBySide:
    """Environments as a protocol plays them, each on a lane of its own.

    Attributes
    ----------
    environments : tuple of environments
        One per lane.
    stacked : record, or what holds records
        What kernels get, made by `stack`.
    """

    environments: tuple[Any, ...]
    stacked: Any

    __banditlab__ = ComponentInfo("environment", {}, {})

    def __repr__(self) -> str:
        """Return the first environment: the compiler's errors are about it."""
        return repr(self.environments[0])

    @property
    def n_arms(self) -> int:
        """The number of arms of each."""
        return int(self.environments[0].n_arms)

    def params(self, problem: Problem) -> Any:
        """Return what kernels get."""
        return self.stacked


def stack(records: Sequence[Any]) -> Any | None:
    """Return records as one, of which `at(made, k)` is the k-th; None where they differ in class or shape.

    Fields are arrays or numbers; each becomes an array with an additional first axis for the records.
    """
    cls: Any = type(records[0])
    if any(type(one) is not cls for one in records):  # components of one class can derive other names, or fewer
        return None
    columns = list(zip(*records, strict=True))
    tables = [[np.asarray(value) for value in column] for column in columns]
    alike = all(
        first.dtype.kind in "biuf" and all(t.shape == first.shape and t.dtype == first.dtype for t in table)
        for first, *table in tables
    )
    # an array without an axis would become a number
    apart = any(isinstance(value, tuple) or (isinstance(value, np.ndarray) and not value.ndim) for value in records[0])
    if not alike or apart or len(records) * sum(first.nbytes for first, *_ in tables) > MOST_BYTES:
        return None
    return _stacked(cls)(*(np.stack(table) for table in tables))


@functools.cache
def _stacked(cls: Any) -> type:
    """Return the class of several records of a class, for which `at` is written out: Numba unrolls no loop here."""
    made = record_class(f"Stacked_{cls.__name__}", cls._fields)
    scope = {"cls": cls}
    exec(f"def at(self, lane):\n    return cls({', '.join(f'self.{name}[lane]' for name in cls._fields)},)", scope)
    implement(at, made, scope["at"])
    return made
