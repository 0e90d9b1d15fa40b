"""A stand-in for CuPy, and for numba-cuda's dispatchers: what runs on a device otherwise, down to the launch.

Arrays know their device; like CuPy's they can be used while it is the current one only, and with each other only.
Launched kernels play nothing: they write each lane's number at each checkpoint.
"""

from __future__ import annotations

import inspect
import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

from banditlab.core.devices import cuda


class Place(threading.local):
    """A thread's current device, and the streams that it has entered."""

    def __init__(self) -> None:
        self.device = 0
        self.streams: list[Any] = []


PLACE = Place()


LIKE_NUMPY = ("shape", "dtype", "ndim", "size", "nbytes", "strides")
METHODS = ("any", "argmax", "astype", "copy", "max", "mean", "min", "sort", "sum", "transpose")


class Array(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of a device.

    Like CuPy's it is none of NumPy's, takes no part in anything with one of these, and becomes one by `get` alone;
    NumPy's functions give it to the device.
    """

    def __init__(self, host: Any, place: int | None = None) -> None:
        self.host, self.place = np.asarray(host), PLACE.device if place is None else place
        self.__cuda_array_interface__: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name in LIKE_NUMPY:
            return getattr(self.host, name)
        if name in METHODS:
            return lambda *given, **options: there(getattr(here(self), name)(*here(given), **here(options)))
        raise AttributeError(name)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        made = getattr(ufunc, method)(*here(inputs), **here(options))
        return options["out"][0] if "out" in options else there(made)

    def __array_function__(self, function: Any, _: Any, arguments: Any, options: Any) -> Any:
        return there(function(*here(arguments), **here(options)))

    def __getitem__(self, key: Any) -> Any:
        return Array(here(self)[here(key)], self.place)

    def __setitem__(self, key: Any, value: Any) -> None:
        here(self)[here(key)] = here(value)

    def __len__(self) -> int:
        return len(self.host)

    def __bool__(self) -> bool:
        return bool(here(self))

    def __float__(self) -> float:
        return float(here(self))

    def __int__(self) -> int:
        return int(here(self))

    def get(self, stream: Any = None) -> Any:
        return here(self).copy()


def here(value: Any) -> Any:
    """Return what arrays of the current device hold; what is in tuples, lists and dictionaries, too."""
    if isinstance(value, Array):
        assert value.place == PLACE.device, "another device's array"
        return value.host
    if isinstance(value, tuple | list):
        return type(value)(map(here, value))
    if isinstance(value, dict):
        return {name: here(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    return value


def there(value: Any) -> Any:
    """Return an array of the current device's for one of the host's, or for a number; None for None."""
    return None if value is None else Array(value)


class Stream:
    """A stream: it knows who uses it, and whether it has been waited for."""

    numbers = itertools.count(1)

    def __init__(self, non_blocking: bool = False) -> None:
        self.ptr, self.device, self.pending = next(self.numbers), PLACE.device, 0
        self.user: int | None = None

    def __enter__(self) -> Self:
        assert self.device == PLACE.device, "another device's stream"
        assert self.user in (None, threading.get_ident()), "two threads on a stream"
        self.user = threading.get_ident()
        PLACE.streams.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        assert PLACE.streams.pop() is self
        self.user = self.user if self in PLACE.streams else None

    def synchronize(self) -> None:
        self.pending = 0


class Event:
    """A mark in a stream that a thread can wait for, asleep if it blocks."""

    def __init__(self, block: bool = False, disable_timing: bool = False) -> None:
        self.block, self.device = block, PLACE.device

    def record(self, stream: Stream) -> None:
        assert self.device == stream.device == PLACE.device, "another device's stream"
        self.stream = stream

    def synchronize(self) -> None:
        assert self.block, "a thread waits awake"
        self.stream.synchronize()


class Device:
    """A context manager that makes a device the current one."""

    def __init__(self, number: int = 0) -> None:
        self.id = number

    def __enter__(self) -> None:
        self.before, PLACE.device = PLACE.device, self.id

    def __exit__(self, *_: object) -> None:
        PLACE.device = self.before


NULL = Stream()


def cupy(free: int = 1 << 25) -> Any:
    """Return what stands in for CuPy, on devices with so much free memory."""
    runtime = SimpleNamespace(memGetInfo=lambda: (free, free))
    streams = {"Stream": Stream, "get_current_stream": lambda: PLACE.streams[-1] if PLACE.streams else NULL}
    pool = SimpleNamespace(free_bytes=lambda: 0, used_bytes=lambda: 0, get_limit=lambda: 0)
    return SimpleNamespace(
        cuda=SimpleNamespace(runtime=runtime, Device=Device, Event=Event, **streams),
        get_default_memory_pool=lambda: pool,
        empty=lambda shape, dtype: there(np.empty(shape, dtype)),
        zeros=lambda shape, dtype: there(np.zeros(shape, dtype)),
        array=lambda value, order: there(np.array(_held(value), order=order)),
        asarray=lambda value: value if isinstance(value, Array) else there(np.array(value)),
        repeat=lambda a, n, axis: there(np.repeat(here(a), n, axis)),
        take=lambda a, at, axis: there(np.take(here(a), here(at), axis)),
    )


def _held(value: Any) -> Any:
    return here(value) if isinstance(value, Array) else value


class Dispatcher:
    """A kernel that is compiled for the types of its arguments, and launched."""

    def __init__(self, function: Callable[..., Any], log: list[dict[str, Any]]) -> None:
        self.names = list(inspect.signature(function).parameters)
        self.log = log
        self.overloads: dict[Any, int] = {}

    def typeof_pyval(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return type(value), tuple(map(self.typeof_pyval, value))
        return (value.dtype, value.ndim) if isinstance(value, Array) else type(value)

    def compile(self, signature: Any) -> None:
        self.overloads[signature] = self.overloads.get(signature, 0) + 1

    def __getitem__(self, configuration: tuple[int, int, int]) -> Callable[..., None]:
        blocks, threads, stream = configuration

        def launch(n_lanes: int, cells: Any, finished: Any, *arguments: Any) -> None:
            given = dict(zip(self.names, arguments, strict=True))
            assert tuple(map(self.typeof_pyval, (n_lanes, cells, finished, *arguments))) in self.overloads
            assert blocks * threads >= n_lanes > (blocks - 1) * threads
            assert stream == PLACE.streams[-1].ptr
            assert all(a.place == PLACE.device for a in _arrays((cells, *arguments)))
            PLACE.streams[-1].pending += 1
            finished += 1
            first, last = (given.get(name, given.get(f"{name}_round")) for name in ("first", "last"))
            checkpoints = np.atleast_2d(here(given["checkpoints"]))[0]  # one row per cell where cells share the launch
            for c, t in enumerate(checkpoints):
                if first <= t <= last:
                    here(given["out"])[c] = np.arange(n_lanes)
            self.log.append({"lanes": n_lanes, "rounds": (first, last), "stream": stream, "device": PLACE.device})

        return launch


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return [a for part in value for a in _arrays(part)]
    assert not isinstance(value, np.ndarray), "an array that is not on the device"
    return [value] if isinstance(value, Array) else []


def install(monkeypatch: pytest.MonkeyPatch, free: int = 1 << 25) -> list[dict[str, Any]]:
    """Put the stand-ins in their places; return the list to which every launch is added."""
    log: list[dict[str, Any]] = []
    made: dict[Any, Dispatcher] = {}
    install_with(lambda function, *key: made.setdefault((function, *key), Dispatcher(function, log)), monkeypatch, free)
    return log


def install_with(dispatcher: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Put the stand-ins in their places, with what makes dispatchers."""
    library = cupy(free)
    monkeypatch.setattr(cuda, "arrays", lambda: library)
    monkeypatch.setattr(cuda, "require", lambda backend, number: None)
    monkeypatch.setattr(cuda, "current_device", lambda: 0)
    monkeypatch.setattr(cuda, "_dispatcher", dispatcher)
    monkeypatch.setattr(cuda, "_for_numba", lambda array: array)
    monkeypatch.setattr("numba.cuda.external_stream", lambda pointer: pointer)
    monkeypatch.setattr(cuda, "_idle", defaultdict(deque))
