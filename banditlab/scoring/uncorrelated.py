"""Payments to one agent for his own report: a contrast to correlated mechanisms, and rules known to be safe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from banditlab.core.brief import brief
from banditlab.core.errors import BanditlabError

from .certificates import in_words, shortfall
from .errors import NotImplementable
from .hiring_mechanism import HiringMechanism
from .live import TIGHT
from .simplex import Floats
from .tables import along

if TYPE_CHECKING:
    from .hiring import HiringProblem


@dataclass(frozen=True, eq=False)
class AgentRule:
    """What one agent is paid for his report, whatever others do.

    Attributes
    ----------
    agent, effort : int
        The effort that the agent is to choose.
    payments : float64 array (n_signals, n_states)
        gamma_i(s_i, theta).
    payment : float
        Expected payment, when he obeys and tells the truth.
    margin : float
        By how much he prefers that to every other effort with its best reports; at least 0 up to rounding for a rule
        that implements the effort, infinite if there is no other effort.
    """

    agent: int
    effort: int
    payments: Floats
    payment: float
    margin: float

    __repr__ = brief


@dataclass(frozen=True, eq=False)
class DeviationCertificate:
    """A proof that no payments in [0, max_payment] for an agent's own report make an effort a best response.

    Making effort j with probability `mixture[j]` (or staying away, with `staying_away`; they add up to 1), and
    reporting r upon s with weight `reports[j, s, r]`, costs `cost_gap` less than the effort, and no payments favour the
    effort and the truth by more than `largest_gain`. `reports[effort]` has weights of its own, for lies after the
    effort itself.

    Attributes
    ----------
    agent, effort : int
        What cannot be implemented.
    mixture : float64 array (n_efforts,)
        Weights of the other efforts; 0 for the effort itself.
    reports : float64 array (n_efforts, n_signals, n_signals)
        Weights of reports; for each other effort and signal they add up to its weight.
    staying_away : float
        Weight of not taking part.
    cost_gap, largest_gain : float
        As above.
    """

    agent: int
    effort: int
    mixture: Floats
    reports: Floats
    staying_away: float
    cost_gap: float
    largest_gain: float

    __repr__ = brief

    @property
    def valid(self) -> bool:
        """Whether it proves what it claims."""
        return self.largest_gain < self.cost_gap

    def __str__(self) -> str:
        """Return the proof in words."""
        shares = [(float(w), f"effort {j}") for j, w in enumerate(self.mixture) if w > 1e-9]
        if self.staying_away > 1e-9:
            shares.append((self.staying_away, "staying away"))
        mixture = in_words(shares)
        return (
            f"effort {self.effort} of agent {self.agent} costs {self.cost_gap:.6g} more than {mixture}, but "
            "no payments for his own report raise its expected payment by more than "
            f"{self.largest_gain:.6g} over what that mixture earns with suitable reports"
            f"{shortfall(self.cost_gap, self.largest_gain)}"
        )


class _Solved(NamedTuple):
    payments: Floats
    margin: float
    certificate: DeviationCertificate | None


def _variables(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Return where gamma[s, theta], z[j, s] and t are in one vector, for so many efforts, signals and states."""
    n_efforts, n_signals, n_states = shape
    gamma = np.arange(n_signals * n_states).reshape(n_signals, n_states)
    z = gamma.size + np.arange(n_efforts * n_signals).reshape(n_efforts, n_signals)
    return gamma, z, gamma.size + z.size


def _inequalities(
    world: HiringProblem, agent: int, effort: int, individually_rational: bool, weights: Floats
) -> tuple[Floats, Floats]:
    """Return rows and upper bounds: one per misreport [j, s, r], one per effort, and one for individual rationality.

    The last bound is infinite where that is not asked for. `weights` are p(theta) P(s | j, theta), at [j, s, theta].
    """
    n_efforts, n_signals, _ = weights.shape
    gamma, z, t = _variables(weights.shape)
    costs, scale = world.costs[agent], world.max_payment
    rows = np.zeros((n_efforts * n_signals * n_signals + n_efforts + 1, t + 1))
    misreports = rows[: n_efforts * n_signals * n_signals].reshape(n_efforts, n_signals, n_signals, t + 1)
    for j, seen, report in np.ndindex(n_efforts, n_signals, n_signals):
        misreports[j, seen, report, gamma[report]] = weights[j, seen]
        misreports[j, seen, report, z[j, seen]] = -1.0
    incentive, rational = rows[-n_efforts - 1 : -1], rows[-1]
    upper = np.zeros(len(rows))
    for j in range(n_efforts):
        incentive[j, gamma] = -weights[effort]
        incentive[j, z[j]] = 1.0
        incentive[j, t] = float(j != effort)
    upper[-n_efforts - 1 : -1] = -((costs[effort] - costs) / scale)
    upper[-1] = np.inf
    if individually_rational:
        rational[gamma], rational[t] = -weights[effort], 1.0
        upper[-1] = -costs[effort] / scale
    return rows, upper


