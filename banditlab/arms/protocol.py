"""Playing K-armed bandits: from environment and policy to the kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from banditlab.core.compiling.kernels import explained
from banditlab.core.components import Problem, remembered
from banditlab.core.errors import InvalidArgument
from banditlab.core.machines import PRECISIONS, beside
from banditlab.core.origin import is_ours
from banditlab.core.protocol import Batch, Protocol, Watch
from banditlab.core.results.metrics import of_each, split_metric
from banditlab.core.stacked import SideBySide, stack
from banditlab.core.validation import integer, invalid, quoted, shown, vector

from .agent import Agent
from .environment_checks import check_kernels
from .kernel import OPTIMAL, PULLS, REGRET, REWARD, SCRATCH, play
from .support import reasons_against_rewards, support_of
from .tails import checked_level

METRICS = ("regret", "reward", "optimal_rate", "pulls")


class ArmsProtocol(Protocol):
    """In each round the policy chooses an arm, sees that arm's reward, and learns from it."""

    first_call = 1 << 21
    precisions = PRECISIONS
    allowed_metrics: ClassVar[tuple[str, ...]] = (*METRICS, "cvar_regret[0.05]")
    agent: ClassVar[type[Agent]] = Agent

    def feedback(self, policy: type) -> str:
        """Return what a policy learns from."""
        return "the reward of the arm played"

    def columns(self, environment: Any, policy: Any, requested: tuple[str, ...]) -> tuple[str, ...]:
        r"""Return one column per metric; `pulls` makes one per arm: `pulls[0]`, `pulls[1]`, ...

        `cvar_regret[0.05]` is the CVaR regret at the level in brackets: the sum over rounds of :math:`\max_b c_b -
        c_a`, where a is the arm played and :math:`c_a` the CVaR of its rewards.
        """
        names: list[str] = []
        for metric in requested:
            name, inside = split_metric(metric)
            if name == "cvar_regret" and inside:
                cvar_gaps(environment, metric, level_of(metric))
            elif metric == "optimal_rate" and hasattr(environment, "benchmark"):
                raise InvalidArgument(
                    f"metrics is 'optimal_rate', on {shown(environment)}; allowed: an environment whose regret is "
                    f"against each round's best arm, where this one's is against {environment.benchmark}"
                )
            elif metric not in self.allowed_metrics:
                raise invalid("metrics", metric, f"one of {quoted(self.allowed_metrics)} (with any level in brackets)")
            names += of_each(metric, environment.n_arms) if metric == "pulls" else [metric]
        return tuple(names)

    def check_environment(self, environment: Any, horizon: int, *, closely: bool = True) -> None:
        """Ask a user's environment for some of its rewards and gaps."""
        if not is_ours(type(environment).__module__):
            check_kernels(environment, support_of(environment), horizon, closely)

    def reasons_against(self, environment: Any, policy: Any, horizon: int) -> list[str]:
        """Check that the policy can learn from rewards as the environment gives them."""
        return reasons_against_rewards(environment, policy)

    def reasons_against_device(self, environment: Any, policy: Any) -> list[str]:
        """Return no reasons: all kernels can be compiled for a device."""
        return []

    def lower_bound(self, environment: Any, rounds: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return the asymptotic lower bound of uniformly good policies, where the constant is known."""
        constant = environment.lower_bound_constant() if hasattr(environment, "lower_bound_constant") else None
        return None if constant is None else constant * np.log(rounds)

    def side_by_side(self, environments: Sequence[Any], horizon: int, columns: tuple[str, ...]) -> SideBySide | None:
        """Return environments whose arms do not change, and whose tables have the same shape, as one."""
        if any(hasattr(world, "segments") for world in environments):
            return None
        stacked = stack([world.params(Problem(world.n_arms, horizon)) for world in environments])
        return None if stacked is None else SideBySide(tuple(environments), stacked)

    def simulate(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        """Play the runs of a batch in lockstep."""
        out = self._play(environment, policy, batch, watch)
        columns = [self._column(name, out, environment, policy, batch) for name in batch.columns]
        return np.stack(columns).transpose(2, 0, 1)

    def _column(
        self, name: str, out: NDArray[np.float64], environment: Any, policy: Any, batch: Batch
    ) -> NDArray[np.float64]:
        """Return a metric from the tallies: one row per checkpoint, one column per run."""
        metric, inside = split_metric(name)
        if metric == "cvar_regret":
            level = self.level(name, policy)
            worlds = environment.environments if isinstance(environment, SideBySide) else [environment]
            gaps = np.stack([cvar_gaps(world, name, level) for world in worlds], axis=1)  # one row per arm
            total = 0.0 * out[:, 0, :]
            for arm, lost in enumerate(gaps):  # not a matrix product, whose rounding depends on the shapes
                total += beside(lost, out) * out[:, PULLS + arm, :]
            return total
        if name == "optimal_rate":
            return out[:, OPTIMAL, :] / beside(batch.checkpoints, out)[:, None]
        return out[:, PULLS + int(inside) if metric == "pulls" else ROWS[name], :]

    def level(self, metric: str, policy: Any) -> float:
        """Return the level of a `cvar_regret`, which is in brackets."""
        return level_of(metric)

    def _play(self, environment: Any, policy: Any, batch: Batch, watch: Watch) -> NDArray[np.float64]:
        n_arms, lanes, machine = environment.n_arms, batch.n_runs, batch.machine()
        problem = Problem(n_arms, batch.horizon)
        parameters = policy.params(problem)
        state = machine.state(policy, self.agent.space(n_arms, lanes, batch.horizon))
        environment_rng, policy_rng = batch.generators()
        scratch = machine.scratch(lanes, **SCRATCH)
        tally = machine.zeros(1 if batch.columns == ("regret",) else PULLS + n_arms, lanes)
        out = machine.zeros(len(batch.checkpoints), *tally.shape)
        for first, last, part in segments(environment, batch.horizon):
            world = part.params(problem)
            run = machine.kernel(play, world, parameters)
            for start, stop in machine.strides(first, last, lanes, self.first_call):
                with explained(policy, part):
                    run(
                        world, parameters, state, n_arms, environment_rng, policy_rng,
                        start, stop, tally, batch.checkpoints, out, scratch,
                    )  # fmt: skip
                watch((stop - start + 1) * lanes)
        return machine.fetch(out)

    def start(self, policy: Any, n_arms: int, seed: int, run: int, horizon: int | None) -> Agent:
        """Return an agent whose choices are those of run `run` of `seed`, given the same rewards."""
        return self.agent(policy, integer(1, limit=2**31)("n_arms", n_arms), seed, run, horizon)


ROWS = {"regret": REGRET, "reward": REWARD}


def level_of(metric: str) -> float:
    """Return the level in the brackets of `cvar_regret[0.05]`, or raise."""
    try:
        level = float(split_metric(metric)[1])
    except ValueError:
        level = math.nan
    if math.isnan(level):
        raise invalid("metrics", metric, "'cvar_regret[0.05]', with a level in (0, 1]")
    return checked_level(f"the level of {metric!r}", level)


def cvar_gaps(environment: Any, metric: str, tau: float) -> NDArray[np.float64]:
    """Return the largest CVaR of an environment's arms minus each arm's; raise where an arm has no single CVaR."""

    def make() -> NDArray[np.float64]:
        if not hasattr(environment, "cvars"):
            raise InvalidArgument(
                f"metrics is {metric!r}, on {shown(environment)}; allowed: an environment with a method cvars(tau); "
                "arms that change have not one CVaR each that could be compared, but 'reward' can be recorded"
            )
        name = f"{type(environment).__name__}.cvars({tau:g})"
        cvars = vector()(name, environment.cvars(tau))
        if len(cvars) != environment.n_arms:
            raise InvalidArgument(f"{name} has {len(cvars)} entries; allowed: {environment.n_arms}, one per arm")
        return np.asarray(cvars.max() - cvars)

    # quadrature takes milliseconds per arm, and every task asks for it
    return remembered(environment, "CVaR gaps", tau, make)


def segments(environment: Any, horizon: int) -> list[tuple[int, int, Any]]:
    """Return (first round, last round, environment) of the stretches in which one environment's kernels play."""
    found = environment.segments(horizon) if hasattr(environment, "segments") else None
    return found or [(1, horizon, environment)]
