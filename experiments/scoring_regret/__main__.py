"""`python -m experiments.scoring_regret [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.scoring_regret import __doc__ as description
from experiments.scoring_regret.analysis import figure, verdicts
from experiments.scoring_regret.simulate import expected_seconds, simulate

main("scoring_regret", description, simulate, verdicts, figure, expected_seconds)
