"""How one plain function becomes a compiled kernel, and how kernels find a component's methods.

Three things live here:

* `device(f)`: a helper that kernels may call. It stays a plain Python function outside kernels.
* `generic(stub)`: a function that resolves by the type of its first argument, as
  `functools.singledispatch` does, but inside compiled code too, where the call is resolved at
  compile time and inlined.
* `kernel(f, *components)`: a compiled copy of `f` for one combination of component types, cached on disk.

Why a copy of the function, and one cache file, for each combination: Numba's cache key ignores the code
of what a function calls, and keeps all signatures of a function in one index file. With a shared file an
edited policy would silently run its old code, and a policy defined in a notebook would make every later
process fail while reading the index. Here the file's name carries `fingerprint`, a hash of
all code that the kernel can reach, so that edited code is a different kernel.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import hashlib
import inspect
import re
import sys
import time
import types as pytypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba
import numba.core.errors
import numpy as np
from numba.core import cgutils
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.types import Array
from numba.core.types.containers import BaseTuple
from numba.extending import intrinsic, overload, register_jitable
from numba.np.arrayobj import make_array

from .errors import InvalidComponent

F = TypeVar("F", bound=Callable[..., Any])

# All compiler options are these. No fast-math: it gains nothing in the lane loops, and without it compiled code and
# plain Python agree to the last bit. error_model="numpy": dividing by zero gives inf or NaN instead of a branch to
# an exception, which would stop vectorisation.
KERNEL_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
DEVICE_OPTIONS: dict[str, Any] = {"error_model": "numpy"}
INLINE_OPTIONS: dict[str, Any] = {"error_model": "numpy", "forceinline": True}


def device(function: F) -> F:
    """Make a plain function callable from kernels, inlined into the loop that calls it."""
    return register_jitable(**INLINE_OPTIONS)(function)


def device_call(function: F) -> F:
    """Make a plain function callable from kernels as a call: for long, rarely taken paths."""
    return register_jitable(**DEVICE_OPTIONS)(function)


def borrowed(value: Any) -> Any:
    """Return an array, or a tuple of them nested as you like, for a kernel to use without counting references.

    The caller keeps the arrays alive while the kernel runs. Counting is an atomic operation at every entry and exit of
    what a kernel calls; where these have several exits LLVM cannot prove that counts cancel out, and a round of Beat
    the Winner took 270 ns instead of 6.
    """
    return value


@overload(borrowed, jit_options=INLINE_OPTIONS)
def _borrowed_compiled(value):  # type: ignore[no-untyped-def]  # Numba compares signatures, annotations included
    return lambda value: _without_owner(value)


@intrinsic  # type: ignore[untyped-decorator]
def _without_owner(typing_context: Any, value: Any) -> Any:
    """Return the value with no owner in any of its arrays: LLVM removes the counting of what is known to be null."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _disowned(context, builder, signature.args[0], arguments[0])

    return value(value), generate


def _disowned(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, Array):
        array = make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if isinstance(kind, BaseTuple):
        for k, part in enumerate(kind.types):
            item = _disowned(context, builder, part, builder.extract_value(value, k))
            value = builder.insert_value(value, item, k)
    return value


_generics: dict[Any, str] = {}


