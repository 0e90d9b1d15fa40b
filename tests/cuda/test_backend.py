"""What choosing where to play says, and what a device's statistics are, on a machine that need not have one."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import numba.cuda
import numpy as np
import pytest

import banditlab as bl
from banditlab import arms, scoring
from banditlab.core.devices import cuda
from banditlab.core.devices.ptx import assemble
from banditlab.core.devices.reduced import STEP, Reduced
from banditlab.core.errors import DeviceError, IncompatiblePolicy, InvalidArgument, InvalidType
from banditlab.core.machines import Interpreter, Processor, machine, stored
from banditlab.core.playing.jobs import Job
from banditlab.core.results.statistics import PROBABILITIES, Moments
from tests.scoring.instances import toy

from . import fakes

WORLD = arms.Bernoulli([0.1, 0.9])
SMALL: dict[str, Any] = {"horizon": 20, "n_runs": 3, "seed": 0, "progress": False}


@pytest.mark.parametrize("value", ["gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", ""])
def test_unknown_backends(value: str) -> None:
    with pytest.raises(
        InvalidArgument, match=f"backend is '{value}'; allowed: one of 'cpu', 'python', 'cuda', 'cuda:1'"
    ):
        bl.run(WORLD, arms.UCB1(), backend=value, **SMALL)


def test_backends_are_text() -> None:
    with pytest.raises(InvalidType, match="backend is 3; allowed: one of"):
        bl.run(WORLD, arms.UCB1(), backend=3, **SMALL)  # type: ignore[arg-type]


class NoDevice(Exception):  # noqa: N818 - it stands in for CuPy's
    """What CuPy raises without a driver."""


class CUDARuntimeError(Exception):
    """What CuPy raises when a device has no memory left for its kernels."""


def _cupy(count: Any, capabilities: tuple[str, ...] = ("90",)) -> Any:
    def get_device_count() -> int:
        if isinstance(count, Exception):
            raise count
        return int(count)

    runtime = SimpleNamespace(getDeviceCount=get_device_count, CUDARuntimeError=NoDevice)
    compiler = SimpleNamespace(getVersion=lambda: (13, 0), getSupportedArchs=lambda: (75, 80, 90, 100))

    class Device(fakes.Device):
        def __init__(self, number: int = 0) -> None:
            super().__init__(number)
            self.compute_capability = capabilities[number]

    return SimpleNamespace(
        cuda=SimpleNamespace(runtime=runtime, nvrtc=compiler, Device=Device),
        arange=lambda end: fakes.there(np.arange(end)),
        __version__="13.3.0",
    )


def _cupy_without_compiler() -> Any:
    library = _cupy(1)
    del library.cuda.nvrtc.getVersion
    return library


def _cupy_without_headers() -> Any:
    library = _cupy(1)

    def arange(end: float) -> None:
        raise RuntimeError("Failed to auto-detect CUDA root directory.")

    library.arange = arange
    return library


def _cupy_without_memory() -> Any:
    library = _cupy(1)

    def arange(end: float) -> None:
        raise CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")

    library.arange = arange
    return library


def _nothing() -> None:
    """Load NVIDIA's compiler of kernels."""


