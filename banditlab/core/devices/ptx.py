"""What NVIDIA's compiler makes of a kernel: PTX, registers, spills. Needs numba-cuda and nvcc's wheels, no device.

``pip install '.[ptx]'`` in a clone brings both.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

from ..errors import DeviceError
from ..protocol import Batch
from .launch import LanesApart, compiling, joined, launched

LARGEST_REGISTER_FILE = 65536
"""32-bit registers of a multiprocessor; all since compute capability 3.0 have as many."""

THREADS_AT_MOST = 2048
"""Threads that a multiprocessor of compute capability 8.0 or 9.0 can hold."""


@dataclass(frozen=True)
class Assembly:
    """A kernel, compiled for an architecture.

    Attributes
    ----------
    ptx : str
        Its assembly.
    registers : int
        32-bit registers that a thread takes.
    spilled : int
        Bytes that a thread stores in memory for lack of registers.
    stack : int
        Bytes of a thread's stack: small arrays that are not kept in registers.
    """

    ptx: str
    registers: int
    spilled: int
    stack: int

    @property
    def occupancy(self) -> float:
        """Share of a multiprocessor's threads that its registers allow it to hold."""
        each = -(-self.registers // 8) * 8  # they are allocated in eights
        warps = LARGEST_REGISTER_FILE // (32 * each)
        return min(1.0, 32 * warps / THREADS_AT_MOST)

    @property
    def calls(self) -> int:
        """Calls that were not inlined."""
        return len(re.findall(r"^\s*call", self.ptx, re.MULTILINE))

    @property
    def fused(self) -> int:
        """Fused multiply-adds, which round differently from the processor, and what ptxas may yet fuse.

        Additions and multiplications that specify no rounding may be fused.
        """
        return len(re.findall(r"\b(?:fma\.rn|add|sub|mul)\.f64\b", self.ptx))


class _Assembler(LanesApart):
    """Compiles the kernel that it is asked for, and runs nothing."""

    def __init__(self, cc: tuple[Any, ...], shared: bool) -> None:
        super().__init__(dry=True)
        self._cc, self._shared = cc, shared
        self.ptx = ""

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return what compiles a kernel for the arguments it is called with."""
        from numba import cuda

        def compile_for(*arguments: Any) -> None:
            shapes = self.shapes(function, arguments)
            given: Sequence[Any] = [0 if s[0] == "scratch" else a for s, a in zip(shapes, arguments, strict=True)]
            cells: Any = 0
            if self._shared:
                one = (joined(s, (a,), _first, np.stack) for s, a in zip(shapes, arguments, strict=True))
                shapes, given = zip(*one, strict=True)
                cells = np.zeros(1, np.int64)
            signature = tuple(numba.typeof(value) for value in [1, cells, np.zeros(1, np.int64), *given])
            with compiling(), _no_device(self._cc):
                self.ptx, _ = cuda.compile_ptx(launched(function, shapes), signature, cc=self._cc)

        return compile_for


def _first(values: tuple[Any, ...], axis: int) -> Any:
    return values[0]


@contextlib.contextmanager
def _no_device(cc: tuple[Any, ...]) -> Iterator[None]:
    """Tell numba-cuda what to compile for, which it would otherwise ask the device."""
    from numba.cuda import dispatcher

    usual = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=cc)
    try:
        yield
    finally:
        dispatcher.get_current_device = usual


def _require_compiler() -> None:
    """Raise unless numba-cuda is installed: Numba's own code for devices compiles other code, or none."""
    try:
        import numba_cuda  # noqa: F401 - it stands in for numba.cuda
    except ImportError as error:
        raise DeviceError(
            f"the package numba-cuda cannot be imported ({error}); allowed: with it, for example pip install "
            "'.[ptx]' in a clone of banditlab"
        ) from error


def _assembler_of_ptx() -> str:
    """Return the path of `ptxas`: that of the wheels, whose version matches the compiler's, or on the PATH."""
    with contextlib.suppress(ImportError):
        import nvidia

        for folder in nvidia.__path__:
            for path in Path(folder).glob("*/bin/ptxas"):
                return str(path)
    found = shutil.which("ptxas")
    if found:
        return found
    raise DeviceError(
        "ptxas is not installed; allowed: with it, for example pip install '.[ptx]' in a clone of banditlab"
    )


def assemble(
    environment: Any, policy: Any, cc: tuple[Any, ...] = (9, 0), horizon: int = 1000, *, shared: bool = False
) -> Assembly:
    """Compile the kernel in which a policy plays an environment, for an architecture.

    Parameters
    ----------
    environment, policy : components
        Who plays what.
    cc : tuple
        Compute capability: (8, 0) for an A100, (9, 0) for an H100 or H200, (9, 0, 'a') for these alone.
    horizon : int
        Rounds, for policies that must know the horizon.
    shared : bool
        Whether it is the kernel of a launch that cells of a sweep share.

    Returns
    -------
    Assembly

    Raises
    ------
    DeviceError
        If numba-cuda or nvcc's assembler is not installed.
    InvalidComponent
        If a kernel cannot be compiled for a device; the message names the policy and the line.
    """
    _require_compiler()
    machine = _Assembler(cc, shared)
    protocol = policy.family.protocol
    metrics = protocol.columns(environment, policy, protocol.default_metrics)
    batch = Batch(0, 1, horizon, np.zeros(0, np.int64), metrics, 0, "cuda:0", dry=True, on=machine)
    protocol.warm_up(environment, policy, batch)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(machine.ptx, encoding="ascii")
        command = [_assembler_of_ptx(), "-v", f"-arch=sm_{''.join(map(str, cc))}", str(source), "-o", f"{source}.o"]
        done = subprocess.run(command, capture_output=True, text=True)
    told = done.stderr + done.stdout
    if done.returncode:
        raise DeviceError(f"ptxas failed: {told.strip()}; allowed: a ptxas of the version that numba-cuda compiles for")
    counts = {
        name: sum(map(int, re.findall(pattern, told)))
        for name, pattern in (
            ("registers", r"Used (\d+) registers"),
            ("spilled", r"(\d+) bytes spill stores"),
            ("stack", r"(\d+) bytes stack frame"),
        )
    }
    return Assembly(machine.ptx, **counts)
