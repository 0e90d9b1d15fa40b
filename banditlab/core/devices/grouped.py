"""Grouped launches: small cells of a sweep that differ in numbers alone share one launch.

Each cell is played by its protocol, in a thread of its own, on a machine that is a `Member` of a `Group`. When a
protocol launches a kernel, its thread waits for those of the others; the last one to come joins the lanes of all,
stacks their tables and parameters, one row per cell, and launches once. `core.devices.fitting` decides which cells can
share.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from ..compiling.kernels import classes_of
from ..machines import device_number
from ..protocol import Batch, Watch
from . import cuda
from .cuda import Device, lent_stream, on_stream
from .launch import LanesApart, Shape, joined
from .reduced import taken

Game = tuple[Any, Any, Batch]
"""Environment, policy, and the batch that they play."""


class LeftAlone(Exception):  # noqa: N818 - not an error
    """Raised in the members of a group when one of them has stopped."""


class Group(Device):
    """The device as cells share it: takes the arguments of all, and launches for all.

    Parameters
    ----------
    number : int
        Which device.
    stream : cupy.cuda.Stream or None
        The stream of all of them.
    batches : sequence of Batch
        What each member plays.
    dry : bool
        As for `Machine`.
    """

    def __init__(self, number: int, stream: Any, batches: Sequence[Batch], dry: bool = False) -> None:
        runs = [batch.n_runs for batch in batches]
        self.n_lanes = sum(runs)
        self._edges = np.cumsum([0, *runs])
        with on_stream(number, stream):
            super().__init__(number, dry, batches[0].precision, batches[0].reduced)
            self._cells = self._there(cuda.arrays().asarray(np.repeat(np.arange(len(runs)), runs)))
        self.members = [Member(self, k) for k in range(len(runs))]  # a circle: see `dissolve`
        self._turn = threading.Condition(threading.RLock())
        self._waiting: dict[int, tuple[Any, ...]] = {}
        self._meetings, self._someone_left = 0, False
        self._joined: dict[tuple[int, ...], tuple[Shape, Any, Any]] = {}
        self._results: dict[int, Any] = {}
        self._strides: Iterator[tuple[int, int]] | None = None
        self.stride: tuple[int, int] | None = None

    def dissolve(self) -> None:
        """Release what holds the group and its memory, which would last until Python looks for such cycles."""
        self.members.clear()
        self._strides = None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let one member at a time use the device, on the stream of all."""
        with self._turn, on_stream(self._number, self._stream):
            yield

    def meet(self, k: int, act: Callable[[list[tuple[Any, ...]]], None], *brought: Any) -> None:
        """Wait until all members have come; the last one acts on what each has brought, in their order."""
        with self._turn:
            meeting = self._meetings
            self._waiting[k] = brought
            if len(self._waiting) == len(self.members) and not self._someone_left:
                of_all = [self._waiting[place] for place in range(len(self.members))]
                self._waiting = {}
                with self.alone():
                    act(of_all)
                self._meetings += 1
                self._turn.notify_all()
                return
            self._turn.wait_for(lambda: self._meetings > meeting or self._someone_left)
            if self._meetings == meeting:
                raise LeftAlone

    def leave(self) -> None:
        """Keep others from waiting for a member that is done, or has failed."""
        self._someone_left = True  # at once: Ctrl-C may come while the lock is waited for
        with self._turn:
            self._turn.notify_all()

    def go_on(self, of_all: list[tuple[Any, ...]]) -> None:
        """Set the next stride of all; None after the last."""
        if self._strides is None:
            first, last, usual = of_all[0]
            self._strides = self.strides(first, last, self.n_lanes, usual)
        self.stride = next(self._strides, None)
        if self.stride is None:
            self._strides = None

    def launch_for_all(self, of_all: list[tuple[Any, ...]]) -> None:
        """Launch a kernel once for the arguments of all."""
        function, classes, shapes, _ = of_all[0]
        each = zip(shapes, zip(*(arguments for *_, arguments in of_all), strict=True), strict=True)
        together = [self._join(shape, values) for shape, values in each]
        given = [self._upload(value) for _, value in together]
        joined_shapes = tuple(shape for shape, _ in together)
        self.launch(function, joined_shapes, classes, self.n_lanes, given, self._upload(self._cells))

    def _join(self, shape: Shape, values: tuple[Any, ...]) -> tuple[Shape, Any]:
        """Return the shape and the value of an argument of all cells; once for all launches."""
        key = tuple(map(id, values))
        if key not in self._joined:  # with what it was made from, so that nothing else gets these ids
            self._joined[key] = (*joined(shape, values, self._lanes, self._rows), values)
        shape, value, _ = self._joined[key]
        return shape, value

    def _rows(self, values: tuple[Any, ...]) -> Any:
        """Stack what each cell has, one row per cell."""
        return self._there(cuda.arrays().asarray(np.stack([np.asarray(value) for value in values])))

    def _lanes(self, values: tuple[Any, ...], axis: int) -> Any:
        """Join arrays on the axis of the lane; what a member has spread is repeated on the device."""
        spread = all(value.strides[axis] == 0 for value in values)
        if not spread:
            return self._there(cuda.arrays().asarray(np.concatenate(values, axis)))
        one_each = np.concatenate([value.take([0], axis) for value in values], axis)
        return self._there(cuda.arrays().take(cuda.arrays().asarray(one_each), self._cells, axis))

    def result(self, k: int, array: Any) -> Any:
        """Return a member's lanes of what kernels have written in place of an array of its own."""
        whole = next(value for _, value, values in self._joined.values() if values[k] is array)
        if id(whole) not in self._results:
            self._results[id(whole)] = self.fetch(whole)
        return self._results[id(whole)][..., self._edges[k] : self._edges[k + 1]]


