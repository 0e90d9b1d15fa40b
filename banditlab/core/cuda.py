"""A CUDA device: one thread plays one lane, many rounds in one launch.

The kernels are those of the processor. What is launched is a function written out for the arguments at hand: a thread
cuts its own lane out of every array, copies its generators to registers, and calls the protocol kernel with one lane.
CuPy owns memory, streams and transfers, numba-cuda compiles. In Numba's CUDA simulator (NUMBA_ENABLE_CUDASIM=1) NumPy
takes CuPy's place, and everything else is the same: it is how this is tested without a device.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np

from .components import Space, make_state, record
from .dispatch import component_types
from .errors import DeviceError
from .machines import Machine, roles
from .restore import FRESH

THREADS = 128
"""Threads a block: few enough that a launch of some ten thousand lanes occupies every multiprocessor."""

SECONDS_A_LAUNCH = 0.2
"""How long a launch should take: it cannot be interrupted, and beside it the launch itself costs nothing."""

FIRST_LAUNCH = 1 << 24
"""Rounds, of all lanes together, of the first launch; the next are as much longer or shorter as it was quick or slow."""


def simulated() -> bool:
    """Say whether Numba simulates a device."""
    return bool(numba.config.ENABLE_CUDASIM)


def missing() -> str:
    """Return what is missing for a CUDA device to be used: a package, the driver or the device; empty if nothing is."""
    if simulated():
        return ""
    install = "allowed: with it, for example pip install 'banditlab-sim[gpu]'"
    try:
        import cupy
    except ImportError as error:
        return f"the package cupy cannot be imported ({error}); {install}"
    try:
        import numba_cuda  # noqa: F401 - it stands in for numba.cuda
    except ImportError as error:
        return f"the package numba-cuda cannot be imported ({error}); {install}"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"there is no usable driver or device: CUDA says {error}; allowed: where nvidia-smi lists a device"
    return "" if count else "there is no device; allowed: where nvidia-smi lists one"


def _require() -> None:
    told = missing()
    if told:
        raise DeviceError(f"backend is 'cuda', and {told}")


@functools.cache
def arrays() -> Any:
    """Return the library that owns the device's arrays: CuPy, or NumPy where the device is simulated."""
    if simulated():
        return np
    import cupy

    return cupy


# ------------------------------------------------------------------------------------- what a thread runs

# An argument as a thread sees it: ("shared",), ("lane", ndim, axis of the lane), ("record", class, parts by field),
# ("registers", rows, dtype) or ("scratch", class, dtypes).
Shape = tuple[Any, ...]


def _own_lane(name: str, shape: Shape, scope: dict[str, Any]) -> str:
    """Return the expression for a thread's part of an argument called `name`; classes and types go into `scope`."""
    kind = shape[0]
    if kind == "lane":
        _, ndim, axis = shape
        return f"{name}[{':, ' * axis}w:w + 1{', :' * (ndim - 1 - axis)}]"
    if kind == "record":
        _, cls, parts = shape
        scope[cls.__name__] = cls
        return f"{cls.__name__}({', '.join(_own_lane(f'{name}.{field}', part, scope) for field, part in parts)},)"
    if kind == "registers":
        return f"own_{name}"
    if kind == "scratch":
        _, cls, dtypes = shape
        scope[cls.__name__] = cls
        for dtype in dtypes:
            scope[dtype] = getattr(numba.types, dtype)
        return f"{cls.__name__}({', '.join(f'cuda.local.array(1, {dtype})' for dtype in dtypes)},)"
    return name


@functools.cache
def launched(function: Callable[..., Any], shapes: tuple[Shape, ...]) -> Callable[..., None]:
    """Return what a thread runs: a protocol kernel on one lane, written out for arguments of some shapes.

    Numba unrolls no loops over tuples of different arrays, hence the text. Threads count the calls that they finish in
    `finished`: an exception inside a kernel ends a thread silently.
    """
    from numba import cuda
    from numba.extending import register_jitable

    names = list(inspect.signature(function).parameters)
    scope: dict[str, Any] = {"cuda": cuda, "play": register_jitable(function)}
    own = [_own_lane(name, shape, scope) for name, shape in zip(names, shapes, strict=True)]
    registers = [(name, shape) for name, shape in zip(names, shapes, strict=True) if shape[0] == "registers"]
    lines = [f"def on_lane(n_lanes, finished, {', '.join(names)}):", "    w = cuda.grid(1)", "    if w < n_lanes:"]
    for name, (_, rows, dtype) in registers:
        scope[dtype] = getattr(numba.types, dtype)
        lines.append(f"        own_{name} = cuda.local.array(({rows}, 1), {dtype})")
        lines += [f"        own_{name}[{i}, 0] = {name}[{i}, w]" for i in range(rows)]
    lines.append(f"        play({', '.join(own)})")
    for name, (_, rows, _) in registers:
        lines += [f"        {name}[{i}, w] = own_{name}[{i}, 0]" for i in range(rows)]
    lines.append("        finished[w] += 1")
    exec("\n".join(lines), scope)
    made: Callable[..., None] = scope["on_lane"]
    return made


