"""How much memory this process may have: the machine's, or less in a container, a Slurm job or under `ulimit -v`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
UNLIMITED = 2**62
"""A limit this large means none: version 1 reports the largest multiple of a page."""


def memory_limit() -> int | None:
    """Return the bytes that this process may have; None if that is unknown, as on Windows."""
    limits = [limit for limit in (*_physical(), *_of_groups(), *_of_process()) if 0 < limit < UNLIMITED]
    return min(limits, default=None)


def _physical() -> Iterator[int]:
    try:
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return


def _of_groups() -> Iterator[int]:
    """Go through the limits of this process's control group, in both versions of Linux's, and of the groups above it.

    In a container, the group's path can be the host's, which does not exist there; then its own is the topmost.
    """
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top, name = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            try:
                yield int((top / folder / name).read_text())
            except (OSError, ValueError):  # not there, or 'max'
                continue


def _of_process() -> Iterator[int]:
    try:
        import resource
    except ImportError:
        return
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        yield soft
