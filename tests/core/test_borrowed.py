"""Arrays that kernels borrow are the caller's arrays."""

from __future__ import annotations

import gc
import sys
from typing import Any

import numpy as np

from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import record
from banditlab.core.dispatch import borrowed


def write(state: Any, where: int, value: float) -> float:
    mine = borrowed(state)
    mine.numbers[where] += value
    mine.inner.table[0, where] = mine.numbers[where] * 2.0
    mine = borrowed(mine)
    return mine.inner.table[0, where] + mine.scale


def arguments() -> Any:
    inner = record("Inner", {"table": np.zeros((2, 3))})
    return record("Outer", {"numbers": np.arange(3.0), "inner": inner, "scale": 0.5})


def test_writes_reach_the_callers_arrays_compiled_or_not() -> None:
    for compiled in (False, True):
        state = arguments()
        assert kernel(write, state, compiled=compiled)(state, 1, 10.0) == 22.5
        np.testing.assert_array_equal(state.numbers, [0.0, 11.0, 2.0])
        np.testing.assert_array_equal(state.inner.table, [[0.0, 22.0, 0.0], [0.0, 0.0, 0.0]])


def test_the_caller_still_owns_its_arrays() -> None:
    """No reference is counted twice or lost, however often a kernel is called."""
    state = arguments()
    run = kernel(write, state)
    run(state, 0, 1.0)
    before = sys.getrefcount(state.numbers), sys.getrefcount(state.inner.table)
    for _ in range(1000):
        run(state, 0, 1.0)
    gc.collect()
    assert (sys.getrefcount(state.numbers), sys.getrefcount(state.inner.table)) == before
    assert state.numbers[0] == 1001.0
