"""Some rounds of a user's component in plain Python, before it is compiled.

Compiled code reads and writes past the end of an array where Python raises: an index that is wrong from the start would
change other numbers, or end the process. Plain Python shows such an index, though only in the rounds that it plays; one
that is wrong in the last round shows up in short games.
"""

from __future__ import annotations

import linecache
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace

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

    def __init__(self, rounds: int, precision: str) -> None:
        super().__init__(precision=precision)
        self._rounds = rounds
        self._until = time.perf_counter() + SECONDS
        self.round = 0

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
        For an index past the end of an array, and for a choice that does not exist, where plain Python can say which
        one it was. Anything else that goes wrong is reported by the compiler, or during play.
    """
    ours = all(is_ours(type(part).__module__) for part in job.parts)
    if not job.protocol.rehearsed or ours or not missing_kernels(job):
        return
    rounds, when = ROUNDS_AN_ARM * job.environment.n_arms, ""
    stage = _Stage(rounds, job.precision)
    error = _index_error(job, job.horizon, stage)
    if error is None and stage.round == rounds < job.horizon:
        error, when = _index_error_at_last(job, rounds), " in its last round, rounds being numbered from 1"
    if error is not None and (told := past_the_end(error, when)):
        raise InvalidComponent(f"{job.policy!r} on {job.environment!r} {told}") from error


def _index_error_at_last(job: Job, rounds: int) -> IndexError | None:
    """Return the error of an index that is wrong in the last round alone, in games of any length; None without one.

    Arrays with one entry per round can be too short without showing it in a rehearsal of the first rounds; short games
    show it. Two are played, as one alone could be too short for the policy rather than its arrays for the game.
    """
    error = None
    for horizon in (rounds, rounds + 7):
        stage = _Stage(horizon, job.precision)
        error = _index_error(job, horizon, stage)
        if error is None or stage.round < horizon:
            return None
    return error


def _index_error(job: Job, horizon: int, stage: _Stage) -> IndexError | None:
    """Return the error of an index in a game, if there is one; a rehearsal ignores other errors."""
    checkpoints = job.checkpoints[job.checkpoints <= horizon]
    batch = replace(job.batch(job.first_run, 2), on=stage, reduced=False, horizon=horizon, checkpoints=checkpoints)
    try:
        job.protocol.simulate(job.environment, job.policy, batch, unwatched)
    except IndexError as error:
        return error
    except InvalidComponent as error:
        if isinstance(error.__cause__, IndexError) and horizon == job.horizon:
            raise
        return None
    except Exception:  # noqa: BLE001 - a user's code can raise anything
        return None
    return None
