"""Informed senders and a receiver who decides on their reports: the optimal incentive-compatible mechanism."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from banditlab.core.brief import brief
from banditlab.core.components import field
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray
from banditlab.core.validation import matrix, non_negative, shown

from .acquisition_program import AcquisitionProgram
from .family import environment
from .simplex import Floats, belief
from .tables import adds_up, along, conditional_table, has_shape, n_entries, table

if TYPE_CHECKING:
    from .sender_games import AcquisitionGame


@dataclass(frozen=True, eq=False)
class AcquisitionMechanism:
    """A decision, possibly random, for each profile of reports.

    Attributes
    ----------
    environment : InformationAcquisition
        Whose mechanism it is.
    decisions : float64 array (n_signals[0], ..., n_signals[n - 1], n_decisions)
        phi(a | s): the probability of each decision.

    Raises
    ------
    InvalidArgument
        If decisions have another shape, or are not distributions.

    Examples
    --------
    Doing what the sender says, when he gains by decision 1 whatever the state:

    >>> from banditlab import scoring
    >>> world = scoring.InformationAcquisition(
    ...     prior=[0.6, 0.4], observations=[[1, 0], [0, 1]], receiver_utility=[[1, 0], [0, 1]],
    ...     sender_utilities=[[[0, 0], [1, 1]]],
    ... )
    >>> trusting = scoring.AcquisitionMechanism(world, [[1, 0], [0, 1]])
    >>> trusting.value, bool(scoring.audit(trusting))
    (1.0, False)
    """

    environment: InformationAcquisition
    decisions: Floats

    __repr__ = brief

    def __post_init__(self) -> None:
        """Check that decisions are distributions, one for each profile of signals."""
        name, world = "AcquisitionMechanism", self.environment
        if not isinstance(world, InformationAcquisition):
            raise InvalidType(f"{name}.environment is {shown(world)}; allowed: an InformationAcquisition")
        decisions = table(None, 0.0, 1.0)(f"{name}.decisions", self.decisions)
        has_shape(f"{name}.decisions", decisions, (*world.n_signals, world.n_decisions), "(signals..., decisions)")
        adds_up(f"{name}.decisions", decisions, world.n_senders)
        object.__setattr__(self, "decisions", decisions)

    @property
    def value(self) -> float:
        """The receiver's expected utility if all senders tell the truth."""
        world = self.environment
        worth = np.tensordot(world.joint, world.receiver_utility, axes=(0, 1))  # s_1, ..., s_n, a
        return float((worth * self.decisions).sum())


