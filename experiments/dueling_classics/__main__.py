"""`python -m experiments.dueling_classics [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.dueling_classics import __doc__ as description
from experiments.dueling_classics.analysis import figure, verdicts
from experiments.dueling_classics.simulate import simulate

main("dueling_classics", description, simulate, verdicts, figure)
