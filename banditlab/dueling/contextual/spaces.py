"""What contextual policies may know when they are set up: core's `Problem` and `Space`, and the dimension."""

from __future__ import annotations

from dataclasses import dataclass

from banditlab.core.components import Problem, Space

LARGEST_FEATURE = 1e100
"""Features are at most this in size: their squares can still be summed."""


@dataclass(frozen=True)
class ContextualProblem(Problem):
    """The size of a contextual problem.

    Attributes
    ----------
    dimension : int
        d, the length of a feature vector.
    """

    dimension: int


@dataclass(frozen=True)
class ContextualSpace(Space):
    """Makes the arrays of a contextual policy's state.

    Attributes
    ----------
    dimension : int
        d, the length of a feature vector.
    fixed : bool
        Whether the arms' features are the same in all rounds of a run.
    """

    dimension: int
    fixed: bool

    @property
    def problem(self) -> ContextualProblem:
        """The problem these arrays are for."""
        return ContextualProblem(self.n_arms, self.horizon, self.dimension)

    @property
    def n_pairs(self) -> int:
        """Number of pairs of different arms."""
        return self.n_arms * (self.n_arms - 1) // 2
