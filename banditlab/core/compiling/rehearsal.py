"""Some rounds of a user's component in plain Python, before it is compiled.

Compiled code reads and writes past the end of an array where Python raises: an index that is wrong from the start would
change other numbers, or end the process. Plain Python shows such an index, though only in the rounds that it plays; one
that is wrong in the last round shows up in short games. An index or a draw that lacks the lane mixes runs up, which no
execution would show: a run's rounds are played beside one other run, and once more beside others.
"""

from __future__ import annotations

import contextlib
import copy
import linecache
import math
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..components import Space, is_kind
from ..errors import InvalidComponent
from ..machines import Interpreter
from ..origin import is_library, is_ours
from ..playing.jobs import Job
from ..protocol import unwatched
from ..validation import count
from .ahead import missing_kernels

SECONDS = 0.2
"""A rehearsal ends after as many rounds as the protocol says, or after this many seconds if that comes first."""


class _Enough(Exception):  # noqa: N818 - not an error
    """Raised to end a rehearsal."""


class _Stage(Interpreter):
    """A machine that plays the first rounds, one by one."""

    def __init__(self, rounds: int, precision: str, until: float, like: _Stage | None = None) -> None:
        super().__init__(precision=precision)
        self._rounds = rounds
        self.until = until
        self._like = like  # whose second run is this one's first
        self.round = 0
        self.well = False  # whether the rounds were played without an error
        self.memory: Any = None
        self.fresh: Any = None
        self.recorded: list[Any] = []
        self.lanes = 0

    def state(self, policy: Any, space: Space) -> Any:
        """Return a policy's fresh state, and remember it."""
        self.memory, self.lanes = super().state(policy, space), space.n_lanes
        if self._like is not None:  # np.empty leaves different numbers each time
            for _, mine, same in _of_one_run(self._like.fresh, self.memory):
                same[...] = mine
        self.fresh = copy.deepcopy(self.memory)
        return self.memory

    def zeros(self, *shape: int) -> Any:
        """Return an array of zeros, and remember it: what a protocol records is written there."""
        self.recorded.append(super().zeros(*shape))
        return self.recorded[-1]

    def strides(self, first: int, last: int, n_lanes: int, usual: int) -> Iterator[tuple[int, int]]:
        """Yield rounds one by one, until there are enough."""
        for t in range(first, last + 1):
            if t > self._rounds or (t > 1 and time.perf_counter() > self.until):
                raise _Enough
            self.round = t
            yield t, t


def past_the_end(error: IndexError, when: str = "") -> str:
    """Return what a user's code did that went past the end of an array, with its line; else nothing."""
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [(str(frame.f_globals.get("__name__")), frame.f_code.co_filename, line) for frame, line in frames]
    own = [(file, line) for name, file, line in names if not is_ours(name) and not is_library(name)]
    if not own or is_ours(names[-1][0]) or "out of bounds" not in str(error):
        return ""
    file, line = own[-1]
    return (
        f"looks past the end of an array{when}: {file}, line {line}: {linecache.getline(file, line).strip()} "
        f"({error}); allowed: indices below its size"
    )


def rehearse(job: Job) -> None:
    """Play some rounds of a job in plain Python if it has components of the user's and is about to be compiled.

    Raises
    ------
    InvalidComponent
        For an index past the end of an array; for a choice that does not exist, where plain Python can say which one it
        was; and for a policy that plays a run differently if another one is played beside it. Anything else that goes
        wrong is reported by the compiler, or during play.
    """
    ours = all(is_ours(type(part).__module__) for part in job.parts)
    rounds, when = job.protocol.rehearsal(job.environment, job.policy), ""
    if rounds == 0 or ours or not missing_kernels(job):
        return
    stage = _Stage(rounds, job.precision, time.perf_counter() + SECONDS)
    error = _index_error(job, job.horizon, stage)
    if error is None and stage.round == rounds < job.horizon:
        word = job.protocol.round
        error, when = _index_error_at_last(job, rounds), f" in its last {word}, {word}s being numbered from 1"
    if error is not None and (told := past_the_end(error, when)):
        raise InvalidComponent(f"{job.policy!r} on {job.environment!r} {told}") from error
    slow = time.perf_counter() > stage.until + 4.0 * SECONDS  # a single round can take long
    if error is None and stage.well and stage.lanes == 2 and not slow:
        _check_that_runs_are_apart(job, stage)