def _bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy without annotations: Numba compares signatures, and annotations would make them differ."""
    assert isinstance(function, pytypes.FunctionType)
    return pytypes.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )


def _overload_by_first_type(function: Callable[..., Any], pick: Callable[[Any], Any]) -> None:
    """Let `pick`, given the Numba type of the first argument, say what a compiled call of `function` runs."""
    parameters = list(inspect.signature(function).parameters)
    namespace: dict[str, Any] = {"pick": pick}
    # Numba wants the argument names of the overload to be those of the implementation: no *args.
    exec(f"def overloaded({', '.join(parameters)}):\n    return pick({parameters[0]})", namespace)
    overload(function, jit_options=INLINE_OPTIONS)(namespace["overloaded"])


def generic(stub: F) -> F:
    """Make a function that resolves by the type of its first argument, compiled or not.

    The stub gives the name, the arguments and the docstring; its body is not used. Implementations are
    added with `implement`, and have exactly the stub's argument names.
    """
    parameters = list(inspect.signature(stub).parameters)
    table: dict[type, Callable[..., Any]] = {}

    def resolve(numba_type: Any) -> Callable[..., Any] | None:
        return table.get(getattr(numba_type, "instance_class", None))  # type: ignore[arg-type]

    namespace: dict[str, Any] = {"table": table}
    arguments = ", ".join(parameters)
    exec(f"def {stub.__name__}({arguments}):\n    return table[type({parameters[0]})]({arguments})", namespace)
    function = namespace[stub.__name__]
    _overload_by_first_type(function, resolve)
    function.__doc__ = stub.__doc__
    function.__module__ = stub.__module__
    function.table = table
    function.resolve = resolve
    _generics[function] = stub.__name__
    return function


def implement(function: Any, params: type, implementation: Callable[..., Any]) -> None:
    """Let a generic function run `implementation` when its first argument is a `params`."""
    function.table.setdefault(params, _bare(implementation))


def implements(function: Any, params_or_type: Any) -> bool:
    """Say whether a generic function has an implementation for a parameters tuple, or for its Numba type."""
    return type(params_or_type) in function.table or function.resolve(params_or_type) is not None


_lanes_apart: list[bool] = []


@contextlib.contextmanager
def lanes_apart() -> Iterator[None]:
    """Compile for lanes that are played apart, one a thread: `in_phases` then prefers what works lane by lane."""
    _lanes_apart.append(True)
    try:
        yield
    finally:
        _lanes_apart.pop()


def in_phases(together: Any, component: Any, alone: Any) -> bool:
    """Say which of two kernels of a component to use: that for all lanes together, or that for a lane alone.

    The first is for loops over lanes that vectorise; both do the same.
    """
    return implements(together, component) and not (_lanes_apart and implements(alone, component))


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


# ------------------------------------------------------------------------------------------ fingerprint


LONG = 10_000
"""Lists of more numbers count by their type only."""

LIBRARIES = sys.stdlib_module_names | {
    "cvxpy", "highspy", "joblib", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "scipy",
}  # fmt: skip
"""Packages whose code is not looked into: what is used of them is named in the code that uses it."""


def _is_library(module: str | None) -> bool:
    return (module or "").split(".")[0] in LIBRARIES


def _text(value: object) -> str:
    """Describe a constant, the same in every process; what is not plain counts by its type."""
    if isinstance(value, set | frozenset):
        return type(value).__name__ + repr(sorted(_text(v) for v in value))
    if isinstance(value, tuple | list) and len(value) <= LONG:
        return type(value).__name__ + repr([_text(v) for v in value])
    if isinstance(value, dict) and len(value) <= LONG:
        return "dict" + repr(sorted((_text(k), _text(v)) for k, v in value.items()))
    if isinstance(value, np.ndarray):
        return f"array{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, pytypes.CodeType):
        return _code_text(value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}{getattr(value, '_fields', '')}"
    if isinstance(value, int | float | complex | str | bytes | bool | np.generic | type(None)):
        return repr(value)
    return type(value).__qualname__


def _code_text(code: pytypes.CodeType, doc: object = None) -> str:
    constants = code.co_consts
    if constants and isinstance(constants[0], str) and constants[0] == doc:
        constants = constants[1:]  # a docstring does not change what runs
    return repr((code.co_code, code.co_names, code.co_varnames, [_text(c) for c in constants]))


@functools.lru_cache(maxsize=4096)
def _names_used(code: pytypes.CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the globals that code names, and the attributes that it asks of anything."""
    names, attributes = set[str](), set[str]()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(instruction.argval)
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
            attributes.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, pytypes.CodeType):
            inner_names, inner_attributes = _names_used(constant)
            names |= inner_names
            attributes |= inner_attributes
    return frozenset(names), frozenset(attributes)


def _own_sources(function: pytypes.FunctionType) -> list[tuple[str, object]]:
    """Return the globals, the attributes of modules, and the closed-over values that a function's code can name."""
    names, attributes = _names_used(function.__code__)
    found: list[tuple[str, object]] = []

    def add(name: str, value: object, depth: int) -> None:
        if not isinstance(value, pytypes.ModuleType):
            found.append((name, value))
        elif depth < 3 and not _is_library(value.__name__):  # some libraries' attributes warn when touched
            for attribute in sorted(attributes):
                if hasattr(value, attribute):
                    add(f"{name}.{attribute}", getattr(value, attribute), depth + 1)

    for name in sorted(names):
        if name in function.__globals__:
            add(name, function.__globals__[name], 0)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # an empty cell: the function refers to itself before it is bound
            found.append((name, cell.cell_contents))
    return found


def functions_of(cls: type) -> list[tuple[str, pytypes.FunctionType]]:
    """Return all functions of a class and its bases by name: methods, properties, class and static methods."""
    found: list[tuple[str, pytypes.FunctionType]] = []
    for base in cls.__mro__:
        for name, member in sorted(vars(base).items()):
            plain = _unwrapped(member)
            if isinstance(plain, pytypes.FunctionType):
                found.append((f"{base.__qualname__}.{name}", plain))
    return found


