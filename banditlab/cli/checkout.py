"""`banditlab reproduce` and `bench`: what is in the repository but not in the installed package."""

from __future__ import annotations

import importlib
import sys
import time
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..core.errors import InvalidArgument
from ..core.validation import count, invalid, meant
from .terminal import INTERRUPTED, console, duration, number, say, show, table, text


def find_checkout(folder: str) -> Path:
    """Return the checkout of banditlab that has a folder, and make what is in it importable.

    It is the one that this package is part of; otherwise the current folder or one that contains it.

    Raises
    ------
    InvalidArgument
        If there is none, or one of another version.
    """
    here = Path.cwd()
    for root in (Path(__file__).parents[2], here, *here.parents):
        version = _version_of(root) if (root / folder / "__init__.py").exists() else None
        if version is None:
            continue
        if version != __version__:
            raise invalid(
                "the version here", version, f"{__version__}, as installed; `pip install -e {root}` installs this one"
            )
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
        return root
    raise invalid(
        "the current folder",
        str(here),
        f"a checkout of banditlab {__version__}, as {folder}/ is not in the installed package; get the source, "
        "and call this in its folder",
    )


def _version_of(root: Path) -> str | None:
    """Return the version of the checkout of banditlab in a folder, None if there is none."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, tomllib.TOMLDecodeError):
        return None
    return project.get("version") if project.get("name") == "banditlab-sim" else None


def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Experiments, from --list.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All experiments.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only list them: what they show, how long they take.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller size, which still shows the effect.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Remove what is stored, and simulate anew.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Put verdicts and figures into docs/verdicts.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Threads or processes; default all cores.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of one experiment; default results/NAME/SIZE.")
    ] = None,
) -> None:
    """Reproduce a theory-validation experiment: simulate, compare with what papers claim, draw the figures.

    What is stored is not simulated again, and what is interrupted goes on where it stopped.
    """
    root = find_checkout("experiments")
    known = importlib.import_module("experiments.reproduction").experiments()
    if listed:
        _list(known)
        return
    chosen = list(known) if every else list(names or ())
    allowed = "one or more of " + ", ".join(known) + "; or --all, alone"
    if not chosen:
        raise InvalidArgument(f"NAME is missing; allowed: {allowed}")
    if names and every:
        raise invalid("NAME", ", ".join(names), allowed)
    for name in chosen:
        if name not in known:
            raise invalid("NAME", name, f"an experiment from `banditlab reproduce --list`{meant(name, known)}")
    if output is not None and len(chosen) > 1:
        raise invalid("--output", str(output), "a folder for one experiment, not for several")
    size = "quick" if quick else "full"
    folders = {name: output or known[name].folder(size) for name in chosen}
    typer.echo(f"{root}: {_expected([known[name] for name in chosen], folders, size, jobs, force)}")
    for name in chosen:
        _reproduce(known[name], size, folders[name], jobs, force, record)


def _expected(chosen: list[Any], folders: dict[str, Path], size: str, jobs: int | None, force: bool) -> str:
    """Say how long the experiments that are not stored yet take."""
    cores = importlib.import_module("experiments.common").cores(jobs)
    missing = [e for e in chosen if force or not e.is_complete(folders[e.name])]
    if not missing:
        return "everything is stored already"
    known = [seconds for e in missing if (seconds := e.seconds(size, jobs)) is not None]
    told = f"about {duration(sum(known))} on {count(cores, 'free core')}"
    in_part = any((folders[e.name] / "made_with.json").exists() for e in missing) and not force
    several = f"{len(missing)} experiments, " if len(missing) > 1 else ""
    unknown = f", and {len(missing) - len(known)} not timed" if len(known) < len(missing) else ""
    return several + told + unknown + (", less what is stored in part" if in_part else "")


def _reproduce(experiment: Any, size: str, folder: Path, jobs: int | None, force: bool, record: bool) -> None:
    """Reproduce one experiment, and print its verdicts."""
    expected = experiment.seconds(size, jobs)
    told = "stored" if experiment.is_complete(folder) and not force else duration(expected) if expected else "not timed"
    typer.echo(f"\n{experiment.name}, {size} size ({told})")
    started = time.perf_counter()
    try:
        found = experiment.reproduce(size, folder, jobs, force)
    except KeyboardInterrupt:
        say(f"interrupted; what was finished is in {folder}, and the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"  done in {duration(time.perf_counter() - started)}\n")
    to = console()
    rows = table(to, experiment.summary, "claim", "theory", "measured [95%]", "verdict", left=4, apart=True)
    for v in found:
        measured = f"{number(v.measured)} [{number(v.low)}, {number(v.high)}]"
        rows.add_row(*(text(cell) for cell in (f"{v.claim} ({v.source})", v.theory, measured, v.verdict)))
    show(to, rows)
    typer.echo(f"figures, verdicts and results are in {folder}")
    for file in experiment.record(size, folder) if record else ():
        typer.echo(f"recorded: {file}")


def _list(known: dict[str, Any]) -> None:
    """Print a table of the experiments."""
    to = console()
    rows = table(to, "experiments", "name", "what it shows", "quick", "full", "stored", left=5)
    totals = {"quick": 0.0, "full": 0.0}
    for name, experiment in known.items():
        times = {size: experiment.seconds(size) for size in totals}
        for size, seconds in times.items():
            totals[size] += seconds or 0.0
        stored = ", ".join(word for size in totals if (word := experiment.stored(size)))
        shown = ("?" if seconds is None else duration(seconds) for seconds in times.values())
        rows.add_row(*(text(cell) for cell in (name, experiment.summary, *shown, stored or "-")))
    rows.add_row("all", "", duration(totals["quick"]), duration(totals["full"]), "")
    show(to, rows)
    cores = importlib.import_module("experiments.common").cores(None)
    typer.echo(
        f"Times: estimates for {count(cores, 'free core')}, as many as this machine has, from what one machine took; "
        "compiling takes extra."
    )


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Short horizons: to see that it works.")] = False,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be given again.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Store everything, samples included.")
    ] = None,
    repetitions: Annotated[int | None, typer.Option(metavar="N", help="Default 7; 3 with --quick.")] = None,
    floors: Annotated[bool, typer.Option("--floors", help="UCB1's arithmetic and memory floors instead.")] = False,
) -> None:
    """Measure how fast banditlab is on this machine, beside C and other ways to simulate."""
    find_checkout("benchmarks")
    arguments = ["--quick"] * quick + ["--floors"] * floors
    for name in only or ():
        arguments += ["--only", name]
    arguments += ["--output", str(output)] if output else []
    arguments += ["--repetitions", str(repetitions)] if repetitions is not None else []
    importlib.import_module("benchmarks.__main__").main(arguments)
