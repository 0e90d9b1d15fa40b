"""`banditlab store`: what a store holds, and the removal of what is no longer used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import StoreError
from ..core.stores.store import Store
from ..core.validation import count, shown
from .terminal import console, show, table, text

if TYPE_CHECKING:
    import pandas as pd


def store(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The store.")],
    unused: Annotated[
        float | None, typer.Option(min=0.0, metavar="DAYS", help="Only cells that were not used for so many days.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove them; needs --unused.")] = False,
) -> None:
    """Say what a store holds, how large it is and when each cell was last used; remove what was not used for long."""
    import pandas as pd

    if not (folder / "store.json").is_file():
        raise StoreError(f"DIR is {shown(str(folder))}; allowed: the folder of a store")
    if remove and unused is None:
        raise StoreError("--remove is given; allowed: with --unused DAYS (to remove a whole store, remove its folder)")
    opened = Store(folder)
    cells = opened.cells()
    days = (pd.Timestamp.now() - cells["used"]).dt.total_seconds() / 86400.0
    chosen = cells if unused is None else cells[days >= unused]
    _print_cells(console(), chosen.sort_values("used"), str(folder))
    these, those = (_megabytes(frame["bytes"].sum()) for frame in (chosen, cells))
    if unused is None:
        what = f"{count(len(cells), 'cell')}, {those} MB"
    else:
        what = f"{len(chosen):,} of {count(len(cells), 'cell')}, {these} of {those} MB"
    if remove:
        opened.remove(chosen["address"])
    typer.echo(f"{'removed' if remove else 'in all' if unused is None else 'unused'}: {what}")


def _print_cells(to: Any, cells: pd.DataFrame, title: str) -> None:
    """Print one line per cell, those that were used last at the end."""
    shown_cells = table(
        to, title, "environment", "policy", "used", "horizon", "seed", "runs", "MB", "failed", "address", left=3
    )
    for _, row in cells.iterrows():
        told = [row["environment"], row["policy"], f"{row['used']:%Y-%m-%d}"]
        told += ["-" if row[name] != row[name] else str(int(row[name])) for name in ("horizon", "seed")]
        told += [str(row["n_runs"]), _megabytes(row["bytes"]), "yes" if row["failure"] else "-", row["address"]]
        shown_cells.add_row(*(text(cell) for cell in told))
    show(to, shown_cells)


def _megabytes(n: float) -> str:
    return f"{n / 1e6:,.3f}" if n < 1e8 else f"{n / 1e6:,.0f}"
