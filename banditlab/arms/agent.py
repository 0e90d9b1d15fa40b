"""A policy as an object that plays one round at a time, with real feedback."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from banditlab.core import sampling
from banditlab.core.compiling.kernels import explained, kernel
from banditlab.core.components import Problem, Space, describe, make_state
from banditlab.core.errors import InvalidArgument, InvalidType, OutOfTurn
from banditlab.core.validation import integer, positive_integer, shown

from .kernel import choose_arm, learn
from .support import check_reward


class Agent:
    """Plays a policy one round at a time.

    Made by `banditlab.start`. Its choices are those of run `run` of a simulation with the same seed, as long
    as it gets the same rewards.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> agent = bl.start(arms.RoundRobin(), n_arms=3, seed=0)
    >>> arm = agent.select()
    >>> agent.update(arm, 0.5)
    >>> arm, agent.select()
    (0, 1)
    """

    # other families choose and teach other things
    _choose_kernel: ClassVar[Callable[..., Any]] = staticmethod(choose_arm)
    _learn_kernel: ClassVar[Callable[..., Any]] = staticmethod(learn)
    space: ClassVar[type[Space]] = Space  # what makes the arrays of policies' states

    def __init__(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> None:
        self.policy = policy
        self.n_arms = n_arms
        self._horizon = horizon
        self._rng = sampling.seeded(seed, sampling.POLICY_STREAM, run, 1)
        self._round = 1
        self._pending: Any = None
        self._prepare()

    def _prepare(self) -> None:
        """Make the policy's parameters, its state, and the kernels that choose and learn."""
        self._params = self.policy.params(Problem(self.n_arms, self._horizon))
        self._arrays = make_state(self.policy, self.space(self.n_arms, 1, self._horizon))
        self._choose = kernel(self._choose_kernel, self._params)
        self._learn = kernel(self._learn_kernel, self._params)

    def __repr__(self) -> str:
        """Return the policy and the round."""
        return f"{type(self).__name__}({self.policy!r}, n_arms={self.n_arms}, round={self._round})"

    def select(self) -> Any:
        """Return the arm to play in this round.

        Returns
        -------
        int
            From 0 to n_arms - 1. (Two arms for duels, the items of an action for semi-bandits.)

        Raises
        ------
        OutOfTurn
            If the last choice has no `update` yet, or after the horizon.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> agent = bl.start(arms.RoundRobin(), n_arms=2, seed=0)
        >>> agent.select()
        0
        >>> agent
        Agent(RoundRobin(), n_arms=2, round=1)
        """
        self._check_turn()
        with explained(self.policy):
            self._pending = self._chosen()
        return self._pending

    def _check_turn(self) -> None:
        """Raise unless it is time to select."""
        if self._pending is not None:
            raise OutOfTurn(f"select was called twice in round {self._round}; allowed: update after each select")
        if self._horizon is not None and self._round > self._horizon:
            raise OutOfTurn(f"select was called in round {self._round}; allowed: up to the horizon, {self._horizon}")

    def _chosen(self) -> Any:
        """Return what the policy chooses."""
        arm = np.zeros(1, np.int64)
        self._choose(self._params, self._arrays, self.n_arms, self._round, self._rng, np.zeros(1), arm, np.zeros(1))
        return int(arm[0])

    def _checked(self, name: str, choice: Any) -> Any:
        """Return a choice in its canonical form, or raise if it is not a valid one."""
        return integer(0, self.n_arms - 1)(name, choice)

    def update(self, arm: int, reward: float) -> None:
        """Learn the reward of the arm that `select` returned.

        Parameters
        ----------
        arm : int
            That arm.
        reward : float or bool
            Its reward, finite and of the kind that the policy learns from; True and False are 1 and 0.

        Raises
        ------
        OutOfTurn
            Before `select`.
        InvalidArgument, InvalidType
            For another arm, or a reward that is not a number or not of the kind that the policy learns from; the agent
            is then unchanged.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> agent = bl.start(arms.UCB1(), n_arms=2, seed=0)
        >>> for _ in range(20):  # a world in which arm 1 always pays
        ...     arm = agent.select()
        ...     agent.update(arm, arm == 1)
        >>> agent.select()
        1
        """
        played = self._selected(arm)
        self._taught(played, check_reward(self.policy, reward))

    def _selected(self, choice: Any, name: str = "arm") -> Any:
        """Return the choice whose outcome is known, or raise if it is not the one that was made."""
        if self._pending is None:
            raise OutOfTurn(f"update was called before select in round {self._round}; allowed: after it")
        played = self._checked(name, choice)
        if played != self._pending:
            raise InvalidArgument(f"{name} is {played}; allowed: {self._pending}, which select returned")
        return played

    def _taught(self, *feedback: Any) -> None:
        """Give the policy what was played and its outcome, and go on to the next round."""
        with explained(self.policy):
            self._learn(self._params, self._arrays, *feedback, self._round)
        self._pending = None
        self._round += 1

    def _everything(self) -> dict[str, Any]:
        return {
            "policy": describe(self.policy),
            "n_arms": self.n_arms,
            "horizon": self._horizon,
            "round": self._round,
            "pending": self._pending,
            "rng": self._rng,
            "arrays": _as_dict(self._arrays),
        }

    @property
    def state(self) -> dict[str, Any]:
        """Everything that the future depends on, as picklable data; assign it to restore.

        Raises
        ------
        InvalidArgument, InvalidType
            When it is assigned, for anything but a state of an agent with the same policy, number of arms and horizon.

        Examples
        --------
        >>> import banditlab as bl
        >>> from banditlab import arms
        >>> first, second = (bl.start(arms.Uniform(), n_arms=100, seed=seed) for seed in (0, 1))
        >>> second.state = first.state
        >>> first.select() == second.select()
        True
        """
        return copy.deepcopy(self._everything())

    @state.setter
    def state(self, saved: dict[str, Any]) -> None:
        self._continue_from(saved)

    def _continue_from(self, saved: dict[str, Any]) -> None:
        if not isinstance(saved, dict) or set(saved) != set(self._everything()):
            raise InvalidType(f"state is {shown(saved)}; allowed: the state of another agent")
        for name, mine in (("policy", describe(self.policy)), ("n_arms", self.n_arms), ("horizon", self._horizon)):
            if type(saved[name]) is not type(mine) or saved[name] != mine:
                raise InvalidArgument(f"state[{name!r}] is {shown(saved[name])}; allowed: {mine}")
        turn = positive_integer("state['round']", saved["round"])
        pending = saved["pending"]
        if pending is not None:
            pending = self._checked("state['pending']", pending)
        _check_like("state['rng']", saved["rng"], self._rng)
        _check_like("state['arrays']", saved["arrays"], _as_dict(self._arrays))
        self._round, self._pending = turn, pending
        self._rng[...] = saved["rng"]
        _restore(self._arrays, saved["arrays"])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the constructor's arguments and the state; compiled kernels are found again."""
        return _restored, (type(self), self.policy, self.n_arms, self._horizon, self.state)


