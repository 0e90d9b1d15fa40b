"""Upper confidence bounds on the CVaR of arms whose rewards are bounded."""

from __future__ import annotations

import math
from typing import Any

from banditlab.arms.support import Support
from banditlab.arms.tails import checked_level
from banditlab.core.components import Params, Problem, State, field
from banditlab.core.elementary import log
from banditlab.core.validation import boolean, open_probability, optional, positive

from ..family import policy
from ..heaps import empty_tails, sum_between, sum_of_smallest
from ..samples import upper_end
from ..spaces import SampleSpace


class Tails:
    """Base of policies that keep the sum of the smallest share tau of each arm's rewards, and indices.

    The index of an arm that was never pulled is +inf, so that every arm is tried once, in order.
    """

    tau: float
    high: float

    @property
    def rewards(self) -> Support:
        """The rewards that it learns from."""
        return Support(0.0, self.high)

    def state(self, space: SampleSpace) -> dict[str, Any]:
        """Return the arrays."""
        horizon = space.problem.required_horizon(self)
        return {
            "counts": space.per_arm(),
            "indices": space.per_arm(math.inf),
            "tails": empty_tails(space, horizon, self.tau * horizon),
        }

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound, as it was computed when the arm was last pulled."""
        return state.indices[arm, lane]


@policy
class BernsteinUCB(Tails):
    r"""The arm with the largest Bernstein upper bound on its CVaR: minimax optimal up to logarithms.

    Alg. 1 of the paper keeps, for arm a with :math:`N_k(a)` pulls before round k and a budget b, the mean shortfall
    :math:`\hat\mu_k(b, a) = \frac{1}{N_k(a)} \sum_{i < k: a_i = a} (b - r_i)^+` and plays

    .. math:: a_k = \arg\max_a \max_{b \in [0, 1]} \left\{ b - \frac{\hat\mu_k(b, a) - B_k(a)}{\tau} \right\},
        \quad B_k(a) = \sqrt{\frac{2 \tau L}{N_k(a)}} + \frac{L}{N_k(a)}, \quad L = \log \frac{A K}{\delta}.

    The bonus does not depend on b, so the maximum is attained exactly at the empirical quantile, and the index is

    .. math:: \widehat{\mathrm{CVaR}}_\tau(a) + \sqrt{\frac{2 L}{\tau N_k(a)}} + \frac{L}{\tau N_k(a)}.

    Every arm is played once first, in order; the first arm wins ties.

    Parameters
    ----------
    tau : float, default 0.1
        Level, in (0, 1]; the policy maximises the mean of the worst share :math:`\tau` of rewards.
    delta : float, optional
        Probability with which the bound on regret may fail, in (0, 1); default :math:`1 / K` (our choice), with which
        it bounds the expected regret too, up to a constant.
    high : float, default 1.0
        Upper end of the rewards, which lie in [0, high]; the bonus is multiplied by it. The paper's are in [0, 1].
    capped : bool, default False
        Whether the index is capped at `high`, which no CVaR exceeds. The first arm then wins among those at the cap.

    Notes
    -----
    Guarantee (Wang, Kallus, Sun 2023, Theorem 4.1; rewards in [0, 1], of any distribution, continuous or not): with
    probability at least :math:`1 - \delta` the regret in CVaR after K rounds is at most :math:`4 \sqrt{A K / \tau} L +
    16 A L^2 / \tau`. `cvar.theory.bernstein_ucb_bound` computes it. No policy's worst case is better by more than
    logarithms: Theorem 3.1 bounds it below by a constant times :math:`\sqrt{A K / \tau}`.

    The paper maximises over b up to an error; that the maximum has a closed form is our remark.

    A round takes :math:`O(\log n)` steps at worst after n rewards of the arm played, a few on average, and A
    comparisons. Memory: 8 bytes per reward in a run (see `cvar.bandits.heaps`).

    References
    ----------
    Wang, Kallus, Sun (2023), Near-minimax-optimal risk-sensitive reinforcement learning with CVaR, ICML,
    arXiv:2302.03201.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.BernsteinUCB(tau=0.05)
    BernsteinUCB(tau=0.05)
    """

    tau: float = field(default=0.1, check=checked_level, doc="level of CVaR")
    delta: float | None = field(
        default=None, check=optional(open_probability), doc="the bound's probability to fail; default 1/K"
    )
    high: float = field(default=1.0, check=positive, doc="upper end of the rewards")
    capped: bool = field(default=False, check=boolean, doc="whether the index is at most `high`")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the logarithm and the cap."""
        horizon = problem.required_horizon(self)
        delta = 1.0 / horizon if self.delta is None else self.delta
        return {
            "delta": delta,
            "logarithm": math.log(problem.n_arms) + math.log(horizon) - math.log(delta),
            "cap": self.high if self.capped else math.inf,
        }

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward, and compute the arm's index."""
        n = state.counts[arm, lane] + 1.0
        state.counts[arm, lane] = n
        tail = self.tau * n
        bonus = math.sqrt(2.0 * self.logarithm / tail) + self.logarithm / tail
        estimate = sum_of_smallest(state.tails, arm, lane, reward, tail) / tail
        state.indices[arm, lane] = min(estimate + self.high * bonus, self.cap)


