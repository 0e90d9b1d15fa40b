"""How kernels find a component's methods: functions that resolve by type, compiled or not.

* `device(f)`: a helper that kernels may call, wherever they run (the word is CUDA's for such functions). Outside
  kernels it stays a plain Python function.
* `generic(stub)`: a function that resolves by the type of its first argument, as `functools.singledispatch` does, but
  also inside compiled code, where the call is resolved at compile time and inlined. `optional_generic(stub)` has a
  default.

How a protocol's kernel is compiled and cached is in `core.compiling.kernels`.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import types as pytypes
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from numba.extending import overload, register_jitable

from .compiling.numba_parts import CompileKernel, CompilePart, without_owner

F = TypeVar("F", bound=Callable[..., Any])

# These are all compiler options. No fast-math: it gains nothing in the lane loops, and without it compiled code and
# plain Python agree to the last bit. error_model="numpy": dividing by zero gives inf or NaN instead of a branch to an
# exception, which would stop vectorisation.
KERNEL_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "pipeline_class": CompileKernel}
PART_OPTIONS: dict[str, Any] = {"error_model": "numpy", "no_cfunc_wrapper": True, "pipeline_class": CompilePart}
INLINE_OPTIONS: dict[str, Any] = PART_OPTIONS | {"forceinline": True}


def device(function: F) -> F:
    """Make a plain function callable from kernels, inlined into the loop that calls it."""
    return register_jitable(**INLINE_OPTIONS)(function)


def device_call(function: F) -> F:
    """Make a plain function callable from kernels as a call: for long, rarely taken paths."""
    return register_jitable(**PART_OPTIONS)(function)


def borrowed(value: Any) -> Any:
    """Return an array, or arbitrarily nested tuples of arrays, for a kernel to use without counting references.

    The caller keeps the arrays alive while the kernel runs. Counting is an atomic operation at every entry to and exit
    from what a kernel calls; where that has several exits, LLVM cannot prove that counts cancel out, and a round of
    Beat the Winner took 270 ns instead of 6.
    """
    return value


@overload(borrowed, jit_options=INLINE_OPTIONS)
def _borrowed_compiled(value):  # type: ignore[no-untyped-def]  # Numba compares signatures, annotations included
    return lambda value: without_owner(value)


generics: dict[Any, str] = {}
"""Names of all generic functions."""


def _bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy without annotations: Numba compares signatures, and annotations would make them differ."""
    assert isinstance(function, pytypes.FunctionType)
    return pytypes.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )


def _overload_by_first_type(function: Callable[..., Any], pick: Callable[[Any], Any]) -> None:
    """Let `pick`, given the Numba type of the first argument, choose what a compiled call of `function` runs."""
    parameters = list(inspect.signature(function).parameters)
    namespace: dict[str, Any] = {"pick": pick}
    # Numba requires the overload to have the argument names of the implementation: no *args.
    exec(f"def overloaded({', '.join(parameters)}):\n    return pick({parameters[0]})", namespace)
    overload(function, jit_options=INLINE_OPTIONS)(namespace["overloaded"])


def generic(stub: F) -> F:
    """Make a function that resolves by the type of its first argument, compiled or not.

    The stub gives the name, the arguments and the docstring; its body is not used. Implementations are added with
    `implement`, and must have exactly the stub's argument names.
    """
    return _generic(stub, None)


def optional_generic(stub: F) -> F:
    """As `generic`, for what a component may leave out: the stub's body then runs."""
    return _generic(stub, _bare(stub))


def _generic(stub: F, default: Callable[..., Any] | None) -> F:
    signature = inspect.signature(stub)
    parameters = list(signature.parameters)
    table: dict[type, Callable[..., Any]] = {}

    def resolve(numba_type: Any) -> Callable[..., Any] | None:
        return table.get(getattr(numba_type, "instance_class", None))  # type: ignore[arg-type]

    namespace: dict[str, Any] = {"table": table, "default": default}
    arguments, first = ", ".join(parameters), f"type({parameters[0]})"
    found = f"table[{first}]" if default is None else f"table.get({first}, default)"
    exec(f"def {stub.__name__}({arguments}):\n    return {found}({arguments})", namespace)
    function = namespace[stub.__name__]
    _overload_by_first_type(function, lambda first: resolve(first) or default)
    function.__doc__ = stub.__doc__
    function.__module__ = stub.__module__
    function.table = table
    function.returns = signature.return_annotation not in (None, "None")  # no annotation of its own: see above
    function.resolve = resolve
    function.default = default
    generics[function] = stub.__name__
    return function


def implement(function: Any, params: type, implementation: Callable[..., Any]) -> None:
    """Let a generic function run `implementation` when its first argument is a `params`."""
    known = function.table.get(params)
    # the same code can come again with other globals, from a module that was imported anew, and these can change
    if known is None or _scopes(known) != _scopes(implementation):
        function.table[params] = _bare(implementation)


def _scopes(function: Callable[..., Any]) -> tuple[int, int]:
    """Return which globals and which closure a function has."""
    return id(function.__globals__), id(function.__closure__)


def implementation(function: Any, params_or_type: Any) -> Any:
    """Return the code that a generic function runs for a parameters tuple, or for its Numba type; None without one."""
    return function.table.get(type(params_or_type)) or function.resolve(params_or_type)


def implements(function: Any, params_or_type: Any) -> bool:
    """Say whether a generic function has an implementation for a parameters tuple, or for its Numba type."""
    return implementation(function, params_or_type) is not None


class _Lanes(threading.local):
    """Whether this thread compiles for lanes that are played apart; another may compile for the processor meanwhile."""

    apart = False


_lanes = _Lanes()


@contextlib.contextmanager
def lanes_apart() -> Iterator[None]:
    """Compile for lanes that are played apart, one per thread: `in_phases` then prefers what works lane by lane."""
    before, _lanes.apart = _lanes.apart, True
    try:
        yield
    finally:
        _lanes.apart = before


def in_phases(together: Any, component: Any, alone: Any) -> bool:
    """Say which of two kernels of a component to use: the one for all lanes together, or the one for a single lane.

    The first is for loops over lanes that vectorise; both do the same.
    """
    return implements(together, component) and not (_lanes.apart and implements(alone, component))


def chosen_by_type(choose: Callable[[Any], Callable[..., Any]]) -> Callable[[F], F]:
    """Decorate a stub whose calls run what `choose` returns for the first argument, at compile time if compiled.

    `choose` receives the argument itself, or its Numba type; `implements` takes either.
    """

    def decorate(stub: F) -> F:
        parameters = list(inspect.signature(stub).parameters)
        arguments = ", ".join(parameters)
        namespace: dict[str, Any] = {"chooser": choose}
        exec(f"def {stub.__name__}({arguments}):\n    return chooser({parameters[0]})({arguments})", namespace)
        function = namespace[stub.__name__]
        _overload_by_first_type(function, lambda first: _bare(choose(first)))
        function.__doc__ = stub.__doc__
        function.__module__ = stub.__module__
        return function

    return decorate
