"""Where kernels run: on the processor's cores, as plain Python, or on a CUDA device.

A protocol asks its batch for a machine and has it make everything with lanes, run its kernel, and fetch what the kernel
wrote. On the processor these steps are trivial; `core.devices.cuda` has the device's, where one thread plays one lane.
"""

from __future__ import annotations

import contextlib
import math
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .aligned import aligned
from .compiling.kernels import kernel
from .components import Space, make_state, record
from .dispatch import device
from .errors import InvalidArgument, InvalidType
from .validation import invalid, shown

PRECISIONS = ("double", "single")

SECONDS_A_CALL = 0.2
"""How long a call of a kernel should take: progress shows in between, and Ctrl-C works."""


MOST_NUMBERS = 1 << 17
"""Arrays of states with more numbers are not looked through for NaN after a task on the processor: they are memories of
whole runs, for which it would take a fifth of the time."""


def checked_backend(value: Any) -> str:
    """Return where to play, if there is such a word: whether there is such a device is for `usable_device` to say."""
    allowed = "one of 'cpu', 'python', 'cuda', 'cuda:1' (another device's number), 'auto'"
    if not isinstance(value, str):
        raise InvalidType(f"backend is {shown(value)}; allowed: {allowed}")
    if value not in ("cpu", "python", "auto") and not re.fullmatch(r"cuda(:\d{1,4})?", value):
        raise invalid("backend", value, allowed)
    return value


def usable_device(backend: str) -> str:
    """Return 'cuda:' and the number of the device that is meant, CuPy's current one if none is; or raise."""
    from .devices.cuda import current_device, require

    number = int(backend[5:]) if ":" in backend else current_device()
    require(backend, number)
    return f"cuda:{number}"


def on_device(backend: str) -> bool:
    """Say whether a backend is a CUDA device."""
    return backend.startswith("cuda")


def device_number(backend: str) -> int:
    """Return the number of the device that a backend is, as `usable_device` returns it."""
    return int(backend.removeprefix("cuda:"))


def placed(backend: str) -> contextlib.AbstractContextManager[None]:
    """Let this thread make arrays and run kernels where a backend plays; on the processor, nothing is needed."""
    if not on_device(backend):
        return contextlib.nullcontext()
    from .devices.cuda import placed as on_its_device

    return on_its_device(device_number(backend))


REGISTERS = ("environment_rng", "policy_rng")
"""Arguments of protocol kernels that a thread copies to its registers: few rows, one column per lane."""

_with_lanes: dict[Callable[..., Any], tuple[str, ...]] = {}


