"""`sweep`: many cells at once, one for each combination of parameters."""

from __future__ import annotations

import inspect
import itertools
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Required, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from .components import describe, is_component, is_kind
from .engine import GOES_ON, Progressed, play
from .errors import CellFailedWarning, InterruptedRunWarning, InvalidType
from .estimate import Estimate, estimate
from .experiment import GATHERERS, KnownBounds, Settings, cell_of, checked_settings, lower_bound, require_memory
from .jobs import Gatherer, Job
from .metrics import common_defaults
from .progress import Progress
from .results import Cell
from .statistics import QUANTILES
from .store import as_store
from .sweep_results import SweepCell, SweepResults, in_words
from .tasks import told_by, traceback_text
from .validation import boolean, invalid, positive_integer, shown, with_article
from .workers import checked_n_jobs

COLUMNS = (
    "policy", "run", "round", "metric", "mean", "ci_low", "ci_high", "std", "min", "max", *QUANTILES, "error",
    "traceback", "ratio_to_lower_bound", "rounds_per_second",
)  # fmt: skip
"""Columns of tables of results, which a parameter must not be called."""

HORIZON = "horizon"
"""The parameter that is an argument of `sweep` itself, and may be swept over like those of the factories."""


class Options(TypedDict, total=False):
    """What `sweep` takes by keyword, but for `dry_run`, which says what comes back."""

    n_runs: Required[int]
    horizon: int | None
    seed: int | None
    checkpoints: Any
    metrics: str | Sequence[str] | None
    n_jobs: int | None
    backend: str
    precision: str
    first_run: int
    keep: str
    store: Any
    progress: Any


