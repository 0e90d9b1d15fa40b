"""What a file of a sweep holds: the tidy table, for any reader, and the rest that is known about cells, as metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..results.results import Cell
from ..results.statistics import Statistics
from .sweep_cells import SweepCell, hashable
from .sweep_results import SweepResults

if TYPE_CHECKING:
    import pandas as pd

SWEEP_FORMAT = "banditlab.sweep/1"


def table_of_sweep(result: SweepResults) -> Any:
    """Return the tidy table, as Parquet can hold it."""
    import pyarrow as pa

    return pa.Table.from_pandas(_one_type_a_column(result.to_pandas(), result.parameters), preserve_index=False)


def _one_type_a_column(table: pd.DataFrame, parameters: tuple[str, ...]) -> pd.DataFrame:
    """Return a table in which parameters with values of several kinds, too large, or sequences are text."""
    import pyarrow as pa

    for name in parameters:
        if any(isinstance(value, tuple) for value in table[name]):  # as lists, most programs cannot group by them
            table[name] = table[name].map(str, na_action="ignore")
        try:
            pa.array(table[name], from_pandas=True)
        except (pa.ArrowException, OverflowError):
            table[name] = table[name].map(str, na_action="ignore")
    return table


def told_of_sweep(result: SweepResults) -> dict[str, Any]:
    """Return the metadata."""
    return {
        "format": SWEEP_FORMAT,
        "provenance": result.provenance,
        "cells": [_told_of_cell(cell) for cell in result.cells],
    }


def _told_of_cell(cell: SweepCell) -> dict[str, Any]:
    told: dict[str, Any] = {
        "parameters": {name: _plain(hashable(value)) for name, value in cell.parameters.items()},
        "policy": cell.policy,
        "failure": cell.failure,
        "horizon": cell.horizon,
        "checkpoints": None if cell.checkpoints is None else cell.checkpoints.tolist(),
        "environment": cell.environment,
        "of_environment": cell.of_environment,
        "components": cell.components,
    }
    if cell.cell is None:
        return told | {"metrics": None}
    known = cell.cell
    runs = next(iter(known.statistics.values())).n_runs if known.statistics else len(next(iter(known.values.values())))
    bound = None if known.lower_bound is None else known.lower_bound.tolist()
    return told | {"metrics": known.metrics, "n_runs": runs, "seconds": known.seconds, "lower_bound": bound}


def _plain(value: Any) -> Any:
    """Return a parameter in a form that JSON can hold: anything but numbers, texts and sequences of these as text."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)


def sweep_from_table(table: Any, meta: dict[str, Any]) -> SweepResults:
    """Return the sweep that a table and its metadata describe."""
    in_summary = meta["provenance"]["keep"] == "summary"
    cells, first = [], 0
    for told in meta["cells"]:
        rounds = None if told["checkpoints"] is None else np.array(told["checkpoints"], np.int64)
        cell = None
        if told["metrics"] is not None:
            rows = len(told["checkpoints"]) * (len(told["metrics"]) if in_summary else told["n_runs"])
            cell = _cell_of(table.slice(first, rows), told, in_summary)
            first += rows
        cells.append(
            SweepCell(
                {name: hashable(value) for name, value in told["parameters"].items()},
                told["policy"],
                cell,
                told["failure"],
                told["horizon"],
                rounds,
                told["environment"],
                tuple(told["of_environment"]),
                told["components"],
            )
        )
    if first != table.num_rows:
        raise ValueError(f"{table.num_rows} rows for cells that have {first}")
    return SweepResults(cells, meta["provenance"])


def _cell_of(rows: Any, told: dict[str, Any], in_summary: bool) -> Cell:
    """Return the numbers of a cell, from its rows."""
    n_checkpoints = len(told["checkpoints"])
    bound = None if told["lower_bound"] is None else np.array(told["lower_bound"])
    if not in_summary:
        values = {m: rows.column(m).to_numpy().reshape(told["n_runs"], n_checkpoints).copy() for m in told["metrics"]}
        return Cell(values, told["seconds"], bound)
    statistics = {}
    for k, metric in enumerate(told["metrics"]):
        part = rows.slice(k * n_checkpoints, n_checkpoints)
        names = part.column_names[part.column_names.index("metric") + 1 :]
        columns = {name: part.column(name).to_numpy().copy() for name in names}
        statistics[metric] = Statistics.from_columns(told["n_runs"], columns)
    return Cell({}, told["seconds"], bound, statistics)