def _unwrapped(value: Any) -> Any:
    """Return the function inside a property, a class or static method, a cache or a dispatcher."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, functools.cached_property):
        value = value.func
    elif isinstance(value, classmethod | staticmethod):
        value = value.__func__
    if isinstance(value, Dispatcher):
        return value.py_func
    while not isinstance(value, pytypes.FunctionType | type) and hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return value


def fingerprint(*functions: Callable[..., Any], extra: str = "") -> str:
    """Return a hash of the bytecode of functions and of everything of ours or the user's that they can reach.

    That is functions and methods of classes, with their defaults, and the values of plain constants, containers and
    arrays read from globals, closures and class attributes. Containers that the package itself keeps (its registries)
    count by type, unless they are constants. Generic functions count by name
    only: which implementation they resolve to is said by the component types that a kernel is built for.
    Docstrings, comments and line numbers do not count.
    """
    digest = hashlib.sha256(extra.encode())
    seen: set[int] = set()

    def visit(name: str, value: Any, owner: str) -> None:
        value = _unwrapped(value)
        if isinstance(value, functools.partial):
            visit(name, value.func, owner)
            digest.update(f"{name}:{_text(value.args)}{_text(value.keywords)}".encode())
        elif isinstance(value, pytypes.FunctionType):
            visit_function(name, value)
        elif isinstance(value, type):
            visit_class(name, value)
        elif isinstance(value, dict | list | set) and owner.startswith("banditlab.") and not name.isupper():
            digest.update(f"{name}:{type(value).__name__}".encode())
        else:
            digest.update(f"{name}:{_text(value)}".encode())
            if not _is_library(type(value).__module__) and hasattr(value, "__dict__") and not callable(value):
                visit_class(name, type(value))
                if not type(value).__module__.startswith("banditlab."):
                    digest.update(f"{name}:{_text(vars(value))}".encode())

    def visit_function(name: str, value: pytypes.FunctionType) -> None:
        if value in _generics:
            digest.update(f"{name}:generic".encode())
            return
        if id(value) in seen:
            return
        seen.add(id(value))
        # Numba's cached code imports the module by name when it is loaded
        told = f"{name}:{value.__module__}:{_code_text(value.__code__, value.__doc__)}"
        digest.update(f"{told}{_text(value.__defaults__)}{_text(value.__kwdefaults__)}".encode())
        if not _is_library(value.__module__):
            for other, used in _own_sources(value):
                visit(other, used, value.__module__ or "")

    def visit_class(name: str, cls: type) -> None:
        digest.update(f"{name}:{_text(cls)}".encode())
        if _is_library(cls.__module__) or id(cls) in seen:
            return
        seen.add(id(cls))
        for base in cls.__mro__:
            if _is_library(base.__module__):
                continue
            for attribute, member in sorted(vars(base).items()):
                plain = _unwrapped(member)
                if isinstance(plain, pytypes.FunctionType):
                    visit_function(f"{name}.{attribute}", plain)
                elif not attribute.startswith("_") and not isinstance(plain, type):
                    visit(f"{name}.{attribute}", plain, base.__module__)

    for function in functions:
        visit(function.__qualname__, function, function.__module__)
    return digest.hexdigest()[:16]


Witness = tuple[tuple[dict[str, Any], str, object], ...]


def witness(*functions: Callable[..., Any]) -> Witness:
    """Return the globals that functions of the user's, and those that they call, refer to, with their present values.

    In a notebook a global can be given another value between two runs; what was compiled with the old one is stale.
    """
    found: list[tuple[dict[str, Any], str, object]] = []
    seen: set[int] = set()
    waiting = list(functions)
    while waiting:
        function = waiting.pop()
        if not isinstance(function, pytypes.FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        if _is_library(function.__module__) or (function.__module__ or "").startswith("banditlab."):
            continue
        for name in sorted(_names_used(function.__code__)[0]):
            if name in function.__globals__:
                value = function.__globals__[name]
                found.append((function.__globals__, name, value))
                waiting.append(value)
    return tuple(found)


def unchanged(seen: Witness) -> bool:
    """Say whether all globals still have the values that `witness` saw."""
    return all(scope.get(name) is value for scope, name, value in seen)


# --------------------------------------------------------------------------------------------- kernels


def compiled_mode() -> bool:
    """Say whether kernels are compiled: not when NUMBA_DISABLE_JIT is set."""
    return not numba.config.DISABLE_JIT


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a kernel as plain Python with the arithmetic of compiled code: silent inf, NaN and wrap-around."""

    @functools.wraps(function)
    def run(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return run


def component_types(value: object) -> list[type]:
    """Return the types of a parameters tuple and of all components nested in it, outermost first."""
    found = [type(value)]
    for item in value if isinstance(value, tuple) else ():
        if isinstance(item, tuple):
            found += component_types(item)
    return found


CACHE_DAYS = 90
"""Compiled kernels older than this are removed when one is made: code that was edited away leaves files behind."""

_kernels: list[Any] = []


class _ForgivingCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache on disk, for which a damaged file is a missing one, and a full disk no reason to stop."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel, or None, after clearing what cannot be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - unpickling damaged bytes can raise anything
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store the compiled kernel if that is possible."""
        try:
            super().save_overload(sig, data)
        except Exception:  # noqa: BLE001 - it has been compiled, and can run: the disk's trouble is not the run's
            with contextlib.suppress(OSError):
                self.flush()


def _remove_old_kernels(folder: str, pattern: str) -> None:
    """Remove cache files that are too old; one still in use is compiled again, and costs a second."""
    oldest = time.time() - CACHE_DAYS * 86400
    for file in Path(folder).glob(pattern):
        # another process may remove it first, and the folder may be read-only
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()


def compiled_kernels() -> list[Any]:
    """Return the Numba dispatchers that this process has made; their `stats` tell cache hits from compilations."""
    return list(_kernels)


@functools.cache
def _compiled(function: pytypes.FunctionType, types: tuple[type, ...]) -> Callable[..., Any]:
    names = "-".join(t.__name__.rsplit("_", 1)[0] for t in types)[:80]
    identity = fingerprint(function, extra=" ".join(t.__name__ for t in types))
    copy = pytypes.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    copy.__module__ = function.__module__
    copy.__qualname__ = f"{function.__name__}-{names}-{identity}"
    made = numba.njit(**KERNEL_OPTIONS)(copy)
    with contextlib.suppress(RuntimeError, OSError):  # where no folder can hold the cache, do without
        made._cache = _ForgivingCache(made.py_func)
        _remove_old_kernels(made._cache.cache_path, f"*.{function.__name__}-*.nb?")
    _kernels.append(made)
    return made


@contextlib.contextmanager
def explained(policy: object, environment: object = None) -> Iterator[None]:
    """Turn what can go wrong inside components' own kernels into an error about these components."""
    try:
        yield
    except IndexError as error:
        what = str(error).removesuffix(" out of range").rpartition(" ")[2]  # the simulator of CUDA says which thread
        if what not in ("arm", "action", "index"):
            raise
        if what == "index":
            raise InvalidComponent(f"{policy!r} gave an item the index nan; allowed: numbers, also inf") from error
        raise InvalidComponent(
            f"{policy!r} chose an {what} that does not exist; allowed: "
            + ("items from 0 to n_arms - 1, ascending " if what == "action" else "0 to n_arms - 1 ")
            + "(rounds count from 1, arms from 0)"
        ) from error
    except (numba.core.errors.NumbaError, numba.core.errors.UnsupportedBytecodeError) as error:
        places = re.findall(r'File "([^"]+)", line (\d+)', str(error))
        own = (f"{file}, line {line}" for file, line in places if not Path(file).resolve().is_relative_to(PACKAGE))
        where = next(own, "")
        told = next((line.strip() for line in str(error).splitlines() if re.search(PLAIN_WORDS, line)), "")
        pair = f"{policy!r} cannot be compiled" + (f" for {environment!r}" if environment is not None else "")
        raise InvalidComponent(
            f"{pair}{' (' + where + ')' if where else ''}{': ' + told if told else ''}; "
            'allowed: the Numba subset of Python (to debug, play as plain Python: bl.run(..., backend="python"))'
        ) from error


PACKAGE = Path(__file__).resolve().parents[1]
"""Where the package is: a mistake in a user's kernel is not in there."""

PLAIN_WORDS = (
    r"Unknown attribute|is not defined|Cannot unify|Untyped global|Invalid use of|has no attribute|non-precise|"
    r"failed to unpack|wrong tuple length"
)


def kernel(function: Callable[..., Any], *components: object, compiled: bool = True) -> Callable[..., Any]:
    """Return `function` specialised for the types of some components' parameters.

    Parameters
    ----------
    function
        A kernel: a module-level function of a file of this package.
    *components
        The parameter tuples that it will receive; nested components count.
    compiled
        False runs the function as plain Python, as `NUMBA_DISABLE_JIT=1` does for the whole process.
    """
    if not compiled or not compiled_mode():
        return quiet(function)
    types = tuple(t for component in components for t in component_types(component))
    return _compiled(function, types)