@overload
def sweep(
    environment: Any, policies: Any, over: Any, *, dry_run: Literal[False] = False, **options: Unpack[Options]
) -> SweepResults: ...
@overload
def sweep(
    environment: Any, policies: Any, over: Any, *, dry_run: Literal[True], **options: Unpack[Options]
) -> Estimate: ...
@overload
def sweep(
    environment: Any, policies: Any, over: Any, *, dry_run: bool, **options: Unpack[Options]
) -> SweepResults | Estimate: ...
def sweep(
    environment: Any,
    policies: Any,
    over: Any,
    *,
    n_runs: int,
    horizon: int | None = None,
    seed: int | None = None,
    checkpoints: Any = "log",
    metrics: str | Sequence[str] | None = None,
    n_jobs: int | None = None,
    backend: str = "cpu",
    precision: str = "double",
    first_run: int = 0,
    keep: str = "runs",
    store: Any = None,
    progress: Any = "auto",
    dry_run: bool = False,
) -> SweepResults | Estimate:
    """Play policies on environments for every combination of parameters.

    A cell is one combination, one policy. All cells share the seed, so that they face the same luck. A cell that
    fails does not stop the others: its traceback is in the result (`failures`), and in the store.

    Parameters
    ----------
    environment : environment, or callable that returns one
        A factory, whose arguments are parameters: a function, or the class itself.
    policies : policy, callable that returns one, or a list or dict (label: either) of these
        Factories take parameters too.
    over : dict from str to sequence, or sequence of dicts
        The values of each parameter, of which all combinations are played; or the combinations themselves. Each
        must be an argument of a factory, or 'horizon'.
    n_runs : int
        Independent replications of each cell.
    horizon : int, optional
        Rounds a run; needed unless it is swept over. Values of 'horizon' in `over` take its place.
    seed, checkpoints, metrics, n_jobs, backend, precision, first_run, keep, store, progress
        As in `run`. With a store, what has finished is not computed again, whatever ended the sweep.
    dry_run : bool, default False
        Return an `Estimate` of cells, rounds, time and memory instead, for which each kind of cell is compiled and
        timed for some milliseconds. With a store it tells how many of the rounds that has.

    Returns
    -------
    SweepResults, or Estimate
        A table with the parameters as columns, plots, and the failures.

    Raises
    ------
    InvalidArgument, InvalidType
        For a bad argument, before anything is simulated.

    Warns
    -----
    CellFailedWarning
        If cells failed.
    InterruptedRunWarning
        When interrupted: the result then holds the cells that had finished.

    Examples
    --------
    >>> import banditlab as bl
    >>> from banditlab import arms
    >>> def gap(delta, n_arms):
    ...     return arms.Bernoulli([0.5] + [0.5 - delta] * (n_arms - 1))
    >>> def ucb(alpha):
    ...     return arms.UCB1(alpha=alpha)
    >>> over = {"delta": [0.1, 0.2], "n_arms": [2, 5], "alpha": [0.5, 2.0]}
    >>> result = bl.sweep(gap, [ucb, arms.Uniform()], over, horizon=500, n_runs=20, seed=0)
    >>> len(result.cells)  # Uniform takes no alpha: it is played once for each delta and n_arms
    12
    >>> result.summary().columns[:5].tolist()
    ['delta', 'n_arms', 'alpha', 'policy', 'mean']
    """
    world = _maker("environment", environment, "environment")
    players = _makers(policies)
    combinations = _combinations(over)
    settings = checked_settings(
        first_run=first_run, n_runs=n_runs, seed=seed, checkpoints=checkpoints, metrics=metrics, backend=backend,
        precision=precision, keep=keep, store=store,
    )  # fmt: skip
    names = parameters_of(combinations, settings.metrics)
    known = world.takes.union({HORIZON}, *(p.takes for p in players.values()))
    unknown = [name for name in names if name not in known]
    if unknown and not any(p.takes_any for p in (world, *players.values())):
        fixed = ", ".join(p.name for p in (world, *players.values()) if not p.takes)
        hint = f" (no arguments: {fixed})" if fixed else ""
        raise invalid(
            "over",
            unknown[0],
            f"'horizon', or an argument of a factory: {', '.join(sorted(known - {HORIZON})) or 'there is none'}{hint}",
        )
    n_jobs = checked_n_jobs(n_jobs)
    where = as_store(store)
    planned = _plan(world, players, combinations, horizon, settings)
    provenance = {
        "first_run": settings.first_run,
        "n_runs": settings.n_runs,
        "seed": settings.seed,
        "backend": ", ".join(dict.fromkeys(p.job.backend for p in planned if p.job is not None)),  # 'auto' can pick two
        "precision": precision,
        "keep": keep,
        "round": next((p.job.protocol.round for p in planned if p.job is not None), "round"),
        "cells": [
            p.known | p.components if p.job is not None else p.known | {"failure": told_by(p.failure)} for p in planned
        ],
    }
    if boolean("dry_run", dry_run):
        return estimate([p.job for p in planned if p.job is not None], keep, n_jobs, where)
    return _play(planned, provenance, keep, where, n_jobs, progress)


@dataclass(frozen=True)
class _Maker:
    """A component, or what makes one from parameters."""

    name: str
    make: Callable[..., Any]
    takes: frozenset[str]
    takes_any: bool
    kind: str

    def reads(self, parameter: str) -> bool:
        """Say whether it is given a parameter; the horizon only if it names it, which `**options` does not."""
        return parameter in self.takes or (self.takes_any and parameter != HORIZON)

    def __call__(self, parameters: Mapping[str, Any]) -> Any:
        made = self.make(**{name: value for name, value in parameters.items() if self.reads(name)})
        if not is_kind(made, self.kind):
            raise InvalidType(f"{self.name} returned {shown(made)}; allowed: {with_article(self.kind)}")
        return made


def _maker(name: str, value: Any, kind: str) -> _Maker:
    """Return what makes a component: of one that is made already, itself."""
    if is_kind(value, kind):
        return _Maker(name, lambda: value, frozenset(), False, kind)
    if is_component(value) or not callable(value):
        told = f"{name} is {shown(value)}; allowed: {with_article(kind)}, or a callable that returns one"
        if kind == "environment" and _holds(value, kind):
            told += " (several are values of a parameter: lambda world: several[world], over {'world': [...]})"
        raise InvalidType(told)
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError as error:  # of some classes and functions that are built in
        raise InvalidType(
            f"{name} is {shown(value)}; allowed: {with_article(kind)}, or a callable with named arguments"
        ) from error
    free = any(p.kind is p.VAR_KEYWORD for p in parameters)
    named = frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
    return _Maker(name, value, named, free, kind)


