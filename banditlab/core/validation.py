"""Checks of arguments: each takes a name and a value, and returns the value in its canonical form or raises.

A check never prints, never guesses and never changes a value's meaning: `2.0` is a valid integer because it is one,
`True` is not a valid number because nobody means it as one.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Callable, Iterable, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgument, InvalidType

Check = Callable[[str, Any], Any]


def shown(value: object) -> str:
    """Return a value as an error message shows it: its repr, shortened."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a repr that fails must not hide the argument's error
        text = object.__repr__(value)
    return text if len(text) <= 120 else text[:117] + "..."


def invalid(name: str, value: object, allowed: str) -> InvalidArgument:
    """Return the error for an argument whose value is not allowed."""
    return InvalidArgument(f"{name} is {shown(value)}; allowed: {allowed}")


def with_article(noun: str) -> str:
    """Return a noun with its article: an environment, a policy, a utility."""
    return f"an {noun}" if noun[0].lower() in "aeio" else f"a {noun}"


def quoted(options: Iterable[str]) -> str:
    """Return options as messages list them, in quotes."""
    return ", ".join(repr(option) for option in options)


def meant(word: object, options: Iterable[str], *, written: Callable[[str], str] = str) -> str:
    """Return the end of a message that suggests the option most similar to a word; '' if none is similar.

    Case does not matter; `written` says how an option is written there.

    Examples
    --------
    >>> meant("KLUCB1", ["klucb", "exp3"], written=repr)
    "; did you mean 'klucb'?"
    """
    import difflib

    lowered, said = {option.lower(): option for option in options}, str(word).lower()

    def likeness(option: str) -> tuple[float, int]:
        common = max(n for n in range(len(said) + 1) if option.startswith(said[:n]))
        return round(difflib.SequenceMatcher(None, option, said).ratio(), 2), common

    close = sorted(difflib.get_close_matches(said, lowered, n=9))
    return f"; did you mean {written(lowered[max(close, key=likeness)])}?" if close else ""


def number(name: str, value: object) -> float:
    """Check for a finite real number."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a real number")
    try:
        result = float(value) + 0.0  # makes -0.0 the same as 0.0
    except OverflowError as error:
        raise invalid(name, value, "a finite number") from error
    if not math.isfinite(result):
        raise invalid(name, value, "a finite number")
    return result


def _interval(low: float, high: float, open_low: bool, open_high: bool) -> str:
    left = "(" if open_low or low == -math.inf else "["
    right = ")" if open_high or high == math.inf else "]"
    return f"{left}{low:g}, {high:g}{right}"


def between(
    low: float, high: float, *, open_low: bool = False, open_high: bool = False, limit: float = math.inf
) -> Check:
    """Return a check for a number in an interval, closed unless said otherwise.

    `limit` is where arithmetic breaks down, not where meaning ends: messages mention it only when it is exceeded.
    """
    allowed = f"a number in {_interval(low, high, open_low, open_high)}"

    def check(name: str, value: object) -> float:
        result = number(name, value)
        above = result > low if open_low else result >= low
        below = result < high if open_high else result <= high
        if not (above and below):
            raise invalid(name, value, allowed)
        if result > limit:
            raise invalid(name, value, f"at most {limit:g}")
        return result

    return check


positive = between(0.0, math.inf, open_low=True, limit=1e100)
non_negative = between(0.0, math.inf, limit=1e100)
probability = between(0.0, 1.0)
positive_probability = between(0.0, 1.0, open_low=True)
open_probability = between(0.0, 1.0, open_low=True, open_high=True)


def boolean(name: str, value: object) -> bool:
    """Check for True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidType(f"{name} is {shown(value)}; allowed: True or False")
    return bool(value)


def yes_or_no(name: str, value: object) -> bool:
    """Check for True or False, or for 1 or 0, as they are in logs."""
    if not isinstance(value, bool | np.bool_ | numbers.Integral) or value not in (0, 1):
        raise InvalidType(f"{name} is {shown(value)}; allowed: True or False, 1 or 0")
    return bool(value)


