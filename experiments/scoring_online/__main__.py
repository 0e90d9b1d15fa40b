"""`python -m experiments.scoring_online [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.scoring_online import __doc__ as description
from experiments.scoring_online.analysis import figure, verdicts
from experiments.scoring_online.simulate import expected_seconds, simulate

main("scoring_online", description, simulate, verdicts, figure, expected_seconds)
