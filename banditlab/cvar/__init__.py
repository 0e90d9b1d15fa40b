"""CVaR: risk-averse bandits and reinforcement learning."""

from banditlab.core.finite_cvar import cvar, quantile

from . import mdp, theory
from .bandits.family import policy
from .bandits.policies import BCVTS, MCVTS, UUCB, BernsteinUCB, BrownUCB, CVaRUCB
from .distribution import Distribution
from .mdp.environments import TabularMDP
from .mdp.evaluation import evaluate
from .mdp.family import mdp_environment, mdp_policy
from .mdp.instances import cliff_gridworld, layered_mdp, linear_mixture, lower_bound_chain, random_mdp
from .mdp.planning import (
    Plan,
    iterated_cvar,
    plan_iterated_cvar,
    plan_mean,
    plan_static_cvar,
    plan_worst_path,
)
from .mdp.policies import UCBVI, CVaRUCBVI, ICVaRL, ICVaRRM, MaxWP
from .mdp.tabular_policy import TabularPolicy

__all__ = [
    "BCVTS",
    "MCVTS",
    "UCBVI",
    "UUCB",
    "BernsteinUCB",
    "BrownUCB",
    "CVaRUCB",
    "CVaRUCBVI",
    "Distribution",
    "ICVaRL",
    "ICVaRRM",
    "MaxWP",
    "Plan",
    "TabularMDP",
    "TabularPolicy",
    "cliff_gridworld",
    "cvar",
    "evaluate",
    "iterated_cvar",
    "layered_mdp",
    "linear_mixture",
    "lower_bound_chain",
    "mdp",
    "mdp_environment",
    "mdp_policy",
    "plan_iterated_cvar",
    "plan_mean",
    "plan_static_cvar",
    "plan_worst_path",
    "policy",
    "quantile",
    "random_mdp",
    "theory",
]
