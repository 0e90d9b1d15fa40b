"""What a thread of a CUDA device runs: a protocol kernel on one lane, cut out of the arrays of all.

Code is written out for the given arguments, as Numba does not unroll loops over tuples of different arrays.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np

from ..compiling.kernels import compiled_mode, quiet
from ..components import Space, record
from ..dispatch import borrowed, device, lanes_apart
from ..machines import REGISTERS, Machine, with_lanes
from ..restore import FRESH

APART = -1
"""Marks an array without a lane axis on the processor, which has one here, in front of the others."""

# An argument as a thread sees it: ("shared",), ("lane", ndim, axis of the lane), ("record", class, parts by field),
# ("registers", rows, dtype), ("scratch", class, dtypes), or, where cells share a launch, ("cell",): one row per cell.
Shape = tuple[Any, ...]


def _own_lane(name: str, shape: Shape, scope: dict[str, Any]) -> str:
    """Return the expression for a thread's part of an argument called `name`; classes and types go into `scope`."""
    kind = shape[0]
    if kind == "lane":
        _, ndim, axis = shape
        if axis == APART:
            return f"{name}[w]"
        return f"{name}[{':, ' * axis}w:w + 1{', :' * (ndim - 1 - axis)}]"
    if kind == "record":
        _, cls, parts = shape
        scope[cls.__name__] = cls
        return f"{cls.__name__}({', '.join(_own_lane(f'{name}.{field}', part, scope) for field, part in parts)},)"
    if kind == "cell":
        return f"{name}[cell]"
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

    Threads count the calls that they finish in `finished`: an exception inside a kernel ends a thread silently. `cells`
    says which cell each lane belongs to, if several share the launch.
    """
    from numba import cuda

    names = list(inspect.signature(function).parameters)
    scope: dict[str, Any] = {"cuda": cuda, "play": _on_device(function)}
    own = [_own_lane(name, shape, scope) for name, shape in zip(names, shapes, strict=True)]
    registers = [(name, shape) for name, shape in zip(names, shapes, strict=True) if shape[0] == "registers"]
    lines = [f"def on_lane(n_lanes, cells, finished, {', '.join(names)}):"]
    lines += ["    w = cuda.grid(1)", "    if w < n_lanes:"]
    if any("[cell]" in expression for expression in own):
        lines.append("        cell = cells[w]")
    for name, (_, rows, dtype) in registers:
        scope[dtype] = getattr(numba.types, dtype)
        lines.append(f"        own_{name} = cuda.local.array(({rows}, 1), {dtype})")
        lines += [f"        own_{name}[{i}, 0] = {name}[{i}, w]" for i in range(rows)]
    lines.append(f"        play({', '.join(own)})")
    for name, (_, rows, _) in registers:
        lines += [f"        {name}[{i}, w] = own_{name}[{i}, 0]" for i in range(rows)]
    lines.append("        finished[w] += 1")
    # as if from the kernel's file: Numba keeps what it compiles next to a function's
    exec(compile("\n".join(lines), inspect.getfile(function), "exec"), scope)
    made: Callable[..., None] = scope["on_lane"]
    return made


def joined(
    shape: Shape, values: tuple[Any, ...], lanes: Callable[..., Any], rows: Callable[..., Any]
) -> tuple[Shape, Any]:
    """Return the shape and the value of an argument of cells that share a launch, given each cell's.

    Parameters
    ----------
    shape : Shape
        Its shape for each of them.
    values : tuple
        One per cell.
    lanes : callable
        Joins arrays on an axis, that of the lane.
    rows : callable
        Stacks arrays, or numbers, in which cells may differ.
    """
    first, kind = values[0], shape[0]
    if kind == "scratch":
        return shape, 0
    if kind in ("lane", "registers"):
        axis = 1 if kind == "registers" else max(shape[2], 0)
        return shape, lanes(values, axis)
    if not isinstance(first, tuple):
        return (("cell",), rows(values)) if isinstance(first, np.ndarray) else (shape, first)  # rounds are the same
    made = {}
    for name in first._fields:  # type: ignore[attr-defined]
        parts = tuple(getattr(value, name) for value in values)
        inner = dict(shape[2])[name] if kind == "record" else shape
        if inner == ("shared",) and not isinstance(parts[0], tuple):
            made[name] = ("cell",), rows(parts)
        else:
            made[name] = joined(inner, parts, lanes, rows)
    shapes = tuple((name, part) for name, (part, _) in made.items())
    return ("record", type(first), shapes), type(first)(*(value for _, value in made.values()))


def _on_device(function: Any) -> Callable[..., None]:
    """Return a protocol kernel for which `borrowed` does nothing: on a device there are no counts of references."""
    if not compiled_mode():  # the simulator starts one thread per lane, which also treats overflows differently
        return lanes_apart()(quiet(function))
    scope = function.__globals__ | {borrowed.__name__: device(lambda value: value)}
    return device(types.FunctionType(function.__code__, scope, function.__name__))


one_at_a_time = threading.Lock()
"""Held while a kernel is compiled, or launched in the simulator: neither can be done twice at the same time."""

COMPILED_WITH = {"fma": False, "Xopt": None, "disable_branch_dist": None}
"""What NVVM is told, for which numba-cuda has no option.

