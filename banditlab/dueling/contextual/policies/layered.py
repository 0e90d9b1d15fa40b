"""What VACDB and StaD have in common: layers, each with samples and an estimate of its own, gone through in turn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, State
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import log
from banditlab.core.sampling import below

from ..ellipsoid import add_direction, ellipsoid_state, measure_pairs, pair_number
from ..likelihood import add_sample, fit, forget_pairs, likelihood_state, minimiser, scores, squared_residuals
from ..selection import best_pair, largest, optimistic
from ..spaces import ContextualSpace


@device
def width(layer: int) -> float:
    """Return 2^-l; layers count from 0 in arrays, l from 1."""
    return 0.5 ** (layer + 1)


@device
def simple_radius(self: Params, state: State, layer: int, lane: int) -> float:
    """Return the radius of a layer without duels, or the constant one; 0 where it follows from the duels."""
    if state.last_duel[layer, lane] == 0 and self.initial > 0.0:
        return self.initial * 2.0 * width(layer)
    return self.constant


@device_call
def radius(self: Params, state: State, layer: int, lane: int) -> float:
    """Return beta_l as it was set after the layer's last duel; the layer's estimate is up to date."""
    simple = simple_radius(self, state, layer, lane)
    if simple > 0.0:
        return simple
    t = float(state.last_duel[layer, lane])
    before = log(4.0 * t * t * self.n_layers / self.delta)
    after = log(4.0 * (t + 1.0) * (t + 1.0) * self.n_layers / self.delta)
    variance = float(state.n_duels[layer, lane])
    if 1.0 / width(layer) >= 64.0 * self.lipschitz / self.kappa * math.sqrt(after):
        variance = squared_residuals(state, layer, lane)
    first = 16.0 * width(layer) / self.kappa * math.sqrt((8.0 * variance + 18.0 * after) * before)
    return first + 6.0 * width(layer) / self.kappa * before + 2.0 * width(layer)


@device
def ridge(self: Params, layer: int) -> float:
    """Return the coefficient rho of a layer's penalty: rho / 2 is the paper's kappa 2^-2l times `self.ridge`."""
    return 2.0 * self.ridge * self.kappa * width(layer) * width(layer)


@device_call
def _widest(state: State, n_arms: int, lane: int) -> float:
    """Return the largest squared norm of a pair of arms that are still there."""
    widest = 0.0
    pair = 0
    for i in range(n_arms):
        if not state.alive[i, lane]:
            pair += n_arms - 1 - i
            continue
        for j in range(i + 1, n_arms):
            norm = state.squared[pair, lane] if state.alive[j, lane] else 0.0
            widest = max(widest, norm)
            pair += 1
    return widest


@device_call
def _pair_beyond(state: State, n_arms: int, lane: int, bound: float, rng: Any) -> tuple[int, int]:
    """Return a pair drawn from those whose norm exceeds a bound."""
    found = 0
    pair = 0
    for i in range(n_arms):
        for j in range(i + 1, n_arms):
            beyond = state.alive[i, lane] & state.alive[j, lane] & (math.sqrt(state.squared[pair, lane]) > bound)
            found += 1 if beyond else 0
            pair += 1
    place = below(rng, lane, found)
    pair = 0
    for i in range(n_arms):
        for j in range(i + 1, n_arms):
            if state.alive[i, lane] and state.alive[j, lane] and math.sqrt(state.squared[pair, lane]) > bound:
                if place == 0:
                    return i, j
                place -= 1
            pair += 1
    return 0, 0


@device_call
def _eliminate(state: State, estimates: Any, lane: int, less: float) -> None:
    """Remove the arms whose estimated utility is more than `less` below the largest."""
    best = -math.inf
    for i in range(estimates.shape[0]):
        best = max(best, estimates[i] if state.alive[i, lane] else -math.inf)
    for i in range(estimates.shape[0]):
        state.alive[i, lane] &= estimates[i] >= best - less


@device_call
def _leave_out(state: State, estimates: Any, lane: int) -> None:
    """Make sure that removed arms are never chosen."""
    for i in range(estimates.shape[0]):
        estimates[i] = estimates[i] if state.alive[i, lane] else -math.inf


class Layered:
    """Base of policies with layers.

    Each layer l has its own samples, and looks at the distances, in its norm, between the arms that are still there. If
    some pair is far apart, one such pair is compared, and the layer learns. If all are close, arms whose estimate is
    clearly below the best are left out, and the next layer takes over. If all are very close, the round exploits, and
    nothing is learned. If arms never change, a layer that was passed stays passed, as norms only shrink, and needs no
    more work: only then is its estimate computed, once.
    """

    def _n_layers(self, horizon: int) -> int:
        raise NotImplementedError

    def state(self, space: ContextualSpace) -> dict[str, Any]:
        """Return samples and matrices by layer, the arms that are still there, and the layer that is to learn."""
        horizon = space.problem.required_horizon(self)
        layers = self._n_layers(horizon)
        ridges = [4.0 ** -(layer + 1) for layer in range(layers)]
        samples = likelihood_state(space, layers, horizon)
        return samples | ellipsoid_state(space, ridges) | {
            "alive": space.per_arm(True, np.bool_),
            "level": space.per_lane(0, np.int64),
            "explores": space.per_lane(False, np.bool_),
            "fixed": space.per_lane(space.fixed, np.bool_),
            "n_duels": space.array(layers, dtype=np.int64),
            "last_duel": space.array(layers, dtype=np.int64),
        }  # fmt: skip

    def select(self: Params, state: State, features: Any, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Go through the layers until one explores or exploits."""
        n_arms = features.shape[0]
        fixed = state.fixed[lane]
        if not fixed:
            state.level[lane] = 0
            for i in range(n_arms):
                state.alive[i, lane] = True
        if t == 1 or not fixed:
            measure_pairs(state, features, state.level[lane], lane)
        while True:
            layer = state.level[lane]
            eta = simple_radius(self, state, layer, lane)
            widest = math.sqrt(_widest(state, n_arms, lane))
            exploits = widest <= (self.alpha / eta if self.relative else self.alpha)
            bound = width(layer) / eta if self.scaled else width(layer)
            if widest > bound and not exploits:
                state.explores[lane] = True
                return _pair_beyond(state, n_arms, lane, bound, rng)
            fit(state, layer, lane, ridge(self, layer))
            estimates = scores(state, features, layer, lane)
            beta = radius(self, state, layer, lane)
            if exploits or layer == self.n_layers - 1:
                state.explores[lane] = False
                _leave_out(state, estimates, lane)
                if self.symmetric:
                    return best_pair(state, estimates, beta, lane, rng)
                first = largest(estimates, lane, rng)
                return first, largest(optimistic(state, estimates, first, beta, lane), lane, rng)
            _eliminate(state, estimates, lane, width(layer) if self.scaled else width(layer) * beta)
            state.level[lane] = layer + 1
            measure_pairs(state, features, layer + 1, lane)
            forget_pairs(state, lane)

    def update(
        self: Params, state: State, features: Any, first: int, second: int, lane: int, won: bool, t: int
    ) -> None:
        """Let the layer that explored learn."""
        if not state.explores[lane]:
            return
        layer = state.level[lane]
        weight = 1.0
        if self.weighted:
            norm = state.squared[pair_number(features.shape[0], first, second), lane]
            weight = width(layer) * width(layer) / norm
        add_direction(state, features, first, second, layer, lane, weight, state.fixed[lane])
        add_sample(state, features, first, second, layer, lane, weight, won)
        state.n_duels[layer, lane] += 1
        state.last_duel[layer, lane] = t

    def estimate(self: Params, state: State, lane: int, theta: Any) -> None:
        """Write the estimate of the layer with the most duels, the last of them on ties."""
        layer = 0
        for other in range(1, self.n_layers):
            if state.n_duels[other, lane] > 0 and state.n_duels[other, lane] >= state.n_duels[layer, lane]:
                layer = other
        found = minimiser(state, layer, lane, ridge(self, layer))
        for k in range(found.shape[0]):
            theta[k, lane] = found[k]
