"""`python -m experiments.strategic_clicks [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from experiments.strategic_clicks.analysis import verdicts
from experiments.strategic_clicks.figures import figures
from experiments.strategic_clicks.simulate import expected_seconds, simulate
from experiments.verdicts import as_markdown, store

parser = argparse.ArgumentParser(prog="python -m experiments.strategic_clicks", description=__doc__)
parser.add_argument("--quick", action="store_true", help="shorter horizons, fewer arms and roll-outs")
parser.add_argument("--analyse-only", action="store_true", help="read what is stored, simulate nothing")
parser.add_argument("--output", type=Path, help="folder; default results/strategic_clicks/<size>")
parser.add_argument("--n-jobs", type=int, help="threads; default all cores")
options = parser.parse_args()
size = "quick" if options.quick else "full"
folder = options.output or Path("results") / "strategic_clicks" / size
if not options.analyse_only:
    seconds = expected_seconds(size, options.n_jobs)
    print(f"UCB-S and what it is compared with: about {seconds:.0f} s on cores with nothing else to do", flush=True)
    started = time.perf_counter()
    simulate(folder, size, options.n_jobs)
    print(f"played in {time.perf_counter() - started:.0f} s")
found = verdicts(folder)
store(found, folder)
for name, figure in figures(folder).items():
    for kind in (".png", ".pdf"):
        figure.savefig((folder / name).with_suffix(kind))
print(as_markdown(found))
print(f"figures, verdicts and results are in {folder}")
