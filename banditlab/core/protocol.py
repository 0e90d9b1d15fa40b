"""What the runner asks of a family: its protocol, the rules of play."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from . import sampling
from .errors import InvalidType
from .machines import Machine, machine
from .validation import shown

Watch = Callable[[int], None]
"""Called now and then with the number of rounds played since the last call; may raise to stop the simulation."""


def unwatched(rounds: int) -> None:
    """Do nothing: the `Watch` of what nobody waits for."""


def own_reasons(policy: Any, environment: Any, horizon: int) -> list[str]:
    """Return what a policy's own method `reasons_against` says; nothing where it has none."""
    own = getattr(policy, "reasons_against", None)
    return [] if own is None else listed_reasons(f"{policy!r}.reasons_against", own(environment, horizon))


def listed_reasons(name: str, found: Any) -> list[str]:
    """Return what a method of a policy's says against something, or raise if it is no list of texts."""
    if not isinstance(found, list | tuple) or not all(isinstance(reason, str) for reason in found):
        raise InvalidType(f"{name} returned {shown(found)}; allowed: a list of reasons, empty if there is none")
    return list(found)


def more_than_arms(policy: Any, how_it_plays: str) -> InvalidType:
    """Return the error for starting a policy that has to be told more of a problem than its number of arms."""
    return InvalidType(
        f"policy is {policy!r}; allowed: a policy of another family, because this one needs to know more than a "
        f"number of arms ({how_it_plays})"
    )


@dataclass(frozen=True)
class Batch:
    """A range of runs of one experiment: what one task simulates.

    Attributes
    ----------
    first_run, n_runs : int
        The runs.
    horizon : int
        Rounds a run.
    checkpoints : int64 array
        The rounds after which metrics are recorded, increasing, the last at most the horizon.
    columns : tuple of str
        What to record.
    seed : int
        The experiment's seed.
    backend : {'cpu', 'python', 'cuda:0', ...}
        Where kernels run; see `core.machines`.
    precision : {'double', 'single'}
        How states are stored.
    reduced : bool
        Whether metrics stay on the CUDA device, to be reduced there.
    dry : bool
        Whether nothing is played: for what is compiled or measured beforehand.
    on : Machine, optional
        What kernels run on instead.
    """

    first_run: int
    n_runs: int
    horizon: int
    checkpoints: NDArray[np.int64]
    columns: tuple[str, ...]
    seed: int
    backend: str = "cpu"
    precision: str = "double"
    reduced: bool = False
    dry: bool = False
    on: Machine | None = None

    def machine(self) -> Machine:
        """Return what the batch's kernels run on."""
        if self.on is not None:
            return self.on
        return machine(self.backend, dry=self.dry, precision=self.precision, reduced=self.reduced)

    def generators(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the generators of all runs: the environment's, and the policy's."""
        environment = sampling.seeded(self.seed, sampling.ENVIRONMENT_STREAM, self.first_run, self.n_runs)
        return environment, sampling.seeded(self.seed, sampling.POLICY_STREAM, self.first_run, self.n_runs)

    def empty(self) -> Batch:
        """Return a batch that has kernels compiled and plays nothing."""
        return replace(self, first_run=0, n_runs=1, checkpoints=self.checkpoints[:0], dry=True)


class Protocol(ABC):
    """The rules of play of a family: who moves when, and what is counted.

    Attributes
    ----------
    precisions : tuple of str
        How states can be stored. Not in single precision where rules need the digits of double: to tell values that are
        as good as each other from others, or to invert matrices.
    prefer : {'threads', 'processes'}
        How the runner plays tasks in parallel where the user does not say: protocols that are plain Python, and would
        hold the interpreter's lock, prefer processes.
    chunk : int or None
        How many runs a task plays at most, and a file of a store holds; None for the runner's `CHUNK`.
    chunk_rounds : int or None
        Fewer runs, down to one, where they would be more rounds than this in all; None for no such limit. It is for
        protocols in plain Python, where a task of many long runs would keep the other processes waiting, and what it
        has played unwritten, for minutes; and for those whose policies keep every reward, which takes memory.
    first_call : int
        Rounds of the first call of a kernel, all lanes together; the next are as long as they should be.
    rehearsed : bool
        Whether users' components play some rounds in plain Python before they are compiled: where a round is quick.
    choices : str
        What an environment's `n_arms` counts, in the plural, for messages; an environment in which it counts something
        else has an attribute `choices` of its own.
    round : str
        What a round is called.
    default_metrics : tuple of str
        What is recorded where the user does not say; the first is what `lower_bound` bounds.
    """

    precisions: ClassVar[tuple[str, ...]] = ("double",)
    prefer: ClassVar[str] = "threads"
    chunk: ClassVar[int | None] = None
    chunk_rounds: ClassVar[int | None] = None
    first_call: ClassVar[int] = 1
    rehearsed: ClassVar[bool] = False
    choices: ClassVar[str] = "arms"
    round: ClassVar[str] = "round"
    default_metrics: ClassVar[tuple[str, ...]] = ("regret",)

    @abstractmethod
    def feedback(self, policy: type) -> str:
        """Return what policies of a class learn from in a round, in words."""

    @abstractmethod
    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the columns that record the metrics asked for; raise for one that cannot be recorded."""

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Return every reason why a policy cannot play an environment, but for those that it gives itself."""
        return []

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Return every reason why a policy cannot play an environment on a CUDA device."""
        return ["its family plays on the processor only"]

    def warm_up(self, environment: Any, policy: Any, batch: Batch) -> None:
        """Compile what `simulate` will need, without playing a round."""
        self.simulate(environment, policy, batch.empty(), unwatched)

    @abstractmethod
    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play a batch and return the metrics: float64, one table (metric, checkpoint) a run.

        They are an array of the device's where the batch's `reduced` says so.
        """

    def side_by_side(self, environments: Sequence[Any], horizon: int, columns: tuple[str, ...]) -> Any | None:
        """Return what `simulate` takes for an environment to play each run on one of these; None if it takes nothing.

        They are of one class, and have the same number of arms.
        """
        return None

    @abstractmethod
    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> Any:
        """Return an agent that plays one round at a time."""

    def lower_bound(self, environment: Any, rounds: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return a lower bound on the regret after each round, or None where none is known."""
        return None
