"""Playing K-armed bandits: from environment and policy to the kernel, and the one-round-at-a-time agent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from banditlab.core import sampling
from banditlab.core.components import Problem, Space
from banditlab.core.dispatch import explained
from banditlab.core.machines import beside
from banditlab.core.protocol import Batch, Protocol, Watch
from banditlab.core.validation import integer, one_of

from .agent import Agent
from .kernel import OPTIMAL, PULLS, REGRET, REWARD, SCRATCH, play
from .support import Support

METRICS = ("regret", "reward", "optimal_rate", "pulls")

# A kernel call plays at most this many rounds, all lanes together: about a second of the slowest
# policy, so that progress shows and Ctrl-C works.
ROUNDS_A_CALL = 1 << 21


class ArmsProtocol(Protocol):
    """In each round the policy chooses an arm, sees that arm's reward, and learns from it."""

    def metric_names(self, environment: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        """Return one column a metric; `pulls` makes one an arm: `pulls[0]`, `pulls[1]`, ..."""
        names: list[str] = []
        for metric in requested:
            one_of(*METRICS)("metrics", metric)
            names += [f"pulls[{a}]" for a in range(environment.n_arms)] if metric == "pulls" else [metric]
        return tuple(names)

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Check rewards and horizon."""
        support = getattr(environment, "support", None) or Support(-math.inf, math.inf)
        return support.reasons_against(getattr(policy, "rewards", "any"))

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Return none: all kernels can be compiled for a device."""
        return []

    def lower_bound(self, environment: Any, rounds: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return C log t, the asymptotic lower bound of uniformly good policies, where the constant is known."""
        constant = environment.regret_constant() if hasattr(environment, "regret_constant") else None
        return None if constant is None else constant * np.log(rounds)

    def warm_up(self, environment: Any, policy: Any, batch: Batch) -> None:
        """Call the kernel on no rounds."""
        self._play(environment, policy, batch.empty(), _ignore)

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play the runs of a batch in lockstep."""
        out = self._play(environment, policy, batch, watch)
        rows = [PULLS + int(name[6:-1]) if name.startswith("pulls[") else ROWS[name] for name in batch.metrics]
        result = out[:, rows, :].transpose(2, 1, 0)
        for column, name in enumerate(batch.metrics):
            if name == "optimal_rate":
                result[:, column, :] /= beside(batch.checkpoints, out)
        return result

    def _play(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        n_arms, lanes, machine = environment.n_arms, batch.n_runs, batch.machine()
        problem = Problem(n_arms, batch.horizon)
        parameters = policy.params(problem)
        state = machine.state(policy, Space(n_arms, lanes, batch.horizon))
        environment_rng = sampling.seeded(batch.seed, sampling.ENVIRONMENT_STREAM, batch.first_run, lanes)
        policy_rng = sampling.seeded(batch.seed, sampling.POLICY_STREAM, batch.first_run, lanes)
        scratch = machine.scratch(lanes, **SCRATCH)
        tally = machine.zeros(1 if batch.metrics == ("regret",) else PULLS + n_arms, lanes)
        out = machine.zeros(len(batch.checkpoints), *tally.shape)
        for first, last, part in segments(environment, batch.horizon):
            world = part.params(problem)
            run = machine.kernel(play, world, parameters)
            for start, stop in machine.strides(first, last, lanes, ROUNDS_A_CALL):
                with explained(policy, part):
                    run(
                        world, parameters, state, n_arms, environment_rng, policy_rng,
                        start, stop, tally, batch.checkpoints, out, scratch,
                    )  # fmt: skip
                watch((stop - start + 1) * lanes)
        return machine.fetch(out)

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> Agent:
        """Return an agent whose choices are those of run `run` of `seed`, given the same rewards."""
        return Agent(policy, integer(1)("n_arms", n_arms), seed, run, horizon)


ROWS = {"regret": REGRET, "reward": REWARD, "optimal_rate": OPTIMAL}


def segments(environment: Any, horizon: int) -> list[tuple[int, int, Any]]:
    """Return (first round, last round, environment) of the stretches in which one environment's kernels play."""
    found = environment.segments(horizon) if hasattr(environment, "segments") else None
    return found or [(1, horizon, environment)]


def _ignore(rounds: int) -> None:
    """Do nothing."""
