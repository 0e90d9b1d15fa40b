"""A CUDA device: one thread plays one lane, many rounds in one launch.

The kernels are those of the processor. What is launched is a function written out for the given arguments: a thread
cuts its own lane out of every array, copies its generators to registers, and calls the protocol kernel with one lane.
CuPy owns memory, streams and transfers; numba-cuda compiles. In Numba's CUDA simulator (NUMBA_ENABLE_CUDASIM=1), NumPy
takes CuPy's place, and everything else is the same: this is how the code is tested without a device.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import math
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import numba
import numpy as np

from ..compiling.fingerprint import fingerprint
from ..compiling.kernels import classes_of, kernel_name, remove_old_kernels
from ..compiling.numba_parts import NO_CACHE, Forgiving
from ..errors import DeviceError
from .launch import LanesApart, Shape, compiling, launched, one_at_a_time

THREADS = 128
"""Threads per block: few enough that a launch of some ten thousand lanes occupies every multiprocessor."""

FIRST_LAUNCH = 1 << 24
"""Rounds, of all lanes together, of the first launch."""

FIRST_ROUNDS = 1 << 10
"""Most rounds of each lane in the first launch: a thread is slow, however few others there are."""


def simulated() -> bool:
    """Say whether Numba simulates a device."""
    return bool(numba.config.ENABLE_CUDASIM)


def missing() -> str:
    """Return what is missing to use CuPy's current device; empty if nothing is."""
    return _absent() or ("" if simulated() else _unusable())


def _absent() -> str:
    """Return what is missing to use any CUDA device: a package, the driver or a device; empty if nothing is."""
    if simulated():
        return ""
    install = "allowed: with it, for example pip install '.[gpu]' in a clone of banditlab"
    try:
        import cupy
    except ImportError as error:
        return f"the package cupy cannot be imported ({error}); {install}"
    try:
        import numba_cuda  # noqa: F401 - it stands in for numba.cuda
    except ImportError as error:
        return f"the package numba-cuda cannot be imported ({error}); {install}"
    try:
        importlib.import_module("numba.cuda")
    except Exception as error:  # noqa: BLE001 - what is missing to it differs between releases
        return (
            f"numba-cuda {version('numba-cuda')} does not work with numba {numba.__version__} ({error}); allowed: "
            "releases that do, as of pip install --upgrade numba-cuda"
        )
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return (
            f"there is no usable driver or device: CUDA says {error}; allowed: where nvidia-smi lists a device, with a "
            "driver for the CUDA of the package (13, or 12 with banditlab's extra [gpu])"
        )
    if not count:
        return "there is no device; allowed: where nvidia-smi lists one"
    for library, check in (("libnvvm", _load_nvvm), ("libnvrtc", _load_nvrtc)):
        try:
            check()
        except Exception as error:  # noqa: BLE001 - what it raises differs between versions of the packages
            return f"NVIDIA's compiler {library} cannot be used ({str(error) or type(error).__name__}); {install}"
    return ""


def _load_nvvm() -> None:
    """Raise unless numba-cuda can compile kernels."""
    from numba.cuda.cudadrv import nvvm

    nvvm.NVVM()


def _load_nvrtc() -> None:
    """Raise unless CuPy can compile its own kernels.

    Before version 14, it looks for the library only where the system's loader does, and not where pip puts it, so it is
    loaded from there first.
    """
    import cupy

    with contextlib.suppress(Exception):  # a library of the system will do
        from cuda.pathfinder import load_nvidia_dynamic_lib

        load_nvidia_dynamic_lib("nvrtc")
    cupy.cuda.nvrtc.getVersion()


def _unusable(*number: int) -> str:
    """Return why a device (CuPy's current one, if none is named) cannot be used; empty if it can.

    CuPy compiles its own kernels when they are first asked for, and finds only then that it lacks a header, or that
    NVIDIA's compiler is newer than it knows. So that this does not come after the runs, it is asked for one.
    """
    import cupy

    device = cupy.cuda.Device(*number)
    found, oldest = int(device.compute_capability), min(cupy.cuda.nvrtc.getSupportedArchs())
    if found < oldest:
        return (
            f"cuda:{device.id} is too old for NVIDIA's compiler here (compute capability {found / 10}); allowed: "
            f"{oldest / 10} and more, or a compiler for older ones (with banditlab's extra [gpu], that of CUDA 12)"
        )
    try:
        with device:
            cupy.arange(2.0).sum().get()
    except Exception as error:  # noqa: BLE001 - what it raises differs between its releases and its parts
        told = _told_of_device(error) or (
            f"cannot be used by CuPy {cupy.__version__} ({error}); allowed: a release of it that knows "
            "NVIDIA's compiler here, as of pip install --upgrade, or CUDA_PATH set to a toolkit that it knows"
        )
        return f"cuda:{device.id} {told}"
    return ""