class Member(LanesApart):
    """What a cell's protocol uses as its machine: it keeps one lane of what is the same in all, and meets the others.

    Parameters
    ----------
    group : Group
        Whose member it is.
    k : int
        Its position there.

    Attributes
    ----------
    turn : ExitStack
        What it holds once it has fetched its numbers: the device, for itself alone.
    """

    def __init__(self, group: Group, k: int) -> None:
        super().__init__(group.dry, group.precision)
        self._group, self._k = group, k
        self.turn = contextlib.ExitStack()

    def play(self, game: Game, watch: Watch) -> Any:
        """Play a cell's batch; return what is kept of its metrics."""
        environment, policy, batch = game
        with self.turn:
            try:
                own = dataclasses.replace(batch, on=self)
                return taken(policy.family.protocol.simulate(environment, policy, own, watch), batch.reduced)
            finally:
                self._group.leave()

    def _many(self, value: Any, axis: int, n_lanes: int) -> Any:
        return np.broadcast_to(value, (*value.shape[:axis], n_lanes, *value.shape[axis + 1 :]))

    def zeros(self, *shape: int) -> Any:
        """Return an array of zeros that takes no memory."""
        return np.broadcast_to(np.zeros(()), shape)

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return a kernel that is launched once for all members."""
        classes = classes_of(components)

        def launch(*arguments: Any) -> None:
            shapes = self.shapes(function, arguments)
            self._group.meet(self._k, self._group.launch_for_all, function, classes, shapes, arguments)

        return launch

    def strides(self, first: int, last: int, n_lanes: int, usual: int) -> Iterator[tuple[int, int]]:
        """Yield the rounds of launches, the same for all members."""
        while True:
            self._group.meet(self._k, self._group.go_on, first, last, usual)
            if self._group.stride is None:
                return
            yield self._group.stride

    def fetch(self, array: Any) -> Any:
        """Return its lanes of an array; from here to the end, it has the device for itself."""
        self.turn.enter_context(self._group.alone())
        return self._group.result(self._k, array)


def play_together(games: Sequence[Game], watch: Watch) -> list[Any]:
    """Play games that can share launches; return what is kept of each one's metrics.

    An error in one ends all: its exception is raised, and says nothing about the others.
    """
    batches = [batch for *_, batch in games]
    number = device_number(batches[0].backend)
    with lent_stream(number) as stream, ThreadPoolExecutor(len(games)) as threads:
        group = Group(number, stream, batches)
        try:
            playing = [threads.submit(m.play, game, watch) for m, game in zip(group.members, games, strict=True)]
            wait(playing)
        finally:
            group.leave()  # where a thread could not start, or Ctrl-C ended the wait
            group.dissolve()
    error = _what_went_wrong(playing)
    if error is not None:
        try:
            raise error
        finally:
            del error, playing  # its traceback holds this frame, and so the group's memory
    return [done.result() for done in playing]


def _what_went_wrong(playing: Sequence[Future[Any]]) -> BaseException | None:
    """Return the exception that ended members, rather than that of members left alone; None if there is none."""
    raised = [error for done in playing if (error := done.exception()) is not None]
    return next((error for error in raised if not isinstance(error, LeftAlone)), raised[0] if raised else None)


def warm_up(environment: Any, policy: Any, batch: Batch) -> None:
    """Compile the kernel that cells like this one share."""
    number = device_number(batch.backend)
    with lent_stream(number) as stream:
        group = Group(number, stream, [dataclasses.replace(batch, n_runs=1)], dry=True)
        (member,) = group.members
        with member.turn:
            policy.family.protocol.warm_up(environment, policy, dataclasses.replace(batch, on=member))
        group.dissolve()
