"""The policies that are tested, and the values of their fields that are tried."""

from __future__ import annotations

import dataclasses
from typing import Any

from banditlab.core.family import registered
from banditlab.dueling.family import DUELING

# Policies around a base, and those that see features, have tests of their own.
POLICIES = {
    name: cls
    for name, cls in registered("dueling", "policy").items()
    if cls.family is DUELING and all(f.name != "base" for f in dataclasses.fields(cls))
}

# Besides its defaults, each policy is tried with these fields. All of a class share one compiled kernel.
OTHERS: dict[str, list[dict[str, Any]]] = {
    # so short a horizon that arms are dropped
    "BeatTheMean": [
        {"gamma": 1.0, "tight": True, "horizon": 2},
        {"gamma": 1.0, "tight": True, "meets_itself": False, "horizon": 2},
    ],
    "BeatTheWinnerResetStrong": [
        {"beta": 1.5},
        {"beta": 1.0},
        {"paper_code": True},
        {"paper_code": True, "beta": 1.3},
    ],
    "CCB": [{"alpha": 0.05}, {"alpha": 2.0}],
    "DoubleThompsonSampling": [{"alpha": 0.1}, {"alpha": 4.0}],
    "DoubleThompsonSamplingPlus": [{"alpha": 0.1}],
    "InterleavedFilter": [{"horizon": 1}, {"horizon": 1, "pruning": False}],
    "MultiSBM": [{"alpha": 0.3}],
    "RCS": [{"alpha": 0.1}],
    "RMED1": [{"scale": 0.01}, {"scale": 1.0, "epsilon": 0.5}],
    "RMED2": [
        {"paper_code": True},
        {"alpha": 0.5, "scale": 0.05},
        {"epsilon": 0.3, "scale": 0.01, "paper_code": True},
    ],
    "RMED2FH": [
        {"paper_code": True},
        {"alpha": 0.5, "scale": 0.05},
        {"horizon": 20, "epsilon": 0.3, "scale": 0.01},
    ],
    "RUCB": [{"alpha": 0.05}, {"alpha": 3.0}, {"memory": False}],
    "SAVAGE": [
        {"notion": "copeland"},
        {"horizon": 1, "delta": 0.5},
        {"notion": "copeland", "horizon": 1, "delta": 0.5},
    ],
    "SCB": [{"first_phase": 40}, {"first_phase": 1000}],
    "Sparring": [{"alpha": 0.3}],
    "VersatileDB": [{"estimator": "reduced_variance"}],
    "WinnerStaysStrong": [{"beta": 1.0}, {"beta": 1.4}],
}

VARIANTS = [cls(**fields) for name, cls in POLICIES.items() for fields in [{}, *OTHERS.get(name, [])]]
DEFAULTS = {name: cls() for name, cls in POLICIES.items()}