def _no_compiler() -> None:
    raise OSError("libnvvm.so: not found")


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ({"cupy": None}, r"the package cupy cannot be imported .*pip install '\.\[gpu\]' in a clone"),
        ({"cupy": _cupy(1), "numba_cuda": None}, "the package numba-cuda cannot be imported"),
        (
            {"cupy": _cupy(1), "numba_cuda": object(), "numba.cuda": None},
            f"numba-cuda 0.29 does not work with numba {re.escape(numba.__version__)} .*install --upgrade numba-cuda",
        ),
        (
            {"cupy": _cupy(NoDevice("no driver")), "numba_cuda": object()},
            "no usable driver or device: CUDA says no driver; .*with a driver for the CUDA of the package",
        ),
        ({"cupy": _cupy(0), "numba_cuda": object()}, "there is no device; allowed: where nvidia-smi lists one"),
        (
            {"cupy": _cupy(1), "numba_cuda": object(), "_load_nvvm": _no_compiler},
            r"NVIDIA's compiler libnvvm cannot be used .*pip install '\.\[gpu\]' in a clone",
        ),
        (
            {"cupy": _cupy_without_compiler(), "numba_cuda": object()},
            r"NVIDIA's compiler libnvrtc cannot be used .*pip install '\.\[gpu\]' in a clone",
        ),
        (
            {"cupy": _cupy(1, ("70",)), "numba_cuda": object()},
            r"cuda:0 is too old for NVIDIA's compiler here \(compute capability 7.0\); allowed: 7.5 and more",
        ),
        (
            {"cupy": _cupy_without_headers(), "numba_cuda": object()},
            r"cuda:0 cannot be used by CuPy 13.3.0 \(Failed to auto-detect .*\); allowed: .* or CUDA_PATH",
        ),
        (
            {"cupy": _cupy_without_memory(), "numba_cuda": object()},
            "cuda:0 has no memory left .*; allowed: .* a device that others leave alone",
        ),
    ],
    ids=[
        "no cupy",
        "no numba-cuda",
        "releases apart",
        "no driver",
        "no device",
        "no compiler",
        "no compiler of CuPy's",
        "too old",
        "a compiler that CuPy does not know",
        "no memory for kernels",
    ],
)
def test_what_is_missing_is_said(modules: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "version", lambda package: "0.29")
    monkeypatch.setattr(cuda, "_load_nvvm", modules.get("_load_nvvm", _nothing))
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(DeviceError, match=f"backend is 'cuda', and .*{told}"):
        bl.run(WORLD, arms.UCB1(), backend="cuda", **SMALL)
    assert bl.run(WORLD, arms.UCB1(), backend="auto", **SMALL).provenance["backend"] == "cpu"


def test_what_plays_on_no_device_is_told_before_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(IncompatiblePolicy, match=r"Oracle cannot play .* on a CUDA device: "):
        bl.run(toy(), scoring.Oracle(), backend="cuda", **SMALL)


def test_without_numba_cuda_nothing_is_assembled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba_cuda", None)
    with pytest.raises(DeviceError, match=r"the package numba-cuda cannot be imported .*; allowed: with it"):
        assemble(WORLD, arms.UCB1())


def test_of_two_devices_the_third_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", _cupy(2))
    monkeypatch.setitem(sys.modules, "numba_cuda", object())
    monkeypatch.setattr(cuda, "_load_nvvm", lambda: None)
    cuda.arrays.cache_clear()
    with pytest.raises(DeviceError, match="backend is 'cuda:2'; allowed: 'cuda:0' to 'cuda:1', the devices there are"):
        bl.run(WORLD, arms.UCB1(), backend="cuda:2", **SMALL)
    monkeypatch.setitem(sys.modules, "cupy", _cupy(2, ("90", "61")))
    cuda.arrays.cache_clear()
    with pytest.raises(DeviceError, match="backend is 'cuda:1', and cuda:1 is too old for NVIDIA's compiler here"):
        bl.run(WORLD, arms.UCB1(), backend="cuda:1", **SMALL)
    cuda.arrays.cache_clear()


def test_a_current_device_that_is_too_old_keeps_nobody_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", _cupy(2, ("61", "90")))
    monkeypatch.setitem(sys.modules, "numba_cuda", object())
    monkeypatch.setattr(cuda, "_load_nvvm", lambda: None)
    cuda.arrays.cache_clear()
    cuda.require("cuda:1", 1)
    with pytest.raises(DeviceError, match="backend is 'cuda', and cuda:0 is too old"):
        cuda.require("cuda", 0)
    assert bl.run(WORLD, arms.UCB1(), backend="auto", **SMALL).provenance["backend"] == "cpu"
    cuda.arrays.cache_clear()


