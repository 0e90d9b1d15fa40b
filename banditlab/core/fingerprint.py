"""A hash of all code that functions can reach, and whether what they see has changed since.

A kernel's file on disk carries it in its name, so that edited code is a different kernel (see `core.kernels`), and so
does the address of what a store holds.
"""

from __future__ import annotations

import builtins
import contextlib
import dis
import functools
import hashlib
import sys
import types as pytypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from .dispatch import generics

LONG = 10_000
"""Lists of more numbers count by their type only."""

LIBRARIES = sys.stdlib_module_names | {
    "cvxpy", "highspy", "joblib", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "scipy",
}  # fmt: skip
"""Packages whose code is not looked into: what is used of them is named in the code that uses it."""


class Unbound:
    """What a global counts as that has no value yet: in a notebook it may be given one in a later cell."""


def _is_library(module: str | None) -> bool:
    return (module or "").split(".")[0] in LIBRARIES


def is_ours(module: str | None) -> bool:
    """Say whether a module is one of the package's own."""
    return (module or "").startswith("banditlab.")


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
        elif not hasattr(builtins, name):
            found.append((name, Unbound))
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
        elif isinstance(value, dict | list | set) and is_ours(owner) and not name.isupper():
            digest.update(f"{name}:{type(value).__name__}".encode())
        else:
            digest.update(f"{name}:{_text(value)}".encode())
            if not _is_library(type(value).__module__) and hasattr(value, "__dict__") and not callable(value):
                visit_class(name, type(value))
                if not is_ours(type(value).__module__):
                    digest.update(f"{name}:{_text(vars(value))}".encode())

    def visit_function(name: str, value: pytypes.FunctionType) -> None:
        if value in generics:
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
    for function in users_own(*functions):
        scope = function.__globals__
        found += [(scope, name, scope.get(name, Unbound)) for name in sorted(_names_used(function.__code__)[0])]
    return tuple(found)


def users_own(*functions: Callable[..., Any]) -> Iterator[pytypes.FunctionType]:
    """Go through functions and those that they call, leaving out the package's and libraries'."""
    seen: set[int] = set()
    waiting: list[Any] = list(functions)
    while waiting:
        function = waiting.pop()
        if not isinstance(function, pytypes.FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        if _is_library(function.__module__) or is_ours(function.__module__):
            continue
        yield function
        waiting += [function.__globals__.get(name) for name in sorted(_names_used(function.__code__)[0])]


def unchanged(seen: Witness) -> bool:
    """Say whether all globals still have the values that `witness` saw."""
    return all(scope.get(name, Unbound) is value for scope, name, value in seen)
