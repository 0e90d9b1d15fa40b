"""The CVaR bandits that the tests try: every one of the registry, with its defaults and with other fields."""

from __future__ import annotations

from typing import Any

from banditlab.core.family import registered
from banditlab.cvar.bandits.family import BANDITS as FAMILY

BANDITS = {name: cls for name, cls in registered("cvar", "policy").items() if cls.family is FAMILY}
VALUES = [0.0, 1.0]
NEEDED: dict[str, dict[str, Any]] = {"MCVTS": {"values": VALUES}}
DEFAULTS = {name: cls(**NEEDED.get(name, {})) for name, cls in BANDITS.items()}

# Besides its defaults, each policy is tried with these fields. All of a class share one compiled kernel.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "BernsteinUCB": [
        {"tau": 1.0, "delta": 0.3},
        {"tau": 0.25, "delta": 0.999, "capped": True},
        {"tau": 1e-4},
        {"tau": 0.5, "high": 2.0, "capped": True},
    ],
    "CVaRUCB": [{"tau": 1.0}, {"tau": 0.25, "high": 1.5}, {"tau": 1e-4}, {"tau": 0.7}, {"tau": 1e-300}],
    "UUCB": [{"tau": 1.0}, {"tau": 0.25, "high": 1.5}, {"tau": 1e-4}],
    "BrownUCB": [{"tau": 1.0, "delta": 0.5}, {"tau": 0.25, "high": 1.5}, {"tau": 1e-4, "delta": 0.999}],
    "BCVTS": [{"tau": 1.0}, {"tau": 0.5, "high": 1.5}, {"tau": 1e-4}, {"tau": 0.9}, {"tau": 1e-300}],
    "MCVTS": [{"tau": 1.0}, {"tau": 0.5}, {"tau": 1e-4}, {"tau": 1e-300}],
}

VARIANTS = {
    repr(policy): policy
    for name, cls in BANDITS.items()
    for policy in [cls(**NEEDED.get(name, {}), **fields) for fields in [{}, *OTHERS.get(name, [])]]
}
