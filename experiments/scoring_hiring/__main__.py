"""`python -m experiments.scoring_hiring [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.scoring_hiring import __doc__ as description
from experiments.scoring_hiring.analysis import figure, verdicts
from experiments.scoring_hiring.simulate import expected_seconds, simulate

main("scoring_hiring", description, simulate, verdicts, figure, expected_seconds)
