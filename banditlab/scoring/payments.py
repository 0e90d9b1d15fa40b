"""Arithmetic with payments, some of which may be -inf, and checks of what users' functions pay."""

from __future__ import annotations

from typing import Any

import numpy as np

from banditlab.core.errors import InvalidType
from banditlab.core.validation import shown

from .simplex import Floats


def mean_payment(payments: Floats, probabilities: Floats) -> Floats:
    """Return expected payments over the last axis; a state of probability zero counts for nothing, even at -inf."""
    return np.asarray((np.where(probabilities > 0.0, payments, 0.0) * probabilities).sum(axis=-1))


def expected_payments(payments: Floats, probabilities: Floats) -> Floats:
    """Return the expected payment of every belief (row) and every report (column), as in `mean_payment`."""
    finite = np.isfinite(payments)
    means = probabilities @ np.where(finite, payments, 0.0).T
    ruined = (probabilities > 0.0).astype(float) @ (~finite).astype(float).T
    return np.asarray(np.where(ruined > 0.0, -np.inf, means))


def returned(name: str, value: Any, report: Floats) -> Floats:
    """Check for numbers in what a user's function returned for a report."""
    try:
        kind = np.asarray(value).dtype.kind
        # Python's own numbers, such as fractions, make arrays of objects.
        result = np.asarray(value, dtype=float) if kind in "biufO" else None
    except (TypeError, ValueError):
        result = None
    if result is None or value is None:
        raise InvalidType(f"{name} is {shown(value)} at {report.tolist()}; allowed: numbers")
    return result


def name_of(function: object) -> str:
    """Return how a function is shown."""
    return str(getattr(function, "__name__", repr(function)))
