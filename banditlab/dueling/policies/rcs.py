"""Relative confidence sampling (RCS)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, Space, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import log
from banditlab.core.sampling import beta, fill_beta
from banditlab.core.validation import positive

from ..family import policy
from .counts import Counts, another_tie, count
from .rucb import opponent


@device
def _champion(state: State, n_arms: int, lane: int, rng: Any) -> int:
    """Return the arm that beats all others in the sample, else one that has been champion the least often."""
    found, fewest, ties = -1, math.inf, 0
    for i in range(n_arms):
        if state.beaten[i, lane] == n_arms - 1:
            found = i
    if found < 0:
        for i in range(n_arms):
            if state.times_champion[i, lane] < fewest:
                found, fewest, ties = i, state.times_champion[i, lane], 1
            elif state.times_champion[i, lane] == fewest:
                ties += 1
                if another_tie(rng, lane, ties):
                    found = i
    state.times_champion[found, lane] += 1
    return found


@policy
class RCS(Counts):
    r"""The champion of a sampled tournament meets its most optimistic opponent (Relative Confidence Sampling).

    In every round a matrix is sampled, :math:`\theta_{ij} \sim \mathrm{Beta}(w_{ij} + 1, w_{ji} + 1)` for i < j and
    :math:`\theta_{ji} = 1 - \theta_{ij}`, where :math:`w_{ij}` are the wins of i over j. The champion c is the arm with
    :math:`\theta_{cj} > 1/2` for all others j, and if there is none, the arm that has been champion the least often.
    Its opponent is :math:`\arg\max_j U_{jc}` with the upper confidence bounds of `RUCB`.

    Parameters
    ----------
    alpha : float, default 0.51
        Exploration in the upper bounds, as in `RUCB`.

    Notes
    -----
    Guarantee: none, as the paper has no regret bound.

    The rule is Algorithm 1 of the paper; the text was not at hand, but the program of Wu and Liu 2016 was.

    Draws of a round: theta_ij for i < j, row by row (`sampling.beta`); if there is no champion among the samples and k
    arms have been champion the least often, k - 1 numbers; if k opponents have the largest bound, k - 1 numbers. The
    champion is its own opponent only if its bound, 1/2, is larger than all others.

    References
    ----------
    Zoghi, Whiteson, de Rijke, Munos (2014), Relative confidence sampling for efficient on-line ranker evaluation, WSDM,
    Algorithm 1.

    Examples
    --------
    >>> from banditlab import dueling
    >>> dueling.RCS(alpha=0.6)
    RCS(alpha=0.6)
    """

    alpha: float = field(default=0.51, check=positive, doc="exploration in the upper bounds")

    def state(self, space: Space) -> dict[str, Any]:
        """Return wins, the posterior's parameters (for i < j), and what a lane's sample says."""
        return super().state(space) | {
            "ahead": space.array(space.n_arms, space.n_arms, fill=1.0),
            "behind": space.array(space.n_arms, space.n_arms, fill=1.0),
            "times_champion": space.per_arm(0, np.int64),
            "beaten": space.per_arm(0, np.int64),
            "sample": space.per_lane(),
        }

    def select(self: Params, state: State, lane: int, t: int, rng: Any) -> tuple[int, int]:
        """Return the champion and its opponent."""
        for i in range(self.n_arms):
            state.beaten[i, lane] = 0
        for i in range(self.n_arms):
            for j in range(i + 1, self.n_arms):
                ahead = beta(rng, lane, state.ahead[i, j, lane], state.behind[i, j, lane]) > 0.5
                state.beaten[i, lane] += 1 if ahead else 0
                state.beaten[j, lane] += 0 if ahead else 1
        first = _champion(state, self.n_arms, lane, rng)
        return first, opponent(state, self.n_arms, first, self.alpha * log(float(t)), lane, rng)

    def select_lanes(self: Params, state: State, t: int, rng: Any, first: Any, second: Any) -> None:
        """Choose for all lanes; the samples are drawn pair by pair, in loops that vectorise."""
        sample = state.sample
        for i in range(self.n_arms):
            for w in range(first.shape[0]):
                state.beaten[i, w] = 0
        for i in range(self.n_arms):
            for j in range(i + 1, self.n_arms):
                fill_beta(rng, state.ahead[i], state.behind[i], j, sample)
                for w in range(sample.shape[0]):
                    ahead = 1 if sample[w] > 0.5 else 0
                    state.beaten[i, w] += ahead
                    state.beaten[j, w] += 1 - ahead
        budget = self.alpha * log(float(t))
        for w in range(first.shape[0]):
            c = _champion(state, self.n_arms, w, rng)
            first[w] = c
            second[w] = opponent(state, self.n_arms, c, budget, w, rng)

    def update(self: Params, state: State, first: int, second: int, lane: int, won: bool, t: int) -> None:
        """Count the win, and bring the posterior distribution of the pair up to date."""
        count(state, first, second, lane, won)
        i, j = min(first, second), max(first, second)
        state.ahead[i, j, lane] = state.wins[i, j, lane] + 1.0
        state.behind[i, j, lane] = state.wins[j, i, lane] + 1.0

    observe = update  # any duel tells something
