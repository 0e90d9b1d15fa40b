"""`python -m experiments.scoring_dimensions [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.scoring_dimensions import __doc__ as description
from experiments.scoring_dimensions.analysis import figure, verdicts
from experiments.scoring_dimensions.simulate import expected_seconds, simulate

main("scoring_dimensions", description, simulate, verdicts, figure, expected_seconds)
