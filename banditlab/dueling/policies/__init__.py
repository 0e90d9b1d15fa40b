"""Policies for dueling bandits."""

from .beat_the_winner import BeatTheWinner, BeatTheWinnerReset, BeatTheWinnerResetStrong, ModifiedBeatTheWinner
from .rucb import RUCB
from .winner_stays import WinnerStaysStrong, WinnerStaysWeak

__all__ = [
    "RUCB",
    "BeatTheWinner",
    "BeatTheWinnerReset",
    "BeatTheWinnerResetStrong",
    "ModifiedBeatTheWinner",
    "WinnerStaysStrong",
    "WinnerStaysWeak",
]
