"""Whose code it is: the package's own, a library's, or the user's, of which much more has to be checked."""

from __future__ import annotations

import sys

LIBRARIES = sys.stdlib_module_names | {
    "cupy", "cvxpy", "dask", "distributed", "fastdigest", "gymnasium", "highspy", "joblib", "matplotlib", "networkx",
    "numba", "numba_cuda", "numpy", "pandas", "pyarrow", "rich", "scipy", "tqdm", "typer",
}  # fmt: skip
"""Packages whose code is not examined: the code that uses them names what it uses."""


def is_ours(module: str | None) -> bool:
    """Say whether a module is one of the package's own."""
    return (module or "").startswith("banditlab.")


def is_library(module: str | None) -> bool:
    """Say whether a module is a library's, or draws figures, on which no number depends."""
    name = module or ""
    return name.split(".")[0] in LIBRARIES or (is_ours(name) and "plot" in name)


def levels_up() -> int:
    """Return the stack level, for a warning of the caller's, of the first frame outside the package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and is_ours(frame.f_globals.get("__name__")):
        frame, level = frame.f_back, level + 1
    return level
