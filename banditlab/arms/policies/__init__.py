"""Policies for K-armed bandits, one module per lineage."""

from .adversarial import EXP3, EXP3IX, TsallisINF
from .baselines import (
    DecayingEpsilonGreedy,
    EpsilonGreedy,
    ExploreThenCommit,
    RoundRobin,
    Softmax,
    SuccessiveElimination,
    Uniform,
)
from .bayes import BayesUCB, GaussianThompsonSampling, ThompsonSampling, VarTS
from .klucb import IMED, KLUCB, GaussianKLUCB, KLUCBPlusPlus
from .nonstationary import DiscountedUCB, SlidingWindowUCB
from .ucb import MOSS, UCB1, UCBV, MOSSAnytime, UCBTuned

__all__ = [
    "EXP3",
    "EXP3IX",
    "IMED",
    "KLUCB",
    "MOSS",
    "UCB1",
    "UCBV",
    "BayesUCB",
    "DecayingEpsilonGreedy",
    "DiscountedUCB",
    "EpsilonGreedy",
    "ExploreThenCommit",
    "GaussianKLUCB",
    "GaussianThompsonSampling",
    "KLUCBPlusPlus",
    "MOSSAnytime",
    "RoundRobin",
    "SlidingWindowUCB",
    "Softmax",
    "SuccessiveElimination",
    "ThompsonSampling",
    "TsallisINF",
    "UCBTuned",
    "Uniform",
    "VarTS",
]
