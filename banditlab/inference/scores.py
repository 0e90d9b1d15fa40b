"""What is compared: one number per policy, run and environment, taken from results or passed as an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core.brief import brief
from banditlab.core.errors import BanditlabError, InvalidArgument, InvalidType
from banditlab.core.results.checkpoints import position_of
from banditlab.core.results.metrics import abridged, good_when_small, metric_name
from banditlab.core.results.results import Results
from banditlab.core.sweeps.sweep_results import SweepResults
from banditlab.core.validation import count, integer, invalid, matrix, one_of, shown


@dataclass(frozen=True)
class Scores:
    """One number per run.

    Attributes
    ----------
    values : float64 array of shape (environments, policies, runs)
        The numbers; run i is the same luck for every policy.
    environments, policies : tuple of str
        Labels.
    metric : str
        What the numbers are.
    good_when_small : bool or None
        Which direction is good; None if neither the caller nor the metric's name says.
    shared : bool
        Whether run i has the same luck in every environment too, as in all results of `banditlab.run`.
    """

    values: NDArray[np.float64]
    environments: tuple[str, ...]
    policies: tuple[str, ...]
    metric: str
    good_when_small: bool | None
    shared: bool

    __repr__ = brief

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return int(self.values.shape[2])

    @property
    def smaller_is_better(self) -> bool:
        """Which direction is good; raises if that is unknown."""
        return _told(self.good_when_small, self.metric)

    def policy(self, name: str, value: Any, *, also: str = "") -> int:
        """Return the position of a policy that is given by label or position; messages name what is `also` allowed."""
        if isinstance(value, str) and value in self.policies:
            return self.policies.index(value)
        last = len(self.policies) - 1
        try:
            return int(integer(0, last)(name, value))
        except BanditlabError as error:
            kind = InvalidArgument if isinstance(value, str) else type(error)
            positions = f"a position from 0 to {last}"
            raise kind(
                f"{name} is {shown(value)}; allowed: one of {abridged(self.policies)}, {also}or {positions}"
            ) from error


def smaller_is_better(metric: str, better: str | None) -> bool:
    """Return whether small values of a metric are good: as `better` says, or else its name; raise if neither does."""
    return _told(_direction(metric, better), metric)


def _direction(metric: str, better: str | None) -> bool | None:
    if not isinstance(metric, str):
        raise InvalidType(f"metric is {shown(metric)}; allowed: a metric's name")
    if better is None:
        return good_when_small(metric)
    return bool(one_of("smaller", "larger")("better", better) == "smaller")


def _told(small: bool | None, metric: str) -> bool:
    if small is None:
        raise InvalidArgument(
            f"better is None, and metric is {metric!r}; allowed: 'smaller' or 'larger', as it is neither regret nor "
            "reward"
        )
    return small


def scores(
    values: Any,
    *,
    metric: str | None = None,
    environment: str | None = None,
    at: int | None = None,
    better: str | None = None,
    least: int = 2,
) -> Scores:
    """Return the numbers to compare.

    Parameters
    ----------
    values : Results, or array of shape (policies, runs) or (environments, policies, runs)
        Where they come from. Statements about pairs hold only if policies share the luck of a run.
    metric : str, optional
        One of `values.metrics`, default 'regret' or the first; for an array only its name.
    environment : str, optional
        Default all environments. For results only.
    at : int, optional
        One of `values.checkpoints`, default the last. For results only.
    better : {'smaller', 'larger'}, optional
        Which values are good; by default 'smaller' for regrets and violations, 'larger' for rewards, returns, CVaRs,
        profits and the rate of optimal arms. It must be given for other metrics, such as ``pulls[0]``.
    least : int, default 2
        With fewer runs than this an error is raised.

    Raises
    ------
    InvalidArgument, InvalidType
        For a name, round or array that is not allowed, for too few runs, or a metric that is undefined in some run.

    Examples
    --------
    >>> scores([[1.0, 2.0], [3.0, 4.0]]).policies
    ('policy 0', 'policy 1')
    """
    if metric is None:
        metric = values.default_metric if isinstance(values, Results) else "regret"
    metric = metric_name(metric)
    direction = _direction(metric, better)
    if isinstance(values, Results):
        names = values.environments if environment is None else (environment,)
        column = position_of(at, values.checkpoints)
        table = np.stack([values.values(metric, name)[:, :, column] for name in names])
        for e, name in enumerate(names):
            for k, label in enumerate(values.policies):
                check_finite(table[e, k], metric, label, name)
        found = Scores(table, names, values.policies, metric, direction, shared=True)
    else:
        for name, given in (("environment", environment), ("at", at)):
            if given is not None:
                raise invalid(name, given, "nothing where values is an array: it holds the numbers themselves")
        table = _array(values)
        names = tuple(f"environment {k}" for k in range(len(table)))
        labels = tuple(f"policy {k}" for k in range(table.shape[1]))
        found = Scores(table, names, labels, metric, direction, shared=False)
    if found.n_runs < least:
        raise InvalidArgument(f"values has {count(found.n_runs, 'run')}; allowed: at least {least} runs")
    return found


def check_finite(runs: NDArray[np.float64], metric: str, policy: str, environment: str) -> None:
    """Raise if a metric is undefined in some runs of a policy on an environment."""
    undefined = int(np.count_nonzero(~np.isfinite(runs)))
    if undefined:
        raise InvalidArgument(
            f"{metric} of {policy} on {environment} is undefined in {undefined} of {len(runs)} runs; "
            "allowed: finite numbers, one for every run"
        )


def _array(values: Any) -> NDArray[np.float64]:
    if not isinstance(values, list | tuple) and not hasattr(values, "__array__"):
        told = f"values is {shown(values)}; allowed: what banditlab.run or load returned, or an array (policies, runs)"
        if isinstance(values, SweepResults):
            told += "; sweep.results({...}) are those of the cells with these parameters"
        raise InvalidType(told)
    try:
        blocks = np.ndim(values) == 3
    except ValueError:
        blocks = False  # rows of different lengths, which the check of a matrix names
    if blocks:
        return np.stack([matrix()(f"values[{k}]", block) for k, block in enumerate(values)])
    checked: NDArray[np.float64] = matrix()("values", values)
    return checked[None]


def one_environment(found: Scores) -> Scores:
    """Raise unless there is one environment."""
    if len(found.environments) > 1:
        raise invalid("environment", None, f"one of {abridged(found.environments)}, since there are several")
    return found
