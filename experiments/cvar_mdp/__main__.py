"""`python -m experiments.cvar_mdp [--quick] [--analyse-only] [--output FOLDER] [--n-jobs N]`."""

from __future__ import annotations

from experiments.command import main
from experiments.cvar_mdp import __doc__ as description
from experiments.cvar_mdp.analysis import figure, verdicts
from experiments.cvar_mdp.simulate import simulate

main("cvar_mdp", description, simulate, verdicts, figure)
