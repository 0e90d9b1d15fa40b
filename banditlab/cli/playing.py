"""`banditlab run`, `sweep` and `demo`: play, write outputs, print a summary."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InterruptedRunWarning
from ..core.results.metrics import abridged
from ..core.results.results import RATIO
from ..core.validation import count, invalid
from .terminal import FAILED, INTERRUPTED, console, number, say, show, table, text

if TYPE_CHECKING:
    from ..core.results.results import Results
    from ..core.sweeps.sweep_results import SweepResults

OUTPUT_NAMES = {"results": "results.parquet", "plot": "regret.png", "summary": "summary.csv"}
SWEEP_NAMES = {"results": "sweep.parquet", "plot": "sweep.png", "summary": "sweep.csv"}


def _speed(value: float) -> str:
    return "-" if value != value else f"{value / 1e6:.3g}"


def _print_summary(to: Any, result: Results) -> None:
    """Print a table an environment: what each policy's last checkpoint says."""
    metric = result.default_metric
    frame = result.summary(metric)
    bounded = RATIO in frame
    played = f"{int(result.checkpoints[-1]):,} rounds, {count(result.n_runs, 'run')}"
    columns = ["policy", "mean", "+/- 95%", "median", *(["/ bound"] if bounded else []), "Mrounds/s"]
    for environment in result.environments:
        rows = frame if len(result.environments) == 1 else frame.xs(environment, level="environment")
        shown = table(to, f"{environment}: {metric} after {played}", *columns)
        for policy, row in rows.iterrows():
            half = (row["ci_high"] - row["ci_low"]) / 2.0
            cells = [str(policy), *(number(v) for v in (row["mean"], half, row["median"]))]
            cells += [number(row[RATIO])] if bounded else []
            shown.add_row(*(text(cell) for cell in (*cells, _speed(row["rounds_per_second"]))))
        show(to, shown)
    typer.echo("+/- 95%: half the width of the mean's confidence interval")
    if bounded:
        typer.echo("/ bound: mean over C log T, the asymptotic lower bound, which may not hold yet")


def _print_others(result: Results | SweepResults, outputs: dict[str, Path]) -> None:
    """Say in one line which metrics the table leaves out, and which files have them."""
    others = [metric for metric in result.metrics if metric != result.default_metric]
    files = [str(outputs[kind]) for kind in ("summary", "results") if kind in outputs]
    if others:
        where = f"in {' and '.join(files)}" if files else "summary in [outputs] would write them"
        typer.echo(f"also recorded: {', '.join(abridged(others))} ({where})")


def _print_outputs(outputs: dict[str, Path]) -> None:
    for name, path in outputs.items():
        typer.echo(f"{name + ':':9}{path}")


