"""Setting one lane of a policy's state back to its start, for policies that wrap other policies."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
from numba.extending import overload

from .dispatch import PART_OPTIONS

# Where a policy around another keeps the state of one lane to restore from: nothing changes it, nested or not.
FRESH = "fresh"

# What a state consists of: for each array, its path ("base.wins") and its number of axes, the last being the lane.
Arrays = tuple[tuple[str, int], ...]


def _arrays(names: tuple[str, ...], values: Any) -> Arrays:
    """Return the arrays of a state that rounds change, nested ones too; values are arrays or their Numba types."""
    found: list[tuple[str, int]] = []
    for name, value in zip(names, values, strict=True):
        if name == FRESH and isinstance(value, numba.types.BaseNamedTuple | tuple):
            continue
        if isinstance(value, numba.types.BaseNamedTuple):
            found += [(f"{name}.{inner}", ndim) for inner, ndim in _arrays(value.fields, tuple(value))]
        elif isinstance(value, tuple):
            found += [(f"{name}.{inner}", ndim) for inner, ndim in _arrays(type(value)._fields, value)]  # type: ignore[attr-defined]
        else:
            found.append((name, value.ndim))
    return tuple(found)


@functools.cache
def _restorer(arrays: Arrays) -> Callable[..., None]:
    """Return the function that restores such a state, written out array by array: Numba unrolls no nested tuples."""
    lines = ["def restorer(state, fresh, lane):"]
    for name, ndim in arrays:
        indent = "    "
        for axis in range(ndim - 1):
            lines.append(f"{indent}for i{axis} in range(state.{name}.shape[{axis}]):")
            indent += "    "
        index = "".join(f"i{axis}, " for axis in range(ndim - 1))
        lines.append(f"{indent}state.{name}[{index}lane] = fresh.{name}[{index}0]")
    namespace: dict[str, Any] = {}
    exec("\n".join(lines), namespace)
    made: Callable[..., None] = namespace["restorer"]
    return made


def restore(state: Any, fresh: Any, lane: int) -> None:
    """Set one lane of a state to what a fresh state of one lane holds; kernels may call it.

    Parameters
    ----------
    state : NamedTuple of arrays, nested or not
        As `core.components.make_state` makes it; the last axis of each array is the lane.
    fresh : NamedTuple of arrays
        The unchanged state of the same policy for one lane. Where policies around policies are nested, the inner one
        has such a state too: it must be called `fresh`, and is left as it is.
    lane : int
        Which lane.

    Examples
    --------
    >>> from banditlab.core.components import Space, record
    >>> state = record("State", {"sums": Space(2, 3, None).per_arm()})
    >>> state.sums[:] = 5.0
    >>> restore(state, record("State", {"sums": Space(2, 1, None).per_arm()}), lane=1)
    >>> state.sums.tolist()
    [[5.0, 0.0, 5.0], [5.0, 0.0, 5.0]]
    """
    # compiled and plain code run the same function; as this one names what makes it, kernels' fingerprints cover it
    _restorer(_arrays(type(state)._fields, state))(state, fresh, lane)


@overload(restore, jit_options=PART_OPTIONS)
def _compiled_restore(state, fresh, lane):  # type: ignore[no-untyped-def]  # Numba compares annotations too
    return _restorer(_arrays(state.fields, tuple(state)))
