"""Stochastic and adversarial K-armed bandits."""

from . import divergences, generics, policies, theory
from .environments import Bernoulli, Beta, Exponential, Gaussian, Poisson
from .family import environment, policy
from .finite import Categorical, Empirical
from .from_scipy import FromScipy
from .nonstationary import Adversarial, PiecewiseStationary
from .policies import *  # noqa: F403 - the policies' own __all__ is the list
from .stationary import Stationary
from .support import Support
from .truncated import TruncatedGaussian, TruncatedGaussianMixture

__all__ = [
    "Adversarial",
    "Bernoulli",
    "Beta",
    "Categorical",
    "Empirical",
    "Exponential",
    "FromScipy",
    "Gaussian",
    "PiecewiseStationary",
    "Poisson",
    "Stationary",
    "Support",
    "TruncatedGaussian",
    "TruncatedGaussianMixture",
    "divergences",
    "environment",
    "generics",
    "policy",
    "theory",
    *policies.__all__,
]
