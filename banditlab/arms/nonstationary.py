"""Environments whose best arm changes: adversarial losses, and piecewise-stationary bandits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from banditlab.core.components import Params, Problem, field, is_kind
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.typed import FloatArray
from banditlab.core.validation import as_list, count, integer, invalid, matrix, shown

from .family import environment
from .support import Support


@environment
class Adversarial:
    r"""A fixed table of losses: in round t, arm a gives the reward 1 - losses[t-1, a].

    Regret is against the best arm in hindsight: after T rounds, :math:`\sum_{t \le T} \ell_{t, a_t} - \min_a
    \sum_{t \le T} \ell_{t, a}`; it can fall from one checkpoint to the next.

    Parameters
    ----------
    losses : sequence of sequences of float
        One row per round, one column per arm, in [0, 1]; at least as many rows as the horizon.

    Examples
    --------
    >>> from banditlab import arms
    >>> arms.Adversarial([[0.0, 1.0], [1.0, 0.0]]).n_arms
    2
    """

    losses: FloatArray = field(check=matrix(0.0, 1.0), doc="one row per round, one column per arm, in [0, 1]")

    benchmark: ClassVar[str] = "the best arm in hindsight"

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return int(self.losses.shape[1])

    @property
    def support(self) -> Support:
        """Rewards in [0, 1]."""
        return Support(0.0, 1.0)

    def check_horizon(self, horizon: int) -> None:
        """Raise if the table ends before the horizon."""
        if horizon > len(self.losses):
            raise invalid("horizon", horizon, f"at most {len(self.losses)}, the number of rows of Adversarial.losses")

    def derive(self, problem: Problem) -> dict[str, Any]:
        """Return what the best arm in hindsight adds to its loss in each round."""
        return {"best": np.diff(np.cumsum(self.losses, axis=0).min(axis=1), prepend=0.0)}

    def reward(self: Params, arm: int, u: float, t: int) -> float:
        """Return 1 minus the loss."""
        return 1.0 - self.losses[t - 1, arm]

    def gap(self: Params, arm: int, t: int) -> float:
        """Return the loss, minus the growth of the smallest cumulative loss."""
        return self.losses[t - 1, arm] - self.best[t - 1]


def _environments(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidType(f"{name} is {shown(value)}; allowed: a list of environments")
    if not value:
        raise invalid(name, value, "at least one environment")
    for k, part in enumerate(value):
        if not is_kind(part, "environment"):
            raise InvalidType(f"{name}[{k}] is {shown(part)}; allowed: an environment")
        if hasattr(part, "segments") or hasattr(part, "check_horizon"):
            raise InvalidType(f"{name}[{k}] is {shown(part)}; allowed: a stationary environment")
        if part.n_arms != value[0].n_arms:
            raise InvalidArgument(
                f"{name}[{k}] has {count(part.n_arms, 'arm')}; allowed: {value[0].n_arms}, as {name}[0]"
            )
    return list(value)


def checked_change_points(name: str, value: Any) -> list[int]:
    """Check for increasing rounds, from 2."""
    points = [integer(2)(f"{name}[{k}]", v) for k, v in enumerate(as_list(name, value, "a list of rounds"))]
    for k in range(1, len(points)):
        if points[k] <= points[k - 1]:
            raise invalid(f"{name}[{k}]", points[k], f"above {name}[{k - 1}], which is {points[k - 1]}")
    return points


def stretches(parts: Sequence[Any], change_points: Sequence[int], horizon: int) -> list[tuple[int, int, Any]]:
    """Return (first round, last round, part) of each part that starts by the horizon."""
    starts = [1, *change_points]
    ends = [*(p - 1 for p in change_points), horizon]
    return [
        (first, min(last, horizon), part)
        for first, last, part in zip(starts, ends, parts, strict=True)
        if first <= horizon
    ]


def check_change_points(environment: Any, parts: str) -> None:
    """Raise unless there is a change point between any two consecutive entries of the field `parts` names."""
    n_parts, n_points = len(getattr(environment, parts)), len(environment.change_points)
    if n_points != n_parts - 1:
        raise InvalidArgument(
            f"{type(environment).__name__}.change_points has {n_points} entries; "
            f"allowed: {n_parts - 1}, one fewer than {parts}"
        )


@environment
class PiecewiseStationary:
    """Stationary environments, one after the other.

    Regret is against the arm that is best in the current segment: the sum over rounds of its mean minus that of the arm
    played. A curve begins to rise at the last checkpoint before a change: let there be one in the round before each
    change point.

    Parameters
    ----------
    environments : list of environments
        One per segment, all with the same number of arms.
    change_points : list of int
        The first round of each segment except the first one: one fewer than environments; increasing, at least 2.

    Examples
    --------
    >>> from banditlab import arms
    >>> env = arms.PiecewiseStationary(
    ...     [arms.Bernoulli([0.1, 0.9]), arms.Bernoulli([0.9, 0.1])], change_points=[501]
    ... )
    >>> [(first, last) for first, last, _ in env.segments(1000)]
    [(1, 500), (501, 1000)]
    """

    environments: Sequence[Any] = field(check=_environments, kind="environment", doc="one environment a segment")
    change_points: Sequence[int] = field(check=checked_change_points, doc="first round of each segment but the first")

    def validate(self) -> None:
        """Check that there is a change point between any two consecutive environments."""
        check_change_points(self, "environments")

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return int(self.environments[0].n_arms)

    @property
    def support(self) -> Support:
        """The smallest support that contains that of every segment."""
        parts = [e.support for e in self.environments]
        return Support(min(p.low for p in parts), max(p.high for p in parts), all(p.binary for p in parts))

    def segments(self, horizon: int) -> list[tuple[int, int, Any]]:
        """Return (first round, last round, environment) of each segment that starts by the horizon.

        Parameters
        ----------
        horizon : int
            T, where the last segment ends.

        Examples
        --------
        >>> from banditlab import arms
        >>> first, then = arms.Bernoulli([0.1, 0.9]), arms.Bernoulli([0.9, 0.1])
        >>> env = arms.PiecewiseStationary([first, then], change_points=[501])
        >>> [(start, end) for start, end, _ in env.segments(1000)], len(env.segments(500))
        ([(1, 500), (501, 1000)], 1)
        """
        return stretches(self.environments, self.change_points, horizon)
