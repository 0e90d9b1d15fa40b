"""Policies for dueling bandits."""

from .beat_the_winner import BeatTheWinner, BeatTheWinnerReset, BeatTheWinnerResetStrong, ModifiedBeatTheWinner
from .meta import DETECT, MonitoredDuelingBandits
from .reductions import MultiSBM, Sparring, VersatileDB
from .rucb import RUCB
from .thompson import DoubleThompsonSampling, DoubleThompsonSamplingPlus
from .winner_stays import WinnerStaysStrong, WinnerStaysWeak

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
    "Sparring",
    "VersatileDB",
    "WinnerStaysStrong",
    "WinnerStaysWeak",
]
