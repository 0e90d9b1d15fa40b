"""PASCombUCB: semi-bandits in which, with high probability, no action is ever too variable."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from banditlab.core.components import Params, State, field
from banditlab.core.dispatch import device
from banditlab.core.elementary import log
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import boolean, open_probability, optional, positive

from ..action_sets import Action, an_action_set, laid_out, write_action
from ..family import policy
from ..generics import best_within_lanes
from ..safe import SafeUpToM
from ..spaces import player_params
from .linear import OWN_ACTIONS, all_actions

EPSILON = 0.5
"""epsilon of the law of the iterated logarithm's radius."""

ONE_PLUS_ROOT = 1.0 + math.sqrt(EPSILON)


@device
def lil(n: float, minus_log_rho: float) -> float:
    """Return the radius lil(n, rho) for n >= 2 samples, given -log rho."""
    grown = (1.0 + EPSILON) * n
    return ONE_PLUS_ROOT * math.sqrt(0.5 * (1.0 + EPSILON) / n * (log(log(grown)) + minus_log_rho))


@policy
class PASCombUCB:
    r"""UCB on sums over the actions that may be safe, split into groups that are safe with high probability.

    Items have means :math:`\mu_i` and variances :math:`\sigma_i^2 \le \sigma^2`; an action of one to K items is safe if
    :math:`\sum_{i \in A} \sigma_i^2 < \bar\sigma^2`. With :math:`n_i` outcomes of item i, their mean
    :math:`\hat\mu_i` and (biased) variance :math:`\hat v_i`, horizon T, :math:`\omega_\mu = 1 / T^2` and
    :math:`\omega_v = \delta / T^2`:

    .. math::
        lil(n, \rho) &= (1 + \sqrt{\epsilon}) \sqrt{\frac{1 + \epsilon}{2 n} \log \frac{\log((1 + \epsilon) n)}{\rho}},
            \quad \epsilon = 1/2 \\
        U^\mu_i &= \hat\mu_i + lil(n_i, \omega_\mu) \\
        U^v_i &= \min\{\hat v_i + 3\,lil(n_i, \omega_v), \sigma^2\}, \quad
        L^v_i = \max\{\hat v_i - 3\,lil(n_i, \omega_\mu), 0\}

    1. Warm-up: until every item has two outcomes, the first q items that have fewer are played together (others, in
       order, fill up), q being the largest number with :math:`q \sigma^2 < \bar\sigma^2`, at most K.
    2. Then in phases. The phase's action maximises :math:`\sum_{i \in A} U^\mu_i` over the possibly safe actions,
       :math:`S = \{A : \sum_{i \in A} L^v_i < \bar\sigma^2\}`. GreedySplit goes through its items in order and adds
       each to the group at hand while :math:`\sum U^v` stays below :math:`\bar\sigma^2`, else it opens another group.
       The groups are played in consecutive rounds: a phase of n groups lasts n rounds, and gives each item of its
       action one outcome.

    Of actions with equal :math:`\sum U^\mu` (to a relative 1e-12) the lexicographically smallest is taken. If no action
    is possibly safe, the item of smallest :math:`L^v` is played; where some action is safe, only a wrong lower bound
    causes that.

    Parameters
    ----------
    delta : float, default 0.05
        The probability with which some action of the run may be unsafe, in (0, 1).
    variance_bound : float, default 0.25
        :math:`\sigma^2`, a known upper bound on every item's variance; 1/4 holds for all outcomes in [0, 1].
    paper_code : bool, default False
        True takes q as the smallest number with :math:`q \sigma^2 \ge \bar\sigma^2`, and never readmits an action that
        once was not possibly safe, as the released code does. Its warm-up can be unsafe. At most 20,000 actions.
    actions : SafeUpToM, optional
        The action set to play; default the environment's.

    Notes
    -----
    Guarantee (Hou, Tan, Zhong 2023, reconstructed; outcomes in [0, 1], independent items and rounds): with probability
    at least :math:`1 - \delta` all actions of a run are safe, and the expected regret against the best safe action is
    at most of order :math:`\sum_i K / \Delta_{i,\min} \log T` plus a term that grows with :math:`(\Delta^v)^{-2} \log(1
    / \delta)`, :math:`\Delta^v` being the distance of variances to the budget. Without gaps it is :math:`\tilde
    O(\sqrt{K L T} + L K^2 / \bar\sigma^4)`. Both nearly match lower bounds. The forms are reconstructed, with constants
    left out.

    Radii, warm-up and splitting are those of the authors' released code. Note its two levels: lower bounds of variances
    are at :math:`\omega_\mu`, only the upper ones at :math:`\omega_v`. The code rounds q up, which is safe only if
    :math:`q \sigma^2` is less than the budget; here q is rounded down, and is one less where the division leaves no
    remainder, as safety is strict. So a budget of at most `variance_bound` needs paper_code=True: not even one item is
    then known to be safe beforehand.

    References
    ----------
    Hou, Tan, Zhong (2023), Probably anytime-safe stochastic combinatorial semi-bandits, ICML, arXiv:2301.13393.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms, semibandits
    >>> items = arms.Beta.from_moments([0.5, 0.4, 0.3], [0.2, 0.2, 0.01])
    >>> env = semibandits.SemiBandit(items, semibandits.SafeUpToM(2, budget=0.3))
    >>> env.best_action
    (0, 2)
    >>> result = bl.run(
    ...     env, semibandits.PASCombUCB(), horizon=1_000, n_runs=10, seed=0, metrics="violations"
    ... )
    >>> float(result.values()[:, :, -1].max())
    0.0
    """

    delta: float = field(default=0.05, check=open_probability, doc="probability that some action may be unsafe")
    variance_bound: float = field(default=0.25, check=positive, doc="sigma^2, at least every item's variance")
    paper_code: bool = field(default=False, check=boolean, doc="warm up, and drop actions, as the released code does")
    actions: Any = field(default=None, check=optional(an_action_set), kind="action_set", doc=OWN_ACTIONS)

    rewards: ClassVar[str] = "unit"
    learns_what_is_safe: ClassVar[bool] = True

    def reasons_against_actions(self, actions: Any, n_items: int, horizon: int | None) -> list[str]:
        """Return whether the action set is another, or a single item is not known to be safe."""
        if not isinstance(actions, SafeUpToM):
            return [f"it plays sets such as semibandits.SafeUpToM(3, budget=0.6), and this is {actions!r}"]
        if self.paper_code:
            try:
                _all_up_to(actions, n_items)
            except InvalidArgument as error:
                return [str(error)]
        elif actions.budget <= self.variance_bound:
            return [
                f"its warm-up plays single items, of variance up to variance_bound, {self.variance_bound:g}, and the "
                f"budget is {actions.budget:g}; allowed: a larger one, a smaller variance_bound, or paper_code=True"
            ]
        return []

    def warnings_about(self, environment: Any, horizon: int) -> list[str]:
        """Return whether an item's variance is above the bound: then nothing is known to be safe."""
        largest = float(np.max(environment.variances)) if hasattr(environment, "variances") else 0.0
        if largest <= self.variance_bound * (1.0 + 1e-9):
            return []
        return [
            f"variance_bound is {self.variance_bound:g}, and an item's variance is {largest:g}: actions that it takes "
            "to be safe need not be"
        ]

    def derive(self, problem: Any) -> dict[str, Any]:
        """Return -log of the two levels, how many items the warm-up plays together, and the paper's list of actions."""
        actions, twice = problem.actions, 2.0 * log(float(problem.required_horizon(self)))
        together = math.ceil(min(actions.budget / self.variance_bound, float(actions.m)))
        if not self.paper_code:
            while together * self.variance_bound >= actions.budget:  # at once, or twice where the ratio is rounded up
                together -= 1
        items, starts = laid_out(_all_up_to(actions, problem.n_arms) if self.paper_code else [])
        return {
            "level_mean": twice,
            "level_variance": twice - log(self.delta),
            "together": max(1, together),
            "items": items,
            "starts": starts,
        }

    def state(self, space: Any) -> dict[str, Any]:
        """Return each item's outcomes and bounds, the action of the phase, and which actions were dropped."""
        m = space.actions.m
        rows = len(player_params(self, space.problem).starts) - 1
        return {
            "counts": space.per_arm(),
            "sums": space.per_arm(),
            "squares": space.per_arm(),
            "upper_means": space.per_arm(),
            "upper_variances": space.per_arm(self.variance_bound),
            "lower_variances": space.per_arm(),
            "fresh": space.per_lane(space.n_arms, np.int64),  # items with fewer than two outcomes
            "members": space.array(m, dtype=np.int64),
            "size": space.per_lane(dtype=np.int64),
            "position": space.per_lane(dtype=np.int64),
            "begins": space.per_lane(dtype=np.bool_),
            "found": space.array(m, dtype=np.int64),
            "found_size": space.per_lane(dtype=np.int64),
            "dropping": space.per_lane(dtype=np.bool_),
            "dropped": space.array(max(rows, 1), dtype=np.bool_),
            "looked_up": space.array(3),  # scratch: counts, sums and squares, then the bounds
        }

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the outcome of an item. Its bounds are made here in the warm-up, and later when the next phase begins."""
        n = state.counts[arm, lane] + 1.0
        state.counts[arm, lane] = n
        state.sums[arm, lane] += reward
        state.squares[arm, lane] += reward * reward
        if n == 2.0:
            state.fresh[lane] -= 1
        if n >= 2.0 and state.size[lane] == 0:
            _bound(self, state, arm, lane)

    def select_lanes(
        self: Params, state: State, actions: Params, work: State, t: int, rng: Any, chosen: Any, size: Any
    ) -> None:
        """Play the next group of the phase, after warming up and beginning a phase where it is time to."""
        if state.fresh[0] > 0:  # the warm-up does not depend on outcomes: all lanes are equally far
            for w in range(size.shape[0]):
                size[w] = _warm_up(self, state, w, chosen)
            return
        beginning = 0
        for w in range(size.shape[0]):
            state.begins[w] = state.position[w] == state.size[w]
            beginning += 1 if state.begins[w] else 0
        if beginning > 0:
            _refresh(self, state)
            _best_possibly_safe(self, state, actions, work)
            for w in range(size.shape[0]):
                if state.begins[w]:
                    _begin(state, w)
        for w in range(size.shape[0]):
            size[w] = _next_group(state, actions.budget, w, chosen)


@device
def _bounds(self: Params, n: float, s: float, q: float) -> tuple[float, float, float]:
    """Return U of the mean, and U and L of the variance, given number, sum and sum of squares of outcomes."""
    mean = s / n
    variance = q / n - mean * mean
    radius = lil(n, self.level_mean)
    high = variance + 3.0 * lil(n, self.level_variance)
    low = variance - 3.0 * radius
    return mean + radius, high if high < self.variance_bound else self.variance_bound, low if low > 0.0 else 0.0


@device
def _bound(self: Params, state: State, arm: int, lane: int) -> None:
    """Make an item's bounds."""
    u, high, low = _bounds(self, state.counts[arm, lane], state.sums[arm, lane], state.squares[arm, lane])
    state.upper_means[arm, lane] = u
    state.upper_variances[arm, lane] = high
    state.lower_variances[arm, lane] = low


