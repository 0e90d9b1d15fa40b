"""`python -m experiments.safe_semibandits [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.safe_semibandits import __doc__ as description
from experiments.safe_semibandits.analysis import verdicts
from experiments.safe_semibandits.figures import figures
from experiments.safe_semibandits.simulate import simulate

main("safe_semibandits", description, simulate, verdicts, figures)
