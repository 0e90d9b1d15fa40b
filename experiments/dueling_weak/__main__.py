"""`python -m experiments.dueling_weak [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.dueling_weak import __doc__ as description
from experiments.dueling_weak.analysis import figure, verdicts
from experiments.dueling_weak.simulate import simulate

main("dueling_weak", description, simulate, verdicts, figure)
