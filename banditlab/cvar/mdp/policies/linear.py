"""ICVaR-L: iterated CVaR where transitions are a mixture of known kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import Params, State, field
from banditlab.core.dispatch import device, device_call
from banditlab.core.elementary import log
from banditlab.core.typed import FloatArray
from banditlab.core.validation import non_negative, open_probability, optional, positive

from ..checks import tensor
from ..family import mdp_policy
from .counting import GROWTH, TIE, level, reasons_of_rewards

SPANS = 1e-8
"""How far transitions may be from what features span."""

MAX_NET = 100_000
"""Most points of the net that are tried."""


def _features(name: str, value: Any) -> NDArray[np.float64]:
    return tensor(name, value, "features, shape (S, A, S, d)", (4,))


@mdp_policy
class ICVaRL:
    r"""Optimistic planning for iterated CVaR in linear mixture MDPs, by ridge regression on shortfalls.

    Transitions are :math:`P_h(s' \mid s, a) = \langle \theta_h, \phi(s', s, a) \rangle` with known features. With
    :math:`\psi_f(s, a) = \sum_{s'} \phi(s', s, a) f(s')` and a net :math:`N_\epsilon` of [0, H], episode k plans, for
    :math:`h = H, \dots, 1` from :math:`V_{H+1} = 0`,

    .. math:: Q_h(s, a) = \min\Big\{ & r(s, a) + \sup_{x \in N_\epsilon} \left[ x - \tfrac{1}{\tau}
        \langle \hat\theta_h, \psi_{(x - V_{h+1})^+}(s, a) \rangle \right] + 2 \epsilon \\
        & + \tfrac{\beta}{\tau} \sup_{x \in N_\epsilon} \| \psi_{(x - V_{h+1})^+}(s, a) \|_{\Lambda_h^{-1}}, \;
        H - h + 1 \Big\}

    and :math:`V_h(s) = \max_a Q_h(s, a)`, plays greedily, and learns, with :math:`x_i` the point at which that norm was
    largest for the pair visited in episode i:

    .. math:: \Lambda_h = \lambda I + \sum_i \psi_{(x_i - V_i)^+} \psi_{(x_i - V_i)^+}^\top, \quad
        \hat\theta_h = \Lambda_h^{-1} \sum_i \psi_{(x_i - V_i)^+}(s_i, a_i) \, (x_i - V_{i, h+1}(s_{i, h+1}))^+

    with :math:`\lambda = H^2`, :math:`\beta = H \sqrt{d \log((H + K H^3)/\delta)} + \sqrt\lambda` and
    :math:`\epsilon = d H \sqrt{\tau^{H-3}/K}`. The first of equally good actions and the smallest of equally good
    points is taken.

    Parameters
    ----------
    tau : float
        Level, in (0, 1]; the paper's :math:`\alpha`.
    features : array_like, shape (S, A, S, d)
        :math:`\phi(s', s, a)`, by s, a and s'; `linear_mixture` returns some.
    delta : float, default 0.05
        Probability that the guarantee may fail.
    bonus_scale : float, default 1.0
        Factor of :math:`\beta`; 1.0 is the theory.
    epsilon : float, optional
        Distance between the net's points; default: the formula above.
    replan : float, default 1.0
        Plan anew when the determinant of a step's :math:`\Lambda_h` has grown by this factor; 1.0 means every episode,
        as in the theory.

    Notes
    -----
    Guarantee (Chen et al. 2024, Theorem 1; linear mixture MDPs, rewards in [0, 1], a known function of step, state and
    action): regret is :math:`\tilde O(\sqrt{\tau^{-(H+1)} (d^2 H^4 + d H^6) K})`. The lower bound is :math:`\Omega(d
    \sqrt{\tau^{-(H-1)} K})`.

    The algorithm and its constants are reconstructed from a summary; `bonus_scale`, `epsilon` and `replan` are ours.
    Each step learns its own :math:`\theta_h`, even where they are the same. It needs the number of episodes.

    References
    ----------
    Chen, Du, Hu, Wang, Wu, Huang (2024), Provably efficient iterated CVaR reinforcement learning with function
    approximation and human feedback, ICLR, arXiv:2307.02842.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import cvar
    >>> mdp, features = cvar.linear_mixture(n_states=3, n_actions=2, horizon=3, dimension=2, seed=0)
    >>> learner = cvar.ICVaRL(0.4, features, bonus_scale=0.01)
    >>> result = bl.run(mdp, learner, horizon=100, n_runs=2, seed=0, metrics="icvar_regret")
    >>> bool((result.values()[0, :, -1] >= 0.0).all())
    True
    """

    tau: float = field(check=level, doc="level, in (0, 1]; the paper's alpha")
    features: FloatArray = field(check=_features, doc="phi(s', s, a), by s, a and s'")
    delta: float = field(default=0.05, check=open_probability, doc="probability that the guarantee may fail")
    bonus_scale: float = field(default=1.0, check=non_negative, doc="factor of beta; 1.0 is the theory")
    epsilon: Any = field(default=None, check=optional(positive), doc="distance of the net's points")
    replan: float = field(default=1.0, check=GROWTH, doc="growth of a determinant after which to plan anew")

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Return why it cannot play an MDP."""
        model, (S, A, S_next, d) = environment.model, self.features.shape
        if (S, A, S_next) != (model.n_states, model.n_actions, model.n_states):
            sizes = f"{model.n_states} states and {model.n_actions} actions"
            return [f"its features are of shape {self.features.shape}, and the MDP has {sizes}; allowed: (S, A, S, d)"]
        found = reasons_of_rewards(environment)
        rows = self.features.reshape(-1, d)
        wanted = model.transitions.reshape(len(model.transitions), -1).T
        theta = np.linalg.lstsq(rows, wanted)[0]
        if np.abs(rows @ theta - wanted).max() > SPANS:
            found.append("its transitions are no mixture of the features; allowed: <theta_h, phi(s', s, a)>")
        return found

    def derive(self, problem: Any) -> dict[str, Any]:
        """Return lambda, beta and the net."""
        H, K, d = problem.n_steps, problem.required_horizon(self), self.features.shape[3]
        ridge = float(H * H)
        beta = H * math.sqrt(d * log((H + K * H**3) / self.delta)) + math.sqrt(ridge)
        epsilon = d * H * math.sqrt(self.tau ** (H - 3) / K) if self.epsilon is None else self.epsilon
        # a net finer than this would take longer than anyone waits; its distance still counts as `epsilon`
        epsilon = max(epsilon, H / MAX_NET)
        net = np.minimum(epsilon * np.arange(math.ceil(H / epsilon - 1e-9) + 1), H)
        return {"ridge": ridge, "beta": beta, "epsilon": float(epsilon), "net": net}

    def state(self, space: Any) -> dict[str, Any]:
        """Return the arrays."""
        known, d = space.known, self.features.shape[3]
        H, S, A = known.n_steps, known.n_states, known.n_actions
        inverse = space.array(H, d, d)
        inverse[:, :, np.arange(d), np.arange(d)] = 1.0 / (H * H)
        return {
            "inverse": inverse,
            "targets": space.array(H, d),
            "growth": space.array(H, fill=1.0),
            "stale": space.per_lane(1.0),
            "values": space.array(H + 1, S),
            "points": space.array(H, S, A),
            "actions": space.array(H, S, dtype=np.int64),
            "estimate": space.per_lane(),
        }

    def plan(self: Params, state: State, known: Params, lane: int, t: int, rng: Any) -> bool:
        """Plan anew if a determinant has grown enough."""
        if state.stale[lane] == 0.0:
            return False
        H, d = known.n_steps, self.features.shape[3]
        V = state.values[lane]
        psi, theta = np.zeros(d), np.zeros(d)
        V[H, :] = 0.0
        for h in range(H - 1, -1, -1):
            inverse = state.inverse[lane, h]
            times(inverse, state.targets[lane, h], theta)
            for s in range(known.n_states):
                V[h, s] = -math.inf
                for a in range(known.n_actions):
                    tail, widest, x = _optimistic_tail(self, self.features[s, a], V[h + 1], inverse, theta, psi)
                    state.points[lane, h, s, a] = x
                    bonus = self.bonus_scale * self.beta / self.tau * math.sqrt(max(0.0, widest))
                    reward = known.atoms[known.index[h % known.index.shape[0], s, a, 0, 0]]
                    q = min(reward + tail + 2.0 * self.epsilon + bonus, float(H - h))
                    if q > V[h, s] + TIE:
                        V[h, s] = q
                        state.actions[lane, h, s] = a
        state.estimate[lane] = V[0, known.initial_state]
        state.growth[lane, :] = 1.0
        state.stale[lane] = 0.0
        return True

    def act(self: Params, state: State, known: Params, lane: int, h: int, s: int, memory: int) -> int:
        """Return the planned action."""
        return state.actions[lane, h, s]

    def observe(
        self: Params, state: State, known: Params, lane: int, h: int, s: int, a: int, j: int, s_next: int, t: int
    ) -> None:
        """Add the visit to the step's regression; the inverse by the formula of Sherman and Morrison."""
        d = self.features.shape[3]
        x, after = state.points[lane, h, s, a], state.values[lane, h + 1]
        psi, moved = np.zeros(d), np.zeros(d)
        shortfall_features(self.features[s, a], after, x, psi)
        inverse = state.inverse[lane, h]
        times(inverse, psi, moved)
        factor = 1.0 + quadratic(inverse, psi)
        target = max(0.0, x - after[s_next])
        for i in range(d):
            state.targets[lane, h, i] += psi[i] * target
            for k in range(d):
                inverse[i, k] -= moved[i] * moved[k] / factor
        state.growth[lane, h] *= factor
        if state.growth[lane, h] >= self.replan:
            state.stale[lane] = 1.0

    def estimate(self: Params, state: State, lane: int) -> float:
        """Return the upper estimate of the optimum."""
        return state.estimate[lane]