def test_nested_states_are_stored_throughout() -> None:
    from banditlab.core.components import record

    inner = record("State", {"sums": np.ones(2), "counts": np.ones(2, np.int64)})
    outer = stored(record("State", {"base": inner, "sums": np.ones(2)}), "single")
    assert (outer.base.sums.dtype, outer.base.counts.dtype, outer.sums.dtype) == (np.float32, np.int64, np.float32)


def test_strides_cover_all_rounds_in_calls_as_long_as_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr("banditlab.core.machines.SECONDS_A_CALL", 0.25)
    assert clock.seconds(Processor().strides(3, 12, 2, 8), 0.25) == [(3, 6), (7, 10), (11, 12)]
    assert clock.seconds(Processor().strides(1, 50, 2, 4), 0.0625) == [(1, 2), (3, 10), (11, 42), (43, 50)]
    assert clock.seconds(Processor().strides(1, 12, 1, 8), 0.5) == [(1, 8), (9, 12)]
    assert clock.seconds(Processor().strides(1, 12, 1, 8), 64.0) == [(1, 8), (9, 10), (11, 11), (12, 12)]
    assert clock.seconds(Processor().strides(1, 3, 100, 8), 0.25) == [(1, 1), (2, 2), (3, 3)]
    assert clock.seconds(Processor(dry=True).strides(3, 12, 2, 8), 0.25) == [(3, 2)]
    assert isinstance(machine("python", dry=False, precision="double", reduced=False), Interpreter)


class Clock:
    """Stands in for the clock while calls take as long as they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("time.perf_counter", lambda: self.now)

    def seconds(self, strides: Any, each: float) -> list[tuple[int, int]]:
        """Return all calls, each of which takes so many seconds."""
        found = []
        for call in strides:
            self.now += each
            found.append(call)
        return found


# ------------------------------------------------------------------------------------------- statistics of chunks


def job(n_runs: int) -> Job:
    return Job(WORLD, arms.UCB1(), 10, np.array([5, 10]), ("regret",), 0, n_runs, 0)


def test_reduced_chunks_give_the_statistics_of_all_runs() -> None:
    values = np.random.default_rng(0).normal(size=(50_000, 1, 2)) * [1.0, 100.0]
    moments = Moments(job(50_000))
    for first in (30_000, 0, 10_000):  # they may come in any order
        moments.add(first, Reduced.of(values[first : first + (20_000 if first else 10_000)]))
    found = moments.statistics()["regret"]
    np.testing.assert_allclose(found.mean, values.mean(axis=0)[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.std, values.std(axis=0, ddof=1)[0], rtol=1e-10)
    np.testing.assert_array_equal(found.minimum, values.min(axis=0)[0])
    np.testing.assert_array_equal(found.maximum, values.max(axis=0)[0])
    for level, row in zip(PROBABILITIES, found.quantiles, strict=True):
        shares = (values[:, 0, :] <= row).mean(axis=0)
        assert np.abs(shares - level).max() < 0.005


@pytest.mark.parametrize("n", [1, 2, STEP - 1, STEP, STEP + 1, 1000])
def test_small_chunks_have_someone_to_stand_for_them(n: int) -> None:
    values = np.arange(float(n))[::-1].reshape(n, 1, 1)
    found = Reduced.of(values)
    assert len(found) == found.n_runs == n
    assert 1 <= len(found.ordered) <= 1 + n // STEP
    assert (np.diff(found.ordered[:, 0, 0]) == STEP).all()
    assert values[0, 0, 0] == n - 1  # what was reduced is as it was


def test_what_has_not_happened_leaves_no_quantiles() -> None:
    values = np.random.default_rng(1).random((2_000, 1, 2))
    values[7, 0, 1] = np.nan
    moments = Moments(job(2_000))
    moments.add(0, Reduced.of(values))
    found = moments.statistics()["regret"]
    assert np.isfinite(found.quantiles[:, 0]).all()
    assert np.isnan(found.quantiles[:, 1]).all()
