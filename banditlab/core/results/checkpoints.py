"""The rounds after which metrics are recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgument, InvalidType
from ..validation import as_list, has_truths, integer, invalid, several, shown

DEFAULT_COUNT = 100


ALLOWED = "'log', 'linear', a number of checkpoints, or a list of rounds"


def checkpoint_rounds(checkpoints: Any, horizon: int) -> NDArray[np.int64]:
    """Return checkpoints as an increasing int64 array that ends at or before the horizon.

    Parameters
    ----------
    checkpoints : {'log', 'linear'}, int, or sequence of int
        'log': at most 100 rounds from 1 to the horizon, evenly spaced in the logarithm; 'linear': evenly spaced;
        an int: 'log' with that many; a sequence: these rounds.
    horizon : int
        Rounds per run.

    Examples
    --------
    >>> checkpoint_rounds(4, 1000).tolist()
    [1, 10, 100, 1000]
    """
    if isinstance(checkpoints, str):
        if checkpoints == "log":
            return _log_spaced(DEFAULT_COUNT, horizon)
        if checkpoints == "linear":
            return np.unique(np.linspace(1, horizon, DEFAULT_COUNT).round().astype(np.int64))
        raise invalid("checkpoints", checkpoints, ALLOWED)
    if np.ma.isMaskedArray(checkpoints) and np.ma.is_masked(checkpoints):
        raise invalid("checkpoints", checkpoints, "no masked entries")
    try:
        values = np.asarray(checkpoints)
    except ValueError as error:
        raise invalid("checkpoints", checkpoints, "a flat list of rounds") from error
    if values.ndim == 0 and values.dtype == object:
        raise InvalidType(f"checkpoints is {shown(checkpoints)}; allowed: {ALLOWED}")
    if values.ndim == 0:
        return _log_spaced(min(integer(1, limit=10**6)("checkpoints", checkpoints), horizon), horizon)
    if values.ndim != 1 or values.size == 0:
        raise invalid("checkpoints", checkpoints, "a flat, non-empty list of rounds")
    if values.dtype.kind not in "iuf" or has_truths(checkpoints) or not np.all(values == np.floor(values)):
        raise InvalidType(f"checkpoints is {shown(checkpoints)}; allowed: whole numbers")
    wrong = (values < 1) | (values > horizon)
    wrong[1:] |= values[1:] <= values[:-1]
    for k in np.flatnonzero(wrong):  # the first, if any
        if values[k] < 1 or values[k] > horizon:
            raise InvalidArgument(f"checkpoints[{k}] is {values[k]}; allowed: from 1 to the horizon, {horizon}")
        raise InvalidArgument(
            f"checkpoints[{k}] is {values[k]}; allowed: above checkpoints[{k - 1}], which is {values[k - 1]}"
        )
    return values.astype(np.int64)


def _log_spaced(count: int, horizon: int) -> NDArray[np.int64]:
    if count == 1:
        return np.array([horizon], dtype=np.int64)
    return np.unique(np.geomspace(1, horizon, count).round().astype(np.int64))


def position_of(at: Any, rounds: NDArray[np.int64], name: str = "at") -> int:
    """Return the position of a checkpoint; of the last for None."""
    if at is None:
        return len(rounds) - 1
    wanted = integer(1)(name, at)
    position = int(np.searchsorted(rounds, wanted))
    if position == len(rounds) or rounds[position] != wanted:
        raise invalid(name, at, f"one of the checkpoints, {shown(rounds.tolist())}")
    return position


def positions_of(at: Any, rounds: NDArray[np.int64]) -> list[int]:
    """Return the positions of checkpoints, given as one or as several.

    Examples
    --------
    >>> positions_of([1, 100], np.array([1, 10, 100])), positions_of(None, np.array([1, 10, 100]))
    ([0, 2], [2])
    """
    if not several(at):
        return [position_of(at, rounds)]
    wanted = as_list("at", at, "rounds, as a list")
    if not wanted:
        raise invalid("at", at, f"one or more of the checkpoints, {shown(rounds.tolist())}")
    return [position_of(one, rounds, f"at[{k}]") for k, one in enumerate(wanted)]
