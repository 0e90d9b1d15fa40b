"""`python -m experiments.semibandits_kmax [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.semibandits_kmax import __doc__ as description
from experiments.semibandits_kmax.analysis import figure, verdicts
from experiments.semibandits_kmax.simulate import simulate

main("semibandits_kmax", description, simulate, verdicts, figure)
