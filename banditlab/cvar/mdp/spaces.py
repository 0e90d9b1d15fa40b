"""What learners may know when they are set up: core's `Problem` and `Space`, and the sizes of the MDP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from banditlab.core.components import Problem, Space


@dataclass(frozen=True)
class EpisodicProblem(Problem):
    """What a learner may know of an MDP and of the experiment when its parameters are fixed.

    Attributes
    ----------
    n_states, n_actions, n_steps : int
        S, A, H. (`horizon` is the number of episodes, K; `n_arms` is A.)
    """

    n_states: int
    n_actions: int
    n_steps: int


@dataclass(frozen=True)
class EpisodicSpace(Space):
    """Makes the arrays of a learner's state: unlike elsewhere, the first axis is the lane (the run).

    Planning sweeps over a run's budgets, which must lie side by side. Arrays without a lane are scratch: lanes play one
    after another.

    Attributes
    ----------
    known : record
        What a learner knows of the MDP; see `cvar.mdp.generics`.
    """

    known: Any

    def array(self, *shape: int, fill: float = 0.0, dtype: Any = np.float64) -> Any:
        """Return an array with a given shape per lane, filled with a value."""
        return np.full((self.n_lanes, *shape), fill, dtype)

    def holds(self, array: Any) -> bool:
        """Return that any array will do."""
        return True
