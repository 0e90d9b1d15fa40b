"""A dueling policy as an object that plays one round at a time, with real comparisons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from banditlab.arms.agent import Agent
from banditlab.core.errors import InvalidType
from banditlab.core.validation import boolean, integer, shown

from .kernel import choose_arms, learn

N_ARMS = integer(2, limit=1 << 20)
"""How many arms an agent can have."""


class DuelingAgent(Agent):
    """Plays a dueling policy one round at a time.

    Made by `banditlab.start`. Its choices are those of run `run` of a simulation with the same seed, as long as the
    same arms win.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import dueling
    >>> agent = bl.start(dueling.RUCB(), n_arms=3, seed=0)
    >>> first, second = agent.select()
    >>> agent.update((first, second), first_won=True)
    """

    _choose_kernel: ClassVar[Callable[..., Any]] = staticmethod(choose_arms)
    _learn_kernel: ClassVar[Callable[..., Any]] = staticmethod(learn)

    def _chosen(self) -> tuple[int, int]:
        first, second = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self._choose(self._params, self._arrays, self.n_arms, self._round, self._rng, first, second)
        return int(first[0]), int(second[0])

    def _checked(self, name: str, choice: Any) -> tuple[int, int]:
        if not isinstance(choice, tuple | list) or len(choice) != 2:
            raise InvalidType(f"{name} is {shown(choice)}; allowed: a pair of arms")
        arm = integer(0, self.n_arms - 1)
        return arm(f"{name}[0]", choice[0]), arm(f"{name}[1]", choice[1])

    def update(self, arms: tuple[int, int], first_won: bool) -> None:  # type: ignore[override]
        """Learn the outcome of comparing the arms that `select` returned.

        Parameters
        ----------
        arms : (int, int)
            These arms, in the same order.
        first_won : bool
            Whether the first of them won; for an arm against itself, either value will do.

        Raises
        ------
        OutOfTurn
            Before `select`.
        InvalidArgument, InvalidType
            For other arms, or the same in the other order; the agent is then unchanged.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import dueling
        >>> agent = bl.start(dueling.RUCB(), n_arms=2, seed=0)
        >>> for _ in range(9):  # a world in which arm 0 always wins
        ...     first, second = agent.select()
        ...     agent.update((first, second), first_won=first == 0)
        >>> agent
        DuelingAgent(RUCB(), n_arms=2, round=10)
        """
        first, second = self._selected(arms, "arms")
        self._taught(first, second, boolean("first_won", first_won))