def require(backend: str, number: int) -> None:
    """Raise unless a device can be used."""
    told = _absent()
    if told:
        raise DeviceError(f"backend is {backend!r}, and {told}")
    count = 1 if simulated() else arrays().cuda.runtime.getDeviceCount()
    if number >= count:
        raise DeviceError(f"backend is {backend!r}; allowed: 'cuda:0' to 'cuda:{count - 1}', the devices there are")
    told = "" if simulated() else _unusable(number)
    if told:
        raise DeviceError(f"backend is {backend!r}, and {told}")


def current_device() -> int:
    """Return the number of the device that CuPy uses by default."""
    if simulated() or _absent():
        return 0
    return int(arrays().cuda.Device().id)


@functools.cache
def arrays() -> Any:
    """Return the library that owns the device's arrays: CuPy, or NumPy where the device is simulated."""
    if simulated():
        return np
    import cupy

    return cupy


@functools.cache
def _dispatcher(function: Callable[..., Any], shapes: Any, components: tuple[type, ...], number: int) -> Any:
    """Return what compiles and launches a kernel; one per device, as devices can be of different kinds.

    It is not optimised when linked, unlike numba-cuda's default: the linker would fuse multiplications and additions
    again.
    """
    from numba import cuda

    made = launched(function, shapes)
    if simulated():
        return cuda.jit(made)
    dispatcher = cuda.jit(made, lto=False)
    extra = " ".join(["device", *(t.__name__ for t in components), repr(shapes)])
    made.__qualname__ = kernel_name(function, components, fingerprint(function, launched, compiling, extra=extra))
    with contextlib.suppress(*NO_CACHE):  # without a folder that can hold the cache, do without it
        dispatcher._cache = _disk_cache()(made)
        remove_old_kernels(dispatcher._cache.cache_path, function)
    return dispatcher


@functools.cache
def _disk_cache() -> Any:
    """Return numba-cuda's cache, made forgiving: later processes need not compile a kernel, which takes seconds."""
    from numba.cuda.dispatcher import CUDACache

    return type("DiskCache", (Forgiving, CUDACache), {})


