"""The policies on sums of items that are tested, the values of their fields that are tried, and what they see."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.sampling import expanded, key
from banditlab.families import registered
from tests.arms.players import drawn

from . import naive

POLICIES = {name: cls for name, cls in registered("semibandits", "policy").items() if name in naive.REFERENCES}

# Besides its defaults, each policy is tried with these fields.
OTHERS: dict[str, list[dict[str, Any]]] = {
    "CombUCB1": [{"alpha": 0.2}],
    "BetaCTS": [{"a": 0.5, "b": 2.0}],
    "GaussianCTS": [{"sigma": 0.1}],
    "BGCTS": [{"sigma": 0.05, "lam": 0.1}, {"lam": 0.0}],
}
VARIANTS = [
    cls(**fields) for name, cls in POLICIES.items() if name != "PASCombUCB" for fields in [{}, *OTHERS.get(name, [])]
]


def outcomes(items: Any, action: naive.Action, u: float) -> list[float]:
    """Return the outcomes of an action: each item has the number of its own that is expanded from the round's."""
    with np.errstate(all="ignore"):
        bits = key(u)
        return [drawn(items, item, expanded(bits, item)) for item in action]
