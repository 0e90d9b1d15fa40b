"""Statistics of several policies that cover the same runs at any time: they can be compared after an interruption."""

from __future__ import annotations

import contextlib
import heapq
import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..devices.reduced import Reduced
from .jobs import Gatherer, Progressed


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Let Ctrl-C wait until the end, as a partly gathered chunk would be reported as a whole one."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # nothing is raised here
        return
    heard: list[Any] = []
    signal.signal(signal.SIGINT, lambda *told: heard.append(told))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        before(*heard[0])


class InStep:
    """Gives gatherers the runs that all jobs have finished, and holds back the others: chunks differ in size and time.

    Attributes
    ----------
    taken : int
        Runs that gatherers have been given.
    first_gap : float
        The first run that some job has yet to play; infinite if none is known.
    """

    def __init__(self, progress: Sequence[Progressed], gatherer: Callable[[int], Gatherer]) -> None:
        self._progress, self._gatherer = progress, gatherer
        self._held: list[dict[int, Any]] = [{} for _ in progress]
        self._behind = [(mine.first_gap, k) for k, mine in enumerate(progress)]  # a heap, of how far each was last seen
        heapq.heapify(self._behind)
        self.taken = 0
        self.first_gap = math.inf

    def waits_for_gap(self, first_run: int) -> bool:
        """Say whether runs would be held back until others have been played, which can take much time and memory."""
        return first_run >= self.first_gap

    def add(self, k: int, first_run: int, values: Any) -> None:
        """Hold back the metrics of a chunk, and pass on what all jobs have."""
        self._held[k][first_run] = values
        start = self._progress[0].first_run + self.taken
        end = self._end()
        if end <= start:
            return
        while parted := [first for held in self._held for first, v in held.items() if _is_parted(first, v, end)]:
            end = min(parted)
        if end <= start:
            return
        for number, held in enumerate(self._held):
            for first in sorted(first for first in held if first < end):
                found = held.pop(first)
                if first + len(found) > end:
                    held[end] = found[end - first :]
                    found = found[: end - first]
                self._gatherer(number).add(first, found)
        self.taken = end - self._progress[0].first_run

    def _end(self) -> int:
        """Return the first run that some job has not finished, without asking them all: they only go forward."""
        seen, k = self._behind[0]
        while self._progress[k].first_gap > seen:
            heapq.heapreplace(self._behind, (self._progress[k].first_gap, k))
            seen, k = self._behind[0]
        return seen


def _is_parted(first: int, values: Any, end: int) -> bool:
    """Say whether an end lies within what a device has added up, which cannot be split."""
    return isinstance(values, Reduced) and first < end < first + len(values)