def integer(low: int | None = None, high: int | None = None, *, limit: int | None = None) -> Check:
    """Return a check for an integer from `low` to `high`, both included; `limit` as in `between`."""
    if low is None and high is None:
        allowed = "an integer"
    elif high is None:
        allowed = f"an integer of at least {low}"
    else:
        allowed = f"an integer from {low} to {high}"

    def check(name: str, value: object) -> int:
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
            raise InvalidType(f"{name} is {shown(value)}; allowed: {allowed}")
        if not isinstance(value, numbers.Integral) and not number(name, value).is_integer():
            raise invalid(name, value, allowed)
        result = int(value) if isinstance(value, numbers.Integral) else int(number(name, value))
        if (low is not None and result < low) or (high is not None and result > high):
            raise invalid(name, value, allowed)
        if limit is not None and result > limit:
            raise invalid(name, value, f"at most {limit}")
        return result

    return check


positive_integer = integer(1, limit=2**53)

SEED = integer(0, 2**64 - 1)
"""A seed: a key of Philox."""

RUN = integer(0, limit=2**53)
"""The number of a run of a seed."""

n_resamples = integer(10, limit=10**7)
"""How many resamples a bootstrap makes."""

n_permutations = integer(1, limit=10**7)
"""How many permutations a test draws."""


def optional(check: Check) -> Check:
    """Return a check that lets None through and otherwise applies `check`."""

    def allow_none(name: str, value: object) -> Any:
        return None if value is None else check(name, value)

    return allow_none


def one_of(*options: str) -> Check:
    """Return a check for one of a few words."""
    allowed = quoted(options)

    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in options:
            raise invalid(name, value, f"one of {allowed}")
        return value

    return check


def text(name: str, value: object) -> str:
    """Check for a text."""
    if not isinstance(value, str):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a text")
    return value


def file_path(name: str, value: object) -> Path:
    """Check for the path of a file or a folder."""
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str) or not str(value):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a path")
    if "\0" in str(value):
        raise invalid(name, value, "a path, which has no null characters")
    return Path(value)


def several(value: object) -> bool:
    """Say whether several things are given, perhaps only one of them in a list."""
    return isinstance(value, Sized) and not isinstance(value, str | bytes | dict)


def as_list(name: str, value: object, allowed: str) -> list[Any]:
    """Return the entries of a list, an array or any other iterable except texts and dicts."""
    nothing = isinstance(value, str | bytes | dict) or (isinstance(value, np.ndarray) and value.ndim == 0)
    if nothing or not isinstance(value, Iterable):
        raise InvalidType(f"{name} is {shown(value)}; allowed: {allowed}")
    return list(value)


LARGEST = 1e300
"""Entries of arrays are at most this in size, so that sums over a horizon stay finite."""


def entry(where: Sequence[int]) -> str:
    """Return an entry's indices as one writes them: '[0][2]'."""
    return "".join(f"[{int(i)}]" for i in where)


def has_truths(value: Any) -> bool:
    """Say whether True or False is among the numbers of a list, nested or not: NumPy takes it for a number."""
    if not isinstance(value, list | tuple):
        return False
    kinds = set(map(type, value))
    nested = not kinds.isdisjoint((list, tuple))
    return bool in kinds or np.bool_ in kinds or (nested and any(map(has_truths, value)))


def floats(name: str, value: Any, allowed: str) -> NDArray[np.float64]:
    """Return a rectangular array of numbers, with any number of axes, as a float64 copy; or raise."""
    if isinstance(value, str | bytes | dict | set):
        raise InvalidType(f"{name} is {shown(value)}; allowed: {allowed}")
    if np.ma.isMaskedArray(value) and np.ma.is_masked(value):
        raise invalid(name, value, "no masked entries")
    try:
        raw = np.asarray(value)
    except ValueError as error:
        raise invalid(name, value, f"{allowed}; these rows have different lengths") from error
    if raw.dtype.kind not in "iuf" or has_truths(value):
        raise invalid(name, value, allowed)
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, which is not allowed
        result: NDArray[np.float64] = np.array(raw, dtype=np.float64, order="C") + 0.0  # makes -0.0 the same as 0.0
    return result


