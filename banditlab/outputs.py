"""The files that an experiment leaves behind: results, plot, summary."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core.results.whole_file import whole_file
from .core.validation import invalid, one_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .core.results.results import Results
    from .core.sweeps.sweep_results import SweepResults

OUTPUTS = {"results": (".parquet",), "plot": (".png", ".pdf", ".svg"), "summary": (".csv",)}


def prepare_outputs(outputs: dict[str, Path]) -> None:
    """Make the folders that outputs go to, so that a long run does not fail at the end for want of a folder."""
    for name, path in outputs.items():
        one_of(*OUTPUTS)("outputs", name)
        allowed = "a file in a folder that can be made"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            allowed = "a file that can be written"
            with contextlib.suppress(FileNotFoundError):
                path.stat()
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have here
            told = getattr(error, "strerror", None) or error
            raise invalid(f"outputs.{name}", str(path), f"{allowed} ({told})") from error
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            raise invalid(f"outputs.{name}", str(path), allowed)


def write_outputs(result: Results, outputs: dict[str, Path]) -> None:
    """Write results, plot and summary of a run: of all metrics, but the plot shows the regret, or else the first one.

    Parameters
    ----------
    result : Results
        What a run returned.
    outputs : dict from {'results', 'plot', 'summary'} to Path
        The files to write.
    """
    prepare_outputs(outputs)
    metric = result.default_metric
    writers: dict[str, Callable[[Path], Any]] = {
        "results": result.save,
        "plot": lambda path: _draw(result, metric, path),
        "summary": lambda path: result.summary(result.metrics).to_csv(path),
    }
    for name, path in outputs.items():
        with whole_file(path) as beside:
            writers[name](beside)


def write_sweep_outputs(result: SweepResults, outputs: dict[str, Path], plot: dict[str, Any]) -> None:
    """Write the tidy table, the picture and the summary of a sweep: of all metrics, but the picture shows one.

    Parameters
    ----------
    result : SweepResults
        What a sweep returned.
    outputs : dict from {'results', 'plot', 'summary'} to Path
        The files to write.
    plot : dict
        Options of `banditlab.plotting.plot_sweep`.
    """
    prepare_outputs(outputs)
    if "results" in outputs:
        result.save(outputs["results"])
    if "summary" in outputs:
        with whole_file(outputs["summary"]) as path:
            result.summary(result.metrics).to_csv(path, index=False)
    if "plot" in outputs:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.0, 4.6), layout="constrained")
        result.plot(**plot, ax=figure.add_subplot())
        with whole_file(outputs["plot"]) as path:
            _save(figure, path)


def _draw(result: Results, metric: str, path: Path) -> None:
    """Save the plot of a metric, with one panel per environment."""
    from matplotlib.figure import Figure  # no pyplot: nothing is shown, and any thread may draw

    panels = len(result.environments)
    figure = Figure(figsize=(8.0 * panels, 5.0), layout="constrained")
    for environment, ax in zip(result.environments, figure.subplots(1, panels, squeeze=False)[0], strict=True):
        result.plot(metric, environment=environment, ax=ax)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """Save a plot; PDFs use TrueType fonts, as some publishers refuse matplotlib's usual ones (Type 3)."""
    import matplotlib

    with matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(path, dpi=150)
