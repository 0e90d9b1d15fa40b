"""A principal who hires several agents: how much effort to ask of whom, and how to pay for their reports together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from banditlab.core.components import field
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray
from banditlab.core.validation import boolean, integer, matrix, non_negative, one_of, positive, shown, vector

from .errors import NotImplementable
from .family import environment
from .simplex import SUM_TOLERANCE, Floats, belief
from .tables import adds_up, along, conditional_table, costs_that_count, n_entries, table, within_reach

if TYPE_CHECKING:
    from .hiring_games import HiringGame
    from .hiring_mechanism import HiringMechanism
    from .hiring_programs import HiringProgram
    from .uncorrelated import AgentRule

MOST_AGENTS = 8
"""Agents for whom `letters` has subscripts; mechanisms grow exponentially in their number, and end before."""


@environment
class HiringProblem:
    r"""Several agents, who choose how much effort to make, see signals of the state, and report them.

    The principal announces a mechanism (`HiringMechanism`): recommended efforts, payments that may depend on all
    recommendations, all reports and the state, and a decision. Agent i makes effort :math:`b_i'` instead of the
    recommended :math:`b_i` if he likes, at cost :math:`c_i(b_i')`, sees :math:`s_i` and reports a signal. A mechanism
    is incentive compatible if no agent gains by any combination of effort and misreport while all others obey and tell
    the truth.

    Parameters
    ----------
    prior : sequence of float
        :math:`p(\theta)`.
    observations : array (n_efforts[0], ..., n_efforts[n - 1], n_states, n_signals[0], ..., n_signals[n - 1])
        :math:`P(s \mid b, \theta)`. `HiringProblem.independent` makes it from one array per agent. Signals may be
        correlated. In the paper the distribution of each :math:`s_i` depends on :math:`b_i` and :math:`\theta` alone:
        uncorrelated payments need that here too, `optimal` does not.
    costs : sequence of n sequences of float
        :math:`c_i(b_i)`; at least 0.
    utility : matrix (n_decisions, n_states)
        :math:`u(a, \theta)`: what a decision is worth to the principal. Neither costs nor utilities may exceed 1e15
        times `max_payment`, where rounding makes arithmetic useless.
    max_payment : float, default 1.0
        M: payments to each agent are in [0, M]; positive, and at most :math:`10^8` times an agent's largest cost.

    Raises
    ------
    InvalidArgument
        If an argument does not meet the conditions above; the message names the entry.

    Notes
    -----
    The setting of Cacciamani, Castiglioni and Gatti, "Online Information Acquisition: Hiring Multiple Agents" (ICLR
    2024), arXiv:2307.06210. The linear program of `optimal` was derived from the paper's description of its own (a
    linear relaxation of a quadratic program, with auxiliary variables for the best misreports), and not copied from it.
    It is exact, and has prod n_efforts x prod n_signals x n_states x n variables: exponential in the number of agents,
    as is the mechanism itself.

    Examples
    --------
    Two agents who, when they look, see the same noisy sign of the state. It is enough that one of them looks. But if
    now and then both are told to look, without knowing this, they can be paid for saying the same, which is a better
    test of having looked than the state is:

    >>> import numpy as np
    >>> from banditlab import scoring
    >>> sign = np.array([[0.6, 0.4], [0.4, 0.6]])  # probability of each sign in each state
    >>> neither = np.full((2, 2, 2), 0.25)
    >>> first = sign[:, :, None] * [[0.5, 0.5], [0.5, 0.5]]
    >>> second, both = first.transpose(0, 2, 1), sign[:, :, None] * np.eye(2)
    >>> world = scoring.HiringProblem(
    ...     prior=[0.5, 0.5], observations=[[neither, second], [first, both]],
    ...     costs=[[0, 0.01], [0, 0.01]], utility=[[1, 0], [0, 1]],
    ... )
    >>> best = world.optimal()
    >>> best.recommendations.round(3).tolist()
    [[0.0, 0.495], [0.495, 0.01]]
    >>> round(best.profit, 6), round(world.optimal_uncorrelated().profit, 6)
    (0.579798, 0.54)
    >>> print(scoring.audit(best))
    incentive compatible: no strategy gains more than 1e-08
    """

    choices: ClassVar[str] = "profiles of efforts"
    shows: ClassVar[str] = "all agents' efforts and reports, and the state of the world"
    prior: FloatArray = field(check=belief, doc="probability of each state")
    observations: FloatArray = field(check=table(None, 0.0, 1.0), doc="probability of signals, given efforts and state")
    costs: Any = field(doc="what each effort costs each agent")
    utility: FloatArray = field(check=matrix(), doc="what a decision is worth to the principal in each state")
    max_payment: float = field(default=1.0, check=positive, doc="the largest payment to one agent")

    @classmethod
    def independent(
        cls, prior: Any, signals: Sequence[Any], costs: Sequence[Any], utility: Any, max_payment: float = 1.0
    ) -> HiringProblem:
        r"""Return the problem of agents whose signals are independent given the state.

        Parameters
        ----------
        prior, costs, utility, max_payment
            As for the class.
        signals : sequence of arrays (n_efforts[i], n_states, n_signals[i])
            :math:`P_i(s_i \mid b_i, \theta)`, one array per agent.

        Returns
        -------
        HiringProblem

        Examples
        --------
        Two agents, each of whom sees a sign of the state that is right with probability 0.8 if he looks:

        >>> from banditlab import scoring
        >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.8, 0.2], [0.2, 0.8]]
        >>> world = scoring.HiringProblem.independent(
        ...     prior=[0.5, 0.5], signals=[[blind, look]] * 2, costs=[[0, 0.02]] * 2,
        ...     utility=[[1, 0], [0, 1]],
        ... )
        >>> world.observations.shape  # efforts of both, state, signals of both
        (2, 2, 2, 2, 2)
        >>> world.profile_utilities.round(6).tolist()  # two signs that disagree say nothing
        [[0.5, 0.8], [0.8, 0.8]]
        """
        if isinstance(signals, str | bytes) or not hasattr(signals, "__len__"):
            raise InvalidType(f"HiringProblem.signals is {shown(signals)}; allowed: one array per agent")
        n = len(signals)
        if not 1 <= n <= MOST_AGENTS:
            raise InvalidArgument(f"HiringProblem.signals has {n} entries; allowed: from 1 to {MOST_AGENTS} agents")
        each = [conditional_table(2)(f"HiringProblem.signals[{i}]", a) for i, a in enumerate(signals)]
        for i, a in enumerate(each):
            if a.ndim != 3 or a.shape[1] != each[0].shape[1]:
                raise InvalidArgument(
                    f"HiringProblem.signals[{i}] has the shape {a.shape}; allowed: (efforts, states, signals), with "
                    "as many states for every agent"
                )
        b, s = letters(n)
        terms = ",".join(f"{b[i]}t{s[i]}" for i in range(n))
        return cls(prior, np.einsum(f"{terms}->{b}t{s}", *each), costs, utility, max_payment)

    def validate(self) -> None:
        """Check shapes, and that signals are distributions."""
        name = "HiringProblem"
        if isinstance(self.costs, str | bytes) or not hasattr(self.costs, "__len__") or len(self.costs) == 0:
            raise InvalidType(f"{name}.costs is {shown(self.costs)}; allowed: one sequence of numbers per agent")
        costs = tuple(vector(0.0)(f"{name}.costs[{i}]", c) for i, c in enumerate(self.costs))
        object.__setattr__(self, "costs", costs)
        n = len(costs)
        if n > MOST_AGENTS:
            raise InvalidArgument(f"{name}.costs has {n} entries; allowed: at most {MOST_AGENTS} agents")
        if self.observations.ndim != 2 * n + 1:
            raise InvalidArgument(
                f"{name}.observations has {self.observations.ndim} axes; allowed: {2 * n + 1}, which are {n} efforts, "
                f"the state and {n} signals, because costs has {n} entries"
            )
        for i, c in enumerate(costs):
            n_entries(f"{name}.costs[{i}]", len(c), self.observations.shape[i], "effort")
            within_reach(f"{name}.costs[{i}]", c, self.max_payment)
            costs_that_count(f"{name}.costs[{i}]", c, self.max_payment)
        n_entries(f"{name}.prior", len(self.prior), self.observations.shape[n], "state")
        n_entries(f"{name}.utility[0]", self.utility.shape[1], len(self.prior), "state")
        within_reach(f"{name}.utility", self.utility, self.max_payment)
        adds_up(f"{name}.observations", self.observations, n + 1)

    @property
    def n_agents(self) -> int:
        """Number of agents, n."""
        return len(self.costs)

    @property
    def n_efforts(self) -> tuple[int, ...]:
        """Number of efforts of each agent."""
        return self.observations.shape[: self.n_agents]

    @property
    def n_signals(self) -> tuple[int, ...]:
        """Number of signals of each agent."""
        return self.observations.shape[self.n_agents + 1 :]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.prior)

    @property
    def n_decisions(self) -> int:
        """Number of decisions."""
        return len(self.utility)

    @property
    def n_arms(self) -> int:
        """Number of profiles of efforts: what the principal chooses from."""
        return int(np.prod(self.n_efforts))

    @property
    def joint(self) -> Floats:
        r""":math:`p(\theta) P(s \mid b, \theta)`, with the shape of `observations`."""
        n = self.n_agents
        joint: Floats = along(self.prior, 2 * n + 1, n) * self.observations
        return joint

    @property
    def best_decisions(self) -> Floats:
        """The principal's best decision on each profile of truthful signals, as probabilities.

        A float64 array (n_efforts[0], ..., n_signals[0], ..., n_decisions): 1 for the decision, the first of equally
        good ones.
        """
        worth = np.tensordot(self.joint, self.utility, axes=(self.n_agents, 1))
        best: Floats = np.eye(self.n_decisions)[worth.argmax(axis=-1)]
        return best

    @property
    def profile_utilities(self) -> Floats:
        """The principal's expected utility under each profile of efforts, if all are honest and she decides best.

        A float64 array of shape `n_efforts`; costs and payments are not subtracted.
        """
        n = self.n_agents
        worth = np.tensordot(self.joint, self.utility, axes=(n, 1))
        total: Floats = worth.max(axis=-1).sum(axis=tuple(range(n, 2 * n)))
        return total

    def agent_signals(self, agent: int) -> Floats:
        r"""Return :math:`P_i(s_i \mid b_i, \theta)` as an array (n_efforts[i], n_states, n_signals[i]).

        Parameters
        ----------
        agent : int
            Who, i.

        Raises
        ------
        InvalidArgument
            If it depends on others' efforts, so that an agent cannot be considered alone.

        Examples
        --------
        >>> from banditlab import scoring
        >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.8, 0.2], [0.2, 0.8]]
        >>> world = scoring.HiringProblem.independent(
        ...     prior=[0.5, 0.5], signals=[[blind], [blind, look]], costs=[[0], [0, 0.02]],
        ...     utility=[[1, 0], [0, 1]],
        ... )
        >>> world.agent_signals(1)[1].round(6).tolist()  # one row per state, after effort 1
        [[0.8, 0.2], [0.2, 0.8]]
        """
        n, agent = self.n_agents, integer(0, self.n_agents - 1)("agent", agent)
        others = tuple(n + 1 + j for j in range(n) if j != agent)
        marginal = np.moveaxis(self.observations.sum(axis=others), agent, n - 1)  # others' efforts..., b_i, theta, s_i
        each = marginal.reshape(-1, *marginal.shape[n - 1 :])
        off = np.abs(each - each[0]).max()
        if off > SUM_TOLERANCE:
            raise InvalidArgument(
                f"HiringProblem.observations gives agent {agent} signals whose distribution changes by {off:.6g} with "
                "others' efforts; allowed, for uncorrelated payments: one that depends on his own effort and the state"
            )
        own: Floats = each[0]
        return own

    def game(self) -> HiringGame:
        """Return what plays this environment round by round."""
        from .hiring_games import HiringGame

        return HiringGame(self)

    def optimal(
        self, method: str = "highs", *, individually_rational: bool = False, slack: float = 0.0
    ) -> HiringMechanism:
        r"""Return the optimal incentive-compatible mechanism with correlated recommendations and payments.

        With :math:`\mu(b)` the probability of recommending efforts b, :math:`\gamma_i` the payments and :math:`\pi` the
        decisions, it maximises the principal's expected profit

        .. math:: \sum_{b, s, \theta} \mu(b) \, p(\theta) \, P(s \mid b, \theta) \Big[
            \sum_a \pi(a \mid b, s) u(a, \theta) - \sum_i \gamma_i(b, s, \theta) \Big]

        subject to payments in [0, M], and to no agent gaining by any combination of effort and misreports, upon any
        recommendation.

        Parameters
        ----------
        method : {'highs', 'cvxpy'}, default 'highs'
            'highs' leaves out the variables of the decisions, which the agents do not care about; 'cvxpy' solves
            `program()`, which has them.
        individually_rational : bool, default False
            Whether an agent who obeys and tells the truth must expect at least his cost, whatever is recommended to
            him.
        slack : float, default 0.0
            How much an agent may gain by deviating from one recommendation, weighted by its probability; at least 0.
            One who deviates from each of them may gain this much several times.

        Returns
        -------
        HiringMechanism

        Raises
        ------
        NotImplementable
            If individual rationality is impossible, because an agent's cheapest effort costs more than max_payment.

        Examples
        --------
        One agent, whose sign is right with probability 0.9 if he looks. Without looking he is right with probability
        1/2, so that looking is worth its cost to him if a right sign is paid 0.1 / 0.4:

        >>> from banditlab import scoring
        >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]
        >>> world = scoring.HiringProblem.independent(
        ...     prior=[0.5, 0.5], signals=[[blind, look]], costs=[[0, 0.1]], utility=[[1, 0], [0, 1]],
        ... )
        >>> best = world.optimal()
        >>> best.recommendations.round(6).tolist()
        [0.0, 1.0]
        >>> round(best.utility, 6), best.expected_payments.round(6).tolist(), round(best.profit, 6)
        (0.9, [0.225], 0.675)
        """
        from .hiring_programs import solve_correlated, state_program

        boolean("individually_rational", individually_rational)
        slack = non_negative("slack", slack)
        for i, c in enumerate(self.costs):
            if individually_rational and c.min() > self.max_payment:
                raise NotImplementable(
                    f"max_payment is {self.max_payment:g}; allowed: at least {c.min():g}, what the cheapest effort of "
                    f"agent {i} costs, if mechanisms shall be individually rational",
                    int(c.argmin()),
                )
        if one_of("highs", "cvxpy")("method", method) == "cvxpy":
            return state_program(self, individually_rational, slack).solve()
        return solve_correlated(self, individually_rational, slack)

    def program(self, *, individually_rational: bool = False, slack: float = 0.0) -> HiringProgram:
        """Return the program of `optimal`, stated in CVXPY, to read, to extend with constraints, and to solve.

        Parameters
        ----------
        individually_rational : bool, default False
            As in `optimal`.
        slack : float, default 0.0
            As in `optimal`.

        Returns
        -------
        HiringProgram

        Examples
        --------
        >>> from banditlab import scoring
        >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]
        >>> world = scoring.HiringProblem.independent(
        ...     prior=[0.5, 0.5], signals=[[blind, look]], costs=[[0, 0.1]], utility=[[1, 0], [0, 1]],
        ... )
        >>> program = world.program()
        >>> sorted(program.constraints)
        ['bounded', 'decisions', 'distribution', 'incentive', 'misreports']
        >>> round(program.solve().profit, 4)
        0.675
        """
        from .hiring_programs import state_program

        boolean("individually_rational", individually_rational)
        return state_program(self, individually_rational, non_negative("slack", slack))

    def optimal_uncorrelated(self, *, individually_rational: bool = False) -> HiringMechanism:
        r"""Return the best mechanism whose payments to an agent depend on his own report and the state alone.

        There are no recommendations: the payments :math:`\gamma_i(s_i, \theta)` leave each agent one best effort (ties
        go to the principal), and agents do not depend on each other. So the best rule for each agent and effort is
        found separately (`agent_rule`), and the profile with the largest profit is taken.

        Parameters
        ----------
        individually_rational : bool, default False
            As in `optimal`.

        Returns
        -------
        HiringMechanism

        Raises
        ------
        NotImplementable
            If an agent cannot be brought to any effort, which happens only with individual rationality.

        Examples
        --------
        Two agents with independent signs. A second sign adds nothing, as the principal can do no better than follow the
        first where they disagree; so she asks one agent alone:

        >>> from banditlab import scoring
        >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]
        >>> world = scoring.HiringProblem.independent(
        ...     prior=[0.5, 0.5], signals=[[blind, look]] * 2, costs=[[0, 0.1]] * 2,
        ...     utility=[[1, 0], [0, 1]],
        ... )
        >>> plain = world.optimal_uncorrelated()
        >>> float(plain.recommendations[1, 1]), round(plain.profit, 6)
        (0.0, 0.675)
        """
        from .uncorrelated import optimal_uncorrelated

        return optimal_uncorrelated(self, boolean("individually_rational", individually_rational))

    def agent_rule(self, agent: int, effort: int, *, individually_rational: bool = False) -> AgentRule:
        r"""Return the cheapest uncorrelated payments that make an agent choose an effort and tell the truth.

        With :math:`v(b', r)` what agent i expects of :math:`\gamma_i(s_i, \theta)` after effort :math:`b'` if he
        reports according to r, it minimises :math:`v(b, \mathrm{truth})` over payments in [0, M] with
        :math:`v(b, \mathrm{truth}) - c_i(b) \ge v(b', r) - c_i(b')` for all efforts :math:`b'` and ways of reporting r.

        Parameters
        ----------
        agent, effort : int
            Who is to do what: i and b.
        individually_rational : bool, default False
            As in `optimal`.

        Returns
        -------
        AgentRule

        Raises
        ------
        NotImplementable
            If there are none; the message and its `certificate` say why.

        Examples
        --------
        >>> from banditlab import scoring
        >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]
        >>> world = scoring.HiringProblem.independent(
        ...     prior=[0.5, 0.5], signals=[[blind, look]], costs=[[0, 0.1]], utility=[[1, 0], [0, 1]],
        ... )
        >>> rule = world.agent_rule(0, effort=1)
        >>> round(rule.payment, 6), abs(rule.margin) < 1e-8  # no more than it takes
        (0.225, True)
        """
        from .uncorrelated import cheapest_rule

        boolean("individually_rational", individually_rational)
        return cheapest_rule(self, *self._agent_effort(agent, effort), individually_rational)

    def agent_margin(self, agent: int, effort: int) -> AgentRule:
        """Return the uncorrelated payments under which an agent prefers an effort, and the truth, by most.

        These are strictly incentive-compatible where `margin` is positive: no other effort, with whatever reports,
        comes closer than the margin; lies after the effort itself do not gain.

        Parameters
        ----------
        agent, effort : int
            Who is to do what.

        Returns
        -------
        AgentRule

        Examples
        --------
        Paid 1 for a right sign and 0 for a wrong one, the agent expects 0.9 - 0.1 from looking and 0.5 from guessing:

        >>> from banditlab import scoring
        >>> blind, look = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]]
        >>> world = scoring.HiringProblem.independent(
        ...     prior=[0.5, 0.5], signals=[[blind, look]], costs=[[0, 0.1]], utility=[[1, 0], [0, 1]],
        ... )
        >>> rule = world.agent_margin(0, effort=1)
        >>> round(rule.margin, 6), rule.payments.diagonal().round(6).tolist()
        (0.3, [1.0, 1.0])
        """
        from .uncorrelated import widest_rule

        return widest_rule(self, *self._agent_effort(agent, effort))

    def _agent_effort(self, agent: int, effort: int) -> tuple[int, int]:
        agent = integer(0, self.n_agents - 1)("agent", agent)
        return agent, integer(0, self.n_efforts[agent] - 1)("effort", effort)


def letters(n_agents: int) -> tuple[str, str]:
    """Return einsum subscripts of efforts and of signals; 'a' and 't' are left for decision and state."""
    return "bcdefghi"[:n_agents], "klmnopqr"[:n_agents]  # MOST_AGENTS of each