def _solve(world: HiringProblem, agent: int, effort: int, individually_rational: bool, widest: bool) -> _Solved | None:
    """Find the cheapest payments, or those with the widest margin; None if infeasible.

    Variables: gamma[s, theta] in units of max_payment; z[j, s], what effort j earns at signal s with the best report;
    and the margin t, which is 0 for the cheapest.
    """
    from scipy.optimize import linprog

    scale = world.max_payment
    weights = np.moveaxis(world.prior[None, :, None] * world.agent_signals(agent), 1, 2)  # [j, s, theta]
    gamma, z, t = _variables(weights.shape)
    rows, upper = _inequalities(world, agent, effort, individually_rational, weights)
    n_efforts, n_signals, _ = weights.shape
    rival = n_efforts > 1 or individually_rational
    cost = np.zeros(t + 1)
    if widest:
        cost[t] = -1.0
    else:
        cost[gamma] = weights[effort]
    bounds = [(0.0, 1.0)] * gamma.size + [(None, None)] * z.size
    bounds.append((None, None) if widest and rival else (0.0, 0.0))
    keep = np.isfinite(upper)
    found = linprog(
        cost,
        A_ub=rows[keep],
        b_ub=upper[keep],
        bounds=bounds,
        method="highs-ds",
        options=TIGHT,
    )
    if found.status == 2:
        return None
    if found.status != 0:
        raise BanditlabError(f"the program for effort {effort} of agent {agent} ended with: {found.message}")
    payments = np.clip(found.x[gamma], 0.0, 1.0) * scale
    if not (widest and rival):
        return _Solved(payments, np.inf, None)
    duals = np.zeros(len(rows))
    duals[keep] = np.maximum(-found.ineqlin.marginals, 0.0)
    reports = duals[: n_efforts * n_signals * n_signals].reshape(n_efforts, n_signals, n_signals)
    certificate = _certificate(world, agent, effort, weights, reports, duals[-n_efforts - 1 : -1], float(duals[-1]))
    return _Solved(payments, float(found.x[t]) * scale, certificate)


def _certificate(
    world: HiringProblem, agent: int, effort: int, weights: Floats, reports: Floats, efforts: Floats, away: float
) -> DeviationCertificate:
    """Return what multipliers prove; the arithmetic uses nothing of the solver's except the multipliers."""
    others = np.where(np.arange(len(efforts)) == effort, 0.0, efforts)
    total = float(others.sum()) + away
    # A multiplier of the row "z is at least what report r earns" is how often r is reported. Rounding is absorbed by
    # the row sums: the effort's own weight is that of its misreports.
    n_signals = weights.shape[1]
    mixture = reports.sum(axis=(1, 2)) / n_signals / total
    mixture[effort] = 0.0
    own = reports[effort].sum() / n_signals / total
    away = away / total
    honest = (mixture.sum() + own + away) * weights[effort]
    gain = honest - np.einsum("jsr,jst->rt", reports / total, weights)
    c = world.costs[agent]
    cost_gap = float(mixture @ (c[effort] - c)) + away * float(c[effort])
    largest = world.max_payment * float(np.maximum(gain, 0.0).sum())
    return DeviationCertificate(agent, effort, mixture, reports / total, away, cost_gap, largest)


def cheapest_rule(world: HiringProblem, agent: int, effort: int, individually_rational: bool) -> AgentRule:
    """Return the cheapest uncorrelated payments that make an agent choose an effort and tell the truth."""
    found = _solve(world, agent, effort, individually_rational, widest=False)
    if found is None:
        widest = _solve(world, agent, effort, individually_rational, widest=True)
        certificate = None if widest is None else widest.certificate
        raise NotImplementable(
            f"effort is {effort}, which no payments for agent {agent}'s own report implement: {certificate}; "
            "allowed: an effort that they implement",
            effort,
            certificate,
        )
    return _rule(world, agent, effort, found.payments)


def widest_rule(world: HiringProblem, agent: int, effort: int) -> AgentRule:
    """Return the uncorrelated payments under which an agent prefers an effort, and the truth, by most."""
    found = _solve(world, agent, effort, False, widest=True)
    if found is None:
        raise BanditlabError(f"the program for the margin of effort {effort} of agent {agent} is infeasible")
    return _rule(world, agent, effort, found.payments)


def _rule(world: HiringProblem, agent: int, effort: int, payments: Floats) -> AgentRule:
    """Return the rule, with what it pays and by how much it is preferred, computed from the payments."""
    joint = world.prior[None, :, None] * world.agent_signals(agent)  # [j, theta, s]
    honest = float(np.einsum("ts,st->", joint[effort], payments))
    best = np.einsum("jts,rt->jsr", joint, payments).max(axis=2).sum(axis=1) - world.costs[agent]
    others = np.delete(best, effort)
    margin = honest - float(world.costs[agent][effort]) - float(others.max()) if len(others) else np.inf
    return AgentRule(agent, effort, payments, honest, margin)


def optimal_uncorrelated(world: HiringProblem, individually_rational: bool) -> HiringMechanism:
    """Return the best profile of efforts that uncorrelated payments implement, with the cheapest such payments."""
    rules: list[dict[int, AgentRule]] = []
    for i in range(world.n_agents):
        found: dict[int, AgentRule] = {}
        for effort in range(world.n_efforts[i]):
            try:
                found[effort] = cheapest_rule(world, i, effort, individually_rational)
            except NotImplementable as error:
                refused = error
        if not found:
            raise refused
        rules.append(found)
    profits: Any = np.array(world.profile_utilities)
    for i, found in enumerate(rules):
        price = np.array([found[j].payment if j in found else np.inf for j in range(world.n_efforts[i])])
        profits = profits - along(price, world.n_agents, i)
    best = np.unravel_index(int(profits.argmax()), world.n_efforts)
    return _broadcast(world, tuple(int(j) for j in best), [rules[i][int(j)].payments for i, j in enumerate(best)])


def _broadcast(world: HiringProblem, profile: tuple[int, ...], payments: list[Floats]) -> HiringMechanism:
    """Return uncorrelated payments as a mechanism that always recommends one profile."""
    n = world.n_agents
    recommended = np.zeros(world.n_efforts)
    recommended[profile] = 1.0
    shape = (*world.n_efforts, *world.n_signals, world.n_states)
    tables = tuple(
        np.array(np.broadcast_to(along(paid, 2 * n + 1, n + i, 2 * n), shape)) for i, paid in enumerate(payments)
    )
    return HiringMechanism(world, recommended, tables, world.best_decisions, correlated=False)
