"""Where numbers come from: the date, the versions that they can depend on, and the machine."""

from __future__ import annotations

import functools
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def stamped(provenance: dict[str, Any]) -> dict[str, Any]:
    """Return provenance with the date, the versions and the machine."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"created": now, "versions": dict(versions()), "host": host()} | provenance


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions that numbers can depend on."""
    found = {"python": platform.python_version()}
    for name in ("banditlab-sim", "numpy", "scipy", "numba", "llvmlite"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a distribution"
    return found


def host() -> dict[str, Any]:
    """Return what kind of machine this is."""
    return {"platform": platform.platform(), "machine": platform.machine(), "cores": os.cpu_count()}