@contextmanager
def _interruptions() -> Iterator[list[str]]:
    """Collect the messages of interrupted runs in a list, for the end; other warnings are shown as always."""
    told: list[str] = []
    as_always = warnings.showwarning

    def collect(message: Any, category: Any, *rest: Any, **options: Any) -> None:
        if issubclass(category, InterruptedRunWarning):
            told.append(str(message))
        else:
            as_always(message, category, *rest, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("always", InterruptedRunWarning)
        warnings.showwarning = collect
        yield told


def _end(told: list[str]) -> None:
    """Say what was interrupted, and exit as interrupted commands do."""
    for message in told:
        say(message)
    if told:
        raise typer.Exit(INTERRUPTED)


SEED = Annotated[int | None, typer.Option(help="Seed, in place of the file's.")]
JOBS = Annotated[int | None, typer.Option(help="Threads, in place of the file's; -1 for all cores.")]
QUIET = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
STORE = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Keep finished runs here, and go on from what is there.")
]


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that take the place of what the file says."""
    return {name: value for name, value in options.items() if value is not None}


def _outputs_in(folder: Path | None, outputs: dict[str, Path], otherwise: dict[str, str]) -> dict[str, Path]:
    """Return the outputs: with a folder, in that, under their own names, or under others where there are none."""
    if folder is None:
        return outputs
    names = {kind: path.name for kind, path in outputs.items()} or otherwise
    return {kind: folder / name for kind, name in names.items()}


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The experiment.")],
    seed: SEED = None,
    runs: Annotated[int | None, typer.Option(help="Number of runs, in place of the file's.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Rounds per run, in place of the file's.")] = None,
    jobs: JOBS = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write here the files that FILE.toml names, or results.parquet, regret.png and summary.csv.",
        ),
    ] = None,
    store: STORE = None,
    quiet: QUIET = False,
) -> None:
    """Run the experiment that a TOML file describes, and print its summary."""
    from ..config import read
    from ..outputs import prepare_outputs, write_outputs

    experiment = read(file)
    outputs = _outputs_in(output, experiment.outputs, OUTPUT_NAMES)
    prepare_outputs(outputs)
    given = _given(seed=seed, n_runs=runs, horizon=horizon, n_jobs=jobs, store=store)
    with _interruptions() as told:
        result = experiment.run(progress=False if quiet else "auto", **given)
    if not quiet:  # before outputs are written, which a full disk may prevent
        _print_summary(console(), result)
        _print_others(result, outputs)
        typer.echo(f"seed:    {result.seed}")
    _write(write_outputs, result, outputs)
    if not quiet:
        _print_outputs(outputs)
    _end(told)


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The sweep.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many cells and rounds, and about how long and how large.")
    ] = False,
    seed: SEED = None,
    runs: Annotated[int | None, typer.Option(help="Number of runs per cell, in place of the file's.")] = None,
    horizon: Annotated[
        int | None, typer.Option(help="Rounds per run, in place of the file's, which must not sweep over it.")
    ] = None,
    jobs: JOBS = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write here the files that FILE.toml names, or sweep.parquet, sweep.csv, and sweep.png if it has a "
            "table plot.",
        ),
    ] = None,
    store: STORE = None,
    quiet: QUIET = False,
) -> None:
    """Run the sweep that a TOML file describes: every combination of its parameters; print one line per cell."""
    from ..config_sweep import read_sweep
    from ..outputs import prepare_outputs, write_sweep_outputs

    experiment = read_sweep(file)
    if horizon is not None and experiment.horizons:
        raise invalid("--horizon", horizon, f"no number, as [over] has {experiment.horizons}")
    drawn = "x" in experiment.plot
    named = {kind: name for kind, name in SWEEP_NAMES.items() if kind != "plot" or drawn}
    outputs = _outputs_in(output, experiment.outputs, named)
    prepare_outputs(outputs)
    given = _given(seed=seed, n_runs=runs, horizon=horizon, n_jobs=jobs, store=store)
    if dry_run:
        typer.echo(str(experiment.run(dry_run=True, **given)).strip("<>"))
        return
    with _interruptions() as told:
        result = experiment.run(progress=False if quiet else "auto", **given)
    if not quiet:
        _print_sweep(console(), result)
        _print_others(result, outputs)
        typer.echo(f"seed:    {result.provenance['seed']}")
    _write(lambda r, o: write_sweep_outputs(r, o, experiment.plot), result, outputs)
    if not quiet:
        _print_outputs(outputs)
    for _, failed in result.failures.iterrows():
        typer.echo(f"failed:  {failed['policy']}: {failed['error']}", err=True)
    _end(told)
    if len(result.finished) < len(result.cells):
        raise typer.Exit(FAILED)


def _print_sweep(to: Any, result: SweepResults) -> None:
    """Print one line per cell: parameters, policy, mean and interval of the last checkpoint."""
    metric = result.default_metric
    names = [*result.parameters, "policy"]
    shown = table(
        to, f"{metric}, {result.provenance['n_runs']:,} runs per cell", *names, "mean", "+/- 95%", left=len(names)
    )
    for _, row in result.summary(metric).iterrows():
        told = ["-" if row[name] is None or row[name] != row[name] else str(row[name]) for name in result.parameters]
        half = (row["ci_high"] - row["ci_low"]) / 2.0
        shown.add_row(*(text(cell) for cell in (*told, row["policy"], number(row["mean"]), number(half))))
    show(to, shown)


def _write(write: Any, result: Any, outputs: dict[str, Path]) -> None:
    """Write outputs; a disk that is full is a message, not a traceback."""
    try:
        write(result, outputs)
    except OSError as error:
        say(f"the outputs cannot be written: {error}")
        raise typer.Exit(FAILED) from error


def demo(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write to; made if missing.")] = Path("demo"),
    runs: Annotated[int, typer.Option(help="Number of runs.")] = 200,
    horizon: Annotated[int, typer.Option(help="Rounds per run.")] = 50_000,
) -> None:
    """Compare five policies on real click rates of 34 fashion items, and draw their regret."""
    from ..demo import demo_outputs, run_demo
    from ..outputs import prepare_outputs, write_outputs

    outputs = demo_outputs(output)
    prepare_outputs(outputs)
    started = time.perf_counter()
    with _interruptions() as told:
        result = run_demo(None, horizon, runs)
    _write(write_outputs, result, outputs)
    seconds = time.perf_counter() - started
    _print_summary(console(), result)
    _print_outputs(outputs)
    compiling = result.provenance["compile_seconds"]
    typer.echo(f"time:    {seconds:.1f} s, of which {compiling:.1f} s for compiling, which later runs find on disk")
    _end(told)
