"""Policies for dueling bandits."""

from .beat_the_mean import BeatTheMean
from .beat_the_winner import BeatTheWinner, BeatTheWinnerReset, BeatTheWinnerResetStrong, ModifiedBeatTheWinner
from .ccb import CCB
from .interleaved_filter import InterleavedFilter
from .meta import DETECT, MonitoredDuelingBandits
from .rcs import RCS
from .reductions import MultiSBM, Sparring, VersatileDB
from .rmed import RMED1, RMED2, RMED2FH
from .rucb import RUCB
from .savage import SAVAGE
from .scb import SCB
from .thompson import DoubleThompsonSampling, DoubleThompsonSamplingPlus
from .winner_stays import WinnerStaysStrong, WinnerStaysWeak

__all__ = [
    "CCB",
    "DETECT",
    "RCS",
    "RMED1",
    "RMED2",
    "RMED2FH",
    "RUCB",
    "SAVAGE",
    "SCB",
    "BeatTheMean",
    "BeatTheWinner",
    "BeatTheWinnerReset",
    "BeatTheWinnerResetStrong",
    "DoubleThompsonSampling",
    "DoubleThompsonSamplingPlus",
    "InterleavedFilter",
    "ModifiedBeatTheWinner",
    "MonitoredDuelingBandits",
    "MultiSBM",
    "Sparring",
    "VersatileDB",
    "WinnerStaysStrong",
    "WinnerStaysWeak",
]
