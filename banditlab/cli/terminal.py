"""What goes to the terminal: tables, ruled on one and plain when piped, and errors of one line."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ..core.errors import BanditlabError

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes: something could not be done; the request is not allowed; the user interrupted."""


def _flags_without_type(parameters: list[Any]) -> list[Any]:
    """Have help leave out the type of options that take no value: typer writes `--quiet <bool>`."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


class Command(TyperCommand):
    """A command in whose help only options that take a value have a type."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return arguments and options, `--help` included."""
        return _flags_without_type(super().get_params(ctx))


class Group(TyperGroup):
    """Commands whose errors are one message on standard error, without a traceback."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return options, `--help` included."""
        return _flags_without_type(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BanditlabError as error:
            say(str(error))
            raise typer.Exit(REFUSED) from error
        except KeyboardInterrupt as error:
            say(f"interrupted {error}".rstrip())  # `run` and `sweep` say how far they came
            raise typer.Exit(INTERRUPTED) from None

    def main(self, args: Any = None, *rest: Any, **options: Any) -> Any:
        """Run the command line; errors in its use are one line too."""
        given = sys.argv[1:] if args is None else list(args)
        if sys.stdout is None:  # closed, as by `>&-`
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the end
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="backslashreplace")  # a label may have characters that its encoding lacks
        try:
            sys.exit(super().main(given or ["--help"], *rest, **options | {"standalone_mode": False}) or 0)
        except typer.Abort:
            say("interrupted")
            sys.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                say(f"the output cannot be written ({error.strerror})")
            elif error.errno != errno.EPIPE:  # `banditlab list | head`: nobody reads on
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends
            sys.exit(FAILED)
        except Exception as error:
            if not hasattr(error, "format_message"):  # what typer raises for errors in its use: no class of its own
                raise
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "banditlab"
            say(
                f"{' '.join(error.format_message().split()).removesuffix('.')}; '{command} --help' says what is allowed"
            )
            sys.exit(REFUSED)


def say(message: str) -> None:
    """Print a message on standard error."""
    typer.echo(f"banditlab: {message}", err=True)


def console() -> Any:
    """Return a console as wide as the terminal; when piped, without colours and wide enough not to break any table."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=1000, no_color=True, force_terminal=False)


def show(to: Any, thing: Any) -> None:
    """Print a table with its title, which may be wider; when piped, without the blanks that fill up lines."""
    from rich.console import Group

    thing.title, title = None, thing.title
    thing = Group(title, thing)
    if to.is_terminal:
        to.print(thing)
        to.print()
        return
    with to.capture() as captured:
        to.print(thing)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")


def table(to: Any, title: str, *columns: str, left: int = 1, apart: bool = False) -> Any:
    """Return an empty table: ruled on a terminal, plain when piped; text in the first `left` columns, then numbers.

    Rows that are `apart` have an empty line between them on a terminal, where each takes several.
    """
    from rich import box
    from rich.table import Table

    made = Table(
        title=text(title, "bold"),
        box=box.SIMPLE_HEAD if to.is_terminal else None,
        show_edge=False,
        leading=1 if apart and to.is_terminal else 0,
        pad_edge=False,
        padding=(0, 1, 0, 0) if to.is_terminal else (0, 2, 0, 0),
    )
    for k, name in enumerate(columns):
        if k < left:
            made.add_column(name, overflow="fold")
        else:
            made.add_column(name, justify="right", no_wrap=True)
    return made


def text(cell: str, style: str = "") -> Any:
    """Return text that rich shows as it is: labels may have square brackets."""
    from rich.text import Text

    return Text(cell, style)


def number(value: float) -> str:
    """Return a number in four significant digits or whole, without an exponent."""
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return how long something takes, in words: '12 s', '3 min', '1.5 h'."""
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