@policy
class CVaRUCB(Tails):
    r"""The arm with the largest CVaR of a distribution within the Dvoretzky-Kiefer-Wolfowitz band.

    With n rewards of the arm, sorted, :math:`x_{(1)} \le \dots \le x_{(n)}`, and :math:`x_{(n+1)} = U`, the empirical
    distribution function is pushed down by :math:`\epsilon = \sqrt{\log(2 T^2) / (2 n)}`, the missing mass is put at U,
    and the index is the CVaR of the resulting distribution:

    .. math:: U - \frac{1}{\tau} \sum_{i=1}^n (x_{(i+1)} - x_{(i)}) \max\{0, \min(i / n - \epsilon, \tau)\}.

    In other words: the smallest share :math:`\epsilon` of the rewards is moved to U. Every arm is played once first, in
    order; the first arm wins ties.

    Parameters
    ----------
    tau : float, default 0.1
        Level, in (0, 1].
    high : float, default 1.0
        U, the upper end of the rewards. No lower end is needed.

    Notes
    -----
    Guarantee (Tamkin et al. 2019, as others cite it; rewards in [0, U]): regret in CVaR is :math:`O(\log(T) / \tau^2)`,
    with a constant that depends on the gaps. We have not seen the statement itself.

    The index is never below the empirical CVaR, and it is above an arm's true CVaR with probability at least :math:`1 -
    1 / T^2` (the inequality of Dvoretzky, Kiefer and Wolfowitz, with Massart's constant).

    A round takes :math:`O(\log n)` steps at worst after n rewards of the arm played, a few on average, and one
    comparison per arm. Memory: 16 bytes per reward in a run (see `cvar.bandits.heaps`).

    References
    ----------
    Tamkin, Keramati, Dann, Brunskill (2019), Distributionally-aware exploration for CVaR bandits, NeurIPS workshop on
    safety and robustness in decision making.

    The index is as Baudry, Gautron, Kaufmann, Maillard (2021), arXiv:2012.05754, compute it.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.CVaRUCB(tau=0.25)
    CVaRUCB(tau=0.25)
    """

    tau: float = field(default=0.1, check=checked_level, doc="level of CVaR")
    high: float = field(default=1.0, check=upper_end, doc="upper end of the rewards")

    @property
    def rewards(self) -> Support:
        """The rewards that it learns from."""
        return Support(-math.inf, self.high)

    def state(self, space: SampleSpace) -> dict[str, Any]:
        """Return the arrays."""
        horizon = space.problem.required_horizon(self)
        return super().state(space) | {
            "tails": empty_tails(space, horizon, horizon),
            "moved": empty_tails(space, horizon, horizon),
        }

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the square of the band's width after one reward."""
        horizon = problem.required_horizon(self)
        return {"band": math.log(2.0) / 2.0 + math.log(horizon)}

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward, and compute the arm's index."""
        n = state.counts[arm, lane] + 1.0
        state.counts[arm, lane] = n
        tail = self.tau * n
        moved = min(math.sqrt(self.band * n), n)
        above = max(tail - (n - moved), 0.0)
        kept = sum_between(state.moved, state.tails, arm, lane, reward, moved, tail - above)
        state.indices[arm, lane] = (kept + above * self.high) / tail