@device
def _refresh(self: Params, state: State) -> None:
    """Make the bounds of the members of the phase, in all lanes: those of a phase under way are not looked at again."""
    n, s, q = state.looked_up[0], state.looked_up[1], state.looked_up[2]
    for k in range(state.members.shape[0]):
        for w in range(n.shape[0]):  # looked up and stored apart from the arithmetic, which then vectorises
            n[w] = state.counts[state.members[k, w], w]
            s[w] = state.sums[state.members[k, w], w]
            q[w] = state.squares[state.members[k, w], w]
        for w in range(n.shape[0]):
            n[w], s[w], q[w] = _bounds(self, n[w], s[w], q[w])
        for w in range(n.shape[0]):
            state.upper_means[state.members[k, w], w] = n[w]
            state.upper_variances[state.members[k, w], w] = s[w]
            state.lower_variances[state.members[k, w], w] = q[w]


@device
def _best_possibly_safe(self: Params, state: State, actions: Params, work: State) -> None:
    """Find the best possibly safe action of every lane that begins a phase."""
    best_within_lanes(
        actions, work, state.upper_means, state.lower_variances, state.begins, state.found, state.found_size
    )
    if self.paper_code:
        for w in range(state.begins.shape[0]):
            if state.begins[w] and _drops(state, actions.budget, w):
                state.found_size[w] = _best_left(self, state, actions, w)


