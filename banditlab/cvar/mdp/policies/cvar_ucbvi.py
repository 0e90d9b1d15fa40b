"""CVaR-UCBVI: learning to play for static CVaR, optimistic through lower bounds on shortfalls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from banditlab.core.components import Params, State, field
from banditlab.core.dispatch import chosen_by_type, device_call
from banditlab.core.elementary import log
from banditlab.core.validation import invalid, non_negative, one_of, open_probability, optional, positive_probability

from ..backward import shifted_mean
from ..checks import MAX_ENTRIES
from ..family import mdp_policy
from ..model import lattice_unit
from ..sums import grid_following, grid_steps
from .counting import GROWTH, TIE, Counting, empirical, fresh, level, reasons_of_range


@mdp_policy
class CVaRUCBVI(Counting):
    r"""Optimistic planning for the static CVaR of the return: lower confidence bounds on expected shortfalls.

    In episode k, with :math:`N_h(s, a)` the visits so far or 1, :math:`\hat P_h` the counts of next states over
    :math:`N_h`, and :math:`L = \log(HSAK/\delta)`, for :math:`h = H, \dots, 1` and all budgets b, from
    :math:`\underline V_{H+1}(s, b) = b^+`:

    .. math:: \underline U_h(s, b, a) &= E_{r, \; s' \sim \hat P_h} [ \underline V_{h+1}(s', b - r) ]
        - \mathrm{Bon}_h(s, b, a) \\
        \pi_h(s, b) &= \arg\min_a \underline U_h(s, b, a), \quad
        \underline V_h(s, b) = \max\{0, \underline U_h(s, b, \pi_h(s, b))\} \\
        \hat b &= \arg\max_{b \in [0, 1]} \{ b - \underline V_1(s_1, b) / \tau \}

    It plays :math:`\pi` from :math:`(s_1, \hat b)`, with :math:`b \leftarrow b - r`. The bonus is

    .. math:: \mathrm{Bon}_h = \sqrt{L / N_h(s, a)}

    ('hoeffding'), or ('bernstein')

    .. math:: \mathrm{Bon}_h = \sqrt{\frac{2 \, \mathrm{Var}[\underline V_{h+1}(s', b - r)] L}{N_h}}
        + \sqrt{\frac{2 \, E[(\overline V_{h+1} - \underline V_{h+1})^2(s', b - r)] L}{N_h}} + \frac{L}{N_h}

    with :math:`\overline V` from the same sweep, the same policy, the bonus added and 1 as its cap (b, for a last
    budget above 1, where :math:`\eta` does not divide 1). The first of equally good actions and the smallest of equally
    good budgets is taken.

    Parameters
    ----------
    tau : float
        Level, in (0, 1].
    bonus : {'bernstein', 'hoeffding'}, default 'bernstein'
        Which bonus.
    delta : float, default 0.05
        Probability that the guarantee may fail.
    bonus_scale : float, default 1.0
        Factor of the bonus; 1.0 is the theory, which explores for a very long time.
    eta : float, optional
        Rewards are rounded up to multiples of it, in (0, 1], and budgets are :math:`0, \eta, 2 \eta, \dots`; default:
        the largest number of which all rewards are multiples, if it is at least :math:`1 / (H \sqrt K)`, else the
        latter. Metrics do not use it: 'cvar_regret' is computed exactly in any case.
    replan : float, default 1.0
        Plan anew when the count of a step, state and action has grown by this factor; 1.0 means every episode, as in
        the theory; 2.0 means doubling.

    Notes
    -----
    Guarantee (Wang, Kallus, Sun 2023, Theorem 5.3; rewards at least 0 and known, returns at most 1, 'bernstein'):
    regret is :math:`\tilde O(\sqrt{SAK}/\tau)` with probability at least :math:`1 - \delta`. It is :math:`12 e
    \sqrt{SAK/\tau} L + \xi/(\tau \sqrt{p_{\min}})` if returns have densities of at least :math:`p_{\min}` (Theorem
    5.5), where :math:`\xi = \tilde O(SAHK^{1/4} + S^2 A H)`, and :math:`4e \sqrt{SAHK} L/\tau + 10 e S^2 A H L^2/\tau`
    with Hoeffding bonuses (constants reconstructed). With the same probability the estimate :math:`\hat b - \underline
    V_1(s_1, \hat b)/\tau` is at least the optimum in all episodes. The lower bound is :math:`\sqrt{S(A-1)K/\tau}/(24e)`
    (Corollary 3.2). See `cvar.theory`, and `TabularMDP.normalised` for the returns; transitions are not known.

    Algorithm 2 was read in a summary: the constants of both bonuses and the indices are reconstructed. Rounding
    rewards up (section 6) adds at most :math:`H \eta` to a return, and so :math:`H \eta K` to the regret.
    `bonus_scale`, `replan` and the default of `eta` are ours. It needs the number of episodes.

    References
    ----------
    Wang, Kallus, Sun (2023), Near-minimax-optimal risk-sensitive reinforcement learning with CVaR, ICML,
    arXiv:2302.03201, Algorithm 2.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import cvar
    >>> mdp = cvar.random_mdp(n_states=3, n_actions=2, horizon=3, seed=0)
    >>> learner = cvar.CVaRUCBVI(tau=0.25, bonus_scale=0.1, replan=2.0)
    >>> result = bl.run(
    ...     mdp, learner, horizon=500, n_runs=2, seed=0, metrics=["cvar_regret", "smallest_estimate"]
    ... )
    >>> best = cvar.plan_static_cvar(mdp, 0.25).value
    >>> bool((result.values("smallest_estimate")[0, :, -1] >= best).all())
    True
    """

    tau: float = field(check=level, doc="level, in (0, 1]")
    bonus: str = field(default="bernstein", check=one_of("bernstein", "hoeffding"), doc="which bonus")
    delta: float = field(default=0.05, check=open_probability, doc="probability that the guarantee may fail")
    bonus_scale: float = field(default=1.0, check=non_negative, doc="factor of the bonus; 1.0 is the theory")
    eta: Any = field(default=None, check=optional(positive_probability), doc="grid of rewards and budgets")
    replan: float = field(default=1.0, check=GROWTH, doc="growth of a count after which to plan anew; 1.0 is always")

    def reasons_against(self, environment: Any, horizon: int) -> list[str]:
        """Return why it cannot play an MDP."""
        return reasons_of_range(environment)

    def grid(self, atoms: Any, n_steps: int, n_episodes: int) -> float:
        """Return the distance between budgets (eta)."""
        if self.eta is not None:
            return float(self.eta)
        finest = 1.0 / (n_steps * math.sqrt(n_episodes))
        exact = lattice_unit(atoms)
        return exact if exact is not None and exact >= finest else finest

    def derive(self, problem: Any) -> dict[str, Any]:
        """Return L, and which bonus."""
        episodes = problem.required_horizon(self)
        budget = log(problem.n_steps * problem.n_states * problem.n_actions * episodes / self.delta)
        # the name of the field is what the sweep is chosen by
        return {"L_bernstein" if self.bonus == "bernstein" else "L": budget, "eta": None}

    def state(self, space: Any) -> dict[str, Any]:
        """Return the arrays."""
        known = space.known
        eta = self.grid(known.atoms, known.n_steps, space.problem.required_horizon(self))
        most = MAX_ENTRIES // (known.n_steps * known.n_states)
        if 1.0 / most > eta:
            raise invalid(f"{type(self).__name__}.eta", self.eta, f"a grid of at most {most:,} budgets (a larger eta)")
        n = math.ceil(1.0 / eta - 1e-9) + 1
        steps = np.clip(grid_steps(known.atoms, eta), 0, n - 1)  # rewards that cannot occur may be anything
        table = (known.n_steps + 1, known.n_states, n)
        shape = (known.n_steps, known.n_states, n)
        return self.counting_arrays(space, per_step=True) | {
            "budgets": eta * np.arange(n),
            "following": grid_following(steps, n),
            "lower": np.zeros(table),
            "upper": np.zeros(table if self.bonus == "bernstein" else (1, 1, 1)),
            "actions": space.array(*shape, dtype=np.int16),
            "start": space.per_lane(0, np.int64),
        }

    def plan(self: Params, state: State, known: Params, lane: int, t: int, rng: Any) -> bool:
        """Plan anew if counts have grown enough."""
        if state.stale[lane] == 0.0:
            return False
        sweep(self, state, known, lane)
        first, best = 0, -math.inf
        row = state.lower[0, known.initial_state]
        for i in range(row.shape[0]):
            value = state.budgets[i] - row[i] / self.tau
            if value > best + TIE:
                first, best = i, value
        state.start[lane] = first
        state.estimate[lane] = best
        fresh(self, state, lane)
        return True

    def act(self: Params, state: State, known: Params, lane: int, h: int, s: int, memory: int) -> int:
        """Return the planned action at the budget."""
        return state.actions[lane, h, s, memory]

    def n_memories(self: Params, state: State) -> int:
        """Return the number of budgets."""
        return state.budgets.shape[0]

    def first_memory(self: Params, state: State, lane: int) -> int:
        """Return the budget that episodes start with."""
        return state.start[lane]

    def next_memory(self: Params, state: State, lane: int, h: int, memory: int, j: int) -> int:
        """Return the budget that is left."""
        return state.following[j, memory]


@device_call
def hoeffding_sweep(self: Params, state: State, known: Params, lane: int) -> None:
    """Fill `lower` and lane's `actions`, backwards, with Hoeffding's bonus."""
    lower, actions, budgets = state.lower, state.actions[lane], state.budgets
    p, out, best = np.zeros(known.n_states), np.zeros(budgets.shape[0]), np.zeros(budgets.shape[0])
    for s in range(known.n_states):
        for i in range(budgets.shape[0]):
            lower[known.n_steps, s, i] = budgets[i]
    for h in range(known.n_steps - 1, -1, -1):
        index, weights = known.index[h % known.index.shape[0]], known.weights[h % known.weights.shape[0]]
        for s in range(known.n_states):
            chosen = actions[h, s]
            for i in range(best.shape[0]):
                best[i] = math.inf
            for a in range(known.n_actions):
                n = empirical(state, lane, h, s, a, p)
                bonus = self.bonus_scale * math.sqrt(self.L / n)
                shifted_mean(p, lower[h + 1], out.shape[0], index[s, a], weights[s, a], state.following, out)
                for i in range(out.shape[0]):
                    value = out[i] - bonus
                    better = value < best[i] - TIE
                    chosen[i] = a if better else chosen[i]
                    best[i] = value if better else best[i]
            row = lower[h, s]
            for i in range(best.shape[0]):
                row[i] = max(0.0, best[i])


@device_call
def bernstein_sweep(self: Params, state: State, known: Params, lane: int) -> None:
    """Fill `lower`, `upper` and lane's `actions`, backwards, with Bernstein's bonus."""
    lower, upper, actions, budgets = state.lower, state.upper, state.actions[lane], state.budgets
    S, n_budgets = known.n_states, budgets.shape[0]
    p, low, high = np.zeros(S), np.zeros(n_budgets), np.zeros(n_budgets)
    square, gap = np.zeros(n_budgets), np.zeros(n_budgets)
    best, best_high = np.zeros(n_budgets), np.zeros(n_budgets)
    squares, gaps = np.zeros((S, n_budgets)), np.zeros((S, n_budgets))
    for s in range(S):
        for i in range(n_budgets):
            lower[known.n_steps, s, i] = budgets[i]
            upper[known.n_steps, s, i] = budgets[i]
    for h in range(known.n_steps - 1, -1, -1):
        index, weights = known.index[h % known.index.shape[0]], known.weights[h % known.weights.shape[0]]
        for s in range(S):
            for i in range(n_budgets):
                squares[s, i] = lower[h + 1, s, i] * lower[h + 1, s, i]
                width = upper[h + 1, s, i] - lower[h + 1, s, i]
                gaps[s, i] = width * width
        for s in range(S):
            chosen = actions[h, s]
            for i in range(best.shape[0]):
                best[i] = math.inf
            for a in range(known.n_actions):
                n = empirical(state, lane, h, s, a, p)
                pays, odds = index[s, a], weights[s, a]
                shifted_mean(p, lower[h + 1], n_budgets, pays, odds, state.following, low)
                shifted_mean(p, upper[h + 1], n_budgets, pays, odds, state.following, high)
                shifted_mean(p, squares, n_budgets, pays, odds, state.following, square)
                shifted_mean(p, gaps, n_budgets, pays, odds, state.following, gap)
                twice, share = 2.0 * self.L_bernstein / n, self.L_bernstein / n
                for i in range(low.shape[0]):
                    variance = square[i] - low[i] * low[i]
                    variance = variance if variance > TIE else 0.0  # what rounding leaves of none has a large root
                    bonus = self.bonus_scale * (math.sqrt(variance * twice) + math.sqrt(gap[i] * twice) + share)
                    value = low[i] - bonus
                    better = value < best[i] - TIE
                    chosen[i] = a if better else chosen[i]
                    best_high[i] = high[i] + bonus if better else best_high[i]
                    best[i] = value if better else best[i]
            row, high_row = lower[h, s], upper[h, s]
            for i in range(best.shape[0]):
                row[i] = max(0.0, best[i])
                high_row[i] = min(max(1.0, budgets[i]), best_high[i])


def _has_bernsteins_bonus(policy: Any) -> bool:
    """Say which bonus a policy has: given its parameters, or their Numba type."""
    fields = policy._fields if hasattr(policy, "_fields") else policy.fields
    return "L_bernstein" in fields


@chosen_by_type(lambda policy: bernstein_sweep if _has_bernsteins_bonus(policy) else hoeffding_sweep)
def sweep(self: Params, state: State, known: Params, lane: int) -> None:
    """Plan from what has been counted; only the sweep of the bonus wanted is compiled."""
    raise AssertionError
