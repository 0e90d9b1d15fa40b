"""MDPs to plan and to learn in: random ones, those of the papers, and a cliff."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from banditlab.core.validation import SEED, between, integer, positive, positive_integer, probability

from .checks import check_size
from .environments import TabularMDP


def random_mdp(
    n_states: int,
    n_actions: int,
    horizon: int,
    *,
    concentration: float = 1.0,
    reward_levels: int = 11,
    n_outcomes: int = 1,
    seed: int = 0,
) -> TabularMDP:
    """Return an MDP with Dirichlet transitions and random rewards, returns in [0, 1].

    Every row of the transitions is a draw from a symmetric Dirichlet distribution. Every reward is a draw from the
    `reward_levels` evenly spaced numbers from 0 to 1/H; with several outcomes the reward of a state and action is one
    of these numbers at random, from a distribution that is a draw too.

    Parameters
    ----------
    n_states, n_actions, horizon : int
        S, A and H.
    concentration : float, default 1.0
        Of the Dirichlet distribution; small values make transitions nearly deterministic.
    reward_levels : int, default 11
        How many rewards there are; at least 2.
    n_outcomes : int, default 1
        How many rewards a state and action can have; 1 makes them deterministic.
    seed : int, default 0
        Which MDP.

    Examples
    --------
    >>> from banditlab import cvar
    >>> cvar.random_mdp(n_states=10, n_actions=4, horizon=6, seed=0).return_range[1] <= 1.0
    True
    """
    S, A, H = (
        positive_integer(name, value)
        for name, value in (("n_states", n_states), ("n_actions", n_actions), ("horizon", horizon))
    )
    levels, outcomes = integer(2)("reward_levels", reward_levels), integer(1)("n_outcomes", n_outcomes)
    check_size("n_states, n_actions, reward_levels and n_outcomes", S, A, max(1, -(-max(levels, outcomes) // S)))
    generator = np.random.default_rng(SEED("seed", seed))
    transitions = generator.dirichlet(np.full(S, positive("concentration", concentration)), size=(S, A))
    values = np.arange(levels) / ((levels - 1) * H)
    drawn = generator.integers(levels, size=(S, A, outcomes))
    if outcomes == 1:
        return TabularMDP(transitions, values[drawn[:, :, 0]], H)
    shares = generator.dirichlet(np.ones(outcomes), size=(S, A))
    weights = np.zeros((S, A, levels))
    for m in range(outcomes):
        np.add.at(weights, (*np.indices((S, A)), drawn[:, :, m]), shares[:, :, m])
    return TabularMDP(transitions, values, H, reward_probabilities=weights / weights.sum(axis=2, keepdims=True))


def lower_bound_chain(
    n: int = 3, n_actions: int = 2, tau: float = 0.1, gap: float = 0.05, *, best: int = 0, horizon: int | None = None
) -> TabularMDP:
    r"""Return the hard instance of iterated CVaR: a chain that is walked rarely, with a bandit at its end.

    States :math:`s_1, ..., s_n`, which pay nothing, and absorbing :math:`x_1, x_2, x_3`, which pay 1, 0.8 and 0.2.
    Transitions go from :math:`s_1` to :math:`s_2, x_1, x_2, x_3` with probabilities :math:`\tau, 1 - 3\tau, \tau,
    \tau`; from :math:`s_i` to :math:`s_{i+1}` with probability :math:`\tau`, else to :math:`x_1`. In :math:`s_n` the
    best action leads to :math:`x_2, x_3` with probabilities :math:`1 - \tau + \eta, \tau - \eta`, the others with
    :math:`1 - \tau, \tau`.

    Parameters
    ----------
    n : int, default 3
        Length of the chain; at least 2.
    n_actions : int, default 2
        A.
    tau : float, default 0.1
        The level the instance is hard for; at most 1/3.
    gap : float, default 0.05
        :math:`\eta`, in :math:`(0, \tau]`.
    best : int, default 0
        The best action.
    horizon : int, optional
        H; at least n + 1, the default: the last step is spent in the state that the bandit led to.

    Notes
    -----
    The path through the chain is the worst one from :math:`s_1` only if :math:`\eta/\tau < (n - 1)/(3(H - n))`: with a
    larger gap or a longer horizon the direct move to :math:`x_3` is, and a bad action costs less than :math:`0.6 (H -
    n) \eta/\tau` per episode. With n = 3 and the other defaults this is so from H = 5 on.

    References
    ----------
    Du, Wang, Huang (2023), arXiv:2206.02678, Figure 1 and Theorem 2.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.lower_bound_chain(n=2, tau=0.1, gap=0.05)
    >>> round(cvar.plan_iterated_cvar(mdp, 0.1).value, 6)
    0.4
    """
    length, level = integer(2)("n", n), between(0.0, 1.0 / 3.0, open_low=True)("tau", tau)
    A, eta = integer(2)("n_actions", n_actions), between(0.0, level, open_low=True)("gap", gap)
    chosen = integer(0, A - 1)("best", best)
    H = integer(length + 1)("horizon", length + 1 if horizon is None else horizon)
    S, (x1, x2, x3) = length + 3, (length, length + 1, length + 2)
    check_size("n and n_actions", S, A)
    P = np.zeros((S, A, S))
    P[0, :, [1, x1, x2, x3]] += np.array([level, 1.0 - 3.0 * level, level, level])[:, None]
    for i in range(1, length - 1):
        P[i, :, i + 1], P[i, :, x1] = level, 1.0 - level
    P[length - 1, :, x2], P[length - 1, :, x3] = 1.0 - level, level
    P[length - 1, chosen, x2], P[length - 1, chosen, x3] = 1.0 - level + eta, level - eta
    for x in (x1, x2, x3):
        P[x, :, x] = 1.0
    rewards = np.zeros((S, A))
    rewards[[x1, x2, x3]] = np.array([1.0, 0.8, 0.2])[:, None]
    return TabularMDP(P, rewards, H)


def layered_mdp(horizon: int = 5, n_actions: int = 5, *, risk: float = 0.05, seed: int = 0) -> TabularMDP:
    """Return the layered MDP on which iterated CVaR is tried: what pays best on average is what may pay nothing.

    It starts in a state that pays nothing; each step leads to one of the three states of the next layer, which pay 1,
    0 and 0.4, whatever the action. In every state one action is cautious: it leads to the state that pays 0 with
    probability `risk`/2, else to the one that pays 0.4. The others lead to the state that pays 0 with probabilities
    from `risk` to 4 `risk`, else to the one that pays 1. Which is which differs from state to state.

    Parameters
    ----------
    horizon : int, default 5
        H, at least 2; there are 3 (H - 1) + 1 states.
    n_actions : int, default 5
        A, at least 2.
    risk : float, default 0.05
        In (0, 1/4]; up to this level cautious actions are the best for iterated CVaR.
    seed : int, default 0
        Which action is which.

    Notes
    -----
    Layers, rewards and sizes are those of the paper's experiment (reconstructed); its probabilities are not known;
    these are ours.

    References
    ----------
    Du, Wang, Huang (2023), arXiv:2206.02678, appendix A.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.layered_mdp()
    >>> mdp.n_states, mdp.n_actions, mdp.horizon
    (13, 5, 5)
    >>> mean, cautious = cvar.plan_mean(mdp).policy, cvar.plan_iterated_cvar(mdp, 0.05).policy
    >>> round(cvar.iterated_cvar(mdp, mean, 0.05), 3), round(cvar.iterated_cvar(mdp, cautious, 0.05), 3)
    (0.0, 0.8)
    """
    H, A = integer(2)("horizon", horizon), integer(2)("n_actions", n_actions)
    share = between(0.0, 0.25, open_low=True)("risk", risk)
    generator = np.random.default_rng(SEED("seed", seed))
    S = 3 * (H - 1) + 1
    check_size("horizon and n_actions", S, A)
    P, rewards = np.zeros((S, A, S)), np.zeros((S, A))
    for layer in range(H - 1):
        rewards[[1 + 3 * layer, 2 + 3 * layer, 3 + 3 * layer]] = np.array([1.0, 0.0, 0.4])[:, None]
    dangers = np.concatenate([[share / 2.0], np.linspace(share, 4.0 * share, A - 1)])
    for s in range(S):
        layer = (s + 2) // 3  # 0 is the start's
        if layer == H - 1:
            P[s, :, s] = 1.0
            continue
        good, nothing, fair = 3 * layer + 1, 3 * layer + 2, 3 * layer + 3
        for a, kind in enumerate(generator.permutation(A)):
            P[s, a, nothing] = dangers[kind]
            P[s, a, fair if kind == 0 else good] = 1.0 - dangers[kind]
    return TabularMDP(P, rewards, H)


UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3
"""The actions of `cliff_gridworld`."""


def cliff_gridworld(
    rows: int = 4, columns: int = 8, horizon: int = 20, *, gust: float = 0.05, fall: float = 20.0
) -> TabularMDP:
    """Return a walk along a cliff in gusty wind: the closer to the edge, the shorter and the more dangerous.

    A walker starts in the lower left corner of a grid and wants to get to the lower right one; everything between them
    in the lowest row is the abyss. Every step costs 1 until the goal is reached. Falling costs `fall` besides what the
    rest of the time would have cost, and ends the walk: a fall in step h leads to a return of -(`fall` + H). Actions
    are 0 up, 1 right, 2 down and 3 left; a move against the border leads nowhere. With probability `gust` a step is
    blown one row down, whatever was intended, except in the goal.

    Parameters
    ----------
    rows, columns : int, default 4 and 8
        Size of the grid; at least 2 rows and 3 columns.
    horizon : int, default 20
        Steps per episode (H).
    gust : float, default 0.05
        Probability of a gust.
    fall : float, default 20.0
        Cost of a fall.

    Returns
    -------
    TabularMDP
        State `row * columns + column`, the first row on top; rewards depend on the next state.

    Notes
    -----
    Ours, after the cliff of Sutton and Barto (2018), example 6.6.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.cliff_gridworld()
    >>> mean, cautious = cvar.plan_mean(mdp).returns, cvar.plan_static_cvar(mdp, tau=0.1).returns
    >>> bool(mean.mean > cautious.mean), bool(mean.cvar(0.1) < cautious.cvar(0.1))
    (True, True)
    """
    n_rows, n_columns = integer(2)("rows", rows), integer(3)("columns", columns)
    H, blown = positive_integer("horizon", horizon), probability("gust", gust)
    cost = positive("fall", fall)
    S = n_rows * n_columns
    check_size("rows and columns", S, 4)
    start, goal = (n_rows - 1) * n_columns, S - 1
    P, rewards = np.zeros((S, 4, S)), np.full((S, 4, S), -1.0)
    abyss = np.arange(start + 1, goal)
    for s in range(S):
        row, column = divmod(s, n_columns)
        if s == goal or s in abyss:
            P[s, :, s] = 1.0
            rewards[s] = 0.0 if s == goal else -1.0
            continue
        below = min(row + 1, n_rows - 1) * n_columns + column
        for a, (down, right) in enumerate(((-1, 0), (0, 1), (1, 0), (0, -1))):
            to = min(max(row + down, 0), n_rows - 1) * n_columns + min(max(column + right, 0), n_columns - 1)
            P[s, a, to] += 1.0 - blown
            P[s, a, below] += blown
    for s in set(range(S)) - set(abyss.tolist()):
        rewards[s, :, abyss] -= cost
    rewards[goal] = 0.0
    return TabularMDP(P, rewards, H, start)


def linear_mixture(
    n_states: int, n_actions: int, horizon: int, dimension: int, *, concentration: float = 0.3, seed: int = 0
) -> tuple[TabularMDP, NDArray[np.float64]]:
    r"""Return a linear mixture MDP and its features: transitions are a mixture of d known kernels.

    .. math:: P(s' \mid s, a) = \langle \theta, \phi(s', s, a) \rangle

    Every :math:`\phi_i(\cdot, s, a)` is a distribution over next states, a Dirichlet draw; :math:`\theta` is a draw
    from the simplex. Rewards are deterministic, uniform on {0, 0.1, ..., 1}.

    Parameters
    ----------
    n_states, n_actions, horizon, dimension : int
        S, A, H and d.
    concentration : float, default 0.3
        Of the kernels' Dirichlet distribution.
    seed : int, default 0
        Which MDP.

    Returns
    -------
    mdp : TabularMDP
        The MDP.
    features : float64 array, shape (S, A, S, d)
        :math:`\phi(s', s, a)`, by s, a and s'.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp, features = cvar.linear_mixture(n_states=4, n_actions=3, horizon=6, dimension=3, seed=0)
    >>> features.shape
    (4, 3, 4, 3)
    """
    S, A, d = (
        positive_integer(name, value)
        for name, value in (("n_states", n_states), ("n_actions", n_actions), ("dimension", dimension))
    )
    check_size("n_states, n_actions and dimension", S, A, d)
    generator = np.random.default_rng(SEED("seed", seed))
    kernels = generator.dirichlet(np.full(S, positive("concentration", concentration)), size=(S, A, d))
    features = np.ascontiguousarray(kernels.transpose(0, 1, 3, 2))
    theta = generator.dirichlet(np.ones(d))
    rewards = generator.integers(11, size=(S, A)) / 10.0
    return TabularMDP(features @ theta, rewards, positive_integer("horizon", horizon)), features
