"""The content of a chunk's file: a Parquet table, one row per run and checkpoint, that reveals damage."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..playing.jobs import Chunk, Job


class Damaged(Exception):  # noqa: N818 - what it says ends a sentence
    """Raised when bytes are not what was written."""


def packed(job: Job, chunk: Chunk) -> Any:
    """Return the bytes of a chunk's file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    first_run, values = chunk.first_run, chunk.values
    n, c = len(values), len(job.checkpoints)
    columns: dict[str, NDArray[Any]] = {
        "run": np.repeat(np.arange(first_run, first_run + n), c),
        "round": np.tile(job.checkpoints, n),
    }
    columns |= {name: np.ascontiguousarray(values[:, k]).ravel() for k, name in enumerate(job.columns)}
    meta = {"seconds": chunk.seconds, "told": chunk.told, "digest": _digest(job.address, first_run, values)}
    arrays = [_as_arrow(column) for column in columns.values()]
    table = pa.Table.from_arrays(arrays, list(columns), metadata={b"banditlab": json.dumps(meta).encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True, write_statistics=False)
    return sink.getvalue()


def unpacked(job: Job, first_run: int, n_runs: int, data: bytes) -> Chunk:
    """Return the chunk that the bytes of a file hold.

    Raises
    ------
    Damaged
        If the bytes are not what was written for these runs.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.py_buffer(data), page_checksum_verification=True) as file:
            meta = json.loads(file.schema_arrow.metadata[b"banditlab"])
            table = file.read(use_threads=False)  # all columns, as each has its checksums
        shape = (n_runs, len(job.checkpoints))
        columns = [_as_numpy(table.column(name)).reshape(shape) for name in job.columns]
        values = np.ascontiguousarray(np.stack(columns, axis=1))
        if meta["digest"] != _digest(job.address, first_run, values):
            raise ValueError("its checksum is another")
        return Chunk(first_run, values, float(meta["seconds"]), str(meta.get("told", "")))
    except (pa.ArrowMemoryError, MemoryError):
        raise
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise Damaged((str(error).splitlines() or [type(error).__name__])[0]) from error


def _digest(cell: str, first_run: int, values: NDArray[np.float64]) -> str:
    told = hashlib.sha256(f"{cell} {first_run} {values.shape}".encode())
    told.update(np.ascontiguousarray(values).data)
    return told.hexdigest()


# pyarrow's own conversions import pandas, which takes longer than many a sweep; these do not.


def _as_arrow(column: NDArray[Any]) -> Any:
    """Return an array of numbers without gaps as a pyarrow array."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [None, pa.py_buffer(column)])


def _as_numpy(column: Any) -> NDArray[np.float64]:
    """Return a column of a pyarrow table as an array."""
    return np.concatenate([np.from_dlpack(chunk) for chunk in column.chunks])
