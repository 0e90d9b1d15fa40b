"""Some rounds of a user's component in plain Python, before it is compiled.

Compiled code reads and writes past the end of an array where Python raises: an index that is wrong from the start would
change other numbers, or end the process. Plain Python shows such an index, though only in the rounds that it plays; one
that is wrong in the last round shows up in short games. An index or a draw that lacks the lane mixes runs up, which no
execution would show: the same rounds are played by two runs side by side, and by each of them alone.
"""

from __future__ import annotations

import contextlib
import linecache
import math
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..components import Space
from ..errors import InvalidComponent
from ..machines import Interpreter
from ..origin import is_library, is_ours
from ..playing.jobs import Job
from ..protocol import unwatched
from .ahead import missing_kernels

ROUNDS_AN_ARM = 3
SECONDS = 0.2
"""A rehearsal ends after `ROUNDS_AN_ARM` rounds per arm, or after this many seconds if that comes first."""


class _Enough(Exception):  # noqa: N818 - not an error
    """Raised to end a rehearsal."""


class _Stage(Interpreter):
    """A machine that plays the first rounds, one by one."""

    def __init__(self, rounds: int, precision: str, until: float) -> None:
        super().__init__(precision=precision)
        self._rounds = rounds
        self._until = until
        self.round = 0
        self.well = False  # whether the rounds were played without an error
        self.memory: Any = None
        self.lanes = 0

    def state(self, policy: Any, space: Space) -> Any:
        """Return a policy's fresh state, and remember it."""
        self.memory, self.lanes = super().state(policy, space), space.n_lanes
        return self.memory

    def strides(self, first: int, last: int, n_lanes: int, usual: int) -> Iterator[tuple[int, int]]:
        """Yield rounds one by one, until there are enough."""
        for t in range(first, last + 1):
            if t > self._rounds or (t > 1 and time.perf_counter() > self._until):
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
    if not job.protocol.rehearsed or ours or not missing_kernels(job):
        return
    rounds, when = ROUNDS_AN_ARM * job.environment.n_arms, ""
    stage = _Stage(rounds, job.precision, time.perf_counter() + SECONDS)
    error = _index_error(job, job.horizon, stage)
    if error is None and stage.round == rounds < job.horizon:
        error, when = _index_error_at_last(job, rounds), " in its last round, rounds being numbered from 1"
    if error is not None and (told := past_the_end(error, when)):
        raise InvalidComponent(f"{job.policy!r} on {job.environment!r} {told}") from error
    if error is None and stage.well and stage.lanes == 2:  # instances may be played one after the other
        _check_that_runs_are_apart(job, stage)


def _check_that_runs_are_apart(job: Job, together: _Stage) -> None:
    """Raise if the state of one of two runs is not what it is where that run is played alone."""
    for lane in range(2):
        alone = _Stage(together.round, job.precision, math.inf)
        _index_error(job, job.horizon, alone, lane, n_runs=1)
        if alone.well and (name := _differing(together.memory, alone.memory, lane)):
            raise InvalidComponent(
                f"{job.policy!r} plays run {job.first_run + lane} differently if another run is played beside it: "
                f"after {together.round} rounds, state.{name} differs; allowed: indices and draws with the lane, as in "
                "state.sums[arm, lane] and uniform(rng, lane)"
            )


def _differing(two: Any, one: Any, lane: int) -> str:
    """Return the name of an array in which a lane of a state of two differs from a state of that lane alone."""
    for name, both, single in zip(two._fields, two, one, strict=True):
        if isinstance(both, tuple):
            if inner := _differing(both, single, lane):
                return f"{name}.{inner}"
            continue
        lanes = [axis for axis, (n, m) in enumerate(zip(both.shape, single.shape, strict=True)) if n != m]
        mine = np.take(both, [lane], axis=lanes[0]) if lanes else both
        if not np.array_equal(mine, single, equal_nan=mine.dtype.kind == "f"):
            return str(name)
    return ""


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


def _index_error(job: Job, horizon: int, stage: _Stage, lane: int = 0, n_runs: int = 2) -> IndexError | None:
    """Return the error of an index in a game, if there is one; a rehearsal ignores other errors."""
    checkpoints = job.checkpoints[job.checkpoints <= horizon]
    batch = replace(
        job.batch(job.first_run + lane, n_runs), on=stage, reduced=False, horizon=horizon, checkpoints=checkpoints
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
