"""`python -m experiments.strategic_clicks [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.strategic_clicks import __doc__ as description
from experiments.strategic_clicks.analysis import verdicts
from experiments.strategic_clicks.figures import figures
from experiments.strategic_clicks.simulate import expected_seconds, simulate

main(
    "strategic_clicks",
    description,
    simulate,
    lambda folder, _: verdicts(folder),
    lambda folder, _: figures(folder),
    expected_seconds,
)
