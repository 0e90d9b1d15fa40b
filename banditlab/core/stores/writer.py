"""Chunks written to a store while the simulation goes on."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from ..playing.jobs import Chunk, Job

if TYPE_CHECKING:
    from .store import Store


class Writer:
    """Writes chunks in threads of its own: flushing a file to disk takes as long as a million rounds.

    It uses several threads, as a disk flushes a few files at the same time as quickly as one.
    """

    THREADS = 4
    """Chunks that are written at the same time: nearly all of the time is waiting for the disk."""

    QUEUE = 32
    """Chunks that may wait to be written; then the simulation waits for the disk."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(self.THREADS) if store is not None else None
        self._waiting: deque[Future[bool]] = deque()
        self.was_there = False  # whether another process wrote a chunk while this one played it

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def write(self, job: Job, chunk: Chunk) -> None:
        """Have a chunk written; raise any error from writing an earlier one."""
        if self._pool is None or self._store is None:
            return
        # Imported now, as other threads play meanwhile, and not in the threads that write: processes that got Ctrl-C
        # while one of these imported were seen to wait forever for the interpreter's import lock.
        import pyarrow.parquet  # noqa: F401

        self._waiting.append(self._pool.submit(self._store.write, job, chunk))
        while self._waiting and (self._waiting[0].done() or len(self._waiting) > self.QUEUE):
            self.was_there |= self._waiting.popleft().result()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Wait until everything is written, however the simulation ended."""
        if self._pool is None:
            return
        self._pool.shutdown()
        failures = [found for task in self._waiting if (found := task.exception()) is not None]
        if failures and not isinstance(error, Exception):
            raise failures[0] from error
