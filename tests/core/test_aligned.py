"""Arrays of kernels begin where a cache line does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from banditlab import arms
from banditlab.core.aligned import CACHE_LINE, aligned
from banditlab.core.components import Space, make_state
from banditlab.core.machines import Processor
from banditlab.core.sampling import POLICY_STREAM, seeded


def begins_a_line(array: Any) -> bool:
    return array.ctypes.data % CACHE_LINE == 0


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.uint64, np.float32, np.int8, np.bool_])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 128), (5, 2, 7)])
def test_what_it_returns_is_what_numpy_would(shape: tuple[int, ...], dtype: Any) -> None:
    for fill in (0, 1):
        found = aligned(shape, dtype, fill)
        expected = np.full(shape, fill, dtype)
        assert begins_a_line(found) or not found.size
        assert found.dtype == expected.dtype
        assert found.flags.c_contiguous
        assert found.flags.writeable
        np.testing.assert_array_equal(found, expected)


def test_all_that_kernels_read_and_write_begins_a_line() -> None:
    for lanes in (1, 8, 104, 128):
        state = make_state(arms.UCB1(), Space(3, lanes, 100))
        scratch = Processor().scratch(lanes, arm=np.int64, u=np.float64)
        for array in (*state, *scratch, Processor().zeros(4, 2, lanes), seeded(0, POLICY_STREAM, 5, lanes)):
            assert begins_a_line(array)


def test_a_state_s_array_may_be_filled_with_one_value_an_entry() -> None:
    filled = Space(2, 3, None).array(2, fill=np.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(filled, [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
