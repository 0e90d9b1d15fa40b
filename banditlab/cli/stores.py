"""`banditlab store`: what a store holds, and the removal of what is no longer used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import StoreError
from ..core.stores.store import Store, read_identity
from ..core.validation import count, shown
from .terminal import console, show, table, text

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 3
"""At most so many numbers tell two components of one label apart."""


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
    _print_cells(console(), chosen.sort_values("used"), folder)
    these, those = (_megabytes(frame["bytes"].sum()) for frame in (chosen, cells))
    if unused is None:
        what = f"{count(len(cells), 'cell')}, {those} MB"
    else:
        what = f"{len(chosen):,} of {count(len(cells), 'cell')}, {these} of {those} MB"
    if remove:
        opened.remove(chosen["address"])
    typer.echo(f"{'removed' if remove else 'in all' if unused is None else 'unused'}: {what}")


def _told_apart(cells: pd.DataFrame, folder: Path, kind: str) -> dict[str, str]:
    """Return, by address, what sets components with the same label apart: numbers that labels shorten."""
    found: dict[str, str] = {}
    for _, alike in cells.groupby(kind):
        texts = {}
        for address in alike["address"] if len(alike) > 1 else ():
            described = read_identity(folder / "cells" / address / "cell.json").get(kind)
            if described is not None:  # as it is for what could not be made
                texts[address] = json.dumps(described)
        told = _differences(list(dict.fromkeys(texts.values())))
        found |= {address: told[text] for address, text in texts.items()}
    return found


def _differences(texts: list[str]) -> dict[str, str]:
    """Return, for each of several descriptions, the few numbers that tell it from the others."""
    fields = [_numbered(json.loads(text)) for text in texts]
    chosen: list[str] = []
    kinds = 1
    for name in dict.fromkeys(name for mine in fields for name in mine) if len(texts) > 1 else ():
        several = len({tuple(repr(mine.get(key)) for key in (*chosen, name)) for mine in fields})
        if several > kinds:
            chosen, kinds = [*chosen, name], several
        if kinds == len(texts) or len(chosen) == MOST_TOLD:
            break
    told = [", ".join(f"{name}={mine[name]}" for name in chosen if name in mine) for mine in fields]
    return {text: f" with {words}" if words else "" for text, words in zip(texts, told, strict=True)}


def _numbered(described: Any, name: str = "") -> dict[str, Any]:
    """Return the plain values in a description, by the names of their places: `means[3]`."""
    if isinstance(described, dict):
        parts = [(f"{name}.{key}" if name else key, inner) for key, inner in described.items()]
    elif isinstance(described, list):
        parts = [(f"{name}[{k}]", inner) for k, inner in enumerate(described)]
    else:
        return {name: described}
    return {place: value for part, inner in parts for place, value in _numbered(inner, part).items()}


def _print_cells(to: Any, cells: pd.DataFrame, folder: Path) -> None:
    """Print one line per cell, those that were used last at the end."""
    shown_cells = table(
        to, str(folder), "environment", "policy", "used", "horizon", "seed", "runs", "MB", "failed", "address", left=3
    )
    apart = {kind: _told_apart(cells, folder, kind) for kind in ("environment", "policy")}
    for _, row in cells.iterrows():
        told = [row[kind] + apart[kind].get(row["address"], "") for kind in apart]
        told.append(f"{row['used']:%Y-%m-%d}")
        told += ["-" if row[name] != row[name] else str(int(row[name])) for name in ("horizon", "seed")]
        told += [str(row["n_runs"]), _megabytes(row["bytes"]), "yes" if row["failure"] else "-", row["address"]]
        shown_cells.add_row(*(text(cell) for cell in told))
    show(to, shown_cells)


def _megabytes(n: float) -> str:
    return f"{n / 1e6:,.3f}" if n < 1e8 else f"{n / 1e6:,.0f}"