@device
def _begin(state: State, lane: int) -> None:
    """Begin a phase with the action found; without one, with the item of smallest lower bound."""
    size = state.found_size[lane]
    if size == 0:
        for i in range(state.counts.shape[0]):
            if i == 0 or state.lower_variances[i, lane] < state.lower_variances[state.members[0, lane], lane]:
                state.members[0, lane] = i
    for k in range(size):
        state.members[k, lane] = state.found[k, lane]
    state.size[lane] = max(size, 1)
    state.position[lane] = 0


def _all_up_to(actions: Any, n_items: int) -> list[Action]:
    """Return the actions of a safe set if every item might have variance 0: all sets of one to m items.

    They are sorted: the first of equals is then the lexicographically smallest, as it is for the search.
    """
    return sorted(all_actions(SafeUpToM(actions.m, actions.budget, variances=np.zeros(n_items)), n_items))


@device
def _warm_up(self: Params, state: State, lane: int, chosen: Any) -> int:
    """Choose the first items with fewer than two outcomes, and fill up with the first others."""
    n_items = state.counts.shape[0]
    size = min(self.together, n_items)
    fresh = min(size, state.fresh[lane])
    others = size - fresh
    k = 0
    for i in range(n_items):
        if state.counts[i, lane] < 2.0:
            if fresh > 0:
                chosen[k, lane] = i
                k += 1
                fresh -= 1
        elif others > 0:
            chosen[k, lane] = i
            k += 1
            others -= 1
    return size


