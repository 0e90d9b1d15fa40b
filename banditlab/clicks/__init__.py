"""Strategic click-bandits: arms that choose their click rates, and mechanisms that keep them honest."""

from . import generics, theory
from .assumptions import Violation, violations
from .deviations import DeviationGains, deviation_gains
from .dynamics import Dynamics, dynamics
from .environments import StrategicClickBandit
from .equilibria import Equilibrium, StrategicRegret, equilibria, equilibrium, strategic_regret
from .family import environment, policy, utility
from .policies import UCBS, ClickUCB, KnowsItsUtility, MeanUCB, MuOracle, PostClickMeans, StrategyOracle
from .utilities import QuadraticUtility, Utility

__all__ = [
    "UCBS",
    "ClickUCB",
    "DeviationGains",
    "Dynamics",
    "Equilibrium",
    "KnowsItsUtility",
    "MeanUCB",
    "MuOracle",
    "PostClickMeans",
    "QuadraticUtility",
    "StrategicClickBandit",
    "StrategicRegret",
    "StrategyOracle",
    "Utility",
    "Violation",
    "deviation_gains",
    "dynamics",
    "environment",
    "equilibria",
    "equilibrium",
    "generics",
    "policy",
    "strategic_regret",
    "theory",
    "utility",
    "violations",
]
