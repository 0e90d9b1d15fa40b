"""What NVIDIA's compiler makes of kernels, played on the processor: all of a device but the device (make gpu).

The compiler's PTX is translated to C and run, a thread after another; arguments are taken apart by numba-cuda, as for
its launches. CuPy has a stand-in. What this leaves out is the assembler of PTX, the driver, and CuPy itself.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import pytest

from banditlab.core.devices.launch import launched
from banditlab.core.devices.ptx import _no_device

from . import fakes
from .on_device import *  # noqa: F403 - the tests
from .ptx_in_c import compiler, loaded, translated

if importlib.util.find_spec("numba_cuda") is None or compiler() is None:
    pytest.skip("it takes numba-cuda (see make gpu) and a C compiler", allow_module_level=True)


def plain(value: Any) -> Any:
    """Return an argument with NumPy's arrays for the stand-in's."""
    if isinstance(value, tuple):
        return type(value)(*map(plain, value))
    return value.host if isinstance(value, fakes.Array) else value


class ArgumentsOfNumba:
    """What numba-cuda takes arguments apart with; `wrap_arg` tells it where arrays are."""

    extensions = ()

    def __init__(self) -> None:
        from numba.cuda import dispatcher

        self._prepare_args = functools.partial(dispatcher._Kernel._prepare_args, self)

    def taken_apart(self, types: Any, values: Any) -> list[Any]:
        """Return what the driver is given a pointer to each of."""
        parts: list[Any] = []
        for kind, value in zip(types, values, strict=True):
            self._prepare_args(kind, value, 0, [], parts)
        return [part if isinstance(part, ctypes._SimpleCData) else in_c(part) for part in parts]


def as_argument(array: Any) -> Any:
    """Return what numba-cuda takes for the argument of a launch: an array that is on the device."""
    there = SimpleNamespace(size=array.size, dtype=array.dtype, shape=array.shape)
    pointer = array.host.ctypes.data
    there.ptr, there._layout = pointer, SimpleNamespace(strides_in_bytes=array.strides)
    # older releases ask for these
    there.ndim, there.strides = array.ndim, array.strides
    there.__cuda_memory__, there.device_ctypes_pointer = True, ctypes.c_void_p(pointer)
    return SimpleNamespace(to_device=lambda *_: there)


def in_c(value: Any) -> Any:
    """Return a number as the driver is given it."""
    kinds: dict[type, Callable[[Any], Any]] = {bool: ctypes.c_bool, int: ctypes.c_int64, float: ctypes.c_double}
    return kinds[type(value)](value)


class Dispatcher:
    """Compiles a kernel for a device, and plays what was compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.overloads: dict[Any, Any] = {}

    def typeof_pyval(self, value: Any) -> Any:
        return numba.typeof(plain(value))

    def compile(self, signature: Any) -> None:
        from numba import cuda

        with _no_device((9, 0)):
            ptx, _ = cuda.compile_ptx(self.function, signature, cc=(9, 0))
        code, kinds = translated(ptx)
        self.overloads[signature] = loaded(code), kinds

    def __getitem__(self, configuration: tuple[int, int, Any]) -> Callable[..., None]:
        blocks, threads, _ = configuration

        def launch(*arguments: Any) -> None:
            signature = tuple(map(self.typeof_pyval, arguments))
            play, kinds = self.overloads[signature]
            parts = ArgumentsOfNumba().taken_apart(signature, arguments)
            assert [8 * ctypes.sizeof(part) for part in parts] == [int(kind[1:]) for kind in kinds]
            play((ctypes.c_void_p * len(parts))(*map(ctypes.addressof, parts)), blocks, threads)

        return launch


@functools.cache
def dispatcher(function: Callable[..., Any], shapes: Any, components: Any, number: int) -> Dispatcher:
    return Dispatcher(launched(function, shapes))


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests take the processor for a device."""
    fakes.install_with(dispatcher, monkeypatch, free=1 << 33)
    monkeypatch.setattr("numba.cuda.dispatcher.wrap_arg", as_argument)
