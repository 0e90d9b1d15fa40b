"""`python -m experiments.dueling_contextual [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.dueling_contextual import __doc__ as description
from experiments.dueling_contextual.analysis import verdicts
from experiments.dueling_contextual.figures import figures
from experiments.dueling_contextual.simulate import simulate

main("dueling_contextual", description, simulate, verdicts, figures)
