"""ICVaR-RM and MaxWP, learners for iterated CVaR and the worst path, and UCBVI, which ignores risk."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, State, field
from banditlab.core.elementary import log
from banditlab.core.validation import non_negative, open_probability

from ..backward import increasing, lower_mean
from ..family import mdp_policy
from .counting import GROWTH, TIE, Counting, empirical, fresh, level, reasons_of_unit_rewards


class Pooled(Counting):
    """Base of learners that pool the counts of all steps, and whose actions depend on step and state alone."""

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Return why it cannot play an MDP."""
        return reasons_of_unit_rewards(environment, type(self).__name__)

    def state(self, space: Any) -> dict[str, Any]:
        """Return the arrays."""
        known = space.known
        return self.counting_arrays(space, per_step=False) | {
            "values": np.zeros((known.n_steps + 1, known.n_states)),
            "actions": space.array(known.n_steps, known.n_states, dtype=np.int64),
        }

    def act(self: Params, state: State, known: Params, lane: int, h: int, s: int, memory: int) -> int:
        """Return the planned action."""
        return state.actions[lane, h, s]


@mdp_policy
class ICVaRRM(Pooled):
    r"""Optimistic planning for iterated CVaR.

    In episode k, with :math:`n(s, a)` visits so far, :math:`\hat p` the share of each next state in them, and
    :math:`L = \log(KHSA/\delta')`, :math:`\delta' = \delta/5`, for h = H, ..., 1 from :math:`\bar V_{H+1} = 0`:

    .. math:: \bar Q_h(s, a) = \min\left\{ r(s, a)
        + \mathrm{CVaR}_\tau^{s' \sim \hat p(\cdot \mid s, a)}(\bar V_{h+1}(s'))
        + \frac{H}{\tau} \sqrt{\frac{L}{n(s, a)}}, \; H \right\}, \quad \bar V_h(s) = \max_a \bar Q_h(s, a)

    and H without a visit. It plays greedily; the first of equally good actions is taken.

    Parameters
    ----------
    tau : float
        Level, in (0, 1]; the paper's :math:`\alpha`.
    delta : float, default 0.05
        Probability that the guarantee may fail.
    bonus_scale : float, default 1.0
        Factor of the bonus; 1.0 is the theory.
    replan : float, default 1.0
        Plan anew when the count of a state and action has grown by this factor; 1.0 means every episode, as in the
        theory.

    Notes
    -----
    Guarantee (Du, Wang, Huang 2023, Theorem 1; rewards in [0, 1], a known function of state and action, the same
    transitions every step): with probability at least :math:`1 - \delta` regret is :math:`O(\min\{1 / \sqrt{\min w},
    \tau^{-(H-1)/2}\} H S \sqrt{KHA} / \tau \cdot \log(KHSA / \delta))`. Here :math:`\min w = \min_{\pi, h, s : w_{\pi,
    h}(s) > 0} w_{\pi, h}(s)`, with :math:`w_{\pi, h}(s)` the probability that policy :math:`\pi` is in s at step h;
    lower bounds (Theorem 2) are :math:`\Omega(H \sqrt{AK/(\tau \min w)})` on an instance with :math:`\min w >
    \tau^{H-1}`, and :math:`\Omega(\sqrt{AK/\tau^{H-1}})` on another, with :math:`\min w < \tau^{H-1}`.

    `bonus_scale` and `replan` are ours. It needs the number of episodes.

    References
    ----------
    Du, Wang, Huang (2023), Provably efficient risk-sensitive reinforcement learning: iterated CVaR and worst path,
    ICLR, arXiv:2206.02678, Algorithm 1.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import cvar
    >>> learner = cvar.ICVaRRM(tau=0.05, bonus_scale=0.05, replan=2.0)
    >>> result = bl.run(
    ...     cvar.layered_mdp(), learner, horizon=1_000, n_runs=2, seed=0, metrics="icvar_regret"
    ... )
    >>> bool((result.values()[0, :, -1] > 0.0).all())
    True
    """

    tau: float = field(check=level, doc="level, in (0, 1]; the paper's alpha")
    delta: float = field(default=0.05, check=open_probability, doc="probability that the guarantee may fail")
    bonus_scale: float = field(default=1.0, check=non_negative, doc="factor of the bonus; 1.0 is the theory")
    replan: float = field(default=1.0, check=GROWTH, doc="growth of a count after which to plan anew; 1.0 is always")

    def derive(self, problem: Any) -> dict[str, Any]:
        """Return L."""
        pairs = problem.n_steps * problem.n_states * problem.n_actions
        return {"L": log(problem.required_horizon(self) * pairs / (self.delta / 5.0))}

    def plan(self: Params, state: State, known: Params, lane: int, t: int, rng: Any) -> bool:
        """Plan anew if counts have grown enough."""
        if state.stale[lane] == 0.0:
            return False
        V, H = state.values, float(known.n_steps)
        p, order = np.zeros(known.n_states), np.zeros(known.n_states, np.int64)
        V[known.n_steps, :] = 0.0
        for h in range(known.n_steps - 1, -1, -1):
            increasing(V[h + 1], known.n_states, order)
            for s in range(known.n_states):
                V[h, s] = -math.inf
                for a in range(known.n_actions):
                    q = H
                    if state.visits[lane, 0, s, a] > 0.0:
                        n = empirical(state, lane, 0, s, a, p)
                        worth = lower_mean(V[h + 1], p, order, p.shape[0], self.tau)
                        bonus = self.bonus_scale * (H / self.tau) * math.sqrt(self.L / n)
                        q = min(known.atoms[known.index[0, s, a, 0, 0]] + worth + bonus, H)
                    if q > V[h, s] + TIE:
                        V[h, s] = q
                        state.actions[lane, h, s] = a
        state.estimate[lane] = V[0, known.initial_state]
        fresh(self, state, lane)
        return True


