"""`python -m experiments.semibandits_paradox [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.semibandits_paradox import __doc__ as description
from experiments.semibandits_paradox.analysis import figure, verdicts
from experiments.semibandits_paradox.simulate import simulate

main("semibandits_paradox", description, simulate, verdicts, figure)