Fused multiply-adds round once where the processor rounds twice. The pass that draws together what two branches do
("branch distribution") let CCB read one array at another's address; what does not know the pass ignores its option.
"""


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Compile for lanes apart, so that a device computes what the processor does: see `COMPILED_WITH`."""
    from numba.cuda.cudadrv import nvvm

    usual = nvvm.compile_ir

    def compile_ir(llvmir: Any, **options: Any) -> Any:
        return usual(llvmir, **{**options, **COMPILED_WITH})

    with one_at_a_time, lanes_apart():
        nvvm.compile_ir = compile_ir
        try:
            yield
        except Exception as error:
            # numba-cuda's own, which is no Numba error
            if type(error).__name__ != "UnsupportedBytecodeError":
                raise
            raise numba.core.errors.NumbaError(str(error)) from error
        finally:
            nvvm.compile_ir = usual


class LanesApart(Machine):
    """A machine that learns its kernels' arguments: what the device, its ruler and its assembler share."""

    def __init__(self, dry: bool = False, precision: str = "double") -> None:
        super().__init__(dry, precision)
        self._axes: dict[int, int] = {}
        self.kept: list[Any] = []

    def make(self, make: Callable[[Any], Any], space: Space) -> Any:
        """Return what `make` makes: for one lane, then repeated where the lanes are to be.

        What has no lanes is for one lane at a time on the processor; here every lane has its own.
        """
        if not space.same_on_every_lane:
            return make(space)  # the last axis is the lane: see `shapes`
        one, two, three = (make(dataclasses.replace(space, n_lanes=n)) for n in (1, 2, 3))
        return self._repeated(one, two, three, space.n_lanes)

    def _repeated(self, state: Any, two: Any, three: Any, n_lanes: int) -> Any:
        """Return a record of all lanes; `two` and `three`, made for as many lanes, show where the lanes are."""
        parts = []
        for name, value, other, another in zip(state._fields, state, two, three, strict=True):
            if isinstance(value, tuple):
                parts.append(value if name == FRESH else self._repeated(value, other, another, n_lanes))
                continue
            differ = [axis for axis, (n, m) in enumerate(zip(other.shape, another.shape, strict=True)) if n != m]
            axis = differ[0] if differ else APART
            made = self._many(value, axis, n_lanes) if differ else self._many(value[None], 0, n_lanes)
            self._axes[id(made)] = axis
            self.kept.append(made)
            parts.append(made)
        return type(state)(*parts)

    def _many(self, value: Any, axis: int, n_lanes: int) -> Any:
        return np.repeat(value, n_lanes, axis)

    def zeros(self, *shape: int) -> Any:
        """Return an array of zeros."""
        return np.zeros(shape)

    def scratch(self, n_lanes: int, **dtypes: Any) -> Any:
        """Return the record that a thread makes for itself, with one lane."""
        return record("Scratch", {name: np.zeros(1, dtype) for name, dtype in dtypes.items()})

    def wait(self) -> None:
        """Return at once."""

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

    def shapes(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Shape, ...]:
        """Return the shapes of a protocol kernel's arguments."""
        lanes, found = with_lanes(function), []
        for name, value in zip(inspect.signature(function).parameters, arguments, strict=True):
            if name in lanes:
                found.append(self._shape(value))
            elif name in REGISTERS:
                found.append(("registers", value.shape[0], value.dtype.name))
            elif name == "scratch":
                found.append(("scratch", type(value), tuple(part.dtype.name for part in value)))
            else:
                found.append(("shared",))
        return tuple(found)
