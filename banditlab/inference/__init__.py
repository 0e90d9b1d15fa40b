"""How certain the numbers are: intervals, bands, tests, and when to stop adding runs."""

from .adastop import AdaStop
from .aggregates import Profile, interquartile_mean, performance_profile
from .bootstrap import mean_band, stratified_band
from .decisions import Decisions
from .families import holm, paired_family
from .pairs import PairedComparison, paired
from .sequential import compare

__all__ = [
    "AdaStop",
    "Decisions",
    "PairedComparison",
    "Profile",
    "compare",
    "holm",
    "interquartile_mean",
    "mean_band",
    "paired",
    "paired_family",
    "performance_profile",
    "stratified_band",
]