@mdp_policy
class MaxWP(Pooled):
    r"""Plays for the worst path, taking the worst next state seen so far for the worst there is.

    .. math:: \hat Q_h(s, a) = r(s, a) + \min_{s' : n(s, a, s') > 0} \hat V_{h+1}(s'), \quad
        \hat V_h(s) = \max_a \hat Q_h(s, a)

    and H without a visit, from :math:`\hat V_{H+1} = 0`. It plays greedily; the first of equally good actions is taken.
    As what has not been seen is not counted, the estimate is never below the optimum.

    Parameters
    ----------
    replan : float, default 1.0
        Plan anew when the count of a state and action has grown by this factor; 1.0 means every episode, as in the
        theory.

    Notes
    -----
    Guarantee (Du, Wang, Huang 2023, Theorem 4; rewards in [0, 1], a known function of state and action, the same
    transitions every step): regret does not grow with K: with probability at least :math:`1 - \delta` it is
    :math:`O(\sum_{s, a} H \log(SA / \delta) / (\min_\pi v_\pi(s, a) \min_{s'} p(s' \mid s, a)))`. Here :math:`v_\pi(s,
    a)` is the probability that policy :math:`\pi` visits the pair in an episode, and the minima are over what is
    positive.

    That a pair without a visit is worth H is reconstructed; `replan` is ours.

    References
    ----------
    Du, Wang, Huang (2023), Provably efficient risk-sensitive reinforcement learning: iterated CVaR and worst path,
    ICLR, arXiv:2206.02678, section 6.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import cvar
    >>> result = bl.run(
    ...     cvar.layered_mdp(), cvar.MaxWP(), horizon=2_000, n_runs=2, seed=0, metrics="icvar[0]"
    ... )
    >>> bool((result.values()[0, :, -1] <= cvar.plan_worst_path(cvar.layered_mdp()).value).all())
    True
    """

    replan: float = field(default=1.0, check=GROWTH, doc="growth of a count after which to plan anew; 1.0 is always")

    def plan(self: Params, state: State, known: Params, lane: int, t: int, rng: Any) -> bool:
        """Plan anew if counts have grown enough."""
        if state.stale[lane] == 0.0:
            return False
        V = state.values
        V[known.n_steps, :] = 0.0
        for h in range(known.n_steps - 1, -1, -1):
            for s in range(known.n_states):
                V[h, s] = -math.inf
                for a in range(known.n_actions):
                    q = float(known.n_steps)
                    if state.visits[lane, 0, s, a] > 0.0:
                        worst = math.inf
                        for x in range(known.n_states):
                            if state.next_visits[lane, 0, s, a, x] > 0.0:
                                worst = min(worst, V[h + 1, x])
                        q = known.atoms[known.index[0, s, a, 0, 0]] + worst
                    if q > V[h, s] + TIE:
                        V[h, s] = q
                        state.actions[lane, h, s] = a
        state.estimate[lane] = V[0, known.initial_state]
        fresh(self, state, lane)
        return True


