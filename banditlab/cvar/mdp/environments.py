"""Tabular Markov decision processes with a finite horizon."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from banditlab.core.components import field
from banditlab.core.errors import InvalidArgument
from banditlab.core.typed import FloatArray
from banditlab.core.validation import integer, invalid, positive, positive_integer

from .checks import MAX_ENTRIES, ROWS_SUM_TO_ONE_WITHIN, normal_rows, rows_sum_to_one, tensor
from .family import mdp_environment
from .model import Model, atoms_of
from .sums import MAX_STEPS, Sums, sums_of

TRANSITIONS = "probabilities, shape (S, A, S), or (H, S, A, S) with another matrix at each step"
ROUNDED = 0.01 + ROWS_SUM_TO_ONE_WITHIN
"""How far from 1 the sums of rounded rows may be, for a message to say how they are divided by them."""

REWARDS = "finite numbers, shape (S, A) or (S, A, S), with steps first if transitions have them"


def _transitions(name: str, value: Any) -> NDArray[np.float64]:
    found = tensor(name, value, TRANSITIONS, (3, 4), low=0.0)
    if found.shape[-1] != found.shape[-3]:
        raise InvalidArgument(f"{name} has shape {found.shape}; allowed: {TRANSITIONS}")
    _distributions(name, found, "next states")
    return found


def _rewards(name: str, value: Any) -> NDArray[np.float64]:
    return tensor(name, value, REWARDS, (1, 2, 3, 4))


def _reward_probabilities(name: str, value: Any) -> NDArray[np.float64] | None:
    if value is None:
        return None
    found = tensor(name, value, "probabilities, shape (S, A, M) or (H, S, A, M)", (3, 4), low=0.0)
    _distributions(name, found, "the rewards")
    return found


def _distributions(name: str, rows: NDArray[np.float64], over: str) -> None:
    """Raise unless all rows sum to one, and say how those that were rounded will."""
    try:
        rows_sum_to_one(name, rows, f"a distribution over {over}, within {ROWS_SUM_TO_ONE_WITHIN:g}")
    except InvalidArgument as error:
        if np.abs(rows.sum(axis=-1) - 1.0).max() > ROUNDED:
            raise
        remedy = "as in P / P.sum(-1, keepdims=True) for a rounded array P of float64"
        raise InvalidArgument(f"{error}, {remedy}") from None


@mdp_environment
class TabularMDP:
    r"""A Markov decision process with S states, A actions, H steps per episode, and known rewards.

    In step h = 1, ..., H of an episode, in state s, action a leads to state s' with probability
    :math:`P_h(s' \mid s, a)` and pays a reward. The return is the sum of the H rewards. States, actions and, in
    arrays, steps count from 0.

    Parameters
    ----------
    transitions : array_like, shape (S, A, S) or (H, S, A, S)
        Probabilities of the next state, the same in every step or not.
    rewards : array_like
        Shape (S, A): what action a in state s pays; or (S, A, S): what it pays if the next state is s'; or (M,), with
        `reward_probabilities`: the values that random rewards have.

        With transitions of shape (H, S, A, S) the first two may have the steps first: (H, S, A) or (H, S, A, S). Where
        H, S and A are equal, three axes are read as (H, S, A).
    horizon : int
        Steps per episode (H). (`horizon` in `banditlab.run` is the number of episodes.)
    initial_state : int, default 0
        Where every episode starts.
    reward_probabilities : array_like, shape (S, A, M) or (H, S, A, M), optional
        How likely each of the M values of `rewards` is, whatever the next state. Where both depend on something else
        that is drawn, such as a demand that the remaining stock does not fully reveal, make that a part of the state.

    Raises
    ------
    InvalidArgument
        For shapes that do not fit, rewards that are not finite, an initial state that does not exist, or a row that
        does not sum to one; the message names the row.

    Examples
    --------
    A lottery: action 0 pays 0.4 for sure, action 1 pays 1 with probability 0.6.

    >>> from banditlab import cvar
    >>> lottery = cvar.TabularMDP([[[1.0], [1.0]]], [0.0, 0.4, 1.0], horizon=1,
    ...                           reward_probabilities=[[[0.0, 1.0, 0.0], [0.4, 0.0, 0.6]]])
    >>> cvar.plan_mean(lottery).value, cvar.plan_static_cvar(lottery, tau=0.5).value
    (0.6, 0.4)
    >>> cvar.TabularMDP([[[0.5, 0.4]], [[0.0, 1.0]]], [[0.0], [1.0]], horizon=2)
    Traceback (most recent call last):
        ...
    banditlab.core.errors.InvalidArgument: TabularMDP.transitions[0][0] sums to 0.9; allowed: 1, as a distribution
    over next states, within 1e-09
    """

    transitions: FloatArray = field(check=_transitions, doc="probabilities of the next state")
    rewards: FloatArray = field(check=_rewards, doc="what is paid, or the values it can have")
    horizon: int = field(check=positive_integer, doc="steps an episode")
    initial_state: int = field(default=0, check=integer(0), doc="where every episode starts")
    reward_probabilities: Any = field(
        default=None, check=_reward_probabilities, doc="how likely each value of the rewards is"
    )

    def validate(self) -> None:
        """Check that shapes fit together."""
        name = type(self).__name__
        if self.horizon * self.n_states > MAX_ENTRIES:
            raise invalid(
                f"{name}.horizon",
                self.horizon,
                f"at most {MAX_ENTRIES // self.n_states}, as plans are by step and state",
            )
        if self.initial_state >= self.n_states:
            raise invalid(f"{name}.initial_state", self.initial_state, f"0 to {self.n_states - 1}")
        if self.transitions.ndim == 4 and len(self.transitions) != self.horizon:
            raise InvalidArgument(
                f"{name}.transitions has {len(self.transitions)} steps; allowed: the horizon, {self.horizon}"
            )
        random = self.reward_probabilities is not None
        given = self.reward_probabilities if random else self.rewards
        if random and self.rewards.ndim != 1:
            raise InvalidArgument(
                f"{name}.rewards has shape {self.rewards.shape}; allowed: (M,), as there are reward_probabilities"
            )
        if given.shape not in self._shapes(random):
            which = "reward_probabilities" if random else "rewards"
            allowed = " or ".join(str(shape) for shape in self._shapes(random))
            raise InvalidArgument(f"{name}.{which} has shape {given.shape}; allowed: {allowed}")

    def _shapes(self, random: bool) -> list[tuple[int, ...]]:
        n, k, steps = self.n_states, self.n_actions, self.horizon
        if random:
            m = len(self.rewards)
            return [(n, k, m), (steps, n, k, m)]
        if self.transitions.ndim == 4:
            return [(n, k), (n, k, n), (steps, n, k), (steps, n, k, n)]
        return [(n, k), (n, k, n)]

    @property
    def n_states(self) -> int:
        """Number of states (S)."""
        return self.transitions.shape[-1]

    @property
    def n_actions(self) -> int:
        """Number of actions (A)."""
        return self.transitions.shape[-2]

    @property
    def n_arms(self) -> int:
        """Number of actions: what a policy chooses from, as arms are elsewhere."""
        return self.n_actions

    @property
    def stationary(self) -> bool:
        """Whether transitions and rewards are the same in every step."""
        model = self.model
        return len(model.transitions) == 1 and len(model.index) == 1

    @property
    def deterministic_rewards(self) -> bool:
        """Whether rewards are a function of step, state and action."""
        return self.model.index.shape[3:] == (1, 1)

    @functools.cached_property
    def model(self) -> Model:
        """The MDP in the form that planning uses."""
        n, k = self.n_states, self.n_actions
        transitions = normal_rows(self.transitions.reshape(-1, n, k, n))
        if self.reward_probabilities is not None:
            weights = np.array(normal_rows(self.reward_probabilities.reshape(-1, n, k, len(self.rewards))))
            atoms, which = atoms_of(self.rewards)
            index = np.broadcast_to(which, weights.shape)[:, :, :, None, :]
        else:
            atoms, which = atoms_of(self.rewards)
            by_step = self.transitions.ndim == 4 and self.rewards.shape[:3] == (self.horizon, n, k)
            on_next = self.rewards.ndim == (4 if by_step else 3)
            index = which.reshape(-1, n, k, n if on_next else 1, 1)
            weights = np.ones((len(index), n, k, 1))
        return Model(self.horizon, self.initial_state, transitions, atoms, np.ascontiguousarray(index), weights)

    @functools.cached_property
    def return_range(self) -> tuple[float, float]:
        """The smallest and the largest return that have positive probability under some policy.

        Examples
        --------
        >>> from banditlab import cvar
        >>> cvar.TabularMDP([[[1.0], [1.0]]], [[0.25, 0.5]], horizon=3).return_range
        (0.75, 1.5)
        """
        return self.model.range_of_sums(self.model.atoms)

    @functools.cached_property
    def sums(self) -> Sums:
        """All sums of rewards that can have been paid before each step; raises where there are too many."""
        return sums_of(self.model, self.model.atoms)

    def with_rewards(self, rewards: NDArray[np.float64]) -> Self:
        """Return the same MDP with other values for `rewards`.

        Parameters
        ----------
        rewards : array of the shape of `rewards`
            The new ones.

        Examples
        --------
        >>> from banditlab import cvar
        >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [[0.25, 0.5]], horizon=2)
        >>> mdp.return_range, mdp.with_rewards(2.0 * mdp.rewards).return_range
        ((0.5, 1.0), (1.0, 2.0))
        """
        fields: dict[str, Any] = {"rewards": rewards}
        return dataclasses.replace(self, **fields)

    def normalised(self) -> Self:
        """Return the MDP whose rewards are non-negative and whose largest return is one, as the theory assumes.

        The smallest reward is subtracted from every reward and the result divided by the largest return that is then
        possible. As every episode has H steps, this maps every return by the same increasing affine function, and
        changes no policy's rank. The `return_range` of both MDPs gives the two ends of that function, to convert values
        back to the units of this MDP; differences, such as regret, are multiplied by the ratio of the widths.

        Examples
        --------
        >>> from banditlab import cvar
        >>> mdp = cvar.TabularMDP([[[1.0], [1.0]]], [[-3.0, 1.0]], horizon=2)
        >>> unit = mdp.normalised()
        >>> unit.rewards.tolist()
        [[0.0, 0.5]]

        A return of 0.5 there, in the units here: once -3, once 1.

        >>> (low, high), (unit_low, unit_high) = mdp.return_range, unit.return_range
        >>> low + (0.5 - unit_low) * (high - low) / (unit_high - unit_low)
        -2.0
        """
        smallest = self.model.smallest  # what no state can ever pay should not set the scale
        shifted = np.maximum(self.rewards - smallest, 0.0)
        largest = self.model.range_of_sums(np.maximum(self.model.atoms - smallest, 0.0))[1]
        return self.with_rewards(shifted / largest if largest > 0.0 else shifted)

    def rounded(self, eta: float) -> Self:
        r"""Return the MDP whose rewards are rounded up to multiples of `eta`; returns rise by at most H times it.

        For learners that want returns of at most 1, round first: `mdp.rounded(eta).normalised()`.

        Parameters
        ----------
        eta : float
            The grid, :math:`\eta`; positive. A coarser one makes planning for static CVaR faster, and its values less
            exact.

        Examples
        --------
        >>> from banditlab import cvar
        >>> cvar.TabularMDP([[[1.0], [1.0]]], [[0.31, 0.5]], horizon=2).rounded(0.25).rewards.tolist()
        [[0.5, 0.5]]
        """
        step = positive("eta", eta)
        if float(np.abs(self.rewards).max()) / MAX_STEPS > step:
            raise invalid("eta", eta, f"a grid on which rewards are at most {MAX_STEPS:g} steps")
        return self.with_rewards(step * np.ceil(self.rewards / step - 1e-9))

    @classmethod
    def from_gymnasium(cls, env: Any, horizon: int | None = None, initial_state: int | None = None) -> Self:
        """Return the MDP of one of Gymnasium's toy-text environments: FrozenLake, CliffWalking, Taxi.

        States and actions keep the environment's numbers; probabilities and rewards are those of its table `P`. States
        in which an episode ends are absorbing and pay nothing more.

        Parameters
        ----------
        env : gymnasium.Env or str
            The environment, or its name. An environment needs the attribute `P`; a name needs Gymnasium
            (`pip install gymnasium`).
        horizon : int, optional
            Steps per episode; default: the environment's own limit, where it has one.
        initial_state : int, optional
            Where episodes start; default: where the environment always starts. Taxi starts anywhere, and so needs one.

        Raises
        ------
        InvalidType, InvalidArgument
            If it has no table `P`, no horizon or no single initial state is known, or rewards are random given state,
            action and next state.

        Examples
        --------
        >>> from banditlab import cvar
        >>> class Coin:  # all that is asked of an environment: `unwrapped`, with the table P
        ...     P = {0: {0: [(0.5, 0, 0.0, False), (0.5, 1, 1.0, True)]}, 1: {0: [(1.0, 1, 0.0, True)]}}
        ...     initial_state_distrib = [1.0, 0.0]
        ...     unwrapped = property(lambda self: self)
        >>> cvar.plan_mean(cvar.TabularMDP.from_gymnasium(Coin(), horizon=3)).value
        0.875
        """
        from .gym import tables

        found = tables(env, horizon, initial_state)
        return cls(found.transitions, found.rewards, found.horizon, found.initial_state)
