"""Learning the optimal incentive-compatible mechanism of informed senders, with full and with bandit feedback."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from banditlab.core.components import field
from banditlab.core.validation import between, non_negative
from banditlab.scoring.acquisition import InformationAcquisition
from banditlab.scoring.acquisition_program import AcquisitionProgram
from banditlab.scoring.family import policy
from banditlab.scoring.sender_games import Heard, ReceiverKnows
from banditlab.scoring.simplex import Floats


@dataclass
class Observed:
    """What has been observed of signals and utilities.

    Attributes
    ----------
    profiles : float64 array (n_signals[0], ...)
        How often each profile of signals was reported.
    times, sums : float64 arrays (n_signals[0], ..., n_decisions) and (1 + n_senders, n_signals[0], ..., n_decisions)
        How often the utility of a decision at a profile was seen, and the utilities' sums.
    program : AcquisitionProgram
        Starts from its last basis: estimates move little from one time to the next.
    solved_at : int
        The number of rounds on which the announced mechanism is based.
    """

    known: ReceiverKnows
    horizon: int
    profiles: Floats
    times: Floats
    sums: Floats | None
    announced: Floats
    exploring: int
    program: AcquisitionProgram
    solved_at: int = 0

    @property
    def solves(self) -> int:
        """Linear programs solved so far."""
        return self.program.n_solves

    @classmethod
    def nothing(cls, known: ReceiverKnows, horizon: int, exploring: int) -> Observed:
        """Return the state before the first round."""
        shape = (*known.n_signals, known.n_decisions)
        uniform = np.full(shape, 1.0 / known.n_decisions)
        program = AcquisitionProgram(known.n_signals, known.n_decisions)
        return cls(known, horizon, np.zeros(known.n_signals), np.zeros(shape), None, uniform, exploring, program)

    def add(self, heard: Heard) -> None:
        """Count a round."""
        if self.sums is None:
            self.sums = np.zeros((len(heard.utilities), *self.times.shape))
        seen = ~np.isnan(heard.utilities[0])
        self.profiles[heard.signals] += 1.0
        self.times[heard.signals][seen] += 1.0
        at = (slice(None), *heard.signals, seen)
        self.sums[at] += heard.utilities[:, seen]

    def optimum(self, slack: float) -> Floats:
        """Return the optimal decisions for the estimates, when senders may gain `slack` by a lie.

        The program needs only p(s) E[u(a, theta) | s]: the profile of signals stands for the state.
        """
        assert self.sums is not None
        share = self.profiles / self.profiles.sum()
        return self.program.solve(share[..., None] * (self.sums / np.maximum(self.times, 1.0)), slack)


class _Optimistic(ABC):
    """What both kinds of feedback share: explore, then solve the relaxed program, and again when samples grow."""

    environments: ClassVar[tuple[type, ...]] = (InformationAcquisition,)
    confidence_scale: float
    tolerance: float

    @abstractmethod
    def exploration(self, horizon: int) -> int:
        """Return how many rounds are decided uniformly at random."""

    @abstractmethod
    def samples(self, state: Observed, t: int) -> float:
        """Return the sample size that determines the slack."""

    def state(self, known: ReceiverKnows, horizon: int, rng: Any) -> Observed:
        """Return a state that has seen nothing."""
        return Observed.nothing(known, horizon, self.exploration(horizon))

    def announce(self, state: Observed, t: int) -> Floats:
        """Return uniform decisions while exploring, then the optimum of the relaxed program."""
        if t > state.exploring and t - 1 >= (1.0 + self.tolerance) * state.solved_at:
            rows = sum(n * (n - 1) for n in state.known.n_signals)
            log = math.log(2.0 * max(rows, 1) * t * t * state.horizon)
            slack = self.confidence_scale * state.known.spread * math.sqrt(2.0 * log / self.samples(state, t))
            state.announced, state.solved_at = state.optimum(slack), t - 1
        return state.announced

    def update(self, state: Observed, seen: Heard, t: int) -> None:
        """Count the round."""
        state.add(seen)


@policy
class OnlineFullFeedback(_Optimistic):
    r"""The optimal mechanism for the estimates, with slack for their errors; all utilities are seen after each round.

    In round t the receiver solves the program of `InformationAcquisition.optimal` with empirical probabilities and
    utilities, in which a sender may gain :math:`\epsilon_t = D \sqrt{2 \log(2 n t^2 T) / t}` by a lie, where D is the
    spread of the senders' utilities and n the number of constraints, and announces the solution. The first round is
    decided uniformly at random.

    Parameters
    ----------
    confidence_scale : float, default 1.0
        Factor of :math:`\epsilon_t`; 1.0 is the theory.
    tolerance : float, default 0.05
        The program is re-solved once the number of rounds has grown by this share; 0 re-solves it before each round.

    Notes
    -----
    Guarantee (Cacciamani, Castiglioni, Gatti 2023, abstract; full feedback): regret and cumulative violation of
    incentive compatibility are :math:`\tilde O(\sqrt T)`. Reconstructed from the abstract and a summary, with what is
    unknown (probabilities and everybody's utilities) and :math:`\epsilon_t`, by Hoeffding's inequality for each
    constraint at the optimal mechanism. Regret is against the best incentive-compatible mechanism, and is negative
    where the relaxation gains more than it costs.

    References
    ----------
    Cacciamani, Castiglioni, Gatti (2023), Online Mechanism Design for Information Acquisition, arXiv:2302.02873.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.OnlineFullFeedback(confidence_scale=0.1)
    OnlineFullFeedback(confidence_scale=0.1)
    """

    feedback: ClassVar[str] = "full"
    sees: ClassVar[str] = "all reports, and what each decision was worth to everybody"
    confidence_scale: float = field(default=1.0, check=non_negative, doc="factor of the slack; 1.0 is the theory")
    tolerance: float = field(default=0.05, check=non_negative, doc="growth of the sample that has programs re-solved")

    def exploration(self, horizon: int) -> int:
        """Return 1: something must have been seen before a program is solved."""
        return 1

    def samples(self, state: Observed, t: int) -> float:
        """Return the number of rounds seen."""
        return t - 1.0


@policy
class OnlineBanditFeedback(_Optimistic):
    r"""Decides at random at first, then like `OnlineFullFeedback`; sees only the utilities of the decision taken.

    It decides at random for :math:`T^\alpha` rounds.

    Parameters
    ----------
    alpha : float, default 0.6666666666666666
        From 1/2 to 1: less violation, more regret.
    confidence_scale : float, default 1.0
        Factor of the slack :math:`\epsilon = D \sqrt{2 |A| \log(2 n t^2 T) / T^\alpha}`, with \|A\| decisions; 1.0 is
        the theory.
    tolerance : float, default 0.05
        As in `OnlineFullFeedback`.

    Notes
    -----
    Guarantee (Cacciamani, Castiglioni, Gatti 2023, abstract; bandit feedback, :math:`\alpha` in [1/2, 1]): regret is
    :math:`\tilde O(T^\alpha)` with :math:`\tilde O(T^{1 - \alpha/2})` cumulative violation of incentive compatibility,
    and no algorithm does better. Reconstructed as `OnlineFullFeedback` was.

    Estimates use later rounds too; the slack does not shrink, as decisions that are no longer taken are no longer
    learned about.

    References
    ----------
    Cacciamani, Castiglioni, Gatti (2023), Online Mechanism Design for Information Acquisition, arXiv:2302.02873.

    Examples
    --------
    >>> from banditlab import scoring
    >>> scoring.OnlineBanditFeedback(alpha=0.5)
    OnlineBanditFeedback(alpha=0.5)
    """

    feedback: ClassVar[str] = "bandit"
    alpha: float = field(default=2 / 3, check=between(0.5, 1.0), doc="exponent of the exploration")
    confidence_scale: float = field(default=1.0, check=non_negative, doc="factor of the slack; 1.0 is the theory")
    tolerance: float = field(default=0.05, check=non_negative, doc="growth of the sample that has programs re-solved")

    def exploration(self, horizon: int) -> int:
        r"""Return :math:`T^\alpha`, rounded up."""
        return math.ceil(horizon**self.alpha)

    def samples(self, state: Observed, t: int) -> float:
        """Return the number of exploration rounds per decision."""
        return state.exploring / state.known.n_decisions
