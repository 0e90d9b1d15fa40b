"""`banditlab doctor`: what a bug report needs to know of a machine, on one screen."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from types import FunctionType, ModuleType

import typer

from .. import __version__
from ..core.results.provenance import versions

PACKAGES = ("scipy", "llvmlite", "pandas", "pyarrow", "joblib", "cvxpy", "highspy", "matplotlib", "dask", "gymnasium")
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FEATURES = ("avx512f", "avx2", "fma", "neon", "sve")
GPU_PACKAGES = ("numba-cuda", "cupy-cuda13x", "cupy-cuda12x", "cupy-cuda11x", "cupy")
WAIT = 10.0
"""Seconds within which the driver's own program has to answer."""


def version() -> None:
    """Print the version, and those of what numbers can depend on."""
    found = versions()
    typer.echo(f"banditlab {__version__} (Python {found['python']}, NumPy {found['numpy']}, Numba {found['numba']})")


def doctor() -> None:
    """Say what banditlab finds on this machine: to paste into a bug report."""
    facts = {
        "banditlab": f"{__version__}, {Path(__file__).parents[1]}",
        "Python": f"{platform.python_version()}, {sys.executable}",
        "system": f"{platform.platform()}",
        "packages": _packages(),
        "threads": _threads(),
        "SIMD": _simd(),
        "kernel cache": _cache(),
        "GPU": _gpu(),
    }
    for name, fact in facts.items():
        first, *more = fact.splitlines()
        typer.echo(f"{name + ':':14}{first}")
        for line in more:
            typer.echo(f"{'':14}{line}")


def _installed(names: tuple[str, ...]) -> list[str]:
    """Return name and version of those packages that are installed."""
    found = []
    for name in names:
        try:
            found.append(f"{name} {version_of(name)}")
        except PackageNotFoundError:
            continue
    return found


def _packages() -> str:
    found = _installed(("numpy", "numba", *PACKAGES))
    return "\n".join(", ".join(found[k : k + 4]) for k in range(0, len(found), 4))


def _threads() -> str:
    import joblib

    told = f"{joblib.cpu_count()} of {os.cpu_count()} cores can be used"
    given = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    return told + "".join(f"\n{variable}" for variable in given)


def _simd() -> str:
    from llvmlite import binding

    known = binding.get_host_cpu_features()
    found = [name for name in FEATURES if known.get(name)]
    return f"{', '.join(found) or 'none of ' + ', '.join(FEATURES)} ({binding.get_host_cpu_name()})"


def _cache() -> str:
    """Say where compiled kernels are kept, how many, and whether more can be."""
    from ..arms import kernel
    from ..core.compiling.numba_parts import NO_CACHE, cache_folder

    chosen = os.environ.get("NUMBA_CACHE_DIR")
    try:
        folder = cache_folder(_any_function_of(kernel))
    except NO_CACHE as error:
        return (
            f"none can be written ({error}): every process compiles anew\nset NUMBA_CACHE_DIR to a folder that can be"
        )
    places = [Path(place).absolute() for place in (chosen, Path(__file__).parents[1]) if place]
    root = next((place for place in places if folder.absolute().is_relative_to(place)), folder.parent)
    by = "NUMBA_CACHE_DIR" if chosen and root == places[0] else "Numba"
    unused = f"\nNUMBA_CACHE_DIR is {chosen}, where none can be written" if chosen and by == "Numba" else ""
    kernels = [file for file in root.rglob("*.nbc") if file.is_file()] if root.exists() else []
    size = sum(file.stat().st_size for file in kernels) / 1e6
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free / 1e9
    return f"{root}, as {by} has it\nwritable, {len(kernels)} kernels, {size:,.0f} MB; {free:,.0f} GB free{unused}"


def _any_function_of(module: ModuleType) -> FunctionType:
    """Return a function of a module that Numba compiles: where it caches one, it caches all."""
    import inspect

    return next(f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__)


def _gpu() -> str:
    """Say which of the GPU's parts there are: packages, driver, device."""
    packages = ", ".join(_installed(GPU_PACKAGES)) or "neither numba-cuda nor cupy (the extra gpu has them)"
    return f"packages: {packages}\n{_driver()}\nbackend 'cuda': {_backend()}"


def _backend() -> str:
    """Say whether `backend='cuda'` can be used, and if not why."""
    from ..core.devices.cuda import missing, simulated

    try:
        told = missing()
    except Exception as error:  # noqa: BLE001 - a broken CUDA installation can raise anything when it is looked at
        told = f"{type(error).__name__}: {error}"
    if told:
        return "no, " + told.splitlines()[0].split("; allowed")[0]
    return "yes, simulated (NUMBA_ENABLE_CUDASIM)" if simulated() else "yes"


def _driver() -> str:
    """Return driver and devices as the driver's own program reports them, which needs no package."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "driver: none found (no nvidia-smi)"
    query = ["--query-gpu=driver_version,name,memory.total,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run([program, *query], capture_output=True, text=True, timeout=WAIT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        told = str(getattr(error, "stdout", "") or error).strip().splitlines()
        return f"driver: does not answer ({told[0] if told else type(error).__name__})"
    rows = [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    if not rows:
        return "driver: found, but no device"
    devices = "\n".join(f"device: {', '.join(row[1:-1])}, compute capability {row[-1]}" for row in rows)
    return f"driver: {rows[0][0]}\n{devices}"
