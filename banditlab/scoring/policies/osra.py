"""OSRA: optimism over linear programs, made safe by a known rule, with bisection where the agent disagrees."""

from __future__ import annotations

from typing import Any, ClassVar

from banditlab.core.components import field
from banditlab.core.validation import non_negative, positive
from banditlab.scoring.family import policy
from banditlab.scoring.informed import why_not_informed
from banditlab.scoring.principal_agent import PrincipalAgent
from banditlab.scoring.principal_agent_games import PrincipalKnows, Seen
from banditlab.scoring.simplex import Floats

from .optimistic import Optimism


@policy
class OSRA:
    r"""Optimistic scoring rules: the UCB-LP algorithm with an action-informed oracle and bisection.

    In round t, with empirical belief distributions :math:`\hat q_k`, radii
    :math:`I_q(k) = \sqrt{2 \log(4 K^2 M t^2 T) / N_k}`, and estimates :math:`\hat C(k, j) \pm I_c(k, j)` of the
    differences between costs (`Estimates.cost_differences`), for each action k

    .. math:: \hat h_k = \max_{S \text{ proper}, v} \hat u_k + B_u I_q(k) - v \quad\text{s.t.}\quad
              |v - \hat v_S(k)| \le B_S I_q(k), \quad
              v - \hat v_S(j) \ge \hat C(k, j) - I_c(k, j) - B_S I_q(j)\ \forall j \ne k.

    The principal takes the k with the largest :math:`\hat h_k`, and its solution :math:`\hat S`, and announces
    :math:`S_t = a_t \tilde S_k + (1 - a_t) \hat S` with :math:`a_t = \min(K t^{-1/3}, 1)`, where the agent is known to
    prefer k under :math:`\tilde S_k` (`informed_rules`). If the agent chooses another action, the next rounds are a
    bisection between :math:`S_t` and :math:`\tilde S_k`, until the bracket is narrower than :math:`c\,t^{-1/3}`.

    Parameters
    ----------
    confidence_scale : float, default 1.0
        Factor of the radii; 1.0 is the theory. With it, the radii exceed what they bound until about a million rounds,
        and regret is linear before; 0.01 learns within thousands of rounds, without a guarantee: where the mixture's
        margin falls below the errors of the estimates (after some 20,000 rounds in the experiment scoring_regret),
        bisections and regret set in again.
    tolerance : float, default 0.05
        Programs are re-solved once the number of times that some action was chosen has grown by this share (its
        :math:`\hat q` has then moved by at most twice that), and after each bisection; 0 re-solves them before each
        round, as the paper does.
    width : float, default 1.0
        c, the final width of a bisection times :math:`t^{1/3}`; positive.
    mixture : float, default 1.0
        Factor of :math:`a_t`; 1.0 is the theory.

    Notes
    -----
    Guarantee (Chen, Wu, Wu, Yang 2023, abstract; `confidence_scale` and `mixture` 1, `tolerance` 0): regret is
    :math:`O(K^2 T^{2/3})` up to logarithms, whatever the number of states.

    Reconstructed, as the sources that were read give the parts and not the whole: :math:`\delta = 1 / T` in the radius;
    the first K rounds, which play each informed rule once; the bound c; :math:`C(i, j)` at most `max_payment`; v from 0
    to `max_payment`; and, where the estimates contradict each other, :math:`\tilde S_k` itself in place of :math:`\hat
    S`, valued at :math:`\hat u_k + B_u I_q(k) - \max(\hat v - B_S I_q(k), 0)`. Ties between rules go to small payments
    (`tie_break`).

    References
    ----------
    Chen, Wu, Wu, Yang (2023), Learning to Incentivize Information Acquisition: Proper Scoring Rules Meet
    Principal-Agent Model, arXiv:2303.08613.

    Wang, Li, Wang (2025), arXiv:2505.17379, who restate the program and the radius.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.OSRA(confidence_scale=0.01)
    OSRA(confidence_scale=0.01)
    """

    environments: ClassVar[tuple[type, ...]] = (PrincipalAgent,)
    confidence_scale: float = field(default=1.0, check=non_negative, doc="factor of the radii; 1.0 is the theory")
    tolerance: float = field(default=0.05, check=non_negative, doc="growth of a sample that has programs re-solved")
    width: float = field(default=1.0, check=positive, doc="final width of a bisection, times t^(1/3)")
    mixture: float = field(default=1.0, check=non_negative, doc="weight of the informed rule, times t^(1/3) / K")

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Return the actions that have no informed rule."""
        return why_not_informed(environment)

    def state(self, known: PrincipalKnows, horizon: int, rng: Any) -> Optimism:
        """Return a state that has seen nothing."""
        return Optimism(known, 1.0 / horizon, self.confidence_scale, self.tolerance)

    def announce(self, state: Optimism, t: int) -> Floats:
        """Return an informed rule at first, a probe while bisecting, else the mixture."""
        known = state.known
        if t <= known.n_actions:
            return known.informed[t - 1]
        state.choose(t)
        return state.announce(min(self.mixture * known.n_actions * t ** (-1 / 3), 1.0))

    def update(self, state: Optimism, seen: Seen, t: int) -> None:
        """Count the round; start a bisection if the agent did something else, or take its answer."""
        known = state.known
        if t <= known.n_actions:
            state.estimates.add(known.informed[t - 1], seen)
        else:
            state.take(seen, self.width * t ** (-1 / 3))