def _holds(value: Any, kind: str) -> bool:
    """Say whether a value is a list of components, or a dict from labels to them."""
    inside = list(value.values()) if isinstance(value, Mapping) else value
    return isinstance(inside, list | tuple) and any(is_kind(v, kind) for v in inside)


def _makers(policies: Any) -> dict[str, _Maker]:
    """Return what makes the policies, by label: the factory's name, or the policy's own label."""
    if isinstance(policies, Mapping):
        found = {label: _maker(f"policies[{label!r}]", value, "policy") for label, value in policies.items()}
    else:
        several = policies if isinstance(policies, list | tuple) else [policies]
        labels = [v.label if is_component(v) else _name_of(v) for v in several]
        for label in labels:
            if labels.count(label) > 1:
                raise invalid("policies", label, "different labels (name them with a dict)")
        found = {
            label: _maker(f"policies[{k}]", value, "policy")
            for k, (label, value) in enumerate(zip(labels, several, strict=True))
        }
    if not found:
        raise invalid("policies", policies, "at least one policy")
    return found


def _name_of(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


def _combinations(over: Any) -> list[dict[str, Any]]:
    """Return the combinations of parameters; NumPy's numbers, as of `np.arange`, become Python's."""
    return [
        {name: value.item() if isinstance(value, np.generic) else value for name, value in combination.items()}
        for combination in _combined(over)
    ]


def _combined(over: Any) -> list[dict[str, Any]]:
    if isinstance(over, Mapping):
        lists = {}
        for name, values in over.items():
            try:
                lists[name] = [] if isinstance(values, str | Mapping) else list(values)
            except TypeError:  # a number, or an array without axes
                lists[name] = []
            if not lists[name]:
                raise invalid(f"over[{name!r}]", values, "one or more values, as a list")
        return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    if not isinstance(over, list | tuple) or not over or not all(isinstance(c, Mapping) for c in over):
        raise InvalidType(f"over is {shown(over)}; allowed: a dict from parameter to values, or a list of dicts")
    return [dict(combination) for combination in over]


def parameters_of(combinations: Sequence[Mapping[str, Any]], metrics: tuple[str, ...] | None) -> list[str]:
    """Return the names of the parameters, or raise for one that a column of the tables has."""
    names = list(dict.fromkeys(name for combination in combinations for name in combination))
    for name in names:
        if not isinstance(name, str):
            raise InvalidType(f"over has the parameter {shown(name)}; allowed: names of parameters")
        if name in COLUMNS or name.endswith("regret") or name in (metrics or ()):
            raise invalid("over", name, f"a parameter that is no column of the tables ({', '.join(COLUMNS)}, metrics)")
    return names


@dataclass(frozen=True)
class _Planned:
    """A cell before it is played; it has no job if making its components failed."""

    parameters: dict[str, Any]
    policy: str
    job: Job | None
    failure: str = ""
    bound: NDArray[np.float64] | None = None
    of_environment: tuple[str, ...] = ()
    components: dict[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> dict[str, Any]:
        """What tells it from others, as plain data."""
        return {"parameters": {k: describe(v) for k, v in self.parameters.items()}, "label": self.policy}

    def with_outcome(self, cell: Cell | None, failure: str) -> SweepCell:
        """Return the cell of the result."""
        if self.job is None:
            return SweepCell(self.parameters, self.policy, None, failure)
        theirs = {name: self.parameters[name] for name in self.of_environment}
        return SweepCell(
            self.parameters,
            self.policy,
            cell,
            failure,
            self.job.horizon,
            self.job.checkpoints,
            environment=in_words(theirs) or self.job.environment.label,
            of_environment=self.of_environment,
            components=self.components,
        )


def _plan(
    world: _Maker,
    players: dict[str, _Maker],
    combinations: list[dict[str, Any]],
    horizon: Any,
    settings: Settings,
) -> list[_Planned]:
    """Return the cells; combinations that differ in nothing that a policy or the environment takes are one."""
    planned: list[_Planned] = []
    failures: list[Exception] = []
    seen: set[Any] = set()
    for combination in combinations:
        given = combination.get(HORIZON, horizon)
        if given is None:
            raise InvalidType("horizon is None; allowed: a positive integer, here or among the parameters in over")
        rounds = positive_integer(HORIZON, given)
        for label, player in players.items():
            mine = {k: v for k, v in combination.items() if k == HORIZON or world.reads(k) or player.reads(k)}
            key = (label, *((name, _token(value)) for name, value in sorted(mine.items())))
            if key in seen:
                continue
            seen.add(key)
            try:
                arguments = mine | {HORIZON: rounds}
                (job,) = settings.jobs({"environment": world(arguments)}, {label: player(arguments)}, rounds).values()
                theirs = tuple(k for k in mine if world.reads(k))
                told = {"environment": describe(job.environment), "policy": describe(job.policy)}
                planned.append(_Planned(mine, label, job, of_environment=theirs, components=told))
            except Exception as error:  # noqa: BLE001 - a factory can raise anything; other cells may be fine
                failures.append(error)
                planned.append(_Planned(mine, label, None, traceback_text()))
    if len(failures) == len(planned):
        raise failures[0]
    if settings.metrics is None:
        common_defaults({p.policy: p.job.policy for p in planned if p.job is not None})
    return planned


def _bounded(planned: list[_Planned]) -> list[_Planned]:
    """Return the cells with their lower bounds; those of a user's environment can raise, too."""
    known: KnownBounds = {}
    found = []
    for p in planned:
        try:
            found.append(p if p.job is None else replace(p, bound=lower_bound(p.job, known)))
        except Exception:  # noqa: BLE001
            found.append(replace(p, job=None, failure=traceback_text()))
    return found


def _play(
    planned: list[_Planned], provenance: dict[str, Any], keep: str, store: Any, n_jobs: int | None, progress: Any
) -> SweepResults:
    """Play the planned cells, and return what came of them."""
    require_memory([p.job for p in planned if p.job is not None], keep)
    planned = _bounded(planned)
    for p in planned if store is not None else ():
        store.write_unmade(p.known, p.failure)
    # what is known of a cell, by its place in the plan; that of a job among the jobs is another
    failures = {place: p.failure for place, p in enumerate(planned) if p.job is None}
    cells: dict[int, Cell] = {}
    jobs = {place: p.job for place, p in enumerate(planned) if p.job is not None}
    places = list(jobs)
    started = time.perf_counter()
    with Progress(sum(job.rounds for job in jobs.values()), progress) as bar:

        def ended(k: int, done: Progressed, gatherer: Gatherer | None) -> None:
            place = places[k]
            if done.failure:
                failures[place] = done.failure
            else:  # at once, as a summary is much smaller than what it is made of
                cells[place] = cell_of(gatherer, jobs[place].n_runs, done.seconds, planned[place].bound)
            bar.note(cells=f"{len(cells)}/{len(planned)}", failed=len(failures))

        played = play(
            list(jobs.values()), GATHERERS[keep], n_jobs=n_jobs, bar=bar, store=store, keep_going=True,
            names=[", ".join(filter(None, (p.policy, in_words(p.parameters)))) for p in planned if p.job is not None],
            ended=ended,
        )  # fmt: skip
    found = [
        p.with_outcome(cells.get(place), failures.get(place, ""))
        for place, p in enumerate(planned)
        if place in cells or place in failures
    ]
    if played.interrupted:
        if not cells:
            raise KeyboardInterrupt("before a cell had finished" + (GOES_ON if store is not None else ""))
        warnings.warn(
            f"interrupted: the result holds the {len(cells)} of {len(planned)} cells that had finished",
            InterruptedRunWarning,
            stacklevel=3,
        )
    if failures:
        first = told_by(failures[min(failures)])
        warnings.warn(
            f"{len(failures)} of {len(planned)} cells failed, the first with {first[:200]}; see the result's failures",
            CellFailedWarning,
            stacklevel=3,
        )
    seconds = {
        "compile_seconds": round(played.compile_seconds, 6),
        "wall_seconds": round(time.perf_counter() - started, 6),
    }
    return SweepResults(found, provenance | seconds)


def _token(value: Any) -> Any:
    """Return what tells a parameter's value from others: plain ones by value, others by being the same object."""
    return (type(value), value) if isinstance(value, int | float | str | type(None)) else id(value)