@environment
class InformationAcquisition:
    r"""Senders who know something and want something; a receiver who commits to how she will use their reports.

    A state :math:`\theta` is drawn from the prior; sender i sees a signal :math:`s_i`, and reports one; the receiver
    takes decision a with probability :math:`\phi(a \mid s)` after reports s. The receiver gains :math:`u(a, \theta)`,
    sender i gains :math:`u_i(a, \theta)`; there are no payments. By the revelation principle the receiver loses nothing
    by using only mechanisms under which telling the truth is an equilibrium.

    Parameters
    ----------
    prior : sequence of float
        :math:`p(\theta)`.
    observations : array (n_states, n_signals[0], ..., n_signals[n - 1])
        :math:`P(s \mid \theta)`: the joint probability of the senders' signals in each state.
    receiver_utility : matrix (n_decisions, n_states)
        :math:`u(a, \theta)`.
    sender_utilities : array (n_senders, n_decisions, n_states)
        :math:`u_i(a, \theta)`.

    Raises
    ------
    InvalidArgument
        If shapes do not fit or rows are not distributions; the message names the entry.

    Notes
    -----
    The setting of Cacciamani, Castiglioni and Gatti, "Online Mechanism Design for Information Acquisition" (ICML 2023),
    arXiv:2302.02873. The linear program of `optimal` was reconstructed from the paper's summary, for the version
    without transfers, and not read in the paper.

    Examples
    --------
    Asking a sender who always wants decision 1 is useless; asking one who wants what the receiver wants is not:

    >>> from banditlab import scoring
    >>> import dataclasses
    >>> liar = scoring.InformationAcquisition(
    ...     prior=[0.6, 0.4], observations=[[1, 0], [0, 1]], receiver_utility=[[1, 0], [0, 1]],
    ...     sender_utilities=[[[0, 0], [1, 1]]],
    ... )
    >>> round(liar.optimal().value, 9)
    0.6
    >>> ally = dataclasses.replace(liar, sender_utilities=[[[1, 0], [0, 1]]])
    >>> round(ally.optimal().value, 9)
    1.0
    """

    choices: ClassVar[str] = "decisions"
    shows: ClassVar[str] = "all reports, and what the decision taken was worth to everybody"
    prior: FloatArray = field(check=belief, doc="probability of each state")
    observations: FloatArray = field(check=conditional_table(1), doc="probability of the signals, given the state")
    receiver_utility: FloatArray = field(check=matrix(), doc="what a decision is worth to the receiver in each state")
    sender_utilities: FloatArray = field(check=table(3), doc="what a decision is worth to each sender in each state")

    def validate(self) -> None:
        """Check that shapes fit."""
        name, n_states = "InformationAcquisition", len(self.prior)
        n_entries(f"{name}.observations", len(self.observations), n_states, "state")
        n_entries(f"{name}.receiver_utility[0]", self.receiver_utility.shape[1], n_states, "state")
        n_entries(f"{name}.sender_utilities", len(self.sender_utilities), self.observations.ndim - 1, "sender")
        if self.sender_utilities.shape[1:] != self.receiver_utility.shape:
            got = " x ".join(str(n) for n in self.sender_utilities.shape[1:])
            want = " x ".join(str(n) for n in self.receiver_utility.shape)
            raise InvalidArgument(f"{name}.sender_utilities[0] is {got}; allowed: {want}, as receiver_utility")

    @property
    def n_senders(self) -> int:
        """Number of senders."""
        return len(self.sender_utilities)

    @property
    def n_signals(self) -> tuple[int, ...]:
        """Number of signals of each sender."""
        return self.observations.shape[1:]

    @property
    def n_decisions(self) -> int:
        """Number of decisions."""
        return len(self.receiver_utility)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.prior)

    @property
    def n_arms(self) -> int:
        """Number of decisions: what the receiver chooses from."""
        return self.n_decisions

    @property
    def joint(self) -> Floats:
        r""":math:`p(\theta) P(s \mid \theta)`, with the shape of `observations`."""
        joint: Floats = along(self.prior, self.observations.ndim, 0) * self.observations
        return joint

    def game(self) -> AcquisitionGame:
        """Return what plays this environment round by round."""
        from .sender_games import AcquisitionGame

        return AcquisitionGame(self)

    def optimal(self, *, slack: float = 0.0) -> AcquisitionMechanism:
        r"""Return the receiver's optimal incentive-compatible mechanism.

        Maximise :math:`\sum_{\theta, s} p(\theta) P(s \mid \theta) \sum_a \phi(a \mid s) u(a, \theta)` over decision
        rules :math:`\phi` such that, for every sender i and signals :math:`s_i` and :math:`s_i'`,

        .. math:: \sum_{\theta, s_{-i}} p(\theta) P(s \mid \theta) \sum_a [\phi(a \mid s) - \phi(a \mid s_i', s_{-i})]
            u_i(a, \theta) \ge -\mathrm{slack}.

        Parameters
        ----------
        slack : float, default 0.0
            How much a sender may gain by a lie about one signal, weighted by its probability; at least 0.

        Returns
        -------
        AcquisitionMechanism
            It always exists, because deciding without listening is incentive compatible.

        Examples
        --------
        A sender who sees the state and wants decision 1 in both is heeded only as far as he may gain by lies:

        >>> from banditlab import scoring
        >>> world = scoring.InformationAcquisition(
        ...     prior=[0.6, 0.4], observations=[[1, 0], [0, 1]], receiver_utility=[[1, 0], [0, 1]],
        ...     sender_utilities=[[[0, 0], [1, 1]]],
        ... )
        >>> [round(world.optimal(slack=slack).value, 6) for slack in (0.0, 0.3, 0.6)]
        [0.6, 0.8, 1.0]
        """
        slack = non_negative("slack", slack)
        utilities = np.concatenate([self.receiver_utility[None], self.sender_utilities])
        worths = np.moveaxis(np.tensordot(self.joint, utilities, axes=(0, 2)), -2, 0)  # whose, s_1, ..., s_n, a
        program = AcquisitionProgram(self.n_signals, self.n_decisions)
        return AcquisitionMechanism(self, program.solve(worths, slack))