@policy
class UUCB(Tails):
    r"""U-UCB: the arm with the largest empirical CVaR plus a radius that grows with the logarithm of the round.

    In round t, with n rewards of the arm in [0, U]:

    .. math:: \widehat{\mathrm{CVaR}}_\tau(a) + \frac{U}{\tau} \sqrt{\frac{\log t}{n}}

    Every arm is played once first, in order; the first arm wins ties.

    Parameters
    ----------
    tau : float, default 0.1
        Level, in (0, 1].
    high : float, default 1.0
        U, the upper end of the rewards, which lie in [0, U].

    Notes
    -----
    Guarantee (Cassel, Mannor, Zeevi 2018, Theorem 2; rewards in [0, U]): regret is of order :math:`\log(T) / \Delta`.
    The theorem is for their U-UCB, on quasiconvex criteria that vary by at most :math:`b (x + x^q)` where a
    distribution moves by x; CVaR is one, with :math:`q = 2`, for sub-Gaussian arms. Its radius is :math:`2 b \max\{y,
    y^q\}`, :math:`y = \sqrt{\alpha \log(t) / (a n)}`, with :math:`\alpha > 2` and a rate a at which empirical
    distributions concentrate. They bound the "proxy" regret, a criterion of the mixture of the arms played, and through
    it that of all rewards; their proof bounds the number of plays of a worse arm, and so the regret here. The index
    above is the one that Baudry et al. compare with, which makes theirs concrete; constants, of :math:`1 / \tau^2`,
    follow from its radius and are not quoted.

    A round takes :math:`O(\log n)` steps at worst after n rewards of the arm played, a few on average, and one
    comparison per arm. Memory: 8 bytes per reward in a run (see `cvar.bandits.heaps`).

    References
    ----------
    Cassel, Mannor, Zeevi (2018), A general approach to multi-armed bandits under risk criteria, COLT, arXiv:1806.01380.

    Baudry, Gautron, Kaufmann, Maillard (2021), arXiv:2012.05754.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.UUCB(tau=0.5, high=2.0)
    UUCB(tau=0.5, high=2)
    """

    tau: float = field(default=0.1, check=checked_level, doc="level of CVaR")
    high: float = field(default=1.0, check=positive, doc="upper end of the rewards")

    def state(self, space: SampleSpace) -> dict[str, Any]:
        """Return the arrays."""
        return super().state(space) | {"widths": space.per_arm()}

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward, and compute the arm's estimate, and its radius except for log t."""
        n = state.counts[arm, lane] + 1.0
        state.counts[arm, lane] = n
        tail = self.tau * n
        state.indices[arm, lane] = sum_of_smallest(state.tails, arm, lane, reward, tail) / tail
        state.widths[arm, lane] = self.high / (self.tau * math.sqrt(n))

    def index(self: Params, state: State, arm: int, lane: int, t: int, rng: Any) -> float:
        """Return the upper confidence bound."""
        return state.indices[arm, lane] + state.widths[arm, lane] * math.sqrt(log(t))


@policy
class BrownUCB(Tails):
    r"""The arm with the largest empirical CVaR plus the radius of Brown's inequality.

    With n rewards of the arm in [0, U]:

    .. math:: \widehat{\mathrm{CVaR}}_\tau(a) + \frac{U}{\tau} \sqrt{\frac{\log(1 / \delta)}{2 n}}

    Every arm is played once first, in order; the first arm wins ties.

    Parameters
    ----------
    tau : float, default 0.1
        Level, in (0, 1].
    delta : float, optional
        Probability with which one index may be below an arm's CVaR, in (0, 1); default :math:`1 / (2 T^2)`, which makes
        the radius that of `CVaRUCB` divided by :math:`\tau`.
    high : float, default 1.0
        U, the upper end of the rewards, which lie in [0, U].

    Notes
    -----
    Guarantee: none, as no bound on its regret is known to us. What holds (Brown 2007) is that after n independent
    rewards of an arm the index is at least its CVaR, with probability at least :math:`1 - \delta`. For
    :math:`\mathrm{CVaR}_\tau = \max_b \{b - E[(b - X)^+] / \tau\}`, Hoeffding's inequality at the true maximiser b,
    whose shortfalls lie in [0, U], gives it. Brown's other inequality, with :math:`\sqrt{5 \log(3 / \delta) / (\tau
    n)}`, bounds the estimate's error on the other side, and gives no index.

    The policy is one that Tamkin et al. (2019) contrast theirs with. Its radius and :math:`\delta` are reconstructed:
    from the inequality, and from what makes it comparable with theirs.

    A round takes :math:`O(\log n)` steps at worst after n rewards of the arm played, a few on average, and one
    comparison per arm. Memory: 8 bytes per reward in a run (see `cvar.bandits.heaps`).

    References
    ----------
    Brown (2007), Large deviations bounds for estimating conditional value-at-risk, Operations Research Letters 35.

    Tamkin, Keramati, Dann, Brunskill (2019), Distributionally-aware exploration for CVaR bandits.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.BrownUCB(delta=0.05)
    BrownUCB(delta=0.05)
    """

    tau: float = field(default=0.1, check=checked_level, doc="level of CVaR")
    delta: float | None = field(
        default=None, check=optional(open_probability), doc="an index's probability to fail; default 1 / (2 T^2)"
    )
    high: float = field(default=1.0, check=positive, doc="upper end of the rewards")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return the radius after one reward."""
        horizon = problem.required_horizon(self)
        minus_log = math.log(2.0) + 2.0 * math.log(horizon) if self.delta is None else -math.log(self.delta)
        return {"delta": None, "radius": self.high / self.tau * math.sqrt(0.5 * minus_log)}

    def update(self: Params, state: State, arm: int, lane: int, reward: float, t: int) -> None:
        """Add the reward, and compute the arm's index."""
        n = state.counts[arm, lane] + 1.0
        state.counts[arm, lane] = n
        tail = self.tau * n
        estimate = sum_of_smallest(state.tails, arm, lane, reward, tail) / tail
        state.indices[arm, lane] = estimate + self.radius / math.sqrt(n)
