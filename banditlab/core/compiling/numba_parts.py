"""What the package uses of Numba that is undocumented: where to look when a release of Numba breaks something.

That is why `pyproject.toml` admits no release that has not been tested. There are five such things: arrays without
owners (`without_owner`), what only compiled code calls (`CompilePart`, `CompileKernel`), compiling anew
(`forget_compiled`, `forget_failures`), the cache on disk (`ForgivingCache`), and its location (`cache_folder`). What is
used of numba-cuda in the same way is in the modules `cuda` and `launch` of `core.devices`, which import it only when a
device is asked for.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numba.cpython.hashing  # noqa: F401 - what it does when imported is needed: see ForgivingCache
from numba import _dynfunc
from numba.core import cgutils
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.dispatcher import _FunctionCompiler  # type: ignore[attr-defined]
from numba.core.environment import lookup_environment
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.core.typed_passes import AnnotateTypes, NativeLowering
from numba.core.types import Array
from numba.core.types.containers import BaseTuple
from numba.extending import intrinsic, is_jitted
from numba.np.arrayobj import make_array


@intrinsic  # type: ignore[untyped-decorator]
def without_owner(typing_context: Any, value: Any) -> Any:
    """Return the value without an owner in any of its arrays: LLVM removes reference counting of known nulls."""

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


class Part(JITCodeLibrary):  # type: ignore[misc]
    """The code of a function that only compiled code calls: it is linked into its callers.

    Numba also makes machine code of each function by itself, which nothing runs: this took a quarter of the time to
    compile kernels. Each function must still be optimised before it is inlined: otherwise a round of B-CVTS took 1.6
    times as long.
    """

    def _finalize_final_module(self) -> None:
        self._finalized = True


def _nothing_to_call(library: Any, described: Any, environment: Any) -> Any:
    """Return a stand-in for the machine code of a function: an object of its own, which keeps the rest alive."""
    module, name = described.lookup_module(), described.qualname.split(".")[-1]
    return _dynfunc.make_function(module, name, "", 0, environment, (library,))


class _Pass(LoweringPass):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()  # Numba's own is abstract


@register_pass(mutates_CFG=False, analysis_only=True)
class _IntoPart(_Pass):
    """Has a function's code put into a `Part`."""

    _name = "into_part"

    def run_pass(self, state: Any) -> bool:
        """Give lowering the library, and a context that makes nothing callable of it."""
        state.library = Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.targetctx = state.targetctx.subtarget(get_executable=_nothing_to_call)
        return True


@register_pass(mutates_CFG=False, analysis_only=True)
class _KnowParts(_Pass):
    """Tells a kernel where its parts' environments are, which hold what they print and numbers in their exceptions."""

    _name = "know_parts"

    def run_pass(self, state: Any) -> bool:
        """Set the pointers that Numba itself sets when a kernel comes from the disk."""
        for variable in state.library._final_module.global_variables:
            environment = lookup_environment(variable.name)
            if environment is not None:
                state.library.codegen.set_env(variable.name, environment)
        return True


class _WithPass(CompilerBase):  # type: ignore[misc]
    added: ClassVar[type[_Pass]]
    after: ClassVar[type]

    def define_pipelines(self) -> list[Any]:
        """Return Numba's passes, with one added after another."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(self.added, self.after)
        passes.finalize()
        return [passes]


class CompilePart(_WithPass):
    """Compiles a function that only compiled code calls: lowers it into a `Part`."""

    added, after = _IntoPart, AnnotateTypes


class CompileKernel(_WithPass):
    """Compiles a kernel, which calls such functions, and takes care of these at the end."""

    added, after = _KnowParts, NativeLowering


def forget_compiled(helper: Any) -> None:
    """Have a helper compiled anew: Numba keeps what it has compiled, with the globals of that time."""
    if is_jitted(helper):
        helper.recompile()
        return
    known = cpu_target.typing_context._lookup_global(helper)
    for template in getattr(known, "templates", ()):
        for cache in ("_impl_cache", "_compiled_overloads"):
            getattr(template, cache, {}).clear()


def forget_failures() -> None:
    """Have Numba try again what it could not compile.

    It remembers failures by the types of arguments alone. In a notebook, the next cell may define the value that was
    missing: the types are the same, and without this the same error would come until the process ends.
    """
    for thing in gc.get_objects():
        if issubclass(type(thing), _FunctionCompiler):  # `isinstance` asks what a proxy stands for, which may be gone
            thing._failed_cache.clear()


NO_CACHE = (RuntimeError, OSError, UnicodeError)
"""What Numba raises if no folder can hold its cache; the last for code in a folder whose name is not Unicode."""


class Forgiving:
    """Makes a Numba cache treat a damaged file as a missing one, and go on when the disk is full."""

    _cache_file: Any

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel, or None after clearing what cannot be read."""
        try:
            return self._loaded(sig, target_context)
        except Exception:  # noqa: BLE001 - unpickling damaged bytes can raise anything
            self._forget()
            return None

    def _loaded(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel, or None if there is none."""
        return super().load_overload(sig, target_context)  # type: ignore[misc]

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store the compiled kernel if that is possible."""
        try:
            super().save_overload(sig, data)  # type: ignore[misc]
        except Exception:  # noqa: BLE001 - it has been compiled, and can run: the disk's trouble is not the run's
            self._forget()

    def _forget(self) -> None:
        """Remove the index: it is written before the kernel, which it would promise, as would an empty index."""
        with contextlib.suppress(OSError):
            Path(self._cache_file._index_path).unlink(missing_ok=True)


class ForgivingCache(Forgiving, FunctionCache):  # type: ignore[misc]
    """Numba's cache on disk."""

    def _loaded(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel, without what only compiling needs.

        Numba's own way begins by importing all that it can compile, half a second in every process. Machine code needs
        Numba's runtime, and the seeds of hashes, which `numba.cpython.hashing` provides when it is imported.
        """
        rtsys.initialize(target_context)
        return self._load_overload(sig, target_context)

    def holds_some(self) -> bool:
        """Say whether there is something on disk: an index, and the first file that it can name."""
        file = self._cache_file
        return Path(file._index_path).exists() and Path(file._data_path(file._data_name(1))).exists()


def cache_folder(function: Callable[..., Any]) -> Path:
    """Return the folder in which Numba keeps the compiled code of a function.

    Raises
    ------
    Any of `NO_CACHE`
        If none is writable.
    """
    return Path(FunctionCache(function).cache_path)