@device
def shortfall_features(features: Any, V: Any, x: float, psi: Any) -> None:
    """Write the sum over s' of phi(s') (x - V(s'))^+ into `psi`."""
    for i in range(psi.shape[0]):
        psi[i] = 0.0
    for s in range(V.shape[0]):
        short = x - V[s]
        if short > 0.0:
            for i in range(psi.shape[0]):
                psi[i] += features[s, i] * short


@device
def times(matrix: Any, vector: Any, out: Any) -> None:
    """Write the product of a matrix and a vector into `out`."""
    for i in range(vector.shape[0]):
        total = 0.0
        for k in range(vector.shape[0]):
            total += matrix[i, k] * vector[k]
        out[i] = total


@device
def quadratic(matrix: Any, vector: Any) -> float:
    """Return the quadratic form of a symmetric matrix."""
    total = 0.0
    for i in range(vector.shape[0]):
        part = 0.0
        for k in range(vector.shape[0]):
            part += matrix[i, k] * vector[k]
        total += vector[i] * part
    return total


@device_call
def _optimistic_tail(
    self: Params, features: Any, V: Any, inverse: Any, theta: Any, psi: Any
) -> tuple[float, float, float]:
    """Return both suprema over the net, of the estimated tail and the squared norm, and where the latter is attained.

    V is that of the next step; `psi` is scratch.
    """
    tail, widest, point = -math.inf, -math.inf, 0.0
    for k in range(self.net.shape[0]):
        x = self.net[k]
        shortfall_features(features, V, x, psi)
        mean = 0.0
        for i in range(psi.shape[0]):
            mean += theta[i] * psi[i]
        tail = max(tail, x - mean / self.tau)
        width = quadratic(inverse, psi)
        if width > widest + TIE:
            widest, point = width, x
    return tail, widest, point
