"""`python -m experiments.ucb_lower_bound [--quick] [--analyse-only]`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from experiments.ucb_lower_bound.analysis import figure, verdicts
from experiments.ucb_lower_bound.simulate import configuration, simulate
from experiments.verdicts import as_markdown, store

parser = argparse.ArgumentParser(prog="python -m experiments.ucb_lower_bound", description=__doc__)
parser.add_argument("--quick", action="store_true", help="a smaller horizon")
parser.add_argument("--analyse-only", action="store_true", help="read what is stored, simulate nothing")
parser.add_argument("--output", type=Path, help="folder; default results/ucb_lower_bound/<size>")
options = parser.parse_args()
size = "quick" if options.quick else "full"
folder = options.output or Path("results") / "ucb_lower_bound" / size
if not options.analyse_only:
    sizes = configuration()["sizes"][size]
    print(f"playing T = {sizes['horizon']:,}, {sizes['n_runs']:,} runs: 3 instances, 4 policies", flush=True)
    started = time.perf_counter()
    simulate(folder, size)
    print(f"played in {time.perf_counter() - started:.0f} s")
results = folder / "results.parquet"
found = verdicts(results)
store(found, folder)
for name in ("figure.png", "figure.pdf"):
    figure(results).savefig(folder / name)
print(as_markdown(found))
print(f"figure, verdicts and results are in {folder}")
