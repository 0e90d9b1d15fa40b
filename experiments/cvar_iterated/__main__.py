"""`python -m experiments.cvar_iterated [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.cvar_iterated import __doc__ as description
from experiments.cvar_iterated.analysis import figure, verdicts
from experiments.cvar_iterated.simulate import simulate

main("cvar_iterated", description, simulate, verdicts, figure)
