"""Files of results: a Parquet table of all numbers, whose metadata are the provenance and what is known about cells.

Files of sweeps are written and read here too; their content is defined in `core.sweeps.sweep_file`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ResultsFileError
from ..sweeps.sweep_file import SWEEP_FORMAT, sweep_from_table
from ..sweeps.sweep_results import SweepResults
from ..validation import file_path, invalid
from .results import Cell, Results
from .statistics import Statistics
from .whole_file import whole_file

FORMAT = "banditlab.results/1"
OTHER_ENDINGS = (".csv", ".tsv", ".txt", ".json", ".xlsx", ".pickle", ".pkl", ".npy", ".npz", ".h5", ".feather", ".png")

NUMBERS_AT_A_TIME = 2**22
"""Numbers of a file that are held in addition to what is made of them: 32 MB."""


def write(
    path: str | os.PathLike[str], table: Any, cells: dict[tuple[str, str], Cell], provenance: dict[str, Any]
) -> Path:
    """Write a table of results to a file, aside and then renamed; return its path."""
    told = [
        {
            "environment": name,
            "policy": label,
            "seconds": cell.seconds,
            "metrics": cell.metrics,
            "n_runs": max((s.n_runs for s in cell.statistics.values()), default=int(provenance["n_runs"])),
            "lower_bound": None if cell.lower_bound is None else cell.lower_bound.tolist(),
        }
        for (name, label), cell in cells.items()
    ]
    return write_table(path, table, {"format": FORMAT, "provenance": provenance, "cells": told})


def write_table(path: str | os.PathLike[str], table: Any, meta: dict[str, Any]) -> Path:
    """Write a table with metadata to a file, aside and then renamed; return its path."""
    import pyarrow.parquet as pq

    target = Path(os.path.realpath(file_path("path", path)))  # through links, so that they stay links
    if target.suffix.lower() in OTHER_ENDINGS:
        raise invalid(
            "path", str(path), "a name that ends in .parquet, which is what is written (to_pandas() makes a table for "
            "other formats)"
        )  # fmt: skip
    if target.exists() and not target.is_file():
        raise invalid("path", str(path), "a regular file, or a new name")
    if not target.parent.is_dir():
        raise invalid("path", str(path), f"a file in an existing folder; {str(target.parent)!r} is not one")
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"banditlab": json.dumps(meta).encode()})
    with whole_file(target) as beside, beside.open("wb") as file:  # Arrow would not open a path that is not Unicode
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)
    return target


def load(path: str | os.PathLike[str]) -> Results | SweepResults:
    """Read what the `save` of results, or of a sweep's results, wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Results or SweepResults
        Equal to what was saved, to the last bit, except that a sweep's parameters that are neither numbers nor texts
        come back as their texts.

    Raises
    ------
    ResultsFileError
        If the file cannot be read, is damaged, or is not one of banditlab's.

    Examples
    --------
    >>> import banditlab as bl, tempfile
    >>> from banditlab import arms
    >>> result = bl.run(arms.Bernoulli([0.2, 0.8]), arms.UCB1(), horizon=100, n_runs=3, seed=7)
    >>> again = bl.load(result.save(tempfile.mkdtemp() + "/result.parquet"))
    >>> again
    <Results: 1 policy on 1 environment, 3 runs, horizon 100, metrics regret>
    >>> again.seed, again.provenance["policies"] == result.provenance["policies"]
    (7, True)
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = file_path("path", path)
    try:
        if source.exists() and not source.is_file():
            raise ResultsFileError(f"path is {str(source)!r}; allowed: a file")
        # opened here: given a path, Arrow would take "s3:" for the beginning of an address, and it wants Unicode
        with pa.OSFile(os.fsencode(source)) as opened, pq.ParquetFile(opened, page_checksum_verification=True) as file:
            raw = (file.schema_arrow.metadata or {}).get(b"banditlab")
            if raw is None:
                raise ResultsFileError(
                    f"path is {str(source)!r}; allowed: a file that the save of results wrote, and this one is not"
                )
            meta = json.loads(raw)
            form = meta.get("format")
            if form not in (FORMAT, SWEEP_FORMAT):
                raise ResultsFileError(
                    f"path is {str(source)!r}, of format {form!r}; allowed: {FORMAT!r} or {SWEEP_FORMAT!r}"
                )
            return _from_file(file, meta) if form == FORMAT else sweep_from_table(file.read(), meta)
    except FileNotFoundError as error:
        raise ResultsFileError(f"path is {str(source)!r}; allowed: an existing file") from error
    except ResultsFileError:
        raise
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultsFileError(f"path is {str(source)!r}; allowed: a readable Parquet file ({error})") from error


def _from_file(file: Any, meta: dict[str, Any]) -> Results:
    provenance, n_rows = meta["provenance"], int(file.metadata.num_rows)
    n_runs = int(provenance["n_runs"])
    if provenance.get("keep", "runs") == "summary":
        return _statistics_from_table(file.read(), meta)
    if n_runs < 1 or not meta["cells"] or n_rows % (n_runs * len(meta["cells"])):
        raise ValueError(f"{n_rows} rows for {n_runs} runs of {len(meta['cells'])} pairs")
    size = n_rows // len(meta["cells"])
    columns: dict[str, NDArray[Any]] = {m: np.empty(n_rows) for cell in meta["cells"] for m in cell["metrics"]}
    columns["round"] = np.empty(size // n_runs, np.int64)  # the same for every run
    row = 0
    # a table of everything would be several times as large as the results
    for batch in file.iter_batches(max(1, NUMBERS_AT_A_TIME // len(columns)), columns=list(columns)):
        for name, column in columns.items():
            there = column[row : row + batch.num_rows]
            there[:] = batch.column(name).to_numpy(zero_copy_only=False)[: len(there)]
        row += batch.num_rows
    cells = {}
    for k, cell in enumerate(meta["cells"]):
        values = {m: columns[m][k * size : (k + 1) * size].reshape(n_runs, -1) for m in cell["metrics"]}
        bound = None if cell["lower_bound"] is None else np.array(cell["lower_bound"])
        cells[cell["environment"], cell["policy"]] = Cell(values, float(cell["seconds"]), bound)
    return Results(cells, columns["round"], provenance)


def _statistics_from_table(table: Any, meta: dict[str, Any]) -> Results:
    provenance, cells = meta["provenance"], {}
    c = table.num_rows // sum(len(cell["metrics"]) for cell in meta["cells"])
    rounds = table.column("round").to_numpy()[:c].astype(np.int64)
    first = 0
    for cell in meta["cells"]:
        statistics = {}
        for metric in cell["metrics"]:
            part = table.slice(first, c)
            columns = {name: part.column(name).to_numpy().copy() for name in part.column_names[4:]}
            statistics[metric] = Statistics.from_columns(int(cell["n_runs"]), columns)
            first += c
        bound = None if cell["lower_bound"] is None else np.array(cell["lower_bound"])
        cells[cell["environment"], cell["policy"]] = Cell({}, float(cell["seconds"]), bound, statistics)
    return Results(cells, rounds, provenance)
