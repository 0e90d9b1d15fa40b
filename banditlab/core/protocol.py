"""What the runner needs from a family: its protocol, the rules of play."""

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
    """Do nothing: the `Watch` for when nobody watches."""


def own_reasons(policy: Any, environment: Any, horizon: int) -> list[str]:
    """Return what a policy's own method `reasons_against` says; nothing if it has none."""
    own = getattr(policy, "reasons_against", None)
    return [] if own is None else listed_reasons(f"{policy!r}.reasons_against", own(environment, horizon))


def own_warnings(policy: Any, environment: Any, horizon: int) -> list[str]:
    """Return what a policy's own method `warnings_about` says; nothing if it has none."""
    own = getattr(policy, "warnings_about", None)
    return [] if own is None else listed_reasons(f"{policy!r}.warnings_about", own(environment, horizon))


def listed_reasons(name: str, found: Any) -> list[str]:
    """Return what a policy's method says against something, or raise if that is not a list of texts."""
    if not isinstance(found, list | tuple) or not all(isinstance(reason, str) for reason in found):
        raise InvalidType(f"{name} returned {shown(found)}; allowed: a list of reasons, empty if there is none")
    return list(found)


def more_than_arms(policy: Any, how_it_plays: str) -> InvalidType:
    """Return the error for starting a policy that needs to know more about a problem than its number of arms."""
    return InvalidType(
        f"policy is {policy!r}; allowed: a policy of another family, because this one needs to know more than a "
        f"number of arms ({how_it_plays})"
    )


@dataclass(frozen=True)
class Batch:
    """A range of runs of one experiment, which one task simulates.

    Attributes
    ----------
    first_run, n_runs : int
        The runs.
    horizon : int
        Rounds per run.
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
        Whether nothing is played: for compiling or measuring beforehand.
    on : Machine, optional
        What kernels run on, instead of the backend.
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
        How states can be stored. Single precision is excluded where the rules need the digits of double: to tell
        equally good values from others, or to invert matrices.
    prefer : {'threads', 'processes'}
        How the runner plays tasks in parallel if the user does not say: protocols in plain Python, which would hold the
        interpreter's lock, prefer processes.
    chunk : int or None
        The most runs that a task plays, and that a file of a store holds; None for the runner's `CHUNK`.
    chunk_rounds : int or None
        Tasks have fewer runs, down to one, where they would otherwise have more rounds than this in total; None for no
        such limit. It is for protocols in plain Python, where a task of many long runs would keep the other processes
        waiting, and leave what it has played unwritten, for minutes; and for those whose policies keep every reward,
        which takes memory.
    first_call : int
        Rounds of the first call of a kernel, all lanes together; the length of later calls is adapted.
    choices : str
        What an environment's `n_arms` counts, in the plural, for messages; an environment in which it counts something
        else has its own attribute `choices`.
    tries_all : bool
        Whether a game has at least as many rounds as there are choices, as policies begin by trying each.
    round : str
        What a round is called.
    default_metrics : tuple of str
        What is recorded if the user does not say; the first is what `lower_bound` bounds.
    """

    precisions: ClassVar[tuple[str, ...]] = ("double",)
    prefer: ClassVar[str] = "threads"
    chunk: ClassVar[int | None] = None
    chunk_rounds: ClassVar[int | None] = None
    first_call: ClassVar[int] = 1
    choices: ClassVar[str] = "arms"
    tries_all: ClassVar[bool] = True
    round: ClassVar[str] = "round"
    default_metrics: ClassVar[tuple[str, ...]] = ("regret",)

    @abstractmethod
    def feedback(self, policy: type) -> str:
        """Return what policies of a class learn from in a round, in words."""

    @abstractmethod
    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the columns that record the metrics asked for; raise for one that cannot be recorded."""

    def check_environment(  # noqa: B027 - most families have nothing to check
        self, environment: Any, horizon: int, *, closely: bool = True
    ) -> None:
        """Raise if an environment of this family cannot be played by any policy.

        It is asked once for each environment. Of `Instances` the specimen is looked at closely, and every other one as
        far as compiled code could come to harm, as there is one in each run.
        """

    def rehearsal(self, environment: Any, policy: Any) -> int:
        """Return how many rounds a user's component plays in plain Python before it is compiled; 0 for no rehearsal.

        Three per arm show an index that is wrong from the start, where a round is quick.
        """
        return 3 * int(environment.n_arms)

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Return every reason why a policy cannot play an environment, except those that it gives itself."""
        return []

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Return every reason why a policy cannot play an environment on a CUDA device."""
        return ["its family plays on the processor only"]

    def warm_up(self, environment: Any, policy: Any, batch: Batch) -> None:
        """Compile what `simulate` will need, without playing a round."""
        self.simulate(environment, policy, batch.empty(), unwatched)

    @abstractmethod
    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play a batch and return the metrics: float64, one table (metric, checkpoint) per run.

        They are an array on the device if the batch's `reduced` says so.
        """

    def side_by_side(self, environments: Sequence[Any], horizon: int, columns: tuple[str, ...]) -> Any | None:
        """Return what `simulate` takes to play each run on one of these environments; None if nothing.

        They are of one class, and have the same number of arms.
        """
        return None

    @abstractmethod
    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> Any:
        """Return an agent that plays one round at a time."""

    def lower_bound(self, environment: Any, rounds: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return a lower bound on the regret after each round, or None where none is known."""
        return None
