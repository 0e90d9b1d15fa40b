"""`python -m experiments.dueling_piecewise [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.dueling_piecewise import __doc__ as description
from experiments.dueling_piecewise.analysis import figure, verdicts
from experiments.dueling_piecewise.simulate import simulate

main("dueling_piecewise", description, simulate, verdicts, figure)
