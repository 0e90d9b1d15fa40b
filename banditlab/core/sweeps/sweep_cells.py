"""Cells of a sweep, and the values of their parameters: compared, chosen by, and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..brief import brief
from ..results.checkpoints import positions_of
from ..results.metrics import abridged
from ..results.results import Cell
from ..results.statistics import Statistics
from ..validation import invalid, shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SweepCell:
    """One combination of parameters, and one policy.

    Attributes
    ----------
    parameters : dict
        The parameters that its environment and policy take.
    policy : str
        The policy's label.
    cell : Cell or None
        The numbers; None if it failed.
    failure : str
        The traceback if it failed, else empty.
    horizon : int
        Rounds per run.
    checkpoints : int64 array or None
        The rounds after which metrics were recorded.
    environment : str
        The environment: the parameters that it takes, such as 'delta=0.1', or its label if it takes none.
    of_environment : tuple of str
        Names of these parameters.
    components : dict
        Environment and policy as plain data; empty if they could not be made.
    """

    parameters: dict[str, Any]
    policy: str
    cell: Cell | None
    failure: str = ""
    horizon: int = 0
    checkpoints: NDArray[np.int64] | None = None
    environment: str = ""
    of_environment: tuple[str, ...] = ()
    components: dict[str, Any] = field(default_factory=dict)

    __repr__ = brief

    def statistics(self, metric: str) -> Statistics:
        """Return what is known about a metric at the checkpoints."""
        assert self.cell is not None
        if metric not in self.cell.metrics:
            raise invalid("metric", metric, f"one of {abridged(self.cell.metrics)}, which were recorded")
        return self.cell.statistics_of(metric)

    def positions(self, at: Any) -> list[int]:
        """Return the positions of one or several checkpoints; of the last for None."""
        assert self.checkpoints is not None
        return positions_of(at, self.checkpoints)


def hashable(value: Any) -> Any:
    """Return a parameter's value in a form that tables can hold and compare: sequences as tuples."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(hashable(v) for v in value) if isinstance(value, list | tuple) else value


def token(value: Any) -> Any:
    """Return what identifies a parameter's value: equal numbers, texts, dates and sequences are one.

    Others are themselves. They are objects of the caller's, which stay, so that no two have the same id; what an array
    has instead of numbers (`longdouble`, dates) is made anew by each `tolist`.

    Examples
    --------
    >>> token([1, 2.0]) == token((1.0, 2)), token(1) == token(True), token(1) == token("1")
    (True, False, False)
    >>> token(np.array([1j])) == token([1j]), token(np.array([1j])) == token(np.array([2j]))
    (True, False)
    """
    value = hashable(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, tuple):
        return tuple(map(token, value))
    known = isinstance(value, Number | str | bytes | date | time | timedelta | np.generic | type(None))
    return (isinstance(value, bool), value) if known else id(value)


def agrees(value: Any, wanted: Any) -> bool:
    """Say whether a cell's value of a parameter is the wanted one; None, for a cell without it, matches anything."""
    value = hashable(value)
    return value is None or value != value or bool(value == hashable(wanted))


def check_there(where: Mapping[str, Any], cells: list[SweepCell]) -> None:
    """Raise for values that no cell has: cells without the parameter match any, and only they would be left."""
    for name, wanted in where.items():
        there = [c.parameters[name] for c in cells if c.parameters.get(name) is not None]
        if not any(agrees(value, wanted) for value in there):
            told = ", ".join(abridged(list(dict.fromkeys(shown(value) for value in there))))
            raise invalid("where", where, f"values that some cell has; {name} has {told or 'none'}")
    with_all = [c for c in cells if all(c.parameters.get(name) is not None for name in where)]
    if with_all and not any(all(agrees(c.parameters[name], v) for name, v in where.items()) for c in with_all):
        raise invalid("where", where, "values that some cell has together")


def in_words(parameters: Mapping[str, Any]) -> str:
    """Return parameters as labels show them: 'delta=0.1, world=easy'."""
    return ", ".join(f"{name}={v if isinstance(v, str) else shown(hashable(v))}" for name, v in parameters.items())


def policy_labels(cells: list[SweepCell]) -> list[str]:
    """Return each cell's policy; with its own parameters where an environment has several cells of a policy."""
    pairs = [(cell.environment, cell.policy) for cell in cells]
    repeated = {policy for (_, policy), times in Counter(pairs).items() if times > 1}
    own = [{k: v for k, v in c.parameters.items() if k not in (*c.of_environment, "horizon")} for c in cells]
    return [
        f"{cell.policy}, {in_words(mine)}" if cell.policy in repeated else cell.policy
        for cell, mine in zip(cells, own, strict=True)
    ]


def plain(value: Any) -> Any:
    """Return a parameter as a tidy table shows it; anything that is not plain, as text."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value if isinstance(value, int | float | str | type(None)) else str(value)


EXACT = 2**53
"""Whole numbers up to this are floats, too."""


def column(values: list[Any]) -> pd.Series:
    """Return a parameter's values as a column: None among numbers is NaN, unless that would round a whole number."""
    import pandas as pd

    rounded = any(isinstance(value, int) and abs(value) > EXACT for value in values)
    return pd.Series(values, dtype=object if rounded and None in values else None)
