"""A tabular MDP in the one form that planning and playing use, and what follows from it alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_DENOMINATOR = 10**5
"""Rewards with larger denominators do not count as multiples of a common unit."""

ROUNDING = 1e-15
"""Rewards are multiples of a unit if they differ from them by at most this share of the largest."""

MAX_UNITS = 2.0**40
"""Most units in a reward for which sums of rewards are counted in units."""


@dataclass(frozen=True)
class Model:
    """Transitions and rewards of H steps, S states, A actions and J different rewards.

    Attributes
    ----------
    n_steps : int
        H.
    initial_state : int
        Where an episode starts.
    transitions : float64 array, shape (T, S, A, S)
        Probabilities of the next state; T is 1 if they are the same in every step, else H.
    atoms : float64 array, shape (J,)
        The different rewards, increasing.
    index : int64 array, shape (R, S, A, Z, M)
        Which atoms are paid; R is 1 or H, Z is S if rewards depend on the next state, else 1, and M is how many atoms
        a state and action have. If Z is S, M is 1.
    weights : float64 array, shape (R, S, A, M)
        How likely each of them is, whatever the next state.
    """

    n_steps: int
    initial_state: int
    transitions: Array
    atoms: Array
    index: Index
    weights: Array

    @property
    def n_states(self) -> int:
        """S."""
        return self.transitions.shape[1]

    @property
    def n_actions(self) -> int:
        """A."""
        return self.transitions.shape[2]

    def at(self, h: int) -> tuple[Array, Index, Array]:
        """Return transitions, indices of rewards and their weights in step h, counted from 0."""
        return (
            self.transitions[h % len(self.transitions)],
            self.index[h % len(self.index)],
            self.weights[h % len(self.weights)],
        )

    def mean_rewards(self) -> Array:
        """Return the mean reward of each state and action; shape (1, S, A), or (H, S, A) if steps differ."""
        same = len(self.transitions) == len(self.index) == len(self.weights) == 1
        found = []
        for h in range(1 if same else self.n_steps):
            transitions, index, weights = self.at(h)
            odds, which = (weights, index[:, :, 0]) if index.shape[2] == 1 else (transitions, index[..., 0])
            found.append((odds * self.atoms[which]).sum(axis=-1))
        return np.array(found)

    def possible(self, h: int) -> NDArray[np.bool_]:
        """Return which (s, a, s', atom) have positive probability in step h; shape (S, A, S, M)."""
        transitions, index, weights = self.at(h)
        found: NDArray[np.bool_] = (transitions > 0.0)[..., None] & (weights > 0.0)[:, :, None, :]
        return np.broadcast_to(found, (*transitions.shape, index.shape[-1]))

    def reachable(self) -> NDArray[np.bool_]:
        """Return which states some policy can be in, at each step; shape (H, S)."""
        found = np.zeros((self.n_steps, self.n_states), bool)
        found[0, self.initial_state] = True
        for h in range(self.n_steps - 1):
            found[h + 1] = (self.at(h)[0][found[h]] > 0.0).any(axis=(0, 1))
        return found

    def occurring(self) -> NDArray[np.bool_]:
        """Return which atoms some policy can be paid, at each step; shape (H, J)."""
        found = np.zeros((self.n_steps, len(self.atoms)), bool)
        for h, states in enumerate(self.reachable()):
            index = self.at(h)[1]
            possible = self.possible(h)[states]
            found[h, np.broadcast_to(index[states], possible.shape)[possible]] = True
        return found

    @property
    def smallest(self) -> float:
        """The smallest reward that some policy can be paid at some step."""
        return float(self.atoms[self.occurring().any(axis=0)].min())

    def range_of_sums(self, values: Array) -> tuple[float, float]:
        """Return the smallest and the largest sum of the values of the atoms paid in an episode."""
        low = high = np.zeros(self.n_states)
        stationary = len(self.transitions) == len(self.index) == len(self.weights) == 1
        for h in reversed(range(self.n_steps)):
            if h == self.n_steps - 1 or not stationary:
                state, action, after, which = np.nonzero(self.possible(h))
                index = self.at(h)[1]
                paid = values[index[state, action, after if index.shape[2] > 1 else 0, which]]
                first = np.flatnonzero(np.diff(state, prepend=-1))  # every state goes somewhere
            low = np.minimum.reduceat(paid + low[after], first)
            high = np.maximum.reduceat(paid + high[after], first)
        return float(low[self.initial_state]), float(high[self.initial_state])


def atoms_of(rewards: Array) -> tuple[Array, Index]:
    """Return the different entries of an array, and which of them each entry is."""
    atoms, index = np.unique(rewards, return_inverse=True)
    return atoms, index.reshape(rewards.shape).astype(np.int64)


def cumulative(rows: Array) -> Array:
    """Return cumulative probabilities that end in one, whatever rounding says: nothing impossible is drawn."""
    found: Array = np.cumsum(rows, axis=-1)
    found /= found[..., -1:].copy()
    return found


def lattice_unit(values: Array) -> float | None:
    """Return the largest number of which all values are integer multiples, or None if there is no useful one.

    Values are read as fractions with denominators up to 100,000, accurate to the rounding of the largest.
    """
    unit = Fraction(0)
    scale = float(np.abs(values).max(initial=0.0))
    if scale == 0.0:
        return 1.0
    for value in values:
        exact = Fraction(float(value)).limit_denominator(MAX_DENOMINATOR)
        if abs(float(exact) - value) > ROUNDING * scale:
            return None
        unit = Fraction(
            math.gcd(unit.numerator * exact.denominator, exact.numerator * unit.denominator),
            unit.denominator * exact.denominator,
        )
    return float(unit) if scale < MAX_UNITS * unit else None
