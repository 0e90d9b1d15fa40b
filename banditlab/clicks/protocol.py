"""Playing strategic click-bandits: from environment and policy to the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core import sampling
from banditlab.core.compiling.kernels import explained
from banditlab.core.components import Problem
from banditlab.core.machines import PRECISIONS, Machine, Processor
from banditlab.core.protocol import Batch, Protocol, Watch, unwatched
from banditlab.core.results.metrics import of_each, split_metric
from banditlab.core.validation import integer, one_of

from .agent import ClickAgent
from .kernel import COUNTS, SCRATCH, play
from .spaces import InformedSpace

METRICS = ("regret", "selections", "clicks", "screened", "screening_round")
AN_ARM_EACH = METRICS[1:]


class ClicksProtocol(Protocol):
    """In each round the policy selects an arm, sees whether it is clicked and, if so, its post-click reward."""

    first_call = 1 << 21
    precisions = PRECISIONS

    def feedback(self, policy: type) -> str:
        """Return what a policy learns from."""
        return "whether the arm selected is clicked and, if so, its post-click reward"

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return one column per metric; all except regret make one per arm: `clicks[0]`, `clicks[1]`, ..."""
        names: list[str] = []
        for metric in requested:
            one_of(*METRICS)("metrics", metric)
            names += of_each(metric, environment.n_arms) if metric in AN_ARM_EACH else [metric]
        return tuple(names)

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Check that there is one strategy per arm, which an environment's own `validate` may not have done."""
        n, best = len(environment.strategies), environment.best_utility
        found = [] if n == environment.n_arms else [f"it has {environment.n_arms} arms and {n} strategies"]
        return found if np.isfinite(best) else [*found, f"its best_utility is {best}"]

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Return no reasons: all kernels can be compiled for a device."""
        return []

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play the runs of a batch in lockstep."""
        runs = np.arange(batch.first_run, batch.first_run + batch.n_runs)
        played = Profiles(np.tile(environment.strategies[:, None], len(runs)), runs, batch.seed)
        out = play_profiles(environment, policy, played, batch.horizon, batch.checkpoints, batch.machine(), watch=watch)
        columns = [_column(out, name, environment.n_arms) for name in batch.columns]
        return np.stack(columns).transpose(2, 0, 1)

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> ClickAgent:
        """Return an agent whose choices are those of run `run` of `seed`, given the same clicks and rewards."""
        if hasattr(policy, "validate_alone"):
            policy.validate_alone()
        return ClickAgent(policy, integer(1, limit=2**31)("n_arms", n_arms), seed, run, horizon)


def _column(out: NDArray[np.float64], name: str, n_arms: int) -> NDArray[np.float64]:
    """Return a metric from the kernel's output: one row per checkpoint, one column per lane."""
    metric, arm = split_metric(name)
    if metric == "regret":
        return out[:, 0]
    block = {"selections": 0, "clicks": 1, "screened": 2, "screening_round": 2}[metric]
    values = out[:, COUNTS + block * n_arms + int(arm)]
    if metric == "screened":
        return (values > 0.0).astype(np.float64)
    if metric == "screening_round":
        return np.where(values > 0.0, values, np.nan)
    return values


@dataclass(frozen=True)
class Profiles:
    """Who plays what on which luck: one lane per column.

    Attributes
    ----------
    strategies : float64 array
        One row per arm, one column per lane.
    runs : int64 array
        The run whose random numbers each lane uses; lanes with the same run share their luck.
    seed : int
        The seed of those runs.
    """

    strategies: NDArray[np.float64]
    runs: NDArray[np.int64]
    seed: int

    def generators(self, stream: int) -> NDArray[np.uint64]:
        """Return the generators of all lanes."""
        runs, lane_of = np.unique(self.runs, return_inverse=True)
        blocks = np.split(runs, np.flatnonzero(np.diff(runs) > 1) + 1)
        made = [sampling.seeded(self.seed, stream, int(block[0]), len(block)) for block in blocks]
        return np.ascontiguousarray(np.concatenate(made, axis=1)[:, lane_of])


def play_profiles(
    environment: Any,
    policy: Any,
    played: Profiles,
    horizon: int,
    checkpoints: NDArray[np.int64],
    machine: Machine | None = None,
    *,
    watch: Watch = unwatched,
) -> NDArray[np.float64]:
    """Play a policy against strategy profiles and return what `kernel.play` writes: one table per checkpoint.

    The environment's own strategies are not used.
    """
    machine = machine or Processor()
    n_arms, lanes = played.strategies.shape
    problem = Problem(n_arms, horizon)
    informed = policy.informed(environment) if hasattr(policy, "informed") else policy
    world, parameters = environment.params(problem), informed.params(problem)
    strategies = np.array(played.strategies, order="C")  # a copy: a read-only array would need a kernel of its own
    shown = strategies.copy()
    shown.setflags(write=False)  # a policy may look at the strategies, if it must, but not change them
    state = machine.state(informed, InformedSpace(n_arms, lanes, horizon, environment, shown))
    environment_rng = played.generators(sampling.ENVIRONMENT_STREAM)
    policy_rng = played.generators(sampling.POLICY_STREAM)
    scratch = machine.scratch(lanes, **SCRATCH)
    tally = machine.zeros(2 * n_arms, lanes)
    out = machine.zeros(len(checkpoints), COUNTS + 3 * n_arms, lanes)
    run = machine.kernel(play, world, parameters)
    for start, stop in machine.strides(1, horizon, lanes, ClicksProtocol.first_call):
        with explained(policy, environment):
            run(
                world, parameters, state, strategies, environment_rng, policy_rng,
                start, stop, tally, checkpoints, out, scratch,
            )  # fmt: skip
        watch((stop - start + 1) * lanes)
    return machine.fetch(out)
