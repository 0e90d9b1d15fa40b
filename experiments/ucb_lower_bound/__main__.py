"""`python -m experiments.ucb_lower_bound [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.ucb_lower_bound import __doc__ as description
from experiments.ucb_lower_bound.analysis import figure, verdicts
from experiments.ucb_lower_bound.simulate import simulate

main(
    "ucb_lower_bound",
    description,
    simulate,
    lambda folder, _: verdicts(folder / "results.parquet"),
    lambda folder, _: figure(folder / "results.parquet"),
)