@mdp_policy
class UCBVI(Pooled):
    r"""Optimistic planning for the mean: the contrast that ignores risk.

    In episode k, with :math:`n(s, a)` visits so far and :math:`L = \log(5 S A K H/\delta)`, for h = H, ..., 1:

    .. math:: Q_h(s, a) = \min\left\{ Q_h^{\text{before}}(s, a), \; H, \; r(s, a) + \sum_{s'} \hat p(s' \mid s, a)
        V_{h+1}(s') + 7 H L \sqrt{\frac{1}{n(s, a)}} \right\}, \quad V_h(s) = \max_a Q_h(s, a)

    and H without a visit. It plays greedily; the first of equally good actions is taken.

    Parameters
    ----------
    delta : float, default 0.05
        Probability that the guarantee may fail.
    bonus_scale : float, default 1.0
        Factor of the bonus; 1.0 is the theory.
    replan : float, default 1.0
        Plan anew when the count of a state and action has grown by this factor; 1.0 means every episode, as in the
        theory.

    Notes
    -----
    Guarantee (Azar, Osband, Munos 2017, Theorem 1; rewards in [0, 1], a known function of state and action, the same
    transitions every step): mean regret is :math:`\tilde O(H \sqrt{SAKH})` with probability at least
    :math:`1 - \delta`. That is with the bonus of Chernoff and Hoeffding, this one; its constant is reconstructed.

    Its regret in CVaR is linear wherever no policy that is best on average is best for CVaR. It has no level: ask for
    metrics with one, such as 'cvar_regret[0.1]', or 'cvar_regret[1]' for its own. `bonus_scale` and `replan` are ours.

    References
    ----------
    Azar, Osband, Munos (2017), Minimax regret bounds for reinforcement learning, ICML, arXiv:1703.05449, Algorithms 1
    to 3.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import cvar
    >>> learner = cvar.UCBVI(bonus_scale=0.01, replan=2.0)
    >>> result = bl.run(
    ...     cvar.layered_mdp(), learner, horizon=2_000, n_runs=2, seed=0, metrics="cvar_regret[1]"
    ... )
    >>> bool((result.values()[0, :, -1] > 0.0).all())
    True
    """

    delta: float = field(default=0.05, check=open_probability, doc="probability that the guarantee may fail")
    bonus_scale: float = field(default=1.0, check=non_negative, doc="factor of the bonus; 1.0 is the theory")
    replan: float = field(default=1.0, check=GROWTH, doc="growth of a count after which to plan anew; 1.0 is always")

    def derive(self, problem: Any) -> dict[str, Any]:
        """Return L."""
        pairs = 5.0 * problem.n_states * problem.n_actions
        return {"L": log(pairs * problem.required_horizon(self) * problem.n_steps / self.delta)}

    def state(self, space: Any) -> dict[str, Any]:
        """Return the arrays."""
        known = space.known
        shape = (known.n_steps, known.n_states, known.n_actions)
        return super().state(space) | {"Q": space.array(*shape, fill=float(known.n_steps))}

    def plan(self: Params, state: State, known: Params, lane: int, t: int, rng: Any) -> bool:
        """Plan anew if counts have grown enough."""
        if state.stale[lane] == 0.0:
            return False
        V, Q = state.values, state.Q[lane]
        V[known.n_steps, :] = 0.0
        for h in range(known.n_steps - 1, -1, -1):
            for s in range(known.n_states):
                V[h, s] = -math.inf
                for a in range(known.n_actions):
                    n = state.visits[lane, 0, s, a]
                    if n > 0.0:
                        worth = 0.0
                        for x in range(known.n_states):
                            worth += state.next_visits[lane, 0, s, a, x] * V[h + 1, x]
                        bonus = self.bonus_scale * 7.0 * known.n_steps * self.L / math.sqrt(n)
                        q = known.atoms[known.index[0, s, a, 0, 0]] + worth / n + bonus
                        Q[h, s, a] = min(Q[h, s, a], q)
                    if Q[h, s, a] > V[h, s] + TIE:
                        V[h, s] = Q[h, s, a]
                        state.actions[lane, h, s] = a
        state.estimate[lane] = V[0, known.initial_state]
        fresh(self, state, lane)
        return True