class Device(LanesApart):
    """A CUDA device, and the stream on it that CuPy uses in this thread: see `placed`.

    Parameters
    ----------
    number : int
        Which device.
    dry, precision
        As for `Machine`.
    reduced : bool
        Whether what is fetched stays on the device, to be reduced there.
    """

    most_numbers = math.inf

    def __init__(self, number: int = 0, dry: bool = False, precision: str = "double", reduced: bool = False) -> None:
        super().__init__(dry, precision)
        self._number = number
        self._reduced = reduced
        self._uploaded: dict[int, Any] = {}
        self._finished: Any = None
        self._launches = 0
        self._stream = None if simulated() else arrays().cuda.get_current_stream()

    def _many(self, value: Any, axis: int, n_lanes: int) -> Any:
        return self._there(arrays().repeat(arrays().asarray(value), n_lanes, axis))

    def zeros(self, *shape: int, dtype: Any = np.float64) -> Any:
        """Return an array of zeros on the device."""
        return self._there(arrays().zeros(shape, dtype))

    def _there(self, array: Any, of: Any = None) -> Any:
        """Keep an array on the device, for launches that receive it, or the host array that it was made from."""
        self.kept += [array, of]
        self._uploaded[id(array if of is None else of)] = array if simulated() else _for_numba(array)
        return array

    def _upload(self, value: Any) -> Any:
        """Return what a launch receives for an argument: arrays on the device, once for each; records of these."""
        if isinstance(value, tuple):
            return type(value)(*(self._upload(part) for part in value))
        if not isinstance(value, np.ndarray) and not hasattr(value, "__cuda_array_interface__"):
            return value
        if id(value) not in self._uploaded:
            self._there(arrays().array(value, order="C"), of=value)
        return self._uploaded[id(value)]

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return a kernel that plays all lanes, one per thread."""
        classes = classes_of(components)

        def launch(*arguments: Any) -> None:
            shapes = self.shapes(function, arguments)
            names = list(inspect.signature(function).parameters)
            n_lanes = arguments[names.index("tally")].shape[-1]
            # a thread makes its scratch itself; a number stands where it would be
            given = [0 if s[0] == "scratch" else self._upload(a) for s, a in zip(shapes, arguments, strict=True)]
            self.launch(function, shapes, classes, n_lanes, given)

        return launch

    def launch(
        self,
        function: Callable[..., Any],
        shapes: tuple[Shape, ...],
        classes: tuple[type, ...],
        n_lanes: int,
        given: list[Any],
        cells: Any = 0,
    ) -> None:
        """Launch a kernel for what is on the device already; if cells share it, `cells` gives each lane's."""
        if self._finished is None:
            self._finished = self.zeros(n_lanes, dtype=np.int64)
        given = [n_lanes, cells, self._upload(self._finished), *given]
        dispatcher = _dispatcher(function, shapes, classes, self._number)
        if simulated():
            with one_at_a_time:  # the simulator knows one launch
                dispatcher[n_lanes, 1](*given)
        else:
            _compile(dispatcher, given)
            _configured(dispatcher, -(-n_lanes // THREADS), self._stream)(*given)
        self._launches += 1

    def strides(self, first: int, last: int, n_lanes: int, usual: int) -> Iterator[tuple[int, int]]:
        """Yield the rounds of launches: the first is longer than a call on the processor, but not for few lanes."""
        launch = usual if simulated() else min(FIRST_LAUNCH, FIRST_ROUNDS * n_lanes)
        return super().strides(first, last, n_lanes, launch)

    def wait(self) -> None:
        """Wait for the stream, asleep: `synchronize` keeps a core busy, and up to 32 threads wait at a time."""
        if self._stream is not None:
            event = arrays().cuda.Event(block=True, disable_timing=True)
            event.record(self._stream)
            event.synchronize()

    def fetch(self, array: Any) -> Any:
        """Return an array of the device's: here, or, where it is to stay, there."""
        if self._finished is not None:
            stopped = self._finished != self._launches
            if bool(stopped.any()):
                raise DeviceError(
                    f"a kernel stopped with an exception in lane {int(stopped.argmax())} of {len(stopped)}; "
                    "allowed: one that stops on no lane (backend='cpu' shows the exception)"
                )
        self.look()
        found = array if simulated() or self._reduced else array.get(stream=self._stream)
        self.wait()
        return found


_idle: defaultdict[int, deque[Any]] = defaultdict(deque)
"""Unused streams of each device. They are kept, because CuPy's memory is reused only by the stream it was for."""


@contextlib.contextmanager
def lent_stream(number: int) -> Iterator[Any]:
    """Lend a stream of a device that nobody else uses in the meantime; None if the device is simulated.

    Anything still running when it ends after an exception is waited for: only then is its memory free for others.

    Raises
    ------
    DeviceError
        If the device's memory runs out in the meantime, or the device fails.
    """
    if simulated():
        yield None
        return
    try:
        with arrays().cuda.Device(number):
            try:
                stream = _idle[number].pop()
            except IndexError:
                stream = arrays().cuda.Stream(non_blocking=True)
            try:
                yield stream
            finally:
                try:
                    stream.synchronize()
                finally:  # kept if it failed, too: the device is lost, and destroying a stream on it fails as well
                    _idle[number].append(stream)
    except Exception as error:
        told = _told_of_device(error)  # here, as leaving a lost device is an error of its own
        if not told:
            raise
        raise DeviceError(f"cuda:{number} {told}") from error


FAILURES = ("CUDARuntimeError", "CUDADriverError", "CudaAPIError", "CUDAError")
"""Classes with which CuPy (the first two), numba-cuda and NVIDIA's Python bindings report the driver's errors."""


def _told_of_device(error: Exception) -> str:
    """Return what to say about a device that raised an exception; empty if no device did."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = str(trace.tb_frame.f_globals.get("__name__", "")) if trace is not None else ""
    ours = (type(error).__module__.startswith("cupy"), raised_in.startswith("cupy"))  # sorting raises Python's own
    failed = type(error).__name__ in FAILURES
    if (isinstance(error, MemoryError) and any(ours)) or (failed and re.search("(?i)out.of.memory", str(error))):
        return (
            f"has no memory left ({error}); allowed: fewer launches at a time (n_jobs=1), precision='single', a device "
            "that others leave alone, or backend='cpu'"
        )
    if failed:
        return (
            f"failed ({error}); allowed: a new process, as this one has lost the device, with components that stay "
            "inside their arrays (backend='python' shows where they do not), and a device that others leave alone"
        )
    return ""


@contextlib.contextmanager
def on_stream(number: int, stream: Any) -> Iterator[None]:
    """Let this thread's arrays and kernels be on a device, on a stream that was lent."""
    if stream is None:
        yield
        return
    with arrays().cuda.Device(number), stream:
        yield


@contextlib.contextmanager
def placed(number: int) -> Iterator[None]:
    """Let this thread's arrays and kernels be on a device, on a stream of its own."""
    with lent_stream(number) as stream, on_stream(number, stream):
        yield


def _for_numba(array: Any) -> Any:
    """Return a CuPy array as numba-cuda's, sharing memory."""
    from numba import cuda

    return cuda.as_cuda_array(array, sync=False)


def _configured(dispatcher: Any, blocks: int, stream: Any) -> Any:
    """Return what launches a kernel on a stream, without Numba's advice to launch more than a few blocks."""
    from numba import cuda
    from numba.cuda.dispatcher import config

    with one_at_a_time:
        usual, config.CUDA_LOW_OCCUPANCY_WARNINGS = config.CUDA_LOW_OCCUPANCY_WARNINGS, 0
        try:
            return dispatcher[blocks, THREADS, cuda.external_stream(stream.ptr)]
        finally:
            config.CUDA_LOW_OCCUPANCY_WARNINGS = usual


def _compile(dispatcher: Any, arguments: list[Any]) -> None:
    """Compile a kernel for the types of its arguments, if that has not been done."""
    signature = tuple(dispatcher.typeof_pyval(value) for value in arguments)
    if signature not in dispatcher.overloads:
        with compiling():
            dispatcher.compile(signature)
