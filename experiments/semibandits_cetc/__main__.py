"""`python -m experiments.semibandits_cetc [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.semibandits_cetc import __doc__ as description
from experiments.semibandits_cetc.analysis import figure, verdicts
from experiments.semibandits_cetc.simulate import simulate

main("semibandits_cetc", description, simulate, verdicts, figure)
