"""What policies with one estimate from all samples have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from banditlab.core.components import Params, State, field
from banditlab.core.dispatch import device_call
from banditlab.core.elementary import log
from banditlab.core.sampling import below
from banditlab.core.validation import boolean, integer, optional, positive, positive_probability

from ..ellipsoid import add_direction, constant_radius, ellipsoid_state, measure_pairs
from ..likelihood import add_sample, fit, likelihood_state, minimiser, scores
from ..spaces import ContextualProblem, ContextualSpace


@device_call
def penalty(self: Params, duels: float) -> float:
    """Return the coefficient rho of the penalty after some duels."""
    return self.kappa * self.ridge * (2.0 * max(duels, 1.0) if self.averaged else 1.0)


@device_call
def confidence(self: Params, t: int) -> float:
    """Return beta for round t."""
    if self.constant > 0.0:
        return self.constant
    d = float(self.dimension)
    return math.sqrt(0.5 * d * log(1.0 + 2.0 * t / (d * self.ridge)) - log(self.delta)) / self.kappa


@device_call
def measured(state: State, features: Any, lane: int, t: int) -> None:
    """Bring the norms of all pairs up to date: for arms that never change, they follow the duels from round 1."""
    if t == 1 or not state.fixed[lane]:
        measure_pairs(state, features, 0, lane)


@device_call
def estimates_of(self: Params, state: State, features: Any, lane: int, t: int) -> Any:
    """Bring the estimate up to date; return the estimated utilities."""
    fit(state, 0, lane, penalty(self, t - 1.0))
    return scores(state, features, 0, lane)


@device_call
def random_pair(n_arms: int, lane: int, rng: Any) -> tuple[int, int]:
    """Return two different arms."""
    i = below(rng, lane, n_arms)
    j = below(rng, lane, n_arms - 1)
    return i, j + 1 if j >= i else j


@dataclass(frozen=True, eq=False, repr=False)
class SingleLayer:
    """Base of policies with one estimate; its fields are theirs."""

    delta: float | None = field(
        default=None, check=optional(positive_probability), doc="probability of failure; default 1/T"
    )
    kappa: float = field(default=0.1, check=positive, doc="lower bound on the link's slope")
    ridge: float = field(default=0.001, check=positive, doc="lambda, what V starts with")
    radius: float | None = field(default=None, check=optional(positive), doc="c of a radius c sqrt(d ln T)")
    exploration: int = field(default=0, check=integer(0, limit=2**53), doc="first rounds, in which pairs are random")
    averaged: bool = field(default=False, check=boolean, doc="whether the penalty grows with the number of duels")

    @classmethod
    def as_released(cls, scale: float = 1.0) -> Self:
        r"""Return the policy with the radius :math:`2 \sqrt{d \ln T}` and the loss of VACDB's released experiments.

        Parameters
        ----------
        scale : float, default 1.0
            What the radius is divided by; 1 in the released experiments, where VACDB's is divided by the norm of
            :math:`\theta`.

        Examples
        --------
        >>> from banditlab import dueling
        >>> dueling.MaxInP.as_released(scale=2.0)
        MaxInP(radius=1, averaged=True)
        """
        return cls(radius=2.0 / positive("scale", scale), averaged=True)

    def derive(self, problem: ContextualProblem) -> dict[str, Any]:
        """Return what depends on the problem."""
        horizon = problem.required_horizon(self)
        return {
            "delta": self.delta or 1.0 / horizon,
            "constant": constant_radius(self.radius, problem, horizon),
            "radius": None,  # kernels see the constant, so that one kernel serves whether it is given or not
            "dimension": problem.dimension,
            "horizon": horizon,
        }

    def state(self, space: ContextualSpace) -> dict[str, Any]:
        """Return samples, matrices and the estimate."""
        horizon = space.problem.required_horizon(self)
        more = {"fixed": space.per_lane(space.fixed, np.bool_), "rounds": space.per_lane(0, np.int64)}
        return likelihood_state(space, 1, horizon) | ellipsoid_state(space, [self.ridge]) | more

    def update(
        self: Params, state: State, features: Any, first: int, second: int, lane: int, won: bool, t: int
    ) -> None:
        """Add the duel; the penalty of averaged losses changes even if an arm met itself."""
        if first != second:
            add_direction(state, features, first, second, 0, lane, 1.0, state.fixed[lane])
            add_sample(state, features, first, second, 0, lane, 1.0, won)
        elif self.averaged:
            state.stale[0, lane] = True
        state.rounds[lane] = t

    def estimate(self: Params, state: State, lane: int, theta: Any) -> None:
        """Write the estimate."""
        found = minimiser(state, 0, lane, penalty(self, float(state.rounds[lane])))
        for k in range(found.shape[0]):
            theta[k, lane] = found[k]
