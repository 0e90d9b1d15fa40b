"""`sweep`: many cells at once, one for each combination of parameters."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Required, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from ..components import describe
from ..errors import BanditlabError, CellFailedWarning, InterruptedRunWarning, InvalidType
from ..origin import is_ours
from ..playing.engine import GOES_ON, play
from ..playing.estimate import Estimate, estimate
from ..playing.experiment import GATHERERS, KnownBounds, Settings, cell_of, checked_settings, lower_bound
from ..playing.jobs import Gatherer, Job, Progressed
from ..playing.memory import require_memory
from ..playing.progress import Progress
from ..playing.tasks import told_by, traceback_text
from ..playing.workers import checked_n_jobs
from ..results.metrics import common_defaults
from ..results.results import Cell
from ..stores.store import as_store
from ..validation import boolean, positive_integer
from .factories import (
    HORIZON,
    Factory,
    check_given,
    check_taken,
    check_told_apart,
    combinations_of,
    factories_of,
    factory_of,
    parameters_of,
)
from .sweep_cells import SweepCell, in_words, token
from .sweep_results import SweepResults


class Options(TypedDict, total=False):
    """What `sweep` takes by keyword, except `dry_run`, which determines what is returned."""

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

    A cell is one combination and one policy. All cells share the seed, so that they face the same luck. A cell that
    fails does not stop the others: its traceback is in the result (`failures`), and in the store.

    Parameters
    ----------
    environment : environment, or callable that returns one
        A factory, whose arguments are parameters: a function, or the class itself.
    policies : policy, callable that returns one, or a list or dict (label: either) of these
        Factories take parameters too.
    over : dict from str to sequence, or sequence of dicts
        The values of each parameter, all combinations of which are played; or the combinations themselves. Each
        parameter must be an argument of a factory, or 'horizon'.
    n_runs : int
        Independent replications of each cell.
    horizon : int, optional
        Rounds per run; needed unless it is swept over. Values of 'horizon' in `over` take precedence.
    seed, checkpoints, metrics, n_jobs, backend, precision, first_run, keep, store, progress
        As in `run`. With a store, what has finished is not computed again, whatever ended the sweep.
    dry_run : bool, default False
        Return an `Estimate` of cells, rounds, time and memory instead, for which each kind of cell is compiled and
        timed for some milliseconds. With a store, it says how many of the rounds are already stored.

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
    NotANumberWarning
        For policies whose state became NaN, now or when the store's runs were played.

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
    world = factory_of("environment", environment, "environment")
    players = factories_of(policies)
    combinations = combinations_of(over)
    settings = checked_settings(
        first_run=first_run, n_runs=n_runs, seed=seed, checkpoints=checkpoints, metrics=metrics, backend=backend,
        precision=precision, keep=keep, store=store,
    )  # fmt: skip
    names = parameters_of(combinations, settings.metrics)
    check_taken(names, world, players)
    check_told_apart(combinations, names)
    check_given(combinations, over, (world, *players.values()))
    n_jobs = checked_n_jobs(n_jobs)
    where = as_store(store, make=dry_run is not True)
    planned = _plan(world, players, combinations, horizon, settings)
    settings.warn_of_doubts()
    jobs = [p.job for p in planned if p.job is not None]
    provenance = {
        "first_run": settings.first_run,
        "n_runs": settings.n_runs,
        "seed": settings.seed,
        "backend": ", ".join(dict.fromkeys(job.backend for job in jobs)),  # 'auto' can pick two
        "precision": precision,
        "keep": keep,
        "round": jobs[0].protocol.round,
        "cells": [
            p.known | p.components if p.job is not None else p.known | {"failure": told_by(p.failure)} for p in planned
        ],
    }
    if boolean("dry_run", dry_run):
        return estimate(jobs, keep, n_jobs, where)
    return _play(planned, provenance, keep, where, n_jobs, progress)


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
        """What identifies it, as plain data."""
        return {"parameters": {k: describe(v) for k, v in self.parameters.items()}, "label": self.policy}

    @property
    def name(self) -> str:
        """What people call it: 'ucb, alpha=0.5'."""
        return ", ".join(filter(None, (self.policy, in_words(self.parameters))))

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
    world: Factory,
    players: dict[str, Factory],
    combinations: list[dict[str, Any]],
    horizon: Any,
    settings: Settings,
) -> list[_Planned]:
    """Return the cells; combinations that differ in nothing that a policy or the environment takes become one.

    Each environment is made once: the bound of one can take long, and is known by the environment.
    """
    planned: list[_Planned] = []
    failures: list[Exception] = []
    seen: set[Any] = set()
    worlds: dict[Any, Any] = {}
    for combination in combinations:
        given = combination.get(HORIZON, horizon)
        if given is None:
            raise InvalidType("horizon is None; allowed: a positive integer, here or among the parameters in over")
        rounds = positive_integer(HORIZON, given)
        for label, player in players.items():
            mine = {k: v for k, v in combination.items() if k == HORIZON or world.reads(k) or player.reads(k)}
            key = (label, _key(mine))
            if key in seen:
                continue
            seen.add(key)
            try:
                arguments = mine | {HORIZON: rounds}
                place = _key({name: value for name, value in arguments.items() if world.reads(name)})
                if place not in worlds:
                    worlds[place] = world(arguments)
                (job,) = settings.jobs({"environment": worlds[place]}, {label: player(arguments)}, rounds).values()
                theirs = tuple(k for k in mine if world.reads(k))
                told = {"environment": describe(job.environment), "policy": describe(job.policy)}
                planned.append(_Planned(mine, label, job, of_environment=theirs, components=told))
            except Exception as error:  # noqa: BLE001 - a factory can raise anything; other cells may be fine
                failures.append(error)
                planned.append(_Planned(mine, label, None, traceback_text()))
    if len(failures) == len(planned):
        others = f", the first of {len(planned)}, which all failed" if len(planned) > 1 else ""
        raise _named(failures[0], f"in the cell '{planned[0].name}'{others}")
    if settings.metrics is None:
        common_defaults({p.policy: p.job.policy for p in planned if p.job is not None})
    return planned


def _named(error: Exception, cell: str) -> Exception:
    """Return an error that says of which cell it is: in its message, or in a note if the message is not ours."""
    if not isinstance(error, BanditlabError) or not is_ours(type(error).__module__):
        error.add_note(cell)
        return error
    named = type(error)(f"{error} ({cell})")
    named.__cause__ = error
    return named


def _bounded(planned: list[_Planned]) -> list[_Planned]:
    """Return the cells with their lower bounds; computing that of a user's environment can fail, too."""
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
    """Play the planned cells, and return the results."""
    require_memory([p.job for p in planned if p.job is not None], keep)
    planned = _bounded(planned)
    if store is not None:
        for p in planned:
            store.write_unmade(p.known, p.failure)
    # what is known about a cell, by its position in the plan; a job's position among the jobs is a different one
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
            else:  # at once, as a summary is much smaller than the runs it is made from
                cells[place] = cell_of(gatherer, jobs[place].n_runs, done.seconds, planned[place].bound)
            bar.note(cells=f"{len(cells)}/{len(planned)}", failed=len(failures))

        played = play(
            list(jobs.values()), GATHERERS[keep], n_jobs=n_jobs, bar=bar, store=store, keep_going=True,
            names=[p.name for p in planned if p.job is not None], ended=ended,
        )  # fmt: skip
    found = [
        p.with_outcome(cells.get(place), failures.get(place, ""))
        for place, p in enumerate(planned)
        if place in cells or place in failures
    ]
    played.warn_of_nan(stacklevel=3)
    if played.interrupted:
        if not cells:
            raise KeyboardInterrupt("before a cell had finished" + (GOES_ON if store is not None else ""))
        warnings.warn(
            f"interrupted: the result holds the {len(cells)} of {len(planned)} cells that had finished",
            InterruptedRunWarning,
            stacklevel=3,
        )
    if failures:
        place = min(failures)
        warnings.warn(
            f"{len(failures)} of {len(planned)} cells failed, the first ({planned[place].name}) with "
            f"{told_by(failures[place])[:200]}; see the result's failures",
            CellFailedWarning,
            stacklevel=3,
        )
    seconds = {
        "compile_seconds": round(played.compile_seconds, 6),
        "wall_seconds": round(time.perf_counter() - started, 6),
    }
    return SweepResults(found, provenance | {"not_played": len(planned) - len(found)} | seconds)


def _key(parameters: dict[str, Any]) -> Any:
    """Return what identifies parameters with their values."""
    return tuple((name, token(value)) for name, value in sorted(parameters.items()))
