"""A hash of all code that functions can reach, and whether what they see has changed since.

A kernel's file on disk carries it in its name, so that edited code is a different kernel (`compiling.kernels`), and
so does the address of what a store holds.
"""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import dis
import functools
import hashlib
import importlib.util
import itertools
import sys
import types as pytypes
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numba.extending import is_jitted

from ..dispatch import generics
from ..origin import is_library, is_ours

SAMPLE = 10_000
"""How many numbers of a table are compared to find changes in place."""


class Unbound:
    """What a global without a value counts as: in a notebook, a later cell may give it one."""


def is_component(value: object) -> bool:
    """Say whether a value is an instance of a policy, an environment or another component class."""
    return "__banditlab__" in vars(type(value))  # an undecorated subclass would play its base's kernels


PLAIN = (int, float, complex, str, bytes, bool, np.generic, type(None))
"""Types of values that are identified by their text."""


def _text(value: object) -> str:
    """Describe a constant, the same in every process; anything that is not plain counts by its type."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, set | frozenset):
        return type(value).__name__ + repr(sorted(_text(v) for v in value))
    if isinstance(value, tuple | list):
        return type(value).__name__ + repr([_text(v) for v in value])
    if isinstance(value, dict):
        return "dict" + repr(sorted((_text(k), _text(v)) for k, v in value.items()))
    if isinstance(value, np.ndarray) and value.dtype == object:  # its bytes are addresses
        return f"array{value.shape}{_text(value.ravel().tolist())}"
    if isinstance(value, np.ndarray):
        return f"array{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, pytypes.CodeType):
        return _code_text(value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}{getattr(value, '_fields', '')}"
    if is_component(value):  # its fields identify it, and what was made of them does not
        names = [f.name for f in dataclasses.fields(type(value))]  # type: ignore[arg-type]
        return _text(type(value)) + _text({name: getattr(value, name) for name in names})
    return type(value).__qualname__


def _code_text(code: pytypes.CodeType, doc: object = None) -> str:
    constants = code.co_consts
    if constants and isinstance(constants[0], str) and constants[0] == doc:
        constants = constants[1:]  # a docstring does not change what runs
    return repr((code.co_code, code.co_names, code.co_varnames, [_text(c) for c in constants]))


class Used(NamedTuple):
    """What code refers to: globals, attributes of anything, and imports of its own as (level, module, names)."""

    names: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[tuple[int, str, tuple[str, ...]]]


_NAMING = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM", "IMPORT_NAME")
"""Instructions whose argument is the position of a name."""

_FLAGGED = {"LOAD_GLOBAL"} if sys.version_info < (3, 12) else {"LOAD_GLOBAL", "LOAD_ATTR"}
"""Those whose argument has one more bit at its end."""


def _instructions(code: pytypes.CodeType) -> Iterator[tuple[str, Any]]:
    """Go through the names and constants of instructions; `dis.get_instructions` takes ten times as long."""
    values = dict.fromkeys(_NAMING, code.co_names) | {"LOAD_CONST": code.co_consts}
    extension = 0
    for operation, last in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        name, argument = dis.opname[operation], extension | last
        extension = argument << 8 if name == "EXTENDED_ARG" else 0
        if name in values:
            yield name, values[name][argument >> 1 if name in _FLAGGED else argument]
        elif name == "LOAD_SMALL_INT":  # from Python 3.14 on
            yield "LOAD_CONST", argument


@functools.lru_cache(maxsize=4096)
def _used(code: pytypes.CodeType) -> Used:
    names, attributes, imports = set[str](), set[str](), set[tuple[int, str, tuple[str, ...]]]()
    constants: list[Any] = [0, None]  # of an import, the level and the names are loaded before it
    for instruction, value in _instructions(code):
        if instruction in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(value)
        elif instruction in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
            attributes.add(value)
        elif instruction == "LOAD_CONST":
            constants.append(value)
        elif instruction == "IMPORT_NAME":
            imports.add((constants[-2], value, constants[-1] or ()))
    for constant in code.co_consts:
        if isinstance(constant, pytypes.CodeType):
            inner = _used(constant)
            names |= inner.names
            attributes |= inner.attributes
            imports |= inner.imports
    return Used(frozenset(names), frozenset(attributes), frozenset(imports))


class Source(NamedTuple):
    """Where a value was read: a namespace and a name in it; and what can change in place, as text."""

    scope: Any
    name: str
    value: object
    content: str | None = None

    @classmethod
    def of(cls, scope: Any, name: str) -> Source:
        """Read a value."""
        return cls(scope, name, scope.get(name, Unbound))

    def with_content(self) -> Source:
        """Return it with what its value holds; the package's own values, which do not change, are left out."""
        return self._replace(content=_content(self.value))

    @property
    def unchanged(self) -> bool:
        """Whether the same value would be read again."""
        value = self.scope.get(self.name, Unbound)
        return value is self.value and self.content == _content(value)


