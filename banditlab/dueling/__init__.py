"""Dueling bandits: two arms are compared in each round, and only who wins is seen."""

from . import generics, instances, regrets, theory, winners
from .environments import PiecewiseStationary, PreferenceMatrix
from .family import environment, policy
from .policies import (
    DETECT,
    RUCB,
    BeatTheWinner,
    BeatTheWinnerReset,
    BeatTheWinnerResetStrong,
    DoubleThompsonSampling,
    DoubleThompsonSamplingPlus,
    ModifiedBeatTheWinner,
    MonitoredDuelingBandits,
    MultiSBM,
    Sparring,
    VersatileDB,
    WinnerStaysStrong,
    WinnerStaysWeak,
)

__all__ = [
    "DETECT",
    "RUCB",
    "BeatTheWinner",
    "BeatTheWinnerReset",
    "BeatTheWinnerResetStrong",
    "DoubleThompsonSampling",
    "DoubleThompsonSamplingPlus",
    "ModifiedBeatTheWinner",
    "MonitoredDuelingBandits",
    "MultiSBM",
    "PiecewiseStationary",
    "PreferenceMatrix",
    "Sparring",
    "VersatileDB",
    "WinnerStaysStrong",
    "WinnerStaysWeak",
    "environment",
    "generics",
    "instances",
    "policy",
    "regrets",
    "theory",
    "winners",
]
