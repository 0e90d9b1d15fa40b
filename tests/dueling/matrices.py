"""Matrices of preferences for tests, and strategies that draw them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from banditlab import dueling

some = settings(deadline=None, derandomize=True, max_examples=50)


def complementary(above: list[list[float]]) -> NDArray[np.float64]:
    """Return the matrix whose rows above the diagonal are given."""
    k = len(above) + 1
    p = np.full((k, k), 0.5)
    for i, row in enumerate(above):
        p[i, i + 1 :] = row
        p[i + 1 :, i] = 1.0 - np.array(row)
    return p


def matrix(*above: list[float]) -> Any:
    """Return the environment with these rows above the diagonal."""
    return dueling.PreferenceMatrix(complementary(list(above)))


@st.composite
def preferences(draw: Any, min_arms: int = 2, max_arms: int = 6) -> NDArray[np.float64]:
    """Draw a matrix of tenths, so that equal arms are common."""
    k = draw(st.integers(min_arms, max_arms))
    tenths = st.integers(0, 10).map(lambda n: n / 10)
    return complementary([draw(st.lists(tenths, min_size=k - 1 - i, max_size=k - 1 - i)) for i in range(k - 1)])


@st.composite
def with_winner(draw: Any, min_arms: int = 2, max_arms: int = 6) -> tuple[NDArray[np.float64], int]:
    """Draw a matrix with a Condorcet winner, and that winner."""
    p = draw(preferences(min_arms, max_arms))
    k = len(p)
    best = draw(st.integers(0, k - 1))
    for j in range(k):
        if j != best:
            p[best, j] = draw(st.integers(11, 20)) / 20
            p[j, best] = 1.0 - p[best, j]
    return p, best
