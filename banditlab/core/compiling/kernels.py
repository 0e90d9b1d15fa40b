"""Compiling a protocol's kernel: a copy for one combination of components, cached on disk.

Why a copy of the function, and one cache file, for each combination: Numba's cache key ignores the code of what a
function calls, and keeps all signatures of a function in one index file. With a shared file, an edited policy would
silently run its old code, and a policy defined in a notebook would make every later process fail while reading the
index. Here the file's name contains `fingerprint`, a hash of all code that the kernel can reach, so that edited code is
a different kernel.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
import re
import sys
import threading
import time
import types as pytypes
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError, UnsupportedBytecodeError

from ..choices import told_of
from ..dispatch import KERNEL_OPTIONS
from ..errors import InvalidComponent
from .advice import reason
from .fingerprint import fingerprint
from .numba_parts import NO_CACHE, ForgivingCache, forget_failures


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


def classes_of(components: Iterable[object]) -> tuple[type, ...]:
    """Return what a kernel is compiled for: the types of parameter tuples, each before those nested in it."""
    found: list[type] = []
    for component in components:
        found.append(type(component))
        if isinstance(component, tuple):
            found += classes_of(part for part in component if isinstance(part, tuple))
    return tuple(found)


CACHE_DAYS = 90
"""Compiled kernels older than this are removed when a new one is made: edited code leaves files behind."""

_kernels: list[Any] = []


def kernel_name(function: Callable[..., Any], types: tuple[type, ...], identity: str) -> str:
    """Return the name of a kernel for some components, which is what Numba calls its files."""
    names = "-".join(t.__name__.rsplit("_", 1)[0] for t in types)[:80]
    return f"{function.__name__}-{names}-{identity}"


def remove_old_kernels(folder: str, function: Callable[..., Any]) -> None:
    """Remove cache files that are too old; one still in use is compiled again, which takes a second."""
    oldest = time.time() - CACHE_DAYS * 86400
    for file in Path(folder).glob(f"*.{function.__name__}-*.nb?"):
        # another process may remove it first, and the folder may be read-only
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()


def compiled_kernels() -> list[Any]:
    """Return the Numba dispatchers that this process has made; their `stats` tell cache hits from compilations."""
    return list(_kernels)


@functools.cache
def _compiled(function: pytypes.FunctionType, types: tuple[type, ...]) -> Callable[..., Any]:
    checked = ["bounds checked"] if numba.config.BOUNDSCHECK else []  # otherwise Numba would confuse the two
    identity = fingerprint(function, extra=" ".join([t.__name__ for t in types] + checked))
    copy = pytypes.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    copy.__module__ = function.__module__
    copy.__qualname__ = kernel_name(function, types, identity)
    made = numba.njit(**KERNEL_OPTIONS)(copy)
    with contextlib.suppress(*NO_CACHE):  # without a folder that can hold the cache, do without it
        made._cache = ForgivingCache(made.py_func)
        remove_old_kernels(made._cache.cache_path, function)
    _kernels.append(made)
    return made


@contextlib.contextmanager
def explained(policy: object, environment: object = None) -> Iterator[None]:
    """Turn what can go wrong inside components' own kernels into an error about these components."""
    try:
        yield
    except IndexError as error:
        told = told_of(error)
        if not told:
            raise
        raise InvalidComponent(f"{policy!r} {told}") from error
    except (NumbaError, UnsupportedBytecodeError) as error:
        places = re.findall(r'File "([^"]+)", line (\d+)', str(error))
        places += re.findall(r"Raised from (.+) \((\d+)\)", str(error))
        own = ((file, int(line)) for file, line in places if _is_users(Path(file).resolve()))
        where = next((f"{file}, line {line}: {_line(file, line)}" for file, line in own), "")
        told = reason(str(error), policy, environment)
        forget_failures()
        pair = f"{policy!r} cannot be compiled" + (f" for {environment!r}" if environment is not None else "")
        raise InvalidComponent(
            f"{pair}{' (' + where + ')' if where else ''}{': ' + told if told else ''}; "
            'allowed: the Numba subset of Python (to debug, play as plain Python: bl.run(..., backend="python"))'
        ) from (None if told else error)  # a hundred lines of Numba's message say no more than this one
    except Exception as error:
        if not _raised_by_numba(error):
            raise
        raise InvalidComponent(
            f"{policy!r} cannot be compiled, as Numba fails with {type(error).__name__}: {error}; allowed: the Numba "
            'subset of Python (to debug, play as plain Python: bl.run(..., backend="python"))'
        ) from error


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise at the end what Ctrl-C raised while LLVM called back: there Python can only print it, and goes on."""
    if threading.current_thread() is not threading.main_thread():  # where Ctrl-C raises nothing
        yield
        return
    before = sys.unraisablehook
    swallowed: list[BaseException] = []

    def hook(told: Any) -> None:
        if isinstance(told.exc_value, KeyboardInterrupt):
            swallowed.append(told.exc_value)
        else:
            before(told)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
    if swallowed:
        raise KeyboardInterrupt


def _raised_by_numba(error: BaseException) -> bool:
    """Say whether an exception is from Numba's compiler, which can stumble over the unexpected; not a device's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = str(trace.tb_frame.f_globals.get("__name__", "")) if trace is not None else ""
    machine = isinstance(error, OSError | MemoryError) or module.startswith("numba.cuda")
    return module.startswith("numba.") and not machine


def _line(file: str, line: int) -> str:
    """Return a line of a file, or of a notebook's cell, whose file is nowhere: Numba names both relative to here."""
    return (linecache.getline(file, line) or linecache.getline(str(Path(file).resolve()), line)).strip()


def _is_users(file: Path) -> bool:
    """Say whether a file is neither the package's nor Numba's: where a mistake in a user's kernel is."""
    roots = [sys.modules[name].__file__ for name in (PACKAGE, "numba", "numba_cuda") if name in sys.modules]
    return not any(file.is_relative_to(Path(root).resolve().parent) for root in roots if root)


PACKAGE = __name__.partition(".")[0]


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
    return _compiled(function, classes_of(components))


def kept(function: Callable[..., Any], *components: object) -> bool:
    """Say whether `kernel` returns something that need not be compiled, or could not be kept if it were."""
    if not compiled_mode():
        return True
    made: Any = kernel(function, *components)
    return bool(made.signatures) or not isinstance(made._cache, ForgivingCache) or made._cache.holds_some()
