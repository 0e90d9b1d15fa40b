"""Playing dueling bandits: from environment and policy to the kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from banditlab.core.compiling.kernels import explained
from banditlab.core.components import Problem, Space, record, remembered
from banditlab.core.errors import InvalidArgument, InvalidType
from banditlab.core.machines import PRECISIONS
from banditlab.core.protocol import Batch, Protocol, Watch
from banditlab.core.results.metrics import of_each, split_metric
from banditlab.core.stacked import SideBySide, stack
from banditlab.core.validation import integer, one_of, shown

from .agent import N_ARMS, DuelingAgent
from .kernel import SCRATCH, play
from .preferences import preference_matrix
from .regrets import REGRETS, regret_table

METRICS = (*REGRETS, "duels")


class DuelingProtocol(Protocol):
    """In each round the policy chooses two arms, sees which of them wins a duel, and learns from it."""

    first_call = 1 << 20
    precisions = PRECISIONS
    default_metrics: ClassVar[tuple[str, ...]] = ("average_regret",)

    def feedback(self, policy: type) -> str:
        """Return what a policy learns from."""
        return "which of two arms wins"

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return one column per metric; `duels` makes one per arm: `duels[0]`, `duels[1]`, ..."""
        names: list[str] = []
        for metric in requested:
            one_of(*METRICS)("metrics", metric)
            names += of_each(metric, int(environment.n_arms)) if metric == "duels" else [metric]
            if metric != "duels":
                _check_winners(environment, metric)
        return tuple(names)

    def check_environment(self, environment: Any, horizon: int, *, closely: bool = True) -> None:
        """Raise for what is no matrix of preferences."""
        _segments(environment, horizon)

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Refuse environments without a matrix of preferences."""
        if not hasattr(environment, "preferences") and not hasattr(environment, "segments"):
            return [
                f"it compares arms without looking at features, and {type(environment).__name__} has no matrix of "
                "preferences; allowed: a contextual policy such as VACDB, or for arms that never change "
                "environment.preference_matrix()"
            ]
        policy.params(Problem(int(environment.n_arms), horizon))  # raises where the horizon is too short
        return []

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Return none: all kernels can be compiled for a device."""
        return []

    def lower_bound(self, environment: Any, rounds: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return the asymptotic lower bound on the average regret, where there is a Condorcet winner."""
        from .theory import lower_bound_constant
        from .winners import condorcet

        if hasattr(environment, "segments") or condorcet(environment) is None:
            return None
        return lower_bound_constant(environment) * np.log(rounds)

    def side_by_side(self, environments: Sequence[Any], horizon: int, columns: tuple[str, ...]) -> SideBySide | None:
        """Return environments that change in the same rounds, or never, as one."""
        each = [_worlds(environment, horizon, _regrets(columns)) for environment in environments]
        rounds = [[(first, last) for first, last, _ in stretches] for stretches in each]
        if any(theirs != rounds[0] for theirs in rounds):
            return None
        stacked = [stack([world for *_, world in same]) for same in zip(*each, strict=True)]
        if any(world is None for world in stacked):
            return None
        return SideBySide(tuple(environments), [(*r, world) for r, world in zip(rounds[0], stacked, strict=True)])

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play the runs of a batch in lockstep."""
        out = self._play(environment, policy, batch, watch)
        losses = _regrets(batch.columns)
        rows = [
            losses.index(name) if name in losses else len(losses) + int(split_metric(name)[1])  # duels[a]
            for name in batch.columns
        ]
        return out[:, rows, :].transpose(2, 1, 0)

    def _play(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        n_arms, lanes, machine = int(environment.n_arms), batch.n_runs, batch.machine()
        parameters = policy.params(Problem(n_arms, batch.horizon))
        state = machine.state(policy, Space(n_arms, lanes, batch.horizon))
        environment_rng, policy_rng = batch.generators()
        losses = _regrets(batch.columns)
        counted = n_arms if len(losses) < len(batch.columns) else 0
        scratch = machine.scratch(lanes, **SCRATCH)
        tally = machine.zeros(len(losses) + counted, lanes)
        out = machine.zeros(len(batch.checkpoints), *tally.shape)
        for first, last, world in _worlds(environment, batch.horizon, losses):
            run = machine.kernel(play, world, parameters)
            for start, stop in machine.strides(first, last, lanes, self.first_call):
                with explained(policy, environment):
                    run(
                        world, parameters, state, environment_rng, policy_rng,
                        start, stop, tally, batch.checkpoints, out, scratch,
                    )  # fmt: skip
                watch((stop - start + 1) * lanes)
        return machine.fetch(out)

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> DuelingAgent:
        """Return an agent whose choices are those of run `run` of `seed`, given the same outcomes."""
        return DuelingAgent(policy, N_ARMS("n_arms", n_arms), seed, run, horizon)


def _regrets(metrics: tuple[str, ...]) -> list[str]:
    return [name for name in metrics if name in REGRETS]


def _worlds(environment: Any, horizon: int, metrics: list[str]) -> list[tuple[int, int, Any]]:
    """Return (first round, last round, what the kernel gets) of the stretches without a change."""
    if isinstance(environment, SideBySide):
        found: list[tuple[int, int, Any]] = environment.stacked
        return found
    return remembered(environment, "worlds", (horizon, *metrics), lambda: _make_worlds(environment, horizon, metrics))


def _make_worlds(environment: Any, horizon: int, metrics: list[str]) -> list[tuple[int, int, Any]]:
    n_arms, worlds = int(environment.n_arms), []
    for first, last, preferences in _segments(environment, horizon):
        losses = np.zeros((len(metrics), n_arms, n_arms))
        for row, metric in enumerate(metrics):
            with _noting(f"rounds {first} to {last}" if hasattr(environment, "segments") else ""):
                losses[row] = regret_table(preferences, metric)
        worlds.append((first, last, record("World", {"preferences": preferences, "losses": losses})))
    return worlds


def _segments(environment: Any, horizon: int) -> list[tuple[int, int, NDArray[np.float64]]]:
    """Return (first round, last round, matrix of preferences) of the stretches without a change, checked."""
    name = type(environment).__name__
    if not hasattr(environment, "segments"):
        return [(1, horizon, _matrix(environment, f"{name}.preferences", environment.preferences))]
    name = f"{name}.segments({horizon})"
    stretches = environment.segments(horizon)
    if not isinstance(stretches, list | tuple) or not all(
        isinstance(s, list | tuple) and len(s) == 3 for s in stretches
    ):
        raise InvalidType(f"{name} is {shown(stretches)}; allowed: a list of (first round, last round, preferences)")
    found, start = [], 1
    for k, (first, last, part) in enumerate(stretches):
        if integer(1)(f"{name}[{k}][0]", first) != start:
            raise InvalidArgument(
                f"{name}[{k}][0] is {first}; allowed: {start}, as no round is left out or played twice"
            )
        end = integer(start, horizon)(f"{name}[{k}][1]", last)
        found.append((start, end, _matrix(environment, f"{name}[{k}][2]", getattr(part, "preferences", part))))
        start = end + 1
    if start <= horizon:
        raise InvalidArgument(f"{name} ends with round {start - 1}; allowed: segments up to round {horizon}")
    return found


def _matrix(environment: Any, name: str, given: Any) -> NDArray[np.float64]:
    """Return a matrix for the environment's arms: compiled code would read outside of one that is smaller."""
    found: NDArray[np.float64] = preference_matrix(name, given)
    if len(found) != environment.n_arms:
        raise InvalidArgument(
            f"{name} has {len(found)} rows and {type(environment).__name__}.n_arms is {shown(environment.n_arms)}; "
            "allowed: as many"
        )
    return found.copy()


def _check_winners(environment: Any, metric: str) -> None:
    """Raise if a regret is against a winner that some preferences lack, as far as they do not depend on the horizon."""
    if not hasattr(environment, "segments"):
        regret_table(environment, metric)
        return
    for k, part in enumerate(getattr(environment, "matrices", [])):
        with _noting(f"{type(environment).__name__}.matrices[{k}]"):
            regret_table(part, metric)


@contextlib.contextmanager
def _noting(where: str) -> Iterator[None]:
    """Say at the end of an error which of several preferences it is about, if that is given."""
    try:
        yield
    except InvalidArgument as error:
        if not where:
            raise
        raise InvalidArgument(f"{error} (this is about {where})") from None