def plays_lanes(*arguments: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say which arguments of a protocol kernel have lanes, which is needed to run it on a device.

    They are arrays, or records of arrays, whose last axis is the lane; a thread sees its own lane. Two kinds are known
    by their names: `REGISTERS`, and `scratch`, a record of arrays with one entry per lane, whose content does not last
    from one call to the next.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        _with_lanes[function] = arguments
        return function

    return mark


def with_lanes(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return what `plays_lanes` found for a kernel."""
    return _with_lanes[function]


@device
def next_checkpoint(checkpoints: Any, first: int) -> int:
    """Return which checkpoint is the next when round `first` is about to be played."""
    c = 0
    while c < checkpoints.shape[0] and checkpoints[c] < first:
        c += 1
    return c


@device
def note(tally: Any, c: int, out: Any) -> None:
    """Copy a table to its place in `out`: element by element, as devices do not compile assignments of arrays."""
    for row in range(tally.shape[0]):
        for w in range(tally.shape[1]):
            out[c, row, w] = tally[row, w]


def beside(values: NDArray[Any], array: Any) -> Any:
    """Return some values where an array is: here, or on a device."""
    if isinstance(array, np.ndarray):
        return values
    from .devices.cuda import arrays

    return arrays().asarray(values)


def stored(state: Any, precision: str) -> Any:
    """Return a state as a precision stores it."""
    if precision == "double":
        return state
    if isinstance(state, tuple):
        return type(state)(*(stored(part, precision) for part in state))
    if state.dtype != np.float64:
        return state
    with np.errstate(over="raise"):
        return state.astype(np.float32)


class _ReadAsDouble(np.ndarray):
    """Numbers stored in single precision, whose entries are read as double.

    Compiled kernels compute in double with what they read; NumPy's single numbers, next to Python's, compute in single.
    """

    def __getitem__(self, key: Any) -> Any:
        """Return an entry, or a part."""
        found = super().__getitem__(key)
        return np.float64(found) if isinstance(found, np.float32) else found


def _read_as_double(state: Any) -> Any:
    """Return a state whose single numbers are read as double."""
    if isinstance(state, tuple):
        return type(state)(*(_read_as_double(part) for part in state))
    return state.view(_ReadAsDouble) if state.dtype == np.float32 else state


def _has_nan(numbers: Any) -> bool:
    """Say whether there is NaN in an array, here or on a device; taking the minimum needs no other array."""
    with np.errstate(invalid="ignore"):
        return numbers.size > 0 and math.isnan(float(numbers.min()))


def _floats(name: str, state: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of floating-point numbers in a state, with their names."""
    if isinstance(state, tuple):
        for field, part in zip(getattr(state, "_fields", range(len(state))), state, strict=True):
            yield from _floats(f"{name}.{field}" if name else str(field), part)
    elif state.dtype.kind == "f":
        yield name, state


class Machine(ABC):
    """Where the kernels of one batch run.

    Parameters
    ----------
    dry : bool
        Whether everything is made and compiled but no round is played.
    precision : {'double', 'single'}
        How the floating-point numbers of policies' states are stored; computations with them are in double.

    Attributes
    ----------
    compiled : bool
        False for plain Python.
    most_numbers : float
        Arrays of states with more numbers than this are not searched for NaN.
    told : str
        The warning to give when everything has been played: a state that became NaN. Empty if there is none.
    """

    compiled: ClassVar[bool] = True
    most_numbers: ClassVar[float] = 0

    def __init__(self, dry: bool = False, precision: str = "double") -> None:
        self.dry = dry
        self.precision = precision
        self.told = ""
        self._numbers: list[tuple[Any, str, Any]] = []

    def state(self, policy: Any, space: Space) -> Any:
        """Return a policy's fresh state, stored in the machine's precision."""

        def fresh(of: Space) -> Any:
            state = make_state(policy, of)
            try:
                return stored(state, self.precision)
            except FloatingPointError as error:
                raise InvalidArgument(
                    f"precision is {self.precision!r}; allowed: 'double', as {policy!r} begins with numbers above "
                    f"{np.finfo(np.float32).max:.3g}"
                ) from error

        made = self.make(fresh, space)
        # NaN from the start has a meaning for the policy
        self._numbers += [
            (policy, name, numbers)
            for name, numbers in _floats("", made)
            if numbers.size <= self.most_numbers and not _has_nan(numbers)
        ]
        return made

    def look(self) -> None:
        """Note a state that was free of NaN and no longer is; states are forgotten then."""
        for policy, name, numbers in self._numbers:
            if _has_nan(numbers):
                self.told = (
                    f"{policy!r} has NaN in state.{name}: rewards, or what it computes of them, were no numbers, and "
                    "what it played since means nothing"
                )
                break
        self._numbers.clear()  # instances that are played one after another share a machine

    @abstractmethod
    def make(self, make: Callable[[Any], Any], space: Space) -> Any:
        """Return the record of arrays that `make` makes for a space."""

    @abstractmethod
    def zeros(self, *shape: int) -> Any:
        """Return an array of zeros, whose last axis is the lane."""

    @abstractmethod
    def scratch(self, n_lanes: int, **dtypes: Any) -> Any:
        """Return a record of arrays with one entry per lane, of the types given by name."""

    @abstractmethod
    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return a kernel, specialised for the types of some components' parameters."""

    def strides(self, first: int, last: int, n_lanes: int, usual: int) -> Iterator[tuple[int, int]]:
        """Yield the (first, last) rounds of calls that together play some rounds, each about as long as it should be.

        `usual` is how many rounds, over all lanes, the first call plays on the processor. The next one plays more if it
        was quick and fewer if it was slow, which changes no number: kernels continue where they stopped.
        """
        if self.dry:
            yield first, first - 1
            return
        rounds, start = max(1, usual // n_lanes), first
        while start <= last:
            stop = min(start + rounds - 1, last)
            began = time.perf_counter()
            yield start, stop
            self.wait()
            took = time.perf_counter() - began
            rounds = max(1, int(rounds * min(4.0, max(0.25, SECONDS_A_CALL / max(took, 1e-6)))))
            start = stop + 1

    @abstractmethod
    def wait(self) -> None:
        """Wait until kernels have finished."""

    @abstractmethod
    def fetch(self, array: Any) -> Any:
        """Return what a kernel has written into an array that `zeros` made."""


class Processor(Machine):
    """The processor's cores: a call plays all lanes in lockstep."""

    most_numbers = MOST_NUMBERS

    def make(self, make: Callable[[Any], Any], space: Space) -> Any:
        """Return what `make` makes."""
        return make(space)

    def zeros(self, *shape: int) -> Any:
        """Return an array of zeros."""
        return aligned(shape)

    def scratch(self, n_lanes: int, **dtypes: Any) -> Any:
        """Return a record of arrays with one entry per lane."""
        return record("Scratch", {name: aligned((n_lanes,), dtype) for name, dtype in dtypes.items()})

    def kernel(self, function: Callable[..., Any], *components: Any) -> Callable[..., None]:
        """Return the compiled kernel."""
        return kernel(function, *components, compiled=self.compiled)

    def wait(self) -> None:
        """Return at once: a call is over when it returns."""

    def fetch(self, array: Any) -> Any:
        """Return the array: it is here."""
        self.look()
        return array


class Interpreter(Processor):
    """Plain Python: nothing is compiled."""

    compiled = False

    def state(self, policy: Any, space: Space) -> Any:
        """Return a policy's fresh state, stored in the machine's precision."""
        return _read_as_double(super().state(policy, space))


def machine(backend: str, *, dry: bool, precision: str, reduced: bool) -> Machine:
    """Return a machine for one batch; see `core.protocol.Batch`."""
    if on_device(backend):
        from .devices.cuda import Device

        return Device(device_number(backend), dry, precision, reduced)
    return Processor(dry, precision) if backend == "cpu" else Interpreter(dry, precision)
