"""`python -m experiments.cvar_gridworld [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.cvar_gridworld import __doc__ as description
from experiments.cvar_gridworld.analysis import figure, verdicts
from experiments.cvar_gridworld.simulate import simulate

main("cvar_gridworld", description, simulate, verdicts, figure)
