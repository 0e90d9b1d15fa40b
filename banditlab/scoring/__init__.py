"""Scoring rules and the mechanisms that buy information."""

from . import policies
from .built_in import CRPS, Brier, Logarithmic, Power, Spherical, VShaped, Winkler, crps_of_sample
from .errors import NotImplementable
from .family import environment, policy
from .informed import informed_rules
from .policies import *  # noqa: F403 - the policies' own __all__ is the list
from .principal_agent import PrincipalAgent
from .properness import Properness, Witness, is_proper
from .rules import ScoringRule, TableRule
from .simplex import binary, simplex_grid

__all__ = [
    "CRPS",
    "Brier",
    "Logarithmic",
    "NotImplementable",
    "Power",
    "PrincipalAgent",
    "Properness",
    "ScoringRule",
    "Spherical",
    "TableRule",
    "VShaped",
    "Winkler",
    "Witness",
    "binary",
    "crps_of_sample",
    "environment",
    "informed_rules",
    "is_proper",
    "policies",
    "policy",
    "simplex_grid",
    *policies.__all__,
]
