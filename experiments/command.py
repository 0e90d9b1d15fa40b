"""The command line that experiments share: simulate, store verdicts and figures, print the verdicts."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.verdicts import Verdict, as_markdown, store


def main(
    name: str,
    description: str | None,
    simulate: Callable[[Path, str, int | None], Any],
    verdicts: Callable[[Path, str], list[Verdict]],
    figures: Callable[[Path, str], Any],
    expected_seconds: Callable[[str, int | None], float] | None = None,
) -> None:
    """Run an experiment.

    Parameters
    ----------
    name : str
        The experiment's folder.
    description : str
        What `--help` says.
    simulate, verdicts, figures : callable
        Each takes the folder of the results and the size, 'full' or 'quick'; `simulate` the number of threads too.
        `figures` returns a figure, or a dict from name to figure.
    expected_seconds : callable, optional
        Takes size and number of threads; what it returns is told beforehand.
    """
    parser = argparse.ArgumentParser(prog=f"python -m experiments.{name}", description=description)
    parser.add_argument("--quick", action="store_true", help="smaller, under two minutes")
    parser.add_argument("--analyse-only", action="store_true", help="read what is stored, simulate nothing")
    parser.add_argument("--output", type=Path, help=f"folder; default results/{name}/<size>")
    parser.add_argument("--n-jobs", type=int, help="threads or processes; default all cores")
    options = parser.parse_args()
    size = "quick" if options.quick else "full"
    folder = options.output or Path("results") / name / size
    if not options.analyse_only:
        if expected_seconds is not None:
            seconds = expected_seconds(size, options.n_jobs)
            print(f"{name}: about {seconds:.0f} s on cores with nothing else to do", flush=True)
        started = time.perf_counter()
        simulate(folder, size, options.n_jobs)
        print(f"played in {time.perf_counter() - started:.0f} s", flush=True)
    found = verdicts(folder, size)
    store(found, folder)
    drawn = figures(folder, size)
    for title, drawing in (drawn if isinstance(drawn, dict) else {"figure": drawn}).items():
        for kind in (".png", ".pdf"):
            drawing.savefig((folder / title).with_suffix(kind))
    print(as_markdown(found))
    print(f"figures, verdicts and results are in {folder}")


def cores(n_jobs: int | None) -> int:
    """Return how many cores a number of threads or processes uses, as joblib counts."""
    available = os.cpu_count() or 1
    wanted = available if n_jobs is None else n_jobs if n_jobs > 0 else max(1, available + 1 + n_jobs)
    return min(wanted, available)