_compiling = threading.Lock()


@contextlib.contextmanager
def _exact_arithmetic() -> Iterator[None]:
    """Compile without fused multiply-adds: they round once where the processor rounds twice.

    NVVM fuses unless told not to, and numba-cuda has no option for it.
    """
    from numba.cuda.cudadrv import nvvm

    usual = nvvm.compile_ir

    def compile_ir(llvmir: Any, **options: Any) -> Any:
        return usual(llvmir, **{**options, "fma": False})

    with _compiling:
        nvvm.compile_ir = compile_ir
        try:
            yield
        finally:
            nvvm.compile_ir = usual


@functools.cache
def _dispatcher(function: Callable[..., Any], shapes: tuple[Shape, ...], components: tuple[type, ...]) -> Any:
    from numba import cuda

    return cuda.jit(launched(function, shapes))


# --------------------------------------------------------------------------------------------- the machine


class _Laned(Machine):
    """A machine that is told what its kernels' arguments are: what the device, its ruler and its assembler share."""

    def __init__(self, dry: bool = False) -> None:
        super().__init__(dry)
        self._axes: dict[int, int] = {}
        self._kept: list[Any] = []

    def state(self, policy: Any, space: Space) -> Any:
        """Return a policy's fresh state: that of one lane, repeated where the lanes are."""
        if not space.same_on_every_lane:
            return make_state(policy, space)
        return self._repeated(make_state(policy, dataclasses.replace(space, n_lanes=1)), space.n_lanes)

    def _repeated(self, state: Any, n_lanes: int) -> Any:
        parts = []
        for name, value in zip(state._fields, state, strict=True):
            if isinstance(value, tuple):
                parts.append(value if name == FRESH else self._repeated(value, n_lanes))
            else:
                axis = value.ndim - 1 if value.shape[-1] == 1 else 0
                made = self._many(value, axis, n_lanes)
                self._axes[id(made)] = axis
                self._kept.append(made)
                parts.append(made)
        return type(state)(*parts)

    def _many(self, value: Any, axis: int, n_lanes: int) -> Any:
        return np.repeat(value, n_lanes, axis)

    def zeros(self, *shape: int) -> Any:
        """Return an array of zeros."""
        return np.zeros(shape)

    def scratch(self, n_lanes: int, **types: Any) -> Any:
        """Return the record that a thread makes for itself: of one lane."""
        return record("Scratch", {name: np.zeros(1, dtype) for name, dtype in types.items()})

    def strides(self, first: int, last: int, n_lanes: int, usual: int) -> Iterator[tuple[int, int]]:
        """Yield nothing to play."""
        yield first, first - 1

    def fetch(self, array: Any) -> Any:
        """Return the array."""
        return array

    def _shape(self, value: Any) -> Shape:
        """Return the shape of an argument that has lanes."""
        if isinstance(value, tuple):
            fields = value._fields  # type: ignore[attr-defined]
            parts = [
                (name, ("shared",) if name == FRESH and isinstance(part, tuple) else self._shape(part))
                for name, part in zip(fields, value, strict=True)
            ]
            return ("record", type(value), tuple(parts))
        return ("lane", value.ndim, self._axes.get(id(value), value.ndim - 1))

    def _shapes(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Shape, ...]:
        role, found = roles(function), []
        for name, value in zip(inspect.signature(function).parameters, arguments, strict=True):
            if name in role.lanes:
                found.append(self._shape(value))
            elif name in role.registers:
                found.append(("registers", value.shape[0], value.dtype.name))
            elif name == role.scratch:
                found.append(("scratch", type(value), tuple(part.dtype.name for part in value)))
            else:
                found.append(("shared",))
        return tuple(found)