@device
def _next_group(state: State, budget: float, lane: int, chosen: Any) -> int:
    """Choose the items of the phase from the position on, while their upper bounds stay below the budget."""
    k = state.position[lane]
    total = state.upper_variances[state.members[k, lane], lane]
    chosen[0, lane] = state.members[k, lane]
    size = 1
    k += 1
    while k < state.size[lane] and total + state.upper_variances[state.members[k, lane], lane] < budget:
        total += state.upper_variances[state.members[k, lane], lane]
        chosen[size, lane] = state.members[k, lane]
        size += 1
        k += 1
    state.position[lane] = k
    return size


@device
def _drops(state: State, budget: float, lane: int) -> bool:
    """Say whether actions have been dropped, or may have to be now: not if all items together are possibly safe."""
    total = 0.0
    for i in range(state.lower_variances.shape[0]):
        total += state.lower_variances[i, lane]
    state.dropping[lane] |= total >= budget
    return state.dropping[lane]


@device
def _best_left(self: Params, state: State, actions: Params, lane: int) -> int:
    """Drop actions that are not possibly safe, and choose the best of those left; 0 if there are none."""
    best = 0.0
    row = -1
    for a in range(self.starts.shape[0] - 1):
        if state.dropped[a, lane]:
            continue
        value = 0.0
        cost = 0.0
        for p in range(self.starts[a], self.starts[a + 1]):
            value += state.upper_means[self.items[p], lane]
            cost += state.lower_variances[self.items[p], lane]
        if cost >= actions.budget:
            state.dropped[a, lane] = True
        elif row < 0 or value > best * (1.0 + 1e-12):
            best = value
            row = a
    if row < 0:
        return 0
    return write_action(self.items, self.starts, row, lane, state.found)
