"""Policies for dueling bandits."""

from .beat_the_winner import BeatTheWinner, BeatTheWinnerReset, BeatTheWinnerResetStrong, ModifiedBeatTheWinner
from .reductions import MultiSBM, Sparring, VersatileDB
from .rucb import RUCB
from .thompson import DoubleThompsonSampling, DoubleThompsonSamplingPlus
from .winner_stays import WinnerStaysStrong, WinnerStaysWeak

__all__ = [
    "RUCB",
    "BeatTheWinner",
    "BeatTheWinnerReset",
    "BeatTheWinnerResetStrong",
    "DoubleThompsonSampling",
    "DoubleThompsonSamplingPlus",
    "ModifiedBeatTheWinner",
    "MultiSBM",
    "Sparring",
    "VersatileDB",
    "WinnerStaysStrong",
    "WinnerStaysWeak",
]
