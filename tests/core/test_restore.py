"""Setting one lane of a state back: any shapes and nesting, compiled and not, and part of a kernel's fingerprint."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest

from banditlab.core import restore as module
from banditlab.core.compiling.fingerprint import fingerprint
from banditlab.core.components import Space, record
from banditlab.core.restore import restore


def state(space: Space, depth: int = 2):
    """Return a nested state whose numbers all differ, with arrays of one to four axes and of several types."""
    numbers = itertools.count(1 + 1000 * depth)

    def distinct(*shape: int, dtype=np.float64):
        first = [next(numbers) for _ in range(int(np.prod(shape, dtype=int)))]
        return np.repeat(np.array(first, dtype)[:, None], space.n_lanes, axis=1).reshape(*shape, space.n_lanes)

    arrays = {
        "lane": distinct(),
        "arm": distinct(space.n_arms, dtype=np.int64),
        "pair": distinct(space.n_arms, space.n_arms),
        "cube": distinct(2, 1, 3),
        "bytes": distinct(5).astype(np.uint8),
        "empty": distinct(0),
    }
    if depth:
        arrays["inner"] = state(space, depth - 1)
    return record("State", arrays)


def leaves(value):
    for part in value:
        if isinstance(part, tuple):
            yield from leaves(part)
        else:
            yield part


def alike(space: Space):
    """Return a nested state whose parts have but one type: Numba has another kind of tuple for these."""
    return record("State", {"a": space.per_lane(7.0), "b": space.per_lane(8.0)})


@numba.njit
def compiled(arrays, fresh, lane):
    restore(arrays, fresh, lane)


@pytest.mark.parametrize("run", [restore, compiled], ids=["plain", "compiled"])
@pytest.mark.parametrize("make", [state, alike], ids=["nested", "uniform"])
def test_one_lane_is_as_it_was_and_no_other_is_touched(run, make) -> None:
    used, fresh, untouched = make(Space(3, 4, None)), make(Space(3, 1, None)), make(Space(3, 4, None))
    for array in leaves(used):
        array += 50
    run(used, fresh, 2)
    for array, before in zip(leaves(used), leaves(untouched), strict=True):
        np.testing.assert_array_equal(array[..., 2], before[..., 2])
        others = [0, 1, 3]
        np.testing.assert_array_equal(array[..., others], (before + np.array(50, before.dtype))[..., others])
    for array, before in zip(leaves(fresh), leaves(make(Space(3, 1, None))), strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("run", [restore, compiled], ids=["plain", "compiled"])
def test_what_an_inner_policy_restores_from_is_left_alone(run) -> None:
    def around(n_lanes: int, value: float):
        base = record("State", {"sums": Space(2, n_lanes, None).per_arm(value)})
        fresh = record("State", {"sums": Space(2, 1, None).per_arm()})
        return record("State", {"base": base, "fresh": fresh, "clock": Space(2, n_lanes, None).per_lane(value)})

    used = around(3, 5.0)
    run(used, around(1, 0.0), 2)
    assert used.base.sums.tolist() == [[5.0, 5.0, 0.0], [5.0, 5.0, 0.0]]
    assert used.clock.tolist() == [5.0, 5.0, 0.0]
    assert used.fresh.sums.shape == (2, 1)


def test_fingerprint_of_a_kernel_that_restores_covers_how(monkeypatch) -> None:
    def kernel(arrays, fresh):
        restore(arrays, fresh, 0)

    before = fingerprint(kernel)
    assert fingerprint(kernel) == before

    def other(arrays):
        return lambda state, fresh, lane: None

    monkeypatch.setattr(module, "_restorer", other)
    assert fingerprint(kernel) != before
