"""Search all deviations from a mechanism: effort, reports, and both together.

It is written from the definitions, in the agents' terms, and without any of the programs that find mechanisms: it tries
every effort and, for everything that the agent then sees, every report.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import integer, non_negative, shown

from .acquisition import AcquisitionMechanism
from .hiring_mechanism import HiringMechanism
from .optimal_rule import OptimalRule
from .principal_agent import PrincipalAgent
from .simplex import Floats

TOLERANCE = 1e-8
# Gains below this share of what is at stake are the rounding of sums.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Deviation:
    """One way of not doing what a mechanism asks for, upon one recommendation.

    Attributes
    ----------
    kind : {'effort', 'report', 'joint'}
        Another effort and the truth; the same effort and lies; or both.
    agent : int
        Who; 0 in a `PrincipalAgent`.
    recommended, effort : int or None
        The effort asked for, and the one made; None for senders, who make none.
    reports : tuple of int
        What is reported, one entry per belief or signal.
    gain : float
        By how much the agent's expected profit changes. With several agents it is weighted by the probability of the
        recommendation.

    Examples
    --------
    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
    ...     costs=[0, 0.3], utility=[1, 0.5, 1],
    ... )
    >>> found = scoring.audit(world, [[1, 0], [0.75, 0.75], [0, 1]], action=1).deviation
    >>> found.kind, found.act, round(found.gain, 6)
    ('effort', 'makes effort 0 instead of 1', 0.05)
    """

    kind: str
    agent: int
    recommended: int | None
    effort: int | None
    reports: tuple[int, ...]
    gain: float

    def __str__(self) -> str:
        """Return the deviation in words."""
        return f"agent {self.agent} {self.act}, and gains {self.gain:.6g}"

    @property
    def act(self) -> str:
        """What is done, in words."""
        what = []
        if self.effort is not None and self.kind != "report":
            what.append(f"makes effort {self.effort} instead of {self.recommended}")
        lies = [f"{r} for {s}" for s, r in enumerate(self.reports) if r != s]
        if self.kind != "effort":
            what.append(f"reports {', '.join(lies)}")
        return " and ".join(what)


@dataclass(frozen=True)
class Audit:
    """What an audit found; true if the mechanism is incentive compatible within the tolerance.

    Attributes
    ----------
    gain : float
        What the most profitable strategy of one agent gains, 0 if none gains anything.
    deviations : tuple of Deviation
        That strategy: the agent's best deviation upon each recommendation, by recommendation, where it gains anything;
        he obeys the others. Empty if the strategy gains no more than `tolerance`.
    by_kind : dict from str to Deviation
        The most profitable single deviation of each kind, whether it gains anything or not; 'report' and 'joint' are
        there only where, after some effort, a lie is paid more than the truth.
    tolerance : float
        Gains up to this count as none, in the units of the agent who gains most for what is at stake for him.

    Examples
    --------
    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
    ...     costs=[0, 0.3], utility=[1, 0.5, 1],
    ... )
    >>> found = scoring.audit(world, [[1, 0], [0.75, 0.75], [0, 1]], action=1)
    >>> bool(found), round(found.gain, 6)
    (False, 0.05)
    """

    gain: float
    deviations: tuple[Deviation, ...]
    by_kind: dict[str, Deviation]
    tolerance: float

    @property
    def deviation(self) -> Deviation | None:
        """The part of the strategy that gains most; None if the mechanism is incentive compatible."""
        return max(self.deviations, key=lambda d: d.gain, default=None)

    def __bool__(self) -> bool:
        """Whether the mechanism is incentive compatible."""
        return not self.deviations

    def __repr__(self) -> str:
        """Return the verdict in words."""
        return f"<Audit: {self}>"

    def __str__(self) -> str:
        """Return the verdict in words."""
        if not self.deviations:
            return f"incentive compatible: no strategy gains more than {self.tolerance:g}"
        if len(self.deviations) == 1:
            return f"not incentive compatible: {self.deviations[0]}"
        acts = "; ".join(f"told {d.recommended}, {d.act}" for d in self.deviations)
        return f"not incentive compatible: agent {self.deviations[0].agent}, {acts}, and gains {self.gain:.6g} in all"


def audit(mechanism: Any, payments: Any = None, action: int | None = None, *, tolerance: float = TOLERANCE) -> Audit:
    """Search a mechanism for the most profitable strategy of any one agent, others being obedient and truthful.

    A strategy is an effort for each recommendation that the agent may get, and a report for everything that he may then
    see. Its gain is a sum over recommendations, so that a strategy is best if it is best upon each of them.

    Parameters
    ----------
    mechanism : OptimalRule, HiringMechanism, AcquisitionMechanism or PrincipalAgent
        What to audit; a `PrincipalAgent` needs the other two arguments.
    payments : matrix (n_beliefs, n_states) or ScoringRule, optional
        Payments in a `PrincipalAgent`, whatever their sign and size: whether they are in [0, max_payment], where those
        that a policy announces must be, is not looked at.
    action : int, optional
        The action that they are meant to implement.
    tolerance : float, default 1e-8
        Gains up to this share of max_payment (for an informed sender, of his own largest utility) count as none.

    Returns
    -------
    Audit

    Raises
    ------
    InvalidType
        If the mechanism is of none of the kinds listed above.
    InvalidArgument
        If payments have another shape than the environment's beliefs, or are not finite.

    Examples
    --------
    The Brier score rewards the truth, but an action that costs too much is not worth it:

    >>> from banditlab import scoring
    >>> world = scoring.PrincipalAgent(
    ...     beliefs=[[1, 0], [0.5, 0.5], [0, 1]], action_distributions=[[0, 1, 0], [0.5, 0, 0.5]],
    ...     costs=[0, 0.3], utility=[1, 0.5, 1],
    ... )
    >>> brier = [[1, 0], [0.75, 0.75], [0, 1]]
    >>> print(scoring.audit(world, brier, action=1))
    not incentive compatible: agent 0 makes effort 0 instead of 1, and gains 0.05
    >>> print(scoring.audit(world.optimal_rule(1)))
    incentive compatible: no strategy gains more than 1e-08

    An audit is of incentives alone, and these remain if the agent is charged 1 whatever it reports:

    >>> print(scoring.audit(world, world.optimal_rule(1).payments - 1.0, action=1))
    incentive compatible: no strategy gains more than 1e-08
    """
    tolerance = non_negative("tolerance", tolerance)
    if not isinstance(mechanism, PrincipalAgent) and (payments is not None or action is not None):
        extra = "payments" if payments is not None else "action"
        raise InvalidArgument(f"{extra} is given with {shown(mechanism)}; allowed: with a PrincipalAgent")
    if isinstance(mechanism, OptimalRule):
        mechanism, payments, action = mechanism.environment, mechanism.payments, mechanism.action
    if isinstance(mechanism, PrincipalAgent):
        if payments is None or action is None:
            missing = "payments" if payments is None else "action"
            raise InvalidArgument(f"{missing} is None; allowed: payments and action, to audit a PrincipalAgent")
        action = integer(0, mechanism.n_actions - 1)("action", action)
        scales: Sequence[float] = [mechanism.max_payment]
        found = _of_one_agent(mechanism, mechanism.table(payments), action)
    elif isinstance(mechanism, HiringMechanism):
        scales = [mechanism.environment.max_payment] * mechanism.environment.n_agents
        found = _of_several_agents(mechanism)
    elif isinstance(mechanism, AcquisitionMechanism):
        scales = [float(np.abs(utility).max()) or 1.0 for utility in mechanism.environment.sender_utilities]
        found = _of_senders(mechanism)
    else:
        raise InvalidType(
            f"mechanism is {shown(mechanism)}; allowed: an OptimalRule, a HiringMechanism, an AcquisitionMechanism, or "
            "a PrincipalAgent with payments and action"
        )
    return _most_profitable(list(found), scales, tolerance)


def _most_profitable(found: list[Deviation], scales: Sequence[float], tolerance: float) -> Audit:
    """Return the strategy that gains most for what is at stake for its agent, made of the best deviations."""

    def share(deviation: Deviation) -> float:
        return deviation.gain / scales[deviation.agent]

    by_kind: dict[str, Deviation] = {}
    upon: dict[tuple[int, int | None], Deviation] = {}
    for d in found:
        if d.kind not in by_kind or share(d) > share(by_kind[d.kind]):
            by_kind[d.kind] = d
        where = (d.agent, d.recommended)
        if share(d) > max(ROUNDING, share(upon[where]) if where in upon else 0.0):
            upon[where] = d
    strategies = [tuple(d for (i, _), d in upon.items() if i == agent) for agent in range(len(scales))]
    shares = [math.fsum(share(d) for d in strategy) for strategy in strategies]
    agent = int(np.argmax(shares))
    guilty = strategies[agent] if shares[agent] > tolerance else ()
    return Audit(math.fsum(d.gain for d in strategies[agent]), guilty, by_kind, tolerance * scales[agent])


def _of_one_agent(world: PrincipalAgent, payments: Floats, action: int) -> Iterator[Deviation]:
    """Yield, for every action, the truth and the best reports."""

    def earned(k: int) -> Floats:
        """Return what action k earns at belief m (weighted by its probability) by reporting m', at [m, m']."""
        probability, belief = world.action_distributions[k], world.beliefs
        return np.array([[probability[m] * (belief[m] @ row) for row in payments] for m in range(world.n_beliefs)])

    obedient = float(earned(action).diagonal().sum() - world.costs[action])
    for k in range(world.n_actions):
        yield from _both(earned(k), 0, action, k, float(world.costs[k]), obedient)


def _of_several_agents(mechanism: HiringMechanism) -> Iterator[Deviation]:
    """Yield, for every agent, recommendation and effort, the truth and the best reports."""
    world, n = mechanism.environment, mechanism.environment.n_agents
    joint, mu = world.joint, mechanism.recommendations

    def earned(i: int, told: int, effort: int) -> Floats:
        """Return what agent i is paid, at [s_i, report]: the sum over b_-i, s_-i and theta of all that matters."""
        told_mu = np.asarray(mu.take(told, axis=i))[(...,) + (None,) * n]  # b_-i, then room for theta and s_-i
        result = np.empty((world.n_signals[i],) * 2)
        for seen, report in np.ndindex(result.shape):
            happens: Any = joint.take(effort, axis=i).take(seen, axis=n + i)  # b_-i, theta, s_-i
            paid: Any = mechanism.payments[i].take(told, axis=i).take(report, axis=n - 1 + i)  # b_-i, s_-i, theta
            result[seen, report] = (told_mu * happens * np.moveaxis(paid, -1, n - 1)).sum()
        return result

    for i in range(n):
        for told in range(world.n_efforts[i]):
            probability = float(mu.take(told, axis=i).sum())
            if probability == 0.0:
                continue
            cost = world.costs[i] * probability
            obedient = float(earned(i, told, told).diagonal().sum() - cost[told])
            for effort in range(world.n_efforts[i]):
                yield from _both(earned(i, told, effort), i, told, effort, float(cost[effort]), obedient)


def _of_senders(mechanism: AcquisitionMechanism) -> Iterator[Deviation]:
    """Yield, for every sender, the best reports."""
    world = mechanism.environment
    for i, utility in enumerate(world.sender_utilities):
        wanted = np.tensordot(mechanism.decisions, utility, axes=(-1, 0))  # s_1, ..., s_n, theta
        result = np.empty((world.n_signals[i],) * 2)
        for seen, report in np.ndindex(result.shape):
            signal: Any = world.joint.take(seen, axis=i + 1)
            happens = np.moveaxis(signal, 0, -1)  # s_-i, theta
            result[seen, report] = (happens * wanted.take(report, axis=i)).sum()
        yield from _both(result, i, None, None, 0.0, float(result.diagonal().sum()))


def _both(
    earned: Floats, agent: int, recommended: int | None, effort: int | None, cost: float, obedient: float
) -> Iterator[Deviation]:
    """Yield the deviations to an effort: with the truth, unless that is obedience, and with the best lies, if any.

    Where lying earns nothing but rounding, the truth is told.
    """
    truth = earned.diagonal()
    rounding = 1e-13 * float(np.abs(earned).max())
    same = effort == recommended
    if not same:
        gain = float(truth.sum()) - cost - obedient
        yield Deviation("effort", agent, recommended, effort, tuple(range(len(truth))), gain)
    reports = np.where(earned.max(axis=1) > truth + rounding, earned.argmax(axis=1), np.arange(len(truth)))
    if (reports != np.arange(len(truth))).any():
        gain = float(earned.max(axis=1).sum()) - cost - obedient
        kind = "report" if same else "joint"
        yield Deviation(kind, agent, recommended, effort, tuple(int(r) for r in reports), gain)
