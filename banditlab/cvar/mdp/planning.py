"""Planning in a known MDP: static CVaR, iterated CVaR, the worst path, and the mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from banditlab.core import sampling
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import remembered
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import SEED, integer, positive, positive_probability, probability
from banditlab.cvar.distribution import Distribution

from .backward import iterated_sweep, static_sweep
from .checks import MAX_ENTRIES
from .environments import TabularMDP
from .evaluation import evaluate
from .kernel import follow
from .model import Array, cumulative
from .sums import exact_budgets, grid_budgets
from .tabular_policy import TabularPolicy, an_mdp, policy_of

TIE = 1e-14
"""Budgets with objectives this close (times the largest budget) are equally good: sums in another order differ."""


@dataclass(frozen=True, eq=False)
class Plan:
    """An optimal policy with its value. Where several actions are equally good, the policy takes the first.

    For static CVaR it takes, of these, the one with the largest mean of what is still to come.

    Attributes
    ----------
    criterion : str
        'static CVaR', 'iterated CVaR', 'worst path' or 'mean'.
    tau : float
        The level; 0 for the worst path and 1 for the mean.
    value : float
        The policy's value, in units of the return.
    policy : TabularPolicy
        The policy.
    values : float64 array
        By step and state (and memory, for static CVaR, where they are expected shortfalls): the value of what remains.
    error : float
        By how much `value` can exceed the best that is possible; 0 if the plan is exact.
    mdp : TabularMDP
        What the plan is for.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [0.0, 0.4, 1.0], horizon=1,
    ...                       reward_probabilities=[[[0.0, 1.0, 0.0], [0.4, 0.0, 0.6]]])
    >>> plans = cvar.plan_static_cvar(mdp, tau=0.5), cvar.plan_mean(mdp)
    >>> [(plan.criterion, round(plan.value, 6), plan.policy.action(0, state=0)) for plan in plans]
    [('static CVaR', 0.4, 0), ('mean', 0.6, 1)]
    """

    criterion: str
    tau: float
    value: float
    policy: TabularPolicy
    values: Array
    error: float
    mdp: TabularMDP

    @cached_property
    def returns(self) -> Distribution:
        """The distribution of the policy's return, propagated forwards through the MDP, independently of `value`.

        Examples
        --------
        >>> from banditlab import cvar
        >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [0.0, 0.4, 1.0], horizon=2,
        ...                       reward_probabilities=[[[0.0, 1.0, 0.0], [0.4, 0.0, 0.6]]])
        >>> plan = cvar.plan_static_cvar(mdp, tau=0.5)
        >>> plan.returns.values.tolist(), round(float(plan.returns.cvar(0.5) - plan.value), 9)
        ([0.8], 0.0)
        """
        return evaluate(self.mdp, self.policy)

    def simulate(self, n: int, seed: int = 0) -> Array:
        """Return the returns of n independent episodes in which the policy is followed.

        Their distribution is `returns`, exactly; simulate to see what sampling adds, or to plot histograms. To follow
        the policy step by step, with rewards of your own, see `TabularPolicy.action` and `next_memory`.

        Parameters
        ----------
        n : int
            How many episodes.
        seed : int, default 0
            From 0 to :math:`2^{64} - 1`. The luck is that of run 0 of `banditlab.run` with this seed: the same numbers
            in every process, and for a larger n the same ones first.

        Returns
        -------
        float64 array of shape (n,)

        Examples
        --------
        >>> from banditlab import cvar
        >>> plan = cvar.plan_mean(cvar.layered_mdp(horizon=5, n_actions=5))
        >>> sampled = plan.simulate(10_000)
        >>> bool(abs(sampled.mean() - plan.returns.mean) < 4 * sampled.std() / 100)
        True
        """
        model, policy = self.mdp.model, self.policy
        out = np.zeros(integer(1, limit=2**31)("n", n))
        rng = sampling.seeded(SEED("seed", seed), sampling.ENVIRONMENT_STREAM, 0, 1)
        kernel(follow)(
            model.initial_state, policy.actions, policy.following, policy.first, model.atoms, model.index,
            cumulative(model.transitions), cumulative(model.weights), rng, out,
        )  # fmt: skip
        return out

    def __repr__(self) -> str:
        """Return criterion and value."""
        level = f", tau={self.tau:g}" if "CVaR" in self.criterion else ""
        return f"Plan({self.criterion!r}{level}, value={self.value:.6g})"


def plan_static_cvar(mdp: TabularMDP, tau: float, *, eta: float | None = None) -> Plan:
    r"""Return a policy with the largest static CVaR of the return, among all that depend on the history.

    .. math:: \mathrm{CVaR}^*_\tau = \max_b \left\{ b - V^*_1(s_1, b) / \tau \right\}, \quad
        V^*_h(s, b) = \min_a E\left[ V^*_{h+1}(s', b - r) \right], \quad V^*_{H+1}(s, b) = b^+

    by dynamic programming over states and budgets b. Budgets are those that can occur, exactly or on a grid.

    Parameters
    ----------
    mdp : TabularMDP
        The MDP.
    tau : float
        Level, in (0, 1]; 1 is the mean.
    eta : float, optional
        Rewards, counted from the smallest, are rounded up to multiples of it for planning; default: not at all. That
        is exact, and quick where rewards are multiples of a common unit.

    Returns
    -------
    Plan
        With policy, value, and the distribution of the policy's return. With `eta`, `value` is that of the rounded MDP:
        it lies within :math:`H \eta` above the optimum, and the value of its policy, `plan.returns.cvar(tau)`, within
        :math:`H \eta` below it.

    Raises
    ------
    InvalidArgument
        If more than 200,000 budgets can occur at a step.

    Notes
    -----
    Of equally good actions, and of equally good starting budgets, those with the largest mean return are taken, and of
    several such the first: no policy has the same CVaR and a larger mean, but for rounding. Actions whose values differ
    by rounding alone count as different, so that a copy of an action can be taken in its place.

    The error is derived: rounding adds at most :math:`H \eta` to every return, and CVaR is monotone and translation
    equivariant. (The duality formula alone gives :math:`H \eta / \tau`.)

    References
    ----------
    Bäuerle, Ott (2011), Markov decision processes with average-value-at-risk criteria, Mathematical Methods of
    Operations Research 74; Wang, Kallus, Sun (2023), arXiv:2302.03201, sections 5 and 6.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.random_mdp(n_states=4, n_actions=3, horizon=4, seed=0)
    >>> plan = cvar.plan_static_cvar(mdp, tau=0.25)
    >>> bool(abs(plan.returns.cvar(0.25) - plan.value) < 1e-12)
    True
    >>> 0.0 <= cvar.plan_static_cvar(mdp, tau=0.25, eta=0.01).value - plan.value <= 4 * 0.01
    True
    """
    model = an_mdp(mdp).model
    level = positive_probability("tau", tau)
    if eta is None:
        budgets = exact_budgets(model)
    else:
        step = positive("eta", eta)
        budgets = grid_budgets(model, step, model.n_steps * step)
    S, H = model.n_states, model.n_steps
    places = budgets.values.shape[1]
    if H * S * places > MAX_ENTRIES:
        raise InvalidArgument(
            f"eta is {eta}, and steps, states and budgets make a table of {H} x {S} x {places:,} values; allowed: at "
            f"most {MAX_ENTRIES:,} (a larger eta)"
        )
    V, means = np.zeros((H + 1, S, places)), np.zeros((H + 1, S, places))
    actions = np.zeros((H, S, places), np.int64)
    last = np.where(np.isfinite(budgets.values[H]), budgets.values[H], 0.0)
    kernel(static_sweep)(
        np.array(model.transitions), model.index, model.weights, budgets.following, budgets.n, last,
        model.mean_rewards(), V, means, actions,
    )  # fmt: skip
    start = budgets.values[0, : budgets.n[0]]
    with np.errstate(over="ignore"):  # a shortfall over the smallest numbers there are: minus infinity is right
        objective = start - V[0, model.initial_state, : budgets.n[0]] / level
    able = np.flatnonzero(objective >= objective.max() - TIE * start[-1])
    best = int(able[np.argmax(means[0, model.initial_state, able])])
    left = np.arange(H, -1, -1.0)[:, None] / H  # budgets count rewards from the smallest, of which so many are to come
    policy = TabularPolicy(actions, budgets.following, best, model.atoms, budgets.values + left * budgets.offset)
    return Plan("static CVaR", level, float(objective[best] + budgets.offset), policy, V, budgets.slack, mdp)


def _plan_iterated(mdp: TabularMDP, tau: float, criterion: str) -> Plan:
    model = an_mdp(mdp).model
    V = np.zeros((model.n_steps + 1, model.n_states))
    actions = np.zeros((model.n_steps, model.n_states), np.int64)
    kernel(iterated_sweep)(
        np.array(model.transitions), model.index, model.weights, model.atoms, tau,
        np.zeros((0, 0), np.int64), V, actions,
    )  # fmt: skip
    value = float(V[0, model.initial_state])
    return Plan(criterion, tau, value, TabularPolicy.markov(mdp, actions), V, 0.0, mdp)


def plan_iterated_cvar(mdp: TabularMDP, tau: float) -> Plan:
    r"""Return a policy with the largest iterated CVaR: the level applies to every step's next state.

    .. math:: V_h(s) = \max_a \; \mathrm{CVaR}_\tau\left( r_h(s, a) + V_{h+1}(s') \right), \quad V_{H+1} = 0

    Parameters
    ----------
    mdp : TabularMDP
        The MDP. The papers' rewards are deterministic; random ones count towards each step's tail.
    tau : float
        Level, in (0, 1] (the papers write :math:`\alpha`).

    Returns
    -------
    Plan
        The policy needs no memory; of equally good actions the first is taken.

    References
    ----------
    Du, Wang, Huang (2023), Provably efficient risk-sensitive reinforcement learning: iterated CVaR and worst path,
    ICLR, arXiv:2206.02678.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.layered_mdp(horizon=5, n_actions=5)
    >>> plan = cvar.plan_iterated_cvar(mdp, tau=0.05)
    >>> bool(plan.value < plan.returns.cvar(0.05))  # more cautious than static CVaR
    True
    """
    return _plan_iterated(mdp, positive_probability("tau", tau), "iterated CVaR")


def plan_worst_path(mdp: TabularMDP) -> Plan:
    r"""Return a policy whose smallest possible return is largest: iterated (and static) CVaR as the level tends to 0.

    .. math:: V_h(s) = \max_a \min_{s' : P_h(s' \mid s, a) > 0} \left( r_h(s, a) + V_{h+1}(s') \right)

    Parameters
    ----------
    mdp : TabularMDP
        The MDP. A random reward counts as its smallest value of positive probability.

    Returns
    -------
    Plan
        The policy needs no memory; of equally good actions the first is taken.

    References
    ----------
    Du, Wang, Huang (2023), arXiv:2206.02678, section 6.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.random_mdp(n_states=4, n_actions=3, horizon=4, seed=0)
    >>> plan = cvar.plan_worst_path(mdp)
    >>> bool(abs(plan.returns.cvar(0.0) - plan.value) < 1e-12)
    True
    """
    return _plan_iterated(mdp, 0.0, "worst path")


def plan_mean(mdp: TabularMDP) -> Plan:
    r"""Return a policy with the largest expected return: the risk-neutral optimum.

    .. math:: V_h(s) = \max_a E\left[ r_h(s, a) + V_{h+1}(s') \right]

    Parameters
    ----------
    mdp : TabularMDP
        The MDP.

    Returns
    -------
    Plan
        The policy needs no memory; of equally good actions the first is taken.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.random_mdp(n_states=4, n_actions=3, horizon=4, seed=0)
    >>> plan = cvar.plan_mean(mdp)
    >>> bool(abs(plan.returns.mean - plan.value) < 1e-12)
    True
    """
    return _plan_iterated(mdp, 1.0, "mean")


def iterated_cvar(mdp: TabularMDP, policy: TabularPolicy, tau: float) -> float:
    r"""Return the iterated CVaR of a policy without memory, exactly.

    Parameters
    ----------
    mdp : TabularMDP
        The MDP.
    policy : TabularPolicy
        The policy.
    tau : float
        Level, in [0, 1]; 0 is the worst path, 1 the mean.

    Raises
    ------
    InvalidType, InvalidArgument
        If the policy is for an MDP of other sizes or rewards, or has a memory: then the definition has to say whether
        luck with rewards counts.

    Examples
    --------
    >>> from banditlab import cvar
    >>> mdp = cvar.layered_mdp(horizon=5, n_actions=5)
    >>> cautious, mean = cvar.plan_iterated_cvar(mdp, 0.05), cvar.plan_mean(mdp)
    >>> bool(cvar.iterated_cvar(mdp, mean.policy, 0.05) < cautious.value)
    True
    """
    model = an_mdp(mdp).model
    level = probability("tau", tau)
    if policy_of(model, policy).n_memories > 1:
        raise InvalidArgument("policy has a memory; allowed: one whose actions depend on step and state alone")
    V = np.zeros((model.n_steps + 1, model.n_states))
    actions = np.zeros((model.n_steps, model.n_states), np.int64)
    kernel(iterated_sweep)(
        np.array(model.transitions), model.index, model.weights, model.atoms, level,
        np.ascontiguousarray(policy.actions[:, :, 0]), V, actions,
    )  # fmt: skip
    return float(V[0, model.initial_state])


def optimum(mdp: TabularMDP, tau: float, *, iterated: bool) -> float:
    """Return the largest static or iterated CVaR, level 0 included; kept with the MDP, as planning can take long."""

    def make() -> float:
        # as the level tends to zero, both tend to the worst path
        plan = _plan_iterated(mdp, tau, "iterated CVaR") if iterated or tau == 0.0 else plan_static_cvar(mdp, tau)
        return float(plan.value)

    return remembered(mdp, "optima", (tau, iterated), make)
