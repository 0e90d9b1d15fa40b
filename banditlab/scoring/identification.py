"""Finding a scoring rule that is good enough, in as few rounds as possible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from banditlab.core import sampling
from banditlab.core.brief import brief
from banditlab.core.errors import IncompatiblePolicy
from banditlab.core.playing.progress import Progress
from banditlab.core.validation import RUN, SEED, boolean, invalid, non_negative, open_probability, positive
from banditlab.core.validation import positive_integer as rounds_of

from .informed import why_not_informed
from .policies.optimistic import Optimism
from .principal_agent_games import PrincipalAgentGame
from .simplex import Floats

if TYPE_CHECKING:
    from .principal_agent import PrincipalAgent


@dataclass(frozen=True, eq=False)
class Identified:
    """A scoring rule, and what it took to find it.

    Attributes
    ----------
    payments : float64 array (n_beliefs, n_states)
        The rule that was announced last, to which the agent responded with `action`.
    action : int
        The action that it induces.
    rounds : int
        Rounds played.
    certified : bool
        Whether the stopping rule was met; otherwise `max_rounds` was.
    solves : int
        Linear programs solved.
    """

    payments: Floats
    action: int
    rounds: int
    certified: bool
    solves: int

    __repr__ = brief


def identify(
    environment: PrincipalAgent,
    epsilon: float,
    delta: float = 0.05,
    *,
    adaptive: bool = False,
    confidence_scale: float = 1.0,
    tolerance: float = 0.05,
    max_rounds: int = 1_000_000,
    seed: int = 0,
    run: int = 0,
    progress: Any = "auto",
) -> Identified:
    r"""Return a scoring rule worth at least :math:`h^* - \epsilon`, with probability at least :math:`1 - \delta`.

    As in OSRA, the action k with the largest :math:`\hat h_k` is taken, with its solution :math:`\hat S`, and
    :math:`S_t = a \tilde S_k + (1 - a) \hat S` is announced; where the agent does something else, a bisection follows.
    It stops when the agent does k and

    .. math:: 2 (B_S + B_u) I_q(k) \le \frac{\epsilon - 2 a (B_S + B_u)}{1 - a},

    where :math:`I_q(k)` is the radius that :math:`\hat S` was solved for.

    Parameters
    ----------
    environment : PrincipalAgent
        The agent's environment. The learner does not see its distributions and costs: they make the informed rules and
        what the agent does.
    epsilon : float
        By how much less than optimal the profit may be; positive.
    delta : float, default 0.05
        Probability with which it may be less than that.
    adaptive : bool, default False
        False: :math:`a = \epsilon / (4 (B_S + B_u))`; True: :math:`a = \min(\sqrt{M / L_k}, 1)`, where :math:`L_k`
        counts the rounds in which k was to be induced; the number of rounds then depends on the gaps.
    confidence_scale : float, default 1.0
        Factor of the radii; 1.0 is the theory, which needs :math:`I_q` well below a times the margin of the informed
        rules: tens of millions of rounds, whereas 0.01 takes thousands.
    tolerance : float, default 0.05
        As in `OSRA`.
    max_rounds : int, default 1000000
        Where to stop in any case (a fixed budget).
    seed, run : int, default 0
        Which luck.
    progress : {'auto', True, False}, default 'auto'
        Whether to show a progress bar, of `max_rounds`; 'auto' does in terminals and notebooks.

    Returns
    -------
    Identified

    Raises
    ------
    InvalidType
        If the environment is not a `PrincipalAgent`.
    IncompatiblePolicy
        If there is no informed rule for some action.

    Notes
    -----
    Guarantee: where the radii hold (confidence_scale = 1), so does the rule: profit at :math:`S_t \in V_k` is
    :math:`u_k - (1 - a) v_{\hat S}(k) - a v_{\tilde S_k}(k)`, of which the first part loses at most
    :math:`(1 - a)\, 2 (B_S + B_u) I_q(k)` against :math:`h^* \le \hat h_k`, and the second :math:`2 a (B_S + B_u)`.
    With either a, :math:`\tilde O(\epsilon^{-2})` rounds, up to factors (Wang, Li, Wang 2025, Theorem 1 and Corollary
    1, as summarised): `banditlab.scoring.theory.identification_rate`.

    Reconstructed: the summary that was read misprints the stopping rule's right side; the one above was derived. So
    were the first K rounds, which play each informed rule once, and the width of bisections, :math:`a / K`, which for
    the fixed a is :math:`\epsilon / (4 K (B_S + B_u))`.

    References
    ----------
    Wang, Li, Wang (2025), Provably Efficient Algorithm for Best Scoring Rule Identification in Online Principal-Agent
    Information Acquisition, arXiv:2505.17379.

    Examples
    --------
    >>> from banditlab import scoring
    >>> agent = scoring.PrincipalAgent(
    ...     beliefs=[[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]],
    ...     action_distributions=[[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]],
    ...     costs=[0.0, 0.1],
    ...     utility=[0.9, 0.5, 0.9],
    ... )
    >>> found = scoring.identify(agent, epsilon=0.2, confidence_scale=0.01)
    >>> found.certified, agent.profit(found.payments) > agent.optimal().profit - 0.2
    (True, True)
    """
    epsilon = positive("epsilon", epsilon)
    delta = open_probability("delta", delta)
    adaptive = boolean("adaptive", adaptive)
    confidence_scale = non_negative("confidence_scale", confidence_scale)
    tolerance = non_negative("tolerance", tolerance)
    max_rounds = rounds_of("max_rounds", max_rounds)
    seed, run = SEED("seed", seed), RUN("run", run)
    reasons = why_not_informed(environment)
    if reasons:
        raise IncompatiblePolicy("; ".join(reasons))
    game = PrincipalAgentGame(environment)
    known = game.known_to(None)
    bound = known.max_payment + float(np.abs(known.utility).max())
    if epsilon >= bound:
        raise invalid("epsilon", epsilon, f"below {bound:g}, max_payment plus the largest utility")
    if max_rounds <= known.n_actions:
        raise invalid("max_rounds", max_rounds, f"above {known.n_actions}, the number of actions")
    luck = sampling.generator(seed, sampling.ENVIRONMENT_STREAM, run)
    optimism = Optimism(known, delta, confidence_scale, tolerance)
    for payments in known.informed:
        optimism.estimates.add(payments, game.play(payments, luck.random(2)).seen)
    meant = np.zeros(known.n_actions)
    last = known.informed[0], 0
    with Progress(max_rounds, progress) as bar:
        bar.add(known.n_actions)
        for t in range(known.n_actions + 1, max_rounds + 1):
            bar.add(1)
            if not optimism.bisecting:
                action = optimism.choose(t)
                meant[action] += 1.0
                share = min(math.sqrt(len(known.beliefs) / meant[action]), 1.0) if adaptive else epsilon / (4.0 * bound)
            payments = optimism.announce(share)
            if not optimism.take(game.play(payments, luck.random(2)).seen, share / known.n_actions):
                continue
            last = payments, action
            if share < 1.0:
                enough = (epsilon - 2.0 * share * bound) / (2.0 * bound * (1.0 - share))
                if optimism.solved_for <= enough:
                    return Identified(payments, action, t, True, optimism.solves)
                # a solution of the next round may do
                optimism.stale = optimism.radius(t + 1) <= enough
    return Identified(*last, max_rounds, False, optimism.solves)
