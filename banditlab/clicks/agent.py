"""A policy for click-bandits as an object that plays one round at a time, with real clicks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from banditlab.arms.agent import Agent
from banditlab.arms.support import finite_reward
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import shown, yes_or_no

from .kernel import learn


class ClickAgent(Agent):
    """Plays a policy one round at a time.

    Made by `banditlab.start`. Its selections are those of run `run` of a simulation with the same seed and horizon,
    as long as it gets the same clicks and rewards.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import clicks
    >>> policy = clicks.UCBS(utility=clicks.QuadraticUtility(penalty=5.0))
    >>> agent = bl.start(policy, n_arms=2, seed=0, horizon=1_000)
    >>> agent.select()
    0
    >>> agent.update(0, clicked=True, reward=0.7)
    >>> agent.select()
    1
    >>> agent.update(1, clicked=False)
    """

    _learn_kernel: ClassVar[Callable[..., Any]] = staticmethod(learn)

    def update(self, arm: int, clicked: bool, reward: float | None = None) -> None:  # type: ignore[override]
        """Learn the outcome of selecting the arm that `select` returned.

        Parameters
        ----------
        arm : int
            That arm.
        clicked : bool
            Whether it was clicked; 1 or 0 will do.
        reward : float or bool, optional
            Its post-click reward: a finite number, or True or False (1 and 0) for whether something came of the click.
            It must be given if, and only if, the arm was clicked.

        Raises
        ------
        OutOfTurn
            Before `select`.
        InvalidArgument, InvalidType
            For another arm, or a reward without a click or the other way round; the agent is then unchanged.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import clicks
        >>> policy = clicks.UCBS(utility=clicks.QuadraticUtility())
        >>> agent = bl.start(policy, n_arms=2, seed=0, horizon=1_000)
        >>> agent.update(agent.select(), clicked=True, reward=0.7)
        >>> agent.update(agent.select(), clicked=False)
        >>> agent.select()
        1
        """
        played = self._selected(arm)
        hit = yes_or_no("clicked", clicked)
        if hit and reward is None:
            raise InvalidType("reward is None; allowed: the post-click reward, as clicked is True")
        if not hit and reward is not None:
            raise InvalidArgument(f"reward is {shown(reward)}; allowed: None, as clicked is False")
        self._taught(played, hit, finite_reward("reward", reward) if hit else 0.0)
