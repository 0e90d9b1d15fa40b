"""A policy for semi-bandits as an object that plays one round at a time, with real feedback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from banditlab.arms.agent import Agent
from banditlab.arms.support import check_reward
from banditlab.core.compiling.kernels import kernel
from banditlab.core.components import make_state
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.validation import integer, shown

from .kernel import choose_action, learn_round, weights_of_round
from .spaces import ActionSpace, has_kernel, make_work, needs, player_params

ARGUMENTS = {"items": ("outcomes",), "winner": ("value", "winner"), "value": ("value",)}


class SemiBanditAgent(Agent):
    """Plays a policy one round at a time.

    Made by `banditlab.start`. Its actions are those of run `run` of a simulation with the same seed, horizon and action
    set, as long as it gets the same feedback.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import semibandits
    >>> agent = bl.start(semibandits.CombUCB1(actions=semibandits.MSets(2)), n_arms=3, seed=0)
    >>> agent.select()
    (0, 1)
    >>> agent.update((0, 1), outcomes=[0.0, 1.0])
    >>> agent.select()
    (1, 2)
    """

    _choose_kernel = staticmethod(choose_action)
    _learn_kernel = staticmethod(learn_round)

    def _prepare(self) -> None:
        """Make what the policy and its oracle work with, and the kernels that choose and learn."""
        self.actions = self.policy.actions
        space = ActionSpace(self.n_arms, 1, self._horizon, self.actions)
        self._params = player_params(self.policy, space.problem)
        self._allowed = self.actions.params(space.problem)
        self._arrays = make_state(self.policy, space)
        self._work = make_work(self.actions, space)
        self._weights = np.zeros((self.n_arms, 1))
        self._largest = self.actions.max_size(self.n_arms)
        self._compiled = has_kernel(self._params, self._allowed)
        self._choose = kernel(self._choose_kernel, self._params, self._allowed)
        self._weigh = kernel(weights_of_round, self._params)
        self._learn = kernel(self._learn_kernel, self._params)

    def _chosen(self) -> tuple[int, ...]:
        if not self._compiled:
            self._weigh(self._params, self._arrays, self._round, self._rng, self._weights)
            return tuple(self.actions.maximise(self._weights[:, 0]))
        items, size = np.zeros((self._largest, 1), np.int64), np.zeros(1, np.int64)
        self._choose(
            self._params, self._arrays, self._allowed, self._work, self._round, self._rng, self._weights, items, size
        )
        return tuple(int(item) for item in items[: size[0], 0])

    def _checked(self, name: str, choice: Any) -> tuple[int, ...]:
        if not isinstance(choice, list | tuple | np.ndarray):
            raise InvalidType(f"{name} is {shown(choice)}; allowed: a sequence of items")
        return tuple(integer(0, self.n_arms - 1)(f"{name}[{k}]", item) for k, item in enumerate(choice))

    def _continue_from(self, saved: dict[str, Any]) -> None:
        pending = saved.get("pending") if isinstance(saved, dict) else None
        if pending is not None:
            action = self._checked("state['pending']", pending)
            if not 1 <= len(action) <= self._largest or list(action) != sorted(set(action)):
                raise InvalidArgument(
                    f"state['pending'] is {shown(pending)}; allowed: one to {self._largest} items, in ascending order"
                )
        super()._continue_from(saved)

    def update(  # type: ignore[override]
        self,
        action: Sequence[int],
        outcomes: Sequence[float] | None = None,
        *,
        value: float | None = None,
        winner: int | None = None,
    ) -> None:
        """Learn the outcome of the action that `select` returned.

        Parameters
        ----------
        action : sequence of int
            That action.
        outcomes : sequence of float or bool, optional
            The outcome of each of its items, with True and False for 1 and 0: for policies that learn from those, and
            only for them.
        value : float or bool, optional
            The action's reward, with True and False for 1 and 0: for policies that learn from it, and only for them.
        winner : int, optional
            The item that gave the reward, -1 if the reward is 0: for policies that learn from value-index feedback,
            with `value`.

        Raises
        ------
        OutOfTurn
            Before `select`.
        InvalidArgument, InvalidType
            For another action, or feedback other than what the policy learns from; the agent is then unchanged.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import semibandits
        >>> agent = bl.start(semibandits.CombUCB1(actions=semibandits.MSets(2)), n_arms=3, seed=0)
        >>> agent.update(agent.select(), outcomes=[0.0, 1.0])
        >>> agent
        SemiBanditAgent(CombUCB1(actions=MSets(2)), n_arms=3, round=2)
        """
        played = self._selected(action, "action")
        wanted = ARGUMENTS[needs(self.policy)]
        given = {"outcomes": outcomes, "value": value, "winner": winner}
        for name, got in given.items():
            if (got is None) == (name in wanted):
                allowed = "needed" if name in wanted else "not to be given"
                raise InvalidType(f"{name} is {shown(got)}; {self.policy!r} learns from {' and '.join(wanted)}, "
                                  f"allowed: {name} is {allowed}")  # fmt: skip
        items, drawn = np.zeros((self._largest, 1), np.int64), np.zeros((self._largest, 1))
        if outcomes is not None:
            listed: Any = outcomes
            if not (isinstance(listed, list | tuple) or (isinstance(listed, np.ndarray) and listed.ndim == 1)):
                raise InvalidType(f"outcomes is {shown(outcomes)}; allowed: a sequence of numbers, one per item")
            if len(outcomes) != len(played):
                raise InvalidArgument(f"outcomes is {shown(outcomes)}; allowed: {len(played)} numbers, one per item")
            drawn[: len(played), 0] = [
                check_reward(self.policy, outcome, f"outcomes[{k}]") for k, outcome in enumerate(outcomes)
            ]
        reward = 0.0 if value is None else check_reward(self.policy, value, "value")
        if winner is not None:
            who = integer(-1, self.n_arms - 1)("winner", winner)
            if who >= 0 and who not in played:
                raise InvalidArgument(f"winner is {who}; allowed: an item of {played}, or -1")
            if (who < 0) != (reward == 0.0):
                raise InvalidArgument(f"winner is {who} and value {reward:g}; allowed: -1 with 0, an item with another")
            if who >= 0:
                drawn[played.index(who), 0] = reward
        items[: len(played), 0] = played
        self._taught(items, len(played), drawn, reward)
