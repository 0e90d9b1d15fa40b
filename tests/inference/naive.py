"""Permutation tests by the definition."""

from __future__ import annotations

import itertools

import numpy as np


def brute_force(differences):
    """Return every statistic, by loops over all signs."""
    rows = []
    for signs in itertools.product((1, -1), repeat=len(differences[0])):
        sums = [abs(sum(s * d for s, d in zip(signs, row, strict=True))) for row in differences]
        rows.append([t / np.sqrt(sum(d * d for d in row)) for t, row in zip(sums, differences, strict=True)])
    return np.array(rows)
