"""The command line that experiments share: simulate, store verdicts and figure, print the verdicts."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.verdicts import Verdict, as_markdown, store


def main(
    name: str,
    description: str | None,
    simulate: Callable[[Path, str], Any],
    verdicts: Callable[[Path, str], list[Verdict]],
    figure: Callable[[Path, str], Any],
) -> None:
    """Run an experiment.

    Parameters
    ----------
    name : str
        The experiment's folder.
    description : str
        What `--help` says.
    simulate, verdicts, figure : callable
        Each takes the folder of the results and the size, 'full' or 'quick'.
    """
    parser = argparse.ArgumentParser(prog=f"python -m experiments.{name}", description=description)
    parser.add_argument("--quick", action="store_true", help="smaller, under two minutes")
    parser.add_argument("--analyse-only", action="store_true", help="read what is stored, simulate nothing")
    parser.add_argument("--output", type=Path, help=f"folder; default results/{name}/<size>")
    options = parser.parse_args()
    size = "quick" if options.quick else "full"
    folder = options.output or Path("results") / name / size
    if not options.analyse_only:
        started = time.perf_counter()
        simulate(folder, size)
        print(f"played in {time.perf_counter() - started:.0f} s", flush=True)
    found = verdicts(folder, size)
    store(found, folder)
    drawing = figure(folder, size)
    for file in ("figure.png", "figure.pdf"):
        drawing.savefig(folder / file)
    print(as_markdown(found))
    print(f"figure, verdicts and results are in {folder}")