class Device(_Laned):
    """The current CUDA device."""

    def __init__(self, dry: bool = False) -> None:
        super().__init__(dry)
        _require()
        self._uploaded: dict[int, Any] = {}
        self._finished: Any = None
        self._launches = 0
        self._stream = None if simulated() else arrays().cuda.Stream(non_blocking=True)

    def _many(self, value: Any, axis: int, n_lanes: int) -> Any:
        return self._there(arrays().repeat(arrays().asarray(value), n_lanes, axis))

    def zeros(self, *shape: int, dtype: Any = np.float64) -> Any:
        """Return an array of zeros on the device."""
        return self._there(arrays().zeros(shape, dtype))

    def _there(self, array: Any, of: Any = None) -> Any:
        """Keep an array on the device, for launches that are given it, or the one on the host that it was made of."""
        self._kept += [array, of]
        self._uploaded[id(array if of is None else of)] = array if simulated() else _for_numba(array)
        return array

    def _upload(self, value: Any) -> Any:
        """Return what a launch is given for an argument: arrays on the device, once for each; records of these."""
        if isinstance(value, tuple):
            return type(value)(*(self._upload(part) for part in value))
        if not isinstance(value, np.ndarray) and not hasattr(value, "__cuda_array_interface__"):
            return value
        if id(value) not in self._uploaded:
            self._there(arrays().array(value, order="C"), of=value)
        return self._uploaded[id(value)]

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return a kernel that plays all lanes, one a thread."""
        types = tuple(t for component in components for t in component_types(component))

        def launch(*arguments: Any) -> None:
            shapes = self._shapes(function, arguments)
            names = list(inspect.signature(function).parameters)
            n_lanes = arguments[names.index("tally")].shape[-1]
            if self._finished is None:
                self._finished = self.zeros(n_lanes, dtype=np.int64)
            # a thread makes its scratch itself; a number stands where it would be
            given = [0 if s[0] == "scratch" else self._upload(a) for s, a in zip(shapes, arguments, strict=True)]
            given = [n_lanes, self._upload(self._finished), *given]
            dispatcher = _dispatcher(function, shapes, types)
            blocks = -(-n_lanes // THREADS)
            if simulated():
                with np.errstate(all="ignore"):
                    dispatcher[n_lanes, 1](*given)
            else:
                _compile(dispatcher, given)
                dispatcher[blocks, THREADS, _stream_for_numba(self._stream)](*given)
            self._launches += 1

        return launch

    def strides(self, first: int, last: int, n_lanes: int, usual: int) -> Iterator[tuple[int, int]]:
        """Yield rounds, as many as make a launch as long as it should be."""
        if self.dry:
            yield first, first - 1
            return
        rounds = usual if simulated() else FIRST_LAUNCH
        start = first
        while start <= last:
            stop = min(start + max(1, rounds // n_lanes) - 1, last)
            began = time.perf_counter()
            yield start, stop
            self._wait()
            took = time.perf_counter() - began
            if not simulated():
                rounds = int(rounds * min(4.0, max(0.25, SECONDS_A_LAUNCH / max(took, 1e-6))))
            start = stop + 1

    def _wait(self) -> None:
        if self._stream is not None:
            self._stream.synchronize()

    def fetch(self, array: Any) -> Any:
        """Return an array of the device's, here."""
        self._wait()
        if self._finished is not None and not bool((self._finished == self._launches).all()):
            lane = int((self._finished != self._launches).argmax())
            raise DeviceError(
                f"a kernel stopped with an exception in lane {lane} of {len(self._finished)}; "
                "allowed: one that stops on no lane (backend='cpu' shows the exception)"
            )
        return array if simulated() else array.get()


def _for_numba(array: Any) -> Any:
    """Return a CuPy array as numba-cuda's, sharing memory."""
    from numba import cuda

    return cuda.as_cuda_array(array, sync=False)


def _stream_for_numba(stream: Any) -> Any:
    from numba import cuda

    return cuda.external_stream(stream.ptr)


def _compile(dispatcher: Any, arguments: list[Any]) -> None:
    """Compile a kernel for the types of its arguments, if that has not been done."""
    signature = tuple(numba.typeof(value) for value in arguments)
    if signature not in dispatcher.overloads:
        with _exact_arithmetic():
            dispatcher.compile(signature)