Witness = tuple[Source, ...]


def _content(value: object) -> str | None:
    """Return what can change in place, as text; for long tables a sample, as every run asks for it."""
    if isinstance(value, np.ndarray):
        return f"{value.shape}{_text(value.flat[:: 1 + value.size // SAMPLE])}"
    if isinstance(value, list):
        return f"{len(value)}{_text(value[:: 1 + len(value) // SAMPLE])}"
    if isinstance(value, dict | set):
        parts = value.items() if isinstance(value, dict) else value
        return f"{len(value)}{sorted(_text(part) for part in itertools.islice(parts, SAMPLE))}"
    return None


class _Closure:
    """The namespace of a closed-over name."""

    def __init__(self, cell: pytypes.CellType) -> None:
        self._cell = cell

    def get(self, name: str, default: object) -> object:
        """Return the present value."""
        try:
            return self._cell.cell_contents
        except ValueError:  # an empty cell: the function refers to itself before it is bound
            return default


class _Parts:
    """The namespace of what a function is made of."""

    def __init__(self, function: pytypes.FunctionType) -> None:
        self._function = function

    def get(self, name: str, default: object) -> object:
        """Return the present value."""
        return getattr(self._function, name, default)


def _sources(function: pytypes.FunctionType) -> list[tuple[str, Source]]:
    """Return what a function's code can name, with its place: globals, attributes of modules, closed-over values."""
    used = _used(function.__code__)
    found: list[tuple[str, Source]] = []

    def add(name: str, scope: Mapping[str, Any], key: str, depth: int = 0) -> None:
        source = Source.of(scope, key)
        value = source.value
        found.append((name, source))
        if isinstance(value, pytypes.ModuleType) and depth < 3 and not is_library(value.__name__):
            for attribute in sorted(used.attributes & vars(value).keys()):
                add(f"{name}.{attribute}", vars(value), attribute, depth + 1)

    for name in sorted(used.names):
        if name in function.__globals__ or not hasattr(builtins, name):
            add(name, function.__globals__, name)
    for level, module, names in sorted(used.imports):
        with contextlib.suppress(ImportError):  # what cannot be imported here is not used here
            full = importlib.util.resolve_name("." * level + module, function.__globals__.get("__package__") or "")
            if not is_library(full):
                scope = vars(importlib.import_module(full))
                for name in names:
                    if name not in scope:  # a module below, which the import statement loads
                        importlib.import_module(f"{full}.{name}")
                    add(f"{full}.{name}", scope, name)
                if not names:
                    add(full, sys.modules, full.split(".")[0])
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        source = Source.of(_Closure(cell), name)
        if source.value is not Unbound:
            found.append((name, source))
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
    if is_jitted(value):
        return value.py_func
    while not isinstance(value, pytypes.FunctionType | type) and hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return value


def fingerprint(*functions: Callable[..., Any], extra: str = "") -> str:
    """Return a hash of all code and constants of ours or the user's that functions can reach; see `survey`."""
    return survey(*functions, extra=extra)[0]


def survey(*functions: Callable[..., Any], extra: str = "") -> tuple[str, Witness]:
    """Return a hash of the bytecode of functions and of everything they can reach, and what that was read from.

    That is: functions and methods of classes, with their defaults, and the values of plain constants, containers and
    arrays read from globals, modules, closures and class attributes. For our code and the user's, it includes what
    functions import when they are called. Containers that the package itself keeps (its registries) count by type,
    unless they are constants. Generic functions count by name and default: the component types that a kernel is built
    for determine which implementation they resolve to. Docstrings, comments and line numbers do not count.

    In a notebook, a global can get another value between two runs, a module can be loaded again, and a function in use
    can get other code. So the second value holds, for `unchanged`, all names that functions of the user's refer to, and
    what these are made of.
    """
    made = _Survey(extra)
    for function in functions:
        made.visit(function.__qualname__, function, function.__module__)
    return made.digest.hexdigest()[:16], tuple(made.sources)