def _check_that_runs_are_apart(job: Job, stage: _Stage) -> None:
    """Raise if a run that was played beside one is played differently, or recorded so, beside two others.

    It is not played alone: NumPy's sums over a lane's entries round differently where these lie side by side.
    """
    other = _Stage(stage.round, job.precision, math.inf, like=stage)
    _index_error(job, job.horizon, other, beyond=1, n_runs=3)
    if not other.well or other.lanes != 3 or len(other.recorded) != len(stage.recorded):
        return  # instances may be played in groups
    name = next((name for name, mine, same in _of_one_run(stage.memory, other.memory) if _differ(mine, same)), "")
    recorded = zip(stage.recorded, other.recorded, strict=True)
    if name or any(_differ(mine[..., 1], same[..., 0]) for mine, same in recorded):
        finds = any(is_kind(part, "action_set") and not is_ours(type(part).__module__) for part in job.parts)
        raise InvalidComponent(
            f"{job.policy!r} on {job.environment!r} plays run {job.first_run + 1} differently beside other runs: after "
            f"{count(stage.round, job.protocol.round)}, {f'state.{name}' if name else 'what is recorded'} differs; "
            "allowed: indices and draws with the lane, as in state.sums[arm, lane] and uniform(rng, lane)"
            + (", and actions that `find` makes of the weights alone" if finds else "")
        )


def _of_one_run(two: Any, three: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield names of arrays with their entries for one run: lane 1 of a state of two, and lane 0 of a state of three.

    An array without an axis of lanes is scratch, which the last lane leaves behind.
    """
    for name, first, second in zip(two._fields, two, three, strict=True):
        if isinstance(first, tuple):
            yield from ((f"{name}.{inner}", mine, same) for inner, mine, same in _of_one_run(first, second))
        elif first.shape != second.shape:
            before = (slice(None),) * [n == m for n, m in zip(first.shape, second.shape, strict=True)].index(False)
            yield str(name), first[*before, 1, ...], second[*before, 0, ...]


def _differ(mine: Any, same: Any) -> bool:
    return not np.array_equal(mine, same, equal_nan=mine.dtype.kind in "fc")


def _index_error_at_last(job: Job, rounds: int) -> IndexError | None:
    """Return the error of an index that is wrong in the last round alone, in games of any length; None without one.

    Arrays with one entry per round can be too short without showing it in a rehearsal of the first rounds; short games
    show it. Two are played, as one alone could be too short for the policy rather than its arrays for the game.
    """
    error = None
    for horizon in (rounds, rounds + 7):
        stage = _Stage(horizon, job.precision, time.perf_counter() + SECONDS)
        error = _index_error(job, horizon, stage)
        if error is None or stage.round < horizon:
            return None
    return error


def _index_error(job: Job, horizon: int, stage: _Stage, beyond: int = 0, n_runs: int = 2) -> IndexError | None:
    """Return the error of an index in a game of the job's runs from `beyond` on; a rehearsal ignores other errors."""
    checkpoints = job.checkpoints[job.checkpoints <= horizon]
    batch = replace(
        job.batch(job.first_run + beyond, n_runs), on=stage, reduced=False, horizon=horizon, checkpoints=checkpoints
    )
    try:
        with contextlib.suppress(_Enough):
            job.protocol.simulate(job.environment, job.policy, batch, unwatched)
        stage.well = True
    except IndexError as error:
        return error
    except InvalidComponent as error:
        if isinstance(error.__cause__, IndexError) and horizon == job.horizon:
            raise
        return None
    except Exception:  # noqa: BLE001 - a user's code can raise anything
        return None
    return None