def count(n: int, thing: str, things: str = "") -> str:
    """Return a number of things in words: '1 arm', '2 arms'."""
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def all_entries(name: str, values: NDArray[np.float64], good: NDArray[np.bool_], allowed: str) -> None:
    """Raise, naming the first bad entry, unless all are good and none is too large for sums."""
    bad = ~(good & (np.abs(values) <= LARGEST))
    if bad.any():
        where = tuple(np.argwhere(bad)[0])
        if LARGEST < abs(values[where]) < math.inf:
            allowed = f"{allowed}, at most {LARGEST:g} in size"
        raise InvalidArgument(f"{name}{entry(where)} is {float(values[where])!r}; allowed: {allowed}")


def array(
    ndim: int,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> Check:
    """Return a check for a rectangular, finite float64 array with entries; the result is a read-only copy.

    Its entries lie in an interval, closed unless said otherwise, as in `between`.

    Examples
    --------
    >>> array(1, 0.0, 1.0, open_high=True)("means", [0.0, 0.5]).tolist()
    [0.0, 0.5]
    >>> array(1, 0.0, 1.0, open_high=True)("means", [0.0, 1.0])
    Traceback (most recent call last):
    ...
    banditlab.core.errors.InvalidArgument: means[1] is 1.0; allowed: numbers in [0, 1)
    """
    shape = {1: "a flat sequence", 2: "a matrix (a sequence of equally long rows)"}[ndim]
    if low == -math.inf and high == math.inf:
        interval = "finite numbers"
    else:
        interval = f"numbers in {_interval(low, high, open_low, open_high)}"
    allowed = f"{shape} of {interval}, at least 1 of them"

    def check(name: str, value: Any) -> NDArray[np.float64]:
        result = floats(name, value, allowed)
        if result.ndim != ndim:
            raise invalid(name, value, f"{allowed}; this one has {count(result.ndim, 'dimension')}")
        if result.size == 0:
            raise invalid(name, value, allowed)
        good = result > low if open_low else result >= low
        good &= result < high if open_high else result <= high
        all_entries(name, result, good, interval)
        result.setflags(write=False)
        return result

    return check


def vector(low: float = -math.inf, high: float = math.inf, *, open_low: bool = False, open_high: bool = False) -> Check:
    """Return a check for a flat float64 array with entries in an interval, closed unless said otherwise."""
    return array(1, low, high, open_low=open_low, open_high=open_high)


def matrix(low: float = -math.inf, high: float = math.inf, *, open_low: bool = False, open_high: bool = False) -> Check:
    """Return a check for a rectangular float64 matrix with entries in an interval, closed unless said otherwise."""
    return array(2, low, high, open_low=open_low, open_high=open_high)


def numbers_as_array(value: Any) -> Any:
    """Return lists, tuples and arrays of numbers as a read-only copy, an array of NumPy's choice; others as they are.

    This is how kernels see a field without a check: they accept arrays, but neither lists nor columns of a table.
    """
    other_library = hasattr(value, "__array__") and not isinstance(value, np.ndarray | np.generic | type)
    if type(value) not in (list, tuple, np.ndarray) and not other_library:
        return value
    try:
        result = np.array(value, order="C")
    except ValueError:  # rows of different lengths
        return value
    if result.dtype.kind not in "biuf":
        return value
    result.setflags(write=False)
    return result


def same_length(owner: str, **arrays: NDArray[np.float64]) -> None:
    """Raise unless all arrays have the same first dimension."""
    lengths = {name: len(value) for name, value in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise InvalidArgument(f"{owner}: {told}; allowed: one entry per arm in each")
