"""Sliding windows of bits in kernels, which count how many more ones the newer half holds than the older.

`state` has, for the windows in the rows of a lane: `bits`, rings of eight bits a byte; `pushed`, how many bits each has
seen; and `contrast`, the number of ones in the newer half less that in the older.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.components import Space, State
from banditlab.core.dispatch import device


def windows(space: Space, n_windows: int, size: int) -> dict[str, Any]:
    """Return empty windows of a size; no memory is kept for bits that no round of the horizon can fill."""
    used = size if space.horizon is None else min(size, space.horizon)
    return {
        "bits": space.array(n_windows, (used + 7) // 8, fill=0, dtype=np.uint8),
        "pushed": space.array(n_windows, fill=0, dtype=np.int64),
        "contrast": space.array(n_windows, fill=0, dtype=np.int64),
    }


@device
def _bit(bits: Any, row: int, place: int, lane: int) -> Any:
    return (np.int64(bits[row, place >> 3, lane]) >> (place & 7)) & 1


@device
def push(state: State, row: int, lane: int, size: int, bit: int) -> bool:
    """Add a bit to a window, which forgets its oldest; say whether it is full."""
    n = state.pushed[row, lane]
    place = n % size
    last = _bit(state.bits, row, place, lane)
    half = size // 2
    # from the newer half to the older moves the bit pushed half a window ago; what stood there before does not count
    moves = _bit(state.bits, row, place + half if place < half else place - half, lane) if n >= half else 0
    leaves = last if n >= size else 0
    state.contrast[row, lane] += bit - 2 * moves + leaves
    state.bits[row, place >> 3, lane] = np.int64(state.bits[row, place >> 3, lane]) ^ ((bit ^ last) << (place & 7))
    state.pushed[row, lane] = n + 1
    return n + 1 >= size


@device
def clear(state: State, lane: int) -> None:
    """Empty all windows of a lane."""
    for row in range(state.pushed.shape[0]):
        state.pushed[row, lane] = 0
        state.contrast[row, lane] = 0