def _restored(cls: type[Agent], policy: Any, n_arms: int, horizon: int | None, state: dict[str, Any]) -> Agent:
    agent = cls(policy, n_arms, 0, 0, horizon)
    agent.state = state
    return agent


def _as_dict(arrays: Any) -> dict[str, Any]:
    return {
        name: _as_dict(value) if isinstance(value, tuple) else value.copy()
        for name, value in zip(arrays._fields, arrays, strict=True)
    }


def _check_like(name: str, saved: Any, mine: Any) -> None:
    """Raise for arrays, or dicts of arrays, whose names, shapes or types differ from an agent's own."""
    if isinstance(mine, dict):
        if not isinstance(saved, dict) or set(saved) != set(mine):
            raise InvalidType(f"{name} is {shown(saved)}; allowed: arrays called {', '.join(sorted(mine))}")
        for key, value in mine.items():
            _check_like(f"{name}[{key!r}]", saved[key], value)
    elif not isinstance(saved, np.ndarray) or saved.shape != mine.shape or saved.dtype != mine.dtype:
        raise InvalidType(f"{name} is {shown(saved)}; allowed: an array of {mine.dtype}, of shape {mine.shape}")


def _restore(arrays: Any, saved: dict[str, Any]) -> None:
    for name, value in zip(arrays._fields, arrays, strict=True):
        if isinstance(value, tuple):
            _restore(value, saved[name])
        else:
            value[...] = saved[name]
