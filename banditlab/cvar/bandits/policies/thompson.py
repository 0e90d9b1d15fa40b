"""Thompson sampling for CVaR: of arms with bounded rewards, and of arms whose few values are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.arms.finite import FiniteSupport, finite_laws
from banditlab.arms.support import Support
from banditlab.arms.tails import checked_level
from banditlab.core.components import Params, State, field
from banditlab.core.errors import InvalidArgument
from banditlab.core.typed import FloatArray
from banditlab.core.validation import array, invalid, shown

from .. import samples
from ..family import policy
from ..samples import upper_end
from ..spaces import SampleSpace


@policy
class BCVTS:
    r"""B-CVTS: Thompson sampling for the CVaR of bounded rewards, asymptotically optimal.

    The history of arm k is its upper bound :math:`B_k` and the n rewards it has given,
    :math:`\mathcal{X}_k = (B_k, X_1, \dots, X_n)`. In every round weights are drawn for each arm's history,

    .. math:: w \sim \mathrm{Dir}(1, \dots, 1), \qquad c_k = \mathrm{CVaR}_\alpha(\mathcal{X}_k, w),

    and the arm with the largest :math:`c_k` is played, the first one on ties. Every arm is played once first, in order.

    Parameters
    ----------
    tau : float, default 0.1
        :math:`\alpha`, the level, in (0, 1]. At 1 the policy is the non-parametric Thompson sampling of Riou and Honda.
    high : float, default 1.0
        B, the upper end of all arms' rewards; it may be too large (as in the paper's experiments), which makes the
        policy explore more. No lower end is needed.

    Notes
    -----
    Guarantee (Baudry et al. 2021, Theorem 3, number from a summary; rewards bounded, with continuous distributions):
    regret in CVaR is :math:`\sum_k \Delta_k \log T / K_{inf}^\alpha(\nu_k, c^*) + o(\log T)`, which is the asymptotic
    lower bound. That every arm is played once first is from the authors' code.

    A round takes as many exponential variates as an arm has distinct rewards up to about its :math:`\alpha`-quantile,
    rather than one per reward: the weights beyond the tail matter only through their sum, which is a gamma variate, and
    so is the sum for equal rewards (see `cvar.bandits.samples`). The law is exactly that of the paper. A run of T
    rounds whose rewards are all distinct takes :math:`O(\alpha T^2)` steps in all. Memory: 12 bytes per distinct reward
    in a run.

    References
    ----------
    Baudry, Gautron, Kaufmann, Maillard (2021), Optimal Thompson sampling strategies for support-aware CVaR bandits,
    ICML, arXiv:2012.05754.

    Riou, Honda (2020), Bandit algorithms based on Thompson sampling for bounded reward distributions, ALT.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.BCVTS(tau=0.05)
    BCVTS(tau=0.05)
    """

    tau: float = field(default=0.1, check=checked_level, doc="level of CVaR")
    high: float = field(default=1.0, check=upper_end, doc="upper end of the rewards")

    @property
    def rewards(self) -> Support:
        """The rewards that it learns from."""
        return Support(-math.inf, self.high)

    def state(self, space: SampleSpace) -> dict[str, Any]:
        """Return the arrays."""
        sample = samples.empty_samples(space, space.problem.required_horizon(self))
        return sample | {"counts": space.per_arm(dtype=np.int64), "work": space.private(samples.BLOCK)}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the CVaR of the arm's history with weights drawn at random."""
        n = state.counts[arm, lane]
        if n == 0:
            return math.inf
        return samples.drawn_cvar(
            rng, lane, state.values[lane], state.copies[lane], state.starts[lane, arm], state.starts[lane, arm + 1],
            self.high, n + 1, self.tau, state.work[lane],
        )  # fmt: skip

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward."""
        samples.insert(state, arm, lane, reward)
        state.counts[arm, lane] += 1


def _increasing(name: str, value: Any) -> NDArray[np.float64]:
    values: NDArray[np.float64] = array(1)(name, value)
    if (np.diff(values) <= 0.0).any():
        raise invalid(name, value, "increasing numbers")
    return values


@policy
class MCVTS:
    r"""M-CVTS: Thompson sampling for the CVaR of rewards whose possible values are known, asymptotically optimal.

    With values :math:`x^1 < \dots < x^M`, and :math:`\beta_k^j` one more than how often arm k has given the j-th, in
    every round

    .. math:: p_k \sim \mathrm{Dir}(\beta_k^1, \dots, \beta_k^M), \qquad c_k = \mathrm{CVaR}_\alpha((x^1, \dots, x^M),
        p_k),

    are drawn for every arm, and the arm with the largest :math:`c_k` is played, the first one on ties.

    Parameters
    ----------
    values : sequence of float
        The possible rewards, increasing, of all arms together; some of them may never be given.
    tau : float, default 0.1
        :math:`\alpha`, the level, in (0, 1].

    Notes
    -----
    Guarantee (Baudry et al. 2021, Theorem 2, number from a summary; multinomial rewards with known values): regret in
    CVaR is :math:`\sum_k \Delta_k \log T / K_{inf}^\alpha(\nu_k, c^*) + o(\log T)`, which is the asymptotic lower bound
    over distributions on these values.

    A round takes a gamma variate for each value up to about an arm's :math:`\alpha`-quantile, and one for all others
    together. Memory: 4 bytes per arm and value.

    References
    ----------
    Baudry, Gautron, Kaufmann, Maillard (2021), Optimal Thompson sampling strategies for support-aware CVaR bandits,
    ICML, arXiv:2012.05754.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.MCVTS([0.0, 0.5, 1.0], tau=0.25)
    MCVTS([0, 0.5, 1], tau=0.25)
    """

    values: FloatArray = field(check=_increasing, doc="the possible rewards, increasing")
    tau: float = field(default=0.1, check=checked_level, doc="level of CVaR")

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Return why it cannot play an environment: rewards other than `values`."""
        told = f"it learns from the rewards {shown(self.values.tolist())}"
        support = getattr(environment, "support", None)
        possible: set[float] = set()
        if isinstance(environment, FiniteSupport):
            possible = possible.union(*(values[shares > 0.0].tolist() for values, shares in finite_laws(environment)))
        elif support is not None and support.binary:
            possible = {0.0, 1.0}
        else:
            return [f"{told}, and those of this environment are not known to be finitely many"]
        others = sorted(possible - set(self.values.tolist()))
        return [f"{told}, and this environment gives {others[0]:g}"] if others else []

    def check_reward(self, name: str, value: float) -> float:
        """Return a reward that is one of `values`, or raise."""
        if value not in self.values:
            raise InvalidArgument(f"{name} is {value:g}; allowed: one of {shown(self.values.tolist())}")
        return value

    def state(self, space: SampleSpace) -> dict[str, Any]:
        """Return the arrays."""
        ones = space.private(space.n_arms, len(self.values), dtype=np.int32)
        ones += 1
        return {"counts": space.per_arm(dtype=np.int64), "copies": ones, "work": space.private(samples.BLOCK)}

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the CVaR of probabilities drawn at random."""
        last = self.values.shape[0] - 1
        atoms = state.counts[arm, lane] + last + 1
        return samples.drawn_cvar(
            rng, lane, self.values, state.copies[lane, arm], 0, last, self.values[last], atoms, self.tau,
            state.work[lane],
        )  # fmt: skip

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Count the reward."""
        j = 0
        while j < self.values.shape[0] - 1 and self.values[j] < reward:
            j += 1
        state.copies[lane, arm, j] += 1
        state.counts[arm, lane] += 1
