"""Playing contextual duels: from environment and policy to the kernel."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from banditlab.core.compiling.kernels import explained
from banditlab.core.errors import InvalidArgument
from banditlab.core.protocol import Batch, Protocol, Watch
from banditlab.core.validation import boolean, integer, one_of

from ..agent import N_ARMS
from .agent import ContextualAgent
from .kernel import ERROR, REGRET, ROWS, VARIANCE, WEAK_REGRET, play
from .spaces import ContextualProblem, ContextualSpace

METRICS = {
    "contextual_regret": REGRET,
    "contextual_weak_regret": WEAK_REGRET,
    "duel_variance": VARIANCE,
    "estimation_error": ERROR,
}


class ContextualProtocol(Protocol):
    """In each round the policy sees a feature vector for every arm, chooses two arms, and sees which of them wins."""

    first_call = 1 << 12
    tries_all = False  # features tell of arms that were never compared
    default_metrics: ClassVar[tuple[str, ...]] = ("contextual_regret",)
    chunk: ClassVar[int | None] = 16
    """A run's state is large (estimates of K^2 pairs, samples), and a round long: few lanes stay in the cache."""

    def feedback(self, policy: type) -> str:
        """Return what a policy learns from."""
        return "the features of all arms, and which of two arms wins"

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return one column per metric."""
        for metric in requested:
            one_of(*METRICS)("metrics", metric)
        return requested

    def check_environment(self, environment: Any, horizon: int, *, closely: bool = True) -> None:
        """Check that there are arms, and as many parameters as features."""
        name = type(environment).__name__
        integer(2)(f"{name}.n_arms", environment.n_arms)
        boolean(f"{name}.every_round", environment.every_round)
        if integer(1)(f"{name}.dimension", environment.dimension) != np.size(environment.theta):
            raise InvalidArgument(
                f"{name}.theta has {np.size(environment.theta)} entries and {name}.dimension is "
                f"{environment.dimension}; allowed: as many"
            )

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Refuse environments that show no features."""
        if environment.family is not policy.family:
            return [
                "it chooses by features, and this environment shows none; allowed: ContextualGLM, or a policy for K "
                "arms such as RUCB"
            ]
        return []

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Say why not: to fit estimates, kernels allocate vectors and matrices for each duel."""
        return ["kernels of contextual duels make arrays while they play; allowed: the processor, where they can"]

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play the runs of a batch."""
        out = self._play(environment, policy, batch, watch)
        rows = [METRICS[name] for name in batch.columns]
        return out[:, rows, :].transpose(2, 1, 0)

    def _play(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        n_arms, lanes, dimension = int(environment.n_arms), batch.n_runs, int(environment.dimension)
        machine = batch.machine()
        problem = ContextualProblem(n_arms, batch.horizon, dimension)
        world, parameters = environment.params(problem), policy.params(problem)
        every_round = bool(environment.every_round)
        state = machine.state(policy, ContextualSpace(n_arms, lanes, batch.horizon, dimension, fixed=not every_round))
        environment_rng, policy_rng = batch.generators()
        features = np.zeros((n_arms, dimension, lanes))
        tally = machine.zeros(ROWS, lanes)
        out = machine.zeros(len(batch.checkpoints), ROWS, lanes)
        run = machine.kernel(play, world, parameters)
        for start, stop in machine.strides(1, batch.horizon, lanes, self.first_call):
            with explained(policy, environment):
                run(
                    world, parameters, state, features, environment_rng, policy_rng,
                    start, stop, every_round, tally, batch.checkpoints, out,
                )  # fmt: skip
            watch((stop - start + 1) * lanes)
        return machine.fetch(out)

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> ContextualAgent:
        """Return an agent whose choices are those of run `run` of `seed`, given the same features and outcomes."""
        return ContextualAgent(policy, N_ARMS("n_arms", n_arms), seed, run, horizon)