class _Survey:
    """Goes through what functions can reach, each thing once, and notes it under the name by which it is reached."""

    def __init__(self, extra: str) -> None:
        self.digest = hashlib.sha256(extra.encode())
        self.sources: list[Source] = []
        self._seen: set[int] = set()

    def visit(self, name: str, value: Any, owner: str) -> None:
        """Note any value; `owner` is the module that it was read in."""
        value = _unwrapped(value)
        if isinstance(value, functools.partial):
            self.visit(name, value.func, owner)
            self._note(f"{name}:{_text(value.args)}{_text(value.keywords)}")
        elif isinstance(value, pytypes.FunctionType):
            self._visit_function(name, value)
        elif isinstance(value, type):
            self._visit_class(name, value)
        elif isinstance(value, dict | list | set) and is_ours(owner) and not name.isupper():
            self._note(f"{name}:{type(value).__name__}")
        else:
            self._note(f"{name}:{_text(value)}")
            if not is_library(type(value).__module__) and hasattr(value, "__dict__") and not callable(value):
                self._visit_class(name, type(value))
                if not is_ours(type(value).__module__) and not is_component(value):
                    self._note(f"{name}:{_text(vars(value))}")

    def _note(self, told: str) -> None:
        self.digest.update(told.encode())

    def _visit_function(self, name: str, value: pytypes.FunctionType) -> None:
        if value in generics:
            self._note(f"{name}:generic")
            if value.default is not None:  # type: ignore[attr-defined]
                self._visit_function(f"{name} by default", value.default)  # type: ignore[attr-defined]
            return
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        # Numba's cached code imports the module by name when it is loaded
        told = f"{name}:{value.__module__}:{_code_text(value.__code__, value.__doc__)}"
        self._note(f"{told}{_text(value.__defaults__)}{_text(value.__kwdefaults__)}")
        if not is_library(value.__module__):
            if not is_ours(value.__module__):
                # IPython's autoreload gives new code to the functions of an edited file, wherever they are held
                self.sources += [Source.of(_Parts(value), name) for name in ("__code__", "__defaults__")]
            for other, source in _sources(value):
                if not is_ours(value.__module__):
                    self.sources.append(source.with_content())
                if not isinstance(source.value, pytypes.ModuleType):
                    self.visit(other, source.value, value.__module__ or "")

    def _visit_class(self, name: str, cls: type) -> None:
        self._note(f"{name}:{_text(cls)}")
        if is_library(cls.__module__) or id(cls) in self._seen:
            return
        self._seen.add(id(cls))
        for base in cls.__mro__:
            if is_library(base.__module__):
                continue
            for attribute, member in sorted(vars(base).items()):
                plain = _unwrapped(member)
                if not is_ours(base.__module__) and not attribute.startswith("__"):
                    self.sources.append(Source.of(vars(base), attribute).with_content())
                if isinstance(plain, pytypes.FunctionType):
                    self._visit_function(f"{name}.{attribute}", plain)
                elif not attribute.startswith("_") and not isinstance(plain, type):
                    self.visit(f"{name}.{attribute}", plain, base.__module__)


def users_own(*functions: Callable[..., Any]) -> Iterator[pytypes.FunctionType]:
    """Go through functions and those that they call, leaving out the package's and libraries'."""
    seen: set[int] = set()
    waiting: list[Any] = list(functions)
    while waiting:
        function = _unwrapped(waiting.pop())
        if not isinstance(function, pytypes.FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        if is_library(function.__module__) or is_ours(function.__module__):
            continue
        yield function
        waiting += outer_values(function).values()


def outer_values(function: pytypes.FunctionType) -> dict[str, Any]:
    """Return the values of all names that a function uses and does not define itself: globals and closed-over ones."""
    found = {name: function.__globals__.get(name) for name in sorted(_used(function.__code__).names)}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        found[name] = _Closure(cell).get(name, None)
    return found


def unchanged(seen: Witness) -> bool:
    """Say whether all names still have the values that `survey` saw."""
    return all(source.unchanged for source in seen)
