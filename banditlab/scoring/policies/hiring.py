"""Explore-then-commit for a principal who hires several agents."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from banditlab.core.components import field
from banditlab.core.errors import InvalidArgument
from banditlab.core.validation import non_negative, optional, positive, positive_integer
from banditlab.scoring.family import policy
from banditlab.scoring.hiring import HiringProblem
from banditlab.scoring.hiring_games import EmployerKnows, Offer, Reported
from banditlab.scoring.informed import LEAST_MARGIN
from banditlab.scoring.simplex import Floats
from banditlab.scoring.tables import LEAST_COST, along

from .estimates import Bisection, chained


@dataclass
class Employment:
    """What `HiringExploreThenCommit` remembers.

    Attributes
    ----------
    counts : float64 array (efforts..., n_states, signals...)
        How often efforts, state and reports occurred while exploring.
    chosen : list of lists of (float64 array (n_signals, n_states), int)
        For each agent, payments for his own report and the effort that he made under them.
    searches : list of (agent, effort, other effort)
        Bisections that are still to be made, the next one last.
    agent : int
        Whose payments `search` is about.
    announced : list of float64 arrays (n_signals, n_states) or None
        Each agent's payments for his own report in this round.
    """

    known: EmployerKnows
    horizon: int
    profiles: list[tuple[int, ...]]
    rounds: int
    counts: Floats
    chosen: list[list[tuple[Floats, int]]]
    searches: list[tuple[int, int, int]]
    agent: int = 0
    search: Bisection | None = None
    announced: list[Floats] | None = None
    committed: Offer | None = None
    solves: int = 0

    @property
    def bisecting(self) -> bool:
        """Whether this round is a probe."""
        return self.search is not None


def uncorrelated(known: EmployerKnows, profile: tuple[int, ...], payments: list[Floats]) -> Offer:
    """Return the offer that recommends one profile and pays each agent for his own report."""
    n, n_states = len(known.n_efforts), known.utility.shape[1]
    mu = np.zeros(known.n_efforts)
    mu[profile] = 1.0
    shape = (*known.n_efforts, *known.n_signals, n_states)
    tables = tuple(np.broadcast_to(along(paid, 2 * n + 1, n + i, 2 * n), shape) for i, paid in enumerate(payments))
    decisions = np.zeros((*known.n_efforts, *known.n_signals, len(known.utility)))
    decisions[..., 0] = 1.0
    return Offer(mu, tables, decisions)


@policy
class HiringExploreThenCommit:
    r"""Estimates what each profile of efforts reveals, then costs by bisection, and then commits to one mechanism.

    1. For :math:`T^{2/3}` rounds (`exploration`), recommend all profiles of efforts in turn, with uncorrelated payments
       under which each agent strictly prefers his part (`HiringProblem.agent_margin`), and estimate
       :math:`p(\theta)` and :math:`P(s \mid b, \theta)`.
    2. For each agent and pair of efforts: bisection between these payments until the bracket is narrower than
       :math:`c\,T^{-1/3}` (`width`), which pins down the difference between costs.
    3. Solve the program of `HiringProblem.optimal` with the estimates, and announce for ever
       :math:`(1 - a) \hat\gamma + a \tilde\gamma` with :math:`a = \min(T^{-1/3}, 1)` (times `mixture`), where
       :math:`\tilde\gamma` are the payments of step 1 for the recommended efforts.

    Parameters
    ----------
    exploration : int, optional
        Rounds of step 1, all profiles together; default :math:`\lceil T^{2/3} \rceil`, and at least one per profile.
    width : float, default 1.0
        c in step 2; positive.
    mixture : float, default 1.0
        Factor of a in step 3; at least 0.

    Notes
    -----
    Guarantee (Cacciamani, Castiglioni, Gatti 2024, abstract; several agents, each of whose signals depends on his own
    effort and the state alone): regret is :math:`\tilde O(T^{2/3})`. The three steps are the paper's as summarised;
    their details were reconstructed: lengths, widths, that the principal sees efforts, and that the program has no
    slack of its own.

    Signals may be correlated, but not even the distribution of an agent's signal may change with others' efforts: the
    payments of steps 1 and 2 are for his own report. Such an environment is refused, as is one in which some effort has
    no strict payments.

    While exploring, the principal takes the first of her decisions, whatever is reported.

    References
    ----------
    Cacciamani, Castiglioni, Gatti (2024), Online Information Acquisition: Hiring Multiple Agents, arXiv:2307.06210.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.HiringExploreThenCommit(exploration=1000)
    HiringExploreThenCommit(exploration=1000)
    """

    environments: ClassVar[tuple[type, ...]] = (HiringProblem,)
    exploration: int | None = field(
        default=None, check=optional(positive_integer), doc="exploration rounds; default T^(2/3), or one a profile"
    )
    width: float = field(default=1.0, check=positive, doc="final width of a bisection, times T^(1/3)")
    mixture: float = field(default=1.0, check=non_negative, doc="weight of the strict payments, times T^(1/3)")

    def reasons_against(self, environment: HiringProblem, horizon: int) -> list[str]:
        """Return the efforts for which there are no strict payments, or why there are none at all."""
        reasons = []
        for i, n_efforts in enumerate(environment.n_efforts):
            try:
                environment.agent_signals(i)
            except InvalidArgument as error:
                return [f"it pays agents for their own reports at first: {error}"]
            for effort in range(n_efforts):
                margin = environment.agent_margin(i, effort).margin
                if margin < LEAST_MARGIN * environment.max_payment:
                    reasons.append(
                        f"it needs payments under which agent {i} strictly prefers effort {effort}, and the largest "
                        f"margin is {margin + 0.0:.3g}"  # no -0
                    )
        return reasons

    def state(self, known: EmployerKnows, horizon: int, rng: Any) -> Employment:
        """Return a state that has seen nothing."""
        profiles = list(itertools.product(*(range(n) for n in known.n_efforts)))
        rounds = self.exploration if self.exploration is not None else math.ceil(horizon ** (2 / 3))
        counts = np.zeros((*known.n_efforts, known.utility.shape[1], *known.n_signals))
        searches = [(i, e, f) for i, n in enumerate(known.n_efforts) for e in range(n) for f in range(e)]
        chosen: list[list[tuple[Floats, int]]] = [[] for _ in known.n_efforts]
        return Employment(known, horizon, profiles, max(rounds, len(profiles)), counts, chosen, searches[::-1])

    def announce(self, state: Employment, t: int) -> Offer:
        """Return strict payments, a probe, or what was committed to."""
        if state.committed is not None:
            return state.committed
        known = state.known
        profile = state.profiles[(t - 1) % len(state.profiles)]
        if t > state.rounds:
            if state.search is None and state.searches:
                state.agent, effort, other = state.searches.pop()
                informed = known.informed[state.agent]
                width = self.width * state.horizon ** (-1 / 3)
                state.search = Bisection(informed[other], informed[effort], effort, width)
            if state.search is None:
                state.committed = self._commit(state)
                return state.committed
            profile = state.profiles[0]
        state.announced = [rules[effort] for rules, effort in zip(known.informed, profile, strict=True)]
        if state.search is not None:
            state.announced[state.agent] = state.search.probe()
        return uncorrelated(known, profile, state.announced)

    def update(self, state: Employment, seen: Reported, t: int) -> None:
        """Learn, until there is a commitment."""
        if state.committed is not None or state.announced is None:
            return
        if t <= state.rounds:
            state.counts[(*seen.efforts, seen.state, *seen.reports)] += 1.0
        for i, effort in enumerate(seen.efforts):
            state.chosen[i].append((state.announced[i], effort))
        if state.search is not None and state.search.answer(seen.efforts[state.agent]):
            state.search = None

    def _commit(self, state: Employment) -> Offer:
        """Return the mechanism to commit to."""
        world = self.estimated(state)
        found = world.optimal()
        state.solves += 1
        share = min(self.mixture * state.horizon ** (-1 / 3), 1.0)
        n = world.n_agents
        mixed = tuple(
            (1.0 - share) * payments + share * along(informed, 2 * n + 1, i, n + i, 2 * n)
            for i, (payments, informed) in enumerate(zip(found.payments, state.known.informed, strict=True))
        )
        return Offer(found.recommendations, mixed, found.decisions)

    def estimated(self, state: Employment) -> HiringProblem:
        """Return the problem as estimated; what was never seen is uniform."""
        known, counts = state.known, state.counts
        n = len(known.n_efforts)
        of_state = counts.sum(axis=tuple(range(n)) + tuple(range(n + 1, 2 * n + 1)))
        seen = counts.sum(axis=tuple(range(n + 1, 2 * n + 1)), keepdims=True)
        uniform = 1.0 / math.prod(known.n_signals)
        observations = np.where(seen > 0.0, counts / np.maximum(seen, 1.0), uniform)
        prior = of_state / of_state.sum()
        costs = [self._costs(known, i, prior, observations, state.chosen[i]) for i in range(n)]
        return HiringProblem(prior, observations, costs, known.utility, known.max_payment)

    def _costs(
        self, known: EmployerKnows, agent: int, prior: Floats, observations: Floats, chosen: list[tuple[Floats, int]]
    ) -> Floats:
        """Return estimates of an agent's costs, of which the least is 0: as `Estimates.cost_differences`."""
        n, n_efforts = len(known.n_efforts), known.n_efforts[agent]
        others = tuple(j for j in range(n) if j != agent)
        # his signals, averaged over the others' efforts, on which they do not depend: (effort, state, signal)
        own = observations.sum(axis=tuple(n + 1 + j for j in others)).mean(axis=others)
        joint = prior[None, :, None] * own
        upper = np.full((n_efforts, n_efforts), known.max_payment)
        for payments, effort in chosen:
            earned = np.einsum("ets,rt->esr", joint, payments).max(axis=2).sum(axis=1)
            upper[effort] = np.minimum(upper[effort], earned[effort] - earned)
        estimate, radius = (upper - upper.T) / 2.0, np.abs(upper + upper.T) / 2.0
        np.fill_diagonal(estimate, 0.0)
        np.fill_diagonal(radius, 0.0)
        above_first = chained(estimate, radius).estimate[:, 0]
        costs: Floats = above_first - above_first.min()
        # what is left of equal costs by rounding is no cost that a program could be solved with
        return costs if costs.max() >= LEAST_COST * known.max_payment else np.zeros(n_efforts)
