"""The command line: `banditlab --help` says what it can do."""

from __future__ import annotations

import typer

from .checkout import bench, reproduce
from .components import list_components, show_component
from .machine import doctor, version
from .playing import demo, run, sweep
from .stores import store
from .terminal import INTERRUPTED, Command, Group

__all__ = ["INTERRUPTED", "app", "main"]

app = typer.Typer(
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Simulate bandits and mechanisms: compare policies, many runs at once, and check them against theory.",
    epilog="Exit codes: 0 done, 1 could not be done, 2 not allowed, 130 interrupted.",
)

PLAY, LOOK_UP, THEORY, MACHINE = "Play", "Look up", "Check against theory", "This machine"
for name, command, panel in (
    ("demo", demo, PLAY),
    ("run", run, PLAY),
    ("sweep", sweep, PLAY),
    ("store", store, PLAY),
    ("list", list_components, LOOK_UP),
    ("show", show_component, LOOK_UP),
    ("reproduce", reproduce, THEORY),
    ("bench", bench, MACHINE),
    ("doctor", doctor, MACHINE),
    ("version", version, MACHINE),
):
    app.command(name, cls=Command, rich_help_panel=panel)(command)


def main() -> None:
    """Run the command line."""
    app()
