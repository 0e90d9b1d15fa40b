"""Scoring rules and the mechanisms that buy information."""

from . import closed_forms, generics, policies, theory
from .acquisition import AcquisitionMechanism, InformationAcquisition
from .audit import Audit, Deviation, audit
from .built_in import Brier, Logarithmic, Power, Spherical, Winkler
from .crps import CRPS, crps_of_sample
from .errors import NotImplementable
from .family import environment, policy
from .hiring import HiringProblem
from .hiring_mechanism import HiringMechanism
from .identification import Identified, identify
from .informed import informed_rules
from .optimal_rule import OptimalRule
from .plots import plot_payments, plot_rule
from .policies import *  # noqa: F403 - the policies' own __all__ is the list
from .principal_agent import PrincipalAgent
from .properness import Properness, Witness, is_proper
from .rules import ScoringRule
from .simplex import binary, simplex_grid
from .table_rule import TableRule
from .v_shaped import VShaped

__all__ = [
    "CRPS",
    "AcquisitionMechanism",
    "Audit",
    "Brier",
    "Deviation",
    "HiringMechanism",
    "HiringProblem",
    "Identified",
    "InformationAcquisition",
    "Logarithmic",
    "NotImplementable",
    "OptimalRule",
    "Power",
    "PrincipalAgent",
    "Properness",
    "ScoringRule",
    "Spherical",
    "TableRule",
    "VShaped",
    "Winkler",
    "Witness",
    "audit",
    "binary",
    "closed_forms",
    "crps_of_sample",
    "environment",
    "generics",
    "identify",
    "informed_rules",
    "is_proper",
    "plot_payments",
    "plot_rule",
    "policy",
    "simplex_grid",
    "theory",
    *policies.__all__,
]
